/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/rtcp.h"

#include "engine/walk/worker.h"
#include "media/rtp/rtcp_translate.h"

/* The SSRC a report is from. A party that never sent RTP reports under one we have not seen: it stands for the party. */
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

/* False: that was all it had to say. */
static bool pkt_answer(struct worker *w, struct pkt *p)
{
	size_t n = p->length;

	resend_asked(w, p->flow, p->data, &n);
	p->length = (uint16_t)n;
	return n > 0;
}

/* Of whom it sees in place of a peer. */
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
	/* it is about a stream that the other party does not hear */
	if (UNLIKELY(p->peer->making & MAKING_SOUND))
		return VERDICT_DURING_SOUND;
	p->to = flow_rtcp_to(p->peer);
	if (!p->to)
		return flow_no_way(p->peer);
	if (UNLIKELY(!flow_has_received(p->peer)) && !trickle_take(p->peer, now_ns))
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
