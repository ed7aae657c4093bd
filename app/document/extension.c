/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/extension.h"

#include <errno.h>
#include <string.h>

#include "app/document/document.h"
#include "sig/dial/dial.h"
#include "sig/sip/uri.h"

void extension_wipe(struct extension *e)
{
	explicit_bzero(e, sizeof(*e));
}

static json_t *merged(json_t *json, json_t *more)
{
	if (json && more && !json_object_update_missing(json, more)) {
		json_decref(more);
		return json;
	}
	json_decref(json);
	json_decref(more);
	return NULL;
}

enum { CONTEXT_MAX = 256 };

/* A sealed secret that is moved to another extension or realm does not open there. */
static struct bytes seal_context(char buf[CONTEXT_MAX], const struct extension *e)
{
	struct writer w = writer_over(buf, CONTEXT_MAX);

	writer_str(&w, "extension ");
	writer_str(&w, e->core.number);
	writer_str(&w, " ");
	writer_str(&w, e->realm);
	return writer_done(&w);
}

/* ... nor to another location. */
static struct bytes located_context(char buf[CONTEXT_MAX], const struct extension *e,
				    uint16_t location)
{
	struct writer w = writer_over(buf, CONTEXT_MAX);

	WRITER_TEXTS(&w, "extension ", e->core.number);
	writer_number(&w, " location ", location, " ");
	writer_str(&w, e->realm);
	return writer_done(&w);
}

int extension_locations(struct bytes list, uint16_t out[EXTENSION_LOCATIONS_MAX])
{
	struct bytes one;
	int count = 0;

	if (list.n && list.p[list.n - 1] == ',')
		return -EINVAL;
	while (bytes_cut(&list, ',', &one)) {
		if (count == EXTENSION_LOCATIONS_MAX || location_read(one, &out[count]))
			return -EINVAL;
		for (int i = 0; i < count; i++) {
			if (out[i] == out[count])
				return -EINVAL;
		}
		count++;
	}
	return count;
}

/* New reference, NULL: out of memory. */
static json_t *located_seal(const struct extension *e, const struct seal_key *key,
			    struct rand_source *rand)
{
	char sealed[HA1_SEALED_TEXT + 1], context[CONTEXT_MAX];
	json_t *list = json_array();

	for (uint16_t i = 0; list && i < e->located.count; i++) {
		const struct shard_location *l = &e->located.of[i];

		if (ha1_seal(sealed, &l->secret, located_context(context, e, l->location), key,
			     rand) ||
		    json_array_append_new(list, json_string(sealed))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* True: it is there, where there is one. */
static bool page_put(json_t *json, const struct extension *e)
{
	char text[BASE32_U64_LEN];

	base32_u64_put(text, e->page);
	return !e->page || !json_object_set_new(json, "page", json_stringn(text, sizeof(text)));
}

json_t *extension_to_document(const struct extension *e, const struct seal_key *key,
			      struct rand_source *rand)
{
	char sealed[HA1_SEALED_TEXT + 1], context[CONTEXT_MAX];
	json_t *json;

	if (ha1_seal(sealed, &e->core.secret, seal_context(context, e), key, rand))
		return NULL;
	json = json_pack("{s:s, s:s}", "realm", e->realm, "ha1_sealed", sealed);
	if (json && ((e->located.count &&
		      json_object_set_new(json, "locations_sealed", located_seal(e, key, rand))) ||
		     !page_put(json, e))) {
		json_decref(json);
		json = NULL;
	}
	return document_versioned(
		document_shown(merged(json, field_json(g_extension_fields, e)), e->changed_utc_ms));
}

json_t *extension_to_view(const struct extension *e, const char *realm)
{
	json_t *valid = json_pack("{s:b}", "password_valid", !strcmp(e->realm, realm));

	return document_shown(merged(field_json(g_extension_fields, e), valid), e->changed_utc_ms);
}

/* After the number, which the seal is bound to. */
static void fill_secret(struct document_reader *r, struct extension *e, const struct seal_key *key)
{
	struct bytes sealed = document_member(r, "ha1_sealed").text;
	char context[CONTEXT_MAX];

	document_text(r, "realm", e->realm, sizeof(e->realm));
	if (!sealed.n) {
		if (ha1_read(&e->core.secret, document_member(r, "ha1").text))
			document_refuse(r, "ha1");
		return;
	}
	switch (ha1_unseal(&e->core.secret, sealed, seal_context(context, e), key)) {
	case 0:
		return;
	case -EBADMSG:
		document_refuse(r, "ha1_sealed");
		return;
	default:
		e->realm[0] = '\0';
	}
}

static void fill_located(struct document_reader *r, struct extension *e, const struct seal_key *key)
{
	struct given list = document_member(r, "locations_sealed");
	uint16_t ids[EXTENSION_LOCATIONS_MAX];
	int count = extension_locations(bytes_str(e->locations), ids);
	char context[CONTEXT_MAX];

	if (count < 0 || list.count != (size_t)count) {
		document_refuse(r, "locations_sealed");
		return;
	}
	e->located.count = (uint16_t)count;
	for (int i = 0; i < count; i++) {
		struct shard_location *l = &e->located.of[i];

		l->location = ids[i];
		switch (ha1_unseal(&l->secret, given_next(&list, (size_t)i).text,
				   located_context(context, e, ids[i]), key)) {
		case 0:
			break;
		case -EBADMSG:
			document_refuse(r, "locations_sealed");
			return;
		default:
			e->realm[0] = '\0';
			return;
		}
	}
}

static void fill_page(struct document_reader *r, struct extension *e)
{
	struct bytes text = document_member(r, "page").text;

	if (text.n && (base32_u64_get(text, &e->page) || !e->page))
		document_refuse(r, "page");
}

struct filling {
	struct extension extension;
	const struct seal_key *key;
};

static void extension_fill(struct document_reader *r, void *value)
{
	struct filling *f = value;
	struct extension *e = &f->extension;

	field_fill(r, g_extension_fields, e);
	if (e->srtp != e->core.tls_srtp)
		document_refuse(r, "srtp");
	fill_secret(r, e, f->key);
	if (e->realm[0])
		fill_located(r, e, f->key);
	fill_page(r, e);
	e->changed_utc_ms = document_changed(r);
}

void extension_begin(struct extension *e)
{
	*e = (struct extension){ .core.classes = DIAL_CLASSES_FIRST,
				 .core.outside_calls = EXTENSION_OUTSIDE_CALLS,
				 .core.outside_minutes = EXTENSION_OUTSIDE_MINUTES };
}

int extension_from_document(struct extension *out, struct bytes json, const struct seal_key *key,
			    const char **reason)
{
	struct filling found = { .key = key };
	int err;

	extension_begin(&found.extension);
	err = document_read(json, extension_fill, &found, reason);

	if (!err)
		*out = found.extension;
	explicit_bzero(&found, sizeof(found));
	return err;
}
