/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An INVITE on its way from one leg to the other, and its answer on its way back. The shard's thread. A leg is named by its index in
 * call.legs, where it must be. A text that is given is copied where it is kept. An INVITE, its 2xx and the ACK wait in the outbox for
 * the save; provisional responses and refusals do not.
 */
#ifndef SIG_CALL_INVITE_H
#define SIG_CALL_INVITE_H

#include "sig/model/event.h"

struct response;

/* The INVITE to a leg that was asked (leg_invite), its offer written: its transaction is made and waits for the save. 0 or -ENOSPC. */
int invite_queue(struct call_host *h, struct call *c, uint8_t leg) NODISCARD;
/* Its offer was written again before it left. */
int invite_requeue(struct call_host *h, struct call *c, uint8_t leg) NODISCARD;
/* The save is done. */
void invite_on_saved(struct call_host *h, struct call *c, uint8_t leg);
/* The request is in an early dialog that is not in use: it is from now on, with both parties, where it may change what they hear. */
void invite_enter(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m);
/* The asker hears this provisional status (101 to 199), or another one, or nothing new; sdp: the answer in it, empty where there is none. */
void invite_pass_on(struct call_host *h, struct call *c, uint8_t leg, uint16_t status,
		    struct bytes sdp);
/* Responses to it, by their classes. */
void invite_provisional(struct call_host *h, struct call *c, const struct call_event *ev);
void invite_success(struct call_host *h, struct call *c, const struct call_event *ev);
void invite_failure(struct call_host *h, struct call *c, const struct call_event *ev);
/* A 2xx of a leg that is being left: ACK and BYE wait for the save, and go. */
void invite_late(struct call_host *h, struct call *c, uint8_t leg);
void invite_late_on_saved(struct call_host *h, struct call *c, uint8_t leg);
/* Our ACK to that transaction's refusal waits for the save: who was acknowledged never says it again. */
void invite_refusal_holds_ack(struct call_host *h, struct call *c, pool_handle txn);
/* No response, or it could not be sent. */
void invite_timeout(struct call_host *h, struct call *c, const struct call_event *ev);
/* A 2xx whose transaction is gone, or of another fork. */
void invite_stray(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m);
/* 180 to the leg, which the node itself makes wait. */
void invite_ring(struct call_host *h, struct call *c, uint8_t leg);
/* Our own 2xx to the open INVITE of the leg, which is alone; it waits for the save. 0 or -errno with *refusal: nothing was said. */
int invite_answer_own(struct call_host *h, struct call *c, uint8_t leg,
		      struct call_refusal *refusal) NODISCARD;
/* Our 2xx to the leg: first time, again by timer, and its ACK. */
void invite_answer_on_saved(struct call_host *h, struct call *c, uint8_t leg);
void invite_answer_again(struct call_host *h, struct call *c, uint8_t leg);
void invite_answer_lost(struct call_host *h, struct call *c, uint8_t leg);
/* The ACK to the 2xx of the asked leg; it waits for the save, or for the asker's answer to a late offer. */
void invite_ack_on_saved(struct call_host *h, struct call *c, uint8_t leg);
bool invite_ack_waits(const struct call *c, uint8_t leg);
void invite_ack(struct call_host *h, struct call *c, const struct call_event *ev);
/* A re-INVITE came. */
void invite_again(struct call_host *h, struct call *c, const struct call_event *ev);
/* One of our own, with what `from` said last: the other leg hears whether it is held. 0, -EAGAIN (one is open), -ENOSPC, -ENOMEM. */
int invite_own(struct call_host *h, struct call *c, uint8_t from) NODISCARD;
/* One that tells the leg what is recorded by now, and else says what it knows. As invite_own. */
int invite_reoffer_record(struct call_host *h, struct call *c, uint8_t to) NODISCARD;
/* One for a leg of another call (join.h). As invite_own. */
int invite_for(struct call_host *h, struct call *c, uint8_t to, const struct leg *with) NODISCARD;
/* Whether the one that is open there is such. */
bool invite_is_refresh(const struct call *c, uint8_t leg);
/* The party's INVITE that the one to the leg carries gets this answer; nobody where none asked. */
void invite_refuse(struct call_host *h, struct call *c, uint8_t leg, struct response *r);
/* The re-INVITE to the leg changed nothing: it is over, with that of the party it was for. */
void invite_failed(struct call *c, uint8_t leg);
/* ... and nobody answered it in the time a first one may ring, or its party waits for: who asked hears that status. */
void invite_again_overdue(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
/* The INVITE of the leg's party expires, and we have no answer yet (RFC 3261 13.3.1). */
void invite_expired(struct call_host *h, struct call *c, uint8_t leg);
/* The asker takes it back. */
void invite_cancel(struct call_host *h, struct call *c, const struct call_event *ev);
/* An INVITE is open, of a party or of ours; not those to branches that are being left. */
bool invite_is_open(const struct call *c);
/* The party's INVITE that the one to the leg carries; NULL: nobody asked. */
struct invite_uas *invite_carried(const struct call *c, uint8_t leg);

#endif
