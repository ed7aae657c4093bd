/* SPDX-License-Identifier: Apache-2.0 */
#include "client/tandem_client.c"

#include "tests/unit/test.h"

static void server_expect(const struct server *got, const struct server *want)
{
	assert_string_equal(got->host, want->host);
	assert_int_equal(got->port, want->port);
}

static void login_expect(const struct login *got, const struct login *want)
{
	assert_string_equal(got->user, want->user);
	assert_string_equal(got->password, want->password);
}

/* As redis.url of the node: the same texts lead to the same place. */
static void test_places(void **state)
{
	static const struct {
		const char *url;
		bool fine;
		struct place want;
	} rows[] = {
		{ "unix:/run/redis.sock", true, { .path = "/run/redis.sock" } },
		{ "unix:run/redis.sock", false, { .db = "" } },
		{ "http://here", false, { .db = "" } },
		{ "redis://here", true, { .server = { "here", 6379 } } },
		{ "redis://here:6380/3", true, { .server = { "here", 6380 }, .db = "3" } },
		{ "redis://[2001:db8::1]:7", true, { .server = { "2001:db8::1", 7 } } },
		{ "redis://[2001:db8::1", false, { .db = "" } },
		{ "rediss://here:7/1", true, { .server = { "here", 7 }, .db = "1", .tls = true } },
		{ "rediss://", false, { .db = "" } },
		{ "redis://:pw@h", true, { .server = { "h", 6379 }, .login = { "", "pw" } } },
		{ "redis://u:p@%2fx@h",
		  true,
		  { .server = { "h", 6379 }, .login = { "u", "p@/x" } } },
		{ "redis://u:%2@h", false, { .db = "" } },
		{ "redis://u:%00@h", false, { .db = "" } },
		{ "redis://u@h", false, { .db = "" } },
		{ "redis://", false, { .db = "" } },
		{ "redis://h:0", false, { .db = "" } },
		{ "redis://h:70000", false, { .db = "" } },
		{ "redis://h:1x", false, { .db = "" } },
		{ "redis://h/123456789", false, { .db = "" } },
		{ "redis+cluster://u:p@h:1",
		  true,
		  { .server = { "h", 1 }, .cluster = true, .login = { "u", "p" } } },
		{ "rediss+cluster://h",
		  true,
		  { .server = { "h", 6379 }, .cluster = true, .tls = true } },
		{ "redis+cluster://h/1", false, { .db = "" } },
		{ "sentinel+cluster://h/m", false, { .db = "" } },
		{ "sentinel://a,[::1]:7,b:1/main",
		  true,
		  { .sentinels = { { "a", 26379 }, { "::1", 7 }, { "b", 1 } },
		    .sentinel_count = 3,
		    .primary = "main" } },
		{ "sentinels://u:p@a/m?sentinel=v:q%2F",
		  true,
		  { .sentinels = { { "a", 26379 } },
		    .sentinel_count = 1,
		    .primary = "m",
		    .tls = true,
		    .login = { "u", "p" },
		    .sentinel_login = { "v", "q/" } } },
		{ "sentinel://a", false, { .db = "" } },
		{ "sentinel://a/", false, { .db = "" } },
		{ "sentinel://a,/m", false, { .db = "" } },
		{ "sentinel:///m", false, { .db = "" } },
		{ "sentinel://a/m?x", false, { .db = "" } },
		{ "sentinel://a/m?sentinel=x", false, { .db = "" } },
		{ "sentinel://a,b,c,d,e,f,g,h/m", false, { .db = "" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place p;

		if (client_place_read(&p, rows[i].url) != rows[i].fine)
			fail_msg("%s", rows[i].url);
		if (!rows[i].fine)
			continue;
		assert_string_equal(p.path, rows[i].want.path);
		assert_int_equal(p.tls, rows[i].want.tls);
		assert_int_equal(p.cluster, rows[i].want.cluster);
		assert_string_equal(p.db, rows[i].want.db);
		assert_string_equal(p.primary, rows[i].want.primary);
		server_expect(&p.server, &rows[i].want.server);
		login_expect(&p.login, &rows[i].want.login);
		login_expect(&p.sentinel_login, &rows[i].want.sentinel_login);
		assert_int_equal(p.sentinel_count, rows[i].want.sentinel_count);
		for (int n = 0; n < p.sentinel_count; n++)
			server_expect(&p.sentinels[n], &rows[i].want.sentinels[n]);
	}
}

static void test_open(void **state)
{
	struct tandem_client *c;
	char *answer = NULL;

	(void)state;
	assert_int_equal(tandem_client_open(&c, "nowhere", "default"), -EINVAL);
	assert_int_equal(tandem_client_open(&c, "unix:/x", "a b"), -EINVAL);
	assert_int_equal(tandem_client_open_as(&c, "unix:/x", "a", "operator"), -EINVAL);
	assert_int_equal(tandem_client_open_as(&c, "unix:/x", "a", "reader"), 0);
	tandem_client_close(c);
	assert_int_equal(tandem_client_open(&c, "unix:/nowhere/x.sock", "default"), 0);
	assert_int_equal(tandem_client_request(c, "help", NULL, 1, &answer), -EHOSTUNREACH);
	assert_null(answer);
	assert_non_null(strstr(tandem_client_error(c), "/nowhere/x.sock"));
	tandem_client_close(c);
	tandem_client_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
