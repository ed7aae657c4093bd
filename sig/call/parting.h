/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A party that is up and has nobody to speak with any more hears why before it is left: the tone of its cause (hears.h). How the call ended
 * is noted when the parting begins. It ends by time, or with the party's BYE.
 */
#ifndef SIG_CALL_PARTING_H
#define SIG_CALL_PARTING_H

#include "sig/call/call_end.h"

/* Several times the cadence of any tone that means failure, and short enough for who does not listen. */
enum { PARTING_MS = 5000 };

/* As call_end, after a parting where the caller is up and can hear one. */
void call_part(struct call_host *h, struct call *c, const struct call_ending *e);
/* There is such a parting; else call_part ends the call at once. */
bool call_may_part(const struct call_host *h, const struct call *c);
/* What the caller hears for so long says how it went. */
void parting_for(struct call_host *h, struct call *c, const struct call_ending *e, uint32_t ms);
/* Its time is over. */
void parting_end(struct call_host *h, struct call *c);

#endif
