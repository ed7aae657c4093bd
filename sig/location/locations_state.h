/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the locations; private to sig/location. */
#ifndef SIG_LOCATION_LOCATIONS_STATE_H
#define SIG_LOCATION_LOCATIONS_STATE_H

#include "base/table.h"
#include "base/wheel.h"
#include "sig/host/network.h"
#include "sig/host/sig_metric.h"
#include "sig/location/locations.h"
#include "sig/location/registrar.h"

/* The addresses of record with a binding by each connection, so its end costs only what was on it;
 * and those with a binding of each device (+sip.instance), for a count of its accounts. Bindings
 * link each other: no capacity limit, and no memory but the buckets. */

struct locations;
struct location;

struct aor_link {
	struct aor_link *next;
	struct aor_link **back; /* what points at this one; NULL: not listed */
	uint64_t key;           /* the connection's name, or device_key() */
	pool_handle aor;
};

/* In an address of record: one for each binding by a connection, and one for each device. No memory
 * if there are none. */
struct aor_links {
	struct aor_link *list;
	uint32_t count; /* so many are in use, or were */
};

struct aor_connections {
	struct aor_link **buckets;
	uint32_t mask;
};

/* Lists the present entry, and nothing of earlier ones; entry NULL: nothing. Without memory nothing
 * is listed: the end of a connection has no effect then, bindings expire at their time, and the
 * account does not count for its device. */
void aor_connections_list(struct locations *l, struct location *a, const struct aor *entry);
/* The number of other addresses of record of the tenant with a binding of that device, as far as
 * this node knows. */
uint32_t location_accounts(const struct locations *l, const struct location *a,
			   struct bytes instance);
/* Takes one off the connection's list. False: nothing is on it any more. */
bool aor_connections_pop(struct aor_connections *c, uint64_t connection, pool_handle *aor);

enum location_timer { LOCATION_TIMER_ENTRY, LOCATION_TIMER_ASSERT };

/* A REGISTER with a response that waits for a save. */
struct register_wait {
	struct register_wait *next;
	struct locations_user *user;
	pool_handle txn;
	uint64_t version;
	struct text response;
};

/* A request for the stored entry. */
struct location_asked {
	struct location_asked *next;
	struct locations_user *user;
	enum location_asker asker;
	uint64_t token;
};

struct location {
	pool_handle self;
	uint64_t hash;
	struct aor entry;
	struct aor *left; /* what REGISTERs removed and no save contains yet; NULL: nothing */
	struct aor_links links;
	uint64_t marked;    /* the version that is marked in the entry */
	uint64_t acked;     /* version that the store should hold; 0: none */
	uint64_t saving;    /* version in flight; 0: none */
	uint64_t unknown;   /* of a save with unknown outcome */
	uint64_t back_from; /* version to which the store may have gone back; 0: it has not */
	uint8_t back_tries;
	bool is_unknown, saving_delete, unknown_delete;
	bool told;       /* a REGISTER was answered that no save contains yet */
	bool getting;    /* the store was asked, */
	bool unread;     /* ... and did not answer */
	bool conflicted; /* because it has another version */
	bool held;       /* not settled before its owner has done all */
	bool unsaved;    /* differs from what the store holds */
	bool ended;      /* its user is no more: what the store has of him goes */
	uint8_t conflicts, asked_count;
	uint16_t tenant;              /* the tenant of the entry's name */
	uint32_t tries;               /* saves of an empty entry without success */
	uint32_t wait_count;          /* of waits */
	struct location_asked *asked; /* oldest first */
	uint64_t known_ns;            /* until then no look-up is needed */
	struct register_wait *waits;  /* oldest first */
	uint64_t retry_ns;            /* save again; 0: off */
	uint64_t overdue_ns;          /* of the save in flight */
	struct wheel_timer timer;     /* first expiry, or one of these */
};
static_assert(sizeof(struct location) <= 320, "of each registration");

struct locations {
	struct tenants *tenants, *own_tenants; /* the latter where the settings have none */
	char node[AOR_NODE_MAX + 1];
	bool lookup;             /* there may be other nodes */
	struct hop_edges *edges; /* NULL: none of which this one can reach the connections */
	uint32_t local_count;
	struct shard_local locals[SHARD_LOCALS_MAX];
	uint32_t floating; /* bits of locals that move with their shards */
	struct effects effects;
	struct wheel wheel;
	struct sig_metrics metrics;
	struct steady steady;
	struct instant clock; /* of the event that is on */
	struct instant now;   /* the same, by steady */
	struct pool aors;
	struct table by_user;
	struct aor_connections connections;
	struct hash_key key;
	uint64_t births; /* entries that began, and began anew */
	struct locations_user *users;
	uint32_t bindings;
	bool degraded;
	/* telling the store everything again, some at a time */
	struct wheel_timer assert_timer;
	uint32_t assert_cursor;
	bool assert_all; /* also what the store has acknowledged: it may have lost that */
};

/* ---- location.c ---- */
void location_remove(struct locations *l, struct location *a);
void location_timer(struct locations *l, struct location *a);
/* REG-27: tells all nodes which devices of a former state it has no longer. */
void location_devices_left(struct locations *l, const struct location *a, const struct aor *was);
/* Notifies the watchers that its phones have changed. */
void location_notify(struct locations *l, const struct location *a);

/* No node has stored more of it than this one does with its next save. */
void location_is_born(struct locations *l, struct location *a);
/* Times and listening addresses of a record become ours, and so do the bindings that are. */
void location_adapt(const struct locations *l, struct aor *entry);
/* No answer, or a bad one: waiters are released, and the save is retried. */
void location_save_failed(struct locations *l, struct location *a);
/* Sends the answers that waited for this version, or an older one. */
void location_release(struct locations *l, struct location *a, uint64_t version);
/* Another node wrote the entry: the phone shall ask again, by then the entry is ours or theirs. */
void location_refuse(struct locations *l, struct location *a);
/* Waiters are not told; user NULL: all of them. */
void location_waits_drop(struct location *a, const struct locations_user *user);

/* ---- location_fetch.c ---- */
/* The store is asked, unless it was. False: no memory. */
bool location_fetch(struct locations *l, struct location *a);
void location_fetch_failed(struct locations *l, struct location *a);
/* A save met a version that we do not know of. */
void location_conflict(struct locations *l, struct location *a);
/* It was read or saved now. */
void location_known(struct locations *l, struct location *a);
/* As location_waits_drop. */
void location_asked_drop(struct location *a, const struct locations_user *user);
bool location_is_foreign(const struct location *a);
/* When such a one goes. */
uint64_t location_forget_ns(const struct location *a);

/* What two nodes know of one address of record. Pure. */

/* What that REGISTER has removed, and no save contains yet. Returns 0 or -ENOMEM. */
int aor_note_left(struct aor *left, const struct aor *before, const struct aor *after,
		  const struct sip_message *m, uint64_t utc_ms) NODISCARD;
/* *theirs, which is taken over, becomes *ours, with the connections that ours knows. ours_count: of
 * each binding the newer one stays, and those of ours that they lack, unless they have removed them
 * since; *ours keeps empty bindings then until it is replaced. left: what we have removed, which is
 * removed from theirs unless newer there; NULL: nothing. Returns 0, or -ENOMEM: *ours is
 * incomplete. */
int aor_merge(struct aor *ours, struct aor *theirs, const struct aor *left,
	      bool ours_count) NODISCARD;

#endif
