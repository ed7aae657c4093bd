/* SPDX-License-Identifier: Apache-2.0 */
/* A leg whose party is at a name (sig/dialog/dialog_places.h): what waits for that, and requests that find nobody at one of its places. */
#ifndef SIG_LEG_LEG_PLACES_H
#define SIG_LEG_LEG_PLACES_H

#include "sig/model/call.h"

/* What a name leads to. False: no leg waits for that. */
bool leg_places_told(struct call_host *h, struct call *c, const struct lookup_news *news);
/* Nobody has said where the party of that leg is. */
void leg_places_overdue(struct call_host *h, struct call *c, uint8_t leg);
/* A request of ours to the leg, not started anew yet, found nobody, or 503 (for_s: Retry-After): it is said at the next place. False: it has
 * failed. */
bool leg_elsewhere(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
		   uint32_t for_s) NODISCARD;

#endif
