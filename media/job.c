/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference-counted PCM in memory: the sounds that jobs of the engine play (job.h). Control's
 * thread alone counts references, so no atomic is needed for them; a worker returns its reference
 * in MEDIA_JOB_CLOSED. A sound that is still being loaded grows by release stores of its length,
 * and workers that read the length first only see complete samples.
 */

#include <assert.h>
#include <stdlib.h>

#include "media/job.h"

struct media_sound *media_sound_make(uint32_t rate_hz, uint32_t length)
{
	struct media_sound *s;

	assert(rate_hz > 0 && length > 0);
	s = calloc(1, sizeof(*s) + (size_t)length * sizeof(s->samples[0]));
	if (s)
		*s = (struct media_sound){
			.references = 1, .rate_hz = rate_hz, .length = length, .ready = length
		};
	return s;
}

void media_sound_arrives(struct media_sound *s)
{
	atomic_store_explicit(&s->ready, 0, memory_order_relaxed);
	atomic_store_explicit(&s->state, MEDIA_SOUND_ARRIVES, memory_order_relaxed);
}

void media_sound_grow(struct media_sound *s, uint32_t n)
{
	assert(n <= s->length - media_sound_ready(s));
	atomic_fetch_add_explicit(&s->ready, n, memory_order_release);
}

void media_sound_over(struct media_sound *s, enum media_sound_state state)
{
	atomic_store_explicit(&s->state, state, memory_order_release);
}

struct media_sound *media_sound_ref(struct media_sound *s)
{
	assert(s->references > 0);
	s->references++;
	return s;
}

void media_sound_unref(struct media_sound *s)
{
	if (!s)
		return;
	assert(s->references > 0);
	if (--s->references == 0)
		free(s);
}
