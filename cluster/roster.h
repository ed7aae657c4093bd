/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes of a cluster, as each tells of itself beside its id: how often it did (beat), its start, where other nodes reach it, the
 * shards that it runs or that are its own, its name. Whether one is alive each reader sees by its own clock: its beat goes on. A node
 * that is not alive stays in it, and so do its shards, until it starts or somebody removes it. One that stopped, or was removed, has
 * beat 0: that is a word, where a line that is not there may be one that Redis has forgotten.
 */
#ifndef CLUSTER_ROSTER_H
#define CLUSTER_ROSTER_H

#include "base/bytes.h"

enum { ROSTER_NODES_MAX = 64, ROSTER_SHARDS_MAX = 32, ROSTER_TEXT_MAX = 512 };
/* A beat comes so often, and who has none for so long is not alive. */
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
/* Whether it is alive: who is seen for the first time is. A full roster forgets who is silent for longest. */
bool roster_note(struct roster *r, const struct roster_node *node, uint64_t now_ns);

#endif
