/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that waits for an application of the tenant: a step of its plan that rings no phone. The caller hears 180, or ringback where it is
 * up already; the application hears of the call by an event, and answers it by command. Then the caller has no other party, and the node plays
 * and collects what is asked for (act.h). When nobody answers in time the call goes on as if a phone had not answered.
 */
#ifndef SIG_CALL_WAIT_H
#define SIG_CALL_WAIT_H

#include "sig/model/event.h"

/* The last step's; empty: none. */
struct bytes call_application(const struct call *c);
/* It is asked, and has not answered. */
bool call_awaits_application(const struct call *c);
/* It has one party, in the caller's place, that is up and speaks with the node alone; whoever called whom at first. */
bool call_is_alone(const struct call *c);

/* Phones ring, or do so in a moment, and its caller is there. */
bool call_is_ringing(const struct call *c);

/* It has one party, and its first INVITE may still lack the ACK to our answer. */
static inline bool call_is_answered_alone(const struct call *c)
{
	return c->state == CALL_ANSWERING && call_is_alone(c);
}
/* The same, or it waits for that, or it ends so: nobody is asked, and nobody else is there. All but a call by command whose first party is
 * asked. */
bool call_is_by_itself(const struct call *c);

/* The last step waits. 0 or -errno with *refusal. */
int wait_start(struct call_host *h, struct call *c, const struct shard_forward *f,
	       struct bytes display, struct call_refusal *refusal) NODISCARD;
/* It is saved: the caller and the application are told that it waits, or that it was answered where the caller is up. Or it goes on after a
 * restart: they are told again. */
void wait_on_saved(struct call_host *h, struct call *c);
/* Nobody has answered. */
void wait_overdue(struct call_host *h, struct call *c);
/* The node answers the caller by itself. 0 or -errno with *refusal. */
int wait_answer_caller(struct call_host *h, struct call *c, struct call_refusal *refusal) NODISCARD;
/* It cannot. */
void wait_refuse(struct call_host *h, struct call *c, int err, const struct call_refusal *refusal);
/* By command. 0, -EINVAL (it waits for nobody), -ENOSPC, or -EPROTO: there is no codec in common, and the call is refused. */
int wait_answer(struct call_host *h, struct call *c) NODISCARD;

#endif
