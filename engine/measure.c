/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/measure.h"

#include "engine/event.h"
#include "engine/worker.h"

static void stats_count(struct pkt *p, uint64_t now_ns)
{
	struct flow_stats *in = &p->flow->stats;
	struct flow_stats *out = &p->peer->stats;

	if (in->packets_in++ == 0)
		in->first_in_ns = now_ns;
	in->last_in_ns = now_ns;
	in->octets_in += p->received;
	out->packets_out++;
	out->octets_out += p->length;
}

/* Events are told apart by SSRC and timestamp. Some gateways send them under an SSRC of their own, between the audio of
 * another: so only another event's SSRC ends an event, not every change of source. */
static void events_restart(struct worker *w, struct flow *f, uint32_t ssrc)
{
	struct event_done done;

	if (event_tracker_stop(&f->events, &done))
		event_digit(w, f, &done);
	f->events = (struct event_tracker){ 0 };
	f->event_ssrc = ssrc;
}

static void events_read(struct worker *w, struct pkt *p, uint64_t now_ns)
{
	struct flow *f = p->flow;
	struct bytes payload = { .p = p->data + p->payload_at, .n = p->payload_length };
	struct event_step step;

	if (f->event_ssrc != p->ssrc)
		events_restart(w, f, p->ssrc);
	f->event_clock_hz = p->clock_hz;
	if (event_tracker_packet(&f->events, payload, p->timestamp, p->marker, now_ns, &step))
		return; /* shorter than an event: relayed, but says nothing */
	f->stats.digits += step.begun;
	for (uint8_t i = 0; i < step.done_count; i++)
		event_digit(w, f, &step.done[i]);
}

static void count_restart(struct flow *f, uint32_t ssrc)
{
	int64_t lost = seq_lost(&f->count);

	f->lost_before += lost > 0 ? (uint32_t)lost : 0;
	f->count = (struct seq_count){ 0 };
	f->jitter = (struct jitter){ 0 };
	f->count_ssrc = ssrc;
}

static void pkt_measure(struct worker *w, struct pkt *p, uint64_t now_ns)
{
	struct flow *f = p->flow;

	stats_count(p, now_ns);
	if (p->ssrc == f->source.ssrc) { /* else it came late, of the source before */
		if (UNLIKELY(p->ssrc != f->count_ssrc))
			count_restart(f, p->ssrc);
		(void)seq_update(&f->count, p->sequence);
		if (LIKELY(!p->event)) /* an event's packets share one timestamp */
			jitter_update(&f->jitter, now_ns, p->timestamp, p->clock_hz);
	}
	if (UNLIKELY(p->event))
		events_read(w, p, now_ns);
}

void measure_stage(struct worker *w, struct batch *b)
{
	BATCH_EACH(p, b)
	if (p->verdict == VERDICT_RELAY && p->kind == PKT_RTP)
		pkt_measure(w, p, b->now_ns);
}
