/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with descriptors over a SOCK_SEQPACKET (SCM_RIGHTS). */
#ifndef APP_KEEPER_DESCRIPTORS_H
#define APP_KEEPER_DESCRIPTORS_H

#include <sys/types.h>

#include "base/bytes.h"

enum { DESCRIPTORS_MAX = 248 }; /* the kernel takes 253 at a time */

/* The descriptors stay the sender's. 0, -EAGAIN (flags has MSG_DONTWAIT), -EPIPE (nobody is there any more) or -errno. */
int descriptors_send(int to, struct bytes message, const int *fds, uint32_t count,
		     int flags) NODISCARD;
/*
 * At most *count descriptors, which are the receiver's, and how many there were. The octets of the message; 0: the other end is gone; or
 * -errno: -EAGAIN as above, -EMFILE: there is no room for all of the descriptors, so none is kept.
 */
ssize_t descriptors_receive(int from, void *message, size_t size, int *fds, uint32_t *count,
			    int flags) NODISCARD;

#endif
