/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of flows and of the numbers that lead to them. A number with a URL leads to a program
 * that asks that web application; it is generated here, so that calls know only programs.
 * command_flow.c and command_trunk.c put them; a program with errors is refused when it is read,
 * too, since a call must never meet one.
 */

#include "app/schema/flow_field.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/schema/group_field.h"
#include "base/json.h"
#include "sig/pbx/queue/queues.h"

static bool number_asks(const char *to)
{
	return !form_wrong(FORM_URL, bytes_str(to));
}

struct bytes number_flow(const struct number_value *v, char space[CALL_FLOW_MAX])
{
	struct bytes to = bytes_str(v->to);

	(void)snprintf(space, CALL_FLOW_MAX, NUMBER_WORD "%s", v->number);
	if (number_asks(v->to))
		return bytes_str(space);
	return bytes_starts(to, "flow:") ? bytes_from(to, sizeof("flow:") - 1) : to;
}

static void json_text_member(struct writer *w, const char *before, const char *text)
{
	writer_str(w, before);
	json_write_text(w, bytes_str(text));
}

/* An answer that is no list of verbs fails, too: the number leads nowhere else. */
void number_program(const struct number_value *v, struct writer *w)
{
	bool url = number_asks(v->fallback), flow = v->fallback[0] && !url;

	if (!number_asks(v->to))
		return;
	json_text_member(w, "{\"start\":\"ask\",\"steps\":{\"ask\":{\"http\":{\"url\":", v->to);
	if (url)
		json_text_member(w, ",\"fallback\":", v->fallback);
	WRITER_TEXTS(w, "},\"next\":\"else\",\"failed\":\"else\"},\"else\":{");
	if (flow)
		json_text_member(w, "\"redirect\":", v->fallback);
	WRITER_TEXTS(w, flow ? ",\"failed\":\"no\"},\"no\":{" : "",
		     "\"reject\":{\"status\":480}}}}");
}

static bool flow_word_is(const char *text)
{
	return !form_wrong(FORM_FLOW, bytes_str(text)) &&
	       strlen(text) < sizeof("flow:") + FLOW_NAME_MAX - 1;
}

bool number_names_document(const char *text)
{
	size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	struct bytes name = bytes_from(bytes_str(text), word + 1);

	return word && text[word] == ':' && name.n && name.n < FLOW_NAME_MAX &&
	       command_allows(CHARSET_NAME, name) && !flow_word_is(text);
}

static const char *field_leads_wrong(const void *value, const char *text)
{
	(void)value;
	return number_names_document(text) || flow_word_is(text) || number_asks(text)
		       ? NULL
		       : NUMBER_LEADS;
}

static const char *field_fallback_wrong(const void *value, const char *text)
{
	(void)value;
	return !text[0] || flow_word_is(text) || number_asks(text)
		       ? NULL
		       : "it is flow:NAME, or a URL of http, https, ws or wss";
}

#undef FIELD_OF
#define FIELD_OF struct number_value
const struct command_arg g_number_fields[] = {
	KEY_FIELD(
		"number", number, CHARSET_NUMBER,
		"The number, as phones dial it; with an x for any digit and a dot behind what may "
		"be repeated or missing, as in #1x or 7x.: the most exact one counts."),
	URL_FIELD("to", to, field_leads_wrong,
		  "What it leads to: flow:NAME, group:NAME, queue:NAME, page:NAME, or the URL of a "
		  "web application, which answers with a list of verbs (docs/flows.md). Of a URL "
		  "user, password "
		  "and query are shown as ***, and to roles below admin scheme, host and port "
		  "alone."),
	URL_FIELD("fallback", fallback, field_fallback_wrong,
		  "Of a URL: where the call goes when that application fails, another URL or "
		  "flow:NAME. Empty: it is refused (480)."),
	{ .name = NULL },
};
#undef FIELD_OF

const struct form g_number_form = { .fields = g_number_fields, FORM_OF(struct number_value) };

json_t *flow_document(const struct program_value *v)
{
	json_t *program = json_loads(v->text, 0, NULL);

	if (!program)
		return NULL;
	return document_versioned(document_shown(
		json_pack("{s:s, s:o}", "name", v->name, "program", program), v->changed_utc_ms));
}

static bool program_set(struct program_value *v, const json_t *program)
{
	static struct flow_findings unused;
	size_t n = program ? json_dumpb(program, v->text, sizeof(v->text) - 1, JSON_COMPACT) : 0;
	struct flow_program *p;

	if (!n || n >= sizeof(v->text))
		return false;
	v->text[n] = '\0';
	p = program_read(bytes_mem(v->text, n), &unused);
	program_free(p);
	return p != NULL;
}

static void flow_fill(struct document_reader *r, void *value)
{
	struct program_value *v = value;

	document_text(r, "name", v->name, sizeof(v->name));
	v->changed_utc_ms = document_changed(r);
	if (!r->wrong && !program_set(v, document_member(r, "program").list))
		document_refuse(r, "program");
}

int flow_document_read(struct program_value *v, struct bytes json, const char **reason)
{
	return document_read(json, NULL, flow_fill, v, sizeof(*v), reason);
}

void flow_hash_text(char out[FLOW_HASH_TEXT], const uint8_t hash[PROGRAM_HASH_LEN])
{
	struct writer w = writer_over(out, FLOW_HASH_TEXT);

	writer_hex(&w, bytes_mem(hash, PROGRAM_HASH_LEN));
	out[w.n] = '\0';
}

json_t *flow_findings_json(const struct flow_findings *all, bool warnings)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < all->count; i++) {
		const struct flow_finding *f = &all->list[i];

		if (f->warning == warnings)
			(void)json_array_append_new(list, json_pack("{s:s, s:s}", "path", f->path,
								    "message", f->message));
	}
	return list;
}
