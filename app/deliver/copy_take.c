/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what another node brings, as long as there is room: in .copies/NODE of the folder, under the names that it has there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/deliver/copy_work.h"
#include "base/clock.h"

struct taker {
	const struct terms *terms;
	struct copy_link *link;
	struct copy_shared *shared;
	char folder[FOLDER_PATH_MAX];
	int err;
};

void copy_folder(char out[FOLDER_PATH_MAX], const char *folder, uint64_t node)
{
	int n = snprintf(out, FOLDER_PATH_MAX, "%s/.copies", folder);

	if (node && n > 0 && n < FOLDER_PATH_MAX)
		(void)snprintf(out + n, FOLDER_PATH_MAX - (size_t)n, "/%016" PRIx64, node);
}

/* ---- octets ---- */

static bool taker_has_room(struct taker *t, uint64_t more)
{
	uint64_t held = atomic_load_explicit(&t->shared->held, memory_order_relaxed);
	struct statvfs fs;

	if (held + more <= t->terms->copies.octets &&
	    (statvfs(t->folder, &fs) < 0 ||
	     (uint64_t)fs.f_bavail * fs.f_frsize >= t->terms->free_octets + more))
		return true;
	atomic_fetch_add_explicit(&t->shared->full, 1, memory_order_relaxed);
	return false;
}

static int taker_write(struct taker *t, int fd, const struct copy_message *m)
{
	uint64_t size, end = m->at + m->data.n;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	size = (uint64_t)st.st_size;
	if (m->at > size)
		return -EINVAL; /* no holes */
	if (end > size && !taker_has_room(t, end - size))
		return -ENOSPC;
	if (pwrite(fd, m->data.p, m->data.n, (off_t)m->at) != (ssize_t)m->data.n)
		return errno == ENOSPC ? -ENOSPC : -EIO;
	if (end > size)
		atomic_fetch_add_explicit(&t->shared->held, end - size, memory_order_relaxed);
	return 0;
}

static int taker_data(struct taker *t, const struct copy_message *m)
{
	char path[FOLDER_PATH_MAX];
	int fd, err = folder_make(t->folder, m->path);

	if (err)
		return err;
	folder_path(path, t->folder, m->path, copy_ending(m->part));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = taker_write(t, fd, m);
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

/* ---- whole files ---- */

static int taker_sync(const char *path, uint64_t octets)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if ((uint64_t)st.st_size < octets)
		err = -ENODATA;
	else if (ftruncate(fd, (off_t)octets) < 0 || fdatasync(fd) < 0)
		err = -errno;
	(void)close(fd);
	return err;
}

static int taker_finish(struct taker *t, const struct copy_message *m)
{
	char sound[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX], sidecar[FOLDER_PATH_MAX];
	int err;

	folder_path(sound, t->folder, m->path, "");
	folder_path(part, t->folder, m->path, copy_ending(COPY_SIDECAR));
	folder_path(sidecar, t->folder, m->path, "json");
	err = taker_sync(sound, m->at);
	if (!err && rename(part, sidecar) < 0)
		err = -errno;
	folder_path(part, t->folder, m->path, copy_ending(COPY_EARLY));
	if (!err && unlink(part) < 0 && errno != ENOENT)
		err = -errno;
	return err;
}

/* The process counts anew now and then. */
static void taker_holds_less(struct taker *t, uint64_t less)
{
	uint64_t held = atomic_load_explicit(&t->shared->held, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(&t->shared->held, &held,
						      held > less ? held - less : 0,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

static int taker_drop(struct taker *t, const struct copy_message *m)
{
	static const char *const endings[] = { "", "json", "json.new", "json.part", "cut" };
	char path[FOLDER_PATH_MAX];

	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		struct stat st;

		folder_path(path, t->folder, m->path, endings[i]);
		if (stat(path, &st) < 0)
			continue;
		if (unlink(path) < 0)
			return -errno;
		taker_holds_less(t, (uint64_t)st.st_size);
	}
	*strrchr(path, '/') = '\0';
	(void)rmdir(path); /* the day, where it was the last one */
	return 0;
}

/* ---- what is there ---- */

static bool taker_has(struct taker *t, const char *of, bool whole)
{
	struct copy_message m = { .kind = COPY_HAS, .whole = whole };
	char path[FOLDER_PATH_MAX];
	struct stat st;

	folder_path(path, t->folder, of, "");
	if (bytes_cstr(bytes_str(of), m.path, sizeof(m.path)) || !folder_path_fits(bytes_str(of)) ||
	    stat(path, &st) < 0)
		return true;
	m.at = (uint64_t)st.st_size;
	t->err = copy_link_send(t->link, &m);
	return !t->err;
}

static bool taker_has_whole(const struct folder_entry *entry, void *arg)
{
	return taker_has(arg, entry->path, true);
}

static bool taker_has_some(const struct folder_entry *entry, void *arg)
{
	return taker_has(arg, entry->path, false);
}

/* ---- messages ---- */

static enum copy_kind taker_answer(int err)
{
	if (err == -ENOSPC || err == -EDQUOT)
		return COPY_FULL;
	return err ? COPY_FAILED : COPY_DONE;
}

static int taker_do(struct taker *t, const struct copy_message *m)
{
	switch (m->kind) {
	case COPY_LIST:
		if (folder_walk(t->folder, NULL, NULL, taker_has_whole, t))
			(void)folder_walk_running(t->folder, NULL, taker_has_some, t);
		return 0;
	case COPY_DATA:
		return taker_data(t, m);
	case COPY_FINISH:
		return taker_finish(t, m);
	case COPY_DROP:
		return taker_drop(t, m);
	case COPY_BEAT:
		return 0;
	case COPY_HAS:
	case COPY_DONE:
	case COPY_FULL:
	case COPY_FAILED:
		break;
	}
	return -EPROTO;
}

static int taker_start(struct taker *t)
{
	char all[FOLDER_PATH_MAX];

	copy_folder(all, t->terms->folder, 0);
	copy_folder(t->folder, t->terms->folder, t->link->other);
	return mkdir(all, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int copy_take(const struct terms *terms, struct copy_link *link, struct copy_shared *shared,
	      struct copy_taken *slot)
{
	struct taker t = { .terms = terms, .link = link, .shared = shared };
	struct copy_message m;

	t.err = taker_start(&t);
	while (!t.err && !(t.err = copy_link_receive(link, &m))) {
		struct copy_message answer = { 0 };

		copy_link_proven(link);
		atomic_store_explicit(&slot->other, link->other, memory_order_relaxed);
		atomic_store_explicit(&slot->heard_ms, clock_utc_ms(), memory_order_relaxed);
		answer.kind = taker_answer(taker_do(&t, &m));
		if (!t.err)
			t.err = copy_link_send(link, &answer);
	}
	return t.err;
}
