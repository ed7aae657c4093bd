/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include <opus/opus.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "dsp/codec/g711.h"
#include "dsp/resample.h"
#include "tests/unit/dsp/measure.h"
#include "tests/unit/dsp/speech.h"

enum {
	SECONDS = 2,
	SAMPLES_MAX = CODEC_RATE_MAX * SECONDS,
	PACKET_MAX = 2000,
	GUARD = 64,
	GARBAGE = 2000, /* payloads a codec; TANDEM_PACKETS: so many */
};

static int16_t g_sent[SAMPLES_MAX], g_back[SAMPLES_MAX], g_other[SAMPLES_MAX];
static uint8_t g_packet[PACKET_MAX], g_big[CODEC_SAMPLES_MAX * 2 + 2];

static struct decoder *decoder_of(const char *codec, uint32_t rate)
{
	struct decoder *d = NULL;
	int err = decoder_open(&d, &(struct decoder_settings){ .codec = codec, .rate = rate });

	if (err)
		fail_msg("%s at %u: %d", codec, rate, err);
	return d;
}

static struct encoder *encoder_of(const struct encoder_settings *s)
{
	struct encoder *e = NULL;
	int err = encoder_open(&e, s);

	if (err)
		fail_msg("%s: %d", s->codec, err);
	return e;
}

static void speak(uint32_t rate)
{
	struct speech s = { .rate = rate };

	speech_make(&s, g_sent, (size_t)rate * SECONDS);
}

/* ---- formats ---- */

static void test_formats(void **state)
{
	static const struct {
		const char *codec;
		uint32_t asked, rate, clock;
	} rows[] = {
		{ "PCMU", 0, 8000, 8000 },       { "PCMA", 8000, 8000, 8000 },
		{ "G722", 0, 16000, 8000 },      { "G722", 8000, 8000, 8000 },
		{ "G726-32", 0, 8000, 8000 },    { "opus", 0, 48000, 48000 },
		{ "opus", 8000, 8000, 48000 },   { "opus", 24000, 24000, 48000 },
		{ "L16", 0, 16000, 16000 },      { "L16", 48000, 48000, 48000 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct decoder *d = decoder_of(row->codec, row->asked);
		struct encoder *e = encoder_of(
			&(struct encoder_settings){ .codec = row->codec, .rate = row->asked });
		struct codec_format to = decoder_format(d), from = encoder_format(e);

		assert_string_equal(to.codec, row->codec);
		assert_int_equal(to.rate, row->rate);
		assert_int_equal(to.clock, row->clock);
		assert_int_equal(to.samples, row->rate / 50);
		if (row->asked || strcmp(row->codec, "opus") != 0) /* which has its rate by bits */
			assert_true(from.rate == to.rate && from.samples == to.samples);
		assert_int_equal(from.clock, to.clock);
		decoder_close(d);
		encoder_close(e);
	}
}

static void test_not_opened(void **state)
{
	static const struct {
		const char *codec;
		uint32_t rate;
	} rows[] = {
		{ "GSM", 0 },     { "pcmu", 0 },      { "PCMU", 16000 }, { "G722", 48000 },
		{ "G726-32", 1 }, { "opus", 44100 }, { "L16", 7000 },   { "L16", 44100 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct decoder_settings s = { .codec = row->codec, .rate = row->rate };
		struct decoder *d = NULL;

		ROW_ASSERT(row->codec, decoder_open(&d, &s) == -EINVAL && !d);
	}
	decoder_close(NULL);
}

/* ---- known answers ---- */

static void test_g711(void **state)
{
	static const struct {
		const char *codec;
		int16_t (*sample)(uint8_t);
	} rows[] = { { "PCMU", g711_ulaw_sample }, { "PCMA", g711_alaw_sample } }, *row;
	uint8_t all[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	EACH_ROW(row, rows)
	{
		struct decoder *d = decoder_of(row->codec, 0);

		assert_int_equal(decoder_frame(d, bytes_mem(all, 256), g_back, 256), 256);
		for (int i = 0; i < 256; i++)
			assert_int_equal(g_back[i], row->sample((uint8_t)i));
		decoder_close(d);
	}
}

static void file_read(const char *name, void *out, size_t size)
{
	FILE *f = fopen(name, "rb");

	if (!f)
		fail_msg("%s is not there", name);
	assert_int_equal(fread(out, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* Against another implementation, in packets of 20 ms and all at once; both ways. */
static void test_g722(void **state)
{
	static uint8_t code[8000], made[8000];
	struct decoder *d = decoder_of("G722", 0);
	struct encoder *e = encoder_of(&(struct encoder_settings){ .codec = "G722" });

	(void)state;
	file_read("data/g722/code.g722", code, sizeof(code));
	file_read("data/g722/in.raw", g_sent, 32000);
	file_read("data/g722/out.raw", g_other, 32000); /* this machine is little-endian, too */
	for (int at = 0; at < 8000; at += 160) {
		struct bytes packet = bytes_mem(code + at, 160);

		assert_int_equal(encoder_frame(e, g_sent + 2 * at, 320, made + at, 160), 160);
		assert_int_equal(decoder_frame(d, packet, g_back + 2 * at, 320), 320);
	}
	assert_memory_equal(made, code, sizeof(code));
	assert_memory_equal(g_back, g_other, 32000);
	assert_int_equal(decoder_reset(d), 0);
	assert_int_equal(decoder_frame(d, bytes_mem(code, 960), g_back, 1920), 1920);
	assert_memory_equal(g_back, g_other, 3840);
	decoder_close(d);
	encoder_close(e);
}

/* RFC 3551 4.5.11: the upper octet first. */
static void test_l16(void **state)
{
	static const uint8_t octets[] = { 0x12, 0x34, 0xff, 0xfe, 0x80, 0x00, 0x7f, 0xff };
	static const int16_t samples[] = { 0x1234, -2, INT16_MIN, INT16_MAX };
	struct decoder *d = decoder_of("L16", 8000);
	struct encoder *e = encoder_of(&(struct encoder_settings){ .codec = "L16", .rate = 8000 });

	(void)state;
	assert_int_equal(decoder_frame(d, bytes_mem(octets, 8), g_back, 4), 4);
	assert_memory_equal(g_back, samples, sizeof(samples));
	memset(g_sent, 0, 160 * sizeof(g_sent[0]));
	memcpy(g_sent, samples, sizeof(samples));
	assert_int_equal(encoder_frame(e, g_sent, 160, g_packet, PACKET_MAX), 320);
	assert_memory_equal(g_packet, octets, sizeof(octets));
	decoder_close(d);
	encoder_close(e);
}

/* ---- voices ---- */

/* Through both; each packet has as many samples as it should. */
static void there_and_back(const struct encoder_settings *s)
{
	struct encoder *e = encoder_of(s);
	struct codec_format format = encoder_format(e);
	struct decoder *d = decoder_of(s->codec, format.rate);
	uint32_t all = format.rate * SECONDS, n = format.samples;

	speak(format.rate);
	memset(g_back, 0, all * sizeof(g_back[0]));
	for (uint32_t at = 0; at + n <= all; at += n) {
		int octets = encoder_frame(e, g_sent + at, n, g_packet, PACKET_MAX);

		assert_true(octets > 0);
		assert_int_equal(decoder_frame(d, bytes_mem(g_packet, (size_t)octets), g_back + at,
					       CODEC_SAMPLES_MAX),
				 n);
	}
	encoder_close(e);
	decoder_close(d);
}

static void test_voices(void **state)
{
	static const struct {
		const char *name;
		struct encoder_settings s;
		uint32_t rate;
		double snr; /* dB; 6 are a correlation of 0.89. Hiss comes back as another hiss. */
	} rows[] = {
		{ "PCMU", { "PCMU" }, 8000, 34 },
		{ "PCMA", { "PCMA" }, 8000, 34 },
		{ "G.722", { "G722" }, 16000, 20 },
		{ "G.722, lower band", { "G722", .rate = 8000 }, 8000, 16 },
		{ "G.726", { "G726-32" }, 8000, 13 },
		{ "L16", { "L16", .rate = 48000 }, 48000, 90 },
		{ "Opus 8", { "opus", 20, 12000, 5, .voice = true }, 8000, 6 },
		{ "Opus 16", { "opus", 20, 20000, 5, .voice = true }, 16000, 6 },
		{ "Opus 24", { "opus", 20, 24000, 5, .rate = 24000 }, 24000, 6 },
		{ "Opus 48", { "opus", 20, 28000, 5 }, 48000, 6 },
		{ "Opus 48, CELT", { "opus", 20, 64000, 5 }, 48000, 6 },
		{ "Opus 16, simple", { "opus", 20, 20000, 0 }, 16000, 6 },
		{ "Opus 16, complex", { "opus", 20, 20000, 10 }, 16000, 6 },
		{ "Opus in 10 ms", { "opus", 10, 20000, 5 }, 16000, 6 },
		{ "Opus in 40 ms", { "opus", 40, 20000, 5 }, 16000, 6 },
		{ "Opus in 60 ms", { "opus", 60, 20000, 2 }, 16000, 6 },
		{ "Opus in 60 ms, narrow", { "opus", 60, 12000, 10 }, 8000, 6 },
		{ "Opus for loss", { "opus", 20, 20000, 5, .loss_percent = 15 }, 16000, 6 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		there_and_back(&row->s);

		double snr = measure_snr(g_sent, g_back, row->rate, row->rate / 100);

		if (snr < row->snr)
			fail_msg("%s: SNR %.1f dB", row->name, snr);
	}
}

/* The lower band alone on one side, both on the other: the same voice below 4,000 Hz. */
static void test_g722_lower_band(void **state)
{
	static const struct {
		uint32_t from, to;
	} rows[] = { { 8000, 16000 }, { 16000, 8000 } }, *row;
	static int16_t narrow[8000 * SECONDS];

	(void)state;
	EACH_ROW(row, rows)
	{
		struct encoder *e = encoder_of(
			&(struct encoder_settings){ .codec = "G722", .rate = row->from });
		struct decoder *d = decoder_of("G722", row->to);
		uint32_t n = row->from / 50, all = row->from * SECONDS;

		speak(row->from);
		for (uint32_t at = 0; at < all; at += n) {
			assert_int_equal(encoder_frame(e, g_sent + at, n, g_packet, 160), 160);
			assert_int_equal(decoder_frame(d, bytes_mem(g_packet, 160),
						       g_back + at / n * row->to / 50, 320),
					 row->to / 50);
		}
		if (row->to == 8000) {
			assert_int_equal(resample_whole(g_sent, all, 16000, narrow, 8000), 0);
			assert_true(measure_snr(narrow, g_back, 8000, 80) > 12);
		} else {
			assert_int_equal(resample_whole(g_back, 32000, 16000, narrow, 8000), 0);
			assert_true(measure_snr(g_sent, narrow, 8000, 80) > 12);
		}
		encoder_close(e);
		decoder_close(d);
	}
}

/* A packet of any bandwidth at any rate. */
static void test_opus_rates(void **state)
{
	static const uint32_t rates[] = { 8000, 12000, 16000, 24000, 48000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		for (size_t k = 0; k < COUNT_OF(rates); k++) {
			struct encoder *e = encoder_of(&(struct encoder_settings){
				"opus", 20, 24000, 0, .rate = rates[i] });
			struct decoder *d = decoder_of("opus", rates[k]);
			uint32_t n = rates[i] / 50;

			speak(rates[i]);
			for (uint32_t at = 0; at < 10; at++) {
				int octets =
					encoder_frame(e, g_sent + at * n, n, g_packet, PACKET_MAX);

				assert_true(octets > 0);
				assert_int_equal(decoder_frame(d,
							       bytes_mem(g_packet, (size_t)octets),
							       g_back, CODEC_SAMPLES_MAX),
						 rates[k] / 50);
			}
			encoder_close(e);
			decoder_close(d);
		}
	}
}

/* A stereo packet is mixed: what is on the left alone comes at half of its size. */
static void test_opus_stereo(void **state)
{
	int err = 0;
	OpusEncoder *e = opus_encoder_create(48000, 2, OPUS_APPLICATION_AUDIO, &err);
	struct decoder *d = decoder_of("opus", 48000);
	const uint32_t n = 960, all = CODEC_RATE_MAX;
	static int16_t both[2 * CODEC_RATE_MAX];

	(void)state;
	assert_int_equal(err, OPUS_OK);
	assert_int_equal(opus_encoder_ctl(e, OPUS_SET_BITRATE(128000)), OPUS_OK);
	assert_int_equal(opus_encoder_ctl(e, OPUS_SET_FORCE_CHANNELS(2)), OPUS_OK);
	speak(48000);
	for (uint32_t i = 0; i < all; i++)
		both[2 * i] = g_sent[i];
	for (uint32_t at = 0; at + n <= all; at += n) {
		int octets = opus_encode(e, both + 2 * at, (int)n, g_packet, PACKET_MAX);
		struct bytes packet = bytes_mem(g_packet, (size_t)octets);

		assert_true(octets > 0);
		assert_int_equal(opus_packet_get_nb_channels(g_packet), 2);
		assert_int_equal(decoder_frame(d, packet, g_back + at, CODEC_SAMPLES_MAX), n);
	}
	assert_true(measure_snr(g_sent, g_back, all, 480) > 9);

	double gain = measure_rms(g_back, all) / measure_rms(g_sent, all);

	assert_true(gain > 0.45 && gain < 0.55);
	opus_encoder_destroy(e);
	decoder_close(d);
}

/* ---- any length ---- */

/* What is cut into pieces of any length is decoded as in packets of 20 ms. */
static void test_pieces(void **state)
{
	static const struct {
		const char *codec;
		uint32_t rate, octets_ms, piece; /* octets */
	} rows[] = {
		{ "PCMU", 8000, 8, 1 },       { "PCMA", 8000, 8, 7 },    { "G722", 16000, 8, 1 },
		{ "G722", 16000, 8, 333 },    { "G722", 8000, 8, 41 },   { "G726-32", 8000, 4, 13 },
		{ "L16", 16000, 32, 2 },      { "L16", 48000, 96, 190 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint32_t all = row->octets_ms * 120;
		struct decoder *whole = decoder_of(row->codec, row->rate);
		struct decoder *pieces = decoder_of(row->codec, row->rate);
		int n, got = 0;

		for (uint32_t i = 0; i < all + 2; i++)
			g_big[i] = (uint8_t)(i * 57 + i / 7);
		n = decoder_frame(whole, bytes_mem(g_big, all), g_back, CODEC_SAMPLES_MAX);
		assert_int_equal(n, row->rate * 120 / 1000);
		for (uint32_t at = 0; at < all; at += row->piece)
			got += decoder_frame(pieces,
					     bytes_sub(bytes_mem(g_big, all), at, row->piece),
					     g_other + got, CODEC_SAMPLES_MAX);
		assert_int_equal(got, n);
		assert_memory_equal(g_back, g_other, (size_t)n * sizeof(g_back[0]));
		assert_int_equal(decoder_frame(whole, bytes_mem(g_big, all + 2), g_back,
					       SAMPLES_MAX),
				 -EBADMSG); /* 120 ms and a bit */
		decoder_close(whole);
		decoder_close(pieces);
	}
}

/* Six frames of 20 ms in a packet; seven are too many (RFC 6716 3.2.5). */
static void test_opus_long(void **state)
{
	struct encoder *e = encoder_of(&(struct encoder_settings){ "opus", 20, 20000, 0 });
	struct decoder *d = decoder_of("opus", 16000);
	OpusRepacketizer *r = opus_repacketizer_create();
	static uint8_t frames[6][PACKET_MAX];

	(void)state;
	speak(16000);
	for (int i = 0; i < 6; i++) {
		int n = encoder_frame(e, g_sent + 320 * i, 320, frames[i], PACKET_MAX);

		assert_true(n > 0);
		assert_int_equal(opus_repacketizer_cat(r, frames[i], n), OPUS_OK);
	}

	int octets = opus_repacketizer_out(r, g_packet, PACKET_MAX);
	struct bytes packet = bytes_mem(g_packet, octets > 0 ? (size_t)octets : 0);

	assert_int_equal(decoder_frame(d, packet, g_back, CODEC_SAMPLES_MAX), 1920);
	assert_int_equal(decoder_frame(d, packet, g_back, 1919), -ENOSPC);
	assert_int_equal(packet.p[0] & 3, 3);
	g_packet[1] = (uint8_t)((g_packet[1] & 0xc0) | 7);
	assert_int_equal(decoder_frame(d, packet, g_back, CODEC_SAMPLES_MAX), -EBADMSG);
	opus_repacketizer_destroy(r);
	encoder_close(e);
	decoder_close(d);
}

/* ---- what is malformed ---- */

static void test_malformed(void **state)
{
	static const struct {
		const char *name, *codec;
		struct bytes payload;
	} rows[] = {
		{ "nothing", "PCMU", { 0 } },
		{ "nothing", "G722", { 0 } },
		{ "nothing", "G726-32", { 0 } },
		{ "nothing", "L16", { 0 } },
		{ "nothing", "opus", { 0 } },
		{ "half a sample", "L16", { (const uint8_t *)"abc", 3 } },
		{ "code 1, odd", "opus", { (const uint8_t *)"\x41"
							    "ab",
					   4 } },
		{ "code 2, too long", "opus", { (const uint8_t *)"\x42\xc8"
								 "a",
						3 } },
		{ "code 3, no frame", "opus", { (const uint8_t *)"\x43\x00"
								 "a",
						3 } },
		{ "code 3, no count", "opus", { (const uint8_t *)"\x43", 1 } },
		{ "code 3, padding alone", "opus", { (const uint8_t *)"\x43\x41\xff", 3 } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct decoder *d = decoder_of(row->codec, 0), *clean = decoder_of(row->codec, 0);
		struct encoder *e = encoder_of(&(struct encoder_settings){
			.codec = row->codec, .rate = decoder_format(d).rate });
		uint32_t n = encoder_format(e).samples;

		speak(decoder_format(d).rate);
		for (uint32_t i = 0; i < 5; i++) {
			int octets = encoder_frame(e, g_sent + i * n, n, g_packet, PACKET_MAX);
			struct bytes good = bytes_mem(g_packet, (size_t)octets);

			ROW_ASSERT(row->name, decoder_frame(d, row->payload, g_back,
							    CODEC_SAMPLES_MAX) == -EBADMSG);
			assert_int_equal(decoder_frame(d, good, g_back, n), n);
			assert_int_equal(decoder_frame(clean, good, g_other, n), n);
			assert_memory_equal(g_back, g_other, n * sizeof(g_back[0]));
		}
		decoder_close(d);
		decoder_close(clean);
		encoder_close(e);
	}
}

/* What is as it should be, decoded after whatever came. */
static void check_usable(struct decoder *d, struct decoder *fresh, struct bytes good)
{
	int n = decoder_frame(d, good, g_back, CODEC_SAMPLES_MAX);

	assert_int_equal(n, decoder_format(d).samples);
	assert_int_equal(decoder_reset(d), 0);
	assert_int_equal(decoder_reset(fresh), 0);
	assert_int_equal(decoder_frame(d, good, g_back, CODEC_SAMPLES_MAX), n);
	assert_int_equal(decoder_frame(fresh, good, g_other, CODEC_SAMPLES_MAX), n);
	assert_memory_equal(g_back, g_other, (size_t)n * sizeof(g_back[0]));
}

static uint32_t g_seed = 1;

static uint32_t chance(uint32_t below)
{
	g_seed = g_seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)g_seed * below >> 32);
}

/* Both hear the same: they say the same, and nothing behind what they were given. */
static void garbage_try(struct decoder *a, struct decoder *b)
{
	uint32_t octets = chance(16) ? chance(200) : chance(2000);
	uint32_t cap = chance(4) ? CODEC_SAMPLES_MAX : chance(CODEC_SAMPLES_MAX);
	struct bytes payload = bytes_mem(g_big, octets);

	for (uint32_t i = 0; i < octets; i++)
		g_big[i] = (uint8_t)chance(256);
	memset(g_back + cap, 0x11, GUARD * sizeof(g_back[0]));

	int n = decoder_frame(a, payload, g_back, cap);

	assert_true(n == -EBADMSG || n == -ENOSPC || (n > 0 && (uint32_t)n <= cap));
	for (uint32_t i = 0; i < GUARD; i++)
		assert_int_equal(g_back[cap + i], 0x1111);
	assert_int_equal(decoder_frame(b, payload, g_other, cap), n);
	if (n > 0)
		assert_memory_equal(g_back, g_other, (size_t)n * sizeof(g_back[0]));
}

static void test_garbage(void **state)
{
	static const struct decoder_settings rows[] = {
		{ "PCMU", 0 }, { "PCMA", 0 },    { "G722", 0 },     { "G722", 8000 }, { "G726-32", 0 },
		{ "L16", 0 },  { "opus", 8000 }, { "opus", 16000 }, { "opus", 48000 },
	}, *row;
	const char *asked = getenv("TANDEM_PACKETS");
	int payloads = asked ? atoi(asked) : GARBAGE;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct decoder *d = decoder_of(row->codec, row->rate);
		struct decoder *same = decoder_of(row->codec, row->rate);
		uint32_t rate = decoder_format(d).rate, n = decoder_format(d).samples;
		struct encoder *e =
			encoder_of(&(struct encoder_settings){ .codec = row->codec, .rate = rate });

		speak(rate);

		int octets = encoder_frame(e, g_sent + n, n, g_packet, PACKET_MAX);

		for (int i = 0; i < payloads; i++)
			garbage_try(d, same);
		check_usable(d, same, bytes_mem(g_packet, (size_t)octets));
		encoder_close(e);
		decoder_close(d);
		decoder_close(same);
	}
}

/* ---- what is lost ---- */

enum lost_by { BY_ZERO, BY_CONCEALING, BY_RECOVERING };

static int lost_make(struct decoder *d, enum lost_by by, struct bytes next, int16_t *out,
		     uint32_t n)
{
	switch (by) {
	case BY_ZERO:
		memset(out, 0, n * sizeof(*out));
		return (int)n;
	case BY_CONCEALING:
		return decoder_conceal(d, out, n);
	case BY_RECOVERING:
		return decoder_recover(d, next, out, n);
	}
	return -1;
}

/* Every fifth packet does not come. SNR of what was made in its place, at the lag of the whole. */
static double lost_snr(enum lost_by by)
{
	struct encoder *e = encoder_of(&(struct encoder_settings){
		"opus", 20, 24000, 5, .rate = 16000, .loss_percent = 20, .voice = true });
	struct decoder *d = decoder_of("opus", 16000), *all = decoder_of("opus", 16000);
	const uint32_t n = 320;
	double signal = 0, noise = 0;
	bool is_lost = false;

	speak(16000);
	for (uint32_t i = 0; i < 100; i++) {
		int octets = encoder_frame(e, g_sent + i * n, n, g_packet, PACKET_MAX);
		struct bytes packet = bytes_mem(g_packet, octets > 0 ? (size_t)octets : 0);

		if (is_lost) {
			assert_int_equal(lost_make(d, by, packet, g_back, n), n);
			for (uint32_t k = 0; k < n; k++) {
				double x = g_other[k], y = x - g_back[k];

				signal += x * x;
				noise += y * y;
			}
		}
		/* as it would have been */
		assert_int_equal(decoder_frame(all, packet, g_other, n), n);
		is_lost = i % 5 == 4;
		if (!is_lost)
			assert_int_equal(decoder_frame(d, packet, g_back, n), n);
	}
	encoder_close(e);
	decoder_close(d);
	decoder_close(all);
	return 10 * log10(signal / noise);
}

static void test_lost(void **state)
{
	double zero = lost_snr(BY_ZERO), concealed = lost_snr(BY_CONCEALING),
	       recovered = lost_snr(BY_RECOVERING);

	(void)state;
	if (zero > 0.1 || concealed < zero + 1 || recovered < concealed + 3)
		fail_msg("zero %.1f dB, concealed %.1f, recovered %.1f", zero, concealed,
			 recovered);
}

/* Whole steps of 2.5 ms up to 120 ms; codecs that have no means say so. */
static void test_lost_lengths(void **state)
{
	static const struct {
		const char *codec;
		uint32_t rate, samples;
		int want;
	} rows[] = {
		{ "opus", 16000, 40, 40 },       { "opus", 16000, 320, 320 },
		{ "opus", 48000, 5760, 5760 },   { "opus", 48000, 5880, -EINVAL },
		{ "opus", 16000, 0, -EINVAL },   { "opus", 16000, 321, -EINVAL },
		{ "PCMU", 8000, 160, -ENOTSUP }, { "G722", 16000, 320, -ENOTSUP },
		{ "L16", 16000, 320, -ENOTSUP },
	}, *row;
	static const uint8_t TOC[] = { 0x48 }, BAD[] = { 0x43 };

	(void)state;
	EACH_ROW(row, rows)
	{
		struct decoder *d = decoder_of(row->codec, row->rate);

		ROW_ASSERT(row->codec, decoder_conceal(d, g_back, row->samples) == row->want);
		ROW_ASSERT(row->codec, decoder_recover(d, bytes_mem(TOC, 1), g_back,
						       row->samples) == row->want);
		if (row->want > 0)
			ROW_ASSERT(row->codec, decoder_recover(d, bytes_mem(BAD, 1), g_back,
							       row->samples) == -EBADMSG);
		decoder_close(d);
	}
}

/* Silence of two seconds is a handful of packets; what comes between is not lost. */
static void test_pauses(void **state)
{
	struct encoder *e = encoder_of(
		&(struct encoder_settings){ "opus", 20, 20000, 5, .dtx = true, .voice = true });
	struct decoder *d = decoder_of("opus", 16000);
	static const uint8_t SHORT[] = { 0x48, 0 };
	int sent = 0, quiet = 0;

	(void)state;
	speak(16000);
	memset(g_sent + 16000, 0, 16000 * sizeof(g_sent[0]));
	for (uint32_t at = 0; at < 16000 * SECONDS; at += 320) {
		int n = encoder_frame(e, g_sent + at, 320, g_packet, PACKET_MAX);

		assert_true(n >= 0);
		if (n == 0) {
			quiet++;
			assert_int_equal(decoder_conceal(d, g_back, 320), 320);
			continue;
		}
		sent += at >= 16000;
		assert_false(decoder_pauses(d, bytes_mem(g_packet, (size_t)n)));
		assert_int_equal(decoder_frame(d, bytes_mem(g_packet, (size_t)n), g_back, 320),
				 320);
	}
	assert_true(sent < 20 && quiet > 30);
	for (size_t n = 1; n <= 2; n++) {
		assert_true(decoder_pauses(d, bytes_mem(SHORT, n)));
		assert_int_equal(decoder_frame(d, bytes_mem(SHORT, n), g_back, 320), 320);
	}
	encoder_close(e);
	decoder_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_not_opened),
		cmocka_unit_test(test_g711),
		cmocka_unit_test(test_g722),
		cmocka_unit_test(test_l16),
		cmocka_unit_test(test_voices),
		cmocka_unit_test(test_g722_lower_band),
		cmocka_unit_test(test_opus_rates),
		cmocka_unit_test(test_opus_stereo),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_opus_long),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_lost_lengths),
		cmocka_unit_test(test_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
