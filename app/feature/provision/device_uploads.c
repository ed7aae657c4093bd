/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes what the phone of a deleted device has uploaded to this node; each node does so. A thread
 * of its own deletes the files, so no disk delays a call. It looks once more a minute later: an
 * upload that was let in before may end after the first look.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/feature/provision/device.h"
#include "app/node/node.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#define UPLOADS_AGAIN_NS (60 * NS_PER_S)

struct upload_folder {
	struct upload_folder *next;
	uint64_t due_ns;
	uint16_t tenant;
	char mac[PHONE_MAC_LEN + 1];
	char path[DEVICE_FOLDER_MAX];
};

static struct {
	struct upload_folder *waiting;
	struct upload_folder *under_way; /* the thread's, until it is done */
	pthread_t thread;
	bool runs;
	atomic_bool done;
} g_uploads;

static const char *const g_upload_names[] = { "-boot.log", "-app.log",   "-phone.cfg",
					      "-web.cfg",  "-calls.xml", "-directory.xml",
					      NULL };

static bool uploads_path(const struct node *n, uint16_t tenant, const char *mac,
			 char out[DEVICE_FOLDER_MAX])
{
	return snprintf(out, DEVICE_FOLDER_MAX, "%s/phones/%s/%s", n->settings->node.state_dir,
			tenants_name(n->common.tenants, tenant), mac) < DEVICE_FOLDER_MAX;
}

const char *device_upload_name(uint32_t index)
{
	return index < COUNT_OF(g_upload_names) ? g_upload_names[index] : NULL;
}

bool device_upload_path(const struct node *n, const struct device_entry *d, struct bytes name,
			char *out, size_t size)
{
	char folder[DEVICE_FOLDER_MAX];

	for (size_t i = 0; g_upload_names[i]; i++) {
		if (bytes_is(bytes_from(name, PHONE_MAC_LEN), g_upload_names[i]))
			return uploads_path(n, d->tenant, d->mac, folder) &&
			       (size_t)snprintf(out, size, "%s/%s%s", folder, d->mac,
						g_upload_names[i]) < size;
	}
	return false;
}

static void folder_wait(const struct node *n, const struct device_entry *d, uint64_t due_ns)
{
	struct upload_folder *f = calloc(1, sizeof(*f));

	if (!f || !uploads_path(n, d->tenant, d->mac, f->path)) {
		LOG_ERROR("provision", 0, "uploads of a deleted device are left",
			  LOG_STR("mac", d->mac));
		free(f);
		return;
	}
	f->tenant = d->tenant;
	memcpy(f->mac, d->mac, sizeof(f->mac));
	f->due_ns = due_ns;
	f->next = g_uploads.waiting;
	g_uploads.waiting = f;
}

void device_uploads_delete(const struct node *n, const struct device_entry *d)
{
	uint64_t now_ns = clock_now_ns();

	folder_wait(n, d, now_ns);
	folder_wait(n, d, now_ns + UPLOADS_AGAIN_NS);
}

/* Deletes files by the names that uploads may have, also unfinished ones, and no others. */
static void folder_delete(const struct upload_folder *f)
{
	char path[DEVICE_FOLDER_MAX + 48], *end;

	for (size_t i = 0; g_upload_names[i]; i++) {
		for (int unfinished = 0; unfinished < 2; unfinished++) {
			(void)snprintf(path, sizeof(path), "%s/%s%s%s", f->path, f->mac,
				       g_upload_names[i], unfinished ? ".new" : "");
			(void)unlink(path);
		}
	}
	(void)rmdir(f->path);
	(void)snprintf(path, sizeof(path), "%s", f->path);
	end = strrchr(path, '/');
	*end = '\0';
	(void)rmdir(path); /* of the tenant, if it was the last one */
}

static void *uploads_run(void *arg)
{
	for (const struct upload_folder *f = arg; f; f = f->next)
		folder_delete(f);
	/* The release pairs with the acquire in uploads_end: its join returns soon. */
	atomic_store_explicit(&g_uploads.done, true, memory_order_release);
	return NULL;
}

static void folders_free(struct upload_folder *f)
{
	while (f) {
		struct upload_folder *next = f->next;

		free(f);
		f = next;
	}
}

/* Returns false while the thread is still under way. */
static bool uploads_end(bool wait)
{
	if (!g_uploads.runs)
		return true;
	if (!wait && !atomic_load_explicit(&g_uploads.done, memory_order_acquire))
		return false;
	(void)pthread_join(g_uploads.thread, NULL);
	folders_free(g_uploads.under_way);
	g_uploads.under_way = NULL;
	g_uploads.runs = false;
	return true;
}

/* Takes the folders that are due, without those of a device that was put again meanwhile. */
static struct upload_folder *folders_due(uint64_t now_ns)
{
	struct upload_folder **at = &g_uploads.waiting, *due = NULL;

	while (*at) {
		struct upload_folder *f = *at;

		if (f->due_ns > now_ns) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		if (device_of(f->tenant, bytes_str(f->mac))) {
			free(f);
			continue;
		}
		f->next = due;
		due = f;
	}
	return due;
}

/* No thread can be started now: a minute later the same folders are due. */
static void folders_later(uint64_t now_ns)
{
	struct upload_folder **end = &g_uploads.under_way;
	uint64_t count = 0;

	for (; *end; end = &(*end)->next, count++)
		(*end)->due_ns = now_ns + UPLOADS_AGAIN_NS;
	*end = g_uploads.waiting;
	g_uploads.waiting = g_uploads.under_way;
	g_uploads.under_way = NULL;
	LOG_WARN("provision", 0, "uploads of deleted devices stay for a minute more: no thread",
		 LOG_U64("folders", count));
}

void device_uploads_beat(uint64_t now_ns)
{
	if (!g_uploads.waiting && !g_uploads.runs)
		return;
	if (!uploads_end(false))
		return;
	g_uploads.under_way = folders_due(now_ns);
	atomic_store_explicit(&g_uploads.done, false, memory_order_relaxed);
	g_uploads.runs = g_uploads.under_way && !thread_spawn(&g_uploads.thread, "uploads",
							      uploads_run, g_uploads.under_way);
	if (!g_uploads.runs && g_uploads.under_way)
		folders_later(now_ns);
}

void device_uploads_close(void)
{
	(void)uploads_end(true);
	folders_free(g_uploads.waiting);
	g_uploads.waiting = NULL;
}
