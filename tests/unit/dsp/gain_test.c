/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "dsp/limiter.h"
#include "dsp/wide.h"
#include "tests/unit/dsp/spoken.h"

enum { SECONDS = 30, RATE = 8000, N = SECONDS * RATE, FRAME = 160 };

static int16_t g_pcm[N];
static int32_t g_out[N];
static bool g_speaks[1000 * SECONDS];

static double dbov_of_speech(const int32_t *out, size_t from, size_t to)
{
	double sum = 0;
	size_t count = 0;

	for (size_t i = from; i < to; i++) {
		if (g_speaks[i / 8]) {
			sum += (double)out[i] * out[i];
			count++;
		}
	}
	return 10 * log10(sum / (double)count / 32767 / 32767);
}

static double dbov_before(size_t from, size_t to)
{
	static int32_t wide[N];

	for (size_t i = from; i < to; i++)
		wide[i] = g_pcm[i];
	return dbov_of_speech(wide, from, to);
}

static void gain_run(struct gain *g, struct voice *v, size_t n)
{
	for (size_t at = 0; at < n; at += FRAME) {
		struct voice_heard heard = voice_frame(v, RATE, g_pcm + at, FRAME);

		gain_frame(g, RATE, g_pcm + at, FRAME, heard, g_out + at);
	}
}

static void test_speech_of_all_levels(void **state)
{
	static const struct {
		const char *name;
		double dbov, want;
	} rows[] = {
		{ "as it should be", -26, -26 }, { "quiet", -36, -26 },	   { "loud", -16, -26 },
		{ "very quiet", -46, -31 },	 { "very loud", -12, -26 }, { "a little quiet", -29, -26 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct spoken s = { .seed = 12345 };
		struct gain g = { 0 };
		struct voice v = { 0 };

		spoken_make(&s, g_pcm, g_speaks, N, RATE, 8000);

		double by = pow(10, (row->dbov - dbov_before(0, N)) / 20);

		for (size_t i = 0; i < N; i++)
			g_pcm[i] = (int16_t)lrint(fmax(-32768, fmin(32767, g_pcm[i] * by)));
		gain_run(&g, &v, N);

		double became = dbov_of_speech(g_out, (size_t)10 * RATE, N);

		print_message("# %s: %.1f dBov, became %.1f\n", row->name, row->dbov, became);
		if (fabs(became - row->want) > 2.5)
			fail_msg("%s: %.1f, not %.1f", row->name, became, row->want);
	}
}

/* Neither in silence, nor in noise, nor in the pauses of speech. */
static void test_noise_does_not_swell(void **state)
{
	struct spoken s = { .seed = 12345 };
	struct gain g = { 0 };
	struct voice v = { 0 };
	float before = 0;

	(void)state;
	memset(g_pcm, 0, sizeof(g_pcm));
	spoken_add_noise(&s, g_pcm, N, 50);
	gain_run(&g, &v, N);
	assert_true(g.db == 0);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(g_out[i], g_pcm[i]);
	spoken_make(&s, g_pcm, g_speaks, N, RATE, 1500);
	spoken_add_noise(&s, g_pcm, N, 10);
	for (size_t at = 0; at < N; at += FRAME) {
		struct voice_heard heard = voice_frame(&v, RATE, g_pcm + at, FRAME);

		gain_frame(&g, RATE, g_pcm + at, FRAME, heard, g_out + at);
		assert_true(heard.speaks || g.db == before);
		before = g.db;
	}
	assert_true(g.db > 6);
}

/* 6 dB a second up, 20 down, and never a step. */
static void test_how_fast(void **state)
{
	const struct voice_heard speaks = { .speaks = true };
	struct gain g = { 0 };
	float before = 0;

	(void)state;
	for (size_t i = 0; i < N; i++)
		g_pcm[i] = (int16_t)(i < N / 2 ? (i & 1 ? 300 : -300) : (i & 1 ? 15000 : -15000));
	for (size_t at = 0; at < N; at += FRAME) {
		gain_frame(&g, RATE, g_pcm + at, FRAME, speaks, g_out + at);
		assert_true(g.db - before < 0.1201f && g.db - before > -0.401f);
		before = g.db;
		if (at == N / 2 - FRAME)
			assert_true(fabsf(g.db - 14.77f) < 0.1f);
	}
	assert_true(fabsf(g.db + 15) < 0.5f); /* -6.8 dBov would need -19 */
	for (size_t i = 1; i < N / 2; i++)
		assert_true(abs(abs(g_out[i]) - abs(g_out[i - 1])) <= 2);
}

/* What is 30 dB quieter, and still taken for speech, is a pause: loudness is that of words. */
static void test_pauses_between_words(void **state)
{
	const struct voice_heard speaks = { .speaks = true };
	struct gain g = { 0 };

	(void)state;
	for (size_t at = 0; at < (size_t)10 * RATE; at += FRAME) {
		int16_t loud = at / FRAME % 10 < 3 ? 1000 : 30; /* -30.3 dBov */

		for (size_t i = 0; i < FRAME; i++)
			g_pcm[at + i] = i & 1 ? loud : (int16_t)-loud;
		gain_frame(&g, RATE, g_pcm + at, FRAME, speaks, g_out + at);
	}
	assert_true(fabsf(g.db - 4.3f) < 0.1f);
}

static void test_vectors(void **state)
{
	const struct ramp r = { .from = 1.37f, .step = 0.0019f };
	struct spoken s = { .seed = 3 };

	(void)state;
	memset(g_pcm, 0, sizeof(g_pcm));
	spoken_add_noise(&s, g_pcm, 1000, 20000);
	for (size_t n = 0; n < 100; n++) {
		size_t done = gain_scale_wide(g_pcm + n, g_out, n, r);

		for (size_t i = 0; i < done; i++)
			assert_int_equal(g_out[i], lrintf((float)g_pcm[n + i] *
							  (r.from + (float)i * r.step)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_speech_of_all_levels),
		cmocka_unit_test(test_noise_does_not_swell),
		cmocka_unit_test(test_how_fast),
		cmocka_unit_test(test_pauses_between_words),
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
