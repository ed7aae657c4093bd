/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents beside Redis: as Redis has them in memory, and as a snapshot (STATE_DIR/documents) on disk. A Redis that was
 * emptied under the node is given them again; one that knows of none at a start is given those of the snapshot.
 */
#ifndef APP_DOCUMENT_DOCUMENT_KEEP_H
#define APP_DOCUMENT_DOCUMENT_KEEP_H

#include <stdint.h>

struct node;
struct snapshot_document;

/* At start, before documents are loaded. Exit status. */
int document_keep_open(struct node *n);
/* Writes what is not on disk yet. */
void document_keep_close(struct node *n);
/* Redis has it; with an empty text: it was deleted. */
void document_keep_put(struct node *n, const struct snapshot_document *d);
/* Twice a second. */
void document_keep_beat(struct node *n, uint64_t now_ns);

#endif
