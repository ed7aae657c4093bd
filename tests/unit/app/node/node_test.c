/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole node in a child process, with a redis-server of the test's own: its start and end, its control API on the streams, and the
 * metrics it shows.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "app/settings/settings.h"
#include "tests/unit/app/node/node_rig.h"

/* ---- tests ---- */

static void test_commands(void **state)
{
	(void)state;
	/* No trunk leads to them, which would be a reason. */
	config_write("sip: {emergency_numbers: []}\n");
	node_start_up();
	assert_non_null(strstr(ask("node.status", "{}"), "\"shard\":7"));
	assert_non_null(
		strstr(ask("extension.put", "{\"number\":\"1001\",\"password\":\"secret\"}"),
		       "\"ok\":true"));
	assert_null(strstr(ask("extension.get", "{\"number\":\"1001\"}"), "ha1"));
	assert_non_null(strstr(ask("extension.list", "{}"), "1001"));
	assert_non_null(strstr(ask("extension.get", "{\"number\":\"1002\"}"), "\"not_found\""));
	assert_non_null(
		strstr(ask("extension.put", "{\"number\":\"1002\"}"), "\"missing_argument\""));
	assert_non_null(strstr(ask("call.list", "{}"), "\"result\":[]"));
	assert_non_null(strstr(ask("call.show", "{\"call\":\"0000000000001\"}"), "\"not_found\""));
	assert_non_null(
		strstr(ask("call.hangup", "{\"call\":\"0000000000001\"}"), "\"not_found\""));
	assert_non_null(strstr(ask("call.originate", "{\"from\":\"1001\",\"to\":\"1002\"}"),
			       "\"conflict\",\"argument\":\"from\""));
	assert_non_null(strstr(ask("call.hold", "{\"call\":\"0000000000001\",\"leg\":\"a\"}"),
			       "\"not_found\""));
	assert_non_null(strstr(ask("registration.list", "{}"), "\"result\":[]"));
	assert_non_null(strstr(ask("cdr.list", "{}"), "\"result\":[]"));
	assert_non_null(strstr(ask("log.level", "{\"level\":\"warn\"}"), "\"warn\""));
	assert_non_null(strstr(ask("node.drain", "{}"), "\"draining\":true"));
	assert_non_null(strstr(ask("node.status", "{}"), "\"reasons\":[\"draining\"]"));
	assert_non_null(strstr(ask("call.originate", "{\"from\":\"1001\",\"to\":\"1002\"}"),
			       "\"unavailable\""));
	assert_non_null(strstr(ask("node.undrain", "{}"), "\"draining\":false"));
	assert_non_null(strstr(ask("node.status", "{}"), "\"reasons\":[]"));
	assert_non_null(strstr(ask("cluster.rebalance", "{}"), "is in no cluster"));
	assert_non_null(strstr(ask("help", "{}"), "extension.put"));
	assert_non_null(strstr(ask("reboot", "{}"), "\"unknown_command\""));
	assert_clean(IN);
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_documents_survive(void **state)
{
	(void)state;
	node_start_up();
	(void)ask("extension.put",
		  "{\"number\":\"1\",\"password\":\"secret\",\"display_name\":\"One\"}");
	(void)ask("extension.put", "{\"number\":\"2\",\"password\":\"secret\"}");
	(void)ask("extension.put", "{\"number\":\"2\",\"enabled\":false}");
	(void)ask("extension.delete", "{\"number\":\"1\"}");
	(void)ask("extension.put", "{\"number\":\"3\",\"password\":\"secret\"}");
	(void)ask("extension.put", "{\"number\":\"4\",\"password\":\"secret\"}");
	assert_non_null(strstr(ask("extension.put", "{\"number\":\"5\",\"password\":\"secret\"}"),
			       "\"full\""));
	assert_int_equal(node_end(SIGKILL), -1);
	node_start_up();
	assert_true(log_has("extensions=3"));
	assert_non_null(strstr(ask("extension.get", "{\"number\":\"1\"}"), "\"not_found\""));
	assert_non_null(strstr(ask("extension.get", "{\"number\":\"2\"}"), "\"enabled\":false"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

/* Redis was lost, and a node that had not heard of the deletion has put all of its older snapshot there. */
static void deleted_stays_deleted(const char *generation)
{
	node_start_up();
	(void)ask("extension.put", "{\"number\":\"1\",\"password\":\"secret\"}");
	(void)server_ask(&g_redis, "COPY td:{t:default}:doc:extension old:doc");
	(void)server_ask(&g_redis, "COPY td:{t:default}:ver:extension old:ver");
	(void)ask("extension.delete", "{\"number\":\"1\"}");
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	(void)server_ask(&g_redis, "RENAME old:doc td:{t:default}:doc:extension");
	(void)server_ask(&g_redis, "RENAME old:ver td:{t:default}:ver:extension");
	(void)server_ask(&g_redis, "SET td:{t:default}:gen %s", generation);
	(void)server_ask(&g_redis, "SET td:{docs}:history other");
	(void)server_ask(&g_redis, "DEL td:{docs}:log");
	node_start_up();
	assert_non_null(strstr(ask("extension.get", "{\"number\":\"1\"}"), "\"not_found\""));
	assert_string_equal(server_ask(&g_redis, "HLEN td:{t:default}:doc:extension"), "0");
	(void)ask("extension.put", "{\"number\":\"1\",\"password\":\"secret\"}");
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	node_start_up(); /* a newer one stays */
	assert_true(log_has("extensions=1"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_deleted_stays_deleted(void **state)
{
	(void)state;
	deleted_stays_deleted("1");
}

static void test_deleted_stays_deleted_behind_changes(void **state)
{
	(void)state;
	deleted_stays_deleted("9");
}

static void test_a_broken_document_is_set_aside(void **state)
{
	(void)state;
	node_start_up();
	(void)ask("extension.put", "{\"number\":\"1\",\"password\":\"secret\"}");
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	(void)server_ask(&g_redis, "HSET td:{t:default}:doc:extension 9 {");
	node_start_up();
	assert_true(log_has("extensions=1"));
	assert_true(log_has("records_broken=1"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

/* Of whatever tenant: else nobody could start. What the snapshot has comes back. */
static void test_wrong_types_of_a_tenant(void **state)
{
	static const char *const keys[] = { "td:{t:acme}:gen", "td:{t:acme}:ver:extension",
					    "td:{cmd:acme}:reader:in", "td:{t:_operator}:gen" };
	static const char put[] = "{\"tenant\":\"acme\",\"number\":\"1\",\"password\":\"secret\"}";

	(void)state;
	node_start_up();
	(void)ask("tenant.put", "{\"name\":\"acme\",\"domains\":\"acme.test\","
				"\"commands\":[\"reader\"]}");
	assert_non_null(strstr(ask("extension.put", put), "\"ok\":true"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		(void)server_ask(&g_redis, "DEL %s", keys[i]);
		(void)server_ask(&g_redis, "SADD %s x", keys[i]);
		node_start_up();
		assert_true(log_has(keys[i]));
		assert_true(log_has("extensions=1"));
		assert_non_null(
			strstr(ask("extension.get", "{\"tenant\":\"acme\",\"number\":\"1\"}"),
			       "\"enabled\":true"));
		assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	}
}

static void test_tenant_is_no_operator(void **state)
{
	(void)state;
	node_start_up();
	(void)server_ask(&g_redis, "XADD td:{cmd:default}:in * v 1 id t1 client c do log.level");
	(void)server_ask(&g_redis, "XADD td:{cmd:default}:in * v 1 id t2 client c do call.list");
	wait_for_log("id=t1 result=not_allowed");
	wait_for_log("id=t2 result=ok");
	assert_clean("td:{cmd:default}:in");
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void put_twice(const char *client)
{
	for (int i = 0; i < 2; i++)
		(void)server_ask(&g_redis,
				 "XADD %s * v 1 id same client %s do extension.put args %s", IN,
				 client, "{\"number\":\"7\",\"password\":\"secret\"}");
}

static void test_one_id_has_one_effect(void **state)
{
	char first[2048];

	(void)state;
	node_start_up();
	put_twice("c");
	assert_non_null(answer("c", 1, 10000));
	(void)snprintf(first, sizeof(first), "%s", answer("c", 0, 0));
	assert_non_null(strstr(first, "changed_utc_ms"));
	assert_string_equal(answer("c", 1, 0), first);
	nap_ms(5); /* another effect would have another time */
	put_twice("d");
	assert_non_null(answer("d", 1, 10000));
	assert_string_equal(answer("d", 0, 0), first);
	assert_string_equal(answer("d", 1, 0), first);
	assert_clean(IN);
	/* also for the node's next life */
	assert_int_equal(node_end(SIGKILL), -1);
	node_start_up();
	put_twice("e");
	assert_non_null(answer("e", 1, 10000));
	assert_string_equal(answer("e", 0, 0), first);
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_bad_entries(void **state)
{
	static const char *const bad[] = { "v 1 id b0 client c",
					   "v 2 id b1 client c do help",
					   "v 1 id b2 client c do help args [",
					   "v 1 id b3 client c do help args []",
					   "v 1 id b4 client c do help ttl_ms soon",
					   "v 1 id }{ client c do help" };
	char line[256];

	(void)state;
	node_start_up();
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		redisContext *c = redisConnectUnix(g_redis.socket);

		(void)snprintf(line, sizeof(line), "XADD %s * %s", IN, bad[i]);
		freeReplyObject(redisCommand(c, line));
		redisFree(c);
	}
	(void)server_ask(&g_redis, "XADD %s * nothing at-all", IN);
	for (int i = 0; i < (int)COUNT_OF(bad); i++) {
		const char *text = answer("c", i, 10000);

		assert_non_null(text);
		assert_non_null(strstr(text, "\"bad_request\""));
	}
	assert_non_null(strstr(ask("help", "{}"), "\"ok\":true"));
	assert_clean(IN);
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_expired(void **state)
{
	(void)state;
	node_start_up();
	assert_int_equal(kill(g_node, SIGSTOP), 0);
	(void)server_ask(&g_redis, "XADD %s * v 1 id old client c ttl_ms 20 do log.level", IN);
	(void)server_ask(&g_redis, "XADD %s * v 1 id new client d ttl_ms 60000 do log.level", IN);
	nap_ms(60);
	assert_int_equal(kill(g_node, SIGCONT), 0);
	assert_non_null(strstr(answer("c", 0, 10000), "\"expired\""));
	assert_non_null(strstr(answer("d", 0, 10000), "\"ok\":true"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

/* What a node took and did not finish: this one in an earlier life, another one that died, another one that is at it. */
static void test_unfinished(void **state)
{
	char id[64];

	(void)state;
	(void)server_ask(&g_redis, "XGROUP CREATE %s nodes 0 MKSTREAM", IN);
	(void)server_ask(&g_redis, "XADD %s * v 1 id mine client c do help", IN);
	(void)server_ask(&g_redis, "XREADGROUP GROUP nodes n1 COUNT 1 STREAMS %s >", IN);
	(void)server_ask(&g_redis, "SET td:{cmd:_operator}:done:mine @n1 EX 30");
	(void)snprintf(id, sizeof(id), "%s",
		       server_ask(&g_redis, "XADD %s * v 1 id dead client d do help", IN));
	(void)server_ask(&g_redis, "XREADGROUP GROUP nodes n2 COUNT 1 STREAMS %s >", IN);
	(void)server_ask(&g_redis, "XCLAIM %s nodes n2 0 %s IDLE 60000 JUSTID", IN, id);
	(void)server_ask(&g_redis, "XADD %s * v 1 id theirs client e do help", IN);
	(void)server_ask(&g_redis, "XREADGROUP GROUP nodes n2 COUNT 1 STREAMS %s >", IN);
	(void)server_ask(&g_redis, "SET td:{cmd:_operator}:done:theirs @n2 EX 30");
	(void)server_ask(&g_redis, "XADD %s * v 1 id theirs client f do help", IN);
	node_start_up();
	assert_non_null(answer("c", 0, 10000));
	assert_non_null(answer("d", 0, 10000));
	assert_non_null(strstr(ask("help", "{}"), "\"ok\":true"));
	assert_null(answer("e", 0, 100));
	assert_null(answer("f", 0, 0));
	assert_string_equal(server_ask(&g_redis, "XLEN %s", IN), "2");
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_redis_is_emptied_and_killed(void **state)
{
	(void)state;
	node_start_up();
	(void)ask("help", "{}");
	(void)server_ask(&g_redis, "DEL %s", IN);
	assert_non_null(strstr(ask("help", "{}"), "\"ok\":true"));
	server_kill(&g_redis);
	server_start(&g_redis, NULL);
	assert_non_null(strstr(ask("help", "{}"), "\"ok\":true"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_reload(void **state)
{
	(void)state;
	node_start_up();
	config_write("log: {level: loud}\n");
	assert_int_equal(kill(g_node, SIGHUP), 0);
	wait_for_log("the old ones stay");
	assert_true(log_has("tandem.yaml:7:14"));
	config_write("log: {format: json}\nnode2: 1\n");
	assert_int_equal(kill(g_node, SIGHUP), 0);
	wait_for_log("tandem.yaml:8:1");
	config_write("log: {format: json}\nmedia: {dscp_sip: 1}\n");
	assert_int_equal(kill(g_node, SIGHUP), 0);
	wait_for_log("\"msg\":\"settings read again\"");
	assert_true(log_has("media.dscp_sip"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_stop_while_starting(void **state)
{
	(void)state;
	server_signal(&g_redis, SIGSTOP);
	node_fork();
	wait_for_log("msg=starting");
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	server_signal(&g_redis, SIGCONT);
}

/* What a tenant has enough of is refused by the name of its quota. */
static void test_quotas_of_a_tenant(void **state)
{
	static const char one[] =
		"{\"tenant\":\"acme\",\"number\":\"1001\",\"password\":\"secret-word\"}";
	static const char two[] =
		"{\"tenant\":\"acme\",\"number\":\"1002\",\"password\":\"secret-word\"}";
	static const char acme[] = "{\"tenant\":\"acme\"}";

	(void)state;
	node_start_up();
	assert_non_null(strstr(ask("tenant.put", "{\"name\":\"acme\",\"domains\":\"acme.test\","
						 "\"max_calls\":7,\"max_extensions\":1}"),
			       "\"ok\":true"));
	for (int n = 0; n < 2; n++) /* again is no second one */
		assert_non_null(strstr(ask("extension.put", one), "\"ok\":true"));
	assert_non_null(strstr(ask("extension.put", two), "max_extensions of the tenant"));
	assert_non_null(strstr(ask("tenant.status", acme), "\"calls\":0,\"max_calls\":7"));
	assert_non_null(
		strstr(ask("tenant.status", acme), "\"extensions\":1,\"max_extensions\":1"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

/* "name":"one" and so on, with what such a document needs. */
static bool document_is_put(const char *kind, const char *name, const char *number,
			    const char *rest)
{
	char command[32], arguments[256], refused[64];
	const char *answer;

	(void)snprintf(command, sizeof(command), "%s.put", kind);
	(void)snprintf(arguments, sizeof(arguments), "{\"tenant\":\"acme\",\"%s\":\"%s\"%s}", name,
		       number, rest);
	(void)snprintf(refused, sizeof(refused), "max_%ss of the tenant", kind);
	answer = ask(command, arguments);
	if (!strstr(answer, "\"ok\":true") && !strstr(answer, refused))
		fail_msg("%s %s", command, answer);
	return strstr(answer, "\"ok\":true") != NULL;
}

/* One tenant leaves room in the tables of the node. */
static void test_documents_of_a_tenant(void **state)
{
	static const char *const kinds[][3] = {
		{ "trunk", "name", ",\"direction\":\"out\",\"servers\":\"192.0.2.7\"" },
		{ "did", "number", ",\"to\":\"1001\"" },
		{ "route", "name", ",\"pattern\":\"0x.\",\"trunks\":\"1\"" },
		{ "location", "id", ",\"country\":\"DE\"" },
		{ "room", "number", "" },
	};
	char arguments[64];

	(void)state;
	node_start_up();
	assert_non_null(strstr(ask("tenant.put", "{\"name\":\"acme\",\"max_trunks\":1,"
						 "\"max_dids\":1,\"max_routes\":1,"
						 "\"max_locations\":1,\"max_rooms\":1}"),
			       "\"ok\":true"));
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const char *const *kind = kinds[i];
		char command[32];

		for (int n = 0; n < 2; n++) /* again is no second one */
			assert_true(document_is_put(kind[0], kind[1], "1", kind[2]));
		assert_false(document_is_put(kind[0], kind[1], "2", kind[2]));
		(void)snprintf(command, sizeof(command), "%s.delete", kind[0]);
		(void)snprintf(arguments, sizeof(arguments), "{\"tenant\":\"acme\",\"%s\":\"1\"}",
			       kind[1]);
		assert_non_null(strstr(ask(command, arguments), "\"ok\":true"));
		assert_true(document_is_put(kind[0], kind[1], "2", kind[2]));
	}
	assert_non_null(strstr(ask("tenant.status", "{\"tenant\":\"acme\"}"),
			       "\"locations\":1,\"max_locations\":1"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

/* ---- a start that waits ---- */

static int unix_socket(const char *path, bool listens)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (listens) {
		assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
		assert_int_equal(listen(fd, 1), 0);
	} else {
		assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	}
	return fd;
}

/* Takes what one end said to the other one. False: it has that word, and stays here. */
static bool passed_on(int from, int to, const char *but)
{
	char text[4096];
	ssize_t n = recv(from, text, sizeof(text), MSG_DONTWAIT);

	assert_true(n > 0 || (n < 0 && errno == EAGAIN));
	if (n > 0 && memmem(text, (size_t)n, but, strlen(but)))
		return false;
	if (n > 0)
		assert_int_equal(send(to, text, (size_t)n, MSG_NOSIGNAL), n);
	return true;
}

/* Stands between a node and its Redis until the node says that word. */
static void node_pass_until(const char *path, const char *word)
{
	int listener = unix_socket(path, true), redis = unix_socket(g_redis.socket, false), node;
	struct pollfd fds[2];

	node_fork();
	node = accept(listener, NULL, NULL);
	assert_true(node >= 0);
	fds[0] = (struct pollfd){ .fd = node, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = redis, .events = POLLIN };
	do {
		assert_true(poll(fds, 2, 20000) > 0);
		(void)passed_on(redis, node, "no answer has this");
	} while (passed_on(node, redis, word));
	(void)close(listener); /* the other two end with the test */
}

static uint64_t cpu_ns(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

/* It was told of its store's health, which it takes up when it runs. */
static void test_a_start_that_waits_is_idle(void **state)
{
	char path[96];
	uint64_t before_ns;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/slow.sock", g_redis.dir);
	(void)snprintf(g_redis.url, sizeof(g_redis.url), "unix:%s", path);
	config_write("");
	node_pass_until(path, "HKEYS");
	before_ns = cpu_ns(g_node);
	nap_ms(400);
	assert_in_range(cpu_ns(g_node) - before_ns, 0, 40 * NS_PER_MS);
	assert_int_equal(node_end(SIGKILL), -1);
	(void)unlink(path);
}

static void refused(int status, const char *said)
{
	node_fork();
	assert_int_equal(node_end(0), status);
	if (!log_has(said))
		fail_msg("no '%s' in the log", said);
}

/* The next thing that it was told, within a second. */
static const char *manager_hears(int fd)
{
	static char state[64];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&p, 1, 1000) == 1 ? read(fd, state, sizeof(state) - 1) : 0;

	state[n > 0 ? n : 0] = '\0';
	return state;
}

static void test_the_service_manager_is_told(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", g_dir);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", at.sun_path, 1), 0);
	node_start_up();
	assert_string_equal(manager_hears(fd), "READY=1");
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	assert_string_equal(manager_hears(fd), "STOPPING=1");
	/* a name that is none, or of nobody, is no reason not to run */
	(void)close(fd);
	node_start_up();
	wait_for_log("the service manager is not told"); /* it is ready before that */
	assert_int_equal(setenv("NOTIFY_SOCKET", "no/path", 1), 0);
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

/* What Redis refuses at the start may pass: it is asked again. */
static void test_a_start_waits(void **state)
{
	(void)state;
	(void)server_ask(&g_redis, "ACL SETUSER default -eval -evalsha");
	node_fork();
	wait_for_log("the start waits for Redis");
	assert_true(log_has("waits_for=\"which Redis this is\""));
	(void)server_ask(&g_redis, "ACL SETUSER default +eval +evalsha");
	wait_for_log("msg=ready");
	assert_true(log_has("Redis answers: the start goes on"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static int hold(int type, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(g_ip);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void test_what_stops_a_start(void **state)
{
	char keys[64];
	pid_t first;
	int fd;

	(void)state;
	(void)snprintf(keys, sizeof(keys), "%s/keys", g_dir);
	config_write("surprise: 1\n");
	refused(NODE_EXIT_CONFIG, "tandem.yaml:7:1: surprise");
	config_write("");
	assert_int_equal(chmod(keys, 0644), 0);
	refused(NODE_EXIT_CONFIG, "chmod 600");
	assert_int_equal(chmod(keys, 0600), 0);
	fd = hold(SOCK_DGRAM, g_port);
	refused(NODE_EXIT_FAILED, "a SIP port is used by another program");
	(void)close(fd);
	fd = hold(SOCK_STREAM, (uint16_t)(g_port + 1));
	refused(NODE_EXIT_FAILED, "cannot listen for HTTP");
	(void)close(fd);
	node_start_up();
	first = g_node;
	refused(NODE_EXIT_FAILED, "another node runs in node.state_dir");
	g_node = first;
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

/* ---- metrics ---- */

static char *page_get(void)
{
	static char page[262144];
	static const char request[] =
		"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)(g_port + 1)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = 0;
	ssize_t got;

	sa.sin_addr.s_addr = htonl(g_ip);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	while ((got = recv(fd, page + n, sizeof(page) - 1 - n, 0)) > 0)
		n += (size_t)got;
	(void)close(fd);
	page[n] = '\0';
	return page;
}

/* Every name that stands behind `before` in one text must stand behind `other` in the second. */
static int compare(const char *text, const char *before, const char *second, const char *other,
		   const char *what)
{
	int wrong = 0;

	for (const char *p = text; (p = strstr(p, before)); p++) {
		const char *name = p + strlen(before);
		size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
		char wanted[128];

		if (strncmp(name, "tandem_", 7) != 0)
			continue;
		(void)snprintf(wanted, sizeof(wanted), "%s%.*s%s", other, (int)n, name,
			       other[0] == '|' ? "`" : " ");
		if (!strstr(second, wanted))
			wrong += printf("# %s %.*s\n", what, (int)n, name);
	}
	return wrong;
}

static void test_metrics_are_documented(void **state)
{
	char *docs, *page;
	size_t n;

	(void)state;
	assert_int_equal(settings_load("../docs/metrics.md", &docs, &n), 0);
	docs[n] = '\0';
	node_start_up();
	page = page_get();
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	assert_non_null(strstr(page, "# HELP tandem_calls "));
	assert_int_equal(compare(page, "# HELP ", docs, "| `", "docs/metrics.md lacks") +
				 compare(docs, "| `", page, "# HELP ",
					 "docs/metrics.md has, but no node:"),
			 0);
	free(docs);
}

/* A command that fails is over: nothing of it is looked at. */
static void test_no_links(void **state)
{
	(void)state;
	node_start_up();
	assert_non_null(strstr(ask("recording.link", "{\"name\":\"default/a/b.wav\"}"),
			       "recordings.port is 0"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(test_no_links),
		NODE_TEST(test_commands),
		NODE_TEST(test_documents_survive),
		NODE_TEST(test_deleted_stays_deleted),
		NODE_TEST(test_deleted_stays_deleted_behind_changes),
		NODE_TEST(test_a_broken_document_is_set_aside),
		NODE_TEST(test_wrong_types_of_a_tenant),
		NODE_TEST(test_tenant_is_no_operator),
		NODE_TEST(test_one_id_has_one_effect),
		NODE_TEST(test_bad_entries),
		NODE_TEST(test_expired),
		NODE_TEST(test_unfinished),
		NODE_TEST(test_redis_is_emptied_and_killed),
		NODE_TEST(test_reload),
		NODE_TEST(test_quotas_of_a_tenant),
		NODE_TEST(test_documents_of_a_tenant),
		NODE_TEST(test_stop_while_starting),
		NODE_TEST(test_a_start_that_waits_is_idle),
		NODE_TEST(test_what_stops_a_start),
		NODE_TEST(test_the_service_manager_is_told),
		NODE_TEST(test_a_start_waits),
		NODE_TEST(test_metrics_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
