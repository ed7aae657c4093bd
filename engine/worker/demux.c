/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages demux and ice: which protocol a datagram is (RFC 7983, RFC 5761), and for WebRTC flows
 * the answer to a connectivity check (RFC 8445 7.3, RFC 8489) or acceptance by its validated pair.
 * An answer is written over the request, in its own buffer. Refusals to unauthenticated checks are
 * limited per tick, so that forged checks cannot turn the node into a reflector.
 */

#include "engine/worker/bundle.h"
#include "engine/worker/stage.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"
#include "media/stun/stun.h"

enum {
	/* Tells a stranger what is wrong, but does not turn a flood back. */
	REFUSALS_PER_TICK = 16,
	BAD_REQUEST = 400,
	UNAUTHENTICATED = 401,
	UNKNOWN_ATTRIBUTE = 420,
	ROLE_CONFLICT = 487,
};

/* The transaction is in the octets that the answer is written over. */
struct answer {
	struct writer w;
	uint8_t transaction[STUN_TRANSACTION_LEN];
};

static void stun_answer_start(struct answer *a, const struct pkt *p, const struct stun_message *m,
			      enum stun_type type)
{
	memcpy(a->transaction, m->transaction.p, sizeof(a->transaction));
	a->w = writer_over(p->data, PACKET_MAX);
	stun_start(&a->w, type, bytes_mem(a->transaction, sizeof(a->transaction)));
}

/* The packet turns round. */
static enum verdict answer_send(struct answer *a, struct pkt *p)
{
	assert(!a->w.overflow);
	p->length = (uint16_t)a->w.n;
	p->tail_known = 0;
	p->peer = p->flow;
	p->to = &p->from;
	p->out_slot = p->flow->out_slot;
	p->out_channel = p->channel;
	return VERDICT_RELAY;
}

static void answer_seal(struct answer *a, const struct ice *i)
{
	stun_put_integrity(&a->w, bytes_mem(i->pwd, sizeof(i->pwd)));
	stun_put_fingerprint(&a->w);
}

/* RFC 8489 9.1.3: without integrity, for there is no key that both have. */
static enum verdict check_refuse(struct worker *w, struct pkt *p, const struct stun_message *m)
{
	uint16_t code = m->username.p && m->integrity.p ? UNAUTHENTICATED : BAD_REQUEST;
	struct answer a;

	metric_add(w->metrics->checks[CHECK_UNAUTHENTICATED], 1);
	if (w->transports.refusals >= REFUSALS_PER_TICK)
		return VERDICT_STUN_AUTH;
	w->transports.refusals++;
	stun_answer_start(&a, p, m, STUN_BINDING_ERROR);
	stun_put_error(&a.w, code);
	stun_put_fingerprint(&a.w);
	return answer_send(&a, p);
}

static enum verdict check_answer_error(struct pkt *p, const struct stun_message *m,
				       const struct ice *i, uint16_t code)
{
	const struct stun_unknown unknown = m->unknown;
	struct answer a;

	stun_answer_start(&a, p, m, STUN_BINDING_ERROR);
	stun_put_error(&a.w, code);
	if (unknown.count > 0)
		stun_put_unknown(&a.w, &unknown);
	answer_seal(&a, i);
	return answer_send(&a, p);
}

static enum verdict ice_succeed(struct pkt *p, const struct stun_message *m, const struct ice *i)
{
	struct answer a;

	stun_answer_start(&a, p, m, STUN_BINDING_SUCCESS);
	stun_put_mapped(&a.w, &p->from);
	answer_seal(&a, i);
	return answer_send(&a, p);
}

/* RFC 8445 7.2.2: ours, a colon, the party's. */
static bool is_for_us(const struct stun_message *m, const struct ice *i)
{
	return m->username.n > sizeof(i->ufrag) &&
	       memcmp(m->username.p, i->ufrag, sizeof(i->ufrag)) == 0 &&
	       m->username.p[sizeof(i->ufrag)] == ':';
}

/* Cheap first: a stranger does not know our ufrag, and costs no digest. */
static bool is_authentic(const struct stun_message *m, struct ice *i)
{
	if (!is_for_us(m, i)) {
		i->checks_name++;
		return false;
	}
	if (m->integrity.p && stun_is_authentic(m, bytes_mem(i->pwd, sizeof(i->pwd))))
		return true;
	i->checks_key++;
	return false;
}

static enum verdict pkt_check(struct worker *w, struct pkt *p, uint64_t now_ns)
{
	struct ice *i = &worker_transport(w, p->flow)->ice;
	struct ice_check check;
	struct stun_message m;

	if (stun_parse(&m, bytes_mem(p->data, p->length)))
		return VERDICT_STUN_MALFORMED;
	if (m.type != STUN_BINDING_REQUEST)
		return VERDICT_STUN_IGNORED;
	if (!is_authentic(&m, i))
		return check_refuse(w, p, &m);
	if (m.unknown.count > 0) {
		metric_add(w->metrics->checks[CHECK_UNKNOWN_ATTRIBUTE], 1);
		return check_answer_error(p, &m, i, UNKNOWN_ATTRIBUTE);
	}
	/* RFC 8445 7.3.1.1: one of both controls, and a lite end never does (6.1.1) */
	if (m.controlled) {
		metric_add(w->metrics->checks[CHECK_ROLE_CONFLICT], 1);
		return check_answer_error(p, &m, i, ROLE_CONFLICT);
	}
	check = (struct ice_check){ .priority = m.priority, .nominates = m.use_candidate };
	if (!flow_transport_checked(w, p->flow, p, &check, now_ns))
		return VERDICT_ICE_NO_PAIR;
	metric_add(w->metrics->checks[CHECK_ANSWERED], 1);
	return ice_succeed(p, &m, i);
}

/* All else, a handshake too: browsers begin it before they nominate. */
static enum verdict ice_pkt_accept(struct worker *w, struct pkt *p)
{
	if (!ice_find(&worker_transport(w, p->flow)->ice, (enum channel)p->channel, &p->from))
		return VERDICT_ICE_NO_PAIR;
	return w->transports.bundled && p->kind == PKT_RTP ? bundle_rtp(w, p) : VERDICT_NONE;
}

static enum verdict pkt_admit(struct worker *w, struct pkt *p, uint64_t now_ns)
{
	if (p->flow->transport & TRANSPORT_BUNDLED) /* its party has the owner's address */
		return VERDICT_WRONG_PORT;
	if (p->kind == PKT_STUN && p->verdict == VERDICT_NOT_RTP)
		return pkt_check(w, p, now_ns);
	return p->verdict == VERDICT_NONE ? ice_pkt_accept(w, p) : (enum verdict)p->verdict;
}

void ice_stage(struct worker *w, struct batch *b)
{
	if (LIKELY(w->transports.count == 0))
		return;
	BATCH_REST(p, b)
	if (p->flow && p->flow->transport & TRANSPORT_PAIRS)
		p->verdict = (uint8_t)pkt_admit(w, p, b->now_ns);
}

static void rtp_read(struct pkt *p, struct bytes in)
{
	struct rtp_head h;

	p->padding_bad = 0;
	if (rtp_parse(&h, in)) {
		p->padding_bad = 1;
		if (rtp_parse_sealed(&h, in)) {
			p->verdict = VERDICT_MALFORMED;
			return;
		}
	}
	p->kind = PKT_RTP;
	p->payload_type = h.payload_type;
	p->marker = h.marker;
	p->sequence = h.sequence;
	p->timestamp = h.timestamp;
	p->ssrc = h.ssrc;
	p->payload_at = h.payload.n > 0 ? (uint16_t)(h.payload.p - in.p) : 0;
	p->payload_length = (uint16_t)h.payload.n;
}

/* Nearly all packets: read without any further test. RTCP's second octets: RFC 5761 4. */
static bool packet_is_ordinary(const struct pkt *p)
{
	return p->length >= RTP_HEAD_LEN && p->data[0] == RTP_FIRST_PLAIN &&
	       (p->data[1] < 192 || p->data[1] > 223);
}

static void ordinary_read(struct pkt *p)
{
	const uint8_t *d = p->data;

	p->kind = PKT_RTP;
	p->padding_bad = 0;
	p->payload_type = d[1] & 0x7f;
	p->marker = d[1] >> 7;
	p->sequence = be16_get(d + 2);
	p->timestamp = be32_get(d + 4);
	p->ssrc = be32_get(d + 8);
	p->payload_length = (uint16_t)(p->length - RTP_HEAD_LEN);
	p->payload_at = p->payload_length > 0 ? RTP_HEAD_LEN : 0;
}

static void pkt_demux(struct pkt *p)
{
	struct bytes in = { .p = p->data, .n = p->length };

	switch (datagram_classify(in)) {
	case DATAGRAM_RTP:
		rtp_read(p, in);
		break;
	case DATAGRAM_RTCP:
		p->kind = PKT_RTCP;
		break;
	case DATAGRAM_DTLS:
		p->kind = PKT_DTLS;
		break;
	case DATAGRAM_STUN: /* ice_stage takes it, where there is ICE */
		p->kind = PKT_STUN;
		p->verdict = VERDICT_NOT_RTP;
		break;
	case DATAGRAM_UNKNOWN: /* also the NAT keepalives of phones: CRLF, a zero octet */
	case DATAGRAM_ZRTP:
	case DATAGRAM_TURN:
		p->verdict = VERDICT_NOT_RTP;
		break;
	}
}

/* An empty one is a NAT's keepalive. */
static bool is_opaque(const struct worker *w, const struct pkt *p)
{
	const struct flow *f = &w->flows.list[p->slot];

	return UNLIKELY(flow_is_opaque(f)) && f->id.generation != 0 && p->length > 0;
}

static void opaque_read(struct batch *b, struct pkt *p)
{
	p->kind = PKT_OPAQUE;
	b->opaque = 1;
}

void demux_stage(struct worker *w, struct batch *b)
{
	b->opaque = 0;
	BATCH_REST(p, b)
	{
		p->kind = PKT_UNKNOWN;
		p->received = p->length;
		p->made = 0;
		if (p->verdict != VERDICT_NONE)
			continue;
		if (is_opaque(w, p))
			opaque_read(b, p);
		else if (LIKELY(packet_is_ordinary(p)))
			ordinary_read(p);
		else
			pkt_demux(p);
	}
}
