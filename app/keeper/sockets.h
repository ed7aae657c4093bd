/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media sockets outlive the process (docs/adr/0028). The keeper has a duplicate of each; the kernel goes on to queue what comes. The next
 * process of the same state directory gets them back, and binds nothing. Of one thread.
 */
#ifndef APP_KEEPER_SOCKETS_H
#define APP_KEEPER_SOCKETS_H

#include <sys/socket.h>

#include "app/keeper/keeper.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/remains.h"
#include "base/table.h"

/* So long after the end of the process they are there. */
#define SOCKETS_HELD_NS (10 * NS_PER_S)
/* What came longer ago than this is of no use to a party: it is dropped. */
#define SOCKETS_STALE_NS (500 * NS_PER_MS)

enum { SOCKETS_PER_FLOW = 2 };

/* A flow's sockets. fd -1, family ADDR_NONE: there is no such. */
struct sockets {
	struct addr local[SOCKETS_PER_FLOW];
	int fd[SOCKETS_PER_FLOW];
	uint64_t since_ns; /* when the process ended that had them: of the boot clock */
};

#define SOCKETS_NONE ((struct sockets){ .fd = { -1, -1 } })

/* ---- the node's side ---- */

/* What the keeper is told of a flow later: it has no room now. */
struct sockets_waiting {
	uint8_t word;    /* 0: nothing */
	uint32_t number; /* of those that were left */
	struct sockets sockets;
};

struct sockets_link {
	int keeper; /* -1: there is none (any more) */
	uint32_t flows;
	struct sockets *left; /* by the process before, as long as nobody took them */
	uint32_t left_count, unclaimed;
	struct table by_address;         /* of left: number + 1 */
	uint64_t late_ns;                /* when nobody takes them any more */
	struct sockets_waiting *waiting; /* by flow */
	uint32_t *order;                 /* a ring of flows that wait, each once */
	uint32_t order_first, order_count;
	uint64_t held, refused; /* counted */
};

/* keeper: of keeper_sockets_fd, or -1. flows: their numbers are below it. 0 or -ENOMEM. */
int sockets_open(struct sockets_link *l, int keeper, uint32_t flows) NODISCARD;
/* Those that the process before left; waits for the keeper, but not longer than this. How many flows' there are. */
uint32_t sockets_await_left(struct sockets_link *l, uint64_t patience_ns);
/* True: *out are those that were bound to exactly these addresses, the caller's from now on, and held for flow. */
bool sockets_claim(struct sockets_link *l, uint32_t flow, const struct addr local[SOCKETS_PER_FLOW],
		   struct sockets *out);
/* Duplicates are held from now on, in place of those that the flow had. */
void sockets_hold(struct sockets_link *l, uint32_t flow, const struct sockets *s);
/* The same, told with the next sockets_beat. */
void sockets_hold_later(struct sockets_link *l, uint32_t flow, const struct sockets *s);
/* The flow is closed. */
void sockets_drop(struct sockets_link *l, uint32_t flow);
/* Once a round: what had to wait; and what nobody took for SOCKETS_HELD_NS is closed. */
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
	/* What else goes on in the kernel, of this process or, before it said anything, of the one before. */
	struct remains remains;
	uint64_t remains_ns; /* when that one ended; 0: it is there */
};

/* In the state directory, under the lock: gets what the keeper before has, but for sockets: the node waits for that alone. */
int sockets_kept_open(struct sockets_kept *k, int node, uint32_t flows) NODISCARD;
/* Gets its sockets, tells the node of them, and listens for the next keeper. */
void sockets_kept_begin(struct sockets_kept *k);
/* In place of what there was: the descriptors are k's. */
void sockets_kept_remain(struct sockets_kept *k, const struct remains *r);
/* What the node says. */
void sockets_kept_receive(struct sockets_kept *k);
/* Another node has this address now, whatever its ports: those of it are let go. */
void sockets_kept_leave(struct sockets_kept *k, const struct addr *ip);
/* The node is gone. Returns when the next keeper has all of them, or it is too late for that; at once where there are none. */
void sockets_kept_outlive(struct sockets_kept *k);
void sockets_kept_close(struct sockets_kept *k);

/* What node and keeper, and a keeper and the next one, say to each other about sockets: each a message of a SOCK_SEQPACKET. */

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

/* of: as many as m->head.count says, the receiver's. 0, -EAGAIN, or -EPIPE: the other end is gone, or says what nobody understands. */
int sockets_receive(int from, struct sockets_message *m, struct sockets of[SOCKETS_BATCH],
		    int flags) NODISCARD;
/* Closes what there is. */
void sockets_let_go(struct sockets *s);

#endif
