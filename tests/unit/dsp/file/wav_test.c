/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <math.h>

#include "dsp/file/wav.h"

enum { FILE_MAX = 512 };

struct made {
	uint8_t octets[FILE_MAX];
	struct writer w;
};

static void put_le(struct writer *w, uint64_t v, int octets)
{
	/* a chunk may say more octets than a number has */
	for (int i = 0; i < octets; i++)
		writer_u8(w, (uint8_t)(i < 8 ? v >> (8 * i) : 0));
}

static void put_chunk(struct made *m, const char *name, uint32_t size)
{
	writer_str(&m->w, name);
	put_le(&m->w, size, 4);
}

static void put_riff(struct made *m)
{
	m->w = writer_over(m->octets, sizeof(m->octets));
	put_chunk(m, "RIFF", 0);
	writer_str(&m->w, "WAVE");
}

static void put_fmt(struct made *m, uint16_t tag, uint16_t channels, uint32_t rate, uint16_t bits)
{
	put_chunk(m, "fmt ", 16);
	put_le(&m->w, tag, 2);
	put_le(&m->w, channels, 2);
	put_le(&m->w, rate, 4);
	put_le(&m->w, rate * channels * bits / 8, 4);
	put_le(&m->w, channels * bits / 8, 2);
	put_le(&m->w, bits, 2);
}

static struct bytes made_file(const struct made *m)
{
	assert_false(m->w.overflow);
	return writer_done(&m->w);
}

static struct wav read_ok(const struct made *m)
{
	struct wav w;
	struct wav_error error = { 0 };

	if (wav_parse(&w, made_file(m), &error))
		fail_msg("at %zu: %s", error.at, error.reason);
	return w;
}

#define OCTETS(...) \
	bytes_mem((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* Two samples of each kind: what they become. */
static void test_formats(void **state)
{
	const struct {
		const char *name;
		uint16_t tag, bits;
		struct bytes data;
		int16_t want[2];
		enum wav_format format;
	} rows[] = {
		{ "8 bits are unsigned", 1, 8, OCTETS(0x80, 0xff), { 0, 0x7f00 }, WAV_PCM },
		{ "8 bits, below", 1, 8, OCTETS(0x00, 0x7f), { -32768, -256 }, WAV_PCM },
		{ "16", 1, 16, OCTETS(0x34, 0x12, 0x00, 0x80), { 0x1234, -32768 }, WAV_PCM },
		{ "24, rounded", 1, 24, OCTETS(0x7f, 0x34, 0x12, 0x80, 0x34, 0x12), { 0x1234, 0x1235 }, WAV_PCM },
		{ "24, the loudest", 1, 24, OCTETS(0xff, 0xff, 0x7f, 0x00, 0x00, 0x80), { 32767, -32768 }, WAV_PCM },
		{ "32", 1, 32, OCTETS(0, 0, 0x34, 0x12, 0xff, 0xff, 0xff, 0xff), { 0x1234, 0 }, WAV_PCM },
		{ "float", 3, 32, OCTETS(0, 0, 0, 0x3f, 0, 0, 0, 0xbf), { 16384, -16384 }, WAV_FLOAT },
		{ "float beyond 1", 3, 32, OCTETS(0, 0, 0, 0x40, 0, 0, 0x80, 0xff), { 32767, -32768 }, WAV_FLOAT },
		{ "float, no number", 3, 32, OCTETS(0, 0, 0xc0, 0x7f, 0, 0, 0xc0, 0xff), { 0, 0 }, WAV_FLOAT },
		{ "double", 3, 64, OCTETS(0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0, 0, 0, 0, 0, 0, 0xe0, 0xbf),
		  { 16384, -16384 }, WAV_FLOAT },
		{ "A-law", 6, 8, OCTETS(0xd5, 0x2a), { 8, -32256 }, WAV_ALAW },
		{ "mu-law", 7, 8, OCTETS(0xff, 0x80), { 0, 32124 }, WAV_ULAW },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct made m;
		int16_t pcm[2];

		put_riff(&m);
		put_fmt(&m, row->tag, 1, 16000, row->bits);
		put_chunk(&m, "data", (uint32_t)row->data.n);
		writer_bytes(&m.w, row->data);

		struct wav w = read_ok(&m);

		ROW_ASSERT(row->name,
			   w.format == row->format && w.rate == 16000 && w.channels == 1);
		ROW_ASSERT(row->name, w.samples == 2 && w.bits == row->bits);
		wav_read(&w, 0, pcm, 2);
		if (memcmp(pcm, row->want, sizeof(pcm)) != 0)
			fail_msg("%s: %d and %d", row->name, pcm[0], pcm[1]);
	}
}

/* The mean of a sample's channels; what is no whole sample is left out. */
static void test_channels(void **state)
{
	struct made m;
	int16_t pcm[2];

	(void)state;
	put_riff(&m);
	put_fmt(&m, 1, 3, 8000, 16);
	put_chunk(&m, "data", 15);
	writer_bytes(&m.w, OCTETS(0x00, 0x10, 0x00, 0x20, 0x00, 0x30, 0x00, 0x80, 0x00, 0x80, 0xff,
				  0x7f, 9, 9, 9));

	struct wav w = read_ok(&m);

	assert_int_equal(w.samples, 2);
	assert_int_equal(w.data.n, 12);
	wav_read(&w, 0, pcm, 2);
	assert_int_equal(pcm[0], 0x2000);
	assert_int_equal(pcm[1], -10923);
	wav_read(&w, 1, pcm, 1);
	assert_int_equal(pcm[0], -10923);
}

static void put_extensible(struct made *m, uint16_t tag, uint8_t guid_last)
{
	put_chunk(m, "fmt ", 40);
	put_le(&m->w, 0xfffe, 2);
	put_le(&m->w, 2, 2);
	put_le(&m->w, 48000, 4);
	put_le(&m->w, 48000 * 6, 4);
	put_le(&m->w, 6, 2);
	put_le(&m->w, 24, 2);
	put_le(&m->w, 22, 2); /* of the extension */
	put_le(&m->w, 20, 2); /* bits that mean something: the upper ones */
	put_le(&m->w, 3, 4);
	put_le(&m->w, tag, 2);
	writer_bytes(&m->w,
		     OCTETS(0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, guid_last));
}

static void test_extensible(void **state)
{
	struct made m;
	int16_t pcm[1];

	(void)state;
	put_riff(&m);
	put_extensible(&m, 1, 0x71);
	put_chunk(&m, "data", 6);
	writer_bytes(&m.w, OCTETS(0, 0, 0x40, 0, 0, 0x20));

	struct wav w = read_ok(&m);

	assert_int_equal(w.format, WAV_PCM);
	assert_int_equal(w.bits, 24);
	wav_read(&w, 0, pcm, 1);
	assert_int_equal(pcm[0], 0x3000);
}

/* Also where a chunk has an odd size, and behind the samples. */
static void test_other_chunks_are_skipped(void **state)
{
	struct made m;
	int16_t pcm[1];

	(void)state;
	put_riff(&m);
	put_chunk(&m, "LIST", 5);
	writer_str(&m.w, "datax");
	writer_u8(&m.w, 0);
	put_fmt(&m, 1, 1, 8000, 16);
	put_chunk(&m, "fact", 4);
	put_le(&m.w, 1, 4);
	put_chunk(&m, "data", 2);
	put_le(&m.w, 0x1234, 2);
	put_chunk(&m, "LIST", 999999);

	struct wav w = read_ok(&m);

	assert_int_equal(w.samples, 1);
	wav_read(&w, 0, pcm, 1);
	assert_int_equal(pcm[0], 0x1234);
}

/* Written by who could not seek. */
static void test_size_unknown(void **state)
{
	struct made m;

	(void)state;
	put_riff(&m);
	put_fmt(&m, 1, 1, 8000, 16);
	put_chunk(&m, "data", UINT32_MAX);
	put_le(&m.w, 0, 8);
	assert_int_equal(read_ok(&m).samples, 4);
}

static void make_adpcm(struct made *m)
{
	put_fmt(m, 2, 1, 8000, 4);
}

static void make_12_bits(struct made *m)
{
	put_fmt(m, 1, 1, 8000, 12);
}

static void make_no_channels(struct made *m)
{
	put_fmt(m, 1, 0, 8000, 16);
}

static void make_many_channels(struct made *m)
{
	put_fmt(m, 1, 9, 8000, 16);
}

static void make_slow(struct made *m)
{
	put_fmt(m, 1, 1, 3999, 16);
}

static void make_fast(struct made *m)
{
	put_fmt(m, 1, 1, 192001, 16);
}

static void make_odd_block(struct made *m)
{
	put_fmt(m, 1, 1, 8000, 16);
	m->octets[12 + 8 + 12] = 4;
}

static void make_short_fmt(struct made *m)
{
	put_chunk(m, "fmt ", 15);
	put_le(&m->w, 1, 16);
}

static void make_short_extension(struct made *m)
{
	put_fmt(m, 0xfffe, 1, 8000, 16);
}

static void make_other_guid(struct made *m)
{
	put_extensible(m, 1, 0x72);
}

static void make_nothing(struct made *m)
{
	(void)m;
}

static void make_half_a_head(struct made *m)
{
	writer_str(&m->w, "data");
}

static void make_data_first(struct made *m)
{
	put_chunk(m, "data", 2);
	put_le(&m->w, 0, 2);
}

static void make_half_the_data(struct made *m)
{
	put_fmt(m, 1, 1, 8000, 16);
	put_chunk(m, "data", 10);
	put_le(&m->w, 0, 8);
}

/* A file of which more comes: as it will be, from its beginning. */
static void test_head(void **state)
{
	struct wav_error error;
	struct made m;
	struct wav w;

	(void)state;
	put_riff(&m);
	make_half_the_data(&m);
	assert_int_equal(wav_parse(&w, writer_done(&m.w), &error), -EBADMSG);
	assert_int_equal(wav_parse_head(&w, writer_done(&m.w), &error), 0);
	assert_int_equal(w.samples, 5);
	assert_int_equal(w.data.n, 10);
	for (size_t n = 0; n < m.w.n - 8; n++)
		assert_int_equal(wav_parse_head(&w, bytes_sub(writer_done(&m.w), 0, n), &error),
				 -EBADMSG);
	assert_int_equal(wav_parse_head(&w, bytes_sub(writer_done(&m.w), 0, m.w.n - 8), &error), 0);
}

static void make_empty_data(struct made *m)
{
	put_fmt(m, 1, 2, 8000, 16);
	put_chunk(m, "data", 3);
	put_le(&m->w, 0, 4);
}

static void make_chunk_beyond(struct made *m)
{
	put_fmt(m, 1, 1, 8000, 16);
	put_chunk(m, "LIST", 0xfffffff0);
}

static void test_refused(void **state)
{
	static const struct {
		void (*make)(struct made *m);
		size_t at;
		const char *reason;
	} rows[] = {
		{ make_adpcm, 20, "neither PCM of 8 to 32 bits, nor float, nor G.711" },
		{ make_12_bits, 20, "neither PCM of 8 to 32 bits, nor float, nor G.711" },
		{ make_no_channels, 22, "not 1 to 8 channels" },
		{ make_many_channels, 22, "not 1 to 8 channels" },
		{ make_slow, 24, "not 4000 to 192000 samples a second" },
		{ make_fast, 24, "not 4000 to 192000 samples a second" },
		{ make_odd_block, 32, "block size is not that of its samples" },
		{ make_short_fmt, 20, "fmt chunk too short" },
		{ make_short_extension, 20, "fmt chunk too short for WAVE_FORMAT_EXTENSIBLE" },
		{ make_other_guid, 44, "unknown sub-format" },
		{ make_nothing, 12, "ends before its data chunk" },
		{ make_half_a_head, 12, "ends within the head of a chunk" },
		{ make_data_first, 20, "data chunk before the fmt chunk" },
		{ make_half_the_data, 52, "ends within its data chunk" },
		{ make_empty_data, 44, "no samples" },
		{ make_chunk_beyond, 44, "ends before its data chunk" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct made m;
		struct wav w = { .rate = 77 };
		struct wav_error error = { 0 };

		put_riff(&m);
		row->make(&m);
		ROW_ASSERT(row->reason, wav_parse(&w, made_file(&m), &error) == -EBADMSG);
		assert_string_equal(error.reason, row->reason);
		assert_int_equal(error.at, row->at);
		ROW_ASSERT(row->reason, w.rate == 77);
	}
}

static void test_no_wav(void **state)
{
	static const struct {
		const char *file;
		size_t at;
		const char *reason;
	} rows[] = {
		{ "", 0, "too short for a WAV file" },
		{ "RIFF....WAV", 11, "too short for a WAV file" },
		{ "ID3.....WAVE", 0, "does not begin with RIFF" },
		{ "RIFF....AVI ", 8, "is RIFF, but not WAVE" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct wav w;
		struct wav_error error = { 0 };

		ROW_ASSERT(row->file, wav_parse(&w, bytes_str(row->file), &error) == -EBADMSG);
		assert_string_equal(error.reason, row->reason);
		assert_int_equal(error.at, row->at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_channels),
		cmocka_unit_test(test_extensible),
		cmocka_unit_test(test_other_chunks_are_skipped),
		cmocka_unit_test(test_size_unknown),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_wav),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
