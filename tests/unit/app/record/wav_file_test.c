/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a WAV file, the window behind it, and the sidecar. */
#include "tests/unit/test.h"

#include <errno.h>

#include <jansson.h>

#include "app/record/record_facts.h"
#include "app/record/record_voice.h"
#include "base/rand.h"
#include "dsp/file/wav.h"

#define BEGUN_MS UINT64_C(1795563723456) /* 2026-11-24T23:42:03.456Z */

static void test_head_is_read_by_others(void **state)
{
	static const struct {
		enum wav_sound sound;
		enum wav_format format;
		uint32_t rate, octets;
	} rows[] = { { WAV_SOUND_ULAW, WAV_ULAW, 8000, 1 },
		     { WAV_SOUND_ALAW, WAV_ALAW, 8000, 1 },
		     { WAV_SOUND_PCM, WAV_PCM, 16000, 2 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (uint32_t samples = 1; samples < 9; samples++) {
			uint32_t sides = samples < 5 ? 2 : 1;
			uint8_t file[WAV_HEAD_LEN + 64] = { 0 };
			uint32_t data = samples * sides * rows[i].octets;
			struct wav_head h = { .sound = rows[i].sound,
					      .mono = sides == 1,
					      .rate = rows[i].rate,
					      .data_octets = samples % 2 ? data : UINT64_MAX };
			struct wav_head again;
			struct wav_error error;
			struct wav wav;

			wav_time_put(h.begun, BEGUN_MS);
			wav_head_write(file, &h);
			assert_int_equal(wav_head_parse(&again, bytes_mem(file, WAV_HEAD_LEN)), 0);
			assert_int_equal(again.data_octets, h.data_octets);
			assert_string_equal(again.begun, "2026-11-24T23:42:03.456Z");
			assert_int_equal(
				wav_parse(&wav, bytes_mem(file, WAV_HEAD_LEN + data), &error), 0);
			assert_int_equal(wav.format, rows[i].format);
			assert_int_equal(wav.rate, rows[i].rate);
			assert_int_equal(again.mono, sides == 1);
			assert_int_equal(wav.channels, sides);
			assert_int_equal(wav.samples, samples);
			assert_ptr_equal(wav.data.p, file + WAV_HEAD_LEN);
		}
	}
}

static void test_head_of_another(void **state)
{
	uint8_t file[WAV_HEAD_LEN];
	struct wav_head h = { .sound = WAV_SOUND_ULAW, .rate = 8000, .data_octets = 320 }, out;

	(void)state;
	wav_time_put(h.begun, BEGUN_MS);
	wav_head_write(file, &h);
	assert_int_equal(wav_head_parse(&out, bytes_mem(file, WAV_HEAD_LEN - 1)), -EBADMSG);
	for (size_t i = 0; i < WAV_HEAD_LEN; i++) {
		file[i] ^= 0x80;
		if (i < 24 || (i >= 46 && i < 100))
			assert_int_equal(wav_head_parse(&out, bytes_mem(file, sizeof(file))),
					 -EBADMSG);
		file[i] ^= 0x80;
	}
}

static void test_window_folds(void **state)
{
	static uint8_t samples[8000];
	struct wav_window w;
	int64_t from = (int64_t)8000 * WAV_WINDOW_S - 100;
	struct bytes part;

	(void)state;
	for (size_t i = 0; i < sizeof(samples); i++)
		samples[i] = (uint8_t)(i * 31);
	assert_int_equal(wav_window_open(&w, WAV_SOUND_ULAW, 8000, false), 0);
	wav_window_advance(&w, from - 8000);
	wav_window_put(&w, 1, from, samples, 160);
	part = wav_window_read(&w, from - 10, from + 160);
	assert_int_equal(part.n, 220);
	assert_int_equal(part.p[0], 0xff);
	assert_int_equal(part.p[20], 0xff);
	assert_int_equal(part.p[21], samples[0]);
	part = wav_window_read(&w, from + 100, from + 160);
	assert_int_equal(part.n, 120);
	assert_int_equal(part.p[1], samples[100]);
	wav_window_advance(&w, from + 160);
	wav_window_put(&w, 0, from + w.room, samples, 160);
	part = wav_window_read(&w, from + w.room, from + w.room + 20);
	assert_int_equal(part.p[0], samples[0]);
	assert_int_equal(part.p[1], 0xff);
	wav_window_advance(&w, from + 100 * w.room);
	part = wav_window_read(&w, w.low, w.low + 1);
	assert_int_equal(part.p[0], 0xff);
	wav_window_close(&w);
}

enum { WINDOW_FRAMES = 400000 };

/* As an array that is all silence at first. */
static void window_as_array(enum wav_sound sound, bool mono)
{
	static uint8_t all[WINDOW_FRAMES * 4], samples[2048];
	struct rand_source rand;
	struct wav_window w;
	int64_t at = 0;

	rand_open_seed(&rand, sound * 2U + mono);
	assert_int_equal(wav_window_open(&w, sound, 8000, mono), 0);
	memset(all, w.silence, sizeof(all));
	while (at < WINDOW_FRAMES - w.room) {
		uint32_t n = (uint32_t)rand_below(&rand, 400);
		unsigned side = mono ? 0 : (unsigned)rand_below(&rand, WAV_SIDES);
		int64_t from = at + (int64_t)rand_below(&rand, 3000);

		for (size_t i = 0; i < sizeof(samples); i++)
			samples[i] = (uint8_t)rand_below(&rand, 256);
		wav_window_put(&w, side, from, samples, n);
		for (uint32_t i = 0; i < n; i++)
			memcpy(all + ((size_t)from + i) * w.frame + side * w.octets,
			       samples + i * w.octets, w.octets);
		for (int64_t to = at + 3500, part = at; rand_below(&rand, 4) == 0 && part < to;) {
			struct bytes read = wav_window_read(&w, part, to);

			assert_memory_equal(read.p, all + (size_t)part * w.frame, read.n);
			part += (int64_t)(read.n / w.frame);
		}
		at += (int64_t)rand_below(&rand, rand_below(&rand, 50) ? 200 : 20000);
		wav_window_advance(&w, at);
	}
	wav_window_close(&w);
}

static void test_window_as_array(void **state)
{
	(void)state;
	for (unsigned sound = WAV_SOUND_ULAW; sound <= WAV_SOUND_PCM; sound++) {
		window_as_array((enum wav_sound)sound, false);
		window_as_array((enum wav_sound)sound, true);
	}
}

static void test_facts_are_json(void **state)
{
	static char text[RECORD_SIDECAR_MAX];
	static struct record_gap gaps[RECORD_GAPS_MAX];
	static struct record_pause pauses[RECORD_PAUSES_MAX];
	static char call[RECORD_FACTS_MAX];
	struct record_terms terms = { .call = UINT64_MAX,
				      .number = 255,
				      .segment = UINT16_MAX,
				      .tenant = "a\"b",
				      .begun_utc_ms = BEGUN_MS };
	char file[RECORD_FILE_MAX];
	struct record_facts f = { .terms = &terms,
				  .file = file,
				  .codec = "PCMU",
				  .rate = 8000,
				  .channels = 2,
				  .ended_utc_ms = BEGUN_MS + 1,
				  .octets = UINT64_MAX >> 1,
				  .gap_count = UINT32_MAX,
				  .pause_count = UINT32_MAX,
				  .gaps = gaps,
				  .pauses = pauses };
	struct writer w = writer_over(text, sizeof(text));
	json_t *json;

	(void)state;
	memset(gaps, 0x7f, sizeof(gaps));
	memset(pauses, 0x7f, sizeof(pauses));
	memset(call, ' ', sizeof(call));
	memcpy(call, "\"from\":\"1001\"", 13);
	f.call = bytes_mem(call, sizeof(call));
	record_file_name(file, &terms);
	assert_string_equal(file, "fvvvvvvvvvvvv-255.65535.wav");
	record_facts_write(&w, &f);
	assert_false(w.overflow); /* all of it at its longest */
	json = json_loadb(text, w.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "from")), "1001");
	assert_string_equal(json_string_value(json_object_get(json, "begun")),
			    "2026-11-24T23:42:03.456Z");
	assert_int_equal(json_array_size(json_object_get(json, "gaps")), RECORD_GAPS_MAX);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_is_read_by_others),
		cmocka_unit_test(test_head_of_another),
		cmocka_unit_test(test_window_folds),
		cmocka_unit_test(test_window_as_array),
		cmocka_unit_test(test_facts_are_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
