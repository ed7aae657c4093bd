/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/embedded/probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 4096, PATIENCE_US = 200000 };

static int patience_set(int fd)
{
	struct timeval tv = { .tv_usec = PATIENCE_US };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return -errno;
	return 0;
}

static int probe_dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	memcpy(sun.sun_path, path, strnlen(path, sizeof(sun.sun_path) - 1));
	err = patience_set(fd);
	if (!err && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
		err = -errno;
	if (!err)
		return fd;
	(void)close(fd);
	return err;
}

/* Reads until the answer ends with a line end, which both answers do. */
static int probe_ask(int fd, const char *command, char answer[ANSWER_MAX])
{
	size_t n = 0;

	if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		return -errno;
	while (n == 0 || answer[n - 1] != '\n') {
		ssize_t got = n < ANSWER_MAX - 1 ? recv(fd, answer + n, ANSWER_MAX - 1 - n, 0) : 0;

		if (got <= 0)
			return got < 0 ? -errno : -EPROTO;
		n += (size_t)got;
	}
	answer[n] = 0;
	return 0;
}

/* "process_id:123\r\n" within INFO. */
static int pid_read(const char *info, int32_t *pid)
{
	const char *at = strstr(info, "process_id:");
	struct bytes text = bytes_str(at ? at + strlen("process_id:") : "");
	uint32_t value;

	if (bytes_u32(bytes_sub(text, 0, bytes_find(text, '\r')), &value) != 0 || value > INT32_MAX)
		return -EPROTO;
	*pid = (int32_t)value;
	return 0;
}

static int talk(int fd, int32_t *pid)
{
	char answer[ANSWER_MAX];
	int err = probe_ask(fd, "PING\r\n", answer);

	if (err)
		return err;
	if (!bytes_starts(bytes_str(answer), "+PONG"))
		return bytes_starts(bytes_str(answer), "-LOADING") ? -EAGAIN : -EPROTO;
	err = probe_ask(fd, "INFO server\r\n", answer);
	return err ? err : pid_read(answer, pid);
}

int embedded_probe(const char *socket_path, int32_t *pid)
{
	int fd = probe_dial(socket_path);
	int err;

	if (fd < 0)
		return fd;
	err = talk(fd, pid);
	(void)close(fd);
	return err;
}
