/* SPDX-License-Identifier: Apache-2.0 */
/* The octets of a link: a non-blocking socket, in the clear or in TLS. */
#ifndef CLUSTER_REDIS_SOCKET_H
#define CLUSTER_REDIS_SOCKET_H

#include <sys/types.h>

#include "base/bytes.h"

struct tls;
struct tls_link;

struct redis_socket {
	int fd;               /* owned; -1: none */
	struct tls_link *tls; /* owned; NULL: in the clear */
};

/* From here on in TLS with that host. 0 or -ENOMEM. */
int redis_socket_secure(struct redis_socket *s, struct tls *tls, const char *host) NODISCARD;
/* 0: done, -EAGAIN, -EPROTO with *why, a constant word. */
int redis_socket_handshake(struct redis_socket *s, const char **why) NODISCARD;
/* Octets, 0: the end, -errno; -EAGAIN: not now. */
ssize_t redis_socket_read(struct redis_socket *s, void *p, size_t n) NODISCARD;
ssize_t redis_socket_write(struct redis_socket *s, const void *p, size_t n) NODISCARD;
/* What the last -EAGAIN of a handshake or a read waits for is room to write. */
bool redis_socket_wants_write(const struct redis_socket *s);
void redis_socket_close(struct redis_socket *s);

#endif
