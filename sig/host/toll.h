/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on calls outside (FEATURES TRUST-03): how many an extension and its tenant have at a time,
 * and how many minutes of them a day. So a stolen password costs at most the limit. One table for
 * the node, whatever shards it runs; time is an argument; one thread. The cost of each shard's
 * calls is a part of its own. A shard that leaves the node takes its part along: its next owner
 * reads it anew, and so does this node when the shard comes back. A call has a charge from its
 * INVITE until it is over. Time is granted in advance, slice by slice, and what is unused comes
 * back. So all calls together never exceed the limit, however many begin meanwhile. */
#ifndef SIG_HOST_TOLL_H
#define SIG_HOST_TOLL_H

#include "base/table.h"
#include "sig/host/tenant.h"

enum { TOLL_USER_MAX = 64, TOLL_SLICE_MS = 10000, TOLL_WARN_PERCENT = 80 };

/* Of the extension and of the tenant. */
struct toll_terms {
	struct toll_limits user, tenant;
};

/* Days are those of UTC, by the wall; durations are of the node's clock (base/clock.h). */
struct toll_now {
	uint64_t utc_ms, midnight_ms; /* of the node's clock */
	uint64_t day;                 /* since 1970 */
};
struct toll_now toll_now(uint64_t utc_ms, int64_t wall_ms);
/* For a tenant with days that begin later: its day is that of UTC, or the one before. */
struct toll_now toll_now_of(const struct tenants *tenants, uint16_t tenant, uint64_t utc_ms,
			    int64_t wall_ms);

enum toll_verdict {
	TOLL_OK,
	TOLL_USER_CALLS,
	TOLL_USER_MINUTES,
	TOLL_TENANT_CALLS,
	TOLL_TENANT_MINUTES,
};

struct toll;

/* The payer: the extension that calls, or that forwarded the call. */
struct toll_payer {
	uint16_t tenant;
	/* the shard of its calls, counted from 0; limits are of all shards together */
	uint8_t shard;
	struct bytes user; /* "": the tenant alone */
};

/* Of one call. All zero: none. */
struct toll_charge {
	struct toll *of;
	uint32_t user, tenant; /* accounts; user 0: the tenant's alone */
	uint8_t shard;         /* its calls' part of them */
	uint64_t until_ms;     /* its time ends then; 0: it does not talk */
	uint64_t day;          /* that its newest slice is of */
};

struct toll_slice {
	uint64_t ms;                 /* 0: the minutes are used up */
	enum toll_verdict ended;     /* then: of which account */
	bool warn_user, warn_tenant; /* TOLL_WARN_PERCENT of its minutes are gone by now */
};

struct toll_usage {
	uint32_t calls; /* now */
	int64_t ms;     /* today, with what calls have ahead */
};

/* So many extensions and tenants at most, and shards. 0 or -ENOMEM. */
int toll_open(struct toll **out, uint32_t accounts, uint32_t shards,
	      const struct hash_key *key) NODISCARD;
void toll_close(struct toll *t); /* NULL is fine */

struct shares;
/* The limits hold over all nodes (sig/host/share.h). NULL: here alone. */
void toll_share(struct toll *t, struct shares *shares);

/* Whether one more call may go out. */
enum toll_verdict toll_may(struct toll *t, const struct toll_payer *who,
			   const struct toll_terms *terms, const struct toll_now *now);
/* One more call goes out. always: regardless of the limits (a restored call). On refusal nothing is
 * charged. Without room for another account it is refused as by TOLL_USER_CALLS. */
enum toll_verdict toll_start(struct toll *t, const struct toll_payer *who,
			     const struct toll_terms *terms, bool always,
			     const struct toll_now *now, struct toll_charge *out) NODISCARD;
/* It is answered, now or at that time: charges the use since, and its time is over unless it is
 * extended. */
void toll_talk(struct toll_charge *charge, uint64_t answer_utc_ms, const struct toll_now *now);
struct toll_slice toll_extend(struct toll_charge *charge, const struct toll_terms *terms,
			      const struct toll_now *now);
/* It is over; the charge is released. */
void toll_end(struct toll_charge *charge, const struct toll_now *now);
/* The same if the end is unknown. */
void toll_drop(struct toll_charge *charge);

/* Today has cost so much more, or less. 0 or -ENOMEM. */
int toll_spend(struct toll *t, const struct toll_payer *who, int64_t ms,
	       const struct toll_now *now) NODISCARD;
/* The extension's day has cost so much less, its tenant's as before. */
void toll_forgive(struct toll *t, const struct toll_payer *who, int64_t ms,
		  const struct toll_now *now);
/* The cost of the shard's calls is zero: it is about to be read. The shard has no charges. */
void toll_forget(struct toll *t, uint8_t shard);
struct toll_usage toll_look(struct toll *t, const struct toll_payer *who,
			    const struct toll_now *now);

/* What calls outside may cost (sig/host/host.h). */
struct toll_service {
	/* The toll limits of a user's calls to that number outside; user "": not ours, number "":
	 * the call exists already. Returns false for an emergency number, which has none. */
	bool (*limits)(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
		       struct toll_terms *out);
};

#endif
