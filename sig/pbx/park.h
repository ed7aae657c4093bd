/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A party waits in a slot, which all shards share, until somebody takes it from there. Whoever gives it there does so as in a transfer
 * (transfer.h): by REFER to a feature code, or by command. It stays in its call, with no other party (wait.h), and the slot names the call.
 * So who retrieves it reads the slot, and then asks the call: of two who do, one gets the party.
 *
 *   the transfer is saved -> the slot is claimed -> it is the call's: who gave the party is left, and that is saved before it is said
 *
 * The slot is claimed again whenever it is not known to be the call's: after a restart, and where the store has lost what it had.
 */
#ifndef SIG_PBX_PARK_H
#define SIG_PBX_PARK_H

#include "sig/call/module.h"
#include "sig/model/event.h"
#include "sig/pbx/transfer.h"

/* It waits in that slot, or is on its way there. */
bool park_has(const struct call *c, struct bytes slot);
/* A transfer to a slot begins. by: who waits to hear what became of it; NULL: nobody. As transfer_begin. */
enum refusal park_begin(struct call *c, const struct transfer_request *ask,
			const struct park_place *place, const struct shard_order *by) NODISCARD;
/* The same order once more: its answer goes to who gave it last. False: it is another. */
bool park_waits_for(struct call *c, const struct shard_order *by);
/* The transfer to a slot may go on; or nobody has said in time whose the slot is. */
void park_go_on(struct call_host *h, struct call *c);
void park_unclaimed(struct call_host *h, struct call *c);
/* It was refused with that status, or its call is over. */
void park_failed(struct call_host *h, struct call *c, uint16_t status);
/* Somebody may speak with who waits in that call. A slot whose call is not parked there is freed. */
bool park_may_pick(struct call_host *h, uint16_t tenant, uint64_t owner, struct bytes slot);
/* Whoever waits there waits in the call alone again, and in no slot. */
void park_end(struct call_host *h, struct call *c);
/* Phones that ring for who waits there, since nobody took him, ring no more: somebody does. */
void park_yield(struct call_host *h, struct call *c);

#endif
