/* SPDX-License-Identifier: Apache-2.0 */
/* Which server a link dials, by what Sentinels of ours say. The servers are real. */
#include "tests/unit/cluster/server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "cluster/redis/link.h"

enum { SENTINELS = 3, PEERS = 4, PORTS = 2 };

struct fake {
	int listen_fd, fds[PEERS];
	size_t next;
	unsigned port; /* of Redis, as it says */
	unsigned epoch, answers;
};

struct rig {
	struct fake fakes[SENTINELS];
	struct server servers[PORTS];
	unsigned ports[PORTS];
	struct redis *redis;
	unsigned downs, lost;
};

static unsigned bound_port(int fd)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(sin);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &size), 0);
	return ntohs(sin.sin_port);
}

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

/* ---- Sentinels ---- */

static void fake_say(const struct fake *f, int fd, const char *question)
{
	char text[128] = "", port[8];

	(void)snprintf(port, sizeof(port), "%u", f->port);
	if (!strcmp(question, "PING"))
		(void)snprintf(text, sizeof(text), "+PONG\r\n");
	else if (!strcmp(question, "GET-MASTER-ADDR-BY-NAME"))
		(void)snprintf(text, sizeof(text), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n",
			       strlen(port), port);
	else if (!strcmp(question, "MASTER"))
		(void)snprintf(text, sizeof(text), "*2\r\n$12\r\nconfig-epoch\r\n$1\r\n%u\r\n",
			       f->epoch);
	assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0);
}

static void fake_read(int fd, unsigned events, void *arg)
{
	struct fake *f = arg;
	char buf[512];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	struct bytes rest = bytes_mem(buf, n > 0 ? (size_t)n : 0), line;

	(void)events;
	if (n <= 0)
		loop_unwatch(fd);
	while (bytes_cut(&rest, '\n', &line)) {
		char word[64];

		assert_int_equal(bytes_cstr(bytes_trim(line), word, sizeof(word)), 0);
		f->answers += !strcmp(word, "MASTER");
		fake_say(f, fd, word);
	}
}

static void fake_hang_up(struct fake *f)
{
	for (size_t i = 0; i < PEERS; i++) {
		if (f->fds[i] < 0)
			continue;
		loop_unwatch(f->fds[i]);
		assert_int_equal(close(f->fds[i]), 0);
		f->fds[i] = -1;
	}
}

static void fake_accept(int fd, unsigned events, void *arg)
{
	struct fake *f = arg;

	(void)events;
	fake_hang_up(f); /* one link, one connection at a time */
	f->fds[0] = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(f->fds[0] >= 0);
	assert_int_equal(loop_watch(f->fds[0], LOOP_READ, fake_read, f), 0);
}

static unsigned fake_open(struct fake *f)
{
	unsigned port;

	*f = (struct fake){ .listen_fd = tcp_socket(), .epoch = 5 };
	for (size_t i = 0; i < PEERS; i++)
		f->fds[i] = -1;
	port = bound_port(f->listen_fd);
	assert_int_equal(listen(f->listen_fd, 8), 0);
	assert_int_equal(loop_watch(f->listen_fd, LOOP_READ, fake_accept, f), 0);
	return port;
}

static void all_say(struct rig *g, unsigned server, unsigned epoch)
{
	for (size_t i = 0; i < SENTINELS; i++) {
		g->fakes[i].port = g->ports[server];
		g->fakes[i].epoch = epoch;
	}
}

/* ---- servers and the link ---- */

static void server_open(struct rig *g, size_t i)
{
	char port[8];
	const char *extra[] = { "--port", port, "--bind", "127.0.0.1", NULL };
	int fd = tcp_socket();

	g->ports[i] = bound_port(fd);
	assert_int_equal(close(fd), 0);
	(void)snprintf(port, sizeof(port), "%u", g->ports[i]);
	server_dir(&g->servers[i]);
	server_start(&g->servers[i], extra);
}

static void link_on_state(bool connected, void *arg)
{
	((struct rig *)arg)->downs += !connected;
}

static int rig_open(void **state)
{
	static struct rig g;
	struct redis_settings settings = { .pending_max = 16, .deadline_ns = NS_PER_S };
	unsigned sentinels[SENTINELS];

	assert_int_equal(loop_setup(state), 0);
	g = (struct rig){ 0 };
	for (size_t i = 0; i < PORTS; i++)
		server_open(&g, i);
	for (size_t i = 0; i < SENTINELS; i++)
		sentinels[i] = fake_open(&g.fakes[i]);
	all_say(&g, 0, 5);
	(void)snprintf(settings.place.url, sizeof(settings.place.url),
		       "sentinel://127.0.0.1:%u,127.0.0.1:%u,localhost:%u/main", sentinels[0],
		       sentinels[1], sentinels[2]);
	assert_int_equal(redis_open(&g.redis, &settings, link_on_state, &g), 0);
	*state = &g;
	return 0;
}

static int rig_close(void **state)
{
	struct rig *g = *state;

	redis_close(g->redis);
	for (size_t i = 0; i < SENTINELS; i++) {
		fake_hang_up(&g->fakes[i]);
		loop_unwatch(g->fakes[i].listen_fd);
		assert_int_equal(close(g->fakes[i].listen_fd), 0);
	}
	for (size_t i = 0; i < PORTS; i++)
		server_stop(&g->servers[i]);
	return loop_teardown(state);
}

static bool is_at(const struct rig *g, size_t server)
{
	return redis_is_connected(g->redis) && g->redis->addr.port == g->ports[server];
}

static bool is_at_first(void *arg)
{
	return is_at(arg, 0);
}

static bool is_at_second(void *arg)
{
	return is_at(arg, 1);
}

/* ---- tests ---- */

static void test_follows(void **state)
{
	struct rig *g = *state;

	assert_true(drive(g->redis, 5000, is_at_first, g));
	all_say(g, 1, 6);
	assert_true(drive(g->redis, 5000, is_at_second, g));
	assert_int_equal(g->downs, 1);
	/* it dies, before Sentinels know */
	server_kill(&g->servers[1]);
	assert_true(drive(g->redis, 5000, is_down, g->redis));
	all_say(g, 0, 7);
	assert_true(drive(g->redis, 5000, is_at_first, g));
	assert_int_equal(g->downs, 2);
}

static bool second_was_asked(void *arg)
{
	return ((struct rig *)arg)->fakes[1].answers >= 1;
}

static bool third_was_asked(void *arg)
{
	return ((struct rig *)arg)->fakes[2].answers >= 1;
}

static bool is_in_a_hurry(void *arg)
{
	return ((struct rig *)arg)->redis->sentinel.hurry;
}

static bool is_calm(void *arg)
{
	return !is_in_a_hurry(arg);
}

/* Its host is gone, or hangs: nothing closes the connection. Sentinels are asked more often, until it answers or another one is primary. */
static void test_silent(void **state)
{
	const struct bytes ping[] = { BYTES_LIT("PING") };
	struct rig *g = *state;

	assert_true(drive(g->redis, 5000, is_at_first, g));
	assert_true(is_calm(g));
	server_signal(&g->servers[0], SIGSTOP);
	assert_int_equal(redis_command(g->redis, ping, 1, 50 * NS_PER_MS, NULL, NULL), 0);
	assert_true(drive(g->redis, 2000, is_in_a_hurry, g));
	assert_true(is_at(g, 0));
	server_signal(&g->servers[0], SIGCONT);
	assert_true(drive(g->redis, 5000, is_calm, g));
	assert_int_equal(g->downs, 0);
	server_signal(&g->servers[0], SIGSTOP);
	assert_int_equal(redis_command(g->redis, ping, 1, 50 * NS_PER_MS, NULL, NULL), 0);
	assert_true(drive(g->redis, 2000, is_in_a_hurry, g));
	all_say(g, 1, 6);
	assert_true(drive(g->redis, 5000, is_at_second, g));
	assert_true(is_calm(g));
}

static bool asks_a_silent_one(void *arg)
{
	return ((struct rig *)arg)->redis->sentinel.link->state == REDIS_LINK_GREETING;
}

/* The others have their turn before long. */
static void test_silent_sentinel(void **state)
{
	struct rig *g = *state;

	assert_true(drive(g->redis, 5000, is_at_first, g));
	for (size_t i = 0; i < SENTINELS; i++)
		loop_unwatch(g->fakes[i].listen_fd); /* the kernel connects, and nobody speaks */
	fake_hang_up(&g->fakes[0]);
	assert_true(drive(g->redis, 5000, asks_a_silent_one, g));
	assert_in_range(g->redis->sentinel.link->wake_ns, 0, clock_now_ns() + NS_PER_S);
	for (size_t i = 0; i < SENTINELS; i++)
		assert_int_equal(
			loop_watch(g->fakes[i].listen_fd, LOOP_READ, fake_accept, &g->fakes[i]), 0);
	all_say(g, 1, 6);
	assert_true(drive(g->redis, 5000, is_at_second, g));
}

/* One Sentinel that is cut off from the others is not believed; all of them are, though they have forgotten. */
static void test_older(void **state)
{
	struct rig *g = *state;

	assert_true(drive(g->redis, 5000, is_at_first, g));
	g->fakes[1].port = g->ports[1];
	g->fakes[1].epoch = 4;
	fake_hang_up(&g->fakes[0]);
	assert_true(drive(g->redis, 5000, second_was_asked, g));
	assert_true(drive(g->redis, 5000, third_was_asked, g));
	assert_true(is_at(g, 0));
	assert_int_equal(g->downs, 0);
	all_say(g, 1, 0);
	assert_true(drive(g->redis, 10000, is_at_second, g));
}

/* A replica is no primary, whatever Sentinel says, until it is one. */
static void test_role(void **state)
{
	struct rig *g = *state;

	assert_string_equal(server_ask(&g->servers[0], "REPLICAOF 127.0.0.1 1"), "OK");
	assert_false(drive(g->redis, 700, is_up, g->redis));
	assert_string_equal(server_ask(&g->servers[0], "REPLICAOF NO ONE"), "OK");
	assert_true(drive(g->redis, 5000, is_at_first, g));
}

static void on_set(int err, const struct redisReply *reply, void *arg)
{
	assert_int_equal(err, -ENOTCONN);
	assert_null(reply);
	((struct rig *)arg)->lost++;
}

/* What it does not do any more is as if the link had broken. */
static void test_read_only(void **state)
{
	struct rig *g = *state;
	const struct bytes set[] = { BYTES_LIT("SET"), BYTES_LIT("a"), BYTES_LIT("1") };

	assert_true(drive(g->redis, 5000, is_at_first, g));
	assert_string_equal(server_ask(&g->servers[0], "REPLICAOF 127.0.0.1 1"), "OK");
	assert_int_equal(redis_command(g->redis, set, COUNT_OF(set), 0, on_set, g), 0);
	assert_true(drive(g->redis, 5000, is_down, g->redis));
	assert_int_equal(g->lost, 1);
	all_say(g, 1, 6);
	assert_true(drive(g->redis, 5000, is_at_second, g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follows, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(test_silent, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(test_silent_sentinel, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(test_older, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(test_role, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(test_read_only, rig_open, rig_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
