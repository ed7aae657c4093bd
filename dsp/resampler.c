/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/resampler.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <speex/speex_resampler.h>

#include "dsp/resample.h"

enum { QUALITY = 3 };

struct resampler {
	SpeexResamplerState *speex; /* NULL: the rates are equal */
	uint32_t from, to;
};

static bool resampler_rate_is_sane(uint32_t rate)
{
	return rate >= RESAMPLE_RATE_MIN && rate <= RESAMPLE_RATE_MAX;
}

int resampler_open(struct resampler **out, uint32_t from, uint32_t to)
{
	struct resampler *r;
	int err = RESAMPLER_ERR_SUCCESS;

	if (!resampler_rate_is_sane(from) || !resampler_rate_is_sane(to))
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct resampler){ .from = from, .to = to };
	if (from != to)
		r->speex = speex_resampler_init(1, from, to, QUALITY, &err);
	if (from != to && !r->speex) {
		free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void resampler_close(struct resampler *r)
{
	if (r && r->speex)
		speex_resampler_destroy(r->speex);
	free(r);
}

void resampler_reset(struct resampler *r)
{
	if (r->speex)
		(void)speex_resampler_reset_mem(r->speex);
}

uint32_t resampler_run(struct resampler *r, const int16_t *in, uint32_t n, int16_t *out,
		       uint32_t cap)
{
	spx_uint32_t eaten = n, made = cap;

	assert((uint64_t)n * r->to / r->from < (uint64_t)cap + 1);
	if (!r->speex) {
		memcpy(out, in, n * sizeof(*out));
		return n;
	}
	(void)speex_resampler_process_int(r->speex, 0, in, &eaten, out, &made);
	return made;
}
