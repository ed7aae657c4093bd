/* SPDX-License-Identifier: Apache-2.0 */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A file without a name is gone when it is closed; access(2) would know no full disk, and no folder that is a file. */
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
