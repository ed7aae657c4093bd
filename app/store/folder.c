/* SPDX-License-Identifier: Apache-2.0 */
#include "app/store/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

const char *const g_folder_states[] = { "new", "job", "done", "dead", NULL };

#define SIDECAR_ENDING ".json"
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
	bool running;
	folder_fn *fn;
	void *arg;
};

static int folder_filter(const struct dirent *entry)
{
	return sidecar_name_fits(bytes_str(entry->d_name), 128);
}

static bool folder_has(struct dirent *const *list, int n, const char *name, size_t length,
		       const char *ending)
{
	char wanted[NAME_MAX + 1];
	int low = 0, high = n;

	(void)snprintf(wanted, sizeof(wanted), "%.*s.%s", (int)length, name, ending);
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

static bool folder_files(const struct folder_walk *walk, const char *tenant, const char *date,
			 struct dirent *const *list, int n)
{
	struct folder_entry entry = { .tenant = tenant, .date = date };
	const char *ending = walk->running ? RUNNING_ENDING : SIDECAR_ENDING;
	bool more = true;

	for (int i = 0; more && i < n; i++) {
		size_t length = strlen(list[i]->d_name), tail = strlen(ending);
		int put;

		if (length <= tail || strcmp(list[i]->d_name + length - tail, ending) != 0)
			continue;
		length -= tail;
		if (walk->running && folder_has(list, n, list[i]->d_name, length, "json"))
			continue;
		put = snprintf(entry.path, sizeof(entry.path), "%s/%s/%.*s", tenant, date,
			       (int)length, list[i]->d_name);
		if (put < 0 || (size_t)put >= sizeof(entry.path))
			continue;
		entry.state = folder_state_of(list, n, list[i]->d_name, length);
		entry.coded = folder_has(list, n, list[i]->d_name, length, "coded");
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
		if (folder_is_date(bytes_str(list[i]->d_name)) &&
		    (!walk->since || strcmp(list[i]->d_name, walk->since) >= 0))
			more = folder_date(walk, tenant, list[i]->d_name);
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
	const struct folder_walk walk = { folder, tenant, since, false, fn, arg };

	return tenant && tenant[0] ? folder_dates(&walk, tenant) : folder_tenants(&walk);
}

bool folder_walk_running(const char *folder, const char *since, folder_fn *fn, void *arg)
{
	const struct folder_walk walk = { folder, NULL, since, true, fn, arg };

	return folder_tenants(&walk);
}

/* ---- files ---- */

static int folder_read(const char *path, char **text, size_t *n, size_t most)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
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

int folder_job_read(const char *folder, const char *path, enum folder_state state, struct job *out)
{
	char name[FOLDER_PATH_MAX], *text;
	size_t n;
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

int folder_delete(const char *folder, const char *path)
{
	static const char *const endings[] = { "",     "sealing", "joining", "coding", "job",
					       "dead", "done",    "coded",   "json" };
	char name[FOLDER_PATH_MAX];

	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		folder_path(name, folder, path, endings[i]);
		if (unlink(name) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}
