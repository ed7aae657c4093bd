/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cluster/server.h"

#include <sys/resource.h>

#include "cluster/spool/spool.h"

enum { COUNT = 500, LATE_COUNT = 20 };

struct world {
	char dir[32];
	struct spool *spool;
	unsigned good, bad;
	uint64_t segment;
	uint64_t numbers; /* sum of those read */
	unsigned entries;
	int read_err;
	bool read, removed;
};

static void on_done(int err, void *arg)
{
	struct world *w = arg;

	w->good += !err;
	w->bad += err != 0;
}

static void on_removed(int err, void *arg)
{
	struct world *w = arg;

	assert_int_equal(err, 0);
	w->removed = true;
}

static void on_segment(int err, uint64_t number, struct bytes segment, void *arg)
{
	struct world *w = arg;
	struct spool_entry entry;

	w->read = true;
	w->read_err = err;
	w->segment = number;
	while (!err && spool_entry_next(&segment, &entry) > 0) {
		w->entries++;
		w->numbers += entry.number;
		assert_true(bytes_is(entry.fields, "fields"));
	}
}

static bool all_done(void *arg)
{
	const struct world *w = arg;

	return w->good + w->bad >= COUNT;
}

static bool is_read(void *arg)
{
	return ((struct world *)arg)->read;
}

static bool is_removed(void *arg)
{
	return ((struct world *)arg)->removed;
}

static void append(struct world *w, uint64_t number)
{
	spool_append(w->spool, &(struct spool_entry){ number, 1, BYTES_LIT("fields") }, on_done, w);
}

static void read_one(struct world *w)
{
	w->read = false;
	spool_read(w->spool, on_segment, w);
	assert_true(drive(NULL, 5000, is_read, w));
}

static void world_open(struct world *w)
{
	*w = (struct world){ .dir = "/tmp/tandem-spool-XXXXXX" };
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(spool_open(&w->spool, w->dir), 0);
}

static void world_close(struct world *w)
{
	spool_close(w->spool);
	dir_remove(w->dir);
}

static void test_append_read_remove(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	/* what lay there is not known before it was read */
	assert_false(spool_is_empty(w.spool));
	read_one(&w);
	assert_int_equal(w.read_err, -ENOENT);
	assert_true(spool_is_empty(w.spool));
	assert_true(spool_lowest(w.spool) == UINT64_MAX);
	for (uint64_t i = 0; i < COUNT; i++)
		append(&w, 1000 + i);
	assert_int_equal(w.good, 0); /* never answered before it returned */
	assert_false(spool_is_empty(w.spool));
	assert_int_equal(spool_lowest(w.spool), 1000);
	assert_true(drive(NULL, 5000, all_done, &w));
	assert_int_equal(w.good, COUNT);
	read_one(&w);
	assert_int_equal(w.read_err, 0);
	assert_int_equal(w.entries, COUNT);
	assert_int_equal(w.numbers, COUNT * 1000 + COUNT * (COUNT - 1) / 2);
	spool_remove(w.spool, w.segment, false, on_removed, &w);
	assert_true(drive(NULL, 5000, is_removed, &w));
	read_one(&w);
	assert_int_equal(w.read_err, -ENOENT);
	assert_true(spool_is_empty(w.spool));
	world_close(&w);
}

/* Closing finishes what was asked for. */
static void test_close_finishes(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	for (uint64_t i = 0; i < COUNT; i++)
		append(&w, i);
	spool_close(w.spool);
	assert_int_equal(w.good, COUNT);
	assert_int_equal(spool_open(&w.spool, w.dir), 0);
	read_one(&w);
	assert_int_equal(w.entries, COUNT);
	world_close(&w);
}

static void closing_done(int err, void *arg)
{
	struct world *w = arg;
	struct spool *spool = w->spool;

	on_done(err, arg);
	w->spool = NULL;
	spool_close(spool);
}

static void test_close_in_answer(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	spool_append(w.spool, &(struct spool_entry){ 1, 1, BYTES_LIT("fields") }, closing_done, &w);
	for (uint64_t i = 1; i < COUNT; i++)
		append(&w, i);
	assert_true(drive(NULL, 5000, all_done, &w));
	assert_int_equal(w.good, COUNT);
	world_close(&w);
}

/* A disk that takes nothing any more says so, and takes the next ones when it can. */
static void test_full_disk(void **state)
{
	struct rlimit before, none;
	struct world w;

	(void)state;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	world_open(&w);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 10, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	for (uint64_t i = 0; i < COUNT; i++)
		append(&w, i);
	assert_true(drive(NULL, 5000, all_done, &w));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(w.bad, COUNT);
	for (uint64_t i = 0; i < LATE_COUNT; i++)
		append(&w, i);
	spool_close(w.spool);
	assert_int_equal(w.good, LATE_COUNT);
	assert_int_equal(spool_open(&w.spool, w.dir), 0);
	read_one(&w);
	assert_int_equal(w.entries, LATE_COUNT);
	world_close(&w);
}

static void test_no_folder(void **state)
{
	struct spool *spool;

	(void)state;
	assert_int_equal(spool_open(&spool, "/nonexistent/spool"), -ENOENT);
	assert_int_equal(spool_open(&spool, ""), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_read_remove), cmocka_unit_test(test_close_finishes),
		cmocka_unit_test(test_close_in_answer),    cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
