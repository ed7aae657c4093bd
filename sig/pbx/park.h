/* SPDX-License-Identifier: Apache-2.0 */
/* A party waits in a slot, which all shards share, until it is retrieved. It is parked as by a
 * transfer (transfer.h): by REFER to a feature code, or by command. It stays in its call without a
 * peer (wait.h), and the slot names the call. A retriever reads the slot and then asks the call: of
 * two at once, one gets the party. Order: the transfer is saved, the slot is claimed, and the
 * parking leg is left, which is saved before it is answered. The slot is claimed again whenever the
 * claim is not certain: after a restart, and if the store lost it. */
#ifndef SIG_PBX_PARK_H
#define SIG_PBX_PARK_H

#include "sig/call/module.h"
#include "sig/model/event.h"
#include "sig/pbx/transfer.h"

/* It waits in that slot, or is on its way there. */
bool park_has(const struct call *c, struct bytes slot);
/* Begins a transfer to a slot. by: the order to be answered with the result, or NULL. Returns as
 * curl_transfer_start. */
enum refusal park_start(struct call *c, const struct transfer_request *ask,
			const struct park_place *place, const struct shard_order *by) NODISCARD;
/* A repetition of the same order: its answer goes to the last sender. Returns false for another
 * order. */
bool park_waits_for(struct call *c, const struct shard_order *by);
/* The transfer to a slot may go on; or the store did not report the slot in time. */
void park_go_on(struct call_host *h, struct call *c);
void park_unclaimed(struct call_host *h, struct call *c);
/* It was refused with that status, or its call is over. */
void park_failed(struct call_host *h, struct call *c, uint16_t status);
/* Whether the party that waits in that call may be retrieved. A slot is freed if its call is not
 * parked there. */
bool park_may_pick(struct call_host *h, uint16_t tenant, uint64_t owner, struct bytes slot);
/* The party waits in the call alone again, and in no slot. */
void park_end(struct call_host *h, struct call *c);
/* Cancels phones that ring for the party's return: it was retrieved. */
void park_yield(struct call_host *h, struct call *c);

enum slot_use { SLOT_USED, SLOT_OF_OTHERS, SLOT_NONE };

/* The slots of a tenant (sig/host/host.h). *out is written whatever is returned. */
struct parking_service {
	/* The slot that a number dialled by a user names, or the next free one. Returns false if
	 * the number is no slot, or the user may not park. */
	bool (*dialled_slot)(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
			     struct park_place *out);
	/* The tenant's slot of that name, or (slot "") those of a group, "": of the first one.
	 * user: with that user's rights; empty: the tenant's. As dialled_slot. */
	bool (*named_slot)(void *owner, uint16_t tenant, struct bytes user, struct bytes slot,
			   struct bytes group, struct park_place *out);
	/* Whether an extension uses the tenant's slot of that name. */
	enum slot_use (*use)(void *owner, uint16_t tenant, struct bytes user, struct bytes slot);
};

#endif
