/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a copy of all documents on the mirror and on disk, and restores Redis from it. document.c
 * puts each accepted change here. Redis may be emptied or lose its last writes: generations tell
 * which tenants lost documents, and only those are put back, deletions included. A thread writes
 * the file, as a disk may take seconds; counts and places per kind are watched here, too.
 */

#include "app/document/directory.h"
#include "app/document/document.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/document/document.h"
#include "app/document/document_keep.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"

enum {
	BYTES_PER_WAIT =
		1 << 24, /* a long file is written less often: a second more for each of these */
};
#define WRITE_NS      (1 * NS_PER_S)
#define FILE_RETRY_NS (2 * NS_PER_S)

/* A file on its way to disk, which may take seconds: by a thread of its own. */
struct snapshot_write {
	pthread_t thread;
	char path[SETTINGS_STATE_DIR_MAX + 16];
	uint8_t *file;
	size_t n;
	uint64_t changes;
	int err;
	atomic_bool done;
};

static void snapshot_path(const struct node *n, char path[SETTINGS_STATE_DIR_MAX + 16])
{
	(void)snprintf(path, SETTINGS_STATE_DIR_MAX + 16, "%s/documents",
		       n->settings->node.state_dir);
}

static void *snapshot_write_run(void *arg)
{
	struct snapshot_write *w = arg;

	w->err = file_replace(w->path, 0600, bytes_mem(w->file, w->n));
	atomic_store_explicit(&w->done, true,
			      memory_order_release); /* pairs with snapshot_write_end */
	return NULL;
}

static void snapshot_write_free(struct snapshot_write *w)
{
	if (w->file)
		explicit_bzero(w->file, w->n);
	free(w->file);
	free(w);
}

static struct snapshot_write *snapshot_write_new(const struct node *n)
{
	const struct mirror *mirror = &n->api.documents->keep.mirror;
	struct snapshot_write *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	snapshot_path(n, w->path);
	w->changes = mirror->changes;
	w->file = mirror_snapshot(mirror, &w->n);
	if (w->file)
		return w;
	snapshot_write_free(w);
	return NULL;
}

static void snapshot_write_start(struct node *n, uint64_t now_ns)
{
	struct document_keep *k = &n->api.documents->keep;
	struct snapshot_write *w = snapshot_write_new(n);

	k->write_ns = now_ns + WRITE_NS + (w ? w->n / BYTES_PER_WAIT * NS_PER_S : FILE_RETRY_NS);
	if (!w)
		health_set_reason(&n->web->health, HEALTH_STATE_DIR,
				  "no memory for the documents, or they are more than 1 GiB");
	if (w && thread_spawn(&w->thread, "documents", snapshot_write_run, w)) {
		snapshot_write_free(w);
		w = NULL;
	}
	k->writing = w;
}

/* Tried again every second or so, and said once. */
static void snapshot_write_failed(struct node *n, const struct snapshot_write *w)
{
	char text[HEALTH_DETAIL_MAX];

	if (!(health_reasons(&n->web->health, clock_now_ns()) & HEALTH_STATE_DIR))
		LOG_ERROR("node", 0, "the snapshot of the documents cannot be written",
			  LOG_STR("file", w->path), LOG_STR("error", strerror(-w->err)),
			  LOG_STR("next", "look at the disk of node.state_dir: what Redis loses "
					  "now cannot be put back"));
	(void)snprintf(text, sizeof(text), "%s: %s", w->path, strerror(-w->err));
	health_set_reason(&n->web->health, HEALTH_STATE_DIR, text);
}

/* wait: for the disk. */
static void snapshot_write_end(struct node *n, bool wait)
{
	struct document_keep *k = &n->api.documents->keep;
	struct snapshot_write *w = k->writing;

	if (!w || (!wait && !atomic_load_explicit(&w->done, memory_order_acquire)))
		return;
	(void)pthread_join(w->thread, NULL);
	if (w->err) {
		snapshot_write_failed(n, w);
	} else {
		k->written = w->changes;
		health_set_reason(&n->web->health, HEALTH_STATE_DIR, NULL);
	}
	k->writing = NULL;
	snapshot_write_free(w);
}

/* Twice a second. */
static void document_file_beat(struct node *n, uint64_t now_ns)
{
	struct document_keep *k = &n->api.documents->keep;

	snapshot_write_end(n, false);
	if (k->writing || k->written == k->mirror.changes)
		return;
	if (!k->write_ns)
		k->write_ns = now_ns + WRITE_NS; /* more changes may follow */
	if (now_ns < k->write_ns)
		return;
	snapshot_write_start(n, now_ns);
}

/* The whole file, for the caller to free. 0, -ENOENT or -errno. */
static int document_file_load(const char *path, uint8_t **out, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	*out = NULL;
	*n = 0;
	if (fstat(fd, &st) == 0 && st.st_size <= SNAPSHOT_MAX)
		*out = malloc((size_t)st.st_size + 1);
	while (*out && *n < (size_t)st.st_size &&
	       (got = read(fd, *out + *n, (size_t)st.st_size - *n)) > 0)
		*n += (size_t)got;
	(void)close(fd);
	if (*out && got >= 0)
		return 0;
	free(*out);
	return -EIO;
}

static int file_open(struct node *n, struct document_file *f, const char *path, const char **reason)
{
	int err = document_file_load(path, &f->octets, &f->n);

	if (!err)
		err = snapshot_open(&f->snapshot, bytes_mem(f->octets, f->n), reason);
	return err ? err
		   : mirror_take_generations(&n->api.documents->keep.mirror, f->snapshot,
					     &f->documents);
}

/* All that it has onto the mirror. */
static void document_file_wipe(struct document_file *f)
{
	if (f->octets)
		explicit_bzero(f->octets, f->n);
	free(f->octets);
	*f = (struct document_file){ 0 };
}

/* Puts its tenants with their generations into the mirror. 0; -ENOENT: no file; -EPROTONOSUPPORT:
 * of a later program; -errno: unusable. */
static int document_file_open(struct node *n, struct document_file *f)
{
	char path[SETTINGS_STATE_DIR_MAX + 16];
	const char *reason = "";
	int err;

	*f = (struct document_file){ 0 };
	snapshot_path(n, path);
	err = file_open(n, f, path, &reason);
	if (!err || err == -ENOENT)
		return err;
	LOG_ERROR("node", 0, "the snapshot of the documents cannot be read", LOG_STR("file", path),
		  LOG_STR("reason", reason), LOG_STR("error", strerror(-err)));
	document_file_wipe(f);
	return err;
}

/* Writes what is not on disk yet. */
static void document_file_close(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;

	snapshot_write_end(n, true);
	if (k->loaded && k->written != k->mirror.changes) {
		snapshot_write_start(n, 0);
		snapshot_write_end(n, true);
	}
}

enum { RESTORE_WINDOW = 64 };

static void restore_pump(struct node *n);

static void restore_end(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;
	bool ok = !k->failed;

	k->restoring = false;
	if (n->life->phase == NODE_STARTING) {
		node_wait_end(ok ? STORE_OK : STORE_UNKNOWN, 0, 0, n);
		return;
	}
	if (ok) {
		health_set(&n->web->health, HEALTH_DOCUMENTS, false);
		LOG_WARN("documents", 0, "the documents are in Redis again",
			 LOG_U64("documents", mirror_count(&k->mirror)),
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
	store_document_restore(n->redis->store, d, bytes_str(n->api.documents->directory.history),
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
		mirror_gone_version(&n->api.documents->keep.mirror, d->tenant, d->kind, d->name);
	char kind[SNAPSHOT_NAME_MAX + 1];

	if (!d->text.n || gone <= d->version || bytes_cstr(d->kind, kind, sizeof(kind)))
		return false;
	LOG_WARN("documents", 0, "a document was put back that had been deleted: deleting it",
		 LOG_BYTES("tenant", d->tenant), LOG_BYTES("kind", d->kind),
		 LOG_BYTES("name", d->name));
	store_document_restore(
		n->redis->store,
		&(struct store_document){
			.tenant = d->tenant, .kind = kind, .name = d->name, .version = gone },
		bytes_str(n->api.documents->directory.history), NULL, NULL);
	return true;
}

/* It comes last: a crash before it begins the restore anew. */
static void generation_restore(struct node *n, const struct directory_tenant *t)
{
	const struct document_keep *k = &n->api.documents->keep;
	uint64_t generation = mirror_generation(&k->mirror, bytes_str(t->name));

	generation = generation > t->seen.all ? generation : t->seen.all;
	restore_send(n, &(struct store_document){ .tenant = bytes_str(t->name),
						  .kind = "",
						  .version = generation ? generation : 1 });
}

/* Documents, then deletions. One without memory for its text is skipped. */
static bool restore_next(struct document_keep *k, struct snapshot_document *out)
{
	while (mirror_next(&k->mirror, &k->cursor, out)) {
		if (out->text.n)
			return true;
	}
	return mirror_gone_next(&k->mirror, &k->gone_cursor, out);
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

void document_restore_start(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;

	if (n->life->phase != NODE_STARTING)
		health_set(&n->web->health, HEALTH_DOCUMENTS, true);
	k->restoring = true;
	k->failed = false;
	k->cursor = k->gone_cursor = k->in_flight = k->restored = k->generation = 0;
	restore_pump(n);
}

#define LIMIT_NS (300 * NS_PER_S)

/* ---- places ---- */

enum {
	SPARE_DOCUMENTS = 4096, /* that nodes put in the same moment, each the last one */
	UNPLACED_MAX = 4096,    /* that are known by name */
};

static struct {
	metric_id refused, unplaced;
} g_keep_metrics;

void document_keep_setup(void)
{
	g_keep_metrics.refused = metric_register(
		METRIC_COUNTER, "tandem_documents_refused_total", NULL,
		"Documents that were refused: the tenant has as many of the kind as it may have, "
		"or the node has room for no more.");
	g_keep_metrics.unplaced = metric_register(
		METRIC_GAUGE, "tandem_documents_unplaced", NULL,
		"Documents that Redis has and that do not count on this node: it has no place for "
		"them.");
}

void document_keep_refused(void)
{
	metric_add(g_keep_metrics.refused, 1);
}

/* All that may be there has its place, whatever of it is extensions. */
static uint32_t mirror_places(const struct node *n)
{
	uint32_t places = SPARE_DOCUMENTS;

	for (size_t i = 0; g_document_kinds[i]; i++)
		places += document_places(n, g_document_kinds[i]);
	return places;
}

void document_keep_note(struct node *n, const struct snapshot_document *d, int err)
{
	struct document_keep *k = &n->api.documents->keep;
	char key[DOCUMENT_NAMING_MAX];

	document_naming(key, d->tenant, d->kind, d->name);
	if (err != -ENOSPC && err != -ENOMEM) {
		(void)json_object_del(k->unplaced, key);
	} else if (json_object_size(k->unplaced) < UNPLACED_MAX) {
		k->unplaced = k->unplaced ? k->unplaced : json_object();
		(void)json_object_set_new(k->unplaced, key, json_true());
	}
	metric_set(g_keep_metrics.unplaced, json_object_size(k->unplaced));
}

bool document_keep_unplaced(const struct node *n, const char *kind, struct snapshot_document *out)
{
	const struct document_keep *k = &n->api.documents->keep;
	const char *key;
	json_t *value;

	json_object_foreach(k->unplaced, key, value)
	{
		struct bytes rest = bytes_str(key);

		*out = (struct snapshot_document){ 0 };
		if (!bytes_cut(&rest, '/', &out->tenant) || !bytes_cut(&rest, '/', &out->kind) ||
		    !bytes_is(out->kind, kind))
			continue;
		out->name = rest;
		out->version = mirror_version(&k->mirror, out->tenant, out->kind, out->name);
		out->text = mirror_text(&k->mirror, out->tenant, out->kind, out->name);
		if (out->text.n)
			return true;
	}
	return false;
}

static void document_places_look(struct node *n)
{
	const struct document_keep *k = &n->api.documents->keep;
	char text[HEALTH_DETAIL_MAX] = "";
	struct writer w = writer_over(text, sizeof(text) - 1);

	if (json_object_size(k->unplaced))
		writer_fmt(&w, "%zu documents that Redis has do not count here",
			   json_object_size(k->unplaced));
	for (size_t i = 0; g_document_kinds[i]; i++) {
		const struct document_kind *kind = g_document_kinds[i];
		uint32_t places = document_places(n, kind);

		if (mirror_count_of_kind(&k->mirror, bytes_str(kind->name)) >= places)
			writer_fmt(&w, "%sall %" PRIu32 " places for %s are taken", w.n ? "; " : "",
				   places, kind->several);
	}
	health_set_reason(&n->web->health, HEALTH_DOCUMENTS_FULL, text);
}

static int mirror_renew(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;
	struct mirror gone = { 0 };
	struct hash_key key = { rand_u64_from(&n->rand), rand_u64_from(&n->rand) };
	int err;

	mirror_gone_move(&gone, &k->mirror);
	mirror_close(&k->mirror);
	err = mirror_open(&k->mirror, mirror_places(n), &key);
	mirror_gone_move(&k->mirror, &gone);
	if (err)
		LOG_ERROR("node", 0, "no memory for the documents",
			  LOG_STR("error", strerror(-err)));
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

/* All that the snapshot has, and the one that is always there. Exit status. */
static int tenants_find_all(struct node *n)
{
	struct directory *d = &n->api.documents->directory;
	const struct mirror *mirror = &n->api.documents->keep.mirror;

	if (!directory_tenant_add(d, BYTES_LIT(DIRECTORY_OPERATORS)) ||
	    !directory_tenant_add(d, BYTES_LIT(NODE_TENANT)))
		return NODE_EXIT_FAILED;
	for (uint32_t i = 0; i < mirror->tenant_count; i++) {
		if (!directory_tenant_add(d, bytes_str(mirror->tenants[i].name)))
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
			mirror_generation(&n->api.documents->keep.mirror, bytes_str(t->name));

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

	if (mirror_load(&n->api.documents->keep.mirror, &f->snapshot))
		LOG_ERROR("node", 0, "no room for all documents of the snapshot");
	node_wait_start(n);
	document_restore_start(n);
	if (!node_await(n, "the documents of the snapshot", LIMIT_NS))
		return NODE_EXIT_FAILED;
	LOG_INFO("node", 0, "documents restored",
		 LOG_U64("restored", n->api.documents->keep.restored));
	for (uint32_t i = 0; i < d->tenant_count; i++)
		d->tenants[i].lost = false;
	return n->redis->wait.result == STORE_OK ? NODE_EXIT_OK : NODE_EXIT_FAILED;
}

/* Redis has no change at all. */
static bool is_without_documents(const struct node *n)
{
	const struct directory *d = &n->api.documents->directory;
	uint64_t all = 0;

	for (uint32_t i = 0; i < d->tenant_count; i++)
		all |= d->tenants[i].seen.all;
	return all == 0;
}

/* err: the result of reading the file. */
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
	health_set(&n->web->health, HEALTH_DOCUMENTS, k->broken);
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
		err = mirror_generation_set(&n->api.documents->keep.mirror,
					    bytes_str(d->tenants[i].name), d->tenants[i].seen.all);
	}
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

int document_keep_open(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;
	struct document_file file = { 0 };
	int err, status = mirror_renew(n);

	if (!status) {
		err = document_file_open(n, &file);
		status = snapshot_compare(n, &file, err);
	}
	document_file_wipe(&file);
	if (!status)
		status = mirror_renew(n); /* what Redis has now is loaded into it */
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
	if (!k->mirror.pool.slots)
		return;
	document_file_close(n);
	mirror_close(&k->mirror);
	json_decref(k->unplaced);
	k->unplaced = NULL;
	references_close(&n->api.documents->references);
}

void document_keep_beat(struct node *n, uint64_t now_ns)
{
	document_file_beat(n, now_ns);
	document_places_look(n);
	directory_beat(n, now_ns);
}

int document_keep_put(struct node *n, const struct snapshot_document *d)
{
	struct document_keep *k = &n->api.documents->keep;
	int err;

	if (!d->text.n) {
		mirror_delete(&k->mirror, d);
		return 0;
	}
	err = mirror_put(&k->mirror, d);
	if (err)
		LOG_ERROR("node", 0, "a document has no place in the snapshot",
			  LOG_BYTES("kind", d->kind), LOG_BYTES("name", d->name),
			  LOG_STR("error", strerror(-err)));
	if (k->broken && n->life->phase == NODE_RUNNING) {
		k->broken = false;
		health_set(&n->web->health, HEALTH_DOCUMENTS, false);
	}
	return err;
}
