/* SPDX-License-Identifier: Apache-2.0 */
/* May the node send to an address that a party named? */
#ifndef SIG_HOST_PLACE_CHECK_H
#define SIG_HOST_PLACE_CHECK_H

#include "sig/host/destination.h"
#include "sig/host/host.h"

/* destination_check for this shard; what is refused is counted. elsewhere: the party may name other hosts than its own. */
enum destination_verdict place_check(const struct call_host *h, const struct sip_hop *party,
				     const struct addr *to, bool elsewhere);
/* An address that it named is refused: counted, and told where it means harm. */
void place_misused(const struct call_host *h, const struct sip_hop *party,
		   enum destination_verdict verdict);

#endif
