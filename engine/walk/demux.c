/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/demux.h"

#include "engine/walk/worker.h"
#include "media/rtp/classify.h"
#include "media/rtp/rtp_parse.h"

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

/* What nearly all packets are: read without looking for anything more. The other octets that come first in RTCP: RFC 5761 4. */
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
