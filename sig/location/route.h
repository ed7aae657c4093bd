/* SPDX-License-Identifier: Apache-2.0 */
/* From an address of record to where it is reached. Pure. */
#ifndef SIG_LOCATION_ROUTE_H
#define SIG_LOCATION_ROUTE_H

#include "sig/host/route_uri.h"
#include "sig/location/registrar.h"
#include "sig/sip/message.h"

/* The requester. */
struct route_asker {
	const struct shard_settings *settings;
	/* that are here, bits: those of a shard that is with another node are not */
	uint32_t networks;
	uint64_t utc_ms;
};
/* The bindings to ring, at most cap: all live ones, those with a lost connection last, by q and
 * then the newest first. aor NULL: none. gruu: that phone alone; NULL: all. */
enum route_verdict route_bindings(const struct aor *aor, const struct gruu *gruu,
				  const struct route_asker *asker, const struct binding **out,
				  uint32_t cap, uint32_t *count);
/* The address of ours that reaches it: a phone behind NAT or on a connection only by the one where
 * it registered, others by one of the shard's own. Returns false if unreachable from here. */
bool route_hop(const struct binding *b, const struct route_asker *asker, struct sip_hop *out);
/* Whether its phone still has it: a temporary one ends with the registration that created it (RFC
 * 5627 5.3). */
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

/* The Path of a REGISTER (RFC 3327): the proxies by which its phone is reached. The caller decides
 * whether the sender may state one. Pure. */

enum { PATH_TEXT_MAX = 1024, PATH_HOPS_MAX = 8 };

/* Writes it as in Route, "<sip:p2;lr>, <sip:p1;lr;ob>", over w; nothing without Path. flow: the
 * proxy at one end keeps the phone's flow (RFC 5626 5.1). Returns 0, -EBADMSG (not a list of SIP
 * URIs), -EMSGSIZE (beyond the limits above). */
int path_read(const struct sip_message *m, struct writer *w, bool *flow) NODISCARD;
/* Whether such a text, of a record, is a route, and within its bounds. */
bool path_is_route(struct bytes text);

#endif
