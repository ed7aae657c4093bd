/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a SIP URI leads (RFC 3263 4): transport, addresses and ports, best first. Pure: it reads what is in the cache, and says what is to be
 * asked for where that is not enough. Whoever has the answers runs it again. A numeric address costs nothing and asks nobody.
 *
 *   host is numeric ------------------------------------------------> target
 *   port given ------------------------------------> A and AAAA ----> targets
 *   transport given -----------------> SRV --none--> A and AAAA
 *   neither -----> NAPTR --none------> SRV of each transport --none--> A and AAAA
 */
#ifndef SIG_LOOKUP_LOOKUP_H
#define SIG_LOOKUP_LOOKUP_H

#include "sig/lookup/dns_cache.h"
#include "sig/sip/message.h"

enum {
	LOOKUP_TARGETS_MAX = 16,
	LOOKUP_SRV_MAX = 8,   /* records of one SRV set that are followed */
	LOOKUP_ASKS_MAX = 16, /* questions of one run */
	LOOKUP_ROUNDS_MAX =
		12, /* runs of a look-up that asked: no chain of sets is longer within these bounds */
};

/* What is looked for. */
struct lookup_want {
	char host[DNS_NAME_CAP]; /* a name; numeric is fine; IPv6 without brackets */
	uint16_t port;           /* 0: none was said */
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
	LOOKUP_ASK,     /* asks */
	LOOKUP_NOTHING, /* the name leads nowhere */
	LOOKUP_FAILED,  /* that is not known: servers did not say */
	LOOKUP_BAD,     /* it is no name, or wants what the node does not speak */
};

struct lookup {
	enum lookup_state state;
	uint32_t target_count, ask_count;
	struct lookup_target targets[LOOKUP_TARGETS_MAX];
	struct dns_question asks[LOOKUP_ASKS_MAX];
};

/* 0, or -EINVAL: it has no host, or one that is too long. What this node speaks and the seed are left to the caller. */
int lookup_want_from_uri(struct lookup_want *out, const struct sip_uri *uri) NODISCARD;
void lookup_run(struct dns_cache *cache, const struct lookup_want *want, uint64_t now_ns,
		struct lookup *out);
/* "done", "nothing", "failed", ... */
const char *lookup_state_name(enum lookup_state state);

#endif
