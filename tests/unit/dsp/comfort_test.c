/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "dsp/comfort.h"
#include "dsp/voice.h"
#include "tests/unit/dsp/spoken.h"

enum { RATE = 8000, N = RATE * 4, FRAME = 160 };

static int16_t g_pcm[N], g_out[N];

/* RFC 3389 3.1 and 3.2: k = 258 * (N - 127) / 32768. */
static void test_payloads(void **state)
{
	static const struct {
		const char *name;
		struct bytes payload;
		struct comfort c;
	} rows[] = {
		{ "level alone", BYTES_LIT("\x28"), { .level = 40 } },
		{ "loudest", BYTES_LIT("\x00"), { .level = 0 } },
		{ "quietest", BYTES_LIT("\x7f"), { .level = 127 } },
		{ "no colour", BYTES_LIT("\x32\x7f"), { 50, 1, { 0 } } },
		{ "ends and a step", BYTES_LIT("\x32\x00\xfe\x80\x7e"), { 50, 4, { -32766, 32766, 258, -258 } } },
		{ "twelve", BYTES_LIT("\x01\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x80"),
		  { 1, 12, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 258 } } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct comfort c;
		uint8_t octets[COMFORT_OCTETS_MAX];

		ROW_ASSERT(row->name, comfort_parse(&c, row->payload) == 0);
		ROW_ASSERT(row->name, c.level == row->c.level && c.order == row->c.order);
		assert_memory_equal(c.reflections, row->c.reflections, sizeof(c.reflections));

		struct bytes written = bytes_mem(octets, comfort_write(&c, octets));

		ROW_ASSERT(row->name, bytes_eq(written, row->payload));
	}
}

static void test_odd_payloads(void **state)
{
	struct comfort c = { .level = 9 };

	(void)state;
	assert_int_equal(comfort_parse(&c, BYTES_LIT("")), -EBADMSG);
	assert_int_equal(c.level, 9);
	assert_int_equal(comfort_parse(&c, BYTES_LIT("\xa8\x80")),
			 0); /* the bit that is always 0 */
	assert_int_equal(c.level, 40);
	assert_int_equal(comfort_parse(&c, BYTES_LIT("\x28\x80\xff\x80")), 0); /* reserved */
	assert_int_equal(c.order, 1);
	assert_int_equal(
		comfort_parse(
			&c,
			BYTES_LIT("\x28\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e")),
		0);
	assert_int_equal(c.order, COMFORT_ORDER_MAX);
	assert_int_equal(c.reflections[11], 13 * 258);
}

static void render(const struct comfort *c)
{
	struct comfort_noise noise = { .seed = 42 };

	for (size_t at = 0; at < N; at += FRAME)
		comfort_render(&noise, c, g_out + at, FRAME);
}

/* It is as loud as it says, whatever its colour. */
static void test_rendered_level(void **state)
{
	static const struct {
		const char *name;
		struct comfort c;
	} rows[] = {
		{ "white", { .level = 40 } },	    { "loud", { .level = 10 } },
		{ "quiet", { .level = 70 } },	    { "low", { 40, 1, { -29000 } } },
		{ "high", { 40, 1, { 29000 } } },   { "a band", { 40, 2, { -10000, 28000 } } },
		{ "of ten", { 35, 10, { -20000, 9000, -3000, 8000, 1000, 2000, -3000, 4000, 500, -900 } } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		render(&row->c);

		int level = voice_level(voice_energy(g_out + FRAME, N - FRAME), N - FRAME);

		if (abs(level - row->c.level) > 1)
			fail_msg("%s: %d, not %d", row->name, level, row->c.level);
	}
	render(&(struct comfort){ .level = 127 });
	for (size_t i = 0; i < N; i++)
		assert_int_equal(g_out[i], 0);
}

/* Its loudness changes within a frame, without a step. */
static void test_ramp(void **state)
{
	struct comfort_noise noise = { .seed = 7 };
	const struct comfort c = { .level = 20 };

	(void)state;
	comfort_render(&noise, &c, g_out, FRAME);
	for (size_t i = 0; i < FRAME; i++) /* uniform: no more than sqrt(3) of its RMS */
		assert_true(abs(g_out[i]) <= 3276.7 * 1.7321 * (double)i / FRAME + 1);
}

/* Two streams do not sound alike, the same one does. */
static void test_seed(void **state)
{
	struct comfort_noise a = { .seed = 7 }, b = { .seed = 8 }, again = { .seed = 7 };
	const struct comfort c = { .level = 20 };

	(void)state;
	comfort_render(&a, &c, g_pcm, FRAME);
	comfort_render(&b, &c, g_out, FRAME);
	assert_memory_not_equal(g_pcm, g_out, sizeof(int16_t) * FRAME);
	comfort_render(&again, &c, g_out, FRAME / 2);
	comfort_render(&again, &c, g_out + FRAME / 2, FRAME / 2);
	assert_int_equal(g_out[0], g_pcm[0]);
}

static double power_at(const int16_t *pcm, double hz)
{
	double sum = 0;

	for (size_t at = RATE; at + 400 <= N; at += 400) {
		double peak = measure_peak(pcm + at, 400, RATE, hz);

		sum += peak * peak;
	}
	return 10 * log10(sum);
}

/* Noise is heard, sent, and rendered: as loud within 1 dB, and within 3 dB at each of some frequencies. */
static void test_heard_and_rendered(void **state)
{
	static const struct {
		const char *name;
		double now, before,
			second; /* y(i) = now * x(i) - before * y(i - 1) - second * y(i - 2) */
	} rows[] = {
		{ "white", 1, 0, 0 },
		{ "low", 1, -0.8, 0 },
		{ "high", 1, 0.7, 0 },
		{ "about 1 kHz", 1, -1.2, 0.75 },
	}, *row;
	static const double frequencies[] = { 300, 700, 1000, 1500, 2200, 3200 };

	(void)state;
	EACH_ROW(row, rows)
	{
		struct spoken s = { .seed = 12 };
		struct comfort_ear ear = { 0 };
		struct comfort c, told;
		uint8_t octets[COMFORT_OCTETS_MAX];
		double y1 = 0, y2 = 0;

		for (size_t i = 0; i < N; i++) {
			double y = row->now * 300 * spoken_normal(&s) - row->before * y1 -
				   row->second * y2;

			g_pcm[i] = (int16_t)lrint(y);
			y2 = y1;
			y1 = y;
		}
		for (size_t at = 0; at < N; at += FRAME)
			comfort_listen(&ear, RATE, g_pcm + at, FRAME);
		comfort_measure(&ear, 8, &c);
		assert_int_equal(comfort_write(&c, octets), 9);
		assert_int_equal(comfort_parse(&told, bytes_mem(octets, 9)), 0);
		render(&told);

		int level = voice_level(voice_energy(g_pcm, N), N);

		if (abs(level - told.level) > 1)
			fail_msg("%s: heard %d, not %d", row->name, told.level, level);
		for (size_t f = 0; f < COUNT_OF(frequencies); f++) {
			double by =
				power_at(g_out, frequencies[f]) - power_at(g_pcm, frequencies[f]);

			if (fabs(by) > 3)
				fail_msg("%s: %.1f dB more at %.0f Hz", row->name, by,
					 frequencies[f]);
		}
	}
}

/* Neither silence, nor a tone, whose model is next to ringing without end, makes anything that is no number. */
static void test_what_is_no_noise(void **state)
{
	struct comfort_ear ear = { 0 };
	struct comfort c;

	(void)state;
	memset(g_pcm, 0, sizeof(g_pcm));
	comfort_measure(&ear, 8, &c);
	assert_true(c.level == 127 && c.order == 0);
	comfort_listen(&ear, RATE, g_pcm, FRAME);
	comfort_measure(&ear, 8, &c);
	assert_true(c.level == 127 && c.order == 0);
	measure_add_sine(g_pcm, N, RATE, 425, 10000);
	for (size_t at = 0; at < N; at += FRAME)
		comfort_listen(&ear, RATE, g_pcm + at, FRAME);
	comfort_measure(&ear, 12, &c);
	assert_int_equal(c.level, 13);
	render(&c);
	assert_in_range(voice_level(voice_energy(g_out, N), N), 10, 17);
	c = (struct comfort){ 0,
			      12,
			      { 32766, -32766, 32766, -32766, 32766, -32766, 32766, -32766, 32766,
				-32766, 32766, -32766 } };
	render(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_payloads),
		cmocka_unit_test(test_odd_payloads),
		cmocka_unit_test(test_rendered_level),
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_heard_and_rendered),
		cmocka_unit_test(test_what_is_no_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
