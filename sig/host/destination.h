/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the node may send SIP or media to an address that a party named. A party reaches its own
 * host: the source of its signalling. A trusted party may name others, except special addresses,
 * and no party may name a port of this node, since packets would return to it. */
#ifndef SIG_HOST_DESTINATION_H
#define SIG_HOST_DESTINATION_H

#include "media/ports.h"
#include "sig/host/host.h"
#include "sig/host/sig_metric.h"

struct shard_settings;

struct destination {
	const struct addr *to; /* what it named */
	/* where its signalling comes from, and to which of our addresses */
	const struct sip_hop *party;
	bool elsewhere; /* it may name other hosts than its own */
};

/* ports: of each network, to know which are in use; NULL: none is. */
enum destination_verdict destination_check(const struct shard_settings *settings,
					   const struct ports *ports, const struct destination *d);
/* A port at which this node itself listens, for SIP, HTTP, Redis or media. */
bool destination_is_own_port(const struct shard_settings *settings, const struct ports *ports,
			     const struct addr *to);
/* "loopback" */
const char *destination_name(enum destination_verdict verdict);

/* destination_check for this shard; refusals are counted. elsewhere: the party may name other hosts
 * than its own. */
enum destination_verdict place_check(const struct call_host *h, const struct sip_hop *party,
				     const struct addr *to, bool elsewhere);
/* An address that it named is refused: counted, and told where it means harm. */
void place_misused(const struct call_host *h, const struct sip_hop *party,
		   enum destination_verdict verdict);

#endif
