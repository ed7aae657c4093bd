/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/srtp.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "engine/srtp_cipher.h"
#include "engine/srtp_window.h"
#include "media/rtp_parse.h"
#include "media/seq.h"

enum {
	RTCP_HEAD_LEN = 8, /* with the SSRC: what stays plain */
	RTCP_INDEX_LEN = 4,
	ROLLOVER = 1 << 16,
};

#define RTCP_ENCRYPTED  (UINT32_C(1) << 31) /* the E flag above the index */
#define INDEX_BELOW_ALL (UINT64_C(1) << 47) /* modulo 2^48: this is before index 0 */

/* One SSRC. */
struct srtp_source {
	struct srtp_window rtp, rtcp;
	uint64_t used; /* stream.uses when it was heard last; 0: free */
	uint32_t ssrc;
	uint8_t resumed; /* not heard since a restart: its rollover counter may have moved on */
};

struct srtp_stream {
	struct srtp_cipher *rtp, *rtcp;
	uint8_t tag, rtcp_tag; /* octets */
	/* in */
	uint64_t uses;
	struct srtp_source sources[SRTP_SOURCES_MAX];
	/* out */
	struct srtp_window sent;
	uint64_t limit;
	uint32_t rtcp_next, rtcp_limit;
	struct media_key key;
};

/* ---- streams ---- */

int srtp_stream_open(struct srtp_stream **out, const struct media_key *key)
{
	struct srtp_stream *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->key = *key;
	s->tag = srtp_tag_length((enum media_suite)key->suite, SRTP_USE_RTP);
	s->rtcp_tag = srtp_tag_length((enum media_suite)key->suite, SRTP_USE_RTCP);
	err = srtp_cipher_open(&s->rtp, key, SRTP_USE_RTP);
	if (!err)
		err = srtp_cipher_open(&s->rtcp, key, SRTP_USE_RTCP);
	if (err) {
		srtp_stream_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void srtp_stream_close(struct srtp_stream *s)
{
	if (!s)
		return;
	srtp_cipher_close(s->rtp);
	srtp_cipher_close(s->rtcp);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

bool srtp_stream_has_key(const struct srtp_stream *s, const struct media_key *key)
{
	return s->key.suite == key->suite &&
	       bytes_eq_secret(bytes_mem(s->key.octets, s->key.length),
			       bytes_mem(key->octets, key->length));
}

void srtp_stream_start(struct srtp_stream *s, uint64_t next, uint32_t srtcp_next)
{
	assert(next > 0 && next < SRTP_INDEX_END && srtcp_next < SRTCP_INDEX_END);
	srtp_window_start(&s->sent, next - 1);
	s->rtcp_next = srtcp_next;
}

void srtp_stream_limit(struct srtp_stream *s, uint64_t limit, uint32_t srtcp_limit)
{
	s->limit = limit < SRTP_INDEX_END ? limit : SRTP_INDEX_END;
	s->rtcp_limit = srtcp_limit < SRTCP_INDEX_END ? srtcp_limit : SRTCP_INDEX_END;
}

uint64_t srtp_stream_next(const struct srtp_stream *s)
{
	return s->sent.highest + 1;
}

uint32_t srtcp_stream_next(const struct srtp_stream *s)
{
	return s->rtcp_next;
}

/* ---- sources ---- */

static struct srtp_source *source_find(struct srtp_stream *s, uint32_t ssrc)
{
	for (uint32_t i = 0; i < SRTP_SOURCES_MAX && s->sources[i].used; i++)
		if (s->sources[i].ssrc == ssrc)
			return &s->sources[i];
	return NULL;
}

/* A free place, or that of the source which has been quiet for longest: only the party itself can bring that about, as
 * nothing is kept of a source before it authenticated. */
static struct srtp_source *source_new(struct srtp_stream *s, uint32_t ssrc)
{
	struct srtp_source *oldest = &s->sources[0];

	for (uint32_t i = 1; i < SRTP_SOURCES_MAX; i++)
		if (s->sources[i].used < oldest->used)
			oldest = &s->sources[i];
	*oldest = (struct srtp_source){ .ssrc = ssrc };
	return oldest;
}

static struct srtp_source *source_heard(struct srtp_stream *s, struct srtp_source *source,
					uint32_t ssrc)
{
	if (!source)
		source = source_new(s, ssrc);
	source->used = ++s->uses;
	return source;
}

void srtp_stream_resume(struct srtp_stream *s, uint32_t ssrc, uint64_t highest)
{
	struct srtp_source *source = source_heard(s, source_find(s, ssrc), ssrc);

	assert(highest < SRTP_INDEX_END);
	srtp_window_start(&source->rtp, highest);
	source->resumed = 1;
}

uint64_t srtp_stream_highest(const struct srtp_stream *s, uint32_t ssrc)
{
	for (uint32_t i = 0; i < SRTP_SOURCES_MAX; i++)
		if (s->sources[i].used && s->sources[i].ssrc == ssrc)
			return s->sources[i].rtp.highest;
	return 0;
}

/* ---- RTP ---- */

/* What stays plain: fixed part, CSRCs, extension. 0: cut short. */
static size_t head_length(const uint8_t *p, size_t n)
{
	size_t head = RTP_HEAD_LEN;

	if (n < head)
		return 0;
	head += (size_t)(p[0] & 0x0f) * 4;
	if (p[0] & 0x10) {
		if (n < head + 4)
			return 0;
		head += 4 + (size_t)be16_get(p + head + 2) * 4;
	}
	return n < head ? 0 : head;
}

static void tag_of(const struct srtp_stream *s, const uint8_t *p, size_t n, uint64_t index,
		   uint8_t tag[SRTP_TAG_MAX])
{
	uint8_t roc[4];

	be32_put(roc, (uint32_t)(index / ROLLOVER));
	srtp_cipher_tag(s->rtp, bytes_mem(p, n), roc, tag, s->tag);
}

static enum verdict rtp_check(const struct srtp_stream *s, const struct srtp_source *source,
			      const uint8_t *p, size_t n, uint64_t index)
{
	uint8_t tag[SRTP_TAG_MAX];

	if (source && !srtp_window_is_new(&source->rtp, index))
		return VERDICT_SRTP_REPLAY;
	tag_of(s, p, n, index, tag);
	return CRYPTO_memcmp(tag, p + n, s->tag) == 0 ? VERDICT_NONE : VERDICT_SRTP_AUTH;
}

/* RFC 3711 3.3.1; the counter starts at 0, and there is nothing before that. */
static uint64_t index_guess(const struct srtp_source *source, uint16_t sequence)
{
	uint64_t index = sequence;

	if (source && source->rtp.started)
		index = seq_unwrap(source->rtp.highest, sequence);
	return index < INDEX_BELOW_ALL ? index : sequence;
}

static enum verdict rtp_unprotect(struct srtp_job *j)
{
	struct srtp_stream *s = j->stream;
	size_t n = j->length > s->tag ? (size_t)j->length - s->tag : 0;
	size_t head = head_length(j->data, n);
	struct srtp_source *source;
	enum verdict v;
	uint32_t ssrc;

	if (head == 0)
		return VERDICT_SRTP_SHORT;
	ssrc = be32_get(j->data + 8);
	source = source_find(s, ssrc);
	j->index = index_guess(source, be16_get(j->data + 2));
	v = rtp_check(s, source, j->data, n, j->index);
	if (v != VERDICT_NONE && source && source->resumed &&
	    rtp_check(s, source, j->data, n, j->index + ROLLOVER) == VERDICT_NONE) {
		j->index += ROLLOVER;
		v = VERDICT_NONE;
	}
	if (v != VERDICT_NONE)
		return v;
	source = source_heard(s, source, ssrc);
	source->resumed = 0;
	srtp_window_note(&source->rtp, j->index);
	srtp_cipher_crypt(s->rtp, ssrc, j->index, j->data + head, n - head);
	j->length = (uint16_t)n;
	return VERDICT_NONE;
}

static enum verdict rtp_protect(struct srtp_job *j)
{
	struct srtp_stream *s = j->stream;
	size_t head = head_length(j->data, j->length);
	uint64_t index;

	if (head == 0)
		return VERDICT_MALFORMED;
	index = seq_unwrap(s->sent.highest, be16_get(j->data + 2));
	if (index >= INDEX_BELOW_ALL || !srtp_window_is_new(&s->sent, index))
		return VERDICT_SRTP_INDEX_REUSE;
	if (index >= s->limit)
		return VERDICT_SRTP_INDEX;
	if (j->length + s->tag > j->capacity)
		return VERDICT_TOO_LONG;
	srtp_window_note(&s->sent, index);
	srtp_cipher_crypt(s->rtp, be32_get(j->data + 8), index, j->data + head, j->length - head);
	tag_of(s, j->data, j->length, index, j->data + j->length);
	j->length = (uint16_t)(j->length + s->tag);
	j->index = index;
	return VERDICT_NONE;
}

/* ---- RTCP: RFC 3711 3.4; the index is in the packet ---- */

static enum verdict rtcp_check(const struct srtp_stream *s, const struct srtp_source *source,
			       const uint8_t *p, size_t n, uint32_t index)
{
	uint8_t tag[SRTP_TAG_MAX];

	if (source && !srtp_window_is_new(&source->rtcp, index))
		return VERDICT_SRTP_REPLAY;
	srtp_cipher_tag(s->rtcp, bytes_mem(p, n), NULL, tag, s->rtcp_tag);
	return CRYPTO_memcmp(tag, p + n, s->rtcp_tag) == 0 ? VERDICT_NONE : VERDICT_SRTP_AUTH;
}

static enum verdict rtcp_unprotect(struct srtp_job *j)
{
	struct srtp_stream *s = j->stream;
	struct srtp_source *source;
	uint32_t ssrc, index;
	enum verdict v;
	size_t n;

	if (j->length < RTCP_HEAD_LEN + RTCP_INDEX_LEN + s->rtcp_tag)
		return VERDICT_SRTP_SHORT;
	n = (size_t)j->length - s->rtcp_tag;
	ssrc = be32_get(j->data + 4);
	index = be32_get(j->data + n - RTCP_INDEX_LEN);
	source = source_find(s, ssrc);
	v = rtcp_check(s, source, j->data, n, index & ~RTCP_ENCRYPTED);
	if (v != VERDICT_NONE)
		return v;
	j->index = index & ~RTCP_ENCRYPTED;
	srtp_window_note(&source_heard(s, source, ssrc)->rtcp, j->index);
	n -= RTCP_INDEX_LEN;
	if (index & RTCP_ENCRYPTED)
		srtp_cipher_crypt(s->rtcp, ssrc, j->index, j->data + RTCP_HEAD_LEN,
				  n - RTCP_HEAD_LEN);
	j->length = (uint16_t)n;
	return VERDICT_NONE;
}

static enum verdict rtcp_protect(struct srtp_job *j)
{
	struct srtp_stream *s = j->stream;
	size_t n = j->length;

	if (n < RTCP_HEAD_LEN)
		return VERDICT_MALFORMED;
	if (s->rtcp_next >= s->rtcp_limit)
		return VERDICT_SRTP_INDEX;
	if (n + RTCP_INDEX_LEN + s->rtcp_tag > j->capacity)
		return VERDICT_TOO_LONG;
	j->index = s->rtcp_next++;
	srtp_cipher_crypt(s->rtcp, be32_get(j->data + 4), j->index, j->data + RTCP_HEAD_LEN,
			  n - RTCP_HEAD_LEN);
	be32_put(j->data + n, RTCP_ENCRYPTED | (uint32_t)j->index);
	n += RTCP_INDEX_LEN;
	srtp_cipher_tag(s->rtcp, bytes_mem(j->data, n), NULL, j->data + n, s->rtcp_tag);
	j->length = (uint16_t)(n + s->rtcp_tag);
	return VERDICT_NONE;
}

/* ---- jobs ---- */

void srtp_jobs_protect(struct srtp_job *jobs, uint32_t count)
{
	for (struct srtp_job *j = jobs; j < jobs + count; j++)
		j->verdict = (uint8_t)(j->is_rtcp ? rtcp_protect(j) : rtp_protect(j));
}

void srtp_jobs_unprotect(struct srtp_job *jobs, uint32_t count)
{
	for (struct srtp_job *j = jobs; j < jobs + count; j++)
		j->verdict = (uint8_t)(j->is_rtcp ? rtcp_unprotect(j) : rtp_unprotect(j));
}
