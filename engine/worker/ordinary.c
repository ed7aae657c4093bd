/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast path: nearly all packets (stage.h has the conditions) are demultiplexed, checked,
 * renumbered and counted here in one pass, without the stages in between, and with the same result.
 * The first odd packet of a batch ends the pass, so that order is kept. With keys the front of a
 * batch is decrypted at once, since ipsec-mb needs many packets at a time.
 */

#include "engine/worker/stage.h"

#include "engine/worker/source.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"

enum {
	RTCP_FIRST = 192, /* RFC 5761 4: second octets that are not of RTP */
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
	       p->length >= RTP_HEAD_LEN && p->data[0] == RTP_FIRST_PLAIN &&
	       (p->data[1] < RTCP_FIRST || p->data[1] > RTCP_LAST);
}

/* flow, ice, latch. secure: of the traits, what must not be. */
static inline bool is_from_party(const struct flow *f, const struct pkt *p, uint8_t secure)
{
	const uint64_t asked =
		TRAIT(receive, UINT8_MAX) | TRAIT(transport, UINT8_MAX) | TRAIT(secure, secure);

	return f->id.generation != 0 && (f->traits & asked) == TRAIT(receive, 1) &&
	       addr_eq(&p->from, &f->latch_rtp.source);
}

/* An event, or to be transcoded: two octets tested at once. */
static inline bool rule_is_odd(const struct payload_rule *rule)
{
	uint16_t both;

	static_assert(offsetof(struct payload_rule, coding) ==
			      offsetof(struct payload_rule, event) + 1,
		      "side by side");
	memcpy(&both, &rule->event, sizeof(both));
	return both != 0;
}

/* rewrite */
static inline bool packet_is_relayed(const struct flow *peer, const struct payload_rule *rule,
				     uint8_t payload_type)
{
	const uint64_t asked = TRAIT(send, UINT8_MAX) | TRAIT(making, UINT8_MAX);

	return rule->in == payload_type && !rule_is_odd(rule) && rule->out != PAYLOAD_NONE &&
	       (peer->traits & asked) == TRAIT(send, FLOW_SEND) &&
	       peer->latch_rtp.source.family != ADDR_NONE;
}

static inline void ordinary_head_write(struct pkt *p, const struct flow *f, struct flow *peer,
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
static inline void ordinary_pkt_done(struct pkt *p, struct flow *f, struct flow *peer)
{
	p->kind = PKT_RTP;
	p->verdict = VERDICT_RELAY;
	p->out_channel = CHANNEL_RTP;
	p->made = 0;
	p->payload_length = (uint16_t)(p->length - RTP_HEAD_LEN);
	p->flow = f;
	p->peer = peer;
	p->to = &peer->latch_rtp.source;
	p->out_slot = peer->out_slot;
}

static ALWAYS_INLINE void ordinary_pkt_relay(struct pkt *p, struct flow *f, struct flow *peer,
					     struct arrival *a)
{
	uint16_t sequence = be16_get(p->data + 2);
	uint32_t clock_hz = f->rule.clock_hz;

	f->latch_rtp.received_ns = a->at_ns;
	source_go_on(&f->source, sequence);
	f->source.payload_type = f->rule.in;
	(void)seq_update(&f->count, sequence);
	jitter_update_at(&f->jitter, arrival_by(a, clock_hz), be32_get(p->data + 4), clock_hz);
	ordinary_head_write(p, f, peer, a->at_ns);
	ordinary_pkt_done(p, f, peer);
	flow_count_in(f, p->received, a->at_ns);
	flow_count_out(peer, p->length, p->payload_length);
}

/* unprotect */
static inline void pkt_opened(struct pkt *p, struct flow *f)
{
	p->length = p->opened_length;
	srtp_half_note(f, p->opened_index);
}

/* False: it is not an ordinary one, and nothing was done. It is plain RTP from the party of f. */
static ALWAYS_INLINE bool ordinary_pkt_forward(struct worker *w, struct pkt *p, struct flow *f,
					       bool has_keys, bool taps, struct arrival *a)
{
	struct flow *peer = flow_find(&w->flows, f->peer);
	uint32_t ssrc;

	if (!peer || !packet_is_relayed(peer, &f->rule, p->data[1] & ~MARKER & UINT8_MAX))
		return false;
	ssrc = be32_get(p->data + 8);
	if (ssrc != f->count_ssrc ||
	    !source_is_newer(f, &peer->sink, ssrc, be16_get(p->data + 2), f->rule.clock_hz))
		return false;
	p->received = p->length;
	if (has_keys)
		pkt_opened(p, f);
	if (taps && f->taps)
		leg_tap_from_party(w, f, p, a->at_ns);
	ordinary_pkt_relay(p, f, peer, a);
	return true;
}

/* Where no flow has keys: in one go. */
static ALWAYS_INLINE uint32_t plain_relay(struct worker *w, struct batch *b, bool taps,
					  struct arrival *a)
{
	uint32_t done = 0;

	for (struct pkt *p = b->list; done < b->count; p++, done++) {
		struct flow *f = &w->flows.list[p->slot];

		if (UNLIKELY(!is_plain_rtp(p) || !is_from_party(f, p, SECURE_IN) ||
			     !ordinary_pkt_forward(w, p, f, false, taps, a)))
			break;
		b->notices |= f->notice;
	}
	return done;
}

/* Those of which the stages before unprotect would change nothing. */
static uint32_t front_find(const struct worker *w, const struct batch *b)
{
	uint32_t n = 0;

	for (const struct pkt *p = b->list; n < b->count; p++, n++) {
		const struct flow *f = &w->flows.list[p->slot];

		if (!is_plain_rtp(p) || !is_from_party(f, p, 0) ||
		    (f->secure & SECURE_IN && !f->srtp_in))
			break;
		if (LIKELY(f->peer.slot < w->flows.capacity)) /* wanted when all are opened */
			__builtin_prefetch(&w->flows.list[f->peer.slot], 0);
	}
	return n;
}

/* Facts about the front stay valid: handling one packet does not change them for another. */
static ALWAYS_INLINE uint32_t front_relay(struct worker *w, struct batch *b, bool taps,
					  struct arrival *a)
{
	uint32_t done = 0;

	for (struct pkt *p = b->list; done < b->opened; p++, done++) {
		struct flow *f = &w->flows.list[p->slot];
		bool has_keys = f->secure & SECURE_IN;

		if (UNLIKELY((has_keys && p->opened_verdict != VERDICT_NONE) ||
			     !ordinary_pkt_forward(w, p, f, has_keys, taps, a)))
			break;
		b->notices |= f->notice;
	}
	return done;
}

static NOINLINE void tapped_relay(struct worker *w, struct batch *b, struct arrival *a)
{
	if (w->flows.secure == 0) {
		b->done = plain_relay(w, b, true, a);
		return;
	}
	unprotect_front(w, b, front_find(w, b));
	b->done = front_relay(w, b, true, a);
}

void ordinary_stage(struct worker *w, struct batch *b)
{
	struct arrival a = { .at_ns = b->now_ns };

	b->done = b->opened = 0;
	b->notices = 0;
	if (UNLIKELY(w->flows.watched))
		return; /* capture_stage looks in between */
	if (UNLIKELY(w->flows.tapped)) {
		tapped_relay(w, b, &a);
		return;
	}
	if (LIKELY(w->flows.secure == 0)) {
		b->done = plain_relay(w, b, false, &a);
		return;
	}
	unprotect_front(w, b, front_find(w, b));
	b->done = front_relay(w, b, false, &a);
}
