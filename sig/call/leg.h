/* SPDX-License-Identifier: Apache-2.0 */
/* What we ask of one party: INVITE, ACK, BYE, CANCEL. */
#ifndef SIG_CALL_LEG_H
#define SIG_CALL_LEG_H

#include "sig/call/call.h"

/* A client transaction with its request, not started yet. Fills CSeq (but for a given one) and branch of *r. NULL: full. */
struct txn_slot *leg_request(struct call_host *h, struct call *c, uint8_t leg,
			     struct dialog_request *r, enum txn_user user);
/* Starts it now. False: full. */
bool leg_send(struct call_host *h, struct call *c, uint8_t leg, struct dialog_request *r,
	      enum txn_user user);
/* ACK to the 2xx of our last INVITE there; the same one each time it is sent again (RFC 3261 13.2.2.4). */
void leg_ack(struct call_host *h, struct call *c, uint8_t leg);
/* CANCEL of the open INVITE, to which a provisional response has come. */
void leg_cancel(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason);
/* Ends the leg in the way its state allows: a final response, CANCEL, BYE, or one of these as soon as it may be sent. */
struct leg_farewell {
	uint16_t status;     /* to an INVITE that is still open */
	struct bytes extra;  /* lines for that response */
	struct bytes reason; /* Reason line (RFC 3326) for BYE and CANCEL */
};
void leg_leave(struct call_host *h, struct call *c, uint8_t leg, const struct leg_farewell *f);
/* What leave promised: the ACK, or the first response to our INVITE, has come. */
void leg_leave_now(struct call_host *h, struct call *c, uint8_t leg);
/* Gone: nothing more is expected there. */
void leg_close(struct leg *leg);

#endif
