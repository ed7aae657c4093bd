/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/measure.h"

#include "engine/walk/event.h"
#include "engine/walk/worker.h"

static void stats_count(struct pkt *p, uint64_t now_ns)
{
	flow_count_in(p->flow, p->received, now_ns);
	if (LIKELY(p->verdict == VERDICT_RELAY))
		flow_count_out(p->peer, p->length, p->payload_length);
}

static void cycle_events_read(struct worker *w, struct pkt *p, uint64_t now_ns)
{
	struct flow *f = p->flow;
	struct bytes payload = { .p = p->data + p->payload_at, .n = p->payload_length };
	bool relayed = p->verdict != VERDICT_EVENT_BY_INFO && p->verdict != VERDICT_ALONE;
	struct event_step step;

	/* Some gateways send events under an SSRC of their own, between the audio of another: only another event's SSRC counts. */
	if (f->event_ssrc != p->ssrc)
		event_tracker_move(&f->events);
	f->event_ssrc = p->ssrc;
	f->event_clock_hz = p->clock_hz;
	if (event_tracker_packet(&f->events, payload, p->timestamp, p->marker, now_ns, &step))
		return; /* shorter than an event: relayed, but says nothing */
	/* who got a part of it has it, though an update ended that within it */
	f->event_relayed = relayed || (f->event_relayed && !step.begun);
	f->stats.digits += step.begun;
	for (uint8_t i = 0; i < step.done_count; i++)
		event_digit(w, f, &step.done[i]);
}

static void count_restart(struct flow *f, uint32_t ssrc)
{
	int64_t lost = seq_lost(&f->count);

	f->lost_before += lost > 0 ? (uint32_t)lost : 0;
	f->count = (struct seq_count){ 0 };
	f->jitter = (struct arrival_jitter){ 0 };
	f->count_ssrc = ssrc;
}

/* Of a source that was relayed before, and is again, perhaps: what the other party does not hear now is not lost. */
static void pkt_count(struct flow *f, const struct pkt *p)
{
	if (f->count_ssrc == p->ssrc && f->count.started)
		(void)seq_update(&f->count, p->sequence);
}

static void pkt_measure(struct worker *w, struct pkt *p, struct arrival *a)
{
	struct flow *f = p->flow;

	stats_count(p, a->at_ns);
	if (p->ssrc == f->source.ssrc) { /* else it came late, of the source before */
		if (UNLIKELY(p->ssrc != f->count_ssrc))
			count_restart(f, p->ssrc);
		(void)seq_update(&f->count, p->sequence);
		if (LIKELY(!p->event)) { /* an event's packets share one timestamp */
			jitter_update_at(&f->jitter, arrival_by(a, p->clock_hz), p->timestamp,
					 p->clock_hz);
			f->source.payload_type = p->payload_type;
		}
	}
	if (UNLIKELY(p->event))
		cycle_events_read(w, p, a->at_ns);
}

void measure_stage(struct worker *w, struct batch *b)
{
	struct arrival a = { .at_ns = b->now_ns };

	BATCH_REST(p, b)
	{
		if (p->kind != PKT_RTP)
			continue;
		if (LIKELY(p->verdict == VERDICT_RELAY) || p->verdict == VERDICT_EVENT_BY_INFO ||
		    p->verdict == VERDICT_DURING_DIGIT || p->verdict == VERDICT_DURING_SOUND ||
		    p->verdict == VERDICT_ALONE || p->verdict == VERDICT_TRANSCODED)
			pkt_measure(w, p, &a);
		else if (p->verdict == VERDICT_NOT_RECEIVING || p->verdict == VERDICT_NO_PEER ||
			 p->verdict == VERDICT_NOT_SENDING ||
			 p->verdict == VERDICT_NO_DESTINATION || p->verdict == VERDICT_UNHEARD ||
			 p->verdict == VERDICT_NO_CONSENT || p->verdict == VERDICT_PADDING)
			pkt_count(p->flow, p);
	}
}
