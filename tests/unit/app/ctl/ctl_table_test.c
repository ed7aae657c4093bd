/* SPDX-License-Identifier: Apache-2.0 */
#include "app/ctl/ctl_table.h"

#include "app/ctl/ctl.h"
#include "tests/unit/test.h"

enum { PAGE = 44 };

/* Of the program; no table says anything there. */
void ctl_complain(const char *fmt, ...)
{
	fail_msg("%s", fmt);
}

static const struct {
	const char *name, *json, *want;
} ROWS[] = {
	{ "nothing", "[]", "none\n" },
	{ "a word", "\"fine\"", "fine\n" },
	{ "an object", "{\"draining\":true,\"calls\":3}", "draining  yes\ncalls     3\n" },
	{ "a table", "[{\"number\":\"1001\",\"name\":\"\"},{\"number\":\"7\",\"name\":\"Anna\"}]",
	  "number  name\n1001    -\n7       Anna\n" },
	{ "a member that others lack", "[{\"a\":1},{\"a\":2,\"b\":null}]", "a  b\n1  -\n2  -\n" },
	{ "characters have columns, not octets",
	  "[{\"name\":\"J\u00fcrgen\",\"n\":1},{\"name\":\"\u738b\u4f1f\",\"n\":2},{\"name\":"
	  "\"e\u0301\",\"n\":3}]",
	  "name    n\nJ\u00fcrgen  1\n\u738b\u4f1f    2\ne\u0301       3\n" },
	{ "a cause is whole, and below where it does not fit",
	  "[{\"id\":\"000agvj5jqr40\",\"cause\":\"refused by the other side, which has said so at "
	  "length\",\"to\":\"1002\"}]",
	  "id             to\n000agvj5jqr40  1002\n  cause: refused by the other side, which\n"
	  "         has said so at length\n" },
	{ "times", "{\"setup_utc_ms\":1750000000000,\"answer_utc_ms\":0,\"talk_ms\":1500}",
	  "setup_utc_ms   2025-06-15T15:06:40Z\nanswer_utc_ms  -\ntalk_ms        1500\n" },
	{ "a list of sentences", "{\"warnings\":[\"one, and two\",\"three four\"]}",
	  "warnings  one, and two; three four\n" },
	{ "lists of words", "{\"codecs\":[\"PCMA\",\"opus\"],\"others\":[]}",
	  "codecs  PCMA,opus\nothers  -\n" },
	{ "what lies deeper", "[{\"id\":\"x\",\"flows\":[{\"leg\":\"a\",\"mos\":4.2}]}]",
	  "id\nx\n  flows:\n    leg  mos\n    a    4.20\n" },
	{ "a phone's name is no order to a terminal",
	  "{\"user_agent\":\"a\\u001b[2Jb\\u0007\\u009bc\\n\"}", "user_agent  a?[2Jb??c?\n" },
	{ "empty columns, then wide ones, then the last are hidden",
	  "[{\"id\":\"000agvj5jqr40\",\"none\":\"\",\"wide\":\"0160513f9db362a50160513f9db362a5x\","
	  "\"from\":\"1001\",\"nothing\":null,\"to\":\"1002\",\"version\":1234567890123}]",
	  "id             from  to    version\n000agvj5jqr40  1001  1002  1234567890123\n"
	  "more with -o wide: none, wide, nothing\n" },
	{ "the first column stays",
	  "[{\"a\":\"000agvj5jqr40000agvj5jqr40000agvj5jqr40000agvj5jqr40\",\"b\":1}]",
	  "a\n000agvj5jqr40000agvj5jqr40000agvj5jqr40000agvj5jqr40\nmore with -o wide: b\n" },
	{ "a long value goes on below",
	  "{\"codecs\":[\"PCMA\",\"PCMU\",\"G722\",\"opus\",\"G726-32\",\"telephone-event\"]}",
	  "codecs  PCMA,PCMU,G722,opus,G726-32,\n        telephone-event\n" },
	{ "a time of its own", "{\"utc_ms\":1750000000000}", "utc_ms  2025-06-15T15:06:40Z\n" },
	{ "what is said to people stands below its row",
	  "[{\"status\":407,\"sentence\":\"The phone had no password yet, and was asked.\","
	  "\"next\":\"Nothing.\"},{\"status\":200,\"sentence\":null,\"next\":\"\"}]",
	  "status\n407\n  The phone had no password yet, and was\n  asked.\n  next: Nothing.\n"
	  "200\n" },
	{ "names of before are for programs",
	  "{\"quality\":{\"received\":1,\"reported\":2,\"heard\":1,\"told\":2}}",
	  "quality:\n  received  1\n  reported  2\n" },
	{ "too deep", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}",
	  "a:\n  a:\n    a:\n      a:\n        a:\n          a:\n            a:\n              "
	  "...\n" },
};

static void test_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		char text[4096];
		struct writer w = writer_over(text, sizeof(text) - 1);
		json_t *json = json_loads(ROWS[i].json, JSON_DECODE_ANY, NULL);

		assert_non_null(json);
		ctl_table_write(&w, json, PAGE, NULL);
		text[w.n] = '\0';
		json_decref(json);
		if (strcmp(text, ROWS[i].want) != 0)
			fail_msg("%s:\n%s", ROWS[i].name, text);
	}
}

/* What a command says that a page shows; a node of before may have none of it. */
static void test_chosen(void **state)
{
	static const struct {
		const char *columns, *want;
	} rows[] = {
		{ "c,a", "a  c\n1  3\nmore with -o wide: b\n" },
		{ "d", "a  b  c\n1  2  3\n" },
	};
	json_t *json = json_loads("[{\"a\":1,\"b\":2,\"c\":3}]", 0, NULL);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[256];
		struct writer w = writer_over(text, sizeof(text) - 1);

		ctl_table_write(&w, json, PAGE, rows[i].columns);
		text[w.n] = '\0';
		assert_string_equal(text, rows[i].want);
	}
	json_decref(json);
}

/* All of them, as programs of before saw it. */
static void test_wide(void **state)
{
	char text[256];
	struct writer w = writer_over(text, sizeof(text) - 1);
	json_t *json = json_loads(
		"[{\"a\":\"000agvj5jqr40000agvj5jqr40000agvj5jqr40\",\"b\":\"\"}]", 0, NULL);

	(void)state;
	ctl_table_write(&w, json, CTL_TABLE_WIDE, "b");
	text[w.n] = '\0';
	assert_string_equal(text, "a                                        "
				  "b\n000agvj5jqr40000agvj5jqr40000agvj5jqr40  -\n");
	json_decref(json);
}

/* RFC 4180; no cell is a formula, and a number is one. */
static void test_csv(void **state)
{
	static const char want[] =
		"name,n,list,more\r\n\"a,\"\"b\"\"\nc\",-5,\"x,y\",\r\n"
		"'=1+1,,,\"{\"\"k\"\":1}\"\r\n'+49301234,,,\r\n'@x,,,\r\n'-y,,,\r\n";
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	json_t *json = json_loads("[{\"name\":\"a,\\\"b\\\"\\nc\",\"n\":-5,\"list\":[\"x\",\"y\"]},"
				  "{\"name\":\"=1+1\",\"more\":{\"k\":1}},{\"name\":\"+49301234\"},"
				  "{\"name\":\"@x\"},{\"name\":\"-y\"}]",
				  0, NULL);

	(void)state;
	assert_non_null(to);
	assert_non_null(json);
	ctl_csv_write(to, json);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(text, want);
	free(text);
	json_decref(json);
}

/* A party of which nothing came has no figures. */
static void test_quality(void **state)
{
	json_t *json =
		json_loads("[{\"id\":\"x\",\"from\":\"1001\",\"a_packets_in\":990,\"a_lost\":10,"
			   "\"a_jitter_us\":3400,\"a_mos_in_hundredths\":431,\"b_packets_in\":0,"
			   "\"b_lost\":0,\"cause\":\"hung up\",\"codec\":\"PCMA\"}]",
			   0, NULL);
	json_t *rows = ctl_quality_rows(json);
	char text[512];
	struct writer w = writer_over(text, sizeof(text) - 1);

	(void)state;
	ctl_table_write(&w, rows, CTL_TABLE_COLUMNS, NULL);
	text[w.n] = '\0';
	assert_string_equal(text, "id  from  talk_s  loss_%  jitter  mos     cause\n"
				  "x   1001  0       1.0/-   3/-     4.31/-  hung up\n");
	json_decref(rows);
	json_decref(json);
}

/* What does not fit is cut, and nothing is written beyond. */
static void test_no_room(void **state)
{
	json_t *json = json_loads(ROWS[3].json, 0, NULL);

	(void)state;
	for (size_t n = 0; n < 40; n++) {
		char text[64];
		struct writer w = writer_over(text, n);

		memset(text, 'x', sizeof(text));
		ctl_table_write(&w, json, PAGE, NULL);
		assert_int_equal(text[n], 'x');
	}
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),  cmocka_unit_test(test_wide),
		cmocka_unit_test(test_chosen),  cmocka_unit_test(test_csv),
		cmocka_unit_test(test_quality), cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
