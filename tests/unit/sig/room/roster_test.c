/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which what is told of a conference's members changed. */
#include "sig/room/roster.h"

#include "tests/unit/test.h"

enum { MEMBERS = 5 };

static struct roster_link g_members[MEMBERS];

static int setup(void **state)
{
	static struct room_roster r;

	memset(g_members, 0, sizeof(g_members));
	memset(&r, 0, sizeof(r));
	for (unsigned i = 0; i < MEMBERS; i++)
		roster_change(&r, &g_members[i]);
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	roster_close(*state);
	return 0;
}

/* "0,2,-3": members by their index, those who left by what names them. */
static const char *changed(const struct room_roster *r, uint64_t since)
{
	static char text[256];
	struct writer w = writer_over(text, sizeof(text) - 1);

	for (const struct roster_link *l = roster_after(r, since); l; l = l->next) {
		writer_str(&w, w.n ? "," : "");
		if (l->gone) {
			writer_str(&w, "-");
			writer_bytes(&w, l->gone->user);
		} else {
			writer_u64(&w, (uint64_t)(l - g_members));
		}
	}
	text[w.n] = '\0';
	return text;
}

static void leave(struct room_roster *r, unsigned i)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", i);
	roster_leave(r, &g_members[i], bytes_str(name));
}

static void in_their_order(void **state)
{
	struct room_roster *r = *state;
	uint64_t all = r->change;

	assert_string_equal(changed(r, 0), "0,1,2,3,4");
	assert_string_equal(changed(r, 2), "2,3,4");
	assert_string_equal(changed(r, all), "");
	roster_change(r, &g_members[1]);
	roster_change(r, &g_members[4]);
	roster_change(r, &g_members[1]);
	assert_string_equal(changed(r, all), "4,1");
	assert_string_equal(changed(r, 0), "0,2,3,4,1");
}

static void who_left(void **state)
{
	struct room_roster *r = *state;
	uint64_t all = r->change;

	leave(r, 2);
	leave(r, 0);
	assert_string_equal(changed(r, all), "-2,-0");
	assert_string_equal(changed(r, 0), "1,3,4,-2,-0");
	roster_change(r, &g_members[2]); /* it comes again */
	assert_string_equal(changed(r, all), "-2,-0,2");
	leave(r, 2);
	leave(r, 2); /* it has left */
	assert_string_equal(changed(r, all), "-2,-0,-2");
	assert_int_equal(r->gone_count, 3);
}

/* Phones of one user: what is told of the user changes when one leaves, and the user is gone with the last. */
static void twins(void **state)
{
	struct room_roster *r = *state;
	uint64_t all;

	roster_join(&g_members[1], &g_members[0]);
	roster_join(&g_members[2], &g_members[0]);
	all = r->change;
	leave(r, 0);
	assert_int_equal(r->gone_count, 0);
	assert_true(!strcmp(changed(r, all), "1") || !strcmp(changed(r, all), "2"));
	all = r->change;
	leave(r, 1);
	assert_string_equal(changed(r, all), "2");
	all = r->change;
	leave(r, 2);
	assert_string_equal(changed(r, all), "-2");
}

static void described(void **state)
{
	struct room_roster *r = *state;
	uint64_t all = r->change;

	roster_describe(r);
	assert_true(r->described > all && r->change == r->described);
	assert_string_equal(changed(r, all), "");
}

/* Of many who left the first ones are forgotten; who is there is not. */
static void forgotten(void **state)
{
	struct room_roster *r = *state;
	uint64_t first;

	leave(r, 3);
	first = r->change;
	for (unsigned i = 0; i < ROSTER_GONE_MAX; i++) {
		assert_int_equal(r->forgotten, 0);
		roster_change(r, &g_members[3]);
		leave(r, 3);
	}
	assert_int_equal(r->forgotten, first);
	assert_int_equal(r->gone_count, ROSTER_GONE_MAX);
	assert_ptr_equal(roster_after(r, 0), &g_members[0]);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(in_their_order), TEST(who_left), TEST(twins),
					    TEST(described), TEST(forgotten) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
