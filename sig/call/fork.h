/* SPDX-License-Identifier: Apache-2.0 */
/* The branches of a call (RFC 3261 16.7 as seen from a B2BUA): all ring at once, the first that
 * answers wins. Each branch is a leg with its own dialog, session and ports. The shard's thread;
 * stored arguments are copied. */
#ifndef SIG_CALL_FORK_H
#define SIG_CALL_FORK_H

#include "sig/model/event.h"

struct leg_farewell;

/* Adds a branch; its INVITE waits for the save. The call must have been touched. On refusal no leg
 * is left. */
enum refusal fork_add_branch(struct call_host *h, struct call *c, uint8_t from_leg,
			     const struct call_target *target, const struct dialog_party *from,
			     struct call_refusal *refusal) NODISCARD;
/* Adds the contacts of the leg's 3xx as branches; returns how many. A target rings once in a call
 * at most. */
uint32_t fork_redirect(struct call_host *h, struct call *c, uint8_t leg,
		       const struct sip_message *m);
/* The leg's phone is unreachable by this flow: tries its next one (RFC 5626 7) in the leg's place.
 * Returns false without one. */
bool fork_next_flow(struct call_host *h, struct call *c, uint8_t leg);
/* The caller as the leg's INVITE named it; *out lies in the leg. False: it cannot be read. */
bool fork_caller_of(const struct leg *l, struct dialog_party *out);
/* Rings the leg's ringing phone anew in its place, with a request to answer automatically. Once a
 * leg; on refusal nothing has changed. */
enum refusal fork_auto_answer(struct call_host *h, struct call *c, uint8_t leg) NODISCARD;
/* This branch has answered: all others are cancelled. */
void fork_won(struct call_host *h, struct call *c, uint8_t leg);
/* A branch failed with *lost; the call takes over its text. The call ends when no branch is left,
 * or after 6xx. */
void fork_on_failure(struct call_host *h, struct call *c, struct refusal_kept *lost);
/* All ringing phones of the user stop, as if one of them had refused with that status. False: none
 * rings. */
bool fork_decline(struct call_host *h, struct call *c, struct bytes user, uint16_t status);
/* A leg from that one on is ringing. */
bool fork_rings_from(const struct call *c, uint8_t first);
bool fork_is_ringing(const struct call *c);
/* No branch rings and none will by this step: the next step begins, or the call ends. */
void fork_unreached(struct call_host *h, struct call *c);
/* All legs but the caller's are left, and their flows close. */
void fork_leave_rung(struct call_host *h, struct call *c, const struct leg_farewell *f);
/* No refusal will be passed on any more. */
void fork_forget_best(struct call *c);

#endif
