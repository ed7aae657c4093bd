/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents beside Redis: as Redis has them in memory, and as a snapshot (STATE_DIR/documents) on disk. A Redis that was
 * emptied under the node is given them again; one that knows of none at a start is given those of the snapshot.
 */
#ifndef APP_DOCUMENT_DOCUMENT_KEEP_H
#define APP_DOCUMENT_DOCUMENT_KEEP_H

#include "base/bytes.h"

struct node;

/* At start, before documents are loaded. Exit status. */
int document_keep_open(struct node *n);
/* Writes what is not on disk yet. */
void document_keep_close(struct node *n);
/* Redis has it, with this version. */
void document_keep_put(struct node *n, const char *kind, struct bytes name, uint64_t version,
		       struct bytes json);
void document_keep_delete(struct node *n, const char *kind, struct bytes name, uint64_t version);
/* Redis is back, and may have lost what it had: looks, and puts back. */
void document_keep_check(struct node *n);
/* Twice a second. */
void document_keep_beat(struct node *n, uint64_t now_ns);

#endif
