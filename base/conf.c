/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a struct from a YAML tree (conf_tree.c) by a schema: walks sections and lists, applies
 * presets, and reports unknown, duplicate, missing and wrong keys with their place and a
 * suggestion. app/settings reads tandem.yaml through it. Sections wait in a list, so the depth of a
 * file costs no stack, and reading goes on after an error, so that one run shows all of them.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/conf_tree.h"
#include "base/guess.h"

/* Room for one message, always with a NUL behind what was written. */
struct message {
	char text[CONF_MESSAGE_MAX];
	struct writer w;
};

static struct writer *message_open(struct message *m, const struct conf_node *node)
{
	memset(m->text, 0, sizeof(m->text));
	m->w = writer_over(m->text, sizeof(m->text) - 1);
	conf_node_path(&m->w, node);
	return &m->w;
}

static void message_add(struct conf_errors *errors, const struct message *m,
			const struct conf_node *at)
{
	/* a long append that did not fit has left the part that did */
	conf_error_add(errors, at->line, at->column, "%s", m->text);
}

/* Shows what was found instead. The text of a scalar, but never of a string, which may be a
 * secret. */
static void found_write(struct writer *w, const struct conf_field *field,
			const struct conf_node *node)
{
	if (node->kind == CONF_NODE_MAP) {
		writer_str(w, ", not a section");
	} else if (node->kind == CONF_NODE_SEQUENCE) {
		writer_str(w, ", not a list");
	} else if (conf_node_is_null(node)) {
		writer_str(w, ", and there is no value");
	} else if (field->type != CONF_STRING && field->type != CONF_STRING_LIST) {
		writer_str(w, node->plain ? ", not " : ", not \"");
		conf_text_show(w, node->text);
		writer_str(w, node->plain ? "" : "\"");
	}
}

/* Reports a wrong type or value. Values of strings are not shown: they may be secrets. */
static void conf_report_wrong(struct conf_errors *errors, const struct conf_field *field,
			      const struct conf_node *node)
{
	struct message m;
	struct writer *w = message_open(&m, node);

	if (node->kind == CONF_NODE_BROKEN)
		return;
	writer_str(w, ": must be ");
	conf_value_allowed(w, field);
	found_write(w, field, node);
	message_add(errors, &m, node);
}

/* A list with more items than there is room for. */
static void conf_report_long(struct conf_errors *errors, const struct conf_field *field,
			     const struct conf_node *first_too_many)
{
	struct message m;
	struct writer *w = message_open(&m, first_too_many);

	writer_str(w, ": one too many, must be ");
	conf_value_allowed(w, field);
	message_add(errors, &m, first_too_many);
}

/* A required key that the section lacks. */
static void conf_report_missing(struct conf_errors *errors, const struct conf_field *field,
				const struct conf_node *map)
{
	struct message m;
	struct writer *w = message_open(&m, map);

	writer_fmt(w, "%s%s: missing, must be ", w->n ? "." : "", field->key);
	conf_value_allowed(w, field);
	message_add(errors, &m, map);
}

/* A key that no field has; names the one that was probably meant. */
static void conf_report_unknown(struct conf_errors *errors, const struct conf_field *fields,
				const struct conf_node *value)
{
	struct guess g = { .word = value->key->text };
	struct message m;
	struct writer *w;

	if (errors->count >= CONF_ERRORS_MAX) {
		errors->total++; /* the suggestion would not be shown */
		return;
	}
	for (const struct conf_field *field = fields; field->key; field++)
		guess_add(&g, bytes_str(field->key));
	w = message_open(&m, value);
	writer_fmt(w, ": unknown key%s", g.best.n ? guess_text(&g) : ", known here: ");
	for (const struct conf_field *field = fields; !g.best.n && field->key; field++)
		writer_fmt(w, "%s%s", field == fields ? "" : ", ", field->key);
	message_add(errors, &m, value->key);
}

static void conf_report_doubled(struct conf_errors *errors, const struct conf_node *first,
				const struct conf_node *second)
{
	struct message m;
	struct writer *w = message_open(&m, second);

	writer_fmt(w, ": given twice, first in line %u", first->key->line);
	message_add(errors, &m, second->key);
}

/* A section still to be read: the fields of one struct, from one map. */
struct section {
	struct section *next;
	const struct conf_node *map;  /* NULL: not in the text, presets only */
	const struct conf_node *text; /* the value of short_key, where there is no map */
	const char *short_key;
	const struct conf_field *fields;
	uint8_t *level;
};

struct walk {
	struct section *waiting;
	struct conf_errors *errors;
};

/* NULL: out of memory, which is reported. */
static struct section *section_add(struct walk *walk, const struct conf_node *map,
				   const struct conf_field *fields, uint8_t *level)
{
	struct section *section = malloc(sizeof(*section));

	if (!section) {
		conf_error_add(walk->errors, 1, 1, "out of memory");
		return NULL;
	}
	*section = (struct section){ .next = walk->waiting, .map = map, .fields = fields };
	section->level = level;
	walk->waiting = section;
	return section;
}

static void short_section_add(struct walk *walk, const struct conf_field *list,
			      const struct conf_node *text, uint8_t *level)
{
	struct section *section = section_add(walk, NULL, list->fields, level);

	if (section) {
		section->text = text;
		section->short_key = list->short_key;
	}
}

/* The same limits for one item of a list. */
static struct conf_field item_field(const struct conf_field *field, enum conf_type type)
{
	struct conf_field item = *field;

	item.type = type;
	return item;
}

static void numbers_read(struct walk *walk, const struct conf_field *field,
			 const struct conf_node *list, uint8_t *level)
{
	const struct conf_field number = item_field(field, CONF_U32);
	uint32_t *items = (uint32_t *)(void *)(level + field->offset);
	uint32_t *count = (uint32_t *)(void *)(level + field->count_offset);

	*count = 0; /* not in addition to the preset */
	for (const struct conf_node *item = list->first; item; item = item->next) {
		if (item->index >= field->max_items) {
			conf_report_long(walk->errors, field, item);
			return;
		}
		if (item->kind != CONF_NODE_SCALAR || !item->plain ||
		    conf_number_read(&items[item->index], field, item->text))
			conf_report_wrong(walk->errors, &number, item);
		*count = item->index + 1;
	}
}

static void scalar_read(struct walk *walk, const struct conf_field *field,
			const struct conf_node *node, uint8_t *level)
{
	if (node->kind != CONF_NODE_SCALAR || conf_node_is_null(node) ||
	    conf_value_read(level, field, node->text, node->plain))
		conf_report_wrong(walk->errors, field, node);
}

static void strings_read(struct walk *walk, const struct conf_field *field,
			 const struct conf_node *list, uint8_t *level)
{
	struct conf_field string = item_field(field, CONF_STRING);
	uint32_t *count = (uint32_t *)(void *)(level + field->count_offset);

	for (const struct conf_node *item = list->first; item; item = item->next) {
		if (item->index >= field->max_items) {
			conf_report_long(walk->errors, field, item);
			return;
		}
		string.offset = field->offset + item->index * field->size;
		scalar_read(walk, &string, item, level);
		*count = item->index + 1;
	}
}

static void sections_read(struct walk *walk, const struct conf_field *field,
			  const struct conf_node *list, uint8_t *level)
{
	const struct conf_field section = item_field(field, CONF_MAP);
	uint32_t *count = (uint32_t *)(void *)(level + field->count_offset);

	for (const struct conf_node *item = list->first; item; item = item->next) {
		uint8_t *at;

		if (item->index >= field->max_items) {
			conf_report_long(walk->errors, field, item);
			return;
		}
		at = level + field->offset + item->index * field->size;
		if (item->kind == CONF_NODE_MAP) {
			(void)section_add(walk, item, field->fields, at);
		} else if (item->kind == CONF_NODE_SCALAR && field->short_key) {
			short_section_add(walk, field, item, at);
		} else {
			conf_report_wrong(walk->errors, &section, item);
		}
		*count = item->index + 1;
	}
}

static enum conf_kind conf_kind_of(enum conf_type type)
{
	switch (type) {
	case CONF_MAP:
		return CONF_NODE_MAP;
	case CONF_U32_LIST:
	case CONF_STRING_LIST:
	case CONF_LIST:
		return CONF_NODE_SEQUENCE;
	case CONF_STRING:
	case CONF_U32:
	case CONF_BOOL:
	case CONF_ADDR:
	case CONF_ENUM:
	case CONF_DURATION:
	case CONF_RANGE:
		break;
	}
	return CONF_NODE_SCALAR;
}

/* A section or list with all its lines commented out is an empty one. */
static bool is_kind(const struct conf_node *node, enum conf_kind kind)
{
	return node->kind == kind || conf_node_is_null(node);
}

static void conf_text_read(struct walk *walk, const struct conf_field *field,
			   const struct conf_node *node, uint8_t *level)
{
	if (!is_kind(node, conf_kind_of(field->type))) {
		conf_report_wrong(walk->errors, field, node);
		return;
	}
	switch (field->type) {
	case CONF_MAP:
		(void)section_add(walk, node, field->fields, level + field->offset);
		break;
	case CONF_LIST:
		sections_read(walk, field, node, level);
		break;
	case CONF_U32_LIST:
		numbers_read(walk, field, node, level);
		break;
	case CONF_STRING_LIST:
		strings_read(walk, field, node, level);
		break;
	case CONF_STRING:
	case CONF_U32:
	case CONF_BOOL:
	case CONF_ADDR:
	case CONF_ENUM:
	case CONF_DURATION:
	case CONF_RANGE:
		scalar_read(walk, field, node, level);
		break;
	}
}

static bool key_is_of(const struct conf_node *key, const struct conf_field *field)
{
	return bytes_is(key->text, field->key) || (field->was && bytes_is(key->text, field->was));
}

static void field_read(struct walk *walk, const struct section *section,
		       const struct conf_field *field)
{
	const struct conf_node *first = NULL;
	const struct conf_node *node = section->map ? section->map->first : NULL;

	conf_value_preset(section->level, field);
	for (; node; node = node->next) {
		if (!node->key || !key_is_of(node->key, field))
			continue;
		if (first) {
			conf_report_doubled(walk->errors, first, node);
		} else {
			first = node;
		}
	}
	if (section->text && !strcmp(field->key, section->short_key))
		first = section->text;
	if (first && first->kind != CONF_NODE_BROKEN) {
		conf_text_read(walk, field, first, section->level);
	} else if (!first && field->required && section->map) {
		conf_report_missing(walk->errors, field, section->map);
	}
	if (!first && field->type == CONF_MAP)
		(void)section_add(walk, NULL, field->fields, section->level + field->offset);
}

static bool key_is_known(const struct conf_field *fields, const struct conf_node *key)
{
	for (; fields->key; fields++) {
		if (key_is_of(key, fields))
			return true;
	}
	return key->kind == CONF_NODE_BROKEN;
}

static void section_read(struct walk *walk, const struct section *section)
{
	const struct conf_node *node = section->map ? section->map->first : NULL;

	for (const struct conf_field *field = section->fields; field->key; field++)
		field_read(walk, section, field);
	for (; node; node = node->next) {
		if (node->key && !key_is_known(section->fields, node->key))
			conf_report_unknown(walk->errors, section->fields, node);
	}
}

static bool stands_before(const struct conf_error *a, const struct conf_error *b)
{
	return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* As they stand in the text, though found section by section. */
static void errors_sort(struct conf_errors *errors)
{
	for (uint32_t i = 1; i < errors->count; i++) {
		struct conf_error error = errors->list[i];
		uint32_t at = i;

		for (; at && stands_before(&error, &errors->list[at - 1]); at--)
			errors->list[at] = errors->list[at - 1];
		errors->list[at] = error;
	}
}

static void root_read(struct walk *walk, const struct conf_node *root,
		      const struct conf_field *fields, void *out)
{
	/* no text at all is a section without keys */
	static const struct conf_node empty = { .kind = CONF_NODE_MAP, .line = 1, .column = 1 };

	if (root && !is_kind(root, CONF_NODE_MAP)) {
		if (root->kind != CONF_NODE_BROKEN) {
			conf_error_add(walk->errors, root->line, root->column,
				       "the file must hold keys and values (key: value)");
		}
		return;
	}
	(void)section_add(walk, root ? root : &empty, fields, out);
	while (walk->waiting) {
		struct section section = *walk->waiting;

		free(walk->waiting);
		walk->waiting = section.next;
		section_read(walk, &section);
	}
}

int conf_read(void *out, const struct conf_field *fields, struct bytes yaml,
	      struct conf_errors *errors)
{
	struct walk walk = { .errors = errors };
	struct conf_tree tree;

	errors->count = 0;
	errors->total = 0;
	/* missing keys cannot be told from half a tree */
	if (conf_tree_open(&tree, yaml, errors) == 0)
		root_read(&walk, tree.root, fields, out);
	conf_tree_close(&tree);
	errors_sort(errors);
	return errors->total ? -EINVAL : 0;
}

/* The list of errors of conf.h. */

void conf_error_add(struct conf_errors *errors, uint32_t line, uint32_t column, const char *fmt,
		    ...)
{
	struct conf_error *error;
	va_list args;

	errors->total++;
	if (errors->count >= CONF_ERRORS_MAX)
		return;
	error = &errors->list[errors->count++];
	*error = (struct conf_error){ .line = line, .column = column };
	va_start(args, fmt);
	(void)vsnprintf(error->message, sizeof(error->message), fmt, args);
	va_end(args);
}

void conf_errors_write(struct writer *w, const char *file, const struct conf_errors *errors)
{
	for (uint32_t i = 0; i < errors->count; i++) {
		const struct conf_error *error = &errors->list[i];

		writer_fmt(w, "%s:%u:%u: %s\n", file, error->line, error->column, error->message);
	}
	if (errors->total > errors->count)
		writer_fmt(w, "%s: and %u more\n", file, errors->total - errors->count);
}

/* The path of a value, as conf_node_path writes it, back to its place in the text. */

/* One step of a path: "[0]", "key", or ".key" behind another. */
static const struct conf_node *path_step(const struct conf_node *node, struct bytes *path)
{
	struct bytes part;
	uint32_t index;
	size_t end;

	if (path->p[0] == '[') {
		end = bytes_find(*path, ']');
		if (end == path->n || bytes_u32(bytes_sub(*path, 1, end - 1), &index))
			return NULL;
		*path = bytes_from(*path, end + 1);
		for (node = node->first; node && node->index != index; node = node->next)
			continue;
		return node;
	}
	if (path->p[0] == '.')
		*path = bytes_from(*path, 1);
	end = bytes_find(*path, '.');
	if (bytes_find(*path, '[') < end)
		end = bytes_find(*path, '[');
	part = bytes_sub(*path, 0, end);
	*path = bytes_from(*path, end);
	return part.n ? conf_node_get(node, part) : NULL;
}

static int tree_where(const struct conf_tree *tree, struct bytes path, uint32_t *line,
		      uint32_t *column)
{
	const struct conf_node *node = tree->root;

	while (node && path.n)
		node = path_step(node, &path);
	if (!node)
		return -ENOENT;
	*line = node->line;
	*column = node->column;
	return 0;
}

int conf_where(struct bytes yaml, const char *path, uint32_t *line, uint32_t *column)
{
	struct conf_errors *errors = calloc(1, sizeof(*errors));
	struct conf_tree tree;
	int err;

	if (!errors)
		return -ENOMEM;
	err = conf_tree_open(&tree, yaml, errors);
	if (!err)
		err = tree_where(&tree, bytes_str(path), line, column);
	conf_tree_close(&tree);
	free(errors);
	return err ? -ENOENT : 0;
}
