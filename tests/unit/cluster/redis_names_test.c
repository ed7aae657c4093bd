/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <poll.h>

#include "cluster/redis/url.h"

/* A label of 64 octets: nobody is asked for it, so the answer comes at once. */
#define NONE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_nothing_to_ask(void **state)
{
	static const struct {
		const char *url;
		int err;
	} rows[] = {
		{ "unix:/run/redis.sock", -ENODATA },
		{ "redis://127.0.0.1", -ENODATA },
		{ "rediss://user:secret@[::1]:6380/1", -ENODATA },
		{ "redis+cluster://localhost", -ENODATA },
		{ "sentinel://10.0.0.1,[::1]:5/main", -ENODATA },
		{ "redis://", -EINVAL },
		{ "http://redis.test", -EINVAL },
	}, *row;
	struct redis_names *names = NULL;

	(void)state;
	EACH_ROW(row, rows)
	ROW_ASSERT(row->url, redis_names_resolve(&names, bytes_str(row->url)) == row->err);
	assert_null(names);
	redis_names_close(NULL);
}

static void test_answered(void **state)
{
	static const struct {
		const char *name, *url;
		bool known;
	} rows[] = {
		{ "none", "redis://" NONE, false },
		{ "none of two", "sentinel://" NONE "," NONE ":1/main", false },
		{ "one of two", "sentinel://127.0.0.1," NONE "/main", true },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct redis_names *names;
		struct pollfd p = { .events = POLLIN };

		ROW_ASSERT(row->name, redis_names_resolve(&names, bytes_str(row->url)) == 0);
		p.fd = redis_names_fd(names);
		ROW_ASSERT(row->name, poll(&p, 1, 20000) == 1);
		ROW_ASSERT(row->name, redis_names_are_known(names) == row->known);
		redis_names_close(names);
	}
}

/* Whoever loses interest waits for nothing. */
static void test_closed_early(void **state)
{
	struct redis_names *names;

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(redis_names_resolve(&names, BYTES_LIT("redis://u:p@" NONE ":1")),
				 0);
		redis_names_close(names);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_ask),
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_closed_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
