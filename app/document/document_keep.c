/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/document_keep.h"

#include <errno.h>
#include <string.h>

#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/document_file.h"
#include "app/document/document_restore.h"
#include "app/node/node.h"
#include "base/log.h"

enum { SPARE_DOCUMENTS = 4096 }; /* documents beside extensions */
#define LIMIT_NS (300 * NS_PER_S)

static int shelf_renew(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;
	struct shelf gone = { 0 };
	struct hash_key key = { rand_u64_from(&n->rand), rand_u64_from(&n->rand) };
	int err;

	shelf_gone_move(&gone, &k->shelf);
	shelf_close(&k->shelf);
	err = shelf_open(&k->shelf, n->settings.limits.registrations + SPARE_DOCUMENTS, &key);
	shelf_gone_move(&k->shelf, &gone);
	if (err)
		LOG_ERROR("node", 0, "no memory for the documents",
			  LOG_STR("error", strerror(-err)));
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

/* All that the snapshot has, and the one that is always there. Exit status. */
static int tenants_find_all(struct node *n)
{
	struct directory *d = &n->api.documents->directory;
	const struct shelf *shelf = &n->api.documents->keep.shelf;

	if (!directory_tenant_add(d, BYTES_LIT(DIRECTORY_OPERATORS)) ||
	    !directory_tenant_add(d, BYTES_LIT(NODE_TENANT)))
		return NODE_EXIT_FAILED;
	for (uint32_t i = 0; i < shelf->tenant_count; i++) {
		if (!directory_tenant_add(d, bytes_str(shelf->tenants[i].name)))
			return NODE_EXIT_FAILED;
	}
	return NODE_EXIT_OK;
}

/* Which tenants of the snapshot Redis has older. Their number. */
static uint32_t lost_find(struct node *n, const struct document_file *f)
{
	struct directory *d = &n->api.documents->directory;
	uint32_t lost = 0;

	for (uint32_t i = 0; i < d->tenant_count; i++) {
		struct directory_tenant *t = &d->tenants[i];
		uint64_t expected =
			shelf_generation(&n->api.documents->keep.shelf, bytes_str(t->name));

		t->lost = expected > t->seen.all && f->documents;
		if (!t->lost)
			continue;
		lost++;
		LOG_WARN("node", 0, "Redis lacks documents of the snapshot: putting them back",
			 LOG_STR("tenant", t->name), LOG_U64("generation", t->seen.all),
			 LOG_U64("expected", expected));
	}
	return lost;
}

/* What Redis has in this version or a later one counts. */
static int restore_at_start(struct node *n, struct document_file *f)
{
	struct directory *d = &n->api.documents->directory;

	document_file_take(n, f);
	node_wait_begin(n);
	document_restore_begin(n);
	if (!node_await(n, "the documents of the snapshot", LIMIT_NS))
		return NODE_EXIT_FAILED;
	LOG_INFO("node", 0, "documents restored",
		 LOG_U64("restored", n->api.documents->keep.restored));
	for (uint32_t i = 0; i < d->tenant_count; i++)
		d->tenants[i].lost = false;
	return n->redis.wait.result == STORE_OK ? NODE_EXIT_OK : NODE_EXIT_FAILED;
}

/* Redis knows of no change at all. */
static bool is_without_documents(const struct node *n)
{
	const struct directory *d = &n->api.documents->directory;
	uint64_t all = 0;

	for (uint32_t i = 0; i < d->tenant_count; i++)
		all |= d->tenants[i].seen.all;
	return all == 0;
}

/* err: what became of the file. */
static int snapshot_compare(struct node *n, struct document_file *f, int err)
{
	struct document_keep *k = &n->api.documents->keep;
	int status = tenants_find_all(n);

	if (!status)
		status = directory_look_at_start(n, 0);
	if (status)
		return status;
	if (err == -EPROTONOSUPPORT && is_without_documents(n)) {
		LOG_ERROR("node", 0,
			  "Redis has no documents, and their snapshot is of a later program: start "
			  "that one");
		return NODE_EXIT_CONFIG;
	}
	k->broken = err && err != -ENOENT && is_without_documents(n);
	health_set(&n->web.health, HEALTH_DOCUMENTS, k->broken);
	return !err && lost_find(n, f) ? restore_at_start(n, f) : NODE_EXIT_OK;
}

/* Of documents that were deleted, too. */
static int generations_keep(struct node *n)
{
	const struct directory *d = &n->api.documents->directory;
	int err = 0;

	for (uint32_t i = 0; i < d->tenant_count && !err; i++) {
		if (!d->tenants[i].seen.all)
			continue; /* the file of one that has none is of format 1 */
		err = shelf_generation_set(&n->api.documents->keep.shelf,
					   bytes_str(d->tenants[i].name), d->tenants[i].seen.all);
	}
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

int document_keep_open(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;
	struct document_file file = { 0 };
	int err, status = shelf_renew(n);

	if (!status) {
		err = document_file_open(n, &file);
		status = snapshot_compare(n, &file, err);
	}
	document_file_wipe(&file);
	if (!status)
		status = shelf_renew(n); /* what Redis has now is loaded into it */
	if (!status)
		status = directory_look_at_start(n, 0);
	if (!status)
		status = generations_keep(n);
	k->write_ns = 0;
	k->written = UINT64_MAX;
	return status;
}

void document_keep_close(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;

	directory_close(n);
	if (!k->shelf.pool.slots)
		return;
	document_file_close(n);
	shelf_close(&k->shelf);
}

void document_keep_beat(struct node *n, uint64_t now_ns)
{
	document_file_beat(n, now_ns);
	directory_beat(n, now_ns);
}

void document_keep_put(struct node *n, const struct snapshot_document *d)
{
	struct document_keep *k = &n->api.documents->keep;
	int err;

	if (!d->text.n) {
		shelf_delete(&k->shelf, d);
		return;
	}
	err = shelf_put(&k->shelf, d);
	if (err)
		LOG_ERROR("node", 0, "a document has no place in the snapshot",
			  LOG_BYTES("kind", d->kind), LOG_BYTES("name", d->name),
			  LOG_STR("error", strerror(-err)));
	if (k->broken && n->life.phase == NODE_RUNNING) {
		k->broken = false;
		health_set(&n->web.health, HEALTH_DOCUMENTS, false);
	}
}
