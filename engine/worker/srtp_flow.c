/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP of flows: opening, changing and closing the two streams of a flow by its keys, and the
 * stages that decrypt received packets and encrypt sent ones, in batches. Indexes of what we send
 * are granted by control in advance, because a restarted node must never reuse one (RFC 3711 9.1);
 * close to the limit it asks for more. Without a usable key nothing passes in that direction,
 * rather than unprotected.
 */

#include <errno.h>

#include "engine/srtp/srtp_stream.h"
#include "engine/worker/control.h"
#include "engine/worker/latch.h"
#include "engine/worker/srtp_flow.h"
#include "engine/worker/stage.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"

static bool is_scarce(uint64_t next, uint64_t limit, uint32_t reserve)
{
	return next + reserve / 2 > limit;
}

/* Repeated with the next packet while the event ring is full. */
static NOINLINE void reserve_notify(struct worker *w, struct flow *f, bool srtp, bool srtcp)
{
	struct media_event event = event_of(f, MEDIA_FLOW_RESERVE);

	if (!event_send(w, &event))
		return;
	f->srtp_limit_sent |= srtp;
	f->srtcp_limit_sent |= srtcp;
}

static inline void reserve_check(struct worker *w, struct flow *f)
{
	const struct srtp_stream *s = f->srtp_out;
	bool srtp = is_scarce(s->sent.highest + 1, f->srtp_limit, SRTP_RESERVE);
	bool srtcp = is_scarce(s->rtcp_next, f->srtcp_limit, SRTCP_RESERVE);

	if (UNLIKELY((srtp && !f->srtp_limit_sent) || (srtcp && !f->srtcp_limit_sent)))
		reserve_notify(w, f, srtp, srtcp);
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

/* The padding was encrypted before. */
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

static enum verdict srtp_pkt_accept(struct pkt *p, uint64_t now_ns)
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
		p->verdict = (uint8_t)srtp_pkt_accept(p, b->now_ns);
}

static bool flow_is_secure(const struct media_key *key)
{
	return key->suite != MEDIA_SUITE_NONE;
}

/* ---- what the party sends ---- */

/* Not that of any index: the next packet tells control what it is. */
enum { HALF_UNKNOWN = UINT32_MAX };

/* True: the index is one of this key. */
static bool in_resume(struct srtp_stream *s, const struct media_key *key,
		      const struct flow_resume *resume)
{
	bool own = resume->srtp_key == 0 || resume->srtp_key == srtp_key_name(key);

	if (!resume->started || resume->srtp_in == 0)
		return own;
	if (own)
		srtp_stream_resume(s, resume->source_ssrc, resume->srtp_in);
	else
		srtp_stream_rekey(s, resume->source_ssrc, resume->srtp_in, resume->srtp_key);
	return own;
}

/* It follows the key before, or the record of that. */
static int in_open(struct flow *f, const struct media_key *key, const struct flow_resume *resume)
{
	struct srtp_stream *s = NULL;
	int err = 0;

	f->srtp_half = 0;
	if (flow_is_secure(key))
		err = srtp_stream_open(&s, key);
	if (s && f->srtp_in) {
		srtp_stream_follow(s, f->srtp_in);
		f->srtp_half = HALF_UNKNOWN;
	} else if (s && resume) {
		f->srtp_half = in_resume(s, key, resume) ? (uint32_t)(resume->srtp_in / SRTP_HALF)
							 : HALF_UNKNOWN;
	}
	srtp_stream_close(f->srtp_in);
	f->srtp_in = s;
	return err;
}

/* The record may know an index of the first key. While the party sends in clear its stream
 * waits. */
static int in_update(struct flow *f, const struct flow_spec *spec)
{
	const struct media_key *key = &spec->key_in;

	if (!flow_is_secure(key))
		return 0;
	if (f->srtp_in && srtp_stream_has_key(f->srtp_in, key)) {
		srtp_stream_mki(f->srtp_in, key);
		return 0;
	}
	return in_open(f, key, &spec->resume);
}

/* ---- what we send to the party ---- */

/* RTP has 16 bits of the index, so the sink continues, or begins, at exactly this one. */
static void sink_pin(struct sink *k, uint64_t next)
{
	k->sequence = (uint16_t)(next - 1);
	k->pinned = 1;
	k->feeder = (struct flow_id){ 0 };
}

/* Another suite with the same octets may have the same keystream: it begins where the former
 * got. */
static void index_start_behind(const struct srtp_stream *former, const struct media_key *key,
			       uint64_t *next, uint32_t *srtcp_next)
{
	if (!former || !srtp_stream_has_master(former, key))
		return;
	if (*next < srtp_stream_next(former))
		*next = srtp_stream_next(former);
	if (*srtcp_next < srtcp_stream_next(former))
		*srtcp_next = srtcp_stream_next(former);
}

/* What was numbered and did not leave yet must not, nor what left once more. */
static void numbers_renew(struct flow *f)
{
	resend_forget(f);
	f->numbering++;
}

static int out_open(struct flow *f, const struct media_key *key, const struct flow_resume *resume,
		    struct rand_source *r)
{
	struct srtp_stream *s = NULL;
	uint64_t next =
		resume->srtp_next > 0 ? resume->srtp_next : 1 + rand_below(r, SRTP_FIRST_BELOW - 1);
	uint32_t srtcp_next = resume->srtcp_next;
	int err = 0;

	index_start_behind(f->srtp_out, key, &next, &srtcp_next);
	if (flow_is_secure(key))
		err = srtp_stream_open(&s, key);
	if (s) {
		srtp_stream_start(s, next, srtcp_next);
		sink_pin(&f->sink, next);
	}
	srtp_stream_close(f->srtp_out);
	f->srtp_out = s;
	numbers_renew(f);
	return err;
}

/* A key that returns after a time in clear continues at its indexes: none is used twice under
 * it. */
static int out_update(struct flow *f, const struct flow_spec *spec, bool was_secure,
		      struct rand_source *r)
{
	const struct media_key *key = &spec->key_out;

	if (!flow_is_secure(key))
		return 0;
	if (!f->srtp_out || !srtp_stream_has_key(f->srtp_out, key))
		return out_open(f, key, &spec->resume, r);
	if (!was_secure)
		sink_pin(&f->sink, srtp_stream_next(f->srtp_out));
	return 0;
}

static void limits_set(struct flow *f, const struct flow_spec *spec)
{
	if (f->srtp_limit != spec->srtp_limit)
		f->srtp_limit_sent = 0;
	if (f->srtcp_limit != spec->srtcp_limit)
		f->srtcp_limit_sent = 0;
	f->srtp_limit = spec->srtp_limit;
	f->srtcp_limit = spec->srtcp_limit;
	/* else they belong to keys of an expected handshake, or to earlier keys: with other
	 * indexes */
	if (f->srtp_out && srtp_stream_has_key(f->srtp_out, &spec->key_out))
		srtp_stream_limit(f->srtp_out, spec->srtp_limit, spec->srtcp_limit);
}

/* ---- flows ---- */

/* Keys come from a handshake, of this flow or of its transport's owner. */
static bool is_handshaken(const struct flow_table *t, const struct flow_spec *spec)
{
	const struct flow *owner = flow_find(t, spec->bundle);

	if (spec->bundle.generation == 0)
		return spec->dtls.role != DTLS_NONE;
	return owner && owner->dtls->role != DTLS_NONE;
}

static void secure_set(struct flow_table *t, struct flow *f, const struct flow_spec *spec)
{
	bool both = is_handshaken(t, spec);
	uint8_t secure = (uint8_t)((both || flow_is_secure(&spec->key_in) ? SECURE_IN : 0) |
				   (both || flow_is_secure(&spec->key_out) ? SECURE_OUT : 0));

	t->secure += (secure != 0) - (f->secure != 0);
	if (secure != f->secure)
		numbers_renew(f);
	f->secure = secure;
}

static bool is_index_range(const struct flow_resume *r)
{
	return r->srtp_in < SRTP_INDEX_END && r->srtp_next < SRTP_INDEX_END &&
	       r->srtcp_next < SRTCP_INDEX_END;
}

int srtp_flow_open(struct flow_table *t, struct flow *f, const struct flow_spec *spec,
		   struct rand_source *r)
{
	int err, err_out;

	secure_set(t, f, spec);
	if (!is_index_range(&spec->resume))
		return -EINVAL;
	err = in_open(f, &spec->key_in, &spec->resume);
	err_out = out_open(f, &spec->key_out, &spec->resume, r);
	limits_set(f, spec);
	return err ? err : err_out;
}

int srtp_flow_update(struct flow_table *t, struct flow *f, const struct flow_spec *spec,
		     struct rand_source *r)
{
	/* control may not know of keys that are newer than its own */
	bool keeps = f->dtls->keyed && is_handshaken(t, spec);
	bool was_secure = f->secure & SECURE_OUT;
	int err, err_out;

	secure_set(t, f, spec);
	if (!is_index_range(&spec->resume))
		return -EINVAL;
	err = keeps ? 0 : in_update(f, spec);
	err_out = keeps ? 0 : out_update(f, spec, was_secure, r);
	limits_set(f, spec);
	return err ? err : err_out;
}

int srtp_flow_keys(struct flow *f, const struct media_key *in, const struct media_key *out,
		   struct rand_source *r)
{
	const struct flow_resume begin = { .srtp_next = f->dtls->srtp_next,
					   .srtcp_next = f->dtls->srtcp_next };
	int err = 0, err_out = 0;

	f->dtls->keyed = 1;
	if (!f->srtp_in || !srtp_stream_has_key(f->srtp_in, in))
		err = in_open(f, in, NULL);
	if (f->srtp_out && srtp_stream_has_key(f->srtp_out, out))
		return err;
	if (is_index_range(&begin))
		err_out = out_open(f, out, &begin, r);
	if (f->srtp_out)
		srtp_stream_limit(f->srtp_out, f->srtp_limit, f->srtcp_limit);
	f->srtp_limit_sent = f->srtcp_limit_sent = 0;
	return err ? err : err_out;
}

void srtp_flow_close(struct flow_table *t, struct flow *f)
{
	t->secure -= f->secure != 0;
	f->secure = 0;
	srtp_stream_close(f->srtp_in);
	srtp_stream_close(f->srtp_out);
	f->srtp_in = f->srtp_out = NULL;
}

void srtp_flow_resume(const struct flow *f, struct flow_resume *out)
{
	if (f->srtp_in) {
		out->srtp_in = srtp_stream_highest(f->srtp_in, f->source.ssrc);
		out->srtp_key = srtp_stream_highest_key(f->srtp_in, f->source.ssrc);
	}
	if (!f->srtp_out)
		return;
	out->srtp_next = srtp_stream_next(f->srtp_out);
	out->srtcp_next = srtcp_stream_next(f->srtp_out);
}
