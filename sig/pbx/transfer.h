/* SPDX-License-Identifier: Apache-2.0 */
/* One party of an established call gives the other one to somebody else (sig/model/transfer.h). */
#ifndef SIG_PBX_TRANSFER_H
#define SIG_PBX_TRANSFER_H

#include "sig/call/module.h"
#include "sig/model/transfer.h"
#include "sig/sip/dialog_name.h"

/* Who wants it. */
struct transfer_ask {
	uint8_t leg; /* of the transferor; LEG_NONE: nobody, and the caller, who has no other party, is given away */
	bool ordered;  /* by command, and not by REFER: */
	bool replaced; /* by who takes its place (replace.h) */
	uint32_t cseq; /* of that */
	bool notify;
};

extern const struct module transfer_module;

/* Its user may give parties away by REFER (CALL-27). */
bool transfer_is_allowed(const struct call_host *h, const struct call *c, const struct leg *l);
/* To that user of ours; gruu: to that phone of his alone. It begins when no INVITE is open. 0, -EALREADY (one is under way), -ENOTCONN (the call is not
 * established), -ENOMEM. */
int transfer_begin(struct call *c, const struct transfer_ask *ask, struct bytes user,
		   struct bytes gruu) NODISCARD;
/* To somebody in another call, which becomes one with this (RFC 3891, RFC 5589 7). */
int transfer_begin_with(struct call *c, const struct transfer_ask *ask,
			const struct transfer_with *with) NODISCARD;
/* To whom another shard has in that dialog, a user of ours perhaps (far.h). */
struct transfer_there {
	uint16_t shard;
	bool joins; /* whom it goes to has that dialog, and has no other party */
	struct replaces dialog;
	struct bytes member; /* in place of that: of a conference there (conference.h) */
};
int transfer_begin_remote(struct call *c, const struct transfer_ask *ask, struct bytes user,
			  const struct transfer_there *there) NODISCARD;
/* It cannot be done: who asked is told so, and the call goes on as it was. */
void transfer_refuse(struct call_host *h, struct call *c, uint16_t status);
/* Whoever rings, by no transferor, rings no more: somebody else takes the party, who is alone again until then. */
void transfer_call_off(struct call_host *h, struct call *c);
/* It waits or rings no longer, and the call is as before: who was to hear is told 487. 0, -ENOTUNIQ (there is none), -EALREADY (it is answered). */
int transfer_cancel(struct call_host *h, struct call *c) NODISCARD;
/* It is done: who gave its party away is told so, and left. */
void transfer_done(struct call_host *h, struct call *c);
/* That REFER was accepted. */
bool transfer_is_of(const struct call *c, uint8_t leg, uint32_t cseq);
/* An answer to our NOTIFY, or none came. */
void transfer_notified(struct call_host *h, struct call *c, const struct call_event *ev);
/* Nobody of the pair has still to be asked for what the other one can. */
void transfer_met(struct call_host *h, struct call *c);

/*
 * Applications may die. A call that waits for one is told to it again and again, so that one that comes back hears of it. A caller that one
 * has goes on to where calls go that nobody answers (forward_no_answer of whom it called) when the application has given no order to the call
 * for as long as it said; where there is nobody, or nobody answers there either, the call ends. While the caller is with somebody else, waits in a slot or is in
 * a conference nobody need say anything.
 */

struct call_order;

enum { ATTEND_AGAIN_S = 10 };

extern const struct module attend_module;

/* Somebody has given an order to the call. */
void attend_on_order(struct call *c);
/* ORDER_KEEP, and the seconds of ORDER_ANSWER. 0 or -errno. */
int attend_order(struct call *c, const struct call_order *order) NODISCARD;

#endif
