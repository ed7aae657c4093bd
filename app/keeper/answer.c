/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/socket.h>

#include "app/keeper/order.h"

enum { FDS_SPACE = CMSG_SPACE(sizeof(int) * EGRESS_FDS_MAX) };

static void fds_put(struct msghdr *m, const int *fds, uint32_t count)
{
	struct cmsghdr *c;

	m->msg_controllen = CMSG_SPACE(sizeof(int) * count);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
}

void keeper_answer_send(int to, const struct keeper_answer *answer, const int *fds, uint32_t count)
{
	_Alignas(struct cmsghdr) uint8_t control[FDS_SPACE] = { 0 };
	struct keeper_answer copy = *answer;
	struct iovec part = { &copy, sizeof(copy) };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	copy.fd_count = count;
	if (count) {
		m.msg_control = control;
		fds_put(&m, fds, count);
	}
	(void)sendmsg(to, &m, MSG_NOSIGNAL);
}

/* False: not those that were promised. */
static bool fds_take(struct msghdr *m, struct keeper_answer *answer)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t n = sizeof(int) * answer->fd_count;

	if (!answer->fd_count)
		return true;
	if (!c || c->cmsg_type != SCM_RIGHTS || answer->fd_count > EGRESS_FDS_MAX ||
	    c->cmsg_len != CMSG_LEN(n))
		return false;
	memcpy(answer->fds, CMSG_DATA(c), n);
	return true;
}

int keeper_answer_receive(int from, struct keeper_answer *answer)
{
	_Alignas(struct cmsghdr) uint8_t control[FDS_SPACE];
	struct iovec part = { answer, sizeof(*answer) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	return n == (ssize_t)sizeof(*answer) && fds_take(&m, answer) ? 0 : -EPIPE;
}
