/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/wav_window.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int wav_window_open(struct wav_window *w, enum wav_sound sound, uint32_t rate, bool mono)
{
	uint32_t octets = wav_sound_octets(sound);

	*w = (struct wav_window){ .octets = octets,
				  .frame = mono ? octets : WAV_SIDES * octets,
				  .room = (int64_t)rate *
					  (mono ? WAV_WINDOW_S + WAV_HELD_S : WAV_WINDOW_S),
				  .silence = wav_sound_silence(sound) };
	w->frames = malloc((size_t)w->room * w->frame);
	if (!w->frames)
		return -ENOMEM;
	return 0;
}

void wav_window_close(struct wav_window *w)
{
	free(w->frames);
	w->frames = NULL;
}

/* A part of [at, to) up to where it is folded. */
struct wav_part {
	uint8_t *frames;
	uint32_t n;
};

static struct wav_part part_of(const struct wav_window *w, int64_t at, int64_t to)
{
	int64_t index = at % w->room;
	int64_t n = w->room - index < to - at ? w->room - index : to - at;

	return (struct wav_part){ w->frames + (size_t)index * w->frame, (uint32_t)n };
}

/* Those that are not written yet are silent up to there. */
static void silence_until(struct wav_window *w, int64_t to)
{
	while (w->high < to) {
		struct wav_part part = part_of(w, w->high, to);

		memset(part.frames, w->silence, (size_t)part.n * w->frame);
		w->high += part.n;
	}
}

/* One that is two octets long is copied as such. */
static void samples_put(const struct wav_window *w, uint8_t *to, const uint8_t *samples, size_t n)
{
	if (w->frame == w->octets) {
		memcpy(to, samples, n * w->octets);
		return;
	}
	if (w->octets == 1) {
		for (size_t i = 0; i < n; i++)
			to[i * 2] = samples[i];
		return;
	}
	for (size_t i = 0; i < n; i++)
		memcpy(to + i * 4, samples + i * 2, 2);
}

/* Where the other side has said nothing yet: whole frames, so that nothing of them is read. */
static void samples_begin(const struct wav_window *w, uint8_t *to, unsigned side,
			  const uint8_t *samples, size_t n)
{
	uint32_t own = side * w->octets, other = w->octets - own;

	if (w->frame == w->octets) {
		memcpy(to, samples, n * w->octets);
		return;
	}
	if (w->octets == 1) {
		for (size_t i = 0; i < n; i++) {
			to[i * 2 + own] = samples[i];
			to[i * 2 + other] = w->silence;
		}
		return;
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(to + i * 4 + own, samples + i * 2, 2);
		memset(to + i * 4 + other, w->silence, 2);
	}
}

void wav_window_put(struct wav_window *w, unsigned side, int64_t at, const uint8_t *samples,
		    uint32_t n)
{
	int64_t to = at + n;

	assert(at >= w->low && to <= w->low + w->room);
	silence_until(w, at);
	while (at < to) {
		bool begins = at >= w->high;
		struct wav_part part = part_of(w, at, begins || to < w->high ? to : w->high);

		if (begins)
			samples_begin(w, part.frames, side, samples, part.n);
		else
			samples_put(w, part.frames + side * w->octets, samples, part.n);
		samples += (size_t)part.n * w->octets;
		at += part.n;
		w->high = w->high < at ? at : w->high;
	}
}

void wav_window_advance(struct wav_window *w, int64_t low)
{
	w->low = w->low < low ? low : w->low;
	w->high = w->high < low ? low : w->high;
}

struct bytes wav_window_read(struct wav_window *w, int64_t from, int64_t to)
{
	struct wav_part part = part_of(w, from, to);

	assert(from >= w->low && to <= w->low + w->room && from <= to);
	silence_until(w, to);
	return bytes_mem(part.frames, (size_t)part.n * w->frame);
}
