/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/groups.h"

#include "tests/unit/test.h"

enum { ACME = 3, ZETA = 4 };

static struct ring_group group_of(const char *name, const char *members)
{
	struct ring_group g = { .tenant = ACME };

	(void)bytes_cstr(bytes_str(name), g.name, sizeof(g.name));
	assert_null(group_members_parse(&g, bytes_str(members)));
	return g;
}

static void test_members(void **state)
{
	static const char *const wrong[] = {
		"1001,1001", "1001,,1002", "1001:0",
		"1001:101",  "1001:five",  "10 01",
		":5",        "sip:a@b",    "1234567890123456789012345678901234567890"
	};
	struct ring_group g = group_of("sales", "1001:5, 1002,+4930123456");
	char many[400] = "0";

	(void)state;
	assert_int_equal(g.count, 3);
	assert_string_equal(g.members[0].number, "1001");
	assert_int_equal(g.members[0].weight, 5);
	assert_int_equal(g.members[1].weight, 1);
	assert_string_equal(g.members[2].number, "+4930123456");
	assert_true(group_has(&g, BYTES_LIT("1002")));
	assert_false(group_has(&g, BYTES_LIT("1003")));
	assert_null(group_members_parse(&g, (struct bytes){ 0 }));
	assert_int_equal(g.count, 0);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		if (!group_members_parse(&g, bytes_str(wrong[i])))
			fail_msg("%s", wrong[i]);
	}
	for (int i = 1; i <= GROUP_MEMBERS_MAX; i++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), ",%d", i);
	assert_non_null(group_members_parse(&g, bytes_str(many)));
}

static void test_log_in(void **state)
{
	struct ring_group g = group_of("sales", "1001,1002");
	struct groups *x;

	(void)state;
	assert_int_equal(groups_open(&x), 0);
	assert_int_equal(groups_put(x, &g), 0);
	assert_true(group_rings(x, &g, 0));
	assert_int_equal(groups_out_put(x, ACME, BYTES_LIT("1001"), BYTES_LIT("help,sales")), 0);
	assert_int_equal(groups_out_put(x, ZETA, BYTES_LIT("1002"), BYTES_LIT("*")), 0);
	assert_false(group_rings(x, &g, 0));
	assert_true(group_rings(x, &g, 1)); /* another tenant's */
	assert_int_equal(groups_out_put(x, ACME, BYTES_LIT("1001"), BYTES_LIT("salesmen")), 0);
	assert_true(group_rings(x, &g, 0));
	assert_int_equal(groups_out_put(x, ACME, BYTES_LIT("1001"), BYTES_LIT("*")), 0);
	assert_false(group_rings(x, &g, 0));
	assert_int_equal(groups_out_put(x, ACME, BYTES_LIT("1001"), (struct bytes){ 0 }), 0);
	assert_int_equal(groups_out_put(x, ACME, BYTES_LIT("1001"), (struct bytes){ 0 }), 0);
	assert_true(group_rings(x, &g, 0));
	groups_close(x);
}

static void test_names(void **state)
{
	struct ring_group g = group_of("sales", "1001");
	uint32_t cursor = 0;
	struct groups *x;

	(void)state;
	assert_null(groups_find(NULL, ACME, BYTES_LIT("sales")));
	assert_int_equal(groups_open(&x), 0);
	assert_int_equal(groups_put(x, &g), 0);
	g = group_of("sales", "1001,1002");
	assert_int_equal(groups_put(x, &g), 0);
	assert_int_equal(groups_find(x, ACME, BYTES_LIT("sales"))->count, 2);
	assert_null(groups_find(x, ZETA, BYTES_LIT("sales")));
	assert_non_null(groups_next(x, &cursor));
	assert_null(groups_next(x, &cursor));
	groups_delete(x, ACME, BYTES_LIT("sales"));
	groups_delete(x, ACME, BYTES_LIT("sales"));
	assert_null(groups_find(x, ACME, BYTES_LIT("sales")));
	groups_close(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_log_in),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
