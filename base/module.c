/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a shared object of the node with dlopen, and names in words what is missing where that
 * fails. The DPDK port and the G.729 codec are such modules, so that a host without their libraries
 * can run tandem. It looks beside the program, in the build folder and in ../lib/tandem, never in
 * the linker's search path, and never unloads a module, because DPDK's threads would go on in its
 * code.
 */

#include "base/module.h"

#include <dlfcn.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/compiler.h"

enum { PATH_LENGTH = 2048 };

static bool program_folder(char out[PATH_LENGTH], const char **folder)
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_LENGTH - 1);

	if (n <= 0)
		return false;
	out[n] = '\0';
	*folder = dirname(out);
	return true;
}

/* From the folder of the program on. */
static int module_path(char out[PATH_LENGTH], const char *folder, const struct module *m, int place)
{
	switch (place) {
	case 0:
		return snprintf(out, PATH_LENGTH, "%s/../lib/tandem/%s", folder, m->file);
	case 1:
		return snprintf(out, PATH_LENGTH, "%s/../%s/%s", folder, m->folder, m->file);
	case 2:
		return snprintf(out, PATH_LENGTH, "%s/%s", folder, m->file);
	default:
		return 0;
	}
}

/* Once it is loaded, what it has started does not end. */
static void *module_open(const struct module *m, const char *folder, char why[MODULE_TEXT_MAX])
{
	char path[PATH_LENGTH];
	void *opened = NULL;
	int n;

	for (int place = 0; !opened && (n = module_path(path, folder, m, place)) > 0; place++) {
		if (n >= PATH_LENGTH || access(path, R_OK) != 0)
			continue;
		opened = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
		if (!opened)
			(void)snprintf(why, MODULE_TEXT_MAX, "%s", dlerror());
	}
	return opened;
}

void *module_load(const struct module *m, char why[MODULE_TEXT_MAX])
{
	char program[PATH_LENGTH];
	const char *folder;
	void *opened, *symbol;

	(void)snprintf(why, MODULE_TEXT_MAX,
		       "there is no %s: it was built without %s, or not installed", m->file,
		       m->needs);
	opened = program_folder(program, &folder) ? module_open(m, folder, why) : NULL;
	if (!opened)
		return NULL;
	symbol = dlsym(opened, m->symbol);
	if (!symbol)
		(void)snprintf(why, MODULE_TEXT_MAX, "%s is not one of ours", m->file);
	return symbol;
}
