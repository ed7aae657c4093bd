/* SPDX-License-Identifier: Apache-2.0 */
/* What node and keeper, and a keeper and the next one, say to each other about sockets: each a message of a SOCK_SEQPACKET. */
#ifndef APP_KEEPER_SOCKETS_MESSAGE_H
#define APP_KEEPER_SOCKETS_MESSAGE_H

#include <sys/socket.h>

#include "app/keeper/descriptors.h"
#include "app/keeper/sockets.h"

enum sockets_word {
	SOCKETS_NOTHING,
	SOCKETS_HOLD, /* flow's, in place of those that it had; those that were left as number are let go */
	SOCKETS_CLAIM,  /* those that were left as number are flow's */
	SOCKETS_DROP,   /* flow's are let go, and those that were left as number */
	SOCKETS_SETTLE, /* all that were left are let go */
	SOCKETS_LEFT,   /* to the node, and to the next keeper: sockets that were left */
	SOCKETS_ALL,    /* there are no more of those */
	SOCKETS_ASK,    /* of the next keeper: number is its SOCKETS_VERSION */
	SOCKETS_ASK_REMAINS, /* of the next keeper, before that, of its own connection: who does not know it hangs up */
};

enum {
	SOCKETS_NO_NUMBER = -1,
	SOCKETS_VERSION = 1, /* of this file; the keeper before may be of another build */
	SOCKETS_BATCH = DESCRIPTORS_MAX / SOCKETS_PER_FLOW,
};

struct sockets_head {
	uint32_t word, count, number, flow;
};

/* Sent as long as its count says. Descriptors come in the order of the addresses that are not ADDR_NONE. */
struct sockets_message {
	struct sockets_head head;
	struct {
		struct addr local[SOCKETS_PER_FLOW];
		uint64_t since_ns;
	} of[SOCKETS_BATCH];
};

/* of: count of them, which head need not say. 0, -EAGAIN, -EPIPE or -errno. */
int sockets_send(int to, struct sockets_head head, const struct sockets *of, uint32_t count,
		 int flags) NODISCARD;
/* of: as many as m->head.count says, the receiver's. 0, -EAGAIN, or -EPIPE: the other end is gone, or says what nobody understands. */
int sockets_receive(int from, struct sockets_message *m, struct sockets of[SOCKETS_BATCH],
		    int flags) NODISCARD;
/* The answer to SOCKETS_ASK_REMAINS; ended_ns: when the process did. 0 or -errno. */
int remains_send(int to, const struct remains *r, uint64_t ended_ns) NODISCARD;
/* 0, or -EPIPE: the other end knows of no such thing, or hangs. */
int remains_receive(int from, struct remains *r, uint64_t *ended_ns) NODISCARD;
/* Closes what there is. */
void sockets_let_go(struct sockets *s);
bool sockets_are(const struct sockets *s);

#endif
