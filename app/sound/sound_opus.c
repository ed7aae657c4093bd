/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sound/sound_opus.h"

#include <math.h>
#include <stdlib.h>

#include "dsp/codec/codec.h"
#include "dsp/codec/decoder.h"
#include "dsp/file/ogg.h"
#include "dsp/resample.h"

struct opus_work {
	struct decoder *decoder;
	struct ogg_packets packets;
	int16_t pcm[CODEC_SAMPLES_MAX];
	uint32_t skip; /* samples that are not heard are still to come */
};

/* Behind what was taken before. */
static void samples_take(struct opus_work *o, uint32_t n, struct media_sound *s, uint32_t *taken)
{
	uint32_t from = o->skip < n ? o->skip : n, count = n - from;

	o->skip -= from;
	if (count > s->length - *taken)
		count = s->length - *taken;
	memcpy(s->samples + *taken, o->pcm + from, count * sizeof(o->pcm[0]));
	*taken += count;
}

static bool packets_decode(struct opus_work *o, struct media_sound *s, struct sound_fault *fault)
{
	uint32_t taken = 0;
	struct bytes packet;
	size_t at;

	while (taken < s->length && ogg_packets_next(&o->packets, &packet, &at)) {
		int n = decoder_frame(o->decoder, packet, o->pcm, CODEC_SAMPLES_MAX);

		if (n < 0) {
			*fault = (struct sound_fault){
				.reason = "what ends here is no packet of Opus", .at = at
			};
			return false;
		}
		samples_take(o, (uint32_t)n, s, &taken);
	}
	return true;
}

/* RFC 7845 5.1: 1/256 dB. */
static void gain_apply(struct media_sound *s, int16_t gain)
{
	double factor = pow(10, gain / (20.0 * 256));

	for (uint32_t i = 0; gain && i < s->length; i++) {
		double v = round(s->samples[i] * factor);

		s->samples[i] = (int16_t)(v < INT16_MIN   ? INT16_MIN
					  : v > INT16_MAX ? INT16_MAX
							  : v);
	}
}

static struct media_sound *opus_decode_all(struct opus_work *o, const struct ogg *ogg,
					   uint32_t rate_hz, struct sound_fault *fault)
{
	size_t length = resample_count((size_t)ogg->samples, OGG_RATE, rate_hz);
	struct media_sound *s = media_sound_make(rate_hz, (uint32_t)length);

	if (!s) {
		fault->reason = "no memory";
		return NULL;
	}
	o->skip = ogg->pre_skip / (OGG_RATE / rate_hz);
	ogg_packets_open(&o->packets, ogg);
	if (packets_decode(o, s, fault)) {
		gain_apply(s, ogg->gain);
		return s;
	}
	media_sound_drop(s);
	return NULL;
}

struct media_sound *sound_opus_make(struct bytes file, uint32_t rate_hz, struct sound_fault *fault)
{
	const struct decoder_settings settings = { .codec = "opus", .rate = rate_hz };
	struct media_sound *s = NULL;
	struct opus_work *o;
	struct ogg_error error;
	struct ogg ogg;

	if (ogg_parse(&ogg, file, &error)) {
		*fault = (struct sound_fault){ .reason = error.reason, .at = error.at };
		return NULL;
	}
	if (ogg.samples > (uint64_t)OGG_RATE * SOUND_SECONDS_MAX) {
		fault->reason = SOUND_TOO_LONG;
		return NULL;
	}
	o = malloc(sizeof(*o));
	if (o && decoder_open(&o->decoder, &settings) == 0) {
		s = opus_decode_all(o, &ogg, rate_hz, fault);
		decoder_close(o->decoder);
	} else {
		fault->reason = "no memory";
	}
	free(o);
	return s;
}
