/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several parties ring for one call (RFC 3261 16.7 as seen from a B2BUA): all at once, the first that answers wins. Each branch is a
 * leg with a dialog, a session and ports of its own. The shard's thread; what is given is copied where it is kept.
 */
#ifndef SIG_CALL_FORK_H
#define SIG_CALL_FORK_H

#include "sig/model/event.h"

/* Asks one more party for a leg; the INVITE waits for the save. The call must have been touched. 0 or -errno with *refusal: no leg is left. */
int fork_add_branch(struct call_host *h, struct call *c, uint8_t from_leg,
		    const struct call_target *target, const struct dialog_party *from,
		    struct call_refusal *refusal) NODISCARD;
/* Where a 3xx of that leg leads, as further branches: how many. Everybody is rung at most once in a call. */
uint32_t fork_redirect(struct call_host *h, struct call *c, uint8_t leg,
		       const struct sip_message *m);
/* The leg's phone is not reached that way: it is asked by the next one that it has (RFC 5626 7), in the leg's place. False: it has none. */
bool fork_next_flow(struct call_host *h, struct call *c, uint8_t leg);
/* Who calls, as that leg was told; *out lies in the leg. False: that cannot be read. */
bool fork_caller_of(const struct leg *l, struct dialog_party *out);
/* All others leave. */
void fork_won(struct call_host *h, struct call *c, uint8_t leg);
/* A branch failed with *lost, whose text is taken over: the call ends when it was the last one, or said 6xx. */
void fork_on_failure(struct call_host *h, struct call *c, struct refusal_kept *lost);
/* Somebody is rung. */
bool fork_is_ringing(const struct call *c);
/* Nobody is, and nobody will be by this step: the next one begins, or the call ends. */
void fork_unreached(struct call_host *h, struct call *c);
/* Nobody will hear of a refusal any more. */
void fork_forget_best(struct call *c);

#endif
