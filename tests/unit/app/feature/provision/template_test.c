/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "app/feature/provision/template.h"
#include "tests/unit/test.h"

static const struct template_field g_fields[] = { { "mac", TEMPLATE_VALUE },
						  { "mac_part", TEMPLATE_PART },
						  { "name", TEMPLATE_VALUE },
						  { NULL, TEMPLATE_VALUE } };
static const struct template_field g_override[] = { { "key", TEMPLATE_KEY },
						    { "value", TEMPLATE_VALUE },
						    { NULL, TEMPLATE_VALUE } };
static const struct template_list g_lists[] = { { "overrides", g_override }, { NULL, NULL } };
static const struct template_names g_names = { g_fields, g_lists };

static void render(const char *text, const char *name, const char *key, char out[4096])
{
	const struct bytes mac = BYTES_LIT("0004f214ab37"),
			   fields[] = { mac, mac, bytes_str(name) };
	const struct bytes rows[] = { bytes_str(key), bytes_str(name), BYTES_LIT("b"),
				      BYTES_LIT("2") };
	const struct template_values values = { .fields = fields, .lists = { { rows, 2 } } };
	char wrong[TEMPLATE_WRONG_MAX];
	struct writer w = writer_over(out, 4096);
	struct template *t;

	if (template_parse(&t, bytes_str(text), &g_names, wrong))
		fail_msg("%s", wrong);
	assert_true(template_render(t, &values, &w));
	assert_false(w.overflow);
	out[w.n] = '\0';
	template_free(t);
}

static void test_rendered(void **state)
{
	static const struct {
		const char *text, *name, *want;
	} rows[] = {
		{ "{{=xml}}\n<a x=\"{{name}}\"/>\n", "Anna", "<a x=\"Anna\"/>\n" },
		{ "{{=xml}}\n<a x=\"{{name}}\"/>", "", "<a x=\"\"/>" },
		{ "{{=xml}}\n<a>{{name}}</a>", "<b>&\"'", "<a>&lt;b&gt;&amp;&quot;&apos;</a>" },
		{ "{{=xml}}\n{{! not in the file }}\n<a/>", "", "<a/>" },
		{ "{{=xml}}\n<a\n{{#overrides}}\n  {{key}}=\"{{value}}\"\n{{/overrides}}\n/>", "1", "<a\n  k=\"1\"\n  b=\"2\"\n/>" },
		{ "{{=xml}}\n<a reg.{{mac_part}}.x=\"1\"/>", "", "<a reg.0004f214ab37.x=\"1\"/>" },
		{ "{{=quoted}}\nlabel=\"{{name}}\"\n", "a\"\\b\nc", "label=\"a\\\"\\\\b c\"\n" },
		{ "{{=quoted}}\n{{#overrides}}\n{{key}}=\"{{value}}\"\n{{/overrides}}\n", "1", "k=\"1\"\nb=\"2\"\n" },
		{ "{{=lines}}\n#!x\nlabel={{name}}\n", "a=\"\\b\nc", "#!x\nlabel=a=\"\\b c\n" },
		{ "{{=lines}}\nreg.{{mac_part}}.x={{mac_part}}\n", "", "reg.0004f214ab37.x=0004f214ab37\n" },
		{ "{{=xml}}\n<a_{{mac_part}}_ x=\"{{mac_part}}\"/>", "", "<a_0004f214ab37_ x=\"0004f214ab37\"/>" },
	}, *row;
	char out[4096];

	(void)state;
	EACH_ROW(row, rows)
	{
		render(row->text, row->name, "k", out);
		assert_string_equal(out, row->want);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "line 1: the format comes first: the end" },
		{ "<a/>", "line 1: the format comes first: <a/>" },
		{ "{{=html}}", "line 1: no such format: html" },
		{ "{{=xml}}\n\n<a x=\"{{mak}}\"/>", "line 3: no such value: mak" },
		{ "{{=xml}}\n<a x=\"{{value}}\"/>", "line 2: no such value: value" },
		{ "{{=xml}}\n<a x={{mac}}/>", "line 2: a value cannot stand here: mac" },
		{ "{{=xml}}\n<a x='{{mac}}'/>", "line 2: a value cannot stand here: mac" },
		{ "{{=xml}}\n<{{mac}}/>", "line 2: a value cannot stand here: mac" },
		{ "{{=xml}}\n<!-- {{mac}} -->", "line 2: a value cannot stand here: mac" },
		{ "{{=xml}}\n<a {{#overrides}}x=\"{{key}}\"{{/overrides}}/>", "line 2: a value cannot stand here: key" },
		{ "{{=xml}}\n<a {{mac_part}}=\"1\"/>", "line 2: a value cannot stand here: mac_part" },
		{ "{{=xml}}\n<a x{{mac_part}}=\"1\"/>", "line 2: a value cannot stand here: mac_part" },
		{ "{{=xml}}\n<!-- .{{mac_part}} -->", "line 2: a value cannot stand here: mac_part" },
		{ "{{=lines}}\n{{name}}=1\n", "line 2: a value cannot stand here: name" },
		{ "{{=lines}}\nx=1\nx{{name}}=1\n", "line 3: a value cannot stand here: name" },
		{ "{{=lines}}\nx={{name}}", "line 2: something is open: the end" },
		{ "{{=xml}}\n<a x=\"1", "line 2: something is open: the end" },
		{ "{{=xml}}\n<a x=\"\n\"/>", "line 2: a value ends on its line: <a x=\"\n\"/>" },
		{ "{{=xml}}\n<a>{{#lines}}", "line 2: no such list: lines" },
		{ "{{=xml}}\n{{#overrides}}<a/>", "line 2: something is open: the end" },
		{ "{{=xml}}\n{{#overrides}}<a {{/overrides}}/>", "line 2: a row does not end as it began: overrides" },
		{ "{{=xml}}\n{{#overrides}}{{#overrides}}", "line 2: a list within a list: overrides" },
		{ "{{=xml}}\n{{/overrides}}", "line 2: this list is not open: overrides" },
		{ "{{=xml}}\n<a x=\"{{name", "line 2: a tag does not end: name" },
		{ "{{=xml}}\n{{=quoted}}", "line 2: the format comes first: quoted" },
		{ "{{=quoted}}\nlabel={{name}}", "line 2: a value cannot stand here: name" },
	}, *row;
	char wrong[TEMPLATE_WRONG_MAX];
	struct template *t;

	(void)state;
	EACH_ROW(row, rows)
	{
		assert_int_equal(template_parse(&t, bytes_str(row->text), &g_names, wrong),
				 -EBADMSG);
		assert_string_equal(wrong, row->why);
		assert_null(t);
	}
}

/* A name of an attribute cannot be escaped: what is none makes no file. */
static void test_keys(void **state)
{
	static const char *const bad[] = { "",          "1a", "a b", "a\"",
					   "a=\"x\" b", ".a", "a\n", "\xc3\xa4" };
	static const char text[] =
		"{{=xml}}<a {{#overrides}} {{key}}=\"{{value}}\"{{/overrides}}/>";
	char wrong[TEMPLATE_WRONG_MAX], out[256];
	struct template *t;

	(void)state;
	assert_int_equal(template_parse(&t, bytes_str(text), &g_names, wrong), 0);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct bytes rows[] = { bytes_str(bad[i]), BYTES_LIT("v") };
		const struct template_values values = { .lists = { { rows, 1 } } };
		struct writer w = writer_over(out, sizeof(out));

		assert_false(template_render(t, &values, &w));
	}
	template_free(t);
}

/* A hundred of them in a name: each stays within its attribute, and its element, whatever it holds. */
static void test_injections(void **state)
{
	static const char text[] = "{{=xml}}<a x=\"{{name}}\" y=\"1\">{{name}}</a>";
	FILE *file = fopen("data/provision/injections.txt", "r");
	char line[512], out[4096];
	unsigned count = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		unsigned angles = 0, quotes = 0;

		line[strcspn(line, "\n")] = '\0';
		render(text, line, "k", out);
		for (const char *p = out; *p; p++) {
			angles += *p == '<' || *p == '>';
			quotes += *p == '"' || *p == '\'';
		}
		if (angles != 4 || quotes != 4)
			fail_msg("%s: %s", line, out);
		count++;
	}
	(void)fclose(file);
	assert_int_equal(count, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rendered),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_injections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
