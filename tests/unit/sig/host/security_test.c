/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/security.h"

#include "base/clock.h"
#include "sig/host/effect.h"
#include "tests/unit/test.h"

enum { TIMER_KIND = 7, FIRST_S = 100 };

static struct security g_security;
static struct effects g_effects;
static struct wheel g_wheel;
static uint64_t g_now_ns;

static int setup(void **state)
{
	const struct hash_key key = { 1, 2 };

	(void)state;
	g_security = (struct security){ 0 };
	effects_clear(&g_effects);
	g_now_ns = FIRST_S * NS_PER_S;
	wheel_open(&g_wheel, g_now_ns);
	security_open(&g_security, &g_effects, &g_wheel, TIMER_KIND, &key);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	effects_close(&g_effects);
	return 0;
}

static void from(const char *source, enum security_kind kind, const char *user)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(source)), 0);
	security_event(&g_security, kind, &a, bytes_str(user), "REGISTER", g_now_ns);
}

static void pass_s(uint64_t s)
{
	const struct wheel_timer *t;

	g_now_ns += s * NS_PER_S;
	while ((t = wheel_expire(&g_wheel, g_now_ns)) != NULL) {
		assert_int_equal(t->kind, TIMER_KIND);
		security_publish(&g_security, g_now_ns);
	}
}

static const struct security_event *told(uint32_t i)
{
	assert_true(i < g_effects.count);
	assert_int_equal(g_effects.list[i].kind, EFFECT_SECURITY);
	return g_effects.list[i].request;
}

static void the_first_is_told_at_once_the_rest_as_one(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		from("192.0.2.1:5060", SECURITY_WRONG_PASSWORD, "1001");
	assert_int_equal(g_effects.count, 1);
	assert_int_equal(told(0)->count, 1);
	assert_string_equal(told(0)->user, "1001");
	assert_string_equal(told(0)->detail, "REGISTER");
	from("192.0.2.1:6000", SECURITY_WRONG_PASSWORD, "1002");
	pass_s(11);
	assert_int_equal(g_effects.count, 2);
	assert_int_equal(told(1)->count, 1000);
	assert_string_equal(told(1)->user, "1002");
	assert_int_equal(told(1)->source.port, 6000);
	pass_s(100);
	assert_int_equal(g_effects.count, 2);
	assert_false(wheel_is_running(&g_security.timer));
	from("192.0.2.1:5060", SECURITY_WRONG_PASSWORD, "1001");
	assert_int_equal(g_effects.count, 3);
}

static void kinds_and_sources_are_apart(void **state)
{
	(void)state;
	from("192.0.2.1:5060", SECURITY_WRONG_PASSWORD, "1001");
	from("192.0.2.1:5060", SECURITY_QUOTA, "1001");
	from("192.0.2.2:5060", SECURITY_QUOTA, "1001");
	from("[2001:db8::1]:5060", SECURITY_QUOTA, "1001");
	assert_int_equal(g_effects.count, 4);
	from("[2001:db8::ffff:1]:5060", SECURITY_QUOTA, "1001"); /* the same /64 */
	assert_int_equal(g_effects.count, 4);
	from("[2001:db8:0:1::1]:5060", SECURITY_QUOTA, "1001");
	assert_int_equal(g_effects.count, 5);
}

/* However many sources there are, so many are told; none is lost from the numbers. */
static void a_flood_of_sources_is_bounded(void **state)
{
	const struct addr first = { .family = ADDR_V4, .ip = { 198, 51 } };
	uint64_t counted = 0;

	(void)state;
	for (uint32_t i = 0; i < 50000; i++) {
		struct addr a = first;

		a.ip[2] = (uint8_t)(i >> 8);
		a.ip[3] = (uint8_t)i;
		security_event(&g_security, SECURITY_FLOOD, &a, (struct bytes){ 0 }, NULL,
			       g_now_ns);
	}
	assert_int_equal(g_effects.count, SECURITY_TELLS_BURST);
	for (int i = 0; i < 100; i++)
		pass_s(10);
	for (uint32_t i = 0; i < g_effects.count; i++)
		counted += told(i)->count;
	assert_int_equal(counted, 50000);
	assert_true(g_effects.count <= SECURITY_SETS * SECURITY_WAYS + SECURITY_TELLS_BURST + 1);
	assert_false(wheel_is_running(&g_security.timer));
}

static void long_texts_are_cut(void **state)
{
	char user[500];

	(void)state;
	memset(user, 'x', sizeof(user));
	user[sizeof(user) - 1] = '\0';
	from("192.0.2.1", SECURITY_ROUTE, user);
	assert_int_equal(strlen(told(0)->user), SECURITY_USER_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_is_told_at_once_the_rest_as_one, setup,
						teardown),
		cmocka_unit_test_setup_teardown(kinds_and_sources_are_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(a_flood_of_sources_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(long_texts_are_cut, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
