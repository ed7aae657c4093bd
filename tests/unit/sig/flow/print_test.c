/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs as docs/flows.md, and as a JSON Schema. */
#include "tests/unit/test.h"

#include "sig/flow/program.h"

#define MARK "<!-- What follows is written by `tandemctl help flows`. -->\n"

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
		cmocka_unit_test(test_docs),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
