/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a call rings, one after the other (sig/model/plan.h). */
#ifndef SIG_CALL_PLAN_H
#define SIG_CALL_PLAN_H

#include "sig/model/event.h"

void plan_clear(struct plan *plan);
/* Of RFC 5806, and of RFC 4458. */
const char *plan_why_reason(enum plan_why why);
const char *plan_why_cause(enum plan_why why);
/* Where the call went on to at last, and why; PLAN_CALLED: nowhere else than to whom it was for. */
enum plan_why plan_went_to(const struct plan *plan, struct bytes *user);
/* Of the last step; SET_NONE: it sets nothing. */
enum set_state plan_set_state(const struct plan *plan);
/* The last step rings no phone: who calls is for the node. */
bool plan_is_for_node(const struct plan *plan);
/* The last step waits for its user to be free (call_waiting.h). */
bool plan_is_call_waiting(const struct plan *plan);
/* It does so no longer: his phones ring, or the call goes on, or ends, where none can. */
void plan_wake(struct call_host *h, struct call *c);
/* The last step waits for a room to open (conference_waits). */
bool plan_confers(const struct plan *plan);
/* The last step waits for a name (seek.h). */
bool plan_resolves(const struct plan *plan);
/* Whom the last step rings, and who calls: how many of cap were filled, which live as long as those of call_host.targets_of. */
uint32_t plan_targets(struct call_host *h, const struct call *c, struct dialog_party *from,
		      struct call_target *out, uint32_t cap);
/* The step has another way out for the user of the one before it (way.h). */
bool plan_is_again(const struct plan *plan, uint8_t step);
/* It rings from now on, for as long as its user says. */
void plan_start_ringing(const struct call_host *h, struct call *c);
/* Somebody answered, or the call is over: no step follows. */
void plan_stop(struct call *c);
/* A step that is there already, as a record has it. from: an earlier one, or PLAN_FIRST. 0 or -ENOMEM. */
int plan_add(struct plan *plan, struct bytes user, enum plan_why why, uint8_t from) NODISCARD;
/* Rings the user for the caller, or whom its calls go to; gruu: that phone of his alone. from: as those are told who calls; remote_user is
 * filled in. 0 or -errno with *refusal: nobody rings. */
int plan_start(struct call_host *h, struct call *c, struct bytes user, struct bytes gruu,
	       const struct dialog_party *from, struct call_refusal *refusal) NODISCARD;
/* Nobody of the last step takes the call: who still rings is left, and the next step begins. False: there is none that rings, and all is as before. */
bool plan_next(struct call_host *h, struct call *c, enum plan_why why) NODISCARD;
/* It rings, or waits for an application. 0, -EALREADY: it is answered, or -ENODATA: neither. */
int plan_is_open(const struct call *c) NODISCARD;
/* The user is named for that reason, by whom is rung or for him: who rings is left, and the user is rung for the caller, or whom its calls go
 * to. 0 or -errno: all is as before. As plan_is_open. -ELOOP: the user was rung for it before, or
 * calls, or it was sent on too often. -EHOSTUNREACH: nobody there can be rung. */
int plan_forward_to(struct call_host *h, struct call *c, struct bytes user,
		    enum plan_why why) NODISCARD;
/* What a refusal is to the one who was rung; PLAN_WHYS: no reason to try anybody else. */
enum plan_why plan_why_of(const struct refusal_kept *refusal);
/* Calls that the last step did not take for that reason go on to somebody. */
bool plan_has_forward(const struct call_host *h, const struct call *c, enum plan_why why);
/* As plan_start, as if the user had not answered. */
int plan_start_unanswered(struct call_host *h, struct call *c, struct bytes user,
			  const struct dialog_party *from, struct call_refusal *refusal) NODISCARD;
/* How long is rung: as the call says, or settings. */
uint64_t plan_ring_for_ns(const struct call_host *h, const struct call *c);

#endif
