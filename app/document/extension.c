/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/extension.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "app/document/document.h"
#include "sig/dial/plan.h"

/* Bytes of each hash, in the order of enum digest_algorithm. */
static const size_t g_hash_len[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = 16,
	[DIGEST_SHA256] = 32,
	[DIGEST_SHA512_256] = 32,
};

void extension_ha1_write(char out[EXTENSION_HA1_TEXT + 1], const struct digest_secret *secret)
{
	struct writer w = writer_over(out, EXTENSION_HA1_TEXT);

	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		if (i)
			writer_u8(&w, ':');
		writer_hex(&w, bytes_mem(secret->ha1[i], g_hash_len[i]));
	}
	out[w.n] = '\0';
}

int extension_ha1_read(struct digest_secret *out, struct bytes text)
{
	struct digest_secret found = { 0 };
	struct bytes hash;
	int err = text.n == EXTENSION_HA1_TEXT ? 0 : -EINVAL;

	for (size_t i = 0; !err && i < DIGEST_ALGORITHMS; i++) {
		size_t n = 0;

		if (!bytes_cut(&text, ':', &hash) || hash.n != 2 * g_hash_len[i]) {
			err = -EINVAL;
		} else {
			err = hex_decode(hash, found.ha1[i], DIGEST_HASH_MAX, &n);
		}
	}
	if (!err)
		*out = found;
	OPENSSL_cleanse(&found, sizeof(found));
	return err;
}

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

enum { SEALED_MAX = EXTENSION_HA1_OCTETS + SEAL_OVERHEAD, CONTEXT_MAX = 256 };

static void ha1_octets_write(struct writer *w, const struct digest_secret *secret)
{
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++)
		writer_mem(w, secret->ha1[i], g_hash_len[i]);
}

static void ha1_octets_read(struct digest_secret *out, const uint8_t octets[EXTENSION_HA1_OCTETS])
{
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		memcpy(out->ha1[i], octets, g_hash_len[i]);
		octets += g_hash_len[i];
	}
}

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

/* Hex with a NUL. 0 or -errno. */
static int ha1_seal(char out[2 * SEALED_MAX + 1], const struct extension *e,
		    const struct seal_key *key, struct rand_source *rand)
{
	uint8_t plain[EXTENSION_HA1_OCTETS], sealed[SEALED_MAX];
	struct writer w = writer_over(plain, sizeof(plain)), hex = writer_over(out, 2 * SEALED_MAX);
	char context[CONTEXT_MAX];
	size_t n = 0;
	int err;

	ha1_octets_write(&w, &e->core.secret);
	err = seal_make(key, rand, seal_context(context, e), writer_done(&w), sealed,
			sizeof(sealed), &n);
	writer_hex(&hex, bytes_mem(sealed, n));
	out[hex.n] = '\0';
	OPENSSL_cleanse(plain, sizeof(plain));
	return err;
}

/* 0; -EBADMSG: it is no sealed secret at all; -EACCES: it does not open. */
static int ha1_unseal(struct extension *e, struct bytes hex, const struct seal_key *key)
{
	uint8_t plain[EXTENSION_HA1_OCTETS], sealed[SEALED_MAX];
	enum seal_refusal why;
	char context[CONTEXT_MAX];
	size_t n, m = 0;
	int err;

	if (hex_decode(hex, sealed, sizeof(sealed), &n) || n != sizeof(sealed))
		return -EBADMSG;
	err = seal_open(key, seal_context(context, e), bytes_mem(sealed, n), plain, sizeof(plain),
			&m, &why);
	if (!err)
		ha1_octets_read(&e->core.secret, plain);
	OPENSSL_cleanse(plain, sizeof(plain));
	return err ? -EACCES : 0;
}

json_t *extension_to_document(const struct extension *e, const struct seal_key *key,
			      struct rand_source *rand)
{
	char sealed[2 * SEALED_MAX + 1];

	if (ha1_seal(sealed, e, key, rand))
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

	document_text(r, "realm", e->realm, sizeof(e->realm));
	if (!sealed.n) {
		if (extension_ha1_read(&e->core.secret, member_text(r, "ha1")))
			document_refuse(r, "ha1");
		return;
	}
	switch (ha1_unseal(e, sealed, key)) {
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
