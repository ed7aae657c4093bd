/* SPDX-License-Identifier: Apache-2.0 */
/* Members of documents. People write into Redis by hand: every type is checked. */
#include <errno.h>
#include <string.h>

#include "app/document/document.h"

json_t *document_versioned(json_t *json)
{
	if (json && json_object_set_new(json, "v", json_integer(DOCUMENT_FORMAT))) {
		json_decref(json);
		return NULL;
	}
	return json;
}

json_t *document_shown(json_t *json, uint64_t changed_utc_ms)
{
	if (json && json_object_set_new(json, "changed_utc_ms", json_integer(changed_utc_ms))) {
		json_decref(json);
		return NULL;
	}
	return json;
}

void document_refuse(struct document_reader *r, const char *member)
{
	if (!r->wrong)
		r->wrong = member;
}

void document_text(struct document_reader *r, const char *member, char *out, size_t cap)
{
	const json_t *value = json_object_get(r->json, member);
	struct bytes text = bytes_mem(json_string_value(value), json_string_length(value));

	if (r->wrong)
		return;
	if (!json_is_string(value) || bytes_find(text, 0) < text.n || bytes_cstr(text, out, cap))
		document_refuse(r, member);
}

uint64_t document_changed(const struct document_reader *r)
{
	return (uint64_t)json_integer_value(json_object_get(r->json, "changed_utc_ms"));
}

int document_read(struct bytes text, document_fill_fn *fill, void *value, const char **reason)
{
	json_t *json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	struct document_reader r = { .json = json };
	bool later = json_integer_value(json_object_get(json, "v")) > DOCUMENT_FORMAT;

	if (later) {
		document_refuse(&r, "v: of a later program");
	} else if (json_is_object(json)) {
		fill(&r, value);
	} else {
		document_refuse(&r, "not a JSON object");
	}
	json_decref(json);
	*reason = r.wrong;
	if (!r.wrong)
		return 0;
	return later ? -EPROTONOSUPPORT : -EBADMSG;
}
