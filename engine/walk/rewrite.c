/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/rewrite.h"

#include <string.h>

#include "engine/flow/bundle.h"
#include "engine/flow/flow_transport.h"
#include "engine/flow/source.h"
#include "engine/job/coder.h"
#include "media/rtp/rtp_parse.h"

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
static enum verdict event_take(struct pkt *p, const struct payload_rule *rule)
{
	if (!rule->event)
		return VERDICT_PAYLOAD_TYPE;
	p->clock_hz = rule->clock_hz;
	p->event = 1;
	if (p->peer)
		source_skip(p->flow, &p->peer->sink, p);
	return VERDICT_EVENT_BY_INFO;
}

/* What a browser sends for its leg alone. Probes of the bandwidth are nothing but padding, which libre would decode. */
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

/* A picture of a room may come in several sizes at once: its room says which of them counts (engine/job/room_picture_layer.c). */
static bool hears_layers(const struct flow *f)
{
	return f->listener.video;
}

/* Of no stream that is sent on, so that nothing of its numbers is kept but whose they are. */
static enum verdict hear_alone(struct pkt *p, const struct payload_rule *rule)
{
	struct flow *f = p->flow;

	if (UNLIKELY(f->receive == FLOW_RECEIVE_PACED) && !flow_pace_take(f))
		return VERDICT_TOO_FAST;
	p->clock_hz = rule->clock_hz;
	p->event = rule->event;
	if (f->source.started && (f->source.ssrc == p->ssrc || hears_layers(f)))
		return VERDICT_ALONE;
	source_hear(f, p->ssrc);
	return VERDICT_ALONE;
}

/* What comes of it takes the numbers that it leaves with when its turn has come (engine/job/coder.h). */
static enum verdict transcode_take(struct pkt *p)
{
	struct flow *f = p->flow;

	if (!f->has_transcoder)
		return VERDICT_TRANSCODER_FULL;
	if (f->source.ssrc != p->ssrc || !f->source.started)
		source_hear(f, p->ssrc);
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
		return event_take(p, rule);
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
	if (UNLIKELY(f->receive == FLOW_RECEIVE_PACED) && !flow_pace_take(f))
		return VERDICT_TOO_FAST;
	if (UNLIKELY(!flow_has_received(peer)) && !trickle_take(peer, now_ns))
		return VERDICT_UNHEARD;
	if (UNLIKELY(rule->coding || (p->event && transcoder_is_for(f, rule))))
		return transcode_take(p);
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
