/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "dsp/codec/g711.h"
#include "dsp/dtmf.h"
#include "dsp/resample.h"
#include "tests/unit/dsp/spoken.h"

enum { N = 8000 * 60, HEARD_MAX = 1000 };

static const char g_all[] = "0123456789*#ABCD";
static int16_t g_pcm[N];

enum law { LAW_NONE, LAW_MU, LAW_A };

static void through(enum law law, int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (law) {
		case LAW_NONE:
			break;
		case LAW_MU:
			pcm[i] = g711_ulaw_sample(g711_ulaw_of(pcm[i]));
			break;
		case LAW_A:
			pcm[i] = g711_alaw_sample(g711_alaw_of(pcm[i]));
			break;
		}
	}
}

struct keys {
	uint16_t on_ms, off_ms;
	int16_t level;
};

/* All of them, times over, behind 100 ms of silence. Samples. */
static size_t keys_render(const struct keys *k, uint32_t rate, size_t times)
{
	size_t at = rate / 10, each = rate / 1000 * (k->on_ms + k->off_ms);

	memset(g_pcm, 0, sizeof(g_pcm));
	for (size_t i = 0; i < times * 16; i++) {
		struct tone t;

		assert_true(dtmf_tone(g_all[i % 16], k->on_ms, k->off_ms, k->level, &t));
		tone_render(&t, rate, 0, g_pcm + at, (uint32_t)each);
		at += each;
	}
	assert_true(at < COUNT_OF(g_pcm));
	return at;
}

/* Digits that began; each has ended before the next one. */
static const char *heard_in(size_t n, size_t frame)
{
	static char text[HEARD_MAX];
	struct dtmf_detector ear;
	size_t count = 0;
	char open = 0;

	dtmf_detector_open(&ear);
	for (size_t at = 0; at < n; at += frame) {
		uint32_t events = dtmf_detector_feed(&ear, g_pcm + at,
						     (uint32_t)(n - at < frame ? n - at : frame));

		for (uint32_t i = 0; i < events; i++) {
			const struct dtmf_event *e = &ear.events[i];

			assert_int_equal(e->ends ? e->digit : 0, open);
			open = e->ends ? 0 : e->digit;
			if (!e->ends && count < HEARD_MAX - 1)
				text[count++] = e->digit;
		}
	}
	text[count] = 0;
	return text;
}

/* Of the digits sent the share that was heard, in their order. */
static double share_heard(const char *heard, size_t times)
{
	size_t hit = 0, sent = 0;

	for (const char *at = heard; *at && sent < times * 16; at++) {
		size_t skip = 0;

		while (skip < 8 && g_all[(sent + skip) % 16] != *at)
			skip++;
		if (skip < 8) {
			sent += skip + 1;
			hit++;
		}
	}
	return (double)hit / (double)(times * 16);
}

static void test_all_digits(void **state)
{
	static const struct {
		const char *name;
		enum law law;
		struct keys keys;
		double snr;   /* dB; 0: no noise */
		double least; /* heard */
	} rows[] = {
		{ "80 ms, mu-law", LAW_MU, { 80, 80, DTMF_LEVEL }, 0, 1 },
		{ "80 ms, A-law", LAW_A, { 80, 80, DTMF_LEVEL }, 0, 1 },
		{ "loud, mu-law", LAW_MU, { 80, 80, -10 }, 0, 1 },
		{ "loud, A-law", LAW_A, { 80, 80, -10 }, 0, 1 },
		{ "quiet, mu-law", LAW_MU, { 80, 80, -250 }, 0, 1 },
		{ "quiet, A-law", LAW_A, { 80, 80, -250 }, 0, 1 },
		{ "noise 20 dB below, mu-law", LAW_MU, { 80, 80, DTMF_LEVEL }, 20, 1 },
		{ "noise 20 dB below, A-law", LAW_A, { 80, 80, DTMF_LEVEL }, 20, 1 },
		{ "noise 15 dB below", LAW_MU, { 80, 80, DTMF_LEVEL }, 15, 1 },
		{ "120 ms", LAW_MU, { 120, 120, DTMF_LEVEL }, 0, 1 },
		{ "50 ms", LAW_MU, { 50, 50, DTMF_LEVEL }, 0, 1 },
		{ "40 ms, mu-law", LAW_MU, { 40, 40, DTMF_LEVEL }, 0, 1 },
		{ "40 ms, A-law", LAW_A, { 40, 40, DTMF_LEVEL }, 0, 1 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct spoken s = { .seed = 31 };
		size_t n = keys_render(&row->keys, 8000, 10);
		/* of both: 2.1 dB over the high one; full scale is 3.14 dBm0, and its RMS 3 dB below */
		double rms = 32767 * pow(10, (row->keys.level / 10.0 - 3.14 - 3.01 + 2.12) / 20);

		if (row->snr > 0)
			spoken_add_noise(&s, g_pcm, n, rms * pow(10, -row->snr / 20));
		through(row->law, g_pcm, n);

		double share = share_heard(heard_in(n, 160), 10);

		print_message("# %s: %.1f %%\n", row->name, 100 * share);
		if (share < row->least)
			fail_msg("%s: %.1f %%", row->name, 100 * share);
	}
}

/* Q.24: what is shorter than 23 ms is no digit. */
static void test_too_short(void **state)
{
	const struct keys keys = { 20, 80, DTMF_LEVEL };

	(void)state;
	assert_string_equal(heard_in(keys_render(&keys, 8000, 10), 160), "");
}

/* Wherever frames are cut. */
static void test_frames(void **state)
{
	static const size_t frames[] = { 1, 7, 80, 102, 160, 240, 480, 800 };
	const struct keys keys = { 80, 80, DTMF_LEVEL };
	size_t n = keys_render(&keys, 8000, 1);

	(void)state;
	for (size_t f = 0; f < COUNT_OF(frames); f++)
		assert_string_equal(heard_in(n, frames[f]), g_all);
}

/* ITU-T Q.24: off by 1.5 % it is a digit, by 4 % it is none; the louder one may be the low one by 6 dB, the high one by 3. */
static void test_what_is_a_digit(void **state)
{
	static const struct {
		const char *name;
		double off;       /* parts of the frequency */
		double low, high; /* dB */
		const char *heard;
	} rows[] = {
		{ "as it should be", 0, 0, 0, "5" },	 { "1.5 % high", 0.015, 0, 0, "5" },
		{ "1.5 % low", -0.015, 0, 0, "5" },	 { "4 % high", 0.04, 0, 0, "" },
		{ "4 % low", -0.04, 0, 0, "" },		 { "the low one 6 dB over", 0, 6, 0, "5" },
		{ "the low one 12 dB over", 0, 12, 0, "" }, { "the high one 3 dB over", 0, 0, 3, "5" },
		{ "the high one 12 dB over", 0, 0, 12, "" }, { "the low one alone", 0, 0, -90, "" },
		{ "the high one alone", 0, -90, 0, "" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		memset(g_pcm, 0, sizeof(g_pcm));
		measure_add_sine(g_pcm + 800, 1600, 8000, 770 * (1 + row->off),
				 3000 * pow(10, row->low / 20));
		measure_add_sine(g_pcm + 800, 1600, 8000, 1336 * (1 + row->off),
				 3000 * pow(10, row->high / 20));

		const char *heard = heard_in(4000, 160);

		if (strcmp(heard, row->heard))
			fail_msg("%s: heard %s", row->name, heard);
	}
}

/* The same digit twice is two digits. */
static void test_repeated(void **state)
{
	struct tone t;

	(void)state;
	assert_true(dtmf_tone('5', 80, 80, DTMF_LEVEL, &t));
	tone_render(&t, 8000, 0, g_pcm, 1280 * 6);
	assert_string_equal(heard_in((size_t)1280 * 6, 160), "555555");
}

/* Its two sines at their levels, and nothing else; at other rates as well. */
static void test_rendered(void **state)
{
	static const uint32_t rates[] = { 8000, 16000, 48000 };

	(void)state;
	for (size_t r = 0; r < COUNT_OF(rates); r++) {
		struct tone t;

		assert_true(dtmf_tone('#', 500, 500, -70, &t));
		tone_render(&t, rates[r], 0, g_pcm, rates[r]);

		const int16_t *pcm = g_pcm + rates[r] / 100;
		double high = measure_peak(pcm, rates[r] * 2 / 5, rates[r], 1477);
		double low = measure_peak(pcm, rates[r] * 2 / 5, rates[r], 941);

		assert_true(fabs(20 * log10(high / 32767) + 3.14 + 7) < 0.1);
		assert_true(fabs(20 * log10(low / 32767) + 3.14 + 9) < 0.1);
		assert_true(fabs(measure_rms(pcm, rates[r] * 2 / 5) /
					 sqrt((high * high + low * low) / 2) -
				 1) < 0.01);
		assert_true(measure_rms(g_pcm + rates[r] / 2, rates[r] / 2) == 0);
	}
}

static void test_rendered_at_16000(void **state)
{
	const struct keys keys = { 80, 80, DTMF_LEVEL };
	struct half_band h = { 0 };
	size_t n = keys_render(&keys, 16000, 1) / 2;

	(void)state;
	half_band_down(&h, g_pcm, n, g_pcm);
	assert_string_equal(heard_in(n, 160), g_all);
}

static void test_no_digit(void **state)
{
	static const char others[] = "aE+ ,\x01\xff";
	struct tone t;

	(void)state;
	for (size_t i = 0; i < sizeof(others); i++) /* with the NUL */
		assert_false(dtmf_tone(others[i], 80, 80, DTMF_LEVEL, &t));
}

/* Nobody dials by speaking: five minutes of what is like speech, at two levels, and noise. */
static void test_talk_off(void **state)
{
	static bool speaks[60000];

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		struct spoken s = { .seed = 1000 + i };

		spoken_make(&s, g_pcm, speaks, N, 8000, i & 1 ? 20000 : 8000);
		through(LAW_MU, g_pcm, N);
		assert_string_equal(heard_in(N, 160), "");
	}
	struct spoken s = { .seed = 7 };

	memset(g_pcm, 0, sizeof(g_pcm));
	spoken_add_noise(&s, g_pcm, N, 3000);
	assert_string_equal(heard_in(N, 160), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_digits),        cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_what_is_a_digit),   cmocka_unit_test(test_frames),
		cmocka_unit_test(test_repeated),          cmocka_unit_test(test_rendered),
		cmocka_unit_test(test_rendered_at_16000), cmocka_unit_test(test_no_digit),
		cmocka_unit_test(test_talk_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
