/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a call takes through a program, with which arguments, and what it knows on the way. */
#include "tests/unit/test.h"

#include <errno.h>

#include "sig/flow/program.h"

static struct flow_program *g_program;
static struct flow_position g_at;
static struct flow_verb g_verb;
static char g_tags[256], g_way[8192];
static const char *g_hours, *g_name;

static void fact(void *arg, struct bytes name, struct writer *w)
{
	(void)arg;
	if (bytes_is(name, "caller"))
		writer_str(w, "+4930{called}");
	if (bytes_is(name, "header.X-Line"))
		writer_str(w, "a\r\nb");
	if (bytes_is(name, "caller_name") && g_name)
		writer_str(w, g_name);
	if (bytes_is(name, "header.X-Long"))
		for (int i = 0; i < 100; i++)
			writer_str(w, "0123456789");
}

static void hours(void *arg, struct bytes name, struct writer *w)
{
	(void)arg;
	if (bytes_is(name, "office"))
		writer_str(w, g_hours);
}

static bool tag(void *arg, struct bytes name, struct bytes value)
{
	size_t n = strlen(g_tags);

	(void)arg;
	(void)snprintf(g_tags + n, sizeof(g_tags) - n, BYTES_FMT "=" BYTES_FMT ";", BYTES_ARG(name),
		       BYTES_ARG(value));
	return !bytes_is(name, "No.no");
}

static void left(void *arg, const struct flow_step *step, const char *by)
{
	size_t n = strlen(g_way);

	(void)arg;
	(void)snprintf(g_way + n, sizeof(g_way) - n, "%s:%s ", step->name, by);
}

static const struct flow_world g_world = { fact, hours, tag, left, NULL };

static enum flow_turn begin(const char *text)
{
	static struct flow_findings found;

	program_free(g_program);
	g_program = program_parse(bytes_str(text), NULL, &found);
	if (!g_program)
		fail_msg("%s: %s", found.list[0].path, found.list[0].message);
	return program_start(g_program, &g_at, &g_world, &g_verb);
}

static enum flow_turn next(enum flow_outcome outcome, const char *value)
{
	return program_next(g_program, &g_at, outcome, bytes_str(value), &g_world, &g_verb);
}

static int leave(void **state)
{
	(void)state;
	position_clear(&g_at);
	program_free(g_program);
	g_program = NULL;
	g_tags[0] = g_way[0] = '\0';
	return 0;
}

static void assert_verb(const char *want)
{
	char text[4096];
	struct writer w = writer_over(text, sizeof(text) - 1);

	verb_write(&w, &g_verb);
	assert_false(w.overflow);
	text[w.n] = '\0';
	assert_string_equal(text, want);
}

static void assert_variable(const char *name, const char *want, bool secret)
{
	bool hidden;
	struct bytes value = variable_get(&g_at, bytes_str(name), &hidden);

	assert_true(bytes_is(value, want));
	assert_int_equal(hidden, secret);
}

#define MENU                                                                                      \
	"{\"start\":\"m\",\"steps\":{\"m\":{\"gather\":{\"max\":3,\"tries\":2,\"first_s\":0.5},"  \
	"\"on\":{\"1\":\"one\",\"x\":\"any\",\"10[0-4]|12x\":\"more\"},\"timeout\":\"late\","     \
	"\"invalid\":\"bad\"},\"one\":{\"say\":\"{digits}\"},\"any\":{\"say\":\"any {digits}\"}," \
	"\"more\":{\"say\":\"more\"},\"late\":{\"say\":\"late\"},\"bad\":{\"say\":\"bad\"}}}"

static void test_gather(void **state)
{
	(void)state;
	assert_int_equal(begin(MENU), FLOW_VERB);
	assert_verb(
		"{\"step\":\"m\",\"visit\":1,\"gather\":{\"max\":3,\"first_s\":0.5,\"tries\":2}}");
	assert_true(bytes_is(verb_text(&g_verb, "terminators"), "#"));
	assert_int_equal(verb_value(&g_verb, "digit_s")->number, 3000);
	assert_null(verb_value(&g_verb, "digits_s"));
	assert_int_equal(next(OUTCOME_NEXT, "1"), FLOW_VERB);
	assert_verb("{\"step\":\"one\",\"visit\":2,\"say\":{\"text\":\"1\"}}");
	assert_int_equal(next(OUTCOME_NEXT, ""), FLOW_OVER);

	(void)begin(MENU);
	(void)next(OUTCOME_NEXT, "7");
	assert_verb("{\"step\":\"any\",\"visit\":4,\"say\":{\"text\":\"any 7\"}}");
	(void)begin(MENU);
	(void)next(OUTCOME_NEXT, "129");
	assert_string_equal(g_verb.step->name, "more");
}

static void test_tries(void **state)
{
	static const struct {
		enum flow_outcome first, then;
		const char *digits, *step;
	} ways[] = { { OUTCOME_TIMEOUT, OUTCOME_TIMEOUT, "", "late" },
		     { OUTCOME_NEXT, OUTCOME_TIMEOUT, "22", "late" },
		     { OUTCOME_TIMEOUT, OUTCOME_NEXT, "1000", "bad" },
		     { OUTCOME_INVALID, OUTCOME_NEXT, "", "bad" },
		     { OUTCOME_INVALID, OUTCOME_NEXT, "a", "bad" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		assert_int_equal(begin(MENU), FLOW_VERB);
		assert_int_equal(g_verb.tries, 0);
		assert_int_equal(next(ways[i].first, ways[i].digits), FLOW_VERB);
		assert_string_equal(g_verb.step->name, "m");
		assert_int_equal(g_verb.tries, 1);
		assert_int_equal(next(ways[i].then, ways[i].digits), FLOW_VERB);
		assert_string_equal(g_verb.step->name, ways[i].step);
	}
	assert_variable("digits", "", false); /* what is invalid is not kept */
}

/* An outcome that has no branch takes next; one that the verb does not have is a failure. */
static void test_branches(void **state)
{
	static const char program[] = "{\"start\":\"d\",\"steps\":{\"d\":{\"dial\":[\"1\",\"2\"],"
				      "\"busy\":\"b\",\"next\":\"n\"},"
				      "\"b\":{\"dial\":\"3\",\"failed\":\"f\",\"busy\":\"n\",\"no_"
				      "answer\":\"n\"},\"n\":{\"hangup\":{}},"
				      "\"f\":{\"reject\":{\"status\":480}}}}";

	(void)state;
	(void)begin(program);
	assert_int_equal(verb_value(&g_verb, "to")->count, 2);
	(void)next(OUTCOME_NO_ANSWER, "");
	assert_string_equal(g_verb.step->name, "n");
	(void)begin(program);
	(void)next(OUTCOME_BUSY, "");
	(void)next(OUTCOME_CLOSED, "");
	assert_verb("{\"step\":\"f\",\"visit\":5,\"reject\":{\"status\":480}}");
	(void)begin(program);
	(void)next(OUTCOME_BUSY, "");
	assert_int_equal(next(OUTCOME_NEXT, ""), FLOW_OVER);
}

static void test_hours(void **state)
{
	static const char program[] =
		"{\"start\":\"h\",\"steps\":{\"h\":{\"hours\":\"office\",\"closed\":\"c\","
		"\"on\":{\"holiday\":\"x\"},\"failed\":\"f\",\"next\":\"o\"},"
		"\"c\":{\"say\":\"c\"},\"x\":{\"say\":\"x\"},\"f\":{\"say\":\"f\"},\"o\":{\"say\":"
		"\"o\"}}}";
	static const char *const ways[][2] = { { "open", "o" },
					       { "closed", "c" },
					       { "holiday", "x" },
					       { "lunch", "c" },
					       { "", "f" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		g_hours = ways[i][0];
		assert_int_equal(begin(program), FLOW_VERB);
		assert_string_equal(g_verb.step->name, ways[i][1]);
	}
}

static void test_match(void **state)
{
	static const char program[] =
		"{\"start\":\"s\",\"steps\":{\"s\":{\"set\":{\"v\":\"%s\"},\"next\":\"m\"},"
		"\"m\":{\"match\":\"{v}\",\"on\":{\"yes\":\"w\",\"+49x.\":\"p\",\"+4930x.\":\"q\"},"
		"\"else\":\"e\"},\"w\":{\"say\":\"w\"},\"p\":{\"say\":\"p\"},\"q\":{\"say\":\"q\"},"
		"\"e\":{\"say\":\"e\"}}}";
	static const char *const ways[][2] = { { "yes", "w" },    { "Yes", "e" }, { "+4989", "p" },
					       { "+49301", "q" }, { "", "e" },    { "+41", "e" } };
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct writer w = writer_over(text, sizeof(text) - 1);
		struct bytes rest = bytes_str(program), part;

		(void)bytes_cut(&rest, '%', &part);
		writer_bytes(&w, part);
		writer_str(&w, ways[i][0]);
		writer_bytes(&w, bytes_from(rest, 1));
		text[w.n] = '\0';
		assert_int_equal(begin(text), FLOW_VERB);
		assert_string_equal(g_verb.step->name, ways[i][1]);
	}
}

/* Names are replaced once; what came in their place is text. */
static void test_expand(void **state)
{
	(void)state;
	assert_int_equal(begin("[{\"set\":{\"a\":\"{caller}\"}},{\"set\":{\"b\":\"{{a} "
			       "{a}{none}\"}},{\"say\":\"{b}\"}]"),
			 FLOW_VERB);
	assert_variable("a", "+4930{called}", false);
	assert_verb("{\"step\":\"3\",\"visit\":3,\"say\":{\"text\":\"{a} +4930{called}\"}}");
	/* what does not become what it must be fails: a target with a brace, a text that is too long, and nothing */
	assert_int_equal(begin("[{\"dial\":\"{caller}\"},{\"say\":\"{header.X-Long} "
			       "123456789012345678901234\"},"
			       "{\"say\":\"{none}\"},{\"dial\":[\"{none}\",\"1\"]}]"),
			 FLOW_VERB);
	assert_verb("{\"step\":\"4\",\"visit\":7,\"dial\":{\"to\":[\"1\"]}}");
}

/* A caller's name goes into one segment of the path, or one value of the query, whatever it is; else the verb fails. NULL: it does. */
static void test_url(void **state)
{
	static const struct {
		const char *url, *name, *want;
	} rows[] = {
		{ "https://a/c/{caller_name}/open", "Ann", "https://a/c/Ann/open" },
		{ "https://a/c/{caller_name}/open", "../../admin/delete?id=1#", NULL },
		{ "https://a/c/{caller_name}/open", "..", NULL },
		{ "https://a/c/.{caller_name}/open", ".", NULL },
		{ "https://a/c/{caller_name}", "x/..\\..", NULL },
		{ "https://a/c/{caller_name}", "%2e%2e", "https://a/c/%252e%252e" },
		{ "https://a/c/%2E{caller_name}", ".", NULL },
		{ "https://a/c/{caller_name}", "a/b?c#d", "https://a/c/a%2Fb%3Fc%23d" },
		{ "https://a/c?q={caller_name}&r=1", "Ann&role=admin#",
		  "https://a/c?q=Ann%26role%3Dadmin%23&r=1" },
		{ "https://a?q={caller_name}", "../x", "https://a?q=..%2Fx" },
		{ "https://a/#{caller_name}", "a b", "https://a/#a%20b" },
		{ "https://a/{caller_name:4}", "1", "https://a/0001" },
		{ "https://a/{caller_name}", "J\xc3\xbcrgen \"x\"",
		  "https://a/J%C3%BCrgen%20%22x%22" },
		{ "https://a/?n={caller_name}{{x}", "+49 30", "https://a/?n=%2B49%2030{x}" },
		{ "https://a/..", "no name", "https://a/.." },
	};
	char program[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)snprintf(program, sizeof(program), "[{\"http\":\"%s\"},{\"say\":\"failed\"}]",
			       rows[i].url);
		g_name = rows[i].name;
		assert_int_equal(begin(program), FLOW_VERB);
		if (!rows[i].want)
			assert_string_equal(g_verb.step->name, "2");
		else if (!bytes_is(verb_text(&g_verb, "url"), rows[i].want))
			fail_msg("%s: " BYTES_FMT, rows[i].want,
				 BYTES_ARG(verb_text(&g_verb, "url")));
	}
}

/* What an earlier build kept is read, and its verb fails. */
static void test_url_that_was_kept(void **state)
{
	static struct flow_findings found;
	static const char text[] = "[{\"http\":\"https://{caller_name}/\"},{\"say\":\"failed\"}]";

	(void)state;
	g_name = "evil.example";
	assert_null(program_parse(bytes_str(text), NULL, &found));
	g_program = program_read(bytes_str(text), &found);
	assert_non_null(g_program);
	assert_int_equal(found.warnings, 1);
	assert_int_equal(program_start(g_program, &g_at, &g_world, &g_verb), FLOW_VERB);
	assert_string_equal(g_verb.step->name, "2");
}

/* Case numbers are kept with zeros in front: who types 1234 means 00001234 (IVR-03). */
static void test_width(void **state)
{
	(void)state;
	assert_int_equal(begin("[{\"set\":{\"a\":\"1234\"}},{\"set\":{\"b\":\"{a:8}\",\"c\":"
			       "\"x{a:2}{none:8}\",\"d\":\"{caller:16}\"}},{\"say\":\"{b}\"}]"),
			 FLOW_VERB);
	assert_variable("b", "00001234", false);
	assert_variable("c", "x1234", false);
	assert_variable("d", "000+4930{called}", false);
	(void)begin("{\"start\":\"a\",\"steps\":{\"a\":{\"set\":{\"n\":\"1234\"},\"next\":\"b\"},"
		    "\"b\":{\"match\":\"{n:8}\",\"on\":{\"00001234\":\"c\"},\"else\":\"d\"},"
		    "\"c\":{\"tag\":{\"A.b\":\"{n:8}\"},\"next\":\"d\"},\"d\":{\"hangup\":{}}}}");
	assert_string_equal(g_tags, "A.b=00001234;");
}

static void test_secrets(void **state)
{
	(void)state;
	(void)begin("[{\"gather\":{\"into\":\"pin\",\"secret\":true}},{\"set\":{\"a\":\"x{pin}\","
		    "\"b\":\"y\"}},"
		    "{\"tag\":{\"A.b\":\"{a}\"}},{\"say\":\"{a} "
		    "{b}\"},{\"set\":{\"a\":\"{b}\"}},{\"say\":\"{a}\"}]");
	(void)next(OUTCOME_NEXT, "1234");
	assert_variable("pin", "1234", true);
	assert_variable("a", "x1234", true);
	assert_variable("b", "y", false);
	assert_string_equal(g_tags, ""); /* a tag is for all to see */
	assert_true(g_verb.secret);
	assert_verb("{\"step\":\"4\",\"visit\":4,\"say\":{\"text\":\"***\"}}");
	(void)next(OUTCOME_NEXT, "");
	assert_variable("a", "y", false);
	assert_false(g_verb.secret);
}

/* The key that fits is as good as what was pressed. */
static void test_secret_way(void **state)
{
	(void)state;
	(void)begin(
		"{\"start\":\"g\",\"steps\":{\"g\":{\"gather\":{\"into\":\"pin\",\"secret\":true},"
		"\"on\":{\"4711\":\"m\"},\"next\":\"e\"},\"m\":{\"match\":\"{pin}\",\"on\":{"
		"\"4711\":"
		"\"n\"},\"else\":\"e\"},\"n\":{\"match\":\"{called}\",\"on\":{\"x.\":\"e\"},"
		"\"else\":"
		"\"e\"},\"e\":{\"hangup\":{}}}}");
	(void)next(OUTCOME_NEXT, "4711");
	assert_string_equal(g_way, "g:*** m:*** n:x. ");
}

/* Decisions are told as well as what others did. */
static void test_way(void **state)
{
	(void)state;
	g_hours = "holiday";
	(void)begin("{\"start\":\"h\",\"steps\":{\"h\":{\"hours\":\"office\",\"next\":\"g\",\"on\":"
		    "{\"holiday\":\"g\"}},"
		    "\"g\":{\"gather\":{\"tries\":2},\"on\":{\"1x\":\"d\"},\"next\":\"e\"},\"d\":{"
		    "\"dial\":\"1\",\"next\":\"e\"},"
		    "\"e\":{\"hangup\":{\"reason\":\"{header.X-Line}\"}}}}");
	(void)next(OUTCOME_TIMEOUT, "");
	(void)next(OUTCOME_NEXT, "12");
	assert_int_equal(next(OUTCOME_BUSY, ""), FLOW_OVER); /* a reason of two lines */
	assert_string_equal(g_way, "h:holiday g:timeout g:1x d:busy e:failed ");
}

static void test_tags(void **state)
{
	(void)state;
	assert_int_equal(
		begin("[{\"tag\":{\"Case.a\":\"1\",\"Case.b\":\"{caller}\"}},{\"hangup\":{}}]"),
		FLOW_VERB);
	assert_string_equal(g_tags, "Case.a=1;Case.b=+4930{called};");
	assert_int_equal(begin("{\"start\":\"t\",\"steps\":{\"t\":{\"tag\":{\"No.no\":\"1\"},"
			       "\"failed\":\"f\"},"
			       "\"f\":{\"hangup\":{}}}}"),
			 FLOW_VERB);
	assert_string_equal(g_verb.step->name, "f");
}

static void test_variables(void **state)
{
	char long_text[VERB_TEXT_MAX + 2];
	struct bytes a = BYTES_LIT("a"), b = BYTES_LIT("b"), c = BYTES_LIT("c");

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	assert_int_equal(variable_set(&g_at, a, bytes_mem(long_text, VERB_TEXT_MAX), false), 0);
	assert_int_equal(variable_set(&g_at, a, bytes_mem(long_text, VERB_TEXT_MAX + 1), false),
			 -EINVAL);
	assert_int_equal(variable_set(&g_at, b, bytes_mem(long_text, VERB_TEXT_MAX - 6), true), 0);
	assert_int_equal(variable_set(&g_at, c, BYTES_LIT("1"), false), -ENOSPC);
	assert_int_equal(variable_set(&g_at, a, BYTES_LIT("\xff"), false), -EINVAL);
	assert_int_equal(variable_set(&g_at, a, bytes_mem("1\0002", 3), false), -EINVAL);
	assert_int_equal(variable_set(&g_at, BYTES_LIT("A"), a, false), -EINVAL);
	assert_int_equal(g_at.variables.n, VERB_TEXT_MAX + 3);
	assert_int_equal(variable_set(&g_at, a, BYTES_LIT(""), false), 0);
	assert_int_equal(g_at.variables.n, 0);
	assert_int_equal(variable_set(&g_at, b, BYTES_LIT("2"), false), 0);
	assert_variable("b", "2", false);
	assert_int_equal(g_at.secrets.n, 0);
}

static void test_answers(void **state)
{
	static const char program[] = "{\"start\":\"h\",\"steps\":{\"h\":{\"http\":{\"url\":"
				      "\"https://a/{caller}\",\"method\":\"get\","
				      "\"take\":[\"a\",\"b\",\"c\",\"d\",\"e\"]},\"next\":\"n\","
				      "\"failed\":\"f\"},\"n\":{\"say\":\"n\"},"
				      "\"f\":{\"say\":\"f\"}}}";

	(void)state;
	assert_int_equal(begin(program), FLOW_VERB);
	(void)next(OUTCOME_NEXT, "{\"a\":\"x\",\"b\":7,\"c\":true,\"d\":2.5,\"e\":[1],\"f\":1}");
	assert_string_equal(g_verb.step->name, "n");
	assert_variable("a", "x", false);
	assert_variable("b", "7", false);
	assert_variable("c", "true", false);
	assert_variable("d", "2.5", false);
	assert_variable("e", "", false);
	assert_variable("f", "", false);
	(void)begin(program);
	(void)next(OUTCOME_NEXT, "<html>");
	assert_string_equal(g_verb.step->name, "f");
	(void)begin("[{\"http\":\"https://a\"},{\"record\":{}},{\"say\":\"{recording}\"}]");
	(void)next(OUTCOME_NEXT, "");
	assert_string_equal(g_verb.step->name, "2");
	(void)next(OUTCOME_NEXT, "r1");
	assert_verb("{\"step\":\"3\",\"visit\":7,\"say\":{\"text\":\"r1\"}}");
}

/* Another program goes on where one ended, with what it knew. */
static void test_redirect(void **state)
{
	(void)state;
	assert_int_equal(
		begin("[{\"set\":{\"a\":\"b\"}},{\"redirect\":\"flow:{a}\"},{\"say\":\"failed\"}]"),
		FLOW_VERB);
	assert_true(bytes_is(verb_text(&g_verb, "to"), "flow:b"));
	assert_true(g_verb.verb->flags & VERB_DECIDES);
	(void)next(OUTCOME_FAILED, "");
	assert_string_equal(g_verb.step->name, "3");
	(void)begin("[{\"say\":\"{a}\"}]");
	assert_verb("{\"step\":\"1\",\"visit\":4,\"say\":{\"text\":\"b\"}}");
}

static void test_ends(void **state)
{
	struct flow_position other = { .step = 1 };

	(void)state;
	assert_int_equal(begin("{\"start\":\"a\",\"steps\":{\"a\":{\"pause\":1,\"next\":\"a\"}}}"),
			 FLOW_VERB);
	for (int i = 1; i < PROGRAM_VERBS_MAX; i++)
		assert_int_equal(next(OUTCOME_NEXT, ""), FLOW_VERB);
	assert_int_equal(next(OUTCOME_NEXT, ""), FLOW_TOO_MANY);
	assert_int_equal(g_at.visit, PROGRAM_VERBS_MAX);
	assert_int_equal(program_next(g_program, &other, OUTCOME_NEXT, (struct bytes){ 0 },
				      &g_world, &g_verb),
			 FLOW_ASTRAY);
	g_at.step = 1;
	assert_int_equal(next(OUTCOME_NEXT, ""), FLOW_ASTRAY);
}

/* Who presses keys hears all of a mailbox. */
static void test_goes_on_by_keys(void **state)
{
	static const char asks[] =
		"{\"start\":\"a\",\"steps\":{\"a\":{\"gather\":{\"max\":1,\"tries\":1},"
		"\"on\":{\"1\":\"a\"},\"invalid\":\"a\",\"timeout\":\"a\"}}}";

	(void)state;
	assert_int_equal(begin(asks), FLOW_VERB);
	for (int i = 1; i < PROGRAM_VISITS_MAX; i++)
		assert_int_equal(i % 900 ? next(OUTCOME_TIMEOUT, "") : next(OUTCOME_NEXT, "1"),
				 FLOW_VERB);
	assert_int_equal(next(OUTCOME_NEXT, "1"), FLOW_TOO_MANY);
}

static struct bytes saved(const struct flow_position *pos, uint8_t *room, size_t n, bool *secret)
{
	struct schema_writer w = { .start = room, .at = room + n };

	schema_write(&w, position_rows, pos);
	assert_false(w.overflow);
	*secret = w.secret;
	return bytes_mem(w.at, (size_t)(room + n - w.at));
}

static void test_saved(void **state)
{
	struct flow_position back = { 0 }, bad = { .visit = 3 };
	struct schema_reader r = { 0 };
	uint8_t room[4096];
	struct bytes text;
	bool secret;

	(void)state;
	(void)begin("[{\"gather\":{\"secret\":true}},{\"set\":{\"a\":\"1\"}},{\"say\":\"{a}\"}]");
	(void)saved(&g_at, room, sizeof(room), &secret);
	assert_false(secret);
	(void)next(OUTCOME_NEXT, "12");
	text = saved(&g_at, room, sizeof(room), &secret);
	assert_true(secret);
	assert_true(schema_read(&r, position_rows, &back, text, true));
	assert_memory_equal(back.program, g_at.program, PROGRAM_HASH_LEN);
	assert_int_equal(back.step, 2);
	assert_int_equal(back.visit, 3);
	assert_true(bytes_eq(text_bytes(&back.variables), text_bytes(&g_at.variables)));
	assert_true(bytes_eq(text_bytes(&back.secrets), text_bytes(&g_at.secrets)));
	position_clear(&back);
	/* a list of variables that is none */
	assert_int_equal(text_set(&bad.variables, BYTES_LIT("a\0b")), 0);
	text = saved(&bad, room, sizeof(room), &secret);
	assert_false(schema_read(&r, position_rows, &back, text, true));
	position_clear(&back);
	position_clear(&bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_gather, leave),
		cmocka_unit_test_teardown(test_tries, leave),
		cmocka_unit_test_teardown(test_branches, leave),
		cmocka_unit_test_teardown(test_hours, leave),
		cmocka_unit_test_teardown(test_match, leave),
		cmocka_unit_test_teardown(test_expand, leave),
		cmocka_unit_test_teardown(test_url, leave),
		cmocka_unit_test_teardown(test_url_that_was_kept, leave),
		cmocka_unit_test_teardown(test_width, leave),
		cmocka_unit_test_teardown(test_secrets, leave),
		cmocka_unit_test_teardown(test_tags, leave),
		cmocka_unit_test_teardown(test_variables, leave),
		cmocka_unit_test_teardown(test_answers, leave),
		cmocka_unit_test_teardown(test_redirect, leave),
		cmocka_unit_test_teardown(test_ends, leave),
		cmocka_unit_test_teardown(test_goes_on_by_keys, leave),
		cmocka_unit_test_teardown(test_saved, leave),
		cmocka_unit_test_teardown(test_way, leave),
		cmocka_unit_test_teardown(test_secret_way, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
