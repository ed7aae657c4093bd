/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/worker/srtp_flow.h"

#include <errno.h>

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

/* It follows the key before, or what a record says of that. */
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

/* Of the first key the record may know an index. While the party sends in clear its stream waits. */
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

/* RTP keeps its 16 bits of the index: so the sink goes on, or begins, at exactly this one. */
static void sink_pin(struct sink *k, uint64_t next)
{
	k->sequence = (uint16_t)(next - 1);
	k->pinned = 1;
	k->feeder = (struct flow_id){ 0 };
}

/* Another suite with the same octets may have the same keystream, so it begins where the former got to. */
static void begin_behind(const struct srtp_stream *former, const struct media_key *key,
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

	begin_behind(f->srtp_out, key, &next, &srtcp_next);
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

/* A key that comes back after a time in clear finds its indexes where they were: none is used twice under it. */
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
		f->srtp_told = 0;
	if (f->srtcp_limit != spec->srtcp_limit)
		f->srtcp_told = 0;
	f->srtp_limit = spec->srtp_limit;
	f->srtcp_limit = spec->srtcp_limit;
	/* else they are those of keys of a handshake that is awaited, or of keys before it: they have other indexes */
	if (f->srtp_out && srtp_stream_has_key(f->srtp_out, &spec->key_out))
		srtp_stream_limit(f->srtp_out, spec->srtp_limit, spec->srtcp_limit);
}

/* ---- flows ---- */

/* Keys come from a handshake, of this flow or of the one whose transport it shares. */
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
	/* control may not have heard yet of keys that are newer than its own */
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
	f->srtp_told = f->srtcp_told = 0;
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
