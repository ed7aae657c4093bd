/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where users are (sig/host/host.h): the contacts that phones have registered, as calls ask
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
	/* Whether the store could not be asked for them, so that some may be missing. */
	bool (*is_unreadable)(void *owner, uint16_t tenant, struct bytes user);
	/* Asks the store for them: a reply (ASK_USER) with the returned number follows to the call.
	 * 0: use the known contacts. */
	uint64_t (*ask_store)(void *owner, uint16_t tenant, struct bytes user, uint64_t call);
	/* The other flows to the phone of a leg, by its instance (RFC 5626). As resolve. */
	uint32_t (*other_flows)(void *owner, const struct leg *leg, struct call_target *out,
				uint32_t cap);
	/* The registered contact of a party if its Contact is a GRUU of ours (RFC 5627). Empty: not
	 * registered, or no GRUU. */
	struct bytes (*gruu_contact)(void *owner, const struct dialog *d);
};

#endif
