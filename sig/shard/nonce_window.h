/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials are good once: which nonce counts (nc, RFC 7616 5.12) of a nonce came. Only who has proven a password takes a place here. A
 * phone may send counts out of order, as transactions overtake each other, within NONCE_WINDOW. Of a fixed size: where a set is full the
 * oldest nonce is forgotten, and no older one is taken there any more, so that forgetting lets nothing be used again. It costs whom it
 * meets a challenge more. After a restart nothing is known, and what a phone sends again is taken. Owned by the shard, one thread.
 */
#ifndef SIG_SHARD_NONCE_WINDOW_H
#define SIG_SHARD_NONCE_WINDOW_H

#include "base/bytes.h"

enum { NONCE_SETS = 16384, NONCE_WAYS = 4, NONCE_WINDOW = 64 };

struct nonce_use {
	uint64_t id; /* 0: free */
	uint64_t made_utc_ms;
	uint64_t seen; /* bit n: the count newest - n came */
	uint32_t newest;
};

struct nonce_set {
	struct nonce_use uses[NONCE_WAYS];
	uint64_t
		floor_utc_ms; /* of nonces that were made up to then those above are all that is taken */
};

/* All zero: nothing was used. */
struct nonce_window {
	struct nonce_set sets[NONCE_SETS];
};

/* A nonce with its count, and when it is. */
struct nonce_now {
	uint64_t id;
	uint64_t made_utc_ms;
	uint32_t nc;
	uint64_t utc_ms, lifetime_ms; /* made within that time of now */
};

/* True: it is the first time. */
bool nonce_window_take(struct nonce_window *w, const struct nonce_now *n);

#endif
