/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads files of documents for `tandemctl apply` and its relatives, and writes YAML that reads back
 * as the same. The command table gives each field its type, so that a number stays a number and a
 * text such as 0012 keeps its zeros. Each field keeps its line and column, by which errors of the
 * node are shown at their place in the file.
 */

#include "app/ctl/ctl_documents.h"

#include <math.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl/ctl.h"
#include "app/schema/command.h"
#include "base/conf_tree.h"
#include "base/csv.h"

enum { SECRET_FILE_MAX = 2048, DOCUMENT_PATH_MAX = 4096 };

bool ctl_documents_open(struct ctl_documents *d)
{
	*d = (struct ctl_documents){ json_array(), json_array(), json_array(), 0, stderr };
	return d->list && d->where && d->files;
}

void ctl_documents_close(struct ctl_documents *d)
{
	json_decref(d->list);
	json_decref(d->where);
	json_decref(d->files);
	*d = (struct ctl_documents){ 0 };
}

/* ---- errors ---- */

static void error_say(struct ctl_documents *d, const char *file, uint32_t line, uint32_t column,
		      const char *message)
{
	d->errors++;
	if (d->say)
		(void)fprintf(d->say, "%s:%u:%u: %s\n", file, line, column, message);
}

void ctl_documents_error(struct ctl_documents *d, size_t document, const char *field,
			 const char *message)
{
	const json_t *where = json_array_get(d->where, document);
	const json_t *at = field ? json_object_get(where, field) : NULL;
	const char *file = json_string_value(json_array_get(d->files, document));

	at = at ? at : json_object_get(where, "");
	error_say(d, file ? file : "?", (uint32_t)json_integer_value(json_array_get(at, 0)),
		  (uint32_t)json_integer_value(json_array_get(at, 1)), message);
}

static void where_set(json_t *where, const char *field, uint32_t line, uint32_t column)
{
	(void)json_object_set_new(where, field,
				  json_pack("[I, I]", (json_int_t)line, (json_int_t)column));
}

/* ---- values ---- */

static json_t *file_text_json(struct bytes text)
{
	return json_stringn((const char *)text.p, text.n);
}

/* A text as YAML means it, where no field says what it is. */
static json_t *plain_json(struct bytes text)
{
	char number[32], *end;
	int64_t whole;
	double real;

	if (!text.n || bytes_is(text, "null") || bytes_is(text, "~"))
		return json_null();
	if (bytes_is(text, "true") || bytes_is(text, "false"))
		return json_boolean(bytes_is(text, "true"));
	if (bytes_cstr(text, number, sizeof(number)) || !strchr("-0123456789", number[0]))
		return file_text_json(text);
	whole = strtoll(number, &end, 10);
	if (!*end && end != number)
		return json_integer(whole);
	real = strtod(number, &end);
	return !*end && end != number && isfinite(real) && !strpbrk(number, "xXpP")
		       ? json_real(real)
		       : file_text_json(text);
}

static json_t *tree_json(const struct conf_node *node)
{
	json_t *json = NULL;

	switch (node->kind) {
	case CONF_NODE_SCALAR:
		return node->plain ? plain_json(node->text) : file_text_json(node->text);
	case CONF_NODE_MAP:
		json = json_object();
		for (const struct conf_node *n = node->first; n; n = n->next)
			(void)json_object_setn_new(json, (const char *)n->key->text.p,
						   n->key->text.n, tree_json(n));
		return json;
	case CONF_NODE_SEQUENCE:
		json = json_array();
		for (const struct conf_node *n = node->first; n; n = n->next)
			(void)json_array_append_new(json, tree_json(n));
		return json;
	case CONF_NODE_BROKEN:
		break;
	}
	return json_null();
}

/* A list where a text is wanted: its words, joined. NULL: an item is no text. */
static json_t *joined_json(const struct conf_node *list)
{
	static char text[64 * 1024];
	struct writer w = writer_over(text, sizeof(text));

	for (const struct conf_node *n = list->first; n; n = n->next) {
		if (n->kind != CONF_NODE_SCALAR)
			return NULL;
		writer_str(&w, n == list->first ? "" : ",");
		writer_bytes(&w, n->text);
	}
	return w.overflow ? NULL : file_text_json(writer_done(&w));
}

static json_t *yaml_node_json(const struct command_arg *arg, const struct conf_node *node)
{
	json_t *json = NULL;

	if (arg && node->kind == CONF_NODE_SCALAR && arg->type != ARG_JSON)
		return command_arg_json(arg, node->text, true);
	if (arg && node->kind == CONF_NODE_SEQUENCE && arg->type == ARG_STRING)
		json = joined_json(node);
	return json ? json : tree_json(node);
}

/* ---- secrets ---- */

static json_t *secret_file(const char *file, struct bytes name)
{
	const char *slash = strrchr(file, '/');
	char path[DOCUMENT_PATH_MAX], text[SECRET_FILE_MAX];
	json_t *json = NULL;
	size_t n = 0;
	FILE *from;

	(void)snprintf(path, sizeof(path), "%.*s" BYTES_FMT,
		       slash && name.n && name.p[0] != '/' ? (int)(slash - file) + 1 : 0, file,
		       BYTES_ARG(name));
	from = fopen(path, "rb");
	if (from) {
		n = fread(text, 1, sizeof(text), from);
		(void)fclose(from);
	}
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (from && n < sizeof(text) - 1)
		json = json_stringn(text, n);
	OPENSSL_cleanse(text, sizeof(text));
	return json;
}

/* password_file and password_env in place of password. NULL: the key is no such one. */
static const struct command_arg *secret_of(const struct command *put, struct bytes key, bool *env)
{
	static const char *const ends[] = { "_file", "_env" };

	for (size_t i = 0; put && i < COUNT_OF(ends); i++) {
		size_t n = strlen(ends[i]);
		const struct command_arg *arg;

		if (key.n <= n || !bytes_is(bytes_from(key, key.n - n), ends[i]) ||
		    command_arg_find(put, key))
			continue;
		*env = i == 1;
		arg = command_arg_find(put, bytes_sub(key, 0, key.n - n));
		return arg && arg->type == ARG_SECRET ? arg : NULL;
	}
	return NULL;
}

static json_t *secret_json(const char *file, bool env, struct bytes name)
{
	char text[256];
	const char *value;

	if (!env)
		return secret_file(file, name);
	value = bytes_cstr(name, text, sizeof(text)) ? NULL : getenv(text);
	return value ? json_string(value) : NULL;
}

/* ---- documents ---- */

/* A field, and its position. */
struct field_place {
	const char *file;
	struct bytes key;
	uint32_t line, column;
};

static void file_document_add(struct ctl_documents *d, const char *file, json_t *document,
			      json_t *where)
{
	(void)json_array_append_new(d->list, document);
	(void)json_array_append_new(d->where, where);
	(void)json_array_append_new(d->files, json_string(file));
}

static void field_add(struct ctl_documents *d, const struct field_place *at, json_t *document,
		      json_t *where, json_t *value)
{
	char name[128];

	if (bytes_cstr(at->key, name, sizeof(name)) || !value || json_object_get(document, name)) {
		error_say(d, at->file, at->line, at->column,
			  value && json_object_get(document, name) ? "this field stands there twice"
								   : "it is no text in UTF-8");
		json_decref(value);
		return;
	}
	(void)json_object_set_new(document, name, value);
	where_set(where, name, at->line, at->column);
}

static void yaml_field_add(struct ctl_documents *d, const char *file, const struct command *put,
			   const struct conf_node *node, json_t *document, json_t *where)
{
	struct field_place at = { file, node->key->text, node->line, node->column };
	const struct command_arg *arg = put ? command_arg_find(put, at.key) : NULL;
	bool env = false, is_secret;
	const struct command_arg *secret = secret_of(put, at.key, &env);
	json_t *value;

	if (bytes_is(at.key, "kind") || bytes_is(at.key, "tenant"))
		arg = arg ? arg : &g_command_tenant; /* a text, whatever it looks like */
	is_secret = secret && node->kind == CONF_NODE_SCALAR;
	value = is_secret ? secret_json(file, env, node->text) : yaml_node_json(arg, node);
	if (is_secret && !value) {
		error_say(d, file, node->line, node->column,
			  env ? "there is no such variable in the environment"
			      : "the file cannot be read, or is longer than a secret");
		return;
	}
	if (secret)
		at.key = bytes_str(secret->name);
	if (!arg && !secret) { /* the node will say so of the key */
		at.line = node->key->line;
		at.column = node->key->column;
	}
	field_add(d, &at, document, where, value);
}

static void yaml_document_add(struct ctl_documents *d, const char *file,
			      const struct conf_node *node)
{
	const struct conf_node *kind;
	const struct command *put;
	json_t *document, *where;
	char name[64] = "";

	if (conf_node_is_null(node))
		return; /* nothing between two lines of --- */
	if (node->kind != CONF_NODE_MAP) {
		error_say(d, file, node->line, node->column,
			  "a document is a map of fields, such as kind: extension");
		return;
	}
	kind = conf_node_get(node, BYTES_LIT("kind"));
	if (kind)
		(void)bytes_cstr(kind->text, name, sizeof(name));
	put = command_put_of(name);
	document = json_object();
	where = json_object();
	where_set(where, "", node->line, node->column);
	for (const struct conf_node *n = node->first; n; n = n->next)
		yaml_field_add(d, file, put, n, document, where);
	file_document_add(d, file, document, where);
}

void ctl_documents_yaml(struct ctl_documents *d, const char *file, struct bytes text)
{
	static struct conf_errors errors;
	struct conf_tree tree;

	errors = (struct conf_errors){ 0 };
	(void)!conf_tree_open_all(&tree, text, &errors);
	for (uint32_t i = 0; i < errors.count; i++)
		error_say(d, file, errors.list[i].line, errors.list[i].column,
			  errors.list[i].message);
	d->errors += errors.total - errors.count;
	for (const struct conf_node *n = errors.total ? NULL : tree.root; n; n = n->next) {
		if (n->kind != CONF_NODE_SEQUENCE) {
			yaml_document_add(d, file, n);
			continue;
		}
		for (const struct conf_node *item = n->first; item; item = item->next)
			yaml_document_add(d, file, item);
	}
	conf_tree_close(&tree);
}

/* ---- CSV ---- */

json_t *ctl_csv_row(struct bytes *rest, const char **wrong)
{
	size_t room = rest->n;
	json_t *row = room ? json_array() : NULL;
	uint8_t *cell = row ? malloc(room) : NULL;
	bool last = !cell;

	*wrong = NULL;
	while (!last && !*wrong) {
		struct writer w = writer_over(cell, room);
		json_t *text;

		*wrong = csv_cell_read(rest, &w, &last);
		text = file_text_json(writer_done(&w));
		if (!text)
			*wrong = "it is no text in UTF-8";
		(void)json_array_append_new(row, text);
	}
	free(cell);
	if (*wrong) {
		json_decref(row);
		row = NULL;
	}
	return row;
}

static bool csv_is_empty(const json_t *row)
{
	return json_array_size(row) == 1 && !json_string_length(json_array_get(row, 0));
}

static void csv_document_add(struct ctl_documents *d, const struct field_place *place,
			     const struct command *put, const json_t *head, const json_t *row)
{
	json_t *document = json_object(), *where = json_object();

	where_set(where, "", place->line, 1);
	for (size_t i = 0; i < json_array_size(row); i++) {
		const char *name = json_string_value(json_array_get(head, i));
		struct bytes text = bytes_str(json_string_value(json_array_get(row, i)));
		struct field_place at = { place->file, bytes_str(name ? name : ""), place->line,
					  (uint32_t)i + 1 };
		const struct command_arg *arg = name ? command_arg_find(put, at.key) : NULL;

		if (!name)
			error_say(d, place->file, place->line, (uint32_t)i + 1,
				  "the first row has no name for this column");
		else if (text.n)
			field_add(d, &at, document, where,
				  arg && arg->type != ARG_JSON ? command_arg_json(arg, text, true)
							       : file_text_json(text));
	}
	file_document_add(d, place->file, document, where);
}

/* Each column's name must be a field: complained of once, at its place, not for each row. */
static void csv_head_check(struct ctl_documents *d, const char *file, const struct command *put,
			   const json_t *head)
{
	const json_t *cell;
	char message[160];
	size_t i;

	json_array_foreach(head, i, cell)
	{
		struct bytes name = bytes_str(json_string_value(cell));

		if (command_arg_find(put, name) || bytes_is(name, g_command_tenant.name))
			continue;
		(void)snprintf(message, sizeof(message),
			       "there is no field '%.60s': import extensions --template has them",
			       json_string_value(cell));
		error_say(d, file, 1, (uint32_t)i + 1, message);
	}
}

void ctl_documents_csv(struct ctl_documents *d, const char *file, struct bytes text,
		       const char *kind)
{
	const struct command *put = command_put_of(kind);
	struct field_place at = { .file = file, .line = 1 };
	json_t *head = NULL, *row;
	const char *wrong;

	if (bytes_starts(text, "\xef\xbb\xbf")) /* as spreadsheets begin UTF-8 */
		text = bytes_from(text, 3);
	while (text.n) {
		struct bytes before = text, line;

		row = ctl_csv_row(&text, &wrong);
		if (!row) {
			error_say(d, file, at.line, 1, wrong ? wrong : "out of memory");
			break;
		}
		if (!head) {
			head = json_incref(row);
			csv_head_check(d, file, put, head);
		} else if (!csv_is_empty(row)) {
			csv_document_add(d, &at, put, head, row);
			(void)json_object_set_new(json_array_get(d->list,
								 json_array_size(d->list) - 1),
						  "kind", json_string(kind));
		}
		json_decref(row);
		before.n -= text.n;
		while (bytes_find(before, '\n') < before.n && bytes_cut(&before, '\n', &line))
			at.line++;
	}
	json_decref(head);
}

/* ---- YAML that is written ---- */

/* A text that no reader takes for anything else. */
static bool yaml_is_plain(const char *text)
{
	static const char *const words[] = { "true", "false", "null", "yes", "no",
					     "on",   "off",   "y",    "n" };

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (bytes_iis(bytes_str(text), words[i]))
			return false;
	}
	if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", text[0]) || !text[0])
		return false;
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."
				 "-")] == '\0';
}

static void yaml_scalar_write(struct writer *w, const json_t *json)
{
	const char *text = json_string_value(json);
	char *quoted;

	if (text && yaml_is_plain(text)) {
		writer_str(w, text);
		return;
	}
	quoted = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
	writer_str(w, quoted ? quoted : "null");
	free(quoted);
}

static void yaml_indent(struct writer *w, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		writer_str(w, "  ");
}

static bool yaml_is_block(const json_t *json)
{
	return json_array_size(json) || json_object_size(json);
}

static void yaml_value_write(struct writer *w, const json_t *json, unsigned depth, bool inside);

static void yaml_map_write(struct writer *w, const json_t *map, unsigned depth, bool inside)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)map, name, value)
	{
		json_t *key = json_string(name);

		if (!inside)
			yaml_indent(w, depth);
		inside = false;
		yaml_scalar_write(w, key);
		writer_str(w, yaml_is_block(value) ? ":\n" : ": ");
		yaml_value_write(w, value, depth + 1, false);
		json_decref(key);
	}
}

/* inside: the value is an item of a list, and "- " stands on its first line already. */
static void yaml_value_write(struct writer *w, const json_t *json, unsigned depth, bool inside)
{
	if (json_object_size(json)) {
		yaml_map_write(w, json, depth, inside);
	} else if (json_array_size(json)) {
		for (size_t i = 0; i < json_array_size(json); i++) {
			const json_t *item = json_array_get(json, i);

			if (i || !inside)
				yaml_indent(w, depth);
			writer_str(w, "- ");
			yaml_value_write(w, item, depth + 1, true);
		}
	} else {
		yaml_scalar_write(w, json);
		writer_str(w, "\n");
	}
}

void ctl_yaml_write(struct writer *w, const json_t *document)
{
	yaml_map_write(w, document, 0, false);
}
