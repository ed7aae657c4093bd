/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who guesses passwords has to wait. Only wrong answers to challenges that their source got count (sig/sip/digest_nonce.h), so nobody can
 * guess in another's name. They are counted in two places:
 *  - with the extension, by source: after AUTH_LIMIT_FAILURES in a window that source's credentials for it are not looked at for a while.
 *    For names that are no extension there are places to share, so that the answers do not tell which exist.
 *  - with the source, for all extensions together.
 * While one of the two waits, a flow (transport, address and port) that has not failed there is looked at all the same, from a small
 * bucket. So who guesses behind a NAT from one port never stops a phone beside it, and who changes ports competes with it for the bucket.
 * A phone that is registered, or comes back (registrar_knows), is not stopped by others at its address; it has a count of its own.
 * Values of fixed size, owned by the shard, one thread. Invented names and nonces take no place that anybody else needs.
 */
#ifndef SIG_SHARD_AUTH_LIMIT_H
#define SIG_SHARD_AUTH_LIMIT_H

#include "base/addr.h"
#include "base/hash.h"

enum {
	AUTH_LIMIT_WAYS = 4,      /* sources an extension remembers */
	AUTH_LIMIT_NAMES = 1024,  /* places for all names that are none */
	AUTH_LIMIT_FAILURES = 10, /* within this: */
	AUTH_LIMIT_WINDOW_S = 60,
	AUTH_LIMIT_WAIT_MIN_S =
		5, /* then it waits so long, twice as long after each further failure, */
	AUTH_LIMIT_WAIT_MAX_S = 60, /* up to this */
	AUTH_LIMIT_FORGET_S = 600,  /* without a failure */
	AUTH_LIMIT_SETS = 1024,     /* of sources */
	AUTH_LIMIT_SOURCE_BURST = 100,
	AUTH_LIMIT_SOURCE_PER_S = 1,
	AUTH_LIMIT_PHONE_BURST = 30, /* of phones that are known, at once and */
	AUTH_LIMIT_PHONE_PER_S = 1,
	AUTH_LIMIT_FLOWS = 8,        /* that failed, of which each place knows */
	AUTH_LIMIT_FRESH_BURST = 10, /* failures of others while a place waits, at once and */
	AUTH_LIMIT_FRESH_S = 2,      /* one each so many seconds */
};

/* What the sender of credentials is to the extension that they name. */
enum auth_standing {
	AUTH_STRANGER,
	AUTH_NEIGHBOUR, /* a phone of the extension is registered from the same source */
	AUTH_PHONE,     /* it is that phone */
};

/* Flows of one place: those that failed there, the newest of them, and what others may still get wrong while it waits. */
struct auth_flows {
	uint64_t failed[AUTH_LIMIT_FLOWS]; /* hashes; 0: none */
	uint64_t full_ns;
	uint32_t next;
};

/* Failures of one source. */
struct auth_guess {
	uint64_t source;   /* hash; 0: free */
	uint64_t first_ns; /* first failure of the window */
	uint64_t last_ns;
	uint64_t until_ns; /* it waits till then */
	uint32_t failures; /* in the window */
	uint32_t waits;    /* so far */
	struct auth_flows flows;
};

/* All zero: nobody has failed. One lies beside each extension that somebody has failed at. */
struct auth_guesses {
	struct auth_guess ways[AUTH_LIMIT_WAYS];
	uint64_t phone_full_ns; /* bucket of its phones' failures */
};

struct auth_source {
	uint64_t id; /* 0: free */
	uint64_t full_ns;
	struct auth_flows flows;
};

struct auth_limit {
	struct auth_guesses nobody[AUTH_LIMIT_NAMES];
	struct auth_source sources[AUTH_LIMIT_SETS][AUTH_LIMIT_WAYS];
};

/* One who tries. */
struct auth_try {
	struct auth_guesses
		*guesses; /* of the extension, NULL: nobody has failed; or auth_limit_nobody */
	uint64_t source, flow;
	enum auth_standing standing;
};

/* The key is secret, so that nobody can choose whom to push out. */
uint64_t auth_limit_source(const struct hash_key *key, const struct addr *source);
uint64_t auth_limit_flow(const struct hash_key *key, const struct addr *remote, unsigned transport);
/* Where failures of a name count that is no extension. */
struct auth_guesses *auth_limit_nobody(struct auth_limit *l, const struct hash_key *key,
				       uint16_t tenant, struct bytes user);
/* How long these credentials are not looked at; 0: they are. */
uint64_t auth_limit_wait_ns(const struct auth_limit *l, const struct auth_try *t, uint64_t now_ns);
/* True when it has to wait from now on. The guesses are there. */
bool auth_limit_failed(struct auth_limit *l, const struct auth_try *t, uint64_t now_ns);
void auth_limit_passed(const struct auth_try *t, uint64_t now_ns);

#endif
