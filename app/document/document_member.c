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

struct given document_member(const struct document_reader *r, const char *name)
{
	return r->flat ? given_flat(flat_find(r->flat, bytes_str(name)))
		       : given_json(json_object_get(r->json, name));
}

void document_refuse(struct document_reader *r, const char *member)
{
	if (!r->wrong)
		r->wrong = member;
}

void document_text(struct document_reader *r, const char *member, char *out, size_t cap)
{
	struct given g = document_member(r, member);

	if (r->wrong)
		return;
	if (g.kind != GIVEN_TEXT || bytes_find(g.text, 0) < g.text.n ||
	    bytes_cstr(g.text, out, cap))
		document_refuse(r, member);
}

uint64_t document_changed(const struct document_reader *r)
{
	return (uint64_t)document_member(r, "changed_utc_ms").number;
}

static json_t *document_tree(struct bytes text)
{
	return json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
}

int document_read(struct bytes text, document_fill_fn *fill, void *value, const char **reason)
{
	struct flat flat;
	struct document_reader r = { .flat = flat_read(&flat, text) ? &flat : NULL };
	json_t *json = r.flat ? NULL : document_tree(text);
	bool later;

	r.json = json;
	later = document_member(&r, "v").number > DOCUMENT_FORMAT;
	if (later) {
		document_refuse(&r, "v: of a later program");
	} else if (r.flat || json_is_object(json)) {
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
