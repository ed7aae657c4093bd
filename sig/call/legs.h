/* SPDX-License-Identifier: Apache-2.0 */
/* A call as a value: how it begins, its list of legs, and how its memory ends. */
#ifndef SIG_CALL_LEGS_H
#define SIG_CALL_LEGS_H

#include "sig/model/call.h"

/* A new leg at the end, zeroed but for its session id. 0, -ENOSPC (LEGS_MAX), -ENOMEM. */
int legs_add(struct call_host *h, struct call *c, uint8_t *leg) NODISCARD;
/* Forgets a leg: its index stays unused. */
void legs_free_one(struct call *c, uint8_t leg);
/* Once a call is answered the legs that are over are not needed any more. */
void legs_trim(struct call_host *h, struct call *c);

/* Its dialog has a new hop: pending requests and media go there, and it can be told what it could
 * not be told before. */
void leg_moved(struct call_host *h, struct call *c, uint8_t leg, const struct sip_hop *known);
/* Its request, from a verified sender, is accepted: it refreshes target and hop of its dialog (RFC
 * 3261 12.2.2, RFC 3311, RFC 5057). */
void leg_refresh_target(struct call_host *h, struct call *c, uint8_t leg,
			const struct sip_message *m);

/* The language of prompts to the party of the leg; "": the node's. */
const char *legs_language(const struct call_host *h, const struct call *c, uint8_t leg);

/* The initial state of a call: the caller's INVITE is open, without callee. */
void call_init(struct call_host *h, struct call *c);
/* Frees what it holds, gives ports back. */
void call_clear(struct call_host *h, struct call *c);
/* The memory alone: of a call that is not part of a shard. */
void call_free(struct call *c);

/* Each save of the call is answered, so the next one goes with that of another call. */
bool call_may_join(const struct call_host *h, const struct call *c);
/* Moves the leg to another call of the shard, with its ports, dialog and timers; a closed copy
 * stays. Both calls' records go in one transaction: otherwise a kill leaves the leg in both calls,
 * or in neither. Returns 0, -ENOSPC or -ENOMEM: nothing has changed. */
int calls_join(struct call_host *h, struct call *from, uint8_t leg, struct call *to,
	       uint8_t *as) NODISCARD;

#endif
