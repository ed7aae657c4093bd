/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who guesses a secret that is keyed or said (the PIN of a room) has to wait. Such secrets are short, so fewer guesses are free than of
 * passwords (sig/shard/auth_limit.h). A wrong one counts in three places:
 *  - of the caller at the object. After SECRET_FAILURES within SECRET_WINDOW_S it waits, twice as long after each further one.
 *  - of all callers of one source (an extension, a trunk, an address) at the object: numbers that callers show are easily made up.
 *  - of the source at all objects together.
 * The last two are buckets. A caller who gave the right secret before waits for his own guesses alone. Nobody waits for guesses that came
 * from another source.
 *
 * One for the node, for all calls of all its shards; it hears what other nodes count (remote_watch.h). Of fixed size, one thread. Entries
 * are pushed out by those that have more to remember, and made-up callers push out no caller who is known.
 */
#ifndef SIG_HOST_SECRET_LIMIT_H
#define SIG_HOST_SECRET_LIMIT_H

#include "base/bytes.h"
#include "base/hash.h"

enum {
	SECRET_FAILURES = 6, /* within this: */
	SECRET_WINDOW_S = 3600,
	SECRET_WAIT_MIN_S = 5, /* then the caller waits so long, twice as long each time, */
	SECRET_WAIT_MAX_S = 600,
	SECRET_OBJECT_BURST = 30,   /* of one source at one object, at once and */
	SECRET_OBJECT_EACH_S = 120, /* one more each so many seconds */
	SECRET_SOURCE_BURST = 100,  /* of one source at all objects */
	SECRET_SOURCE_EACH_S = 20,
	SECRET_SETS = 2048,
	SECRET_WAYS = 4,
	SECRET_TEXT_MAX = 255, /* octets of each of: */
};

struct secret_guess {
	struct bytes tenant; /* its name, as all nodes know it */
	struct bytes object; /* what the secret is of, as "room 700" */
	struct bytes source; /* whom the guess came from, as "trunk carrier" */
	struct bytes caller; /* the number that was shown */
};

struct secret_limit;

/* The key is secret, so that nobody can choose whom to push out. 0 or -ENOMEM. */
int secret_limit_open(struct secret_limit **out, const struct hash_key *key) NODISCARD;
void secret_limit_close(struct secret_limit *l); /* NULL is fine */
/* How long what he gives is not looked at; 0: it is. */
uint64_t secret_limit_wait_ns(const struct secret_limit *l, const struct secret_guess *g,
			      uint64_t now_ns);
/* It was wrong. */
void secret_limit_failed(struct secret_limit *l, const struct secret_guess *g, uint64_t now_ns);
/* It was right. */
void secret_limit_passed(struct secret_limit *l, const struct secret_guess *g, uint64_t now_ns);

#endif
