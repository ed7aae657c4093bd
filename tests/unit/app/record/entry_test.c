/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis has of a recording is read, whatever somebody wrote there. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "app/record/entry.h"

#define NAME "default/2026-11-25/x.wav"
#define HEAD "{\"name\":\"" NAME "\",\"tenant\":\"default\","
#define WHO  HEAD "\"state\":\"kept\",\"node\":\"n1\","

static void what_is_read(void **state)
{
	static const struct {
		const char *name, *text, *want; /* "": it is refused */
	} rows[] = {
		{ "the least", HEAD "\"state\":\"kept\",\"node\":\"n1\"}",
		  HEAD "\"state\":\"kept\",\"node\":\"n1\",\"stored\":[]}" },
		{ "members of a later program are left out", WHO "\"colour\":\"red\"}",
		  WHO "\"stored\":[]}" },
		{ "facts", WHO "\"from\":\"1001\",\"octets\":7,\"last\":true}",
		  WHO "\"last\":true,\"from\":\"1001\",\"octets\":7,\"stored\":[]}" },
		{ "who left it", WHO "\"from_name\":\"Ann\"}", WHO "\"from_name\":\"Ann\",\"stored\":[]}" },
		{ "in a mailbox", WHO "\"mailbox\":\"1001\",\"heard\":true}",
		  WHO "\"mailbox\":\"1001\",\"heard\":true,\"stored\":[]}" },
		{ "a mailbox that is none", WHO "\"mailbox\":7}", "" },
		{ "heard, or what", WHO "\"heard\":\"yes\"}", "" },
		{ "where it is stored",
		  WHO "\"stored\":[{\"to\":\"a\",\"url\":\"u\",\"x\":1},{\"to\":\"b\"}]}",
		  WHO "\"stored\":[{\"to\":\"a\",\"url\":\"u\"},{\"to\":\"b\"}]}" },
		{ "nothing", "", "" },
		{ "no JSON", "{\"name\":", "" },
		{ "no object", "[]", "" },
		{ "twice", WHO "\"node\":\"n2\"}", "" },
		{ "a state of nobody", HEAD "\"state\":\"x\",\"node\":\"n1\"}", "" },
		{ "no state", HEAD "\"node\":\"n1\"}", "" },
		{ "a state that is no text", HEAD "\"state\":1,\"node\":\"n1\"}", "" },
		{ "no node", HEAD "\"state\":\"kept\"}", "" },
		{ "of another tenant",
		  "{\"name\":\"" NAME "\",\"tenant\":\"acme\",\"state\":\"kept\",\"node\":\"n1\"}",
		  "" },
		{ "of another file",
		  "{\"name\":\"default/2026-11-25/y.wav\",\"tenant\":\"default\","
		  "\"state\":\"kept\",\"node\":\"n1\"}",
		  "" },
		{ "a number below 0", WHO "\"octets\":-1}", "" },
		{ "a number that is none", WHO "\"octets\":\"7\"}", "" },
		{ "too large a number", WHO "\"octets\":99999999999999999999}", "" },
		{ "a text that is none", WHO "\"from\":{}}", "" },
		{ "a flag that is none", WHO "\"last\":1}", "" },
		{ "places that are no list", WHO "\"stored\":{}}", "" },
		{ "a place that is none", WHO "\"stored\":[7]}", "" },
		{ "a place without a name", WHO "\"stored\":[{\"url\":\"u\"}]}", "" },
		{ "too many places",
		  WHO "\"stored\":[{\"to\":\"1\"},{\"to\":\"2\"},{\"to\":\"3\"},{\"to\":\"4\"},"
		      "{\"to\":\"5\"},{\"to\":\"6\"},{\"to\":\"7\"},{\"to\":\"8\"},{\"to\":\"9\"}]}",
		  "" },
		{ "no UTF-8", WHO "\"from\":\"\xff\"}", "" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		json_t *json = entry_parse(BYTES_LIT(NAME), bytes_str(row->text));
		char *text = json ? entry_write(json) : NULL;

		ROW_ASSERT(row->name, !strcmp(text ? text : "", row->want));
		free(text);
		json_decref(json);
	}
}

static void no_more_than_so_long(void **state)
{
	static char text[2 * ENTRY_MAX];
	json_t *json;
	int n;

	(void)state;
	for (int length = ENTRY_MAX; length <= ENTRY_MAX + 1; length++) {
		n = snprintf(text, sizeof(text), WHO "\"from\":\"%0*d\"}",
			     length - (int)sizeof(WHO "\"from\":\"\"}") + 1, 0);
		assert_int_equal(n, length);
		json = entry_parse(BYTES_LIT(NAME), bytes_mem(text, (size_t)n));
		assert_int_equal(json != NULL, length == ENTRY_MAX);
		/* "stored" is added */
		assert_null(json ? entry_write(json) : NULL);
		json_decref(json);
	}
}

/* Whatever lies in the folder. */
static void of_a_sidecar(void **state)
{
	json_t *sidecar = json_pack("{s:s, s:s, s:i, s:{s:s}, s:b, s:s, s:[]}", "call", "c",
				    "secret", "x", "octets", 7, "account_code", "state", "kept",
				    "last", 1, "codec", "L16", "pauses");
	json_t *json = json_object();
	char *text;

	(void)state;
	entry_facts(json, sidecar);
	text = entry_write(json);
	assert_string_equal(text, "{\"call\":\"c\",\"last\":true,\"octets\":7}");
	free(text);
	json_decref(json);
	json_decref(sidecar);
}

#define SEGMENT(day, file) "default/2026-11-" day "/" file
#define MESSAGE            "{\"cause\":\"message\"}"

/* Segments of one message alone, of whatever day and format. */
static void parts_of_a_message(void **state)
{
	static const struct {
		const char *name, *first, *part, *json;
		bool is;
	} rows[] = {
		{ "the next", SEGMENT("25", "c-1.1.wav"), SEGMENT("25", "c-1.2.wav"), MESSAGE, true },
		{ "of the next day, enveloped", SEGMENT("25", "c-1.1.wav.cms"),
		  SEGMENT("26", "c-1.2.wav.cms"), MESSAGE, true },
		{ "itself", SEGMENT("25", "c-1.1.wav"), SEGMENT("25", "c-1.1.wav"), MESSAGE, false },
		{ "another recording of the call", SEGMENT("25", "c-1.1.wav"),
		  SEGMENT("25", "c-11.2.wav"), MESSAGE, false },
		{ "another call", SEGMENT("25", "c-1.1.wav"), SEGMENT("25", "d-1.2.wav"), MESSAGE,
		  false },
		{ "another tenant", "acme/2026-11-25/c-1.1.wav", SEGMENT("25", "c-1.2.wav"),
		  MESSAGE, false },
		{ "no message", SEGMENT("25", "c-1.1.wav"), SEGMENT("25", "c-1.2.wav"),
		  "{\"cause\":\"policy\"}", false },
		{ "an older program's", SEGMENT("25", "c-1.1.wav"), SEGMENT("25", "c-1.2.wav"), "{}",
		  false },
		{ "behind nothing", "", SEGMENT("25", "c-1.2.wav"), MESSAGE, false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		json_t *json = json_loads(row->json, 0, NULL);

		ROW_ASSERT(row->name, entry_is_part(row->first, row->part, json) == row->is);
		json_decref(json);
	}
}

static void a_part_is_added(void **state)
{
	json_t *row = json_pack("{s:s, s:i, s:i, s:b, s:s}", "name", "a", "duration_ms", 100,
				"octets", 7, "last", 0, "ended", "t1");
	json_t *part = json_pack("{s:s, s:s, s:i, s:i, s:b, s:s}", "name", "b", "node", "n2",
				 "duration_ms", 20, "octets", 3, "last", 1, "ended", "t2");
	char *text;

	(void)state;
	entry_add_part(row, part);
	text = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"duration_ms\":120,\"ended\":\"t2\",\"interrupted\":true,"
				  "\"last\":true,\"name\":\"a\",\"octets\":10,"
				  "\"parts\":[{\"name\":\"b\",\"node\":\"n2\"}]}");
	free(text);
	/* names are no numbers: the tenth comes before the second */
	(void)json_object_set_new(part, "last", json_false());
	(void)json_object_set_new(part, "ended", json_string("t1"));
	entry_add_part(row, part);
	assert_true(json_is_true(json_object_get(row, "last")));
	assert_string_equal(json_string_value(json_object_get(row, "ended")), "t2");
	json_decref(row);
	json_decref(part);
}

/* As entries come that are read the last name first: "FIRST+PARTS" of each row. */
static void rows_of_a_list(void **state)
{
	static const struct {
		const char *name, *entries, *unwanted, *want;
		size_t most;
	} rows[] = {
		{ "one by one", "c-1.2.wav c-1.1.wav b-1.wav", "", "c-1.2.wav+0 c-1.1.wav+0 b-1.wav+0 ", 9 },
		{ "a message", "!c-1.2.wav !c-1.1.wav b-1.wav", "", "c-1.1.wav+1 b-1.wav+0 ", 9 },
		{ "at the end", "c-1.wav !b-1.3.wav !b-1.2.wav !b-1.1.wav", "", "c-1.wav+0 b-1.1.wav+2 ", 9 },
		{ "of another call", "!c-1.1.wav !b-1.2.wav", "", "c-1.1.wav+0 b-1.2.wav+0 ", 9 },
		{ "the first is not wanted", "!c-1.2.wav !c-1.1.wav b-1.wav", "c-1.1.wav", "b-1.wav+0 ", 9 },
		{ "a further one is not", "!c-1.2.wav !c-1.1.wav", "c-1.2.wav", "c-1.1.wav+1 ", 9 },
		{ "no more", "!c-1.2.wav !c-1.1.wav b-1.wav a-1.wav", "", "c-1.1.wav+1 ", 1 },
		{ "nothing", "", "", "", 9 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct bytes rest = bytes_str(row->entries), word;
		struct entry_list list;
		char name[64], text[256] = "";
		json_t *said;

		entry_list_start(&list, row->most);
		while (rest.n) {
			if (!bytes_cut(&rest, ' ', &word)) {
				word = rest;
				rest = (struct bytes){ 0 };
			}
			bool message = word.p[0] == '!';

			(void)snprintf(name, sizeof(name), "acme/2026-11-25/" BYTES_FMT,
				       BYTES_ARG(bytes_from(word, message)));
			entry_list_add(&list,
				       json_pack("{s:s, s:s, s:s}", "name", name, "node", "n1",
						 "cause", message ? "message" : "policy"),
				       !bytes_is(bytes_from(word, message), row->unwanted));
		}
		said = entry_list_end(&list);
		for (size_t i = 0; i < json_array_size(said); i++) {
			const json_t *one = json_array_get(said, i);

			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s+%zu ",
				       json_string_value(json_object_get(one, "name")) + 16,
				       json_array_size(json_object_get(one, "parts")));
		}
		ROW_ASSERT(row->name, !strcmp(text, row->want));
		json_decref(said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read),    cmocka_unit_test(no_more_than_so_long),
		cmocka_unit_test(of_a_sidecar),    cmocka_unit_test(parts_of_a_message),
		cmocka_unit_test(a_part_is_added), cmocka_unit_test(rows_of_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
