/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/shelf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One block of memory: there are as many as extensions. */
struct shelf_item {
	uint64_t version;
	struct text all; /* kind, name and text in a row */
	uint8_t kind_n, name_n;
};
static_assert(SNAPSHOT_NAME_MAX <= UINT8_MAX, "lengths of names");

int shelf_open(struct shelf *s, uint32_t capacity, const struct hash_key *key)
{
	int err;

	*s = (struct shelf){ .key = *key };
	err = pool_open(&s->pool, sizeof(struct shelf_item), capacity);
	if (err)
		return err;
	err = table_open(&s->by_name, capacity);
	if (err)
		pool_close(&s->pool);
	return err;
}

/* They may hold hashes of passwords. */
static void shelf_item_wipe(struct shelf_item *item)
{
	if (item->all.p)
		explicit_bzero(item->all.p, item->all.n);
	text_clear(&item->all);
}

void shelf_close(struct shelf *s)
{
	uint32_t cursor = 0;
	struct shelf_item *item;
	pool_handle h;

	if (!s->pool.slots)
		return;
	while ((item = pool_next(&s->pool, &cursor, &h)) != NULL)
		shelf_item_wipe(item);
	table_close(&s->by_name);
	pool_close(&s->pool);
}

static struct snapshot_document item_document(const struct shelf_item *item)
{
	struct bytes all = text_bytes(&item->all);
	size_t names_n = (size_t)item->kind_n + item->name_n;

	return (struct snapshot_document){ .kind = bytes_sub(all, 0, item->kind_n),
					   .name = bytes_sub(all, item->kind_n, item->name_n),
					   .version = item->version,
					   .text = bytes_from(all, names_n) };
}

static bool item_is(const struct shelf_item *item, struct bytes kind, struct bytes name)
{
	const struct snapshot_document d = item_document(item);

	return bytes_eq(name, d.name) && bytes_eq(kind, d.kind);
}

static uint64_t name_hash(const struct shelf *s, struct bytes kind, struct bytes name)
{
	return hash_sip(&s->key, name) ^ hash_sip(&s->key, kind);
}

static pool_handle item_find(const struct shelf *s, struct bytes kind, struct bytes name)
{
	uint64_t hash = name_hash(s, kind, name);
	uint32_t cursor = 0;
	pool_handle h;

	while ((h = table_next(&s->by_name, hash, &cursor))) {
		const struct shelf_item *item = pool_get(&s->pool, h);

		if (item && item_is(item, kind, name))
			return h;
	}
	return 0;
}

static bool document_fits(const struct snapshot_document *d)
{
	return d->kind.n > 0 && d->kind.n <= SNAPSHOT_NAME_MAX && d->name.n > 0 &&
	       d->name.n <= SNAPSHOT_NAME_MAX && d->text.n <= SNAPSHOT_TEXT_MAX;
}

/* 0 or -ENOMEM: it is what it was then. */
static int item_fill(struct shelf_item *item, const struct snapshot_document *d)
{
	size_t n = d->kind.n + d->name.n + d->text.n;
	struct writer w = writer_over(malloc(n), n);

	if (!w.p)
		return -ENOMEM;
	writer_bytes(&w, d->kind);
	writer_bytes(&w, d->name);
	writer_bytes(&w, d->text);
	shelf_item_wipe(item);
	item->all = (struct text){ .p = (char *)w.p, .n = (uint32_t)w.n };
	item->kind_n = (uint8_t)d->kind.n;
	item->name_n = (uint8_t)d->name.n;
	return 0;
}

/* What it says is not true any more. Nobody restores an empty text. */
static void item_empty(struct shelf_item *item)
{
	uint32_t names_n = (uint32_t)item->kind_n + item->name_n;

	explicit_bzero(item->all.p + names_n, item->all.n - names_n);
	item->all.n = names_n;
}

static void shelf_note(struct shelf *s, struct shelf_item *item, uint64_t version)
{
	struct snapshot_document d;

	item->version = version;
	d = item_document(item);
	s->size += snapshot_document_size(&d);
	s->changes++;
	if (version > s->generation)
		s->generation = version;
}

static int shelf_add(struct shelf *s, const struct snapshot_document *d)
{
	pool_handle h;
	struct shelf_item *item = pool_take(&s->pool, &h);
	int err = item ? item_fill(item, d) : -ENOSPC;

	if (!err && table_put(&s->by_name, name_hash(s, d->kind, d->name), h)) {
		shelf_item_wipe(item);
		err = -ENOSPC;
	}
	if (!err)
		shelf_note(s, item, d->version);
	else if (item)
		(void)pool_give(&s->pool, h);
	return err;
}

static int shelf_replace(struct shelf *s, struct shelf_item *item,
			 const struct snapshot_document *d)
{
	struct snapshot_document before = item_document(item);
	int err;

	s->size -= snapshot_document_size(&before);
	err = item_fill(item, d);
	if (err)
		item_empty(item);
	shelf_note(s, item, d->version);
	return err;
}

int shelf_put(struct shelf *s, const struct snapshot_document *d)
{
	pool_handle h;

	if (!document_fits(d))
		return -EINVAL;
	h = item_find(s, d->kind, d->name);
	return h ? shelf_replace(s, pool_get(&s->pool, h), d) : shelf_add(s, d);
}

void shelf_delete(struct shelf *s, struct bytes kind, struct bytes name, uint64_t version)
{
	pool_handle h = item_find(s, kind, name);
	struct shelf_item *item = h ? pool_get(&s->pool, h) : NULL;
	struct snapshot_document d;

	if (version > s->generation)
		s->generation = version;
	if (!item)
		return;
	d = item_document(item);
	s->size -= snapshot_document_size(&d);
	s->changes++;
	shelf_item_wipe(item);
	(void)table_del(&s->by_name, name_hash(s, kind, name), h);
	(void)pool_give(&s->pool, h);
}

bool shelf_next(const struct shelf *s, uint32_t *cursor, struct snapshot_document *out)
{
	pool_handle h;
	const struct shelf_item *item = pool_next(&s->pool, cursor, &h);

	if (item)
		*out = item_document(item);
	return item != NULL;
}

uint32_t shelf_count(const struct shelf *s)
{
	return s->pool.in_use;
}

uint8_t *shelf_snapshot(const struct shelf *s, size_t *n)
{
	size_t size = SNAPSHOT_HEAD + s->size + SNAPSHOT_TAIL;
	uint8_t *file = size <= SNAPSHOT_MAX ? malloc(size) : NULL;
	struct writer w = writer_over(file, file ? size : 0);
	struct snapshot_document d;
	uint32_t cursor = 0;

	if (!file)
		return NULL;
	snapshot_head_write(&w, s->generation, s->pool.in_use, s->size);
	while (shelf_next(s, &cursor, &d))
		snapshot_document_write(&w, &d);
	snapshot_tail_write(&w, writer_done(&w));
	*n = size;
	return file;
}
