/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channels of a node, on its loop: one to each node that it sends to, opened on demand, and
 * those that other nodes opened to it. The queue of each node is bounded; parcels that did not
 * leave are given back. Nothing is sent twice: only the other node knows whether what had left
 * arrived.
 */
#ifndef CLUSTER_PEER_CHANNELS_H
#define CLUSTER_PEER_CHANNELS_H

#include "base/rand.h"
#include "cluster/peer/channel.h"

enum {
	CHANNELS_MAX = 64,           /* to other nodes */
	CHANNELS_IN_MAX = 128,       /* of other nodes; those that have proved nothing make room */
	CHANNEL_QUEUE_MAX = 1 << 20, /* octets that wait for one node */
};

struct channels_settings {
	struct addr listen; /* as the node's datagrams; port 0: a free one */
	uint64_t id, incarnation;
	uint8_t key[PEER_KEY_LEN]; /* of the cluster, for this alone */
	struct rand_source *rand;
};

/* Where a parcel goes. */
struct channel_to {
	uint64_t id, incarnation; /* that process and no other one */
	struct addr address;
};

struct channels_counts {
	uint64_t sent, received, lost, refused;
};

struct channels_handlers {
	/* From that process. */
	void (*parcel)(const struct parcel *p, uint64_t id, uint64_t incarnation, void *arg);
	/* It was not sent after all. */
	void (*lost)(const struct parcel *p, uint64_t incarnation, void *arg);
	/* A peer wants to bring files (CHANNEL_FILES_MAGIC) and has sent its hello: fd is the
	 * handler's from now on. */
	void (*files)(int fd, const uint8_t hello[CHANNEL_HELLO_LEN], void *arg);
	void *arg;
};

struct channels;

/* 0 or -errno. */
int channels_open(struct channels **out, const struct channels_settings *s,
		  const struct channels_handlers *handlers) NODISCARD;
/* What waits is given back to nobody. NULL is fine. */
void channels_close(struct channels *c);
/* Where it listens: for port 0. */
const struct addr *channels_address(const struct channels *c);
/* Queues a copy. 0, -ENOBUFS (CHANNEL_QUEUE_MAX, or too many nodes) or -ENOMEM. */
int channels_send(struct channels *c, const struct channel_to *to,
		  const struct parcel *p) NODISCARD;
/* Gives up what hangs: call at channels_next_ns (UINT64_MAX: nothing does). */
void channels_expire(struct channels *c, uint64_t now_ns);
uint64_t channels_next_ns(const struct channels *c);
const struct channels_counts *channels_counts(const struct channels *c);

#endif
