/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/deliver/sidecar.h"
#include "app/record/record_facts.h"

#define HEAD                                                                                      \
	"{\"recording\":\"000agvj5jqr40-1\",\"call\":\"000agvj5jqr40\",\"number\":1,\"segment\":" \
	"2,"                                                                                      \
	"\"last\":true,\"tenant\":\"default\",\"file\":\"000agvj5jqr40-1.2.wav\",\"format\":"     \
	"\"wav\","
#define TAIL                                                                                      \
	"\"codec\":\"PCMU\",\"rate\":8000,\"channels\":2,\"begun\":\"2026-11-25T00:00:00.000Z\"," \
	"\"duration_ms\":5000,\"octets\":80058,\"from\":\"1001\",\"to\":\"+49 30 1\",\"tags\":{}}"

static void facts_are_read(void **state)
{
	struct sidecar s;

	(void)state;
	assert_int_equal(sidecar_parse(&s, BYTES_LIT(HEAD TAIL)), 0);
	assert_string_equal(s.call, "000agvj5jqr40");
	assert_int_equal(s.number, 1);
	assert_int_equal(s.segment, 2);
	assert_true(s.last);
	assert_false(s.interrupted);
	assert_int_equal(s.format, SIDECAR_WAV);
	assert_int_equal(s.rate, 8000);
	assert_int_equal(s.duration_ms, 5000);
	assert_int_equal(s.octets, 80058);
	assert_string_equal(s.tenant, "default");
	assert_string_equal(s.file, "000agvj5jqr40-1.2.wav");
	assert_string_equal(s.begun, "2026-11-25T00:00:00.000Z");
	assert_string_equal(s.to, "+49 30 1");
}

/* Of either format, whatever stands in it. */
static void what_the_recorder_writes(void **state)
{
	static const enum record_format formats[] = { RECORD_WAV, RECORD_PCAPNG };
	static const struct record_gap gap = { 10, 20, RECORD_BOTH, RECORD_DISK };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(formats); i++) {
		const struct record_terms terms = { .call = 12345,
						    .number = 3,
						    .segment = 2,
						    .format = formats[i],
						    .tenant = "acme",
						    .begun_utc_ms = UINT64_C(1795564800123) };
		char file[RECORD_FILE_MAX], text[RECORD_SIDECAR_MAX / 4];
		struct record_facts facts = { .terms = &terms,
					      .file = file,
					      .codec = i ? "" : "PCMU",
					      .rate = 8000,
					      .channels = 2,
					      .duration_ms = 7000,
					      .octets = 112104,
					      .last = true,
					      .gap_count = 1,
					      .gaps = &gap,
					      .call = BYTES_LIT(
						      "\"from\":\"1001\",\"to\":\"1002\"") };
		struct writer w = writer_over(text, sizeof(text));
		struct sidecar s;

		record_file_name(file, &terms);
		record_facts_write(&w, &facts);
		assert_int_equal(sidecar_parse(&s, writer_done(&w)), 0);
		assert_string_equal(s.file, file);
		assert_string_equal(s.tenant, "acme");
		assert_string_equal(s.begun, "2026-11-25T00:00:00.123Z");
		assert_string_equal(s.from, "1001");
		assert_true(s.last && s.number == 3 && s.segment == 2 && s.octets == 112104);
		assert_int_equal(s.format, i ? SIDECAR_PCAPNG : SIDECAR_WAV);
	}
}

/* Each takes the place of a part of the good one. */
static void broken_ones_are_refused(void **state)
{
	static const struct {
		const char *name, *of, *in;
	} rows[] = {
		{ "no call", "\"call\":\"000agvj5jqr40\"", "\"kall\":\"000agvj5jqr40\"" },
		{ "a call of other letters", "\"call\":\"000agvj5jqr40\"",
		  "\"call\":\"000agvj5jqrz/\"" },
		{ "number 0", "\"number\":1", "\"number\":0" },
		{ "number 256", "\"number\":1", "\"number\":256" },
		{ "number as text", "\"number\":1", "\"number\":\"1\"" },
		{ "no segment", "\"segment\":2", "\"segmeny\":2" },
		{ "negative octets", "\"octets\":80058", "\"octets\":-1" },
		{ "another format", "\"format\":\"wav\"", "\"format\":\"mp3\"" },
		{ "a folder above", "\"file\":\"000agvj5jqr40-1.2.wav\"", "\"file\":\"../x\"" },
		{ "a hidden file", "\"file\":\"000agvj5jqr40-1.2.wav\"", "\"file\":\".x\"" },
		{ "a tenant that is a path", "\"tenant\":\"default\"", "\"tenant\":\"a/b\"" },
		{ "no tenant", "\"tenant\":\"default\"", "\"tenant\":\"\"" },
		{ "no date", "2026-11-25T00:00:00.000Z", "yesterday, at noon" },
		{ "a date with a path", "2026-11-25T00:00:00.000Z", "../../../5T00:00:00.000Z" },
		{ "a NUL in a party", "\"from\":\"1001\"", "\"from\":\"1\\u0000\"" },
		{ "a key twice", "\"tags\":{}", "\"tags\":{},\"octets\":1" },
		{ "not closed", "\"tags\":{}}", "\"tags\":{}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		static const char good[] = HEAD TAIL;
		struct sidecar s = { .number = 99 };
		const char *at = strstr(good, rows[i].of);
		char text[1024];
		int n = snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, rows[i].in,
				 at + strlen(rows[i].of));

		ROW_ASSERT(rows[i].name, sidecar_parse(&s, bytes_mem(text, (size_t)n)) == -EBADMSG);
		ROW_ASSERT(rows[i].name, s.number == 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_read),
		cmocka_unit_test(what_the_recorder_writes),
		cmocka_unit_test(broken_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
