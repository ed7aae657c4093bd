/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of a tenant (PARK-01): which there are, and which extensions use them. Groups of slots
 * are documents of tenants, and an extension names those that it is in. Without groups each slot is
 * everybody's. */
#include "sig/feature/park/park_slots.h"

#include "sig/call/number_claim.h"
#include "sig/pbx/park.h"
#include "sig/shard/shard_parts.h"

static enum slot_use slot_used_by(void *owner, uint16_t tenant, struct bytes user,
				  struct bytes slot)
{
	const struct shard *s = owner;
	struct bytes groups =
		bytes_str(tenants_terms(shard_settings(s)->tenants, tenant)->park_groups);
	const struct shard_extension_slot *e;
	struct park_group g;

	if (!groups.n)
		return SLOT_USED;
	if (!park_group_of(groups, slot, &g))
		return SLOT_NONE;
	e = shard_extension_slot(s, tenant, user);
	return e && e->park_groups && bytes_list_has(bytes_str(e->park_groups), g.name)
		       ? SLOT_USED
		       : SLOT_OF_OTHERS;
}

bool shard_slot_is(const struct shard *s, uint16_t tenant, struct bytes user, struct bytes slot)
{
	enum slot_use use = slot_used_by(shard_host(s)->owner, tenant, user, slot);

	return use == SLOT_USED || (use == SLOT_OF_OTHERS && !user.n);
}

static enum number_verdict slot_dialled(struct call_host *h, const struct number_request *ask,
					struct number_claimed *out, struct call_refusal *why)
{
	const struct shard *s = h->owner;
	const struct shard_extension *e = shard_extension_find(s, ask->tenant, ask->user);
	enum slot_use use = slot_used_by(h->owner, ask->tenant, ask->user, ask->behind);

	(void)out;
	*why = (struct call_refusal){ .status = 403, .reason = REFUSED_FEATURE };
	if (!extension_may(shard_settings(s)->tenants, e, ENTITLED_PARK)) {
		why->reason = REFUSED_NOT_ENTITLED;
	} else if (use == SLOT_NONE) {
		why->status = 404;
		why->text = "there is no such slot";
	} else if (use == SLOT_OF_OTHERS) {
		why->text = "the slot is of a group that the extension is not in";
	} else {
		return NUMBER_FREE;
	}
	return NUMBER_REFUSED;
}

const struct dialled_code park_dialled_codes[] = { { FEATURE_PARK, slot_dialled }, { 0 } };

static bool place_of_group(const struct park_group *g, struct park_place *out)
{
	return !bytes_cstr(g->first, out->slot, sizeof(out->slot)) &&
	       !bytes_cstr(g->last, out->last, sizeof(out->last));
}

static bool slot_group(const struct shard *s, uint16_t tenant, struct bytes group,
		       struct park_place *out)
{
	struct park_group g;

	return park_group_find(
		       bytes_str(tenants_terms(shard_settings(s)->tenants, tenant)->park_groups),
		       group, &g) &&
	       place_of_group(&g, out);
}

/* The first of the groups that the extension names. */
static bool place_of_extension(const struct shard *s, uint16_t tenant, struct bytes user,
			       struct park_place *out)
{
	const struct shard_extension_slot *e = shard_extension_slot(s, tenant, user);
	struct bytes names = bytes_str(e && e->park_groups ? e->park_groups : ""), name;

	while (bytes_cut(&names, ',', &name)) {
		if (slot_group(s, tenant, name, out))
			return true;
	}
	return false;
}

bool shard_slot_group(const struct shard *s, uint16_t tenant, struct bytes user, struct bytes group,
		      struct park_place *out)
{
	const struct shard_extension_slot *e = shard_extension_slot(s, tenant, user);

	if (!user.n)
		return slot_group(s, tenant, group, out);
	if (!group.n)
		return place_of_extension(s, tenant, user, out);
	return e && e->park_groups && bytes_list_has(bytes_str(e->park_groups), group) &&
	       slot_group(s, tenant, group, out);
}

static bool shard_parks(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
			struct park_place *out)
{
	const struct shard *s = owner;
	const struct shard_extension *e = shard_extension_of(owner, tenant, user);
	struct shard_dialler who = { .tenant = tenant, .phone = true };
	struct dial_result dialled;

	*out = (struct park_place){ 0 };
	if (!e || !extension_may(shard_settings(s)->tenants, e, ENTITLED_PARK) ||
	    shard_extension_find(owner, tenant, number))
		return false;
	shard_dial(owner, &who, number, &dialled);
	if (dialled.kind == DIAL_MORE && dialled.feature == FEATURE_PARK && !dialled.value.n)
		return place_of_extension(s, tenant, user, out);
	return dialled.kind == DIAL_FEATURE && dialled.feature == FEATURE_PARK &&
	       slot_used_by(owner, tenant, user, dialled.value) == SLOT_USED &&
	       !bytes_cstr(dialled.value, out->slot, sizeof(out->slot));
}

static bool shard_park_place(void *owner, uint16_t tenant, struct bytes user, struct bytes slot,
			     struct bytes group, struct park_place *out)
{
	*out = (struct park_place){ 0 };
	if (slot.n)
		return park_slot_is(slot) && !bytes_cstr(slot, out->slot, sizeof(out->slot)) &&
		       shard_slot_is(owner, tenant, user, slot);
	return (!user.n || group.n) && shard_slot_group(owner, tenant, user, group, out);
}

static const struct parking_service shard_parking_service = {
	.dialled_slot = shard_parks,
	.named_slot = shard_park_place,
	.use = slot_used_by,
};

const struct services park_services = { .parking = &shard_parking_service };
