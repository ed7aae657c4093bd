/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/protect.h"

#include "engine/srtp/srtp_stream.h"
#include "engine/walk/event.h"
#include "engine/walk/worker.h"

static bool is_scarce(uint64_t next, uint64_t limit, uint32_t reserve)
{
	return next + reserve / 2 > limit;
}

/* Said again with the next packet when the event ring is full. */
static NOINLINE void reserve_tell(struct worker *w, struct flow *f, bool srtp, bool srtcp)
{
	struct media_event event = event_of(f, MEDIA_FLOW_RESERVE);

	if (!event_send(w, &event))
		return;
	f->srtp_told |= srtp;
	f->srtcp_told |= srtcp;
}

static inline void reserve_check(struct worker *w, struct flow *f)
{
	const struct srtp_stream *s = f->srtp_out;
	bool srtp = is_scarce(s->sent.highest + 1, f->srtp_limit, SRTP_RESERVE);
	bool srtcp = is_scarce(s->rtcp_next, f->srtcp_limit, SRTCP_RESERVE);

	if (UNLIKELY((srtp && !f->srtp_told) || (srtcp && !f->srtcp_told)))
		reserve_tell(w, f, srtp, srtcp);
}

/* It was counted as sent. */
static void pkt_refuse(struct pkt *p, enum verdict v)
{
	p->verdict = (uint8_t)v;
	if (p->kind == PKT_RTCP)
		p->peer->stats.rtcp_out--;
	else
		flow_uncount_out(p->peer, p->length, p->payload_length);
}

static void protect_pkt_done(struct worker *w, struct pkt *p, const struct srtp_job *j)
{
	if (j->verdict != VERDICT_NONE) {
		pkt_refuse(p, (enum verdict)j->verdict);
	} else {
		if (p->kind == PKT_RTP)
			p->peer->sent.octets += (uint64_t)(j->length - p->length);
		p->length = j->length;
	}
	reserve_check(w, p->peer);
}

static bool is_mine(struct pkt *p)
{
	if (p->verdict != VERDICT_RELAY || !(p->peer->secure & SECURE_OUT) ||
	    (p->kind != PKT_RTP && p->kind != PKT_RTCP))
		return false;
	p->tail_known = 0;
	if (!p->peer->srtp_out)
		pkt_refuse(p, VERDICT_SRTP_KEY);
	return p->peer->srtp_out != NULL;
}

void protect_stage(struct worker *w, struct batch *b)
{
	struct srtp_job jobs[BATCH_MAX];
	struct pkt *of[BATCH_MAX];
	uint32_t n = 0;

	if (LIKELY(w->flows.secure == 0))
		return;
	BATCH_EACH(p, b)
	{
		if (!is_mine(p))
			continue;
		of[n] = p;
		jobs[n++] = (struct srtp_job){ .stream = p->peer->srtp_out,
					       .data = p->data,
					       .length = p->length,
					       .capacity = PACKET_MAX,
					       .is_rtcp = p->kind == PKT_RTCP };
	}
	srtp_jobs_protect(jobs, n);
	for (uint32_t i = 0; i < n; i++)
		protect_pkt_done(w, of[i], &jobs[i]);
}
