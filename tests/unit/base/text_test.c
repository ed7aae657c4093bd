/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/bytes.h"

static void holds_a_copy(void **state)
{
	char source[] = "alice";
	struct text t = { 0 };

	(void)state;
	assert_string_equal(text_str(&t), "");
	assert_int_equal(text_set(&t, bytes_str(source)), 0);
	source[0] = 'A';
	assert_string_equal(text_str(&t), "alice");
	assert_true(bytes_is(text_bytes(&t), "alice"));
	text_clear(&t);
	assert_null(t.p);
	assert_int_equal(text_bytes(&t).n, 0);
}

static void may_be_set_from_itself(void **state)
{
	struct text t = { 0 };

	(void)state;
	assert_int_equal(text_set(&t, BYTES_LIT("sip:alice")), 0);
	assert_int_equal(text_set(&t, bytes_from(text_bytes(&t), 4)), 0);
	assert_string_equal(text_str(&t), "alice");
	text_clear(&t);
}

static void empty_is_null(void **state)
{
	struct text t = { 0 };

	(void)state;
	assert_int_equal(text_set(&t, BYTES_LIT("x")), 0);
	assert_int_equal(text_set(&t, bytes_str(NULL)), 0);
	assert_null(t.p);
	assert_string_equal(text_str(&t), "");
}

static void keeps_zero_bytes(void **state)
{
	struct text t = { 0 };

	(void)state;
	assert_int_equal(text_set(&t, BYTES_LIT("a\0b")), 0);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.p[3], '\0');
	text_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_a_copy),
		cmocka_unit_test(may_be_set_from_itself),
		cmocka_unit_test(empty_is_null),
		cmocka_unit_test(keeps_zero_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
