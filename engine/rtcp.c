/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rtcp.h"

#include "engine/worker.h"
#include "media/rtcp_translate.h"

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
	struct rtcp_mapping m;
	uint32_t sender = p->flow->source.ssrc;

	if (rtcp_check((struct bytes){ .p = p->data, .n = p->length }))
		return VERDICT_MALFORMED;
	/* A source that is over may say BYE late; that is not the end of our stream. */
	if (sender_of(p, &sender) && p->flow->source.started && sender != p->flow->source.ssrc)
		return VERDICT_UNKNOWN_SSRC;
	m = mapping_of(p->flow, p->peer, sender);
	return rtcp_translate(p->data, p->length, &m) ? VERDICT_MALFORMED : VERDICT_RELAY;
}

static enum verdict pkt_relay(struct pkt *p)
{
	enum verdict v;

	if (!p->peer)
		return VERDICT_NO_PEER;
	p->to = flow_rtcp_to(p->peer);
	if (!p->to)
		return VERDICT_NO_DESTINATION;
	v = pkt_translate(p);
	if (v != VERDICT_RELAY)
		return v;
	p->out_slot = p->peer->id.slot;
	p->out_channel = p->peer->rtcp_mux ? CHANNEL_RTP : CHANNEL_RTCP;
	p->flow->stats.rtcp_in++;
	p->peer->stats.rtcp_out++;
	return VERDICT_RELAY;
}

void rtcp_stage(struct worker *w, struct batch *b)
{
	(void)w;
	BATCH_EACH(p, b)
	if (p->verdict == VERDICT_NONE && p->kind == PKT_RTCP)
		p->verdict = (uint8_t)pkt_relay(p);
}
