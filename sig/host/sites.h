/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places where phones of a node's tenants stand, by the location ids that phones say (sig/sip/located_user.h). One table for all its
 * shards; one thread. All that looks takes x NULL for a node without any.
 */
#ifndef SIG_HOST_SITES_H
#define SIG_HOST_SITES_H

#include "sig/host/settings.h"
#include "sig/identity/civic.h"

enum { SITES_MAX = 4096 }; /* of a node */

struct site {
	uint16_t tenant, id;
	struct civic civic;
	char caller_id
		[FORWARD_TARGET_MAX]; /* as which trunks are shown who makes an emergency call from there; "": as ever */
};

struct sites;

/* 0 or -ENOMEM. The tenants are there for longer. */
int sites_open(struct sites **out, struct tenants *tenants) NODISCARD;
void sites_close(struct sites *x); /* NULL is fine */
/* Adds or replaces, by tenant and id. 0, -ENOSPC or -ENOMEM. */
int sites_put(struct sites *x, const struct site *site) NODISCARD;
void sites_delete(struct sites *x, uint16_t tenant, uint16_t id);
/* NULL: there is none. Until one is put or deleted. */
const struct site *sites_find(const struct sites *x, uint16_t tenant, uint16_t id);

#endif
