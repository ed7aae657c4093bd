/* SPDX-License-Identifier: Apache-2.0 */
/* Provisional responses that the party acknowledges by PRACK (RFC 3262 3): ours to the caller. One
 * at a time; the next waits, and so does the 2xx behind one with SDP. Saved before sent: an RSeq is
 * never used twice. */
#ifndef SIG_CALL_RELIABLE_H
#define SIG_CALL_RELIABLE_H

#include "sig/model/event.h"

struct response;

/* The 100rel support stated in the party's INVITE. */
enum uas_reliable reliable_wish(const struct sip_message *invite);
/* A response without SDP (sdp: with it) is to be sent so. */
bool reliable_is_due(const struct invite_uas *uas, bool sdp);
/* Makes it, with the next number; it waits for the save. The call must have been touched. */
void reliable_make(struct call_host *h, struct call *c, uint8_t leg, struct response *r);
/* The save is done; after a restart. */
void reliable_on_saved(struct call_host *h, struct call *c, uint8_t leg);
/* By the timers of the INVITE: once more, and 64*T1 without a PRACK. */
void reliable_again(struct call_host *h, struct call *c, uint8_t leg);
void reliable_lost(struct call_host *h, struct call *c, uint8_t leg);
/* No 2xx before its PRACK. */
bool reliable_holds_answer(const struct invite_uas *uas);
/* A response of `from` waits until the party has acknowledged the last one. The newest waits, but
 * SDP goes before none. */
void reliable_queue(struct call *c, uint8_t from, uint16_t status, struct bytes sdp);
/* The PRACK is in the leg's dialog, or in the early one that it was in when it was told. */
bool reliable_has_dialog(const struct leg *leg, const struct sip_message *m);
/* It acknowledges what the party was told last, or did so before. */
bool reliable_is_acknowledged(const struct leg *leg, const struct sip_message *prack);
/* A PRACK that does. */
void reliable_acknowledged(struct call_host *h, struct call *c, const struct call_event *ev);
/* The party acknowledged the answer to its offer before its INVITE is answered: it may offer anew
 * by UPDATE (RFC 3311 5.1). */
bool reliable_may_offer(const struct leg *leg);
/* Such an offer, or one in PRACK, is answered in open.local. On refusal nothing has changed. */
enum refusal reliable_renew(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			    struct call_refusal *refusal) NODISCARD;
/* The caller's 2xx is of another early dialog than its unacknowledged response: nothing waits for
 * that any more, and its PRACK is accepted. */
void reliable_leave(struct leg *asker);
/* The ACK came: the number of an unacknowledged response is kept. */
void reliable_forget(struct leg *leg);
/* Our 200 to it: the save is done. */
void reliable_prack_on_saved(struct call_host *h, struct call *c, const struct outbox_item *item);

/* PRACKs of ours (RFC 3262 4): a callee repeats a provisional response until it gets PRACK. Each
 * early dialog of a leg has its own numbers (sig/leg/early.h). PRACK is sent when the response is
 * saved, and is the same one after a restart. */

/* The party says it until a PRACK comes. */
bool prack_is_due(const struct sip_message *response);
/* Our INVITE to the leg states support of 100rel. */
bool prack_is_offered(const struct call *c, uint8_t leg);
/* A reliable response: its PRACK waits for the save. Returns false for a copy, one out of order, or
 * one not to be acknowledged now; it is not passed on. */
bool prack_on_response(struct call_host *h, struct call *c, uint8_t leg,
		       const struct sip_message *m);
/* It was passed on: what it answered stays the answer, whatever the 2xx has. */
void prack_keep_answer(struct leg *leg, const struct sip_message *m);
/* Its INVITE is open, and the answer to the first offer was acknowledged: its party may offer anew
 * by UPDATE (RFC 3311 5.1). */
bool prack_may_offer(const struct leg *leg);
/* The save is done. */
void prack_on_saved(struct call_host *h, struct call *c, uint8_t leg);
/* The response of the party, or its timeout. */
void prack_answered(struct call_host *h, struct call *c, const struct call_event *ev);
/* After a restart. */
void prack_resume(struct call_host *h, struct call *c, uint8_t leg);

#endif
