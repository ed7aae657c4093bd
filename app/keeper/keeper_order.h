/* SPDX-License-Identifier: Apache-2.0 */
/* What node and keeper say to each other, each a message of a SOCK_SEQPACKET pair: an order, and struct keeper_answer. */
#ifndef APP_KEEPER_KEEPER_ORDER_H
#define APP_KEEPER_KEEPER_ORDER_H

#include <stddef.h>
#include <sys/types.h>

#include "app/keeper/keeper.h"
#include "base/bytes.h"

enum keeper_word { KEEPER_TAKE, KEEPER_LEAVE, KEEPER_NOTICE, KEEPER_REMAIN };

/* Sent as long as its datagram is; of KEEPER_REMAIN that is the word, and descriptors come with it. */
struct keeper_order {
	enum keeper_word word;
	char interface[KEEPER_INTERFACE_MAX];
	struct addr address;
	uint8_t datagram[KEEPER_DATAGRAM_MAX];
};

static_assert((int)REMAINS_WORD_MAX <= (int)KEEPER_DATAGRAM_MAX, "a word is in an order");

/* The keeper's side; sockets: of sockets_kept_open, or -1. Returns when the node is gone and all is done. */
void keeper_run(int orders, int sockets, const struct keeper_settings *s);

/* Of a socket pair's ends. Where nobody is there any more nothing is sent; the descriptors stay the sender's. */
void keeper_answer_send(int to, const struct keeper_answer *answer, const int *fds, uint32_t count);
/* answer's descriptors are the receiver's. 0, -EAGAIN, or -EPIPE: the other end is gone. */
int keeper_answer_receive(int from, struct keeper_answer *answer) NODISCARD;

/* The node: a signal that ends the process is an end of these orders first; -1: no more. */
void keeper_crash_tell(int orders);

/* Messages with descriptors over a SOCK_SEQPACKET (SCM_RIGHTS). */

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
