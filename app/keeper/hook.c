/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's side, and what a program must be. */
#include "app/keeper/hook.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/keeper/hook_process.h"
#include "base/privilege.h"

/* Who may write it decides what runs with the node's rights. */
const char *hook_fault(const char *program)
{
	struct stat st;

	if (program[0] != '/')
		return "is no absolute path";
	if (lstat(program, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is no regular file";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "belongs to somebody else than root and the node's user";
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return "may be written by others: chmod go-w";
	if (access(program, X_OK) != 0)
		return "may not be run by the node's user: chmod a+rx";
	return NULL;
}

static void hook_child(int orders, const struct hook_settings *s)
{
	(void)prctl(PR_SET_NAME, "tandem-hooks");
	if (orders > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)orders - 1, 0);
	(void)close_range((unsigned)orders + 1, ~0U, 0);
	privilege_drop_all();
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	hook_process(orders, s);
	_exit(0);
}

int hook_fork(struct hook *out, const struct hook_settings *s)
{
	int ends[2], err = 0;

	out->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	out->pid = fork();
	if (out->pid == 0)
		hook_child(ends[1], s);
	if (out->pid < 0)
		err = -errno;
	(void)close(ends[1]);
	if (err)
		(void)close(ends[0]);
	else
		out->fd = ends[0];
	return err;
}

/* What does not fit is lost: so many orders wait that a later one is among them. */
void hook_tell(const struct hook *h, enum hook_word word, const struct addr *ip, uint16_t shard)
{
	struct hook_order order;

	if (h->fd < 0)
		return;
	memset(&order, 0, sizeof(order));
	order.word = word;
	order.shard = shard;
	if (ip)
		order.ip = *ip;
	(void)!send(h->fd, &order, sizeof(order), MSG_DONTWAIT | MSG_NOSIGNAL);
}

int hook_hear(const struct hook *h, enum hook_result *result, struct addr *ip)
{
	struct hook_said said;
	ssize_t n = recv(h->fd, &said, sizeof(said), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n != (ssize_t)sizeof(said) || said.result >= HOOK_RESULTS)
		return -EPIPE;
	*result = said.result;
	*ip = said.ip;
	return 0;
}

void hook_close(struct hook *h)
{
	if (h->fd >= 0)
		(void)close(h->fd);
	h->fd = -1;
}
