/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a set and the entries of its versions, as JSON and as octets: written and read.
 * command_set.c stages entries, command_set_move.c moves them on any node, so both ends must agree
 * on every octet. Entries come from Redis and are checked; a later format is refused rather than
 * half applied. Pure.
 */

#include "app/schema/set_field.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static json_t *version_json(const struct set_version *v)
{
	return json_pack("{s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "version",
			 (json_int_t)v->version, "utc_ms", (json_int_t)v->utc_ms, "by", v->by,
			 "entries", (json_int_t)v->entries, "created", (json_int_t)v->created,
			 "changed", (json_int_t)v->changed, "deleted", (json_int_t)v->deleted,
			 "rollback_of", (json_int_t)v->of, "key", (json_int_t)v->key);
}

static json_t *versions_json(const struct set_value *v)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < v->version_count; i++)
		(void)json_array_append_new(list, version_json(&v->versions[i]));
	return list;
}

json_t *set_view(const struct set_value *v)
{
	return document_shown(json_pack("{s:s, s:s, s:I, s:o}", "name", v->name, "state",
					v->moving ? "moving" : "done", "version",
					(json_int_t)(v->version_count ? v->versions[0].version : 0),
					"versions", versions_json(v)),
			      v->changed_utc_ms);
}

json_t *set_document(const struct set_value *v)
{
	json_t *tenants = json_array();

	for (uint32_t i = 0; i < v->tenant_count; i++)
		(void)json_array_append_new(tenants,
					    json_pack("{s:s, s:I, s:I}", "name", v->tenants[i].name,
						      "base", (json_int_t)v->tenants[i].base,
						      "count", (json_int_t)v->tenants[i].count));
	return document_versioned(json_pack("{s:s, s:b, s:I, s:o, s:o, s:I}", "name", v->name,
					    "moving", v->moving, "moves", (json_int_t)v->moves,
					    "versions", versions_json(v), "tenants", tenants,
					    "changed_utc_ms", (json_int_t)v->changed_utc_ms));
}

/* False: missing, or no such text. */
static bool set_text_read(char *out, size_t cap, const json_t *json, const char *member)
{
	const char *text = json_string_value(json_object_get(json, member));

	return text && !bytes_cstr(bytes_str(text), out, cap);
}

/* False: missing, or out of range. */
static bool set_member_read(uint64_t *out, const json_t *json, const char *member, uint64_t most)
{
	const json_t *number = json_object_get(json, member);
	json_int_t n = json_integer_value(number);

	*out = (uint64_t)n;
	return json_is_integer(number) && n >= 0 && (uint64_t)n <= most;
}

static bool set_u32_read(uint32_t *out, const json_t *json, const char *member)
{
	uint64_t n = 0;
	bool fits = set_member_read(&n, json, member, UINT32_MAX);

	*out = (uint32_t)n;
	return fits;
}

static bool version_read(struct set_version *v, const json_t *json)
{
	return set_u32_read(&v->version, json, "version") &&
	       set_u32_read(&v->entries, json, "entries") &&
	       set_u32_read(&v->created, json, "created") &&
	       set_u32_read(&v->changed, json, "changed") &&
	       set_u32_read(&v->deleted, json, "deleted") &&
	       set_u32_read(&v->of, json, "rollback_of") &&
	       set_member_read(&v->utc_ms, json, "utc_ms", INT64_MAX) &&
	       set_member_read(&v->key, json, "key", INT64_MAX) &&
	       set_text_read(v->by, sizeof(v->by), json, "by");
}

static bool set_tenant_read(struct set_tenant *t, const json_t *json)
{
	return set_text_read(t->name, sizeof(t->name), json, "name") &&
	       set_member_read(&t->base, json, "base", INT64_MAX) &&
	       set_u32_read(&t->count, json, "count");
}

static const char *set_fill(struct set_value *v, const json_t *json)
{
	const json_t *versions = json_object_get(json, "versions");
	const json_t *tenants = json_object_get(json, "tenants");

	if (!set_text_read(v->name, sizeof(v->name), json, "name"))
		return "name";
	if (!json_is_boolean(json_object_get(json, "moving")))
		return "moving";
	v->moving = json_is_true(json_object_get(json, "moving"));
	if (!set_u32_read(&v->moves, json, "moves"))
		return "moves";
	if (!set_member_read(&v->changed_utc_ms, json, "changed_utc_ms", INT64_MAX))
		return "changed_utc_ms";
	if (!json_array_size(versions) || json_array_size(versions) > SET_VERSIONS_MAX)
		return "versions";
	if (!json_is_array(tenants) || json_array_size(tenants) > SET_TENANTS_MAX)
		return "tenants";
	for (; v->version_count < json_array_size(versions); v->version_count++) {
		if (!version_read(&v->versions[v->version_count],
				  json_array_get(versions, v->version_count)))
			return "versions";
	}
	for (; v->tenant_count < json_array_size(tenants); v->tenant_count++) {
		if (!set_tenant_read(&v->tenants[v->tenant_count],
				     json_array_get(tenants, v->tenant_count)))
			return "tenants";
	}
	return v->moves > v->versions[0].entries ? "moves" : NULL;
}

int set_document_read(struct set_value *v, struct bytes text, const char **reason)
{
	json_t *json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	struct set_value read = { 0 };
	int err = 0;

	if (json_integer_value(json_object_get(json, "v")) > DOCUMENT_FORMAT) {
		*reason = "v";
		err = -EPROTONOSUPPORT;
	} else if ((*reason = set_fill(&read, json)) != NULL) {
		err = -EBADMSG;
	} else {
		*v = read;
	}
	json_decref(json);
	return err;
}

void set_key(char out[SET_KEY_MAX], const char *name, const struct set_version *v)
{
	(void)snprintf(out, SET_KEY_MAX, "%s:%u:%" PRIx64, name, v->version, v->key & UINT32_MAX);
}

void set_entry_write(struct writer *w, const struct set_entry *e)
{
	const struct bytes parts[] = { e->kind, e->tenant, e->name, e->text };

	writer_fmt(w, "%c\t%" PRIu64, (char)e->change, e->number);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		writer_str(w, "\t");
		writer_bytes(w, parts[i]);
	}
}

int set_entry_read(struct set_entry *out, struct bytes text)
{
	struct set_entry e = { 0 };
	struct bytes change, number;

	if (bytes_find(text, '\t') != 1 || !bytes_cut(&text, '\t', &change) ||
	    !bytes_cut(&text, '\t', &number) || bytes_u64(number, &e.number) ||
	    !bytes_cut(&text, '\t', &e.kind) || !bytes_cut(&text, '\t', &e.tenant) ||
	    bytes_find(text, '\t') == text.n || !bytes_cut(&text, '\t', &e.name))
		return -EBADMSG;
	e.text = text;
	switch (change.p[0]) {
	case SET_PUT:
	case SET_SAME:
	case SET_DELETE:
		e.change = (enum set_change)change.p[0];
		break;
	default:
		return -EBADMSG;
	}
	if (!e.kind.n || !e.tenant.n || !e.name.n || (e.change == SET_SAME) != !e.number ||
	    (e.change == SET_DELETE) != !e.text.n)
		return -EBADMSG;
	*out = e;
	return 0;
}
