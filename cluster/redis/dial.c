/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"

#define BACKOFF_FIRST_NS (20 * NS_PER_MS)
#define BACKOFF_HELD_NS  NS_PER_S

static int connect_start(int fd, const struct sockaddr *sa, socklen_t size)
{
	int err;

	if (connect(fd, sa, size) == 0 || errno == EINPROGRESS)
		return fd;
	err = -errno; /* of a unix socket EAGAIN: its backlog is full */
	(void)close(fd);
	return err;
}

static int dial_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	memcpy(sun.sun_path, path, strnlen(path, sizeof(sun.sun_path) - 1));
	return connect_start(fd, (const struct sockaddr *)&sun, sizeof(sun));
}

static int dial_tcp(const struct addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t size = addr_to_sockaddr(addr, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	/* pipelines are written once per round already: waiting for more would only cost time */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	return connect_start(fd, (const struct sockaddr *)&ss, size);
}

int redis_dial(const struct redis_url *url, const struct addr *addr)
{
	return url->path[0] ? dial_unix(url->path) : dial_tcp(addr);
}

uint64_t redis_backoff_next(struct redis_backoff *b, uint64_t up_ns, struct rand_source *rand)
{
	uint64_t wait_ns = BACKOFF_FIRST_NS;

	if (up_ns >= BACKOFF_HELD_NS)
		b->failures = 0;
	for (uint32_t i = 0; i < b->failures && wait_ns < b->max_ns; i++)
		wait_ns *= 2;
	if (wait_ns > b->max_ns)
		wait_ns = b->max_ns;
	b->failures += b->failures < 64;
	return wait_ns -
	       (uint64_t)rand_below(rand, (uint32_t)(wait_ns / NS_PER_US / 2) + 1) * NS_PER_US;
}
