/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/mix/convert.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "dsp/codec/codec.h"

static bool convert_is(const struct convert *c, uint32_t from, uint32_t to)
{
	return c->from == from && c->to == to;
}

static bool convert_is_ours(const struct convert *c)
{
	return c->from == c->to || convert_is(c, 8000, 16000) || convert_is(c, 16000, 8000) ||
	       convert_is(c, 8000, 48000) || convert_is(c, 48000, 8000);
}

static bool convert_rate_is_sane(uint32_t rate)
{
	return rate > 0 && rate % 1000 == 0 && rate <= CODEC_RATE_MAX;
}

int convert_open(struct convert *c, uint32_t from, uint32_t to, uint32_t samples)
{
	if (!convert_rate_is_sane(from) || !convert_rate_is_sane(to) || samples > MIX_SAMPLES_MAX ||
	    samples % (from / 1000))
		return -EINVAL;
	*c = (struct convert){ .from = from, .to = to, .samples = samples };
	return convert_is_ours(c) ? 0 : resampler_open(&c->other, from, to);
}

void convert_close(struct convert *c)
{
	resampler_close(c->other);
	c->other = NULL;
}

/* Frames of whole ms have whole numbers of samples at both rates, so none is left over. */
static void convert_other(struct convert *c, const int16_t *in, int16_t *out, uint32_t n)
{
	uint32_t made = resampler_run(c->other, in, c->samples, out, n);

	assert(made == n);
	memcpy(c->last, in, c->samples * sizeof(*in));
}

uint32_t convert_frame(struct convert *c, const int16_t *in, int16_t *out)
{
	uint32_t n = c->samples / (c->from / 1000) * (c->to / 1000);

	if (c->other)
		convert_other(c, in, out, n);
	else if (c->from == c->to)
		memcpy(out, in, n * sizeof(*out));
	else if (convert_is(c, 8000, 16000))
		half_band_up(&c->half, in, c->samples, out);
	else if (convert_is(c, 16000, 8000))
		half_band_down(&c->half, in, n, out);
	else if (convert_is(c, 8000, 48000))
		sixth_band_up(&c->sixth, in, c->samples, out);
	else
		sixth_band_down(&c->sixth, in, n, out);
	return n;
}

/* speexdsp's state cannot be copied. It is a filter that is shorter than a frame, so the last frame is all there is to know. */
void convert_copy(struct convert *to, const struct convert *from)
{
	int16_t made[CODEC_RATE_MAX / 50];

	assert(to->from == from->from && to->to == from->to && to->samples == from->samples);
	to->half = from->half;
	to->sixth = from->sixth;
	if (!to->other)
		return;
	resampler_reset(to->other);
	convert_other(to, from->last, made, to->samples / (to->from / 1000) * (to->to / 1000));
}
