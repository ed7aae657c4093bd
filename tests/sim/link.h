/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channels between nodes (cluster/peer/channels.h) on virtual time, and what TCP makes of them: one for each direction, made when it is
 * needed. What leaves goes into a wire, arrives later and in its order, and waits there while the network lets nothing through or the
 * other one stands still. A wire breaks when either process dies, when nothing is acknowledged for too long, or when somebody between
 * them breaks it; then what is in it is lost, and what had not left is given back. Both ends of a parcel are the real ones
 * (cluster/peer/parcel.h); what comes of it is in node_link.c, what must hold in check_link.c.
 */
#ifndef TESTS_SIM_LINK_H
#define TESTS_SIM_LINK_H

#include "base/rand.h"
#include "cluster/peer/parcel.h"
#include "tests/sim/node.h"

struct sim;

enum {
	LINK_WINDOW = 1 << 16,    /* octets that a wire takes before they are acknowledged */
	LINK_QUEUE_MAX = 1 << 20, /* ... and that wait before it (CHANNEL_QUEUE_MAX) */
};

struct link_parcel {
	struct link_parcel *next;
	uint64_t serial;  /* of the run */
	uint32_t process; /* whom it is for */
	uint64_t arrives_ns;
	size_t n;
	uint8_t octets[];
};

struct link_list {
	struct link_parcel *first, *last;
	size_t n; /* octets */
};

/* A connection of TCP. It may outlive its sender: the kernel has what left. */
struct link_wire {
	struct link_wire *next;
	uint32_t id, from, to;
	uint32_t from_process, to_process;
	struct link_list list; /* under way */
	bool ends;             /* its sender is dead: nothing follows */
	bool gone;             /* its receiver is dead */
	bool pumps;            /* a look at it is queued */
	bool watched;          /* the same, at how long it hangs */
	bool unacked;          /* something arrived, and its sender does not know */
	uint64_t moved_ns;     /* when something was acknowledged last, or it was empty */
	uint64_t last_ns;      /* nothing arrives before */
	uint64_t seen;         /* serial that arrived last */
};

/* Of a process to another node. */
struct link {
	enum { LINK_NONE, LINK_CONNECTING, LINK_OPEN } state;
	uint32_t run;  /* each connection is another one */
	uint32_t wire; /* OPEN: its id */
	struct link_list waits;
	bool flushes; /* a look at it is queued */
};

/* Whom a node has heard, and when. */
struct link_heard {
	uint32_t process; /* 0: nobody yet, or it is known to be gone */
	uint64_t ns;
};

struct link_totals {
	uint64_t sent, arrived, lost, back; /* parcels; back: given back to who sent them */
	uint64_t opened, failed, broken;    /* connections */
	uint64_t cells, carried, handed, returned, gone, outcome;
	uint64_t held, late, asked, refused; /* messages that waited; questions of commands */
};

struct links {
	bool on;
	struct rand_source rand; /* of its own: other stories stay as they were */
	struct link list[NODES_MAX][NODES_MAX];
	struct link_heard heard[NODES_MAX][NODES_MAX];
	bool cut[NODES_MAX][NODES_MAX]; /* from there to there nothing goes */
	uint64_t died_ns[NODES_MAX];
	struct link_wire *wires;
	uint32_t wire_ids;
	uint64_t serials;
	uint32_t slow; /* of a thousand parcels that TCP says again */
	struct link_totals totals;
};

void links_begin(struct sim *s);
void links_close(struct sim *s);

/* ---- what goes wrong ---- */
void link_cut(struct sim *s, uint32_t from, uint32_t to, bool cut);
/* Somebody between them ends the connection. */
void link_break(struct sim *s, uint32_t from, uint32_t to);
void links_calm(struct sim *s);
/* A process is dead, or one has begun. */
void links_crash(const struct node *n);
void links_start(const struct node *n);

/* ---- who is heard ---- */
/* A datagram of that process of another node came to this one. */
void link_heard_of(struct sim *s, uint32_t at, uint32_t from, uint32_t process);
/* Its keeper says that it is gone. */
void link_gone(struct sim *s, uint32_t at, uint32_t from, uint32_t process);
/* The process of another node that this one hears; 0: none (claimant_process). */
uint32_t link_process(const struct sim *s, uint32_t at, uint32_t of);

/* ---- parcels ---- */
/* As channels_send: 0 or -ENOBUFS. */
int link_send(struct node *n, uint32_t to, uint32_t process, const struct parcel *p);

/* ---- node_link.c: what nodes do with them ---- */
/* What came, from that process, and what did not leave after all. */
void node_link_parcel(struct node *n, const struct parcel *p, uint32_t process);
void node_link_lost(struct node *n, const struct parcel *p, uint32_t process);

/* ---- check_link.c ---- */
void check_link_arrived(struct sim *s, const struct link_wire *w, const struct link_parcel *p);
/* Its connection broke: what had left is not said twice (docs/adr/0023). */
void check_link_lost(struct sim *s, const struct link_parcel *p);
/* A phone has no connection for it. CANCEL is said once: it rings on until it gives up. */
void check_link_unsent(struct sim *s, struct bytes message);
/* A phone of another node was not told, as that is not heard, and is given up at once (docs/adr/0023). */
void check_link_unheard(struct sim *s, struct bytes message);
/* Whoever listens was connected to, and refused that: all that waits for it there is given up, also by connections that live. */
void check_link_refused(struct sim *s, const struct node *n, const struct addr *remote);
void check_link_queued(struct sim *s, const struct link *l);
void check_links_end(struct sim *s);

#endif
