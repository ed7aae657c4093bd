/* SPDX-License-Identifier: Apache-2.0 */
/* A program as a picture. tests/e2e/flow_graph_test.py has graphviz draw it. */
#include "tests/unit/test.h"

#include "app/schema/flow_graph.h"

static void assert_graph(const char *program, const char *want)
{
	static struct flow_findings found;
	char text[4096];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct flow_program *p = program_parse(bytes_str(program), NULL, &found);

	if (!p)
		fail_msg("%s: %s", found.list[0].path, found.list[0].message);
	flow_graph_write(p, &w);
	text[w.n] = '\0';
	assert_string_equal(text, want);
	program_free(p);
}

#define HEAD(name)                                                                        \
	"digraph \"" name "\" {\n  node [shape=box];\n  \"(start)\" [shape=plaintext];\n" \
	"  \"(end)\" [shape=plaintext];\n"

static void test_branches(void **state)
{
	(void)state;
	assert_graph("{\"name\":\"n\",\"start\":\"m\",\"steps\":{\"m\":{\"match\":\"{caller}\","
		     "\"on\":{\"\\\"\\\\&\":\"d\"},\"else\":\"d\"},\"d\":{\"dial\":\"1\","
		     "\"busy\":\"h\",\"no_answer\":\"m\"},\"h\":{\"hangup\":{}}}}",
		     HEAD("n") "  \"(start)\" -> \"m\" [label=\"\"];\n"
			       "  \"m\" [label=\"m\\nmatch\\n{caller}\"];\n"
			       "  \"m\" -> \"d\" [label=\"\\\"\\\\&amp;\"];\n"
			       "  \"m\" -> \"d\" [label=\"else\"];\n"
			       "  \"d\" [label=\"d\\ndial\\n1\"];\n"
			       "  \"d\" -> \"h\" [label=\"busy\", color=\"#e69f00\", "
			       "style=\"bold,dashed\", arrowhead=dot];\n"
			       "  \"d\" -> \"m\" [label=\"no_answer\", color=\"#0072b2\", "
			       "style=\"bold,dotted\", arrowhead=odot];\n"
			       "  \"d\" -> \"(end)\" [label=\"next, failed, rejected\", "
			       "color=\"#707070\", style=dashed];\n"
			       "  \"h\" [label=\"h\\nhangup\"];\n"
			       "}\n");
}

/* Branches that are not there are those of next; what is too long is cut between two characters. */
static void test_next_stands_for_others(void **state)
{
	(void)state;
	assert_graph(
		"[{\"play\":[\"a\",\"b\"]},{\"say\":\"{caller}: "
		"0123456789012345678901234567\\u00fc\\u00fc...\"},{\"pause\":1.5}]",
		HEAD("flow") "  \"(start)\" -> \"1\" [label=\"\"];\n"
			     "  \"1\" [label=\"1\\nplay\\na, b\"];\n"
			     "  \"1\" -> \"2\" [label=\"next, failed\"];\n"
			     "  \"2\" [label=\"2\\nsay\\n{caller}: 0123456789012345678901234567"
			     "\u00fc...\"];\n"
			     "  \"2\" -> \"3\" [label=\"next, failed\"];\n"
			     "  \"3\" [label=\"3\\npause\\n1.5\"];\n"
			     "  \"3\" -> \"(end)\" [label=\"next\", color=\"#707070\", "
			     "style=dashed];\n"
			     "}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_branches),
		cmocka_unit_test(test_next_stands_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
