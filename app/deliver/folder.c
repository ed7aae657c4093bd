/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks and changes the folder of recordings, where the suffixes of files are the only state of
 * tandem-store (folder.h has them). Changes are made in an order by which a crash at any point
 * leaves a file that the next walk finds. tandemctl backup reads recordings by it, too.
 */

#include "app/deliver/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

const char *const g_folder_states[] = { "new", "job", "done", "dead", NULL };

#define RUNNING_ENDING ".json.new"

/* ---- names ---- */

void folder_path(char out[FOLDER_PATH_MAX], const char *folder, const char *path,
		 const char *ending)
{
	(void)snprintf(out, FOLDER_PATH_MAX, "%s/%s%s%s", folder, path, ending[0] ? "." : "",
		       ending);
}

static bool folder_is_date(struct bytes name)
{
	if (name.n != sizeof("2026-11-25") - 1)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (i == 4 || i == 7 ? name.p[i] != '-' : !isdigit(name.p[i]))
			return false;
	}
	return true;
}

int folder_make(const char *base, const char *path)
{
	char folder[FOLDER_PATH_MAX];

	if (mkdir(base, 0700) < 0 && errno != EEXIST)
		return -errno;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(folder, sizeof(folder), "%s/%.*s", base, (int)(slash - path), path);
		if (mkdir(folder, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

bool folder_path_fits(struct bytes path)
{
	struct bytes tenant, date;

	return path.n < QUEUE_PATH_MAX && bytes_cut(&path, '/', &tenant) &&
	       bytes_cut(&path, '/', &date) && folder_is_date(date) &&
	       sidecar_name_fits(tenant, SIDECAR_TENANT_MAX - 1) &&
	       sidecar_name_fits(path, SIDECAR_FILE_MAX - 1);
}

void folder_tenant(const char *path, char out[SIDECAR_TENANT_MAX])
{
	(void)snprintf(out, SIDECAR_TENANT_MAX, "%.*s", (int)strcspn(path, "/"), path);
}

/* ---- walking ---- */

struct folder_walk {
	const char *folder, *tenant, *since;
	bool running, all, back;
	folder_fn *fn;
	void *arg;
};

static int folder_filter(const struct dirent *entry)
{
	return sidecar_name_fits(bytes_str(entry->d_name), 128);
}

static bool folder_has_name(struct dirent *const *list, int n, const char *wanted)
{
	int low = 0, high = n;

	while (low < high) {
		int middle = (low + high) / 2, order = strcmp(list[middle]->d_name, wanted);

		if (!order)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool folder_has(struct dirent *const *list, int n, const char *name, size_t length,
		       const char *ending)
{
	char wanted[NAME_MAX + 1];

	(void)snprintf(wanted, sizeof(wanted), "%.*s%s%s", (int)length, name, ending[0] ? "." : "",
		       ending);
	return folder_has_name(list, n, wanted);
}

static enum folder_state folder_state_of(struct dirent *const *list, int n, const char *name,
					 size_t length)
{
	for (unsigned state = FOLDER_JOB; state < FOLDER_STATES; state++) {
		if (folder_has(list, n, name, length, g_folder_states[state]))
			return (enum folder_state)state;
	}
	return FOLDER_NEW;
}

static int folder_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* What stands behind a name, and what that says: the first of them that is there. */
static const struct folder_trace {
	const char *ending;
	enum folder_gone gone;
} g_traces[] = {
	{ "json", FOLDER_HERE },         { "deleted", FOLDER_DELETED },
	{ "replaced", FOLDER_REPLACED }, { "listed", FOLDER_VANISHED },
	{ "lost", FOLDER_VANISHED },
};

/* What the file of the list says, if its recording is found by it; else FOLDER_NOTHING.
 * length: of the name then. */
static enum folder_gone folder_found(struct dirent *const *list, int n, const char *file,
				     size_t *length)
{
	const char *dot = strrchr(file, '.');
	size_t which = 0;

	while (dot && which < COUNT_OF(g_traces) && strcmp(dot + 1, g_traces[which].ending) != 0)
		which++;
	if (!dot || which == COUNT_OF(g_traces))
		return FOLDER_NOTHING;
	*length = (size_t)(dot - file);
	for (size_t i = 0; i < which; i++) {
		if (folder_has(list, n, file, *length, g_traces[i].ending))
			return FOLDER_NOTHING;
	}
	return g_traces[which].gone;
}

static enum folder_gone folder_finds(const struct folder_walk *walk, struct dirent *const *list,
				     int n, const char *file, size_t *length)
{
	size_t whole = strlen(file), tail = sizeof(RUNNING_ENDING) - 1;
	enum folder_gone gone;

	if (walk->running) {
		*length = whole - tail;
		return whole > tail && !strcmp(file + whole - tail, RUNNING_ENDING) &&
				       !folder_has(list, n, file, *length, "json")
			       ? FOLDER_HERE
			       : FOLDER_NOTHING;
	}
	gone = folder_found(list, n, file, length);
	return walk->all || gone == FOLDER_HERE ? gone : FOLDER_NOTHING;
}

static void folder_entry_fill(struct folder_entry *entry, struct dirent *const *list, int n,
			      const char *name, size_t length)
{
	entry->state = folder_state_of(list, n, name, length);
	entry->coded = folder_has(list, n, name, length, "coded");
	entry->apart = folder_has(list, n, name, length, "apart");
	entry->boxed = folder_has(list, n, name, length, FOLDER_BOX);
	if (entry->gone == FOLDER_HERE && !folder_has(list, n, name, length, ""))
		entry->gone = FOLDER_LOST;
	entry->listed =
		(entry->gone == FOLDER_HERE && folder_has(list, n, name, length, "listed")) ||
		(entry->gone == FOLDER_LOST && folder_has(list, n, name, length, "lost"));
}

static bool folder_files(const struct folder_walk *walk, const char *tenant, const char *date,
			 struct dirent *const *list, int n)
{
	struct folder_entry entry = { .tenant = tenant, .date = date };
	bool more = true;

	for (int i = 0; more && i < n; i++) {
		const char *file = list[walk->back ? n - 1 - i : i]->d_name;
		size_t length = 0;
		int put;

		entry.gone = folder_finds(walk, list, n, file, &length);
		if (entry.gone == FOLDER_NOTHING || !length)
			continue;
		put = snprintf(entry.path, sizeof(entry.path), "%s/%s/%.*s", tenant, date,
			       (int)length, file);
		if (put < 0 || (size_t)put >= sizeof(entry.path))
			continue;
		folder_entry_fill(&entry, list, n, file, length);
		more = walk->fn(&entry, walk->arg);
	}
	return more;
}

static void folder_list_free(struct dirent **list, int n)
{
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static bool folder_date(const struct folder_walk *walk, const char *tenant, const char *date)
{
	char path[FOLDER_PATH_MAX];
	struct dirent **list = NULL;
	bool more = true;
	int n;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", walk->folder, tenant, date);
	n = scandir(path, &list, folder_filter, folder_order);
	if (n > 0)
		more = folder_files(walk, tenant, date, list, n);
	if (n >= 0)
		folder_list_free(list, n);
	return more;
}

static bool folder_dates(const struct folder_walk *walk, const char *tenant)
{
	char path[FOLDER_PATH_MAX];
	struct dirent **list = NULL;
	bool more = true;
	int n;

	(void)snprintf(path, sizeof(path), "%s/%s", walk->folder, tenant);
	n = scandir(path, &list, folder_filter, folder_order);
	for (int i = 0; more && i < n; i++) {
		const char *date = list[walk->back ? n - 1 - i : i]->d_name;

		if (folder_is_date(bytes_str(date)) &&
		    (!walk->since || strcmp(date, walk->since) >= 0))
			more = folder_date(walk, tenant, date);
	}
	if (n >= 0)
		folder_list_free(list, n);
	return more;
}

static bool folder_tenants(const struct folder_walk *walk)
{
	struct dirent **list = NULL;
	bool more = true;
	int n = scandir(walk->folder, &list, folder_filter, folder_order);

	for (int i = 0; more && i < n; i++)
		more = folder_dates(walk, list[i]->d_name);
	if (n >= 0)
		folder_list_free(list, n);
	return more;
}

bool folder_walk(const char *folder, const char *tenant, const char *since, folder_fn *fn,
		 void *arg)
{
	const struct folder_walk walk = { folder, tenant, since, .fn = fn, .arg = arg };

	return tenant && tenant[0] ? folder_dates(&walk, tenant) : folder_tenants(&walk);
}

bool folder_walk_back(const char *folder, const char *tenant, const char *since, folder_fn *fn,
		      void *arg)
{
	const struct folder_walk walk = {
		folder, tenant, since, .back = true, .fn = fn, .arg = arg
	};

	return tenant && tenant[0] ? folder_dates(&walk, tenant) : folder_tenants(&walk);
}

void folder_walk_all(const char *folder, const char *since, folder_fn *fn, void *arg)
{
	const struct folder_walk walk = { folder, NULL, since, .all = true, .fn = fn, .arg = arg };

	(void)folder_tenants(&walk);
}

bool folder_walk_running(const char *folder, const char *since, folder_fn *fn, void *arg)
{
	const struct folder_walk walk = {
		folder, NULL, since, .running = true, .fn = fn, .arg = arg
	};

	return folder_tenants(&walk);
}

/* ---- files ---- */

static int folder_read(const char *path, char **text, size_t *n, size_t most)
{
	int fd = file_read_open(path), err = 0;
	ssize_t got;

	if (fd < 0)
		return fd;
	*text = malloc(most + 1);
	if (!*text) {
		(void)close(fd);
		return -ENOMEM;
	}
	got = read(fd, *text, most + 1);
	if (got < 0)
		err = -errno;
	else if ((size_t)got > most)
		err = -EFBIG;
	(void)close(fd);
	if (err) {
		free(*text);
		return err;
	}
	(*text)[got] = '\0';
	*n = (size_t)got;
	return 0;
}

int folder_sidecar_load(const char *folder, const char *path, char **text, size_t *n)
{
	char name[FOLDER_PATH_MAX];

	folder_path(name, folder, path, "json");
	return folder_read(name, text, n, SIDECAR_MAX);
}

int folder_trace_load(const char *folder, const char *path, enum folder_gone gone, char **text,
		      size_t *n)
{
	char name[FOLDER_PATH_MAX];

	folder_path(name, folder, path, gone == FOLDER_DELETED ? "deleted" : "replaced");
	return folder_read(name, text, n, SIDECAR_MAX);
}

int folder_job_read(const char *folder, const char *path, enum folder_state state, struct job *out)
{
	char name[FOLDER_PATH_MAX], *text = NULL;
	size_t n = 0;
	int err;

	folder_path(name, folder, path, g_folder_states[state]);
	err = folder_read(name, &text, &n, JOB_TEXT_MAX);
	if (err)
		return err;
	err = job_parse(out, bytes_mem(text, n));
	free(text);
	return err;
}

int folder_job_write(const char *folder, const char *path, const struct job *j)
{
	char name[FOLDER_PATH_MAX], text[JOB_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));

	job_write(&w, j);
	if (w.overflow)
		return -EFBIG;
	folder_path(name, folder, path, g_folder_states[FOLDER_JOB]);
	return file_replace(name, 0600, writer_done(&w));
}

int folder_state_change(const char *folder, const char *path, enum folder_state from,
			enum folder_state to)
{
	char before[FOLDER_PATH_MAX], after[FOLDER_PATH_MAX];

	folder_path(before, folder, path, g_folder_states[from]);
	folder_path(after, folder, path, g_folder_states[to]);
	return rename(before, after) < 0 ? -errno : 0;
}

int folder_state_forget(const char *folder, const char *path, enum folder_state state)
{
	char name[FOLDER_PATH_MAX];

	folder_path(name, folder, path, g_folder_states[state]);
	return unlink(name) < 0 && errno != ENOENT ? -errno : 0;
}

/* ---- deleting ---- */

static int folder_unlink(const char *folder, const char *path, const char *const *endings, size_t n)
{
	char name[FOLDER_PATH_MAX];

	for (size_t i = 0; i < n; i++) {
		folder_path(name, folder, path, endings[i]);
		if (unlink(name) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* The trace that stays until Redis knows has all it needs. */
int folder_delete(const char *folder, const char *path, enum folder_gone how)
{
	static const char *const first[] = { "",    "sealing", "joining", "coding",
					     "job", "coded",   "apart",   FOLDER_BOX };
	static const char *const last[] = { "dead", "done", "listed", "lost", "json" };
	char from[FOLDER_PATH_MAX], to[FOLDER_PATH_MAX];
	int err = folder_unlink(folder, path, first, COUNT_OF(first));

	if (err || how == FOLDER_NOTHING)
		return err ? err : folder_unlink(folder, path, last, COUNT_OF(last));
	folder_path(from, folder, path, "json");
	folder_path(to, folder, path, how == FOLDER_DELETED ? "deleted" : "replaced");
	return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

/* ---- what Redis knows ---- */

static bool folder_has_file(const char *folder, const char *path, const char *ending)
{
	char name[FOLDER_PATH_MAX];

	folder_path(name, folder, path, ending);
	return access(name, F_OK) == 0;
}

enum folder_gone folder_look(const char *folder, const char *path)
{
	for (size_t i = 0; i < COUNT_OF(g_traces); i++) {
		if (!folder_has_file(folder, path, g_traces[i].ending))
			continue;
		return g_traces[i].gone == FOLDER_HERE && !folder_has_file(folder, path, "")
			       ? FOLDER_LOST
			       : g_traces[i].gone;
	}
	return FOLDER_NOTHING;
}

int folder_mark(const char *folder, const char *path, const char *ending)
{
	char name[FOLDER_PATH_MAX];
	int fd;

	folder_path(name, folder, path, ending);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

int folder_listed(const char *folder, const char *path, enum folder_gone gone)
{
	static const char *const traces[] = { "lost", "deleted", "replaced" };
	static const char *const rest[] = {
		"deleted", "replaced", "dead", "done", "lost", "listed"
	};
	int err;

	switch (gone) {
	case FOLDER_HERE:
		err = folder_mark(folder, path, "listed");
		return err ? err : folder_unlink(folder, path, traces, COUNT_OF(traces));
	case FOLDER_LOST:
		err = folder_mark(folder, path, "lost");
		return err ? err : folder_unlink(folder, path, rest + COUNT_OF(rest) - 1, 1);
	case FOLDER_DELETED:
	case FOLDER_REPLACED:
	case FOLDER_VANISHED:
		return folder_unlink(folder, path, rest, COUNT_OF(rest));
	case FOLDER_NOTHING:
		break;
	}
	return 0;
}

void folder_unlisted(const char *folder, const char *path)
{
	static const char *const traces[] = { "listed", "lost" };

	(void)folder_unlink(folder, path, traces, COUNT_OF(traces));
}

void folder_day(char out[FOLDER_DATE_LEN + 1], uint64_t utc_s)
{
	time_t t = (time_t)utc_s;
	struct tm tm;

	out[0] = '\0';
	if (!gmtime_r(&t, &tm) || !strftime(out, FOLDER_DATE_LEN + 1, "%Y-%m-%d", &tm))
		out[0] = '\0';
}
