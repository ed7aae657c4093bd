/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/out.h"

#include "base/validity.h"
#include "engine/flow/detail.h"
#include "engine/flow/shortcut_keep.h"
#include "engine/walk/worker.h"

struct tally {
	uint32_t verdicts[VERDICT_COUNT];
	uint64_t octets_in, octets_out;
	uint32_t made;
};

static NOINLINE void pkt_tally_odd(struct tally *t, const struct pkt *p)
{
	assert(p->verdict != VERDICT_NONE && p->verdict < VERDICT_COUNT);
	t->verdicts[p->verdict]++;
	if (UNLIKELY(p->made))
		t->made++;
	else
		t->octets_in += p->received;
	if (p->verdict == VERDICT_RELAY) {
		t->octets_out += p->length;
	} else if (p->flow) {
		p->flow->stats.dropped += p->verdict != VERDICT_TRANSCODED;
		detail_drop(p->flow, p);
	}
}

/* In four words, where nothing is odd: they stay in registers. */
static void batch_tally(struct tally *t, const struct batch *b)
{
	uint64_t octets_in = 0, octets_out = 0;
	uint32_t relayed = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		const struct pkt *p = &b->list[i];

		if (UNLIKELY(p->verdict != VERDICT_RELAY || p->made)) {
			pkt_tally_odd(t, p);
			continue;
		}
		relayed++;
		octets_in += p->received;
		octets_out += p->length;
	}
	t->verdicts[VERDICT_RELAY] += relayed;
	t->octets_in += octets_in;
	t->octets_out += octets_out;
}

static void out_tally_publish(const struct tally *t, const struct media_metrics *m, uint32_t count)
{
	metric_add(m->packets_in, count - t->made);
	if (t->made > 0)
		metric_add(m->made, t->made);
	metric_add(m->octets_in, t->octets_in);
	metric_add(m->packets_out, t->verdicts[VERDICT_RELAY]);
	metric_add(m->octets_out, t->octets_out);
	metric_add(m->relayed, t->verdicts[VERDICT_RELAY]);
	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		if (t->verdicts[v] > 0)
			metric_add(m->dropped[v], t->verdicts[v]);
}

void out_count(struct worker *w, const struct batch *b)
{
	struct tally t = { 0 };

	batch_tally(&t, b);
	out_tally_publish(&t, w->metrics, b->count);
}

/* It was counted as sent where it was relayed; what is made here stays counted. */
static void pkt_fence(struct worker *w, struct pkt *p)
{
	p->verdict = VERDICT_FENCED;
	validity_withhold(w->validity, p->peer->place);
	if (p->made)
		return;
	if (p->kind == PKT_RTCP)
		p->peer->stats.rtcp_out--;
	else if (p->kind == PKT_RTP)
		flow_uncount_out(p->peer, p->length, p->payload_length);
}

static NOINLINE uint64_t batch_fence(struct worker *w, struct batch *b)
{
	uint64_t least = UINT64_MAX;

	BATCH_EACH(p, b)
	{
		uint64_t until;

		if (p->verdict != VERDICT_RELAY)
			continue;
		until = validity_until(w->validity, p->peer->place);
		if (w->now_ns >= until)
			pkt_fence(w, p);
		else if (until < least)
			least = until;
	}
	return least;
}

/* With the time of the batch: the port asks again just before it sends. */
uint64_t out_fence(struct worker *w, struct batch *b)
{
	uint64_t least = validity_least(w->validity);

	return LIKELY(w->now_ns < least) ? least : batch_fence(w, b);
}

void out_stage(struct worker *w, struct batch *b)
{
	if (b->count == 0)
		return;
	port_limit(w->port, out_fence(w, b));
	out_count(w, b);
	shortcut_keep_stage(w, b);
	w->port->ops->tx(w->port, b);
	b->done = b->opened = 0;
	b->notices = 0;
}
