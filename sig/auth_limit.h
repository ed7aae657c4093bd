/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who guesses passwords has to wait. Counted per source address and user: a phone with the right password elsewhere notices nothing. A value of
 * fixed size: in each set of ways the pair that failed longest ago makes room. Owned by the shard, one thread.
 */
#ifndef SIG_AUTH_LIMIT_H
#define SIG_AUTH_LIMIT_H

#include "base/addr.h"
#include "base/hash.h"

enum {
	AUTH_LIMIT_SETS = 512,
	AUTH_LIMIT_WAYS = 4,
	AUTH_LIMIT_FAILURES = 10, /* within this: */
	AUTH_LIMIT_WINDOW_S = 60,
	AUTH_LIMIT_WAIT_MIN_S =
		5, /* then it waits so long, twice as long after each further failure, */
	AUTH_LIMIT_WAIT_MAX_S = 60, /* up to this */
	AUTH_LIMIT_FORGET_S = 600,  /* without a failure */
};

struct auth_limit_entry {
	uint64_t id;       /* hash of source and user; 0: free */
	uint64_t first_ns; /* first failure of the window */
	uint64_t last_ns;
	uint64_t until_ns; /* it waits till then */
	uint32_t failures; /* in the window */
	uint32_t waits;    /* so far */
};

/* All zero: nobody has failed. */
struct auth_limit {
	struct auth_limit_entry sets[AUTH_LIMIT_SETS][AUTH_LIMIT_WAYS];
};

/* Secret, so that nobody can choose whom to push out. */
uint64_t auth_limit_id(const struct hash_key *key, const struct addr *source, struct bytes user);
/* How long credentials of that pair are not looked at; 0: they are. */
uint64_t auth_limit_wait_ns(const struct auth_limit *l, uint64_t id, uint64_t now_ns);
/* True when it has to wait from now on. */
bool auth_limit_failed(struct auth_limit *l, uint64_t id, uint64_t now_ns);
void auth_limit_passed(struct auth_limit *l, uint64_t id);

#endif
