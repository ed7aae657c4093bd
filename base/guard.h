/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides which datagrams the SIP ports accept, before anything is parsed. Known sources come
 * first, each address has its limit, and all strangers share one: a flood from one address, or from
 * many forged ones, costs what the limits allow, and known sources notice nothing. guard_step.h has
 * the rule. It runs here, after the datagram was read, or in the kernel, before it was queued.
 *
 * Answers to strangers are limited, too: an address (IPv6: a /64) gets no more octets than it sent,
 * except for a small allowance per prefix (IPv4 /24, IPv6 /48). So forging a source, or a whole
 * network of sources, amplifies nothing. One thread, the loop's.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include "base/addr.h"
#include "base/guard_rule.h"
#include "base/rand.h"

struct guard;

/* Datagrams a second; 0: no limit. */
struct guard_limits {
	uint32_t per_s[GUARD_CLASS_COUNT];
};

/* Addresses that the settings trust, at a port or (0) at any. */
struct guard_trusted {
	struct addr net;
	unsigned bits;
};

enum {
	GUARD_TRUSTED_ADDRESSES = 256
}; /* of a rule; sources of larger ones are known by a first message */

/* What the kernel shares with us (engine/port/xdp_guard.h); all zero: nothing. */
struct guard_kernel {
	struct guard_rules *rules;
	struct guard_set *sets; /* guard_sets(flows) of them */
	/* What the program on the sockets has dropped, and the one where frames come in. */
	const struct guard_dropped *at_sockets, *at_frames;
};

enum {
	GUARD_TRICKLE_PER_S = 512, /* octets of a prefix beyond what came */
	GUARD_TRICKLE_MAX = 2048,
};

/* Sets for so many known phones: a power of two. */
uint32_t guard_sets(uint32_t phones);
/* keep_ns: how long a source stays known without new proof. kernel: NULL, or borrowed: then the
 * kernel decides. Returns 0 or -ENOMEM. */
int guard_open(struct guard **out, uint32_t phones, uint64_t keep_ns, struct rand_source *rand,
	       const struct guard_kernel *kernel) NODISCARD;
void guard_close(struct guard *g); /* NULL is fine */
void guard_configure(struct guard *g, const struct guard_limits *limits, uint64_t keep_ns);
/* Replaces the trusted networks, which are known as peers from the start. False: a network is too
 * large, or no room is left. */
bool guard_trust(struct guard *g, const struct guard_trusted *list, uint32_t count);
void guard_setup(void); /* registers the metrics; main thread, once */
/* Adds the kernel's drops to the metrics, and sets the number of known sources. */
void guard_count(struct guard *g);

/* A datagram of n octets came from there. False: it is dropped, and counted. */
bool guard_admits(struct guard *g, const struct addr *from, size_t n, uint64_t now_ns);
/* This address and port has authenticated or is called by us: it is known from now on. */
void guard_know(struct guard *g, const struct addr *who, uint64_t now_ns);
/* Likewise, and trusted by its address: a server in front of many phones, with a higher limit. */
void guard_know_peer(struct guard *g, const struct addr *who, uint64_t now_ns);
bool guard_is_known(const struct guard *g, const struct addr *who);
/* An answer of n octets goes there. False: a stranger's allowance is used up; counted. */
bool guard_may_answer(struct guard *g, const struct addr *to, size_t n, uint64_t now_ns);
/* What the program on the sockets has dropped: their counters of the kernel include it. */
uint64_t guard_socket_drops(const struct guard *g);

#endif
