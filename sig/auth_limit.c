/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/auth_limit.h"

#include "base/clock.h"

enum { USER_MAX = 128 }; /* no extension is called so */

uint64_t auth_limit_id(const struct hash_key *key, const struct addr *source, struct bytes user)
{
	uint8_t text[sizeof(source->ip) + USER_MAX];
	struct writer w = writer_over(text, sizeof(text));
	uint64_t id;

	writer_mem(&w, source->ip, sizeof(source->ip));
	writer_bytes(&w, bytes_sub(user, 0, USER_MAX));
	id = hash_sip(key, writer_done(&w));
	return id ? id : 1;
}

static struct auth_limit_entry *find(const struct auth_limit *l, uint64_t id)
{
	const struct auth_limit_entry *set = l->sets[id % AUTH_LIMIT_SETS];

	for (size_t i = 0; i < AUTH_LIMIT_WAYS; i++) {
		if (set[i].id == id)
			return (struct auth_limit_entry *)(uintptr_t)&set[i];
	}
	return NULL;
}

/* A free one, or the one that failed longest ago. */
static struct auth_limit_entry *take(struct auth_limit *l, uint64_t id, uint64_t now_ns)
{
	struct auth_limit_entry *set = l->sets[id % AUTH_LIMIT_SETS], *oldest = set;

	for (size_t i = 1; i < AUTH_LIMIT_WAYS; i++) {
		if (set[i].last_ns < oldest->last_ns)
			oldest = &set[i];
	}
	*oldest = (struct auth_limit_entry){ .id = id, .first_ns = now_ns };
	return oldest;
}

uint64_t auth_limit_wait_ns(const struct auth_limit *l, uint64_t id, uint64_t now_ns)
{
	const struct auth_limit_entry *e = find(l, id);

	return e && e->until_ns > now_ns ? e->until_ns - now_ns : 0;
}

static uint64_t wait_ns(uint32_t waits)
{
	uint64_t s = AUTH_LIMIT_WAIT_MIN_S;

	while (--waits && s < AUTH_LIMIT_WAIT_MAX_S)
		s *= 2;
	return (s < AUTH_LIMIT_WAIT_MAX_S ? s : AUTH_LIMIT_WAIT_MAX_S) * NS_PER_S;
}

bool auth_limit_failed(struct auth_limit *l, uint64_t id, uint64_t now_ns)
{
	struct auth_limit_entry *e = find(l, id);

	if (!e)
		e = take(l, id, now_ns);
	if (now_ns - e->last_ns > AUTH_LIMIT_FORGET_S * NS_PER_S)
		e->waits = 0;
	if (now_ns - e->first_ns > AUTH_LIMIT_WINDOW_S * NS_PER_S) {
		e->first_ns = now_ns;
		e->failures = 0;
	}
	e->last_ns = now_ns;
	if (++e->failures < AUTH_LIMIT_FAILURES && !e->waits)
		return false;
	e->waits += e->waits < UINT32_MAX;
	e->until_ns = now_ns + wait_ns(e->waits);
	return true;
}

void auth_limit_passed(struct auth_limit *l, uint64_t id)
{
	struct auth_limit_entry *e = find(l, id);

	if (e)
		*e = (struct auth_limit_entry){ 0 };
}
