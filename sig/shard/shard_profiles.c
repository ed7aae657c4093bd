/* SPDX-License-Identifier: Apache-2.0 */
/* Codec profiles, and the ranges of source addresses that choose one (REG-12). Both tables are small and read once a leg. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/shard/shard_state.h"

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
static struct shard_profiles *profiles_take(struct shard *s, uint16_t tenant)
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
	struct shard_profiles *all = profiles_take(s, tenant);
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
	all = profiles_take(s, tenant);
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

bool shard_range_holds(const struct shard_range *r, const struct addr *a)
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
