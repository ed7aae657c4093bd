/* SPDX-License-Identifier: Apache-2.0 */
/* Which payload types a party may send, and as what the other party receives them: as they are, or transcoded. Internal to media/offer. */
#ifndef MEDIA_OFFER_RULES_H
#define MEDIA_OFFER_RULES_H

#include "media/offer/session.h"

/* One line of two legs, seen from one of them. */
struct ruling {
	const struct session_line *own, *other;
	const uint8_t *
		to_other; /* of each format of own the index in other of the same, or PAYLOAD_NONE */
	bool codes; /* what the other party does not take is transcoded, where the node speaks it */
};

/* Rules and codings of own's side, which has none yet. */
void rules_make(struct media_side *side, const struct ruling *k);

#endif
