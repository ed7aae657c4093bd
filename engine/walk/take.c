/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/take.h"

#include "engine/walk/worker.h"

/* The job that takes it; NULL: none does. Digits are told, and said to nobody; a room knows their numbers, which are not missing then. */
static struct job *pkt_taker(const struct worker *w, const struct pkt *p)
{
	struct job *j;

	if (p->verdict != VERDICT_ALONE || p->flow->listener.job == 0)
		return NULL;
	j = &w->jobs.list[p->flow->listener.job - 1];
	return j->kind->take && (!p->event || j->kind->member) ? j : NULL;
}

/* Relayed audio that a tone is mixed into. */
static bool is_with_tone(const struct pkt *p)
{
	return p->verdict == VERDICT_RELAY && p->kind == PKT_RTP && !p->event &&
	       p->peer->making & MAKING_TONE;
}

static void takers_fetch(struct batch *b, struct job *const takers[BATCH_MAX], bool first)
{
	BATCH_REST(p, b)
	{
		const struct job *j = takers[p - b->list];

		if (j && j->kind->fetch)
			j->kind->fetch(j, p, first);
	}
}

void take_stage(struct worker *w, struct batch *b)
{
	struct job *takers[BATCH_MAX];

	if (LIKELY((w->jobs.takers | w->transcoders.open | w->overlays.sounding) == 0))
		return;
	BATCH_REST(p, b)
	takers[p - b->list] = pkt_taker(w, p);
	takers_fetch(b, takers, true);
	takers_fetch(b, takers, false);
	BATCH_REST(p, b)
	{
		struct job *j = takers[p - b->list];

		if (p->verdict == VERDICT_TRANSCODED)
			p->verdict = (uint8_t)transcoder_queue(w, p);
		else if (is_with_tone(p))
			p->verdict = (uint8_t)overlay_take(w, p);
		if (j)
			p->verdict = (uint8_t)j->kind->take(w, j, p);
	}
}
