/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads YAML text against a schema into a struct and reports all errors at once, each with
 * file:line:column. Pure: text in, struct out. Unknown and duplicate keys, wrong types and values
 * out of range are errors that name the key and what is allowed.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/bytes.h"

enum conf_type {
	CONF_STRING,      /* char[size]; too long is an error */
	CONF_U32,         /* uint32_t in [min, max] */
	CONF_BOOL,        /* bool */
	CONF_ADDR,        /* struct addr, port 0 allowed */
	CONF_ENUM,        /* int: index into names[] */
	CONF_DURATION,    /* uint64_t ns: "90s", "250ms", "5m"; in [min, max] ns */
	CONF_RANGE,       /* struct conf_range: "20000-39999"; both ends in [min, max] */
	CONF_U32_LIST,    /* uint32_t[max_items], count at count_offset; items in [min, max] */
	CONF_STRING_LIST, /* char[max_items][size], count at count_offset */
	CONF_MAP,         /* nested keys of fields[], at offset */
	/* Sequence of maps of fields[]: at most max_items of `size` bytes, counted at
	 * count_offset. */
	CONF_LIST,
};

struct conf_range {
	uint32_t first, last;
};

struct conf_field {
	const char *key;
	enum conf_type type;
	bool required;       /* asked only where its section is in the text at all */
	bool at_start;       /* changing it needs a restart */
	size_t offset;       /* into the struct of this level */
	size_t size;         /* CONF_STRING: buffer; CONF_STRING_LIST, CONF_LIST: one item */
	size_t count_offset; /* lists: uint32_t count */
	uint32_t max_items;
	uint64_t min, max;        /* max 0: the most the type holds */
	const char *const *names; /* CONF_ENUM, NULL-terminated */
	const char *preset;       /* default as YAML scalar text ("1, 2": list), NULL: zero */
	const char *help;         /* one line for `tandemctl help config` and docs */
	const struct conf_field *fields; /* nested; ends with key NULL */
	/* CONF_LIST: the key of an item that is a bare value; NULL: bare values are not allowed */
	const char *short_key;
	const char *was; /* its name in earlier versions, which is read as well; or NULL */
};

enum { CONF_ERRORS_MAX = 32, CONF_MESSAGE_MAX = 256 };

struct conf_error {
	uint32_t line, column; /* from 1 */
	char message[CONF_MESSAGE_MAX];
};

struct conf_errors {
	struct conf_error list[CONF_ERRORS_MAX];
	uint32_t count;
	uint32_t total; /* found, also those beyond the list */
};

/* Fills *out, presets first. Returns 0, or -EINVAL with at least one error and *out unusable. */
int conf_read(void *out, const struct conf_field *fields, struct bytes yaml,
	      struct conf_errors *errors) NODISCARD;
/* "file:line:column: message\n" for each. */
void conf_errors_write(struct writer *w, const char *file, const struct conf_errors *errors);
/* Adds an error found by a later, semantic check. conf_where has the line and column of a key
 * path. */
void conf_error_add(struct conf_errors *errors, uint32_t line, uint32_t column, const char *fmt,
		    ...) PRINTF_LIKE(4, 5);
/* Where the value of "networks[0].media_ports" stands. 0 or -ENOENT. */
int conf_where(struct bytes yaml, const char *path, uint32_t *line, uint32_t *column);

#endif
