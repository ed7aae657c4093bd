/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sound played to any number of flows of this worker: each frame is encoded once, and sent to them by slices. All of them have the
 * present frame before the next one is made, so one is all that is kept. Frames come at the rate of time; a worker that was held up
 * leaves out what it is late with, as silence in between would be.
 *
 * A track that nobody hears has no timer. Tracks of one packet time begin at different moments of it.
 */
#ifndef ENGINE_JOB_TRACK_H
#define ENGINE_JOB_TRACK_H

#include "engine/job/job.h"
#include "media/job.h"

struct encoder;

enum {
	TRACK_OCTETS_MAX = 1280,  /* of a frame */
	TRACK_SAMPLES_MAX = 2880, /* of a frame: 60 ms at 48 kHz */
	TRACK_LATE_MS = 100,      /* later frames are left out */
};

struct track {
	struct encoder *encoder;
	struct media_sound *sound; /* not ours to count */
	uint64_t due_ns;           /* of the next frame; valid while somebody listens */
	uint64_t told_ns;          /* MEDIA_JOB_PLACE was sent, or it began */
	uint64_t tell_ns;          /* 0: never */
	uint32_t place;            /* sample of the sound that the next frame begins with */
	uint32_t samples;          /* of a frame */
	uint32_t clock_hz, units;  /* of RTP; a frame's */
	uint32_t timestamp;        /* of the present frame */
	uint8_t packet_ms;
	uint8_t effort; /* of encoding, in packets sent: worker.h */
	uint8_t loops;
	uint8_t ended; /* MEDIA_JOB_ENDED was sent */
	uint16_t length;
	uint8_t octets[TRACK_OCTETS_MAX]; /* the present frame */
};

#endif
