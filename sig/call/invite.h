/* SPDX-License-Identifier: Apache-2.0 */
/* An INVITE from one leg to the other, and its answer back. The shard's thread. A leg is given by
 * its index in call.legs. Stored texts are copied. INVITE, 2xx and ACK wait in the outbox for the
 * save; provisional responses and refusals do not. */
#ifndef SIG_CALL_INVITE_H
#define SIG_CALL_INVITE_H

#include "sig/model/event.h"

struct response;

/* The INVITE to a new branch (leg_invite), its offer written: makes its transaction, which waits
 * for the save. Returns 0 or -ENOSPC. */
int invite_queue(struct call_host *h, struct call *c, uint8_t leg) NODISCARD;
/* Its offer was written anew before it was sent. */
int invite_requeue(struct call_host *h, struct call *c, uint8_t leg) NODISCARD;
/* The save is done. */
void invite_on_saved(struct call_host *h, struct call *c, uint8_t leg);
/* The request is in an early dialog that is not the current one: it becomes current towards both
 * parties. */
void invite_enter(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m);
/* Passes this provisional status (101 to 199) on to the caller, possibly changed or suppressed;
 * sdp: its answer or empty. */
void invite_pass_on(struct call_host *h, struct call *c, uint8_t leg, uint16_t status,
		    struct bytes sdp);
/* Responses to it, by their classes. */
void invite_provisional(struct call_host *h, struct call *c, const struct call_event *ev);
void invite_success(struct call_host *h, struct call *c, const struct call_event *ev);
void invite_failure(struct call_host *h, struct call *c, const struct call_event *ev);
/* A 2xx of a branch that was cancelled: ACK and BYE, after the save. */
void invite_late(struct call_host *h, struct call *c, uint8_t leg);
void invite_late_on_saved(struct call_host *h, struct call *c, uint8_t leg);
/* Our ACK to that transaction's refusal waits for the save: an acknowledged refusal is never
 * repeated. */
void invite_refusal_holds_ack(struct call_host *h, struct call *c, pool_handle txn);
/* No response, or it could not be sent. */
void invite_timeout(struct call_host *h, struct call *c, const struct call_event *ev);
/* A 2xx without transaction, or of another fork. */
void invite_stray(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m);
/* 180 to a leg that waits for the node. */
void invite_ring(struct call_host *h, struct call *c, uint8_t leg);
/* Our own 2xx to the open INVITE of a leg without peer, after the save. On refusal nothing was
 * sent. */
enum refusal invite_answer_own(struct call_host *h, struct call *c, uint8_t leg,
			       struct call_refusal *refusal) NODISCARD;
/* Our 2xx to the leg: sent after the save, repeated by timer, and given up without an ACK. */
void invite_answer_on_saved(struct call_host *h, struct call *c, uint8_t leg);
void invite_answer_again(struct call_host *h, struct call *c, uint8_t leg);
void invite_answer_lost(struct call_host *h, struct call *c, uint8_t leg);
/* The ACK to the callee's 2xx: after the save, or after the caller's answer to a late offer. */
void invite_ack_on_saved(struct call_host *h, struct call *c, uint8_t leg);
bool invite_ack_waits(const struct call *c, uint8_t leg);
void invite_ack(struct call_host *h, struct call *c, const struct call_event *ev);
/* The callee's 2xx is held back for a confirming digit (module.screen_ms): the digit came; or the
 * callee declines or has left, and others ring on. */
void screen_key(struct call_host *h, struct call *c, uint8_t leg, char key);
void screen_fail(struct call_host *h, struct call *c, uint8_t leg);
/* A re-INVITE of the party. */
void invite_again(struct call_host *h, struct call *c, const struct call_event *ev);
/* Our own re-INVITE to the other leg, with the last remote SDP of `from` (hold and resume). Returns
 * 0, -EAGAIN (one is open), -ENOSPC, -ENOMEM. */
int invite_own(struct call_host *h, struct call *c, uint8_t from) NODISCARD;
/* Our re-INVITE with the recording state of now, and else our last SDP. As invite_own. */
int invite_reoffer_record(struct call_host *h, struct call *c, uint8_t to) NODISCARD;
/* One for a leg of another call (join.h). As invite_own. */
int invite_for(struct call_host *h, struct call *c, uint8_t to, const struct leg *with) NODISCARD;
/* Whether our open INVITE there is a session refresh. */
bool invite_is_refresh(const struct call *c, uint8_t leg);
/* Refuses the INVITE that the leg was invited for, if any. */
void invite_refuse(struct call_host *h, struct call *c, uint8_t leg, struct response *r);
/* The re-INVITE to the leg failed: it is over, and so is the re-INVITE that it carried. */
void invite_failed(struct call *c, uint8_t leg);
/* ... without an answer in time (ring time-out, or Expires): the requester gets that status. */
void invite_again_overdue(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
/* The INVITE of the leg's party expires, and we have no answer yet (RFC 3261 13.3.1). */
void invite_expired(struct call_host *h, struct call *c, uint8_t leg);
/* The caller sends CANCEL. */
void invite_cancel(struct call_host *h, struct call *c, const struct call_event *ev);
/* An INVITE is open, of a party or of ours; branches that are cancelled do not count. */
bool invite_is_open(const struct call *c);
/* The INVITE that the leg was invited for; NULL: our own. */
struct invite_uas *invite_carried(const struct call *c, uint8_t leg);

#endif
