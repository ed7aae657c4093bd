/* SPDX-License-Identifier: Apache-2.0 */
/* Slots as the store has them, which all shards share. */
#ifndef SIG_PBX_SLOT_H
#define SIG_PBX_SLOT_H

#include "sig/model/call.h"
#include "sig/model/event.h"

void slot_free(struct call_host *h, uint16_t tenant, struct bytes slot, uint64_t owner);
/* The value has the parking user, the parked party and the time, separated by spaces, for lists of
 * slots; SLOT_SHOWN follows the party that does not hide. leg: the party's. Returns the serial; 0:
 * no memory. */
struct slot_party {
	const struct leg *leg;
	struct bytes user;
};
uint64_t slot_claim(struct call_host *h, const struct call *c, const char *slot, struct bytes by,
		    struct slot_party party, uint64_t since_utc_ms);
/* Asks which call is in the slot. Returns the serial of the answer; 0: no memory. */
uint64_t slot_look(struct call_host *h, const struct call *c, struct bytes slot);
/* A call of this shard that is not parked there: what is left of one. */
bool slot_is_orphan(const struct call_host *h, const char *slot, uint64_t owner);
/* For those who read it. */
uint64_t slot_shown_ms(const struct call_host *h);
/* It is the next one that is tried; a successor begins again where the record does. */
bool slot_advance(char *number, const char *last);

#endif
