/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot of the documents on disk (STATE_DIR/documents): written a moment after a change, as a whole. */
#ifndef APP_DOCUMENT_DOCUMENT_FILE_H
#define APP_DOCUMENT_DOCUMENT_FILE_H

#include "cluster/document/snapshot.h"

struct node;

/* A file as it was read; all zero: none. */
struct document_file {
	uint8_t *octets;
	size_t n;
	struct snapshot snapshot; /* points into it */
	uint32_t documents;
};

/* The tenants that it has, with their generations, onto the shelf. 0; -ENOENT: there is none; -EPROTONOSUPPORT: of a later program; -errno:
 * it cannot be used. */
int document_file_open(struct node *n, struct document_file *f);
/* All that it has onto the shelf. */
void document_file_take(struct node *n, struct document_file *f);
void document_file_wipe(struct document_file *f);
/* Twice a second. */
void document_file_beat(struct node *n, uint64_t now_ns);
/* Writes what is not on disk yet. */
void document_file_close(struct node *n);

#endif
