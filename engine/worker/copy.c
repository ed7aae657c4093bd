/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies packets for readers on other threads: for watched flows at the points of their path
 * (media/capture.h), and for taps of recordings, live audio and forks (media/tap.h). Both are rings
 * with one reader each; a full one loses the copy and counts it, since the worker must not wait. A
 * tapped or watched flow has no shortcut, so the kernel forwards nothing past the copies.
 */

#include <string.h>

#include "engine/worker/copy.h"
#include "engine/worker/detector.h"
#include "engine/worker/shortcut.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"
#include "media/tap.h"

enum { ORDERS = 256 };

int capture_open(struct capture *c, uint32_t packets)
{
	int err = ring_open(&c->packets, sizeof(struct capture_packet), packets);

	if (!err)
		err = ring_open(&c->orders, sizeof(struct capture_order), ORDERS);
	return err;
}

void capture_close(struct capture *c)
{
	ring_close(&c->packets);
	ring_close(&c->orders);
}

static uint8_t capture_points_of(const struct capture *c, uint64_t call)
{
	uint8_t points = 0;

	for (size_t i = 0; i < CAPTURE_OWNERS; i++)
		points |= c->everyone[i];
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->calls[i].call == call)
			points |= c->calls[i].points;
	}
	return points;
}

static void flow_watch(struct worker *w, struct flow *f, uint8_t points)
{
	if (points) /* what has begun to leave below is over in a moment: it does not matter here */
		(void)shortcut_rest(w, f->id);
	w->flows.watched += (points != 0) - (f->watch != 0);
	f->watch = points;
}

void capture_flow_opened(struct worker *w, struct flow *f)
{
	flow_watch(w, f, capture_points_of(&w->capture, f->call));
}

static struct capture_order *capture_call_find(struct capture *c, const struct capture_order *o)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->calls[i].call == o->call && c->calls[i].owner == o->owner)
			return &c->calls[i];
	}
	return NULL;
}

static void order_note(struct worker *w, const struct capture_order *o)
{
	struct capture *c = &w->capture;
	struct capture_order *known = capture_call_find(c, o);

	if (!known && !o->points)
		return;
	if (!known && c->count == CAPTURE_CALLS_MAX) {
		metric_add(w->metrics->capture_refused, 1);
		return;
	}
	if (!known)
		known = &c->calls[c->count++];
	*known = *o;
	if (!o->points)
		*known = c->calls[--c->count];
}

static void order_apply(struct worker *w, const struct capture_order *o)
{
	assert(o->owner < CAPTURE_OWNERS);
	if (o->call)
		order_note(w, o);
	else
		w->capture.everyone[o->owner] = o->points;
	for (uint32_t i = 0; i < w->flows.count; i++) {
		struct flow *f = &w->flows.list[w->flows.active[i]];

		if (!o->call || f->call == o->call)
			flow_watch(w, f, capture_points_of(&w->capture, f->call));
	}
}

void capture_drain(struct worker *w)
{
	struct capture_order o;

	while (UNLIKELY(ring_pop(&w->capture.orders, &o, 1) == 1))
		order_apply(w, &o);
}

/* Where the party sends to: a line of a bundle has the port of another. */
static struct addr capture_local_of(const struct worker *w, const struct flow *f, enum channel c)
{
	const struct flow *owner = worker_owner(w, f);

	return (owner ? owner : f)->local[c];
}

static void fill_in(const struct worker *w, struct capture_packet *c, const struct pkt *p)
{
	const struct flow *f = p->flow;
	bool rtcp = p->channel == CHANNEL_RTCP && !f->rtcp_mux;

	c->from = p->from;
	c->to = capture_local_of(w, f, rtcp ? CHANNEL_RTCP : CHANNEL_RTP);
}

static void fill_out(const struct worker *w, struct capture_packet *c, const struct pkt *p)
{
	c->from = capture_local_of(w, p->peer, (enum channel)p->out_channel);
	c->to = *p->to;
}

static void pkt_copy(struct worker *w, const struct pkt *p, struct flow *f, uint64_t now_ns,
		     enum capture_point point)
{
	uint16_t length = p->length < CAPTURE_OCTETS_MAX ? p->length : CAPTURE_OCTETS_MAX;
	struct capture_packet *c = ring_reserve(&w->capture.packets);

	if (!c) {
		f->capture_lost++;
		metric_add(w->metrics->capture_lost, 1);
		return;
	}
	c->flow = f->id;
	c->call = f->call;
	c->time_ns = now_ns;
	c->lost = f->capture_lost;
	c->leg = f->leg;
	c->line = f->line;
	c->point = (uint8_t)point;
	c->rtcp = p->kind == PKT_RTCP;
	c->watched = f->watch;
	c->length = length;
	if (point & (CAPTURE_IN_WIRE | CAPTURE_IN_PLAIN))
		fill_in(w, c, p);
	else
		fill_out(w, c, p);
	memcpy(c->octets, p->data, length);
	f->capture_lost = 0;
	ring_publish(&w->capture.packets);
}

/* NULL: it does not pass this point. */
static struct flow *flow_at(const struct pkt *p, enum capture_point point)
{
	switch (point) {
	case CAPTURE_IN_WIRE:
		return p->flow;
	case CAPTURE_IN_PLAIN:
		return p->verdict == VERDICT_NONE ? p->flow : NULL;
	case CAPTURE_OUT_PLAIN:
	case CAPTURE_OUT_WIRE:
		return p->verdict == VERDICT_RELAY ? p->peer : NULL;
	}
	return NULL;
}

/* A WebRTC leg's checks and handshakes end here, and are never encrypted. */
static bool is_shown_as_plain(const struct pkt *p, const struct flow *f, enum capture_point point)
{
	return point == CAPTURE_IN_WIRE && (f->transport != 0 || f->dtls->role != DTLS_NONE) &&
	       (p->kind == PKT_STUN || p->kind == PKT_DTLS);
}

void capture_copy(struct worker *w, const struct batch *b, enum capture_point point)
{
	for (const struct pkt *p = b->list; p < b->list + b->count; p++) {
		struct flow *f = flow_at(p, point);
		unsigned points = f ? f->watch : 0;

		if (p->kind == PKT_RTCP)
			points |= points >> 4;
		if (points & point)
			pkt_copy(w, p, f, b->now_ns, point);
		if (points & CAPTURE_IN_PLAIN && is_shown_as_plain(p, f, point))
			pkt_copy(w, p, f, b->now_ns, CAPTURE_IN_PLAIN);
	}
}

enum { PAYLOAD_TYPE = 0x7f };

/* Readers of the packets to a party, too. */
enum { TAPS_TO_PARTY = 1U << TAP_RECORD | 1U << TAP_LIVE };

static_assert(sizeof(struct tap_packet) % 8 == 0, "the octets behind it are aligned");

static void tap_rtp_note(struct tap_packet *t, const struct flow *f, uint8_t payload_type)
{
	uint8_t i = f->rule_of[payload_type];

	if (i == PAYLOAD_NONE) {
		t->kind = payload_type == f->event_pt ? TAP_EVENT : TAP_SOUND;
		return;
	}
	t->kind = f->rules[i].event ? TAP_EVENT : TAP_SOUND;
	t->codec = f->rule_codecs[i];
	t->clock_hz = f->rules[i].clock_hz;
}

static void tap_put(struct worker *w, struct flow *f, const struct pkt *p, enum tap_reader reader,
		    const struct tap_packet *head)
{
	struct tap_packet *t = byte_ring_reserve(&w->taps[reader], sizeof(*t) + p->length);

	if (UNLIKELY(!t)) {
		f->tap_lost[reader]++;
		metric_add(w->metrics->tap_lost[reader], 1);
		return;
	}
	*t = *head;
	t->number = f->tap_number[reader];
	t->lost = f->tap_lost[reader];
	memcpy(t + 1, p->data, p->length);
	f->tap_lost[reader] = 0;
}

static void tap_copy(struct worker *w, struct flow *f, const struct pkt *p, bool rtcp,
		     struct tap_packet *head)
{
	unsigned taps = head->side == TAP_TO_PARTY ? f->taps & TAPS_TO_PARTY : f->taps;

	if (head->side == TAP_TO_PARTY && p->made && p->unrecorded)
		taps &= ~(1U << TAP_RECORD);
	head->call = f->call;
	head->leg = f->leg;
	head->line = f->line;
	head->length = p->length;
	if (rtcp)
		head->kind = TAP_RTCP;
	else
		tap_rtp_note(head, f, p->data[1] & PAYLOAD_TYPE);
	for (unsigned i = 0; i < TAP_READERS; i++)
		if (taps & 1U << i)
			tap_put(w, f, p, (enum tap_reader)i, head);
}

static struct addr tap_local(const struct worker *w, const struct flow *f, bool rtcp)
{
	return capture_local_of(w, f, rtcp && !f->rtcp_mux ? CHANNEL_RTCP : CHANNEL_RTP);
}

void leg_tap_from_party(struct worker *w, struct flow *f, const struct pkt *p, uint64_t now_ns)
{
	if (f->taps & TAPS_EAR)
		detector_receive(w, f, p);
	tap_copy(w, f, p, false,
		 &(struct tap_packet){ .time_ns = now_ns,
				       .from = p->from,
				       .to = tap_local(w, f, false),
				       .side = TAP_FROM_PARTY });
}

void leg_tap_in(struct worker *w, const struct batch *b)
{
	for (const struct pkt *p = b->list + b->done; p < b->list + b->count; p++) {
		bool rtcp = p->kind == PKT_RTCP;

		if (p->verdict != VERDICT_NONE || !p->flow || !p->flow->taps || !p->flow->receive ||
		    (p->kind != PKT_RTP && !rtcp))
			continue;
		if (p->flow->taps & TAPS_EAR && !rtcp)
			detector_receive(w, p->flow, p);
		tap_copy(w, p->flow, p, rtcp,
			 &(struct tap_packet){ .time_ns = b->now_ns,
					       .from = p->from,
					       .to = tap_local(w, p->flow, rtcp),
					       .side = TAP_FROM_PARTY });
	}
}

void leg_tap_out(struct worker *w, const struct batch *b)
{
	for (const struct pkt *p = b->list; p < b->list + b->count; p++) {
		bool rtcp = p->kind == PKT_RTCP;

		if (p->verdict != VERDICT_RELAY || !p->peer || !(p->peer->taps & TAPS_TO_PARTY) ||
		    (p->kind != PKT_RTP && !rtcp))
			continue;
		tap_copy(w, p->peer, p, rtcp,
			 &(struct tap_packet){ .time_ns = b->now_ns,
					       .from = tap_local(w, p->peer, rtcp),
					       .to = *p->to,
					       .side = TAP_TO_PARTY });
	}
	for (int i = 0; i < TAP_READERS; i++)
		byte_ring_publish(&w->taps[i]);
}
