/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/document_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/document/document.h"
#include "app/node/node.h"
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
	const struct shelf *shelf = &n->api.documents->keep.shelf;
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
	struct document_keep *k = &n->api.documents->keep;
	struct snapshot_write *w = snapshot_write_new(n);

	k->write_ns = now_ns + WRITE_NS + (w ? w->n / BYTES_PER_WAIT * NS_PER_S : FILE_RETRY_NS);
	if (w && thread_spawn(&w->thread, "documents", snapshot_write_run, w)) {
		snapshot_write_free(w);
		w = NULL;
	}
	k->writing = w;
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
		LOG_ERROR("node", 0, "the snapshot of the documents cannot be written",
			  LOG_STR("file", w->path), LOG_STR("error", strerror(-w->err)));
	} else {
		k->written = w->changes;
	}
	k->writing = NULL;
	snapshot_write_free(w);
}

void document_file_beat(struct node *n, uint64_t now_ns)
{
	struct document_keep *k = &n->api.documents->keep;

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

static int file_open(struct node *n, struct document_file *f, const char *path, const char **reason)
{
	int err = document_file_load(path, &f->octets, &f->n);

	if (!err)
		err = snapshot_open(&f->snapshot, bytes_mem(f->octets, f->n), reason);
	return err ? err
		   : shelf_take_generations(&n->api.documents->keep.shelf, f->snapshot,
					    &f->documents);
}

int document_file_open(struct node *n, struct document_file *f)
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

void document_file_take(struct node *n, struct document_file *f)
{
	if (shelf_take(&n->api.documents->keep.shelf, &f->snapshot))
		LOG_ERROR("node", 0, "no room for all documents of the snapshot");
}

void document_file_wipe(struct document_file *f)
{
	if (f->octets)
		explicit_bzero(f->octets, f->n);
	free(f->octets);
	*f = (struct document_file){ 0 };
}

void document_file_close(struct node *n)
{
	struct document_keep *k = &n->api.documents->keep;

	snapshot_write_end(n, true);
	if (k->loaded && k->written != k->shelf.changes) {
		snapshot_write_begin(n, 0);
		snapshot_write_end(n, true);
	}
}
