/* SPDX-License-Identifier: Apache-2.0 */
/* What guard.c and the programs in the kernel share (guard_step.h): plain C types only. */
#ifndef BASE_GUARD_RULE_H
#define BASE_GUARD_RULE_H

/* Each has its own buckets, and a reason of its own. */
#define GUARD_CLASSES(X)                                                                        \
	X(PEER, "trusted_peer")       /* a port that is trusted by its address, by address */   \
	X(KNOWN, "known_source")      /* one that proved who it is, or is called, by address */ \
	X(NEIGHBOUR, "neighbour")     /* an address with a known port */                        \
	X(STRANGER, "stranger")       /* all others, by address, IPv6 by /64 */                 \
	X(EVERYBODY, "all_strangers") /* all others together */

enum guard_class {
#define X(id, name) GUARD_##id,
	GUARD_CLASSES(X)
#undef X
		GUARD_CLASS_COUNT
};

enum {
	GUARD_WAYS = 8,                                          /* a set is a cache line */
	GUARD_BUCKETS = 16384,                                   /* of each class; a power of two */
	GUARD_BUCKETS_ALL = GUARD_EVERYBODY * GUARD_BUCKETS + 1, /* all strangers have one */
	GUARD_PREFIX = 1 << 16, /* beside a port: the name of an address */
	/* With a port: the name of a trusted one, which is known as well. */
	GUARD_TRUSTED = 1 << 17,
	GUARD_NET = 1 << 18, /* in place of a port: the name of a prefix of addresses */
	GUARD_NETS = 64,
};

typedef unsigned long long guard_word;

/* IPv4 as ::ffff:a.b.c.d; the octets as they lie in the packet. */
struct guard_source {
	guard_word high, low;
};

struct guard_set {
	guard_word names[GUARD_WAYS]; /* 0: free */
};

struct guard_bucket {
	guard_word full_ns; /* when what was taken has run out again */
};

/* What one place has dropped. */
struct guard_dropped {
	guard_word by_class[GUARD_CLASS_COUNT];
};

struct guard_rate {
	guard_word each_ns; /* 0: no limit */
	guard_word burst_ns;
};

/* Addresses that are trusted by the settings, so from the first datagram on. */
struct guard_net {
	struct guard_source net, mask;
	guard_word port; /* 0: any */
};

struct guard_rules {
	guard_word k0, k1;
	guard_word set_mask;
	struct guard_rate rates[GUARD_CLASS_COUNT];
	guard_word net_count;
	struct guard_net nets[GUARD_NETS];
};

#endif
