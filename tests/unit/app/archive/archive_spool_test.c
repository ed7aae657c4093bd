/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of what waits for the database are saved once, whatever state a crash or a disk has left them in: what cannot be read is kept aside and said,
 * and does not stop what lies behind it.
 */
#include "tests/unit/app/archive/rig.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "app/archive/process/archive_process.h"
#include "app/archive/process/spool_entry.h"
#include "base/log.h"

static struct {
	char why[SQL_WHY_MAX];
	unsigned forgotten;
} g_said;

void archive_process_failed(struct archive_process *p, const char *why)
{
	(void)p;
	(void)snprintf(g_said.why, sizeof(g_said.why), "%s", why);
}

void archive_reader_forget(struct archive_process *p)
{
	(void)p;
	g_said.forgotten++;
}

uint64_t archive_stream_kept(enum archive_stream kind)
{
	(void)kind;
	return 0;
}

void archive_source_trim(struct archive_process *p, struct archive_source *s, size_t more)
{
	(void)p;
	(void)s;
	(void)more;
}

void archive_source_mark(struct archive_process *p, struct archive_source *s)
{
	(void)p;
	(void)s;
}

/* ---- a process with a folder of files ---- */

static struct archive_process g_p;
static char g_folder[64];

static void begin(struct archive *a)
{
	g_p = (struct archive_process){ .archive = a, .batch = archive_batch_new() };
	assert_non_null(g_p.batch);
	(void)snprintf(g_folder, sizeof(g_folder), "%s/of-%d", g_rig.dir, ++g_rig.databases);
	assert_int_equal(mkdir(g_folder, 0700), 0);
	archive_spool_open(&g_p, g_folder);
	assert_true(g_p.spool.is_open);
	g_said.why[0] = '\0';
	g_said.forgotten = 0;
}

static void end(void)
{
	archive_spool_close(&g_p);
	archive_batch_free(g_p.batch);
}

static const char *path_of(unsigned number, const char *ending)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/spool/%016x%s", g_folder, number, ending);
	return path;
}

/* Leg n of a stream, as the copy of its entry n. */
static void put(const char *stream, unsigned n)
{
	static uint8_t of[SPOOL_FIELDS_MAX], whole[SPOOL_ENTRY_HEAD + SPOOL_FIELDS_MAX];
	struct writer fields = writer_over(of, sizeof(of));
	struct writer w = writer_over(whole, sizeof(whole));
	char id[24], entry_id[48];
	static const char json[] =
		"{\"tenant\":\"default\",\"setup_utc_ms\":1795818990000,\"ringing_utc_ms\":0,"
		"\"answer_utc_ms\":1795818995000,\"end_utc_ms\":1795819000000,\"talk_ms\":5000,"
		"\"from\":\"1001\",\"to\":\"1002\",\"answered_by\":\"1002\",\"sip_status\":200}";
	struct archive_field list[] = { { BYTES_LIT("id"), { 0 } }, { BYTES_LIT("cdr"), { 0 } } };

	id_call_put(id, rig_call(1000 * n));
	list[0].value = bytes_mem(id, ID_TEXT_LEN);
	list[1].value = bytes_str(json);
	(void)snprintf(entry_id, sizeof(entry_id), "%lld-%u", (long long)T0, n);
	spooled_entry_write(&fields, &(struct archive_entry){
					     ARCHIVE_CDRS, bytes_str(stream), BYTES_LIT("default"),
					     bytes_str(entry_id), list, COUNT_OF(list) });
	assert_false(fields.overflow);
	spool_entry_write(&w, &(struct spool_entry){ n, 0, writer_done(&fields) });
	assert_int_equal(spool_file_write(&g_p.spool.file, writer_done(&w)), 0);
}

/* The segment that is written ends, as after a crash. */
static void crash(void)
{
	archive_spool_close(&g_p);
	g_p.spool.is_open = false;
	g_p.spool.segment = NULL;
	archive_spool_open(&g_p, g_folder);
}

/* Until there are no files. False: it has failed. */
static bool replay(void)
{
	for (int i = 0; i < 50 && !g_said.forgotten && !g_said.why[0]; i++)
		archive_spool_replay(&g_p);
	return g_said.forgotten == 1 && !g_said.why[0];
}

/* Replays; how many lines of the log have that word meanwhile. */
static unsigned replay_says(const char *word)
{
	static char text[1 << 14];
	int fd = memfd_create("log", MFD_CLOEXEC);
	unsigned n = 0;
	ssize_t got;

	assert_true(fd >= 0);
	log_setup(fd, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	assert_true(replay());
	log_setup(2, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	got = pread(fd, text, sizeof(text) - 1, 0);
	(void)close(fd);
	text[got > 0 ? got : 0] = '\0';
	for (const char *at = text; (at = strstr(at, word)); at++)
		n++;
	return n;
}

static int64_t legs(void)
{
	return rig_number(g_p.archive, "SELECT count(*) FROM leg");
}

static void two_streams(struct archive *a)
{
	begin(a);
	for (unsigned n = 1; n <= 6; n++)
		put(n % 2 ? STREAM : "td:{s2}:cdr", n);
	assert_true(replay());
	assert_int_equal(legs(), 6);
	assert_int_equal(access(path_of(1, ".cdr"), F_OK), -1);
	assert_int_equal(archive_spool_aside(&g_p), 0);
	end();
}

/* What the mark of the stream is past is saved all the same: its entries may have been dropped. Twice changes nothing. */
static void behind_the_mark(struct archive *a)
{
	struct archive_mark mark;

	begin(a);
	put(STREAM, 9);
	assert_true(replay());
	for (int again = 0; again < 2; again++) {
		g_said.forgotten = 0;
		for (unsigned n = 1; n <= 3; n++)
			put(STREAM, n);
		assert_true(replay());
		assert_int_equal(legs(), 4);
	}
	assert_int_equal(archive_mark_get(a, BYTES_LIT(STREAM), &mark), 0);
	assert_string_equal(mark.entry, "1795819000000-9");
	end();
}

/* A node was killed when half of a file was saved. */
static void again(struct archive *a)
{
	begin(a);
	for (unsigned n = 1; n <= 6; n++)
		put(n <= 3 ? STREAM : "td:{s2}:cdr", n);
	archive_spool_replay(&g_p);
	assert_int_equal(legs(), 3);
	crash();
	assert_true(replay());
	assert_int_equal(legs(), 6);
	end();
}

static void damaged(struct archive *a)
{
	int fd;

	begin(a);
	put(STREAM, 1);
	put(STREAM, 2);
	fd = open(path_of(1, ".cdr"), O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "xx", 2, SPOOL_ENTRY_HEAD + 4), 2);
	(void)close(fd);
	crash();
	put(STREAM, 3);
	assert_int_equal(replay_says("kept aside"), 1);
	assert_int_equal(legs(), 2);
	assert_int_equal(access(path_of(1, ".broken"), F_OK), 0);
	assert_int_equal(archive_spool_aside(&g_p), 1);
	end();
}

/* Here, a folder in place of a file: read() says EISDIR. */
static void unreadable(struct archive *a)
{
	begin(a);
	assert_int_equal(mkdir(path_of(1, ".cdr"), 0700), 0);
	crash();
	put(STREAM, 2);
	assert_int_equal(replay_says("Is a directory"), 1);
	assert_int_equal(legs(), 1);
	assert_int_equal(access(path_of(1, ".broken"), F_OK), 0);
	assert_int_equal(archive_spool_aside(&g_p), 1);
	end();
}

/* No descriptor is free: it is read later, and the reason is said. */
static void no_descriptor(struct archive *a)
{
	struct rlimit before, none;

	begin(a);
	put(STREAM, 1);
	crash();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 3, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	archive_spool_replay(&g_p);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_string_equal(g_said.why, "the folder archive/spool: Too many open files");
	g_said.why[0] = '\0';
	assert_true(replay());
	assert_int_equal(legs(), 1);
	end();
}

static void test_two_streams(void **state)
{
	(void)state;
	rig_both(two_streams);
}

static void test_behind_the_mark(void **state)
{
	(void)state;
	rig_both(behind_the_mark);
}

static void test_again(void **state)
{
	(void)state;
	rig_both(again);
}

static void test_damaged(void **state)
{
	(void)state;
	rig_both(damaged);
}

static void test_unreadable(void **state)
{
	(void)state;
	rig_both(unreadable);
}

static void test_no_descriptor(void **state)
{
	(void)state;
	rig_both(no_descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_streams), cmocka_unit_test(test_behind_the_mark),
		cmocka_unit_test(test_again),       cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_unreadable),  cmocka_unit_test(test_no_descriptor),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
