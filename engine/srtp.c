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
	/* out */
	uint32_t rtcp_next, rtcp_limit;
	uint64_t limit;
	struct srtp_window sent;
	/* in */
	uint64_t uses;
	struct srtp_source sources[SRTP_SOURCES_MAX];
	struct media_key key;
};

/* ---- streams ---- */

static int stream_open(struct srtp_stream **out, const struct media_key *key,
		       enum srtp_backend backend)
{
	struct srtp_stream *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->key = *key;
	s->tag = srtp_tag_length((enum media_suite)key->suite, SRTP_USE_RTP);
	s->rtcp_tag = srtp_tag_length((enum media_suite)key->suite, SRTP_USE_RTCP);
	err = srtp_cipher_open(&s->rtp, key, SRTP_USE_RTP, backend);
	if (!err)
		err = srtp_cipher_open(&s->rtcp, key, SRTP_USE_RTCP, backend);
	if (err) {
		srtp_stream_close(s);
		return err;
	}
	*out = s;
	return 0;
}

int srtp_stream_open(struct srtp_stream **out, const struct media_key *key)
{
	return stream_open(out, key, SRTP_FASTEST);
}

int srtp_stream_open_portable(struct srtp_stream **out, const struct media_key *key)
{
	return stream_open(out, key, SRTP_PORTABLE);
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

/* ---- packets ---- */

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

/* Of SRTP; authenticated with the packet, behind which it is put, but not sent (RFC 3711 4.2). No tag is shorter. */
enum { ROC_LEN = 4 };

static void roc_put(uint8_t *p, uint64_t index)
{
	be32_put(p, (uint32_t)(index / ROLLOVER));
}

/* A packet on its way: its cipher's part, its authentication. */
struct work {
	struct srtp_job *job;
	uint8_t received[SRTP_TAG_MAX]; /* the tag as it came in */
};

struct batch_work {
	uint32_t count, crypt_count;
	struct work list[SRTP_CIPHER_BATCH];
	struct srtp_crypt crypts[SRTP_CIPHER_BATCH];
	struct srtp_tag tags[SRTP_CIPHER_BATCH];
};

/* With many streams none of them is in the cache: bench/srtp --streams 8192. What points to what is asked for in turn. */
static void batch_prefetch(const struct srtp_job *jobs, uint32_t count)
{
	for (const struct srtp_job *j = jobs; j < jobs + count; j++) {
		__builtin_prefetch(j->stream, 1);
		__builtin_prefetch(&j->stream->sent.highest, 1);
		__builtin_prefetch(&j->stream->sources[0], 1);
		__builtin_prefetch(&j->stream->sources[0].ssrc, 1);
	}
	for (const struct srtp_job *j = jobs; j < jobs + count; j++)
		srtp_cipher_prefetch(j->is_rtcp ? j->stream->rtcp : j->stream->rtp);
	for (const struct srtp_job *j = jobs; j < jobs + count; j++)
		srtp_cipher_prefetch_keys(j->is_rtcp ? j->stream->rtcp : j->stream->rtp);
}

/* ---- protect: indexes in order, then all ciphers, then all tags ---- */

static enum verdict rtp_prepare(struct srtp_job *j, struct srtp_crypt *c, struct srtp_tag *t)
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
	j->index = index;
	*c = (struct srtp_crypt){ .cipher = s->rtp,
				  .p = j->data + head,
				  .n = (uint32_t)(j->length - head),
				  .ssrc = be32_get(j->data + 8),
				  .index = index };
	roc_put(j->data + j->length, index);
	t->cipher = s->rtp;
	t->n = j->length + (uint32_t)ROC_LEN;
	return VERDICT_NONE;
}

/* RFC 3711 3.4; the index is in the packet. */
static enum verdict rtcp_prepare(struct srtp_job *j, struct srtp_crypt *c, struct srtp_tag *t)
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
	*c = (struct srtp_crypt){ .cipher = s->rtcp,
				  .p = j->data + RTCP_HEAD_LEN,
				  .n = (uint32_t)n - RTCP_HEAD_LEN,
				  .ssrc = be32_get(j->data + 4),
				  .index = j->index };
	be32_put(j->data + n, RTCP_ENCRYPTED | (uint32_t)j->index);
	j->length = (uint16_t)(n + RTCP_INDEX_LEN);
	t->cipher = s->rtcp;
	t->n = j->length;
	return VERDICT_NONE;
}

static void protect_batch(struct srtp_job *jobs, uint32_t count)
{
	struct batch_work b;

	batch_prefetch(jobs, count);
	b.count = 0;
	for (struct srtp_job *j = jobs; j < jobs + count; j++) {
		struct srtp_crypt *c = &b.crypts[b.count];
		struct srtp_tag *t = &b.tags[b.count];

		j->verdict = (uint8_t)(j->is_rtcp ? rtcp_prepare(j, c, t) : rtp_prepare(j, c, t));
		if (j->verdict != VERDICT_NONE)
			continue;
		t->p = j->data;
		b.list[b.count++].job = j;
	}
	srtp_cipher_crypts(b.crypts, b.count);
	srtp_cipher_tags(b.tags, b.count);
	for (uint32_t i = 0; i < b.count; i++) {
		struct srtp_job *j = b.list[i].job;
		uint8_t tag = j->is_rtcp ? j->stream->rtcp_tag : j->stream->tag;

		memcpy(j->data + j->length, b.tags[i].tag, tag);
		j->length = (uint16_t)(j->length + tag);
	}
}

/* ---- unprotect: all tags, then each is believed or not in order, then the ciphers of those that are ---- */

/* RFC 3711 3.3.1; the counter starts at 0, and there is nothing before that. */
static uint64_t index_guess(const struct srtp_source *source, uint16_t sequence)
{
	uint64_t index = sequence;

	if (source && source->rtp.started)
		index = seq_unwrap(source->rtp.highest, sequence);
	return index < INDEX_BELOW_ALL ? index : sequence;
}

/* Without the tag; 0: cut short. */
static size_t rtp_length(const struct srtp_job *j)
{
	return j->length > j->stream->tag ? (size_t)j->length - j->stream->tag : 0;
}

/* As if no packet of the batch moved the index of another: most do not. */
static enum verdict rtp_begin(struct srtp_job *j, struct work *w, struct srtp_tag *t)
{
	struct srtp_stream *s = j->stream;
	size_t n = rtp_length(j);

	if (head_length(j->data, n) == 0)
		return VERDICT_SRTP_SHORT;
	j->index = index_guess(source_find(s, be32_get(j->data + 8)), be16_get(j->data + 2));
	memcpy(w->received, j->data + n, s->tag);
	roc_put(j->data + n, j->index);
	t->cipher = s->rtp;
	t->n = (uint32_t)n + ROC_LEN;
	return VERDICT_NONE;
}

static enum verdict rtcp_begin(struct srtp_job *j, struct work *w, struct srtp_tag *t)
{
	struct srtp_stream *s = j->stream;
	size_t n;

	if (j->length < RTCP_HEAD_LEN + RTCP_INDEX_LEN + s->rtcp_tag)
		return VERDICT_SRTP_SHORT;
	n = (size_t)j->length - s->rtcp_tag;
	memcpy(w->received, j->data + n, s->rtcp_tag);
	t->cipher = s->rtcp;
	t->n = (uint32_t)n;
	return VERDICT_NONE;
}

/* Of one packet by itself, under another index than it was tried with before. */
static bool rtp_is_authentic(const struct srtp_job *j, uint64_t index)
{
	const struct srtp_stream *s = j->stream;
	size_t n = rtp_length(j);
	uint8_t roc[ROC_LEN], tag[SRTP_TAG_MAX];

	roc_put(roc, index);
	srtp_cipher_tag(s->rtp, bytes_mem(j->data, n), roc, tag, s->tag);
	return CRYPTO_memcmp(tag, j->data + n, s->tag) == 0;
}

static enum verdict rtp_check(const struct srtp_job *j, const struct srtp_source *source,
			      const struct srtp_tag *t, uint64_t index)
{
	bool authentic;

	if (source && !srtp_window_is_new(&source->rtp, index))
		return VERDICT_SRTP_REPLAY;
	authentic = index == j->index
			    ? CRYPTO_memcmp(t->tag, j->data + rtp_length(j), j->stream->tag) == 0
			    : rtp_is_authentic(j, index);
	return authentic ? VERDICT_NONE : VERDICT_SRTP_AUTH;
}

static enum verdict rtp_believe(const struct work *w, const struct srtp_tag *t,
				struct srtp_crypt *c)
{
	struct srtp_job *j = w->job;
	struct srtp_stream *s = j->stream;
	size_t n = rtp_length(j), head = head_length(j->data, n);
	uint32_t ssrc = be32_get(j->data + 8);
	struct srtp_source *source = source_find(s, ssrc);
	uint64_t index = index_guess(source, be16_get(j->data + 2));
	enum verdict v;

	memcpy(j->data + n, w->received, s->tag); /* where the ROC was */
	v = rtp_check(j, source, t, index);
	if (v != VERDICT_NONE && source && source->resumed &&
	    rtp_check(j, source, t, index + ROLLOVER) == VERDICT_NONE) {
		index += ROLLOVER;
		v = VERDICT_NONE;
	}
	if (v != VERDICT_NONE)
		return v;
	j->index = index;
	source = source_heard(s, source, ssrc);
	source->resumed = 0;
	srtp_window_note(&source->rtp, index);
	*c = (struct srtp_crypt){ .cipher = s->rtp,
				  .p = j->data + head,
				  .n = (uint32_t)(n - head),
				  .ssrc = ssrc,
				  .index = index };
	j->length = (uint16_t)n;
	return VERDICT_NONE;
}

static enum verdict rtcp_believe(const struct work *w, const struct srtp_tag *t,
				 struct srtp_crypt *c)
{
	struct srtp_job *j = w->job;
	struct srtp_stream *s = j->stream;
	size_t n = t->n - RTCP_INDEX_LEN;
	uint32_t ssrc = be32_get(j->data + 4), index = be32_get(j->data + n);
	struct srtp_source *source = source_find(s, ssrc);
	bool encrypted = index & RTCP_ENCRYPTED;

	index &= ~RTCP_ENCRYPTED;
	if (source && !srtp_window_is_new(&source->rtcp, index))
		return VERDICT_SRTP_REPLAY;
	if (CRYPTO_memcmp(t->tag, w->received, s->rtcp_tag) != 0)
		return VERDICT_SRTP_AUTH;
	j->index = index;
	srtp_window_note(&source_heard(s, source, ssrc)->rtcp, index);
	*c = (struct srtp_crypt){ .cipher = s->rtcp,
				  .p = j->data + RTCP_HEAD_LEN,
				  .n = encrypted ? (uint32_t)n - RTCP_HEAD_LEN : 0,
				  .ssrc = ssrc,
				  .index = index };
	j->length = (uint16_t)n;
	return VERDICT_NONE;
}

static void unprotect_batch(struct srtp_job *jobs, uint32_t count)
{
	struct batch_work b;

	batch_prefetch(jobs, count);
	b.count = b.crypt_count = 0;
	for (struct srtp_job *j = jobs; j < jobs + count; j++) {
		struct work *w = &b.list[b.count];
		struct srtp_tag *t = &b.tags[b.count];

		j->verdict = (uint8_t)(j->is_rtcp ? rtcp_begin(j, w, t) : rtp_begin(j, w, t));
		if (j->verdict != VERDICT_NONE)
			continue;
		t->p = j->data;
		w->job = j;
		b.count++;
	}
	srtp_cipher_tags(b.tags, b.count);
	for (uint32_t i = 0; i < b.count; i++) {
		struct srtp_job *j = b.list[i].job;
		struct srtp_crypt *c = &b.crypts[b.crypt_count];

		j->verdict = (uint8_t)(j->is_rtcp ? rtcp_believe(&b.list[i], &b.tags[i], c)
						  : rtp_believe(&b.list[i], &b.tags[i], c));
		b.crypt_count += j->verdict == VERDICT_NONE;
	}
	srtp_cipher_crypts(b.crypts, b.crypt_count);
}

/* ---- jobs ---- */

static uint32_t part(uint32_t left)
{
	return left < SRTP_CIPHER_BATCH ? left : SRTP_CIPHER_BATCH;
}

void srtp_jobs_protect(struct srtp_job *jobs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += SRTP_CIPHER_BATCH)
		protect_batch(jobs + i, part(count - i));
}

void srtp_jobs_unprotect(struct srtp_job *jobs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += SRTP_CIPHER_BATCH)
		unprotect_batch(jobs + i, part(count - i));
}
