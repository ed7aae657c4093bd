/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas of the node's limited resources: each extension, each trusted peer and each source (an
 * IPv6 /64) has limits of its own. One table for the node, whatever shards it runs; a shard reaches
 * it by quota_of in its settings. A value of fixed size that keeps every entry which still owes
 * something: an entry is reused only when it is as good as new, and a source without room shares an
 * entry with others. Time is an argument; one thread. */
#ifndef SIG_HOST_QUOTA_H
#define SIG_HOST_QUOTA_H

#include "base/addr.h"
#include "base/rand.h"

enum quota_kind { QUOTA_EXTENSION, QUOTA_PEER, QUOTA_SOURCE, QUOTA_KINDS };

enum quota_item {
	QUOTA_CALLS, /* held until they are given back: */
	QUOTA_TXNS,
	QUOTA_PORTS, /* pairs */
	QUOTA_HELD,
	QUOTA_CALL_RATE = QUOTA_HELD, /* spent: so many a second */
	QUOTA_REGISTER_RATE,
	QUOTA_ITEMS,
};

enum { QUOTA_BURST_S = 4 }; /* so many seconds' worth of what is spent may come at once */

struct quota_limits {
	uint32_t of[QUOTA_ITEMS]; /* 0: no limit of its own */
};

struct quota_settings {
	struct quota_limits limits[QUOTA_KINDS];
	/* The capacity of the node for held items: one entry has at most that share of it, in
	 * percent. 0: unlimited. */
	uint32_t capacity[QUOTA_HELD];
	uint32_t share;
};

/* The payer of a charge. All zero: none. Stored with what it pays for while that is held; else for
 * the moment. */
struct quota_party {
	uint32_t entry[2];
};

/* The requester. */
struct quota_name {
	/* QUOTA_EXTENSION is charged together with its source, where it has one; others alone */
	enum quota_kind kind;
	uint16_t tenant;   /* of an extension */
	struct bytes user; /* of an extension, or the name of a peer's rule */
	struct addr source;
	/* QUOTA_PEER: limits of its rule, in the place of those for all peers; 0: those. */
	uint32_t calls, calls_per_s;
	bool kept; /* with a call, and not its limits: those are as they were */
};

struct quota_refusal {
	enum quota_kind kind;
	enum quota_item item;
	uint32_t wait_s; /* asking again before is of no use */
};

struct quota;

/* calls and transactions bound how many entries there must be. 0 or -ENOMEM. */
int quota_open(struct quota **out, const struct quota_settings *settings,
	       struct rand_source *rand) NODISCARD;
void quota_close(struct quota *q); /* NULL is fine */
/* From now on. Capacities stay. */
void quota_configure(struct quota *q, const struct quota_settings *settings);

struct shares;
/* The calls and ports of an extension are limited over all nodes (sig/host/share.h). NULL: here
 * only. */
void quota_share(struct quota *q, struct shares *shares);

/* All that is held of it, over every entry of a kind. */
uint64_t quota_held(const struct quota *q, enum quota_kind kind, enum quota_item item);

/* How a shard reaches the table. arg NULL: nothing is limited. */
struct quota_host {
	void *arg;
	struct quota_party (*party)(void *arg, const struct quota_name *name, uint64_t now_ns);
	bool (*take)(void *arg, const struct quota_party *party, enum quota_item item, bool always,
		     uint64_t now_ns, struct quota_refusal *why);
	void (*give)(void *arg, const struct quota_party *party, enum quota_item item);
};
struct quota_host quota_of(struct quota *q);

/* ---- the same for a host that may have none ---- */
static inline struct quota_party quota_party(const struct quota_host *h,
					     const struct quota_name *name, uint64_t now_ns)
{
	return h->arg ? h->party(h->arg, name, now_ns) : (struct quota_party){ { 0 } };
}

/* One more. always: also beyond the limit (emergency calls, restored calls). Returns false and
 * *why: nothing was taken. */
static inline bool quota_acquire(const struct quota_host *h, const struct quota_party *party,
				 enum quota_item item, bool always, uint64_t now_ns,
				 struct quota_refusal *why)
{
	return !h->arg || h->take(h->arg, party, item, always, now_ns, why);
}

/* One that is held. */
static inline void quota_release(const struct quota_host *h, const struct quota_party *party,
				 enum quota_item item)
{
	if (h->arg)
		h->give(h->arg, party, item);
}

#endif
