/* SPDX-License-Identifier: Apache-2.0 */
/* A call that waits for an application of the tenant: a step of its plan that rings no phone. The
 * caller gets 180, or ringback once established. The application gets an event, and answers by
 * command. Then the caller has no peer, and the node plays prompts and collects digits (prompts.h).
 * Without an answer in time the call is forwarded as unanswered. */
#ifndef SIG_CALL_WAIT_H
#define SIG_CALL_WAIT_H

#include "sig/model/event.h"

/* The application of the last step; empty: none. */
struct bytes call_application(const struct call *c);
/* The application was notified, and has not answered. */
bool call_awaits_application(const struct call *c);
/* It has given an order, so it is there (sig/pbx/application.c). */
void call_application_answered(struct call *c);
/* It waits until its user has no other call (sig/pbx/call_waiting.c). */
bool call_awaits_user(const struct call *c);
/* It waits until a phone of its user has registered (sig/pbx/wake.c). */
bool call_awaits_phone(const struct call *c);
/* The user that it waits for, for one of the two; empty: nobody. */
struct bytes call_waits_for(const struct call *c);

/* Phones ring, or will in a moment, and the caller has not left. */
bool call_is_ringing(const struct call *c);

/* The call has one party, and our answer to its first INVITE may not be acknowledged yet. */
static inline bool call_is_answered_alone(const struct call *c)
{
	return c->state == CALL_ANSWERING && call_is_alone(c);
}
/* The same, or waiting for that, or ending so: no branch and no peer. A call by command does not
 * count while its first party is being invited. */
bool call_is_by_itself(const struct call *c);

/* The last step waits. */
enum refusal wait_start(struct call_host *h, struct call *c, const struct shard_forward *f,
			struct bytes display, struct call_refusal *refusal) NODISCARD;
/* The save is done, or the call was restored: the caller gets 180 (or the answer if established),
 * and the application its event. */
void wait_on_saved(struct call_host *h, struct call *c);
/* The application has not answered in time. */
void wait_overdue(struct call_host *h, struct call *c);
/* The node answers the caller. */
enum refusal wait_answer_caller(struct call_host *h, struct call *c,
				struct call_refusal *refusal) NODISCARD;
/* The node cannot answer: the caller is refused. */
void wait_refuse(struct call_host *h, struct call *c, const struct call_refusal *refusal);
/* By command. Returns 0, -EINVAL (it does not wait), -ENOSPC, or -EPROTO: without a common codec
 * the call is refused. */
enum refusal wait_answer(struct call_host *h, struct call *c) NODISCARD;

#endif
