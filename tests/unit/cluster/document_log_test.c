/* SPDX-License-Identifier: Apache-2.0 */
/* The log of documents on a real Redis: all changes in order, over restarts of Redis, and after the stream was made anew. */
#include "tests/unit/cluster/node.h"

#include "cluster/document/log.h"

struct reader {
	struct document_log *log;
	char told[512]; /* a letter and a name for each change */
	unsigned reads, connects;
	const char *want; /* told ends with it */
};

static void on_entry(const struct document_entry *e, void *arg)
{
	struct reader *r = arg;
	size_t n = strlen(r->told);

	(void)snprintf(r->told + n, sizeof(r->told) - n, "%c" BYTES_FMT "%u ",
		       document_event_name(e->event)[0], BYTES_ARG(e->name), (unsigned)e->version);
}

static void on_batch(void *arg)
{
	((struct reader *)arg)->reads++;
}

static void on_connected(void *arg)
{
	((struct reader *)arg)->connects++;
}

static void reader_open(struct reader *r, const struct server *s, const char *after)
{
	const struct document_log_user user = {
		.entry = on_entry, .read = on_batch, .connected = on_connected, .arg = r
	};

	struct redis_place place = { 0 };

	*r = (struct reader){ 0 };
	(void)snprintf(place.url, sizeof(place.url), "%s", s->url);
	assert_int_equal(document_log_open(&r->log, &place, bytes_str(after), &user), 0);
}

static struct reader *g_reader;
static bool (*g_done)(const struct reader *);
static uint64_t g_until_ns;

static void on_time(void *arg)
{
	(void)arg;
	document_log_expire(g_reader->log, clock_now_ns());
	if (clock_now_ns() >= g_until_ns)
		loop_stop();
}

static void on_round(void *arg)
{
	uint64_t next_ns = document_log_next_ns(g_reader->log);

	(void)arg;
	if (g_done(g_reader))
		loop_stop();
	document_log_flush(g_reader->log);
	assert_int_equal(loop_timer(next_ns < g_until_ns ? next_ns : g_until_ns, on_time, NULL), 0);
}

static void wait_until(struct reader *r, bool (*done)(const struct reader *))
{
	g_reader = r;
	g_done = done;
	g_until_ns = clock_now_ns() + 10 * NS_PER_S;
	loop_after_round(on_round, NULL);
	assert_int_equal(loop_run(), 0);
	assert_true(done(r));
}

static bool is_told(const struct reader *r)
{
	size_t n = strlen(r->told), m = strlen(r->want);

	return n >= m && !strcmp(r->told + n - m, r->want);
}

static bool is_connected(const struct reader *r)
{
	return r->connects > 0;
}

static void expect(struct reader *r, const char *want)
{
	r->want = want;
	wait_until(r, is_told);
	assert_string_equal(r->told, want);
	r->told[0] = '\0';
}

static void put(struct node *n, const char *name, uint64_t of)
{
	const struct store_document d = { .tenant = BYTES_LIT("t"),
					  .kind = "extension",
					  .name = bytes_str(name),
					  .json = BYTES_LIT("{}") };

	store_document_put(n->shared, &d, &(struct store_known){ .version = of }, node_done, n);
	NODE_EXPECT(n, "o");
}

static void test_changes_are_told(void **state)
{
	const struct store_document d = { .tenant = BYTES_LIT("t"),
					  .kind = "extension",
					  .name = BYTES_LIT("b"),
					  .version = 9,
					  .json = BYTES_LIT("{}") };
	struct reader r;
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	put(&n, "a", 0);
	reader_open(&r, &s, "");
	expect(&r, "pa1 ");
	put(&n, "a", 1);
	(void)server_ask(&s, "XADD td:{docs}:log * tenant t kind x");
	(void)server_ask(&s, "XADD td:{docs}:log * tenant t kind x name y version 4 delete %s", "");
	store_document_restore(n.shared, &d, BYTES_LIT("h"), node_done, &n);
	NODE_EXPECT(&n, "o");
	expect(&r, "pa2 dy4 rb9 ");
	assert_true(r.connects == 1 && r.reads >= 2);
	document_log_close(r.log);
	node_without_server(&n, &s);
}

/* It goes on where it was, and says that something may be missing. */
static void test_redis_restarts(void **state)
{
	struct reader r;
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	reader_open(&r, &s, "");
	put(&n, "a", 0);
	expect(&r, "pa1 ");
	r.connects = 0;
	server_kill(&s);
	server_start(&s, NULL);
	wait_until(&r, is_connected);
	(void)server_ask(&s, "XADD td:{docs}:log * tenant t kind x name y version 4 delete %s", "");
	expect(&r, "dy4 ");
	document_log_close(r.log);
	node_without_server(&n, &s);
}

/* A stream that begins anew may number its entries lower: whoever waits behind a higher one would hear nothing for ever. */
static void test_made_anew(void **state)
{
	struct reader r;
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	reader_open(&r, &s, "");
	put(&n, "a", 0);
	expect(&r, "pa1 ");
	(void)server_ask(&s, "FLUSHALL");
	(void)server_ask(&s, "XADD td:{docs}:log 5-1 tenant t kind x name y version 4 delete %s",
			 "");
	assert_true(document_log_is_newer(r.log, BYTES_LIT("5-1")));
	assert_false(document_log_is_newer(r.log, BYTES_LIT("9999999999999-1")));
	assert_false(document_log_is_newer(r.log, BYTES_LIT("")));
	document_log_seek(r.log, BYTES_LIT("5-1"));
	(void)server_ask(&s, "XADD td:{docs}:log 5-2 tenant t kind x name z version 4 delete %s",
			 "");
	expect(&r, "dz4 ");
	document_log_close(r.log);
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes_are_told),
		cmocka_unit_test(test_redis_restarts),
		cmocka_unit_test(test_made_anew),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
