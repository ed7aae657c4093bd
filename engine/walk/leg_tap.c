/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/leg_tap.h"

#include "engine/job/ear.h"
#include "engine/walk/capture.h"
#include "engine/walk/worker.h"
#include "media/rtp/rtp_parse.h"
#include "media/tap.h"

enum { PAYLOAD_TYPE = 0x7f };

/* Readers of what a party hears, too. */
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
		detector_take(w, f, p);
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
			detector_take(w, p->flow, p);
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
