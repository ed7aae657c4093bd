/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "dsp/codec/codec.h"
#include "dsp/mix/packer.h"
#include "tests/unit/dsp/measure.h"
#include "tests/unit/dsp/speech.h"

enum { FRAMES = 50, OUT_MAX = CODEC_RATE_MAX / 50 };

static int16_t g_in[FRAMES * MIX_SAMPLES_MAX], g_out[FRAMES * OUT_MAX], g_want[FRAMES * OUT_MAX];

static const uint32_t g_rates[] = { 8000, 12000, 16000, 24000, 32000, 48000 };
static const uint32_t g_mixes[] = { 8000, 16000, 48000 };

/* From one rate to another; who goes on in the middle of a voice makes what the first one would have made. */
static void check_copy(uint32_t from, uint32_t to, uint32_t ms)
{
	uint32_t n = from / 1000 * ms, made = to / 1000 * ms, half = FRAMES / 2;
	struct convert alone, first, second;
	struct speech s = { .rate = from };

	speech_make(&s, g_in, (size_t)n * FRAMES);
	assert_int_equal(convert_open(&alone, from, to, n), 0);
	assert_int_equal(convert_open(&first, from, to, n), 0);
	assert_int_equal(convert_open(&second, from, to, n), 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		assert_int_equal(convert_frame(&alone, g_in + i * n, g_want + i * made), made);
	for (uint32_t i = 0; i < half; i++)
		assert_int_equal(convert_frame(&first, g_in + i * n, g_out + i * made), made);
	for (uint32_t i = 0; i < 7; i++) /* it was used before */
		assert_int_equal(convert_frame(&second, g_in + i * n, g_out + half * made), made);
	convert_copy(&second, &first);
	convert_close(&first);
	for (uint32_t i = half; i < FRAMES; i++)
		assert_int_equal(convert_frame(&second, g_in + i * n, g_out + i * made), made);
	assert_memory_equal(g_out, g_want, (size_t)made * FRAMES * sizeof(*g_out));
	convert_close(&alone);
	convert_close(&second);
}

static void test_copy_goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_mixes); i++) {
		for (size_t k = 0; k < COUNT_OF(g_rates); k++) {
			check_copy(g_mixes[i], g_rates[k], 20);
			check_copy(g_mixes[i], g_rates[k], 10);
		}
	}
}

/* What is in both bands has the same height, and as loud. */
static void test_tone(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_mixes); i++) {
		for (size_t k = 0; k < COUNT_OF(g_rates); k++) {
			uint32_t n = g_mixes[i] / 50, made = g_rates[k] / 50;
			struct convert c;
			double peak;

			memset(g_in, 0, sizeof(g_in));
			measure_add_sine(g_in, (size_t)n * FRAMES, g_mixes[i], 1000, 8000);
			assert_int_equal(convert_open(&c, g_mixes[i], g_rates[k], n), 0);
			for (uint32_t f = 0; f < FRAMES; f++)
				assert_int_equal(convert_frame(&c, g_in + f * n, g_out + f * made),
						 made);
			peak = measure_peak(g_out + 5 * made, (FRAMES - 5) * made, g_rates[k],
					    1000);
			if (peak < 7700 || peak > 8300)
				fail_msg("%u to %u Hz: %.0f", g_mixes[i], g_rates[k], peak);
			convert_close(&c);
		}
	}
}

static void test_refused(void **state)
{
	struct convert c;

	(void)state;
	assert_int_equal(convert_open(&c, 0, 8000, 160), -EINVAL);
	assert_int_equal(convert_open(&c, 8000, 44100, 160), -EINVAL);
	assert_int_equal(convert_open(&c, 8000, 96000, 160), -EINVAL);
	assert_int_equal(convert_open(&c, 8000, 8000, 163), -EINVAL);
	assert_int_equal(convert_open(&c, 48000, 8000, 1920), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_goes_on),
		cmocka_unit_test(test_tone),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
