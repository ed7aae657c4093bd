/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that sessions of FTP see. Each account has one; it is laid at a log-in, and deleted when
 * nobody has logged in for a while, as its files have passwords. What is laid cannot be written by
 * a session: only uploads can, by their names, and are copied to where those over HTTP lie. All
 * else that a session makes there is deleted at once.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/feature/provision/ftp/ftp.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"

enum { ACCOUNT_MAX = 128, PART_MAX = 128, FOLDERS_MAX = 4096, EVENTS_MAX = 16384, DEPTH = 8 };
#define WORK_NAME ".new"      /* of a file until it is whole; sessions see no such names */
#define FIRMWARE  ".firmware" /* folder of copies that those of accounts are links to */

struct ftp_folder {
	struct ftp_folder *next;
	uint64_t until_ns;
	json_t *uploads;
	struct ftp_watch {
		struct ftp_watch *next;
		int wd;
		char name[PART_MAX]; /* of a sub-folder; "": the folder itself */
	} * watches;
	char account[ACCOUNT_MAX];
};

static struct {
	char path[FTP_PATH_MAX];
	uint64_t kept_ns;
	int fd; /* of inotify */
	struct ftp_folder *list;
	uint32_t count;
} g_ftp = { .fd = -1 };

/* ---- files ---- */

/* Writes what in has, size octets at most, or octets. 0, -EFBIG or -errno. */
static int file_fill(int out, int in, uint64_t size, struct bytes octets)
{
	static uint8_t piece[65536];
	ssize_t n = 1;

	while (in >= 0 && n > 0) {
		n = read(in, piece, sizeof(piece));
		if (n < 0)
			return -errno;
		if ((uint64_t)n > size)
			return -EFBIG;
		size -= (uint64_t)n;
		if (write(out, piece, (size_t)n) != n)
			return -EIO;
	}
	return octets.n && write(out, octets.p, octets.n) != (ssize_t)octets.n ? -EIO : 0;
}

/* Whole or not at all, in place of one that is there. in: -1, or its content is from there. */
static int file_put(int folder, const char *name, int in, uint64_t size, struct bytes octets,
		    mode_t mode)
{
	char work[FTP_PATH_MAX + sizeof(WORK_NAME)] = WORK_NAME;
	int out, err;

	if (name[0] == '/') /* beside it, as on the way over HTTP */
		(void)snprintf(work, sizeof(work), "%s" WORK_NAME, name);
	out = openat(folder, work, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	err = file_fill(out, in, size, octets);
	if (!err && fchmod(out, mode) < 0)
		err = -errno;
	(void)close(out);
	if (!err && renameat(folder, work, folder, name) < 0)
		err = -errno;
	if (err)
		(void)unlinkat(folder, work, 0);
	return err;
}

static int file_copy(int from, const char *name, int to, const char *as, uint64_t size, mode_t mode)
{
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), err;

	if (in < 0)
		return -errno;
	err = file_put(to, as, in, size, (struct bytes){ 0 }, mode);
	(void)close(in);
	return err;
}

static bool ftp_has_file(int folder, const char *name)
{
	return !faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static void parents_make(const char *path)
{
	char upper[FTP_PATH_MAX];

	for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		(void)snprintf(upper, sizeof(upper), "%.*s", (int)(at - path), path);
		(void)mkdir(upper, 0700);
	}
}

static int tree_open(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	if (kind == FTW_D)
		(void)chmod(path, 0700);
	return 0;
}

static int tree_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	if (at->level)
		(void)remove(path);
	return 0;
}

static void tree_delete(const char *path, bool itself)
{
	(void)nftw(path, tree_open, DEPTH, FTW_PHYS);
	(void)nftw(path, tree_remove, DEPTH, FTW_PHYS | FTW_DEPTH);
	if (itself)
		(void)rmdir(path);
}

/* ---- the folder of an account ---- */

static int ftp_path(const char *name, char out[FTP_PATH_MAX])
{
	return snprintf(out, FTP_PATH_MAX, "%s/%s", g_ftp.path, name) < FTP_PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

static int folder_watch(struct ftp_folder *f, const char *name)
{
	char path[FTP_PATH_MAX + PART_MAX];
	struct ftp_watch *w = f->watches;

	while (w && strcmp(w->name, name) != 0)
		w = w->next;
	if (w)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	(void)snprintf(w->name, sizeof(w->name), "%s", name);
	(void)snprintf(path, sizeof(path), "%s/%s/%s", g_ftp.path, f->account, name);
	w->wd = inotify_add_watch(g_ftp.fd, path,
				  IN_CLOSE_WRITE | IN_CLOSE_NOWRITE | IN_CREATE | IN_ONLYDIR);
	if (w->wd < 0) {
		free(w);
		return -errno;
	}
	w->next = f->watches;
	f->watches = w;
	return 0;
}

static void account_delete(struct ftp_folder *f)
{
	char path[FTP_PATH_MAX];

	while (f->watches) {
		struct ftp_watch *w = f->watches;

		f->watches = w->next;
		(void)inotify_rm_watch(g_ftp.fd, w->wd);
		free(w);
	}
	if (!ftp_path(f->account, path))
		tree_delete(path, true);
	json_decref(f->uploads);
	free(f);
	g_ftp.count--;
}

static struct ftp_folder *ftp_account(const char *account)
{
	struct ftp_folder *f = g_ftp.list;

	while (f && strcmp(f->account, account) != 0)
		f = f->next;
	if (f || g_ftp.count == FOLDERS_MAX || strlen(account) >= sizeof(f->account))
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	(void)snprintf(f->account, sizeof(f->account), "%s", account);
	f->next = g_ftp.list;
	g_ftp.list = f;
	g_ftp.count++;
	return f;
}

/* Opens the folder that a path is in, and makes it; *name: the last part. -1: it cannot. */
static int folder_enter(struct ftp_folder *f, int root, const char *path, const char **name)
{
	const char *end = strchr(path, '/');
	char sub[PART_MAX];
	int fd;

	*name = end ? end + 1 : path;
	if (!end)
		return fcntl(root, F_DUPFD_CLOEXEC, 0);
	(void)snprintf(sub, sizeof(sub), "%.*s", (int)(end - path), path);
	(void)mkdirat(root, sub, 0700);
	fd = openat(root, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (fchmod(fd, 0700) || folder_watch(f, sub))) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* Closes it, and no session writes to it. */
static void folder_leave(int fd, const char *path, const char *name)
{
	if (name != path)
		(void)fchmod(fd, 0500);
	(void)close(fd);
}

static int folder_file(struct ftp_folder *f, int root, const char *path, struct bytes text)
{
	const char *name;
	int fd = folder_enter(f, root, path, &name), err = fd < 0 ? -EIO : 0;
	bool brought = json_object_get(f->uploads, path);

	/* of a revision, and what the phone has brought, stays as it is */
	if (!err && !((name != path || brought) && ftp_has_file(fd, name)))
		err = file_put(fd, name, -1, 0, text, brought ? 0600 : 0400);
	if (fd >= 0)
		folder_leave(fd, path, name);
	return err;
}

/* A copy of a file of the disk, made anew where that has changed. */
static int firmware_copy(const char *file, char copy[FTP_PATH_MAX])
{
	struct stat from, to;
	int err = ftp_path(FIRMWARE "/", copy);
	size_t front = strlen(copy);

	if (err || front + strlen(file) >= FTP_PATH_MAX || stat(file, &from) < 0)
		return -ENOENT;
	for (size_t i = 0; !i || file[i - 1]; i++)
		copy[front + i] = file[i] == '/' ? '_' : file[i];
	if (!stat(copy, &to) && to.st_size == from.st_size &&
	    to.st_mtim.tv_sec == from.st_mtim.tv_sec && to.st_mtim.tv_nsec == from.st_mtim.tv_nsec)
		return 0;
	err = file_copy(AT_FDCWD, file, AT_FDCWD, copy, UINT64_MAX, 0400);
	if (!err)
		(void)utimensat(AT_FDCWD, copy, (struct timespec[]){ from.st_mtim, from.st_mtim },
				0);
	return err;
}

static int folder_firmware(struct ftp_folder *f, int root, const char *path, const char *file)
{
	char copy[FTP_PATH_MAX];
	const char *name;
	int fd, err = firmware_copy(file, copy);

	if (err)
		return err;
	fd = folder_enter(f, root, path, &name);
	if (fd < 0)
		return -EIO;
	(void)unlinkat(fd, name, 0);
	if (linkat(AT_FDCWD, copy, fd, name, 0) < 0)
		err = -errno;
	folder_leave(fd, path, name);
	return err;
}

static int folder_fill(struct ftp_folder *f, int root, const json_t *answer)
{
	const json_t *pair;
	json_t *file;
	const char *name;
	size_t i;
	int err = 0;

	json_decref(f->uploads);
	f->uploads = json_deep_copy(json_object_get(answer, "uploads"));
	json_object_foreach(f->uploads, name, file)
	{
		if (!ftp_has_file(root, name))
			(void)file_copy(AT_FDCWD, json_string_value(file), root, name,
					FTP_UPLOAD_MAX, 0600);
	}
	json_array_foreach(json_object_get(answer, "files"), i, pair)
	{
		if (!err)
			err = folder_file(f, root, json_string_value(json_array_get(pair, 0)),
					  bytes_str(json_string_value(json_array_get(pair, 1))));
	}
	json_array_foreach(json_object_get(answer, "firmware"), i, pair)
	{
		const char *from = json_string_value(json_array_get(pair, 1));
		int lacks =
			folder_firmware(f, root, json_string_value(json_array_get(pair, 0)), from);

		if (lacks)
			LOG_ERROR("ftp", 0, "a file of the firmware is not offered",
				  LOG_STR("file", from), LOG_STR("error", strerror(-lacks)));
	}
	return err;
}

int ftp_folder_lay(const json_t *answer, uint64_t now_ns, char path[FTP_PATH_MAX])
{
	struct ftp_folder *f = ftp_account(json_text(answer, "account"));
	int root, err = f ? ftp_path(f->account, path) : -ENOSPC;

	if (err)
		return err;
	f->until_ns = now_ns + g_ftp.kept_ns;
	(void)mkdir(path, 0700);
	root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0 || fchmod(root, 0700) < 0)
		err = -errno;
	if (!err)
		err = folder_watch(f, "");
	if (!err)
		err = folder_fill(f, root, answer);
	if (!err && json_is_true(json_object_get(answer, "closed")) && fchmod(root, 0500) < 0)
		err = -errno;
	if (root >= 0)
		(void)close(root);
	return err;
}

/* ---- what phones do ---- */

/* A session has written, or made, that. */
static void upload_settle(struct ftp_folder *f, const struct ftp_watch *w, const char *name,
			  bool folder)
{
	const char *to = w->name[0] ? NULL : json_string_value(json_object_get(f->uploads, name));
	char path[FTP_PATH_MAX + 2 * PART_MAX];
	const struct ftp_watch *own = f->watches;
	int err = -EPERM;

	while (folder && own && strcmp(own->name, name) != 0)
		own = own->next;
	if ((folder && own) || !strcmp(name, WORK_NAME))
		return; /* its own work */
	(void)snprintf(path, sizeof(path), "%s/%s/%s/%s", g_ftp.path, f->account, w->name, name);
	if (to && !folder) {
		parents_make(to);
		err = file_copy(AT_FDCWD, path, AT_FDCWD, to, FTP_UPLOAD_MAX, 0600);
	}
	if (err)
		(void)remove(path);
	if (err == -EPERM || err == -EFBIG)
		LOG_WARN("ftp", 0, "an upload is not taken", LOG_STR("account", f->account),
			 LOG_STR("name", name),
			 LOG_STR("reason", err == -EFBIG ? "it is too large" : "no such name"));
}

static struct ftp_watch *watch_find(int wd, struct ftp_folder **of)
{
	for (struct ftp_folder *f = g_ftp.list; f; f = f->next) {
		for (struct ftp_watch *w = f->watches; w; w = w->next) {
			*of = f;
			if (w->wd == wd)
				return w;
		}
	}
	return NULL;
}

static void folders_on_event(const struct inotify_event *e,
			     void (*read_fn)(const char *account, const char *path))
{
	struct ftp_folder *f;
	struct ftp_watch *w = watch_find(e->wd, &f);
	char path[2 * PART_MAX];
	bool folder = e->mask & IN_ISDIR;

	if (!w || !e->len)
		return;
	if ((e->mask & IN_CLOSE_WRITE) || ((e->mask & IN_CREATE) && folder)) {
		upload_settle(f, w, e->name, folder);
	} else if ((e->mask & IN_CLOSE_NOWRITE) && !folder && w->name[0] &&
		   (size_t)snprintf(path, sizeof(path), "%s/%s", w->name, e->name) < sizeof(path)) {
		f->until_ns = clock_now_ns() + g_ftp.kept_ns;
		read_fn(f->account, path);
	}
}

void ftp_folders_look(void (*read_fn)(const char *account, const char *path))
{
	static _Alignas(struct inotify_event) char events[EVENTS_MAX];
	ssize_t n;

	while ((n = read(g_ftp.fd, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(events + at);

			folders_on_event(e, read_fn);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

void ftp_folders_beat(uint64_t now_ns)
{
	struct ftp_folder **at = &g_ftp.list;

	while (*at) {
		struct ftp_folder *f = *at;

		if (f->until_ns > now_ns) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		account_delete(f);
	}
}

int ftp_folders_open(const char *folder, uint64_t kept_ns)
{
	char path[FTP_PATH_MAX];

	if (strlen(folder) >= sizeof(g_ftp.path))
		return -ENAMETOOLONG;
	(void)snprintf(g_ftp.path, sizeof(g_ftp.path), "%s", folder);
	g_ftp.kept_ns = kept_ns;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	tree_delete(folder, false);
	if (ftp_path(FIRMWARE, path) || mkdir(path, 0700) < 0)
		return -errno;
	g_ftp.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return g_ftp.fd < 0 ? -errno : 0;
}

int ftp_folders_fd(void)
{
	return g_ftp.fd;
}
