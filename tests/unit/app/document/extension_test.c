/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/extension.h"

#include <errno.h>

#include "app/document/extensions.h"
#include "sig/dial/dial.h"
#include "tests/unit/test.h"

#define HA1_MD5    "00112233445566778899aabbccddeeff"
#define HA1_SHA256 "0000000000000000000000000000000000000000000000000000000000000001"
#define HA1_SHA512 "0000000000000000000000000000000000000000000000000000000000000002"
#define HA1        HA1_MD5 ":" HA1_SHA256 ":" HA1_SHA512
#define DOCUMENT(more)                                           \
	"{\"v\":1,\"number\":\"1001\",\"display_name\":\"Front " \
	"desk\",\"realm\":\"tandem\",\"ha1\":\"" HA1 "\",\"enabled\":true" more "}"

/* All that an extension may set. */
#define WHOLE                                                                                     \
	",\"early_media\":true,\"tls\":true,\"srtp\":true,\"phones\":\"single\",\"video\":false," \
	"\"forward_always\":\"1\",\"forward_busy\":\"2\",\"forward_no_answer\":\"3\","            \
	"\"forward_rings\":4,\"forward_unreachable\":\"5\",\"do_not_disturb\":true,"              \
	"\"application\":\"ivr\",\"application_wait_s\":6,\"music\":\"waltz.wav\","               \
	"\"webrtc\":\"always\",\"transfer\":false,\"changed_utc_ms\":1800000000000,"              \
	"\"record_page\":true,\"page\":\"8000000000001\""

static const struct seal_key g_key = { .id = 1, .octets = { 1, 2, 3 } };
static struct rand_source g_rand = { .state = { 1, 2, 3, 4 }, .seeded = 1 };

static const struct {
	const char *name, *text, *reason; /* NULL: fine */
} ROWS[] = {
	{ "whole", DOCUMENT(",\"early_media\":true,\"changed_utc_ms\":5"), NULL },
	{ "members of a later version", DOCUMENT(",\"color\":[1,2]"), NULL },
	{ "not JSON", "{", "not a JSON object" },
	{ "no object", "[]", "not a JSON object" },
	{ "empty", "", "not a JSON object" },
	{ "no number", "{}", "number" },
	{ "empty number", "{\"number\":\"\"}", "number" },
	{ "long number",
	  "{\"number\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
	  "number" },
	{ "no name", "{\"number\":\"1\"}", "realm" },
	{ "no realm", "{\"number\":\"1\",\"display_name\":\"\"}", "realm" },
	{ "no hash", "{\"number\":\"1\",\"display_name\":\"\",\"realm\":\"x\"}", "ha1" },
	{ "bad seal",
	  "{\"number\":\"1\",\"display_name\":\"\",\"realm\":\"x\",\"ha1_sealed\":\"00\"}",
	  "ha1_sealed" },
	{ "a seal that is a list",
	  "{\"number\":\"1\",\"display_name\":\"\",\"realm\":\"x\",\"ha1_sealed\":[\"00\"]}",
	  "ha1" },
	{ "a list that is a text", DOCUMENT(",\"classes\":\"local\""), "classes" },
	{ "a text that is a list", DOCUMENT(",\"music\":[\"off\"]"), "music" },
	{ "a flag that is a number", DOCUMENT(",\"tls\":1"), "tls" },
	{ "unknown words", DOCUMENT(",\"classes\":[\"local\",\"lunar\"]"), NULL },
	{ "a name twice", "{\"number\":\"1\",\"number\":\"1\"}", "not a JSON object" },
	{ "a page", DOCUMENT(",\"record_page\":true,\"page\":\"0000000000001\""), NULL },
	{ "no page", DOCUMENT(",\"record_page\":true,\"page\":\"\""), NULL },
	{ "page 0", DOCUMENT(",\"page\":\"0000000000000\""), "page" },
	{ "a page of more than 64 bits", DOCUMENT(",\"page\":\"vvvvvvvvvvvvv\""), "page" },
	{ "a page that is a number", DOCUMENT(",\"record_page\":1"), "record_page" },
	{ "bad hash", "{\"number\":\"1\",\"display_name\":\"\",\"realm\":\"x\",\"ha1\":\"00\"}",
	  "ha1" },
};

/* As it is, and with a space in front: then jansson reads it. */
static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(ROWS); i++) {
		const char *name = ROWS[i / 2].name, *want = ROWS[i / 2].reason, *reason = NULL;
		struct extension e = { .core.number = "before" };
		char text[512];
		int err;

		(void)snprintf(text, sizeof(text), "%s%s", i % 2 ? " " : "", ROWS[i / 2].text);
		err = extension_from_document(&e, bytes_str(text), &g_key, &reason);
		ROW_ASSERT(name, (err == 0) == !want);
		ROW_ASSERT(name, !err || !strcmp(reason, want));
		ROW_ASSERT(name, !err || !strcmp(e.core.number, "before"));
	}
}

static void test_flags(void **state)
{
	static const struct {
		const char *more, *reason; /* NULL: fine */
		bool tls_srtp, sdes_insecure, single_phone, no_video, elsewhere, no_transfer;
		bool no_forwarding, no_disturbing, no_hold;
		uint8_t dialling;
	} rows[] = {
		{ "", NULL, false, false, false, false }, /* an older document */
		{ ",\"tls\":true,\"srtp\":true", NULL, true, false, false, false },
		{ ",\"tls\":false,\"srtp\":false", NULL, false, false, false, false },
		{ ",\"tls\":true", "srtp", false, false, false, false },
		{ ",\"srtp\":true", "srtp", false, false, false, false },
		{ ",\"sdes_insecure\":true", NULL, false, true, false, false },
		{ ",\"phones\":\"single\"", NULL, false, false, true, false },
		{ ",\"phones\":\"multi\"", NULL, false, false, false, false },
		{ ",\"phones\":\"two\"", "phones", false, false, false, false },
		{ ",\"video\":false", NULL, false, false, false, true },
		{ ",\"video\":true", NULL, false, false, false, false },
		{ ",\"video\":0", "video", false, false, false, false },
		{ ",\"media_address\":\"sdp\"", NULL, false, false, false, false, true },
		{ ",\"media_address\":\"signalling\"", NULL },
		{ ",\"media_address\":\"host\"", "media_address" },
		{ ",\"transfer\":false", NULL, .no_transfer = true },
		{ ",\"transfer\":true", NULL },
		{ ",\"transfer\":\"no\"", "transfer" },
		{ ",\"dialling\":\"overlap\"", NULL, .dialling = DIAL_SCHEME_OVERLAP },
		{ ",\"dialling\":\"enblock\"", NULL, .dialling = DIAL_SCHEME_ENBLOCK },
		{ ",\"dialling\":\"dialplan\"", NULL, .dialling = DIAL_SCHEME_PLAN },
		{ ",\"dialling\":\"pulse\"", "dialling" },
		{ ",\"hold\":false", NULL, .no_hold = true },
		{ ",\"hold\":true", NULL },
		{ ",\"hold\":\"\"", "hold" },
		{ ",\"forwarding_codes\":false", NULL, .no_forwarding = true },
		{ ",\"forwarding_codes\":0", "forwarding_codes" },
		{ ",\"do_not_disturb_codes\":false", NULL, .no_disturbing = true },
		{ ",\"do_not_disturb_codes\":true", NULL },
		{ ",\"mailbox_notify_hours\":\"office\"", NULL },
		{ ",\"mailbox_notify_hours\":\"22:00-06:30\"", NULL },
		{ ",\"mailbox_notify_hours\":\"22:00-24:00\"", "mailbox_notify_hours" },
		{ ",\"mailbox_notify_hours\":\"08:00-08:00\"", "mailbox_notify_hours" },
		{ ",\"mailbox_notify_hours\":\"08:60-18:00\"", "mailbox_notify_hours" },
		{ ",\"mailbox_notify_hours\":\"8:00-18:000\"", "mailbox_notify_hours" },
		{ ",\"mailbox_notify_hours\":\"+8:00-18:00\"", "mailbox_notify_hours" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct extension e = { 0 };
		const char *reason;
		char text[1024];
		int err;

		(void)snprintf(text, sizeof(text), DOCUMENT("%s"), rows[i].more);
		err = extension_from_document(&e, bytes_str(text), &g_key, &reason);
		ROW_ASSERT(rows[i].more, (err == 0) == !rows[i].reason);
		ROW_ASSERT(rows[i].more, !err || !strcmp(reason, rows[i].reason));
		ROW_ASSERT(rows[i].more, e.core.tls_srtp == rows[i].tls_srtp &&
						 e.core.sdes_insecure == rows[i].sdes_insecure &&
						 e.core.single_phone == rows[i].single_phone &&
						 e.core.no_video == rows[i].no_video &&
						 e.core.media_by_sdp == rows[i].elsewhere &&
						 e.core.no_transfer == rows[i].no_transfer);
		ROW_ASSERT(rows[i].more,
			   e.core.dialling == rows[i].dialling &&
				   e.core.no_hold == rows[i].no_hold &&
				   e.core.no_forwarding_codes == rows[i].no_forwarding &&
				   e.core.no_do_not_disturb_codes == rows[i].no_disturbing);
	}
}

/* Texts that are neither digits nor letters nor signs would become part of headers. */
static void test_forward(void **state)
{
	static const struct {
		const char *more, *reason; /* NULL: fine */
		struct shard_forward want;
	} rows[] = {
		{ "", NULL, { .always = "" } }, /* an older document */
		{ ",\"forward_always\":\"1002\"", NULL, { .always = "1002" } },
		{ ",\"forward_busy\":\"*99#\"", NULL, { .busy = "*99#" } },
		{ ",\"forward_no_answer\":\"+4930.1_2-a\"", NULL, { .no_answer = "+4930.1_2-a" } },
		{ ",\"forward_unreachable\":\"\"", NULL, { .always = "" } },
		{ ",\"forward_unreachable\":\"1\"", NULL, { .unreachable = "1" } },
		{ ",\"forward_rings\":20", NULL, { .rings = 20 } },
		{ ",\"application\":\"ivr-1\",\"application_wait_s\":600",
		  NULL,
		  { .application = "ivr-1", .application_wait_s = 600 } },
		{ ",\"forward_rings\":0,\"do_not_disturb\":true",
		  NULL,
		  { .do_not_disturb = true } },
		{ ",\"smart_do_not_disturb\":true", NULL, { .smart_do_not_disturb = true } },
		{ ",\"live_call\":true", NULL, { .live_call = true } },
		{ ",\"call_waiting\":\"phone\"", NULL, { .call_waiting = CALL_WAITING_PHONE } },
		{ ",\"call_waiting\":\"off\"", NULL, { .call_waiting = CALL_WAITING_OFF } },
		{ ",\"call_waiting\":\"single\"", NULL, { .call_waiting = CALL_WAITING_SINGLE } },
		{ ",\"call_waiting\":\"multiple\"",
		  NULL,
		  { .call_waiting = CALL_WAITING_MULTIPLE } },
		{ ",\"call_waiting\":\"double\"", "call_waiting" },
		{ ",\"forward_always\":\"1234567890123456789012345678901\"",
		  NULL,
		  { .always = "1234567890123456789012345678901" } },
		{ ",\"forward_always\":\"12345678901234567890123456789012\"", "forward_always" },
		{ ",\"forward_always\":1002", "forward_always" },
		{ ",\"application\":\"a:b\"", "application" },
		{ ",\"application_wait_s\":601", "application_wait_s" },
		{ ",\"forward_always\":null", "forward_always" },
		{ ",\"forward_busy\":\"1002>;x\"", "forward_busy" },
		{ ",\"forward_no_answer\":\"1\\r\\n2\"", "forward_no_answer" },
		{ ",\"forward_unreachable\":\"1001\"", "forward_unreachable" }, /* itself */
		{ ",\"forward_rings\":21", "forward_rings" },
		{ ",\"forward_rings\":-1", "forward_rings" },
		{ ",\"forward_rings\":\"2\"", "forward_rings" },
		{ ",\"do_not_disturb\":1", "do_not_disturb" },
		{ ",\"smart_do_not_disturb\":1", "smart_do_not_disturb" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct extension e = { 0 };
		const char *reason;
		char text[1024];
		int err;

		(void)snprintf(text, sizeof(text), DOCUMENT("%s"), rows[i].more);
		err = extension_from_document(&e, bytes_str(text), &g_key, &reason);
		ROW_ASSERT(rows[i].more, (err == 0) == !rows[i].reason);
		ROW_ASSERT(rows[i].more, !err || !strcmp(reason, rows[i].reason));
		ROW_ASSERT(rows[i].more, !memcmp(&e.forward, &rows[i].want, sizeof(e.forward)));
	}
}

static void test_round_trip(void **state)
{
	struct extension e, again;
	const char *reason;
	json_t *json;
	char *text;

	(void)state;
	assert_int_equal(extension_from_document(&e, bytes_str(DOCUMENT(WHOLE)), &g_key, &reason),
			 0);
	assert_int_equal(e.core.secret.ha1[DIGEST_MD5][15], 0xff);
	assert_string_equal(e.forward.no_answer, "3");
	assert_true(e.forward.rings == 4 && e.forward.do_not_disturb);
	assert_int_equal(e.core.secret.ha1[DIGEST_SHA512_256][31], 2);
	json = extension_to_document(&e, &g_key, &g_rand);
	text = json_dumps(json, JSON_COMPACT);
	assert_int_equal(extension_from_document(&again, bytes_str(text), &g_key, &reason), 0);
	assert_memory_equal(&e, &again, sizeof(e));
	free(text);
	json_decref(json);
}

/* Written before the fields were a table: they are named as ever. What is as at first is left out. */
static void test_names(void **state)
{
	static const char before[] =
		"{\"realm\":\"tandem\",\"ha1\":\"" HA1
		"\",\"changed_utc_ms\":1800000000000,\"number\":\"1001\",\"display_name\":\"One\","
		"\"enabled\":true,\"early_media\":true,\"tls\":true,\"srtp\":true,"
		"\"sdes_insecure\":true,\"phones\":\"single\",\"video\":false,\"webrtc\":\"never\","
		"\"media_address\":\"sdp\",\"transfer\":false,\"forward_rings\":4,"
		"\"monitor\":\"listed\",\"monitors\":\"1,2\",\"monitored\":\"state\","
		"\"do_not_disturb\":true,\"smart_do_not_disturb\":true,\"forward_always\":\"1,2\","
		"\"forward_busy\":\"3\",\"forward_no_answer\":\"4\",\"forward_unreachable\":\"5\","
		"\"application\":\"ivr\",\"application_wait_s\":600,\"music\":\"waltz.wav\",\"v\":"
		"1,\"outside_number\":\"7\",\"outside_numbers\":\"7,8\",\"blocked\":\"9\",\"trunk_"
		"access\":\"81\",\"trunk_accesses\":\"81,82\"}";
	json_t *want = json_loads(before, 0, NULL), *json;
	const char *reason;
	struct extension e;

	(void)state;
	assert_int_equal(extension_from_document(&e, bytes_str(before), &g_key, &reason), 0);
	json = extension_to_document(&e, &g_key, &g_rand);
	assert_int_equal(json_object_del(json, "ha1_sealed"), 0);
	assert_int_equal(json_object_del(want, "ha1"), 0);
	assert_int_equal(e.core.classes, DIAL_CLASSES_FIRST); /* which no document had then */
	assert_int_equal(e.core.outside_calls, EXTENSION_OUTSIDE_CALLS);
	assert_int_equal(e.core.outside_minutes, EXTENSION_OUTSIDE_MINUTES);
	assert_true(json_equal(json, want));
	json_decref(json);
	json_decref(want);
}

/* The document of one with a password, as it is kept. */
static void sealed_write(char *text, size_t cap, const struct seal_key *key)
{
	struct extension e;
	const char *reason;
	json_t *json;

	assert_int_equal(extension_from_document(&e, bytes_str(DOCUMENT("")), key, &reason), 0);
	json = extension_to_document(&e, key, &g_rand);
	assert_non_null(json);
	assert_true(json_dumpb(json, text, cap - 1, JSON_COMPACT) < cap);
	text[json_dumpb(json, NULL, 0, JSON_COMPACT)] = '\0';
	json_decref(json);
}

/* Who reads Redis finds no hash, and can move none to another extension. */
static void test_sealed(void **state)
{
	const struct seal_key other = { .id = 1, .octets = { 9 } };
	struct extension e;
	char text[1536], again[1536];
	const char *reason;
	char *number;

	(void)state;
	sealed_write(text, sizeof(text), &g_key);
	sealed_write(again, sizeof(again), &g_key);
	assert_null(strstr(text, HA1_MD5));
	assert_null(strstr(text, "\"ha1\""));
	assert_string_not_equal(text, again); /* not to be told from another password */
	assert_int_equal(extension_from_document(&e, bytes_str(text), &g_key, &reason), 0);
	assert_string_equal(e.realm, "tandem");
	assert_int_equal(e.core.secret.ha1[DIGEST_SHA256][31], 1);
	/* with other keys it is an extension that nobody can use */
	assert_int_equal(extension_from_document(&e, bytes_str(text), &other, &reason), 0);
	assert_string_equal(e.realm, "");
	assert_int_equal(e.core.secret.ha1[DIGEST_SHA256][31], 0);
	assert_string_equal(e.core.display_name, "Front desk");
	/* nor is it of use in another's document */
	number = strstr(text, "1001");
	assert_non_null(number);
	number[3] = '2';
	assert_int_equal(extension_from_document(&e, bytes_str(text), &g_key, &reason), 0);
	assert_string_equal(e.realm, "");
}

/* Each name has its own hash, which opens for it alone; an older document has none. */
static void test_locations(void **state)
{
	static const struct {
		const char *list;
		int count;
	} rows[] = { { "", 0 },    { "2", 1 },   { "2,5,65535", 3 }, { "1,2,3,4,5,6,7,8", 8 },
		     { "2,", -1 }, { ",2", -1 }, { "2,2", -1 },      { "1,2,3,4,5,6,7,8,9", -1 },
		     { "0", -1 },  { "02", -1 }, { "65536", -1 },    { "2 ,5", -1 },
		     { "two", -1 } };
	struct extension e = { .core.number = "1001", .realm = "tandem", .locations = "2,5" };
	struct extension again;
	uint16_t ids[EXTENSION_LOCATIONS_MAX];
	const char *reason = NULL;
	json_t *json, *list;
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int count = extension_locations(bytes_str(rows[i].list), ids);

		ROW_ASSERT(rows[i].list, rows[i].count < 0 ? count < 0 : count == rows[i].count);
	}
	e.located.count = 2;
	e.located.of[0].location = 2;
	e.located.of[0].secret.ha1[0][0] = 7;
	e.located.of[1].location = 5;
	json = extension_to_document(&e, &g_key, &g_rand);
	text = json_dumps(json, 0);
	assert_int_equal(extension_from_document(&again, bytes_str(text), &g_key, &reason), 0);
	assert_string_equal(again.realm, "tandem");
	assert_memory_equal(&again.located, &e.located, sizeof(e.located));
	free(text);
	list = json_object_get(json, "locations_sealed");
	assert_int_equal(json_array_insert(list, 0, json_array_get(list, 1)), 0);
	assert_int_equal(json_array_remove(list, 2), 0);
	text = json_dumps(json, 0);
	assert_int_equal(extension_from_document(&again, bytes_str(text), &g_key, &reason), 0);
	assert_string_equal(again.realm, ""); /* nobody logs in with what was moved */
	free(text);
	assert_int_equal(json_array_remove(list, 0), 0);
	text = json_dumps(json, 0);
	assert_int_equal(extension_from_document(&again, bytes_str(text), &g_key, &reason),
			 -EBADMSG);
	assert_string_equal(reason, "locations_sealed");
	free(text);
	text = json_dumps(json_object_get(json, "locations"), JSON_ENCODE_ANY);
	assert_string_equal(text, "\"2,5\"");
	free(text);
	json_decref(json);
}

static void test_view_has_no_secret(void **state)
{
	struct extension e;
	const char *reason;
	json_t *json;
	char *text;

	(void)state;
	assert_int_equal(extension_from_document(&e, bytes_str(DOCUMENT("")), &g_key, &reason), 0);
	json = extension_to_view(&e, "tandem");
	text = json_dumps(json, JSON_COMPACT);
	assert_null(strstr(text, HA1_MD5));
	assert_null(strstr(text, "ha1"));
	assert_non_null(strstr(text, "\"password_valid\":true"));
	assert_non_null(strstr(text, "\"forward_always\":\"\""));
	assert_non_null(strstr(text, "\"do_not_disturb\":false"));
	free(text);
	json_decref(json);
	json = extension_to_view(&e, "other");
	assert_true(json_is_false(json_object_get(json, "password_valid")));
	json_decref(json);
}

static void test_ha1_text(void **state)
{
	static const char *const bad[] = { "",
					   HA1_MD5,
					   HA1 ":",
					   HA1 "0",
					   "x" HA1,
					   ":" HA1,
					   HA1_MD5 ":" HA1_SHA256,
					   HA1_SHA256 ":" HA1 };
	struct digest_secret secret;
	char text[HA1_TEXT + 1];

	(void)state;
	assert_int_equal(ha1_read(&secret, BYTES_LIT(HA1)), 0);
	ha1_write(text, &secret);
	assert_string_equal(text, HA1);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ha1_read(&secret, bytes_str(bad[i])), -EINVAL);
}

static void put(struct extensions *x, const char *number, int want)
{
	struct extension e = { .realm = "tandem" };

	(void)snprintf(e.core.number, sizeof(e.core.number), "%s", number);
	assert_int_equal(extensions_put(x, &e), want);
}

static void test_table(void **state)
{
	const struct hash_key key = { 1, 2 };
	struct extensions x;

	(void)state;
	assert_int_equal(extensions_open(&x, 3, &key), 0);
	put(&x, "30", 0);
	put(&x, "10", 0);
	put(&x, "20", 0);
	put(&x, "40", -ENOSPC);
	put(&x, "20", 0); /* replaces */
	assert_int_equal(extensions_count(&x), 3);
	assert_true(extensions_delete(&x, 0, BYTES_LIT("20")));
	assert_false(extensions_delete(&x, 0, BYTES_LIT("20")));
	assert_false(extensions_has(&x, 0, BYTES_LIT("20")));
	assert_true(extensions_has(&x, 0, BYTES_LIT("30")));
	put(&x, "40", 0);
	extensions_close(&x);
}

/* Equal numbers of two tenants never meet. */
static void test_table_of_tenants(void **state)
{
	const struct hash_key key = { 1, 2 };
	struct extension e = { 0 }, out;
	struct extensions x;
	uint32_t cursor = 0, count = 0;
	struct bytes number;
	uint16_t tenant;

	(void)state;
	assert_int_equal(extensions_open(&x, 3, &key), 0);
	(void)snprintf(e.core.number, sizeof(e.core.number), "10");
	for (tenant = 0; tenant < 3; tenant++) {
		e.core.tenant = tenant;
		e.changed_utc_ms = 100U + tenant;
		assert_int_equal(extensions_put(&x, &e), 0);
	}
	assert_true(extensions_find(&x, 2, BYTES_LIT("10"), &out));
	assert_true(out.core.tenant == 2 && out.changed_utc_ms == 102);
	assert_true(extensions_delete(&x, 1, BYTES_LIT("10")));
	assert_false(extensions_has(&x, 1, BYTES_LIT("10")));
	assert_true(extensions_has(&x, 0, BYTES_LIT("10")));
	for (; extensions_next(&x, &cursor, &tenant, &number); count++)
		assert_true(bytes_is(number, "10") && (tenant == 0 || tenant == 2));
	assert_int_equal(count, 2);
	extensions_close(&x);
}

/* With all that may be set, and no longer. */
static void test_table_keeps_all(void **state)
{
	const struct hash_key key = { 1, 2 };
	struct extension e, out = { .changed_utc_ms = 7 };
	const char *reason;
	struct extensions x;

	(void)state;
	assert_int_equal(extensions_open(&x, 3, &key), 0);
	assert_int_equal(extension_from_document(&e, bytes_str(DOCUMENT(WHOLE)), &g_key, &reason),
			 0);
	assert_int_equal(extensions_put(&x, &e), 0);
	assert_true(extensions_find(&x, 0, BYTES_LIT("1001"), &out));
	assert_memory_equal(&out, &e, sizeof(e));
	assert_false(extensions_find(&x, 0, BYTES_LIT("1002"), &out));
	assert_memory_equal(&out, &e, sizeof(e));
	assert_int_equal(extension_from_document(&e, bytes_str(DOCUMENT("")), &g_key, &reason), 0);
	assert_int_equal(extensions_put(&x, &e), 0);
	assert_true(extensions_find(&x, 0, BYTES_LIT("1001"), &out));
	assert_memory_equal(&out, &e, sizeof(e));
	extensions_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_locations),
		cmocka_unit_test(test_view_has_no_secret),
		cmocka_unit_test(test_ha1_text),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_of_tenants),
		cmocka_unit_test(test_table_keeps_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
