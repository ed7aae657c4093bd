/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/unprotect.h"

#include "engine/latch.h"
#include "engine/worker.h"
#include "media/rtp_parse.h"

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

/* A successor guesses the index right as long as it knows one of the last half rollover. */
static void index_note(struct flow *f, const struct pkt *p, uint64_t index)
{
	uint32_t half = (uint32_t)(index / SRTP_HALF);

	if (p->ssrc != f->source.ssrc || half == f->srtp_half)
		return;
	f->srtp_half = half;
	f->notice = 1;
}

static enum verdict pkt_believe(struct pkt *p, const struct srtp_job *j, uint64_t now_ns)
{
	struct flow *f = p->flow;
	bool changed;

	p->length = j->length;
	if (!latch_accept(f, (enum channel)p->channel, &p->from, latch_ssrc(p), now_ns, &changed))
		return VERDICT_SOURCE_NOT_LATCHED; /* another one of this batch was first */
	if (changed)
		f->notice = 1;
	if (p->kind != PKT_RTP)
		return VERDICT_NONE;
	index_note(f, p, j->index);
	return payload_read(p);
}

static bool is_mine(struct pkt *p)
{
	if (p->verdict != VERDICT_NONE || !(p->flow->secure & SECURE_IN))
		return false;
	p->tail_known = 0;
	if (!p->flow->srtp_in)
		p->verdict = VERDICT_SRTP_KEY;
	return p->flow->srtp_in != NULL;
}

void unprotect_stage(struct worker *w, struct batch *b)
{
	struct srtp_job jobs[BATCH_MAX];
	struct pkt *of[BATCH_MAX];
	uint32_t n = 0;

	if (LIKELY(w->flows.secure == 0))
		return;
	BATCH_REST(p, b)
	{
		if (!is_mine(p))
			continue;
		of[n] = p;
		jobs[n++] = (struct srtp_job){ .stream = p->flow->srtp_in,
					       .data = p->data,
					       .length = p->length,
					       .is_rtcp = p->kind == PKT_RTCP };
	}
	srtp_jobs_unprotect(jobs, n);
	for (uint32_t i = 0; i < n; i++) {
		of[i]->verdict = jobs[i].verdict;
		if (of[i]->verdict == VERDICT_NONE)
			of[i]->verdict = (uint8_t)pkt_believe(of[i], &jobs[i], b->now_ns);
	}
}
