/* SPDX-License-Identifier: Apache-2.0 */
/* What an encoder has behind it, and what changes while it runs: copies, a fresh start, settings. */
#include "tests/unit/test.h"

#include <errno.h>

#include <opus/opus.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "tests/unit/dsp/measure.h"
#include "tests/unit/dsp/speech.h"

enum { RATE_MAX = 48000, SECONDS = 2, PACKET_MAX = 1500, PAYLOADS = 1000 };

static int16_t g_voice[RATE_MAX * SECONDS], g_one[RATE_MAX], g_two[RATE_MAX];
static uint8_t g_packet[PACKET_MAX], g_want[PACKET_MAX];

static struct encoder *encoder_of(const struct encoder_settings *s)
{
	struct encoder *e = NULL;
	int err = encoder_open(&e, s);

	if (err)
		fail_msg("%s: %d", s->codec, err);
	return e;
}

static void speak(const struct encoder *e)
{
	uint32_t rate = encoder_format(e).rate;
	struct speech s = { .rate = rate };

	speech_make(&s, g_voice, (size_t)rate * SECONDS);
}

/* Packet i of a voice that says the same every two seconds. Octets. */
static int said(struct encoder *e, uint32_t i, uint8_t out[PACKET_MAX])
{
	struct codec_format f = encoder_format(e);
	uint32_t packets = f.rate * SECONDS / f.samples;
	int n = encoder_frame(e, g_voice + i % packets * f.samples, f.samples, out, PACKET_MAX);

	assert_true(n >= 0);
	return n;
}

static void check_same(struct encoder *e, struct encoder *want, uint32_t i)
{
	int n = said(e, i, g_packet);

	assert_int_equal(said(want, i, g_want), n);
	assert_memory_equal(g_packet, g_want, (size_t)n);
}

static const struct encoder_settings g_all[] = {
	{ "PCMU" },
	{ "L16", .rate = 16000 },
	{ "G722" },
	{ "G722", .rate = 8000 },
	{ "G726-32" },
	{ "opus", 20, 20000, 5, .rate = 16000, .voice = true },
	{ "opus", 20, 20000, 1, .rate = 16000, .loss_percent = 15, .dtx = true, .voice = true },
	{ "opus", 20, 28000, 1, .rate = 48000, .voice = true }, /* hybrid */
	{ "opus", 20, 64000, 0, .rate = 48000 },                /* CELT */
	{ "opus", 40, 12000, 0, .rate = 8000 },
};

/* Made of one that goes on with something else, and compared with one that was never copied. */
static void test_copy(void **state)
{
	const struct encoder_settings *s;

	(void)state;
	EACH_ROW(s, g_all)
	{
		struct encoder *alone = encoder_of(s), *first = encoder_of(s),
			       *copy = encoder_of(s);

		speak(alone);
		for (uint32_t i = 0; i < 70; i++)
			check_same(first, alone, i);
		for (uint32_t i = 0; i < 10; i++)
			(void)said(copy, i, g_packet); /* it was used before */
		assert_int_equal(encoder_copy(copy, first), 0);
		for (uint32_t i = 0; i < 10; i++)
			(void)said(first, i, g_packet);
		encoder_close(first);
		for (uint32_t i = 0; i < PAYLOADS; i++)
			check_same(copy, alone, 70 + i);
		encoder_close(alone);
		encoder_close(copy);
	}
}

/* With what it was told meanwhile. */
static void test_copy_of_settings(void **state)
{
	const struct encoder_settings s = { "opus", 20, 24000, 5, .rate = 16000 };
	struct encoder *from = encoder_of(&s), *to = encoder_of(&s);

	(void)state;
	speak(from);
	assert_int_equal(encoder_tune(from, 12000, 1), 0);
	assert_int_equal(encoder_copy(to, from), 0);
	assert_int_equal(encoder_reset(from), 0);
	assert_int_equal(encoder_reset(to), 0);
	for (uint32_t i = 0; i < 20; i++)
		check_same(to, from, i);
	encoder_close(from);
	encoder_close(to);
}

static void test_not_copied(void **state)
{
	static const struct encoder_settings rows[] = {
		{ "PCMU" },
		{ "opus", 20, 20000, 5, .rate = 48000 },
		{ "opus", 10, 20000, 5, .rate = 16000 },
	}, *s;
	struct encoder *from = encoder_of(&(struct encoder_settings){ "opus", 20, 20000, 5 });

	(void)state;
	EACH_ROW(s, rows)
	{
		struct encoder *to = encoder_of(s);

		assert_int_equal(encoder_copy(to, from), -EINVAL);
		encoder_close(to);
	}
	encoder_close(from);
}

static void test_reset(void **state)
{
	const struct encoder_settings *s;

	(void)state;
	EACH_ROW(s, g_all)
	{
		struct encoder *used = encoder_of(s), *fresh = encoder_of(s);

		speak(used);
		for (uint32_t i = 0; i < 30; i++)
			(void)said(used, i, g_packet);
		assert_int_equal(encoder_reset(used), 0);
		for (uint32_t i = 0; i < 50; i++)
			check_same(used, fresh, i);
		encoder_close(used);
		encoder_close(fresh);
	}
}

static uint32_t octets_of(struct encoder *e)
{
	uint32_t all = 0;

	for (uint32_t i = 0; i < 100; i++)
		all += (uint32_t)said(e, i, g_packet);
	return all;
}

/* It goes on with what it has, and keeps that over a reset. */
static void test_tune(void **state)
{
	struct encoder *e =
		encoder_of(&(struct encoder_settings){ "opus", 20, 24000, 5, .rate = 16000 });
	struct encoder *low =
		encoder_of(&(struct encoder_settings){ "opus", 20, 12000, 0, .rate = 16000 });
	uint32_t octets;

	(void)state;
	speak(e);
	octets = octets_of(e);
	assert_int_equal(encoder_tune(e, 12000, 0), 0);
	assert_true(octets_of(e) < octets * 2 / 3);
	assert_int_equal(encoder_reset(e), 0);
	for (uint32_t i = 0; i < 50; i++)
		check_same(e, low, i);
	assert_int_equal(encoder_tune(e, 0, 10), 0); /* the default */
	assert_true(octets_of(e) > octets * 2 / 3);
	encoder_close(e);
	encoder_close(low);
}

static void test_not_tuned(void **state)
{
	static const struct {
		struct encoder_settings s;
		uint32_t bit_rate, complexity;
		int want;
	} rows[] = {
		{ { "opus", 20, 20000, 5 }, 5999, 5, -EINVAL },
		{ { "opus", 20, 20000, 5 }, 128001, 5, -EINVAL },
		{ { "opus", 20, 20000, 5 }, 20000, 11, -EINVAL },
		{ { "opus", 20, 20000, 5 }, 64000, 10, 0 }, /* at the rate it has */
		{ { "opus", 40, 20000, 5 }, 20000, 6, -EINVAL },
		{ { "opus", 60, 20000, 2 }, 20000, 3, -EINVAL },
		{ { "opus", 60, 12000, 2 }, 12000, 10, 0 },
		{ { "PCMA" }, 64000, 0, -ENOTSUP },
		{ { "G722" }, 64000, 0, -ENOTSUP },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct encoder *e = encoder_of(&row->s), *same = encoder_of(&row->s);

		speak(e);
		assert_int_equal(encoder_tune(e, row->bit_rate, row->complexity), row->want);
		if (row->want)
			check_same(e, same, 0);
		encoder_close(e);
		encoder_close(same);
	}
}

/* dB of how much alike two listeners hear a voice, of whom one has changed to its encoder meanwhile. */
static double switched(bool looks_forward)
{
	const struct encoder_settings s = { "opus", 20, 20000, 5, .rate = 16000, .voice = true };
	struct encoder *one = encoder_of(&s), *two = encoder_of(&s);
	struct decoder *stays = NULL, *comes = NULL;
	const struct decoder_settings wide = { "opus", 16000 };
	const uint32_t n = 320, first = 22, last = 27; /* in the middle of a syllable */

	assert_int_equal(decoder_open(&stays, &wide) || decoder_open(&comes, &wide), 0);
	speak(one);
	for (uint32_t i = 0; i < last; i++) {
		uint32_t at = i < first ? 0 : (i - first) * n;
		int other = said(two, i < first ? i + 33 : i, g_want), octets;

		if (i == first && looks_forward)
			encoder_look_forward(one);
		octets = said(one, i, g_packet);
		assert_int_equal(decoder_frame(stays, bytes_mem(g_packet, (size_t)octets),
					       g_one + at, n),
				 n);
		if (i < first)
			octets = decoder_frame(comes, bytes_mem(g_want, (size_t)other), g_two, n);
		else
			octets = decoder_frame(comes, bytes_mem(g_packet, (size_t)octets),
					       g_two + at, n);
		assert_int_equal(octets, n);
	}
	encoder_close(one);
	encoder_close(two);
	decoder_close(stays);
	decoder_close(comes);
	return measure_snr_at(g_one, g_two, (last - first) * n, 0);
}

static void test_look_forward(void **state)
{
	double back = switched(false), forward = switched(true);

	(void)state;
	if (forward < back + 6)
		fail_msg("%.1f dB, looking back %.1f dB", forward, back);
}

/* One packet alone: the next ones are as any other. */
static void test_look_forward_once(void **state)
{
	const struct encoder_settings s = { "opus", 20, 20000, 5, .rate = 16000, .voice = true };
	struct encoder *e = encoder_of(&s), *twice = encoder_of(&s);

	(void)state;
	speak(e);
	for (uint32_t i = 0; i < 20; i++)
		check_same(e, twice, i);
	encoder_look_forward(e);
	encoder_look_forward(twice);
	check_same(e, twice, 20);
	encoder_look_forward(twice);
	assert_true(said(e, 21, g_packet) != said(twice, 21, g_want) ||
		    memcmp(g_packet, g_want, 20) != 0);
	encoder_close(e);
	encoder_close(twice);
	e = encoder_of(&(struct encoder_settings){ "G722" }); /* which cannot but look back */
	encoder_look_forward(e);
	encoder_close(e);
}

/* RFC 6716 3.1: the TOC says what is in it. */
static void test_bandwidth(void **state)
{
	static const struct {
		uint32_t hz;
		int want;
	} rows[] = {
		{ 4000, OPUS_BANDWIDTH_NARROWBAND },
		{ 8000, OPUS_BANDWIDTH_WIDEBAND },
		{ 12000, OPUS_BANDWIDTH_SUPERWIDEBAND },
		{ 20000, OPUS_BANDWIDTH_FULLBAND },
		{ 0, OPUS_BANDWIDTH_FULLBAND },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct encoder *e = encoder_of(&(struct encoder_settings){
			"opus", 20, 48000, 0, .rate = 48000, .bandwidth_hz = row->hz });

		speak(e);
		for (uint32_t i = 0; i < 20; i++)
			assert_true(said(e, i, g_packet) > 0);
		assert_int_equal(opus_packet_get_bandwidth(g_packet), row->want);
		encoder_close(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),         cmocka_unit_test(test_copy_of_settings),
		cmocka_unit_test(test_not_copied),   cmocka_unit_test(test_reset),
		cmocka_unit_test(test_tune),         cmocka_unit_test(test_not_tuned),
		cmocka_unit_test(test_look_forward), cmocka_unit_test(test_look_forward_once),
		cmocka_unit_test(test_bandwidth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
