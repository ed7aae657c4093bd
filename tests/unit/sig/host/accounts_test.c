/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/accounts.h"

#include "tests/unit/test.h"

enum { ACME = 3, ZETA = 4 };

static void put(struct accounts *x, const char *code, const char *from, const char *until,
		const char *extensions)
{
	struct account_code a = { .tenant = ACME };

	(void)bytes_cstr(bytes_str(code), a.code, sizeof(a.code));
	(void)bytes_cstr(bytes_str(from), a.from, sizeof(a.from));
	(void)bytes_cstr(bytes_str(until), a.until, sizeof(a.until));
	(void)bytes_cstr(bytes_str(extensions), a.extensions, sizeof(a.extensions));
	assert_int_equal(accounts_put(x, &a), 0);
}

static bool takes(const struct accounts *x, uint16_t tenant, const char *code, const char *who,
		  const char *day)
{
	return accounts_use(x, tenant, bytes_str(code), bytes_str(who), bytes_str(day));
}

static void test_list(void **state)
{
	struct accounts *x;

	(void)state;
	assert_false(accounts_any(NULL, ACME));
	assert_int_equal(accounts_open(&x), 0);
	assert_false(accounts_any(x, ACME));
	put(x, "4711", "", "", "");
	put(x, "12", "2027-01-31", "2027-02-28", "1001,1002");
	assert_true(accounts_any(x, ACME));
	assert_false(accounts_any(x, ZETA));
	assert_true(takes(x, ACME, "4711", "1009", "2026-11-27"));
	assert_false(takes(x, ZETA, "4711", "1009", "2026-11-27"));
	assert_false(takes(x, ACME, "471", "1009", "2026-11-27"));
	assert_false(takes(x, ACME, "12", "1001", "2027-01-30"));
	assert_true(takes(x, ACME, "12", "1001", "2027-01-31"));
	assert_true(takes(x, ACME, "12", "1002", "2027-02-28"));
	assert_false(takes(x, ACME, "12", "1002", "2027-03-01"));
	assert_false(takes(x, ACME, "12", "1003", "2027-02-01"));
	assert_false(takes(x, ACME, "12", "1001", "")); /* no day is known */
	put(x, "12", "", "", "");
	assert_true(takes(x, ACME, "12", "1003", "2027-03-01"));
	accounts_delete(x, ACME, BYTES_LIT("12"));
	accounts_delete(x, ACME, BYTES_LIT("12"));
	assert_true(accounts_any(x, ACME));
	accounts_delete(x, ACME, BYTES_LIT("4711"));
	assert_false(accounts_any(x, ACME));
	put(x, "5", "", "", "");
	accounts_close(x);
}

static void test_days(void **state)
{
	static const char *const wrong[] = { "2027-02-29", "2027-13-01", "2027-00-10",
					     "2027-1-31",  "2027-01-32", "2027-01-00",
					     "27-01-31",   "2027/01/31", "2027-01-3x" };

	(void)state;
	assert_true(account_date_is_good(bytes_str("")));
	assert_true(account_date_is_good(bytes_str("2028-02-29")));
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		if (account_date_is_good(bytes_str(wrong[i])))
			fail_msg("%s", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
