/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct shelf_item {
	char kind[SNAPSHOT_NAME_MAX + 1], name[SNAPSHOT_NAME_MAX + 1];
	uint64_t version;
	struct text text;
};

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
static void item_wipe(struct shelf_item *item)
{
	if (item->text.p)
		explicit_bzero(item->text.p, item->text.n);
	text_clear(&item->text);
}

void shelf_close(struct shelf *s)
{
	uint32_t cursor = 0;
	struct shelf_item *item;
	pool_handle h;

	if (!s->pool.slots)
		return;
	while ((item = pool_next(&s->pool, &cursor, &h)) != NULL)
		item_wipe(item);
	table_close(&s->by_name);
	pool_close(&s->pool);
}

static struct snapshot_document item_document(const struct shelf_item *item)
{
	return (struct snapshot_document){ .kind = bytes_str(item->kind),
					   .name = bytes_str(item->name),
					   .version = item->version,
					   .text = text_bytes(&item->text) };
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

		if (item && bytes_is(name, item->name) && bytes_is(kind, item->kind))
			return h;
	}
	return 0;
}

static struct shelf_item *item_new(struct shelf *s, const struct snapshot_document *d)
{
	pool_handle h;
	struct shelf_item *item = pool_take(&s->pool, &h);

	if (!item)
		return NULL;
	if (bytes_cstr(d->kind, item->kind, sizeof(item->kind)) ||
	    bytes_cstr(d->name, item->name, sizeof(item->name)) ||
	    table_put(&s->by_name, name_hash(s, d->kind, d->name), h)) {
		(void)pool_give(&s->pool, h);
		return NULL;
	}
	return item;
}

static bool document_fits(const struct snapshot_document *d)
{
	return d->kind.n > 0 && d->kind.n <= SNAPSHOT_NAME_MAX && d->name.n > 0 &&
	       d->name.n <= SNAPSHOT_NAME_MAX && d->text.n <= SNAPSHOT_TEXT_MAX;
}

int shelf_put(struct shelf *s, const struct snapshot_document *d)
{
	pool_handle h;
	struct shelf_item *item;
	struct snapshot_document before;
	int err;

	if (!document_fits(d))
		return -EINVAL;
	h = item_find(s, d->kind, d->name);
	item = h ? pool_get(&s->pool, h) : item_new(s, d);
	if (!item)
		return -ENOSPC;
	before = item_document(item);
	s->size -= h ? snapshot_document_size(&before) : 0;
	item_wipe(item);
	item->version = d->version;
	s->changes++;
	if (d->version > s->generation)
		s->generation = d->version;
	err = text_set(&item->text, d->text); /* else empty: nobody restores an empty text */
	before = item_document(item);
	s->size += snapshot_document_size(&before);
	return err;
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
	item_wipe(item);
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
