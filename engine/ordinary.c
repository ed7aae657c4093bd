/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ordinary.h"

#include "engine/measure.h"
#include "engine/source.h"
#include "engine/worker.h"
#include "media/rtp_parse.h"

enum {
	RTP_PLAIN = RTP_VERSION << 6, /* no padding, no extension, no CSRC */
	RTCP_FIRST = 192,             /* RFC 5761 4: second octets that are not of RTP */
	RTCP_LAST = 223,
	MARKER = 0x80,
};

/* Bits of one octet of flow.traits, where they lie in the whole. */
static inline uint64_t trait(size_t at, uint8_t bits)
{
	uint8_t octets[sizeof(uint64_t)] = { 0 };
	uint64_t all;

	octets[at - offsetof(struct flow, traits)] = bits;
	memcpy(&all, octets, sizeof(all));
	return all;
}

#define TRAIT(field, bits) trait(offsetof(struct flow, field), bits)

/* demux */
static inline bool is_plain_rtp(const struct pkt *p)
{
	return p->verdict == VERDICT_NONE && p->channel == CHANNEL_RTP &&
	       p->length >= RTP_HEAD_LEN && p->data[0] == RTP_PLAIN &&
	       (p->data[1] < RTCP_FIRST || p->data[1] > RTCP_LAST);
}

/* flow, ice, latch, unprotect. Who has news for control goes by the stage that tells it. */
static inline bool is_from_party(const struct flow *f, const struct pkt *p)
{
	const uint64_t asked = TRAIT(receive, UINT8_MAX) | TRAIT(transport, UINT8_MAX) |
			       TRAIT(secure, SECURE_IN) | TRAIT(notice, UINT8_MAX);

	return f->id.generation != 0 && (f->traits & asked) == TRAIT(receive, 1) &&
	       addr_eq(&p->from, &f->latch_rtp.source);
}

/* rewrite */
static inline bool is_relayed(const struct flow *peer, const struct payload_rule *rule,
			      uint8_t payload_type)
{
	const uint64_t asked = TRAIT(send, UINT8_MAX) | TRAIT(digit_sending, UINT8_MAX);

	return rule->in == payload_type && !rule->event && rule->out != PAYLOAD_NONE &&
	       (peer->traits & asked) == TRAIT(send, 1) &&
	       peer->latch_rtp.source.family != ADDR_NONE;
}

static inline void head_write(struct pkt *p, const struct flow *f, struct flow *peer,
			      uint64_t now_ns)
{
	uint16_t sequence = (uint16_t)(be16_get(p->data + 2) + f->source.sequence_offset);
	uint32_t timestamp = be32_get(p->data + 4) + f->source.timestamp_offset;

	p->data[1] = (uint8_t)((p->data[1] & MARKER) | f->rule.out);
	be16_put(p->data + 2, sequence);
	be32_put(p->data + 4, timestamp);
	be32_put(p->data + 8, peer->ssrc_out);
	sink_note(&peer->sink, sequence, timestamp, f->rule.clock_hz, now_ns);
}

/* What protect, out and the port want to know. */
static inline void pkt_done(struct pkt *p, struct flow *f, struct flow *peer)
{
	p->kind = PKT_RTP;
	p->verdict = VERDICT_RELAY;
	p->out_channel = CHANNEL_RTP;
	p->made = 0;
	p->received = p->length;
	p->payload_length = (uint16_t)(p->length - RTP_HEAD_LEN);
	p->flow = f;
	p->peer = peer;
	p->to = &peer->latch_rtp.source;
	p->out_slot = peer->out_slot;
}

static inline void pkt_relay(struct pkt *p, struct flow *f, struct flow *peer, struct arrival *a)
{
	uint16_t sequence = be16_get(p->data + 2);
	uint32_t clock_hz = f->rule.clock_hz;

	f->latch_rtp.heard_ns = a->at_ns;
	source_go_on(&f->source, sequence);
	f->source.payload_type = f->rule.in;
	(void)seq_update(&f->count, sequence);
	jitter_update_at(&f->jitter, arrival_by(a, clock_hz), be32_get(p->data + 4), clock_hz);
	head_write(p, f, peer, a->at_ns);
	pkt_done(p, f, peer);
	flow_count_in(f, p->received, a->at_ns);
	flow_count_out(peer, p->length, p->payload_length);
}

/* False: it is not an ordinary one, and nothing was done. */
static inline bool pkt_take(struct worker *w, struct pkt *p, struct arrival *a)
{
	struct flow *f = &w->flows.list[p->slot], *peer;
	uint32_t ssrc;

	if (!is_plain_rtp(p) || !is_from_party(f, p))
		return false;
	peer = flow_find(&w->flows, f->peer);
	if (!peer || !is_relayed(peer, &f->rule, p->data[1] & ~MARKER & UINT8_MAX))
		return false;
	ssrc = be32_get(p->data + 8);
	if (ssrc != f->count_ssrc ||
	    !source_is_ahead(f, &peer->sink, ssrc, be16_get(p->data + 2), f->rule.clock_hz))
		return false;
	pkt_relay(p, f, peer, a);
	return true;
}

void ordinary_stage(struct worker *w, struct batch *b)
{
	struct arrival a = { .at_ns = b->now_ns };
	uint32_t count = b->count, done = 0;

	if (LIKELY(!w->flows.watched)) /* else capture_stage looks in between */
		while (done < count && LIKELY(pkt_take(w, &b->list[done], &a)))
			done++;
	b->done = done;
}
