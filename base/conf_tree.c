/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

/* The tree in the making. */
struct builder {
	struct conf_tree *tree;
	struct conf_errors *errors;
	struct conf_node *open; /* innermost map or list without its end yet */
	struct conf_node *key;  /* waits for its value */
	uint32_t depth;
	uint32_t documents;
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

	if (b->tree->count >= CONF_NODES_MAX) {
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
		b->tree->root = node;
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
	if (b->documents++)
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

static void syntax_error(struct builder *b, const yaml_parser_t *parser, struct bytes yaml)
{
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_READER_ERROR)
		mark = mark_of(yaml, parser->problem_offset);
	stop_at(b, &mark, parser->problem ? parser->problem : "not YAML");
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

int conf_tree_open(struct conf_tree *t, struct bytes yaml, struct conf_errors *errors)
{
	struct builder b = { .tree = t, .errors = errors };
	yaml_parser_t parser;

	*t = (struct conf_tree){ 0 };
	if (yaml.n > CONF_TEXT_MAX) {
		conf_error_add(errors, 1, 1, "longer than %d bytes", CONF_TEXT_MAX);
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
