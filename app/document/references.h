/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which documents name which others: by the table of fields (struct field.refers), and by verbs of
 * flows (struct verb_arg.kind), over all known documents. A deletion reports the documents that
 * name it, a put the missing ones. Control thread.
 */
#ifndef APP_DOCUMENT_REFERENCES_H
#define APP_DOCUMENT_REFERENCES_H

#include <jansson.h>

#include "app/schema/field.h"
#include "cluster/document/mirror.h"

struct command_run;
struct document_kind;
struct node;

/* All zero: empty. */
struct references {
	json_t *named; /* {tenant/kind/name of the target: {kind/name of the source: field}} */
	json_t *names; /* {tenant/kind/name of the source: [its targets]} */
};

void references_close(struct references *r);
/* A document counts from now on, with that value; value NULL: no longer. */
void references_note(struct node *n, const struct document_kind *kind,
		     const struct snapshot_document *d, const void *value);
/* Each that a document names. path: which field, or where in a flow. */
typedef void reference_fn(void *arg, const char *path, const struct reference *what);
void references_each(const struct node *n, const struct document_kind *kind, uint16_t tenant,
		     const void *value, reference_fn *fn, void *arg);
/* Sources that name it: {kind/name: field}. Not itself, nor those that a checked set puts or
 * deletes. New reference. */
json_t *references_to(const struct node *n, const char *tenant, const char *kind, const char *name);
/* The target exists, or will by the set that is checked. */
bool reference_exists(const struct node *n, uint16_t tenant, const struct reference *what);
/* The run may delete it: nothing names it, or force is given. False: the run has failed. */
bool references_let_go(struct command_run *run, const struct document_kind *kind, const char *name);
/* By that field of the source, kind/name as in references_to, it goes where its target goes. */
bool reference_goes_with(const char *source, const char *path);
/* Adds a sentence for each that the value names and that is not there. */
void references_warn(const struct node *n, const struct document_kind *kind, uint16_t tenant,
		     const void *value, json_t *out);

#endif
