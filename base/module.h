/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of the node that are loaded only when they are asked for, so that other hosts do not need
 * their libraries.
 */
#ifndef BASE_MODULE_H
#define BASE_MODULE_H

#include <stddef.h>

enum { MODULE_TEXT_MAX = 512 };

struct module {
	const char *file;   /* its name, such as "port_dpdk.so" */
	const char *folder; /* of a build's, where it is left */
	const char *symbol; /* the only one it has */
	const char *needs;  /* "DPDK": without that it is not built */
};

/* Loads the symbol from ../lib/tandem beside the program, from the build, or from beside the
 * program itself. The module stays loaded. Returns NULL with the reason in `why`. Before threads
 * start. */
void *module_load(const struct module *m, char why[MODULE_TEXT_MAX]);

#endif
