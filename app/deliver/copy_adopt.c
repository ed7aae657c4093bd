/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of a node that is gone for good become recordings of this node, by rename: from then on they are delivered as its own, under the name
 * that they had. One that was not whole when its owner was lost has another name, NAME.cut.wav, so that it never takes the place of a whole one
 * that the owner has delivered.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "app/record/left.h"
#include "base/file.h"
#include "base/log.h"

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
			  "a copy of a recording whose node is gone cannot be taken over",
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

uint32_t copy_adopt(struct process *p, uint64_t node)
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

uint64_t copy_held(const struct process *p)
{
	char all[FOLDER_PATH_MAX];

	copy_folder(all, p->terms.folder, 0);
	g_held = 0;
	(void)nftw(all, copy_held_add, 8, FTW_PHYS);
	return g_held;
}
