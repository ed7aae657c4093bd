/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a stream. Internal to engine/srtp/srtp*.c, and to srtp_flow.c, which reads it per
 * packet. All of it is contiguous, with what each packet needs in the middle: with thousands of
 * streams none is in the cache, and all lines can be prefetched at once if no pointer leads to
 * them.
 *
 *     the cipher of SRTP (srtp_cipher_size); short packets of GCM need its ends
 *     struct srtp_stream: line 0 has lengths and our sending state; then sources,
 *         the first of them in one line; then the key
 *     the cipher of SRTCP
 */
#ifndef ENGINE_SRTP_SRTP_STREAM_H
#define ENGINE_SRTP_SRTP_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/srtp/srtp.h"
#include "engine/srtp/srtp_cipher.h"

/* Which packet indexes were seen (RFC 3711 3.3.2), for what comes in and for what goes out. */

enum { SRTP_WINDOW = 128 }; /* at least 64; video comes in bursts, and late ones too */

__extension__ typedef unsigned __int128 srtp_window_bits;

/* Zero-initialised: nothing was seen. */
struct srtp_window {
	srtp_window_bits seen; /* bit n: highest - n */
	uint64_t highest;
	bool started;
};

/* As if all up to highest had been seen. */
static inline void srtp_window_start(struct srtp_window *w, uint64_t highest)
{
	*w = (struct srtp_window){ .seen = ~(srtp_window_bits)0,
				   .highest = highest,
				   .started = true };
}

/* Not seen, and not too old to tell. */
static inline bool srtp_window_is_new(const struct srtp_window *w, uint64_t index)
{
	if (!w->started || index > w->highest)
		return true;
	return w->highest - index < SRTP_WINDOW && !(w->seen >> (w->highest - index) & 1);
}

/* A new one was seen. */
static inline void srtp_window_note(struct srtp_window *w, uint64_t index)
{
	if (w->started && index <= w->highest) {
		w->seen |= (srtp_window_bits)1 << (w->highest - index);
		return;
	}
	if (w->started && index - w->highest == 1)
		w->seen <<= 1; /* nearly always */
	else if (!w->started || index - w->highest >= SRTP_WINDOW)
		w->seen = 0;
	else
		w->seen <<= index - w->highest;
	w->seen |= 1;
	w->highest = index;
	w->started = true;
}

/* What is unknown of a source before its next packet: one more index to try (rtp_accept). */
enum srtp_doubt {
	SRTP_SURE,
	SRTP_RESUMED, /* silent since a restart: its rollover counter may have moved on */
	SRTP_REKEYED, /* silent under this key: likewise, or it may have begun at 0 again */
};

/* One SSRC. */
struct srtp_source {
	uint64_t used; /* stream.uses at its last packet; 0: free */
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
	/* Of a resumed stream: the rollover counter to try next for an unknown source. */
	uint8_t guess;
	uint32_t name;   /* of the key (flow_resume.srtp_key) */
	uint32_t former; /* of the key before, under which a source in doubt sent */
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

struct srtp_source *srtp_source_new(struct srtp_stream *s, uint32_t ssrc);

/* It authenticated; NULL: for the first time. */
static inline struct srtp_source *srtp_source_received(struct srtp_stream *s,
						       struct srtp_source *source, uint32_t ssrc)
{
	if (UNLIKELY(!source))
		source = srtp_source_new(s, ssrc);
	source->used = ++s->uses;
	return source;
}

#endif
