/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes DTMF tones (ITU-T Q.23) and detects them in PCM at 8000 Hz. Players send digits as tones to
 * parties without telephone-event (RFC 4733), and the engine's detector finds digits that such
 * parties send. The detector is a bank of Goertzel filters over short blocks (ITU-T Q.24); its
 * limits are chosen so that speech is not taken for digits, and digits survive Opus at 12 kbit/s.
 */

#include <assert.h>
#include <math.h>
#include <string.h>

#include "dsp/dtmf.h"

enum { TWIST = 20 };

/* ITU-T Q.23: a row's frequency and a column's. */
static const char g_keys[] = DTMF_DIGITS;
static const uint16_t g_rows[4] = { 697, 770, 852, 941 }, g_columns[4] = { 1209, 1336, 1477, 1633 };

bool dtmf_tone(char digit, uint16_t on_ms, uint16_t off_ms, int16_t level, struct tone *out)
{
	const char *at = digit ? strchr(g_keys, digit) : NULL;

	if (!at)
		return false;

	int16_t low = (int16_t)(level - TWIST);

	*out = (struct tone){
		.count = 2,
		.steps = { { on_ms,
			     { { g_rows[(at - g_keys) / 4], low },
			       { g_columns[(at - g_keys) % 4], level } } },
			   { .ms = off_ms } },
	};
	return true;
}

/* Goertzel filters over blocks of 102 samples (ITU-T Q.24). Two clear blocks in a row with the same
 * digit are that digit. What a codec has distorted is less clear and must last longer: three
 * blocks, one of them clear. Opus at 16 kHz and 12 kbit/s puts that much noise beside 697 Hz, and
 * turns a difference of 2 dB between both tones into up to 5. */

enum {
	DETECTOR_BLOCK = 102,
	BLOCKS_MAX = 100,
	TONES = 4,
	LEVEL_LEAST = 16400 /* of a sample, squared: -42 dBm0 */
};

/* As ratios of power. */
struct limits {
	float high_over_low, low_over_high; /* at most */
	float beside;                       /* the strongest of a group over the others, at least */
	float share;                        /* of both in the whole block, at least */
};

static const struct limits g_clear = { 5.0F, 6.3F, 6.3F, 0.82F }; /* 7, 8, 8, -0.9 dB */
static const struct limits g_faint = { 7.9F, 7.9F, 3.2F, 0.70F }; /* 9, 9, 5, -1.5 dB */

static const char g_heard_keys[] = DTMF_DIGITS;
/* 2 cos(2 pi f / 8000) of 697, 770, 852, 941 and 1209, 1336, 1477, 1633 Hz. */
static const float g_turns[2 * TONES] = { 1.7077378F, 1.6452810F, 1.5686870F, 1.4782046F,
					  1.1641040F, 0.9963702F, 0.7986184F, 0.5685327F };

void dtmf_detector_open(struct dtmf_detector *e)
{
	memset(e, 0, sizeof(*e));
}

static void dtmf_detector_add(struct dtmf_detector *e, char digit, bool ends)
{
	assert(e->count < DTMF_EVENTS_MAX);
	e->events[e->count++] = (struct dtmf_event){ .digit = digit, .ends = ends };
}

/* ---- a block ---- */

static uint32_t strongest(const float power[TONES])
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < TONES; i++)
		best = power[i] > power[best] ? i : best;
	return best;
}

static float second(const float power[TONES], uint32_t best)
{
	float most = 0;

	for (uint32_t i = 0; i < TONES; i++)
		most = i != best && power[i] > most ? power[i] : most;
	return most;
}

struct block {
	float low, high, low_neighbour, high_neighbour, energy;
};

static bool block_is(const struct block *b, const struct limits *l)
{
	return b->high <= b->low * l->high_over_low && b->low <= b->high * l->low_over_high &&
	       b->low >= b->low_neighbour * l->beside && b->high >= b->high_neighbour * l->beside &&
	       2 * (b->low + b->high) >= l->share * (float)DETECTOR_BLOCK * b->energy;
}

/* The digit of the block, and how sure that is. */
static char block_key(const struct dtmf_detector *e, bool *clear)
{
	float power[2 * TONES];
	struct block b = { .energy = e->energy };
	uint32_t row, column;

	*clear = false;
	if (e->energy < (float)LEVEL_LEAST * DETECTOR_BLOCK)
		return 0;
	for (uint32_t i = 0; i < 2 * TONES; i++) {
		float last = e->last[i], before = e->before[i];

		power[i] = last * last + before * before - g_turns[i] * last * before;
	}
	row = strongest(power);
	column = strongest(power + TONES);
	b.low = power[row];
	b.high = power[TONES + column];
	b.low_neighbour = second(power, row);
	b.high_neighbour = second(power + TONES, column);
	*clear = block_is(&b, &g_clear);
	return block_is(&b, &g_faint) ? g_heard_keys[row * TONES + column] : 0;
}

/* ---- blocks in a row ---- */

static void dtmf_digit_end(struct dtmf_detector *e)
{
	if (e->digit)
		dtmf_detector_add(e, e->digit, true);
	e->digit = 0;
}

static void dtmf_digit_start(struct dtmf_detector *e, char digit)
{
	dtmf_digit_end(e);
	e->digit = digit;
	dtmf_detector_add(e, digit, false);
}

/* The same digit is counted; two blocks of another digit, or without a digit, end it. */
static void block_ends(struct dtmf_detector *e)
{
	bool clear;
	char key = block_key(e, &clear);

	if (key != e->run_digit) {
		e->run_digit = key;
		e->run = e->run_clear = 0;
	}
	if (e->run < BLOCKS_MAX) {
		e->run++;
		e->run_clear = (uint8_t)(e->run_clear + clear);
	}
	if (key && key != e->digit && (e->run_clear >= 2 || (e->run >= 3 && e->run_clear)))
		dtmf_digit_start(e, key);
	e->absent = key == e->digit || !e->digit ? 0 : (uint8_t)(e->absent + 1);
	if (e->absent >= 2)
		dtmf_digit_end(e);
	memset(e->last, 0, sizeof(e->last));
	memset(e->before, 0, sizeof(e->before));
	e->energy = 0;
	e->at = 0;
}

/* ---- samples ---- */

static void sample_feed(struct dtmf_detector *e, float x)
{
	e->energy += x * x;
	for (uint32_t i = 0; i < 2 * TONES; i++) {
		float now = x + g_turns[i] * e->last[i] - e->before[i];

		e->before[i] = e->last[i];
		e->last[i] = now;
	}
}

uint32_t dtmf_detector_feed(struct dtmf_detector *e, const int16_t *pcm, uint32_t n)
{
	assert(n <= DTMF_FRAME_MAX);
	e->count = 0;
	for (uint32_t i = 0; i < n; i++) {
		sample_feed(e, pcm[i]);
		if (++e->at == DETECTOR_BLOCK)
			block_ends(e);
	}
	return e->count;
}
