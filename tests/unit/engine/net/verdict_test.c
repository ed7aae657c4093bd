/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "engine/net/packet.h"

static void every_drop_has_its_own_name(void **state)
{
	(void)state;
	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++) {
		char label[64];

		assert_true(snprintf(label, sizeof(label), "reason=\"%s\"", verdict_name(v)) > 0);
		assert_string_equal(verdict_label(v), label);
		for (enum verdict other = VERDICT_NONE; other < v; other++)
			assert_string_not_equal(verdict_name(other), verdict_name(v));
	}
}

static void what_is_no_drop_has_no_label(void **state)
{
	(void)state;
	assert_null(verdict_label(VERDICT_NONE));
	assert_null(verdict_label(VERDICT_RELAY));
	assert_string_equal(verdict_name(VERDICT_RELAY), "relayed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_drop_has_its_own_name),
		cmocka_unit_test(what_is_no_drop_has_no_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
