/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/lookup/lookup_blocked.h"

#include "base/clock.h"

static bool target_eq(const struct lookup_target *a, const struct lookup_target *b)
{
	return a->transport == b->transport && addr_eq(&a->to, &b->to);
}

static uint32_t blocked_for_s(uint32_t wish_s)
{
	if (!wish_s)
		return BLOCKED_S;
	return wish_s > BLOCKED_MAX_S ? BLOCKED_MAX_S : wish_s;
}

void blocked_add(struct lookup_blocked *b, const struct lookup_target *target, uint32_t for_s,
		 uint64_t now_ns)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < BLOCKED_MAX; i++) {
		if (b->list[i].until_ns && target_eq(&b->list[i].target, target)) {
			at = i;
			break;
		}
		if (b->list[i].until_ns < b->list[at].until_ns)
			at = i;
	}
	b->list[at].target = *target;
	b->list[at].until_ns = now_ns + blocked_for_s(for_s) * NS_PER_S;
}

uint64_t blocked_until_ns(const struct lookup_blocked *b, const struct lookup_target *target,
			  uint64_t now_ns)
{
	for (uint32_t i = 0; i < BLOCKED_MAX; i++) {
		if (b->list[i].until_ns > now_ns && target_eq(&b->list[i].target, target))
			return b->list[i].until_ns;
	}
	return 0;
}

bool blocked_has(const struct lookup_blocked *b, const struct lookup_target *target,
		 uint64_t now_ns)
{
	return blocked_until_ns(b, target, now_ns) != 0;
}

void blocked_order(const struct lookup_blocked *b, struct lookup *l, uint64_t now_ns)
{
	struct lookup_target last[LOOKUP_TARGETS_MAX];
	uint32_t n = 0, behind = 0;

	for (uint32_t i = 0; i < l->target_count; i++) {
		if (blocked_has(b, &l->targets[i], now_ns))
			last[behind++] = l->targets[i];
		else
			l->targets[n++] = l->targets[i];
	}
	memcpy(l->targets + n, last, behind * sizeof(last[0]));
}
