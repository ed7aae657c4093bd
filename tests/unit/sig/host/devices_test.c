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

/* Of each tenant its own; it is replaced, and goes with 0. */
static void test_only(void **state)
{
	struct table t;

	(void)state;
	assert_int_equal(table_open(&t, DEVICE_ONLY_MAX), 0);
	assert_int_equal(device_only_put(&t, ACME, BYTES_LIT("201"), 0), 0);
	assert_int_equal(device_only_put(&t, ACME, BYTES_LIT("201"), 1), 0);
	assert_int_equal(device_only_put(&t, ACME, BYTES_LIT("201"), 2), 0);
	assert_int_equal(device_only_find(&t, ACME, BYTES_LIT("201")), 2);
	assert_int_equal(device_only_find(&t, ZETA, BYTES_LIT("201")), 0);
	assert_int_equal(device_only_put(&t, ACME, BYTES_LIT("201"), 0), 0);
	assert_int_equal(device_only_find(&t, ACME, BYTES_LIT("201")), 0);
	named_close(&t);
}

/* A name made for a MAC is read as that; its password is another one for another name, tenant and key. */
static void test_bare(void **state)
{
	uint8_t key[BARE_KEY] = { 1 };
	char name[BARE_NAME + 1], other[BARE_NAME + 1];
	char passwords[4][BARE_PASSWORD + 1];
	uint64_t mac, nonce;

	(void)state;
	bare_name(BYTES_LIT(MAC), 0xfedcba9876543210, name);
	assert_string_equal(name, MAC "-fedcba9876543210");
	assert_true(bare_name_read(bytes_str(name), &mac, &nonce));
	assert_int_equal(mac, 0x0004f214ab37);
	assert_int_equal(nonce, 0xfedcba9876543210);
	assert_false(bare_name_read(BYTES_LIT(MAC), &mac, &nonce));
	assert_false(bare_name_read(BYTES_LIT(MAC "-0000000000000000"), &mac, &nonce));
	assert_false(bare_name_read(BYTES_LIT(MAC "-fedcba987654321g"), &mac, &nonce));
	assert_false(bare_name_read(BYTES_LIT(MAC "_fedcba9876543210"), &mac, &nonce));
	bare_name(BYTES_LIT(MAC), 1, other);
	bare_password(key, "acme", bytes_str(name), passwords[0]);
	bare_password(key, "acme", bytes_str(other), passwords[1]);
	bare_password(key, "zeta", bytes_str(name), passwords[2]);
	key[0] = 2;
	bare_password(key, "acme", bytes_str(name), passwords[3]);
	for (size_t i = 0; i < COUNT_OF(passwords); i++) {
		assert_int_equal(strlen(passwords[i]), BARE_PASSWORD);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(passwords[i], passwords[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_only),
		cmocka_unit_test(test_bare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
