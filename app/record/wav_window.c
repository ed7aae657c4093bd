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
	memset(w->frames, w->silence, (size_t)w->room * w->frame);
	return 0;
}

void wav_window_close(struct wav_window *w)
{
	free(w->frames);
	w->frames = NULL;
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

void wav_window_put(struct wav_window *w, unsigned side, int64_t at, const uint8_t *samples,
		    uint32_t n)
{
	assert(at >= w->low && at + n <= w->low + w->room);
	while (n) {
		int64_t index = at % w->room;
		uint32_t part = w->room - index < n ? (uint32_t)(w->room - index) : n;

		samples_put(w, w->frames + (size_t)index * w->frame + side * w->octets, samples,
			    part);
		samples += (size_t)part * w->octets;
		at += part;
		n -= part;
	}
}

void wav_window_advance(struct wav_window *w, int64_t low)
{
	if (low - w->low >= w->room) {
		memset(w->frames, w->silence, (size_t)w->room * w->frame);
		w->low = low;
	}
	while (w->low < low) {
		int64_t index = w->low % w->room;
		int64_t part = w->room - index < low - w->low ? w->room - index : low - w->low;

		memset(w->frames + (size_t)index * w->frame, w->silence, (size_t)part * w->frame);
		w->low += part;
	}
}

struct bytes wav_window_read(const struct wav_window *w, int64_t from, int64_t to)
{
	int64_t index = from % w->room;
	int64_t n = w->room - index < to - from ? w->room - index : to - from;

	assert(from >= w->low && to <= w->low + w->room && from <= to);
	return bytes_mem(w->frames + (size_t)index * w->frame, (size_t)n * w->frame);
}
