/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/speech.h"

#include "base/bytes.h"
#include "dsp/codec/g711.h"
#include "tests/unit/dsp/speech.h"

enum {
	VOICES = 8,
	FRAMES = 200, /* four seconds, again and again */
	SAMPLES = 160,
	NOISE = 400, /* behind each voice: -43 dBov */
	APART = 37,  /* frames from one stream to the next */
	FAR = 3000,  /* numbers: it is another stream then */
};

static uint8_t g_speech[VOICES][FRAMES][SAMPLES];

void load_speech_open(void)
{
	for (uint32_t v = 0; v < VOICES; v++) {
		struct speech s = { .rate = G711_RATE,
				    .at = G711_RATE * (1 + 7 * v) / 3,
				    .noise = v };

		for (uint32_t f = 0; f < FRAMES; f++) {
			int16_t pcm[SAMPLES];

			speech_make(&s, pcm, SAMPLES);
			for (uint32_t i = 0; i < SAMPLES; i++)
				pcm[i] = (int16_t)(pcm[i] * 3 / 4 + NOISE * speech_noise(&s));
			g711_ulaw_encode(g_speech[v][f], pcm, SAMPLES);
		}
	}
}

const uint8_t *load_speech(uint32_t stream, uint32_t frame)
{
	return g_speech[stream % VOICES][(stream * APART + frame) % FRAMES];
}

void load_speech_check(struct load *l, struct load_endpoint *e, const uint8_t *p, size_t n,
		       uint64_t now_ns)
{
	struct load_totals *t = &l->t;
	uint16_t ahead;

	if (n != l->options.kind.packet || be32_get(p + 8) == 0) {
		t->corrupted++;
		return;
	}
	ahead = (uint16_t)(be16_get(p + 2) - e->sequence_delta);
	if (e->heard)
		e->gap_ns = load_gap_ns(l, e, now_ns);
	if (e->heard && e->ssrc == be32_get(p + 8)) {
		t->duplicated += ahead >= UINT16_MAX - FAR;
		t->missed += ahead < FAR ? ahead : 0;
	}
	e->heard = true;
	e->received_ns = now_ns;
	e->ssrc = be32_get(p + 8);
	e->sequence_delta = (uint16_t)(be16_get(p + 2) + 1); /* the next one */
	t->received++;
}
