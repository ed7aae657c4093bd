/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "media/job.h"

struct media_sound *media_sound_make(uint32_t rate_hz, uint32_t length)
{
	struct media_sound *s;

	assert(rate_hz > 0 && length > 0);
	s = calloc(1, sizeof(*s) + (size_t)length * sizeof(s->samples[0]));
	if (s)
		*s = (struct media_sound){ .references = 1, .rate_hz = rate_hz, .length = length };
	return s;
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
