/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's copy of all documents in memory, with versions, and the snapshot file that is made of
 * it. app/document keeps one mirror and restores Redis from it after a loss of data;
 * store/document.c and store/load.c read it. It remembers deletions, so that an old text does not
 * come back. Texts may hold hashes of passwords: they are wiped before their memory is freed.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "cluster/document/mirror.h"

enum {
	SNAPSHOT_FORMAT_AT = 4,
	AT_GENERATION = 8,
	AT_COUNT = 16,
	SNAPSHOT_LENGTH_AT = 20,
	SNAPSHOT_VERSION_SIZE = 8,
	SNAPSHOT_LENGTH_SIZE = 4,
};

static const uint8_t g_snapshot_magic[SNAPSHOT_FORMAT_AT] = { 'T', 'D', 'D', 'S' };

size_t snapshot_document_size(const struct snapshot_document *d, uint16_t format)
{
	size_t tenant = format == SNAPSHOT_OF_ONE ? 0 : 1 + d->tenant.n;

	return tenant + 1 + d->kind.n + 1 + d->name.n + SNAPSHOT_VERSION_SIZE +
	       SNAPSHOT_LENGTH_SIZE + d->text.n;
}

void snapshot_head_write(struct writer *w, const struct snapshot *head, size_t size)
{
	assert(size <= SNAPSHOT_MAX);
	writer_mem(w, g_snapshot_magic, sizeof(g_snapshot_magic));
	writer_be16(w, head->format);
	writer_be16(w, 0);
	writer_be64(w, head->generation);
	writer_be32(w, head->count);
	writer_be32(w, (uint32_t)size);
}

static void snapshot_name_write(struct writer *w, struct bytes name)
{
	assert(name.n > 0 && name.n <= SNAPSHOT_NAME_MAX);
	writer_u8(w, (uint8_t)name.n);
	writer_bytes(w, name);
}

void snapshot_document_write(struct writer *w, const struct snapshot_document *d, uint16_t format)
{
	assert(d->text.n <= SNAPSHOT_TEXT_MAX);
	if (format != SNAPSHOT_OF_ONE)
		snapshot_name_write(w, d->tenant);
	snapshot_name_write(w, d->kind);
	snapshot_name_write(w, d->name);
	writer_be64(w, d->version);
	writer_be32(w, (uint32_t)d->text.n);
	writer_bytes(w, d->text);
}

void snapshot_tail_write(struct writer *w, struct bytes whole)
{
	writer_be32(w, hash_crc32c(0, whole));
}

/* ---- reading ---- */

static bool snapshot_octets_cut(struct bytes *rest, size_t n, struct bytes *out)
{
	if (rest->n < n)
		return false;
	*out = bytes_sub(*rest, 0, n);
	*rest = bytes_from(*rest, n);
	return true;
}

static bool snapshot_name_cut(struct bytes *rest, struct bytes *out)
{
	struct bytes n;

	return snapshot_octets_cut(rest, 1, &n) && n.p[0] > 0 && n.p[0] <= SNAPSHOT_NAME_MAX &&
	       snapshot_octets_cut(rest, n.p[0], out);
}

static bool snapshot_document_cut(struct bytes *rest, uint16_t format,
				  struct snapshot_document *out)
{
	struct bytes version, length;

	out->tenant = BYTES_LIT(SNAPSHOT_TENANT);
	if (format != SNAPSHOT_OF_ONE && !snapshot_name_cut(rest, &out->tenant))
		return false;
	if (!snapshot_name_cut(rest, &out->kind) || !snapshot_name_cut(rest, &out->name) ||
	    !snapshot_octets_cut(rest, SNAPSHOT_VERSION_SIZE, &version) ||
	    !snapshot_octets_cut(rest, SNAPSHOT_LENGTH_SIZE, &length))
		return false;
	out->version = be64_get(version.p);
	return be32_get(length.p) <= SNAPSHOT_TEXT_MAX &&
	       snapshot_octets_cut(rest, be32_get(length.p), &out->text);
}

static uint16_t format_of(struct bytes file)
{
	return (uint16_t)(be32_get(file.p + SNAPSHOT_FORMAT_AT) >> 16);
}

static const char *snapshot_fault_of(struct bytes in)
{
	size_t body = in.n - SNAPSHOT_TAIL;
	uint16_t format = format_of(in);
	struct bytes rest;
	uint32_t left;

	if (in.n < SNAPSHOT_HEAD + SNAPSHOT_TAIL || in.n > SNAPSHOT_MAX)
		return "shorter than its head, or too long";
	if (be32_get(in.p + SNAPSHOT_LENGTH_AT) != body - SNAPSHOT_HEAD)
		return "not as long as it says";
	if (be32_get(in.p + body) != hash_crc32c(0, bytes_sub(in, 0, body)))
		return "its checksum is wrong";
	rest = bytes_sub(in, SNAPSHOT_HEAD, body - SNAPSHOT_HEAD);
	for (left = be32_get(in.p + AT_COUNT); left && rest.n; left--) {
		struct snapshot_document d;

		if (!snapshot_document_cut(&rest, format, &d))
			return "a document in it is damaged";
	}
	return left || rest.n ? "not as many documents as it says" : NULL;
}

int snapshot_open(struct snapshot *out, struct bytes file, const char **reason)
{
	*reason = "does not start as a snapshot";
	if (file.n < SNAPSHOT_HEAD ||
	    memcmp(file.p, g_snapshot_magic, sizeof(g_snapshot_magic)) != 0)
		return -EBADMSG;
	*reason = "written by a later program";
	if (format_of(file) > SNAPSHOT_FORMAT)
		return -EPROTONOSUPPORT;
	*reason = snapshot_fault_of(file);
	if (*reason)
		return -EBADMSG;
	*out = (struct snapshot){
		.format = format_of(file),
		.generation = be64_get(file.p + AT_GENERATION),
		.count = be32_get(file.p + AT_COUNT),
		.rest = bytes_sub(file, SNAPSHOT_HEAD, be32_get(file.p + SNAPSHOT_LENGTH_AT)),
	};
	return 0;
}

bool snapshot_next(struct snapshot *s, struct snapshot_document *out)
{
	return s->rest.n > 0 && snapshot_document_cut(&s->rest, s->format, out);
}

static void seen_join(struct seen *s)
{
	if (s->to > s->all && s->from <= s->all + 1)
		s->all = s->to;
}

/* What came while it was read counts, too. */
void seen_start(struct seen *s, uint64_t generation)
{
	s->all = generation;
	seen_join(s);
}

enum seen_is seen_add(struct seen *s, uint64_t version)
{
	if (version <= s->all)
		return SEEN_OLD;
	if (s->to && version == s->to + 1) {
		s->to = version;
	} else if (version < s->from || version > s->to) {
		s->from = s->to = version;
	}
	seen_join(s);
	return version <= s->all ? SEEN_NEXT : SEEN_GAP;
}

bool seen_lacks(const struct seen *s)
{
	return s->to > s->all;
}

/* One block of memory: there are as many as extensions. */
struct mirror_item {
	uint64_t version;
	struct text all; /* tenant, kind, name and text in a row */
	uint32_t mark;
	uint8_t tenant_n, kind_n, name_n;
};
static_assert(SNAPSHOT_NAME_MAX <= UINT8_MAX, "lengths of names");

int mirror_open(struct mirror *s, uint32_t capacity, const struct hash_key *key)
{
	int err;

	*s = (struct mirror){ .key = *key };
	err = pool_open(&s->pool, sizeof(struct mirror_item), capacity);
	if (err)
		return err;
	err = table_open(&s->by_name, capacity);
	if (err)
		pool_close(&s->pool);
	return err;
}

/* They may hold hashes of passwords. */
static void mirror_item_wipe(struct mirror_item *item)
{
	if (item->all.p)
		explicit_bzero(item->all.p, item->all.n);
	text_clear(&item->all);
}

void mirror_close(struct mirror *s)
{
	uint32_t cursor = 0;
	struct mirror_item *item;
	pool_handle h;

	if (!s->pool.slots)
		return;
	while ((item = pool_next(&s->pool, &cursor, &h)) != NULL)
		mirror_item_wipe(item);
	if (s->gone)
		mirror_close(s->gone);
	free(s->gone);
	s->gone = NULL;
	table_close(&s->by_name);
	pool_close(&s->pool);
	free(s->tenants);
	s->tenants = NULL;
	s->tenant_count = 0;
}

static struct snapshot_document item_document(const struct mirror_item *item)
{
	struct bytes rest = text_bytes(&item->all);
	struct snapshot_document d = { .version = item->version };

	d.tenant = bytes_sub(rest, 0, item->tenant_n);
	rest = bytes_from(rest, item->tenant_n);
	d.kind = bytes_sub(rest, 0, item->kind_n);
	rest = bytes_from(rest, item->kind_n);
	d.name = bytes_sub(rest, 0, item->name_n);
	d.text = bytes_from(rest, item->name_n);
	return d;
}

static bool is_of_names(const struct snapshot_document *a, const struct snapshot_document *b)
{
	return bytes_eq(a->name, b->name) && bytes_eq(a->kind, b->kind) &&
	       bytes_eq(a->tenant, b->tenant);
}

static uint64_t name_hash(const struct mirror *s, const struct snapshot_document *d)
{
	return hash_sip(&s->key, d->name) ^ 3 * hash_sip(&s->key, d->kind) ^
	       5 * hash_sip(&s->key, d->tenant);
}

static pool_handle item_find(const struct mirror *s, const struct snapshot_document *d)
{
	uint64_t hash = name_hash(s, d);
	uint32_t cursor = 0;
	pool_handle h;

	while ((h = table_next(&s->by_name, hash, &cursor))) {
		const struct mirror_item *item = pool_get(&s->pool, h);
		struct snapshot_document found;

		if (!item)
			continue;
		found = item_document(item);
		if (is_of_names(&found, d))
			return h;
	}
	return 0;
}

/* ---- generations ---- */

static struct mirror_tenant *tenant_find(const struct mirror *s, struct bytes name)
{
	for (uint32_t i = 0; i < s->tenant_count; i++) {
		if (bytes_is(name, s->tenants[i].name))
			return &s->tenants[i];
	}
	return NULL;
}

static struct mirror_tenant *tenant_add(struct mirror *s, struct bytes name)
{
	struct mirror_tenant *t, *all;

	all = reallocarray(s->tenants, s->tenant_count + 1, sizeof(*all));
	if (!all)
		return NULL;
	s->tenants = all;
	t = &all[s->tenant_count];
	*t = (struct mirror_tenant){ 0 };
	if (bytes_cstr(name, t->name, sizeof(t->name)))
		return NULL;
	s->tenant_count++;
	return t;
}

uint64_t mirror_generation(const struct mirror *s, struct bytes tenant)
{
	const struct mirror_tenant *t = tenant_find(s, tenant);

	return t ? t->generation : 0;
}

static struct mirror_tenant *mirror_tenant_ensure(struct mirror *s, struct bytes name)
{
	struct mirror_tenant *t = tenant_find(s, name);

	return t ? t : tenant_add(s, name);
}

static void generation_raise(struct mirror_tenant *t, uint64_t generation)
{
	if (generation > t->generation)
		t->generation = generation;
}

int mirror_generation_set(struct mirror *s, struct bytes tenant, uint64_t generation)
{
	struct mirror_tenant *t = mirror_tenant_ensure(s, tenant);

	if (!t)
		return -ENOMEM;
	s->changes += generation > t->generation;
	generation_raise(t, generation);
	return 0;
}

/* ---- how many there are ---- */

/* MIRROR_KINDS_MAX: it is not counted. */
static uint32_t kind_find(const struct mirror *s, struct bytes kind)
{
	for (uint32_t i = 0; i < s->kind_count; i++) {
		if (bytes_is(kind, s->kinds[i]))
			return i;
	}
	return MIRROR_KINDS_MAX;
}

/* A later program may have kinds of its own: what finds no place is not counted. */
static uint32_t mirror_kind_ensure(struct mirror *s, struct bytes kind)
{
	uint32_t i = kind_find(s, kind);

	if (i < MIRROR_KINDS_MAX || s->kind_count == MIRROR_KINDS_MAX ||
	    bytes_cstr(kind, s->kinds[s->kind_count], sizeof(s->kinds[0])))
		return i;
	return s->kind_count++;
}

static void count_add(struct mirror *s, struct mirror_tenant *t, struct bytes kind)
{
	uint32_t i = mirror_kind_ensure(s, kind);

	if (i == MIRROR_KINDS_MAX)
		return;
	t->count[i]++;
	s->counts[i]++;
}

static void count_sub(struct mirror *s, const struct snapshot_document *d)
{
	struct mirror_tenant *t = tenant_find(s, d->tenant);
	uint32_t i = kind_find(s, d->kind);

	if (!t || i == MIRROR_KINDS_MAX || !t->count[i])
		return;
	t->count[i]--;
	s->counts[i]--;
}

uint32_t mirror_count_of(const struct mirror *s, struct bytes tenant, struct bytes kind)
{
	const struct mirror_tenant *t = tenant_find(s, tenant);
	uint32_t i = kind_find(s, kind);

	return t && i < MIRROR_KINDS_MAX ? t->count[i] : 0;
}

uint32_t mirror_count_of_kind(const struct mirror *s, struct bytes kind)
{
	uint32_t i = kind_find(s, kind);

	return i < MIRROR_KINDS_MAX ? s->counts[i] : 0;
}

/* ---- documents ---- */

static bool document_fits(const struct snapshot_document *d)
{
	return d->tenant.n > 0 && d->tenant.n <= SNAPSHOT_NAME_MAX && d->kind.n > 0 &&
	       d->kind.n <= SNAPSHOT_NAME_MAX && d->name.n > 0 && d->name.n <= SNAPSHOT_NAME_MAX &&
	       d->text.n <= SNAPSHOT_TEXT_MAX;
}

/* 0 or -ENOMEM: it is what it was then. */
static int item_fill(struct mirror_item *item, const struct snapshot_document *d)
{
	size_t n = d->tenant.n + d->kind.n + d->name.n + d->text.n;
	struct writer w = writer_over(malloc(n), n);

	if (!w.p)
		return -ENOMEM;
	writer_bytes(&w, d->tenant);
	writer_bytes(&w, d->kind);
	writer_bytes(&w, d->name);
	writer_bytes(&w, d->text);
	mirror_item_wipe(item);
	item->all = (struct text){ .p = (char *)w.p, .n = (uint32_t)w.n };
	item->tenant_n = (uint8_t)d->tenant.n;
	item->kind_n = (uint8_t)d->kind.n;
	item->name_n = (uint8_t)d->name.n;
	return 0;
}

/* What it says is not true any more. Nobody restores an empty text. */
static void item_empty(struct mirror_item *item)
{
	uint32_t names_n = (uint32_t)item->tenant_n + item->kind_n + item->name_n;

	explicit_bzero(item->all.p + names_n, item->all.n - names_n);
	item->all.n = names_n;
}

static int mirror_add(struct mirror *s, const struct snapshot_document *d)
{
	pool_handle h;
	struct mirror_item *item = pool_alloc(&s->pool, &h);
	int err = item ? item_fill(item, d) : -ENOSPC;

	if (!err && table_put(&s->by_name, name_hash(s, d), h)) {
		mirror_item_wipe(item);
		err = -ENOSPC;
	}
	if (!err)
		item->version = d->version;
	else if (item)
		(void)pool_free(&s->pool, h);
	return err;
}

static int mirror_replace(struct mirror_item *item, const struct snapshot_document *d)
{
	int err = item_fill(item, d);

	if (err)
		item_empty(item);
	item->version = d->version;
	return err;
}

static void item_drop(struct mirror *s, const struct snapshot_document *d)
{
	pool_handle h = item_find(s, d);

	if (!h)
		return;
	s->changes++;
	count_sub(s, d);
	(void)table_del(&s->by_name, name_hash(s, d), h);
	mirror_item_wipe(pool_get(&s->pool, h));
	(void)pool_free(&s->pool, h);
}

/* ---- deletions ---- */

static struct mirror *gone_open(struct mirror *s)
{
	struct mirror *gone = s->gone ? s->gone : calloc(1, sizeof(*gone));

	if (gone && !s->gone && mirror_open(gone, MIRROR_GONE_MAX, &s->key)) {
		free(gone);
		gone = NULL;
	}
	s->gone = gone;
	return gone;
}

/* The one that was noted first. */
static void gone_forget_oldest(struct mirror *gone)
{
	struct mirror_item *item, *oldest = NULL;
	struct snapshot_document d;
	uint32_t cursor = 0;
	pool_handle h;

	while ((item = pool_next(&gone->pool, &cursor, &h)) != NULL) {
		if (!oldest || (int32_t)(item->mark - oldest->mark) < 0)
			oldest = item;
	}
	if (!oldest)
		return;
	d = item_document(oldest);
	item_drop(gone, &d);
}

/* What finds no memory is forgotten: it may come back, as it did before. */
static void gone_note(struct mirror *s, const struct snapshot_document *d)
{
	const struct snapshot_document name = {
		.tenant = d->tenant, .kind = d->kind, .name = d->name, .version = d->version
	};
	struct mirror *gone = d->version ? gone_open(s) : NULL;
	uint64_t known = gone ? mirror_version(gone, d->tenant, d->kind, d->name) : 0;

	if (!gone || known >= d->version)
		return;
	if (!known && mirror_count(gone) == MIRROR_GONE_MAX)
		gone_forget_oldest(gone);
	if (mirror_put(gone, &name))
		return;
	mirror_mark(gone, &name, ++s->gone_order);
	s->changes++;
}

static void gone_end(struct mirror *s, const struct snapshot_document *d)
{
	if (s->gone)
		item_drop(s->gone, d);
}

uint64_t mirror_gone_version(const struct mirror *s, struct bytes tenant, struct bytes kind,
			     struct bytes name)
{
	return s->gone ? mirror_version(s->gone, tenant, kind, name) : 0;
}

bool mirror_gone_next(const struct mirror *s, uint32_t *cursor, struct snapshot_document *out)
{
	return s->gone && mirror_next(s->gone, cursor, out);
}

/* ---- putting ---- */

int mirror_put(struct mirror *s, const struct snapshot_document *d)
{
	struct mirror_tenant *t = document_fits(d) ? mirror_tenant_ensure(s, d->tenant) : NULL;
	pool_handle h = t ? item_find(s, d) : 0;
	int err;

	if (!t)
		return document_fits(d) ? -ENOMEM : -EINVAL;
	err = h ? mirror_replace(pool_get(&s->pool, h), d) : mirror_add(s, d);
	if (!h && !err)
		count_add(s, t, d->kind);
	if (h || !err) {
		generation_raise(t, d->version);
		gone_end(s, d);
		s->changes++;
	}
	return err;
}

void mirror_delete(struct mirror *s, const struct snapshot_document *d)
{
	struct mirror_tenant *t = tenant_find(s, d->tenant);

	if (t)
		generation_raise(t, d->version);
	item_drop(s, d);
	gone_note(s, d);
}

static const struct mirror_item *item_of(const struct mirror *s, struct bytes tenant,
					 struct bytes kind, struct bytes name)
{
	const struct snapshot_document d = { .tenant = tenant, .kind = kind, .name = name };
	pool_handle h = item_find(s, &d);

	return h ? pool_get(&s->pool, h) : NULL;
}

uint64_t mirror_version(const struct mirror *s, struct bytes tenant, struct bytes kind,
			struct bytes name)
{
	const struct mirror_item *item = item_of(s, tenant, kind, name);

	return item ? item->version : 0;
}

struct bytes mirror_text(const struct mirror *s, struct bytes tenant, struct bytes kind,
			 struct bytes name)
{
	const struct mirror_item *item = item_of(s, tenant, kind, name);

	return item ? item_document(item).text : (struct bytes){ 0 };
}

bool mirror_next(const struct mirror *s, uint32_t *cursor, struct snapshot_document *out)
{
	pool_handle h;
	const struct mirror_item *item = pool_next(&s->pool, cursor, &h);

	if (item)
		*out = item_document(item);
	return item != NULL;
}

void mirror_mark(struct mirror *s, const struct snapshot_document *d, uint32_t mark)
{
	pool_handle h = item_find(s, d);

	if (h)
		((struct mirror_item *)pool_get(&s->pool, h))->mark = mark;
}

bool mirror_next_unmarked(const struct mirror *s, uint32_t mark, uint32_t *cursor,
			  struct snapshot_document *out)
{
	const struct mirror_item *item;
	pool_handle h;

	do {
		item = pool_next(&s->pool, cursor, &h);
	} while (item && item->mark == mark);
	if (item)
		*out = item_document(item);
	return item != NULL;
}

void mirror_gone_move(struct mirror *to, struct mirror *from)
{
	assert(!to->gone);
	to->gone = from->gone;
	to->gone_order = from->gone_order;
	from->gone = NULL;
}

uint32_t mirror_count(const struct mirror *s)
{
	return s->pool.in_use;
}

/* ---- the snapshot ---- */

static bool is_of_one(const struct mirror *s)
{
	return s->tenant_count == 0 ||
	       (s->tenant_count == 1 && !strcmp(s->tenants[0].name, SNAPSHOT_TENANT));
}

static struct snapshot_document tenant_document(const struct mirror_tenant *t)
{
	return (struct snapshot_document){ .tenant = bytes_str(t->name),
					   .kind = BYTES_LIT(SNAPSHOT_GENERATION),
					   .name = bytes_str(t->name),
					   .version = t->generation };
}

/* Where a walk of all that is written has come to. */
struct written {
	uint32_t tenant, document, gone;
};

static bool written_next(const struct mirror *s, uint16_t format, struct written *at,
			 struct snapshot_document *out)
{
	if (format == SNAPSHOT_OF_ONE || at->tenant == s->tenant_count)
		return mirror_next(s, &at->document, out) || mirror_gone_next(s, &at->gone, out);
	*out = tenant_document(&s->tenants[at->tenant++]);
	return true;
}

static struct snapshot head_of(const struct mirror *s, size_t *size)
{
	struct snapshot head = { .format = is_of_one(s) ? SNAPSHOT_OF_ONE : SNAPSHOT_FORMAT };
	struct snapshot_document d;
	struct written at = { 0 };

	if (head.format == SNAPSHOT_OF_ONE)
		head.generation = mirror_generation(s, BYTES_LIT(SNAPSHOT_TENANT));
	*size = 0;
	while (written_next(s, head.format, &at, &d)) {
		head.count++;
		*size += snapshot_document_size(&d, head.format);
	}
	return head;
}

uint8_t *mirror_snapshot(const struct mirror *s, size_t *n)
{
	size_t size;
	struct snapshot head = head_of(s, &size);
	size_t whole = SNAPSHOT_HEAD + size + SNAPSHOT_TAIL;
	uint8_t *file = whole <= SNAPSHOT_MAX ? malloc(whole) : NULL;
	struct writer w = writer_over(file, file ? whole : 0);
	struct snapshot_document d;
	struct written at = { 0 };

	if (!file)
		return NULL;
	snapshot_head_write(&w, &head, size);
	while (written_next(s, head.format, &at, &d))
		snapshot_document_write(&w, &d, head.format);
	snapshot_tail_write(&w, writer_done(&w));
	*n = whole;
	return file;
}

/* Without a text: a deletion. */
static int mirror_apply(struct mirror *s, const struct snapshot_document *d)
{
	if (bytes_is(d->kind, SNAPSHOT_GENERATION))
		return mirror_generation_set(s, d->tenant, d->version);
	if (d->text.n)
		return mirror_put(s, d);
	gone_note(s, d);
	return mirror_generation_set(s, d->tenant, d->version);
}

/* Documents of one tenant mostly lie in a row. */
int mirror_take_generations(struct mirror *s, struct snapshot from, uint32_t *documents)
{
	struct mirror_tenant *t = NULL;
	struct snapshot_document d;
	int err = 0;

	*documents = 0;
	if (from.format == SNAPSHOT_OF_ONE)
		err = mirror_generation_set(s, BYTES_LIT(SNAPSHOT_TENANT), from.generation);
	while (!err && snapshot_next(&from, &d)) {
		*documents += !bytes_is(d.kind, SNAPSHOT_GENERATION);
		if (!d.text.n && !bytes_is(d.kind, SNAPSHOT_GENERATION))
			gone_note(s, &d);
		if (!t || !bytes_is(d.tenant, t->name))
			t = mirror_tenant_ensure(s, d.tenant);
		if (t)
			generation_raise(t, d.version);
		else
			err = -ENOMEM;
	}
	return err;
}

int mirror_load(struct mirror *s, struct snapshot *from)
{
	struct snapshot_document d;
	int err = 0, first = 0;

	if (from->format == SNAPSHOT_OF_ONE)
		first = mirror_generation_set(s, BYTES_LIT(SNAPSHOT_TENANT), from->generation);
	while (snapshot_next(from, &d)) {
		err = mirror_apply(s, &d);
		first = first ? first : err;
	}
	return first;
}
