/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings to the neighbour what is not stored yet: finished files as a whole, and of those that run what was written since the last but one time,
 * as late packets go where they belong. What is stored meanwhile, or gone, is dropped there. The folder alone says what is what.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/deliver/copy_work.h"
#include "base/clock.h"

enum {
	FILES_MAX = 65536,
	AGAIN_OCTETS = 1 << 20,
	ALL_ROUNDS = 30,
};

/* What the neighbour has. */
struct send_file {
	char path[QUEUE_PATH_MAX];
	uint64_t sent, from; /* octets; where the next time begins */
	bool whole;
};

struct sender {
	const struct terms *terms;
	struct copy_link *link;
	struct copy_shared *shared;
	struct send_file **files; /* by their paths */
	uint32_t count;
	bool behind; /* something did not get there this time */
	int err;     /* of the link */
	uint8_t octets[COPY_DATA_MAX];
};

/* ---- what is there ---- */

/* Its place, or where it would be. */
static uint32_t sender_place(const struct sender *s, const char *path)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (strcmp(s->files[middle]->path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL: no room or no memory. */
static struct send_file *sender_file(struct sender *s, const char *path)
{
	uint32_t at = sender_place(s, path);
	struct send_file *f;

	if (at < s->count && !strcmp(s->files[at]->path, path))
		return s->files[at];
	f = s->count < FILES_MAX ? calloc(1, sizeof(*f)) : NULL;
	if (!f || bytes_cstr(bytes_str(path), f->path, sizeof(f->path))) {
		free(f);
		return NULL;
	}
	memmove(s->files + at + 1, s->files + at, (s->count - at) * sizeof(s->files[0]));
	s->files[at] = f;
	s->count++;
	return f;
}

static void sender_forget(struct sender *s, uint32_t at)
{
	free(s->files[at]);
	s->count--;
	memmove(s->files + at, s->files + at + 1, (s->count - at) * sizeof(s->files[0]));
}

/* ---- one message ---- */

/* 0; -ENOSPC: the neighbour does not take it now; else the link is over. */
static int sender_say(struct sender *s, const struct copy_message *m)
{
	struct copy_message answer;
	int err = copy_link_send(s->link, m);

	if (!err)
		err = copy_link_receive(s->link, &answer);
	if (err) {
		s->err = err;
		return err;
	}
	atomic_fetch_add_explicit(&s->shared->sent, m->data.n, memory_order_relaxed);
	if (answer.kind == COPY_DONE)
		return 0;
	s->behind = true;
	if (answer.kind == COPY_FULL)
		atomic_fetch_add_explicit(&s->shared->refused, 1, memory_order_relaxed);
	return -ENOSPC;
}

static struct copy_message copy_message_of(enum copy_kind kind, const char *path)
{
	struct copy_message m = { .kind = kind };

	(void)bytes_cstr(bytes_str(path), m.path, sizeof(m.path));
	return m;
}

/* ending: of the owner's file. *end: how far it goes. 0; -ENOENT; or of sender_say. */
static int sender_octets(struct sender *s, const char *path, const char *ending,
			 enum copy_part part, uint64_t from, uint64_t *end)
{
	char name[FOLDER_PATH_MAX];
	struct copy_message m = copy_message_of(COPY_DATA, path);
	ssize_t n;
	int fd, err = 0;

	folder_path(name, s->terms->folder, path, ending);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -ENOENT;
	m.part = part;
	m.at = from;
	while (!err && (n = pread(fd, s->octets, sizeof(s->octets), (off_t)m.at)) > 0) {
		m.data = bytes_mem(s->octets, (size_t)n);
		err = sender_say(s, &m);
		m.at += (uint64_t)n;
	}
	*end = m.at;
	(void)close(fd);
	return err;
}

/* ---- files ---- */

static void sender_whole(struct sender *s, struct send_file *f)
{
	struct copy_message m = copy_message_of(COPY_FINISH, f->path);
	uint64_t ignored;
	int err = sender_octets(s, f->path, "", COPY_SOUND, 0, &m.at);

	if (!err)
		err = sender_octets(s, f->path, "json", COPY_SIDECAR, 0, &ignored);
	if (!err)
		err = sender_say(s, &m);
	f->whole = !err;
	s->behind |= !f->whole && err != -ENOENT; /* that one is gone */
}

static void sender_grown(struct sender *s, struct send_file *f)
{
	uint64_t end, ignored, before = f->sent;
	int err = before ? 0 : sender_octets(s, f->path, "json.new", COPY_EARLY, 0, &ignored);

	if (!err)
		err = sender_octets(s, f->path, "", COPY_SOUND, f->from, &end);
	f->from = err ? 0 : before; /* all of it, where there is room again */
	f->sent = err ? 0 : end;
}

static bool sender_takes(struct sender *s, const struct folder_entry *entry)
{
	return terms_tenant(s->terms, entry->tenant)->count &&
	       folder_path_fits(bytes_str(entry->path)) && entry->state != FOLDER_DONE;
}

static bool sender_finished(const struct folder_entry *entry, void *arg)
{
	struct sender *s = arg;
	struct send_file *f = sender_takes(s, entry) ? sender_file(s, entry->path) : NULL;

	s->behind |= sender_takes(s, entry) && !f;
	if (f && !f->whole)
		sender_whole(s, f);
	return !s->err;
}

static bool sender_running(const struct folder_entry *entry, void *arg)
{
	struct sender *s = arg;
	struct send_file *f = sender_takes(s, entry) ? sender_file(s, entry->path) : NULL;

	if (f && !f->whole)
		sender_grown(s, f);
	return !s->err;
}

/* ---- what the other has ---- */

/* NULL: no memory. */
static struct sender *sender_new(const struct terms *terms, struct copy_link *link,
				 struct copy_shared *shared)
{
	struct sender *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct sender){ .terms = terms, .link = link, .shared = shared };
	s->files = calloc(FILES_MAX, sizeof(s->files[0]));
	if (s->files)
		return s;
	free(s);
	return NULL;
}

static int sender_list(struct sender *s)
{
	const struct copy_message ask = { .kind = COPY_LIST };
	struct copy_message m;
	int err = copy_link_send(s->link, &ask);

	while (!err && !(err = copy_link_receive(s->link, &m)) && m.kind == COPY_HAS) {
		struct send_file *f = sender_file(s, m.path);

		if (!f)
			return -ENOMEM;
		f->whole = m.whole;
		f->sent = m.at;
		f->from = m.at > AGAIN_OCTETS ? m.at - AGAIN_OCTETS : 0;
	}
	return err ? err : m.kind == COPY_DONE ? 0 : -EPROTO;
}

/* ---- what is stored ---- */

static bool sender_is_there(const struct sender *s, const char *path, const char *ending)
{
	char name[FOLDER_PATH_MAX];

	folder_path(name, s->terms->folder, path, ending);
	return access(name, F_OK) == 0;
}

static void sender_drop(struct sender *s)
{
	for (uint32_t i = s->count; i-- && !s->err;) {
		const char *path = s->files[i]->path;
		const struct copy_message m = copy_message_of(COPY_DROP, path);

		if (sender_is_there(s, path, "") &&
		    !sender_is_there(s, path, g_folder_states[FOLDER_DONE]))
			continue;
		if (!sender_say(s, &m))
			sender_forget(s, i);
	}
}

int copy_clear(const struct terms *terms, struct copy_link *link, struct copy_shared *shared)
{
	struct sender *s = sender_new(terms, link, shared);

	if (!s)
		return -ENOMEM;
	s->err = sender_list(s);
	while (!s->err && !s->behind && s->count) {
		const struct copy_message m =
			copy_message_of(COPY_DROP, s->files[s->count - 1]->path);

		if (!sender_say(s, &m))
			sender_forget(s, s->count - 1);
	}
	return s->err || !s->behind ? s->err : -EAGAIN; /* the child ends with it */
}

/* ---- rounds ---- */

static const char *sender_since(char date[FOLDER_DATE_LEN + 1], uint32_t round)
{
	if (round % ALL_ROUNDS == 0)
		return NULL;
	folder_day(date, clock_utc_ms() / 1000 - FOLDER_DAY_S);
	return date;
}

static void copy_sender_round(struct sender *s, uint32_t round)
{
	const struct copy_message beat = { .kind = COPY_BEAT };
	uint64_t began_ms = clock_utc_ms();
	char date[FOLDER_DATE_LEN + 1];
	const char *since = sender_since(date, round);

	s->behind = false;
	(void)folder_walk(s->terms->folder, NULL, since, sender_finished, s);
	if (!s->err)
		(void)folder_walk_running(s->terms->folder, since, sender_running, s);
	sender_drop(s);
	if (!s->err)
		(void)sender_say(s, &beat);
	if (!s->err && !s->behind)
		atomic_store_explicit(&s->shared->whole_ms, began_ms, memory_order_relaxed);
}

int copy_send(const struct terms *terms, struct copy_link *link, struct copy_shared *shared)
{
	struct sender *s = sender_new(terms, link, shared);
	struct timespec pause = { (time_t)(terms->copies.every_ms / 1000),
				  (long)(terms->copies.every_ms % 1000) * 1000000 };

	if (!s)
		return -ENOMEM;
	s->err = sender_list(s);
	for (uint32_t round = 0; !s->err; round++) {
		copy_sender_round(s, round);
		if (!s->err)
			(void)nanosleep(&pause, NULL);
	}
	return s->err; /* the child ends with it */
}
