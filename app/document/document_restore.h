/* SPDX-License-Identifier: Apache-2.0 */
/* Puts documents back into a Redis that has lost them: those of the tenants that directory.h says are lost, of each the newest version. */
#ifndef APP_DOCUMENT_DOCUMENT_RESTORE_H
#define APP_DOCUMENT_DOCUMENT_RESTORE_H

#include <stdbool.h>

struct node;
struct snapshot_document;

/* Ends in directory_restored, at start in node_wait_end. */
void document_restore_begin(struct node *n);

/* Another node, which has not heard of its deletion, has put it back: it is deleted again. False: it is newer, or none was deleted. */
bool document_refuse_gone(struct node *n, const struct snapshot_document *d);

#endif
