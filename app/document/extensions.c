/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/extensions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

int extensions_open(struct extensions *x, uint32_t capacity, const struct hash_key *key)
{
	int err = pool_open(&x->pool, sizeof(struct extension), capacity);

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
	table_close(&x->by_number);
	pool_close(&x->pool);
}

static pool_handle extension_find(const struct extensions *x, struct bytes number, uint64_t hash)
{
	uint32_t cursor = 0;
	pool_handle h;

	while ((h = table_next(&x->by_number, hash, &cursor))) {
		const struct extension *e = pool_get(&x->pool, h);

		if (e && bytes_is(number, e->core.number))
			return h;
	}
	return 0;
}

const struct extension *extensions_find(const struct extensions *x, struct bytes number)
{
	pool_handle h = extension_find(x, number, hash_sip(&x->key, number));

	return h ? pool_get(&x->pool, h) : NULL;
}

int extensions_put(struct extensions *x, const struct extension *e)
{
	uint64_t hash = hash_sip(&x->key, bytes_str(e->core.number));
	pool_handle h = extension_find(x, bytes_str(e->core.number), hash);
	struct extension *slot = h ? pool_get(&x->pool, h) : pool_take(&x->pool, &h);
	bool fresh = slot && !slot->core.number[0];
	int err = 0;

	if (!slot)
		return -ENOSPC;
	if (fresh)
		err = table_put(&x->by_number, hash, h);
	if (err) {
		(void)pool_give(&x->pool, h);
	} else {
		*slot = *e;
	}
	return err;
}

bool extensions_delete(struct extensions *x, struct bytes number)
{
	uint64_t hash = hash_sip(&x->key, number);
	pool_handle h = extension_find(x, number, hash);

	if (!h)
		return false;
	(void)table_del(&x->by_number, hash, h);
	OPENSSL_cleanse(pool_get(&x->pool, h), sizeof(struct extension));
	return pool_give(&x->pool, h);
}

uint32_t extensions_count(const struct extensions *x)
{
	return x->pool.in_use;
}

static int by_number(const void *a, const void *b)
{
	const struct extension *const *left = a, *const *right = b;

	return strcmp((*left)->core.number, (*right)->core.number);
}

json_t *extensions_list(const struct extensions *x, struct bytes after, size_t limit,
			const char *realm)
{
	const struct extension **all =
		calloc((size_t)x->pool.in_use + 1, sizeof(struct extension *));
	json_t *list = json_array();
	uint32_t cursor = 0;
	size_t n = 0;
	pool_handle h;
	char from[sizeof(all[0]->core.number)];

	if (!all || !list || bytes_cstr(after, from, sizeof(from))) {
		free(all);
		json_decref(list);
		return NULL;
	}
	while ((all[n] = pool_next(&x->pool, &cursor, &h)))
		n += strcmp(all[n]->core.number, from) > 0;
	qsort(all, n, sizeof(struct extension *), by_number);
	for (size_t i = 0; i < n && i < limit; i++)
		(void)json_array_append_new(list, extension_to_view(all[i], realm));
	free(all);
	return list;
}
