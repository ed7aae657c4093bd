/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/out.h"

#include "engine/detail.h"
#include "engine/worker.h"

struct tally {
	uint32_t verdicts[VERDICT_COUNT];
	uint64_t octets_in, octets_out;
	uint32_t made;
};

static void pkt_tally(struct tally *t, const struct pkt *p)
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

static void tally_publish(const struct tally *t, const struct media_metrics *m, uint32_t count)
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

void out_stage(struct worker *w, struct batch *b)
{
	struct tally t = { 0 };

	if (b->count == 0)
		return;
	BATCH_EACH(p, b)
	pkt_tally(&t, p);
	tally_publish(&t, w->metrics, b->count);
	w->port->ops->tx(w->port, b);
	b->done = 0;
}
