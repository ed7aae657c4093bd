/* SPDX-License-Identifier: Apache-2.0 */
/* Which slots there are, and who uses them (PARK-01). */
#include "sig/shard/shard_dial.h"
#include "sig/shard/shard_state.h"

enum slot_use shard_slot_use(const struct shard *s, uint16_t tenant, struct bytes user,
			     struct bytes slot)
{
	struct bytes groups = tenants_park_groups(s->settings.tenants, tenant);
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

bool shard_slot_is(const struct shard *s, uint16_t tenant, struct bytes slot)
{
	struct bytes groups = tenants_park_groups(s->settings.tenants, tenant);
	struct park_group g;

	return !groups.n || park_group_of(groups, slot, &g);
}

static bool place_of_group(const struct park_group *g, struct park_place *out)
{
	return !bytes_cstr(g->first, out->slot, sizeof(out->slot)) &&
	       !bytes_cstr(g->last, out->last, sizeof(out->last));
}

bool shard_slot_group(const struct shard *s, uint16_t tenant, struct bytes group,
		      struct park_place *out)
{
	struct park_group g;

	return park_group_find(tenants_park_groups(s->settings.tenants, tenant), group, &g) &&
	       place_of_group(&g, out);
}

/* The first of the groups that the extension names. */
static bool place_of_extension(const struct shard *s, uint16_t tenant, struct bytes user,
			       struct park_place *out)
{
	const struct shard_extension_slot *e = shard_extension_slot(s, tenant, user);
	struct bytes names = bytes_str(e && e->park_groups ? e->park_groups : ""), name;

	while (bytes_cut(&names, ',', &name)) {
		if (shard_slot_group(s, tenant, name, out))
			return true;
	}
	return false;
}

bool shard_parks(void *owner, uint16_t tenant, struct bytes user, struct bytes number,
		 struct park_place *out)
{
	const struct shard *s = owner;
	struct shard_dialler who = { .tenant = tenant, .phone = true };
	struct dial_result dialled;

	*out = (struct park_place){ 0 };
	if (!shard_extension_of(owner, tenant, user) || shard_extension_find(owner, tenant, number))
		return false;
	shard_dial(owner, &who, number, &dialled);
	if (dialled.kind == DIAL_MORE && dialled.feature == FEATURE_PARK && !dialled.value.n)
		return place_of_extension(s, tenant, user, out);
	return dialled.kind == DIAL_FEATURE && dialled.feature == FEATURE_PARK &&
	       shard_slot_use(s, tenant, user, dialled.value) == SLOT_USED &&
	       !bytes_cstr(dialled.value, out->slot, sizeof(out->slot));
}
