/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/srtp/srtp.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hmac_sha1.h"
#include "engine/srtp/srtp_stream.h"

/* ---- streams ---- */

enum { STREAMS_IN_CACHE = 512 };

static _Atomic uint32_t g_streams; /* open now, of all threads: no more than a hint */

bool srtp_streams_are_many(void)
{
	return atomic_load_explicit(&g_streams, memory_order_relaxed) > STREAMS_IN_CACHE;
}

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

/* A free place, or that of the source which has been quiet for longest: only the party itself can bring that about, as
 * nothing is kept of a source before it authenticated. */
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
	struct srtp_source *source = srtp_source_heard(s, srtp_source_find(s, ssrc), ssrc);

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
	source_rekey(srtp_source_heard(s, srtp_source_find(s, ssrc), ssrc), highest);
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
