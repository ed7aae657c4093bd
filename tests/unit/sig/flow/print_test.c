/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs, and as what it is shown. */
#include "tests/unit/test.h"

#include "sig/flow/program.h"

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

		cmocka_unit_test(test_table),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
