/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and renders templates (template.h). While reading, the literal text is followed as a phone
 * would read it: inside a tag, inside quotes, between elements. So a value can only stand where its
 * escaping makes it text, and whatever it holds, the file has the same structure. A list must leave
 * its text in the state in which it began, or its second row would stand elsewhere than its first.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/feature/provision/template.h"
#include "sig/sip/body.h"

enum token_kind { TOKEN_TEXT, TOKEN_VALUE, TOKEN_ROW_VALUE, TOKEN_LIST, TOKEN_END };

/* Where literal text has come to. */
enum template_place {
	PLACE_OUTSIDE, /* between elements, or outside of "" */
	PLACE_TAG,
	PLACE_QUOTES, /* in "" */
	PLACE_APOSTROPHES,
	PLACE_COMMENT, /* of XML, or a processing instruction: no value may stand there */
};

struct template_token {
	uint8_t kind;
	uint8_t use;       /* enum template_use */
	uint16_t number;   /* of the value, or of the list */
	uint16_t end;      /* TOKEN_LIST: where its TOKEN_END is */
	struct bytes text; /* TOKEN_TEXT */
};

struct template
{
	enum template_format format;
	uint16_t count;
	uint8_t widths[TEMPLATE_LISTS_MAX]; /* values of a row */
	struct template_token tokens[];
};

static const char *const g_formats[TEMPLATE_FORMATS] = { "xml", "quoted", "lines" };

/* A template that is being read. */
struct template_reader {
	struct template *t;
	const struct template_names *names;
	struct bytes all, rest;
	bool has_format;
	const struct template_list *list; /* that is open; NULL: none */
	uint16_t list_at;
	enum template_place place, list_place;
	uint8_t last[3]; /* octets of literal text, the newest first */
	char *wrong;
};

static int template_refuse(struct template_reader *r, const char *why, struct bytes what)
{
	struct bytes before = bytes_sub(r->all, 0, r->all.n - r->rest.n);
	unsigned line = 1;

	for (size_t i = 0; i < before.n; i++)
		line += before.p[i] == '\n';
	(void)snprintf(r->wrong, TEMPLATE_WRONG_MAX, "line %u: %s: %.*s", line, why,
		       (int)(what.n < 40 ? what.n : 40), (const char *)what.p);
	return -EBADMSG;
}

bool template_is_key(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c > '~' || !(isalpha(c) || (i && (isdigit(c) || strchr("._-", c)))))
			return false;
	}
	return text.n > 0;
}

/* ---- where text stands ---- */

static void place_xml(struct template_reader *r, uint8_t c)
{
	switch (r->place) {
	case PLACE_OUTSIDE:
		if (c == '<')
			r->place = PLACE_TAG;
		break;
	case PLACE_TAG:
		if (c == '"')
			r->place = PLACE_QUOTES;
		else if (c == '\'')
			r->place = PLACE_APOSTROPHES;
		else if (c == '>')
			r->place = PLACE_OUTSIDE;
		else if ((c == '?' || c == '!') && r->last[0] == '<')
			r->place = PLACE_COMMENT;
		break;
	case PLACE_QUOTES:
		if (c == '"')
			r->place = PLACE_TAG;
		break;
	case PLACE_APOSTROPHES:
		if (c == '\'')
			r->place = PLACE_TAG;
		break;
	case PLACE_COMMENT:
		if (c == '>' && (r->last[0] == '?' || (r->last[0] == '-' && r->last[1] == '-')))
			r->place = PLACE_OUTSIDE;
		break;
	}
}

static void place_quoted(struct template_reader *r, uint8_t c)
{
	if (c == '"')
		r->place = r->place == PLACE_OUTSIDE ? PLACE_QUOTES : PLACE_OUTSIDE;
}

static void place_lines(struct template_reader *r, uint8_t c)
{
	if (c == '\n')
		r->place = PLACE_OUTSIDE;
	else if (c == '=')
		r->place = PLACE_QUOTES;
}

/* NULL, or what is wrong with it. */
static const char *text_follow(struct template_reader *r, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
			return "a control character";
		if (c == '\n' && r->place == PLACE_QUOTES && r->t->format != TEMPLATE_LINES)
			return "a value ends on its line";
		switch (r->t->format) {
		case TEMPLATE_XML:
			place_xml(r, c);
			break;
		case TEMPLATE_QUOTED:
			place_quoted(r, c);
			break;
		case TEMPLATE_LINES:
			place_lines(r, c);
			break;
		case TEMPLATE_FORMATS:
			break;
		}
		r->last[2] = r->last[1];
		r->last[1] = r->last[0];
		r->last[0] = c;
	}
	return NULL;
}

static bool value_may_stand(const struct template_reader *r, enum template_use use)
{
	bool is_xml = r->t->format == TEMPLATE_XML;
	uint8_t before = r->last[0];

	switch (use) {
	case TEMPLATE_VALUE:
		return r->place == PLACE_QUOTES || (is_xml && r->place == PLACE_OUTSIDE);
	case TEMPLATE_KEY:
		return is_xml ? r->place == PLACE_TAG && before && strchr(" \t\n", before)
			      : r->place == PLACE_OUTSIDE && (!before || before == '\n');
	case TEMPLATE_PART:
		return (r->place == (is_xml ? PLACE_TAG : PLACE_OUTSIDE) && before &&
			strchr("._", before)) ||
		       value_may_stand(r, TEMPLATE_VALUE);
	}
	return false;
}

/* ---- tags ---- */

static struct template_token *token_add(struct template_reader *r, enum token_kind kind)
{
	struct template_token *token = &r->t->tokens[r->t->count];

	if (r->t->count == TEMPLATE_TOKENS_MAX)
		return NULL;
	r->t->count++;
	*token = (struct template_token){ .kind = (uint8_t)kind };
	return token;
}

/* Its number, or -1. */
static int template_field_at(const struct template_field *fields, struct bytes name)
{
	for (int i = 0; fields && fields[i].name; i++) {
		if (bytes_is(name, fields[i].name))
			return i;
	}
	return -1;
}

static int tag_value_read(struct template_reader *r, struct bytes name)
{
	const struct template_field *fields = r->list ? r->list->fields : NULL;
	int number = template_field_at(fields, name);
	bool of_row = number >= 0;
	struct template_token *token;

	if (!of_row) {
		fields = r->names->fields;
		number = template_field_at(fields, name);
	}
	if (number < 0)
		return template_refuse(r, "no such value", name);
	if (!value_may_stand(r, fields[number].use))
		return template_refuse(r, "a value cannot stand here", name);
	token = token_add(r, of_row ? TOKEN_ROW_VALUE : TOKEN_VALUE);
	if (!token)
		return template_refuse(r, "too long", name);
	token->number = (uint16_t)number;
	token->use = (uint8_t)fields[number].use;
	memset(r->last, 'v', sizeof(r->last)); /* no markup goes over a value */
	return 0;
}

static int template_list_open(struct template_reader *r, struct bytes name)
{
	struct template_token *token;
	uint16_t number = 0;

	while (r->names->lists[number].name && !bytes_is(name, r->names->lists[number].name))
		number++;
	if (!r->names->lists[number].name)
		return template_refuse(r, "no such list", name);
	if (r->list)
		return template_refuse(r, "a list within a list", name);
	token = token_add(r, TOKEN_LIST);
	if (!token)
		return template_refuse(r, "too long", name);
	token->number = number;
	r->list = &r->names->lists[number];
	r->list_at = (uint16_t)(r->t->count - 1);
	r->list_place = r->place;
	while (r->list->fields[r->t->widths[number]].name)
		r->t->widths[number]++;
	return 0;
}

static int template_list_close(struct template_reader *r, struct bytes name)
{
	if (!r->list || !bytes_is(name, r->list->name))
		return template_refuse(r, "this list is not open", name);
	if (r->place != r->list_place)
		return template_refuse(r, "a row does not end as it began", name);
	if (!token_add(r, TOKEN_END))
		return template_refuse(r, "too long", name);
	r->t->tokens[r->list_at].end = (uint16_t)(r->t->count - 1);
	r->list = NULL;
	return 0;
}

static int template_format_read(struct template_reader *r, struct bytes name)
{
	if (r->has_format || r->t->count)
		return template_refuse(r, "the format comes first", name);
	for (int i = 0; i < TEMPLATE_FORMATS; i++) {
		if (bytes_is(name, g_formats[i])) {
			r->t->format = (enum template_format)i;
			r->has_format = true;
			return 0;
		}
	}
	return template_refuse(r, "no such format", name);
}

/* name: between {{ and }}. */
static int template_tag_read(struct template_reader *r, struct bytes name)
{
	uint8_t first = name.n ? name.p[0] : 0;

	if (first == '!')
		return 0;
	if (first == '=')
		return template_format_read(r, bytes_from(name, 1));
	if (!r->has_format)
		return template_refuse(r, "the format comes first", name);
	if (first == '#')
		return template_list_open(r, bytes_from(name, 1));
	if (first == '/')
		return template_list_close(r, bytes_from(name, 1));
	return tag_value_read(r, name);
}

/* ---- text ---- */

/* Where "{{" or "}}" begins; text.n: nowhere. */
static size_t braces_find(struct bytes text, const char *braces)
{
	const void *at = text.n ? memmem(text.p, text.n, braces, 2) : NULL;

	return at ? (size_t)((const uint8_t *)at - text.p) : text.n;
}

static int template_text_read(struct template_reader *r, struct bytes text)
{
	struct template_token *token;
	const char *wrong;

	if (!text.n)
		return 0;
	if (!r->has_format)
		return template_refuse(r, "the format comes first", text);
	wrong = text_follow(r, text);
	token = wrong ? NULL : token_add(r, TOKEN_TEXT);
	if (!token)
		return template_refuse(r, wrong ? wrong : "too long", text);
	token->text = text;
	return 0;
}

/* Text up to the next tag, and that tag. */
static int piece_read(struct template_reader *r)
{
	size_t at = braces_find(r->rest, "{{"), end;
	bool at_line, is_value;
	struct bytes name;
	int err = template_text_read(r, bytes_sub(r->rest, 0, at));

	if (err || at == r->rest.n) {
		r->rest = err ? r->rest : bytes_from(r->rest, at);
		return err;
	}
	r->rest = bytes_from(r->rest, at);
	at_line = r->rest.p == r->all.p || r->rest.p[-1] == '\n';
	name = bytes_from(r->rest, 2);
	end = braces_find(name, "}}");
	if (end == name.n)
		return template_refuse(r, "a tag does not end", name);
	name = bytes_sub(name, 0, end);
	err = template_tag_read(r, name);
	if (err)
		return err;
	r->rest = bytes_from(r->rest, end + 4);
	is_value = name.n && isalpha(name.p[0]);
	if (at_line && !is_value && r->rest.n && r->rest.p[0] == '\n')
		r->rest = bytes_from(r->rest, 1);
	return 0;
}

int template_parse(struct template **out, struct bytes text, const struct template_names *names,
		   char wrong[TEMPLATE_WRONG_MAX])
{
	struct template_reader r = { .names = names, .all = text, .rest = text, .wrong = wrong };
	int err = 0;

	*out = NULL;
	wrong[0] = '\0';
	if (text.n > TEMPLATE_TEXT_MAX)
		return template_refuse(&r, "too long", BYTES_LIT("the template"));
	r.t = calloc(1, sizeof(*r.t) + TEMPLATE_TOKENS_MAX * sizeof(r.t->tokens[0]));
	if (!r.t)
		return -ENOMEM;
	while (!err && r.rest.n)
		err = piece_read(&r);
	if (!err && !r.has_format)
		err = template_refuse(&r, "the format comes first", BYTES_LIT("the end"));
	if (!err && (r.list || r.place != PLACE_OUTSIDE))
		err = template_refuse(&r, "something is open", BYTES_LIT("the end"));
	if (err) {
		free(r.t);
		return err;
	}
	*out = r.t;
	return 0;
}

void template_free(struct template *t)
{
	free(t);
}

/* ---- rendering ---- */

/* What ends a line, or is not to be seen, is a space. */
static void template_line_write(struct writer *w, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		writer_u8(w, text.p[i] < ' ' || text.p[i] == 0x7f ? ' ' : text.p[i]);
}

static void template_quoted_write(struct writer *w, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c == '"' || c == '\\')
			writer_u8(w, '\\');
		writer_u8(w, c < ' ' || c == 0x7f ? ' ' : c);
	}
}

static bool part_is_good(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] > '~' || !isalnum(text.p[i]))
			return false;
	}
	return text.n > 0;
}

static bool token_value_write(const struct template *t, const struct template_token *token,
			      struct bytes value, struct writer *w)
{
	if (token->use != TEMPLATE_VALUE) {
		writer_bytes(w, value);
		return token->use == TEMPLATE_KEY ? template_is_key(value) : part_is_good(value);
	}
	switch (t->format) {
	case TEMPLATE_XML:
		xml_write(w, value);
		break;
	case TEMPLATE_QUOTED:
		template_quoted_write(w, value);
		break;
	case TEMPLATE_LINES:
		template_line_write(w, value);
		break;
	case TEMPLATE_FORMATS:
		return false;
	}
	return true;
}

/* One token outside of lists, or in that row. */
static bool token_write(const struct template *t, const struct template_token *token,
			const struct template_values *values, const struct bytes *row,
			struct writer *w)
{
	switch ((enum token_kind)token->kind) {
	case TOKEN_TEXT:
		writer_bytes(w, token->text);
		return true;
	case TOKEN_VALUE:
		return token_value_write(t, token, values->fields[token->number], w);
	case TOKEN_ROW_VALUE:
		return token_value_write(t, token, row[token->number], w);
	case TOKEN_LIST:
	case TOKEN_END:
		break;
	}
	return true;
}

static bool list_write(const struct template *t, uint16_t at, const struct template_values *values,
		       struct writer *w)
{
	const struct template_token *list = &t->tokens[at];
	const struct template_rows *rows = &values->lists[list->number];

	for (uint32_t i = 0; i < rows->count && !w->overflow; i++) {
		const struct bytes *row = rows->values + i * t->widths[list->number];

		for (uint16_t k = at + 1; k < list->end; k++) {
			if (!token_write(t, &t->tokens[k], values, row, w))
				return false;
		}
	}
	return true;
}

bool template_render(const struct template *t, const struct template_values *values,
		     struct writer *w)
{
	for (uint16_t i = 0; i < t->count; i++) {
		const struct template_token *token = &t->tokens[i];
		bool good = token->kind == TOKEN_LIST ? list_write(t, i, values, w)
						      : token_write(t, token, values, NULL, w);

		if (!good)
			return false;
		if (token->kind == TOKEN_LIST)
			i = token->end;
	}
	return true;
}
