/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the HTTP API: each command has one, no two have the same, and what does not fit is named. */
#include "app/schema/feature.h"
#include "tests/unit/test.h"

#include "app/schema/route.h"

static void assert_route(const char *name, const char *want)
{
	const struct command *c = command_find(bytes_str(name));
	const struct route *r = c ? route_of(c) : NULL;
	char got[ROUTE_PATH_MAX + 16];

	assert_non_null(r);
	(void)snprintf(got, sizeof(got), "%s %s", g_route_methods[r->method], r->path);
	assert_string_equal(got, want);
}

static void test_names(void **state)
{
	(void)state;
	route_setup();
	assert_route("extension.list", "GET /v1/extensions");
	assert_route("extension.get", "GET /v1/extensions/{number}");
	assert_route("extension.put", "PATCH /v1/extensions/{number}");
	assert_route("extension.delete", "DELETE /v1/extensions/{number}");
	assert_route("call.show", "GET /v1/calls/{call}");
	assert_route("call.originate", "POST /v1/calls");
	assert_route("call.hangup", "POST /v1/calls/{call}/hangup");
	assert_route("call.doctor", "GET /v1/calls/{call}/doctor");
	assert_route("conference.mute", "POST /v1/conferences:mute");
	assert_route("conference.lock", "POST /v1/conferences/{conference}/lock");
	assert_route("call.trace.list", "GET /v1/call-traces");
	assert_route("call.leg.list", "GET /v1/calls/{call}/legs");
	assert_route("call.leg.show", "GET /v1/calls/{call}/legs/{leg}");
	assert_route("profile.range.list", "GET /v1/profile-ranges");
	assert_route("delivery.list", "GET /v1/deliveries");
	assert_route("hours.get", "GET /v1/hours/{name}");
	assert_route("token.create", "POST /v1/tokens");
	assert_route("session.create", "POST /v1/sessions");
	assert_route("session.renew", "POST /v1/sessions/{name}/renew");
	assert_route("login.get", "GET /v1/login");
	assert_route("login.callback", "GET /v1/login/callback");
	assert_route("set.apply", "POST /v1/sets/{name}/apply");
	assert_route("set.stage", "POST /v1/sets:stage");
	assert_route("dialplan.put", "PATCH /v1/dialplan");
	assert_route("security.list", "GET /v1/security");
	assert_route("audit.list", "GET /v1/audit");
	assert_route("node.list", "GET /v1/nodes");
	assert_route("node.get", "GET /v1/nodes/{node}");
	assert_route("node.drain", "POST /v1/nodes:drain");
	assert_route("shard.list", "GET /v1/shards");
	assert_route("shard.get", "GET /v1/shards/{shard}");
	assert_route("shard.take", "POST /v1/shards/{shard}/take");
	assert_route("health", "GET /v1/health");
	assert_route("cluster.status", "GET /v1/cluster/status");
	assert_route("help", "GET /v1/help");
}

/* Its own path leads to each of them, with a key that could be mistaken for a verb. */
static void test_each_is_found(void **state)
{
	char path[2 * ROUTE_PATH_MAX], allow[ROUTE_ALLOW_MAX];
	struct bytes keys[ROUTE_KEYS];

	(void)state;
	route_setup();
	COMMAND_EACH (c) {
		const struct route *r = route_of(c);
		struct writer w = writer_over(path, sizeof(path) - 1);

		for (const char *p = r->path; *p; p++) {
			if (*p == '{') {
				writer_str(&w, "list");
				p = strchr(p, '}');
			} else {
				writer_u8(&w, (uint8_t)*p);
			}
		}
		path[w.n] = '\0';
		assert_ptr_equal(route_find(r->method, bytes_str(path), keys, allow), r);
		for (size_t i = 0; i < ROUTE_KEYS; i++)
			assert_true(r->keys[i] ? bytes_is(keys[i], "list") : keys[i].n == 0);
	}
}

/* Names of recordings have '/': all of the path up to what stands behind the name is the name. */
static void test_names_with_slashes(void **state)
{
	static const struct {
		const char *path, *command, *name;
	} rows[] = {
		{ "/v1/recordings/acme/2026/a.wav", "recording.get", "acme/2026/a.wav" },
		{ "/v1/recordings/acme/2026/a.wav/link", "recording.link", "acme/2026/a.wav" },
		{ "/v1/recordings/link", "recording.get", "link" },
	};
	char allow[ROUTE_ALLOW_MAX];
	struct bytes keys[ROUTE_KEYS];

	(void)state;
	route_setup();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct route *r = route_find(ROUTE_GET, bytes_str(rows[i].path), keys, allow);

		assert_non_null(r);
		assert_string_equal(r->command->name, rows[i].command);
		assert_true(bytes_is(keys[0], rows[i].name));
	}
}

static void test_not_found(void **state)
{
	static const char *const nowhere[] = { "",
					       "/v1/",
					       "/v1/call",
					       "/v1/calls/",
					       "/v1/calls//hangup",
					       "/v1/calls/a/b/c",
					       "/v1/calls/a/legs/",
					       "/v1/calls//legs/1",
					       "/v1/calls/a/legs/1/2",
					       "/v1/call-legs",
					       "/v1/calls:x",
					       "/v1/hours/a/b",
					       "/V1/calls" };
	char allow[ROUTE_ALLOW_MAX];
	struct bytes keys[ROUTE_KEYS];

	(void)state;
	route_setup();
	for (size_t i = 0; i < COUNT_OF(nowhere); i++) {
		assert_null(route_find(ROUTE_GET, bytes_str(nowhere[i]), keys, allow));
		assert_string_equal(allow, "");
	}
	assert_null(route_find(ROUTE_DELETE, BYTES_LIT("/v1/calls"), keys, allow));
	assert_string_equal(allow, "GET, POST");
	assert_null(route_find(ROUTE_METHODS, BYTES_LIT("/v1/extensions/1"), keys, allow));
	assert_string_equal(allow, "PATCH, GET, DELETE");
}

static const char *args(const char *command, const char *key, const char *query, const char *want)
{
	json_t *got = json_object(), *expected = json_loads(want, 0, NULL);
	struct bytes keys[ROUTE_KEYS] = { 0 }, rest = bytes_str(key), argument;
	const char *wrong;

	for (size_t i = 0; i < ROUTE_KEYS; i++)
		(void)bytes_cut(&rest, ' ', &keys[i]);
	wrong = route_args(route_of(command_find(bytes_str(command))), keys, bytes_str(query), got,
			   &argument);

	assert_non_null(expected);
	if (!wrong)
		assert_true(json_equal(got, expected));
	json_decref(got);
	json_decref(expected);
	return wrong;
}

static void test_arguments(void **state)
{
	(void)state;
	route_setup();
	assert_null(args("call.list", "", "limit=5\nnumber=+49 30\ntenant=a\n",
			 "{\"limit\":5,\"number\":\"+49 30\",\"tenant\":\"a\"}"));
	assert_null(args("extension.put", "1001", "enabled=false\n",
			 "{\"number\":\"1001\",\"enabled\":false}"));
	assert_null(args("call.leg.show", "abc 1", "", "{\"call\":\"abc\",\"leg\":1}"));
	assert_null(args("call.list", "", "limit=x\n", "{\"limit\":\"x\"}"));
	assert_null(args("call.list", "", "limit\n", "{\"limit\":\"\"}"));
	assert_null(args("call.list", "", "from=1001\nsort=-to\nsaved=true\n",
			 "{\"from\":\"1001\",\"sort\":\"-to\",\"saved\":\"true\"}"));
	assert_null(args("trunk.list", "", "limit=5\ncursor=00\nenabled=true\n",
			 "{\"limit\":5,\"cursor\":\"00\",\"enabled\":\"true\"}"));
	assert_string_equal(args("call.list", "", "from=1\nfrom=2\n", "{}"), "it is given twice");
	assert_string_equal(args("call.show", "x", "from=1\n", "{}"), "there is no such argument");
	assert_string_equal(args("call.list", "", "limit=1\nlimit=1\n", "{}"), "it is given twice");
	assert_string_equal(args("extension.get", "1", "number=2\n", "{}"), "it is given twice");
	assert_string_equal(args("call.list", "", "what=1\n", "{}"), "there is no such argument");
	assert_null(args("login.callback", "", "code=1\nsession_state=x\nstate=2\n",
			 "{\"code\":\"1\",\"state\":\"2\"}"));
	assert_non_null(args("call.list", "", "number=\xff\n", "{}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_each_is_found),
		cmocka_unit_test(test_names_with_slashes),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
