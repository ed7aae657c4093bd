/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms as values: numbers, hosts, and who may do what. */
#include "sig/room/room.h"

#include "tests/unit/test.h"

static void comes(struct room *r, struct room_member *m, uint16_t number)
{
	m->number = number;
	m->asks = number == MEMBER_NOBODY;
	room_enter(r, m);
}

/* In the order of their numbers, whenever they came; who asks is behind them. */
static void in_order(void **state)
{
	struct room r = { .max_members = 4 };
	struct room_member m[4] = { 0 };

	(void)state;
	comes(&r, &m[0], 0);
	comes(&r, &m[1], 3);
	comes(&r, &m[2], 1);
	comes(&r, &m[3], 2);
	assert_ptr_equal(r.first, &m[2]);
	assert_ptr_equal(r.first->next, &m[3]);
	assert_ptr_equal(r.first->next->next, &m[1]);
	assert_ptr_equal(r.end, &m[0]);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.asking, 1);
	assert_true(room_is_full(&r, 1));
	assert_false(room_is_full(&r, 0));
	for (int i = 0; i < 4; i++)
		room_leave(&r, &m[i]);
	assert_null(r.first);
	assert_null(r.end);
	assert_true(room_is_empty(&r));
}

/* A number is given again when all others were. */
static void numbers(void **state)
{
	struct room r = { .last = MEMBER_NUMBER_MAX - 1 };
	struct room_member one = { 0 }, two = { 0 };

	(void)state;
	assert_int_equal(room_number_next(&r), MEMBER_NUMBER_MAX);
	comes(&r, &one, 1);
	comes(&r, &two, 2);
	r.last = MEMBER_NUMBER_MAX;
	assert_int_equal(room_number_next(&r), 3);
	assert_ptr_equal(room_number_of(&r, 2), &two);
	assert_null(room_number_of(&r, 7));
}

/* Who only listens is host when nobody else is there. */
static void successors(void **state)
{
	struct room r = { 0 };
	struct room_member quiet = { .muted = true }, one = { 0 }, rung = { 0 };

	(void)state;
	assert_int_equal(room_successor(&r), MEMBER_NOBODY);
	comes(&r, &rung, 0);
	assert_int_equal(room_successor(&r), MEMBER_NOBODY);
	comes(&r, &quiet, 1);
	assert_int_equal(room_successor(&r), 1);
	comes(&r, &one, 2);
	assert_int_equal(room_successor(&r), 2);
}

/* CONF-07, CONF-10, CONF-11. */
static void powers(void **state)
{
	struct room r = { .host = 1 };
	struct room_member host = { 0 }, inviter = { 0 }, guest = { .inviter = 2 }, other = { 0 };

	(void)state;
	comes(&r, &host, 1);
	comes(&r, &inviter, 2);
	comes(&r, &guest, 3);
	comes(&r, &other, 4);
	assert_true(room_may(&r, &host, ROOM_DROP, &guest));
	assert_true(room_may(&r, &host, ROOM_RULE, NULL));
	assert_true(room_may(&r, &inviter, ROOM_DROP, &guest));
	assert_true(room_may(&r, &guest, ROOM_CHANGE, &guest));
	assert_false(room_may(&r, &other, ROOM_DROP, &guest));
	assert_false(room_may(&r, &other, ROOM_CHANGE, &host));
	assert_false(room_may(&r, &inviter, ROOM_RULE, NULL));
	r.host = MEMBER_NOBODY;
	assert_false(room_may(&r, &host, ROOM_DROP, &guest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(numbers),
		cmocka_unit_test(successors),
		cmocka_unit_test(powers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
