/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder's thread and its interface: orders and packets in by rings, recordings driven in
 * rounds of 20 ms, results out. app/node/node_record.c calls it from the control thread. A second
 * thread at the start gives files of killed processes their sidecars. Nothing here can block a
 * call: rings and memory are bounded, and a disk that hangs is reported by recorder_trouble.
 */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/record/record_facts.h"
#include "app/record/recorder.h"
#include "app/record/recording.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/ring.h"
#include "base/thread.h"
#include "media/tap.h"

enum {
	RECORDER_ORDERS = 16384,
	RECORDER_RESULTS = 4096,
	RECORDER_SLOTS = 4096, /* of the table: a power of two */
};

enum recorder_order_kind {
	ORDER_START,
	ORDER_PAUSE,
	ORDER_RESUME,
	ORDER_NOTE,
	ORDER_END,
	ORDER_FORGET,
};

struct recorder_order {
	enum recorder_order_kind kind;
	uint64_t at_ns;
	struct record_terms terms; /* but for ORDER_START only call and number */
	bool last;
	char *facts; /* malloc'ed; the thread frees it */
	size_t facts_n;
};

/* A recording, and its remaining work. */
struct recorder_item {
	struct recording recording; /* first */
	bool ends;                  /* asked for; packets under way are awaited for a moment */
	bool ended;                 /* the disk finishes it */
	bool last, interrupted;
	uint64_t end_ns;
	char *facts;
	size_t facts_n;
};

struct recorder {
	struct recorder_settings settings;
	struct ring orders; /* of struct recorder_order; control produces */
	struct ring told;   /* of struct recorder_results; the thread produces */
	_Atomic bool stopping;
	pthread_t thread, finder; /* finder: finishes abandoned files */
	bool started, finding;
	/* the thread's */
	struct disk disk;
	struct recording *slots[RECORDER_SLOTS];
	uint32_t count;
	uint64_t now_ns;
	_Atomic int trouble; /* -errno of the disk, logged; 0: none. Control reads it */
	bool stuck;          /* the disk never completes something: its memory stays */
	uint64_t written;    /* as the metric has it */
};

/* At the start: looks for recordings that an earlier process left (record_facts.h). */

enum { NAME_OLD_S = 24 * 3600 };

static void left_look(const struct recorder *r, const char *folder, const char *name,
		      const char *tenant)
{
	struct record_terms terms = { 0 };
	uint64_t octets = 0;
	int err = left_file(folder, name, tenant, &terms, &octets);

	(void)r;
	if (!err)
		LOG_INFO("record", terms.call, "a recording was left behind: finished",
			 LOG_STR("file", name), LOG_U64("octets", octets));
	else if (err != -EBUSY && err != -EINVAL)
		LOG_WARN("record", terms.call,
			 "a recording was left behind, and cannot be finished",
			 LOG_STR("file", name), LOG_STR("error", strerror(-err)),
			 LOG_STR("next", "make room and look at the permissions; the next start "
					 "tries again"));
}

typedef void left_fn(const struct recorder *r, const char *folder, const char *name,
		     const char *parent);

static void left_each(const struct recorder *r, const char *folder, const char *parent, left_fn *fn)
{
	DIR *dir = opendir(folder);
	const struct dirent *e;

	while (dir && !atomic_load(&r->stopping) && (e = readdir(dir))) {
		if (e->d_name[0] != '.')
			fn(r, folder, e->d_name, parent);
	}
	if (dir)
		(void)closedir(dir);
}

static void left_day(const struct recorder *r, const char *folder, const char *name,
		     const char *tenant)
{
	char path[DISK_PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
		left_each(r, path, tenant, left_look);
}

static void left_tenant(const struct recorder *r, const char *folder, const char *name,
			const char *parent)
{
	char path[DISK_PATH_MAX];

	(void)parent;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
		left_each(r, path, name, left_day);
}

/* Of a conference that this node does not have any more: it died, or continues elsewhere. */
static void name_look(const struct recorder *r, const char *folder, const char *name,
		      const char *tenant)
{
	char path[DISK_PATH_MAX];
	struct stat st;

	(void)r;
	(void)tenant;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
	    !lstat(path, &st) && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_mtim.tv_sec + NAME_OLD_S < clock_utc_ms() / 1000)
		(void)unlink(path);
}

static void names_tenant(const struct recorder *r, const char *folder, const char *name,
			 const char *parent)
{
	char path[DISK_PATH_MAX];

	(void)parent;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
		left_each(r, path, name, name_look);
}

static void names_look(const struct recorder *r)
{
	char path[DISK_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/" RECORD_NAMES, r->settings.folder);
	left_each(r, path, "", names_tenant);
}

/* Gives files of earlier processes their sidecars. */
static void *recorder_left(void *arg)
{
	const struct recorder *r = arg;

	names_look(r);
	left_each(r, r->settings.folder, "", left_tenant);
	return NULL;
}

/* The thread: orders, packets, files, in rounds of 20 ms while anything is recorded. */

enum {
	ROUND_MS = 20,
	AWAITS_MS = 40, /* after its end, for packets that are still in a ring */
	STOP_S = 5,     /* limit for the disk when the process ends */
	STANDS_MS = 1000,
	TAPS_PER_ROUND = 65536,
	SEGMENTS_MAX = 1000, /* names that are tried */
};

static struct {
	metric_id running, ended, failed, octets, unwritten_ms, lost, wait_ms, memory;
} g_recorder_metrics;

static void recorder_thread_setup(void)
{
	g_recorder_metrics.running =
		metric_register(METRIC_GAUGE, "tandem_recordings", NULL,
				"Recordings with files that are not finished.");
	g_recorder_metrics.ended =
		metric_register(METRIC_COUNTER, "tandem_recordings_ended_total", NULL,
				"Recordings with file and sidecar on the disk.");
	g_recorder_metrics.failed =
		metric_register(METRIC_COUNTER, "tandem_recordings_failed_total", NULL,
				"Recordings without a file, or without an end of it.");
	g_recorder_metrics.octets =
		metric_register(METRIC_COUNTER, "tandem_recording_written_bytes_total", NULL,
				"Octets written into recordings.");
	g_recorder_metrics.unwritten_ms = metric_register_per(
		METRIC_COUNTER, "tandem_recording_unwritten_seconds_total", NULL,
		"Time missing in recordings: the disk was too slow or full.", 1000);
	g_recorder_metrics.lost =
		metric_register(METRIC_COUNTER, "tandem_recording_lost_packets_total", NULL,
				"Packets missing in recordings for lack of room.");
	g_recorder_metrics.wait_ms =
		metric_register_per(METRIC_GAUGE, "tandem_recording_disk_wait_seconds", NULL,
				    "How long the disk has not answered by now.", 1000);
	g_recorder_metrics.memory =
		metric_register(METRIC_GAUGE, "tandem_recording_waiting_bytes", NULL,
				"Memory of octets that wait for the disk.");
}

/* ---- the table ---- */

static struct recording **recorder_slot(struct recorder *r, uint64_t call, uint8_t number)
{
	uint64_t h = (call ^ (uint64_t)number << 56) * UINT64_C(0x9e3779b97f4a7c15);

	return &r->slots[h >> 52 & (RECORDER_SLOTS - 1)];
}

/* One that ends is not found any more. */
static struct recorder_item *recorder_item_find(struct recorder *r, uint64_t call, uint8_t number,
						bool ending)
{
	struct recording *c = *recorder_slot(r, call, number);

	for (; c; c = c->next) {
		struct recorder_item *item = (struct recorder_item *)c;

		if (c->terms.call == call && c->terms.number == number && (ending || !item->ends))
			return item;
	}
	return NULL;
}

static struct recorder_results recorder_told_of(enum recorder_event event,
						const struct record_terms *t, int err)
{
	struct recorder_results told = { .event = event,
					 .call = t->call,
					 .number = t->number,
					 .segment = t->segment,
					 .message = t->message,
					 .error = err };

	return told;
}

static void recorder_tell_failed(struct recorder *r, const struct record_terms *t, int err)
{
	struct recorder_results told = recorder_told_of(RECORDER_FAILED, t, err);

	metric_add(g_recorder_metrics.failed, 1);
	LOG_WARN("record", t->call, "a recording failed", LOG_U64("number", t->number),
		 LOG_STR("error", strerror(-err)),
		 LOG_STR("next", err == -EMFILE
					 ? "raise recordings.most"
					 : "look at recordings.folder: room and permissions"));
	(void)ring_push(&r->told, &told);
}

/* ---- orders ---- */

/* A tenant's name may have characters that a folder's cannot. */
static void path_make(const struct recorder *r, const struct record_terms *t,
		      char out[DISK_PATH_MAX])
{
	char file[RECORD_FILE_MAX], day[WAV_TIME_LEN + 1], tenant[RECORD_TENANT_MAX];
	size_t n = strnlen(t->tenant, sizeof(tenant) - 1);

	memcpy(tenant, t->tenant, n);
	tenant[n] = '\0';
	for (size_t i = 0; i < n; i++) {
		bool first = i == 0 && tenant[i] == '.';

		if (first ||
		    !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    tenant[i]))
			tenant[i] = '_';
	}
	record_file_name(file, t);
	wav_time_put(day, t->day_utc_ms ? t->day_utc_ms : t->begun_utc_ms);
	if (t->name)
		(void)snprintf(out, DISK_PATH_MAX, "%s/" RECORD_NAMES "/%s/%s", r->settings.folder,
			       n ? tenant : "default", file);
	else
		(void)snprintf(out, DISK_PATH_MAX, "%s/%s/%.10s/%s", r->settings.folder,
			       n ? tenant : "default", day, file);
}

/* All its segments, in order. */
static void order_forget(const struct recorder *r, struct record_terms *t)
{
	char path[DISK_PATH_MAX], sidecar[DISK_PATH_MAX + 8];

	for (t->segment = 1; t->segment < SEGMENTS_MAX; t->segment++) {
		path_make(r, t, path);
		(void)snprintf(sidecar, sizeof(sidecar), "%s.json", path);
		(void)unlink(sidecar);
		if (unlink(path))
			return;
	}
}

static void order_start(struct recorder *r, struct recorder_order *o)
{
	struct recording **slot = recorder_slot(r, o->terms.call, o->terms.number);
	struct recorder_item *item;
	char path[DISK_PATH_MAX];
	int err = -EALREADY;

	if (recorder_item_find(r, o->terms.call, o->terms.number, false)) {
		recorder_tell_failed(r, &o->terms, err);
		return;
	}
	item = r->count < r->settings.recordings_max ? calloc(1, sizeof(*item)) : NULL;
	if (!item) {
		recorder_tell_failed(r, &o->terms, -EMFILE);
		return;
	}
	path_make(r, &o->terms, path);
	err = recording_open(&item->recording, &r->disk, &o->terms, path, o->at_ns);
	if (err) {
		recording_close(&item->recording);
		free(item);
		recorder_tell_failed(r, &o->terms, err);
		return;
	}
	if (o->facts)
		disk_file_early(&item->recording.file, o->facts, o->facts_n + 1);
	o->facts = NULL;
	item->recording.next = *slot;
	*slot = &item->recording;
	r->count++;
}

static void recorder_order_note(struct recorder_item *item, struct recorder_order *o)
{
	if (item && o->facts) {
		disk_file_early(&item->recording.file, o->facts, o->facts_n + 1);
		o->facts = NULL;
	}
}

static void order_end(struct recorder *r, struct recorder_order *o)
{
	struct recorder_item *item = recorder_item_find(r, o->terms.call, o->terms.number, false);

	if (!item) {
		free(o->facts);
		return;
	}
	item->ends = true;
	item->last = o->last;
	item->end_ns = o->at_ns;
	item->facts = o->facts;
	item->facts_n = o->facts_n;
}

static void recorder_on_order(struct recorder *r, struct recorder_order *o)
{
	struct recorder_item *item = recorder_item_find(r, o->terms.call, o->terms.number, false);

	switch (o->kind) {
	case ORDER_START:
		order_start(r, o);
		free(o->facts);
		break;
	case ORDER_PAUSE:
		if (item)
			recording_pause(&item->recording, o->at_ns);
		break;
	case ORDER_RESUME:
		if (item)
			recording_resume(&item->recording, o->at_ns);
		break;
	case ORDER_NOTE:
		recorder_order_note(item, o);
		free(o->facts);
		break;
	case ORDER_END:
		order_end(r, o);
		break;
	case ORDER_FORGET:
		order_forget(r, &o->terms);
		break;
	}
}

/* ---- packets ---- */

/* Belongs to the segment of its time: a new one may begin before the old one is finished. */
static void on_tapped(const struct tap_packet *p, void *arg)
{
	struct recorder *r = arg;
	struct recording *c = *recorder_slot(r, p->call, p->number);

	if (p->lost)
		metric_add(g_recorder_metrics.lost, p->lost);
	for (; c; c = c->next) {
		struct recorder_item *item = (struct recorder_item *)c;

		if (c->terms.call == p->call && c->terms.number == p->number && !item->ended &&
		    p->time_ns >= c->begun_ns && (!item->ends || p->time_ns < item->end_ns)) {
			recording_on_packet(c, &r->disk, p);
			return;
		}
	}
}

/* ---- files ---- */

static bool item_notify(struct recorder *r, struct recorder_item *item)
{
	struct recording *c = &item->recording;
	bool well = c->file.error == 0;
	struct recorder_results told =
		recorder_told_of(well ? RECORDER_ENDED : RECORDER_FAILED, &c->terms, c->file.error);

	told.duration_ms = recording_ms(c, item->end_ns);
	told.octets = c->file.octets;
	memcpy(told.file, c->file_name, sizeof(told.file));
	return ring_push(&r->told, &told);
}

static void item_count(const struct recorder_item *item)
{
	const struct recording *c = &item->recording;

	metric_add(c->file.error ? g_recorder_metrics.failed : g_recorder_metrics.ended, 1);
	metric_add(g_recorder_metrics.unwritten_ms, c->unwritten_ms);
	metric_add(g_recorder_metrics.lost, c->unwritten_packets);
	if (c->file.error)
		LOG_WARN("record", c->terms.call, "a recording cannot be finished",
			 LOG_STR("file", c->file_name), LOG_STR("error", strerror(-c->file.error)),
			 LOG_STR("next",
				 "make room in recordings.folder: the next start finishes it"));
	else if (c->unwritten_ms || c->unwritten_packets)
		LOG_WARN("record", c->terms.call,
			 "a recording has gaps: the disk was too slow or full",
			 LOG_STR("file", c->file_name), LOG_U64("missing_ms", c->unwritten_ms),
			 LOG_U64("missing_packets", c->unwritten_packets),
			 LOG_STR("next",
				 "a faster disk, more room, or more recordings.memory_mib"));
}

/* If the segment's file exists, as after a start that was never saved, it is the next one. */
static void item_rename(struct recorder *r, struct recorder_item *item)
{
	struct recording *c = &item->recording;
	char path[DISK_PATH_MAX];

	if (c->terms.segment >= SEGMENTS_MAX)
		return;
	c->terms.segment++;
	record_file_name(c->file_name, &c->terms);
	path_make(r, &c->terms, path);
	disk_file_name(&c->file, path);
}

static void item_begun(struct recorder *r, struct recorder_item *item)
{
	struct recorder_results told = recorder_told_of(RECORDER_BEGUN, &item->recording.terms, 0);

	if (item->recording.told || !item->recording.file.made)
		return;
	memcpy(told.file, item->recording.file_name, sizeof(told.file));
	item->recording.told = ring_push(&r->told, &told);
}

/* Lost if the ring is full: it is repeated. */
static void message_notify(struct recorder *r, struct recording *c)
{
	struct recorder_results told = recorder_told_of(RECORDER_GROWN, &c->terms, 0);

	if (recording_has_grown(c, r->now_ns, &told.duration_ms))
		(void)ring_push(&r->told, &told);
	told.event = RECORDER_QUIET;
	if (recording_falls_quiet(c, r->now_ns) && !ring_push(&r->told, &told))
		c->message.was_quiet = false;
}

static void item_finish(struct recorder *r, struct recorder_item *item)
{
	struct bytes early = disk_file_facts(&item->recording.file); /* with a line's end */
	struct bytes facts = item->facts ? bytes_mem(item->facts, item->facts_n)
					 : bytes_sub(early, 0, early.n - (early.n > 0));

	recording_end(&item->recording, &r->disk, item->end_ns, item->last, item->interrupted,
		      facts);
	item->ended = true;
	free(item->facts);
	item->facts = NULL;
}

/* True: it is done. */
static bool item_step(struct recorder *r, struct recorder_item *item)
{
	struct recording *c = &item->recording;

	if (c->file.taken)
		item_rename(r, item);
	item_begun(r, item);
	if (c->file.state == DISK_DONE) {
		c->failed = c->file.error != 0;
		if (!item_notify(r, item))
			return false;
		item_count(item);
		return true;
	}
	if (item->ends && !item->ended && r->now_ns >= item->end_ns + AWAITS_MS * NS_PER_MS)
		item_finish(r, item);
	else if (!item->ended)
		recording_flush(c, &r->disk, r->now_ns);
	if (c->terms.message && !item->ends)
		message_notify(r, c);
	return false;
}

static void items_step(struct recorder *r)
{
	for (uint32_t i = 0; i < RECORDER_SLOTS; i++) {
		struct recording **at = &r->slots[i];

		while (*at) {
			struct recorder_item *item = (struct recorder_item *)*at;

			if (!item_step(r, item)) {
				at = &item->recording.next;
				continue;
			}
			*at = item->recording.next;
			recording_close(&item->recording);
			free(item->facts);
			free(item);
			r->count--;
		}
	}
}

/* ---- rounds ---- */

static void disk_watch(struct recorder *r)
{
	const struct disk_counts *k = &r->disk.counts;
	uint64_t wait_ms = k->longest_ns / NS_PER_MS;
	int trouble = k->error ? k->error : wait_ms >= STANDS_MS ? -ETIMEDOUT : 0;

	metric_set(g_recorder_metrics.running, r->count);
	metric_set(g_recorder_metrics.wait_ms, wait_ms);
	metric_set(g_recorder_metrics.memory, (uint64_t)k->chunks * DISK_CHUNK);
	metric_add(g_recorder_metrics.octets, k->written - r->written);
	r->written = k->written;
	if (trouble == atomic_load_explicit(&r->trouble, memory_order_relaxed))
		return;
	/* relaxed: it stands alone */
	atomic_store_explicit(&r->trouble, trouble, memory_order_relaxed);
	if (trouble)
		LOG_WARN("record", 0, "the disk takes no recordings",
			 LOG_STR("error", k->error ? strerror(-k->error) : "it does not answer"),
			 LOG_STR("folder", r->settings.folder),
			 LOG_STR("next",
				 "calls go on, and recordings wait in memory while there is room: "
				 "make room on that disk, or the folder writable for the node"));
	else
		LOG_INFO("record", 0, "the disk takes recordings again");
}

static void recorder_round(struct recorder *r)
{
	struct recorder_order o;

	while (ring_pop(&r->orders, &o, 1) == 1)
		recorder_on_order(r, &o);
	(void)r->settings.read(r->settings.source, TAPS_PER_ROUND, on_tapped, r);
	r->now_ns = clock_now_ns();
	items_step(r);
	disk_poll(&r->disk, r->now_ns);
	disk_watch(r);
}

static void recorder_wait(struct recorder *r, bool idle)
{
	struct pollfd p = { .fd = r->orders.wake_fd, .events = POLLIN };

	if (!idle) {
		/* orders wait for the next round: it is soon */
		(void)poll(NULL, 0, ROUND_MS);
		return;
	}
	if (ring_sleep(&r->orders) && !atomic_load(&r->stopping))
		(void)poll(&p, 1, -1);
	ring_awake(&r->orders);
}

static void items_interrupt(struct recorder *r)
{
	for (uint32_t i = 0; i < RECORDER_SLOTS; i++) {
		for (struct recording *c = r->slots[i]; c; c = c->next) {
			struct recorder_item *item = (struct recorder_item *)c;

			if (item->ends)
				continue;
			item->ends = item->interrupted = true;
			item->end_ns = r->now_ns;
		}
	}
}

static void *recorder_thread(void *arg)
{
	struct recorder *r = arg;
	uint64_t until_ns;

	while (!atomic_load(&r->stopping)) {
		recorder_round(r);
		recorder_wait(r, r->count == 0);
	}
	recorder_round(r);
	items_interrupt(r);
	until_ns = clock_now_ns() + STOP_S * NS_PER_S;
	while (r->count && clock_now_ns() < until_ns) {
		recorder_round(r);
		recorder_wait(r, false);
	}
	if (r->count) {
		r->stuck = true;
		LOG_WARN("record", 0, "recordings are left unfinished: the disk does not answer",
			 LOG_U64("recordings", r->count),
			 LOG_STR("next", "the next start finishes them"));
	}
	metric_set(g_recorder_metrics.running, 0);
	return NULL;
}

void recorder_setup(void)
{
	recorder_thread_setup();
}

/* With those above it. 0 or -errno. */
static int recorder_folder_make(const char *path)
{
	char part[RECORD_FOLDER_MAX];
	size_t n = strnlen(path, sizeof(part) - 1);

	memcpy(part, path, n);
	part[n] = '\0';
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0700) && errno != EEXIST)
			return -errno;
		part[i] = i < n ? '/' : '\0';
	}
	return 0;
}

int recorder_open(struct recorder **out, const struct recorder_settings *settings)
{
	struct recorder *r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
	int err;

	if (!r)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	r->settings = *settings;
	r->disk.plain = true;
	r->orders.wake_fd = r->told.wake_fd = -1;
	err = recorder_folder_make(settings->folder);
	if (!err)
		err = ring_open(&r->orders, sizeof(struct recorder_order), RECORDER_ORDERS);
	if (!err)
		err = ring_open(&r->told, sizeof(struct recorder_results), RECORDER_RESULTS);
	if (!err)
		err = disk_open(&r->disk, settings->memory_mib);
	if (!err)
		err = thread_spawn(&r->thread, "recorder", recorder_thread, r);
	if (err) {
		recorder_close(r);
		return err;
	}
	r->started = true;
	r->finding = thread_spawn(&r->finder, "recordings-left", recorder_left, r) == 0;
	(void)ring_sleep(&r->told);
	*out = r;
	return 0;
}

/* Memory that the disk may still read stays: the process ends soon. */
void recorder_close(struct recorder *r)
{
	struct recorder_order o;
	uint64_t one = 1;

	if (!r)
		return;
	atomic_store(&r->stopping, true);
	if (r->started) {
		(void)!write(r->orders.wake_fd, &one, sizeof(one));
		(void)pthread_join(r->thread, NULL);
	}
	if (r->finding)
		(void)pthread_join(r->finder, NULL);
	while (r->started && ring_pop(&r->orders, &o, 1) == 1)
		free(o.facts);
	ring_close(&r->orders);
	ring_close(&r->told);
	if (r->stuck)
		return;
	disk_close(&r->disk);
	free(r);
}

static bool recorder_order(struct recorder *r, struct recorder_order *o)
{
	o->at_ns = clock_now_ns();
	return ring_push(&r->orders, o);
}

/* A copy of the facts for the thread, with a newline that marks a complete file. */
static bool recorder_order_facts(struct recorder *r, struct recorder_order *o, struct bytes facts)
{
	assert(facts.n <= RECORD_FACTS_MAX);
	o->facts = facts.n ? malloc(facts.n + 1) : NULL;
	if (o->facts) {
		memcpy(o->facts, facts.p, facts.n);
		o->facts[facts.n] = '\n';
		o->facts_n = facts.n;
	}
	if (recorder_order(r, o))
		return true;
	free(o->facts);
	return false;
}

bool recorder_start(struct recorder *r, const struct record_terms *terms, struct bytes facts)
{
	struct recorder_order o = { .kind = ORDER_START, .terms = *terms };

	assert(terms->number && terms->segment);
	if (record_is_mono(terms))
		o.terms.format = RECORD_WAV;
	return recorder_order_facts(r, &o, facts);
}

bool recorder_pause(struct recorder *r, uint64_t call, uint8_t number)
{
	struct recorder_order o = { .kind = ORDER_PAUSE,
				    .terms = { .call = call, .number = number } };

	return recorder_order(r, &o);
}

bool recorder_resume(struct recorder *r, uint64_t call, uint8_t number)
{
	struct recorder_order o = { .kind = ORDER_RESUME,
				    .terms = { .call = call, .number = number } };

	return recorder_order(r, &o);
}

bool recorder_note(struct recorder *r, uint64_t call, uint8_t number, struct bytes facts)
{
	struct recorder_order o = { .kind = ORDER_NOTE,
				    .terms = { .call = call, .number = number } };

	return recorder_order_facts(r, &o, facts);
}

bool recorder_end(struct recorder *r, uint64_t call, uint8_t number, bool last, struct bytes facts)
{
	struct recorder_order o = { .kind = ORDER_END,
				    .terms = { .call = call, .number = number },
				    .last = last };

	return recorder_order_facts(r, &o, facts);
}

bool recorder_forget(struct recorder *r, const struct record_terms *terms)
{
	struct recorder_order o = { .kind = ORDER_FORGET, .terms = *terms };

	return recorder_order(r, &o);
}

uint32_t recorder_results(struct recorder *r, struct recorder_results *out, uint32_t max)
{
	uint32_t n;

	ring_awake(&r->told);
	n = ring_pop(&r->told, out, max);
	/* what came meanwhile, or had no room, makes it readable again */
	if (!ring_sleep(&r->told)) {
		uint64_t one = 1;

		(void)!write(r->told.wake_fd, &one, sizeof(one));
	}
	return n;
}

int recorder_trouble(const struct recorder *r)
{
	return atomic_load_explicit(&r->trouble, memory_order_relaxed);
}

int recorder_told_fd(const struct recorder *r)
{
	return r->told.wake_fd;
}
