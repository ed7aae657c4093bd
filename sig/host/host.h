/* SPDX-License-Identifier: Apache-2.0 */
/* What a step of a call may use of its shard. Every request to the outside becomes an effect. */
#ifndef SIG_HOST_HOST_H
#define SIG_HOST_HOST_H

#include "base/clock.h"
#include "media/ports.h"
#include "sig/dial/dial.h"
#include "sig/host/effect.h"
#include "sig/host/quota.h"
#include "sig/host/refusal.h"
#include "sig/host/tenant.h"
#include "sig/host/txns.h"

enum { HOST_SPACE = 65536, HOST_SDP_MAX = 16384, HOST_EXTRA = 8192, HOST_SLOT_MAX = 9 };

struct accounts;
struct calendars;
struct groups;
struct name_index;
struct leg_users;
struct feature;
struct module_lists;
struct packing;
struct secret_limit;
struct programs;
struct queues;
struct shard_settings;

/* The jobs that play a sound of the node. */
struct host_track {
	struct job_id jobs[MEDIA_CODECS]; /* generation 0: that codec has none */
	bool coming;                      /* none is open yet, and soon will be */
};

static inline bool host_track_plays(const struct host_track *t)
{
	bool plays = false;

	for (unsigned i = 0; i < MEDIA_CODECS; i++)
		plays |= t->jobs[i].generation != 0;
	return plays;
}

/*
 * The services of a shard: what a step of a call may ask the rest of its shard for, by subject.
 * Each is a constant struct of functions that is declared with its subject. A host has all of them,
 * and no function of theirs is NULL. They run on the shard's thread, within the step that calls
 * them; their first argument is call_host.owner, but of queueing, which works in the call. Name,
 * and the struct of its functions:
 */
#define SERVICES(X)                                                  \
	X(calls, call_service)          /* sig/model/call.h */       \
	X(directory, directory_service) /* sig/host/extension.h */   \
	X(location, location_service)   /* sig/host/location.h */    \
	X(rooms, room_service)          /* sig/room/room.h */        \
	X(parking, parking_service)     /* sig/pbx/park.h */         \
	X(pickups, pickup_service)      /* sig/pbx/retrieve.h */     \
	X(trunks, trunk_service)        /* sig/host/trunk_route.h */ \
	X(toll, toll_service)           /* sig/host/toll.h */        \
	X(queueing, queueing_service)   /* sig/pbx/flow/flow.h */    \
	X(identity, identity_service)   /* sig/identity/policy.h */

struct services {
#define X(name, type) const struct type *name;
	SERVICES(X)
#undef X
};

struct call_host {
	const struct shard_settings *settings;
	struct rand_source *rand;
	struct effects *effects;
	struct txns *txns;
	struct wheel *wheel;
	struct ports *ports;     /* by network */
	const uint32_t *codings; /* calls of the node with transcoded audio */
	const uint32_t *videos;  /* calls of the node that have video */
	struct leg_users *users;
	struct forward_list *elsewhere;
	struct security *security;    /* security_event: misuse of the node */
	struct secret_limit *secrets; /* of sig/call/secret.h */
	struct programs *programs;    /* of flows (sig/host/programs.h) */
	struct calendars *calendars;  /* of tenants (calendars.h) */
	struct groups *groups;        /* of tenants (groups.h) */
	struct queues *queues;        /* of tenants (sig/pbx/queue/queues.h) */
	struct name_index *names;     /* of extensions (name_index.h) */
	struct accounts *accounts;    /* of tenants (accounts.h) */
	const struct sig_metrics *metrics;
	struct instant now; /* utc_ms: of steady, for durations and deadlines; a wall may be set */
	struct steady steady;
	int64_t wall_ms;     /* what the wall shows more, for those who read times */
	uint32_t timer_kind; /* of a call's timer */
	uint32_t resolves;   /* calls waiting for a look-up of a callee's name */
	uint32_t lookups;    /* dialogs waiting for one of their party's name (dialog.h) */
	uint32_t given_up;   /* restored calls that could not go on */
	bool degraded;
	bool hurries;                       /* nothing is saved later (settings.save_later_ms) */
	struct quota_refusal quota_refusal; /* the last one (payer.h) */
	uint64_t incarnation; /* of this process among the shard's owners: grows; 0: unknown */
	uint8_t *space;       /* HOST_SPACE octets, to write one message in */
	uint8_t *extra;       /* HOST_EXTRA octets, for its further header lines */
	uint8_t *sdp;         /* HOST_SDP_MAX octets, for its body */
	/* of packing_open (call_record.h): where a record is put together */
	struct packing *packing;
	const struct host_track *tracks;    /* by enum shard_track; NULL: none */
	const struct module_lists *modules; /* sig/call/module.h */
	const struct feature *features;     /* of the node */
	const struct services *services;
	void *owner; /* of the services: their first argument */
};

#endif
