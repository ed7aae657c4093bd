/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/srtp/srtp_stream.h"
#include "engine/worker/control.h"
#include "engine/worker/latch.h"
#include "engine/worker/stage.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"

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

/* The padding could not be told before. */
static enum verdict payload_read(struct pkt *p)
{
	struct bytes in = { .p = p->data, .n = p->length };
	struct rtp_head h;

	if (rtp_parse(&h, in))
		return VERDICT_MALFORMED;
	p->payload_at = h.payload.n > 0 ? (uint16_t)(h.payload.p - in.p) : 0;
	p->payload_length = (uint16_t)h.payload.n;
	return VERDICT_NONE;
}

static enum verdict srtp_pkt_believe(struct pkt *p, uint64_t now_ns)
{
	struct flow *f = p->flow;
	bool changed;

	if (p->opened_verdict != VERDICT_NONE)
		return (enum verdict)p->opened_verdict;
	p->length = p->opened_length;
	if (!latch_accept(f, (enum channel)p->channel, &p->from, latch_ssrc(p), now_ns, &changed))
		return VERDICT_SOURCE_NOT_LATCHED; /* another one of this batch was first */
	if (changed)
		f->notice = 1;
	if (p->kind != PKT_RTP)
		return VERDICT_NONE;
	if (p->ssrc == f->source.ssrc)
		srtp_half_note(f, p->opened_index);
	return payload_read(p);
}

/* ---- the transforms of many ---- */

struct list {
	uint32_t count;
	struct pkt *of[BATCH_MAX];
	struct srtp_job jobs[BATCH_MAX];
};

static inline void list_add(struct list *l, struct pkt *p, struct srtp_stream *stream, bool is_rtcp)
{
	l->of[l->count] = p;
	l->jobs[l->count++] = (struct srtp_job){
		.stream = stream, .data = p->data, .length = p->length, .is_rtcp = is_rtcp
	};
}

static void packets_open(struct list *l)
{
	srtp_jobs_unprotect(l->jobs, l->count);
	for (uint32_t i = 0; i < l->count; i++) {
		struct pkt *p = l->of[i];

		p->tail_known = 0;
		p->opened_verdict = l->jobs[i].verdict;
		p->opened_length = l->jobs[i].length;
		p->opened_index = l->jobs[i].index;
	}
}

void unprotect_front(struct worker *w, struct batch *b, uint32_t count)
{
	struct list l;

	l.count = 0;
	for (struct pkt *p = b->list; p < b->list + count; p++) {
		const struct flow *f = &w->flows.list[p->slot];

		if (f->secure & SECURE_IN)
			list_add(&l, p, f->srtp_in, false);
	}
	packets_open(&l);
	b->opened = count;
}

/* ---- the stage ---- */

static bool packet_has_keys(const struct pkt *p)
{
	return p->verdict == VERDICT_NONE && p->flow->secure & SECURE_IN;
}

/* Those that unprotect_front has not opened. */
static void rest_open(struct batch *b)
{
	struct list l;

	l.count = 0;
	for (struct pkt *p = b->list + b->opened; p < b->list + b->count; p++) {
		if (!packet_has_keys(p))
			continue;
		if (p->flow->srtp_in)
			list_add(&l, p, p->flow->srtp_in, p->kind == PKT_RTCP);
		else
			p->verdict = VERDICT_SRTP_KEY;
	}
	packets_open(&l);
}

void unprotect_stage(struct worker *w, struct batch *b)
{
	if (LIKELY(w->flows.secure == 0) || b->done == b->count)
		return;
	rest_open(b);
	BATCH_REST(p, b)
	if (packet_has_keys(p))
		p->verdict = (uint8_t)srtp_pkt_believe(p, b->now_ns);
}
