/* SPDX-License-Identifier: Apache-2.0 */
/* Reads files that the settings name, whole and at once: a secret that its owner alone may read,
 * and certificates that recordings are encrypted for. tandem-store and logins get what they say,
 * and the check of settings tells what is wrong with them. */

#include "app/node/node_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

const char *node_secret_read(const char *path, char out[NODE_SECRET_MAX])
{
	struct stat st;
	ssize_t n;
	int fd;

	out[0] = '\0';
	if (!path[0])
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO))) {
		(void)close(fd);
		return "it must be a file that its owner alone may read: chmod 600";
	}
	n = read(fd, out, NODE_SECRET_MAX - 1);
	(void)close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return out[0] ? NULL : "it is empty";
}

static const char *seal_read(const char *path, char out[ENVELOPE_PEM_MAX])
{
	struct stat st;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = fd < 0 ? errno : 0;

	out[0] = '\0';
	if (err)
		return strerror(err);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		err = EINVAL;
	else if ((n = read(fd, out, ENVELOPE_PEM_MAX)) < 0)
		err = errno;
	(void)close(fd);
	if (!err && n < ENVELOPE_PEM_MAX) {
		out[n] = '\0';
		return NULL;
	}
	out[0] = '\0';
	return err ? strerror(err) : "it is too long: at most 32 KiB";
}

bool node_certificate_read(const char *path, char pem[ENVELOPE_PEM_MAX],
			   char reason[ENVELOPE_REASON_MAX], uint64_t *expires_utc_s)
{
	const char *why = seal_read(path, pem);

	*expires_utc_s = UINT64_MAX;
	if (!why)
		return envelope_fits(bytes_str(pem), expires_utc_s, reason);
	(void)snprintf(reason, ENVELOPE_REASON_MAX, "%s", why);
	return false;
}
