/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/video_losses.h"

#include <string.h>

/* It is there after all, or it was never missed. */
static void loss_remove(struct losses *l, uint16_t sequence)
{
	for (uint8_t i = 0; i < l->count; i++) {
		if (l->list[i].sequence != sequence)
			continue;
		l->count--;
		memmove(&l->list[i], &l->list[i + 1], (l->count - i) * sizeof(l->list[0]));
		return;
	}
}

bool losses_note(struct losses *l, uint16_t highest, uint16_t sequence, uint64_t now_ns)
{
	int16_t ahead = (int16_t)(sequence - highest);

	if (ahead <= 0) {
		loss_remove(l, sequence);
		return true;
	}
	if (l->count + ahead - 1 > LOSSES_MAX) {
		losses_forget(l);
		return false;
	}
	for (uint16_t missing = (uint16_t)(highest + 1); missing != sequence; missing++)
		l->list[l->count++] =
			(struct loss){ .sequence = missing, .since_ns = now_ns, .due_ns = now_ns };
	return true;
}

static bool loss_is_due(const struct loss *k, uint64_t now_ns)
{
	return now_ns >= k->due_ns || now_ns >= k->since_ns + LOSS_OLD_NS;
}

bool losses_are_due(const struct losses *l, uint64_t now_ns)
{
	if (l->count == 0 || (l->asked_ns && now_ns < l->asked_ns + LOSSES_EVERY_NS))
		return false;
	for (uint8_t i = 0; i < l->count; i++)
		if (loss_is_due(&l->list[i], now_ns))
			return true;
	return false;
}

static bool loss_is_hopeless(const struct loss *k, uint64_t now_ns)
{
	return now_ns >= k->since_ns + LOSS_OLD_NS ||
	       (k->tries == LOSS_TRIES && loss_is_due(k, now_ns));
}

static void loss_give_up(const struct loss *k, struct losses_asked *out)
{
	out->given_up++;
	out->since_ns = k->since_ns;
}

static void loss_ask(struct loss *k, uint64_t now_ns, uint64_t again_ns, struct losses_asked *out)
{
	if (!loss_is_due(k, now_ns))
		return;
	out->numbers[out->count++] = k->sequence;
	k->tries++;
	k->due_ns = now_ns + again_ns;
}

void losses_ask(struct losses *l, uint64_t now_ns, uint64_t again_ns, struct losses_asked *out)
{
	uint8_t kept = 0;

	*out = (struct losses_asked){ 0 };
	for (uint8_t i = 0; i < l->count; i++) {
		struct loss k = l->list[i];

		if (loss_is_hopeless(&k, now_ns)) {
			loss_give_up(&k, out);
			continue;
		}
		loss_ask(&k, now_ns, again_ns, out);
		l->list[kept++] = k;
	}
	l->count = kept;
	l->asked_ns = now_ns;
}
