/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media sockets outlive the process (docs/adr/0028). The keeper has a duplicate of each; the kernel
 * goes on queueing packets. The next process of the same state directory gets them back, and binds
 * nothing. One thread.
 */
#ifndef APP_KEEPER_SOCKETS_H
#define APP_KEEPER_SOCKETS_H

#include <sys/socket.h>

#include "app/child/descriptors.h"
#include "app/keeper/keeper.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/remains.h"
#include "base/table.h"

/* They are held so long after the end of the process. */
#define SOCKETS_HELD_NS (10 * NS_PER_S)
/* Older packets are useless to a party, and dropped. */
#define SOCKETS_STALE_NS (500 * NS_PER_MS)

enum { SOCKETS_PER_FLOW = 2 };

/* A flow's sockets. fd -1, family ADDR_NONE: absent. */
struct sockets {
	struct addr local[SOCKETS_PER_FLOW];
	int fd[SOCKETS_PER_FLOW];
	uint64_t since_ns; /* when the process ended that had them: of the boot clock */
};

#define SOCKETS_NONE ((struct sockets){ .fd = { -1, -1 } })

/* ---- the node's side ---- */

/* A message about a flow that waits for the keeper. */
struct sockets_waiting {
	uint8_t word;    /* 0: nothing */
	uint32_t number; /* of those that were left */
	struct sockets sockets;
};

struct sockets_link {
	int keeper; /* -1: none (any more) */
	uint32_t flows;
	struct sockets *left; /* of the former process, not yet taken */
	uint32_t left_count, unclaimed;
	struct table by_address;         /* of left: number + 1 */
	uint64_t late_ns;                /* when they are closed */
	struct sockets_waiting *waiting; /* by flow */
	uint32_t *order;                 /* a ring of flows that wait, each once */
	uint32_t order_first, order_count;
	uint64_t held, refused; /* counted */
};

/* keeper: of keeper_sockets_fd, or -1. flows: their numbers are below it. 0 or -ENOMEM. */
int sockets_open(struct sockets_link *l, int keeper, uint32_t flows) NODISCARD;
/* Receives those of the former process; waits for the keeper at most so long.
 * Returns their number of flows. */
uint32_t sockets_await_left(struct sockets_link *l, uint64_t patience_ns);
/* True: *out was bound to exactly these addresses; it is the caller's now, and held for flow. */
bool sockets_claim(struct sockets_link *l, uint32_t flow, const struct addr local[SOCKETS_PER_FLOW],
		   struct sockets *out);
/* Duplicates are held in place of the flow's former ones. */
void sockets_hold(struct sockets_link *l, uint32_t flow, const struct sockets *s);
/* The same, told with the next sockets_beat. */
void sockets_hold_later(struct sockets_link *l, uint32_t flow, const struct sockets *s);
/* The flow is closed. */
void sockets_drop(struct sockets_link *l, uint32_t flow);
/* Once a round: sends what had to wait, and closes what no flow took for SOCKETS_HELD_NS. */
void sockets_beat(struct sockets_link *l, uint64_t now_ns);
void sockets_close(struct sockets_link *l);

/* ---- the keeper's side ---- */

struct sockets_kept {
	int node;     /* -1: it is gone */
	int listener; /* for the next keeper; -1: none */
	uint32_t flows;
	struct sockets *of;   /* by flow */
	struct sockets *left; /* of the process before, by number */
	uint32_t left_count;
	/* Other remains in the kernel, of this process or, until it reports, of the former one. */
	struct remains remains;
	uint64_t remains_ns; /* when that one ended; 0: it is there */
};

/* In the state directory, under the lock: gets the former keeper's remains, but for sockets: the
 * node waits for them alone. */
int sockets_kept_open(struct sockets_kept *k, int node, uint32_t flows) NODISCARD;
/* Gets its sockets, tells the node of them, and listens for the next keeper. */
void sockets_kept_start(struct sockets_kept *k);
/* Replaces the former remains: the descriptors are k's. */
void sockets_kept_remain(struct sockets_kept *k, const struct remains *r);
/* A message of the node. */
void sockets_kept_receive(struct sockets_kept *k);
/* Another node has this address now: closes all sockets of it. */
void sockets_kept_leave(struct sockets_kept *k, const struct addr *ip);
/* The node is gone. Returns when the next keeper has all, or it is late; at once without any. */
void sockets_kept_outlive(struct sockets_kept *k);
void sockets_kept_close(struct sockets_kept *k);

/* Messages about sockets between node and keeper, and between two keepers, over SOCK_SEQPACKET. */

enum sockets_word {
	SOCKETS_NOTHING,
	/* Flow's sockets replace its former ones; those left as number are closed. */
	SOCKETS_HOLD,
	SOCKETS_CLAIM,   /* those left as number are flow's now */
	SOCKETS_DROP,    /* flow's are closed, and those left as number */
	SOCKETS_SETTLE,  /* all that were left are closed */
	SOCKETS_LEFT,    /* to the node, and to the next keeper: sockets that were left */
	SOCKETS_ALL,     /* the last of those was sent */
	SOCKETS_REQUEST, /* of the next keeper: number is its SOCKETS_VERSION */
	/* Of the next keeper, before that, on a connection of its own: an older one disconnects. */
	SOCKETS_ASK_REMAINS,
};

enum {
	SOCKETS_NO_NUMBER = -1,
	SOCKETS_VERSION = 1, /* of this file; the keeper before may be of another build */
	SOCKETS_BATCH = DESCRIPTORS_MAX / SOCKETS_PER_FLOW,
};

struct sockets_head {
	uint32_t word, count, number, flow;
};

/* Sent up to its count. Descriptors come in the order of the addresses that are not ADDR_NONE. */
struct sockets_message {
	struct sockets_head head;
	struct {
		struct addr local[SOCKETS_PER_FLOW];
		uint64_t since_ns;
	} of[SOCKETS_BATCH];
};

/* of: m->head.count of them, owned by the caller.
 * 0, -EAGAIN, or -EPIPE: the peer is gone, or malformed. */
int sockets_receive(int from, struct sockets_message *m, struct sockets of[SOCKETS_BATCH],
		    int flags) NODISCARD;
/* Closes what there is. */
void sockets_let_go(struct sockets *s);

#endif
