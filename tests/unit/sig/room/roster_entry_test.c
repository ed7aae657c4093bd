/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of members: when it is news, and what names them. */
#include "sig/room/room.h"
#include "tests/unit/test.h"

enum { MEMBERS = 3 };

static struct room g_room;
static struct room_member g_members[MEMBERS];

static int setup(void **state)
{
	(void)state;
	memset(&g_room, 0, sizeof(g_room));
	memset(g_members, 0, sizeof(g_members));
	for (uint16_t i = 0; i < MEMBERS; i++) {
		g_members[i].call = 100 + i;
		g_members[i].number = (uint16_t)(i + 1);
		room_enter(&g_room, &g_members[i]);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	roster_close(&g_room.roster);
	for (unsigned i = 0; i < MEMBERS; i++)
		roster_entry_clear(&g_members[i].told);
	return 0;
}

static bool told(unsigned i, const char *user, const char *uri, bool there)
{
	const struct room_face face = { .user = bytes_str(user),
					.uri = bytes_str(uri),
					.status = CONFERENCE_CONNECTED,
					.there = there };

	return roster_update(&g_room, &g_members[i], &face);
}

/* The same twice is no news; who is asked yet does not count. */
static void news(void **state)
{
	(void)state;
	assert_true(told(0, "1001", "sip:1001@x", false));
	assert_int_equal(g_room.told_count, 0);
	assert_false(told(0, "1001", "sip:1001@x", false));
	assert_int_equal(g_room.roster.change, 1);
	assert_true(told(0, "1001", "sip:1001@x", true));
	assert_int_equal(g_room.told_count, 1);
	assert_ptr_equal(roster_entry_member(g_room.roster.first), &g_members[0]);
	room_step_out(&g_room, &g_members[0]);
	room_enter(&g_room, &g_members[0]);
	assert_int_equal(g_room.roster.change, 2);
}

/* One of two phones of a user leaves; then the other one does. */
static void leaves(void **state)
{
	uint8_t space[ROOM_ENDPOINT_MAX];
	uint64_t before;

	(void)state;
	(void)told(0, "1001", "sip:1001@x", true);
	(void)told(1, "1001", "sip:1001@x", true);
	assert_true(bytes_is(roster_entry_name(&g_members[1], space).endpoint,
			     "sip:1001@x;member=0000000000035"));
	before = g_room.roster.change;
	room_leave(&g_room, &g_members[0]);
	assert_ptr_equal(roster_after(&g_room.roster, before), &g_members[1].told.link);
	assert_int_equal(g_room.told_count, 1);
	room_leave(&g_room, &g_members[1]);
	assert_true(bytes_is(g_room.roster.last->gone->user, "sip:1001@x"));
	assert_int_equal(g_room.told_count, 0);
}

/* Who begins to hide is another one to those who watch. */
static void renamed(void **state)
{
	(void)state;
	(void)told(0, "1001", "sip:1001@x", true);
	assert_true(told(0, "1001", "sip:anonymous1@anonymous.invalid", true));
	assert_int_equal(g_room.told_count, 1);
	assert_true(bytes_is(g_room.roster.first->gone->user, "sip:1001@x"));
	assert_true(room_has_user(&g_room, BYTES_LIT("1001")));
	assert_false(room_has_user(&g_room, BYTES_LIT("1002")));
}

static void not_let_in(void **state)
{
	(void)state;
	room_leave(&g_room, &g_members[2]);
	g_members[2].asks = true;
	g_members[2].number = MEMBER_NOBODY;
	room_enter(&g_room, &g_members[2]);
	(void)told(2, "1003", "sip:1003@x", false);
	assert_false(room_has_user(&g_room, BYTES_LIT("1003")));
}

static void names(void **state)
{
	uint8_t space[ROOM_USER_MAX];
	uint64_t id;

	(void)state;
	g_room.object.id = 5;
	assert_true(bytes_is(room_name(&g_room, space), "conf-0000000000005"));
	assert_true(conf_name_get(room_name(&g_room, space), &id));
	assert_int_equal(id, 5);
	assert_false(conf_name_get(BYTES_LIT("conf-5"), &id));
	assert_false(conf_name_get(BYTES_LIT("conf-00000000000050"), &id));
	assert_false(conf_name_get(BYTES_LIT("700"), &id));
	memcpy(g_room.number, "700", 4);
	assert_true(bytes_is(room_name(&g_room, space), "700"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(news), TEST(leaves), TEST(renamed),
					    TEST(not_let_in), TEST(names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
