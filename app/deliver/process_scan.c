/* SPDX-License-Identifier: Apache-2.0 */
/* What there is, what is new, and what is kept no longer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "base/clock.h"
#include "base/folder.h"
#include "base/log.h"

enum {
	DAY_MS = 1000 * FOLDER_DAY_S,
	SWEEP_SCANS = 30, /* all folders are looked through so much more rarely */
	WALK_SHARE = 20,  /* a walk takes at most this part of the time */
	ROOM_DATES = 64,  /* days that are emptied at once where the disk is full */
};

/* ---- what is new ---- */

static bool scan_is_open(const struct process *p, const struct folder_entry *entry)
{
	return entry->state == FOLDER_JOB ||
	       (entry->state == FOLDER_NEW &&
		(terms_tenant(&p->terms, entry->tenant)->count || process_work_is_open(p, entry) ||
		 process_join_is_open(p, entry)));
}

static bool scan_is_gone(const struct folder_entry *entry)
{
	return entry->gone != FOLDER_HERE && entry->gone != FOLDER_LOST;
}

static bool scan_take(const struct folder_entry *entry, void *arg)
{
	struct process *p = arg;

	if (scan_is_open(p, entry) && folder_path_fits(bytes_str(entry->path)))
		(void)process_queue_put(p, entry->path, 0);
	return true;
}

/* The same of what came since all was counted. */
static bool scan_take_news(const struct folder_entry *entry, void *arg)
{
	struct process *p = arg;

	process_index_saw(p, entry, clock_utc_ms());
	if (!scan_is_gone(entry) && scan_is_open(p, entry) &&
	    folder_path_fits(bytes_str(entry->path)) && process_queue_put(p, entry->path, 0)) {
		p->found.backlog += entry->state == FOLDER_NEW;
		p->found.uncoded += process_work_is_coded(p, entry);
	}
	return true;
}

/* ---- all that there is ---- */

struct sweep {
	struct process *p;
	uint64_t now_ms;
	char tenant[SIDECAR_TENANT_MAX];  /* the one that is looked through */
	uint64_t octets;                  /* of its files */
	uint64_t over;                    /* octets that are to go */
	char oldest[FOLDER_DATE_LEN + 1]; /* of those delivered */
};

static uint64_t sweep_size(const struct process *p, const char *path, uint64_t *changed_ms)
{
	char name[FOLDER_PATH_MAX];
	struct stat st;

	folder_path(name, p->terms.folder, path, "");
	if (stat(name, &st) < 0)
		return 0;
	*changed_ms = (uint64_t)st.st_mtime * 1000;
	return (uint64_t)st.st_size;
}

/* Never before it is delivered; one that goes nowhere has nothing to wait for. */
static bool sweep_may_go(const struct process *p, const struct folder_entry *entry)
{
	return entry->state == FOLDER_DONE ||
	       (entry->state == FOLDER_NEW && !terms_tenant(&p->terms, entry->tenant)->count);
}

static bool sweep_over(const struct folder_entry *entry, void *arg)
{
	struct sweep *s = arg;
	uint64_t changed_ms = 0, octets;

	if (!sweep_may_go(s->p, entry))
		return true;
	octets = sweep_size(s->p, entry->path, &changed_ms);
	process_delete(s->p, entry->path, "the tenant has more than it may keep");
	s->over -= octets < s->over ? octets : s->over;
	return s->over > 0;
}

/* The tenant's files are counted: the oldest ones go. */
static void sweep_tenant_end(struct sweep *s)
{
	uint64_t most = terms_tenant(&s->p->terms, s->tenant)->keep_octets;

	if (!s->tenant[0] || !most || s->octets <= most)
		return;
	s->over = s->octets - most;
	(void)folder_walk(s->p->terms.folder, s->tenant, NULL, sweep_over, s);
}

static bool sweep_is_old(const struct sweep *s, const struct folder_entry *entry)
{
	const struct terms_tenant *tenant = terms_tenant(&s->p->terms, entry->tenant);
	uint32_t days = tenant->keep_days ? tenant->keep_days : s->p->terms.keep_days;
	char date[FOLDER_DATE_LEN + 1];

	if (!days)
		return false;
	folder_day(date, s->now_ms / 1000 - (uint64_t)days * FOLDER_DAY_S);
	return strcmp(entry->date, date) < 0;
}

static void sweep_count(struct sweep *s, const struct folder_entry *entry)
{
	struct process_found *found = &s->p->found;
	uint64_t changed_ms = 0, octets = sweep_size(s->p, entry->path, &changed_ms);

	s->octets += octets;
	found->octets += octets;
	found->files++;
	found->dead += entry->state == FOLDER_DEAD;
	if (!scan_is_open(s->p, entry))
		return;
	found->backlog++;
	if (process_work_is_coded(s->p, entry)) {
		found->uncoded++;
		if (!found->uncoded_oldest_ms || changed_ms < found->uncoded_oldest_ms)
			found->uncoded_oldest_ms = changed_ms;
	}
	if (!found->oldest_ms || changed_ms < found->oldest_ms)
		found->oldest_ms = changed_ms;
}

static bool sweep_entry(const struct folder_entry *entry, void *arg)
{
	struct sweep *s = arg;

	if (!folder_path_fits(bytes_str(entry->path)))
		return true;
	process_index_saw(s->p, entry, s->now_ms);
	if (scan_is_gone(entry))
		return true;
	if (strcmp(s->tenant, entry->tenant) != 0) {
		sweep_tenant_end(s);
		(void)snprintf(s->tenant, sizeof(s->tenant), "%s", entry->tenant);
		s->octets = 0;
	}
	if (sweep_is_old(s, entry)) {
		s->p->lost += entry->state == FOLDER_DEAD || scan_is_open(s->p, entry);
		process_delete(s->p, entry->path, "it is older than its tenant keeps it");
		return true;
	}
	sweep_count(s, entry);
	return scan_take(entry, s->p);
}

/* ---- a full disk ---- */

static bool sweep_has_room(const struct process *p)
{
	struct statvfs fs;

	return !p->terms.free_octets || statvfs(p->terms.folder, &fs) < 0 ||
	       (uint64_t)fs.f_bavail * fs.f_frsize >= p->terms.free_octets;
}

static bool sweep_find_oldest(const struct folder_entry *entry, void *arg)
{
	struct sweep *s = arg;

	if (entry->state == FOLDER_DONE && (!s->oldest[0] || strcmp(entry->date, s->oldest) < 0))
		(void)snprintf(s->oldest, sizeof(s->oldest), "%s", entry->date);
	return true;
}

static bool sweep_oldest(const struct folder_entry *entry, void *arg)
{
	struct sweep *s = arg;

	if (entry->state == FOLDER_DONE && !strcmp(entry->date, s->oldest))
		process_delete(s->p, entry->path, "the disk is full, and it is delivered");
	return !sweep_has_room(s->p);
}

/* Day by day, what is delivered. */
static void sweep_make_room(struct sweep *s)
{
	bool full = !sweep_has_room(s->p);

	for (unsigned i = 0; full && i < ROOM_DATES; i++) {
		s->oldest[0] = '\0';
		(void)folder_walk(s->p->terms.folder, NULL, NULL, sweep_find_oldest, s);
		if (!s->oldest[0])
			break;
		(void)folder_walk(s->p->terms.folder, NULL, s->oldest, sweep_oldest, s);
		full = !sweep_has_room(s->p);
	}
	if (full && !s->p->full)
		LOG_ERROR("recordings", 0,
			  "less than recordings.free_min is left on the disk, and nothing that is "
			  "delivered is left to delete: make room, or see why nothing is delivered",
			  LOG_STR("folder", s->p->terms.folder),
			  LOG_U64("waiting", s->p->found.backlog),
			  LOG_U64("dead", s->p->found.dead));
	s->p->full = full;
}

static void sweep_all(struct process *p, uint64_t now_ms)
{
	struct sweep s = { .p = p, .now_ms = now_ms };

	p->found = (struct process_found){ 0 };
	folder_walk_all(p->terms.folder, NULL, sweep_entry, &s);
	process_index_swept(p);
	sweep_tenant_end(&s);
	sweep_make_room(&s);
}

/* ---- when ---- */

void process_delete(struct process *p, const char *path, const char *why)
{
	struct queue_job *q = queue_find(&p->queue, bytes_str(path));
	char date[FOLDER_PATH_MAX];
	int err;

	if (q && q->busy)
		return; /* the next time */
	err = folder_delete(p->terms.folder, path, process_index_trace(p, FOLDER_DELETED));
	if (err) {
		LOG_ERROR("recordings", 0, "a recording cannot be deleted", LOG_STR("file", path),
			  LOG_STR("error", strerror(-err)));
		return;
	}
	if (q)
		queue_drop(&p->queue, q);
	process_index_changed(p, path);
	p->deleted++;
	(void)snprintf(date, sizeof(date), "%s/%.*s", p->terms.folder,
		       (int)(strrchr(path, '/') - path), path);
	(void)rmdir(date); /* where it was the last one */
	LOG_INFO("recordings", 0, "a recording is deleted", LOG_STR("file", path),
		 LOG_STR("why", why));
}

void process_scan(struct process *p, uint64_t now_ms)
{
	char yesterday[FOLDER_DATE_LEN + 1];
	uint64_t began_ns = clock_now_ns(), took_ms;

	if (now_ms < p->scan_ms && p->scan_ms - now_ms <= DAY_MS)
		return;
	p->folder_error = folder_try(p->terms.folder);
	if (now_ms >= p->sweep_ms || p->sweep_ms - now_ms > DAY_MS) {
		sweep_all(p, now_ms);
		took_ms = (clock_now_ns() - began_ns) / NS_PER_MS;
		p->sweep_ms = now_ms + p->terms.scan_ms * SWEEP_SCANS + took_ms * WALK_SHARE;
	} else {
		folder_day(yesterday, now_ms / 1000 - FOLDER_DAY_S);
		folder_walk_all(p->terms.folder, yesterday, scan_take_news, p);
		took_ms = (clock_now_ns() - began_ns) / NS_PER_MS;
	}
	p->scan_ms = now_ms + p->terms.scan_ms + took_ms * WALK_SHARE;
}
