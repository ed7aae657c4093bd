/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a program, where, and what is done to a right one. */
#include "tests/unit/test.h"

#include "sig/flow/program.h"

static struct flow_findings g_found;

static bool nothing_exists(void *arg, const char *kind, struct bytes name)
{
	(void)arg;
	(void)kind;
	(void)name;
	return false;
}

static const struct flow_known g_nothing = { nothing_exists, NULL };

/* A program around one step, whose other steps are there. */
#define STEP(text)                                \
	"{\"start\":\"a\",\"steps\":{\"a\":" text \
	",\"b\":{\"hangup\":{}},\"c\":{\"answer\":{},\"next\":\"b\"}}}"
#define ALONE(text) "{\"start\":\"a\",\"steps\":{\"a\":" text "}}"

struct row {
	const char *name, *text, *path, *message;
};

static const struct row g_wrong[] = {
	{ "no JSON", "{\"start\" 1}", "", "line 1, column 10: it is no JSON" },
	{ "a key twice", "{\"steps\":{},\"steps\":{}}", "", "duplicate object key" },
	{ "no UTF-8", "[{\"say\":\"\xff\"}]", "", "it is no JSON" },
	{ "deep", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "", "deeper than 16" },
	{ "a text", "\"a\"", "", "it is no JSON" },
	{ "no steps", "{\"start\":\"a\"}", "", "an object with 'start' and 'steps'" },
	{ "none", "{\"start\":\"a\",\"steps\":{}}", "/steps", "0 steps; 1 to 500" },
	{ "an empty list", "[]", "", "0 steps" },
	{ "a strange member", "{\"stepz\":1,\"start\":\"a\",\"steps\":{\"a\":{\"hangup\":{}}}}",
	  "/stepz", "'stepz' is no member of a flow; did you mean 'steps'?" },
	{ "a bad name", "{\"name\":\"a b\",\"start\":\"a\",\"steps\":{\"a\":{\"hangup\":{}}}}", "",
	  "the name has" },
	{ "no start", "{\"steps\":{\"a\":{\"hangup\":{}}}}", "/start",
	  "the name of a step is expected" },
	{ "another start", "{\"start\":\"menv\",\"steps\":{\"menu\":{\"hangup\":{}}}}", "/start",
	  "no step 'menv'; did you mean 'menu'?" },
	{ "a step's name", "{\"start\":\"a/b\",\"steps\":{\"a/b\":{\"hangup\":{}}}}", "/steps/a~1b",
	  "the name of a step has" },
	{ "a step that is none", ALONE("1"), "/steps/a", "an object with a verb" },
	{ "no verb", ALONE("{}"), "/steps/a", "an object with a verb" },
	{ "two verbs", ALONE("{\"hangup\":{},\"answer\":{}}"), "/steps/a", "one verb" },
	{ "an unknown verb", ALONE("{\"gahter\":{}}"), "/steps/a/gahter",
	  "no verb and no branch; did you mean 'gather'?" },
	{ "a verb to come", ALONE("{\"sms\":{}}"), "/steps/a/sms",
	  "'sms' is no verb and no branch" },
	{ "an unknown branch", STEP("{\"answer\":{},\"nxt\":\"c\"}"), "/steps/a/nxt",
	  "did you mean 'next'?" },
	{ "a branch of others", STEP("{\"answer\":{},\"busy\":\"c\"}"), "/steps/a/busy",
	  "answer has no branch 'busy'" },
	{ "a branch of the end", STEP("{\"hangup\":{},\"next\":\"c\"}"), "/steps/a/next",
	  "hangup has no branch 'next'" },
	{ "a branch to nowhere", STEP("{\"answer\":{},\"next\":\"d\"}"), "/steps/a/next",
	  "there is no step 'd'" },
	{ "a branch that is no name", STEP("{\"answer\":{},\"next\":7}"), "/steps/a/next",
	  "the name of a step" },
	{ "on of others", STEP("{\"answer\":{},\"on\":{\"1\":\"c\"}}"), "/steps/a/on",
	  "answer has no branches under 'on'" },
	{ "on that is none", STEP("{\"match\":\"1\",\"else\":\"c\",\"on\":[]}"), "/steps/a/on",
	  "steps by what came" },
	{ "a key that is no digit",
	  STEP("{\"gather\":{},\"timeout\":\"c\",\"invalid\":\"c\",\"on\":{\"yes\":\"c\"}}"),
	  "/steps/a/on/yes", "digits or a pattern" },
	{ "an empty key", STEP("{\"match\":\"1\",\"else\":\"c\",\"on\":{\"\":\"c\"}}"),
	  "/steps/a/on/", "a key has 1 to" },
	{ "a key to nowhere", STEP("{\"match\":\"1\",\"else\":\"c\",\"on\":{\"1\":\"cc\"}}"),
	  "/steps/a/on/1", "no step 'cc'" },
	{ "no invalid", STEP("{\"gather\":{},\"timeout\":\"c\",\"on\":{\"1\":\"c\"}}"), "/steps/a",
	  "gather needs the branch 'invalid', or 'next'" },
	{ "no timeout", STEP("{\"gather\":{},\"invalid\":\"c\",\"on\":{\"1\":\"c\"}}"), "/steps/a",
	  "gather needs the branch 'timeout', or 'next'" },
	{ "no closed", STEP("{\"hours\":\"office\",\"failed\":\"c\"}"), "/steps/a",
	  "hours needs the branch 'closed'" },
	{ "no else", STEP("{\"match\":\"1\",\"on\":{\"1\":\"c\"}}"), "/steps/a",
	  "match needs the branch 'else'" },
	{ "unreached", STEP("{\"answer\":{},\"next\":\"b\"}"), "/steps/c",
	  "no way leads to this step" },
	{ "a circle", ALONE("{\"answer\":{},\"next\":\"a\"}"), "/steps/a",
	  "the call comes back in 1 step and waits for nobody: by a" },
	{ "a circle of failures",
	  "{\"start\":\"a\",\"steps\":{\"a\":{\"play\":\"p\",\"next\":\"b\"},\"b\":{\"set\":{\"v\":"
	  "\"1\"},"
	  "\"next\":\"a\"}}}",
	  "/steps/a", "comes back in 2 steps" },
	{ "busy for ever", ALONE("{\"dial\":\"1\",\"busy\":\"a\",\"no_answer\":\"a\"}"), "/steps/a",
	  "waits for nobody" },
	{ "no arguments", ALONE("{\"answer\":1}"), "/steps/a/answer", "an object of arguments" },
	{ "an unknown argument", ALONE("{\"play\":{\"prompt\":\"a\",\"lop\":2}}"),
	  "/steps/a/play/lop", "'lop' is no argument of this verb; did you mean 'loop'?" },
	{ "a lack", ALONE("{\"play\":{}}"), "/steps/a/play", "play needs the argument 'prompt'" },
	{ "no text", ALONE("{\"say\":1}"), "/steps/a/say", "a text is expected" },
	{ "an empty text", ALONE("{\"say\":\"\"}"), "/steps/a/say", "it has 0 octets; 1 to 1024" },
	{ "no list", ALONE("{\"play\":{\"prompt\":1}}"), "/steps/a/play/prompt",
	  "a list of texts" },
	{ "an empty list", ALONE("{\"play\":[]}"), "/steps/a/play", "it has 0 texts; 1 to 16" },
	{ "one of a list", ALONE("{\"play\":[\"a\",\"b c\"]}"), "/steps/a/play/1",
	  "letters, digits" },
	{ "no number", ALONE("{\"play\":{\"prompt\":\"a\",\"loop\":1.5}}"), "/steps/a/play/loop",
	  "a whole number" },
	{ "a large number", ALONE("{\"play\":{\"prompt\":\"a\",\"loop\":1001}}"),
	  "/steps/a/play/loop", "1 to 1000 are allowed" },
	{ "no seconds", ALONE("{\"pause\":\"1\"}"), "/steps/a/pause", "a number of seconds" },
	{ "too long", ALONE("{\"pause\":1e300}"), "/steps/a/pause", "0.1 to 600 are allowed" },
	{ "four decimals", ALONE("{\"pause\":1.2345}"), "/steps/a/pause", "up to three decimals" },
	{ "no boolean", ALONE("{\"record\":{\"beep\":1},\"next\":\"a\"}"), "/steps/a/record/beep",
	  "true or false" },
	{ "no word", ALONE("{\"dial\":{\"to\":\"1\",\"how\":\"in_trun\"}}"), "/steps/a/dial/how",
	  "did you mean 'in_turn'?" },
	{ "no map", ALONE("{\"set\":\"a\"}"), "/steps/a/set", "texts by name" },
	{ "an empty map", ALONE("{\"set\":{}}"), "/steps/a/set", "it has 0 members" },
	{ "a variable's name", ALONE("{\"set\":{\"A\":\"1\"}}"), "/steps/a/set/A",
	  "the name is a name of" },
	{ "a fact", ALONE("{\"set\":{\"caller\":\"1\"}}"), "/steps/a/set/caller", "cannot be set" },
	{ "into a fact", STEP("{\"gather\":{\"into\":\"called\"},\"next\":\"c\"}"),
	  "/steps/a/gather/into", "cannot be set" },
	{ "digits in words", ALONE("{\"say\":\"{called.last.four}\"}"), "/steps/a/say",
	  "'{called.last.four}' is no variable" },
	{ "no digits", ALONE("{\"say\":\"{called.last.0}\"}"), "/steps/a/say",
	  "'{called.last.0}' is no variable" },
	{ "a tag's name", ALONE("{\"tag\":{\"vip\":\"1\"}}"), "/steps/a/tag/vip", "TAB.FIELD" },
	{ "a value", ALONE("{\"set\":{\"a\":1}}"), "/steps/a/set/a", "a text is expected" },
	{ "a brace", ALONE("{\"say\":\"{caller\"}"), "/steps/a/say", "a brace is the begin" },
	{ "a name with a space", ALONE("{\"say\":\"{a b}\"}"), "/steps/a/say",
	  "a brace is the begin" },
	{ "a width", ALONE("{\"say\":\"{caller:33}\"}"), "/steps/a/say", "a brace is the begin" },
	{ "a number that no value mends", ALONE("{\"dial\":\"4 9{caller}\"}"), "/steps/a/dial/0",
	  "is a number" },
	{ "a group likewise", ALONE("{\"dial\":[\"12\",\"group:a b{caller}\"]}"), "/steps/a/dial/1",
	  "letters, digits" },
	{ "a prompt likewise", ALONE("{\"play\":\"it's-{caller}\"}"), "/steps/a/play/0",
	  "letters, digits" },
	{ "a web address likewise", ALONE("{\"http\":\"https://a/<{caller}>\"}"), "/steps/a/http",
	  "is a URL" },
	{ "no width", ALONE("{\"say\":\"{caller:}\"}"), "/steps/a/say", "a brace is the begin" },
	{ "a name of nothing", ALONE("{\"say\":\"{Caller}\"}"), "/steps/a/say",
	  "'{Caller}' is no variable" },
	{ "keys", ALONE("{\"dtmf\":\"12a\"}"), "/steps/a/dtmf", "0-9 * # A-D" },
	{ "a target", ALONE("{\"refer\":\"a b\"}"), "/steps/a/refer", "a number, a SIP URI" },
	{ "a line", ALONE("{\"hangup\":\"a\\nb\"}"), "/steps/a/hangup", "no control characters" },
	{ "a URL", ALONE("{\"http\":\"ftp://a\"}"), "/steps/a/http", "http, https" },
	{ "a flow", ALONE("{\"redirect\":\"main\"}"), "/steps/a/redirect", "flow:NAME" },
	{ "min and max", STEP("{\"gather\":{\"min\":17},\"next\":\"c\"}"), "/steps/a/gather",
	  "min is more than max" },
	{ "a branch in a list", "[{\"answer\":{},\"next\":\"2\"},{\"hangup\":{}}]", "/0/next",
	  "follow each other" },
	{ "on in a list", "[{\"gather\":{},\"on\":{\"1\":\"2\"}},{\"hangup\":{}}]", "/0/on",
	  "follow each other" },
	{ "the long form, and more", "[{\"set\":{\"variables\":{\"a\":\"1\"},\"b\":\"2\"}}]",
	  "/0/set/b", "'b' is no argument of this verb" },
	{ "the long form, and no text", "[{\"tag\":{\"tags\":{\"A.b\":1}}}]", "/0/tag/tags/A.b",
	  "a text is expected" },
	{ "a name in the scheme", "[{\"http\":\"{caller}://a/\"}]", "/0/http",
	  "'{caller}' stands in the scheme" },
	{ "a scheme as a value", "[{\"set\":{\"base\":\"https://a\"}},{\"http\":\"{base}/x\"}]",
	  "/1/http", "'{base}' stands in the scheme" },
	{ "a name as the host", "[{\"http\":\"https://{header.X-A:3}/x\"}]", "/0/http",
	  "'{header.X-A:3}' stands in the host, port or user" },
	{ "a name behind the host",
	  "[{\"http\":{\"url\":\"https://a\",\"fallback\":\"https://a.test{caller}/x\"}}]",
	  "/0/http/fallback", "'{caller}' stands in the host, port or user" },
	{ "a name as the password", "[{\"http\":\"wss://u:{caller}@a/x\"}]", "/0/http",
	  "stands in the host, port or user" },
	{ "a host that a backslash ends", "[{\"http\":\"https://a\\\\{caller}/x\"}]", "/0/http",
	  "stands in the host, port or user" },
	{ "half an octet", "[{\"http\":\"https://a/%2{caller}\"}]", "/0/http",
	  "two hexadecimal digits" },
	{ "a backslash", "[{\"http\":\"https://\\\\a/{caller}\"}]", "/0/http", "no backslash" },
	{ "a dot segment", "[{\"http\":\"https://a/%2e./{caller}\"}]", "/0/http",
	  "no segments . and .." },
	{ "behind the end", "[{\"hangup\":{}},{\"answer\":{}}]", "/1", "no way leads" },
};

static bool has(bool warning, const char *path, const char *message)
{
	for (uint32_t i = 0; i < g_found.count; i++) {
		if (g_found.list[i].warning == warning && !strcmp(g_found.list[i].path, path) &&
		    strstr(g_found.list[i].message, message))
			return true;
	}
	return false;
}

static void test_wrong(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, g_wrong)
	{
		ROW_ASSERT(row->name, !program_parse(bytes_str(row->text), NULL, &g_found));
		if (!has(false, row->path, row->message))
			fail_msg("%s: '%s': %s", row->name, g_found.list[0].path,
				 g_found.list[0].message);
	}
}

static const struct row g_doubtful[] = {
	{ "no prompt", ALONE("{\"play\":[\"a\"]}"), "/steps/a/play/0", "there is no prompt a yet" },
	{ "no calendar", STEP("{\"hours\":\"office\",\"next\":\"c\"}"), "/steps/a/hours",
	  "there is no hours office yet" },
	{ "no number",
	  ALONE("{\"dial\":\"1\",\"busy\":\"b\",\"no_answer\":\"b\"},\"b\":{\"hangup\":{}}"),
	  "/steps/a/dial/0", "there is no number 1 yet" },
	{ "no flow", ALONE("{\"redirect\":\"flow:a\"}"), "/steps/a/redirect",
	  "there is no flow a yet" },
	{ "no variable", ALONE("{\"say\":\"{digts}\"}"), "/steps/a/say",
	  "no step sets the variable" },
	{ "no busy", ALONE("{\"dial\":\"{caller}\",\"no_answer\":\"b\"},\"b\":{\"hangup\":{}}"),
	  "/steps/a", "without the branch 'busy'" },
};

static void test_doubtful(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, g_doubtful)
	{
		struct flow_program *p = program_parse(bytes_str(row->text), &g_nothing, &g_found);

		ROW_ASSERT(row->name, p && !g_found.errors && g_found.warnings);
		if (!has(true, row->path, row->message))
			fail_msg("%s: '%s': %s", row->name, g_found.list[0].path,
				 g_found.list[0].message);
		program_free(p);
	}
}

/* What is fine, and as what it is kept. */
static const struct {
	const char *name, *text, *kept;
} g_right[] = {
	{ "one for a list", "[{\"play\":\"a\"}]", "[{\"play\":[\"a\"]}]" },
	{ "the short form", "[{\"play\":{\"prompt\":[\"a\"]}}]", "[{\"play\":[\"a\"]}]" },
	{ "the long form", "[{\"play\":{\"loop\":2,\"prompt\":\"a\"}}]",
	  "[{\"play\":{\"loop\":2,\"prompt\":[\"a\"]}}]" },
	{ "the long form of a map",
	  "[{\"set\":{\"variables\":{\"a\":\"1\"}}},{\"tag\":{\"tags\":{\"A.b\":\"{a}\"}}},"
	  "{\"set\":{\"variables\":\"2\"}},{\"set\":{\"variables\":{\"variables\":\"3\"}}},"
	  "{\"say\":\"{variables}\"}]",
	  "[{\"set\":{\"a\":\"1\"}},{\"tag\":{\"A.b\":\"{a}\"}},{\"set\":{\"variables\":\"2\"}},"
	  "{\"set\":{\"variables\":\"3\"}},{\"say\":\"{variables}\"}]" },
	{ "seconds",
	  "[{\"pause\":5.0},{\"pause\":0.10},{\"pause\":{\"seconds\":2.5}},{\"pause\":1e1}]",
	  "[{\"pause\":5},{\"pause\":0.1},{\"pause\":2.5},{\"pause\":10}]" },
	{ "a brace", "[{\"say\":\"{{{caller} {header.X-A}\"}]",
	  "[{\"say\":\"{{{caller} {header.X-A}\"}]" },
	{ "what is set later",
	  "[{\"say\":\"{digits}{recording}{a}{b}\"},{\"gather\":{}},{\"record\":{}},"
	  "{\"set\":{\"a\":\"1\"}},{\"http\":{\"url\":\"https://a\",\"take\":\"b\"}}]",
	  NULL },
	{ "an endless loop that waits",
	  "{\"start\":\"a\",\"steps\":{\"a\":{\"play\":\"p\",\"next\":\"a\",\"failed\":\"b\"},"
	  "\"b\":{\"hangup\":{}}}}",
	  NULL },
	{ "names", "{\"name\":\"n\",\"start\":\"a\",\"steps\":{\"a\":{\"answer\":{}}}}", NULL },
	{ "patterns",
	  STEP("{\"gather\":[\"p\"],\"on\":{\"1|2\":\"b\",\"9x.\":\"c\"},\"invalid\":\"a\","
	       "\"timeout\":\"b\"}"),
	  NULL },
};

static void test_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_right); i++) {
		struct flow_program *p = program_parse(bytes_str(g_right[i].text), NULL, &g_found),
				    *q;
		char *text;

		if (!p || g_found.warnings)
			fail_msg("%s: %s: %s", g_right[i].name, g_found.list[0].path,
				 g_found.list[0].message);
		text = program_text(p, true);
		if (g_right[i].kept)
			assert_string_equal(text, g_right[i].kept);
		q = program_parse(bytes_str(text), NULL, &g_found);
		ROW_ASSERT(g_right[i].name, q && !memcmp(p->hash, q->hash, sizeof(p->hash)));
		free(text);
		program_free(p);
		program_free(q);
	}
}

/* All at once, and more than are kept are counted. */
static void test_all(void **state)
{
	static char text[PROGRAM_TEXT_MAX + 2];
	struct writer w = writer_over(text, sizeof(text));

	(void)state;
	writer_str(&w, "{\"start\":\"x\",\"steps\":{");
	for (int i = 0; i < 100; i++)
		writer_fmt(&w, "%s\"s%d\":{\"play\":{\"loop\":0,\"what\":1}}", i ? "," : "", i);
	writer_str(&w, "}}");
	assert_null(program_parse(writer_done(&w), NULL, &g_found));
	assert_int_equal(g_found.count, FLOW_FINDINGS_MAX);
	assert_int_equal(g_found.errors, 301);
	assert_true(has(false, "/steps/s3/play", "needs the argument 'prompt'"));
	assert_true(has(false, "/steps/s3/play/loop", "1 to 1000"));
	assert_true(has(false, "/steps/s3/play/what", "'what' is no argument"));
	memset(text, ' ', sizeof(text));
	assert_null(program_parse(bytes_mem(text, sizeof(text)), NULL, &g_found));
	assert_true(has(false, "", "65536 are allowed"));
}

static void test_most_steps(void **state)
{
	static char text[PROGRAM_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct flow_program *p;

	(void)state;
	writer_str(&w, "[");
	for (int i = 0; i < PROGRAM_STEPS_MAX; i++)
		writer_fmt(&w, "%s{\"answer\":{}}", i ? "," : "");
	writer_str(&w, "]");
	p = program_parse(writer_done(&w), NULL, &g_found);
	assert_non_null(p);
	assert_string_equal(p->steps[499].name, "500");
	program_free(p);
	w.n--;
	writer_str(&w, ",{\"answer\":{}}]");
	assert_null(program_parse(writer_done(&w), NULL, &g_found));
	assert_true(has(false, "", "501 steps"));
}

/* What is a verb is no branch, and what an argument is by itself is allowed. */
static void test_table(void **state)
{
	(void)state;
	for (const struct verb *v = g_flow_verbs; v->name; v++) {
		size_t n = 0;

		for (size_t o = 0; g_flow_outcomes[o]; o++)
			ROW_ASSERT(v->name, strcmp(v->name, g_flow_outcomes[o]) != 0);
		ROW_ASSERT(v->name, strcmp(v->name, "on") != 0 && v->help[0]);
		ROW_ASSERT(v->name, !((v->required | v->wanted) & ~v->outcomes));
		for (const struct verb_arg *arg = v->args; arg->name; arg++, n++) {
			ROW_ASSERT(arg->name,
				   !arg->preset || arg->type == ARG_IS_WORD ||
					   (arg->preset >= arg->min && arg->preset <= arg->max));
			ROW_ASSERT(arg->name,
				   !arg->preset_text ||
					   !form_wrong(arg->form, bytes_str(arg->preset_text)));
			ROW_ASSERT(arg->name, arg->help[strlen(arg->help) - 1] == '.');
		}
		ROW_ASSERT(v->name, n <= VERB_ARGS_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong),      cmocka_unit_test(test_doubtful),
		cmocka_unit_test(test_right),      cmocka_unit_test(test_all),
		cmocka_unit_test(test_most_steps), cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
