/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot of the documents on disk (STATE_DIR/documents): written a moment after a change, as a whole. */
#ifndef APP_DOCUMENT_DOCUMENT_FILE_H
#define APP_DOCUMENT_DOCUMENT_FILE_H

#include <stdint.h>

struct node;

/* Onto the shelf. 0; -ENOENT: there is none; -EPROTONOSUPPORT: of a later program; -errno: it cannot be used. */
int document_file_read(struct node *n);
/* Twice a second. */
void document_file_beat(struct node *n, uint64_t now_ns);
/* Writes what is not on disk yet. */
void document_file_close(struct node *n);

#endif
