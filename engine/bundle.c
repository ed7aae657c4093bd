/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/bundle.h"

#include "engine/worker.h"
#include "media/rtcp_parse.h"
#include "media/rtp_parse.h"

enum { MEMBERS_MAX = 1 + BUNDLED_MAX, SSRC_LEN = 4 };

/* The flows of a transport, its owner first. */
struct members {
	struct flow *list[MEMBERS_MAX];
	uint32_t count;
};

static struct members members_of(const struct worker *w, struct flow *owner)
{
	const struct flow_transport *t = worker_transport(w, owner);
	struct members m = { .list = { owner }, .count = 1 };

	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		struct flow *f = flow_find(&w->flows, t->bundled[i]);

		if (f)
			m.list[m.count++] = f;
	}
	return m;
}

static void pkt_give(const struct worker *w, struct pkt *p, struct flow *f)
{
	if (p->flow == f)
		return;
	p->flow = f;
	p->peer = flow_find(&w->flows, f->peer);
}

/* ---- RTP ---- */

/* Empty: the packet does not say. */
static struct bytes mid_read(const struct pkt *p, uint8_t extension)
{
	struct rtp_head head;
	struct bytes mid = { 0 };

	if (extension != 0 && p->data[0] & RTP_EXTENSION_BIT &&
	    !rtp_parse_sealed(&head, bytes_mem(p->data, p->length)))
		(void)rtp_element_find(&head, extension, &mid);
	return mid;
}

/* The number of an extension is the same in all m-lines of a bundle (RFC 8285 6, RFC 9143 7.1.3), so the owner's is read. */
static struct flow *by_mid(const struct worker *w, const struct members *m, struct bytes mid)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const struct flow_transport *t = worker_transport(w, m->list[i]);

		if (t->mid_length > 0 && bytes_eq(mid, bytes_mem(t->mid, t->mid_length)))
			return m->list[i];
	}
	return NULL;
}

static bool is_source(const struct flow *f, uint32_t ssrc)
{
	return (f->source.started && f->source.ssrc == ssrc) ||
	       (f->source_before.started && f->source_before.ssrc == ssrc);
}

static struct flow *by_source(const struct members *m, uint32_t ssrc)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (is_source(m->list[i], ssrc))
			return m->list[i];
	return NULL;
}

static enum verdict by_payload_type(const struct members *m, uint8_t payload_type,
				    struct flow **out)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		if (!flow_rule(m->list[i], payload_type))
			continue;
		*out = m->list[i];
		found++;
	}
	if (found == 0)
		return VERDICT_PAYLOAD_TYPE;
	return found == 1 ? VERDICT_NONE : VERDICT_MEDIA_LINE;
}

enum verdict bundle_rtp(const struct worker *w, struct pkt *p)
{
	const struct members m = members_of(w, p->flow);
	struct bytes mid;
	struct flow *f = NULL;
	enum verdict v = VERDICT_NONE;

	if (m.count == 1)
		return VERDICT_NONE;
	mid = mid_read(p, worker_transport(w, p->flow)->mid_extension);
	if (mid.n > 0) {
		f = by_mid(w, &m, mid);
		v = f ? VERDICT_NONE : VERDICT_MEDIA_LINE;
	} else {
		f = by_source(&m, p->ssrc);
		if (!f)
			v = by_payload_type(&m, p->payload_type, &f);
	}
	if (v == VERDICT_NONE)
		pkt_give(w, p, f);
	return v;
}

bool bundle_is_other_layer(const struct pkt *p, uint64_t now_ns)
{
	const struct flow *f = p->flow;
	uint64_t heard_ns = f->heard.last_ns > f->listening_ns ? f->heard.last_ns : f->listening_ns;

	return f->source.started && f->source.ssrc != p->ssrc &&
	       now_ns - heard_ns < LAYER_SILENCE_NS;
}

/* ---- RTCP ---- */

static struct flow *by_ssrc_out(const struct members *m, uint32_t ssrc)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (m->list[i]->ssrc_out == ssrc)
			return m->list[i];
	return NULL;
}

/* REMB and FIR name theirs behind (RFC 5104 4.3.1): any word of it that is an SSRC of ours is meant. */
static struct flow *by_feedback(const struct members *m, const struct rtcp_packet *packet)
{
	struct rtcp_feedback feedback = rtcp_feedback(packet);
	struct flow *f = by_ssrc_out(m, feedback.media);

	while (!f && feedback.control.n >= SSRC_LEN) {
		f = by_ssrc_out(m, be32_get(feedback.control.p));
		feedback.control = bytes_from(feedback.control, SSRC_LEN);
	}
	return f;
}

static struct flow *by_subject(const struct members *m, const struct rtcp_packet *packet)
{
	struct rtcp_block block;
	struct flow *f = NULL;

	if (packet->type == RTCP_TYPE_RTPFB || packet->type == RTCP_TYPE_PSFB)
		return by_feedback(m, packet);
	if (packet->type != RTCP_TYPE_SR && packet->type != RTCP_TYPE_RR)
		return NULL;
	for (uint8_t i = 0; !f && rtcp_block(packet, i, &block); i++)
		f = by_ssrc_out(m, block.ssrc);
	return f;
}

static struct flow *rtcp_flow(const struct members *m, struct bytes in)
{
	struct bytes rest = in;
	struct rtcp_packet packet;
	struct flow *f = NULL;
	uint32_t sender;

	while (!f && rtcp_next(&rest, &packet))
		if (rtcp_sender(&packet, &sender))
			f = by_source(m, sender);
	rest = in;
	while (!f && rtcp_next(&rest, &packet))
		f = by_subject(m, &packet);
	return f;
}

static void rtcp_give(const struct worker *w, struct pkt *p, uint64_t now_ns)
{
	struct bytes in = bytes_mem(p->data, p->length);
	struct members m = members_of(w, p->flow);
	struct flow *f = m.count > 1 && rtcp_check(in) == 0 ? rtcp_flow(&m, in) : NULL;

	if (!f)
		return;
	pkt_give(w, p, f);
	f->latch_rtp.heard_ns = now_ns;
}

void bundle_stage(struct worker *w, struct batch *b)
{
	if (LIKELY(w->transports.bundled == 0))
		return;
	BATCH_REST(p, b)
	if (p->verdict == VERDICT_NONE && p->kind == PKT_RTCP && p->flow->transport & TRANSPORT_ICE)
		rtcp_give(w, p, b->now_ns);
}
