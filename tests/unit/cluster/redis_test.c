/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cluster/server.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/metric.h"
#include "base/rand.h"
#include "cluster/redis/link.h"

enum { TRACE_MAX = 64 };

/* What was answered, one letter each: the first of a text, d for a number, - for nil, [ for an array, ! for an error,
 * T for a timeout, N for no connection. */
struct trace {
	char text[TRACE_MAX];
	size_t n;
	unsigned ups, downs;
	struct redis *close; /* to be closed with the next answer, or the next change of state */
};

static void note(struct trace *t, char c)
{
	assert_true(t->n < TRACE_MAX - 1);
	t->text[t->n++] = c;
	t->text[t->n] = 0;
}

static void close_if_asked(struct trace *t)
{
	struct redis *r = t->close;

	t->close = NULL;
	if (!r)
		return;
	g_drive.redis = NULL;
	redis_close(r);
}

static void on_reply(int err, const struct redisReply *reply, void *arg)
{
	static const char letters[] = {
		[REDIS_TYPE_NIL] = '-',
		[REDIS_TYPE_INTEGER] = 'd',
		[REDIS_TYPE_ARRAY] = '[',
		[REDIS_TYPE_ERROR] = '!',
	};
	struct trace *t = arg;

	assert_true((err == 0) == (reply != NULL));
	if (err)
		note(t, err == -ETIMEDOUT ? 'T' : 'N');
	else if (redis_reply_type(reply) == REDIS_TYPE_TEXT)
		note(t, (char)redis_reply_text(reply).p[0]);
	else
		note(t, letters[redis_reply_type(reply)]);
	close_if_asked(t);
}

static void on_state(bool connected, void *arg)
{
	struct trace *t = arg;

	t->ups += connected;
	t->downs += !connected;
	close_if_asked(t);
}

static struct redis *open_url(struct trace *t, const char *url)
{
	struct redis_settings settings = { .pending_max = 4000,
					   .reconnect_max_ns = 100 * NS_PER_MS };
	struct redis *r;

	*t = (struct trace){ 0 };
	assert_int_equal(bytes_cstr(bytes_str(url), settings.place.url, sizeof(settings.place.url)),
			 0);
	assert_int_equal(redis_open(&r, &settings, on_state, t), 0);
	return r;
}

static struct redis *open_up(struct trace *t, const struct server *s)
{
	struct redis *r = open_url(t, s->url);

	assert_true(drive(r, 5000, is_up, r));
	assert_int_equal(t->ups, 1);
	return r;
}

/* Words separated by blanks. */
static int say(struct redis *r, const char *words, uint64_t deadline_ns, struct trace *t)
{
	struct bytes rest = bytes_str(words), args[8];
	size_t n = 0;

	while (bytes_cut(&rest, ' ', &args[n]))
		n++;
	return redis_command(r, args, n, deadline_ns, t ? on_reply : NULL, t);
}

struct goal {
	const struct trace *t;
	size_t n;
};

static bool has_noted(void *arg)
{
	const struct goal *goal = arg;

	return goal->t->n >= goal->n;
}

static bool answers(struct redis *r, const struct trace *t, size_t n, uint64_t ms)
{
	return drive(r, ms, has_noted, &(struct goal){ t, n });
}

static uint64_t metric(const char *name)
{
	return metric_value(metric_register(METRIC_COUNTER, name, NULL, "The name finds it."));
}

/* ---- commands ---- */

static bool is_written(void *arg)
{
	const struct redis *r = arg;

	return redis_buffer_bytes(&r->out).n == 0;
}

static void append_later(struct redis *r)
{
	const struct bytes append[] = { BYTES_LIT("APPEND"), BYTES_LIT("log"), BYTES_LIT("x") };

	assert_int_equal(redis_command_later(r, append, COUNT_OF(append), NULL, NULL), 0);
	redis_flush(r);
}

/* Whom nobody waits for goes with the next command of somebody who waits, or alone some time later, or with the end of the link. */
static void test_later(void **state)
{
	struct server s;
	struct trace t;
	struct redis *r;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	r = open_up(&t, &s);
	append_later(r);
	append_later(r);
	assert_false(is_written(r));
	assert_in_range(redis_next_ns(r), 1, clock_now_ns() + REDIS_LATER_NS);
	assert_int_equal(say(r, "STRLEN log", 0, &t), 0);
	redis_flush(r);
	assert_true(is_written(r));
	assert_true(answers(r, &t, 1, 2000));
	assert_string_equal(server_ask(&s, "GET log"), "xx");
	append_later(r);
	assert_false(is_written(r));
	assert_true(drive(r, 2000, is_written, r));
	assert_string_equal(server_ask(&s, "GET log"), "xxx");
	append_later(r);
	redis_close(r);
	assert_string_equal(server_ask(&s, "GET log"), "xxxx");
	server_stop(&s);
}

/* A full buffer waits for nobody; nor does what stands behind a command of somebody who waits. */
static void test_later_is_bounded(void **state)
{
	struct server s;
	struct trace t;
	struct redis *r;
	unsigned n = 0;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	r = open_up(&t, &s);
	do {
		append_later(r);
		n++;
	} while (!is_written(r));
	assert_in_range(n, 2, 2000);
	assert_int_equal(say(r, "STRLEN log", 0, &t), 0);
	append_later(r);
	assert_true(is_written(r));
	redis_close(r);
	server_stop(&s);
}

static void test_pipeline(void **state)
{
	struct server s;
	struct trace t;
	struct redis *r;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	r = open_up(&t, &s);
	assert_int_equal(say(r, "SET key value", 0, &t), 0);
	assert_int_equal(say(r, "GET key", 0, &t), 0);
	assert_int_equal(say(r, "SET unwatched 1", 0, NULL), 0);
	assert_int_equal(say(r, "GET none", 0, &t), 0);
	assert_int_equal(say(r, "INCR counter", 0, &t), 0);
	assert_int_equal(say(r, "LRANGE none 0 1", 0, &t), 0);
	assert_int_equal(say(r, "INCR key", 0, &t), 0);
	assert_int_equal(t.n, 0);
	assert_true(answers(r, &t, 6, 2000));
	assert_string_equal(t.text, "Ov-d[!");
	assert_string_equal(server_ask(&s, "GET unwatched"), "1");
	redis_close(r);
	server_stop(&s);
}

/* More than the socket takes at once: the rest follows when it can. */
static void test_large_pipeline(void **state)
{
	enum { COUNT = 2000, SIZE = 5000 };
	static char value[SIZE];
	struct server s;
	struct trace t;
	struct redis *r;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	r = open_up(&t, &s);
	memset(value, 'x', sizeof(value));
	for (int i = 0; i < COUNT; i++) {
		char key[16];
		int n = snprintf(key, sizeof(key), "k%d", i);
		struct bytes args[] = { BYTES_LIT("SET"), bytes_mem(key, (size_t)n),
					bytes_mem(value, sizeof(value)) };

		assert_int_equal(redis_command(r, args, 3, 10 * NS_PER_S, NULL, NULL), 0);
	}
	assert_int_equal(say(r, "DBSIZE", 10 * NS_PER_S, &t), 0);
	/* and an answer as large as all of it */
	assert_int_equal(say(r, "GET k1999", 10 * NS_PER_S, &t), 0);
	assert_true(answers(r, &t, 2, 10000));
	assert_string_equal(t.text, "dx");
	assert_string_equal(server_ask(&s, "DBSIZE"), "2000");
	redis_close(r);
	server_stop(&s);
}

static void test_bounds(void **state)
{
	struct redis_settings settings = { .deadline_ns = 5 * NS_PER_S, .pending_max = 3 };
	static char huge[9 << 20];
	struct bytes args[] = { BYTES_LIT("ECHO"), bytes_mem(huge, sizeof(huge)) };
	struct server s;
	struct trace t = { 0 };
	struct redis *r;

	(void)state;
	server_dir(&s);
	assert_int_equal(
		bytes_cstr(bytes_str(s.url), settings.place.url, sizeof(settings.place.url)), 0);
	assert_int_equal(redis_open(&r, &settings, on_state, &t), 0);
	assert_int_equal(say(r, "PING", 0, &t), -ENOTCONN);
	server_start(&s, NULL);
	assert_true(drive(r, 5000, is_up, r));
	assert_int_equal(redis_command(r, args, 2, 0, on_reply, &t), -EMSGSIZE);
	for (int i = 0; i < 3; i++)
		assert_int_equal(say(r, "PING", 0, &t), 0);
	assert_int_equal(say(r, "PING", 0, &t), -EAGAIN);
	assert_true(answers(r, &t, 3, 2000));
	assert_int_equal(say(r, "PING", 0, &t), 0);
	assert_true(answers(r, &t, 4, 2000));
	assert_string_equal(t.text, "PPPP");
	redis_close(r);
	server_stop(&s);
}

/* ---- time ---- */

/* Stopped, it answers nothing; going on, it answers what it was asked before: those answers are dropped, and the next
 * command gets its own. */
static void test_deadline(void **state)
{
	struct server s;
	struct trace t;
	struct redis *r;
	uint64_t start_ns, late = metric("tandem_redis_late_replies_total");

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	r = open_up(&t, &s);
	server_signal(&s, SIGSTOP);
	start_ns = clock_now_ns();
	assert_int_equal(say(r, "SET a first", 50 * NS_PER_MS, &t), 0);
	assert_int_equal(say(r, "GET a", 80 * NS_PER_MS, &t), 0);
	assert_int_equal(say(r, "ECHO patient", UINT64_MAX, &t), 0);
	assert_true(answers(r, &t, 2, 2000));
	assert_in_range((clock_now_ns() - start_ns) / NS_PER_MS, 79, 1000);
	assert_string_equal(t.text, "TT");
	server_signal(&s, SIGCONT);
	assert_int_equal(say(r, "SET a second", NS_PER_S, &t), 0);
	assert_int_equal(say(r, "GET a", NS_PER_S, &t), 0);
	assert_true(answers(r, &t, 5, 2000));
	assert_string_equal(t.text, "TTpOs");
	assert_int_equal(metric("tandem_redis_late_replies_total"), late + 2);
	assert_int_equal(t.downs, 0);
	redis_close(r);
	server_stop(&s);
}

/* A peer that hangs is given up, and found again when it is back. */
static void test_stall(void **state)
{
	struct server s;
	struct trace t;
	struct redis *r;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	r = open_up(&t, &s);
	server_signal(&s, SIGSTOP);
	assert_int_equal(say(r, "PING", 10 * NS_PER_MS, &t), 0);
	assert_int_equal(say(r, "PING", UINT64_MAX, &t), 0);
	assert_true(drive(r, 6000, is_down, r));
	assert_string_equal(t.text, "TN");
	assert_int_equal(t.downs, 1);
	server_signal(&s, SIGCONT);
	assert_true(drive(r, 6000, is_up, r));
	assert_int_equal(say(r, "PING", NS_PER_S, &t), 0);
	assert_true(answers(r, &t, 3, 2000));
	assert_string_equal(t.text, "TNP");
	redis_close(r);
	server_stop(&s);
}

/* ---- the link ---- */

static void test_killed_and_back(void **state)
{
	struct server s;
	struct trace t;
	struct redis *r;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	r = open_up(&t, &s);
	server_signal(&s, SIGSTOP);
	assert_int_equal(say(r, "PING", 10 * NS_PER_MS, &t), 0);
	assert_int_equal(say(r, "PING", NS_PER_S, &t), 0);
	assert_true(answers(r, &t, 1, 2000));
	server_kill(&s);
	assert_true(drive(r, 2000, is_down, r));
	assert_string_equal(t.text, "TN");
	assert_int_equal(say(r, "PING", 0, &t), -ENOTCONN);
	assert_false(drive(r, 300, is_up, r));
	server_start(&s, NULL);
	assert_true(drive(r, 3000, is_up, r));
	assert_int_equal(say(r, "PING", NS_PER_S, &t), 0);
	assert_true(answers(r, &t, 3, 2000));
	assert_string_equal(t.text, "TNP");
	assert_int_equal(t.ups, 2);
	assert_int_equal(t.downs, 1);
	redis_close(r);
	server_stop(&s);
}

static unsigned port_pick(void)
{
	struct rand_source rand;

	rand_open_system(&rand);
	return 20000 + rand_below(&rand, 12000);
}

/* Everything that was logged. */
static void log_capture(int *fd)
{
	*fd = memfd_create("log", MFD_CLOEXEC);
	assert_true(*fd >= 0);
	log_setup(*fd, LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
}

static void log_expect(int fd, const char *there, const char *not_there)
{
	static char text[65536];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n > 0);
	text[n] = 0;
	assert_non_null(strstr(text, there));
	assert_null(strstr(text, not_there));
	assert_int_equal(close(fd), 0);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
}

static void test_tcp_login(void **state)
{
	static const struct {
		const char *name, *before, *after;
		bool up;
	} rows[] = {
		{ "right, with a database", "redis://:mellon@127.0.0.1:", "/3", true },
		{ "right, by name", "redis://frodo:baggins@localhost:", "", true },
		{ "wrong", "redis://frodo:sauron@127.0.0.1:", "", false },
		{ "none", "redis://127.0.0.1:", "", false },
	}, *row;
	unsigned port = port_pick();
	char port_text[8], url[64];
	const char *extra[] = { "--port", port_text, "--bind", "127.0.0.1", "--requirepass",
				"mellon", "--user",  "frodo",  "on",        ">baggins",
				"~*",     "&*",      "+@all",  NULL };
	struct redis_trouble trouble;
	struct server s;
	struct trace t;

	(void)state;
	server_dir(&s);
	(void)snprintf(port_text, sizeof(port_text), "%u", port);
	server_run(&s, extra);
	nap_ms(300);
	EACH_ROW(row, rows)
	{
		struct redis *r;
		int fd;

		log_capture(&fd);
		(void)snprintf(url, sizeof(url), "%s%u%s", row->before, port, row->after);
		r = open_url(&t, url);
		ROW_ASSERT(row->name, drive(r, row->up ? 3000 : 300, is_up, r) == row->up);
		if (row->up) {
			assert_int_equal(say(r, "SET who me", NS_PER_S, &t), 0);
			assert_true(answers(r, &t, 1, 2000));
			assert_string_equal(t.text, "O");
		}
		redis_trouble(r, &trouble);
		ROW_ASSERT(row->name, (trouble.refused_ns != 0) == !row->up);
		ROW_ASSERT(row->name, trouble.server.port == port);
		redis_close(r);
		log_expect(fd, row->up ? "link up" : "refused by Redis",
			   row->up ? "mellon" : "sauron");
	}
	server_stop(&s);
}

static bool has_ups(void *arg)
{
	const struct goal *goal = arg;

	return goal->t->ups >= goal->n;
}

static void test_another(void **state)
{
	static const struct {
		const char *name, *change, *member;
		bool up;
	} rows[] = {
		{ "it lost its data", "DEL", "none", true },
		{ "it has ours", "SADD", "ours", true },
		{ "it has ours and others", "SADD", "theirs", true },
		{ "it has others", "SREM", "ours", false },
		{ "nobody can say", "SET", "text", true },
	}, *row;
	struct redis_meant meant = { .key = BYTES_LIT("ids") };
	struct redis_settings settings = { .reconnect_max_ns = 50 * NS_PER_MS,
					   .place.meant = &meant };
	struct server s;
	struct trace t = { 0 };
	struct redis *r;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	(void)server_ask(&s, "SADD ids theirs");
	memcpy(settings.place.url, s.url, sizeof(s.url));
	assert_int_equal(redis_open(&r, &settings, on_state, &t), 0);
	assert_true(drive(r, 5000, is_up, r)); /* nothing was meant yet */
	meant.member = "ours";
	EACH_ROW(row, rows)
	{
		unsigned ups = t.ups;

		(void)server_ask(&s, "%s ids %s", row->change, row->member);
		(void)server_ask(&s, "CLIENT KILL TYPE normal SKIPME yes");
		ROW_ASSERT(row->name, drive(r, row->up ? 5000 : 300, has_ups,
					    &(struct goal){ &t, ups + 1 }) == row->up);
		ROW_ASSERT(row->name, redis_is_connected(r) == row->up);
		ROW_ASSERT(row->name, redis_is_another(r) == !row->up);
	}
	redis_close(r);
	server_stop(&s);
}

static void test_bad_urls(void **state)
{
	struct redis_settings settings = { .place.url = "redis://user:hidden@host:nowhere" };
	struct redis *r;
	int fd;

	(void)state;
	log_capture(&fd);
	assert_int_equal(redis_open(&r, &settings, NULL, NULL), -EINVAL);
	log_expect(fd, "bad url", "hidden");
}

/* ---- peers that are no Redis ---- */

/* Answers each connection's first bytes with the next text, then keeps it open. */
struct fake {
	const char *const *texts; /* NULL at the end */
	int listen_fd;
	int fds[8];
	size_t n;
};

static void fake_read(int fd, unsigned events, void *arg)
{
	const char *text = arg;
	char buf[256];

	(void)events;
	if (read(fd, buf, sizeof(buf)) <= 0)
		loop_unwatch(fd);
	else if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		loop_unwatch(fd);
}

static void fake_accept(int fd, unsigned events, void *arg)
{
	struct fake *fake = arg;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	const char *text = *fake->texts;

	(void)events;
	assert_true(peer >= 0 && fake->n < COUNT_OF(fake->fds) && text);
	fake->texts += fake->texts[1] != NULL;
	fake->fds[fake->n++] = peer;
	assert_int_equal(loop_watch(peer, LOOP_READ, fake_read, (void *)(uintptr_t)text), 0);
}

static void fake_open(struct fake *fake, const struct server *s, const char *const *texts)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	*fake = (struct fake){ .texts = texts };
	fake->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bytes_cstr(bytes_str(s->socket), sun.sun_path, sizeof(sun.sun_path)), 0);
	assert_int_equal(bind(fake->listen_fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fake->listen_fd, 8), 0);
	assert_int_equal(loop_watch(fake->listen_fd, LOOP_READ, fake_accept, fake), 0);
}

static void fake_close(struct fake *fake)
{
	for (size_t i = 0; i < fake->n; i++) {
		loop_unwatch(fake->fds[i]);
		assert_int_equal(close(fake->fds[i]), 0);
	}
	loop_unwatch(fake->listen_fd);
	assert_int_equal(close(fake->listen_fd), 0);
}

static void test_odd_peers(void **state)
{
	static const struct {
		const char *name;
		const char *const texts[4];
		bool up;
		const char *logged;
	} rows[] = {
		{ "loading at first",
		  { "-LOADING Redis is loading\r\n", "-LOADING Redis is loading\r\n", "+PONG\r\n" },
		  true,
		  "LOADING" },
		{ "no Redis", { "HTTP/1.1 400 Bad Request\r\n\r\n", "+PONG\r\n" }, true, "no Redis protocol" },
		{ "more answers than questions", { "+PONG\r\n+PONG\r\n", "+PONG\r\n" }, true, "an answer to no command" },
	}, *row;
	struct server s;
	struct trace t;
	struct fake fake;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct redis *r;
		int fd;

		log_capture(&fd);
		server_dir(&s);
		fake_open(&fake, &s, row->texts);
		r = open_url(&t, s.url);
		assert_int_equal(drive(r, 2000, is_up, r), row->up);
		(void)drive(r, 100, never, NULL);
		assert_true(redis_is_connected(r));
		redis_close(r);
		fake_close(&fake);
		server_stop(&s);
		log_expect(fd, row->logged, "hidden");
	}
}

static void test_tcp_nobody(void **state)
{
	static const char *const urls[] = { "redis://127.0.0.1:1", "redis+cluster://127.0.0.1:1",
					    "sentinel://127.0.0.1:1/main" };
	struct redis_trouble trouble;
	struct trace t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct redis *r = open_url(&t, urls[i]);

		(void)drive(r, 100, never, NULL);
		redis_trouble(r, &trouble);
		assert_string_equal(trouble.why, "connect failed");
		assert_string_equal(trouble.detail, "Connection refused");
		assert_int_equal(trouble.server.port, 1);
		assert_int_equal(trouble.refused_ns, 0);
		redis_close(r);
	}
}

static bool is_refused(void *arg)
{
	struct redis_trouble trouble;

	redis_trouble(arg, &trouble);
	return trouble.refused_ns;
}

static bool is_loading(void *arg)
{
	struct redis_trouble trouble;

	redis_trouble(arg, &trouble);
	return trouble.why && !strcmp(trouble.detail, "LOADING data");
}

/* As long as nothing else comes between. */
static void test_refused_since(void **state)
{
	static const char *const texts[] = { "-NOAUTH who are you?\r\n", "-NOPERM no\r\n",
					     "-LOADING data\r\n", "+PONG\r\n", NULL };
	struct redis_trouble first, then;
	struct server s;
	struct trace t;
	struct fake fake;
	struct redis *r;

	(void)state;
	server_dir(&s);
	fake_open(&fake, &s, texts);
	r = open_url(&t, s.url);
	redis_trouble(r, &first);
	assert_null(first.why);
	assert_string_equal(first.detail, "");
	assert_true(drive(r, 2000, is_refused, r));
	redis_trouble(r, &first);
	assert_string_equal(first.detail, "NOAUTH who are you?");
	do {
		(void)drive(r, 1, never, NULL);
		redis_trouble(r, &then);
	} while (!strcmp(then.detail, "NOAUTH who are you?"));
	assert_string_equal(then.detail, "NOPERM no");
	assert_int_equal(then.refused_ns, first.refused_ns);
	assert_true(drive(r, 2000, is_loading, r));
	assert_false(is_refused(r));
	assert_true(drive(r, 2000, is_up, r));
	redis_trouble(r, &then);
	assert_null(then.why);
	redis_close(r);
	fake_close(&fake);
	server_stop(&s);
}

/* ---- closing from within ---- */

static void test_close_in_reply(void **state)
{
	struct server s;
	struct trace t;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	t.close = open_up(&t, &s);
	assert_int_equal(say(t.close, "PING", 0, &t), 0);
	assert_int_equal(say(t.close, "PING", 0, &t), 0);
	assert_int_equal(say(t.close, "PING", 0, &t), 0);
	assert_true(answers(t.close, &t, 3, 2000));
	assert_string_equal(t.text, "PNN");
	server_stop(&s);
}

static void test_close_in_timeout(void **state)
{
	struct server s;
	struct trace t;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	t.close = open_up(&t, &s);
	server_signal(&s, SIGSTOP);
	assert_int_equal(say(t.close, "PING", 10 * NS_PER_MS, &t), 0);
	assert_int_equal(say(t.close, "PING", 10 * NS_PER_MS, &t), 0);
	assert_true(answers(t.close, &t, 2, 2000));
	assert_string_equal(t.text, "TN");
	server_stop(&s);
}

static void test_close_in_state(void **state)
{
	struct server s;
	struct trace t;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	t.close = open_up(&t, &s);
	assert_int_equal(say(t.close, "PING", UINT64_MAX, &t), 0);
	server_kill(&s);
	assert_true(answers(t.close, &t, 1, 2000));
	assert_true(t.text[0] == 'N' || t.text[0] == 'P');
	server_stop(&s);
	/* and while it comes up */
	server_dir(&s);
	server_start(&s, NULL);
	t.close = open_url(&t, s.url);
	assert_false(drive(t.close, 300, never, NULL));
	assert_int_equal(t.ups, 1);
	server_stop(&s);
}

/* ---- guests ---- */

struct guest {
	struct redis_guest guest;
	struct guest *takes; /* leaves together with this one */
	unsigned ups, downs, expired;
};

static void guest_state(bool connected, void *arg)
{
	struct guest *g = arg;

	g->ups += connected;
	g->downs += !connected;
	if (g->takes && !connected) {
		redis_leave(&g->takes->guest);
		redis_leave(&g->guest);
	}
}

static void guest_expire(uint64_t now_ns, void *arg)
{
	struct guest *g = arg;

	assert_true(now_ns >= g->guest.next_ns);
	g->expired++;
	g->guest.next_ns = g->expired < 3 ? now_ns + 5 * NS_PER_MS : UINT64_MAX;
}

static bool has_expired(void *arg)
{
	return ((struct guest *)arg)->expired == 3;
}

static void test_guests(void **state)
{
	struct guest guests[3];
	struct server s;
	struct trace t;
	struct redis *r;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	r = open_url(&t, s.url);
	for (size_t i = 0; i < COUNT_OF(guests); i++) {
		guests[i] = (struct guest){ .guest = { .state = guest_state,
						       .expire = guest_expire,
						       .next_ns = UINT64_MAX,
						       .arg = &guests[i] } };
		redis_join(r, &guests[i].guest);
	}
	assert_true(drive(r, 2000, is_up, r));
	guests[1].guest.next_ns = clock_now_ns();
	assert_true(drive(r, 1000, has_expired, &guests[1]));
	/* told in the order in which they joined; the first one takes the next one along */
	guests[0].takes = &guests[1];
	server_kill(&s);
	assert_true(drive(r, 2000, is_down, r));
	assert_int_equal(guests[0].downs, 1);
	assert_int_equal(guests[1].downs, 0);
	assert_int_equal(guests[2].downs, 1);
	assert_null(guests[1].guest.redis);
	assert_ptr_equal(guests[2].guest.redis, r);
	redis_close(r);
	assert_null(guests[2].guest.redis);
	assert_int_equal(guests[2].downs, 1);
	assert_int_equal(guests[2].ups, 1);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_later_is_bounded),
		cmocka_unit_test(test_large_pipeline),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_killed_and_back),
		cmocka_unit_test(test_tcp_login),
		cmocka_unit_test(test_another),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_odd_peers),
		cmocka_unit_test(test_tcp_nobody),
		cmocka_unit_test(test_refused_since),
		cmocka_unit_test(test_close_in_reply),
		cmocka_unit_test(test_close_in_timeout),
		cmocka_unit_test(test_close_in_state),
		cmocka_unit_test(test_guests),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
