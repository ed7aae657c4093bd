/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frequencies and cadences by ITU-T E.180 Supplement 2, "Various tones used in national networks". Where it lists several
 * of a kind, one was chosen. ETSI's are those of 3GPP TS 22.001 annex F. Levels: E.180 recommends -10 dBm0 for a tone,
 * whatever it is made of. The US say their own by frequency (ANSI T1.401, the precise tone plan). Their confirmation tone, the
 * dial tone in three bursts of 100 ms, is made of each country's dial tone: few of the others name one. So it is with the recording tone: half a
 * second of 1400 Hz each 15 s, as the US have it, 10 dB below other tones, for people speak meanwhile.
 */
#include "dsp/tone.h"

/* What a step sounds like. Two sines of -13 dBm0 make -10. A sine modulated by 85 % with 16 Hz is three sines. */
#define ONE(hz)             .parts = { { (hz), -100 } }
#define ONE_AT(hz, level)   .parts = { { (hz), (level) } }
#define TWO(a, b)           .parts = { { (a), -130 }, { (b), -130 } }
#define TWO_AT(a, b, level) .parts = { { (a), (level) }, { (b), (level) } }
#define MODULATED(hz)       .parts = { { (hz), -113 }, { (hz)-16, -188 }, { (hz) + 16, -188 } }
#define WITHOUT_END         0
/* A step of silence has its time alone. */
#define CONFIRMATION(dial) \
	.count = 6,        \
	.steps = { { 100, dial }, { 100 }, { 100, dial }, { 100 }, { 100, dial }, { 1500 } }
#define RECORDING .count = 2, .steps = { { 500, ONE_AT(1400, -200) }, { 14500 } }
#define INFORMATION \
	.count = 4, .steps = { { 330, ONE(950) }, { 330, ONE(1400) }, { 330, ONE(1800) }, { 1000 } }

static const struct tone_plan g_plans[] = {
	{ .name = "etsi",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, ONE(425) } } },
		  [TONE_RINGBACK] = { 2, { { 1000, ONE(425) }, { 4000 } } },
		  [TONE_BUSY] = { 2, { { 500, ONE(425) }, { 500 } } },
		  [TONE_CONGESTION] = { 2, { { 200, ONE(425) }, { 200 } } },
		  [TONE_CALL_WAITING] = { 4, { { 200, ONE(425) }, { 600 }, { 200, ONE(425) }, { 3000 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(ONE(425)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "au",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, TWO(413, 438) } } },
		  [TONE_RINGBACK] = { 4, { { 400, TWO(413, 438) }, { 200 }, { 400, TWO(413, 438) }, { 2000 } } },
		  [TONE_BUSY] = { 2, { { 375, ONE(425) }, { 375 } } },
		  /* every other one is quieter */
		  [TONE_CONGESTION] = { 4, { { 375, ONE(425) }, { 375 }, { 375, ONE_AT(425, -200) }, { 375 } } },
		  [TONE_CALL_WAITING] = { 4, { { 200, ONE(425) }, { 200 }, { 200, ONE(425) }, { 4400 } } },
		  [TONE_INFORMATION] = { 2, { { 2500, ONE(425) }, { 500 } } },
		  [TONE_CONFIRMATION] = { CONFIRMATION(TWO(413, 438)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "de",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, ONE(425) } } },
		  [TONE_RINGBACK] = { 2, { { 1000, ONE(425) }, { 4000 } } },
		  [TONE_BUSY] = { 2, { { 480, ONE(425) }, { 480 } } },
		  [TONE_CONGESTION] = { 2, { { 240, ONE(425) }, { 240 } } },
		  [TONE_CALL_WAITING] = { 4, { { 200, ONE(425) }, { 200 }, { 200, ONE(425) }, { 5000 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(ONE(425)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "fr",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, ONE(440) } } },
		  [TONE_RINGBACK] = { 2, { { 1500, ONE(440) }, { 3500 } } },
		  [TONE_BUSY] = { 2, { { 500, ONE(440) }, { 500 } } },
		  [TONE_CONGESTION] = { 2, { { 250, ONE(440) }, { 250 } } },
		  [TONE_CALL_WAITING] = { 2, { { 300, ONE(440) }, { 10000 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(ONE(440)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "jp",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, ONE(400) } } },
		  [TONE_RINGBACK] = { 2, { { 1000, MODULATED(400) }, { 2000 } } },
		  [TONE_BUSY] = { 2, { { 500, ONE(400) }, { 500 } } },
		  [TONE_CONGESTION] = { 2, { { 500, ONE(400) }, { 500 } } },
		  [TONE_CALL_WAITING] = { 2, { { 500, MODULATED(400) }, { 8000 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(ONE(400)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "uk",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, TWO(350, 440) } } },
		  [TONE_RINGBACK] = { 4, { { 400, TWO(400, 450) }, { 200 }, { 400, TWO(400, 450) }, { 2000 } } },
		  [TONE_BUSY] = { 2, { { 375, ONE(400) }, { 375 } } },
		  [TONE_CONGESTION] = { 4, { { 400, ONE(400) }, { 350 }, { 225, ONE(400) }, { 525 } } },
		  [TONE_CALL_WAITING] = { 2, { { 100, ONE(400) }, { 4000 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(TWO(350, 440)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "us",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, TWO_AT(350, 440, -130) } } },
		  [TONE_RINGBACK] = { 2, { { 2000, TWO_AT(440, 480, -190) }, { 4000 } } },
		  [TONE_BUSY] = { 2, { { 500, TWO_AT(480, 620, -240) }, { 500 } } },
		  [TONE_CONGESTION] = { 2, { { 250, TWO_AT(480, 620, -240) }, { 250 } } },
		  [TONE_CALL_WAITING] = { 2, { { 300, ONE_AT(440, -130) }, { 9700 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(TWO_AT(350, 440, -130)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
};

const struct tone_plan *tone_plan_find(struct bytes name)
{
	for (uint32_t i = 0; i < COUNT_OF(g_plans); i++) {
		if (bytes_iis(name, g_plans[i].name))
			return &g_plans[i];
	}
	return NULL;
}
