/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of users and trunks over all nodes of a cluster (FEATURES TRUST-02, TRUST-03;
 * docs/adr/0071). Each node has a part of each limit and uses no more than that, so no other node
 * is asked when a call begins. A node that has used most of its part requests some of the others'
 * in advance. The giver counts what it gave from then on, and sends the whole sum: so a message
 * that is lost, late or repeated gives nothing twice, and all parts together never exceed the
 * limit. An isolated node keeps its part. One for a node; its control thread. No socket, no
 * clock. */
#ifndef SIG_HOST_SHARE_H
#define SIG_HOST_SHARE_H

#include "sig/host/tenant.h"

enum { SHARE_NODES_MAX = 64 };

/* What is limited. */
enum share_item {
	SHARE_CALLS,
	SHARE_PORTS,
	SHARE_CALLS_OUTSIDE,
	SHARE_MINUTES_OUTSIDE,
	SHARE_TRUNK, /* its channels: of all calls with it, from it, to it */
	SHARE_TRUNK_IN,
	SHARE_TRUNK_OUT,
	SHARE_ITEMS
};

struct shares;

/* limits: at most so many at a time. 0 or -ENOMEM. */
int shares_open(struct shares **out, const struct tenants *tenants, uint32_t limits) NODISCARD;
void shares_close(struct shares *s); /* NULL is fine */

/* The processes of the cluster including this one: the same list on all nodes, in any order. One:
 * all limits are this node's. */
void shares_nodes(struct shares *s, uint64_t self, const uint64_t *processes, uint32_t count);

/* For a user, a trunk, or (empty) its tenant; day: for a daily limit, else 0. The same on all
 * nodes; never 0. */
uint64_t share_id(const struct shares *s, enum share_item item, uint16_t tenant, struct bytes user,
		  uint64_t day);
/* The part of the limit that this node may use. It uses `used`; if little is left it asks others. s
 * NULL, or limit 0: the limit. */
uint64_t share_of(struct shares *s, uint64_t id, uint64_t limit, uint64_t used, uint64_t now_ns);
/* It has so much by now. */
void share_note(struct shares *s, uint64_t id, uint64_t used);
/* Its day is over: it is dropped. */
void share_drop(struct shares *s, uint64_t id);

/* What one node says to another; process 0: to all others. */
struct share_word {
	uint64_t process;
	uint64_t id, limit;
	uint64_t want;  /* so much more is asked for; 0: given */
	bool refused;   /* ... and a request failed for lack of it */
	uint64_t given; /* by the sender to that process, in all */
};
/* The next word to be sent. Returns false if no word is to be sent. */
bool shares_next(struct shares *s, struct share_word *out);
/* Processes the word of that process. */
void shares_hear(struct shares *s, const struct share_word *word);

/* The time of the last shares_expire: precise enough for share_of without a clock. */
uint64_t shares_now_ns(const struct shares *s);

/* Each second, by the monotonic clock. Expires past days, and accounts of processes lost long
 * ago. */
void shares_expire(struct shares *s, uint64_t now_ns);

struct share_counts {
	uint64_t asked, gave, got; /* words, since it was asked last */
	/* gifts that are remembered: of each limit one for each process, gone ones too */
	uint64_t neighbours;
};
void shares_counts(struct shares *s, struct share_counts *out);

#endif
