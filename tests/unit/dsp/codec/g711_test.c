/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "dsp/codec/g711.h"

enum { SAMPLES = 65536, OCTETS = 256 };

static int16_t g_pcm[SAMPLES];
static uint8_t g_octets[SAMPLES];

/* G.711 tables 1a, 1b, 2a and 2b: where segments begin and end, in 16 bits. */
static void test_values(void **state)
{
	static const struct {
		uint8_t ulaw;
		int16_t ulaw_sample;
		uint8_t alaw;
		int16_t alaw_sample;
	} rows[] = {
		{ 0xff, 0, 0xd5, 8 },         { 0x7f, 0, 0x55, -8 },
		{ 0xfe, 8, 0xd4, 24 },        { 0x7e, -8, 0x54, -24 },
		{ 0xf0, 120, 0xda, 248 },     { 0xef, 132, 0xc5, 264 },
		{ 0xe0, 372, 0xca, 504 },     { 0xdf, 396, 0xf5, 528 },
		{ 0x90, 15996, 0xba, 16128 }, { 0x8f, 16764, 0xa5, 16896 },
		{ 0x80, 32124, 0xaa, 32256 }, { 0x00, -32124, 0x2a, -32256 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		assert_int_equal(g711_ulaw_sample(row->ulaw), row->ulaw_sample);
		assert_int_equal(g711_alaw_sample(row->alaw), row->alaw_sample);
	}
}

struct law {
	uint8_t (*of)(int16_t);
	int16_t (*sample)(uint8_t);
	int half_step; /* of the first segment */
	int doubles,
		gap; /* where steps double first; from there to the next it is twice as far, and gap */
};

/* A louder sample never gets a quieter octet, and is off by half a step of its segment at most. */
static void check_steps(const struct law *law)
{
	int before = INT16_MIN;

	for (int x = INT16_MIN; x <= INT16_MAX; x++) {
		int value = law->sample(law->of((int16_t)x)), half = law->half_step;

		for (int from = law->doubles; from <= abs(value); from = from * 2 + law->gap)
			half *= 2;
		assert_true(value >= before);
		assert_true(abs(x - value) <= half || abs(x) >= 32636);
		before = value;
	}
}

static void test_steps(void **state)
{
	(void)state;
	check_steps(&(struct law){ g711_ulaw_of, g711_ulaw_sample, 4, 124, 132 });
	check_steps(&(struct law){ g711_alaw_of, g711_alaw_sample, 8, 512, 0 });
}

/* What was decoded is encoded as it came, but mu-law's second zero. */
static void test_there_and_back(void **state)
{
	(void)state;
	for (int i = 0; i < OCTETS; i++) {
		uint8_t octet = (uint8_t)i;

		assert_int_equal(g711_ulaw_of(g711_ulaw_sample(octet)),
				 octet == 0x7f ? 0xff : octet);
		assert_int_equal(g711_alaw_of(g711_alaw_sample(octet)), octet);
	}
	assert_int_equal(g711_ulaw_of(0), G711_ULAW_SILENCE);
	assert_int_equal(g711_alaw_of(0), G711_ALAW_SILENCE);
}

/* The fast ones on all inputs; from odd places, too, and short. */
static void test_encode_is_the_arithmetic(void **state)
{
	(void)state;
	for (int i = 0; i < SAMPLES; i++)
		g_pcm[i] = (int16_t)i;
	g711_ulaw_encode(g_octets, g_pcm, SAMPLES);
	for (int i = 0; i < SAMPLES; i++)
		assert_int_equal(g_octets[i], g711_ulaw_of(g_pcm[i]));
	g711_alaw_encode(g_octets, g_pcm, SAMPLES);
	for (int i = 0; i < SAMPLES; i++)
		assert_int_equal(g_octets[i], g711_alaw_of(g_pcm[i]));
}

/* All octets, in each of 64 places of a block. */
static void test_decode_is_the_arithmetic(void **state)
{
	(void)state;
	for (int shift = 0; shift < 64; shift++) {
		for (int i = 0; i < OCTETS + 64; i++)
			g_octets[i] = (uint8_t)(i + shift);
		g711_ulaw_decode(g_pcm, g_octets, OCTETS + 64);
		for (int i = 0; i < OCTETS + 64; i++)
			assert_int_equal(g_pcm[i], g711_ulaw_sample(g_octets[i]));
		g711_alaw_decode(g_pcm, g_octets, OCTETS + 64);
		for (int i = 0; i < OCTETS + 64; i++)
			assert_int_equal(g_pcm[i], g711_alaw_sample(g_octets[i]));
	}
}

static void test_decode_lengths(void **state)
{
	(void)state;
	for (int i = 0; i < OCTETS; i++)
		g_octets[i] = (uint8_t)(i * 77);
	for (size_t from = 0; from < 3; from++) {
		for (size_t n = 0; n < 100; n++) {
			int16_t out[128];

			memset(out, 0x11, sizeof(out));
			g711_alaw_decode(out + from, g_octets + from, n);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(out[from + i],
						 g711_alaw_sample(g_octets[from + i]));
			assert_int_equal(out[from + n], 0x1111);
		}
	}
}

/* Any length from any place, and nothing behind it is touched. */
static void test_lengths(void **state)
{
	(void)state;
	for (int i = 0; i < SAMPLES; i++)
		g_pcm[i] = (int16_t)(i * 769);
	for (size_t from = 0; from < 3; from++) {
		for (size_t n = 0; n < 100; n++) {
			uint8_t out[128];

			memset(out, 0x11, sizeof(out));
			g711_ulaw_encode(out + from, g_pcm + 7 * n + from, n);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(out[from + i],
						 g711_ulaw_of(g_pcm[7 * n + from + i]));
			assert_int_equal(out[from + n], 0x11);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_encode_is_the_arithmetic),
		cmocka_unit_test(test_decode_is_the_arithmetic),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_decode_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
