/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/trunk_field.h"

#include <errno.h>

#include "tests/unit/test.h"

static const struct seal_key g_key = { .octets = { 3 } };

static void test_read(void **state)
{
	static const struct {
		const char *json;
		const char *wrong; /* NULL: fine */
		uint8_t servers, sources;
	} rows[] = {
		{ "{\"name\":\"a\"}", NULL, 0, 0 },
		{ "{\"name\":\"a\",\"servers\":\"sip.example.org,192.0.2.1:5070\"}", NULL, 2, 1 },
		{ "{\"name\":\"a\",\"servers\":\"192.0.2.1\",\"proxy\":\"192.0.2.9\"}", NULL, 1, 2 },
		{ "{\"name\":\"a\",\"servers\":\"192.0.2.1\",\"sources\":\"192.0.2.0/24,2001:db8::/32\"}",
		  NULL, 1, 2 },
		{ "{\"name\":\"a\",\"servers\":\"192.0.2.1\",\"direction\":\"out\"}", NULL, 1, 0 },
		{ "{\"name\":\"a\",\"servers\":\"192.0.2.1\",\"listener\":\"192.0.2.7:5080\"}", NULL,
		  1, 0 },
		{ "{\"name\":\"a\",\"servers\":\"a,\"}", "servers", 0, 0 },
		{ "{\"name\":\"a\",\"servers\":\",a\"}", "servers", 0, 0 },
		{ "{\"name\":\"a\",\"servers\":\"a,b,c,d,e,f,g,h,i\"}", "servers", 0, 0 },
		{ "{\"name\":\"a\",\"servers\":\"a@b\"}", "servers", 0, 0 },
		{ "{\"name\":\"a\",\"proxy\":\"a,b\"}", "proxy", 0, 0 },
		{ "{\"name\":\"a\",\"sources\":\"host\"}", "sources", 0, 0 },
		{ "{\"name\":\"a\",\"sources\":\"0.0.0.0/0\"}", "sources", 0, 0 },
		{ "{\"name\":\"a\",\"listener\":\"192.0.2.7\"}", "listener", 0, 0 },
		{ "{\"name\":\"a\",\"direction\":\"away\"}", "direction", 0, 0 },
		{ "{\"servers\":\"a\"}", "name", 0, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct trunk_value t = { .changed_utc_ms = 7 };
		struct trunk_settings set;
		const char *reason = NULL;
		int err = trunk_from_document(&t, bytes_str(row->json), &g_key, &reason);

		ROW_ASSERT(row->json, err == (row->wrong ? -EBADMSG : 0));
		ROW_ASSERT(row->json, !row->wrong || !strcmp(reason, row->wrong));
		ROW_ASSERT(row->json, !row->wrong || t.changed_utc_ms == 7);
		if (err)
			continue;
		trunk_to_settings(&t, 3, &set);
		ROW_ASSERT(row->json, set.tenant == 3 && !strcmp(set.name, "a"));
		ROW_ASSERT(row->json, set.server_count == row->servers);
		ROW_ASSERT(row->json, set.source_count == row->sources);
	}
}

/* MGT-02: a port that is left out is found when it is needed; one that is given is that of all that name none. */
static void test_settings(void **state)
{
	const char *json = "{\"name\":\"a\",\"servers\":\"one.example,two.example:5070\","
			   "\"proxy\":\"192.0.2.9\",\"port\":5080,\"transport\":\"tcp\","
			   "\"direction\":\"in\",\"source_port\":5090,\"certificate\":true}";
	struct trunk_settings set;
	struct trunk_value t;
	const char *reason;

	(void)state;
	assert_int_equal(trunk_from_document(&t, bytes_str(json), &g_key, &reason), 0);
	trunk_to_settings(&t, 0, &set);
	assert_true(set.enabled && set.directions == TRUNK_IN);
	assert_int_equal(set.servers[0].port, 5080);
	assert_int_equal(set.servers[1].port, 5070);
	assert_int_equal(set.proxy.port, 5080);
	assert_int_equal(set.transport, 1 + SIP_TCP);
	assert_int_equal(set.source_count, 1);
	assert_int_equal(set.sources[0].port, 5090);
	assert_int_equal(set.sources[0].transports, 1 << SIP_TCP);
	assert_true(set.sources[0].certificate);
	t.port = 0;
	t.certificate = false;
	trunk_to_settings(&t, 0, &set);
	assert_false(set.sources[0].certificate || set.certificate);
	(void)strcpy(t.certificate_name, "carrier.example"); /* which only a certificate can have */
	trunk_to_settings(&t, 0, &set);
	assert_true(set.sources[0].certificate && set.certificate);
	assert_string_equal(set.certificate_name, "carrier.example");
	assert_int_equal(set.servers[0].port, 0);
}

/* What is written is read again, all of it. */
static void test_round(void **state)
{
	const char *json =
		"{\"name\":\"a\",\"servers\":\"one.example\",\"listener\":\"192.0.2.7:5080\","
		"\"srtp\":\"only\",\"dtmf\":\"info\",\"access\":\"81\",\"early_media\":false,"
		"\"channels\":7,\"answer_s\":3,"
		"\"redirects\":\"own\"}";
	struct trunk_value t, again;
	const char *reason;
	struct rand_source rand;
	json_t *written;
	char *text;

	(void)state;
	rand_open_seed(&rand, 1);
	assert_int_equal(trunk_from_document(&t, bytes_str(json), &g_key, &reason), 0);
	written = trunk_to_document(&t, &g_key, &rand);
	text = json_dumps(written, JSON_COMPACT);
	assert_int_equal(trunk_from_document(&again, bytes_str(text), &g_key, &reason), 0);
	assert_memory_equal(&t, &again, sizeof(t));
	assert_int_equal(again.srtp, TRUNK_SRTP_ONLY);
	assert_true(again.no_early_media);
	assert_int_equal(again.redirects, TRUNK_REDIRECTS_OWN);
	free(text);
	json_decref(written);
}

/* The hashes of a password are sealed, and open for that trunk, user and realm alone. */
static void test_secret(void **state)
{
	const char *json = "{\"name\":\"a\",\"servers\":\"one.example\",\"user\":\"node\","
			   "\"realm\":\"pbx\"}";
	static const char *const members[] = { "name", "user", "realm" };
	const struct seal_key other = { .octets = { 4 } };
	struct trunk_value t, again;
	struct trunk_settings set;
	struct rand_source rand;
	const char *reason;
	json_t *written;
	char *text;

	(void)state;
	rand_open_seed(&rand, 1);
	assert_int_equal(trunk_from_document(&t, bytes_str(json), &g_key, &reason), 0);
	trunk_to_settings(&t, 1, &set);
	assert_true(!t.has_secret && !set.user[0]);
	digest_secret_make(&t.secret, BYTES_LIT("node"), BYTES_LIT("pbx"), BYTES_LIT("secret"));
	t.has_secret = true;
	written = trunk_to_document(&t, &g_key, &rand);
	text = json_dumps(written, JSON_COMPACT);
	assert_null(strstr(text, "secret\""));
	assert_int_equal(trunk_from_document(&again, bytes_str(text), &g_key, &reason), 0);
	assert_memory_equal(&t, &again, sizeof(t));
	trunk_to_settings(&again, 1, &set);
	assert_string_equal(set.user, "node");
	assert_string_equal(set.realm, "pbx");
	assert_memory_equal(&set.secret, &t.secret, sizeof(t.secret));
	assert_int_equal(trunk_from_document(&again, bytes_str(text), &other, &reason), 0);
	assert_false(again.has_secret);
	free(text);
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		json_t *moved = json_copy(written);

		(void)json_object_set_new(moved, members[i], json_string("b"));
		text = json_dumps(moved, JSON_COMPACT);
		assert_int_equal(trunk_from_document(&again, bytes_str(text), &g_key, &reason), 0);
		assert_false(again.has_secret);
		free(text);
		json_decref(moved);
	}
	(void)json_object_set_new(written, "ha1_sealed", json_string("00"));
	text = json_dumps(written, JSON_COMPACT);
	assert_int_equal(trunk_from_document(&again, bytes_str(text), &g_key, &reason), -EBADMSG);
	free(text);
	json_decref(written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
