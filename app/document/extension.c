/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/extension.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "app/document/document.h"
#include "sig/dial/plan.h"

void extension_wipe(struct extension *e)
{
	OPENSSL_cleanse(e, sizeof(*e));
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

json_t *extension_to_document(const struct extension *e, const struct seal_key *key,
			      struct rand_source *rand)
{
	char sealed[HA1_SEALED_TEXT + 1], context[CONTEXT_MAX];

	if (ha1_seal(sealed, &e->core.secret, seal_context(context, e), key, rand))
		return NULL;
	return document_versioned(document_shown(
		merged(json_pack("{s:s, s:s}", "realm", e->realm, "ha1_sealed", sealed),
		       field_json(g_extension_fields, e)),
		e->changed_utc_ms));
}

json_t *extension_to_view(const struct extension *e, const char *realm)
{
	json_t *valid = json_pack("{s:b}", "password_valid", !strcmp(e->realm, realm));

	return document_shown(merged(field_json(g_extension_fields, e), valid), e->changed_utc_ms);
}

static struct bytes member_text(const struct document_reader *r, const char *member)
{
	const json_t *text = json_object_get(r->json, member);

	return json_is_string(text) ? bytes_mem(json_string_value(text), json_string_length(text))
				    : (struct bytes){ 0 };
}

/* After the number, which the seal is bound to. */
static void fill_secret(struct document_reader *r, struct extension *e, const struct seal_key *key)
{
	struct bytes sealed = member_text(r, "ha1_sealed");
	char context[CONTEXT_MAX];

	document_text(r, "realm", e->realm, sizeof(e->realm));
	if (!sealed.n) {
		if (ha1_read(&e->core.secret, member_text(r, "ha1")))
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
	e->changed_utc_ms = document_changed(r);
}

int extension_from_document(struct extension *out, struct bytes json, const struct seal_key *key,
			    const char **reason)
{
	struct filling found = { .extension.core.classes = DIAL_CLASSES_FIRST, .key = key };
	int err = document_read(json, extension_fill, &found, reason);

	if (!err)
		*out = found.extension;
	OPENSSL_cleanse(&found, sizeof(found));
	return err;
}
