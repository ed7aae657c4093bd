/* SPDX-License-Identifier: Apache-2.0 */
/* Puts documents back into a Redis that has lost them: those of the tenants that directory.h says are lost, of each the newest version. */
#ifndef APP_DOCUMENT_DOCUMENT_RESTORE_H
#define APP_DOCUMENT_DOCUMENT_RESTORE_H

struct node;

/* Ends in directory_restored, at start in node_wait_end. */
void document_restore_begin(struct node *n);

#endif
