/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents beside Redis: as Redis has them in memory, and as a snapshot (STATE_DIR/documents) on disk. A Redis that was
 * emptied under the node is given them again; one that knows of none at a start is given those of the snapshot.
 */
#ifndef APP_DOCUMENT_DOCUMENT_KEEP_H
#define APP_DOCUMENT_DOCUMENT_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "cluster/document/shelf.h"

struct node;
struct snapshot_document;

/* At start, before documents are loaded. Exit status. */
int document_keep_open(struct node *n);
/* Writes what is not on disk yet. */
void document_keep_close(struct node *n);
void document_keep_setup(void); /* registers the metrics; main thread, once */
/* Redis has it; with an empty text: it was deleted. 0, -ENOSPC or -ENOMEM. */
int document_keep_put(struct node *n, const struct snapshot_document *d);
/* What became of it here: with -ENOSPC or -ENOMEM it has no place, and /healthz says so until it has. */
void document_keep_note(struct node *n, const struct snapshot_document *d, int err);
/* One of that kind that has no place where it counts. False: there is none. */
bool document_keep_unplaced(const struct node *n, const char *kind, struct snapshot_document *out);
/* A document was refused because the tenant, or the node, has so many. */
void document_keep_refused(void);
/* Twice a second. */
void document_keep_beat(struct node *n, uint64_t now_ns);

/* The snapshot of the documents on disk (STATE_DIR/documents): written a moment after a change, as a whole. */

struct node;

/* A file as it was read; all zero: none. */
struct document_file {
	uint8_t *octets;
	size_t n;
	struct snapshot snapshot; /* points into it */
	uint32_t documents;
};

/* Puts documents back into a Redis that has lost them: those of the tenants that directory.h says are lost, of each the newest version. */

struct node;
struct snapshot_document;

/* Ends in directory_restored, at start in node_wait_end. */
void document_restore_begin(struct node *n);

/* Another node, which has not heard of its deletion, has put it back: it is deleted again. False: it is newer, or none was deleted. */
bool document_refuse_gone(struct node *n, const struct snapshot_document *d);

#endif
