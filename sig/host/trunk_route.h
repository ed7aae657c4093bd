/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers at trunks (docs/adr/0010): numbers by which calls from trunks reach users of a tenant,
 * and routes by which calls of a tenant go out. One table for all shards of a node; one thread.
 * Look-ups accept t NULL for a node without any. */
#ifndef SIG_HOST_TRUNK_ROUTE_H
#define SIG_HOST_TRUNK_ROUTE_H

#include "sig/dial/pattern.h"
#include "sig/host/trunk.h"

struct shard_settings;

enum {
	TRUNK_NUMBER_MAX = 64, /* with its NUL, as those below */
	TRUNK_PREFIX_MAX = 32,
	TRUNK_PATTERN_MAX = 128,
	TRUNK_NUMBERS_MAX = 65536,   /* of a node */
	TRUNK_PATTERNS_MAX = 4096,   /* of those the ones that are patterns, */
	TRUNK_PATTERNS_SHARE = 1024, /* ... and those of one tenant */
	TRUNK_ROUTES_MAX = 1024,     /* of a node */
	TRUNK_ROUTE_TRUNKS_MAX = 8,
	TRUNK_ROUTE_SERVERS_MAX = 24, /* of a call */
};

/* What is taken off a number, and put in front of what is left. */
struct trunk_change {
	uint8_t strip;
	char prefix[TRUNK_PREFIX_MAX];
};

/* A number by which calls come in, or a pattern of them. */
struct trunk_did {
	uint16_t tenant;
	char number[TRUNK_NUMBER_MAX]; /* its name */
	char trunk[TRUNK_NAME_MAX];    /* from that one alone; "": from any of the tenant */
	char to[TRUNK_NUMBER_MAX];     /* user of the tenant; "": the number, changed */
	struct trunk_change change;
};

/* One of a route's trunks. */
struct trunk_choice {
	char trunk[TRUNK_NAME_MAX];
	uint16_t priority; /* the lowest first */
	uint16_t weight;   /* how often among those of its priority */
};

struct trunk_route {
	uint16_t tenant;
	bool enabled;
	char name[TRUNK_NAME_MAX];
	char pattern[TRUNK_PATTERN_MAX]; /* a list (sig/dial/pattern.h) */
	struct trunk_change change;
	uint8_t choice_count;
	struct trunk_choice choices[TRUNK_ROUTE_TRUNKS_MAX];
};

struct trunk_numbers;

/* 0 or -ENOMEM. */
int trunk_numbers_open(struct trunk_numbers **out, const struct hash_key *key) NODISCARD;
void trunk_numbers_close(struct trunk_numbers *t); /* NULL is fine */

/* Adds or replaces, by tenant and name. Returns 0, -EINVAL (not a number, nor a pattern), -ENOSPC
 * or -ENOMEM. */
int trunk_did_put(struct trunk_numbers *t, const struct trunk_did *did) NODISCARD;
bool trunk_did_delete(struct trunk_numbers *t, uint16_t tenant, struct bytes number);
int trunk_route_put(struct trunk_numbers *t, const struct trunk_route *route) NODISCARD;
bool trunk_route_delete(struct trunk_numbers *t, uint16_t tenant, struct bytes name);

/* The user of a number called by a trunk of the tenant: a number beats patterns, a more exact
 * pattern the others. *fixed: its document names the user. trunk NULL: any. Returns false if not
 * found. */
bool trunk_did_find(const struct trunk_numbers *t, uint16_t tenant, const char *trunk,
		    struct bytes number, char to[TRUNK_NUMBER_MAX], bool *fixed);

/* One server of one trunk, and the number as it is told there. */
struct trunk_route_server {
	uint16_t trunk;
	uint8_t server;
	bool open; /* it can be tried now: the trunk has a channel free */
	bool down; /* its server does not respond, as far as known: tried when no other is left */
	char number[TRUNK_NUMBER_MAX];
};

/* Calls may go out by it now: it is there, and has a channel free. */
bool trunk_is_open(const struct trunks *all, uint16_t trunk);

/* The servers for a number that is not the tenant's own, in order: those of the route with the most
 * exact pattern, by priority, drawn by weight. The same call (seed) always draws the same order.
 * Returns how many of cap were filled; 0: no route. Behind the access code of a trunk and
 * DIAL_ACCESS_END: of the routes with that trunk, and by it alone. */
uint32_t trunk_route(const struct shard_settings *settings, uint16_t tenant, struct bytes number,
		     uint64_t seed, struct trunk_route_server *out, uint32_t cap);

/* What is told to others: the number without the access code of a trunk. */
struct bytes trunk_number_plain(const struct shard_settings *settings, uint16_t tenant,
				struct bytes number);

struct call_target;
struct plan_step;

/* Numbers outside, and the trunks that lead there (sig/host/host.h). */
struct trunk_service {
	/* The address of the trunk server of a step, and the number with its portability data if
	 * that may be sent. Slices of *out live until the next event. Returns false if it is
	 * unusable. */
	bool (*target)(void *owner, uint16_t tenant, const struct plan_step *step,
		       struct bytes portability, struct call_target *out);
	/* The meaning of a number that is not ours when dialled by a user: DIAL_OUTSIDE,
	 * DIAL_EMERGENCY and DIAL_EXTENSION with the number to send; DIAL_BARRED: not permitted. */
	enum dial_kind (*classify)(void *owner, uint16_t tenant, struct bytes user,
				   struct bytes number, char out[DIAL_NUMBER_MAX]);
};

#endif
