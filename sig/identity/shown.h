/* SPDX-License-Identifier: Apache-2.0 */
/* Who may see a party of a call that requests privacy (RFC 3323): used wherever users are shown
 * calls: lists, records, events, mailboxes, their mails. Phones, BLF and rosters show what was sent
 * on the wire, where such a party is anonymous already. Pure. */
#ifndef SIG_IDENTITY_SHOWN_H
#define SIG_IDENTITY_SHOWN_H

#include "base/bytes.h"

/* What a party is called where it is not shown, */
#define PARTY_HIDDEN "anonymous"
/* and the name of an anonymous caller in calls, records and events, as in RFC 3323 4.1.1.3: no
 * other party has that name there. */
#define PARTY_HIDDEN_NAME "Anonymous"

/* To itself, and to operators of the tenant or the node, who are responsible for its calls (viewer
 * empty). */
static inline bool party_is_shown(bool hides, struct bytes party, struct bytes viewer)
{
	return !hides || !viewer.n || bytes_eq(party, viewer);
}

#endif
