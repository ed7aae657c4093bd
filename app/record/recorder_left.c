/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for recordings that an earlier process left behind (left.h), at the start. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/record/left.h"
#include "app/record/recorder_state.h"
#include "base/clock.h"
#include "base/log.h"

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

/* Of a conference that this node has forgotten: it died, or another one went on with it. */
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

void *recorder_left(void *arg)
{
	const struct recorder *r = arg;

	names_look(r);
	left_each(r, r->settings.folder, "", left_tenant);
	return NULL;
}
