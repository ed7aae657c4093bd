/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed way between the processes that store recordings, of two nodes: over the address where nodes reach each other, with hellos and frames
 * as those of cluster/peer/channel.h, in both directions. It waits: for children alone.
 */
#ifndef APP_DELIVER_COPY_LINK_H
#define APP_DELIVER_COPY_LINK_H

#include "app/deliver/copy.h"
#include "base/addr.h"
#include "base/rand.h"
#include "cluster/peer/channel.h"

/* This node. */
struct copy_self {
	uint64_t id, incarnation;
	uint8_t key[PEER_KEY_LEN]; /* of the cluster, for this alone */
};

struct copy_link {
	int fd;
	uint64_t other; /* who is there */
	bool proven;
	struct channel_key out, in;
	uint8_t frame[CHANNEL_FRAME_MAX], text[PARCEL_MAX];
};

/* 0 or -errno; what is opened is closed then. */
int copy_link_connect(struct copy_link *l, const struct copy_self *self, const struct addr *to,
		      uint64_t other, struct rand_source *rand) NODISCARD;
/* asks: the other's hello, which the node has read. */
int copy_link_accept(struct copy_link *l, const struct copy_self *self, int fd,
		     const uint8_t asks[CHANNEL_HELLO_LEN], struct rand_source *rand) NODISCARD;
int copy_link_send(struct copy_link *l, const struct copy_message *m) NODISCARD;
/* m->data is valid until the next. 0, -ETIMEDOUT, -ECONNRESET, or -EBADMSG: nobody of this cluster. */
int copy_link_receive(struct copy_link *l, struct copy_message *m) NODISCARD;
/* It has said something that counts: it may be slow from now on. */
void copy_link_proven(struct copy_link *l);
/* Overwrites the keys. */
void copy_link_close(struct copy_link *l);

#endif
