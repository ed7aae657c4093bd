/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf_report.h"

#include <string.h>

#include "base/conf_value.h"

enum { KEY_MAX = 64, SUGGEST_WITHIN = 3 };

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

/* What stands there instead; of scalars the text, but never that of a string: it may be a secret. */
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

void conf_report_wrong(struct conf_errors *errors, const struct conf_field *field,
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

void conf_report_long(struct conf_errors *errors, const struct conf_field *field,
		      const struct conf_node *first_too_many)
{
	struct message m;
	struct writer *w = message_open(&m, first_too_many);

	writer_str(w, ": one too many, must be ");
	conf_value_allowed(w, field);
	message_add(errors, &m, first_too_many);
}

void conf_report_missing(struct conf_errors *errors, const struct conf_field *field,
			 const struct conf_node *map)
{
	struct message m;
	struct writer *w = message_open(&m, map);

	writer_fmt(w, "%s%s: missing, must be ", w->n ? "." : "", field->key);
	conf_value_allowed(w, field);
	message_add(errors, &m, map);
}

static size_t length_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance: insertions, deletions and replacements from one key to the other. */
static size_t key_distance(struct bytes a, struct bytes b)
{
	size_t row[KEY_MAX + 1];

	if (a.n > KEY_MAX || b.n > KEY_MAX)
		return KEY_MAX;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t replaced = diagonal + (a.p[i - 1] != b.p[j - 1]);

			diagonal = row[j];
			row[j] = length_least(replaced, length_least(row[j], row[j - 1]) + 1);
		}
	}
	return row[b.n];
}

/* The field whose key is meant, most likely, or NULL. */
static const struct conf_field *nearest_field(const struct conf_field *fields, struct bytes key)
{
	const struct conf_field *nearest = NULL;
	size_t nearest_distance = SUGGEST_WITHIN;

	for (const struct conf_field *field = fields; field->key; field++) {
		struct bytes name = bytes_str(field->key);
		size_t distance = key_distance(key, name);

		/* of a short key so much may not be wrong */
		if (distance < nearest_distance && distance < name.n) {
			nearest_distance = distance;
			nearest = field;
		}
	}
	return nearest;
}

void conf_report_unknown(struct conf_errors *errors, const struct conf_field *fields,
			 const struct conf_node *value)
{
	const struct conf_field *meant;
	struct message m;
	struct writer *w;

	if (errors->count >= CONF_ERRORS_MAX) {
		errors->total++; /* nobody would read the suggestion */
		return;
	}
	meant = nearest_field(fields, value->key->text);
	w = message_open(&m, value);
	writer_str(w, meant ? ": unknown key, did you mean " : ": unknown key, known here: ");
	if (meant)
		writer_str(w, meant->key);
	for (const struct conf_field *field = fields; !meant && field->key; field++)
		writer_fmt(w, "%s%s", field == fields ? "" : ", ", field->key);
	message_add(errors, &m, value->key);
}

void conf_report_doubled(struct conf_errors *errors, const struct conf_node *first,
			 const struct conf_node *second)
{
	struct message m;
	struct writer *w = message_open(&m, second);

	writer_fmt(w, ": given twice, first in line %u", first->key->line);
	message_add(errors, &m, second->key);
}
