/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the node that lie apart, and are loaded where they are asked for: what they need, other hosts need not have. */
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

/*
 * The symbol of what lies in ../lib/tandem beside the program, in the build or beside the program itself. It stays loaded. NULL: why says in
 * words what is wrong. Before threads start.
 */
void *module_load(const struct module *m, char why[MODULE_TEXT_MAX]);

#endif
