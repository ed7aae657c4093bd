/* SPDX-License-Identifier: Apache-2.0 */
/* From an address of record to where it is reached. Pure. */
#ifndef SIG_LOCATION_ROUTE_H
#define SIG_LOCATION_ROUTE_H

#include "sig/host/route_uri.h"
#include "sig/location/registrar.h"
#include "sig/sip/message.h"

/* Who asks. */
struct route_asker {
	const struct shard_settings *settings;
	/* that are here, bits: those of a shard that is with another node are not */
	uint32_t networks;
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

/*
 * The Path of a REGISTER (RFC 3327): the proxies by which its phone is reached. Whoever may say where our requests go is for the caller to
 * know. Pure.
 */

enum { PATH_TEXT_MAX = 1024, PATH_HOPS_MAX = 8 };

/* As Route has it, "<sip:p2;lr>, <sip:p1;lr;ob>", written over w; nothing where there is no Path. flow: the proxy at an end of it keeps the
 * phone's flow (RFC 5626 5.1). 0, -EBADMSG (what stands there is no list of SIP URIs), -EMSGSIZE (more than the above). */
int path_read(const struct sip_message *m, struct writer *w, bool *flow) NODISCARD;
/* Whether such a text, of a record, is a route, and within its bounds. */
bool path_is_route(struct bytes text);

#endif
