/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "sig/lookup/lookup.h"
#include "tests/unit/test.h"

static struct lookup_target target(uint8_t last, enum sip_transport transport)
{
	struct lookup_target t = { .transport = (uint8_t)transport };

	addr_set_v4(&t.to, (const uint8_t[]){ 192, 0, 2, last }, 5060);
	return t;
}

static void test_behind_the_others(void **state)
{
	static struct lookup_blocked b;
	struct lookup_target a = target(1, SIP_UDP), c = target(3, SIP_UDP);
	struct lookup l = { .target_count = 3 };

	(void)state;
	l.targets[0] = a;
	l.targets[1] = target(2, SIP_UDP);
	l.targets[2] = c;
	blocked_add(&b, &a, 0, NS_PER_S);
	blocked_order(&b, &l, NS_PER_S);
	assert_int_equal(l.targets[0].to.ip[3], 2);
	assert_int_equal(l.targets[1].to.ip[3], 3);
	assert_int_equal(l.targets[2].to.ip[3], 1);
	/* all of them: none is left out */
	blocked_add(&b, &l.targets[0], 0, NS_PER_S);
	blocked_add(&b, &c, 0, NS_PER_S);
	blocked_order(&b, &l, NS_PER_S);
	assert_int_equal(l.target_count, 3);
	assert_int_equal(l.targets[0].to.ip[3], 2);
	/* another transport of the same host is another target */
	a.transport = SIP_TCP;
	assert_false(blocked_has(&b, &a, NS_PER_S));
}

static void test_for_how_long(void **state)
{
	static const struct {
		uint32_t wish_s, for_s;
	} rows[] = { { 0, BLOCKED_S }, { 7, 7 }, { 100000, BLOCKED_MAX_S } };
	struct lookup_target a = target(1, SIP_UDP);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct lookup_blocked b = { 0 };

		blocked_add(&b, &a, rows[i].wish_s, NS_PER_S);
		assert_true(blocked_has(&b, &a, rows[i].for_s * NS_PER_S));
		assert_false(blocked_has(&b, &a, (1 + rows[i].for_s) * NS_PER_S));
	}
}

/* More than fit: the newest ones are there. */
static void test_full(void **state)
{
	static struct lookup_blocked b;

	(void)state;
	for (uint32_t i = 0; i < BLOCKED_MAX * 3; i++) {
		struct lookup_target t = target((uint8_t)i, SIP_UDP);

		t.to.port = (uint16_t)i;
		blocked_add(&b, &t, 0, NS_PER_S + i);
		assert_true(blocked_has(&b, &t, NS_PER_S + i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_behind_the_others),
		cmocka_unit_test(test_for_how_long),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
