/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes of a cluster. Each writes a line beside its id: how often it did (beat), its start, its
 * address for other nodes, the shards that it runs or that are its own, its name. Each reader tells
 * by its own clock whether a node is alive: its beat goes on. A node that is not alive stays in the
 * roster, and so do its shards, until it starts or is removed by command. One that stopped, or was
 * removed, has beat 0: that is a statement, where a missing line may be one that Redis has
 * forgotten.
 */
#ifndef CLUSTER_ROSTER_H
#define CLUSTER_ROSTER_H

#include "base/bytes.h"

enum { ROSTER_NODES_MAX = 64, ROSTER_SHARDS_MAX = 32, ROSTER_TEXT_MAX = 512 };
/* A beat comes so often; a node without one for so long is not alive. */
#define ROSTER_BEAT_NS   UINT64_C(2000000000)
#define ROSTER_SILENT_NS UINT64_C(10000000000)

struct roster_node {
	uint64_t id;
	uint64_t beat;
	uint64_t incarnation;
	char address[64]; /* ADDRESS:PORT */
	char name[64];
	uint16_t shards[ROSTER_SHARDS_MAX];
	uint32_t shard_count;
};

/* It stopped, or was removed: nobody waits for it. */
bool roster_has_left(const struct roster_node *node);
/* "1 BEAT INCARNATION ADDRESS SHARD,SHARD NAME"; no shard: "-". Empty: it does not fit. */
struct bytes roster_write(char out[ROSTER_TEXT_MAX], const struct roster_node *node);
/* id: 16 digits. 0; -EPROTONOSUPPORT: of a later program; -EBADMSG. */
int roster_read(struct roster_node *node, struct bytes id, struct bytes text) NODISCARD;

/* What was seen of each. */
struct roster_seen {
	uint64_t id, beat, incarnation;
	uint64_t since_ns; /* its beat is the same */
};
struct roster {
	struct roster_seen seen[ROSTER_NODES_MAX];
	uint32_t count;
};
/* Whether it is alive: a node that is seen for the first time is. A full roster forgets the node
 * that is silent for longest. */
bool roster_note(struct roster *r, const struct roster_node *node, uint64_t now_ns);

/*
 * The named claimants of a shard: only they may claim it, their acks extend its owner's validity,
 * and a claim needs their consents. Any two groups that the rules ask for have a node in common,
 * which cannot belong to both at once:
 *
 *   named | acks extend | a claim needs
 *   3     | 2           | 2 of the named
 *   2     | 1           | 2 of the named and the owner of record
 *   1     | 1           | itself, and a Redis that cannot forget the claim
 *   0     | -           | nobody claims, and the owner never falls silent
 */

enum { MEMBERS_MAX = 3 };
/* A member that is not heard for so long is replaced. */
#define MEMBER_UNHEARD_NS UINT64_C(3000000000)

struct members {
	uint64_t ids[MEMBERS_MAX]; /* of nodes */
	uint32_t count;
};

/* A node of the cluster as the owner knows it. */
struct member {
	uint64_t id;
	uint64_t received_ns;
	bool leaving; /* it stops, and hands over first */
};

bool members_has(const struct members *m, uint64_t id);
/* Place in the list: the first claims first. m->count: not in it. */
uint32_t members_rank(const struct members *m, uint64_t id);
uint32_t members_acks(const struct members *m);
uint32_t members_consents(const struct members *m);
/* Whether id may say yes to a claim. record: the owner of record. */
bool members_votes(const struct members *m, uint64_t record, uint64_t id);
/* Until when acks of renewals that were sent then allow to speak; 0: too few of them. */
uint64_t members_acked_until(const struct members *m, const uint64_t sent_ns[MEMBERS_MAX],
			     uint64_t length_ns);
/*
 * Chooses the next names: members that are heard and stay, then other such nodes, as many as there
 * should be. nodes: all that are known but the owner. A member that is not heard stays while no
 * node can replace it: too many names ask for more, never for less. A leaving member is dropped.
 * Without any, the owner is alone.
 */
void members_next(struct members *next, const struct members *now, const struct member *nodes,
		  uint32_t count, uint64_t now_ns);

/*
 * Plans which node gives which shard to which other, so that the shards of a cluster lie evenly. A
 * shard goes home, or stays there, if its home takes calls: it would go back by itself. The others
 * are spread over the nodes that take calls, so that no two differ by more than one where a move
 * could help, with as few moves as possible. Pure.
 */

enum { BALANCE_NODES_MAX = 64, BALANCE_SHARDS_MAX = 64, BALANCE_NOBODY = BALANCE_NODES_MAX };

enum balance_why {
	BALANCE_HOME,   /* it is a shard of that node's file */
	BALANCE_DRAINS, /* its owner takes no calls */
	BALANCE_EVEN,   /* its owner has more than that node */
};

struct balance {
	uint32_t node_count, shard_count;
	bool takes[BALANCE_NODES_MAX]; /* nodes by number: it is heard, and does not drain */
	struct balance_shard {
		uint16_t number;
		/* a node that is heard; BALANCE_NOBODY: its giver is unknown */
		uint32_t owner;
		uint32_t home; /* BALANCE_NOBODY: no node that is heard */
	} shards[BALANCE_SHARDS_MAX];
};

struct balance_move {
	uint16_t shard;
	uint32_t from, to;
	enum balance_why why;
};

/* How many moves there are. None has to wait for another one. */
uint32_t balance_plan(const struct balance *b, struct balance_move out[BALANCE_SHARDS_MAX]);

#endif
