/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/document_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/node/node.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"

enum {
	WINDOW = 64,
	SPARE = 4096, /* documents beside extensions */
	BYTES_PER_WAIT =
		1 << 24, /* a long file is written less often: a second more for each of these */
};
#define WRITE_NS (1 * NS_PER_S)
#define RETRY_NS (2 * NS_PER_S)
#define LIMIT_NS (300 * NS_PER_S)

/* ---- the file ---- */

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
		       n->settings.node.state_dir);
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
	const struct shelf *shelf = &n->documents.keep.shelf;
	struct snapshot_write *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	snapshot_path(n, w->path);
	w->changes = shelf->changes;
	w->file = shelf_snapshot(shelf, &w->n);
	if (w->file)
		return w;
	snapshot_write_free(w);
	return NULL;
}

static void snapshot_write_begin(struct node *n, uint64_t now_ns)
{
	struct document_keep *k = &n->documents.keep;
	struct snapshot_write *w = snapshot_write_new(n);

	k->write_ns = now_ns + WRITE_NS + (w ? w->n / BYTES_PER_WAIT * NS_PER_S : RETRY_NS);
	if (w && thread_spawn(&w->thread, "documents", snapshot_write_run, w)) {
		snapshot_write_free(w);
		w = NULL;
	}
	k->writing = w;
}

/* wait: for the disk. */
static void snapshot_write_end(struct node *n, bool wait)
{
	struct document_keep *k = &n->documents.keep;
	struct snapshot_write *w = k->writing;

	if (!w || (!wait && !atomic_load_explicit(&w->done, memory_order_acquire)))
		return;
	(void)pthread_join(w->thread, NULL);
	if (w->err) {
		LOG_ERROR("node", 0, "the snapshot of the documents cannot be written",
			  LOG_STR("file", w->path), LOG_STR("error", strerror(-w->err)));
	} else {
		k->written = w->changes;
	}
	k->writing = NULL;
	snapshot_write_free(w);
}

static void snapshot_beat(struct node *n, uint64_t now_ns)
{
	struct document_keep *k = &n->documents.keep;

	snapshot_write_end(n, false);
	if (k->writing || k->written == k->shelf.changes)
		return;
	if (!k->write_ns)
		k->write_ns = now_ns + WRITE_NS; /* more changes may follow */
	if (now_ns < k->write_ns)
		return;
	snapshot_write_begin(n, now_ns);
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

static int snapshot_take(struct shelf *shelf, struct bytes file, const char **reason)
{
	struct snapshot_document d;
	struct snapshot s;
	int err = snapshot_open(&s, file, reason);

	while (!err && snapshot_next(&s, &d)) {
		if (shelf_put(shelf, &d))
			LOG_ERROR("node", 0, "no room for a document of the snapshot",
				  LOG_BYTES("kind", d.kind), LOG_BYTES("name", d.name));
	}
	if (!err && s.generation > shelf->generation)
		shelf->generation = s.generation;
	return err;
}

/* 0; -ENOENT: there is none; -EPROTONOSUPPORT: of a later program; -errno: it cannot be used. */
static int snapshot_read(struct node *n)
{
	char path[SETTINGS_STATE_DIR_MAX + 16];
	const char *reason = "";
	uint8_t *file = NULL;
	size_t size = 0;
	int err;

	snapshot_path(n, path);
	err = document_file_load(path, &file, &size);
	if (err == -ENOENT)
		return err;
	if (!err) {
		err = snapshot_take(&n->documents.keep.shelf, bytes_mem(file, size), &reason);
		explicit_bzero(file, size);
		free(file);
	}
	if (err)
		LOG_ERROR("node", 0, "the snapshot of the documents cannot be read",
			  LOG_STR("file", path), LOG_STR("reason", reason),
			  LOG_STR("error", strerror(-err)));
	return err;
}

/* ---- back into Redis ---- */

static void restore_pump(struct node *n);

static void restore_end(struct node *n)
{
	struct document_keep *k = &n->documents.keep;
	bool ok = !k->failed;

	k->restoring = false;
	if (n->phase == NODE_STARTING) {
		node_wait_end(ok ? STORE_OK : STORE_UNKNOWN, 0, 0, n);
		return;
	}
	k->retry_ns = ok ? UINT64_MAX : clock_now_ns() + RETRY_NS;
	if (!ok)
		return;
	health_set(&n->health, HEALTH_DOCUMENTS, false);
	LOG_WARN("node", 0, "the documents are in Redis again",
		 LOG_U64("documents", shelf_count(&k->shelf)), LOG_U64("restored", k->restored));
}

static void on_restored(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node *n = arg;
	struct document_keep *k = &n->documents.keep;

	(void)key;
	k->in_flight--;
	k->restored += result == STORE_OK && version == 1;
	k->failed |= result != STORE_OK;
	restore_pump(n);
}

static void on_generation_set(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node *n = arg;

	(void)key;
	(void)version;
	n->documents.keep.failed |= result != STORE_OK;
	restore_end(n);
}

static void restore_send(struct node *n, const struct snapshot_document *d)
{
	struct document_keep *k = &n->documents.keep;
	char kind[SNAPSHOT_NAME_MAX + 1];

	if (d->text.n == 0 || bytes_cstr(d->kind, kind, sizeof(kind)) ||
	    document_is_changing(&n->documents, kind, d->name))
		return;
	k->in_flight++;
	store_document_restore(n->store, BYTES_LIT(NODE_TENANT), kind, d->name,
			       k->missing_only ? 0 : d->version, d->text, on_restored, n);
}

/* The generation comes last: whoever dies before that begins anew. */
static void restore_pump(struct node *n)
{
	struct document_keep *k = &n->documents.keep;
	struct snapshot_document d;

	while (!k->failed && k->in_flight < WINDOW && shelf_next(&k->shelf, &k->cursor, &d))
		restore_send(n, &d);
	if (k->in_flight)
		return;
	if (k->failed) {
		restore_end(n);
		return;
	}
	if (!k->shelf.generation)
		k->shelf.generation = 1;
	store_document_restore(n->store, BYTES_LIT(NODE_TENANT), "", (struct bytes){ 0 },
			       k->shelf.generation, (struct bytes){ 0 }, on_generation_set, n);
}

static void restore_begin(struct node *n, bool missing_only)
{
	struct document_keep *k = &n->documents.keep;

	k->restoring = true;
	k->failed = false;
	k->missing_only = missing_only;
	k->cursor = k->in_flight = k->restored = 0;
	k->retry_ns = UINT64_MAX;
	restore_pump(n);
}

/* ---- Redis was emptied under the node ---- */

static void on_generation(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node *n = arg;
	struct document_keep *k = &n->documents.keep;

	(void)key;
	if (n->phase != NODE_RUNNING || k->restoring)
		return;
	if (result != STORE_OK) {
		k->retry_ns = clock_now_ns() + RETRY_NS;
		return;
	}
	k->retry_ns = UINT64_MAX;
	if (version >= k->shelf.generation && (version || !shelf_count(&k->shelf)))
		return;
	LOG_ERROR("node", 0, "Redis has lost documents: putting them back",
		  LOG_U64("documents", shelf_count(&k->shelf)), LOG_U64("generation", version),
		  LOG_U64("expected", k->shelf.generation));
	health_set(&n->health, HEALTH_DOCUMENTS, true);
	restore_begin(n, false);
}

void document_keep_check(struct node *n)
{
	if (n->phase == NODE_RUNNING && !n->documents.keep.restoring)
		store_document_generation(n->store, BYTES_LIT(NODE_TENANT), on_generation, n);
}

void document_keep_beat(struct node *n, uint64_t now_ns)
{
	struct document_keep *k = &n->documents.keep;

	snapshot_beat(n, now_ns);
	if (now_ns < k->retry_ns || k->restoring || !store_is_healthy(n->store))
		return;
	k->retry_ns = UINT64_MAX;
	document_keep_check(n);
}

/* ---- at start ---- */

static int shelf_renew(struct node *n)
{
	struct document_keep *k = &n->documents.keep;
	struct hash_key key = { rand_u64_from(&n->rand), rand_u64_from(&n->rand) };
	int err;

	shelf_close(&k->shelf);
	err = shelf_open(&k->shelf, n->settings.limits.registrations + SPARE, &key);
	if (err)
		LOG_ERROR("node", 0, "no memory for the documents",
			  LOG_STR("error", strerror(-err)));
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

static void on_generation_at_start(enum store_result result, uint64_t key, uint64_t version,
				   void *arg)
{
	struct node *n = arg;

	n->documents.keep.shelf.generation = version;
	node_wait_end(result, key, version, n);
}

static int generation_ask(struct node *n, uint64_t *generation)
{
	node_wait_begin(n);
	store_document_generation(n->store, BYTES_LIT(NODE_TENANT), on_generation_at_start, n);
	if (!node_await(n, "the generation of the documents", LIMIT_NS))
		return NODE_EXIT_FAILED;
	*generation = n->documents.keep.shelf.generation;
	return n->wait.result == STORE_OK ? NODE_EXIT_OK : NODE_EXIT_FAILED;
}

/* What Redis has counts, where it has any. */
static int restore_at_start(struct node *n, uint64_t generation)
{
	struct document_keep *k = &n->documents.keep;

	LOG_WARN("node", 0, "Redis lacks documents of the snapshot: putting them back",
		 LOG_U64("documents", shelf_count(&k->shelf)), LOG_U64("generation", generation),
		 LOG_U64("expected", k->shelf.generation));
	node_wait_begin(n);
	restore_begin(n, true);
	if (!node_await(n, "the documents of the snapshot", LIMIT_NS))
		return NODE_EXIT_FAILED;
	LOG_INFO("node", 0, "documents restored", LOG_U64("restored", k->restored));
	return n->wait.result == STORE_OK ? NODE_EXIT_OK : NODE_EXIT_FAILED;
}

int document_keep_open(struct node *n)
{
	struct document_keep *k = &n->documents.keep;
	uint64_t generation, expected;
	int status, err;

	k->retry_ns = UINT64_MAX;
	status = shelf_renew(n);
	if (status)
		return status;
	status = generation_ask(n, &generation);
	if (status)
		return status;
	err = snapshot_read(n);
	if (err == -EPROTONOSUPPORT && !generation) {
		LOG_ERROR("node", 0,
			  "Redis has no documents, and their snapshot is of a later program: start "
			  "that one");
		return NODE_EXIT_CONFIG;
	}
	k->broken = err && err != -ENOENT && !generation;
	expected = k->shelf.generation;
	if (!err && expected > generation && shelf_count(&k->shelf))
		status = restore_at_start(n, generation);
	if (status)
		return status;
	health_set(&n->health, HEALTH_DOCUMENTS, k->broken);
	status = shelf_renew(n); /* what Redis has now is loaded into it */
	k->shelf.generation = expected > generation ? expected : generation;
	k->write_ns = 0;
	k->written = UINT64_MAX;
	return status;
}

void document_keep_close(struct node *n)
{
	struct document_keep *k = &n->documents.keep;

	if (!k->shelf.pool.slots)
		return;
	snapshot_write_end(n, true);
	if (k->loaded && k->written != k->shelf.changes) {
		snapshot_write_begin(n, 0);
		snapshot_write_end(n, true);
	}
	shelf_close(&k->shelf);
}

/* ---- what Redis has ---- */

void document_keep_put(struct node *n, const char *kind, struct bytes name, uint64_t version,
		       struct bytes json)
{
	struct document_keep *k = &n->documents.keep;
	const struct snapshot_document d = {
		.kind = bytes_str(kind), .name = name, .version = version, .text = json
	};
	int err = shelf_put(&k->shelf, &d);

	if (err)
		LOG_ERROR("node", 0, "a document has no place in the snapshot",
			  LOG_STR("kind", kind), LOG_BYTES("name", name),
			  LOG_STR("error", strerror(-err)));
	if (k->broken && n->phase == NODE_RUNNING) {
		k->broken = false;
		health_set(&n->health, HEALTH_DOCUMENTS, false);
	}
}

void document_keep_delete(struct node *n, const char *kind, struct bytes name, uint64_t version)
{
	shelf_delete(&n->documents.keep.shelf, bytes_str(kind), name, version);
}
