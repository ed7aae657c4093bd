/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "app/keeper/order.h"
#include "base/log.h"

/* A keeper needs a few ms after the end of its node. */
enum { PATIENCE_TURNS = 100, KILLED_TURNS = 1000, TURN_US = 1000 };

static bool lock_try(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_SETLK, &lock) == 0;
}

static bool lock_await(int fd, int turns)
{
	while (turns-- > 0) {
		if (lock_try(fd))
			return true;
		(void)usleep(TURN_US);
	}
	return false;
}

static void holder_kill(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK || lock.l_pid <= 0)
		return;
	LOG_WARN("keeper", 0, "the keeper of an earlier start hangs: it is ended",
		 LOG_INT("pid", lock.l_pid));
	(void)kill(lock.l_pid, SIGKILL);
}

int keeper_lock(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/keeper", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (lock_await(fd, PATIENCE_TURNS))
		return fd;
	holder_kill(fd);
	if (lock_await(fd, KILLED_TURNS))
		return fd;
	(void)close(fd);
	return -EBUSY;
}
