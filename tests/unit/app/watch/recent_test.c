/* SPDX-License-Identifier: Apache-2.0 */
#include "app/watch/recent.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static struct recent g_recent;

static void add(const char *method, const char *call_id, unsigned number, size_t padding)
{
	char text[4096];
	const struct sip_hop hop = { .transport = SIP_UDP };
	int n = snprintf(text, sizeof(text),
			 "%s sip:1002@h SIP/2.0\r\nCall-ID: %s\r\nX: %u\r\nCSeq: 1 %s\r\n"
			 "To: <sip:1002@h>;tag=%s\r\n\r\n%*s",
			 method, call_id, number, method, number == 7 ? "0000000000001.1.zz" : "x",
			 (int)padding, "");

	recent_add(&g_recent, &hop, false, number, bytes_mem(text, (size_t)n), NULL);
}

/* Texts are whole and in their order; their numbers are those from first on. Returns how many. */
static uint32_t check(uint64_t last)
{
	struct recent_cursor cursor = { 0 };
	struct recent_message m;
	uint64_t before = 0;
	uint32_t n = 0;

	while (recent_next(&g_recent, &cursor, &m)) {
		char want[32];

		assert_true(m.serial > before);
		before = m.serial;
		(void)snprintf(want, sizeof(want), "X: %u\r\n", (unsigned)m.utc_ms);
		assert_non_null(memmem(m.octets.p, m.octets.n, want, strlen(want)));
		n++;
	}
	assert_int_equal(before, last);
	return n;
}

/* Of any lengths: never more than the memory, and always the newest. */
static void test_bounded(void **state)
{
	uint32_t seed = 1;

	(void)state;
	assert_int_equal(recent_resize(&g_recent, 64 << 10), 0);
	for (unsigned i = 1; i <= 5000; i++) {
		seed = seed * 1664525 + 1013904223;
		add("INVITE", "a", i, (seed >> 16) % 3000);
		assert_in_range(check(i), 1, 200);
	}
	assert_in_range(check(5000), 10, 100);
	recent_close(&g_recent);
}

/* What phones say all the time does not drive calls out. */
static void test_everyday(void **state)
{
	struct recent_choice choice = { .call_ids = { BYTES_LIT("a") }, .count = 1 };
	struct recent_cursor cursor = { 0 };
	struct recent_message m;
	bool found = false;

	(void)state;
	assert_int_equal(recent_resize(&g_recent, 64 << 10), 0);
	add("INVITE", "a", 1, 100);
	for (unsigned i = 2; i <= 5000; i++)
		add("REGISTER", "b", i, 100);
	while (recent_next(&g_recent, &cursor, &m))
		found |= recent_is_chosen(&choice, &m);
	assert_true(found);
	recent_close(&g_recent);
}

static uint32_t chosen(struct recent_choice *c, uint32_t skip)
{
	struct recent_cursor cursor = { 0 };
	struct recent_message m;
	uint32_t n = 0;

	while (recent_next(&g_recent, &cursor, &m))
		n += recent_is_chosen(c, &m);
	return n - skip;
}

/* One message that names the call, or the user, brings all of its dialog. */
static void test_choice(void **state)
{
	struct recent_choice by_call = { .call = 1 }, by_user = { .user = BYTES_LIT("1002") },
			     nobody = { .user = BYTES_LIT("100") }, all = { 0 };

	(void)state;
	assert_int_equal(recent_resize(&g_recent, 64 << 10), 0);
	for (unsigned i = 1; i <= 10; i++)
		add("INVITE", i % 2 ? "odd" : "even", i, 10);
	recent_choose(&g_recent, &by_call);
	assert_int_equal(chosen(&by_call, 0), 5);
	recent_choose(&g_recent, &by_user);
	assert_int_equal(chosen(&by_user, 0), 10);
	recent_choose(&g_recent, &nobody);
	assert_int_equal(chosen(&nobody, 0), 0);
	recent_choose(&g_recent, &all);
	assert_int_equal(chosen(&all, 0), 10);
	assert_int_equal(recent_surplus(&g_recent, &by_call, 2, 1 << 20), 3);
	by_call.since_utc_ms = 3;
	by_call.until_utc_ms = 8;
	assert_int_equal(chosen(&by_call, 0), 3);
	assert_int_equal(recent_surplus(&g_recent, &by_call, 2, 1 << 20), 1);
	assert_in_range(recent_surplus(&g_recent, &all, 500, 300), 7, 8);
	recent_close(&g_recent);
}

static void test_none(void **state)
{
	struct recent_cursor cursor = { 0 };
	struct recent_message m;

	(void)state;
	assert_int_equal(recent_resize(&g_recent, 0), 0);
	add("INVITE", "a", 1, 10);
	assert_false(recent_next(&g_recent, &cursor, &m));
	assert_int_equal(recent_resize(&g_recent, 2048), 0);
	add("INVITE", "a", 1, 3000);
	assert_false(recent_next(&g_recent, &cursor, &m));
	recent_close(&g_recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_everyday),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
