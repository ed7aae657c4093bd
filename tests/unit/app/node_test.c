/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole node in a child process, with a redis-server of the test's own: its start and end, its control API on the streams, and the
 * metrics it shows.
 */
#include "app/node.h"

#include <arpa/inet.h>
#include <stdarg.h>

#include "app/files.h"
#include "base/rand.h"
#include "tests/unit/cluster/server.h"

#define IN  "td:{cmd:_operator}:in"
#define OUT "td:{cmd:_operator}:out:"

static struct server g_redis;
static char g_dir[] = "/tmp/tandem-node-XXXXXX", g_config[64], g_log[64];
static uint16_t g_port; /* SIP; HTTP is one above, media 10 above */
static pid_t g_node;

/* ---- the node ---- */

static void config_write(const char *more)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
			 "node: {name: n1, shard: 7, state_dir: %s}\n"
			 "networks:\n"
			 "  - {name: main, bind: 127.0.0.1, sip_ports: [%u], media_ports: %u-%u}\n"
			 "http: {port: %u}\n"
			 "redis: {url: \"%s\"}\n"
			 "limits: {calls: 4, registrations: 3, transactions: 100}\n"
			 "%s",
			 g_dir, g_port, g_port + 10, g_port + 29, g_port + 1, g_redis.url, more);

	(void)unlink(g_config);
	assert_int_equal(file_create(g_config, 0600, bytes_mem(text, (size_t)n)), 0);
}

static void node_fork(void)
{
	int fd = open(g_log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	(void)fflush(NULL);
	g_node = fork();
	assert_true(g_node >= 0);
	if (g_node == 0) {
		(void)dup2(fd, STDERR_FILENO);
		exit(node_run(g_config));
	}
	(void)close(fd);
}

static bool log_has(const char *text)
{
	static char log[65536];
	int fd = open(g_log, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, log, sizeof(log) - 1);

	(void)close(fd);
	log[n > 0 ? n : 0] = '\0';
	return strstr(log, text) != NULL;
}

static void wait_for_log(const char *text)
{
	uint64_t until_ns = clock_now_ns() + 20 * NS_PER_S;

	while (!log_has(text)) {
		if (clock_now_ns() > until_ns || waitpid(g_node, NULL, WNOHANG) == g_node)
			fail_msg("no '%s' in the log", text);
		nap_ms(2);
	}
}

static void node_start_up(void)
{
	node_fork();
	wait_for_log("msg=ready");
}

/* Its exit status; -1: killed. */
static int node_end(int signal)
{
	int status;

	assert_true(g_node > 0);
	if (signal)
		assert_int_equal(kill(g_node, signal), 0);
	assert_int_equal(waitpid(g_node, &status, 0), g_node);
	g_node = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- the client ---- */

/* The n-th answer to a client, as JSON text, or NULL within the time. In a static buffer. */
static const char *answer(const char *client, int nth, unsigned ms)
{
	static char text[65536];
	uint64_t until_ns = clock_now_ns() + ms * NS_PER_MS;
	const char *found = NULL;

	do {
		redisContext *c = redisConnectUnix(g_redis.socket);
		redisReply *reply = redisCommand(c, "XRANGE %s%s - +", OUT, client);

		if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements > (size_t)nth) {
			const redisReply *fields = reply->element[nth]->element[1];

			assert_int_equal(fields->elements, 4);
			assert_string_equal(fields->element[2]->str, "json");
			(void)snprintf(text, sizeof(text), "%s", fields->element[3]->str);
			found = text;
		}
		freeReplyObject(reply);
		redisFree(c);
		if (!found)
			nap_ms(5);
	} while (!found && clock_now_ns() < until_ns);
	return found;
}

static const char *ask(const char *command, const char *args)
{
	static int count;
	char id[32];
	const char *text;

	(void)snprintf(id, sizeof(id), "q%d", ++count);
	(void)server_ask(&g_redis, "XADD %s * v 1 id %s client %s do %s args %s", IN, id, id,
			 command, args);
	text = answer(id, 0, 10000);
	assert_non_null(text);
	return text;
}

/* Nothing is left behind in the stream, read or unread. */
static void assert_clean(const char *key)
{
	uint64_t until_ns = clock_now_ns() + 5 * NS_PER_S;

	while (strcmp(server_ask(&g_redis, "XLEN %s", key), "0") != 0 && clock_now_ns() < until_ns)
		nap_ms(5);
	assert_string_equal(server_ask(&g_redis, "XLEN %s", key), "0");
	/* first element of XPENDING: how many */
	assert_string_equal(server_ask(&g_redis, "EVAL %s 1 %s",
				       "return redis.call('XPENDING',KEYS[1],'nodes')[1]", key),
			    "0");
}

/* ---- tests ---- */

static void test_commands(void **state)
{
	(void)state;
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
	assert_non_null(strstr(ask("registration.list", "{}"), "\"result\":[]"));
	assert_non_null(strstr(ask("cdr.list", "{}"), "\"result\":[]"));
	assert_non_null(strstr(ask("log.level", "{\"level\":\"warn\"}"), "\"warn\""));
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

static void test_tenant_is_no_operator(void **state)
{
	(void)state;
	node_start_up();
	(void)server_ask(&g_redis, "XADD td:{cmd:default}:in * v 1 id t1 client c do log.level");
	(void)server_ask(&g_redis, "XADD td:{cmd:default}:in * v 1 id t2 client c do call.list");
	wait_for_log("id=t2");
	assert_true(log_has("id=t1 result=not_allowed"));
	assert_true(log_has("id=t2 result=ok"));
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
	char first[512];

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

static void refused(int status, const char *said)
{
	node_fork();
	assert_int_equal(node_end(0), status);
	if (!log_has(said))
		fail_msg("no '%s' in the log", said);
}

static int hold(int type, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
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

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
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

/* ---- around each ---- */

static int setup(void **state)
{
	struct rand_source rand;
	char keys[64];

	(void)state;
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	(void)snprintf(g_dir, sizeof(g_dir), "/tmp/tandem-node-XXXXXX");
	if (!mkdtemp(g_dir))
		return -1;
	(void)snprintf(g_config, sizeof(g_config), "%s/tandem.yaml", g_dir);
	(void)snprintf(g_log, sizeof(g_log), "%s/log", g_dir);
	(void)snprintf(keys, sizeof(keys), "%s/keys", g_dir);
	rand_open_system(&rand);
	g_port = (uint16_t)(10000 + 30 * rand_below(&rand, 700));
	server_dir(&g_redis);
	server_start(&g_redis, NULL);
	config_write("");
	return keys_create(keys);
}

static int teardown(void **state)
{
	(void)state;
	if (g_node > 0) { /* the test failed half-way */
		(void)kill(g_node, SIGKILL);
		(void)waitpid(g_node, NULL, 0);
		g_node = 0;
	}
	server_stop(&g_redis);
	if (getenv("KEEP") == NULL)
		dir_remove(g_dir);
	return 0;
}

#define NODE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(test_commands),
		NODE_TEST(test_documents_survive),
		NODE_TEST(test_a_broken_document_is_set_aside),
		NODE_TEST(test_tenant_is_no_operator),
		NODE_TEST(test_one_id_has_one_effect),
		NODE_TEST(test_bad_entries),
		NODE_TEST(test_expired),
		NODE_TEST(test_unfinished),
		NODE_TEST(test_redis_is_emptied_and_killed),
		NODE_TEST(test_reload),
		NODE_TEST(test_stop_while_starting),
		NODE_TEST(test_what_stops_a_start),
		NODE_TEST(test_metrics_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
