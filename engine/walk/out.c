/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/out.h"

#include "engine/flow/detail.h"
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
		p->flow->stats.dropped++;
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

void out_stage(struct worker *w, struct batch *b)
{
	if (b->count == 0)
		return;
	out_count(w, b);
	w->port->ops->tx(w->port, b);
	b->done = b->opened = 0;
	b->notices = 0;
}
