/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which node copies to which: a child for the neighbour, the next live node, and one for each node
 * that copies here. When the neighbour has all, another goes to former neighbours, as they may have
 * some still. Copies of a node that is gone for good become this node's recordings.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/child/descriptors.h"
#include "app/deliver/process.h"
#include "app/record/record_facts.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

/* Copies of a node that is gone for good become recordings of this node by rename(2): they are
 * delivered as its own, under their former names. A copy that was incomplete when its owner
 * was lost is named NAME.cut.wav, so that it never replaces a whole one that the owner has
 * delivered. */

#define CUT_MARK "cut" /* NAME.cut: it was not whole, whatever else says so */

struct adopt {
	struct process *p;
	char from[FOLDER_PATH_MAX]; /* the folder of copies */
	uint32_t count;
};

static bool adopt_has(const char *folder, const char *path, const char *ending)
{
	char name[FOLDER_PATH_MAX];

	folder_path(name, folder, path, ending);
	return access(name, F_OK) == 0;
}

static int adopt_rename(const struct adopt *a, const char *path, const char *to, const char *ending)
{
	char from[FOLDER_PATH_MAX], there[FOLDER_PATH_MAX];

	folder_path(from, a->from, path, ending);
	folder_path(there, a->p->terms.folder, to, ending);
	/* who died in between has done it */
	return rename(from, there) < 0 && (errno != ENOENT || access(there, F_OK) < 0) ? -errno : 0;
}

/* "x/CALL-1.1.wav": "x/CALL-1.1.cut.wav". */
static bool adopt_cut_name(char out[QUEUE_PATH_MAX], const char *path)
{
	const char *dot = strrchr(path, '.');
	int n = dot ? snprintf(out, QUEUE_PATH_MAX, "%.*s" COPY_CUT "%s", (int)(dot - path), path,
			       dot + 1)
		    : -1;

	return n > 0 && n < QUEUE_PATH_MAX && folder_path_fits(bytes_str(out));
}

/* The same, but for its name. */
static int adopt_sidecar(const struct adopt *a, const char *path, const char *to)
{
	char name[FOLDER_PATH_MAX], *text;
	json_t *facts;
	size_t n;
	int err = folder_sidecar_load(a->from, path, &text, &n);

	if (err)
		return err;
	facts = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	(void)json_object_set_new(facts, "file", json_string(strrchr(to, '/') + 1));
	(void)json_object_set_new(facts, "copy", json_true());
	text = json_is_object(facts) ? json_dumps(facts, JSON_COMPACT) : NULL;
	json_decref(facts);
	folder_path(name, a->p->terms.folder, to, "json");
	err = text ? file_replace(name, 0600, bytes_str(text)) : -EBADMSG;
	free(text);
	return err;
}

static void adopt_forget(const struct adopt *a, const char *path)
{
	static const char *const endings[] = { "json", "json.part", "json.new", CUT_MARK };
	char name[FOLDER_PATH_MAX];

	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		folder_path(name, a->from, path, endings[i]);
		(void)unlink(name);
	}
}

static int adopt_whole(const struct adopt *a, const char *path)
{
	int err = adopt_rename(a, path, path, "");

	return err ? err : adopt_rename(a, path, path, "json");
}

static int adopt_cut(const struct adopt *a, const char *path, char to[QUEUE_PATH_MAX])
{
	int err = adopt_cut_name(to, path) ? adopt_rename(a, path, to, "") : -ENAMETOOLONG;

	return err ? err : adopt_sidecar(a, path, to);
}

/* Another one of its name is here: the call went on here, and nobody had noted how far it was. */
static bool adopt_is_taken(const struct adopt *a, const char *path)
{
	const char *own = a->p->terms.folder;

	return adopt_has(own, path, "json") ||
	       (adopt_has(own, path, "") && adopt_has(a->from, path, ""));
}

/* Its sidecar is there. */
static bool adopt_finished(const struct folder_entry *entry, void *arg)
{
	struct adopt *a = arg;
	char to[QUEUE_PATH_MAX];
	bool whole = !adopt_has(a->from, entry->path, CUT_MARK) && !adopt_is_taken(a, entry->path);
	int err = folder_path_fits(bytes_str(entry->path))
			  ? folder_make(a->p->terms.folder, entry->path)
			  : -EINVAL;

	memcpy(to, entry->path, sizeof(to));
	if (!err)
		err = whole ? adopt_whole(a, entry->path) : adopt_cut(a, entry->path, to);
	if (err) {
		LOG_ERROR("recordings", 0,
			  "a copy of a recording of a node that is gone cannot be taken over",
			  LOG_STR("file", entry->path), LOG_STR("error", strerror(-err)));
		return true;
	}
	adopt_forget(a, entry->path);
	a->count++;
	LOG_WARN("recordings", 0,
		 "a recording is delivered from its copy here: the node that made it is gone",
		 LOG_STR("file", to), LOG_U64("whole", whole));
	return true;
}

/* What there is of one that ran becomes a file that was interrupted. */
static bool adopt_running(const struct folder_entry *entry, void *arg)
{
	struct adopt *a = arg;
	char folder[FOLDER_PATH_MAX], mark[FOLDER_PATH_MAX];
	const char *name = strrchr(entry->path, '/') + 1;
	struct record_terms terms;
	uint64_t octets;
	int err;

	if (!folder_path_fits(bytes_str(entry->path)))
		return true;
	folder_path(mark, a->from, entry->path, CUT_MARK);
	(void)snprintf(folder, sizeof(folder), "%s/%s/%s", a->from, entry->tenant, entry->date);
	err = file_replace(mark, 0600, BYTES_LIT("\n"));
	if (!err)
		err = left_file(folder, name, entry->tenant, &terms, &octets);
	if (err && err != -EBUSY)
		LOG_ERROR("recordings", 0,
			  "a copy of a recording that was cut off cannot be finished",
			  LOG_STR("file", entry->path), LOG_STR("error", strerror(-err)));
	return true;
}

static int adopt_clear(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	if (kind == FTW_DP)
		(void)rmdir(path); /* where nothing is left in it */
	return 0;
}

/* All copies of that node become recordings of this one. How many. */
static uint32_t copy_adopt(struct process *p, uint64_t node)
{
	struct adopt a = { .p = p };

	copy_folder(a.from, p->terms.folder, node);
	(void)folder_walk_running(a.from, NULL, adopt_running, &a);
	(void)folder_walk(a.from, NULL, NULL, adopt_finished, &a);
	(void)nftw(a.from, adopt_clear, 8, FTW_DEPTH | FTW_PHYS);
	return a.count;
}

static _Thread_local uint64_t g_held;

static int copy_held_add(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path;
	(void)at;
	g_held += kind == FTW_F ? (uint64_t)st->st_size : 0;
	return 0;
}

/* Octets of all. */
static uint64_t copy_held(const struct process *p)
{
	char all[FOLDER_PATH_MAX];

	copy_folder(all, p->terms.folder, 0);
	g_held = 0;
	(void)nftw(all, copy_held_add, 8, FTW_PHYS);
	return g_held;
}

enum {
	LOOK_MS = 1000,
	COUNT_MS = 60000,
	NODE_ALIVE_MS = 30000, /* a node that has sent something so lately lives */
	DOUBLINGS = 4,
	CHILD_KEEPS = 3, /* its only descriptor, behind that of the log */
};

static uint64_t shared_read(const _Atomic uint64_t *of)
{
	return atomic_load_explicit(of, memory_order_relaxed);
}

int process_copies_open(struct process *p, int descriptors)
{
	void *shared = mmap(NULL, sizeof(struct copy_shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigset_t wakes;

	copy_wakes(&wakes);
	(void)sigprocmask(SIG_BLOCK, &wakes, NULL); /* a child has this from its beginning */
	p->copies.descriptors = descriptors;
	if (shared == MAP_FAILED)
		return -ENOMEM;
	p->copies.shared = shared;
	return 0;
}

static void child_end(pid_t *pid, int *end)
{
	if (!*pid)
		return;
	(void)kill(*pid, SIGKILL);
	(void)waitpid(*pid, NULL, 0);
	if (*end >= 0)
		(void)close(*end);
	*pid = 0;
	*end = -1;
}

void process_copies_reset(struct process *p, bool takers)
{
	struct process_copies *c = &p->copies;

	child_end(&c->sender, &c->sender_end);
	child_end(&c->clearer, &c->clearer_end);
	for (uint32_t i = 0; takers && i < COPY_TAKERS_MAX; i++)
		child_end(&c->takers[i].pid, &c->takers[i].end);
	c->begin_ms = 0;
	if (!p->terms.copies.on)
		c->on_ms = 0;
	else if (!c->on_ms)
		c->on_ms = clock_utc_ms();
}

void process_copies_close(struct process *p)
{
	process_copies_reset(p, true);
	if (p->copies.shared)
		(void)munmap(p->copies.shared, sizeof(struct copy_shared));
}

/* ---- children ---- */

/* A child lives long: it closes inherited descriptors, so that their peers see an end.
 * keep: stays open. */
static int child_begins(pid_t parent, int keep)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || (keep >= 0 && dup2(keep, CHILD_KEEPS) < 0))
		_exit(EINTR);
	(void)close_range(keep >= 0 ? CHILD_KEEPS + 1 : CHILD_KEEPS, ~0U, 0);
	return keep >= 0 ? CHILD_KEEPS : -1;
}

static void copies_self(const struct process *p, struct copy_self *self)
{
	self->id = p->terms.copies.id;
	self->incarnation = p->terms.copies.incarnation;
	memcpy(self->key, p->terms.copies.key, sizeof(self->key));
}

static int sender_run(const struct process *p, const struct process_node *to, bool clears)
{
	static struct copy_link link;
	struct rand_source rand; /* of its own: the parent goes on with the other */
	struct copy_self self;
	int err;

	rand_open_system(&rand);
	copies_self(p, &self);
	err = copy_link_connect(&link, &self, &to->address, to->id, COPY_HELLO_S, &rand);
	if (err)
		return err;
	return clears ? copy_clear(&p->terms, &link, p->copies.shared)
		      : copy_send(&p->terms, &link, p->copies.shared);
}

static int taker_run(const struct process *p, int fd, const uint8_t *asks, struct copy_taken *slot)
{
	static struct copy_link link;
	struct rand_source rand;
	struct copy_self self;
	int err;

	rand_open_system(&rand);
	copies_self(p, &self);
	err = copy_link_accept(&link, &self, fd, asks, &rand);
	return err ? err : copy_receive(&p->terms, &link, p->copies.shared, slot);
}

static int child_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static pid_t sender_fork(const struct process *p, const struct process_node *to, bool clears,
			 int *end)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		(void)child_begins(parent, -1);
		_exit(-sender_run(p, to, clears));
	}
	*end = pid > 0 ? child_pidfd(pid) : -1;
	return pid > 0 ? pid : 0;
}

static void sender_start(struct process *p, struct process_node *to)
{
	struct process_copies *c = &p->copies;

	c->to = to->id;
	to->clear = false;
	c->began_ms = clock_utc_ms();
	c->sender = sender_fork(p, to, false, &c->sender_end);
}

static void clearer_start(struct process *p, const struct process_node *to)
{
	struct process_copies *c = &p->copies;

	c->clears = to->id;
	c->clearer = sender_fork(p, to, true, &c->clearer_end);
}

/* NULL: all slots are taken. The connection stays queued. */
static struct process_taker *taker_free(struct process_copies *c)
{
	for (uint32_t i = 0; i < COPY_TAKERS_MAX; i++) {
		if (!c->takers[i].pid)
			return &c->takers[i];
	}
	return NULL;
}

static void taker_open(struct process *p, struct process_taker *t, int fd,
		       const uint8_t asks[CHANNEL_HELLO_LEN])
{
	struct process_copies *c = &p->copies;
	struct copy_taken *slot = &c->shared->taken[t - c->takers];
	pid_t parent = getpid();

	atomic_store_explicit(&slot->other, 0, memory_order_relaxed);
	t->pid = fork();
	if (!t->pid) {
		fd = child_begins(parent, fd);
		_exit(-taker_run(p, fd, asks, slot));
	}
	if (t->pid < 0)
		t->pid = 0;
	t->end = t->pid ? child_pidfd(t->pid) : -1;
	(void)close(fd); /* the child has it, or there is no memory */
}

/* ---- connections that the node hands over ---- */

static int copies_receive(int from, uint8_t asks[CHANNEL_HELLO_LEN])
{
	int fds[2]; /* the room for one is rounded up */
	uint32_t count = 1;
	ssize_t n = descriptors_receive(from, asks, CHANNEL_HELLO_LEN, fds, &count, MSG_DONTWAIT);

	if (n == CHANNEL_HELLO_LEN && count)
		return fds[0];
	if (count)
		(void)close(fds[0]);
	return -1;
}

static void copies_accept(struct process *p)
{
	uint8_t asks[CHANNEL_HELLO_LEN];
	struct process_taker *t;
	int fd;

	while (p->copies.descriptors >= 0 && (t = taker_free(&p->copies)) &&
	       (fd = copies_receive(p->copies.descriptors, asks)) >= 0) {
		if (p->terms.copies.on)
			taker_open(p, t, fd, asks);
		else
			(void)close(fd);
	}
}

/* ---- rounds ---- */

#define ID_TEXT_MAX 17

static const char *id_text(uint64_t id, char out[ID_TEXT_MAX])
{
	(void)snprintf(out, ID_TEXT_MAX, "%016" PRIx64, id);
	return out;
}

static void sender_ended(struct process *p, int status, uint64_t now_ms)
{
	struct process_copies *c = &p->copies;
	uint64_t every_ms = p->terms.copies.every_ms;
	char node[ID_TEXT_MAX];

	if (c->sender_end >= 0)
		(void)close(c->sender_end);
	c->sender = 0;
	c->sender_end = -1;
	c->begin_ms = now_ms + (every_ms << (c->failures < DOUBLINGS ? c->failures : DOUBLINGS));
	c->failures++;
	if (!c->failing)
		LOG_WARN("recordings", 0,
			 "copies of recordings do not reach the neighbour: it is tried again",
			 LOG_STR("node", id_text(c->to, node)),
			 LOG_STR("error", WIFEXITED(status) ? strerror(WEXITSTATUS(status))
							    : "its child was killed"));
	c->failing = true;
}

static void clearer_ended(struct process *p, int status, uint64_t now_ms)
{
	struct process_copies *c = &p->copies;
	struct process_node *node = process_copies_node(c, c->clears);

	if (c->clearer_end >= 0)
		(void)close(c->clearer_end);
	c->clearer = 0;
	c->clearer_end = -1;
	node->clear = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	node->clear_ms = now_ms + (p->terms.copies.every_ms << DOUBLINGS);
}

/* ---- what is to be played here ---- */

enum { FETCHED_S = 3600, FETCH_HELLO_S = 1 };

struct fetch_here {
	const struct process *p;
	struct copy_fetch *fetch;
};

/* Links a file of this node beside the fetched ones. */
static void fetch_link(struct copy_source *s, const char *folder, const char *path, void *arg)
{
	struct fetch_here *here = arg;
	const struct process *p = here->p;
	char from[FOLDER_PATH_MAX], to[FOLDER_PATH_MAX];
	int err = copy_fetched(&p->terms, path, "", to);

	folder_path(from, folder, path, "");
	if (!err && s->sealed.cipher)
		err = copy_fetch_source(here->fetch, s, path);
	else if (!err && link(from, to) < 0 && errno != EEXIST)
		err = -errno;
	if (err)
		LOG_WARN("recordings", 0, "a copy cannot be played", LOG_STR("file", path),
			 LOG_STR("error", strerror(-err)));
	else
		copy_fetch_result(here->fetch, path);
	here->fetch->any |= !err;
}

/* Of all nodes, as each may have a part. */
static void fetch_of_others(const struct process *p, struct copy_fetch *fetch, const char *path,
			    int seconds)
{
	static struct copy_link link;
	struct copy_self self;
	struct rand_source rand;

	rand_open_system(&rand);
	copies_self(p, &self);
	for (uint32_t i = 0; p->terms.copies.on && i < p->copies.count; i++) {
		const struct process_node *node = &p->copies.nodes[i];

		if (node->alive && node->id != self.id &&
		    !copy_link_connect(&link, &self, &node->address, node->id, seconds, &rand))
			(void)copy_fetch(fetch, &link, path);
	}
}

/* A machine that is gone does not answer until all know it: a waiting listener waits no longer than
 * that. A node that is slow is asked again where no store has it, or the store hangs. */
static int fetch_run(const struct process *p, const struct process_fetch *f, int tell)
{
	static struct copy_fetch fetch;
	struct fetch_here here = { .p = p, .fetch = &fetch };
	const char *path = f->path;
	int err = copy_fetch_open(&fetch, &p->terms, path, tell);

	fetch.called_ms = f->called_ms;
	fetch.named = f->name[0];
	if (!err) {
		copy_find(&p->terms, path, fetch_link, &here);
		if (!f->hung)
			fetch_of_others(p, &fetch, path, FETCH_HELLO_S);
		if (!f->hung && !copy_fetch_whole(&fetch))
			copy_fetch_stored(&fetch, path);
		if (!copy_fetch_whole(&fetch))
			fetch_of_others(p, &fetch, path, COPY_HELLO_S);
		err = copy_fetch_whole(&fetch) ? 0 : -ENOENT;
	}
	copy_fetch_close(&fetch);
	return err;
}

static bool fetch_has_name(const struct process *p, const struct process_fetch *f)
{
	char path[FOLDER_PATH_MAX];

	return !f->name[0] ||
	       (folder_path_fits(bytes_str(f->name)) &&
		!copy_fetched(&p->terms, f->name, "", path) && access(path, F_OK) == 0);
}

static void fetch_answer(struct process *p, const struct process_fetch *f, bool there)
{
	if (there)
		process_send_line(p, json_pack("{s:I, s:{}}", "answer", f->ticket, "result"));
	else
		process_send_line(p,
				  json_pack("{s:I, s:s, s:s}", "answer", f->ticket, "error",
					    "not_found", "message", "no node has this recording"));
}

static void fetch_start(struct process *p, struct process_fetch *f)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	f->pid = fork();
	if (!f->pid) {
		int tell = child_begins(parent, ends[1]);

		_exit(-fetch_run(p, f, tell));
	}
	(void)close(ends[1]);
	f->end = ends[0];
	if (f->pid > 0)
		return;
	(void)close(f->end);
	f->pid = 0;
}

/* Fetches of the path's tenant; stored: only those that read a store. */
static uint32_t fetches_of(const struct process *p, const char *path, bool stored)
{
	const struct process_fetch *list = p->copies.fetches;
	size_t tenant = strcspn(path, "/") + 1;
	uint32_t count = 0;

	for (uint32_t i = 0; i < PROCESS_FETCHES_MAX; i++)
		count += list[i].ticket && (list[i].stored || !stored) &&
			 !strncmp(list[i].path, path, tenant);
	return count;
}

/* The oldest fetch that may begin, or NULL. A store may hang: reads of stores are limited per
 * tenant, and do not count as running. */
static struct process_fetch *fetch_next(struct process *p)
{
	struct process_fetch *list = p->copies.fetches, *next = NULL;
	uint32_t running = 0;

	for (struct process_fetch *f = list; f < list + PROCESS_FETCHES_MAX; f++) {
		running += f->pid && !f->stored;
		if (f->ticket && !f->pid && (!next || f->ticket < next->ticket) &&
		    fetches_of(p, f->path, true) < PROCESS_FETCHES_STORED)
			next = f;
	}
	return running < PROCESS_FETCHES_RUN ? next : NULL;
}

static void fetches_start(struct process *p)
{
	struct process_fetch *f;

	while ((f = fetch_next(p))) {
		fetch_start(p, f);
		if (f->pid)
			continue;
		fetch_answer(p, f, false); /* no memory, or no descriptors */
		*f = (struct process_fetch){ .end = -1 };
	}
}

bool process_fetch(struct process *p, json_int_t ticket, const char *tenant, const char *recording,
		   const char *name, uint64_t called_ms)
{
	struct process_fetch *f = p->copies.fetches;
	char path[QUEUE_PATH_MAX];
	struct tm day = { 0 };

	(void)snprintf(path, sizeof(path), "%s/" COPY_ANY_DAY "/%s%s", tenant, recording,
		       name[0] ? COPY_ANY_KIND : "");
	while (f < p->copies.fetches + PROCESS_FETCHES_MAX && f->ticket)
		f++;
	if (f == p->copies.fetches + PROCESS_FETCHES_MAX || !folder_path_fits(bytes_str(path)) ||
	    fetches_of(p, path, false) >= PROCESS_FETCHES_TENANT)
		return false;
	*f = (struct process_fetch){
		.ticket = ticket, .end = -1, .called_ms = called_ms, .played = called_ms
	};
	if (folder_path_fits(bytes_str(name)) &&
	    strptime(name + strcspn(name, "/") + 1, "%Y-%m-%d", &day))
		f->called_ms = (uint64_t)timegm(&day) * 1000;
	memcpy(f->path, path, sizeof(f->path));
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	fetches_start(p);
	return true;
}

/* Its child has ended. */
static void fetch_ended(struct process *p, struct process_fetch *f, int status)
{
	bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;

	(void)close(f->end);
	if (hung)
		LOG_WARN("recordings", 0,
			 "a store of recordings says nothing: it is waited for no longer",
			 LOG_STR("file", f->path), LOG_U64("seconds", COPY_FETCH_PATIENCE_S));
	if (hung && !f->told) { /* fetches_start begins it again */
		f->pid = 0;
		f->end = -1;
		f->stored = false;
		f->hung = true;
		return;
	}
	if (!f->told)
		fetch_answer(p, f,
			     WIFEXITED(status) && !WEXITSTATUS(status) && fetch_has_name(p, f));
	*f = (struct process_fetch){ .end = -1 };
}

static void fetches_reap(struct process *p)
{
	for (uint32_t i = 0; i < PROCESS_FETCHES_MAX; i++) {
		struct process_fetch *f = &p->copies.fetches[i];
		int status;
		char outcome;

		while (f->pid && read(f->end, &outcome, 1) == 1) {
			f->stored |= outcome == COPY_FETCH_STORED;
			if (outcome != COPY_FETCH_BEGINS || !f->played)
				continue;
			fetch_answer(p, f, true);
			f->told = true;
		}
		if (f->pid && waitpid(f->pid, &status, WNOHANG) == f->pid)
			fetch_ended(p, f, status);
	}
	fetches_start(p);
}

/* Fetched files stay for an hour. So does a folder: a new one is about to be written into. */
static int fetched_old(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)at;
	if (st->st_mtime + FETCHED_S >= (time_t)(clock_utc_ms() / 1000))
		return 0;
	if (kind == FTW_F)
		(void)unlink(path);
	else if (kind == FTW_DP)
		(void)rmdir(path); /* where nothing is left in it */
	return 0;
}

static void fetched_clear(const struct process *p)
{
	char folder[FOLDER_PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%s/" COPY_FETCHED, p->terms.folder);
	(void)nftw(folder, fetched_old, 8, FTW_DEPTH | FTW_PHYS);
}

static void copies_reap(struct process *p, uint64_t now_ms)
{
	struct process_copies *c = &p->copies;
	int status;

	if (c->sender && waitpid(c->sender, &status, WNOHANG) == c->sender)
		sender_ended(p, status, now_ms);
	if (c->clearer && waitpid(c->clearer, &status, WNOHANG) == c->clearer)
		clearer_ended(p, status, now_ms);
	for (uint32_t i = 0; i < COPY_TAKERS_MAX; i++) {
		struct process_taker *t = &c->takers[i];

		if (!t->pid || waitpid(t->pid, &status, WNOHANG) != t->pid)
			continue;
		if (t->end >= 0)
			(void)close(t->end);
		*t = (struct process_taker){ .end = -1 };
	}
}

static bool copies_is_alive(const struct process_copies *c, uint64_t id, uint64_t now_ms)
{
	for (uint32_t i = 0; i < COPY_TAKERS_MAX; i++) {
		if (c->takers[i].pid && shared_read(&c->shared->taken[i].other) == id &&
		    shared_read(&c->shared->taken[i].received_ms) + NODE_ALIVE_MS > now_ms)
			return true;
	}
	return false;
}

static void copies_look_at(struct process *p, uint64_t id, uint64_t now_ms)
{
	struct process_node *node = process_copies_node(&p->copies, id);
	uint32_t count;

	if (!node || node->alive || copies_is_alive(&p->copies, id, now_ms))
		return;
	if (!node->gone_ms)
		node->gone_ms = now_ms;
	if (node->gone_ms + p->terms.copies.wait_ms > now_ms)
		return;
	count = copy_adopt(p, id);
	p->copies.adopted += count;
	if (count)
		p->scan_ms = p->sweep_ms = 0;
}

static void copies_look(struct process *p, uint64_t now_ms)
{
	char path[FOLDER_PATH_MAX];
	const struct dirent *entry;
	DIR *dir;

	copy_folder(path, p->terms.folder, 0);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		uint8_t id[8];
		size_t n = 0;

		if (!hex_decode(bytes_str(entry->d_name), id, sizeof(id), &n) && n == sizeof(id))
			copies_look_at(p, be64_get(id), now_ms);
	}
	if (dir)
		(void)closedir(dir);
}

/* All that should be there is, since this child brings it. */
static bool neighbour_has_all(const struct process_copies *c)
{
	return c->sender && shared_read(&c->shared->whole_ms) >= c->began_ms;
}

/* Copies of before are old by now, and would be delivered one day, where this node is gone. */
static void copies_clear(struct process *p, uint64_t now_ms)
{
	struct process_node *former;

	if (!neighbour_has_all(&p->copies) || p->copies.clearer)
		return;
	former = process_copies_former(p, now_ms);
	if (former)
		clearer_start(p, former);
}

static void copies_run(struct process *p, uint64_t now_ms)
{
	struct process_copies *c = &p->copies;
	struct process_node *to = process_copies_neighbour(p);
	char node[ID_TEXT_MAX];

	if (neighbour_has_all(c)) {
		if (c->failing)
			LOG_INFO("recordings", 0, "copies of recordings reach the neighbour",
				 LOG_STR("node", id_text(c->to, node)));
		c->failing = false;
		c->failures = 0;
	}
	if (c->sender && !process_copies_node(c, c->to)->alive)
		child_end(&c->sender, &c->sender_end);
	/* a node that is being cleared is no neighbour until then: it would lose its copies */
	if (!c->sender && to && now_ms >= c->begin_ms && !(c->clearer && c->clears == to->id))
		sender_start(p, to);
}

void process_copies_round(struct process *p, uint64_t now_ms)
{
	struct process_copies *c = &p->copies;

	copies_reap(p, now_ms);
	copies_accept(p);
	fetches_reap(p);
	if (now_ms >= c->fetched_ms) {
		fetched_clear(p);
		c->fetched_ms = now_ms + COUNT_MS;
	}
	if (!p->terms.copies.on)
		return;
	copies_run(p, now_ms);
	copies_clear(p, now_ms);
	if (now_ms >= c->look_ms && process_copies_sees_itself(p)) {
		copies_look(p, now_ms);
		c->look_ms = now_ms + LOOK_MS;
	}
	if (now_ms >= c->count_ms) {
		atomic_store_explicit(&c->shared->held, copy_held(p), memory_order_relaxed);
		c->count_ms = now_ms + COUNT_MS;
	}
}

uint64_t process_copies_wake(const struct process *p)
{
	uint64_t begun = atomic_load(&p->copies.shared->begun);

	if (p->copies.sender)
		(void)kill(p->copies.sender, COPY_WAKE);
	return begun;
}

uint64_t process_copies_had_all(const struct process *p)
{
	return atomic_load(&p->copies.shared->whole);
}

unsigned process_copies_wait(struct process *p, struct curl_waitfd *wait)
{
	struct process_copies *c = &p->copies;
	unsigned n = 0;

	if (c->descriptors >= 0 && taker_free(c))
		wait[n++] =
			(struct curl_waitfd){ .fd = c->descriptors, .events = CURL_WAIT_POLLIN };
	if (c->sender && c->sender_end >= 0)
		wait[n++] = (struct curl_waitfd){ .fd = c->sender_end, .events = CURL_WAIT_POLLIN };
	if (c->clearer && c->clearer_end >= 0)
		wait[n++] =
			(struct curl_waitfd){ .fd = c->clearer_end, .events = CURL_WAIT_POLLIN };
	for (uint32_t i = 0; i < COPY_TAKERS_MAX; i++) {
		if (c->takers[i].pid && c->takers[i].end >= 0)
			wait[n++] = (struct curl_waitfd){ .fd = c->takers[i].end,
							  .events = CURL_WAIT_POLLIN };
	}
	for (uint32_t i = 0; i < PROCESS_FETCHES_MAX; i++) {
		if (c->fetches[i].pid && c->fetches[i].end >= 0)
			wait[n++] = (struct curl_waitfd){ .fd = c->fetches[i].end,
							  .events = CURL_WAIT_POLLIN };
	}
	return n;
}

static uint64_t process_copies_behind_ms(const struct process *p, uint64_t now_ms)
{
	uint64_t whole_ms = shared_read(&p->copies.shared->whole_ms);

	if (!p->terms.copies.on)
		return 0;
	whole_ms = whole_ms > p->copies.on_ms ? whole_ms : p->copies.on_ms;
	return now_ms > whole_ms ? now_ms - whole_ms : 0;
}

json_t *process_copies_figures(const struct process *p, uint64_t now_ms)
{
	const struct copy_shared *s = p->copies.shared;
	uint64_t behind = process_copies_behind_ms(p, now_ms);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "behind_ms", (json_int_t)behind, "sent",
			 (json_int_t)shared_read(&s->sent), "refused",
			 (json_int_t)shared_read(&s->refused), "held",
			 (json_int_t)shared_read(&s->held), "full",
			 (json_int_t)shared_read(&s->full), "adopted",
			 (json_int_t)p->copies.adopted);
}
