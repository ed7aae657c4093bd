/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a shard; private to a few files of sig/shard/. Others use shard_parts.h. */
#ifndef SIG_SHARD_SHARD_STATE_H
#define SIG_SHARD_SHARD_STATE_H

#include "sig/shard/overload.h"
#include "sig/shard/shard_parts.h"

/* Refused calls of known callers leave a log line and a call record, as other calls do: a number
 * dialled wrongly can be found there. Bounded, so that a phone that dials on and on fills neither:
 * a budget for each source (IPv6: one /64), and one for all. Fixed size, owned by the shard, one
 * thread. */
enum {
	REFUSED_CALL_SETS = 64,
	REFUSED_CALL_WAYS = 4,
	REFUSED_CALL_PER_S = 1,  /* of one source, */
	REFUSED_CALL_BURST = 20, /* so many at once */
	REFUSED_CALL_ALL_PER_S = 20,
	REFUSED_CALL_ALL_BURST = 200,
};

/* All zero: no refused calls. */
struct refused_calls {
	uint64_t all_full_ns;
	struct {
		uint64_t id; /* hash of the source; 0: free */
		uint64_t full_ns;
	} sets[REFUSED_CALL_SETS][REFUSED_CALL_WAYS];
};

enum { SHARD_TRUNK_TARGET_MAX = 512 };

struct shard_profiles {
	uint32_t count, range_count;
	struct shard_profile list[SHARD_PROFILES_MAX];
	struct shard_range ranges[SHARD_RANGES_MAX];
};

struct shard {
	struct shard *next; /* of the node */
	struct shard_settings settings;
	struct shard_shared_tables *shared_tables,
		*own_shared_tables; /* own: where the node has none */
	struct call_host host;      /* what calls may use of the rest */
	struct effects effects;
	struct wheel wheel;
	struct txns txns;
	struct sig_metrics metrics;
	struct id_source ids;
	struct host_track tracks[SHARD_TRACKS];
	struct pool calls, extensions;
	struct table calls_by_id, extensions_by_number;
	struct objects objects;
	struct table calls_by_slot; /* of parked ones, by tenant and slot: their ids */
	struct table calls_by_wait; /* those that wait for a user, by tenant and user: likewise */
	uint32_t busy_extensions;   /* of which other nodes are asked what calls they have */
	struct shard_profiles *profiles[TENANTS_MAX]; /* NULL: none of either */
	struct overload overload;
	uint64_t behind_ns; /* of the message that comes next, or is looked at */
	bool is_overloaded; /* new calls are refused now */
	struct security security;
	struct leg_users legs;
	struct forward_list elsewhere;
	struct subscriptions subscriptions;
	uint32_t remote_cursor; /* of the subscriptions to users that other nodes are asked for */
	struct locations *locations; /* of the node */
	struct locations_user locations_user;
	struct invite_wait *invite_waits; /* the newest first */
	uint32_t invite_wait_count;
	uint64_t invite_wait_token;     /* of all three */
	struct user_request *user_asks; /* the newest first */
	struct lost_party *lost;        /* the newest first */
	uint32_t lost_count;
	struct wheel_timer lost_timer;
	struct hash_key key;
	uint32_t established;
	uint32_t transcoded; /* calls with transcoded audio */
	bool draining;
	struct refused_calls refused_calls;
	uint64_t failed_ns;  /* when send errors were last looked at */
	uint64_t resumed_ns; /* when it went on with what another process had; 0: not yet */
	/* telling the store everything again, some at a time */
	struct wheel_timer assert_timer;
	uint32_t assert_call;
	bool assert_all; /* also what the store has acknowledged: it may have lost that */
	uint8_t *space;
	/* URI and route of the trunk asked last */
	uint8_t trunk_target[2 * SHARD_TRUNK_TARGET_MAX];
	struct packing *packing;
};

#endif
