/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/sites.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* In the order of tenant and id: few are put, and calls look for them. */
struct sites {
	struct tenants *tenants;
	uint32_t count;
	struct site *list[SITES_MAX];
};

int sites_open(struct sites **out, struct tenants *tenants)
{
	struct sites *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->tenants = tenants;
	*out = x;
	return 0;
}

void sites_close(struct sites *x)
{
	while (x && x->count)
		sites_delete(x, x->list[x->count - 1]->tenant, x->list[x->count - 1]->id);
	free(x);
}

static uint32_t site_rank(uint16_t tenant, uint16_t id)
{
	return (uint32_t)tenant << 16 | id;
}

/* Where it is, or would be. */
static uint32_t site_place(const struct sites *x, uint16_t tenant, uint16_t id)
{
	uint32_t low = 0, high = x->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		const struct site *s = x->list[middle];

		if (site_rank(s->tenant, s->id) < site_rank(tenant, id))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool site_is_at(const struct sites *x, uint32_t place, uint16_t tenant, uint16_t id)
{
	return place < x->count && x->list[place]->tenant == tenant && x->list[place]->id == id;
}

static int site_add(struct sites *x, uint32_t place, uint16_t tenant)
{
	struct site *s;

	if (x->count == SITES_MAX)
		return -ENOSPC;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	memmove(&x->list[place + 1], &x->list[place], (x->count - place) * sizeof(struct site *));
	x->list[place] = s;
	x->count++;
	tenants_hold(x->tenants, tenant, TENANT_SITES);
	return 0;
}

int sites_put(struct sites *x, const struct site *site)
{
	uint32_t place = site_place(x, site->tenant, site->id);
	int err = 0;

	assert(site->id && site->tenant < TENANTS_MAX);
	if (!site_is_at(x, place, site->tenant, site->id))
		err = site_add(x, place, site->tenant);
	if (!err)
		*x->list[place] = *site;
	return err;
}

void sites_delete(struct sites *x, uint16_t tenant, uint16_t id)
{
	uint32_t place = site_place(x, tenant, id);

	if (!site_is_at(x, place, tenant, id))
		return;
	free(x->list[place]);
	x->count--;
	memmove(&x->list[place], &x->list[place + 1], (x->count - place) * sizeof(struct site *));
	tenants_release(x->tenants, tenant, TENANT_SITES);
}

const struct site *sites_find(const struct sites *x, uint16_t tenant, uint16_t id)
{
	uint32_t place = x ? site_place(x, tenant, id) : 0;

	return x && site_is_at(x, place, tenant, id) ? x->list[place] : NULL;
}
