/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/flow_field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/schema/group_field.h"

struct bytes number_flow(const struct number_value *v)
{
	struct bytes to = bytes_str(v->to);

	return bytes_starts(to, GROUP_WORD) ? to : bytes_from(to, sizeof("flow:") - 1);
}

static const char *field_leads_wrong(const void *value, const char *text)
{
	struct bytes to = bytes_str(text), name = to, word;

	(void)value;
	return bytes_cut(&name, ':', &word) &&
			       (bytes_is(word, "flow") || bytes_is(word, "group")) && name.n &&
			       command_allows(CHARSET_NAME, name)
		       ? NULL
		       : "a number leads to flow:NAME or group:NAME";
}

#undef FIELD_OF
#define FIELD_OF struct number_value
const struct command_arg g_number_fields[] = {
	KEY_FIELD("number", number, CHARSET_NUMBER, "The number, as phones dial it."),
	TEXT_FIELD("to", to, CHARSET_TEXT, field_leads_wrong,
		   "What it leads to: flow:NAME or group:NAME."),
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
	p = program_parse(bytes_mem(v->text, n), NULL, &unused);
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
	struct program_value *read = calloc(1, sizeof(*read));
	int err = -ENOMEM;

	*reason = "out of memory";
	if (read)
		err = document_read(json, flow_fill, read, reason);
	if (!err)
		*v = *read;
	free(read);
	return err;
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
