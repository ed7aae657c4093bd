/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents without secrets: a table of fields and when they were changed say all of how one is written, shown and read. A kind that has a
 * form needs no functions for that.
 */
#ifndef APP_DOCUMENT_FORM_H
#define APP_DOCUMENT_FORM_H

#include <jansson.h>

#include "app/document/field.h"
#include "base/bytes.h"

struct form {
	const struct command_arg *fields; /* the first one names the document */
	size_t size;                      /* of a value */
	size_t changed;                   /* where its changed_utc_ms lies, a uint64_t */
	/* What a value is before anything is said of it; it is zeroed. NULL: that is all. */
	void (*begin)(void *value, struct bytes name);
	/* What of its fields do not go together, and the member to name; or NULL. NULL: all do. */
	const char *(*wrong)(const void *value, const char **member);
};

/* Of values of a type, with its member changed_utc_ms. */
#define FORM_OF(type) .size = sizeof(type), .changed = offsetof(type, changed_utc_ms)

/* Zeroed, and begun. */
void form_begin(const struct form *f, void *value, struct bytes name);
uint64_t *form_changed(const struct form *f, void *value);
/* New references, NULL: out of memory. The document has its version, too. */
json_t *form_view(const struct form *f, const void *value);
json_t *form_document(const struct form *f, const void *value);
/* 0, -EBADMSG or -EPROTONOSUPPORT with a reason, -ENOMEM: then value is as it was. Unknown members are left out, those that lack are as
 * they begin. */
int form_read(const struct form *f, void *value, struct bytes json, const char **reason) NODISCARD;

#endif
