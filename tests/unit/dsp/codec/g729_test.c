/* SPDX-License-Identifier: Apache-2.0 */
/* G.729 by its module: only where that is built. */
#include "tests/unit/test.h"

#include <errno.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "dsp/codec/g729.h"
#include "tests/unit/dsp/measure.h"
#include "tests/unit/dsp/speech.h"

enum { RATE = 8000, SECONDS = 2, SAMPLES = RATE * SECONDS, FRAME = 80, OCTETS = 10 };

static const struct encoder_settings g_settings = { .codec = "G729" };
static int16_t g_sent[SAMPLES], g_back[SAMPLES], g_other[SAMPLES];
static uint8_t g_code[SAMPLES / FRAME * OCTETS];

static struct decoder *decoder_of_g729(void)
{
	struct decoder *d = NULL;

	assert_int_equal(decoder_open(&d, &(struct decoder_settings){ .codec = "G729" }), 0);
	return d;
}

static struct encoder *encoder_of_g729(void)
{
	struct encoder *e = NULL;

	assert_int_equal(encoder_open(&e, &g_settings), 0);
	return e;
}

/* Refused by a name of its own. */
static void test_not_there(void **state)
{
	struct decoder *d = NULL;
	struct encoder *e = NULL;

	(void)state;
	assert_null(g729_module());
	assert_int_equal(decoder_open(&d, &(struct decoder_settings){ .codec = "G729" }), -ENOTSUP);
	assert_int_equal(encoder_open(&e, &g_settings), -ENOTSUP);
	assert_true(!d && !e);
}

static void test_loaded(void **state)
{
	char why[MODULE_TEXT_MAX] = "";

	(void)state;
	if (g729_load(why))
		fail_msg("%s", why);
	assert_non_null(g729_module());
}

/* Two seconds of a voice as frames. */
static void speak(void)
{
	struct encoder *e = encoder_of_g729();
	struct speech s = { .rate = RATE };

	speech_make(&s, g_sent, SAMPLES);
	for (uint32_t at = 0; at < SAMPLES; at += 2 * FRAME)
		assert_int_equal(encoder_frame(e, g_sent + at, 2 * FRAME,
					       g_code + at / FRAME * OCTETS, 2 * OCTETS),
				 2 * OCTETS);
	encoder_close(e);
}

/* It keeps no waveform, but is near to that of a voice; and in step. */
static void test_voice(void **state)
{
	struct decoder *d;

	(void)state;
	speak();
	d = decoder_of_g729();
	assert_int_equal(decoder_format(d).clock, RATE);
	for (uint32_t at = 0; at < SAMPLES; at += 2 * FRAME)
		assert_int_equal(decoder_frame(d,
					       bytes_mem(g_code + at / FRAME * OCTETS, 2 * OCTETS),
					       g_back + at, 2 * FRAME),
				 2 * FRAME);
	decoder_close(d);

	double snr = measure_snr(g_sent, g_back, SAMPLES, RATE / 50);
	double gain = measure_rms(g_back, SAMPLES) / measure_rms(g_sent, SAMPLES);

	if (snr < 2 || gain < 0.7 || gain > 1.4)
		fail_msg("SNR %.1f dB, gain %.2f", snr, gain);
}

/* Frames mean the same in packets of any length. */
static void test_packets(void **state)
{
	static const uint32_t frames[] = { 1, 2, 3, 6, 12 };

	(void)state;
	speak();
	for (size_t i = 0; i < COUNT_OF(frames); i++) {
		struct decoder *d = decoder_of_g729();
		uint32_t octets = frames[i] * OCTETS, samples = frames[i] * FRAME;

		for (uint32_t n = 0; n + frames[i] <= SAMPLES / FRAME; n += frames[i])
			assert_int_equal(decoder_frame(d, bytes_mem(g_code + n * OCTETS, octets),
						       g_back + n * FRAME, samples),
					 samples);
		if (i == 0)
			memcpy(g_other, g_back, sizeof(g_other));
		assert_memory_equal(g_back, g_other,
				    SAMPLES / samples * samples * sizeof(g_back[0]));
		decoder_close(d);
	}
}

/* RFC 3551 4.5.6: whole frames, and one SID frame behind them. */
static void test_lengths(void **state)
{
	static const struct {
		uint32_t octets;
		int want;
		bool pauses;
	} rows[] = {
		{ 0, -EBADMSG, false },   { 1, -EBADMSG, false },   { 2, 80, true },
		{ 9, -EBADMSG, false },   { 10, 80, false },        { 12, 160, true },
		{ 20, 160, false },       { 22, 240, true },        { 24, -EBADMSG, false },
		{ 112, 960, true },       { 120, 960, false },      { 122, -EBADMSG, true },
		{ 130, -EBADMSG, false },
	}, *row;

	(void)state;
	speak();
	EACH_ROW(row, rows)
	{
		struct decoder *d = decoder_of_g729();
		struct bytes payload = bytes_mem(g_code, row->octets);

		assert_int_equal(decoder_frame(d, payload, g_back, 960), row->want);
		assert_int_equal(decoder_pauses(d, payload), row->pauses);
		if (row->want > 0)
			assert_int_equal(decoder_frame(d, payload, g_back, (uint32_t)row->want - 1),
					 -ENOSPC);
		decoder_close(d);
	}
}

/* What is lost goes on for a while, and then fades; behind a SID frame the silence goes on as it was. */
static void test_lost(void **state)
{
	static const uint8_t SID[G729_SID_OCTETS] = {
		0x35, 0x68
	}; /* the last five bits but one are its loudness */
	struct decoder *d;
	double voice, first, later;

	(void)state;
	speak();
	d = decoder_of_g729();
	for (uint32_t n = 0; n < 24; n++) /* to the middle of a syllable */
		assert_int_equal(decoder_frame(d, bytes_mem(g_code + n * OCTETS, OCTETS),
					       g_back + n * FRAME, FRAME),
				 FRAME);
	voice = measure_rms(g_back + 20 * FRAME, 4 * FRAME);
	assert_int_equal(decoder_conceal(d, g_back, 2 * FRAME), 2 * FRAME);
	first = measure_rms(g_back, 2 * FRAME);
	assert_int_equal(decoder_conceal(d, g_back, 12 * FRAME), 12 * FRAME);
	later = measure_rms(g_back + 10 * FRAME, 2 * FRAME);
	if (first < voice / 4 || later > first / 2)
		fail_msg("voice %.0f, lost %.0f, later %.0f", voice, first, later);
	assert_int_equal(decoder_conceal(d, g_back, FRAME / 2), -EINVAL);
	assert_int_equal(decoder_recover(d, bytes_mem(g_code, OCTETS), g_back, FRAME), FRAME);

	assert_int_equal(decoder_reset(d), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(decoder_frame(d, bytes_mem(SID, sizeof(SID)), g_back, FRAME),
				 FRAME);
	first = measure_rms(g_back, FRAME);
	assert_int_equal(decoder_conceal(d, g_back, 12 * FRAME), 12 * FRAME);
	later = measure_rms(g_back + 10 * FRAME, 2 * FRAME);
	if (first < 1 || later < first / 2 || later > first * 2)
		fail_msg("silence %.1f, later %.1f", first, later);
	decoder_close(d);
}

static void test_reset(void **state)
{
	struct encoder *e, *other;
	struct decoder *d;
	uint8_t out[2 * OCTETS];

	(void)state;
	speak();
	e = encoder_of_g729();
	other = encoder_of_g729();
	d = decoder_of_g729();
	assert_int_equal(encoder_copy(e, other), -ENOTSUP);
	assert_int_equal(encoder_tune(e, 8000, 0), -ENOTSUP);
	for (int round = 0; round < 2; round++) {
		for (uint32_t n = 0; n < 20; n += 2) {
			assert_int_equal(encoder_frame(e, g_sent + n * FRAME, 2 * FRAME, out, 20),
					 20);
			assert_memory_equal(out, g_code + n * OCTETS, sizeof(out));
			assert_int_equal(decoder_frame(d, bytes_mem(out, sizeof(out)),
						       round ? g_other + n * FRAME
							     : g_back + n * FRAME,
						       2 * FRAME),
					 2 * FRAME);
		}
		assert_int_equal(encoder_reset(e), 0);
		assert_int_equal(decoder_reset(d), 0);
	}
	assert_memory_equal(g_back, g_other, 20 * FRAME * sizeof(g_back[0]));
	encoder_close(e);
	encoder_close(other);
	decoder_close(d);
}

static void test_settings(void **state)
{
	static const struct {
		struct encoder_settings s;
		int want;
	} rows[] = {
		{ { "G729", 10 }, 0 },        { { "G729", 60 }, 0 },
		{ { "G729", 15 }, -EINVAL },  { { "G729", 5 }, -EINVAL },
		{ { "G729", .rate = 16000 }, -EINVAL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct encoder *e = NULL;

		assert_int_equal(encoder_open(&e, &row->s), row->want);
		encoder_close(e);
	}
}

/* Any octets are sound of some kind: the same for the same, and nothing is written behind. */
static void test_garbage(void **state)
{
	struct decoder *d, *same;
	uint32_t seed = 7;

	(void)state;
	d = decoder_of_g729();
	same = decoder_of_g729();
	for (int i = 0; i < 3000; i++) {
		uint8_t octets[40];
		uint32_t n = i % 4 == 3 ? 12 : 10 * (1 + (uint32_t)i % 4);

		for (uint32_t k = 0; k < n; k++)
			octets[k] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
		g_back[320] = 0x1111;

		int got = decoder_frame(d, bytes_mem(octets, n), g_back, 320);

		assert_int_equal(got, n % 10 ? 160 : n * 8);
		assert_int_equal(g_back[320], 0x1111);
		assert_int_equal(decoder_frame(same, bytes_mem(octets, n), g_other, 320), got);
		assert_memory_equal(g_back, g_other, (size_t)got * sizeof(g_back[0]));
	}
	decoder_close(d);
	decoder_close(same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_there), cmocka_unit_test(test_loaded),
		cmocka_unit_test(test_voice),     cmocka_unit_test(test_packets),
		cmocka_unit_test(test_lengths),   cmocka_unit_test(test_lost),
		cmocka_unit_test(test_reset),     cmocka_unit_test(test_settings),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
