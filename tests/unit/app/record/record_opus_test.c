/* SPDX-License-Identifier: Apache-2.0 */
/* A WAV file as Opus: as long as it was, each side on its own side (20 dB), in each law and rate. */
#include "tests/unit/test.h"

#include <errno.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include <opus/opus.h>

#include "app/record/record_facts.h"
#include "app/record/record_opus.h"
#include "dsp/codec/g711.h"
#include "dsp/file/ogg.h"

enum { SAID_HZ = 440, HEARD_HZ = 1000, FILE_MAX = 1 << 20, SAMPLES_MAX = 48000 * 5, SKIP = 9600 };

static uint8_t g_file[FILE_MAX];
static int16_t g_pcm[SAMPLES_MAX * 2];
static struct ogg_packets g_packets;

static int16_t tone_at(uint32_t hz, uint32_t rate, uint32_t frame)
{
	return (int16_t)lrint(8000 * sin(2 * M_PI * hz * frame / rate));
}

static void sample_write(struct writer *w, enum wav_sound sound, int16_t sample)
{
	switch (sound) {
	case WAV_SOUND_ULAW:
		writer_u8(w, g711_ulaw_of(sample));
		return;
	case WAV_SOUND_ALAW:
		writer_u8(w, g711_alaw_of(sample));
		return;
	case WAV_SOUND_PCM:
		writer_u8(w, (uint8_t)sample);
		writer_u8(w, (uint8_t)((uint16_t)sample >> 8));
		return;
	}
}

static int wav_make(enum wav_sound sound, uint32_t rate, uint32_t frames)
{
	struct wav_head h = { .sound = sound, .rate = rate };
	struct writer w = writer_over(g_file, sizeof(g_file));
	int fd = memfd_create("wav", MFD_CLOEXEC);

	h.data_octets = frames * WAV_SIDES * wav_sound_octets(sound);
	wav_time_put(h.begun, 1795563723456);
	wav_head_write(g_file, &h);
	w.n = WAV_HEAD_LEN;
	for (uint32_t i = 0; i < frames; i++) {
		sample_write(&w, sound, tone_at(SAID_HZ, rate, i));
		sample_write(&w, sound, tone_at(HEARD_HZ, rate, i));
	}
	assert_false(w.overflow);
	assert_int_equal(pwrite(fd, g_file, w.n, 0), w.n);
	return fd;
}

/* What is in it, in g_pcm. */
static struct ogg opus_read(int fd)
{
	OpusDecoder *decoder = opus_decoder_create(OGG_RATE, 2, &(int){ 0 });
	ssize_t n = pread(fd, g_file, sizeof(g_file), 0);
	struct ogg_error error = { .reason = "" };
	struct bytes packet;
	struct ogg o = { 0 };
	size_t at, got = 0;

	assert_true(n > 0);
	if (ogg_parse(&o, bytes_mem(g_file, (size_t)n), &error))
		fail_msg("at %zu: %s", error.at, error.reason);
	ogg_packets_open(&g_packets, &o);
	while (ogg_packets_next(&g_packets, &packet, &at)) {
		int samples = opus_decode(decoder, packet.p, (opus_int32)packet.n, g_pcm + got * 2,
					  (int)(SAMPLES_MAX - got), 0);

		assert_true(samples > 0);
		got += (size_t)samples;
	}
	opus_decoder_destroy(decoder);
	assert_true(got >= o.pre_skip + o.samples);
	return o;
}

/* The power of a tone on a side, over whole tenths of a second behind the beginning. */
static double side_power(const struct ogg *o, unsigned side, uint32_t hz)
{
	const int16_t *pcm = g_pcm + (size_t)o->pre_skip * 2;
	size_t n = (o->samples - SKIP) / 4800 * 4800;
	double re = 0, im = 0;

	for (size_t i = 0; i < n; i++) {
		double at = 2 * M_PI * hz * (double)(i + SKIP) / OGG_RATE;
		double sample = pcm[(i + SKIP) * 2 + side];

		re += sample * cos(at);
		im += sample * sin(at);
	}
	return (re * re + im * im) / ((double)n * (double)n);
}

static void each_side_stays_itself(void **state)
{
	static const struct {
		const char *name;
		enum wav_sound sound;
		uint32_t rate, frames;
	} rows[] = {
		{ "mu-law", WAV_SOUND_ULAW, 8000, 16123 },
		{ "A-law", WAV_SOUND_ALAW, 8000, 16000 },
		{ "PCM of 16 kHz", WAV_SOUND_PCM, 16000, 32001 },
		{ "PCM of 8 kHz", WAV_SOUND_PCM, 8000, 15999 },
	};
	const struct record_opus_tags tags = { .count = 2, .of = { "CALL=x", "FROM=1001" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int from = wav_make(rows[i].sound, rows[i].rate, rows[i].frames);
		int to = memfd_create("opus", MFD_CLOEXEC);
		struct ogg o;

		ROW_ASSERT(rows[i].name, !record_opus_write(from, to, 7, &tags));
		o = opus_read(to);
		ROW_ASSERT(rows[i].name, o.channels == 2);
		ROW_ASSERT(rows[i].name,
			   o.samples == (uint64_t)rows[i].frames * (OGG_RATE / rows[i].rate));
		ROW_ASSERT(rows[i].name, memmem(o.file.p, o.file.n, "FROM=1001", 9));
		ROW_ASSERT(rows[i].name,
			   side_power(&o, 0, SAID_HZ) > 100 * side_power(&o, 0, HEARD_HZ));
		ROW_ASSERT(rows[i].name,
			   side_power(&o, 1, HEARD_HZ) > 100 * side_power(&o, 1, SAID_HZ));
		ROW_ASSERT(rows[i].name, side_power(&o, 0, SAID_HZ) > 8000.0 * 8000 / 8);
		(void)close(from);
		(void)close(to);
	}
}

/* No page is longer than a second, and each is whole. */
static void long_files_have_many_pages(void **state)
{
	const struct record_opus_tags tags = { 0 };
	int from = wav_make(WAV_SOUND_ULAW, 8000, 32000), to = memfd_create("opus", MFD_CLOEXEC);
	struct ogg_error error;
	struct ogg_page page = { 0 };
	uint64_t before = 0;
	unsigned pages = 0;
	struct ogg o;

	(void)state;
	assert_int_equal(record_opus_write(from, to, 7, &tags), 0);
	o = opus_read(to);
	for (page.end = o.audio; page.end < o.file.n; pages++) {
		assert_int_equal(ogg_page_read(&page, o.file, page.end, &error), 0);
		assert_true(page.granule > before && page.granule - before <= OGG_RATE);
		assert_int_equal(page.stream, 7);
		before = page.granule;
	}
	assert_int_equal(pages, 5);
	assert_int_equal(page.flags, OGG_LAST);
	(void)close(from);
	(void)close(to);
}

static void what_is_no_file_of_ours(void **state)
{
	const struct record_opus_tags tags = { 0 };
	int from = memfd_create("wav", MFD_CLOEXEC), to = memfd_create("opus", MFD_CLOEXEC);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(record_opus_write(from, to, 7, &tags), -EBADMSG);
	assert_int_equal(pwrite(from, "RIFF and more", 13, 0), 13);
	assert_int_equal(record_opus_write(from, to, 7, &tags), -EBADMSG);
	(void)close(from);
	from = wav_make(WAV_SOUND_ULAW, 8000, 8000);
	assert_true(record_opus_write(from, fileno(full), 7, &tags) < 0);
	(void)close(from);
	(void)close(to);
	(void)fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_side_stays_itself),
		cmocka_unit_test(long_files_have_many_pages),
		cmocka_unit_test(what_is_no_file_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
