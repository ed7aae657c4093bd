/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/hop.h"
#include "tests/unit/test.h"

static void test_names(void **state)
{
	static const char *const bad[] = { "", ".", "a b", "a\"b", "x\nb", "[::1]", "*.test" };
	char text[HOP_NAME_MAX + 8];
	struct hop_names *n;
	uint16_t first;

	(void)state;
	assert_int_equal(hop_names_open(&n), 0);
	first = hop_names_put(n, BYTES_LIT("sip.Carrier.test."));
	assert_int_equal(first, 1);
	assert_string_equal(hop_names_text(n, first), "sip.carrier.test");
	assert_int_equal(hop_names_put(n, BYTES_LIT("SIP.carrier.test")), first);
	assert_int_equal(hop_names_put(n, BYTES_LIT("b.carrier.test")), 2);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(hop_names_put(n, bytes_str(bad[i])), 0);
	memset(text, 'a', sizeof(text));
	assert_int_equal(hop_names_put(n, bytes_mem(text, HOP_NAME_MAX)), 0);
	assert_int_equal(hop_names_put(n, bytes_mem(text, HOP_NAME_MAX - 1)), 3);
	assert_string_equal(hop_names_text(n, 0), "");
	assert_string_equal(hop_names_text(n, 4), "");
	hop_names_close(n);
	assert_int_equal(hop_names_put(NULL, BYTES_LIT("a.test")), 0);
	assert_string_equal(hop_names_text(NULL, 1), "");
}

/* A full table gives no name a number of another one. */
static void test_full(void **state)
{
	struct hop_names *n;
	char text[16];

	(void)state;
	assert_int_equal(hop_names_open(&n), 0);
	for (unsigned i = 1; i <= HOP_NAMES_MAX; i++) {
		(void)snprintf(text, sizeof(text), "n%u.test", i);
		assert_int_equal(hop_names_put(n, bytes_str(text)), i);
	}
	assert_int_equal(hop_names_put(n, BYTES_LIT("one.more")), 0);
	assert_int_equal(hop_names_put(n, BYTES_LIT("n7.test")), 7);
	assert_string_equal(hop_names_text(n, HOP_NAMES_MAX), text);
	hop_names_close(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
