/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "engine/locals.h"
#include "engine/packet.h"

static struct locals g_locals;

static struct addr at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

static int setup(void **state)
{
	(void)state;
	locals_open(&g_locals);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	locals_close(&g_locals);
	return 0;
}

static void finds_whose_port_it_is(void **state)
{
	static const struct {
		const char *name, *at;
		struct local who;
	} ROWS[] = {
		{ "first", "192.0.2.1:12000", { .slot = 0, .channel = CHANNEL_RTP } },
		{ "its rtcp", "192.0.2.1:12001", { .slot = 0, .channel = CHANNEL_RTCP } },
		{ "another worker's", "192.0.2.1:12002", { .slot = 1, .worker = 15 } },
		{ "another address", "192.0.2.2:12000", { .slot = 70000, .worker = 3 } },
		{ "the last slot and port", "[2001:db8::1]:65535",
		  { .slot = (1 << 26) - 1, .channel = CHANNEL_RTCP, .worker = 9 } },
	}, *row;
	struct addr a;
	struct local got;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		a = at(row->at);
		ROW_ASSERT(row->name, !locals_find(&g_locals, &a, &got));
		ROW_ASSERT(row->name, locals_add(&g_locals, &a, &row->who) == 0);
	}
	EACH_ROW(row, ROWS)
	{
		a = at(row->at);
		ROW_ASSERT(row->name, locals_find(&g_locals, &a, &got));
		ROW_ASSERT(row->name, got.slot == row->who.slot);
		ROW_ASSERT(row->name, got.channel == row->who.channel);
		ROW_ASSERT(row->name, got.worker == row->who.worker);
		ROW_ASSERT(row->name, locals_add(&g_locals, &a, &row->who) == -EADDRINUSE);
		locals_del(&g_locals, &a);
		ROW_ASSERT(row->name, !locals_find(&g_locals, &a, &got));
		ROW_ASSERT(row->name, locals_has_ip(&g_locals, &a));
	}
	a = at("192.0.2.9:12000");
	assert_false(locals_has_ip(&g_locals, &a));
}

static void refuses_one_address_too_many(void **state)
{
	struct addr a = at("192.0.2.1:12000");
	struct local who = { 0 };

	(void)state;
	for (uint8_t i = 0; i < LOCALS_MAX; i++) {
		a.ip[3] = i;
		assert_int_equal(locals_add(&g_locals, &a, &who), 0);
	}
	a.ip[3] = LOCALS_MAX;
	assert_int_equal(locals_add(&g_locals, &a, &who), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_whose_port_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_one_address_too_many, setup, teardown),
	};

	return cmocka_run_group_tests_name("locals", tests, NULL, NULL);
}
