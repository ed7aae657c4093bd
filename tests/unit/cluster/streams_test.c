/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of streams on a real Redis: many streams by one question that waits, more than it may name, and marks. */
#include "tests/unit/cluster/server.h"

#include "cluster/redis/streams.h"

enum { STREAMS = 5 };

struct reading {
	struct server server;
	struct redis *redis;
	struct streams streams;
	struct {
		char key[16], mark[STREAM_MARK_MAX];
		unsigned entries;
	} list[STREAMS];
	unsigned failures, answers, want;
	char text[64];
};

static void on_entries(struct bytes key, const struct redisReply *entries, void *arg)
{
	struct reading *r = arg;
	size_t n = redis_reply_count(entries);

	assert_true(n > 0);
	r->answers++;
	for (size_t i = 0; i < STREAMS; i++) {
		if (!bytes_is(key, r->list[i].key))
			continue;
		r->list[i].entries += (unsigned)n;
		assert_int_equal(bytes_cstr(stream_entry_id(redis_reply_at(entries, n - 1)),
					    r->list[i].mark, STREAM_MARK_MAX),
				 0);
		assert_int_equal(bytes_cstr(stream_field(redis_reply_at(entries, n - 1), "b"),
					    r->text, sizeof(r->text)),
				 0);
	}
}

static void on_failed(int err, struct bytes text, void *arg)
{
	struct reading *r = arg;

	r->failures++;
	assert_true((err != 0) == (text.n == 0));
}

static const struct streams_way g_wide = { .together = STREAMS,
					   .each = 2,
					   .wait_ms = 2000,
					   .deadline_ns = 5 * NS_PER_S,
					   .poll_ns = NS_PER_MS,
					   .entries = on_entries,
					   .failed = on_failed };
static const struct streams_way g_narrow = { .together = 2,
					     .each = 2,
					     .wait_ms = 2000,
					     .deadline_ns = 5 * NS_PER_S,
					     .poll_ns = NS_PER_MS,
					     .entries = on_entries };

static void reading_open(struct reading *r, const struct streams_way *way)
{
	struct redis_settings settings = { .deadline_ns = NS_PER_S, .pending_max = 64 };

	*r = (struct reading){ 0 };
	server_dir(&r->server);
	server_start(&r->server, NULL);
	(void)snprintf(settings.place.url, sizeof(settings.place.url), "%s", r->server.url);
	assert_int_equal(redis_open(&r->redis, &settings, NULL, NULL), 0);
	r->streams = (struct streams){ .redis = r->redis, .way = way, .arg = r };
	for (size_t i = 0; i < STREAMS; i++) {
		(void)snprintf(r->list[i].key, sizeof(r->list[i].key), "s%zu", i);
		(void)snprintf(r->list[i].mark, sizeof(r->list[i].mark), STREAM_BEGINNING);
	}
	assert_true(drive(r->redis, 5000, is_up, r->redis));
}

static void reading_close(struct reading *r)
{
	redis_close(r->redis);
	streams_clear(&r->streams);
	server_stop(&r->server);
}

/* Asks as a user does, and says whether so many entries were read. */
static bool reads(void *arg)
{
	struct reading *r = arg;
	uint64_t now_ns = clock_now_ns();
	unsigned n = 0;

	for (size_t i = 0; i < STREAMS; i++)
		n += r->list[i].entries;
	if (n >= r->want)
		return true;
	if (streams_are_due(&r->streams, now_ns) && redis_is_connected(r->redis)) {
		for (size_t i = 0; i < STREAMS; i++)
			streams_add(&r->streams, bytes_str(r->list[i].key),
				    bytes_str(r->list[i].mark));
		streams_request(&r->streams, now_ns);
	}
	return false;
}

/* Time alone makes a question due, too. */
static bool drive_reads(struct reading *r, unsigned want)
{
	bool ok = false;

	r->want = want;
	for (unsigned i = 0; i < 1000 && !ok; i++)
		ok = drive(r->redis, 5, reads, r);
	return ok;
}

static bool has_asked(void *arg)
{
	const struct reading *r = arg;

	(void)reads(arg);
	return r->streams.asked > 0;
}

static void test_one_question_waits(void **state)
{
	struct reading r;

	(void)state;
	reading_open(&r, &g_wide);
	r.want = 1;
	assert_true(drive(r.redis, 1000, has_asked, &r));
	redis_flush(r.redis);
	assert_true(streams_next_ns(&r.streams) == UINT64_MAX &&
		    !streams_are_due(&r.streams, UINT64_MAX));
	nap_ms(20);
	(void)server_ask(&r.server, "XADD s3 7-1 a 1 b two");
	assert_true(drive(r.redis, 1500, reads, &r)); /* it did not wait for its end */
	assert_int_equal(r.answers, 1);
	assert_string_equal(r.list[3].mark, "7-1");
	assert_string_equal(r.text, "two");
	for (unsigned i = 1; i <= 5; i++)
		(void)server_ask(&r.server, "XADD s1 8-%u b x", i);
	assert_true(drive_reads(&r, 6)); /* by twos */
	assert_int_equal(r.list[1].entries, 5);
	assert_int_equal(r.answers, 4);
	reading_close(&r);
}

static void test_more_than_one_question(void **state)
{
	struct reading r;

	(void)state;
	reading_open(&r, &g_narrow);
	(void)server_ask(&r.server, "XADD s0 1-1 b x");
	(void)server_ask(&r.server, "XADD s4 1-2 b x");
	assert_true(drive_reads(&r, 2));
	(void)server_ask(&r.server, "XADD s2 1-1 b x");
	assert_true(drive_reads(&r, 3));
	reading_close(&r);
}

/* An error, and a lost answer: the marks stay. */
static void test_failures(void **state)
{
	struct reading r;

	(void)state;
	reading_open(&r, &g_wide);
	(void)server_ask(&r.server, "SET s2 text");
	r.want = 1;
	(void)drive(r.redis, 50, reads, &r);
	assert_true(r.failures > 0);
	(void)server_ask(&r.server, "DEL s2");
	(void)server_ask(&r.server, "XADD s1 1-1 b x");
	assert_true(drive_reads(&r, 1));
	r.failures = 0;
	r.want = 2;
	assert_true(drive(r.redis, 1000, has_asked, &r));
	(void)server_ask(&r.server, "CLIENT KILL TYPE normal");
	assert_true(drive(r.redis, 5000, is_down, r.redis));
	assert_int_equal(r.failures, 1);
	(void)server_ask(&r.server, "XADD s2 1-1 b x");
	assert_true(drive_reads(&r, 2));
	reading_close(&r);
}

static bool is_short(void *arg)
{
	const struct reading *r = arg;

	return !strcmp(server_ask(&r->server, "XLEN s0"), "1");
}

static void test_trim(void **state)
{
	struct reading r;

	(void)state;
	reading_open(&r, &g_wide);
	for (unsigned i = 1; i <= 3; i++)
		(void)server_ask(&r.server, "XADD s0 9-%u b x", i);
	stream_trim(r.redis, BYTES_LIT("s0"), BYTES_LIT("nothing"));
	stream_trim(r.redis, BYTES_LIT("s0"), BYTES_LIT("9-2"));
	assert_true(drive(r.redis, 2000, is_short, &r));
	assert_true(drive_reads(&r, 1));
	assert_string_equal(r.list[0].mark, "9-3");
	reading_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_question_waits),
		cmocka_unit_test(test_more_than_one_question),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_trim),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
