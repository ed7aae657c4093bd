/* SPDX-License-Identifier: Apache-2.0 */
/* The extensions of a shard: their documents by tenant and number, with the texts set for each
 * (watch lists, members, pickup and park groups, BLF keys, presence, forwarding). Also the codec
 * profiles and source ranges of tenants, which decide what a leg may be offered, and the tenant of
 * a request outside of a dialog by its domains. Written by the host when documents change
 * (shard.h), read at each decision of a call. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/host/trunk.h"
#include "sig/shard/shard_state.h"

/* Codec profiles, and the source ranges that select one (REG-12). Both tables are small and read
 * once per leg. */

/* Without a profile of that name in the documents. */
static const struct shard_profile g_unlimited = { .name = PROFILE_DEFAULT,
						  .terms.lines = OFFER_LINES_T38 };

static struct shard_profile *profile_find(const struct shard_profiles *p, const char *name)
{
	for (uint32_t i = 0; p && i < p->count; i++) {
		if (!strcmp(p->list[i].name, name))
			return (struct shard_profile *)(uintptr_t)&p->list[i];
	}
	return NULL;
}

/* Few tenants have any. NULL: no memory. */
static struct shard_profiles *profiles_ensure(struct shard *s, uint16_t tenant)
{
	struct shard_profiles **p = &s->profiles[tenant];

	if (!*p) {
		*p = calloc(1, sizeof(**p));
		if (*p)
			tenants_hold(s->settings.tenants, tenant, TENANT_PROFILES);
	}
	return *p;
}

static void profiles_settle(struct shard *s, uint16_t tenant)
{
	struct shard_profiles *p = s->profiles[tenant];

	if (!p || p->count || p->range_count)
		return;
	free(p);
	s->profiles[tenant] = NULL;
	tenants_release(s->settings.tenants, tenant, TENANT_PROFILES);
}

int shard_profile_put(struct shard *s, uint16_t tenant, const struct shard_profile *profile)
{
	struct shard_profiles *all = profiles_ensure(s, tenant);
	struct shard_profile *p = profile_find(all, profile->name);

	if (!all)
		return -ENOMEM;
	if (!p && all->count == SHARD_PROFILES_MAX)
		return -ENOSPC;
	if (!p)
		p = &all->list[all->count++];
	*p = *profile;
	return 0;
}

bool shard_profile_delete(struct shard *s, uint16_t tenant, const char *name)
{
	struct shard_profiles *all = s->profiles[tenant];
	struct shard_profile *p = profile_find(all, name);

	if (!p)
		return false;
	*p = all->list[--all->count];
	profiles_settle(s, tenant);
	return true;
}

void shard_profiles_delete(struct shard *s, uint16_t tenant)
{
	struct shard_profiles *all = s->profiles[tenant];

	if (!all)
		return;
	all->count = all->range_count = 0;
	profiles_settle(s, tenant);
}

int shard_ranges_set(struct shard *s, uint16_t tenant, const struct shard_range *ranges,
		     uint32_t count)
{
	struct shard_profiles *all;

	if (count > SHARD_RANGES_MAX)
		return -ENOSPC;
	all = profiles_ensure(s, tenant);
	if (!all)
		return -ENOMEM;
	if (count)
		memcpy(all->ranges, ranges, count * sizeof(*ranges));
	all->range_count = count;
	profiles_settle(s, tenant);
	return 0;
}

void shard_profiles_close(struct shard *s)
{
	for (uint16_t i = 0; i < TENANTS_MAX; i++) {
		if (s->profiles[i])
			tenants_release(s->settings.tenants, i, TENANT_PROFILES);
		free(s->profiles[i]);
	}
}

static bool shard_range_holds(const struct shard_range *r, const struct addr *a)
{
	return a->family != ADDR_NONE && r->first.family == a->family &&
	       memcmp(a->ip, r->first.ip, sizeof(a->ip)) >= 0 &&
	       memcmp(a->ip, r->last.ip, sizeof(a->ip)) <= 0;
}

bool shard_transcodes(const struct shard *s, const struct shard_profile *profile)
{
	switch ((enum profile_transcode)profile->transcode) {
	case PROFILE_TRANSCODE_ON:
		return true;
	case PROFILE_TRANSCODE_OFF:
		return false;
	case PROFILE_TRANSCODE_SETTING:
		break;
	}
	return s->settings.transcode;
}

const struct shard_profile *shard_profile_named(const struct shard *s, uint16_t tenant,
						const char *name, const struct addr *source)
{
	const struct shard_profile *p = name[0] ? profile_find(s->profiles[tenant], name) : NULL;

	return p ? p : shard_profile_of(s, tenant, source);
}

const struct shard_profile *shard_profile_of(const struct shard *s, uint16_t tenant,
					     const struct addr *source)
{
	const struct shard_profiles *p = s->profiles[tenant];
	const struct shard_profile *found = NULL;

	for (uint32_t i = 0; p && i < p->range_count; i++) {
		if (shard_range_holds(&p->ranges[i], source)) {
			found = profile_find(p, p->ranges[i].profile);
			break;
		}
	}
	if (!found)
		found = profile_find(p, PROFILE_DEFAULT);
	return found ? found : &g_unlimited;
}

/* The tenant of a request outside of a dialog: from its sender's domain, or from the users that it
 * names. */

/* A sender at a tenant's domain is of that tenant, whichever domain it calls. A sender at no domain
 * of ours is challenged in the realm of the domain that it calls. */
static uint16_t tenant_of_sender(const struct shard *s, const struct sip_message *m)
{
	const struct tenants *all = s->settings.tenants;
	uint16_t called = tenants_of_domain(all, m->uri.host);
	uint16_t sender = tenants_of_domain(all, m->from.uri.host);

	if (sender != TENANT_NONE || called == TENANT_NONE)
		return sender;
	return route_is_ours(&m->from.uri, TENANT_DEFAULT, &s->settings) ? TENANT_DEFAULT : called;
}

/* The remote shard names the tenant, also if its calls go on without; the default tenant's name is
 * left out. */
static uint16_t tenant_in_inter_shard(const struct shard *s, const struct sip_message *m)
{
	struct bytes name;

	return message_header(m, "Tandem-Tenant", 0, &name)
		       ? tenants_number(s->settings.tenants, name)
		       : TENANT_DEFAULT;
}

uint16_t shard_tenant_of(const struct shard *s, const struct sip_message *m)
{
	uint16_t listener = m->hop.local < s->settings.local_count
				    ? s->settings.locals[m->hop.local].tenant
				    : 0;
	uint16_t trunk = shard_trunk_of(s, &m->hop), tenant;

	if (trunk != TRUNK_NONE)
		return trunks_settings(s->settings.trunks, trunk)->tenant;
	if (m->hop.transport != SIP_INTER_SHARD && listener)
		return listener - 1;
	if (m->hop.transport == SIP_INTER_SHARD)
		tenant = tenant_in_inter_shard(s, m);
	else
		tenant = m->method == SIP_REGISTER
				 ? tenants_of_domain(s->settings.tenants, m->to.uri.host)
				 : tenant_of_sender(s, m);
	return tenant == TENANT_NONE ? TENANT_DEFAULT : tenant;
}

static uint64_t number_hash(const struct shard *s, uint16_t tenant, struct bytes number)
{
	return tenant_hash(hash_sip(&s->key, number), tenant);
}

struct shard_extension_slot *shard_extension_at(const struct shard *s, uint16_t tenant,
						struct bytes number, pool_handle *at)
{
	uint32_t cursor = 0;

	while ((*at = table_next(&s->extensions_by_number, number_hash(s, tenant, number),
				 &cursor)) != 0) {
		struct shard_extension_slot *slot = pool_get(&s->extensions, *at);

		if (slot && slot->extension.tenant == tenant &&
		    bytes_is(number, slot->extension.number))
			return slot;
	}
	return NULL;
}

struct shard_extension_slot *shard_extension_slot(const struct shard *s, uint16_t tenant,
						  struct bytes number)
{
	pool_handle at;

	return shard_extension_at(s, tenant, number, &at);
}

const struct shard_extension *shard_extension_find(const struct shard *s, uint16_t tenant,
						   struct bytes number)
{
	const struct shard_extension_slot *slot = shard_extension_slot(s, tenant, number);

	return slot ? &slot->extension : NULL;
}

int shard_extension_put(struct shard *s, const struct shard_extension *extension)
{
	struct bytes number = bytes_str(extension->number);
	pool_handle at;
	struct shard_extension_slot *slot = shard_extension_at(s, extension->tenant, number, &at);
	bool other_music = slot && slot->extension.music != extension->music, other;

	if (!slot) {
		slot = pool_alloc(&s->extensions, &at);
		if (!slot)
			return -ENOSPC;
		if (table_put(&s->extensions_by_number, number_hash(s, extension->tenant, number),
			      at)) {
			(void)pool_free(&s->extensions, at);
			return -ENOSPC;
		}
		tenants_hold(s->settings.tenants, extension->tenant, TENANT_EXTENSIONS);
	}
	other = memcmp(&slot->extension, extension, sizeof(*extension)) != 0;
	slot->extension = *extension;
	if (other) /* what its phones publish changes the document, too */
		SHARD_HOOKS_CALL(s->shared_tables, extension_changed, s, extension->tenant, number);
	if (other_music)
		shard_calls_hear(s);
	return 0;
}

void shard_located_free(struct shard_located *located)
{
	if (located)
		explicit_bzero(located, sizeof(*located));
	free(located);
}

int shard_located_set(struct shard *s, uint16_t tenant, const char *number,
		      const struct shard_located *located)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));
	struct shard_located *copy = NULL;

	if (!slot)
		return -ENOENT;
	if (located->count) {
		copy = malloc(sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		*copy = *located;
	}
	shard_located_free(slot->located);
	slot->located = copy;
	return 0;
}

bool shard_extension_delete(struct shard *s, uint16_t tenant, const char *number)
{
	struct bytes key = bytes_str(number);
	struct shard_forward *forward;
	pool_handle at;
	struct shard_extension_slot *slot = shard_extension_at(s, tenant, key, &at);

	if (!slot)
		return false;
	forward = slot->forward;
	slot->forward = NULL;
	shard_busy_set(s, slot, forward);
	SHARD_HOOKS_CALL(s->shared_tables, extension_gone, s, slot);
	free(forward);
	free(slot->guesses);
	free(slot->monitors);
	free(slot->pickup_groups);
	free(slot->park_groups);
	free(slot->members);
	free(slot->blf_keys);
	shard_located_free(slot->located);
	tenants_release(s->settings.tenants, tenant, TENANT_EXTENSIONS);
	(void)table_del(&s->extensions_by_number, number_hash(s, tenant, key), at);
	(void)pool_free(&s->extensions, at);
	SHARD_HOOKS_CALL(s->shared_tables, extension_changed, s, tenant, key);
	return true;
}

/* "": NULL. */
static int extension_text_set(char **text, const char *value)
{
	size_t n = strlen(value) + 1;
	char *copy = NULL;

	if (n > 1) {
		copy = malloc(n);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, value, n);
	}
	free(*text);
	*text = copy;
	return 0;
}

int shard_monitors_set(struct shard *s, uint16_t tenant, const char *number, const char *monitors)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));
	bool other = slot && strcmp(slot->monitors ? slot->monitors : "", monitors) != 0;
	int err = slot ? extension_text_set(&slot->monitors, monitors) : -ENOENT;

	if (other && !err)
		SHARD_HOOKS_CALL(s->shared_tables, extension_changed, s, tenant, bytes_str(number));
	if (other && !err)
		SHARD_HOOKS_CALL(s->shared_tables, keys_changed, s, tenant,
				 bytes_str(number)); /* of pages */
	return err;
}

int shard_members_set(struct shard *s, uint16_t tenant, const char *number, const char *members)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));
	bool other = slot && strcmp(slot->members ? slot->members : "", members) != 0;
	int err = slot ? extension_text_set(&slot->members, members) : -ENOENT;

	if (other && !err)
		SHARD_HOOKS_CALL(s->shared_tables, extension_changed, s, tenant, bytes_str(number));
	return err;
}

int shard_pickup_set(struct shard *s, uint16_t tenant, const char *number, const char *groups)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));

	return slot ? extension_text_set(&slot->pickup_groups, groups) : -ENOENT;
}

int shard_park_groups_set(struct shard *s, uint16_t tenant, const char *number, const char *groups)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));

	return slot ? extension_text_set(&slot->park_groups, groups) : -ENOENT;
}

int shard_blf_set(struct shard *s, uint16_t tenant, const char *number, const char *blf_keys)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));
	int err;

	if (slot && !strcmp(slot->blf_keys ? slot->blf_keys : "", blf_keys))
		return 0;
	err = slot ? extension_text_set(&slot->blf_keys, blf_keys) : -ENOENT;
	if (!err)
		SHARD_HOOKS_CALL(s->shared_tables, keys_changed, s, tenant, bytes_str(number));
	return err;
}

static const struct host_track *shard_music_of(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;
	const struct shard_extension *e = shard_extension_find(s, tenant, user);

	return host_track_of(s->tracks, e ? e->music : SHARD_TRACK_MUSIC);
}

const struct shard_forward *shard_forward_of(const struct shard *s, uint16_t tenant,
					     struct bytes number)
{
	const struct shard_extension_slot *slot = shard_extension_slot(s, tenant, number);

	return slot ? slot->forward : NULL;
}

const struct shard_extension *shard_extension_of(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard_extension *e = shard_extension_find(owner, tenant, user);

	return e && e->enabled ? e : NULL;
}

const struct shard_forward *shard_forward_for(void *owner, uint16_t tenant, struct bytes user)
{
	return shard_extension_of(owner, tenant, user) ? shard_forward_of(owner, tenant, user)
						       : NULL;
}

const char *shard_presence_current(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;
	const struct shard_extension_slot *slot = shard_extension_slot(s, tenant, user);
	struct presence_view view = { .state = "" };

	if (slot)
		presence_show(slot->presence ? &slot->presence->of : NULL,
			      slot->forward && slot->forward->do_not_disturb
				      ? PRESENCE_DO_NOT_DISTURB
				      : 0,
			      shard_wall_ms(s), &view);
	return view.state;
}

const struct directory_service shard_directory_service = {
	.extension = shard_extension_of,
	.forward = shard_forward_for,
	.music = shard_music_of,
	.presence = shard_presence_current,
	.check_pin = shard_pin_is,
};

int shard_forward_set(struct shard *s, uint16_t tenant, const char *number,
		      const struct shard_forward *forward)
{
	struct shard_extension_slot *slot = shard_extension_slot(s, tenant, bytes_str(number));
	struct shard_forward *copy = NULL, *before;

	if (!slot)
		return -ENOENT;
	if (shard_forward_is_set(forward)) {
		copy = malloc(sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		*copy = *forward;
	}
	before = slot->forward;
	slot->forward = copy;
	if ((copy && copy->do_not_disturb) != (before && before->do_not_disturb))
		subscriptions_changed(&s->subscriptions, tenant, bytes_str(number),
				      CHANGED_PRESENCE);
	shard_busy_set(s, slot, before);
	free(before);
	subscriptions_changed(&s->subscriptions, tenant, bytes_str(number), CHANGED_SETTINGS);
	return 0;
}
