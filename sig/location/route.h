/* SPDX-License-Identifier: Apache-2.0 */
/* From an address of record to where it is reached. Pure. */
#ifndef SIG_LOCATION_ROUTE_H
#define SIG_LOCATION_ROUTE_H

#include "sig/host/route_uri.h"
#include "sig/location/registrar.h"

/* Who asks. */
struct route_asker {
	const struct shard_settings *settings;
	uint32_t
		networks; /* that are here, bits: those of a shard that is with another node are not */
	uint64_t utc_ms;
};
/* The bindings to ring, at most cap: all that live, those whose connection is gone at the end, by q and then the newest first. aor NULL: none.
 * gruu: of that phone alone; NULL: of all. */
enum route_verdict route_bindings(const struct aor *aor, const struct gruu *gruu,
				  const struct route_asker *asker, const struct binding **out,
				  uint32_t cap, uint32_t *count);
/* By which address of ours it is reached: a phone behind a NAT and one with a connection by that where it registered alone, others by
 * one of the shard's own. False: not from here. */
bool route_hop(const struct binding *b, const struct route_asker *asker, struct sip_hop *out);
/* Whether the phone that it names has it still: a temporary one ends with the registration that it was given with (RFC 5627 5.3). */
bool route_gruu_lives(const struct aor *aor, const struct gruu *gruu, uint64_t utc_ms);
/* Of a list in that order one binding of each phone, the first (RFC 5626 7): how many are left. */
uint32_t route_phones(const struct binding **list, uint32_t count);
/* How a phone was asked. */
struct route_flow {
	struct bytes contact, path; /* path: empty where it is at remote itself */
	const struct addr *remote;
};
/* Of a list in that order the other ways to that phone, of its instance: how many are left. */
uint32_t route_other_flows(const struct binding **list, uint32_t count,
			   const struct route_flow *flow);

#endif
