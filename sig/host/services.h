/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services of a shard: what a step of a call may ask the rest of its shard for, by subject.
 * Each is a constant struct of functions that is declared with its subject. A host has all of them,
 * and no function of theirs is NULL. They run on the shard's thread, within the step that calls
 * them; their first argument is call_host.owner.
 */
#ifndef SIG_HOST_SERVICES_H
#define SIG_HOST_SERVICES_H

/* Name, and the struct of its functions. */
#define SERVICES(X)                                                  \
	X(calls, call_service)          /* sig/model/call.h */       \
	X(directory, directory_service) /* sig/host/extension.h */   \
	X(location, location_service)   /* sig/host/location.h */    \
	X(rooms, room_service)          /* sig/room/room.h */        \
	X(parking, parking_service)     /* sig/pbx/park.h */         \
	X(pickups, pickup_service)      /* sig/pbx/retrieve.h */     \
	X(trunks, trunk_service)        /* sig/host/trunk_route.h */ \
	X(toll, toll_service)           /* sig/host/toll.h */        \
	X(identity, identity_service)   /* sig/identity/policy.h */

struct services {
#define X(name, type) const struct type *name;
	SERVICES(X)
#undef X
};

#endif
