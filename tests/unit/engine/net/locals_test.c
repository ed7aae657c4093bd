/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "engine/net/locals.h"
#include "engine/net/packet.h"

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

/* Two ways to ask the same; an address of IPv6 is not one of IPv4 that looks like its empty place. */
static void finds_by_octets_as_by_address(void **state)
{
	static const char *const MINE[] = { "[2001:db8::1]:12000", "192.0.2.1:12000",
					    "192.0.2.2:12002" };
	static const struct {
		const char *name;
		uint8_t ip[4];
		uint16_t port;
		uint32_t slot; /* 0: nobody's */
	} ROWS[] = {
		{ "mine", { 192, 0, 2, 1 }, 12000, 2 },
		{ "another address", { 192, 0, 2, 2 }, 12002, 3 },
		{ "another port", { 192, 0, 2, 2 }, 12000, 0 },
		{ "a stranger", { 192, 0, 2, 3 }, 12000, 0 },
		{ "none", { 0 }, 12000, 0 },
	}, *row;
	struct local got;

	(void)state;
	for (uint32_t i = 0; i < COUNT_OF(MINE); i++) {
		struct addr a = at(MINE[i]);

		assert_int_equal(locals_add(&g_locals, &a, &(struct local){ .slot = i + 1 }), 0);
	}
	EACH_ROW(row, ROWS)
	{
		bool found = locals_find_v4(&g_locals, row->ip, row->port, &got);

		ROW_ASSERT(row->name, found == (row->slot != 0));
		ROW_ASSERT(row->name, !found || got.slot == row->slot);
	}
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
		cmocka_unit_test_setup_teardown(finds_by_octets_as_by_address, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_one_address_too_many, setup, teardown),
	};

	return cmocka_run_group_tests_name("locals", tests, NULL, NULL);
}
