/* SPDX-License-Identifier: Apache-2.0 */
/* Into a shared folder, by a child: it may hang there as long as it likes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/deliver/place.h"
#include "app/deliver/transfer.h"

enum { COPY_PIECE = 1 << 20 };

/* base itself must be there. */
static int copy_folders(const char *base, const char *path)
{
	struct stat st;

	return stat(base, &st) < 0 ? -errno : folder_make(base, path);
}

static int copy_octets(int from, int to)
{
	ssize_t n;

	do {
		n = sendfile(to, from, NULL, COPY_PIECE);
	} while (n > 0);
	return n < 0 || fsync(to) < 0 ? -errno : 0;
}

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out, err;

	if (in < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = out < 0 ? -errno : copy_octets(in, out);
	if (out >= 0 && close(out) < 0 && !err)
		err = -errno;
	(void)close(in);
	return err;
}

/* A rename counts when its folder is on the disk. */
static int copy_folder_sync(const char *file)
{
	char folder[FOLDER_PATH_MAX];
	int fd, err;

	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(file, '/') - file), file);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fsync(fd) < 0 ? -errno : 0;
	(void)close(fd);
	return err;
}

static int copy_run(const struct transfer *t, const char *from, const char *ending)
{
	char to[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX];
	int err = copy_folders(t->to.url, t->path);

	folder_path(to, t->to.url, t->path, ending);
	if (snprintf(part, sizeof(part), "%s" PLACE_PART, to) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	if (!err)
		err = copy_file(from, part);
	if (!err && rename(part, to) < 0)
		err = -errno;
	return err ? err : copy_folder_sync(to);
}

int transfer_copy(struct transfer *t, const char *from, const char *ending)
{
	pid_t parent = getpid();

	t->child = fork();
	if (t->child < 0) {
		t->child = 0;
		return -errno;
	}
	if (!t->child) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == parent ? -copy_run(t, from, ending) : EINTR);
	}
	t->child_end = (int)syscall(SYS_pidfd_open, t->child, 0);
	return t->child_end < 0 ? -errno : 0;
}
