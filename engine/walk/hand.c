/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/hand.h"

#include "engine/walk/out.h"
#include "engine/walk/worker.h"

/* The party is a flow of this node, and the packet leaves by the socket that this one would know. */
static bool hand_is_ours(const struct pkt *p)
{
	const struct flow *peer = p->peer;

	return p->verdict == VERDICT_RELAY && peer && peer->own && !p->made &&
	       p->out_slot == peer->id.slot &&
	       (p->kind == PKT_RTP || p->kind == PKT_RTCP || p->kind == PKT_OPAQUE);
}

/* Whose port it goes to, where that is a flow of this worker with nothing but a socket. */
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

bool hand_take(struct worker *w, struct batch *b, uint32_t from)
{
	struct batch *handed = &w->handed;
	struct local to[BATCH_MAX];
	uint32_t kept = from;

	assert(handed->count == 0);
	(void)out_fence(w, b); /* who is silent is so towards flows of this node, too */
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
