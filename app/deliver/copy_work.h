/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The children that move copies (docs/adr/0048): one that brings what is new to the neighbour, and one for each node that brings its own here.
 * They wait as long as they like. What they count is in memory that they share with the process.
 */
#ifndef APP_DELIVER_COPY_WORK_H
#define APP_DELIVER_COPY_WORK_H

#include <stdatomic.h>

#include "app/deliver/copy_link.h"
#include "app/deliver/folder.h"
#include "app/deliver/terms.h"

enum { COPY_TAKERS_MAX = 16 };

struct copy_shared {
	/* of the one that brings */
	_Atomic uint64_t whole_ms; /* when all that should be there was */
	_Atomic uint64_t sent;     /* octets */
	_Atomic uint64_t refused;  /* the neighbour had no room */
	/* of those that take */
	_Atomic uint64_t held; /* octets of others' */
	_Atomic uint64_t full; /* times that one was refused */
	struct copy_taken {
		_Atomic uint64_t other; /* who brings; 0: has not proved it */
		_Atomic uint64_t heard_ms;
	} taken[COPY_TAKERS_MAX];
};

/* Until it fails. -errno. */
int copy_send(const struct terms *terms, struct copy_link *link, struct copy_shared *shared);
/* The other has copies that nobody needs any more, as a neighbour has all: they go. 0 or -errno. */
int copy_clear(const struct terms *terms, struct copy_link *link, struct copy_shared *shared);
int copy_take(const struct terms *terms, struct copy_link *link, struct copy_shared *shared,
	      struct copy_taken *slot);

/* FOLDER/.copies/NODE; NODE 0: all. */
void copy_folder(char out[FOLDER_PATH_MAX], const char *folder, uint64_t node);

#endif
