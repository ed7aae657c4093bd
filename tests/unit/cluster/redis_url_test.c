/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "cluster/redis/url.h"

static void test_good(void **state)
{
	static const struct {
		const char *text;
		struct redis_url want;
	} rows[] = {
		{ "unix:/run/tandem/redis.sock", { .path = "/run/tandem/redis.sock" } },
		{ "redis://10.0.0.1", { .host = "10.0.0.1", .port = 6379 } },
		{ "redis://10.0.0.1:7000", { .host = "10.0.0.1", .port = 7000 } },
		{ "redis://10.0.0.1:7000/", { .host = "10.0.0.1", .port = 7000 } },
		{ "redis://redis.example/15", { .host = "redis.example", .port = 6379, .db = 15 } },
		{ "redis://[2001:db8::1]", { .host = "2001:db8::1", .port = 6379 } },
		{ "redis://[2001:db8::1]:1/2", { .host = "2001:db8::1", .port = 1, .db = 2 } },
		{ "rediss://me:secret@h:1/2",
		  { .host = "h", .port = 1, .db = 2, .tls = true, .user = "me", .password = "secret" } },
		{ "rediss://h", { .host = "h", .port = 6379, .tls = true } },
		{ "redis://:secret@h", { .host = "h", .port = 6379, .password = "secret" } },
		{ "redis://me:secret@h", { .host = "h", .port = 6379, .user = "me", .password = "secret" } },
		{ "redis://m%40e:a%3Ab@h", { .host = "h", .port = 6379, .user = "m@e", .password = "a:b" } },
		{ "redis://me:p@ss:w/x@h", { .host = "h", .port = 6379, .user = "me", .password = "p@ss:w/x" } },
	}, *row;
	struct redis_url got;
	const char *reason;

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->text, redis_url_read(&got, bytes_str(row->text), &reason) == 0);
		ROW_ASSERT(row->text, !reason);
		ROW_ASSERT(row->text,
			   !strcmp(got.path, row->want.path) && !strcmp(got.host, row->want.host));
		ROW_ASSERT(row->text, got.port == row->want.port && got.db == row->want.db &&
					      got.tls == row->want.tls);
		ROW_ASSERT(row->text, !strcmp(got.user, row->want.user));
		ROW_ASSERT(row->text, !strcmp(got.password, row->want.password));
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"",
		"10.0.0.1:6379",
		"rediss://",
		"redisss://10.0.0.1",
		"unix:",
		"unix:redis.sock",
		"redis://",
		"redis://:6379",
		"redis://h:0",
		"redis://h:65536",
		"redis://h:x",
		"redis://h:",
		"redis://h/-1",
		"redis://h/65536",
		"redis://h/0/1",
		"redis://[2001:db8::1",
		"redis://[2001:db8::1]x",
		"redis://me@h",
		"redis://me:@h",
		"redis://me:%4@h",
		"redis://me:%zz@h",
		"redis://me:%00@h",
	}, *const *row;
	struct redis_url got;
	const char *reason;
	char path[128];

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(*row, redis_url_read(&got, bytes_str(*row), &reason) == -EINVAL);
		ROW_ASSERT(*row, reason);
	}
	assert_int_equal(redis_url_read(&got, bytes_mem("redis://a\0b", 11), &reason), -EINVAL);
	/* the longest path, and one more */
	memset(path, 'x', sizeof(path));
	memcpy(path, "unix:/", 6);
	assert_int_equal(redis_url_read(&got, bytes_mem(path, 5 + 107), &reason), 0);
	assert_int_equal(redis_url_read(&got, bytes_mem(path, 5 + 108), &reason), -EINVAL);
}

static void test_resolve(void **state)
{
	static const struct {
		const char *host;
		const char *want;
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1:7000" },
		{ "localhost", "127.0.0.1:7000" },
		{ "::1", "[::1]:7000" },
	}, *row;
	struct redis_url url = { .port = 7000 };
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	(void)state;
	EACH_ROW(row, rows)
	{
		assert_int_equal(bytes_cstr(bytes_str(row->host), url.host, sizeof(url.host)), 0);
		ROW_ASSERT(row->host, redis_url_resolve(&url, &addr) == 0);
		assert_string_equal(addr_text(&addr, text), row->want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
