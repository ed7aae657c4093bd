/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of files that phones fetch: text with names of values, and parts that repeat for each
 * row of a list. The language has no conditions, so a key that a file has is in it always, if
 * empty. A template is checked when it is read: each name is one of the table, and stands where its
 * value can be escaped. Rendering is pure. Any thread; what was parsed is constant.
 *
 *     {{=xml}}                   the format; the first tag
 *     {{! a comment }}
 *     {{name}}                   a value
 *     {{#list}} ... {{/list}}    once for each row, with the names of the list, too
 *
 * A tag that is no value, alone at the start of a line, takes the end of that line with it.
 */
#ifndef APP_FEATURE_PROVISION_TEMPLATE_H
#define APP_FEATURE_PROVISION_TEMPLATE_H

#include <stdint.h>

#include "base/bytes.h"

enum {
	TEMPLATE_TOKENS_MAX = 1024,
	TEMPLATE_TEXT_MAX = 65536,
	TEMPLATE_LISTS_MAX = 8,
	TEMPLATE_WRONG_MAX = 128,
};

enum template_format {
	TEMPLATE_XML,    /* values stand in attributes in "", or between elements */
	TEMPLATE_QUOTED, /* lines; values stand in "", with \ before " and \ */
	TEMPLATE_LINES,  /* KEY = VALUE on a line; a value goes to its end, as it is */
	TEMPLATE_FORMATS,
};

enum template_use {
	TEMPLATE_VALUE, /* text, which is escaped */
	TEMPLATE_KEY,   /* a name of an attribute: a letter, then letters, digits . _ - */
	TEMPLATE_PART,  /* letters and digits: in such a name, behind '.' or '_', or as a value */
};

/* A value by its name. */
struct template_field {
	const char *name; /* NULL ends a list */
	enum template_use use;
};

struct template_list {
	const char *name; /* NULL ends the lists */
	const struct template_field *fields;
};

/* What a template may name. */
struct template_names {
	const struct template_field *fields;
	const struct template_list *lists; /* at most TEMPLATE_LISTS_MAX */
};

/* Values in the order of their names. */
struct template_values {
	const struct bytes *fields;
	struct template_rows {
		const struct bytes *values; /* row by row */
		uint32_t count;             /* of rows */
	} lists[TEMPLATE_LISTS_MAX];
};

struct template;

/* names and text: borrowed while the template lives. 0; -EBADMSG: wrong says why, with the line;
 * -ENOMEM. */
int template_parse(struct template **out, struct bytes text, const struct template_names *names,
		   char wrong[TEMPLATE_WRONG_MAX]) NODISCARD;
void template_free(struct template *t); /* NULL is fine */
/* Overflow of w: no room. False: a key or a part has other
 * characters. */
bool template_render(const struct template *t, const struct template_values *values,
		     struct writer *w) NODISCARD;
bool template_is_key(struct bytes text);

#endif
