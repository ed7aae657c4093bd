/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "dsp/limiter.h"
#include "dsp/wide.h"
#include "tests/unit/dsp/measure.h"
#include "tests/unit/dsp/spoken.h"

enum { N_MAX = 8000, FRAME = 160 };

static int32_t g_sum[N_MAX];
static int16_t g_pcm[N_MAX];

static int16_t plain(int32_t v, float gain)
{
	float x = (float)v * gain;

	return (int16_t)(x >= 32767 ? 32767 : x <= -32768 ? -32768 : lrintf(x));
}

static void noise(struct spoken *s, double rms)
{
	for (size_t i = 0; i < N_MAX; i++)
		g_sum[i] = (int32_t)fmax(-2147483648.0, fmin(2147483647.0, rms * spoken_normal(s)));
}

/* Whatever the vectors do, the plain code would have done. */
static void test_vectors(void **state)
{
	static const double rms[] = { 100, 20000, 1e6, 1e9 };
	struct spoken s = { .seed = 99 };

	(void)state;
	for (size_t r = 0; r < COUNT_OF(rms); r++) {
		noise(&s, rms[r]);
		g_sum[7] = INT32_MIN;
		g_sum[8] = INT32_MAX;
		for (size_t n = 0; n < 100; n++) {
			const struct ramp ramp = { .from = 0.37f, .step = 0.0019f };
			int32_t least = 0, most = 0, lowest = 0, highest = 0;
			size_t done = limiter_scale_wide(g_sum, g_pcm, n, ramp);

			for (size_t i = 0; i < done; i++)
				assert_int_equal(g_pcm[i],
						 plain(g_sum[i], ramp.from + (float)i * ramp.step));
			done = limiter_pack_wide(g_sum, g_pcm, n);
			for (size_t i = 0; i < done; i++)
				assert_int_equal(g_pcm[i], plain(g_sum[i], 1));
			done = limiter_range_wide(g_sum, n, &least, &most);
			for (size_t i = 0; i < done; i++) {
				lowest = g_sum[i] < lowest ? g_sum[i] : lowest;
				highest = g_sum[i] > highest ? g_sum[i] : highest;
			}
			assert_int_equal(least, lowest);
			assert_int_equal(most, highest);
		}
	}
}

static void limit(struct limiter *l, size_t n, size_t frame)
{
	for (size_t at = 0; at < n; at += frame)
		limiter_frame(l, 8000, g_sum + at, g_pcm + at, n - at < frame ? n - at : frame);
}

static void test_what_fits_stays(void **state)
{
	struct limiter l = { 0 };

	(void)state;
	for (size_t i = 0; i < N_MAX; i++)
		g_sum[i] = (int32_t)(i * 7919 % 65535) - 32767;
	limit(&l, N_MAX, FRAME);
	for (size_t i = 0; i < N_MAX; i++)
		assert_int_equal(g_pcm[i], g_sum[i]);
}

/* Signs stay, and what is loudest is full scale. */
static void test_never_wraps(void **state)
{
	static const double rms[] = { 5000, 50000, 1e6, 1e8, 2e9 };
	static const size_t frames[] = { 1, 33, 80, 160, 480, 960 };
	struct spoken s = { .seed = 5 };

	(void)state;
	for (size_t r = 0; r < COUNT_OF(rms); r++) {
		for (size_t f = 0; f < COUNT_OF(frames); f++) {
			struct limiter l = { 0 };

			noise(&s, rms[r]);
			g_sum[100] = INT32_MIN;
			g_sum[101] = INT32_MAX;
			limit(&l, N_MAX, frames[f]);
			for (size_t i = 0; i < N_MAX; i++) {
				if ((g_pcm[i] < 0 && g_sum[i] > 0) ||
				    (g_pcm[i] > 0 && g_sum[i] < 0))
					fail_msg("%d became %d", g_sum[i], g_pcm[i]);
			}
		}
	}
}

/* A sine of three times full scale: cut off in the first 4 ms alone, a sine behind that; half a second behind it all is as it was. */
static void test_loud_and_back(void **state)
{
	struct limiter l = { 0 };
	int cut = 0;

	(void)state;
	for (size_t i = 0; i < N_MAX; i++)
		g_sum[i] = (int32_t)lrint((i < 2400 ? 98000 : 9800) *
					  sin(2 * M_PI * 400 * (double)i / 8000));
	limit(&l, N_MAX, FRAME);
	for (size_t i = 0; i < 2400; i++) {
		cut += i >= LIMITER_ATTACK && abs(g_pcm[i]) >= 32767 && abs(g_sum[i]) < 97000;
		if (i >= LIMITER_ATTACK)
			assert_in_range(abs(g_pcm[i]), 0, 32767);
	}
	assert_int_equal(cut, 0);
	assert_true(fabs(measure_peak(g_pcm + 160, 2000, 8000, 400) - 32767) < 400);
	assert_true(measure_peak(g_pcm + 160, 2000, 8000, 1200) < 100);
	/* from a third of it up to all of it in 333 ms */
	assert_true(measure_peak(g_pcm + 2400, 160, 8000, 400) < 4200);
	assert_true(fabs(measure_peak(g_pcm + 6400, 1600, 8000, 400) - 9800) < 20);
	for (size_t i = 6400; i < N_MAX; i++)
		assert_int_equal(g_pcm[i], g_sum[i]);
	/* and no click on the way */
	for (size_t i = 2401; i < N_MAX; i++)
		assert_true(abs(g_pcm[i] - g_pcm[i - 1]) < 3200);
}

/* Too loud on one side alone: no less. */
static void test_one_side(void **state)
{
	struct limiter l = { 0 };

	(void)state;
	for (size_t i = 0; i < N_MAX; i++)
		g_sum[i] = i % 80 < 40 ? -98000 + (int32_t)(i % 40) * 1000 : 1000;
	limit(&l, N_MAX, FRAME);
	for (size_t i = 80; i < N_MAX; i++)
		assert_true(fabs(g_pcm[i] - g_sum[i] * 32767.0 / 98000) < 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),     cmocka_unit_test(test_what_fits_stays),
		cmocka_unit_test(test_never_wraps), cmocka_unit_test(test_loud_and_back),
		cmocka_unit_test(test_one_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
