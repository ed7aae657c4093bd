/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "dsp/plc.h"
#include "tests/unit/dsp/measure.h"

enum {
	LONGEST = 2 * PLC_RATE_MAX,
	FRAME_MS = 20,
	FRAME_MAX = PLC_RATE_MAX / 1000 * FRAME_MS,
	CUT_MAX = 960,
	HOLES = 3000,
};

static const uint32_t g_rates[] = { 8000, 16000 };
static int16_t g_sent[LONGEST], g_heard[LONGEST], g_other[LONGEST];

/* A whole signal by frames; those that are lost from the one to before the other. */
static void pass(struct plc *s, const int16_t *sent, int16_t *heard, uint32_t n, uint32_t from,
		 uint32_t to)
{
	uint32_t frame = s->rate / 1000 * FRAME_MS;

	memcpy(heard, sent, n * sizeof(*heard));
	for (uint32_t f = 0; (f + 1) * frame <= n; f++) {
		if (f >= from && f < to)
			plc_lost(s, heard + f * frame, frame);
		else
			plc_on_samples(s, heard + f * frame, frame);
	}
}

/* A tone, or a voice: harmonics of a falling level with two formants, as of pulses of the throat. */
static void speak(int16_t *pcm, uint32_t n, uint32_t rate, double hz, bool is_voice)
{
	memset(pcm, 0, n * sizeof(*pcm));
	if (!is_voice) {
		measure_add_sine(pcm, n, rate, hz, 8000);
		return;
	}
	for (int k = 1; k * hz < 3400; k++) {
		double f = k * hz, formant = exp(-pow((f - 600) / 300, 2)) +
					     0.4 * exp(-pow((f - 1800) / 300, 2));

		measure_add_sine(pcm, n, rate, f, 400 + 2500 * formant);
	}
}

static uint32_t random_of(uint32_t *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

static void add_noise(int16_t *pcm, uint32_t n, int peak, uint32_t seed)
{
	for (uint32_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(pcm[i] + (int)(random_of(&seed) % (2 * (uint32_t)peak + 1)) -
				   peak);
}

/* The largest second difference: a click stands out in it. */
static double sharpest(const int16_t *x, uint32_t n)
{
	double most = 0;

	for (uint32_t i = 2; i < n; i++)
		most = fmax(most, abs(x[i] - 2 * x[i - 1] + x[i - 2]));
	return most;
}

static double db(double ratio)
{
	return 20 * log10(ratio);
}

/* No click anywhere, and the first frame is nearly what was sent. */
static void test_a_voice_goes_on(void **state)
{
	static const struct {
		const char *name;
		double hz;
		bool is_voice;
		uint32_t frames;
		double sharper, snr; /* than what was sent; dB of the first frame */
	} rows[] = {
		{ "tone, one frame", 400, false, 1, 1.5, 15 },
		{ "tone between two samples", 443.7, false, 1, 1.5, 15 },
		{ "tone, four frames, and hiss", 443.7, false, 4, 2, 15 },
		{ "low voice", 81, true, 1, 1.3, 8 },
		{ "low voice, four frames", 81, true, 4, 1.5, 8 },
		{ "voice", 123.4, true, 1, 1.3, 8 },
		{ "voice, four frames", 123.4, true, 4, 1.5, 8 },
		{ "high voice", 247, true, 2, 1.3, 8 },
		{ "child", 391, true, 3, 1.5, 8 },
	}, *row;

	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++)
		EACH_ROW(row, rows)
		{
			uint32_t rate = g_rates[r], frame = rate / 1000 * FRAME_MS;
			struct plc s;

			plc_open(&s, rate);
			speak(g_sent, rate, rate, row->hz, row->is_voice);
			pass(&s, g_sent, g_heard, rate, 20, 20 + row->frames);

			double sharper = sharpest(g_heard, rate) / sharpest(g_sent, rate);
			double snr =
				measure_snr_at(g_sent + 20 * frame, g_heard + 20 * frame, frame, 0);

			print_message("# %u %s: sharper by %.2f, SNR %.1f dB\n", rate, row->name,
				      sharper, snr);
			if (sharper > row->sharper || snr < row->snr)
				fail_msg("%u %s: sharper by %.2f, SNR %.1f dB", rate, row->name,
					 sharper, snr);
		}
}

/* A tone that rises, at full scale: no period fits, and what is joined neither clicks nor wraps around. */
static void test_what_does_not_fit(void **state)
{
	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++)
		for (uint32_t lost = 5; lost < 45; lost++) {
			uint32_t rate = g_rates[r];
			struct plc s;

			plc_open(&s, rate);
			for (uint32_t i = 0; i < rate; i++) {
				double t = (double)i / rate;

				g_sent[i] = (int16_t)lrint(INT16_MAX *
							   sin(2 * M_PI * (200 * t + 200 * t * t)));
			}
			pass(&s, g_sent, g_heard, rate, lost, lost + 2);

			double sharper = sharpest(g_heard, rate) / sharpest(g_sent, rate);

			if (sharper > 2.8)
				fail_msg("%u, frame %u: sharper by %.2f", rate, lost, sharper);
		}
}

/*
 * What was made is what the next loss goes on from, where one frame alone came in between: a voice whose period is a
 * whole number of samples, and not a part of a frame, is what was sent.
 */
static void test_loss_after_loss(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_rates) * 30; i++) {
		uint32_t rate = g_rates[i % 2], frame = rate / 1000 * FRAME_MS,
			 f = 10 + (uint32_t)i / 2;
		struct plc s;

		plc_open(&s, rate);
		speak(g_sent, rate, rate, 1000.0 / 11, true);
		pass(&s, g_sent, g_heard, f * frame, f - 1, f);
		pass(&s, g_sent + f * frame, g_heard + f * frame, 2 * frame, 1, 2);
		for (uint32_t at = (f + 1) * frame; at < (f + 2) * frame; at++)
			assert_in_range(g_heard[at] - g_sent[at] + 10, 0, 20);
	}
}

/* A loss is never louder than what was heard before, and falls as dsp/plc.h has it. */
static void test_level(void **state)
{
	(void)state;
	for (size_t r = 0; r < 2 * COUNT_OF(g_rates); r++) {
		uint32_t rate = g_rates[r / 2], frame = rate / 1000 * FRAME_MS;
		struct plc s;

		plc_open(&s, rate);
		speak(g_sent, 2 * rate, rate, 125, true);
		if (r % 2) {
			memset(g_sent, 0, sizeof(g_sent));
			add_noise(g_sent, 2 * rate, 5000, 7);
		}
		pass(&s, g_sent, g_heard, 2 * rate, 25, 100);

		double before = measure_rms(g_heard + 20 * frame, 5 * frame);

		for (uint32_t f = 25; f < 100; f++) {
			double level = db(measure_rms(g_heard + f * frame, frame) / before),
			       ms = (f - 25) * FRAME_MS;
			double most = 1 - fmax(0, ms - FRAME_MS) * 0.15,
			       behind = db(100 / before) + 2;

			if (level > 10 * log10(pow(10, most / 10) + pow(10, behind / 10)) ||
			    (ms < 40 && level < -3))
				fail_msg("%u, row %zu: %.1f dB after %.0f ms", rate, r, level, ms);
		}
	}
}

/* In a long loss there is the noise that was behind the voice, and not more. */
static void test_noise_behind(void **state)
{
	static const int peaks[] = { 0, 5, 50, 170, 2000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(peaks); i++) {
		uint32_t rate = g_rates[i % 2], frame = rate / 1000 * FRAME_MS;
		struct plc s;

		plc_open(&s, rate);
		memset(g_sent, 0, sizeof(g_sent));
		speak(g_sent + 20 * frame, 5 * frame, rate, 140, true);
		if (peaks[i])
			add_noise(g_sent, 2 * rate, peaks[i], 3);
		pass(&s, g_sent, g_heard, 2 * rate, 25, 100);

		double behind = fmin(100, measure_rms(g_sent, 20 * frame)),
		       last = measure_rms(g_heard + 90 * frame, 10 * frame);

		if (!peaks[i])
			assert_true(last == 0);
		else if (fabs(db(last / behind)) > 3)
			fail_msg("noise of %d: %.1f becomes %.1f", peaks[i], behind, last);
	}
}

static void test_silence(void **state)
{
	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++) {
		struct plc s;

		plc_open(&s, g_rates[r]);
		memset(g_sent, 0, sizeof(g_sent));
		pass(&s, g_sent, g_heard, g_rates[r], 0, 5); /* nothing was ever heard */
		assert_memory_equal(g_heard, g_sent, g_rates[r] * sizeof(*g_sent));
		pass(&s, g_sent, g_heard, g_rates[r], 10, 40);
		assert_memory_equal(g_heard, g_sent, g_rates[r] * sizeof(*g_sent));
	}
}

/* What has no pitch becomes no buzz: it is nowhere like itself a while before. */
static void test_noise_does_not_buzz(void **state)
{
	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++) {
		uint32_t rate = g_rates[r], frame = rate / 1000 * FRAME_MS;
		struct plc s;

		plc_open(&s, rate);
		memset(g_sent, 0, sizeof(g_sent));
		add_noise(g_sent, rate, 6000, 11);
		pass(&s, g_sent, g_heard, rate, 20, 25);

		const int16_t *x = g_heard + 21 * frame;

		for (uint32_t lag = rate / 1000 * 4; lag < rate / 1000 * 20; lag++) {
			double like = 0, all = 0;

			for (uint32_t i = lag; i < 4 * frame; i++) {
				like += (double)x[i] * x[i - lag];
				all += (double)x[i - lag] * x[i - lag];
			}
			if (like / all > 0.5)
				fail_msg("%u: %.2f at %u samples", rate, like / all, lag);
		}
	}
}

/* The loudest there is neither wraps around nor turns over. */
static void test_loudest(void **state)
{
	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++) {
		uint32_t rate = g_rates[r], frame = rate / 1000 * FRAME_MS;
		struct plc s;

		plc_open(&s, rate);
		for (uint32_t i = 0; i < rate; i++)
			g_sent[i] = i / (rate / 200) % 2 ? INT16_MAX : INT16_MIN;
		pass(&s, g_sent, g_heard, rate, 20, 22);
		for (uint32_t i = 0; i < rate; i++) {
			uint32_t at = i % (rate / 200);

			if (at > 4 && at < rate / 200 - 5 && abs(g_sent[i] - g_heard[i]) > 12000)
				fail_msg("%u: sample %u is %d, was %d", rate, i, g_heard[i],
					 g_sent[i]);
		}
		add_noise(g_sent, rate, 0, 1);
		pass(&s, g_sent, g_heard, rate, 1, 50);
		assert_true(measure_rms(g_heard + frame, frame) > 25000);
	}
}

/* Of the first frame after a loss only the first milliseconds are changed, and none of the others. */
static void test_what_is_changed(void **state)
{
	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++) {
		uint32_t rate = g_rates[r], frame = rate / 1000 * FRAME_MS,
			 changed = PLC_FADE_MS_MAX * rate / 1000;
		struct plc s;

		plc_open(&s, rate);
		speak(g_sent, rate, rate, 181, true);
		pass(&s, g_sent, g_heard, rate, 20, 25);
		assert_memory_equal(g_heard, g_sent, 20 * frame * sizeof(*g_sent));
		assert_memory_not_equal(g_heard + 25 * frame, g_sent + 25 * frame,
					changed * sizeof(*g_sent));
		assert_memory_equal(g_heard + 25 * frame + changed, g_sent + 25 * frame + changed,
				    (rate - 25 * frame - changed) * sizeof(*g_sent));
	}
}

/* However a loss is cut, it is the same, and the same again. */
static void test_cuts(void **state)
{
	static const uint32_t cuts[] = { 1, 7, 16, 80, 161, 960 };

	(void)state;
	for (size_t c = 0; c < COUNT_OF(cuts) * COUNT_OF(g_rates); c++) {
		uint32_t rate = g_rates[c % 2], cut = cuts[c / 2], n = rate / 4;
		struct plc whole, parts;

		plc_open(&whole, rate);
		speak(g_sent, n, rate, 133, true);
		add_noise(g_sent, n, 300, 5);
		plc_on_samples(&whole, g_sent, n);
		parts = whole;
		plc_lost(&whole, g_heard, n);
		for (uint32_t done = 0, part; done < n; done += part) {
			part = n - done < cut ? n - done : cut;
			plc_lost(&parts, g_other + done, part);
		}
		assert_memory_equal(g_heard, g_other, n * sizeof(*g_heard));
		assert_memory_equal(whole.random, parts.random, sizeof(whole.random));
		assert_memory_equal(whole.history, parts.history, sizeof(whole.history));
	}
}

static void signal_of(int16_t *x, uint32_t n, uint32_t rate, uint32_t *seed)
{
	memset(x, 0, n * sizeof(*x));
	switch (random_of(seed) % 4) {
	case 0:
		break;
	case 1:
		add_noise(x, n, 1 + (int)(random_of(seed) % 32000), random_of(seed));
		break;
	case 2:
		measure_add_sine(x, n, rate, 20 + random_of(seed) % (rate / 2 - 20),
				 random_of(seed) % 32767);
		break;
	default:
		for (uint32_t i = 0; i < n; i++)
			x[i] = random_of(seed) % 2 ? INT16_MAX : INT16_MIN;
		break;
	}
}

/* It comes to where it is kept, if it fits there. */
static void heard_in_place(struct plc *s, int16_t *pcm, uint32_t n)
{
	int16_t *space = plc_space(s, n);

	if (!space) {
		plc_on_samples(s, pcm, n);
		return;
	}
	memcpy(space, pcm, n * sizeof(*pcm));
	plc_on_samples(s, space, n);
	memcpy(pcm, space, n * sizeof(*pcm));
}

/* Whole frames always fit, and stay while two more come. */
static void test_frames_in_place(void **state)
{
	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++) {
		uint32_t n = g_rates[r] / 50;
		const int16_t *before = NULL;
		struct plc s;

		plc_open(&s, g_rates[r]);
		for (int16_t i = 0; i < 7; i++) {
			int16_t *space = plc_space(&s, n);

			assert_non_null(space);
			space[0] = space[n - 1] = i;
			plc_on_samples(&s, space, n);
			if (before)
				assert_true(before[0] == i - 1 && before[n - 1] == i - 1);
			before = space;
		}
	}
}

/*
 * Frames of any length, any of which is lost: nothing but the frame is written, and it is as often the same, whether it was put where it is
 * kept or elsewhere.
 */
static void test_any_frames(void **state)
{
	(void)state;
	for (size_t r = 0; r < COUNT_OF(g_rates); r++) {
		struct plc a, b;
		uint32_t seed = 1 + (uint32_t)r;

		plc_open(&a, g_rates[r]);
		plc_open(&b, g_rates[r]);
		for (int i = 0; i < HOLES; i++) {
			uint32_t n = 1 + random_of(&seed) % (random_of(&seed) % 3 ? CUT_MAX : 40);
			bool is_lost = random_of(&seed) % 2;

			signal_of(g_heard, n, g_rates[r], &seed);
			memcpy(g_other, g_heard, n * sizeof(*g_heard));
			g_heard[n] = g_other[n] = 0x1234;
			(is_lost ? plc_lost : plc_on_samples)(&a, g_heard, n);
			(is_lost ? plc_lost : heard_in_place)(&b, g_other, n);
			assert_int_equal(g_heard[n], 0x1234);
			assert_memory_equal(g_heard, g_other, (n + 1) * sizeof(*g_heard));
			assert_true(isfinite(a.quiet) && a.quiet >= 0 && isfinite(a.loss.gain) &&
				    a.loss.gain <= 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_voice_goes_on),     cmocka_unit_test(test_level),
		cmocka_unit_test(test_what_does_not_fit),   cmocka_unit_test(test_loss_after_loss),
		cmocka_unit_test(test_noise_behind),        cmocka_unit_test(test_silence),
		cmocka_unit_test(test_noise_does_not_buzz), cmocka_unit_test(test_loudest),
		cmocka_unit_test(test_what_is_changed),     cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_frames_in_place),     cmocka_unit_test(test_any_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
