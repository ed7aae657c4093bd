/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/spool/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAITING ".cdr"
#define BROKEN  ".broken"
enum { NUMBER_DIGITS = 16, NAME_MAX_LEN = 32 };

static void spool_name_write(char name[NAME_MAX_LEN], uint64_t number, const char *suffix)
{
	(void)snprintf(name, NAME_MAX_LEN, "%016" PRIx64 "%s", number, suffix);
}

/* 0 when it is not the name of a segment with this suffix. */
static uint64_t name_number(const char *name, const char *suffix)
{
	uint8_t raw[8];
	size_t n;

	if (strlen(name) < NUMBER_DIGITS || strcmp(name + NUMBER_DIGITS, suffix) != 0)
		return 0;
	if (hex_decode(bytes_mem(name, NUMBER_DIGITS), raw, sizeof(raw), &n) != 0)
		return 0;
	return ((uint64_t)be32_get(raw) << 32) | be32_get(raw + 4);
}

/* The oldest segment that waits, and the highest number of all; 0 when there is none. */
static int scan(struct spool_file *f, uint64_t *first, uint64_t *last)
{
	int fd = openat(f->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int err = dir ? 0 : -errno;

	*first = *last = 0;
	while (dir && (entry = readdir(dir)) != NULL) {
		uint64_t number = name_number(entry->d_name, WAITING);
		uint64_t broken = name_number(entry->d_name, BROKEN);

		if (number && (!*first || number < *first))
			*first = number;
		number = number > broken ? number : broken;
		*last = *last > number ? *last : number;
	}
	if (dir) {
		(void)closedir(dir);
	} else if (fd >= 0) {
		(void)close(fd);
	}
	return err;
}

int spool_file_open(struct spool_file *f, const char *dir)
{
	uint64_t first;
	int err;

	*f = (struct spool_file){ .dir_fd = -1, .fd = -1 };
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0)
		return -errno;
	err = scan(f, &first, &f->number);
	if (err)
		spool_file_close(f);
	return err;
}

static void segment_end(struct spool_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	f->size = 0;
}

void spool_file_close(struct spool_file *f)
{
	segment_end(f);
	if (f->dir_fd >= 0)
		(void)close(f->dir_fd);
	f->dir_fd = -1;
}

static int segment_begin(struct spool_file *f)
{
	char name[NAME_MAX_LEN];

	spool_name_write(name, f->number + 1, WAITING);
	f->fd = openat(f->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -errno;
	f->number++;
	f->size = 0;
	if (fsync(f->dir_fd) == 0)
		return 0;
	segment_end(f);
	return -EIO;
}

static int spool_write(int fd, struct bytes in)
{
	while (in.n > 0) {
		ssize_t n = write(fd, in.p, in.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		in = bytes_from(in, (size_t)n);
	}
	return 0;
}

int spool_file_write(struct spool_file *f, struct bytes in)
{
	int err = f->fd < 0 ? segment_begin(f) : 0;

	if (err)
		return err;
	err = spool_write(f->fd, in);
	if (!err) {
		f->size += in.n;
	} else if (ftruncate(f->fd, (off_t)f->size) < 0) {
		segment_end(f); /* what is behind a torn entry would be hard to find */
	}
	return err;
}

int spool_file_sync(struct spool_file *f)
{
	int err = f->fd < 0 || fdatasync(f->fd) == 0 ? 0 : -errno;

	/* after a failed sync nobody knows what of the file is on disk: begin another */
	if (err || f->size >= SPOOL_SEGMENT_MAX)
		segment_end(f);
	return err;
}

static int read_all(int fd, uint8_t **out, size_t *n)
{
	struct stat st;
	uint8_t *p;
	ssize_t got = 1;

	if (fstat(fd, &st) < 0)
		return -errno;
	p = malloc((size_t)st.st_size + 1);
	if (!p)
		return -ENOMEM;
	for (*n = 0; *n < (size_t)st.st_size && got > 0; *n += (size_t)got) {
		got = read(fd, p + *n, (size_t)st.st_size - *n);
		if (got < 0) {
			free(p);
			return -errno;
		}
	}
	*out = p;
	return 0;
}

int spool_file_read(struct spool_file *f, uint64_t *number, uint8_t **out, size_t *n)
{
	char name[NAME_MAX_LEN];
	uint64_t last;
	int err = scan(f, number, &last);
	int fd;

	if (!err && !*number)
		err = -ENOENT;
	if (err)
		return err;
	if (f->fd >= 0 && *number == f->number)
		segment_end(f);
	spool_name_write(name, *number, WAITING);
	fd = openat(f->dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = read_all(fd, out, n);
	(void)close(fd);
	return err;
}

int spool_file_remove(struct spool_file *f, uint64_t number, bool aside)
{
	char name[NAME_MAX_LEN], broken[NAME_MAX_LEN];
	int err;

	spool_name_write(name, number, WAITING);
	spool_name_write(broken, number, BROKEN);
	err = aside ? renameat(f->dir_fd, name, f->dir_fd, broken) : unlinkat(f->dir_fd, name, 0);
	/* it must not come back after a power failure: Redis forgets then that it has these CDRs */
	return err < 0 || fsync(f->dir_fd) < 0 ? -errno : 0;
}
