/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/call.h"
#include "tests/unit/test.h"

enum { USERS = 8000, CHAIN_MAX = 16 };

static struct leg_users open_users(uint32_t legs)
{
	struct rand_source rand;
	struct leg_users u;

	rand_open_seed(&rand, 7);
	assert_int_equal(leg_users_open(&u, legs, &rand), 0);
	return u;
}

static void put(struct leg_users *u, struct leg *l, const char *user)
{
	assert_int_equal(text_set(&l->user, bytes_str(user)), 0);
	leg_users_put(u, TENANT_DEFAULT, l);
}

static uint32_t count(const struct leg_users *u, const char *user)
{
	struct leg *l = NULL;
	uint32_t n = 0;

	while ((l = leg_users_next(u, TENANT_DEFAULT, bytes_str(user), l)) != NULL)
		n++;
	return n;
}

/* One bucket for all: who shares it is told apart by name. */
static void each_user_has_his_own(void **state)
{
	struct leg_users u = open_users(1);
	struct leg l[4] = { 0 };

	(void)state;
	put(&u, &l[0], "1001");
	put(&u, &l[1], "1002");
	put(&u, &l[2], "1001");
	put(&u, &l[3], "");
	leg_users_put(&u, TENANT_DEFAULT, &l[2]); /* again: nothing */
	assert_int_equal(count(&u, "1001"), 2);
	assert_int_equal(count(&u, "1002"), 1);
	assert_int_equal(count(&u, "1003"), 0);
	assert_int_equal(count(&u, ""), 0);
	assert_ptr_equal(leg_users_next(&u, TENANT_DEFAULT, BYTES_LIT("1001"), NULL), &l[2]);
	leg_users_remove(&l[1]);
	leg_users_remove(&l[1]);
	leg_users_remove(&l[3]);
	assert_int_equal(count(&u, "1002"), 0);
	assert_int_equal(count(&u, "1001"), 2);
	leg_users_remove(&l[2]);
	assert_int_equal(count(&u, "1001"), 1);
	leg_users_remove(&l[0]);
	assert_int_equal(count(&u, "1001"), 0);
	for (size_t i = 0; i < COUNT_OF(l); i++)
		text_clear(&l[i].user);
	leg_users_close(&u);
}

/* A phone that comes back looks at a few legs and not at those of all calls. */
static void walks_are_short(void **state)
{
	struct leg_users u = open_users(USERS);
	struct leg *l = calloc(USERS, sizeof(*l));
	uint32_t longest = 0;

	(void)state;
	assert_non_null(l);
	for (uint32_t i = 0; i < USERS; i++) {
		char user[16];

		(void)snprintf(user, sizeof(user), "%u", 10000 + i);
		put(&u, &l[i], user);
	}
	for (uint32_t b = 0; b <= u.mask; b++) {
		uint32_t n = 0;

		for (const struct leg *p = u.buckets[b]; p; p = p->same_user.next)
			n++;
		longest = n > longest ? n : longest;
	}
	assert_true(longest <= CHAIN_MAX);
	assert_int_equal(count(&u, "10000"), 1);
	for (uint32_t i = 0; i < USERS; i++)
		text_clear(&l[i].user);
	leg_users_close(&u);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_user_has_his_own),
		cmocka_unit_test(walks_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
