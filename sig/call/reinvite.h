/* SPDX-License-Identifier: Apache-2.0 */
/* A session within its dialog: re-INVITEs of the party and of our own, and UPDATE (RFC 3311).
 * Sessions are refreshed (RFC 4028) by our UPDATE or re-INVITE, or by the party's, and end without
 * a refresh. An offer of ours that met another INVITE is repeated (RFC 3261 14.1). */
#ifndef SIG_CALL_REINVITE_H
#define SIG_CALL_REINVITE_H

#include "sig/model/call.h"
#include "sig/model/event.h"

/* By UPDATE, to a party that supports it and has no open offer: our address has changed. */
void refresh_announce(struct call_host *h, struct call *c, uint8_t leg);
/* The session of a leg was not refreshed in time, */
void refresh_overdue(struct call_host *h, struct call *c, uint8_t leg);
/* or it is ours to refresh it. */
void refresh_if_due(struct call_host *h, struct call *c, uint8_t leg);
/* What became of our UPDATE. */
void refresh_answered(struct call_host *h, struct call *c, const struct call_event *ev);
/* Our re-INVITE there was refused: later again. */
void refresh_refused(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
/* Our 200 to an UPDATE, once its answer is saved. */
void refresh_answer_on_saved(struct call_host *h, struct call *c, const struct outbox_item *item);
/* UPDATE came. */
void refresh_on_update(struct call_host *h, struct call *c, const struct call_event *ev);

/* An INVITE of our own within the dialog was refused. */
void reoffer_refused(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
/* The leg was not told its new media address (flows_moved), and cannot be: the call ends. */
void reoffer_unheard(struct call_host *h, struct call *c, uint8_t leg);
/* Its time has come. */
void reoffer_again(struct call_host *h, struct call *c);

#endif
