/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <math.h>

#include "dsp/plc.h"

static const uint32_t g_rates[] = { 8000, 16000 };
static int16_t g_history[PLC_HISTORY_MAX];

/* A pulse each period, ringing. The last sample is anywhere within one. */
static void pulses(uint32_t rate, double period, double at, double peak)
{
	for (uint32_t i = 0; i < rate / 1000 * PLC_HISTORY_MS; i++) {
		double t = fmod(i + at, period) / rate;

		g_history[i] = (int16_t)(peak * exp(-300 * t) * cos(2 * M_PI * 700 * t));
	}
}

/* The period or a multiple of it that is 5 to 15 ms, to within a sample. A voice below 83 Hz may have no pulse in the window. */
static void test_periods(void **state)
{
	static const double ms[] = { 2.6, 3.3, 4.1, 5, 6.25, 7.7, 8.9, 9.5, 10.6, 11.7 };
	static const double peaks[] = { 30, 3000, 32767 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ms) * COUNT_OF(peaks) * COUNT_OF(g_rates) * 4; i++) {
		uint32_t rate = g_rates[i % 2];
		double period = ms[i / 24] * rate / 1000;

		pulses(rate, period, period * (double)(i / 2 % 4) / 4, peaks[i / 8 % 3]);

		struct plc_pitch pitch = plc_pitch_of(g_history, rate);
		double times = round(pitch.period / period);

		if (fabs(pitch.period - times * period) > 1 || pitch.correlation < 0.85f)
			fail_msg("%u, %.2f samples: %u, %.2f", rate, period, pitch.period,
				 (double)pitch.correlation);
		assert_in_range(pitch.period, rate / 1000 * 5 - 4, rate / 1000 * 15);
	}
}

static void test_no_period(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++) {
		float sum = 0;

		for (int turn = 0; turn < 50; turn++) {
			for (uint32_t i = 0; i < PLC_HISTORY_MAX; i++) {
				seed = seed * 1103515245 + 12345;
				g_history[i] = (int16_t)(seed >> 16);
			}
			sum += plc_pitch_of(g_history, g_rates[r]).correlation;
		}
		assert_true(sum / 50 < 0.3f);
		memset(g_history, 0, sizeof(g_history));
		assert_true(plc_pitch_of(g_history, g_rates[r]).correlation == 0);
		assert_in_range(plc_pitch_of(g_history, g_rates[r]).period, 1,
				g_rates[r] / 1000 * 15);
	}
}

/* Full scale of either sign: 32 bits hold it. */
static void test_loudest(void **state)
{
	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++) {
		for (uint32_t i = 0; i < PLC_HISTORY_MAX; i++)
			g_history[i] = INT16_MIN;
		assert_true(plc_pitch_of(g_history, g_rates[r]).correlation > 0.99f);
		for (uint32_t i = 0; i < PLC_HISTORY_MAX; i++)
			g_history[i] = i / (g_rates[r] / 250) % 2 ? INT16_MAX : INT16_MIN;
		assert_int_equal(plc_pitch_of(g_history, g_rates[r]).period % (g_rates[r] / 125),
				 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_periods),
		cmocka_unit_test(test_no_period),
		cmocka_unit_test(test_loudest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
