/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's end of the socket pair to the node, and its confinement. tandem-helper, its webhooks
 * mode and tandem-store use it. A process may hold passwords and speaks with the internet: it
 * cannot be dumped or traced, gains no privileges (no_new_privs), keeps no descriptor of the node,
 * and dies with it.
 */

#include "app/helper/node_link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/privilege.h"

enum { LINK_PIECE = 65536, LINK_LINE_MAX = 8 << 20, SEND_LIMIT_MS = 5000 };

bool node_link_is(int fd, int type)
{
	int found = 0;
	socklen_t n = sizeof(found);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &n) && found == type;
}

void node_link_confine(int highest)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_DUMPABLE, 0); /* passwords */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)close_range((unsigned)highest + 1, ~0U, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);
	privilege_drop_all();
}

static bool node_link_room(struct node_link *l)
{
	size_t cap = l->in_cap ? l->in_cap * 2 : LINK_PIECE;
	char *more;

	if (l->in_cap - l->in_n >= LINK_PIECE / 2)
		return true;
	more = cap <= LINK_LINE_MAX ? malloc(cap) : NULL;
	if (!more)
		return false;
	if (l->in_n)
		memcpy(more, l->in, l->in_n);
	if (l->in)
		explicit_bzero(l->in, l->in_cap); /* secrets */
	free(l->in);
	l->in = more;
	l->in_cap = cap;
	return true;
}

static void node_link_lines(struct node_link *l, void (*on_line)(const json_t *line, void *arg),
			    void *arg)
{
	char *end;

	while (l->in_n && (end = memchr(l->in, '\n', l->in_n))) {
		size_t n = (size_t)(end - l->in) + 1;
		json_t *line = json_loadb(l->in, n, 0, NULL);

		on_line(line, arg);
		json_decref(line);
		l->in_n -= n;
		memmove(l->in, l->in + n, l->in_n);
		explicit_bzero(l->in + l->in_n, n);
	}
}

bool node_link_read(struct node_link *l, void (*on_line)(const json_t *line, void *arg), void *arg)
{
	ssize_t n;

	do {
		if (!node_link_room(l))
			return false;
		n = recv(l->fd, l->in + l->in_n, l->in_cap - l->in_n, MSG_DONTWAIT);
		if (n > 0) {
			l->in_n += (size_t)n;
			node_link_lines(l, on_line, arg);
		}
	} while (n > 0);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* The node reads at once; one that does not for long is gone, or will stop soon. */
static void node_link_write(const struct node_link *l, const char *text, size_t n)
{
	struct pollfd wait = { .fd = l->fd, .events = POLLOUT };

	while (n) {
		ssize_t sent = send(l->fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			text += sent;
			n -= (size_t)sent;
		} else if (errno != EAGAIN || poll(&wait, 1, SEND_LIMIT_MS) <= 0) {
			return;
		}
	}
}

void node_link_send(const struct node_link *l, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	json_decref(line);
	if (!text)
		return;
	node_link_write(l, text, strlen(text));
	node_link_write(l, "\n", 1);
	free(text);
}

void node_link_close(struct node_link *l)
{
	if (l->in)
		explicit_bzero(l->in, l->in_cap);
	free(l->in);
	*l = (struct node_link){ .fd = -1 };
}
