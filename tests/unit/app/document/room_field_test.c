/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/room_field.h"

#include <errno.h>

#include "tests/unit/test.h"

static const struct seal_key g_key = { .id = 1, .octets = { 3 } };
static struct rand_source g_rand = { .state = { 1, 2, 3, 4 }, .seeded = 1 };

static void test_read(void **state)
{
	static const struct {
		const char *json;
		const char *wrong; /* NULL: fine */
	} rows[] = {
		{ "{\"number\":\"700\"}", NULL },
		{ "{\"number\":\"700\",\"max_members\":2000,\"talkers\":8,\"rate\":48000}", NULL },
		{ "{\"number\":\"700\",\"entry_tone\":\"name\",\"exit_tone\":\"none\"}", NULL },
		{ "{\"number\":\"700\",\"record\":\"on_demand\",\"locked\":true}", NULL },
		{ "{}", "number" },
		{ "{\"number\":\"7 0\"}", "number" },
		{ "{\"number\":\"700\",\"max_members\":1}", "max_members" },
		{ "{\"number\":\"700\",\"max_members\":2001}", "max_members" },
		{ "{\"number\":\"700\",\"talkers\":0}", NULL },
		{ "{\"number\":\"700\",\"talkers\":9}", "talkers" },
		{ "{\"number\":\"700\",\"rate\":44100}", "rate" },
		{ "{\"number\":\"700\",\"rate\":8001}", "rate" },
		{ "{\"number\":\"700\",\"entry_tone\":\"gong\"}", "entry_tone" },
		{ "{\"number\":\"700\",\"exit_tone\":1}", "exit_tone" },
		{ "{\"number\":\"700\",\"record\":\"yes\"}", "record" },
		{ "{\"number\":\"700\",\"muted\":1}", "muted" },
		{ "{\"number\":\"700\",\"wait_for_host\":true}", "wait_for_host" },
		{ "{\"number\":\"700\",\"ends_with_host\":true}", "ends_with_host" },
		{ "{\"number\":\"700\",\"pins_sealed\":\"12\"}", "pins_sealed" },
		{ "{\"number\":\"700\",\"pins_sealed\":7}", "pins_sealed" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct room_value r = { .changed_utc_ms = 7 };
		const char *reason = NULL;
		int err = room_from_document(&r, bytes_str(row->json), &g_key, &reason);

		ROW_ASSERT(row->json, err == (row->wrong ? -EBADMSG : 0));
		ROW_ASSERT(row->json, !row->wrong || !strcmp(reason, row->wrong));
		ROW_ASSERT(row->json, row->wrong ? r.changed_utc_ms == 7
						 : !strcmp(r.core.number, "700") && !r.unread);
	}
}

/* What nothing is said of. */
static void test_first(void **state)
{
	struct room_value r;
	const char *reason;

	(void)state;
	assert_int_equal(room_from_document(&r, BYTES_LIT("{\"number\":\"700\"}"), &g_key, &reason),
			 0);
	assert_int_equal(r.core.max_members, 100);
	assert_int_equal(r.core.talkers, 3);
	assert_int_equal(r.core.rate, 16000);
	assert_int_equal(r.core.entry, ROOM_TONE_BEEP);
	assert_int_equal(r.core.exit, ROOM_TONE_BEEP);
	assert_int_equal(r.core.record, ROOM_RECORD_OFF);
	assert_false(room_asks_pin(&r.core));
	assert_false(r.core.locked || r.core.muted || r.core.wait_for_host);
}

static void test_pins(void **state)
{
	static const char *const bad[] = { "",     "123",  "12345678901234567", "12a4", "12 4",
					   "12*4", "none", "\xc3\xa9\xc3\xa9" };
	char pin[ROOM_PIN_MAX] = "12345678";

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ROW_ASSERT(bad[i], !room_pin_set(pin, bytes_str(bad[i])));
	assert_string_equal(pin, "12345678");
	assert_true(room_pin_set(pin, BYTES_LIT("0007")));
	assert_string_equal(pin, "0007");
	assert_int_equal(pin[6], 0); /* nothing is left of the longer one */
	assert_true(room_pin_set(pin, BYTES_LIT("1234567890123456")));
	assert_string_equal(pin, "1234567890123456");
	assert_true(room_pin_set(pin, BYTES_LIT(ROOM_NO_PIN)));
	assert_string_equal(pin, "");
}

static void test_together(void **state)
{
	static const struct {
		const char *pin, *host_pin;
		bool waits, ends;
		const char *wrong;
	} rows[] = {
		{ "", "", false, false, NULL },
		{ "1234", "", false, false, NULL },
		{ "1234", "4321", true, true, NULL },
		{ "", "4321", true, false, NULL },
		{ "1234", "1234", false, false, "host_pin" },
		{ "1234", "", true, false, "wait_for_host" },
		{ "1234", "", false, true, "ends_with_host" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct room_value r = { .core = { .wait_for_host = row->waits,
						  .ends_with_host = row->ends } };
		const char *member = NULL, *wrong;

		(void)strcpy(r.core.pin, row->pin);
		(void)strcpy(r.core.host_pin, row->host_pin);
		wrong = room_wrong(&r, &member);
		ROW_ASSERT(row->wrong ? row->wrong : "fine", !wrong == !row->wrong);
		ROW_ASSERT(row->wrong ? row->wrong : "fine", !wrong || !strcmp(member, row->wrong));
	}
}

static char *written(const struct room_value *r)
{
	json_t *json = room_to_document(r, &g_key, &g_rand);
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	assert_non_null(text);
	return text;
}

/* In Redis they are sealed, whatever length they have, and open for that room alone. Nobody is shown them. */
static void test_sealed(void **state)
{
	const struct seal_key other = { .id = 1, .octets = { 4 } };
	struct room_value r, again;
	const char *reason;
	char *text, *longer;
	json_t *view;

	(void)state;
	room_default(&r);
	(void)strcpy(r.core.number, "700");
	(void)strcpy(r.core.pin, "5151");
	(void)strcpy(r.core.host_pin, "626262");
	r.core.wait_for_host = true;
	text = written(&r);
	assert_null(strstr(text, "5151"));
	assert_null(strstr(text, "626262"));
	assert_int_equal(room_from_document(&again, bytes_str(text), &g_key, &reason), 0);
	assert_memory_equal(&r, &again, sizeof(r));
	assert_int_equal(room_from_document(&again, bytes_str(text), &other, &reason), 0);
	assert_true(again.unread && again.core.wait_for_host);
	assert_false(room_asks_pin(&again.core));
	memcpy(strstr(text, "\"700\""), "\"701\"", 5);
	assert_int_equal(room_from_document(&again, bytes_str(text), &g_key, &reason), 0);
	assert_true(again.unread);
	(void)strcpy(r.core.pin, "5151515151515151");
	longer = written(&r);
	assert_int_equal(strlen(longer), strlen(text));
	free(longer);
	free(text);
	view = room_to_view(&r);
	assert_true(json_is_true(json_object_get(view, "has_pin")));
	assert_true(json_is_true(json_object_get(view, "has_host_pin")));
	text = json_dumps(view, JSON_COMPACT);
	assert_null(strstr(text, "5151"));
	assert_null(strstr(text, "626262"));
	assert_null(strstr(text, "sealed"));
	free(text);
	json_decref(view);
}

/* Without PINs there is nothing to seal. */
static void test_open_room(void **state)
{
	struct room_value r, again;
	const char *reason;
	char *text;

	(void)state;
	room_default(&r);
	(void)strcpy(r.core.number, "700");
	text = written(&r);
	assert_null(strstr(text, "sealed"));
	assert_int_equal(room_from_document(&again, bytes_str(text), &g_key, &reason), 0);
	assert_memory_equal(&r, &again, sizeof(r));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),   cmocka_unit_test(test_first),
		cmocka_unit_test(test_pins),   cmocka_unit_test(test_together),
		cmocka_unit_test(test_sealed), cmocka_unit_test(test_open_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
