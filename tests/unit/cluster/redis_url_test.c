/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "cluster/redis/url.h"

static bool server_is(const struct redis_server *a, const struct redis_server *b)
{
	return !strcmp(a->host, b->host) && a->port == b->port;
}

static bool login_is(const struct redis_login *a, const struct redis_login *b)
{
	return !strcmp(a->user, b->user) && !strcmp(a->password, b->password);
}

static void test_good(void **state)
{
	static const struct {
		const char *text;
		struct redis_url want;
	} rows[] = {
		{ "unix:/run/tandem/redis.sock", { .path = "/run/tandem/redis.sock" } },
		{ "redis://10.0.0.1", { .server = { "10.0.0.1", 6379 } } },
		{ "redis://10.0.0.1:7000", { .server = { "10.0.0.1", 7000 } } },
		{ "redis://10.0.0.1:7000/", { .server = { "10.0.0.1", 7000 } } },
		{ "redis://redis.example/15", { .server = { "redis.example", 6379 }, .db = 15 } },
		{ "redis://[2001:db8::1]", { .server = { "2001:db8::1", 6379 } } },
		{ "redis://[2001:db8::1]:1/2", { .server = { "2001:db8::1", 1 }, .db = 2 } },
		{ "rediss://me:secret@h:1/2",
		  { .server = { "h", 1 }, .db = 2, .tls = true, .login = { "me", "secret" } } },
		{ "rediss://h", { .server = { "h", 6379 }, .tls = true } },
		{ "redis+cluster://me:secret@h:1", { .server = { "h", 1 }, .cluster = true, .login = { "me", "secret" } } },
		{ "rediss+cluster://h", { .server = { "h", 6379 }, .tls = true, .cluster = true } },
		{ "redis://:secret@h", { .server = { "h", 6379 }, .login = { "", "secret" } } },
		{ "redis://me:secret@h", { .server = { "h", 6379 }, .login = { "me", "secret" } } },
		{ "redis://m%40e:a%3Ab@h", { .server = { "h", 6379 }, .login = { "m@e", "a:b" } } },
		{ "redis://me:p@ss:w/x@h", { .server = { "h", 6379 }, .login = { "me", "p@ss:w/x" } } },
		{ "sentinel://a,b:1,[::1]:2/my.primary_1-x",
		  { .sentinels = { { "a", 26379 }, { "b", 1 }, { "::1", 2 } }, .sentinel_count = 3,
		    .primary = "my.primary_1-x" } },
		{ "sentinels://me:se@cret@a/m?sentinel=wat%40ch:er%2F%3F",
		  { .sentinels = { { "a", 26379 } }, .sentinel_count = 1, .primary = "m", .tls = true,
		    .login = { "me", "se@cret" }, .sentinel_login = { "wat@ch", "er/?" } } },
		{ "sentinel://:p@a/m?sentinel=:q",
		  { .sentinels = { { "a", 26379 } }, .sentinel_count = 1, .primary = "m", .login = { "", "p" },
		    .sentinel_login = { "", "q" } } },
	}, *row;
	struct redis_url got;
	const char *reason;

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->text, redis_url_read(&got, bytes_str(row->text), &reason) == 0);
		ROW_ASSERT(row->text, !reason);
		ROW_ASSERT(row->text, !strcmp(got.path, row->want.path) && got.db == row->want.db);
		ROW_ASSERT(row->text, got.tls == row->want.tls && got.cluster == row->want.cluster);
		ROW_ASSERT(row->text, server_is(&got.server, &row->want.server));
		ROW_ASSERT(row->text, login_is(&got.login, &row->want.login));
		ROW_ASSERT(row->text, login_is(&got.sentinel_login, &row->want.sentinel_login));
		ROW_ASSERT(row->text, !strcmp(got.primary, row->want.primary));
		ROW_ASSERT(row->text, got.sentinel_count == row->want.sentinel_count);
		for (uint32_t i = 0; i < got.sentinel_count; i++)
			ROW_ASSERT(row->text,
				   server_is(&got.sentinels[i], &row->want.sentinels[i]));
	}
}

/* No login, and what is read again is the same place. */
static void test_written(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "unix:/run/tandem/redis.sock", "unix:/run/tandem/redis.sock" },
		{ "redis://me:secret@10.0.0.1", "redis://10.0.0.1:6379" },
		{ "rediss://:secret@[2001:db8::1]:1/2", "rediss://[2001:db8::1]:1/2" },
		{ "redis+cluster://me:secret@h", "redis+cluster://h:6379" },
		{ "rediss+cluster://h:7", "rediss+cluster://h:7" },
		{ "sentinel://me:p@a,b:1,[::1]:2/main?sentinel=you:q", "sentinel://a:26379,b:1,[::1]:2/main" },
		{ "sentinels://a/m", "sentinels://a:26379/m" },
	}, *row;
	struct redis_url url;
	const char *reason;
	char text[512];
	struct writer w;

	(void)state;
	EACH_ROW(row, rows)
	{
		assert_int_equal(redis_url_read(&url, bytes_str(row->text), &reason), 0);
		w = writer_over(text, sizeof(text));
		redis_url_write(&w, &url);
		ROW_ASSERT(row->text, bytes_is(writer_done(&w), row->want));
		ROW_ASSERT(row->text, !redis_url_read(&url, writer_done(&w), &reason));
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
		"redis+cluster://h/1",
		"redis+cluster:/h",
		"rediss+cluster://",
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
		"sentinel://a",
		"sentinel:///m",
		"sentinel://a/",
		"sentinel://a/m/0",
		"sentinel://a,/m",
		"sentinel://,a/m",
		"sentinel://a:0/m",
		"sentinel://a/m%20",
		"sentinel://a/m?",
		"sentinel://a/m?sentinel=x",
		"sentinel://a/m?sentinel=x:",
		"sentinel://a/m?other=x:y",
		"sentinel://me@a/m",
		"sentinel://a,b,c,d,e,f,g,h/m",
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
	struct redis_server server = { .port = 7000 };
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	(void)state;
	EACH_ROW(row, rows)
	{
		assert_int_equal(bytes_cstr(bytes_str(row->host), server.host, sizeof(server.host)),
				 0);
		ROW_ASSERT(row->host, redis_server_resolve(&server, &addr) == 0);
		assert_string_equal(addr_text(&addr, text), row->want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
