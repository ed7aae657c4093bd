/* SPDX-License-Identifier: Apache-2.0 */
/* A link over TLS to a real server: who is believed, what is shown, and much at once. */
#include "tests/unit/cluster/server.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "cluster/redis/redis.h"
#include "tests/unit/certificates.h"

enum { BULK = 1 << 20, BULKS = 8, SMALL = 3000 };

struct rig {
	struct server server;
	struct test_pair ca, other_ca, here, elsewhere, client, old;
	uint16_t port;
	size_t answers, wrong;
};

/* None of those that the kernel gives to connections: one would be taken again before Redis has it. */
static uint16_t port_free(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint16_t port = (uint16_t)(8200 + getpid() * 7 % 1800);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	do
		at.sin_port = htons(++port);
	while (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0);
	assert_int_equal(close(fd), 0);
	return port;
}

static void serve(struct rig *g, const struct test_pair *shown, bool ask)
{
	char port[8];
	const char *extra[] = { "--tls-port",
				port,
				"--tls-cert-file",
				shown->files.certificate,
				"--tls-key-file",
				shown->files.key,
				"--tls-ca-cert-file",
				g->ca.files.certificate,
				"--tls-auth-clients",
				ask ? "yes" : "no",
				NULL };

	(void)snprintf(port, sizeof(port), "%u", g->port);
	server_start(&g->server, extra);
}

static int setup(void **state)
{
	static struct rig g;
	const char *dir;

	(void)loop_setup(state);
	g = (struct rig){ 0 };
	server_dir(&g.server);
	dir = g.server.dir;
	test_pair_make(&g.ca, dir, "ca", NULL, NULL, 10);
	test_pair_make(&g.other_ca, dir, "other", NULL, NULL, 10);
	test_pair_make(&g.here, dir, "here", &g.ca, "IP:127.0.0.1,DNS:localhost", 10);
	test_pair_make(&g.elsewhere, dir, "elsewhere", &g.ca, "DNS:redis.example.org", 10);
	test_pair_make(&g.client, dir, "client", &g.ca, NULL, 10);
	test_pair_make(&g.old, dir, "old", &g.ca, "IP:127.0.0.1", -1);
	g.port = port_free();
	*state = &g;
	return 0;
}

static int teardown(void **state)
{
	struct rig *g = *state;

	if (g->server.pid)
		server_kill(&g->server);
	test_pair_free(&g->ca);
	test_pair_free(&g->other_ca);
	test_pair_free(&g->here);
	test_pair_free(&g->elsewhere);
	test_pair_free(&g->client);
	test_pair_free(&g->old);
	dir_remove(g->server.dir);
	return loop_teardown(state);
}

static struct redis_settings settings_of(const struct rig *g, const char *host,
					 const struct test_pair *ca)
{
	struct redis_settings settings = { .pending_max = 4000,
					   .deadline_ns = 10 * NS_PER_S,
					   .reconnect_max_ns = 50 * NS_PER_MS };

	(void)snprintf(settings.place.url, sizeof(settings.place.url), "rediss://%s:%u", host,
		       g->port);
	if (ca)
		memcpy(settings.place.ca, ca->files.certificate, sizeof(settings.place.ca));
	return settings;
}

static void show(struct redis_settings *settings, const struct test_pair *pair)
{
	memcpy(settings->place.certificate, pair->files.certificate,
	       sizeof(settings->place.certificate));
	memcpy(settings->place.key, pair->files.key, sizeof(settings->place.key));
}

static void on_answer(int err, const struct redisReply *reply, void *arg)
{
	struct rig *g = arg;

	g->answers++;
	g->wrong += err || redis_is_error(reply, NULL);
}

static bool all_came(void *arg)
{
	return ((struct rig *)arg)->answers == BULKS + SMALL;
}

/* More than a socket and a record of TLS hold, both ways. */
static void test_much(void **state)
{
	static char bulk[BULK];
	struct rig *g = *state;
	struct redis_settings settings = settings_of(g, "localhost", &g->ca);
	struct bytes echo[] = { BYTES_LIT("ECHO"), bytes_mem(bulk, sizeof(bulk)) };
	struct bytes incr[] = { BYTES_LIT("INCR"), BYTES_LIT("n") };
	struct redis *r;

	serve(g, &g->here, false);
	assert_int_equal(redis_open(&r, &settings, NULL, NULL), 0);
	assert_true(drive(r, 5000, is_up, r));
	for (int i = 0; i < BULKS; i++)
		assert_int_equal(redis_command(r, echo, 2, 0, on_answer, g), 0);
	for (int i = 0; i < SMALL; i++)
		assert_int_equal(redis_command(r, incr, 2, 0, on_answer, g), 0);
	assert_true(drive(r, 10000, all_came, g));
	assert_int_equal(g->wrong, 0);
	assert_string_equal(server_ask(&g->server, "GET n"), "3000");
	redis_close(r);
}

enum { LOG_MAX = 65536 };

struct saying {
	int fd;     /* of the log */
	char *text; /* LOG_MAX zeros */
	const char *said;
};

static bool is_said(void *arg)
{
	const struct saying *s = arg;

	return pread(s->fd, s->text, LOG_MAX - 1, 0) > 0 && strstr(s->text, s->said);
}

/* Whom it is told and by whom it is signed decide, and how long it is good. */
static void test_believed(void **state)
{
	struct rig *g = *state;
	const struct {
		const char *name, *host, *said;
		const struct test_pair *shown, *ca;
		bool up;
	} rows[] = {
		{ "by its address", "127.0.0.1", "link up", &g->here, &g->ca, true },
		{ "by its name", "localhost", "link up", &g->here, &g->ca, true },
		{ "another's", "localhost", "certificate_name", &g->elsewhere, &g->ca, false },
		{ "another's address", "127.0.0.1", "certificate_name", &g->elsewhere, &g->ca, false },
		{ "signed by another", "localhost", "certificate_untrusted", &g->here, &g->other_ca,
		  false },
		{ "by the system's", "localhost", "certificate_untrusted", &g->here, NULL, false },
		{ "over", "127.0.0.1", "certificate_expired", &g->old, &g->ca, false },
	}, *row;

	EACH_ROW(row, rows)
	{
		struct redis_settings settings = settings_of(g, row->host, row->ca);
		static char text[LOG_MAX];
		struct redis *r;
		int fd = memfd_create("log", MFD_CLOEXEC);

		serve(g, row->shown, false);
		memset(text, 0, sizeof(text));
		log_setup(fd, LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
		assert_int_equal(redis_open(&r, &settings, NULL, NULL), 0);
		if (row->up)
			ROW_ASSERT(row->name, drive(r, 5000, is_up, r));
		ROW_ASSERT(row->name,
			   drive(r, 5000, is_said, &(struct saying){ fd, text, row->said }));
		ROW_ASSERT(row->name, drive(r, row->up ? 0 : 300, is_up, r) == row->up);
		redis_close(r);
		log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
		assert_int_equal(close(fd), 0);
		server_kill(&g->server);
	}
}

/* A server that wants to know us; and a certificate that is replaced while the link is up. */
static void test_shown(void **state)
{
	struct rig *g = *state;
	struct redis_settings settings = settings_of(g, "localhost", &g->ca), nobody = settings;
	struct redis *r;

	serve(g, &g->here, true);
	assert_int_equal(redis_open(&r, &nobody, NULL, NULL), 0);
	assert_false(drive(r, 300, is_up, r));
	redis_close(r);
	show(&settings, &g->client);
	assert_int_equal(redis_open(&r, &settings, NULL, NULL), 0);
	assert_true(drive(r, 5000, is_up, r));

	/* what cannot be read leaves the last one in place */
	assert_int_equal(truncate(g->client.files.certificate, 0), 0);
	server_kill(&g->server);
	assert_true(drive(r, 5000, is_down, r));
	serve(g, &g->here, true);
	assert_true(drive(r, 5000, is_up, r));

	/* what another authority has signed counts with the next link: this server does not know it */
	test_pair_write(&g->other_ca, g->server.dir, "client");
	server_kill(&g->server);
	assert_true(drive(r, 5000, is_down, r));
	serve(g, &g->here, true);
	assert_false(drive(r, 300, is_up, r));
	redis_close(r);
}

/* Files that are no certificates: it does not start. */
static void test_no_files(void **state)
{
	struct rig *g = *state;
	struct redis_settings settings = settings_of(g, "localhost", &g->ca);
	struct redis *r = NULL;

	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
	(void)snprintf(settings.place.ca, sizeof(settings.place.ca), "%s/none.pem", g->server.dir);
	assert_int_equal(redis_open(&r, &settings, NULL, NULL), -EINVAL);
	settings = settings_of(g, "localhost", &g->ca);
	show(&settings, &g->client);
	memcpy(settings.place.key, g->here.files.key, sizeof(settings.place.key));
	assert_int_equal(redis_open(&r, &settings, NULL, NULL), -EINVAL);
	assert_null(r);
}

/* A server that speaks no TLS, and one that hangs in the middle, are no link; the next try is. */
static void test_no_tls(void **state)
{
	struct rig *g = *state;
	char port[8];
	const char *extra[] = { "--port", port, "--bind", "127.0.0.1", NULL };
	struct redis_settings settings = settings_of(g, "127.0.0.1", &g->ca);
	struct redis *r;

	(void)snprintf(port, sizeof(port), "%u", g->port);
	server_start(&g->server, extra);
	assert_int_equal(redis_open(&r, &settings, NULL, NULL), 0);
	assert_false(drive(r, 300, is_up, r));
	server_kill(&g->server);
	serve(g, &g->here, false);
	server_signal(&g->server, SIGSTOP);
	assert_false(drive(r, 300, is_up, r));
	server_signal(&g->server, SIGCONT);
	assert_true(drive(r, 5000, is_up, r));
	redis_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_much, setup, teardown),
		cmocka_unit_test_setup_teardown(test_believed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_tls, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
