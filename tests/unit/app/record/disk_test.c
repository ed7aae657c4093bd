/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/record/disk.h"
#include "base/clock.h"

enum { SILENCE = 0xd5, MOST = 8 << 20 };

static char g_folder[64];
static uint8_t g_read[MOST], g_want[MOST];

static int folder_setup(void **state)
{
	(void)state;
	(void)snprintf(g_folder, sizeof(g_folder), "/tmp/disk_test.XXXXXX");
	return mkdtemp(g_folder) ? 0 : -1;
}

static int folder_teardown(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", g_folder);
	return system(command);
}

static const char *path_of(const char *name)
{
	static char path[2][256];
	static unsigned i;

	(void)snprintf(path[++i % 2], sizeof(path[0]), "%s/%s", g_folder, name);
	return path[i % 2];
}

static void disk_run(struct disk *d, const struct disk_file *f)
{
	for (unsigned i = 0; f->state != DISK_DONE && i < 3000; i++) {
		disk_poll(d, clock_now_ns());
		(void)poll(NULL, 0, 2);
	}
	assert_int_equal(f->state, DISK_DONE);
}

static char *sidecar_make(void)
{
	char *text = malloc(3);

	memcpy(text, "{}\n", 3);
	return text;
}

static size_t file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, g_read, sizeof(g_read));

	(void)close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static void disk_begin(struct disk *d, bool plain)
{
	assert_int_equal(disk_open(d, 4), 0);
	if (plain && !d->plain) {
		io_uring_queue_exit(&d->ring);
		d->plain = true;
	}
}

/* Chunks of odd sizes, what was written before written again, and the head in the end. */
static void file_of(bool plain, const char *name)
{
	static struct disk_file f;
	struct disk d;
	uint64_t at = 0;
	uint32_t seed = 1;
	struct stat st;

	disk_begin(&d, plain);
	disk_file_start(&d, &f, path_of(name), SILENCE);
	for (uint32_t i = 0; i < 400; i++) {
		uint64_t from;
		size_t n;

		seed = seed * 1664525 + 1013904223;
		n = 1 + (seed >> 8) % 9000;
		from = i % 3 == 0 && at > 5000 ? at - 5000 : at;
		for (size_t k = 0; k < n; k++)
			g_want[from + k] = (uint8_t)(seed + k * 7);
		while (!disk_file_write(&d, &f, from, bytes_mem(g_want + from, n)))
			disk_poll(&d, clock_now_ns());
		if (from + n > at)
			at = from + n;
		if (i % 5 == 0)
			disk_poll(&d, clock_now_ns());
	}
	memcpy(g_want, "head", 4);
	disk_file_end(&d, &f, BYTES_LIT("head"), sidecar_make(), 3);
	disk_run(&d, &f);
	assert_int_equal(f.error, 0);
	assert_int_equal(f.octets, at);
	assert_int_equal(file_read(f.path), at);
	assert_memory_equal(g_read, g_want, at);
	assert_int_equal(stat(f.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(f.sidecar_path), 3);
	assert_int_equal(d.free_count, d.chunk_count);
	assert_int_equal(d.counts.files, 0);
	disk_close(&d);
}

static void test_file(void **state)
{
	(void)state;
	file_of(false, "tenant/day/one.wav");
}

static void test_file_without_uring(void **state)
{
	(void)state;
	file_of(true, "other/day/one.wav");
}

/* A disk that does nothing: what has no room becomes silence, as often as that happens, and what was told to be there is there. */
static void test_holes(void **state)
{
	static struct disk_file f;
	static bool lost[MOST / 1000];
	struct disk d;
	uint64_t at = 0;

	(void)state;
	memset(lost, 0, sizeof(lost));
	disk_begin(&d, false);
	disk_file_start(&d, &f, path_of("tenant/day/holes.wav"), SILENCE);
	for (uint32_t i = 0; i < 6000; i++, at += 1000) {
		memset(g_want + at, (int)(i % 200) + 1, 1000);
		if (disk_file_write(&d, &f, at, bytes_mem(g_want + at, 1000))) {
			;
		} else {
			uint64_t from = disk_file_hole(&d, &f, at, 1000);

			assert_true(from <= at && from % 1000 == 0);
			memset(g_want + from, SILENCE, at + 1000 - from);
			lost[i] = true;
		}
		/* now and then it does a little */
		if (i % 1500 > 1450)
			disk_poll(&d, clock_now_ns());
		if (i % 1500 == 1499)
			(void)poll(NULL, 0, 5);
	}
	assert_true(lost[1400]);
	disk_file_end(&d, &f, bytes_mem(NULL, 0), sidecar_make(), 3);
	disk_run(&d, &f);
	assert_int_equal(f.error, 0);
	assert_int_equal(file_read(f.path), at);
	assert_memory_equal(g_read, g_want, at);
	assert_int_equal(d.free_count, d.chunk_count);
	disk_close(&d);
}

static void test_name_taken(void **state)
{
	static struct disk_file f, g;
	struct disk d;

	(void)state;
	disk_begin(&d, false);
	disk_file_start(&d, &f, path_of("a/b/taken.wav"), SILENCE);
	assert_true(disk_file_write(&d, &f, 0, BYTES_LIT("first")));
	disk_file_end(&d, &f, bytes_mem(NULL, 0), sidecar_make(), 3);
	disk_run(&d, &f);
	disk_file_start(&d, &g, f.path, SILENCE);
	assert_true(disk_file_write(&d, &g, 0, BYTES_LIT("second")));
	for (unsigned i = 0; !g.taken && i < 3000; i++) {
		disk_poll(&d, clock_now_ns());
		(void)poll(NULL, 0, 2);
	}
	assert_true(g.taken);
	disk_file_name(&g, path_of("a/b/free.wav"));
	disk_file_end(&d, &g, bytes_mem(NULL, 0), sidecar_make(), 3);
	disk_run(&d, &g);
	assert_int_equal(file_read(g.path), 6);
	assert_int_equal(file_read(f.path), 5);
	disk_close(&d);
}

/* A folder that is a file: the error is told, and nothing is left. */
static void test_no_folder(void **state)
{
	static struct disk_file f;
	struct disk d;

	(void)state;
	disk_begin(&d, false);
	(void)close(open(path_of("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	disk_file_start(&d, &f, path_of("file/day/one.wav"), SILENCE);
	assert_true(disk_file_write(&d, &f, 0, BYTES_LIT("octets")));
	disk_run(&d, &f);
	assert_int_equal(f.error, -ENOTDIR);
	assert_int_equal(d.free_count, d.chunk_count);
	assert_false(disk_file_write(&d, &f, 0, BYTES_LIT("octets")));
	disk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),      cmocka_unit_test(test_file_without_uring),
		cmocka_unit_test(test_holes),     cmocka_unit_test(test_name_taken),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
