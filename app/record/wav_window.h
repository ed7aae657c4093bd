/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last seconds of a file in memory: where late packets still find their place. Frames (a sample of each side) lie at their number
 * modulo the room. What nobody put is silence. One thread; memory is allocated at open alone.
 */
#ifndef APP_RECORD_WAV_WINDOW_H
#define APP_RECORD_WAV_WINDOW_H

#include "app/record/timeline.h"
#include "app/record/wav_head.h"

enum {
	WAV_WINDOW_S = TIMELINE_BEHIND_S + TIMELINE_AHEAD_S + 1,
	WAV_HELD_S = 10, /* of a message: silence that may be behind its end */
};

struct wav_window {
	uint8_t *frames; /* owned */
	uint32_t octets; /* of a sample */
	uint32_t frame;  /* octets of one */
	int64_t room;    /* frames */
	int64_t low;     /* the oldest one */
	int64_t high; /* behind the newest one that was put or read: what follows is not written yet */
	uint8_t silence;
};

/* mono: its only side is 0, and it is longer by what may be held. 0 or -ENOMEM. */
int wav_window_open(struct wav_window *w, enum wav_sound sound, uint32_t rate, bool mono) NODISCARD;
void wav_window_close(struct wav_window *w);
/* n samples for one side, from position `at` on, all of which the window has. */
void wav_window_put(struct wav_window *w, unsigned side, int64_t at, const uint8_t *samples,
		    uint32_t n);
/* Frames before `low` are forgotten; as many new ones are silent. */
void wav_window_advance(struct wav_window *w, int64_t low);
/* The frames of [from, to) up to where they are folded: call it again for the rest. */
struct bytes wav_window_read(struct wav_window *w, int64_t from, int64_t to);

#endif
