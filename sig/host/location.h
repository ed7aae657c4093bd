/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where users are (sig/host/services.h): the contacts that phones have registered, as calls ask
 * for them. Slices of what is returned live until the next event.
 */
#ifndef SIG_HOST_LOCATION_H
#define SIG_HOST_LOCATION_H

#include "base/bytes.h"

struct call_target;
struct dialog;
struct leg;
struct sip_uri;

struct location_service {
	/* Resolves a URI to targets of the tenant, best first. Returns how many of cap it wrote. */
	uint32_t (*resolve)(void *owner, uint16_t tenant, const struct sip_uri *uri,
			    struct call_target *out, uint32_t cap);
	/* Whether the contacts of a local user are complete: no other node may have more. */
	bool (*is_complete)(void *owner, uint16_t tenant, struct bytes user);
	/* Whether they could not be read from the store, so that some may be missing. */
	bool (*is_unreadable)(void *owner, uint16_t tenant, struct bytes user);
	/* Asks the store for them: a reply (ASK_USER) with the returned number follows to the call.
	 * 0: none does, and the contacts that are known are to be used. */
	uint64_t (*ask_store)(void *owner, uint16_t tenant, struct bytes user, uint64_t call);
	/* The other ways to the phone that a leg asks, of one instance (RFC 5626). As resolve. */
	uint32_t (*other_flows)(void *owner, const struct leg *leg, struct call_target *out,
				uint32_t cap);
	/* Where a party is whose Contact is a GRUU of ours (RFC 5627). Empty: it is none, or its
	 * phone is nowhere. */
	struct bytes (*gruu_contact)(void *owner, const struct dialog *d);
};

#endif
