/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main loop of tandem-store: settings from the node, the walk for new files, the sweep that
 * deletes what is past its time, and the figures. Other files named process_* do the work that a
 * walk finds. A recording is deleted only after its delivery, or when its tenant's limits or a full
 * disk demand it, oldest first; walks take at most a twentieth of the time, as calls come first.
 */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum { FIGURES_MS = 1000, WAIT_MS = 1000, COPYING_MS = 10 };

/* Nothing is due for so long. */
static int process_wait_ms(struct process *p, uint64_t now_ms)
{
	uint64_t next_ms = now_ms + WAIT_MS;
	uint32_t held = process_work_kinds(p);

	if (p->configured && p->scan_ms < next_ms)
		next_ms = p->scan_ms;
	if (p->index.copying && next_ms > now_ms + COPYING_MS)
		next_ms = now_ms + COPYING_MS;
	for (uint32_t i = 0; i < p->queue.count; i++) {
		const struct queue_job *q = &p->queue.jobs[i];

		if (!q->busy && !(q->waits & held) && q->next_ms < next_ms)
			next_ms = q->next_ms;
	}
	return next_ms > now_ms ? (int)(next_ms - now_ms) : 1;
}

static void process_wait(struct process *p)
{
	struct curl_waitfd wait[1 + WORK_KINDS + PROCESS_TRANSFERS_MAX + 3 + COPY_TAKERS_MAX +
				PROCESS_FETCHES_MAX] = { { .fd = p->link.fd,
							   .events = CURL_WAIT_POLLIN } };
	unsigned n = 1 + process_copies_wait(p, wait + 1);
	int running;

	for (unsigned i = 0; i < PROCESS_TRANSFERS_MAX; i++) {
		if (p->transfers[i].used && p->transfers[i].child)
			wait[n++] = (struct curl_waitfd){ .fd = p->transfers[i].child_end,
							  .events = CURL_WAIT_POLLIN };
	}
	for (unsigned kind = 0; kind < WORK_KINDS; kind++) {
		if (p->work[kind].child)
			wait[n++] = (struct curl_waitfd){ .fd = p->work[kind].child_end,
							  .events = CURL_WAIT_POLLIN };
	}
	(void)curl_multi_perform(p->multi, &running);
	(void)curl_multi_poll(p->multi, wait, n, process_wait_ms(p, clock_utc_ms()), NULL);
	(void)curl_multi_perform(p->multi, &running);
}

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
		(terms_stores(&p->terms, entry->tenant, entry->boxed) ||
		 process_work_is_open(p, entry) || process_join_is_open(p, entry)));
}

static bool scan_is_gone(const struct folder_entry *entry)
{
	return entry->gone != FOLDER_HERE && entry->gone != FOLDER_LOST;
}

static bool scan_on_entry(const struct folder_entry *entry, void *arg)
{
	struct process *p = arg;

	if (scan_is_open(p, entry) && folder_path_fits(bytes_str(entry->path)))
		(void)process_queue_put(p, entry->path, 0);
	return true;
}

/* The same of what came since all was counted. */
static bool scan_add_new(const struct folder_entry *entry, void *arg)
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

/* ---- all files ---- */

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

/* Never before it is delivered (a tenant without destinations has nothing to wait for), nor a
 * message that voicemail plays from here. */
static bool sweep_may_delete(const struct process *p, const struct folder_entry *entry)
{
	return entry->state == FOLDER_DONE ||
	       (entry->state == FOLDER_NEW && !terms_tenant(&p->terms, entry->tenant)->count);
}

static bool sweep_over(const struct folder_entry *entry, void *arg)
{
	struct sweep *s = arg;
	uint64_t changed_ms = 0, octets;

	if (!sweep_may_delete(s->p, entry))
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
	process_index_daily(s->p, entry, s->now_ms);
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
	return scan_on_entry(entry, s->p);
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

/* What was fetched of it goes with it, and is plain. */
static void process_delete_fetched(const struct process *p, const char *path)
{
	char name[FOLDER_PATH_MAX];

	(void)snprintf(name, sizeof(name), "%s/" COPY_FETCHED "/%.*s", p->terms.folder,
		       (int)aes128gcm_stem(path), path);
	(void)unlink(name);
}

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
	process_delete_fetched(p, path);
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

/* Scans the folders since yesterday; at first and at times all of them, and deletes what is past
 * its time. */
static void process_scan(struct process *p, uint64_t now_ms)
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
		folder_walk_all(p->terms.folder, yesterday, scan_add_new, p);
		took_ms = (clock_now_ns() - began_ns) / NS_PER_MS;
	}
	p->look_ms = now_ms + took_ms * WALK_SHARE;
	p->scan_ms = p->look_ms + p->terms.scan_ms;
}

/* tandem-store:
 * started by the node alone (app/feature/recording/deliver.c), with sockets at descriptors 3 and
 * 4. */

static void process_round(struct process *p)
{
	uint64_t now_ms = clock_utc_ms();

	if (!p->configured)
		return;
	process_collect(p, now_ms);
	process_work_collect(p, now_ms);
	process_scan(p, now_ms);
	process_deliver(p, now_ms);
	process_index_round(p, now_ms);
	process_abort(p, now_ms);
	process_copies_round(p, now_ms);
	if (now_ms >= p->told_ms || p->told_ms - now_ms > FIGURES_MS) {
		process_tell_figures(p);
		p->told_ms = now_ms + FIGURES_MS;
	}
}

static void process_close(struct process *p)
{
	for (unsigned i = 0; i < PROCESS_TRANSFERS_MAX; i++) {
		if (p->transfers[i].used)
			transfer_clear(&p->transfers[i], p->multi);
		free(p->transfers[i].upload);
	}
	process_copies_close(p);
	transfer_clear(&p->abort, p->multi);
	free(p->abort.upload);
	(void)curl_multi_cleanup(p->multi);
	queue_close(&p->queue);
	terms_close(&p->terms);
	child_peer_close(&p->link);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

/* Counts of a destination stay with it when the order changes. */
static void process_sort(struct process *p)
{
	static struct process_destination before[TERMS_DESTINATIONS_MAX];

	memcpy(before, p->of, sizeof(before));
	memset(p->of, 0, sizeof(p->of));
	for (uint32_t i = 0; i < p->terms.destination_count; i++) {
		for (uint32_t k = 0; k < TERMS_DESTINATIONS_MAX; k++) {
			if (!strcmp(before[k].name, p->terms.destinations[i].name))
				p->of[i] = before[k];
		}
		memcpy(p->of[i].name, p->terms.destinations[i].name, sizeof(p->of[i].name));
		p->of[i].rest_ms = 0; /* what was wrong may be right now */
	}
}

static void process_configure(struct process *p, const json_t *settings)
{
	struct terms_copies before = p->terms.copies;
	int err = terms_read(&p->terms, settings);

	if (err) {
		LOG_ERROR("recordings", 0, "settings of the node are not understood",
			  LOG_STR("error", strerror(-err)));
		return;
	}
	log_setup(STDERR_FILENO, (enum log_level)p->terms.log_level,
		  (enum log_format)p->terms.log_format);
	process_sort(p);
	for (uint32_t i = 0; i < p->queue.count; i++) /* the same of its certificates */
		p->queue.jobs[i].failures = 0;
	p->seal_fails = 0;
	p->configured = true;
	p->scan_ms = p->sweep_ms = 0;
	process_copies_reset(p, memcmp(&before, &p->terms.copies, sizeof(before)) != 0);
	explicit_bzero(&before, sizeof(before));
}

static void process_line(const json_t *line, void *arg)
{
	struct process *p = arg;
	const json_t *settings = json_object_get(line, "settings");

	if (settings)
		process_configure(p, settings);
	else if (json_object_get(line, "nodes"))
		process_copies_nodes(p, json_object_get(line, "nodes"));
	else if (json_object_get(line, "said"))
		process_index_on_answer(p, line, clock_utc_ms());
	else if (json_object_get(line, "look"))
		p->scan_ms = p->look_ms < p->scan_ms ? p->look_ms : p->scan_ms;
	else if (json_object_get(line, "redis"))
		process_index_redis(p, line);
	else if (json_object_get(line, "ask"))
		process_on_question(p, line);
}

void process_send_line(struct process *p, json_t *line)
{
	child_peer_send(&p->link, line);
}

static json_t *process_destinations_json(const struct process *p)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < p->terms.destination_count; i++) {
		const struct process_destination *d = &p->of[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "name", d->name, "delivered",
				  (json_int_t)d->delivered, "failed", (json_int_t)d->failed,
				  "octets", (json_int_t)d->octets, "dead", (json_int_t)d->dead,
				  "running", (json_int_t)d->running));
	}
	return list;
}

void process_tell_figures(struct process *p)
{
	uint64_t now_ms = clock_utc_ms(), oldest = p->found.oldest_ms;
	uint64_t uncoded = p->found.uncoded ? p->found.uncoded_oldest_ms : 0;
	bool late = uncoded && uncoded + p->terms.opus_wait_ms / 2 < now_ms;
	json_int_t age = oldest && oldest < now_ms ? (json_int_t)(now_ms - oldest) : 0;

	process_send_line(
		p,
		json_pack("{s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:b, s:I, "
			  "s:I, s:I, s:I, s:b, s:o, s:o, s:I, s:I, s:I}}",
			  "figures", "files", (json_int_t)p->found.files, "octets",
			  (json_int_t)p->found.octets, "backlog", (json_int_t)p->found.backlog,
			  "dead", (json_int_t)p->found.dead, "oldest_ms", age, "deleted",
			  (json_int_t)p->deleted, "lost", (json_int_t)p->lost, "full", (int)p->full,
			  "sealed", (json_int_t)p->sealed, "seal_failures",
			  (json_int_t)p->seal_failures, "seal_fails", p->seal_fails != 0, "uncoded",
			  (json_int_t)p->found.uncoded, "coded", (json_int_t)p->coded,
			  "opus_failures", (json_int_t)p->opus_failures, "opus_skipped",
			  (json_int_t)p->opus_skipped, "opus_late", (int)late, "destinations",
			  process_destinations_json(p), "copies", process_copies_figures(p, now_ms),
			  "uploads_aborted", (json_int_t)p->uploads_aborted, "unlisted",
			  (json_int_t)process_index_open(p), "folder_error",
			  (json_int_t)-p->folder_error));
}

/* Until the node is gone. descriptors: -1, or where it hands over connections (SOCK_SEQPACKET). */
static void process_run(int link, int descriptors)
{
	struct process *p = calloc(1, sizeof(*p));
	int err = p ? queue_open(&p->queue, QUEUE_JOBS_MAX) : -ENOMEM;

	if (!err) {
		p->link.fd = link;
		p->abort.child_end = -1;
		rand_open_system(&p->rand);
		p->multi = curl_multi_init();
		err = p->multi ? process_copies_open(p, descriptors) : -ENOMEM;
	}
	if (err) {
		LOG_ERROR("recordings", 0, "no memory for the process that stores recordings");
		if (p)
			queue_close(&p->queue);
		free(p);
		return;
	}
	while (child_peer_read(&p->link, process_line, p)) {
		process_round(p);
		process_wait(p);
	}
	process_close(p);
}

/* What there is, what is new, and what is kept no longer. */

enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_IDLE = 3 << 13 };

/* Whatever it does, calls come first. */
static void store_stand_back(void)
{
	const struct sched_param none = { 0 };

	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

int main(int argc, char **argv)
{
	int status =
		child_main_start(argc, argv, "tandem-store", NULL,
				 "the node starts it where recordings.store has a destination; it "
				 "takes no arguments");

	if (status >= 0)
		return status;
	store_stand_back();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return 1;
	process_run(CHILD_LINK, child_has_hands() ? CHILD_HANDS : -1);
	curl_global_cleanup();
	return 0;
}
