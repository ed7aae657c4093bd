/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "dsp/tone.h"
#include "tests/unit/dsp/measure.h"

enum { RATE = 8000, PERIOD_MAX = 16 * 48000, ALL = -1 };

static int16_t g_pcm[PERIOD_MAX], g_other[PERIOD_MAX];

static const char *const g_plans[] = { "etsi", "au", "de", "fr", "jp", "uk", "us" };

static const struct tone *tone_of(const char *plan, enum tone_kind kind)
{
	const struct tone_plan *p = tone_plan_find(bytes_str(plan));

	assert_non_null(p);
	return &p->tones[kind];
}

static double dbm0_of_rms(double rms)
{
	return 20 * log10(rms * sqrt(2) / 32767) + 3.14;
}

/* "425/1000 0/4000": frequencies and ms of each step. */
static const char *described(const struct tone *t)
{
	static char text[200];
	struct writer w = writer_over(text, sizeof(text));

	for (uint32_t i = 0; i < t->count; i++) {
		const struct tone_step *s = &t->steps[i];

		writer_fmt(&w, "%s%u", i ? " " : "", s->parts[0].hz);
		for (uint32_t part = 1; part < TONE_PARTS_MAX && s->parts[part].hz; part++)
			writer_fmt(&w, "+%u", s->parts[part].hz);
		writer_fmt(&w, "/%u", s->ms);
	}
	assert_false(w.overflow);
	return text;
}

/* ITU-T E.180 Supplement 2; 3GPP TS 22.001 annex F. */
#define CONFIRMATION(hz) hz "/100 0/100 " hz "/100 0/100 " hz "/100 0/1500"

static void test_plans(void **state)
{
	static const char recording[] = "1400/500 0/14500";
	static const char information[] = "950/330 1400/330 1800/330 0/1000";
	static const struct {
		const char *name;
		const char *tones[TONE_KINDS]; /* in the order of the enum */
	} rows[] = {
		{ "etsi",
		  { "425/0", "425/1000 0/4000", "425/500 0/500", "425/200 0/200", "425/200 0/600 425/200 0/3000",
		    information,
		    CONFIRMATION("425"), recording } },
		{ "au",
		  { "413+438/0", "413+438/400 0/200 413+438/400 0/2000", "425/375 0/375",
		    "425/375 0/375 425/375 0/375", "425/200 0/200 425/200 0/4400", "425/2500 0/500",
		    CONFIRMATION("413+438"), recording } },
		{ "de",
		  { "425/0", "425/1000 0/4000", "425/480 0/480", "425/240 0/240", "425/200 0/200 425/200 0/5000",
		    information,
		    CONFIRMATION("425"), recording } },
		{ "fr",
		  { "440/0", "440/1500 0/3500", "440/500 0/500", "440/250 0/250", "440/300 0/10000", information,
		    CONFIRMATION("440"), recording } },
		{ "jp",
		  { "400/0", "400+384+416/1000 0/2000", "400/500 0/500", "400/500 0/500",
		    "400+384+416/500 0/8000", information,
		    CONFIRMATION("400"), recording } },
		{ "uk",
		  { "350+440/0", "400+450/400 0/200 400+450/400 0/2000", "400/375 0/375",
		    "400/400 0/350 400/225 0/525", "400/100 0/4000", information,
		    CONFIRMATION("350+440"), recording } },
		{ "us",
		  { "350+440/0", "440+480/2000 0/4000", "480+620/500 0/500", "480+620/250 0/250", "440/300 0/9700",
		    information,
		    CONFIRMATION("350+440"), recording } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		for (int kind = 0; kind < TONE_KINDS; kind++)
			assert_string_equal(described(tone_of(row->name, kind)), row->tones[kind]);
	}
	assert_int_equal(COUNT_OF(g_plans), COUNT_OF(rows));
	assert_non_null(tone_plan_find(BYTES_LIT("DE")));
	assert_null(tone_plan_find(BYTES_LIT("d")));
	assert_null(tone_plan_find(BYTES_LIT("")));
}

/* Its sines are there at their levels, and make all of its power. */
static void check_sound(const char *name, const struct tone_step *s, const int16_t *pcm, uint32_t n,
			uint32_t rate)
{
	double power = 0, rms = measure_rms(pcm, n);

	for (int i = 0; i < TONE_PARTS_MAX; i++) {
		if (!s->parts[i].hz)
			continue;

		double want = 32767 * pow(10, (s->parts[i].level / 10.0 - 3.14) / 20);

		power += want * want / 2;
		if (n < rate / 4) /* too short to tell 400 from 416 */
			continue;

		double peak = measure_peak(pcm, n, rate, s->parts[i].hz);

		if (fabs(20 * log10(peak / want)) > 0.2)
			fail_msg("%s: %u Hz: peak %.0f, not %.0f", name, s->parts[i].hz, peak,
				 want);
	}
	if (power == 0)
		ROW_ASSERT(name, rms == 0);
	else if (fabs(20 * log10(rms / sqrt(power))) > 0.6)
		fail_msg("%s: %.1f dBm0, not %.1f", name, dbm0_of_rms(rms),
			 dbm0_of_rms(sqrt(power)));
}

/* Every step is where it should be: silence to the sample, sound to the ramp. */
static void check_steps(const char *name, const struct tone *t, uint32_t rate)
{
	uint32_t at = 0, ms = rate / 1000, ramp = TONE_RAMP_MS * ms;

	tone_render(t, rate, 0, g_pcm, tone_period_ms(t) ? tone_period_ms(t) * ms : rate);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct tone_step *s = &t->steps[i];
		uint32_t n = s->ms ? s->ms * ms : rate;

		if (!s->parts[0].hz)
			check_sound(name, s, g_pcm + at, n, rate);
		else
			check_sound(name, s, g_pcm + at + ramp, n - ramp - (s->ms ? ramp : 0),
				    rate);
		if (s->ms && s->parts[0].hz) { /* it sounds up to both ends */
			ROW_ASSERT(name, measure_rms(g_pcm + at, ramp) > 50);
			ROW_ASSERT(name, measure_rms(g_pcm + at + n - ramp, ramp) > 50);
		}
		at += n;
	}
}

static void test_cadence_and_sound(void **state)
{
	static const uint32_t rates[] = { 8000, 16000, 48000 };

	(void)state;
	for (uint32_t i = 0; i < COUNT_OF(g_plans); i++) {
		for (int kind = 0; kind < TONE_KINDS; kind++) {
			for (size_t r = 0; r < COUNT_OF(rates); r++)
				check_steps(g_plans[i], tone_of(g_plans[i], kind), rates[r]);
		}
	}
}

/* E.180: -10 dBm0. Those of the US and the quiet half of Australia's congestion tone are what they are. */
static void test_levels(void **state)
{
	static const struct {
		const char *plan;
		enum tone_kind kind;
		double dbm0;
	} rows[] = {
		{ "etsi", TONE_DIAL, -10 },	 { "uk", TONE_DIAL, -10 },  { "jp", TONE_RINGBACK, -10 },
		{ "us", TONE_DIAL, -10 },	 { "us", TONE_RINGBACK, -16 }, { "us", TONE_BUSY, -21 },
		{ "us", TONE_CALL_WAITING, -13 },   { "us", TONE_RECORDING, -20 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		tone_render(tone_of(row->plan, row->kind), RATE, 0, g_pcm, RATE);

		/* 250 ms: whole periods of all */
		double dbm0 = dbm0_of_rms(measure_rms(g_pcm + 160, RATE / 4));

		if (fabs(dbm0 - row->dbm0) > 0.2)
			fail_msg("%s: %.2f dBm0, not %.2f", row->plan, dbm0, row->dbm0);
	}
	tone_render(tone_of("au", TONE_CONGESTION), RATE, 0, g_pcm, 2 * RATE);
	assert_true(fabs(measure_rms(g_pcm + 6000 + 40, 2900) * sqrt(10) /
				 measure_rms(g_pcm + 40, 2900) -
			 1) < 0.01);
}

/* No sample is further from the one before than the steepest sine in it goes, and a ramp. */
static void test_no_click(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < COUNT_OF(g_plans); i++) {
		for (int kind = 0; kind < TONE_KINDS; kind++) {
			const struct tone *t = tone_of(g_plans[i], kind);
			uint32_t n = tone_period_ms(t) ? tone_period_ms(t) * 8 + 8 : RATE;
			double slope = 0, peak = 0;

			for (int part = 0; part < TONE_PARTS_MAX; part++) {
				double p =
					32767 *
					pow(10, (t->steps[0].parts[part].level / 10.0 - 3.14) / 20);

				if (!t->steps[0].parts[part].hz)
					continue;
				peak += p;
				slope += p * 2 * M_PI *
					 (kind == TONE_INFORMATION ? 1800
								   : t->steps[0].parts[part].hz) /
					 RATE;
			}
			slope += peak * M_PI / 2 / (TONE_RAMP_MS * 8);
			tone_render(t, RATE, 0, g_pcm, n);
			assert_true(abs(g_pcm[0]) < 50);
			for (uint32_t k = 1; k < n; k++) {
				if (abs(g_pcm[k] - g_pcm[k - 1]) > slope + 2)
					fail_msg("%s: tone %d: from %d to %d at %u", g_plans[i],
						 kind, g_pcm[k - 1], g_pcm[k], k);
			}
		}
	}
}

/* However it is cut into frames, and wherever one begins. */
static void test_frames_join(void **state)
{
	static const uint32_t frames[] = { 1, 7, 80, 160, 1000 };
	const struct tone *t = tone_of("uk", TONE_RINGBACK);

	(void)state;
	tone_render(t, RATE, 0, g_pcm, 4 * RATE);
	for (size_t f = 0; f < COUNT_OF(frames); f++) {
		for (uint32_t at = 0; at + frames[f] <= 4 * RATE; at += frames[f])
			tone_render(t, RATE, at, g_other + at, frames[f]);
		assert_memory_equal(g_other, g_pcm, (4 * RATE - frames[f]) * sizeof(*g_pcm));
	}
}

/* Eleven years on it is what it was at the beginning: all frequencies are whole Hz, and so is the time. */
static void test_no_drift(void **state)
{
	uint64_t years = UINT64_C(345678900) * 3 * RATE;

	(void)state;
	for (uint32_t i = 0; i < COUNT_OF(g_plans); i++) {
		const struct tone *t = tone_of(g_plans[i], TONE_RINGBACK);
		uint64_t periods = (uint64_t)tone_period_ms(t) * RATE; /* a thousand */

		tone_render(t, RATE, periods, g_pcm, RATE);
		tone_render(t, RATE, periods + years * tone_period_ms(t), g_other, RATE);
		assert_memory_equal(g_other, g_pcm, RATE * sizeof(*g_pcm));
	}
	tone_render(tone_of("us", TONE_DIAL), RATE, RATE, g_pcm, RATE);
	tone_render(tone_of("us", TONE_DIAL), RATE, years, g_other, RATE);
	assert_memory_equal(g_other, g_pcm, RATE * sizeof(*g_pcm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),       cmocka_unit_test(test_cadence_and_sound),
		cmocka_unit_test(test_levels),      cmocka_unit_test(test_no_click),
		cmocka_unit_test(test_frames_join), cmocka_unit_test(test_no_drift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
