/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include <opus/opus.h>
#include <spandsp/telephony.h>

#include <spandsp/bitstream.h>
#include <spandsp/g722.h>
#include <spandsp/g726.h>

#include "dsp/codec/encoder.h"
#include "dsp/codec/g711.h"
#include "tests/unit/dsp/measure.h"

enum { RATE_MAX = 48000, PACKET_MAX = 1500, SECOND = 1 };

static int16_t g_sent[RATE_MAX * SECOND], g_back[RATE_MAX * SECOND];
static uint8_t g_packet[PACKET_MAX];

struct decoder {
	OpusDecoder *opus;
	g722_decode_state_t *g722;
	g726_state_t *g726;
};

/* Samples. */
typedef int decode_fn(struct decoder *d, int16_t *pcm, uint32_t samples, int octets);

static int ulaw_decode(struct decoder *d, int16_t *pcm, uint32_t samples, int octets)
{
	(void)d;
	(void)samples;
	for (int i = 0; i < octets; i++)
		pcm[i] = g711_ulaw_sample(g_packet[i]);
	return octets;
}

static int alaw_decode(struct decoder *d, int16_t *pcm, uint32_t samples, int octets)
{
	(void)d;
	(void)samples;
	for (int i = 0; i < octets; i++)
		pcm[i] = g711_alaw_sample(g_packet[i]);
	return octets;
}

static int g722_octets_decode(struct decoder *d, int16_t *pcm, uint32_t samples, int octets)
{
	(void)samples;
	return g722_decode(d->g722, pcm, g_packet, octets);
}

static int g726_octets_decode(struct decoder *d, int16_t *pcm, uint32_t samples, int octets)
{
	(void)samples;
	return g726_decode(d->g726, pcm, g_packet, octets);
}

static int opus_packet_decode(struct decoder *d, int16_t *pcm, uint32_t samples, int octets)
{
	return opus_decode(d->opus, g_packet, octets, pcm, (int)samples, 0);
}

static decode_fn *decode_of(const char *codec)
{
	static const struct {
		const char *codec;
		decode_fn *decode;
	} all[] = {
		{ "PCMU", ulaw_decode },
		{ "PCMA", alaw_decode },
		{ "G722", g722_octets_decode },
		{ "opus", opus_packet_decode },
		{ "G726-32", g726_octets_decode },
	}, *one;

	EACH_ROW(one, all)
	{
		if (!strcmp(one->codec, codec))
			return one->decode;
	}
	fail_msg("no decoder of %s", codec);
	return NULL;
}

static struct decoder decoder_open(uint32_t rate)
{
	int err = 0;
	struct decoder d = {
		.opus = opus_decoder_create((opus_int32)rate, 1, &err),
		.g722 = g722_decode_init(NULL, 64000, 0),
		.g726 = g726_init(NULL, 32000, G726_ENCODING_LINEAR, G726_PACKING_RIGHT),
	};

	assert_int_equal(err, 0);
	return d;
}

static void decoder_close(struct decoder *d)
{
	opus_decoder_destroy(d->opus);
	assert_int_equal(g722_decode_free(d->g722), 0);
	assert_int_equal(g726_free(d->g726), 0);
}

/* A second through encoder and decoder. The octets that it took. */
static int there_and_back(const struct encoder_settings *s, uint32_t rate)
{
	struct encoder *e;
	decode_fn *decode = decode_of(s->codec);
	struct decoder d = decoder_open(rate);
	uint32_t samples = rate / 1000 * s->packet_ms;
	int octets = 0;

	assert_int_equal(encoder_open(&e, s), 0);
	assert_int_equal(encoder_format(e).rate, rate);
	for (uint32_t at = 0; at + samples <= rate * SECOND; at += samples) {
		int n = encoder_frame(e, g_sent + at, samples, g_packet, sizeof(g_packet));

		assert_true(n > 0);
		assert_int_equal(decode(&d, g_back + at, samples, n), samples);
		octets += n;
	}
	encoder_close(e);
	decoder_close(&d);
	return octets;
}

/* 440 + 880 Hz at -13 dBm0 each, 1,320 below them. */
static void chord(uint32_t rate)
{
	memset(g_sent, 0, sizeof(g_sent));
	measure_add_sine(g_sent, rate * SECOND, rate, 440, 5000);
	measure_add_sine(g_sent, rate * SECOND, rate, 880, 5000);
	measure_add_sine(g_sent, rate * SECOND, rate, 1320, 1000);
}

static void test_quality(void **state)
{
	static const struct {
		const char *name;
		struct encoder_settings s;
		uint32_t rate;
		int octets_min, octets_max;
		double snr;
	} rows[] = {
		{ "PCMU", { "PCMU", 20, 0, 0 }, 8000, 8000, 8000, 35 },
		{ "PCMU in 10 ms", { "PCMU", 10, 0, 0 }, 8000, 8000, 8000, 35 },
		{ "PCMA", { "PCMA", 20, 0, 0 }, 8000, 8000, 8000, 35 },
		{ "PCMA in 40 ms", { "PCMA", 40, 0, 0 }, 8000, 8000, 8000, 35 },
		{ "G.722", { "G722", 20, 0, 0 }, 16000, 8000, 8000, 25 },
		{ "G.726", { "G726-32", 20, 0, 0 }, 8000, 4000, 4000, 20 },
		{ "G.726 in 30 ms", { "G726-32", 30, 0, 0 }, 8000, 3960, 3960, 20 },
		{ "Opus", { "opus", 20, 0, 5 }, 16000, 1500, 3500, 10 },
		{ "Opus, narrow", { "opus", 20, 12000, 5 }, 8000, 900, 2200, 8 },
		{ "Opus, full", { "opus", 20, 64000, 5 }, 48000, 4000, 10000, 15 },
		{ "Opus in 10 ms", { "opus", 10, 64000, 5 }, 48000, 4000, 10000, 15 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		chord(row->rate);

		int octets = there_and_back(&row->s, row->rate);
		double snr = measure_snr(g_sent, g_back, row->rate * SECOND, row->rate / 50);

		if (octets < row->octets_min || octets > row->octets_max || snr < row->snr)
			fail_msg("%s: %d octets, SNR %.1f dB", row->name, octets, snr);
	}
}

/* RFC 3551 4.5.4: the first of two codes has the low bits of the octet, the sign at the top of its four. */
static void test_g726_order(void **state)
{
	const struct encoder_settings settings = { .codec = "G726-32" };
	g726_state_t *one = g726_init(NULL, 32000, G726_ENCODING_LINEAR, G726_PACKING_NONE);
	struct encoder *e;
	uint8_t codes[160];

	(void)state;
	chord(8000);
	assert_int_equal(encoder_open(&e, &settings), 0);
	for (uint32_t at = 0; at < 8000; at += 160) {
		assert_int_equal(encoder_frame(e, g_sent + at, 160, g_packet, PACKET_MAX), 80);
		assert_int_equal(g726_encode(one, codes, g_sent + at, 160), 160);
		for (uint32_t i = 0; i < 80; i++)
			assert_int_equal(g_packet[i], codes[2 * i] | codes[2 * i + 1] << 4);
	}
	encoder_close(e);
	assert_int_equal(g726_free(one), 0);
}

static void test_defaults(void **state)
{
	struct encoder *e;

	(void)state;
	assert_int_equal(encoder_open(&e, &(struct encoder_settings){ .codec = "G722" }), 0);
	assert_int_equal(encoder_frame(e, g_sent, 320, g_packet, sizeof(g_packet)), 160);
	encoder_close(e);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		struct encoder_settings s;
	} rows[] = {
		{ "no such codec", { "GSM", 20, 0, 0 } },
		{ "too long", { "PCMU", 61, 0, 0 } },
		{ "G.722 at another rate", { "G722", 20, 56000, 0 } },
		{ "G.726 at another rate", { "G726-32", 20, 40000, 0 } },
		{ "Opus, long and complex", { "opus", 40, 0, 6 } },
		{ "Opus, very long and complex", { "opus", 60, 0, 3 } },
		{ "Opus, 15 ms", { "opus", 15, 0, 5 } },
		{ "Opus, 30 ms", { "opus", 30, 0, 0 } },
		{ "Opus, another rate", { "opus", 20, 0, 5, .rate = 44100 } },
		{ "Opus, another bandwidth", { "opus", 20, 0, 5, .bandwidth_hz = 7000 } },
		{ "Opus, too much loss", { "opus", 20, 0, 5, .loss_percent = 101 } },
		{ "G.711, wide", { "PCMA", 20, 0, 0, .rate = 16000 } },
		{ "G.722, too wide", { "G722", 20, 0, 0, .rate = 48000 } },
		{ "G.726, wide", { "G726-32", 20, 0, 0, .rate = 16000 } },
		{ "L16 of music", { "L16", 20, 0, 0, .rate = 44100 } },
		{ "Opus, too few bits", { "opus", 20, 5999, 5 } },
		{ "Opus, too many bits", { "opus", 20, 128001, 5 } },
		{ "Opus, too complex", { "opus", 20, 0, 11 } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct encoder *e = NULL;

		ROW_ASSERT(row->name, encoder_open(&e, &row->s) == -EINVAL);
		ROW_ASSERT(row->name, e == NULL);
	}
	encoder_close(NULL);
}

/* Neither a part of a packet, nor a packet that does not fit. */
static void test_a_packet_or_nothing(void **state)
{
	static const struct {
		const char *codec;
		uint32_t samples, octets;
	} rows[] = {
		{ "PCMU", 160, 160 },
		{ "PCMA", 160, 160 },
		{ "G722", 320, 160 },
		{ "G726-32", 160, 80 },
		{ "L16", 320, 640 },
		{ "opus", 320, 3 },
	}, *row;

	(void)state;
	chord(16000);
	EACH_ROW(row, rows)
	{
		struct encoder *e;

		assert_int_equal(
			encoder_open(&e, &(struct encoder_settings){ .codec = row->codec }), 0);
		memset(g_packet, 0x11, sizeof(g_packet));
		assert_int_equal(encoder_frame(e, g_sent, row->samples - 1, g_packet, PACKET_MAX),
				 -EINVAL);
		assert_int_equal(encoder_frame(e, g_sent, row->samples * 2, g_packet, PACKET_MAX),
				 -EINVAL);
		assert_int_equal(encoder_frame(e, g_sent, row->samples, g_packet, row->octets - 1),
				 -ENOSPC);
		assert_int_equal(g_packet[0], 0x11);
		assert_true(encoder_frame(e, g_sent, row->samples, g_packet, PACKET_MAX) > 0);
		encoder_close(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quality),
		cmocka_unit_test(test_g726_order),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_a_packet_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
