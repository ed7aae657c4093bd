/* SPDX-License-Identifier: Apache-2.0 */
#include "app/extension.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "app/document.h"

const char *const g_extension_phones[] = { "multi", "single", NULL };
const char *const g_extension_media_address[] = { "signalling", "sdp", NULL };
const char *const g_extension_webrtc[] = { "auto", "never", "always", NULL };

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

/* What people see and the document holds alike. */
static json_t *flags_json(const struct shard_extension *e)
{
	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:s, s:b, s:s, s:s}", "number",
			 e->number, "display_name", e->display_name, "enabled", e->enabled,
			 "early_media", e->early_media, "tls", e->tls_srtp, "srtp", e->tls_srtp,
			 "sdes_insecure", e->sdes_insecure, "phones",
			 g_extension_phones[e->single_phone], "video", !e->no_video, "webrtc",
			 g_extension_webrtc[e->webrtc], "media_address",
			 g_extension_media_address[e->media_elsewhere]);
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

json_t *extension_to_document(const struct extension *e)
{
	char ha1[EXTENSION_HA1_TEXT + 1];
	json_t *json;

	extension_ha1_write(ha1, &e->core.secret);
	json = json_pack("{s:s, s:s, s:I}", "realm", e->realm, "ha1", ha1, "changed_utc_ms",
			 (json_int_t)e->changed_utc_ms);
	OPENSSL_cleanse(ha1, sizeof(ha1));
	return document_versioned(merged(json, flags_json(&e->core)));
}

json_t *extension_to_view(const struct extension *e, const char *realm)
{
	return merged(flags_json(&e->core),
		      json_pack("{s:b, s:I}", "password_valid", !strcmp(e->realm, realm),
				"changed_utc_ms", (json_int_t)e->changed_utc_ms));
}

static void fill_secret(struct document_reader *r, struct extension *e)
{
	const json_t *ha1 = json_object_get(r->json, "ha1");

	document_text(r, "realm", e->realm, sizeof(e->realm));
	if (!json_is_string(ha1) ||
	    extension_ha1_read(&e->core.secret,
			       bytes_mem(json_string_value(ha1), json_string_length(ha1))))
		document_refuse(r, "ha1");
}

/* Older documents have none of them but the first two. */
static void fill_flags(struct document_reader *r, struct shard_extension *e)
{
	bool video = true, srtp = false;
	size_t phones = 0, webrtc = WEBRTC_AUTO, media_address = 0;

	document_bool(r, "enabled", &e->enabled);
	document_bool(r, "early_media", &e->early_media);
	document_bool(r, "tls", &e->tls_srtp);
	document_bool(r, "srtp", &srtp);
	if (srtp != e->tls_srtp)
		document_refuse(r, "srtp");
	document_bool(r, "sdes_insecure", &e->sdes_insecure);
	document_word(r, "phones", g_extension_phones, &phones);
	e->single_phone = phones;
	document_bool(r, "video", &video);
	e->no_video = !video;
	document_word(r, "webrtc", g_extension_webrtc, &webrtc);
	e->webrtc = (uint8_t)webrtc;
	document_word(r, "media_address", g_extension_media_address, &media_address);
	e->media_elsewhere = media_address;
}

static void fill(struct document_reader *r, void *value)
{
	struct extension *e = value;

	document_text(r, "number", e->core.number, sizeof(e->core.number));
	if (!e->core.number[0])
		document_refuse(r, "number");
	document_text(r, "display_name", e->core.display_name, sizeof(e->core.display_name));
	fill_secret(r, e);
	fill_flags(r, &e->core);
	e->changed_utc_ms = document_changed(r);
}

int extension_from_document(struct extension *out, struct bytes json, const char **reason)
{
	struct extension found = { 0 };
	int err = document_read(json, fill, &found, reason);

	if (!err)
		*out = found;
	OPENSSL_cleanse(&found, sizeof(found));
	return err;
}
