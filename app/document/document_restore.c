/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/document_restore.h"

#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "base/log.h"

enum { RESTORE_WINDOW = 64 };

static void restore_pump(struct node *n);

static void restore_end(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;
	bool ok = !k->failed;

	k->restoring = false;
	if (n->life.phase == NODE_STARTING) {
		node_wait_end(ok ? STORE_OK : STORE_UNKNOWN, 0, 0, n);
		return;
	}
	if (ok) {
		health_set(&n->web.health, HEALTH_DOCUMENTS, false);
		LOG_WARN("documents", 0, "the documents are in Redis again",
			 LOG_U64("documents", shelf_count(&k->shelf)),
			 LOG_U64("restored", k->restored));
	}
	directory_restored(n, ok);
}

static void on_restored(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node *n = arg;
	struct document_keep *k = &n->api.documents->keep;

	(void)key;
	k->in_flight--;
	k->restored += result == STORE_OK && version == 1;
	k->failed |= result != STORE_OK;
	restore_pump(n);
}

static void restore_send(struct node *n, const struct store_document *d)
{
	n->api.documents->keep.in_flight++;
	store_document_restore(n->redis.store, d, bytes_str(n->api.documents->directory.history),
			       on_restored, n);
}

static void document_restore(struct node *n, const struct snapshot_document *d)
{
	const struct directory_tenant *t =
		directory_tenant(&n->api.documents->directory, d->tenant);
	char kind[SNAPSHOT_NAME_MAX + 1];

	if (!t || !t->lost || bytes_cstr(d->kind, kind, sizeof(kind)))
		return;
	restore_send(n, &(struct store_document){ .tenant = d->tenant,
						  .kind = kind,
						  .name = d->name,
						  .version = d->version,
						  .json = d->text });
}

bool document_refuse_gone(struct node *n, const struct snapshot_document *d)
{
	uint64_t gone =
		shelf_gone_version(&n->api.documents->keep.shelf, d->tenant, d->kind, d->name);
	char kind[SNAPSHOT_NAME_MAX + 1];

	if (!d->text.n || gone <= d->version || bytes_cstr(d->kind, kind, sizeof(kind)))
		return false;
	LOG_WARN("documents", 0, "a document was put back that had been deleted: deleting it",
		 LOG_BYTES("tenant", d->tenant), LOG_BYTES("kind", d->kind),
		 LOG_BYTES("name", d->name));
	store_document_restore(
		n->redis.store,
		&(struct store_document){
			.tenant = d->tenant, .kind = kind, .name = d->name, .version = gone },
		bytes_str(n->api.documents->directory.history), NULL, NULL);
	return true;
}

/* It comes last: whoever dies before that begins anew. */
static void generation_restore(struct node *n, const struct directory_tenant *t)
{
	const struct document_keep *k = &n->api.documents->keep;
	uint64_t generation = shelf_generation(&k->shelf, bytes_str(t->name));

	generation = generation > t->seen.all ? generation : t->seen.all;
	restore_send(n, &(struct store_document){ .tenant = bytes_str(t->name),
						  .kind = "",
						  .version = generation ? generation : 1 });
}

/* Documents, then deletions. One whose text found no memory is neither. */
static bool restore_next(struct document_keep *k, struct snapshot_document *out)
{
	while (shelf_next(&k->shelf, &k->cursor, out)) {
		if (out->text.n)
			return true;
	}
	return shelf_gone_next(&k->shelf, &k->gone_cursor, out);
}

static void restore_pump(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;
	const struct directory *d = &n->api.documents->directory;
	struct snapshot_document document;

	while (!k->failed && k->in_flight < RESTORE_WINDOW && restore_next(k, &document))
		document_restore(n, &document);
	if (k->in_flight)
		return;
	while (!k->failed && k->generation < d->tenant_count) {
		const struct directory_tenant *t = &d->tenants[k->generation++];

		if (t->lost) {
			generation_restore(n, t);
			return;
		}
	}
	restore_end(n);
}

void document_restore_begin(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;

	if (n->life.phase != NODE_STARTING)
		health_set(&n->web.health, HEALTH_DOCUMENTS, true);
	k->restoring = true;
	k->failed = false;
	k->cursor = k->gone_cursor = k->in_flight = k->restored = k->generation = 0;
	restore_pump(n);
}
