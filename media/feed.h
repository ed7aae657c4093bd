/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound between an application and one party, without a peer: PCM frames for the party, and the
 * party's packets. Two bounded rings, each with one producer and one consumer: the application's
 * thread, and the worker of the call. Neither waits for the other: what does not fit is lost and
 * counted. Control creates it, and frees it when the job is closed and the application's thread has
 * released it.
 */
#ifndef MEDIA_FEED_H
#define MEDIA_FEED_H

#include <stdatomic.h>

#include "base/bytes.h"

enum {
	FEED_FRAME_MS = 20,
	FEED_SAMPLES_MAX = 480, /* of a frame: 20 ms at 24 kHz */
	FEED_FRAMES = 16,       /* that wait for the worker; a power of two */
	FEED_OUT_PACKETS = 32,  /* packets that wait for the application; a power of two */
	FEED_OCTETS_MAX = 640,  /* of a packet: 80 ms of G.711 */
};

/* For the party. */
struct feed_frame {
	uint32_t serial;    /* counts up from 1, by one */
	uint32_t mark;      /* the newest mark that the application set before it; 0: no mark yet */
	uint8_t is_silence; /* 1: only its mark counts, and it takes no time */
	int16_t pcm[FEED_SAMPLES_MAX];
};

/* A packet of the party: plain, in its payload. */
struct feed_out {
	uint64_t at_ns;
	uint32_t ssrc, timestamp;
	uint16_t sequence, length;
	uint8_t payload_type, marker;
	uint8_t codec; /* enum media_codec */
	uint8_t octets[FEED_OCTETS_MAX];
};

struct media_feed {
	/* written by the application's thread */
	CACHE_ALIGNED _Atomic uint32_t frame_tail, report_head;
	_Atomic uint32_t cleared; /* frames up to this serial are not played any more */
	/* written by the worker */
	CACHE_ALIGNED _Atomic uint32_t frame_head, report_tail;
	_Atomic uint32_t mark; /* the newest one behind everything played before it */
	_Atomic uint64_t frames_sent_report, gaps, report_lost;
	CACHE_ALIGNED struct feed_frame frames[FEED_FRAMES];
	struct feed_out out[FEED_OUT_PACKETS];
};

/* NULL: no memory. */
struct media_feed *media_feed_make(void);
void media_feed_free(struct media_feed *f); /* NULL is fine */

/* ---- the application's thread ---- */

/* The next frame's memory, to be filled in and then published; NULL: there is no room. */
struct feed_frame *media_feed_reserve(struct media_feed *f);
void media_feed_publish(struct media_feed *f);
/* Frames that wait for the worker. */
uint32_t media_feed_waiting(const struct media_feed *f);
/* Frames published up to this serial are not played. */
void media_feed_clear(struct media_feed *f, uint32_t serial);
/* The oldest packet, in place until it is released; NULL: there is no packet. */
const struct feed_out *media_feed_out(const struct media_feed *f);
void media_feed_out_release(struct media_feed *f);

/* ---- the worker ---- */

/* The oldest frame to be played, until it is released; NULL: there is no frame. Skips cleared
 * frames, and notes their marks. */
const struct feed_frame *media_feed_frame(struct media_feed *f);
void media_feed_frame_release(struct media_feed *f);
/* Room for a packet, to be filled and then published; NULL, and counted, if the ring is full. */
struct feed_out *media_feed_out_reserve(struct media_feed *f);
void media_feed_out_publish(struct media_feed *f);

#endif
