/* SPDX-License-Identifier: Apache-2.0 */
/* Parking slots in the key-value store, which all shards share: requests to claim, read and free
 * one, with values that name the call and what a list of slots shows. Answers come back as
 * park_reply with the serial returned here. park.c and retrieve.c decide what follows. If the owner
 * of a slot is of this shard and is no parked call, the slot is an orphan, and is freed. */

#include "sig/pbx/slot.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/identity.h"
#include "sig/host/settings.h"
#include "sig/pbx/park.h"
#include "sig/sip/id.h"

enum { ENTRY_MAX = 256 };

static bool slot_request(struct call_host *h, uint16_t tenant, enum park_act act, struct bytes slot,
			 uint64_t owner, uint64_t serial, struct bytes entry)
{
	struct bytes name = bytes_str(tenants_name(h->settings->tenants, tenant));
	struct request_park *park = effects_request(h->effects, EFFECT_PARK, owner, serial,
						    EFFECT_TEXTS(name, slot, entry));

	if (park)
		park->act = act;
	return park != NULL;
}

void slot_free(struct call_host *h, uint16_t tenant, struct bytes slot, uint64_t owner)
{
	if (!slot_request(h, tenant, PARK_FREE, slot, owner, 0, (struct bytes){ 0 }))
		LOG_ERROR("call", owner, "no memory to free a slot");
}

uint64_t slot_claim(struct call_host *h, const struct call *c, const char *slot, struct bytes by,
		    struct slot_party party, uint64_t since_utc_ms)
{
	uint8_t space[ENTRY_MAX];
	struct writer w = writer_over(space, sizeof(space));
	uint64_t serial = rand_u64_from(h->rand) | 1;

	writer_bytes(&w, by);
	writer_str(&w, " ");
	writer_bytes(&w, party.user);
	writer_str(&w, party.leg && !identity_is_hidden(c, party.leg) ? SLOT_SHOWN : "");
	writer_fmt(&w, " %" PRIu64, since_utc_ms);
	if (w.overflow) {
		LOG_WARN("call", c->id, "parked parties cannot be listed");
		w.n = 0;
	}
	return slot_request(h, c->tenant, PARK_CLAIM, bytes_str(slot), c->id, serial,
			    writer_done(&w))
		       ? serial
		       : 0;
}

uint64_t slot_look(struct call_host *h, const struct call *c, struct bytes slot)
{
	uint64_t serial;

	if (slot.n > PARK_SLOT_LEN)
		return 0;
	serial = rand_u64_from(h->rand) | 1;
	return slot_request(h, c->tenant, PARK_LOOK, slot, c->id, serial, (struct bytes){ 0 })
		       ? serial
		       : 0;
}

bool slot_is_orphan(const struct call_host *h, const char *slot, uint64_t owner)
{
	const struct call *other = h->services->calls->find(h->owner, owner);

	return id_shard(owner) == h->settings->number &&
	       (!other || !park_has(other, bytes_str(slot)));
}

bool slot_advance(char *number, const char *last)
{
	return last[0] && strcmp(number, last) != 0 && park_slot_next(number);
}

uint64_t slot_shown_ms(const struct call_host *h)
{
	return (uint64_t)((int64_t)h->now.utc_ms + h->wall_ms);
}
