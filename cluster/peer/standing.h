/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes say of themselves, twice a second: which shards are of their files (PEER_HOME), which of all they run (PEER_RUNS), and
 * that they take no calls (PEER_DRAINS). What is not said again is over. Nobody's right to a shard comes of it: that is for leases.
 */
#ifndef CLUSTER_PEER_STANDING_H
#define CLUSTER_PEER_STANDING_H

#include "cluster/peer/item.h"

enum { STANDINGS_MAX = 64, STANDING_SHARDS_MAX = 32 };
#define STANDING_SAY_NS  UINT64_C(500000000)
#define STANDING_LAST_NS UINT64_C(2000000000)

struct standing {
	uint64_t id, process; /* of a later process all is new */
	uint64_t said_ns, drains_ns;
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

/* False: it is no such item. from, process: a node that is heard. */
bool standings_take(struct standings *s, const struct peer_item *item, uint64_t from,
		    uint64_t process, uint64_t now_ns);
/* NULL: that process has not said which shards are its own. Programs of before say nothing. */
const struct standing *standings_of(const struct standings *s, uint64_t id, uint64_t process);
bool standing_drains(const struct standing *s, uint64_t now_ns);
bool standing_is_home(const struct standing *s, uint16_t shard);
/* When it last said so; 0: it does not. */
uint64_t standing_runs(const struct standing *s, uint16_t shard, uint64_t now_ns);

#endif
