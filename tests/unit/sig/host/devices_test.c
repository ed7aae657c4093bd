/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/devices.h"

#include "base/named.h"
#include "tests/unit/test.h"

enum { ACME = 3, ZETA = 4 };
#define MAC "0004f214ab37"

static void test_mac(void **state)
{
	char text[DEVICE_ACCOUNT_NAME + 1] = "";
	struct writer w = writer_over(text, DEVICE_ACCOUNT_NAME);

	(void)state;
	assert_int_equal(device_mac(BYTES_LIT(MAC)), 0x0004f214ab37);
	device_mac_write(&w, 0x0004f214ab37);
	assert_string_equal(text, MAC);
	assert_int_equal(device_mac(BYTES_LIT("0004f214ab3")), 0);
	assert_int_equal(device_mac(BYTES_LIT("0004f214ab3g")), 0);
	assert_int_equal(device_mac(BYTES_LIT("0004f214ab3700")), 0);
}

/* Of each tenant its own; it is replaced, and goes. */
static void test_accounts(void **state)
{
	struct device_account a = { .tenant = ACME, .name = MAC, .number = "201" };
	struct table t;

	(void)state;
	assert_int_equal(table_open(&t, DEVICE_ACCOUNTS_MAX), 0);
	assert_int_equal(device_accounts_put(&t, &a), 0);
	assert_null(device_accounts_find(&t, ZETA, BYTES_LIT(MAC)));
	assert_string_equal(device_accounts_find(&t, ACME, BYTES_LIT(MAC))->number, "201");
	(void)snprintf(a.number, sizeof(a.number), "202");
	assert_int_equal(device_accounts_put(&t, &a), 0);
	assert_string_equal(device_accounts_find(&t, ACME, BYTES_LIT(MAC))->number, "202");
	device_accounts_delete(&t, ZETA, BYTES_LIT(MAC));
	assert_non_null(device_accounts_find(&t, ACME, BYTES_LIT(MAC)));
	device_accounts_delete(&t, ACME, BYTES_LIT(MAC));
	device_accounts_delete(&t, ACME, BYTES_LIT(MAC));
	assert_null(device_accounts_find(&t, ACME, BYTES_LIT(MAC)));
	named_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
