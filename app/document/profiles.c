/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/profiles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void profiles_open(struct profiles *x, uint16_t tenant)
{
	x->tenant = tenant;
	x->count = 1;
	x->range_count = 0;
	form_begin(&g_profile_form, &x->list[0], BYTES_LIT(PROFILE_DEFAULT));
}

/* Where it is, or belongs. */
static uint32_t place(const struct profiles *x, const char *name)
{
	uint32_t i = 0;

	while (i < x->count && strcmp(x->list[i].core.name, name) < 0)
		i++;
	return i;
}

static bool profile_is_at(const struct profiles *x, uint32_t i, const char *name)
{
	return i < x->count && !strcmp(x->list[i].core.name, name);
}

const struct profile *profiles_find(const struct profiles *x, struct bytes name)
{
	char text[PROFILE_NAME_MAX];
	uint32_t i;

	if (bytes_cstr(name, text, sizeof(text)))
		return NULL;
	i = place(x, text);
	return profile_is_at(x, i, text) ? &x->list[i] : NULL;
}

int profiles_put(struct profiles *x, const struct profile *p)
{
	uint32_t i = place(x, p->core.name);

	if (!profile_is_at(x, i, p->core.name)) {
		if (x->count == SHARD_PROFILES_MAX)
			return -ENOSPC;
		memmove(&x->list[i + 1], &x->list[i], (x->count - i) * sizeof(x->list[0]));
		x->count++;
	}
	x->list[i] = *p;
	return 0;
}

void profiles_delete(struct profiles *x, const char *name)
{
	uint32_t i = place(x, name);

	if (!profile_is_at(x, i, name))
		return;
	if (!strcmp(name, PROFILE_DEFAULT)) {
		form_begin(&g_profile_form, &x->list[i], BYTES_LIT(PROFILE_DEFAULT));
		return;
	}
	x->count--;
	memmove(&x->list[i], &x->list[i + 1], (x->count - i) * sizeof(x->list[0]));
}

static uint32_t range_place(const struct profiles *x, const struct addr *first)
{
	uint32_t i = 0;

	while (i < x->range_count && range_addr_order(&x->ranges[i].core.first, first) < 0)
		i++;
	return i;
}

static bool range_is_at(const struct profiles *x, uint32_t i, const struct addr *first)
{
	return i < x->range_count && !range_addr_order(&x->ranges[i].core.first, first);
}

const struct profile_range *profiles_range(const struct profiles *x, const struct addr *first)
{
	uint32_t i = range_place(x, first);

	return range_is_at(x, i, first) ? &x->ranges[i] : NULL;
}

const struct profile_range *profiles_overlap(const struct profiles *x, const struct shard_range *r)
{
	for (uint32_t i = 0; i < x->range_count; i++) {
		const struct shard_range *other = &x->ranges[i].core;

		if (range_addr_order(&other->first, &r->first) &&
		    range_addr_order(&other->first, &r->last) <= 0 &&
		    range_addr_order(&r->first, &other->last) <= 0)
			return &x->ranges[i];
	}
	return NULL;
}

const struct profile_range *profiles_user(const struct profiles *x, const char *name)
{
	for (uint32_t i = 0; i < x->range_count; i++) {
		if (!strcmp(x->ranges[i].core.profile, name))
			return &x->ranges[i];
	}
	return NULL;
}

int profiles_range_put(struct profiles *x, const struct profile_range *r)
{
	uint32_t i = range_place(x, &r->core.first);

	if (!range_is_at(x, i, &r->core.first)) {
		if (x->range_count == SHARD_RANGES_MAX)
			return -ENOSPC;
		memmove(&x->ranges[i + 1], &x->ranges[i],
			(x->range_count - i) * sizeof(x->ranges[0]));
		x->range_count++;
	}
	x->ranges[i] = *r;
	return 0;
}

void profiles_range_delete(struct profiles *x, const struct addr *first)
{
	uint32_t i = range_place(x, first);

	if (!range_is_at(x, i, first))
		return;
	x->range_count--;
	memmove(&x->ranges[i], &x->ranges[i + 1], (x->range_count - i) * sizeof(x->ranges[0]));
}

int profiles_ranges_apply(const struct profiles *x, struct shard *shard)
{
	struct shard_range *all = calloc(SHARD_RANGES_MAX, sizeof(*all));
	int err;

	if (!all)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->range_count; i++)
		all[i] = x->ranges[i].core;
	err = shard_ranges_set(shard, x->tenant, all, x->range_count);
	free(all);
	return err;
}
