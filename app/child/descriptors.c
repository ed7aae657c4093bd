/* SPDX-License-Identifier: Apache-2.0 */
/* Sends and receives messages with file descriptors (SCM_RIGHTS). The receiver refuses a message
 * that has more descriptors than it has room for, and closes all of them: a partial set of sockets
 * would be worse than another request for them. */

#include "app/child/descriptors.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SPACE = CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX) };

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

int descriptors_send(int to, struct bytes message, const int *fds, uint32_t count, int flags)
{
	_Alignas(struct cmsghdr) uint8_t control[SPACE];
	struct iovec part = { (void *)(uintptr_t)message.p, message.n };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	assert(count <= DESCRIPTORS_MAX);
	if (count) {
		memset(control, 0, CMSG_SPACE(sizeof(int) * count));
		m.msg_control = control;
		fds_put(&m, fds, count);
	}
	return sendmsg(to, &m, flags | MSG_NOSIGNAL) == (ssize_t)message.n ? 0 : -errno;
}

static uint32_t message_fds_read(struct msghdr *m, int *fds, uint32_t room)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	uint32_t count;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	assert(count <= room);
	memcpy(fds, CMSG_DATA(c), sizeof(int) * count);
	return count;
}

ssize_t descriptors_receive(int from, void *message, size_t size, int *fds, uint32_t *count,
			    int flags)
{
	_Alignas(struct cmsghdr) uint8_t control[SPACE];
	struct iovec part = { message, size };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_SPACE(sizeof(int) * *count) };
	ssize_t n;
	uint32_t room = *count;

	assert(*count <= DESCRIPTORS_MAX);
	*count = 0;
	n = recvmsg(from, &m, flags | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	*count = message_fds_read(&m, fds, (room + 1) & ~1U); /* CMSG_SPACE rounds up */
	if (!(m.msg_flags & MSG_CTRUNC) && *count <= room)
		return n;
	while (*count)
		(void)close(fds[--*count]);
	return -EMFILE;
}
