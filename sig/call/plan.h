/* SPDX-License-Identifier: Apache-2.0 */
/* The targets of a call, in the order in which they are tried (sig/model/plan.h). */
#ifndef SIG_CALL_PLAN_H
#define SIG_CALL_PLAN_H

#include "sig/model/event.h"

void plan_clear(struct plan *plan);
/* Of RFC 5806, and of RFC 4458. */
const char *plan_why_reason(enum plan_why why);
const char *plan_why_cause(enum plan_why why);
/* The last target, and why the call was forwarded there; PLAN_CALLED: it was not forwarded. */
enum plan_why plan_went_to(const struct plan *plan, struct bytes *user);
/* A number is of a user of ours. */
bool plan_is_of_user(const struct call_host *h, const struct call *c, struct bytes user);
/* The list that the calls of the last step's user go to; empty: none. */
struct bytes plan_forwards(const struct call_host *h, const struct call *c, enum plan_why why);
/* Of the last step; SET_NONE: it sets nothing. */
enum set_state plan_set_state(const struct plan *plan);
/* The last step rings no phone: the node itself answers the caller. */
bool plan_is_for_node(const struct plan *plan);
/* The last step waits for that. */
bool plan_awaits(const struct plan *plan, enum plan_await what);
/* A step waits for a look-up. */
bool plan_resolves(const struct plan *plan);
/* No step of that user does any more. */
void plan_leave_user(struct plan *plan, struct bytes user);
/* That wait is over: the phones ring; where none can, the call is forwarded or ends. */
void plan_wake(struct call_host *h, struct call *c);
/* The targets of the step, and the caller as they see it; returns how many of cap were filled. They
 * live as long as those of location_service.resolve. */
uint32_t plan_targets(struct call_host *h, const struct call *c, uint8_t step,
		      struct dialog_party *from, struct call_target *out, uint32_t cap);
/* All look-ups of the step are done. If it is one of several and its user has no phone, it follows
 * the user's forward in parallel to the others. Returns false if it does not. */
bool plan_step_resolved(struct call_host *h, struct call *c, uint8_t step);
/* The step tries another trunk server for the user of the step before (trunk_route.h). */
bool plan_is_again(const struct plan *plan, uint8_t step);
/* The last step begins to ring, for as long as its user wants. */
void plan_start_ringing(const struct call_host *h, struct call *c);
/* A target answered, or the call is over: no step follows. */
void plan_stop(struct call *c);
/* Restores a step of a record. from: an earlier step, or PLAN_FIRST. 0 or -ENOMEM. */
int plan_add(struct plan *plan, struct bytes user, enum plan_why why, uint8_t from) NODISCARD;
/* Rings the user, or the target of the user's forward; gruu: that phone alone. from: the caller as
 * the targets see it; remote_user is filled in. On refusal no target rings. */
enum refusal plan_start(struct call_host *h, struct call *c, struct bytes user, struct bytes gruu,
			const struct dialog_party *from, struct call_refusal *refusal) NODISCARD;
/* The last step has failed: cancels its branches and begins the next step. Returns false if no next
 * step can ring: nothing has changed. */
bool plan_next(struct call_host *h, struct call *c, enum plan_why why) NODISCARD;
/* REFUSED_NOT: the call rings, or waits for an application. */
enum refusal plan_is_open(const struct call *c) NODISCARD;
/* Forwards the call for that reason: cancels the current branches and rings the user, or the target
 * of the user's forward. On refusal nothing has changed: as plan_is_open, REFUSED_RUNG_BEFORE,
 * REFUSED_NOBODY_RINGS. */
enum refusal plan_forward_to(struct call_host *h, struct call *c, struct bytes user,
			     enum plan_why why) NODISCARD;
/* The reason for a forward that a refusal gives; PLAN_WHYS: none, no further target is tried. */
enum plan_why plan_why_of(const struct refusal_kept *refusal);
/* The user of the last step forwards calls for that reason. */
bool plan_has_forward(const struct call_host *h, const struct call *c, enum plan_why why);
/* plan_start, as for a call that an extension (the third argument) has deflected to `user`. */
enum refusal plan_start_for(struct call_host *h, struct call *c, struct bytes subject,
			    struct bytes user, const struct dialog_party *from,
			    struct call_refusal *refusal) NODISCARD;
/* As plan_start, as after no answer of the user. */
enum refusal plan_start_unanswered(struct call_host *h, struct call *c, struct bytes user,
				   const struct dialog_party *from,
				   struct call_refusal *refusal) NODISCARD;
/* Ring time-out: that of the call, or of the settings. */
uint64_t plan_ring_for_ns(const struct call_host *h, const struct call *c);

#endif
