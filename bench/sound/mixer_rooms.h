/* SPDX-License-Identifier: Apache-2.0 */
/* A worker on port_sim with rooms, in virtual time: what `mixer` measures of the engine. */
#ifndef BENCH_SOUND_MIXER_ROOMS_H
#define BENCH_SOUND_MIXER_ROOMS_H

#include "engine/port/port_sim.h"
#include "engine/worker/worker.h"

enum {
	ROOMS_FRAME_MS = 20,
	ROOMS_SPEECH_S = 4,
	ROOMS_FRAMES = ROOMS_SPEECH_S * 1000 / ROOMS_FRAME_MS,
	ROOMS_VOICES = 8,       /* different ones; further members say what one of these says */
	ROOMS_OCTETS_MAX = 400, /* of a payload */
};

enum rooms_says {
	ROOMS_NOTHING,
	ROOMS_SPEECH,
	ROOMS_SILENCE, /* G.711: digital silence; Opus: a packet of DTX each 400 ms */
	ROOMS_COMFORT, /* 2.5 packets of comfort noise a second */
	ROOMS_RTCP,    /* a report each 5 s */
};

/* One codec, all that may be said in it. */
struct rooms_speech {
	enum media_codec codec;
	uint32_t rate; /* of Opus */
	uint16_t lengths[ROOMS_VOICES][ROOMS_FRAMES];
	uint8_t levels[ROOMS_VOICES][ROOMS_FRAMES]; /* as RFC 6464 has them */
	uint8_t octets[ROOMS_VOICES][ROOMS_FRAMES][ROOMS_OCTETS_MAX];
};

struct rooms_terms {
	uint32_t rooms, members; /* of each room */
	uint32_t talkers;        /* of each room, who says speech; the others say: */
	enum rooms_says others;
	bool keys, levels;
	bool everybody; /* is heard; else the loudest three */
	bool forwards;  /* no rooms: each two are peers */
	const struct rooms_speech *speech;
	uint32_t rate_hz, bit_rate;
};

struct rooms;

void rooms_speech_make(struct rooms_speech *s, enum media_codec codec, uint32_t rate,
		       uint32_t bit_rate);
struct rooms *rooms_open(const struct rooms_terms *terms);
void rooms_close(struct rooms *r);
/* So many ms of virtual time: CPU time of the worker, ns. */
uint64_t rooms_run(struct rooms *r, uint32_t ms);
uint64_t rooms_sent(const struct rooms *r); /* packets to members, reports too */

#endif
