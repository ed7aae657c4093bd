/* SPDX-License-Identifier: Apache-2.0 */
/* A program as a picture, and the table as docs/flows.md. */
#include "tests/unit/test.h"

#include "sig/flow/program.h"

#define MARK "<!-- What follows is written by `tandemctl help flows`. -->\n"

static void test_graph(void **state)
{
	static const char program[] = "{\"name\":\"n\",\"start\":\"m\",\"steps\":{\"m\":{\"match\":"
				      "\"{caller}\",\"on\":{\"\\\"\":\"d\"},"
				      "\"else\":\"d\"},\"d\":{\"dial\":\"1\",\"busy\":\"h\",\"no_"
				      "answer\":\"m\"},\"h\":{\"hangup\":{}}}}";
	static const char want[] =
		"digraph \"n\" {\n"
		"  node [shape=box];\n"
		"  \"(start)\" [shape=plaintext];\n"
		"  \"(end)\" [shape=plaintext];\n"
		"  \"(start)\" -> \"m\" [label=\"\"];\n"
		"  \"m\" [label=\"m\\nmatch\"];\n"
		"  \"m\" -> \"d\" [label=\"\\\"\"];\n"
		"  \"m\" -> \"d\" [label=\"else\"];\n"
		"  \"d\" [label=\"d\\ndial\"];\n"
		"  \"d\" -> \"h\" [label=\"busy\"];\n"
		"  \"d\" -> \"m\" [label=\"no_answer\"];\n"
		"  \"d\" -> \"(end)\" [label=\"next, failed, rejected\", style=dashed];\n"
		"  \"h\" [label=\"h\\nhangup\"];\n"
		"}\n";
	static struct flow_findings found;
	char text[4096];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct flow_program *p;

	(void)state;
	p = program_parse(bytes_str(program), NULL, &found);
	if (!p)
		fail_msg("%s: %s", found.list[0].path, found.list[0].message);
	program_graph(p, &w);
	text[w.n] = '\0';
	assert_string_equal(text, want);
	program_free(p);
}

static void test_docs(void **state)
{
	static char want[65536], text[65536];
	struct writer w = writer_over(want, sizeof(want) - 1);
	FILE *file = fopen("../docs/flows.md", "rb");
	char *mark;

	(void)state;
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	flow_write_reference(&w);
	assert_false(w.overflow);
	mark = strstr(text, MARK);
	assert_non_null(mark);
	if (strcmp(mark + strlen(MARK), want) != 0)
		fail_msg("docs/flows.md is old: put the output of tandemctl help flows below its "
			 "comment");
}

static void test_schema(void **state)
{
	json_t *schema = flow_schema(), *verbs;
	size_t n = 0;

	(void)state;
	verbs = json_object_get(json_object_get(json_object_get(schema, "$defs"), "step"), "anyOf");
	for (const struct verb *v = g_flow_verbs; v->name; v++)
		assert_string_equal(
			json_string_value(json_object_get(json_array_get(verbs, n++), "title")),
			v->name);
	assert_int_equal(json_array_size(verbs), n);
	json_decref(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_graph),
		cmocka_unit_test(test_docs),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
