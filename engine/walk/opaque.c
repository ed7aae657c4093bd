/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/opaque.h"

#include "engine/flow/flow.h"

/* Holds are about what is said, not about the reports on it. */
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
				       : f->receive == FLOW_RECEIVE_PACED && !flow_pace_take(f))
		return VERDICT_TOO_FAST;
	if (UNLIKELY(!flow_has_received(p->peer)) && !trickle_take(p->peer, now_ns))
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
