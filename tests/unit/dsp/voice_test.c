/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <math.h>

#include "dsp/voice.h"
#include "tests/unit/dsp/spoken.h"

enum { SECONDS = 20, RATE_MAX = 48000, FRAME_MS = 20 };

static int16_t g_pcm[RATE_MAX * SECONDS], g_spoken[RATE_MAX * SECONDS];
static bool g_speaks[1000 * SECONDS];

static uint64_t energy_plain(const int16_t *pcm, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)((int64_t)pcm[i] * pcm[i]);
	return sum;
}

static int64_t product_plain(const int16_t *a, const int16_t *b, size_t n)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (a[i] == INT16_MIN ? -INT16_MAX : a[i]) *
		       (b[i] == INT16_MIN ? -INT16_MAX : b[i]);
	return sum;
}

static void test_energy(void **state)
{
	struct spoken s = { .seed = 1 };

	(void)state;
	spoken_add_noise(&s, g_pcm, 2000, 20000);
	for (size_t n = 0; n < 200; n++) {
		for (size_t from = 0; from < 20; from++) {
			assert_int_equal(voice_energy(g_pcm + from, n),
					 energy_plain(g_pcm + from, n));
			assert_int_equal(voice_product(g_pcm + from, g_pcm, n),
					 product_plain(g_pcm + from, g_pcm, n));
		}
	}
	for (size_t i = 0; i < 960; i++)
		g_pcm[i] = INT16_MIN;
	assert_int_equal(voice_energy(g_pcm, 960), UINT64_C(960) << 30);
	assert_int_equal(voice_product(g_pcm, g_pcm, 960), product_plain(g_pcm, g_pcm, 960));
}

/* RFC 6464 3: 0 is a square wave of full scale, a sine is 3 dB below it, and digital silence is 127. */
static void test_levels(void **state)
{
	static const struct {
		const char *name;
		double peak;
		uint8_t level;
	} rows[] = {
		{ "full scale", 32767, 3 }, { "half", 16384, 9 },   { "a tenth", 3276.7, 23 },
		{ "3.14 dBm0 less 20", 3276.7, 23 }, { "quiet", 32.767, 63 }, { "silence", 0, 127 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		memset(g_pcm, 0, 16000);
		measure_add_sine(g_pcm, 8000, 8000, 1000, row->peak);
		assert_int_equal(voice_level(voice_energy(g_pcm, 8000), 8000), row->level);
	}
	for (size_t i = 0; i < 8000; i++)
		g_pcm[i] = i & 1 ? INT16_MAX : INT16_MIN;
	assert_int_equal(voice_level(voice_energy(g_pcm, 8000), 8000), 0);
	memset(g_pcm, 0, 16000);
	g_pcm[0] = 1;
	assert_int_equal(voice_level(voice_energy(g_pcm, 160), 160), 112);
	assert_int_equal(voice_level(0, 0), 127);
}

/* Of each energy that there is, as libm has it. */
static void test_levels_by_libm(void **state)
{
	(void)state;
	for (double energy = 1; energy < 160.0 * 32768 * 32768; energy *= 1.003) {
		double level = -10 * log10(floor(energy) / 160 / (32767.0 * 32767) + 1e-13);
		int got = voice_level((uint64_t)energy, 160);

		assert_true(fabs(got - fmax(level, 0)) < 0.5 + 1e-4);
	}
}

struct found {
	double missed; /* of frames that are speech all through */
	double alarms; /* of frames that are silence, for 300 ms before */
};

/* The first and the last tenth of a syllable is neither. */
enum { BEFORE_MS = 30, AFTER_MS = 300, SETTLED_MS = 1000 };

static bool ms_all(size_t from, size_t to, bool what)
{
	for (size_t i = from; i < to && i < COUNT_OF(g_speaks); i++) {
		if (g_speaks[i] != what)
			return false;
	}
	return true;
}

static struct found found_in(uint32_t rate)
{
	size_t frame = rate / 1000 * FRAME_MS, speech = 0, missed = 0, silence = 0, alarms = 0;
	struct voice v = { 0 };

	for (size_t ms = 0; ms + FRAME_MS <= SECONDS * 1000; ms += FRAME_MS) {
		bool speaks = voice_frame(&v, rate, g_pcm + ms * (rate / 1000), frame).speaks;

		if (ms < SETTLED_MS)
			continue;
		if (ms_all(ms, ms + FRAME_MS, true)) {
			speech++;
			missed += !speaks;
		} else if (ms_all(ms - AFTER_MS, ms + FRAME_MS + BEFORE_MS, false)) {
			silence++;
			alarms += speaks;
		}
	}
	return (struct found){ speech ? (double)missed / (double)speech : 0,
			       silence ? (double)alarms / (double)silence : 0 };
}

/* Of what is speech in g_spoken. */
static double spoken_rms(uint32_t rate)
{
	double sum = 0;
	size_t n = 0, ms = rate / 1000;

	for (size_t i = 0; i < SECONDS * rate; i++) {
		if (g_speaks[i / ms]) {
			sum += (double)g_spoken[i] * g_spoken[i];
			n++;
		}
	}
	return sqrt(sum / (double)n);
}

struct scene {
	const char *name;
	double loud;           /* of speech, peak */
	double snr, hum;       /* dB: speech over white noise; 50 Hz and its third over speech */
	double missed, alarms; /* at most */
};

/* The speech of rms in it. */
static struct found scene_run(const struct scene *row, uint32_t rate, double rms)
{
	struct spoken s = { .seed = 777 };
	size_t n = (size_t)rate * SECONDS;
	double by = row->loud / 8000, hum = rms * by * sqrt(2) * pow(10, row->hum / 20);

	for (size_t i = 0; i < n; i++)
		g_pcm[i] = (int16_t)lrint(g_spoken[i] * by);
	spoken_add_noise(&s, g_pcm, n, rms * by * pow(10, -row->snr / 20));
	measure_add_sine(g_pcm, n, rate, 50, hum * 0.95);
	measure_add_sine(g_pcm, n, rate, 150, hum * 0.3);
	return found_in(rate);
}

static void test_speech_in_noise(void **state)
{
	static const struct scene rows[] = {
		{ "clean", 8000, 90, -90, 0, 0.001 },
		{ "quiet", 800, 60, -90, 0.01, 0.001 },
		{ "30 dB", 8000, 30, -90, 0.001, 0.001 },
		{ "20 dB", 8000, 20, -90, 0.003, 0.001 },
		{ "15 dB", 8000, 15, -90, 0.02, 0.001 },
		{ "10 dB", 8000, 10, -90, 0.05, 0.001 },
		{ "5 dB", 8000, 5, -90, 0.2, 0.001 },
		{ "hum as loud, 30 dB", 8000, 30, 0, 0.001, 0.001 },
		{ "hum 6 dB louder, 20 dB", 8000, 20, 6, 0.02, 0.001 },
	}, *row;
	static const uint32_t rates[] = { 8000, 16000, 48000 };

	(void)state;
	for (size_t r = 0; r < COUNT_OF(rates); r++) {
		struct spoken s = { .seed = 12345 };

		spoken_make(&s, g_spoken, g_speaks, (size_t)rates[r] * SECONDS, rates[r], 8000);

		double rms = spoken_rms(rates[r]);

		EACH_ROW(row, rows)
		{
			struct found f = scene_run(row, rates[r], rms);

			print_message("# %s at %u Hz: missed %.2f %%, false alarms %.2f %%\n",
				      row->name, rates[r], 100 * f.missed, 100 * f.alarms);
			if (f.missed > row->missed || f.alarms > row->alarms)
				fail_msg("%s: more than %.2f, %.2f %%", row->name,
					 100 * row->missed, 100 * row->alarms);
		}
	}
}

/* The share of frames of seconds from to that are said to be speech. */
static double voice_share(uint32_t from, uint32_t to)
{
	struct voice v = { 0 };
	uint32_t count = 0, all = 0;

	for (uint32_t frame = 0; frame < to * 50; frame++) {
		bool speaks = voice_frame(&v, 8000, g_pcm + frame * 160, 160).speaks;

		all += frame >= from * 50;
		count += frame >= from * 50 && speaks;
	}
	return (double)count / all;
}

/* Nobody speaks, however loud it is. */
static void test_no_speech(void **state)
{
	static const struct {
		const char *name;
		double noise, hum, hz;
		double most; /* share of frames */
	} rows[] = {
		{ "digital silence", 0, 0, 50, 0 },   { "noise", 300, 0, 50, 0 },
		{ "loud noise", 5000, 0, 50, 0 },     { "hum", 0, 10000, 50, 0 },
		{ "hum of 60 Hz", 0, 10000, 60, 0 },  { "hum in noise", 100, 10000, 50, 0 },
		{ "a tone", 10, 10000, 425, 0 },      { "one bit", 0.3, 0, 50, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct spoken s = { .seed = 4711 };

		memset(g_pcm, 0, sizeof(int16_t) * 8000 * 20);
		spoken_add_noise(&s, g_pcm, 8000 * 20, row->noise);
		measure_add_sine(g_pcm, 8000 * 20, 8000, row->hz, row->hum);

		double share = voice_share(0, 20);

		if (share > row->most)
			fail_msg("%s: %.2f %% of frames", row->name, 100 * share);
	}
}

/* The share of frames of 20 s that are said to be a tone. */
static double tone_share(uint32_t rate, uint32_t frame_ms)
{
	size_t frame = rate / 1000 * frame_ms, all = 20 * 1000 / frame_ms, count = 0;
	struct voice v = { 0 };

	for (size_t i = 0; i < all; i++)
		count += voice_frame(&v, rate, g_pcm + i * frame, frame).tone;
	return (double)count / (double)all;
}

static void tones_make(uint32_t rate, const double hz[2], double peak, double noise)
{
	size_t n = (size_t)rate * 20;
	struct spoken s = { .seed = 4711 };

	memset(g_pcm, 0, sizeof(int16_t) * n);
	spoken_add_noise(&s, g_pcm, n, noise);
	for (int i = 0; i < 2; i++)
		if (hz[i] > 0)
			measure_add_sine(g_pcm, n, rate, hz[i], peak);
}

/* At -20 dB of full scale, and as far below that as a line may have it. */
static void test_tones(void **state)
{
	static const struct {
		const char *name;
		double hz[2], peak, noise;
	} rows[] = {
		{ "dial tone", { 425 }, 3277, 10 },
		{ "dial tone of North America", { 350, 440 }, 1638, 10 },
		{ "ringback", { 440, 480 }, 1638, 10 },
		{ "a test", { 1004 }, 3277, 10 },
		{ "quiet", { 1000 }, 820, 3 },
		{ "calling fax", { 1100 }, 3277, 100 },
		{ "answering fax", { 2100 }, 3277, 100 },
		{ "noise 15 dB below it", { 1000 }, 3277, 412 },
		{ "high", { 3400 }, 3277, 10 },
	}, *row;
	static const uint32_t rates[] = { 8000, 16000, 48000 }, frames[] = { 10, 20, 60 };

	(void)state;
	EACH_ROW(row, rows)
	for (size_t r = 0; r < COUNT_OF(rates) * COUNT_OF(frames); r++) {
		uint32_t ms = frames[r % COUNT_OF(frames)];

		tones_make(rates[r / COUNT_OF(frames)], row->hz, row->peak, row->noise);
		if (tone_share(rates[r / COUNT_OF(frames)], ms) < 1 - (100 + 2 * ms) / 20000.0)
			fail_msg("%s: in frames of %u ms", row->name, ms);
	}
}

/* White noise through a resonance, which is as wide as this. */
static void noise_in_band(double hz, double width, double rms)
{
	double r = exp(-M_PI * width / 8000), a = 0, b = 0, sum = 0;
	static double out[8000 * 20];
	struct spoken s = { .seed = 4711 };

	for (size_t i = 0; i < COUNT_OF(out); i++) {
		out[i] = spoken_normal(&s) + 2 * r * cos(2 * M_PI * hz / 8000) * a - r * r * b;
		b = a;
		a = out[i];
		sum += a * a;
	}
	for (size_t i = 0; i < COUNT_OF(out); i++)
		g_pcm[i] = (int16_t)fmax(-32767,
					 fmin(32767, out[i] * rms / sqrt(sum / COUNT_OF(out))));
}

/* However loud it is, and though some of it is in a narrow band. */
static void test_noise_is_no_tone(void **state)
{
	static const struct {
		const char *name;
		double noise, hum, hz, width; /* of a band; 0: noise is white */
		double most;
	} rows[] = {
		{ "digital silence", 0, 0, 0, 0, 0 },
		{ "white", 5000, 0, 0, 0, 0 },
		{ "of a car", 5000, 0, 80, 100, 0 },
		{ "below 300 Hz", 3000, 0, 100, 300, 0 },
		{ "a fan", 3000, 0, 400, 200, 0 },
		{ "a narrow one", 3000, 0, 1000, 50, 0.001 },
		{ "hum", 30, 10000, 0, 0, 0 },
		{ "hum in noise", 1000, 10000, 0, 0, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct spoken s = { .seed = 4711 };

		memset(g_pcm, 0, sizeof(int16_t) * 8000 * 20);
		if (row->width > 0)
			noise_in_band(row->hz, row->width, row->noise);
		else
			spoken_add_noise(&s, g_pcm, (size_t)8000 * 20, row->noise);
		measure_add_sine(g_pcm, (size_t)8000 * 20, 8000, 50, row->hum);
		measure_add_sine(g_pcm, (size_t)8000 * 20, 8000, 150, row->hum / 3);
		if (tone_share(8000, 20) > row->most)
			fail_msg("%s: %.2f %%", row->name, 100 * tone_share(8000, 20));
	}
}

/* A word each second, 50 dB over the noise; a breath that is 6 dB over it, between two words, is no speech. */
static void test_breath(void **state)
{
	struct spoken s = { .seed = 4711 };
	struct voice v = { 0 };

	(void)state;
	memset(g_pcm, 0, sizeof(int16_t) * 8000 * 20);
	spoken_add_noise(&s, g_pcm, 8000 * 20, 10);
	for (size_t second = 2; second < 20; second++) {
		spoken_add_noise(&s, g_pcm + second * 8000, 2400, 3000);
		spoken_add_noise(&s, g_pcm + second * 8000 + 4800, 800, 17);
	}
	for (size_t frame = 0; frame < 1000; frame++) {
		bool speaks = voice_frame(&v, 8000, g_pcm + frame * 160, 160).speaks;

		if (frame >= 100 && frame % 50 >= 27)
			assert_false(speaks);
		if (frame >= 100 && frame % 50 >= 1 && frame % 50 < 15)
			assert_true(speaks);
	}
}

/* Noise that is 20 dB louder at once is taken for speech, until what was before it is two seconds ago. */
static void test_noise_that_gets_louder(void **state)
{
	struct spoken s = { .seed = 4711 };

	(void)state;
	memset(g_pcm, 0, sizeof(int16_t) * 8000 * 20);
	spoken_add_noise(&s, g_pcm, 8000 * 5, 100);
	spoken_add_noise(&s, g_pcm + 8000 * 5, 8000 * 15, 1000);
	assert_true(voice_share(0, 5) == 0);
	assert_true(voice_share(0, 7) > 0.2);
	assert_true(voice_share(8, 20) == 0);
	/* a click is no speech */
	memset(g_pcm, 0, sizeof(int16_t) * 8000 * 5);
	g_pcm[8000] = 20000;
	assert_true(voice_share(0, 5) < 0.09);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_energy),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_levels_by_libm),
		cmocka_unit_test(test_speech_in_noise),
		cmocka_unit_test(test_no_speech),
		cmocka_unit_test(test_tones),
		cmocka_unit_test(test_noise_is_no_tone),
		cmocka_unit_test(test_breath),
		cmocka_unit_test(test_noise_that_gets_louder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
