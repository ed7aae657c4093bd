/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials are good once: which nonce counts (nc, RFC 7616 5.12) of a nonce came. Only who has proven a password takes a place here. A
 * phone may send counts out of order, as transactions overtake each other, within NONCE_WINDOW. Where a set is full of nonces that still
 * live there are twice as many sets from then on, unless few places are in use or there are NONCE_SETS. Then the oldest is forgotten, and no older one is taken there any
 * more, so that forgetting lets nothing be used again. It costs whom it meets a challenge more. After a restart nothing is known, and what a phone sends again is taken. Owned by the shard, one thread.
 */
#ifndef SIG_SHARD_NONCE_WINDOW_H
#define SIG_SHARD_NONCE_WINDOW_H

#include "base/bytes.h"

/* The numbers of sets are powers of two. */
enum { NONCE_SETS_MIN = 32, NONCE_SETS = 8192, NONCE_WAYS = 8, NONCE_WINDOW = 64 };

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

struct nonce_window {
	struct nonce_set *sets;
	uint32_t count;
	uint32_t used; /* places */
};

/* Nothing was used. 0 or -ENOMEM. */
int nonce_window_open(struct nonce_window *w) NODISCARD;
void nonce_window_close(struct nonce_window *w); /* all zero is fine */

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
