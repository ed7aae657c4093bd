/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents in files: YAML or JSON, several in one file, or CSV with one per row. Each field has
 * its position. Values become the types of KIND.put in the command table; unknown ones stay as they
 * are, for the node to refuse. Pure, except that it reads files of secrets.
 */
#ifndef APP_CTL_CTL_DOCUMENTS_H
#define APP_CTL_CTL_DOCUMENTS_H

#include <jansson.h>
#include <stdio.h>

#include "base/bytes.h"

struct command;

struct ctl_documents {
	json_t *list;  /* as set.apply takes them */
	json_t *where; /* of each {field: [line, column]}; "": of the document itself */
	json_t *files; /* of each the name of its file */
	uint32_t errors;
	FILE *say; /* output of errors; NULL: none */
};

/* False: no memory. */
bool ctl_documents_open(struct ctl_documents *d);
void ctl_documents_close(struct ctl_documents *d);
/* Adds the documents of a text. Errors: "file:line:column: message".
 * file: base of relative names of secrets. */
void ctl_documents_yaml(struct ctl_documents *d, const char *file, struct bytes text);
void ctl_documents_csv(struct ctl_documents *d, const char *file, struct bytes text,
		       const char *kind);
/* An error of a document; field NULL, or one that it does not have: of the document. */
void ctl_documents_error(struct ctl_documents *d, size_t document, const char *field,
			 const char *message);

/* One row of CSV (RFC 4180): unquoted cells as a list of strings; NULL: no more.
 * *wrong: the error, or NULL. */
json_t *ctl_csv_row(struct bytes *rest, const char **wrong);

/* As YAML that reads back as the same. */
void ctl_yaml_write(struct writer *w, const json_t *document);

#endif
