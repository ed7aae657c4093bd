/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that sessions of FTP see. Each account has one; it is laid at a log-in, and deleted when
 * nobody has logged in for a while, as its files have passwords. What is laid cannot be written by
 * a session: it is laid under a name that none sees, is closed, and is never opened again, as all
 * sessions are one user. Only uploads can be written, by their names, and are copied to where those
 * over HTTP lie. All else that a session makes there is deleted at once.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
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

enum { ACCOUNT_MAX = 128, PART_MAX = 128, FOLDERS_MAX = 4096, EVENTS_MAX = 16384 };
enum { DELETE_TURNS = 16384, DELETE_TRIES = 8 }; /* a session may write meanwhile, and go deep */
#define WORK_NAME   ".new" /* of what is not whole yet; sessions see no such names */
#define FORMER_NAME ".former"
#define FIRMWARE    ".firmware"     /* folder of copies that those of accounts are links to */
#define AGAIN_NS    (60 * NS_PER_S) /* an incomplete folder is tried again */

struct ftp_folder {
	struct ftp_folder *next;
	uint64_t until_ns, again_ns;
	json_t *uploads, *laid; /* laid: what is in it, of one that is closed */
	bool lacks;
	struct ftp_watch {
		struct ftp_watch *next;
		int wd;
		json_t *laid;        /* what is in it */
		char name[PART_MAX]; /* of a sub-folder; "": the folder itself */
	} * watches;
	char account[ACCOUNT_MAX], name[ACCOUNT_MAX + 24];
};

static struct {
	char path[FTP_PATH_MAX];
	uint64_t kept_ns;
	int fd;                  /* of inotify */
	struct ftp_folder *list; /* the last one of an account comes first */
	uint32_t count;
	uint64_t closed, moved; /* so many were laid, and names made */
	json_t *firmware;       /* of each file that was copied, what it was */
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

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Deletes a folder of top; folders in it come to top. What a session makes may be deeper than a
 * path is long, so nothing goes down there. True: something has gone. */
static bool folder_flatten(int top, const char *name)
{
	int fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char to[24];
	const struct dirent *e;
	bool gone = false;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	(void)fchmod(fd, 0700);
	while ((e = readdir(dir)) != NULL) {
		if (is_dots(e->d_name))
			continue;
		(void)snprintf(to, sizeof(to), ".%" PRIu64, ++g_ftp.moved);
		if (unlinkat(fd, e->d_name, 0) < 0) {
			(void)!fchmodat(fd, e->d_name, 0700, 0);
			gone |= !renameat(fd, e->d_name, top, to);
		}
	}
	gone |= !unlinkat(top, name, AT_REMOVEDIR);
	(void)closedir(dir);
	return gone;
}

/* Of a file, or a folder with all that is in it, and comes meanwhile. 0 or -errno, which was
 * logged. */
static int tree_delete(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	int err = 0;

	if (dir)
		(void)fchmod(dirfd(dir), 0700);
	for (unsigned i = 0, stuck = 0; i < DELETE_TURNS && stuck < DELETE_TRIES; i++) {
		err = !remove(path) || errno == ENOENT ? 0 : -errno;
		if (!err || !dir)
			break;
		stuck++;
		rewinddir(dir);
		while ((e = readdir(dir)) != NULL) {
			if (!is_dots(e->d_name) && (!unlinkat(dirfd(dir), e->d_name, 0) ||
						    folder_flatten(dirfd(dir), e->d_name)))
				stuck = 0;
		}
	}
	if (dir)
		(void)closedir(dir);
	if (err)
		LOG_ERROR("ftp", 0, "what a session sees cannot be deleted", LOG_STR("path", path),
			  LOG_STR("error", strerror(-err)));
	return err;
}

/* Each by itself: a session that is there yet stays below its root. */
void ftp_folders_empty(const char *path)
{
	char name[FTP_PATH_MAX + NAME_MAX + 2];
	DIR *dir = opendir(path);
	const struct dirent *e;

	while (dir && (e = readdir(dir)) != NULL) {
		(void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (!is_dots(e->d_name))
			(void)tree_delete(name);
	}
	if (dir)
		(void)closedir(dir);
}

/* ---- the folder of an account ---- */

static int ftp_path(const char *name, char out[FTP_PATH_MAX])
{
	return snprintf(out, FTP_PATH_MAX, "%s/%s", g_ftp.path, name) < FTP_PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

static struct ftp_watch *folder_watched(const struct ftp_folder *f, const char *name)
{
	struct ftp_watch *w = f->watches;

	while (w && strcmp(w->name, name) != 0)
		w = w->next;
	return w;
}

/* Watches what lies at as, which is a sub-folder of that name, or gets that name. */
static int folder_watch(struct ftp_folder *f, const char *name, const char *as)
{
	char path[FTP_PATH_MAX + 2 * PART_MAX];
	struct ftp_watch *w = folder_watched(f, name);
	int wd;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", g_ftp.path, f->name, as);
	wd = inotify_add_watch(g_ftp.fd, path,
			       IN_CLOSE_WRITE | IN_CLOSE_NOWRITE | IN_CREATE | IN_ONLYDIR);
	if (wd < 0)
		return -errno;
	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return -ENOMEM;
		(void)snprintf(w->name, sizeof(w->name), "%s", name);
		w->next = f->watches;
		f->watches = w;
	} else if (w->wd != wd) {
		(void)inotify_rm_watch(g_ftp.fd, w->wd);
	}
	w->wd = wd;
	return 0;
}

static void account_delete(struct ftp_folder *f)
{
	char path[FTP_PATH_MAX];

	while (f->watches) {
		struct ftp_watch *w = f->watches;

		f->watches = w->next;
		(void)inotify_rm_watch(g_ftp.fd, w->wd);
		json_decref(w->laid);
		free(w);
	}
	if (!ftp_path(f->name, path))
		(void)tree_delete(path);
	json_decref(f->uploads);
	json_decref(f->laid);
	free(f);
	g_ftp.count--;
}

/* The last one of that account. */
static struct ftp_folder *ftp_account_find(const char *account)
{
	struct ftp_folder *f = g_ftp.list;

	while (f && strcmp(f->account, account) != 0)
		f = f->next;
	return f;
}

/* name NULL: each has another one. */
static struct ftp_folder *ftp_account_make(const char *account, const char *name)
{
	struct ftp_folder *f = NULL;

	if (g_ftp.count < FOLDERS_MAX && strlen(account) < sizeof(f->account))
		f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	(void)snprintf(f->account, sizeof(f->account), "%s", account);
	if (name)
		(void)snprintf(f->name, sizeof(f->name), "%s", name);
	else
		(void)snprintf(f->name, sizeof(f->name), "%s-%" PRIu64, account, ++g_ftp.closed);
	f->next = g_ftp.list;
	g_ftp.list = f;
	g_ftp.count++;
	return f;
}

/* What a file of the firmware is: another text where it has changed. */
static json_t *firmware_state(const char *file)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return json_null();
	return json_sprintf("%jd %jd.%09ld %ju", (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			    st.st_mtim.tv_nsec, (uintmax_t)st.st_ino);
}

/* Copies a firmware file once the file itself has changed. The times of the copy do not count:
 * sessions can change them. */
static int firmware_copy(const char *file, char copy[FTP_PATH_MAX])
{
	json_t *state = firmware_state(file);
	int err = ftp_path(FIRMWARE "/", copy);
	size_t front = strlen(copy);

	if (!g_ftp.firmware)
		g_ftp.firmware = json_object();
	if (err || front + strlen(file) >= FTP_PATH_MAX || !json_is_string(state)) {
		json_decref(state);
		return -ENOENT;
	}
	for (size_t i = 0; !i || file[i - 1]; i++)
		copy[front + i] = file[i] == '/' ? '_' : file[i];
	if (!json_equal(state, json_object_get(g_ftp.firmware, file)) ||
	    !ftp_has_file(AT_FDCWD, copy))
		err = file_copy(AT_FDCWD, file, AT_FDCWD, copy, UINT64_MAX, 0400);
	if (!err)
		(void)json_object_set(g_ftp.firmware, file, state);
	json_decref(state);
	return err;
}

static bool is_part(const char *path, const char *sub)
{
	size_t n = strlen(sub);

	return n ? !strncmp(path, sub, n) && path[n] == '/' : !strchr(path, '/');
}

/* What a sub-folder has, or all of it where sub is NULL: its files, and of firmware what it is. */
static json_t *folder_state(const json_t *answer, const char *sub)
{
	json_t *state = json_array();
	const json_t *pair;
	size_t i;

	json_array_foreach(json_object_get(answer, "files"), i, pair)
	{
		json_t *path = json_array_get(pair, 0);

		if (!sub)
			(void)json_array_append(state, (json_t *)(uintptr_t)pair);
		else if (is_part(json_string_value(path), sub)) /* of a revision: so it stays */
			(void)json_array_append(state, path);
	}
	json_array_foreach(json_object_get(answer, "firmware"), i, pair)
	{
		json_t *path = json_array_get(pair, 0);

		if (sub && !is_part(json_string_value(path), sub))
			continue;
		(void)json_array_append(state, path);
		(void)json_array_append_new(
			state, firmware_state(json_string_value(json_array_get(pair, 1))));
	}
	return state;
}

/* Files of the answer that lie directly in that sub-folder, "": in the folder itself. 0 or
 * -errno. */
static int account_files(const struct ftp_folder *f, int fd, const char *sub, const json_t *answer,
			 bool *lacks_one)
{
	const json_t *pair;
	size_t i, front = sub[0] ? strlen(sub) + 1 : 0;
	int err = 0;

	json_array_foreach(json_object_get(answer, "files"), i, pair)
	{
		const char *path = json_string_value(json_array_get(pair, 0));
		bool brought = json_object_get(f->uploads, path);

		/* what the phone has brought stays as it is */
		if (!err && is_part(path, sub) && !(brought && ftp_has_file(fd, path)))
			err = file_put(fd, path + front, -1, 0,
				       bytes_str(json_string_value(json_array_get(pair, 1))),
				       brought ? 0600 : 0400);
	}
	json_array_foreach(json_object_get(answer, "firmware"), i, pair)
	{
		const char *path = json_string_value(json_array_get(pair, 0)),
			   *from = json_string_value(json_array_get(pair, 1));
		char copy[FTP_PATH_MAX];
		int lacks = is_part(path, sub) ? firmware_copy(from, copy) : 0;

		if (is_part(path, sub) && !lacks && linkat(AT_FDCWD, copy, fd, path + front, 0) < 0)
			lacks = -errno;
		if (!lacks)
			continue;
		*lacks_one = true;
		LOG_ERROR("ftp", 0, "a file of the firmware is not offered", LOG_STR("file", from),
			  LOG_STR("error", strerror(-lacks)));
	}
	return err;
}

/* In the place of what is there. Between folders of one name a session finds none. */
static int folder_place(struct ftp_folder *f, int root, const char *sub)
{
	char former[FTP_PATH_MAX + PART_MAX];
	int err;

	(void)snprintf(former, sizeof(former), "%s/%s/" FORMER_NAME, g_ftp.path, f->name);
	err = tree_delete(former);
	if (!err && renameat(root, sub, root, FORMER_NAME) < 0 && errno != ENOENT)
		err = -errno;
	if (!err && renameat(root, WORK_NAME, root, sub) < 0)
		err = -errno;
	(void)tree_delete(former);
	return err;
}

/* Lays a sub-folder where it is not there, or has changed: sessions see it whole and closed. */
static int folder_lay(struct ftp_folder *f, int root, const char *sub, const json_t *answer)
{
	char work[FTP_PATH_MAX + PART_MAX];
	struct ftp_watch *w = folder_watched(f, sub);
	json_t *state = folder_state(answer, sub);
	int fd = -1, err = 0;
	bool lacks = false;

	if (w && json_equal(w->laid, state))
		goto end;
	(void)snprintf(work, sizeof(work), "%s/%s/" WORK_NAME, g_ftp.path, f->name);
	err = tree_delete(work);
	if (!err && mkdirat(root, WORK_NAME, 0700) < 0)
		err = -errno;
	if (!err)
		fd = openat(root, WORK_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!err && fd < 0)
		err = -errno;
	if (!err)
		err = account_files(f, fd, sub, answer, &lacks);
	if (!err && fchmod(fd, 0500) < 0)
		err = -errno;
	if (!err)
		err = folder_watch(f, sub, WORK_NAME);
	if (!err)
		err = folder_place(f, root, sub);
	w = folder_watched(f, sub);
	if (w) {
		json_decref(w->laid);
		w->laid = err || lacks ? NULL : json_incref(state);
	}
	f->lacks |= lacks;
	if (fd >= 0)
		(void)close(fd);
end:
	json_decref(state);
	return err;
}

static int folder_list(struct ftp_folder *f, int root, const char *list, const json_t *answer)
{
	const json_t *pair;
	size_t i;
	int err = 0;

	json_array_foreach(json_object_get(answer, list), i, pair)
	{
		const char *path = json_string_value(json_array_get(pair, 0)),
			   *end = strchr(path, '/');
		char sub[PART_MAX];

		if (err || !end)
			continue;
		(void)snprintf(sub, sizeof(sub), "%.*s", (int)(end - path), path);
		err = folder_lay(f, root, sub, answer);
	}
	return err;
}

static int folder_fill(struct ftp_folder *f, int root, const json_t *answer)
{
	json_t *file;
	const char *name;
	int err;

	json_decref(f->uploads);
	f->uploads = json_deep_copy(json_object_get(answer, "uploads"));
	json_object_foreach(f->uploads, name, file)
	{
		if (!ftp_has_file(root, name))
			(void)file_copy(AT_FDCWD, json_string_value(file), root, name,
					FTP_UPLOAD_MAX, 0600);
	}
	err = folder_list(f, root, "files", answer);
	if (!err)
		err = folder_list(f, root, "firmware", answer);
	return err ? err
		   : account_files(f, root, "", answer,
				   &f->lacks); /* it names the others: so last */
}

/* One that is closed is laid whole, beside the former one, which those keep who are in it. */
static bool is_laid(const struct ftp_folder *f, const json_t *answer, uint64_t now_ns)
{
	json_t *state = folder_state(answer, NULL);
	bool same = f && f->again_ns > now_ns && json_equal(f->laid, state);

	json_decref(state);
	return same;
}

int ftp_folder_lay(const json_t *answer, uint64_t now_ns, char path[FTP_PATH_MAX])
{
	const char *account = json_text(answer, "account");
	bool closed = json_is_true(json_object_get(answer, "closed"));
	struct ftp_folder *f = ftp_account_find(account);
	bool is_there = closed && is_laid(f, answer, now_ns);
	int root = -1, err;

	if (!f || (closed && !is_there))
		f = ftp_account_make(account, closed ? NULL : account);
	err = f ? ftp_path(f->name, path) : -ENOSPC;
	if (f)
		f->until_ns = now_ns + g_ftp.kept_ns;
	if (err || is_there)
		return err;
	(void)mkdir(path, 0700);
	root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		err = -errno;
	if (!err)
		err = folder_watch(f, "", "");
	if (!err)
		err = folder_fill(f, root, answer);
	if (!err && closed && fchmod(root, 0500) < 0)
		err = -errno;
	if (!err && closed) {
		f->laid = folder_state(answer, NULL);
		f->again_ns = f->lacks ? now_ns + AGAIN_NS : UINT64_MAX;
	}
	if (root >= 0)
		(void)close(root);
	if (err && closed) {
		g_ftp.list = f->next;
		account_delete(f);
	}
	return err;
}

/* ---- what phones do ---- */

/* A session has written, or made, that. */
static void upload_settle(struct ftp_folder *f, const struct ftp_watch *w, const char *name,
			  bool folder)
{
	const char *to = w->name[0] ? NULL : json_string_value(json_object_get(f->uploads, name));
	char path[FTP_PATH_MAX + 2 * PART_MAX];
	struct stat st;
	int err = -EPERM;

	(void)snprintf(path, sizeof(path), "%s/%s/%s/%s", g_ftp.path, f->name, w->name, name);
	if (!strcmp(name, WORK_NAME) || lstat(path, &st) < 0 || (folder && !(st.st_mode & S_IWUSR)))
		return; /* its own work: what is closed was laid, as sessions change no rights */
	if (to && !folder) {
		parents_make(to);
		err = file_copy(AT_FDCWD, path, AT_FDCWD, to, FTP_UPLOAD_MAX, 0600);
	}
	if (err)
		(void)tree_delete(path);
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
	ftp_folders_empty(folder);
	json_decref(g_ftp.firmware);
	g_ftp.firmware = NULL;
	if (ftp_path(FIRMWARE, path) || mkdir(path, 0700) < 0)
		return -errno;
	g_ftp.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return g_ftp.fd < 0 ? -errno : 0;
}

int ftp_folders_fd(void)
{
	return g_ftp.fd;
}
