/* SPDX-License-Identifier: Apache-2.0 */
/* One command and its answer by the socket of a node of this machine, which needs no Redis (control_local.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/ctl/ctl.h"

enum { WAIT_S = 5, ANSWER_STEP = 64 * 1024, ANSWER_MAX = 64 * 1024 * 1024 };

/* -1: nobody is there, or it is not for us. */
static int local_connect(const char *path)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = -1;

	if (strlen(path) < sizeof(at.sun_path))
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static bool local_write(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		text += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* It has the command, and may still do it: the same by Redis could be done as well. */
static json_t *local_late(void)
{
	return json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "code", "uncertain", "message",
			 "the node of this machine has the command, and does not answer: it may or "
			 "may not have happened");
}

/* A line, or NULL: it hung up. */
static json_t *local_read(int fd)
{
	char *text = NULL;
	size_t n = 0, room = 0;
	json_t *answer = NULL;
	bool late = false;

	while (n < ANSWER_MAX && (n == 0 || text[n - 1] != '\n')) {
		char *more = n + ANSWER_STEP > room ? realloc(text, room = 2 * room + ANSWER_STEP)
						    : text;
		ssize_t got = more ? recv(fd, more + n, room - n, 0) : -1;

		text = more ? more : text;
		if (got < 0 && more && errno == EINTR)
			continue;
		late = got < 0 && more && errno == EAGAIN;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (late)
		answer = local_late();
	else if (n && text[n - 1] == '\n')
		answer = json_loadb(text, n, 0, NULL);
	free(text);
	return answer;
}

static char *request_text(const struct ctl_target *target, const struct ctl_request *request)
{
	json_t *json =
		json_pack("{s:s, s:s, s:O, s:s*, s:s*}", "id", request->id, "do", request->command,
			  "args", request->args, "tenant", target->tenant, "role", target->role);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

json_t *ctl_local_send(const struct ctl_target *target, const struct ctl_request *request)
{
	int fd = target->local[0] ? local_connect(target->local) : -1;
	char *text = fd >= 0 ? request_text(target, request) : NULL;
	json_t *answer = NULL;

	if (text && local_write(fd, text, strlen(text)) && local_write(fd, "\n", 1))
		answer = local_read(fd);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	if (fd >= 0)
		(void)close(fd);
	return answer;
}
