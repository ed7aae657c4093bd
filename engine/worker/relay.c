/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages that turn a party's packets into the peer's: rewrite (RTP: SSRC, sequence, timestamp,
 * payload type, in place), measure (loss, jitter, digits), rtcp (translated, or answered here), and
 * opaque (T.38 and the like, unchanged). A packet gets the verdict that says why it does not pass,
 * such as hold or an unexpected payload type. Every party sees one uninterrupted stream, whatever
 * sources feed it (source.h).
 */

#include <string.h>

#include "engine/worker/bundle.h"
#include "engine/worker/control.h"
#include "engine/worker/flow.h"
#include "engine/worker/flow_transport.h"
#include "engine/worker/source.h"
#include "engine/worker/stage.h"
#include "engine/worker/transcoder.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtcp_write.h"
#include "media/rtp/rtp_parse.h"

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

	/* Some gateways send events under their own SSRC, between the audio of another: only other
	 * events' SSRCs count. */
	if (f->event_ssrc != p->ssrc)
		event_tracker_move(&f->events);
	f->event_ssrc = p->ssrc;
	f->event_clock_hz = p->clock_hz;
	if (event_tracker_packet(&f->events, payload, p->timestamp, p->marker, now_ns, &step))
		return; /* shorter than an event: relayed, but ignored here */
	/* a party that got a part of it has it, though an update ended that within it */
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

/* Of a source relayed before and maybe again: what is not relayed meanwhile is not lost. */
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

/* A report's SSRC. A party that never sent RTP reports under an unknown one, which stands for
 * it. */
static bool sender_of(const struct pkt *p, uint32_t *ssrc)
{
	struct bytes rest = { .p = p->data, .n = p->length };
	struct rtcp_packet packet;

	return rtcp_next(&rest, &packet) && rtcp_sender(&packet, ssrc);
}

static struct rtcp_mapping mapping_of(const struct flow *f, const struct flow *peer,
				      uint32_t sender)
{
	struct rtcp_mapping m = {
		.source_in = sender,
		.source_out = peer->ssrc_out,
		.timestamp_offset = f->source.timestamp_offset,
		.report_in = f->ssrc_out,
		.report_out = f->ssrc_out, /* nothing was sent yet: there is nothing to report on */
	};

	if (peer->source.started) {
		m.report_out = peer->source.ssrc;
		m.sequence_offset = peer->source.sequence_offset;
	}
	return m;
}

static enum verdict pkt_translate(struct pkt *p)
{
	const struct flow *f = p->flow;
	uint32_t sender = f->source.ssrc;
	struct rtcp_mapping m;
	size_t n = p->length;

	(void)sender_of(p, &sender);
	m = mapping_of(f, p->peer, f->source.started ? f->source.ssrc : sender);
	m.sender = sender;
	p->tail_known = 0;
	if (rtcp_translate(p->data, &n, &m))
		return VERDICT_UNKNOWN_SSRC;
	p->length = (uint16_t)n;
	return VERDICT_RELAY;
}

/* False: nothing is left of it. */
static bool pkt_answer(struct worker *w, struct pkt *p)
{
	size_t n = p->length;

	resend_on_nack(w, p->flow, p->data, &n);
	p->length = (uint16_t)n;
	return n > 0;
}

/* By a viewer of a picture in place of a peer. */
static bool is_keyframe_requested(struct worker *w, const struct pkt *p)
{
	struct job *j = p->flow->listener.job ? &w->jobs.list[p->flow->listener.job - 1] : NULL;

	return j && j->kind->asked && j->kind->asked(w, j, p->flow, bytes_mem(p->data, p->length));
}

static enum verdict rtcp_pkt_relay(struct worker *w, struct pkt *p, uint64_t now_ns)
{
	enum verdict v;

	if (rtcp_check(bytes_mem(p->data, p->length)))
		return VERDICT_MALFORMED;
	if (!flow_pace_rtcp(p->flow))
		return VERDICT_TOO_FAST;
	p->flow->stats.rtcp_in++;
	reports_read(p->flow, bytes_mem(p->data, p->length), now_ns);
	if (!pkt_answer(w, p))
		return VERDICT_ANSWERED;
	if (!p->peer && is_keyframe_requested(w, p))
		return VERDICT_ANSWERED;
	if (!p->peer || UNLIKELY(flow_is_opaque(p->peer)))
		return VERDICT_NO_PEER;
	/* of streams of which one is transcoded each party has our reports */
	if (UNLIKELY(p->peer->sink.transcoded || p->flow->sink.transcoded))
		return VERDICT_TRANSCODED;
	/* about a stream that the other party is not sent */
	if (UNLIKELY(p->peer->making & MAKING_SOUND))
		return VERDICT_DURING_SOUND;
	p->to = flow_rtcp_to(p->peer);
	if (!p->to)
		return flow_no_way(p->peer);
	if (UNLIKELY(!flow_has_received(p->peer)) && !trickle_admit(p->peer, now_ns))
		return VERDICT_UNHEARD;
	v = pkt_translate(p);
	if (v != VERDICT_RELAY)
		return v;
	p->out_slot = p->peer->out_slot;
	p->out_channel = p->peer->rtcp_mux ? CHANNEL_RTP : CHANNEL_RTCP;
	p->peer->stats.rtcp_out++;
	reports_relayed(p->peer, bytes_mem(p->data, p->length), now_ns);
	return VERDICT_RELAY;
}

void rtcp_stage(struct worker *w, struct batch *b)
{
	BATCH_REST(p, b)
	if (p->verdict == VERDICT_NONE && p->kind == PKT_RTCP)
		p->verdict = (uint8_t)rtcp_pkt_relay(w, p, b->now_ns);
}

/* Hold concerns the media, not the reports about it. */
static enum verdict may_pass(const struct pkt *p)
{
	bool held = p->channel == CHANNEL_RTP;

	if (held && !p->flow->receive)
		return VERDICT_NOT_RECEIVING;
	if (!p->peer || !flow_is_opaque(p->peer)) /* there is no such line, yet or any more */
		return VERDICT_NO_PEER;
	return held && !p->peer->send ? VERDICT_NOT_SENDING : VERDICT_NONE;
}

/* As much as any other party may send. */
static enum verdict opaque_may_leave(struct pkt *p, uint64_t now_ns)
{
	struct flow *f = p->flow;

	if (p->channel == CHANNEL_RTCP ? !flow_pace_rtcp(f)
				       : f->receive == FLOW_RECEIVE_PACED && !flow_pace_admit(f))
		return VERDICT_TOO_FAST;
	if (UNLIKELY(!flow_has_received(p->peer)) && !trickle_admit(p->peer, now_ns))
		return VERDICT_UNHEARD;
	return VERDICT_RELAY;
}

static void count(struct pkt *p, uint64_t now_ns)
{
	if (p->channel == CHANNEL_RTCP) {
		p->flow->stats.rtcp_in++;
		p->peer->stats.rtcp_out++;
		return;
	}
	flow_count_in(p->flow, p->length, now_ns);
	p->peer->sent.packets++;
	p->peer->sent.octets += p->length;
}

static enum verdict pkt_pass(struct pkt *p, uint64_t now_ns)
{
	enum verdict v = may_pass(p);

	if (v != VERDICT_NONE)
		return v;
	p->to = p->channel == CHANNEL_RTCP ? flow_rtcp_to(p->peer) : flow_rtp_to(p->peer);
	if (!p->to)
		return flow_no_way(p->peer);
	v = opaque_may_leave(p, now_ns);
	if (v != VERDICT_RELAY)
		return v;
	p->out_slot = p->peer->out_slot;
	p->out_channel = p->channel;
	count(p, now_ns);
	return VERDICT_RELAY;
}

void opaque_stage(struct worker *w, struct batch *b)
{
	(void)w;
	if (LIKELY(!b->opaque))
		return;
	BATCH_REST(p, b)
	if (p->verdict == VERDICT_NONE && p->kind == PKT_OPAQUE)
		p->verdict = (uint8_t)pkt_pass(p, b->now_ns);
}

static_assert((int)PKT_TAIL_AT == (int)RTP_HEAD_LEN, "nothing behind it is written here");

static void rewrite_head_write(struct pkt *p, const struct source *s, uint8_t payload_type,
			       uint32_t ssrc_out, struct sink *k, uint64_t now_ns)
{
	uint16_t sequence = (uint16_t)(p->sequence + s->sequence_offset);
	uint32_t timestamp = p->timestamp + s->timestamp_offset;

	p->data[1] = (uint8_t)(p->marker << 7 | payload_type);
	be16_put(p->data + 2, sequence);
	be32_put(p->data + 4, timestamp);
	be32_put(p->data + 8, ssrc_out);
	sink_note(k, sequence, timestamp, p->event ? 0 : p->clock_hz, now_ns);
}

/* The other party gets it by INFO; what follows of the stream closes up. */
static enum verdict event_suppress(struct pkt *p, const struct payload_rule *rule)
{
	if (!rule->event)
		return VERDICT_PAYLOAD_TYPE;
	p->clock_hz = rule->clock_hz;
	p->event = 1;
	if (p->peer)
		source_skip(p->flow, &p->peer->sink, p);
	return VERDICT_EVENT_BY_INFO;
}

/* For a browser's leg only. Bandwidth probes consist of padding, which libre would decode. */
static enum verdict end_here(struct pkt *p, uint64_t now_ns)
{
	if (bundle_is_other_layer(p, now_ns))
		return VERDICT_OTHER_LAYER;
	if (p->payload_length > 0 || !(p->flow->transport & TRANSPORT_CC))
		return VERDICT_NONE;
	source_skip(p->flow, &p->peer->sink, p);
	return VERDICT_PADDING;
}

/* The head moves up to the payload, which stays where it is. Both were parsed. */
static void extension_strip(struct pkt *p)
{
	size_t head = RTP_HEAD_LEN + (p->data[0] & 0x0fU) * 4U;
	uint16_t n = (uint16_t)(4 + be16_get(p->data + head + 2) * 4);

	memmove(p->data + n, p->data, head);
	p->data += n;
	p->data[0] &= (uint8_t)~RTP_EXTENSION_BIT;
	p->length = (uint16_t)(p->length - n);
	p->payload_at = (uint16_t)(p->payload_length ? p->payload_at - n : 0);
	p->tail_known = 0;
}

/* A picture of a room may come in several sizes: the room knows which one counts
 * (engine/job/room_video.c). */
static bool receives_layers(const struct flow *f)
{
	return f->listener.video;
}

/* Of a stream that is not sent on, so only its source is remembered. */
static enum verdict hear_alone(struct pkt *p, const struct payload_rule *rule)
{
	struct flow *f = p->flow;

	if (UNLIKELY(f->receive == FLOW_RECEIVE_PACED) && !flow_pace_admit(f))
		return VERDICT_TOO_FAST;
	p->clock_hz = rule->clock_hz;
	p->event = rule->event;
	if (f->source.started && (f->source.ssrc == p->ssrc || receives_layers(f)))
		return VERDICT_ALONE;
	source_switch(f, p->ssrc);
	return VERDICT_ALONE;
}

/* The result takes its numbers when its turn has come (engine/worker/transcoder.h). */
static enum verdict transcode_claim(struct pkt *p)
{
	struct flow *f = p->flow;

	if (!f->has_transcoder)
		return VERDICT_TRANSCODER_FULL;
	if (f->source.ssrc != p->ssrc || !f->source.started)
		source_switch(f, p->ssrc);
	f->source.feeding = 0;
	if (!p->event)
		f->source.clock_hz = p->clock_hz;
	return VERDICT_TRANSCODED;
}

/* The other party is sent what we make. */
static enum verdict make_way(struct pkt *p)
{
	if (p->peer->making & MAKING_SOUND)
		return VERDICT_DURING_SOUND;
	source_skip(p->flow, &p->peer->sink, p);
	return VERDICT_DURING_DIGIT;
}

static enum verdict pkt_rewrite(struct pkt *p, uint64_t now_ns)
{
	struct flow *f = p->flow;
	struct flow *peer = p->peer;
	const struct payload_rule *rule = flow_rule(f, p->payload_type);
	const struct source *source;

	if (!f->receive)
		return VERDICT_NOT_RECEIVING;
	if (UNLIKELY(rule && rule->out == PAYLOAD_NONE))
		return event_suppress(p, rule);
	if (!peer)
		return f->alone && rule ? hear_alone(p, rule) : VERDICT_NO_PEER;
	if (!peer->send)
		return VERDICT_NOT_SENDING;
	if (UNLIKELY(peer->send == FLOW_SEND_AS_IS))
		return VERDICT_NO_PEER;
	if (!rule)
		return VERDICT_PAYLOAD_TYPE;
	p->to = flow_rtp_to(peer);
	if (!p->to)
		return flow_no_way(peer);
	p->out_slot = peer->out_slot;
	p->out_channel = CHANNEL_RTP;
	p->clock_hz = rule->clock_hz;
	p->event = rule->event;
	if (UNLIKELY(peer->making & MAKING_ALL))
		return make_way(p);
	if (UNLIKELY(f->transport)) {
		enum verdict v = end_here(p, now_ns);

		if (v != VERDICT_NONE)
			return v;
	}
	if (UNLIKELY(f->receive == FLOW_RECEIVE_PACED) && !flow_pace_admit(f))
		return VERDICT_TOO_FAST;
	if (UNLIKELY(!flow_has_received(peer)) && !trickle_admit(peer, now_ns))
		return VERDICT_UNHEARD;
	if (UNLIKELY(rule->coding || (p->event && transcoder_is_for(f, rule))))
		return transcode_claim(p);
	source = source_of(f, &peer->sink, p, now_ns);
	if (!source)
		return VERDICT_LATE;
	rewrite_head_write(p, source, rule->out, peer->ssrc_out, &peer->sink, now_ns);
	if (UNLIKELY(p->data[0] & RTP_EXTENSION_BIT) && f->strips)
		extension_strip(p);
	return VERDICT_RELAY;
}

void rewrite_stage(struct worker *w, struct batch *b)
{
	(void)w;
	BATCH_REST(p, b)
	if (p->verdict == VERDICT_NONE && p->kind == PKT_RTP)
		p->verdict = (uint8_t)pkt_rewrite(p, b->now_ns);
}
