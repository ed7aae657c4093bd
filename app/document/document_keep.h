/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents beside Redis: as in Redis, in memory, and as a snapshot (STATE_DIR/documents) on
 * disk. A Redis that was emptied under the node gets them again; one without documents at a start
 * gets those of the snapshot.
 */
#ifndef APP_DOCUMENT_DOCUMENT_KEEP_H
#define APP_DOCUMENT_DOCUMENT_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "cluster/document/mirror.h"

struct node;
struct snapshot_document;

/* At start, before documents are loaded. Exit status. */
int document_keep_open(struct node *n);
/* Writes what is not on disk yet. */
void document_keep_close(struct node *n);
void document_keep_setup(void); /* registers the metrics; main thread, once */
/* Redis has it; with an empty text: it was deleted. 0, -ENOSPC or -ENOMEM. */
int document_keep_put(struct node *n, const struct snapshot_document *d);
/* Its result on this node: after -ENOSPC or -ENOMEM it has no place; see /healthz. */
void document_keep_note(struct node *n, const struct snapshot_document *d, int err);
/* One of that kind without a place. False: none. */
bool document_keep_unplaced(const struct node *n, const char *kind, struct snapshot_document *out);
/* A document was refused because the tenant or the node is full. */
void document_keep_refused(void);
/* Twice a second. */
void document_keep_beat(struct node *n, uint64_t now_ns);

/* The snapshot of documents on disk, STATE_DIR/documents: written whole, soon after a change. */

struct node;

/* A file as it was read; all zero: none. */
struct document_file {
	uint8_t *octets;
	size_t n;
	struct snapshot snapshot; /* points into it */
	uint32_t documents;
};

/* Puts documents back into a Redis that lost them:
 * those of lost tenants (directory.h), the newest version of each. */

struct node;
struct snapshot_document;

/* Ends in directory_restored, at start in node_wait_end. */
void document_restore_start(struct node *n);

/* A node that has not heard of its deletion has put it back: deletes it again.
 * False: it is newer, or was not deleted. */
bool document_refuse_gone(struct node *n, const struct snapshot_document *d);

#endif
