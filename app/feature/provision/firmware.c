/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware of phones: files of a folder, as the make has them (PROV-18). Their names are read at
 * the start and at a reload, so no request looks at a disk, and none leads out of that folder: only
 * what was found there is served. The web thread streams it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/feature/provision/device.h"
#include "app/feature/provision/provision_settings.h"
#include "app/node/node.h"
#include "app/settings/settings.h"
#include "app/web/web_route.h"
#include "base/log.h"

enum { FIRMWARE_FILES_MAX = 64, FIRMWARE_NAME_MAX = 64 };

static struct firmware {
	const char *family;
	uint32_t count;
	char names[FIRMWARE_FILES_MAX][FIRMWARE_NAME_MAX];
} g_firmware[] = { { .family = "polycom-8.5" }, { .family = "polycom-7.0" } };

static bool firmware_name_is_good(const char *name)
{
	return name[0] != '.' && strlen(name) < FIRMWARE_NAME_MAX &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "._-")];
}

static void firmware_read(struct firmware *f, const char *folder)
{
	char path[WEB_ROUTE_FILE_MAX];
	const struct dirent *e;
	struct stat st;
	DIR *dir;

	f->count = 0;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, f->family);
	dir = folder[0] ? opendir(path) : NULL;
	while (dir && f->count < FIRMWARE_FILES_MAX && (e = readdir(dir)) != NULL) {
		if (firmware_name_is_good(e->d_name) &&
		    !fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode))
			(void)snprintf(f->names[f->count++], FIRMWARE_NAME_MAX, "%s", e->d_name);
	}
	if (dir)
		(void)closedir(dir);
}

void firmware_reload(const struct node *n)
{
	for (size_t i = 0; i < COUNT_OF(g_firmware); i++) {
		firmware_read(&g_firmware[i], provision_settings_of(n->settings)->firmware);
		if (g_firmware[i].count)
			LOG_INFO("provision", 0, "firmware of phones",
				 LOG_STR("family", g_firmware[i].family),
				 LOG_U64("files", g_firmware[i].count));
	}
}

static const struct firmware *firmware_of(const char *family)
{
	for (size_t i = 0; i < COUNT_OF(g_firmware); i++) {
		if (!strcmp(g_firmware[i].family, family))
			return &g_firmware[i];
	}
	return NULL;
}

const char *firmware_name(const char *family, uint32_t index)
{
	const struct firmware *f = firmware_of(family);

	return f && index < f->count ? f->names[index] : NULL;
}

bool firmware_path(const struct node *n, const char *family, struct bytes name, char *out,
		   size_t size)
{
	const struct firmware *f = firmware_of(family);

	for (uint32_t i = 0; f && i < f->count; i++) {
		if (!bytes_is(name, f->names[i]))
			continue;
		return !out ||
		       snprintf(out, size, "%s/%s/%s", provision_settings_of(n->settings)->firmware,
				family, f->names[i]) < (int)size;
	}
	return false;
}

bool firmware_has_application(const char *family)
{
	static const char end[] = "sip.ld"; /* of split images behind a part number */
	const struct firmware *f = firmware_of(family);

	for (uint32_t i = 0; f && i < f->count; i++) {
		size_t n = strlen(f->names[i]);

		if (n >= sizeof(end) - 1 && !strcmp(f->names[i] + n - sizeof(end) + 1, end))
			return true;
	}
	return false;
}
