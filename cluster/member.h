/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The named claimants of a shard: who alone may claim it, whose acks extend its owner's validity, and whose consents a claim
 * needs. Any two groups that the rules ask for have a node in common, which cannot belong to both at once:
 *
 *   named | acks extend | a claim needs
 *   3     | 2           | 2 of the named
 *   2     | 1           | 2 of the named and the owner of record
 *   1     | 1           | itself, and a Redis that cannot forget the claim
 *   0     | -           | nobody claims, and the owner never falls silent
 */
#ifndef CLUSTER_MEMBER_H
#define CLUSTER_MEMBER_H

#include "base/bytes.h"

enum { MEMBERS_MAX = 3 };
/* Who is not heard for so long is replaced. */
#define MEMBER_UNHEARD_NS UINT64_C(3000000000)

struct members {
	uint64_t ids[MEMBERS_MAX]; /* of nodes */
	uint32_t count;
};

/* A node of the cluster as the owner knows it. */
struct member {
	uint64_t id;
	uint64_t heard_ns;
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
 * Whom to name now: those of the list that are heard and stay, then others that are, as many as there should be. nodes: all that
 * are known but the owner. Who is not heard stays while nobody can replace it: too many names ask for more, never for less.
 * Who leaves is named no more. Where nobody is left the owner is alone.
 */
void members_next(struct members *next, const struct members *now, const struct member *nodes,
		  uint32_t count, uint64_t now_ns);

#endif
