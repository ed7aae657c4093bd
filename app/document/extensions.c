/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/extensions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compact.h"

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
	struct extension_item *item = pool_take(&x->pool, &h);
	int err = item ? item_set(item, e) : -ENOSPC;

	if (!err)
		err = table_put(&x->by_number, hash, h);
	if (err && item) {
		item_wipe(item);
		(void)pool_give(&x->pool, h);
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
	return pool_give(&x->pool, h);
}

uint32_t extensions_count(const struct extensions *x)
{
	return x->pool.in_use;
}

static int bytes_order(struct bytes a, struct bytes b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_number(const void *a, const void *b)
{
	const struct extension_item *const *left = a, *const *right = b;

	return bytes_order(item_number(*left), item_number(*right));
}

static json_t *item_view(const struct extension_item *item, const char *realm)
{
	struct extension e;
	json_t *view;

	item_get(item, &e);
	view = extension_to_view(&e, realm);
	extension_wipe(&e);
	return view;
}

static bool item_is_listed(const struct extension_item *item, uint16_t tenant, struct bytes after)
{
	return item->tenant == tenant && (!after.n || bytes_order(item_number(item), after) > 0);
}

json_t *extensions_list(const struct extensions *x, uint16_t tenant, struct bytes after,
			size_t limit, const char *realm)
{
	const struct extension_item **all =
		calloc((size_t)x->pool.in_use + 1, sizeof(struct extension_item *));
	json_t *list = json_array();
	uint32_t cursor = 0;
	size_t n = 0;
	pool_handle h;

	if (!all || !list) {
		free(all);
		json_decref(list);
		return NULL;
	}
	while ((all[n] = pool_next(&x->pool, &cursor, &h)))
		n += item_is_listed(all[n], tenant, after);
	qsort(all, n, sizeof(struct extension_item *), by_number);
	for (size_t i = 0; i < n && i < limit; i++)
		(void)json_array_append_new(list, item_view(all[i], realm));
	free(all);
	return list;
}
