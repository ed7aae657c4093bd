/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis has of a tenant against what is known: versions first, then the documents that differ. */
#include <stdlib.h>
#include <string.h>

#include "app/document/directory.h"

#include "app/document/document.h"
#include "app/document/document_restore.h"
#include "app/node/node.h"
#include "base/log.h"

enum { SYNC_WINDOW = 64, NAMES_STEP = 256 };

/* A document that differs. */
struct sync_name {
	const struct document_kind *kind;
	char name[SNAPSHOT_NAME_MAX + 1];
};

struct sync_fetch {
	struct directory_sync *sync;
	const struct sync_name *name; /* NULL: it is free */
};

struct directory_sync {
	struct node *node;
	uint32_t tenant; /* in directory.tenants */
	char tenant_name[SNAPSHOT_NAME_MAX + 1];
	uint64_t generation; /* all up to there is in what is read */
	size_t kind;
	uint32_t mark;
	struct sync_name *names;
	size_t count, room, next;
	struct sync_fetch fetches[SYNC_WINDOW];
	uint32_t in_flight, taken;
	bool failed;
};

static struct bytes sync_tenant(const struct directory_sync *s)
{
	return bytes_str(s->tenant_name);
}

static void sync_end(struct directory_sync *s)
{
	struct node *n = s->node;
	uint32_t tenant = s->tenant, taken = s->taken;
	uint64_t generation = s->generation;
	bool ok = !s->failed;

	free(s->names);
	free(s);
	directory_synced(n, tenant, ok, generation, taken);
}

/* ---- the documents that differ ---- */

static void sync_pump(struct directory_sync *s);

static void found_take(struct directory_sync *s, const struct sync_name *name,
		       const struct store_found *found)
{
	struct snapshot_document d = { .tenant = sync_tenant(s),
				       .kind = bytes_str(name->kind->name),
				       .name = bytes_str(name->name),
				       .version = found->version,
				       .text = found->json };
	uint64_t have =
		shelf_version(&s->node->api.documents->keep.shelf, d.tenant, d.kind, d.name);

	if (have > found->generation)
		return; /* the log was faster */
	if (found->there && !found->json.n) {
		LOG_ERROR("documents", 0, "a document is empty or too long",
			  LOG_STR("kind", name->kind->name), LOG_STR("name", name->name));
		return;
	}
	if (found->there ? have == found->version : !have)
		return;
	if (!found->there)
		d.version = found->generation;
	s->taken++;
	if (!document_refuse_gone(s->node, &d))
		(void)document_accept(s->node, &d);
}

static void on_found(const struct store_found *found, void *arg)
{
	struct sync_fetch *fetch = arg;
	struct directory_sync *s = fetch->sync;

	s->in_flight--;
	if (found->result == STORE_OK)
		found_take(s, fetch->name, found);
	else
		s->failed = true;
	fetch->name = NULL;
	sync_pump(s);
}

static struct sync_fetch *fetch_take(struct directory_sync *s)
{
	for (size_t i = 0; i < SYNC_WINDOW; i++) {
		if (!s->fetches[i].name)
			return &s->fetches[i];
	}
	return NULL;
}

static void sync_pump(struct directory_sync *s)
{
	struct sync_fetch *fetch;

	while (!s->failed && s->next < s->count && (fetch = fetch_take(s)) != NULL) {
		fetch->sync = s;
		fetch->name = &s->names[s->next++];
		s->in_flight++;
		store_document_read(s->node->redis.store, sync_tenant(s), fetch->name->kind->name,
				    bytes_str(fetch->name->name), on_found, fetch);
	}
	if (!s->in_flight)
		sync_end(s);
}

/* ---- versions ---- */

/* Operators' kinds, or all others. */
static void kind_skip(struct directory_sync *s)
{
	bool operators = bytes_is(sync_tenant(s), DIRECTORY_OPERATORS);

	while (g_document_kinds[s->kind] && g_document_kinds[s->kind]->of_operators != operators)
		s->kind++;
}

static void versions_ask(struct directory_sync *s);

static void sync_name_add(struct directory_sync *s, struct bytes name)
{
	struct sync_name *all, *one;

	if (s->count == s->room) {
		all = reallocarray(s->names, s->room * 2 + NAMES_STEP, sizeof(*all));
		if (!all) {
			s->failed = true;
			return;
		}
		s->names = all;
		s->room = s->room * 2 + NAMES_STEP;
	}
	one = &s->names[s->count];
	one->kind = g_document_kinds[s->kind];
	if (!bytes_cstr(name, one->name, sizeof(one->name)))
		s->count++; /* else it is longer than any name: no document of ours */
}

static void on_version(struct bytes name, uint64_t version, void *arg)
{
	struct directory_sync *s = arg;
	const struct snapshot_document d = { .tenant = sync_tenant(s),
					     .kind = bytes_str(g_document_kinds[s->kind]->name),
					     .name = name };
	struct shelf *shelf = &s->node->api.documents->keep.shelf;

	shelf_mark(shelf, &d, s->mark);
	if (!version || shelf_version(shelf, d.tenant, d.kind, name) != version)
		sync_name_add(s, name);
}

/* What is known and has no version there. */
static void missing_add(struct directory_sync *s)
{
	const struct shelf *shelf = &s->node->api.documents->keep.shelf;
	struct snapshot_document d;
	uint32_t cursor = 0;

	while (shelf_next_unmarked(shelf, s->mark, &cursor, &d)) {
		if (bytes_eq(d.tenant, sync_tenant(s)) &&
		    bytes_is(d.kind, g_document_kinds[s->kind]->name))
			sync_name_add(s, d.name);
	}
}

static void on_versions(enum store_result result, uint64_t key, uint64_t count, void *arg)
{
	struct directory_sync *s = arg;

	(void)key;
	(void)count;
	if (result == STORE_OK)
		missing_add(s);
	else
		s->failed = true;
	s->kind++;
	kind_skip(s);
	if (!s->failed && g_document_kinds[s->kind])
		versions_ask(s);
	else
		sync_pump(s);
}

static void versions_ask(struct directory_sync *s)
{
	store_document_versions(s->node->redis.store, sync_tenant(s),
				g_document_kinds[s->kind]->name, on_version, on_versions, s);
}

/* ---- the generation before all that ---- */

static void sync_on_look(const struct store_look *look, void *arg)
{
	struct directory_sync *s = arg;

	s->generation = store_look_generation(look, 0);
	s->failed = look->result != STORE_OK ||
		    !bytes_is(look->history, s->node->api.documents->directory.history);
	kind_skip(s);
	if (s->failed)
		sync_end(s);
	else
		versions_ask(s);
}

void directory_sync_begin(struct node *n, uint32_t i)
{
	static uint32_t mark; /* control thread alone */
	struct directory *d = &n->api.documents->directory;
	struct directory_sync *s = calloc(1, sizeof(*s));
	struct bytes tenant;

	if (!s) {
		directory_synced(n, i, false, 0, 0);
		return;
	}
	s->node = n;
	s->tenant = i;
	s->mark = ++mark ? mark : ++mark;
	memcpy(s->tenant_name, d->tenants[i].name, sizeof(s->tenant_name));
	d->sync = s;
	tenant = sync_tenant(s);
	store_documents_look(n->redis.store, &tenant, 1, (struct bytes){ 0 }, sync_on_look, s);
}
