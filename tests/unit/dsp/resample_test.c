/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "dsp/resample.h"
#include "tests/unit/dsp/measure.h"

enum { LONGEST = 48000, EDGE_MS = 20, PEAK = 10000 };

static int16_t g_in[LONGEST], g_out[LONGEST], g_want[LONGEST];

static void sine(int16_t *pcm, size_t n, double rate, double hz)
{
	memset(pcm, 0, n * sizeof(*pcm));
	measure_add_sine(pcm, n, rate, hz, PEAK);
}

/* A second of a sine is a second of the same sine: as loud, and not a sample late. */
static void test_sines(void **state)
{
	static const struct {
		uint32_t from, to;
		double hz, snr;
	} rows[] = {
		{ 8000, 16000, 300, 50 },    { 8000, 16000, 1000, 50 },  { 8000, 16000, 3000, 45 },
		{ 16000, 8000, 300, 50 },    { 16000, 8000, 1000, 50 },  { 16000, 8000, 3000, 45 },
		{ 8000, 48000, 1000, 45 },   { 48000, 8000, 1000, 45 },  { 16000, 48000, 3000, 45 },
		{ 48000, 16000, 3000, 45 },  { 44100, 8000, 1000, 45 },  { 44100, 16000, 1000, 45 },
		{ 22050, 16000, 1000, 45 },  { 11025, 8000, 1000, 45 },  { 44100, 48000, 1000, 45 },
		{ 32000, 8000, 1000, 45 },   { 16000, 16000, 1000, 70 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		size_t edge = row->to / 1000 * EDGE_MS, n = row->to - 2 * edge;

		assert_int_equal(resample_count(row->from, row->from, row->to), row->to);
		sine(g_in, row->from, row->from, row->hz);
		sine(g_want, row->to, row->to, row->hz);
		assert_int_equal(resample_whole(g_in, row->from, row->from, g_out, row->to), 0);

		double snr = measure_snr_at(g_want + edge, g_out + edge, n, 0);
		double gain = measure_rms(g_out + edge, n) / measure_rms(g_want + edge, n);

		if (snr < row->snr || fabs(gain - 1) > 0.01)
			fail_msg("%u to %u, %.0f Hz: SNR %.1f dB, gain %.3f", row->from, row->to,
				 row->hz, snr, gain);
	}
}

/* What the lower rate cannot carry is not folded into it, and what was not there does not come up. */
static void test_what_is_filtered(void **state)
{
	static const struct {
		uint32_t from, to;
		double hz, seen_at, least; /* dB below */
	} rows[] = {
		{ 16000, 8000, 5000, 3000, 51 },  { 16000, 8000, 7000, 1000, 51 }, { 8000, 16000, 1000, 7000, 51 },
		{ 8000, 16000, 3000, 5000, 51 },  { 48000, 8000, 5500, 2500, 40 }, { 48000, 16000, 11000, 5000, 40 },
		{ 8000, 48000, 2500, 5500, 40 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		size_t edge = row->to / 1000 * EDGE_MS;

		sine(g_in, row->from, row->from, row->hz);
		assert_int_equal(resample_whole(g_in, row->from, row->from, g_out, row->to), 0);

		double peak = measure_peak(g_out + edge, row->to - 2 * edge, row->to, row->seen_at);

		if (20 * log10(PEAK / peak) < row->least)
			fail_msg("%u to %u: %.0f Hz of %.0f: %.1f dB", row->from, row->to,
				 row->seen_at, row->hz, 20 * log10(PEAK / peak));
	}
}

/* -0.3 dB at 3.4 kHz. */
static void test_telephone_band(void **state)
{
	(void)state;
	sine(g_in, 8000, 8000, 3400);
	assert_int_equal(resample_whole(g_in, 8000, 8000, g_out, 16000), 0);

	double down = 20 * log10(measure_peak(g_out + 320, 15000, 16000, 3400) / PEAK);

	assert_true(down > -0.4 && down < -0.2);
}

/* As many as the time needs, to the last one; nothing behind them is touched. */
static void test_lengths(void **state)
{
	static const struct {
		uint32_t from, to;
		size_t n, want;
	} rows[] = {
		{ 8000, 16000, 0, 0 },	   { 8000, 16000, 1, 2 },     { 8000, 16000, 161, 322 },
		{ 16000, 8000, 1, 1 },	   { 16000, 8000, 321, 161 }, { 16000, 8000, 320, 160 },
		{ 44100, 8000, 441, 80 },  { 44100, 8000, 442, 81 },  { 8000, 48000, 7, 42 },
		{ 48000, 8000, 1, 1 },	   { 4000, 192000, 10, 480 }, { 192000, 4000, 480, 10 },
		{ 8000, 8000, 3, 3 },
	}, *row;

	(void)state;
	for (size_t i = 0; i < LONGEST; i++)
		g_in[i] = PEAK;
	EACH_ROW(row, rows)
	{
		memset(g_out, 0x11, sizeof(g_out));
		assert_int_equal(resample_count(row->n, row->from, row->to), row->want);
		assert_int_equal(resample_whole(g_in, row->n, row->from, g_out, row->to), 0);
		assert_int_equal(g_out[row->want], 0x1111);
		if (row->want > 0)
			assert_int_not_equal(g_out[row->want - 1], 0x1111);
	}
	assert_int_equal(resample_whole(g_in, 1, 3999, g_out, 8000), -EINVAL);
	assert_int_equal(resample_whole(g_in, 1, 8000, g_out, 192001), -EINVAL);
}

/* The loudest there is overshoots, and does not wrap around. */
static void test_loudest(void **state)
{
	(void)state;
	for (size_t i = 0; i < 8000; i++)
		g_in[i] = i / 20 % 2 ? INT16_MAX : INT16_MIN;
	assert_int_equal(resample_whole(g_in, 8000, 8000, g_out, 16000), 0);
	for (size_t i = 80; i < 15900; i++) {
		if (i / 2 % 20 > 4 && i / 2 % 20 < 15)
			assert_true(i / 40 % 2 ? g_out[i] > 25000 : g_out[i] < -25000);
	}
}

/* However a stream is cut. */
static void test_frames_join(void **state)
{
	static const size_t frames[] = { 1, 3, 80, 160, 333 };
	struct half_band h = { 0 };

	(void)state;
	sine(g_in, 8000, 8000, 1234);
	half_band_up(&h, g_in, 4000, g_want);
	for (size_t f = 0; f < COUNT_OF(frames); f++) {
		size_t done = 0;

		h = (struct half_band){ 0 };
		for (; done + frames[f] <= 4000; done += frames[f])
			half_band_up(&h, g_in + done, frames[f], g_out + 2 * done);
		assert_memory_equal(g_out, g_want, 2 * done * sizeof(*g_out));
	}
	h = (struct half_band){ 0 };
	half_band_down(&h, g_in, 4000, g_want);
	for (size_t f = 0; f < COUNT_OF(frames); f++) {
		size_t done = 0;

		h = (struct half_band){ 0 };
		for (; done + frames[f] <= 4000; done += frames[f])
			half_band_down(&h, g_in + 2 * done, frames[f], g_out + done);
		assert_memory_equal(g_out, g_want, done * sizeof(*g_out));
	}
}

/* A stream, piece by piece: each piece is as long as its time, and begun anew nothing is left of what was before. */
static void test_streams(void **state)
{
	static const uint32_t rates[][2] = {
		{ 8000, 48000 }, { 48000, 8000 }, { 16000, 48000 }, { 48000, 16000 }, { 8000, 8000 }
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		uint32_t from = rates[i][0], to = rates[i][1], piece = from / 400;
		struct resampler *r;

		assert_int_equal(resampler_open(&r, from, to), 0);
		sine(g_in, from, from, 1000);
		for (int turn = 0; turn < 2; turn++) {
			int16_t *out = turn ? g_out : g_want;

			for (uint32_t n = 0; n < 360; n++) /* of 2.5 ms */
				assert_int_equal(resampler_run(r, g_in + n * piece, piece,
							       out + n * (to / 400), to / 400),
						 to / 400);
			resampler_reset(r);
		}
		assert_memory_equal(g_out, g_want, 360 * (to / 400) * sizeof(*g_out));
		sine(g_want, to, to, 1000);
		assert_true(measure_snr(g_want + to / 100, g_out + to / 100, to / 2, to / 100) >
			    35);
		resampler_close(r);
	}
}

/* ---- six times the rate, and back ---- */

static void sixth_line(bool up, size_t piece, const int16_t *in, int16_t *out)
{
	struct sixth_band s = { 0 };

	for (size_t done = 0; done + piece <= 8000; done += piece)
		if (up)
			sixth_band_up(&s, in + done, piece, out + 6 * done);
		else
			sixth_band_down(&s, in + 6 * done, piece, out + done);
}

/* As loud, and as late as it says. */
static void test_sixth_sines(void **state)
{
	static const double HZ[] = { 100, 300, 1000, 2000, 3000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(HZ); i++)
		for (int up = 0; up < 2; up++) {
			uint32_t from = up ? 8000 : 48000, to = up ? 48000 : 8000;
			size_t late = up ? SIXTH_BAND_UP_DELAY : SIXTH_BAND_DOWN_DELAY / 6;
			double early = up ? 0 : SIXTH_BAND_DOWN_DELAY % 6 / 48000.0, snr;

			sine(g_in, from, from, HZ[i]);
			for (size_t n = 0; n < to; n++) /* a part of a sample late */
				g_want[n] = (int16_t)lrint(
					PEAK * sin(2 * M_PI * HZ[i] * ((double)n / to - early)));
			sixth_line(up, 160, g_in, g_out);
			snr = measure_snr_at(g_want + to / 10, g_out + to / 10, to / 2, late);
			if (snr < 35)
				fail_msg("%.0f Hz, up %d: %.1f dB", HZ[i], up, snr);
		}
}

/* No images, and nothing folded. */
static void test_sixth_filters(void **state)
{
	static const struct {
		bool up;
		double hz, seen_at;
	} rows[] = {
		{ true, 1000, 7000 },  { true, 1000, 9000 },   { true, 1000, 15000 }, { true, 1000, 17000 },
		{ true, 3000, 13000 }, { true, 3000, 19000 },  { true, 3000, 5000 },  { false, 5500, 2500 },
		{ false, 7000, 1000 }, { false, 15000, 1000 }, { false, 13000, 3000 }, { false, 19000, 3000 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint32_t from = row->up ? 8000 : 48000, to = row->up ? 48000 : 8000;
		double peak;

		sine(g_in, from, from, row->hz);
		sixth_line(row->up, 160, g_in, g_out);
		peak = measure_peak(g_out + to / 10, to / 2, to, row->seen_at);
		if (20 * log10(PEAK / peak) < 50)
			fail_msg("%d: %.0f Hz of %.0f: %.1f dB", row->up, row->seen_at, row->hz,
				 20 * log10(PEAK / peak));
	}
}

/* However a stream is cut; the loudest there is does not wrap around. */
static void test_sixth_pieces(void **state)
{
	static const size_t pieces[] = { 1, 20, 80, 400, 1600 };

	(void)state;
	for (size_t i = 0; i < LONGEST; i++)
		g_in[i] = i / 20 % 2 ? INT16_MAX : INT16_MIN;
	for (int up = 0; up < 2; up++) {
		sixth_line(up, 160, g_in, g_want);
		for (size_t i = 0; i < COUNT_OF(pieces); i++) {
			sixth_line(up, pieces[i], g_in, g_out);
			assert_memory_equal(g_out, g_want, (up ? 48000 : 8000) * sizeof(*g_out));
		}
	}
	sixth_line(true, 160, g_in, g_out);
	for (size_t i = 600; i < 47000; i++)
		if ((i - SIXTH_BAND_UP_DELAY) % 120 > 30 && (i - SIXTH_BAND_UP_DELAY) % 120 < 90)
			assert_true((i - SIXTH_BAND_UP_DELAY) / 120 % 2 ? g_out[i] > 20000
									: g_out[i] < -20000);
}

/* Samples alone go the plain way, and many at once by vectors: the same comes out, of anything. */
static void test_vectors(void **state)
{
	struct half_band h = { 0 }, each = { 0 };
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < 4000; i++) {
		random = random * 1664525 + 1013904223;
		g_in[i] = (int16_t)(random >> 16);
		if (i % 1000 >= 500)
			g_in[i] = g_in[i] < 0 ? INT16_MIN : INT16_MAX;
	}
	half_band_up(&h, g_in, 2000, g_want);
	for (size_t i = 0; i < 2000; i++)
		half_band_up(&each, g_in + i, 1, g_out + 2 * i);
	assert_memory_equal(g_out, g_want, 4000 * sizeof(*g_out));
	h = each = (struct half_band){ 0 };
	half_band_down(&h, g_in, 2000, g_want);
	for (size_t i = 0; i < 2000; i++)
		half_band_down(&each, g_in + 2 * i, 1, g_out + i);
	assert_memory_equal(g_out, g_want, 2000 * sizeof(*g_out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sines),          cmocka_unit_test(test_what_is_filtered),
		cmocka_unit_test(test_telephone_band), cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_loudest),        cmocka_unit_test(test_frames_join),
		cmocka_unit_test(test_streams),        cmocka_unit_test(test_sixth_sines),
		cmocka_unit_test(test_sixth_filters),  cmocka_unit_test(test_sixth_pieces),
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
