/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes files so that a crash or power cut leaves either the old content or the new one, never a
 * part: the text goes into a new file, which is synced together with its folder before it is
 * renamed. Settings, keys, certificates, documents and the facts of recordings are written through
 * it. It also opens files for reading without following links or waiting on a FIFO, and tests
 * whether a folder takes new files.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* Uses a file without a name, which vanishes when it is closed. access(2) would not notice a full
 * disk, or a file where a folder should be. */
static int folder_try_one(const char *path)
{
	int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd >= 0) {
		(void)close(fd);
		return 0;
	}
	/* file systems without such files */
	if ((errno == EOPNOTSUPP || errno == EISDIR) && access(path, W_OK | X_OK) == 0)
		return 0;
	return -errno;
}

int folder_try(const char *path)
{
	char up[PATH_MAX];
	int err = folder_try_one(path);

	(void)snprintf(up, sizeof(up), "%s", path);
	while (err == -ENOENT) {
		char *slash = strrchr(up, '/');

		if (!slash)
			return folder_try_one(".");
		if (slash == up)
			return folder_try_one("/");
		*slash = '\0';
		err = folder_try_one(up);
	}
	return err;
}

static int write_whole(int fd, struct bytes text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text = bytes_from(text, (size_t)n);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A new name is on the disk only once its folder is. */
static int folder_sync(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int fd, err = 0;

	if (bytes_cstr(slash ? bytes_mem(path, (size_t)(slash - path) + 1) : BYTES_LIT("."), folder,
		       sizeof(folder)))
		return -ENAMETOOLONG;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		err = -errno;
	(void)close(fd);
	return err;
}

static int file_write(const char *path, unsigned mode, struct bytes text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	int err;

	if (fd < 0)
		return -errno;
	err = write_whole(fd, text);
	if (close(fd) < 0 && !err)
		err = -errno;
	if (err)
		(void)unlink(path);
	return err;
}

int file_read_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0) /* a socket; a link */
		return errno == ENXIO || errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return -EBADMSG;
}

int file_create(const char *path, unsigned mode, struct bytes text)
{
	int err = file_write(path, mode, text);

	if (err)
		return err;
	err = folder_sync(path);
	if (err)
		(void)unlink(path);
	return err;
}

int file_replace(const char *path, unsigned mode, struct bytes text)
{
	char other[PATH_MAX];
	int err;

	if ((size_t)snprintf(other, sizeof(other), "%s.new", path) >= sizeof(other))
		return -ENAMETOOLONG;
	if (unlink(other) < 0 && errno != ENOENT) /* of one that died */
		return -errno;
	err = file_write(other, mode, text);
	if (err)
		return err;
	if (rename(other, path) < 0) {
		err = -errno;
		(void)unlink(other);
		return err;
	}
	return folder_sync(path);
}
