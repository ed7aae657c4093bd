/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that last (RFC 4028): our refreshes by UPDATE (RFC 3311) or re-INVITE, the party's by UPDATE, and the end of those nobody
 * refreshed. A re-INVITE of the party refreshes on its usual way (reinvite.c). */
#ifndef SIG_CALL_REFRESH_H
#define SIG_CALL_REFRESH_H

#include "sig/model/event.h"

/* By an UPDATE, to a party that takes one, who is asked nothing else just now: where we are is another than it knows. */
void refresh_say(struct call_host *h, struct call *c, uint8_t leg);
/* A leg's timer is due. */
void refresh_expire(struct call_host *h, struct call *c, uint8_t leg);
/* What became of our UPDATE. */
void refresh_answered(struct call_host *h, struct call *c, const struct call_event *ev);
/* Our re-INVITE there was refused: later again. */
void refresh_refused(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
/* UPDATE came. */
/* Our 200 to an UPDATE whose answer is saved. */
void refresh_answer_go(struct call_host *h, struct call *c, const struct outbox_item *item);
void refresh_asked(struct call_host *h, struct call *c, const struct call_event *ev);

#endif
