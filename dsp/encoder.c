/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/encoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/encoder_kind.h"

enum { PACKET_MS_DEFAULT = 20 };

struct encoder {
	const struct encoder_kind *kind;
	uint32_t rate;
	uint32_t samples; /* of a packet */
	alignas(max_align_t) uint8_t state[];
};

static const struct encoder_kind *const g_kinds[] = {
	&encoder_pcmu, &encoder_pcma, &encoder_g722, &encoder_opus, &encoder_g726_32,
};

static const struct encoder_kind *encoder_kind_of(const char *codec)
{
	for (size_t i = 0; i < sizeof(g_kinds) / sizeof(g_kinds[0]); i++) {
		if (!strcmp(codec, g_kinds[i]->name))
			return g_kinds[i];
	}
	return NULL;
}

static struct encoder_settings encoder_defaults(const struct encoder_settings *s,
						const struct encoder_kind *kind)
{
	struct encoder_settings full = *s;

	if (!full.packet_ms)
		full.packet_ms = PACKET_MS_DEFAULT;
	if (!full.bit_rate)
		full.bit_rate = kind->bit_rate;
	return full;
}

int encoder_open(struct encoder **out, const struct encoder_settings *s)
{
	const struct encoder_kind *kind = encoder_kind_of(s->codec);

	if (!kind)
		return -EINVAL;

	struct encoder_settings full = encoder_defaults(s, kind);
	uint32_t rate = full.packet_ms <= ENCODER_PACKET_MS_MAX ? kind->rate(&full) : 0;

	if (!rate)
		return -EINVAL;

	struct encoder *e = calloc(1, sizeof(*e) + kind->state_size());

	if (!e)
		return -ENOMEM;
	e->kind = kind;
	e->rate = rate;
	e->samples = rate / 1000 * full.packet_ms;

	int err = kind->state_open(e->state, &full, rate);

	if (err) {
		encoder_close(e);
		return err;
	}
	*out = e;
	return 0;
}

uint32_t encoder_rate(const struct encoder *e)
{
	return e->rate;
}

uint32_t encoder_cost_ns(const struct encoder *e)
{
	return e->kind->cost_ns;
}

int encoder_frame(struct encoder *e, const int16_t *pcm, uint32_t samples, uint8_t *out,
		  uint32_t cap)
{
	if (samples != e->samples)
		return -EINVAL;
	return e->kind->frame(e->state, pcm, samples, out, cap);
}

void encoder_close(struct encoder *e)
{
	free(e);
}
