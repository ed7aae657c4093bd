/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a tree of maps, lists and scalars from the events of libyaml, and reads single values by a
 * schema's field. conf.c reads tandem.yaml on top of it, and tandemctl reads documents (apply,
 * diff). It is separate from conf.c so that errors have line and column: each node knows its place.
 * Depth, node count and text length are bounded, and aliases and tags are refused, so a hostile
 * file cannot exhaust memory.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/conf_tree.h"

struct unit {
	const char *name;
	uint64_t ns;
};

/* Units in descending order, and "ms" before "s": both end in s. */
static const struct unit g_units[] = {
	{ "d", 86400 * NS_PER_S }, { "h", 3600 * NS_PER_S }, { "m", 60 * NS_PER_S },
	{ "ms", NS_PER_MS },       { "s", NS_PER_S },
};

/* A schema that leaves max at 0 means the most its type holds. */
static uint64_t most(const struct conf_field *field, uint64_t of_type)
{
	return field->max ? field->max : of_type;
}

static int limits_check(const struct conf_field *field, uint64_t v, uint64_t of_type)
{
	return v < field->min || v > most(field, of_type) ? -ERANGE : 0;
}

int conf_number_read(uint32_t *out, const struct conf_field *field, struct bytes text)
{
	uint32_t v;
	int err = bytes_u32(text, &v);

	if (!err)
		err = limits_check(field, v, UINT32_MAX);
	if (!err)
		*out = v;
	return err;
}

static bool conf_ends_with(struct bytes text, struct bytes end)
{
	return text.n > end.n && bytes_eq(bytes_from(text, text.n - end.n), end);
}

static int duration_read(uint64_t *out, const struct conf_field *field, struct bytes text)
{
	for (size_t i = 0; i < COUNT_OF(g_units); i++) {
		struct bytes unit = bytes_str(g_units[i].name);
		uint64_t v;
		int err;

		if (!conf_ends_with(text, unit))
			continue;
		err = bytes_u64(bytes_sub(text, 0, text.n - unit.n), &v);
		if (!err && __builtin_mul_overflow(v, g_units[i].ns, &v))
			err = -ERANGE;
		if (!err)
			err = limits_check(field, v, UINT64_MAX);
		if (!err)
			*out = v;
		return err;
	}
	return -EINVAL;
}

static int range_read(struct conf_range *out, const struct conf_field *field, struct bytes text)
{
	struct conf_range v;
	struct bytes first;
	int err;

	if (bytes_find(text, '-') == text.n || !bytes_cut(&text, '-', &first))
		return -EINVAL;
	err = conf_number_read(&v.first, field, bytes_trim(first));
	if (!err)
		err = conf_number_read(&v.last, field, bytes_trim(text));
	if (!err && v.first > v.last)
		err = -ERANGE;
	if (!err)
		*out = v;
	return err;
}

static int bool_read(bool *out, struct bytes text)
{
	if (!bytes_is(text, "true") && !bytes_is(text, "false"))
		return -EINVAL;
	*out = bytes_is(text, "true");
	return 0;
}

static int enum_read(int *out, const struct conf_field *field, struct bytes text)
{
	for (int i = 0; field->names[i]; i++) {
		if (bytes_is(text, field->names[i])) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int string_read(char *out, const struct conf_field *field, struct bytes text)
{
	if (bytes_find(text, '\0') < text.n)
		return -EINVAL;
	if (text.n >= field->size)
		return -ERANGE;
	return bytes_cstr(text, out, field->size);
}

static uint32_t *count_of(uint8_t *level, const struct conf_field *field)
{
	return (uint32_t *)(void *)(level + field->count_offset);
}

int conf_value_read(uint8_t *level, const struct conf_field *field, struct bytes text, bool plain)
{
	void *out = level + field->offset;

	switch (field->type) {
	case CONF_STRING:
		return string_read(out, field, text);
	case CONF_U32:
		return plain ? conf_number_read(out, field, text) : -EINVAL;
	case CONF_BOOL:
		return plain ? bool_read(out, text) : -EINVAL;
	case CONF_ADDR:
		return addr_parse(out, text);
	case CONF_ENUM:
		return enum_read(out, field, text);
	case CONF_DURATION:
		return duration_read(out, field, text);
	case CONF_RANGE:
		return range_read(out, field, text);
	case CONF_U32_LIST:
	case CONF_STRING_LIST:
	case CONF_MAP:
	case CONF_LIST:
		break;
	}
	return -EINVAL;
}

static void duration_write(struct writer *w, uint64_t ns)
{
	static const size_t largest_first[] = { 0, 1, 2, 4, 3 };

	for (size_t i = 0; i < COUNT_OF(largest_first); i++) {
		const struct unit *unit = &g_units[largest_first[i]];

		if (ns && ns % unit->ns == 0) {
			writer_fmt(w, "%" PRIu64 "%s", ns / unit->ns, unit->name);
			return;
		}
	}
	writer_fmt(w, ns ? "%" PRIu64 "ns" : "%" PRIu64 "s", ns);
}

static void limits_write(struct writer *w, const struct conf_field *field)
{
	writer_fmt(w, "from %" PRIu64 " to %" PRIu64, field->min, most(field, UINT32_MAX));
}

static void duration_limits_write(struct writer *w, const struct conf_field *field)
{
	writer_str(w, "a duration like 250ms, 90s, 5m, 2h or 1d, at least ");
	duration_write(w, field->min);
	if (field->max) {
		writer_str(w, ", at most ");
		duration_write(w, field->max);
	}
}

static void names_write(struct writer *w, const struct conf_field *field)
{
	for (int i = 0; field->names[i]; i++)
		writer_fmt(w, "%s%s", i ? ", " : "one of ", field->names[i]);
}

void conf_value_allowed(struct writer *w, const struct conf_field *field)
{
	switch (field->type) {
	case CONF_STRING:
		writer_fmt(w, "text of at most %zu bytes", field->size - 1);
		break;
	case CONF_U32:
		writer_str(w, "a number ");
		limits_write(w, field);
		break;
	case CONF_BOOL:
		writer_str(w, "true or false");
		break;
	case CONF_ADDR:
		writer_str(w, "an address like 192.0.2.1, 192.0.2.1:5060 or [2001:db8::1]:5060");
		break;
	case CONF_ENUM:
		names_write(w, field);
		break;
	case CONF_DURATION:
		duration_limits_write(w, field);
		break;
	case CONF_RANGE:
		writer_str(w, "a range like 20000-39999, ");
		limits_write(w, field);
		break;
	case CONF_U32_LIST:
		writer_fmt(w, "a list of at most %u numbers ", field->max_items);
		limits_write(w, field);
		break;
	case CONF_STRING_LIST:
		writer_fmt(w, "a list of at most %u texts of at most %zu bytes", field->max_items,
			   field->size - 1);
		break;
	case CONF_MAP:
		writer_str(w, "a section with keys of its own");
		break;
	case CONF_LIST:
		writer_fmt(w, "a list of at most %u sections", field->max_items);
		break;
	}
}

size_t conf_value_size(const struct conf_field *field)
{
	switch (field->type) {
	case CONF_STRING:
		return field->size;
	case CONF_U32:
		return sizeof(uint32_t);
	case CONF_BOOL:
		return sizeof(bool);
	case CONF_ADDR:
		return sizeof(struct addr);
	case CONF_ENUM:
		return sizeof(int);
	case CONF_DURATION:
		return sizeof(uint64_t);
	case CONF_RANGE:
		return sizeof(struct conf_range);
	case CONF_U32_LIST:
		return field->max_items * sizeof(uint32_t);
	case CONF_STRING_LIST:
	case CONF_LIST:
		return field->max_items * field->size;
	case CONF_MAP:
		break; /* its fields have their own */
	}
	return 0;
}

bool conf_value_is_list(const struct conf_field *field)
{
	return field->type == CONF_U32_LIST || field->type == CONF_STRING_LIST ||
	       field->type == CONF_LIST;
}

/* "8000, 16000" */
static int list_preset(uint8_t *level, const struct conf_field *field, struct bytes text)
{
	uint32_t *items = (uint32_t *)(void *)(level + field->offset);
	uint32_t *count = count_of(level, field);
	struct bytes item;
	int err = 0;

	while (!err && bytes_cut(&text, ',', &item)) {
		if (*count >= field->max_items)
			return -ERANGE;
		err = conf_number_read(&items[(*count)++], field, bytes_trim(item));
	}
	return err;
}

void conf_value_preset(uint8_t *level, const struct conf_field *field)
{
	int err = 0;

	memset(level + field->offset, 0, conf_value_size(field));
	if (conf_value_is_list(field))
		*count_of(level, field) = 0;
	if (!field->preset)
		return;
	if (field->type == CONF_U32_LIST) {
		err = list_preset(level, field, bytes_str(field->preset));
	} else {
		err = conf_value_read(level, field, bytes_str(field->preset), true);
	}
	assert(err == 0);
	(void)err;
}

/* The tree in the making. */
struct builder {
	struct conf_tree *tree;
	struct conf_errors *errors;
	struct conf_node *open; /* innermost map or list without its end yet */
	struct conf_node *key;  /* waits for its value */
	uint32_t depth;
	uint32_t documents;
	bool all; /* more than one document */
	struct conf_node *last_root;
	bool stopped; /* reading on would only repeat the error */
};

static void error_at(struct builder *b, const yaml_mark_t *mark, const char *message)
{
	conf_error_add(b->errors, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1, "%s",
		       message);
}

static void stop_at(struct builder *b, const yaml_mark_t *mark, const char *message)
{
	error_at(b, mark, message);
	b->stopped = true;
}

static struct conf_node *node_new(struct builder *b, enum conf_kind kind, const yaml_mark_t *mark,
				  struct bytes text)
{
	struct conf_node *node;
	uint8_t *copy;

	if (b->tree->count >= (uint32_t)(b->all ? CONF_ALL_NODES_MAX : CONF_NODES_MAX)) {
		stop_at(b, mark, "too many values in one file");
		return NULL;
	}
	node = calloc(1, sizeof(*node) + text.n + 1);
	if (!node) {
		stop_at(b, mark, "out of memory");
		return NULL;
	}
	copy = (uint8_t *)(node + 1);
	if (text.n)
		memcpy(copy, text.p, text.n);
	*node = (struct conf_node){
		.made_before = b->tree->newest,
		.kind = kind,
		.line = (uint32_t)mark->line + 1,
		.column = (uint32_t)mark->column + 1,
		.text = bytes_mem(copy, text.n),
	};
	b->tree->newest = node;
	b->tree->count++;
	return node;
}

/* Puts a node where the text has it: as root, list item, key, or value of the key before. */
static void node_add(struct builder *b, struct conf_node *node)
{
	struct conf_node *parent = b->open;

	node->parent = parent;
	if (!parent) {
		if (b->last_root)
			b->last_root->next = node;
		else
			b->tree->root = node;
		b->last_root = node;
		return;
	}
	if (parent->kind == CONF_NODE_MAP && !b->key) {
		b->key = node;
		return;
	}
	node->key = b->key;
	b->key = NULL;
	node->index = parent->last ? parent->last->index + 1 : 0;
	if (parent->last) {
		parent->last->next = node;
	} else {
		parent->first = node;
	}
	parent->last = node;
}

static bool key_is_due(const struct builder *b)
{
	return b->open && b->open->kind == CONF_NODE_MAP && !b->key;
}

/* An anchor or a tag on a value; the value itself is read. */
static void extras_refuse(struct builder *b, const yaml_mark_t *mark, const void *anchor,
			  const void *tag)
{
	if (anchor)
		error_at(b, mark, "anchors (&) are not supported");
	if (tag)
		error_at(b, mark, "tags (!) are not supported");
}

static void on_scalar(struct builder *b, const yaml_event_t *event)
{
	struct bytes text = bytes_mem(event->data.scalar.value, event->data.scalar.length);
	struct conf_node *node = node_new(b, CONF_NODE_SCALAR, &event->start_mark, text);

	extras_refuse(b, &event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
	if (b->all && bytes_find(text, '\0') < text.n)
		error_at(b, &event->start_mark, "a text has no octet 0");
	if (!node)
		return;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node_add(b, node);
}

static void on_alias(struct builder *b, const yaml_event_t *event)
{
	struct conf_node *node = node_new(b, CONF_NODE_BROKEN, &event->start_mark, bytes_str(""));

	error_at(b, &event->start_mark, "aliases (*) are not supported");
	if (node)
		node_add(b, node);
}

static void on_open(struct builder *b, const yaml_event_t *event, enum conf_kind kind)
{
	struct conf_node *node;

	if (b->depth >= CONF_DEPTH_MAX) {
		stop_at(b, &event->start_mark, "nested too deep");
		return;
	}
	if (key_is_due(b)) {
		stop_at(b, &event->start_mark, "a key must be plain text");
		return;
	}
	node = node_new(b, kind, &event->start_mark, bytes_str(""));
	if (!node)
		return;
	node_add(b, node);
	b->open = node;
	b->depth++;
}

static void on_close(struct builder *b)
{
	assert(b->open); /* libyaml closes only what it opened */
	b->open = b->open->parent;
	b->depth--;
}

static void conf_on_document(struct builder *b, const yaml_event_t *event)
{
	if (b->documents++ && !b->all)
		stop_at(b, &event->start_mark, "a second document (---): one file holds one");
}

/* True: there is more to come. */
static bool conf_on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		on_scalar(b, event);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(b, event);
		break;
	case YAML_MAPPING_START_EVENT:
		extras_refuse(b, &event->start_mark, event->data.mapping_start.anchor,
			      event->data.mapping_start.tag);
		on_open(b, event, CONF_NODE_MAP);
		break;
	case YAML_SEQUENCE_START_EVENT:
		extras_refuse(b, &event->start_mark, event->data.sequence_start.anchor,
			      event->data.sequence_start.tag);
		on_open(b, event, CONF_NODE_SEQUENCE);
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		on_close(b);
		break;
	case YAML_DOCUMENT_START_EVENT:
		conf_on_document(b, event);
		break;
	case YAML_STREAM_END_EVENT:
		return false;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return !b->stopped;
}

/* Where byte `at` stands: libyaml gives no mark for text that is not UTF-8. */
static yaml_mark_t mark_of(struct bytes yaml, size_t at)
{
	struct bytes before = bytes_sub(yaml, 0, at);
	yaml_mark_t mark = { 0 };
	struct bytes row;

	while (bytes_find(before, '\n') < before.n && bytes_cut(&before, '\n', &row))
		mark.line++;
	mark.column = before.n;
	return mark;
}

/* Whether that line is indented by a tab, and where: libyaml's two texts for it do not help. */
static bool tab_indents(struct bytes yaml, yaml_mark_t *mark)
{
	struct bytes row = { 0 };
	size_t at = 0;

	for (size_t i = 0; i <= mark->line; i++)
		(void)bytes_cut(&yaml, '\n', &row);
	while (at < row.n && row.p[at] == ' ')
		at++;
	if (at == row.n || row.p[at] != '\t')
		return false;
	mark->column = at;
	return true;
}

static void syntax_error(struct builder *b, const yaml_parser_t *parser, struct bytes yaml)
{
	yaml_mark_t mark = parser->problem_mark;
	const char *problem = parser->problem ? parser->problem : "not YAML";

	if (parser->error == YAML_READER_ERROR)
		mark = mark_of(yaml, parser->problem_offset);
	else if (tab_indents(yaml, &mark))
		problem = "a tab indents; YAML allows spaces alone";
	stop_at(b, &mark, problem);
}

static void conf_events_read(struct builder *b, yaml_parser_t *parser, struct bytes yaml)
{
	bool more = true;

	while (more) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			syntax_error(b, parser, yaml);
			return;
		}
		more = conf_on_event(b, &event);
		yaml_event_delete(&event);
	}
}

static int conf_tree_read(struct conf_tree *t, struct bytes yaml, bool all,
			  struct conf_errors *errors)
{
	struct builder b = { .tree = t, .errors = errors, .all = all };
	const int text_max = all ? CONF_ALL_TEXT_MAX : CONF_TEXT_MAX;
	yaml_parser_t parser;

	*t = (struct conf_tree){ 0 };
	if (yaml.n > (size_t)text_max) {
		conf_error_add(errors, 1, 1, "longer than %d bytes", text_max);
		return -EINVAL;
	}
	if (!yaml_parser_initialize(&parser)) {
		conf_error_add(errors, 1, 1, "out of memory");
		return -EINVAL;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, yaml.n ? yaml.p : (const uint8_t *)"", yaml.n);
	conf_events_read(&b, &parser, yaml);
	yaml_parser_delete(&parser);
	return b.stopped ? -EINVAL : 0;
}

int conf_tree_open(struct conf_tree *t, struct bytes yaml, struct conf_errors *errors)
{
	return conf_tree_read(t, yaml, false, errors);
}

int conf_tree_open_all(struct conf_tree *t, struct bytes yaml, struct conf_errors *errors)
{
	return conf_tree_read(t, yaml, true, errors);
}

void conf_tree_close(struct conf_tree *t)
{
	while (t->newest) {
		struct conf_node *node = t->newest;

		t->newest = node->made_before;
		free(node);
	}
	*t = (struct conf_tree){ 0 };
}

const struct conf_node *conf_node_get(const struct conf_node *map, struct bytes key)
{
	const struct conf_node *node = map->first;

	while (node && !(node->key && bytes_eq(node->key->text, key)))
		node = node->next;
	return node;
}

bool conf_node_is_null(const struct conf_node *node)
{
	return node->kind == CONF_NODE_SCALAR && node->plain &&
	       (node->text.n == 0 || bytes_is(node->text, "~") || bytes_is(node->text, "null"));
}

void conf_text_show(struct writer *w, struct bytes text)
{
	for (size_t i = 0; i < text.n && i < CONF_SHOWN_MAX; i++) {
		uint8_t c = text.p[i];

		writer_u8(w, c >= ' ' && c < 0x7f ? c : '?');
	}
	writer_str(w, text.n > CONF_SHOWN_MAX ? "..." : "");
}

void conf_node_path(struct writer *w, const struct conf_node *node)
{
	const struct conf_node *path[CONF_DEPTH_MAX + 1];
	size_t n = 0;

	for (; node && node->parent && n < COUNT_OF(path); node = node->parent)
		path[n++] = node;
	for (size_t i = n; i > 0; i--) {
		const struct conf_node *step = path[i - 1];

		if (!step->key) {
			writer_fmt(w, "[%u]", step->index);
			continue;
		}
		writer_str(w, i == n ? "" : ".");
		conf_text_show(w, step->key->text);
	}
}
