/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/profile.h"

#include <errno.h>

#include "app/document/extensions.h"
#include "tests/unit/test.h"

static const struct {
	const char *name, *text, *reason; /* NULL: fine */
} PROFILES[] = {
	{ "all",
	  "{\"v\":1,\"name\":\"lan\",\"codecs\":[\"G722\",\"PCMA\"],\"g711_packet_ms\":30,"
	  "\"g729_packet_ms\":40,\"dtmf\":\"info\",\"early_media\":true,\"transport\":\"tls\","
	  "\"h264\":false,\"video_kbps\":512,\"lines\":[\"other\",\"unencrypted\"],"
	  "\"changed_utc_ms\":5}",
	  NULL },
	{ "name alone", "{\"name\":\"lan\"}", NULL },
	{ "members and codecs of a later version", "{\"name\":\"x\",\"codecs\":[\"EVS\"],\"y\":1}",
	  NULL },
	{ "not JSON", "{", "not a JSON object" },
	{ "no object", "[]", "not a JSON object" },
	{ "no name", "{}", "name" },
	{ "empty name", "{\"name\":\"\"}", "name" },
	{ "long name", "{\"name\":\"01234567890123456789012345678901\"}", "name" },
	{ "codecs are a word", "{\"name\":\"x\",\"codecs\":\"PCMA\"}", "codecs" },
	{ "codec is a number", "{\"name\":\"x\",\"codecs\":[8]}", "codecs" },
	{ "codec is long", "{\"name\":\"x\",\"codecs\":[\"0123456789abcdef\"]}", "codecs" },
	{ "17 codecs",
	  "{\"name\":\"x\",\"codecs\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\","
	  "\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]}",
	  "codecs" },
	{ "G722 alone", "{\"name\":\"x\",\"codecs\":[\"G722\"]}", "codecs" },
	{ "packet length", "{\"name\":\"x\",\"g711_packet_ms\":9}", "g711_packet_ms" },
	{ "packet length", "{\"name\":\"x\",\"g729_packet_ms\":61}", "g729_packet_ms" },
	{ "packet of G.729 in half a frame", "{\"name\":\"x\",\"g729_packet_ms\":15}",
	  "g729_packet_ms" },
	{ "dtmf", "{\"name\":\"x\",\"dtmf\":\"tones\"}", "dtmf" },
	{ "h264", "{\"name\":\"x\",\"h264\":1}", "h264" },
	{ "video codecs, one of a later version",
	  "{\"name\":\"x\",\"video_codecs\":[\"VP9\",\"AV2\"]}", NULL },
	{ "video codecs are a word", "{\"name\":\"x\",\"video_codecs\":\"VP8\"}", "video_codecs" },
	{ "video codec is a number", "{\"name\":\"x\",\"video_codecs\":[8]}", "video_codecs" },
	{ "video", "{\"name\":\"x\",\"video_kbps\":0}", "video_kbps" },
	{ "lines, one of a later version", "{\"name\":\"x\",\"lines\":[\"t38\",\"x\"]}", NULL },
	{ "lines are a word", "{\"name\":\"x\",\"lines\":\"t38\"}", "lines" },
	{ "line is a number", "{\"name\":\"x\",\"lines\":[38]}", "lines" },
	{ "early media", "{\"name\":\"x\",\"early_media\":\"no\"}", "early_media" },
	{ "transport", "{\"name\":\"x\",\"transport\":\"sctp\"}", "transport" },
	{ "transcode", "{\"name\":\"x\",\"transcode\":\"always\"}", "transcode" },
};

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(PROFILES); i++) {
		struct profile p = { .core.name = "before" };
		const char *reason = NULL;
		int err = form_read(&g_profile_form, &p, bytes_str(PROFILES[i].text), &reason);

		ROW_ASSERT(PROFILES[i].name, (err == 0) == !PROFILES[i].reason);
		ROW_ASSERT(PROFILES[i].name, !err || !strcmp(reason, PROFILES[i].reason));
		ROW_ASSERT(PROFILES[i].name, !err || !strcmp(p.core.name, "before"));
	}
}

static void test_round_trip(void **state)
{
	struct profile p, again;
	const char *reason;
	json_t *json;
	char *text;

	(void)state;
	assert_int_equal(form_read(&g_profile_form, &p, bytes_str(PROFILES[0].text), &reason), 0);
	assert_int_equal(p.core.transports, 1 << SIP_TLS);
	assert_true(p.core.terms.digits && p.core.terms.no_video && p.core.early_media);
	assert_int_equal(p.core.terms.lines, OFFER_LINES_OTHER | OFFER_LINES_UNENCRYPTED);
	assert_int_equal(p.core.terms.codec_count, 2);
	assert_string_equal(p.core.terms.codecs[1], "PCMA");
	json = form_document(&g_profile_form, &p);
	text = json_dumps(json, JSON_COMPACT);
	assert_int_equal(form_read(&g_profile_form, &again, bytes_str(text), &reason), 0);
	assert_memory_equal(&p, &again, sizeof(p));
	free(text);
	json_decref(json);
}

/* Written before the fields were a table: they are named as ever, and in the same order. */
static void test_names(void **state)
{
	static const char profile[] =
		"{\"name\":\"lan\",\"codecs\":[\"G722\",\"PCMA\"],\"g711_packet_ms\":30,"
		"\"g729_packet_ms\":40,\"dtmf\":\"info\",\"early_media\":true,\"transport\":"
		"\"wss\","
		"\"h264\":false,\"video_codecs\":[\"VP8\",\"H265\"],\"video_kbps\":100000,"
		"\"lines\":[\"other\",\"bfcp\"],\"transcode\":\"off\",\"changed_utc_ms\":5,"
		"\"v\":1}";
	static const char range[] = "{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.9\",\"profile\":"
				    "\"lan\",\"changed_utc_ms\":5,\"v\":1}";
	struct profile_range r;
	struct profile p;
	const char *reason;
	json_t *json;
	char *text;

	(void)state;
	assert_int_equal(form_read(&g_profile_form, &p, bytes_str(profile), &reason), 0);
	json = form_document(&g_profile_form, &p);
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, profile);
	free(text);
	json_decref(json);
	assert_int_equal(form_read(&g_range_form, &r, bytes_str(range), &reason), 0);
	json = form_document(&g_range_form, &r);
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, range);
	free(text);
	json_decref(json);
}

static void test_defaults(void **state)
{
	struct profile p;
	const char *reason;

	(void)state;
	assert_int_equal(form_read(&g_profile_form, &p, bytes_str(PROFILES[1].text), &reason), 0);
	assert_int_equal(p.core.terms.codec_count, 0);
	assert_int_equal(p.core.terms.ptime_g711, 20); /* REG-11 */
	assert_int_equal(p.core.terms.ptime_g729, 20);
	assert_int_equal(p.core.terms.video_kbps, 768); /* MED-08 */
	assert_int_equal(p.core.transports, 0);
	assert_int_equal(p.core.terms.lines, OFFER_LINES_T38);
	assert_false(p.core.terms.no_video || p.core.terms.digits || p.core.early_media);
}

static void test_table(void **state)
{
	struct profiles *x = calloc(1, sizeof(*x));
	struct profile p;

	(void)state;
	profiles_open(x, 0);
	assert_non_null(profiles_find(x, BYTES_LIT("default")));
	profiles_delete(x, "nothing");
	for (char c = 'z'; x->count < SHARD_PROFILES_MAX; c--) {
		form_start(&g_profile_form, &p, bytes_mem(&c, 1));
		assert_int_equal(profiles_put(x, &p), 0);
	}
	form_start(&g_profile_form, &p, BYTES_LIT("one more"));
	assert_int_equal(profiles_put(x, &p), -ENOSPC);
	for (uint32_t i = 1; i < x->count; i++)
		assert_true(strcmp(x->list[i - 1].core.name, x->list[i].core.name) < 0);
	form_start(&g_profile_form, &p, BYTES_LIT("default"));
	p.core.terms.video_kbps = 100;
	assert_int_equal(profiles_put(x, &p), 0); /* replaces */
	profiles_delete(x, "default");
	assert_int_equal(profiles_find(x, BYTES_LIT("default"))->core.terms.video_kbps, 768);
	profiles_delete(x, "z");
	assert_null(profiles_find(x, BYTES_LIT("z")));
	assert_non_null(profiles_find(x, BYTES_LIT("y")));
	assert_int_equal(x->count, SHARD_PROFILES_MAX - 1);
	free(x);
}

static struct profile_range range(const char *from, const char *to)
{
	struct profile_range r = { .core.profile = "default" };

	assert_int_equal(range_addr_read(&r.core.first, bytes_str(from)), 0);
	assert_int_equal(range_addr_read(&r.core.last, bytes_str(to)), 0);
	return r;
}

static const struct {
	const char *from, *to, *overlaps; /* first address of the other; NULL: none */
} OVERLAPS[] = {
	{ "10.0.0.1", "10.0.0.9", NULL },
	{ "10.0.0.1", "10.0.0.10", "10.0.0.10" },
	{ "10.0.0.20", "10.0.0.30", "10.0.0.10" },
	{ "10.0.0.12", "10.0.0.13", "10.0.0.10" },
	{ "10.0.0.1", "10.0.0.200", "10.0.0.10" },
	{ "10.0.0.10", "10.0.0.15", NULL }, /* replaces it */
	{ "10.0.0.10", "10.0.0.40", "10.0.0.40" },
	{ "10.0.0.21", "10.0.0.39", NULL },
	{ "2001:db8::", "2001:db8::f", "2001:db8::5" },
	{ "::", "ffff::", "2001:db8::5" },
	{ "0.0.0.0", "9.255.255.255", NULL },
};

static void test_ranges(void **state)
{
	const struct profile_range stand[] = {
		range("2001:db8::5", "2001:db8::6"),
		range("10.0.0.40", "10.0.0.50"),
		range("10.0.0.10", "10.0.0.20"),
	};
	struct profiles *x = calloc(1, sizeof(*x));

	(void)state;
	profiles_open(x, 0);
	for (size_t i = 0; i < COUNT_OF(stand); i++)
		assert_int_equal(profiles_range_put(x, &stand[i]), 0);
	assert_int_equal(profiles_range_put(x, &stand[1]), 0);
	assert_int_equal(x->range_count, COUNT_OF(stand));
	for (size_t i = 0; i < COUNT_OF(OVERLAPS); i++) {
		struct profile_range r = range(OVERLAPS[i].from, OVERLAPS[i].to);
		const struct profile_range *other = profiles_overlap(x, &r.core);
		char text[ADDR_TEXT_MAX];

		ROW_ASSERT(OVERLAPS[i].to, !other == !OVERLAPS[i].overlaps);
		ROW_ASSERT(OVERLAPS[i].to, !other || !strcmp(addr_text(&other->core.first, text),
							     OVERLAPS[i].overlaps));
	}
	profiles_range_delete(x, &stand[2].core.first);
	profiles_range_delete(x, &stand[2].core.first);
	assert_null(profiles_range(x, &stand[2].core.first));
	assert_non_null(profiles_range(x, &stand[1].core.first));
	assert_int_equal(x->range_count, 2);
	free(x);
}

static const struct {
	const char *name, *text, *reason;
} RANGES[] = {
	{ "v4", "{\"v\":1,\"from\":\"10.0.0.1\",\"to\":\"10.0.0.9\",\"profile\":\"lan\"}", NULL },
	{ "v6", "{\"from\":\"2001:db8::1\",\"to\":\"2001:db8::1\",\"profile\":\"lan\"}", NULL },
	{ "no object", "1", "not a JSON object" },
	{ "no from", "{\"to\":\"10.0.0.9\",\"profile\":\"lan\"}", "from" },
	{ "a port", "{\"from\":\"10.0.0.1:1\",\"to\":\"10.0.0.9\",\"profile\":\"lan\"}", "from" },
	{ "a name", "{\"from\":\"10.0.0.1\",\"to\":\"host\",\"profile\":\"lan\"}", "to" },
	{ "backwards", "{\"from\":\"10.0.0.9\",\"to\":\"10.0.0.1\",\"profile\":\"lan\"}", "to" },
	{ "two families", "{\"from\":\"10.0.0.9\",\"to\":\"::1\",\"profile\":\"lan\"}", "to" },
	{ "no profile", "{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.9\"}", "profile" },
};

static void test_range_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(RANGES); i++) {
		struct profile_range r, again;
		const char *reason = NULL;
		int err = form_read(&g_range_form, &r, bytes_str(RANGES[i].text), &reason);
		json_t *json;
		char *text;

		ROW_ASSERT(RANGES[i].name, (err == 0) == !RANGES[i].reason);
		ROW_ASSERT(RANGES[i].name, !err || !strcmp(reason, RANGES[i].reason));
		if (err)
			continue;
		json = form_document(&g_range_form, &r);
		text = json_dumps(json, JSON_COMPACT);
		assert_int_equal(form_read(&g_range_form, &again, bytes_str(text), &reason), 0);
		assert_memory_equal(&r, &again, sizeof(r));
		free(text);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_range_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
