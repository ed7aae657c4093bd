/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoder of G.722 that is led through a loss, as in G.722 Appendix III: what was made in place of the lost samples is
 * encoded, and decoded by it. So its predictors and steps go on, as the encoder's did with what was lost.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/g722.h>

#include <spandsp/private/g722.h>

#include "bench/sound/quality.h"

/* Both filters take 22 samples together: by so much a decoder's samples are later than those its octets are of. */
enum { LATE = 22, FILTER = 24, FRAME = QUALITY_FRAME_MAX, BIT_RATE = 64000 };

/* line: FILTER samples before those to be encoded, and these n. */
static void decoder_follow(g722_decode_state_t *decoder, const int16_t *line, uint32_t n)
{
	g722_encode_state_t encoder;
	uint8_t octets[FRAME / 2];
	int16_t heard[FRAME];

	static_assert(sizeof(encoder.band) == sizeof(decoder->band), "both are of one kind");
	g722_encode_init(&encoder, BIT_RATE, 0);
	g722_encode(&encoder, octets, line, FILTER);
	memcpy(encoder.band, decoder->band, sizeof(encoder.band));
	g722_decode(decoder, heard, octets, g722_encode(&encoder, octets, line + FILTER, (int)n));
}

void quality_led_lost(struct plc *s, g722_decode_state_t *decoder, int16_t *out, uint32_t n)
{
	int16_t line[FILTER + FRAME + LATE];

	for (uint32_t i = 0; i < FILTER; i++)
		line[i] = s->history[(s->at + PLC_KEPT_MAX - FILTER + i) % PLC_KEPT_MAX];
	plc_lost(s, out, n);
	memcpy(line + FILTER, out, n * sizeof(*line));

	struct plc ahead = *s;

	plc_lost(&ahead, line + FILTER + n, LATE);
	decoder_follow(decoder, line + LATE, n);
}
