/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with descriptors over a SOCK_SEQPACKET pair (SCM_RIGHTS), between the node, its keeper
 * and its children. Any thread. */
#ifndef APP_CHILD_DESCRIPTORS_H
#define APP_CHILD_DESCRIPTORS_H

#include <sys/types.h>

#include "base/bytes.h"

enum { DESCRIPTORS_MAX = 248 }; /* the kernel takes 253 at a time */

/* The descriptors stay the sender's.
 * 0, -EAGAIN (flags has MSG_DONTWAIT), -EPIPE (the peer is gone) or -errno. */
int descriptors_send(int to, struct bytes message, const int *fds, uint32_t count,
		     int flags) NODISCARD;
/* Receives at most *count descriptors, owned by the caller, and their number. Returns the octets of
 * the message; 0: the peer is gone; or -errno: -EAGAIN as above, -EMFILE: no room for all
 * descriptors, so none is kept. */
ssize_t descriptors_receive(int from, void *message, size_t size, int *fds, uint32_t *count,
			    int flags) NODISCARD;

#endif
