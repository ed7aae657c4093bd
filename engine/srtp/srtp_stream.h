/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream is made of. Internal to engine/srtp/srtp*.c, and to protect.c, which asks for each packet. All of it lies in one piece, what each packet wants in its middle: with
 * thousands of streams none is in the cache, and all lines can be asked for at once when no pointer leads to them.
 *
 *     the cipher of SRTP (srtp_cipher_size), what short packets want of GCM's at its ends
 *     struct srtp_stream: line 0 is lengths and what we send; then sources, the first of them in one line; then the key
 *     the cipher of SRTCP
 */
#ifndef ENGINE_SRTP_SRTP_STREAM_H
#define ENGINE_SRTP_SRTP_STREAM_H

#include "engine/srtp/srtp.h"
#include "engine/srtp/srtp_cipher.h"
#include "engine/srtp/srtp_window.h"

/* What is not known of a source before its next packet. Each doubt is one more index that is tried (rtp_believe). */
enum srtp_doubt {
	SRTP_SURE,
	SRTP_RESUMED, /* not heard since a restart: its rollover counter may have moved on */
	SRTP_REKEYED, /* not heard under this key: likewise, or it may have begun at 0 again */
};

/* One SSRC. */
struct srtp_source {
	uint64_t used; /* stream.uses when it was heard last; 0: free */
	uint32_t ssrc;
	uint8_t doubt; /* enum srtp_doubt */
	struct srtp_window rtp, rtcp;
};

struct srtp_stream {
	uint16_t cipher_size;
	uint8_t is_aead;
	uint8_t tag, rtcp_tag; /* octets */
	uint8_t mki_length;
	/* out */
	uint32_t rtcp_next, rtcp_limit;
	uint64_t limit;
	/* in */
	uint64_t uses;
	uint8_t guess; /* of a stream that was resumed: the rollover counter that is tried next of a source that is not known */
	uint32_t name; /* of the key (flow_resume.srtp_key) */
	uint32_t former; /* of the one before, under which a source in doubt was heard */
	/* out */
	struct srtp_window sent;
	/* in */
	struct srtp_source sources[SRTP_SOURCES_MAX] CACHE_ALIGNED;
	struct media_key key;
} CACHE_ALIGNED;

static inline struct srtp_cipher *srtp_stream_cipher(const struct srtp_stream *s, bool is_rtcp)
{
	return (struct srtp_cipher *)(is_rtcp ? (uintptr_t)(s + 1) : (uintptr_t)s - s->cipher_size);
}

static inline struct srtp_source *srtp_source_find(struct srtp_stream *s, uint32_t ssrc)
{
	for (uint32_t i = 0; i < SRTP_SOURCES_MAX && s->sources[i].used; i++)
		if (s->sources[i].ssrc == ssrc)
			return &s->sources[i];
	return NULL;
}

/* So many are open in this process that they are not in the cache. */
bool srtp_streams_are_many(void);

struct srtp_source *srtp_source_new(struct srtp_stream *s, uint32_t ssrc);

/* It authenticated; NULL: for the first time. */
static inline struct srtp_source *srtp_source_heard(struct srtp_stream *s,
						    struct srtp_source *source, uint32_t ssrc)
{
	if (UNLIKELY(!source))
		source = srtp_source_new(s, ssrc);
	source->used = ++s->uses;
	return source;
}

#endif
