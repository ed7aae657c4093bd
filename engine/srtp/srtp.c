/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP and SRTCP of a batch of packets (RFC 3711 3.1, 3.4; RFC 7714 8.2, 9.2): packet indexes,
 * replay windows, rollover guessing, and which packets are accepted; the transforms are
 * srtp_cipher.c's. Stages of the engine call it with the packets of many streams at once. Sending
 * indexes are only ever used once, and receiving state changes only after authentication.
 *
 *     AES-CM   head | payload | SRTCP: E, index | MKI | tag
 *     AES-GCM  head | payload | tag | SRTCP: E, index | MKI
 */

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "engine/srtp/srtp.h"
#include "engine/srtp/srtp_stream.h"
#include "media/rtp/rtp_parse.h"
#include "media/rtp/seq.h"

enum { STREAMS_IN_CACHE = 512 };

static _Atomic uint32_t g_streams; /* open now, of all threads: no more than a hint */

/* So many are open in this process that they are not in the cache. */
static bool srtp_streams_are_many(void)
{
	return atomic_load_explicit(&g_streams, memory_order_relaxed) > STREAMS_IN_CACHE;
}

enum {
	PLAIN_RTCP_LEN = 8, /* with the SSRC: what stays plain */
	RTCP_INDEX_LEN = 4,
	ROLLOVER = 1 << 16,
};

#define RTCP_ENCRYPTED  (UINT32_C(1) << 31) /* the E flag above the index */
#define INDEX_BELOW_ALL (UINT64_C(1) << 47) /* modulo 2^48: this is before index 0 */

/* Those of a batch that are not refused at sight. */
struct batch_work {
	uint32_t count;
	struct srtp_job *jobs[SRTP_CIPHER_BATCH];
	struct srtp_unit units[SRTP_CIPHER_BATCH];
};

static NOINLINE size_t head_length_odd(const uint8_t *p, size_t n)
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

/* What stays plain: fixed part, CSRCs, extension. 0: cut short. */
static inline size_t head_length(const uint8_t *p, size_t n)
{
	return LIKELY(n >= RTP_HEAD_LEN && !(p[0] & 0x1f)) ? (size_t)RTP_HEAD_LEN
							   : head_length_odd(p, n);
}

static uint32_t roc_of(uint64_t index)
{
	return (uint32_t)(index / ROLLOVER);
}

static uint8_t tag_length(const struct srtp_job *j)
{
	return j->is_rtcp ? j->stream->rtcp_tag : j->stream->tag;
}

/* Prefetches what every packet needs of its stream (srtp_stream.h): bench/srtp --streams 8192.
 * Packets of one stream follow each other. */
static void batch_prefetch(const struct srtp_job *jobs, uint32_t count)
{
	const struct srtp_stream *last = NULL;

	if (!srtp_streams_are_many())
		return;
	for (const struct srtp_job *j = jobs; j < jobs + count; j++) {
		if (j->stream == last)
			continue;
		last = j->stream;
		__builtin_prefetch(last, 1);
		__builtin_prefetch(&last->sources[0], 1);
	}
	last = NULL;
	for (const struct srtp_job *j = jobs; j < jobs + count; j++) {
		if (j->stream == last)
			continue;
		last = j->stream;
		srtp_cipher_prefetch(srtp_stream_cipher(last, j->is_rtcp), last->is_aead);
	}
}

/* ---- protect: indexes in order, then all transforms ---- */

static enum verdict rtp_prepare(struct srtp_job *j, struct srtp_unit *u)
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
	u->head = (uint32_t)head;
	u->ssrc = be32_get(j->data + 8);
	u->index = index;
	u->word = roc_of(index);
	return VERDICT_NONE;
}

/* RFC 3711 3.4; the index is in the packet. */
static enum verdict rtcp_prepare(struct srtp_job *j, struct srtp_unit *u)
{
	struct srtp_stream *s = j->stream;

	if (j->length < PLAIN_RTCP_LEN)
		return VERDICT_MALFORMED;
	if (s->rtcp_next >= s->rtcp_limit)
		return VERDICT_SRTP_INDEX;
	if (j->length + RTCP_INDEX_LEN + s->rtcp_tag > j->capacity)
		return VERDICT_TOO_LONG;
	u->head = PLAIN_RTCP_LEN;
	u->ssrc = be32_get(j->data + 4);
	u->index = s->rtcp_next++;
	u->word = RTCP_ENCRYPTED | (uint32_t)u->index;
	return VERDICT_NONE;
}

static void job_seal(struct srtp_job *j, const struct srtp_unit *u)
{
	const struct srtp_stream *s = j->stream;
	uint8_t *end = j->data + u->n;
	uint8_t tag = tag_length(j);

	j->index = u->index;
	j->length = (uint16_t)(u->n + tag + (j->is_rtcp ? RTCP_INDEX_LEN : 0));
	if (j->is_rtcp)
		be32_put(s->is_aead ? end + tag : end, u->word);
	srtp_tag_copy(j->is_rtcp && !s->is_aead ? end + RTCP_INDEX_LEN : end, u->tag, tag);
}

static void protect_batch(struct srtp_job *jobs, uint32_t count)
{
	struct batch_work b;

	batch_prefetch(jobs, count);
	b.count = 0;
	for (struct srtp_job *j = jobs; j < jobs + count; j++) {
		struct srtp_unit *u = &b.units[b.count];

		j->verdict = (uint8_t)(j->is_rtcp ? rtcp_prepare(j, u) : rtp_prepare(j, u));
		if (j->verdict != VERDICT_NONE)
			continue;
		u->cipher = srtp_stream_cipher(j->stream, j->is_rtcp);
		u->p = j->data;
		u->n = j->length;
		b.jobs[b.count++] = j;
	}
	srtp_units_seal(b.units, b.count);
	for (uint32_t i = 0; i < b.count; i++)
		job_seal(b.jobs[i], &b.units[i]);
}

/* ---- unprotect: all tags, then acceptance in order, then the ciphers of accepted packets ---- */

/* RFC 3711 3.3.1; the counter starts at 0, and there is nothing before that. */
static uint64_t index_guess(const struct srtp_source *source, uint16_t sequence)
{
	uint64_t index = source ? seq_unwrap(source->rtp.highest, sequence) : sequence;

	return index < INDEX_BELOW_ALL ? index : sequence;
}

/* Without what protection added; 0: cut short. */
static uint32_t plain_length(const struct srtp_job *j)
{
	uint32_t added = (uint32_t)tag_length(j) + j->stream->mki_length +
			 (j->is_rtcp ? (uint32_t)RTCP_INDEX_LEN : 0);

	return j->length > added ? j->length - added : 0;
}

/* As if no packet of the batch moved the index of another: most do not. */
static bool rtp_unit_prepare(const struct srtp_job *j, struct srtp_unit *u)
{
	u->head = (uint32_t)head_length(j->data, u->n);
	if (u->head == 0)
		return false;
	u->ssrc = be32_get(j->data + 8);
	u->index = index_guess(srtp_source_find(j->stream, u->ssrc), be16_get(j->data + 2));
	u->word = roc_of(u->index);
	return true;
}

static bool rtcp_unit_prepare(const struct srtp_job *j, struct srtp_unit *u)
{
	if (u->n < PLAIN_RTCP_LEN)
		return false;
	u->word = be32_get(j->data + u->n + (j->stream->is_aead ? j->stream->rtcp_tag : 0));
	u->head = u->word & RTCP_ENCRYPTED ? (uint32_t)PLAIN_RTCP_LEN : u->n;
	u->ssrc = be32_get(j->data + 4);
	u->index = u->word & ~RTCP_ENCRYPTED;
	return true;
}

static enum verdict srtp_job_prepare(const struct srtp_job *j, struct srtp_unit *u)
{
	const struct srtp_stream *s = j->stream;
	const uint8_t *end = j->data + j->length;
	uint8_t tag = tag_length(j);

	u->cipher = srtp_stream_cipher(s, j->is_rtcp);
	u->p = j->data;
	u->n = plain_length(j);
	if (!(j->is_rtcp ? rtcp_unit_prepare(j, u) : rtp_unit_prepare(j, u)))
		return VERDICT_SRTP_SHORT;
	if (s->mki_length > 0 &&
	    memcmp(end - s->mki_length - (s->is_aead ? 0 : tag), s->key.mki, s->mki_length) != 0)
		return VERDICT_SRTP_MKI;
	srtp_tag_copy(u->tag, s->is_aead ? j->data + u->n : end - tag, tag);
	return VERDICT_NONE;
}

/* Under another index than before it is checked by itself. */
static enum verdict rtp_check(struct srtp_unit *u, const struct srtp_source *source, uint64_t index)
{
	if (source && !srtp_window_is_new(&source->rtp, index))
		return VERDICT_SRTP_REPLAY;
	if (index != u->index) {
		if (u->authentic)
			srtp_unit_undo(u);
		u->index = index;
		u->word = roc_of(index);
		srtp_units_check(u, 1);
	}
	return u->authentic ? VERDICT_NONE : VERDICT_SRTP_AUTH;
}

enum { GUESS_MAX = 63 };

/* Only the relayed source is saved. For another one, a layer of a picture, the counter may be
 * anything: each packet tries one more, so a forged packet costs no more than a check. */
static bool rtp_guess(struct srtp_stream *s, struct srtp_unit *u, uint16_t sequence)
{
	if (s->guess == 0)
		return false;
	if (rtp_check(u, NULL, sequence + (uint64_t)ROLLOVER * s->guess) == VERDICT_NONE)
		return true;
	s->guess = (uint8_t)(s->guess % GUESS_MAX + 1);
	return false;
}

/* The first packet of a source in doubt. */
static bool rtp_doubt(struct srtp_unit *u, const struct srtp_source *source, uint64_t index)
{
	switch ((enum srtp_doubt)source->doubt) {
	case SRTP_SURE:
		return false;
	case SRTP_REKEYED:
		if (rtp_check(u, source, index % ROLLOVER) == VERDICT_NONE)
			return true;
		break;
	case SRTP_RESUMED:
		break;
	}
	return rtp_check(u, source, index + ROLLOVER) == VERDICT_NONE;
}

static enum verdict rtp_accept(const struct srtp_job *j, struct srtp_unit *u)
{
	struct srtp_source *source = srtp_source_find(j->stream, u->ssrc);
	uint64_t index = index_guess(source, be16_get(j->data + 2));
	enum verdict v = rtp_check(u, source, index);

	if (v != VERDICT_NONE && source && rtp_doubt(u, source, index))
		v = VERDICT_NONE;
	if (v != VERDICT_NONE && !source && rtp_guess(j->stream, u, be16_get(j->data + 2)))
		v = VERDICT_NONE;
	if (v != VERDICT_NONE)
		return v;
	source = srtp_source_received(j->stream, source, u->ssrc);
	source->doubt = SRTP_SURE;
	srtp_window_note(&source->rtp, u->index);
	return VERDICT_NONE;
}

static enum verdict rtcp_accept(const struct srtp_job *j, struct srtp_unit *u)
{
	struct srtp_source *source = srtp_source_find(j->stream, u->ssrc);

	if (source && !srtp_window_is_new(&source->rtcp, u->index))
		return VERDICT_SRTP_REPLAY;
	if (!u->authentic)
		return VERDICT_SRTP_AUTH;
	srtp_window_note(&srtp_source_received(j->stream, source, u->ssrc)->rtcp, u->index);
	return VERDICT_NONE;
}

static void job_accept(struct srtp_job *j, struct srtp_unit *u)
{
	j->verdict = (uint8_t)(j->is_rtcp ? rtcp_accept(j, u) : rtp_accept(j, u));
	if (j->verdict == VERDICT_NONE) {
		j->index = u->index;
		j->length = (uint16_t)u->n;
	} else if (u->authentic) {
		srtp_unit_undo(u);
	}
}

static void unprotect_batch(struct srtp_job *jobs, uint32_t count)
{
	struct srtp_unit *authentic[SRTP_CIPHER_BATCH];
	struct batch_work b;
	uint32_t n = 0;

	batch_prefetch(jobs, count);
	b.count = 0;
	for (struct srtp_job *j = jobs; j < jobs + count; j++) {
		j->verdict = (uint8_t)srtp_job_prepare(j, &b.units[b.count]);
		if (j->verdict == VERDICT_NONE)
			b.jobs[b.count++] = j;
	}
	srtp_units_check(b.units, b.count);
	for (uint32_t i = 0; i < b.count; i++) {
		job_accept(b.jobs[i], &b.units[i]);
		if (b.jobs[i]->verdict == VERDICT_NONE)
			authentic[n++] = &b.units[i];
	}
	srtp_units_open(authentic, n);
}

/* ---- jobs ---- */

static uint32_t jobs_part(uint32_t left)
{
	return left < SRTP_CIPHER_BATCH ? left : SRTP_CIPHER_BATCH;
}

void srtp_jobs_protect(struct srtp_job *jobs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += SRTP_CIPHER_BATCH)
		protect_batch(jobs + i, jobs_part(count - i));
}

void srtp_jobs_unprotect(struct srtp_job *jobs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += SRTP_CIPHER_BATCH)
		unprotect_batch(jobs + i, jobs_part(count - i));
}

/* ---- streams ---- */

static int stream_open(struct srtp_stream **out, const struct media_key *key,
		       enum srtp_backend backend)
{
	enum media_suite suite = (enum media_suite)key->suite;
	size_t cipher_size = srtp_cipher_size(suite);
	size_t size = sizeof(struct srtp_stream) + 2 * cipher_size;
	struct srtp_stream *s;
	uint8_t *block;
	int err;

	if (key->mki_length > MEDIA_MKI_MAX)
		return -EINVAL;
	block = aligned_alloc(alignof(struct srtp_stream), size);
	if (!block)
		return -ENOMEM;
	memset(block, 0, size);
	s = (struct srtp_stream *)(uintptr_t)(block + cipher_size);
	atomic_fetch_add_explicit(&g_streams, 1, memory_order_relaxed);
	s->key = *key;
	s->name = srtp_key_name(key);
	s->mki_length = key->mki_length;
	s->cipher_size = (uint16_t)cipher_size;
	s->is_aead = srtp_suite_is_aead(suite);
	s->tag = srtp_tag_length(suite, SRTP_USE_RTP);
	s->rtcp_tag = srtp_tag_length(suite, SRTP_USE_RTCP);
	err = srtp_cipher_make(srtp_stream_cipher(s, false), key, SRTP_USE_RTP, backend);
	if (!err)
		err = srtp_cipher_make(srtp_stream_cipher(s, true), key, SRTP_USE_RTCP, backend);
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
	void *block;

	if (!s)
		return;
	atomic_fetch_sub_explicit(&g_streams, 1, memory_order_relaxed);
	block = srtp_stream_cipher(s, false);
	srtp_cipher_wipe(srtp_stream_cipher(s, false));
	srtp_cipher_wipe(srtp_stream_cipher(s, true));
	OPENSSL_cleanse(s, sizeof(*s));
	free(block);
}

bool srtp_stream_has_key(const struct srtp_stream *s, const struct media_key *key)
{
	return s->key.suite == key->suite &&
	       bytes_eq_secret(bytes_mem(s->key.octets, s->key.length),
			       bytes_mem(key->octets, key->length));
}

bool srtp_stream_has_master(const struct srtp_stream *s, const struct media_key *key)
{
	uint8_t n = s->key.length < key->length ? s->key.length : key->length;

	return bytes_eq_secret(bytes_mem(s->key.octets, n), bytes_mem(key->octets, n));
}

void srtp_stream_mki(struct srtp_stream *s, const struct media_key *key)
{
	assert(key->mki_length <= MEDIA_MKI_MAX);
	s->mki_length = s->key.mki_length = key->mki_length;
	memcpy(s->key.mki, key->mki, sizeof(s->key.mki));
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

/* A free place, or that of the source quiet for longest: only the party itself can cause that, as
 * unauthenticated sources are not stored. */
struct srtp_source *srtp_source_new(struct srtp_stream *s, uint32_t ssrc)
{
	struct srtp_source *oldest = &s->sources[0];

	for (uint32_t i = 1; i < SRTP_SOURCES_MAX; i++)
		if (s->sources[i].used < oldest->used)
			oldest = &s->sources[i];
	*oldest = (struct srtp_source){ .ssrc = ssrc };
	return oldest;
}

void srtp_stream_resume(struct srtp_stream *s, uint32_t ssrc, uint64_t highest)
{
	struct srtp_source *source = srtp_source_received(s, srtp_source_find(s, ssrc), ssrc);

	assert(highest < SRTP_INDEX_END);
	srtp_window_start(&source->rtp, highest);
	source->doubt = SRTP_RESUMED;
	s->guess = 1;
}

/* Of the new key no index was seen. */
static void source_rekey(struct srtp_source *source, uint64_t highest)
{
	source->rtp = (struct srtp_window){ .highest = highest };
	source->rtcp = (struct srtp_window){ 0 };
	source->doubt = SRTP_REKEYED;
}

void srtp_stream_rekey(struct srtp_stream *s, uint32_t ssrc, uint64_t highest, uint32_t name)
{
	assert(highest < SRTP_INDEX_END);
	source_rekey(srtp_source_received(s, srtp_source_find(s, ssrc), ssrc), highest);
	s->former = name;
	s->guess = 1;
}

void srtp_stream_follow(struct srtp_stream *s, const struct srtp_stream *former)
{
	memcpy(s->sources, former->sources, sizeof(s->sources));
	for (uint32_t i = 0; i < SRTP_SOURCES_MAX; i++)
		source_rekey(&s->sources[i], s->sources[i].rtp.highest);
	s->uses = former->uses;
	s->guess = former->guess;
	s->former = former->name;
}

static const struct srtp_source *source_known(const struct srtp_stream *s, uint32_t ssrc)
{
	for (uint32_t i = 0; i < SRTP_SOURCES_MAX; i++)
		if (s->sources[i].used && s->sources[i].ssrc == ssrc)
			return &s->sources[i];
	return NULL;
}

uint64_t srtp_stream_highest(const struct srtp_stream *s, uint32_t ssrc)
{
	const struct srtp_source *source = source_known(s, ssrc);

	return source ? source->rtp.highest : 0;
}

uint32_t srtp_stream_highest_key(const struct srtp_stream *s, uint32_t ssrc)
{
	const struct srtp_source *source = source_known(s, ssrc);

	return source && source->doubt == SRTP_REKEYED ? s->former : s->name;
}

uint32_t srtp_key_name(const struct media_key *key)
{
	const struct bytes part = bytes_mem(&key->suite, sizeof(key->suite));
	uint8_t digest[HMAC_SHA1_LEN];
	uint32_t name;

	hmac_sha1_of(bytes_mem(key->octets, key->length), &part, 1, digest);
	name = be32_get(digest);
	return name ? name : 1;
}
