/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locates the server of a SIP URI (RFC 3263 4): transport, addresses and ports, best first. Pure:
 * it reads the DNS cache, and returns the queries that are still needed; with their answers it is
 * run again. A numeric address needs no query.
 *
 *   host is numeric ------------------------------------------------> target
 *   port given ------------------------------------> A and AAAA ----> targets
 *   transport given -----------------> SRV --none--> A and AAAA
 *   neither -----> NAPTR --none------> SRV of each transport --none--> A and AAAA
 */
#ifndef SIG_LOOKUP_LOOKUP_H
#define SIG_LOOKUP_LOOKUP_H

#include "base/rand.h"
#include "sig/lookup/dns.h"
#include "sig/sip/message.h"

enum {
	LOOKUP_TARGETS_MAX = 16,
	LOOKUP_SRV_MAX = 8,   /* records of one SRV set that are followed */
	LOOKUP_ASKS_MAX = 16, /* questions of one run */
	/* runs of a look-up that asked: no chain of sets is longer within these bounds */
	LOOKUP_ROUNDS_MAX = 12,
};

/* What is looked for. */
struct lookup_want {
	char host[DNS_NAME_CAP]; /* a name; numeric is fine; IPv6 without brackets */
	uint16_t port;           /* 0: absent */
	bool sips;
	bool said;         /* the URI names its transport: transport */
	uint8_t transport; /* enum sip_transport */
	uint8_t speaks;    /* 1 << enum sip_transport of UDP, TCP and TLS that this node can use */
	bool v4, v6;       /* families that it can use */
	uint64_t seed;     /* for weights: the same in all runs of a look-up */
};

struct lookup_target {
	struct addr to;
	uint8_t transport; /* enum sip_transport */
};

enum lookup_state {
	LOOKUP_DONE,    /* targets; there is one at least */
	LOOKUP_REQUEST, /* asks */
	LOOKUP_NOTHING, /* the name leads nowhere */
	LOOKUP_FAILED,  /* that is not known: servers did not say */
	LOOKUP_BAD,     /* not a valid name, or needs what the node does not support */
};

struct lookup {
	enum lookup_state state;
	uint32_t target_count, ask_count;
	struct lookup_target targets[LOOKUP_TARGETS_MAX];
	struct dns_question asks[LOOKUP_ASKS_MAX];
};

/* Returns 0, or -EINVAL: no host, or it is too long. The caller sets the transports of this node
 * and the seed. */
int lookup_want_from_uri(struct lookup_want *out, const struct sip_uri *uri) NODISCARD;
void lookup_run(struct dns_cache *cache, const struct lookup_want *want, uint64_t now_ns,
		struct lookup *out);
/* "done", "nothing", "failed", ... */
const char *lookup_state_name(enum lookup_state state);

/* Targets that failed recently (RFC 3263 4.3), or asked to be avoided for a time (503 with
 * Retry-After): they are tried after the others. If all have failed, all are tried. Fixed size; one
 * owner, one thread. */

enum { BLOCKED_MAX = 256, BLOCKED_S = 30, BLOCKED_MAX_S = 300 };

struct lookup_blocked {
	struct {
		struct lookup_target target;
		uint64_t until_ns; /* 0: free */
	} list[BLOCKED_MAX];
};

/* for_s: 0: as long as usual. Full, the one that is free the soonest gives its place. */
void blocked_add(struct lookup_blocked *b, const struct lookup_target *target, uint32_t for_s,
		 uint64_t now_ns);
bool blocked_has(const struct lookup_blocked *b, const struct lookup_target *target,
		 uint64_t now_ns);
/* 0: it is not. */
uint64_t blocked_until_ns(const struct lookup_blocked *b, const struct lookup_target *target,
			  uint64_t now_ns);
/* Those that are blocked go behind the others; else the order stays. */
void blocked_order(const struct lookup_blocked *b, struct lookup *l, uint64_t now_ns);

/* Which record comes first. Pure: the same seed gives the same order. */

/* RFC 2782: the lowest priority first, within one priority drawn by weight. out: indexes of all
 * records. */
void order_srv(const struct dns_set *set, struct rand_source *rand, uint8_t out[DNS_RECORDS_MAX]);
/* RFC 3403 4.1: the lowest order, and in it the lowest preference; wanted: 1 << enum naptr_service.
 * Returns the number of those of the lowest order that has a wanted service. */
uint32_t order_naptr(const struct dns_set *set, uint8_t wanted, uint8_t out[DNS_RECORDS_MAX]);

#endif
