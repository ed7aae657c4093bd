/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of documents: a value of a kind, from its text to what is shown of it. Values
 * may hold secrets: who has one drops it. Control thread. */
#ifndef APP_DOCUMENT_DOCUMENT_VALUE_H
#define APP_DOCUMENT_DOCUMENT_VALUE_H

#include "app/document/document.h"

json_t *document_view(const struct node *node, const struct document_kind *kind, uint16_t tenant,
		      const void *value);
void document_warn(const struct node *node, const struct document_kind *kind, uint16_t tenant,
		   const void *value, json_t *out);
/* How many the tenant has, and all others together. */
uint32_t document_count(const struct node *node, const char *tenant,
			const struct document_kind *kind, uint32_t *others);
/* The value of that text, malloc'ed; NULL: unreadable, see *err. */
void *document_parse(const struct node *node, const struct document_kind *kind, struct bytes text,
		     int *err);
void document_drop(const struct document_kind *kind, void *value);
/* {field: [before, after]} of both views; a missing one has an empty view. */
json_t *document_differs(const struct command_run *run, const struct document_kind *kind,
			 const void *before, const void *after);
/* By the kind's function, else by its form. */
json_t *document_write(struct node *node, const struct document_kind *kind, const void *value);
/* The first field of a form names it, a text. */
void document_name(const struct document_kind *kind, const void *value,
		   char name[DOCUMENT_NAME_MAX]);

#endif
