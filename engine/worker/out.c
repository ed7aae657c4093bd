/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of every packet: fencing, direct hand-over between flows of one worker, counting of
 * verdicts, and return of buffers to the port. It is the only stage that drops. A packet of a shard
 * with an expired lease is withheld here, and the port asks again right before it sends
 * (base/validity.h). Packets to another flow of this worker skip the kernel (docs/adr/0009).
 */

#include "base/validity.h"
#include "engine/worker/flow.h"
#include "engine/worker/shortcut.h"
#include "engine/worker/stage.h"
#include "engine/worker/worker.h"

/* The party is a flow of this node, and the packet leaves from the address it expects. */
static bool hand_is_ours(const struct pkt *p)
{
	const struct flow *peer = p->peer;

	return p->verdict == VERDICT_RELAY && peer && peer->own && !p->made &&
	       p->out_slot == peer->id.slot &&
	       (p->kind == PKT_RTP || p->kind == PKT_RTCP || p->kind == PKT_OPAQUE);
}

/* The receiving port, if it is a flow of this worker with nothing but a socket. */
static bool hand_find(const struct worker *w, const struct pkt *p, struct local *to)
{
	const struct flow *f;

	if (!hand_is_ours(p) || !own_ports_find(w->own, p->to, to) || to->worker != w->index ||
	    to->slot >= w->flows.capacity)
		return false;
	f = &w->flows.list[to->slot];
	return f->id.generation != 0 && f->own && !f->transport && !f->secure &&
	       addr_eq(&f->local[to->channel], p->to);
}

static void hand_arrive(struct pkt *out, const struct pkt *p, const struct local *to)
{
	*out = (struct pkt){
		.data = p->data,
		.length = p->length,
		.buffer = p->buffer,
		.slot = to->slot,
		.channel = to->channel,
		.from = p->peer->local[p->out_channel],
		.tail_sum = p->tail_sum,
		.tail_known = p->tail_known,
	};
}

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
static uint64_t out_fence(struct worker *w, struct batch *b)
{
	uint64_t least = validity_least(w->validity);

	return LIKELY(w->now_ns < least) ? least : batch_fence(w, b);
}

bool hand_over(struct worker *w, struct batch *b, uint32_t from)
{
	struct batch *handed = &w->handed;
	struct local to[BATCH_MAX];
	uint32_t kept = from;

	assert(handed->count == 0);
	(void)out_fence(w, b); /* a fenced shard is silent towards flows of this node, too */
	for (uint32_t i = from; i < b->count; i++) {
		struct pkt *p = &b->list[i];

		if (hand_find(w, p, &to[handed->count]))
			handed->list[handed->count++] = *p;
		else if (kept++ != i)
			b->list[kept - 1] = *p;
	}
	b->count = kept;
	if (handed->count == 0)
		return false;
	out_count(w, handed); /* as of any that left and came */
	metric_add(w->metrics->handed, handed->count);
	for (uint32_t i = 0; i < handed->count; i++) {
		const struct pkt sent = handed->list[i];

		hand_arrive(&handed->list[i], &sent, &to[i]);
	}
	handed->now_ns = b->now_ns;
	handed->done = handed->opened = handed->notices = 0;
	return true;
}

void hand_back(struct worker *w, struct batch *b)
{
	struct batch *handed = &w->handed;

	assert(b->count + handed->count <= BATCH_MAX);
	memcpy(b->list + b->count, handed->list, handed->count * sizeof(handed->list[0]));
	b->count += handed->count;
	handed->count = 0;
}

void hand_refuse(struct worker *w, struct batch *b, uint32_t from)
{
	struct local to;

	for (uint32_t i = from; i < b->count; i++) {
		struct pkt *p = &b->list[i];

		if (!hand_find(w, p, &to))
			continue;
		p->verdict = VERDICT_LOOP;
		if (p->kind == PKT_RTP)
			flow_uncount_out(p->peer, p->length, p->payload_length);
	}
}

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
