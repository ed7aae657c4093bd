/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source latching of plain RTP and RTCP (latch.h): which address a flow accepts, when it relearns
 * after silence, how RTCP follows RTP, and limits on rates. NAT makes a party's real address
 * unknown until it sends, and anybody can send to a port, so each rule here is a compromise between
 * one-way audio and RTP injection. SRTP packets are only latched after they authenticate. Stages
 * call it for each packet that is not ordinary.
 */

#include "engine/worker/latch.h"
#include "base/clock.h"
#include "engine/worker/flow.h"
#include "engine/worker/flow_transport.h"
#include "engine/worker/worker.h"

#define EVERY_NS (NS_PER_S / TRICKLE_PER_S)

bool trickle_admit(struct flow *f, uint64_t now_ns)
{
	struct trickle *t = &f->trickle;

	if (f->unproven && t->sent >= TRICKLE_MAX)
		return false;
	if (t->next_ns + NS_PER_S < now_ns + EVERY_NS)
		t->next_ns = now_ns + EVERY_NS > NS_PER_S ? now_ns + EVERY_NS - NS_PER_S : 0;
	if (t->next_ns > now_ns)
		return false;
	t->next_ns += EVERY_NS;
	t->sent++;
	return true;
}

void trickle_renew(struct flow *f)
{
	f->trickle = (struct trickle){ 0 };
}

static uint32_t in_tick(uint32_t per_s)
{
	return (uint32_t)(per_s * TICK_NS / NS_PER_S);
}

void flow_pace_tick(struct flow *f)
{
	struct flow_pace *p = &f->pace;
	uint32_t most = in_tick(f->kind == MEDIA_VIDEO ? PARTY_FRAMES_PER_S : PARTY_SOUND_PER_S);
	uint64_t heard = f->received.packets - p->rtp;

	if (f->receive == FLOW_RECEIVE && heard > most)
		f->receive = FLOW_RECEIVE_PACED;
	else if (f->receive == FLOW_RECEIVE_PACED && p->rtp_left > 0)
		f->receive = FLOW_RECEIVE;
	p->rtp = f->received.packets;
	p->rtp_left = most;
	p->rtcp_left = in_tick(PARTY_RTCP_PER_S);
}

bool flow_pace_admit(struct flow *f)
{
	if (f->pace.rtp_left == 0)
		return false;
	f->pace.rtp_left--;
	return true;
}

bool flow_pace_rtcp(struct flow *f)
{
	if (f->pace.rtcp_left == 0)
		return false;
	f->pace.rtcp_left--;
	return true;
}

static struct latch *latch_of(struct flow *f, enum channel c)
{
	return c == CHANNEL_RTP ? &f->latch_rtp : &f->latch_rtcp;
}

void latch_place_rtcp(struct flow *f)
{
	const struct addr *rtp = &f->latch_rtp.source;

	if (rtp->family == ADDR_NONE || (addr_eq(rtp, &f->remote[CHANNEL_RTP]) &&
					 f->remote[CHANNEL_RTCP].family != ADDR_NONE)) {
		f->rtcp_place = f->remote[CHANNEL_RTCP];
		return;
	}
	f->rtcp_place = *rtp;
	f->rtcp_place.port++; /* RFC 3550 11 */
}

/* RTCP comes from the signalled port, or the one next to a learned RTP source. From another port of
 * that host, as behind a NAT, it is accepted with the SSRC of the party's RTP, which neighbours
 * cannot know. Before any RTP only the signalled address is accepted: otherwise a stranger could
 * take over a call's RTCP by sending first. */
static bool is_allowed_rtcp(const struct flow *f, const struct addr *from, uint32_t ssrc)
{
	if (f->latch_mode == LATCH_STRICT)
		return addr_eq(from, &f->remote[CHANNEL_RTCP]);
	if (addr_eq(from, &f->rtcp_place) && from->family != ADDR_NONE)
		return f->latch_mode != LATCH_ANY_ONCE || f->latch_rtp.source.family != ADDR_NONE;
	return f->latch_rtp.source.family != ADDR_NONE && addr_ip_eq(from, &f->latch_rtp.source) &&
	       f->source.started && ssrc == f->source.ssrc &&
	       !addr_eq(&f->latch_rtcp.source, &f->rtcp_place);
}

/* Whether a new source may be latched. */
static bool is_allowed_rtp(const struct flow *f, const struct addr *from)
{
	const struct addr *latched = &f->latch_rtp.source;

	switch ((enum latch_mode)f->latch_mode) {
	case LATCH_STRICT:
		return addr_eq(from, &f->remote[CHANNEL_RTP]);
	case LATCH_SAME_IP:
		return f->remote[CHANNEL_RTP].family != ADDR_NONE &&
		       addr_ip_eq(from, &f->remote[CHANNEL_RTP]);
	case LATCH_ANY_ONCE:
		return latched->family == ADDR_NONE || addr_ip_eq(from, latched);
	}
	return false;
}

/* A latched port excludes others of its host, but not the signalled port: after a re-INVITE that
 * moved it, packets from the old port still arrive first. Nor does it exclude RTCP from its proper
 * port. */
static bool is_signalled(const struct flow *f, enum channel c, const struct addr *from)
{
	if (c == CHANNEL_RTCP)
		return addr_eq(from, &f->rtcp_place);
	return f->latch_mode == LATCH_SAME_IP && addr_eq(from, &f->remote[c]);
}

/* Whether a packet from there could be accepted, if it is the party's. ssrc: of RTCP
 * (latch_ssrc). */
static bool latch_allows(const struct flow *f, enum channel c, const struct addr *from,
			 uint32_t ssrc, uint64_t now_ns)
{
	const struct latch *l = flow_latch(f, c);

	if (l->source.family != ADDR_NONE) {
		if (LIKELY(addr_eq(from, &l->source)))
			return true;
		if (now_ns - l->received_ns < LATCH_SILENCE_NS && !is_signalled(f, c, from))
			return false;
	}
	return c == CHANNEL_RTP ? is_allowed_rtp(f, from) : is_allowed_rtcp(f, from, ssrc);
}

/* RTCP of the source before is not the new one's. */
static void rtp_moved(struct flow *f, bool latched, uint64_t now_ns)
{
	if (latched) {
		detail_leave_source(f, false, now_ns);
		f->latch_rtcp = (struct latch){ 0 };
	}
}

bool latch_accept(struct flow *f, enum channel c, const struct addr *from, uint32_t ssrc,
		  uint64_t now_ns, bool *changed)
{
	struct latch *l = latch_of(f, c);
	bool latched = l->source.family != ADDR_NONE;

	*changed = false;
	if (LIKELY(latched && addr_eq(from, &l->source))) {
		l->received_ns = now_ns;
		return true;
	}
	if (UNLIKELY(f->transport & TRANSPORT_PAIRS)) { /* ice_stage knows the pair */
		l->received_ns = now_ns;
		return true;
	}
	if (!latch_allows(f, c, from, ssrc, now_ns))
		return false;
	if (c == CHANNEL_RTP)
		rtp_moved(f, latched, now_ns);
	*l = (struct latch){ .source = *from, .received_ns = now_ns, .since_ns = now_ns };
	if (c == CHANNEL_RTP)
		latch_place_rtcp(f);
	*changed = true;
	return true;
}

void latch_resume(struct flow *f, enum channel c, const struct addr *source, uint64_t now_ns)
{
	/* the process before had a reason to accept this source */
	bool changed, of_rtp = c == CHANNEL_RTCP && f->latch_mode != LATCH_STRICT &&
			       addr_ip_eq(source, &f->latch_rtp.source);

	if (source->family == ADDR_NONE)
		return;
	if (of_rtp)
		f->latch_rtcp = (struct latch){ .source = *source, .received_ns = now_ns };
	else if (!latch_accept(f, c, source, 0, now_ns, &changed))
		return;
	/* it spoke until a moment ago: to the process before */
	latch_of(f, c)->since_ns = now_ns > LATCH_STABLE_NS ? now_ns - LATCH_STABLE_NS : 0;
}

bool latch_is_stable(const struct flow *f, uint64_t now_ns)
{
	const struct latch *l = &f->latch_rtp;

	return l->source.family != ADDR_NONE && now_ns - l->since_ns >= LATCH_STABLE_NS &&
	       now_ns - l->received_ns < LATCH_QUIET_NS;
}

void latch_forget(struct flow *f, enum channel c)
{
	*latch_of(f, c) = (struct latch){ 0 };
	latch_place_rtcp(f);
	f->notice = 1;
}

/* A party that is to send no RTP now cannot show its address by it, and nor can others. Its RTCP
 * continues (RFC 3264 5.1), on a shared port from the signalled address. */
static bool latch_is_held(const struct pkt *p)
{
	const struct flow *f = p->flow;

	return !f->receive && p->kind != PKT_DTLS && p->channel == CHANNEL_RTP &&
	       !addr_eq(&p->from, &f->latch_rtp.source) &&
	       (p->kind != PKT_RTCP || !addr_eq(&p->from, &f->remote[CHANNEL_RTP]));
}

/* From the latched source: nothing to decide. */
static bool latch_is_ordinary(const struct pkt *p)
{
	const struct flow *f = p->flow;

	return p->channel == CHANNEL_RTP && f->receive && !(f->secure & SECURE_IN) &&
	       addr_eq(&p->from, &f->latch_rtp.source);
}

uint32_t latch_ssrc(const struct pkt *p)
{
	return p->kind == PKT_RTCP && p->length >= 8 ? be32_get(p->data + 4) : 0;
}

/* A packet that the node sent itself. */
static bool is_loop(const struct worker *w, const struct pkt *p)
{
	return w->own && !p->flow->own &&
	       !addr_eq(&p->from, &flow_latch(p->flow, (enum channel)p->channel)->source) &&
	       own_ports_has(w->own, &p->from);
}

static enum verdict pkt_latch(const struct worker *w, const struct pkt *p, uint64_t now_ns)
{
	enum channel c = (enum channel)p->channel;
	struct flow *f = p->flow;
	bool held, changed;

	if (UNLIKELY(f->transport & TRANSPORT_PAIRS)) {
		if (!(f->secure & SECURE_IN))
			(void)latch_accept(f, c, &p->from, 0, now_ns, &changed);
		return VERDICT_NONE;
	}
	if (is_loop(w, p))
		return VERDICT_LOOP;
	held = latch_is_held(p);
	if (held || (f->secure & SECURE_IN)) { /* the latter are latched when they are authentic */
		if (!latch_allows(f, c, &p->from, latch_ssrc(p), now_ns))
			return VERDICT_SOURCE_NOT_LATCHED;
		return held ? VERDICT_NOT_RECEIVING : VERDICT_NONE;
	}
	if (!latch_accept(f, c, &p->from, latch_ssrc(p), now_ns, &changed))
		return VERDICT_SOURCE_NOT_LATCHED;
	if (changed)
		f->notice = 1;
	return VERDICT_NONE;
}

void latch_stage(struct worker *w, struct batch *b)
{
	BATCH_REST(p, b)
	{
		if (p->verdict != VERDICT_NONE)
			continue;
		if (LIKELY(latch_is_ordinary(p)))
			p->flow->latch_rtp.received_ns = b->now_ns;
		else
			p->verdict = (uint8_t)pkt_latch(w, p, b->now_ns);
	}
}
