/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of what documents say: extensions of all tenants in a hash table of compact blocks, and
 * the sorted profiles and address ranges of one tenant. Commands read them; document kinds put and
 * delete by them. A shard has its own copy of what calls need (sig/host), so nothing here is on the
 * path of a call. Secrets are wiped before memory is freed.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/document/extensions.h"
#include "base/compact.h"

void profiles_open(struct profiles *x, uint16_t tenant)
{
	x->tenant = tenant;
	x->count = 1;
	x->range_count = 0;
	form_start(&g_profile_form, &x->list[0], BYTES_LIT(PROFILE_DEFAULT));
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
		form_start(&g_profile_form, &x->list[i], BYTES_LIT(PROFILE_DEFAULT));
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

/* One block of memory: the number, then the whole extension (base/compact.h). */
struct extension_item {
	uint8_t *all;
	uint16_t n, number_n, tenant;
};
static_assert(sizeof(struct extension_item) == 16, "of each extension");

static struct bytes item_number(const struct extension_item *item)
{
	return bytes_mem(item->all, item->number_n);
}

static void item_wipe(struct extension_item *item)
{
	if (item->all)
		explicit_bzero(item->all, item->n);
	free(item->all);
	*item = (struct extension_item){ 0 };
}

/* 0 or -ENOMEM: it is what it was then. */
static int item_set(struct extension_item *item, const struct extension *e)
{
	uint8_t buf[sizeof(e->core.number) + COMPACT_MAX(sizeof(*e))], *all;
	struct writer w = writer_over(buf, sizeof(buf));
	size_t number_n;

	writer_str(&w, e->core.number);
	number_n = w.n;
	compact_write(&w, bytes_mem(e, sizeof(*e)));
	all = malloc(w.n);
	if (all) {
		memcpy(all, buf, w.n);
		item_wipe(item);
		*item = (struct extension_item){ .all = all,
						 .n = (uint16_t)w.n,
						 .number_n = (uint16_t)number_n,
						 .tenant = e->core.tenant };
	}
	explicit_bzero(buf, w.n);
	return all ? 0 : -ENOMEM;
}

static void item_get(const struct extension_item *item, struct extension *out)
{
	compact_read(out, sizeof(*out), bytes_from(bytes_mem(item->all, item->n), item->number_n));
}

int extensions_open(struct extensions *x, uint32_t capacity, const struct hash_key *key)
{
	int err = pool_open(&x->pool, sizeof(struct extension_item), capacity);

	if (err)
		return err;
	x->key = *key;
	err = table_open(&x->by_number, capacity);
	if (err)
		pool_close(&x->pool);
	return err;
}

void extensions_close(struct extensions *x)
{
	uint32_t cursor = 0;
	struct extension_item *item;
	pool_handle h;

	while ((item = pool_next(&x->pool, &cursor, &h)) != NULL)
		item_wipe(item);
	table_close(&x->by_number);
	pool_close(&x->pool);
}

static uint64_t extension_hash(const struct extensions *x, uint16_t tenant, struct bytes number)
{
	return hash_sip(&x->key, number) ^ (UINT64_C(0x9e3779b97f4a7c15) * tenant);
}

static pool_handle extension_find(const struct extensions *x, uint16_t tenant, struct bytes number,
				  uint64_t hash)
{
	uint32_t cursor = 0;
	pool_handle h;

	while ((h = table_next(&x->by_number, hash, &cursor))) {
		const struct extension_item *item = pool_get(&x->pool, h);

		if (item && item->tenant == tenant && bytes_eq(number, item_number(item)))
			return h;
	}
	return 0;
}

bool extensions_box(const struct extensions *x, uint16_t tenant, struct bytes number,
		    struct extension_box *out)
{
	struct extension e;

	*out = (struct extension_box){ 0 };
	if (!extensions_find(x, tenant, number, &e))
		return false;
	*out = e.box;
	extension_wipe(&e);
	return true;
}

bool extensions_has(const struct extensions *x, uint16_t tenant, struct bytes number)
{
	return extension_find(x, tenant, number, extension_hash(x, tenant, number)) != 0;
}

bool extensions_find(const struct extensions *x, uint16_t tenant, struct bytes number,
		     struct extension *out)
{
	pool_handle h = extension_find(x, tenant, number, extension_hash(x, tenant, number));

	if (h)
		item_get(pool_get(&x->pool, h), out);
	return h != 0;
}

static int extension_add(struct extensions *x, const struct extension *e, uint64_t hash)
{
	pool_handle h;
	struct extension_item *item = pool_alloc(&x->pool, &h);
	int err = item ? item_set(item, e) : -ENOSPC;

	if (!err)
		err = table_put(&x->by_number, hash, h);
	if (err && item) {
		item_wipe(item);
		(void)pool_free(&x->pool, h);
	}
	return err;
}

int extensions_put(struct extensions *x, const struct extension *e)
{
	struct bytes number = bytes_str(e->core.number);
	uint64_t hash = extension_hash(x, e->core.tenant, number);
	pool_handle h = extension_find(x, e->core.tenant, number, hash);

	return h ? item_set(pool_get(&x->pool, h), e) : extension_add(x, e, hash);
}

bool extensions_delete(struct extensions *x, uint16_t tenant, struct bytes number)
{
	uint64_t hash = extension_hash(x, tenant, number);
	pool_handle h = extension_find(x, tenant, number, hash);

	if (!h)
		return false;
	(void)table_del(&x->by_number, hash, h);
	item_wipe(pool_get(&x->pool, h));
	return pool_free(&x->pool, h);
}

uint32_t extensions_count(const struct extensions *x)
{
	return x->pool.in_use;
}

bool extensions_next(const struct extensions *x, uint32_t *cursor, uint16_t *tenant,
		     struct bytes *number)
{
	pool_handle h;
	const struct extension_item *item = pool_next(&x->pool, cursor, &h);

	if (!item)
		return false;
	*tenant = item->tenant;
	*number = item_number(item);
	return true;
}
