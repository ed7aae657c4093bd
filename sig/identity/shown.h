/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may see a party of a call that hides (RFC 3323): asked by all that show calls to users: lists, records, events, mailboxes, their
 * mails. Phones, lamps and rosters show what was told on the wire, where who hides is anonymous already. Pure.
 */
#ifndef SIG_IDENTITY_SHOWN_H
#define SIG_IDENTITY_SHOWN_H

#include "base/bytes.h"

/* What a party is called where it is not shown, */
#define PARTY_HIDDEN "anonymous"
/* and the name of a caller who hides, in calls, records and events, as RFC 3323 4.1.1.3 has it: nobody else's name there is that. */
#define PARTY_HIDDEN_NAME "Anonymous"

/* Itself, and whoever runs the tenant or the node, who has to answer for its calls (viewer empty). */
static inline bool party_is_shown(bool hides, struct bytes party, struct bytes viewer)
{
	return !hides || !viewer.n || bytes_eq(party, viewer);
}

#endif
