/* SPDX-License-Identifier: Apache-2.0 */
/* A whole node in a child process, with a redis-server of the test's own, and a client of its control API. */
#ifndef TESTS_UNIT_APP_NODE_NODE_RIG_H
#define TESTS_UNIT_APP_NODE_NODE_RIG_H

#include "app/daemon/daemon.h"
#include "app/node/node_life.h"
#include "base/file.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <unistd.h>

#include "tests/unit/cluster/server.h"

#define NODE_RIG_FN static __attribute__((unused))

#define IN  "td:{cmd:_operator}:in"
#define OUT "td:{cmd:_operator}:out:"

static struct server g_redis;
static char g_dir[] = "/tmp/tandem-node-XXXXXX", g_config[64], g_log[64];
static char g_bind[16];         /* an address of this process alone: tests run beside each other */
static uint32_t g_ip;           /* the same, in host order */
static uint16_t g_port = 15060; /* SIP; HTTP is one above, media 10 above */
static pid_t g_node;

/* ---- the node ---- */

NODE_RIG_FN void config_write(const char *more)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
			 "node: {name: n1, shard: 7, state_dir: %s}\n"
			 "networks:\n"
			 "  - {name: main, bind: %s, sip_ports: [%u], media_ports: %u-%u}\n"
			 "http: {bind: %s, port: %u}\n"
			 "redis: {url: \"%s\"}\n"
			 "limits: {calls: 4, registrations: 3, transactions: 100}\n"
			 "%s",
			 g_dir, g_bind, g_port, g_port + 10, g_port + 29, g_bind, g_port + 1,
			 g_redis.url, more);

	(void)unlink(g_config);
	assert_int_equal(file_create(g_config, 0600, bytes_mem(text, (size_t)n)), 0);
}

NODE_RIG_FN void node_fork(void)
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

/* All it said so far, in a static buffer. */
NODE_RIG_FN const char *log_text(void)
{
	static char log[1 << 20];
	int fd = open(g_log, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, log, sizeof(log) - 1);

	(void)close(fd);
	log[n > 0 ? n : 0] = '\0';
	return log;
}

NODE_RIG_FN bool log_has(const char *text)
{
	return strstr(log_text(), text) != NULL;
}

NODE_RIG_FN void wait_for_log(const char *text)
{
	uint64_t until_ns = clock_now_ns() + 20 * NS_PER_S;

	while (!log_has(text)) {
		if (clock_now_ns() > until_ns || waitpid(g_node, NULL, WNOHANG) == g_node) {
			(void)fputs(log_text(), stderr); /* cmocka would cut it */
			fail_msg("no '%s' in the log", text);
		}
		nap_ms(2);
	}
}

NODE_RIG_FN void node_start_up(void)
{
	node_fork();
	wait_for_log("msg=ready");
}

/* Its exit status; -1: killed. */
NODE_RIG_FN int node_end(int signal)
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
NODE_RIG_FN const char *answer(const char *client, int nth, unsigned ms)
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

NODE_RIG_FN const char *ask(const char *command, const char *args)
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
NODE_RIG_FN void assert_clean(const char *key)
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

/* ---- around each ---- */

NODE_RIG_FN int setup(void **state)
{
	char keys[64];

	(void)state;
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	(void)snprintf(g_dir, sizeof(g_dir), "/tmp/tandem-node-XXXXXX");
	if (!mkdtemp(g_dir))
		return -1;
	(void)snprintf(g_config, sizeof(g_config), "%s/tandem.yaml", g_dir);
	(void)snprintf(g_log, sizeof(g_log), "%s/log", g_dir);
	(void)snprintf(keys, sizeof(keys), "%s/keys", g_dir);
	g_ip = INADDR_LOOPBACK + ((uint32_t)getpid() << 2 & 0xfffffc);
	(void)snprintf(g_bind, sizeof(g_bind), "127.%u.%u.%u", g_ip >> 16 & 255, g_ip >> 8 & 255,
		       g_ip & 255);
	server_dir(&g_redis);
	server_start(&g_redis, NULL);
	config_write("");
	return keys_create(keys);
}

NODE_RIG_FN int teardown(void **state)
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

#endif
