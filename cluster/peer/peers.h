/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other nodes of the cluster as they are heard: one UDP socket on the node's loop, a line to
 * each, and a queue of items, several in a datagram. The owner names the nodes and their addresses
 * (from Redis). A datagram goes to that address, never to the source of one that was received.
 */
#ifndef CLUSTER_PEER_PEERS_H
#define CLUSTER_PEER_PEERS_H

#include "base/addr.h"
#include "cluster/peer/line.h"
#include "cluster/peer/parcel.h"

enum { PEERS_MAX = 64 };

/* Why a datagram, or what is in it, counted for nothing. */
enum peers_refusal {
	PEERS_MALFORMED, /* no datagram of ours, or a malformed item */
	PEERS_VERSION,   /* of a later program */
	PEERS_STRANGER,  /* of a node that is not known, or to another */
	PEERS_UNPROVEN,  /* as in line.h, */
	PEERS_STALE,
	PEERS_REPEATED,
	PEERS_FORGED,
	PEERS_NO_MEMORY,
	PEERS_REFUSALS,
};

struct peers_counts {
	uint64_t received, sent, unsent;
	uint64_t refused[PEERS_REFUSALS];
};

struct peers_settings {
	struct addr listen;
	uint64_t id, incarnation;
	uint8_t key[PEER_KEY_LEN]; /* of the cluster, for this alone */
	uint64_t lease_ns;
	struct rand_source *rand;
};

struct peers;

/* An item that is true; from: 0 where a keeper says it. Not HELLO and LEAVING. */
typedef void peers_item_fn(const struct peer_item *item, uint64_t from, void *arg);
/* A node is heard, at first or again; or was not for MEMBER_UNHEARD_NS; or its process is gone. */
typedef void peers_heard_fn(uint64_t id, bool heard, void *arg);

/* 0 or -errno. */
int peers_open(struct peers **out, const struct peers_settings *s, peers_item_fn *on_item,
	       peers_heard_fn *on_alive, void *arg) NODISCARD;
void peers_close(struct peers *p);
/* Where it listens: for port 0. */
const struct addr *peers_address(const struct peers *p);
/* A node is there, or has moved; this one is passed over. 0 or -ENOSPC. */
int peers_know(struct peers *p, uint64_t id, const struct addr *address) NODISCARD;
void peers_forget(struct peers *p, uint64_t id);
/* Whether an unknown node has sent something since the last call (unproven): Redis may know it. */
bool peers_stranger(struct peers *p);
/* Said at once, and with each HELLO from now on. A node that hears it names this node no more. */
void peers_leave(struct peers *p, uint64_t now_ns);
/* To a node that is known: with the round's others, by peers_flush. */
void peers_queue(struct peers *p, uint64_t to, const struct peer_item *item);
void peers_flush(struct peers *p, uint64_t now_ns);
/* What is due: HELLO, and notices of nodes that are not heard any more. */
void peers_beat(struct peers *p, uint64_t now_ns);
uint64_t peers_next_ns(const struct peers *p);
/* All known nodes, for members_next: received_ns is 0 if never heard. Returns their number. */
uint32_t peers_members(const struct peers *p, struct member out[PEERS_MAX]);
/* Seals what the keeper sends to that node when this process is gone: DEAD of each of its epochs.
 * 0, -ENOENT, -ENOMEM. */
int peers_gone(struct peers *p, uint64_t to, struct bytes items, struct addr *address,
	       uint8_t out[PEER_PACKET_MAX], size_t *n) NODISCARD;
/* The process that is heard from that node; 0: none. */
uint64_t peers_process(const struct peers *p, uint64_t id, struct addr *address);
const struct peers_counts *peers_counts(const struct peers *p);

/* What nodes say of themselves, twice a second: which shards are of their files (PEER_HOME), which
 * of all they run (PEER_RUNS), and that they take no calls (PEER_DRAINS). What is not repeated is
 * over. It gives no right to a shard: leases do. */

enum { STANDINGS_MAX = 64, STANDING_SHARDS_MAX = 32 };
#define STANDING_SAY_NS  UINT64_C(500000000)
#define STANDING_LAST_NS UINT64_C(2000000000)

struct standing {
	uint64_t id, process; /* of a later process all is new */
	uint64_t received_ns, drains_ns;
	uint32_t count;
	struct standing_shard {
		uint16_t number;
		bool home;
		uint64_t runs_ns; /* 0: it does not */
	} shards[STANDING_SHARDS_MAX];
};

struct standings {
	struct standing list[STANDINGS_MAX];
	uint32_t count;
};

/* False: another kind of item. from, process: a node that is heard. */
bool standings_on_item(struct standings *s, const struct peer_item *item, uint64_t from,
		       uint64_t process, uint64_t now_ns);
/* NULL: that process has not said which shards are its own. Programs of before say nothing. */
const struct standing *standings_of(const struct standings *s, uint64_t id, uint64_t process);
bool standing_drains(const struct standing *s, uint64_t now_ns);
bool standing_is_home(const struct standing *s, uint16_t shard);
/* When it last said so; 0: it does not. */
uint64_t standing_runs(const struct standing *s, uint16_t shard, uint64_t now_ns);

#endif
