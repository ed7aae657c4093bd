/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that the node refused although it knew who asked leave a line in the log and a call record, as others do: who dials a number that
 * does not exist finds it there. Bounded, so that a phone which dials on and on fills neither: each source (IPv6: one /64) has a
 * budget, and all together. Fixed size, owned by the shard, one thread.
 */
#ifndef SIG_SHARD_REFUSED_CALL_H
#define SIG_SHARD_REFUSED_CALL_H

#include "base/addr.h"
#include "base/hash.h"

struct shard;
struct sip_message;
struct call_refusal;

enum {
	REFUSED_CALL_SETS = 64,
	REFUSED_CALL_WAYS = 4,
	REFUSED_CALL_PER_S = 1,  /* of one source, */
	REFUSED_CALL_BURST = 20, /* so many at once */
	REFUSED_CALL_ALL_PER_S = 20,
	REFUSED_CALL_ALL_BURST = 200,
};

/* All zero: nobody was refused. */
struct refused_calls {
	uint64_t all_full_ns;
	struct {
		uint64_t id; /* hash of the source; 0: free */
		uint64_t full_ns;
	} sets[REFUSED_CALL_SETS][REFUSED_CALL_WAYS];
};

/* Whether one more of that source is told. */
bool refused_call_may_tell(struct refused_calls *r, const struct hash_key *key,
			   const struct addr *source, uint64_t now_ns);
/* from: who asked, authenticated or believed. */
void refused_call_tell(struct shard *s, const struct sip_message *m, uint16_t tenant,
		       struct bytes from, const struct call_refusal *why);

#endif
