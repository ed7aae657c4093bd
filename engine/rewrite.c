/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rewrite.h"

#include "base/clock.h"

enum {
	GAP_MS_AUDIO =
		20, /* between the last packet of a source and the first of the next, at least */
	LATE_MAX = SEQ_MISORDER_MAX,
};

static bool is_after(uint16_t a, uint16_t b)
{
	return (int16_t)(a - b) > 0;
}

static bool is_feeder(const struct sink *k, const struct flow *f)
{
	return k->feeder.slot == f->id.slot && k->feeder.generation == f->id.generation;
}

/* ---- which source ---- */

/* How far the stream moved on, in timestamp units, while nothing was sent. */
static uint32_t timestamp_gap(const struct flow *f, const struct sink *k, const struct pkt *p,
			      uint64_t now_ns)
{
	uint64_t elapsed_ms = (now_ns - k->at_ns) / NS_PER_MS;
	uint64_t least_ms = f->kind == MEDIA_AUDIO ? GAP_MS_AUDIO : 1;

	return (uint32_t)((elapsed_ms > least_ms ? elapsed_ms : least_ms) * p->clock_hz / 1000);
}

/* The new source takes up where the last packet we sent to this party left off. */
static void continue_stream(struct flow *f, const struct sink *k, const struct pkt *p,
			    uint64_t now_ns)
{
	f->source.sequence_offset = (uint16_t)(k->sequence + 1 - p->sequence);
	f->source.timestamp_offset = k->timestamp + timestamp_gap(f, k, p, now_ns) - p->timestamp;
}

/*
 * First packet since a restart, and the party changed its SSRC meanwhile. Where the last process stopped is not
 * in the record (it would have to be saved with every packet), so no offset is known to lie ahead. The saved ones are
 * kept: they fit the phones that count on under their new SSRC. For the others the stream jumps, and a receiver of RFC 3550
 * A.1 resynchronises at the second packet; the marker tells jitter buffers to start afresh (RFC 3551 4.1).
 */
static void resume_blindly(struct flow *f, struct pkt *p)
{
	if (f->kind == MEDIA_AUDIO)
		p->marker = 1;
}

static void source_change(struct flow *f, struct sink *k, struct pkt *p, uint64_t now_ns)
{
	bool known = f->source.started && f->source.ssrc == p->ssrc;

	f->stats.source_changes += f->source.started && !known;
	/* another flow fed the party meanwhile: what was late for us is void */
	f->source_before = is_feeder(k, f) ? f->source : (struct source){ 0 };
	if (k->started)
		continue_stream(f, k, p, now_ns);
	else if (f->source.started && !known)
		resume_blindly(f, p);
	f->source.ssrc = p->ssrc;
	f->source.started = 1;
	f->source.sequence_high = p->sequence;
	k->feeder = f->id;
	f->notice = 1;
}

/* A reordered packet of the source before, not its return. */
static bool is_late_one(const struct source *s, const struct pkt *p)
{
	uint16_t age = (uint16_t)(s->sequence_high - p->sequence);

	return s->started && s->ssrc == p->ssrc && age <= LATE_MAX;
}

static const struct source *source_of(struct flow *f, struct sink *k, struct pkt *p,
				      uint64_t now_ns)
{
	bool feeds = is_feeder(k, f);

	if (LIKELY(feeds && f->source.ssrc == p->ssrc)) {
		if (is_after(p->sequence, f->source.sequence_high))
			f->source.sequence_high = p->sequence;
		return &f->source;
	}
	if (feeds && is_late_one(&f->source_before, p))
		return &f->source_before;
	source_change(f, k, p, now_ns);
	return &f->source;
}

/* ---- rewriting ---- */

static void sink_note(struct sink *k, uint16_t sequence, uint32_t timestamp, uint64_t now_ns)
{
	uint16_t age = (uint16_t)(k->sequence - sequence);

	if (k->started && age <= LATE_MAX)
		return; /* repeated or reordered */
	if (!k->started || k->timestamp != timestamp)
		k->at_ns = now_ns;
	k->sequence = sequence;
	k->timestamp = timestamp;
	k->started = 1;
}

static void head_write(struct pkt *p, const struct source *s, uint8_t payload_type,
		       uint32_t ssrc_out, struct sink *k, uint64_t now_ns)
{
	uint16_t sequence = (uint16_t)(p->sequence + s->sequence_offset);
	uint32_t timestamp = p->timestamp + s->timestamp_offset;

	p->data[1] = (uint8_t)(p->marker << 7 | payload_type);
	be16_put(p->data + 2, sequence);
	be32_put(p->data + 4, timestamp);
	be32_put(p->data + 8, ssrc_out);
	sink_note(k, sequence, timestamp, now_ns);
}

static enum verdict pkt_rewrite(struct pkt *p, uint64_t now_ns)
{
	struct flow *f = p->flow;
	struct flow *peer = p->peer;
	const struct payload_rule *rule = flow_rule(f, p->payload_type);

	if (!f->receive)
		return VERDICT_NOT_RECEIVING;
	if (!peer)
		return VERDICT_NO_PEER;
	if (!peer->send)
		return VERDICT_NOT_SENDING;
	if (!rule)
		return VERDICT_PAYLOAD_TYPE;
	p->to = flow_rtp_to(peer);
	if (!p->to)
		return VERDICT_NO_DESTINATION;
	p->out_slot = peer->id.slot;
	p->out_channel = CHANNEL_RTP;
	p->clock_hz = rule->clock_hz;
	p->event = rule->event;
	head_write(p, source_of(f, &peer->sink, p, now_ns), rule->out, peer->ssrc_out, &peer->sink,
		   now_ns);
	return VERDICT_RELAY;
}

void rewrite_stage(struct worker *w, struct batch *b)
{
	(void)w;
	BATCH_EACH(p, b)
	if (p->verdict == VERDICT_NONE && p->kind == PKT_RTP)
		p->verdict = (uint8_t)pkt_rewrite(p, b->now_ns);
}
