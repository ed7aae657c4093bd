/* SPDX-License-Identifier: Apache-2.0 */
/* Codec profiles, and the ranges of source addresses that choose one (REG-12). Both tables are small and read once a leg. */
#include <errno.h>
#include <string.h>

#include "sig/shard/shard_state.h"

/* Without a profile of that name in the documents. */
static const struct shard_profile g_unlimited = { .name = PROFILE_DEFAULT,
						  .terms.lines = OFFER_LINES_T38 };

static struct shard_profile *profile_find(const struct shard_profiles *p, const char *name)
{
	for (uint32_t i = 0; i < p->count; i++) {
		if (!strcmp(p->list[i].name, name))
			return (struct shard_profile *)(uintptr_t)&p->list[i];
	}
	return NULL;
}

int shard_profile_put(struct shard *s, const struct shard_profile *profile)
{
	struct shard_profile *p = profile_find(&s->profiles, profile->name);

	if (!p && s->profiles.count == SHARD_PROFILES_MAX)
		return -ENOSPC;
	if (!p)
		p = &s->profiles.list[s->profiles.count++];
	*p = *profile;
	return 0;
}

bool shard_profile_delete(struct shard *s, const char *name)
{
	struct shard_profile *p = profile_find(&s->profiles, name);

	if (!p)
		return false;
	*p = s->profiles.list[--s->profiles.count];
	return true;
}

int shard_ranges_set(struct shard *s, const struct shard_range *ranges, uint32_t count)
{
	if (count > SHARD_RANGES_MAX)
		return -ENOSPC;
	if (count)
		memcpy(s->profiles.ranges, ranges, count * sizeof(*ranges));
	s->profiles.range_count = count;
	return 0;
}

bool shard_range_holds(const struct shard_range *r, const struct addr *a)
{
	return a->family != ADDR_NONE && r->first.family == a->family &&
	       memcmp(a->ip, r->first.ip, sizeof(a->ip)) >= 0 &&
	       memcmp(a->ip, r->last.ip, sizeof(a->ip)) <= 0;
}

const struct shard_profile *shard_profile_of(const struct shard *s, const struct addr *source)
{
	const struct shard_profiles *p = &s->profiles;
	const struct shard_profile *found = NULL;

	for (uint32_t i = 0; !found && i < p->range_count; i++) {
		if (shard_range_holds(&p->ranges[i], source)) {
			found = profile_find(p, p->ranges[i].profile);
			break;
		}
	}
	if (!found)
		found = profile_find(p, PROFILE_DEFAULT);
	return found ? found : &g_unlimited;
}
