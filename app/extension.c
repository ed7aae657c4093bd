/* SPDX-License-Identifier: Apache-2.0 */
#include "app/extension.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

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

json_t *extension_to_document(const struct extension *e)
{
	char ha1[EXTENSION_HA1_TEXT + 1];
	json_t *json;

	extension_ha1_write(ha1, &e->core.secret);
	json = json_pack("{s:i, s:s, s:s, s:b, s:b, s:s, s:s, s:I}", "v", 1, "number",
			 e->core.number, "display_name", e->core.display_name, "enabled",
			 e->core.enabled, "early_media", e->core.early_media, "realm", e->realm,
			 "ha1", ha1, "changed_utc_ms", (json_int_t)e->changed_utc_ms);
	OPENSSL_cleanse(ha1, sizeof(ha1));
	return json;
}

json_t *extension_to_view(const struct extension *e, const char *realm)
{
	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:I}", "number", e->core.number, "display_name",
			 e->core.display_name, "enabled", e->core.enabled, "early_media",
			 e->core.early_media, "password_valid", !strcmp(e->realm, realm),
			 "changed_utc_ms", (json_int_t)e->changed_utc_ms);
}

static int copy_text(char *out, size_t cap, const json_t *json)
{
	struct bytes text = bytes_mem(json_string_value(json), json_string_length(json));

	if (!json_is_string(json) || bytes_find(text, 0) < text.n)
		return -EBADMSG;
	return bytes_cstr(text, out, cap) ? -EBADMSG : 0;
}

static int fill(struct extension *out, const json_t *json, const char **reason)
{
	const json_t *ha1 = json_object_get(json, "ha1");

	*reason = "number";
	if (copy_text(out->core.number, sizeof(out->core.number),
		      json_object_get(json, "number")) ||
	    !out->core.number[0])
		return -EBADMSG;
	*reason = "display_name";
	if (copy_text(out->core.display_name, sizeof(out->core.display_name),
		      json_object_get(json, "display_name")))
		return -EBADMSG;
	*reason = "realm";
	if (copy_text(out->realm, sizeof(out->realm), json_object_get(json, "realm")))
		return -EBADMSG;
	*reason = "ha1";
	if (!json_is_string(ha1) ||
	    extension_ha1_read(&out->core.secret,
			       bytes_mem(json_string_value(ha1), json_string_length(ha1))))
		return -EBADMSG;
	out->core.enabled = json_is_true(json_object_get(json, "enabled"));
	out->core.early_media = json_is_true(json_object_get(json, "early_media"));
	out->changed_utc_ms = (uint64_t)json_integer_value(json_object_get(json, "changed_utc_ms"));
	return 0;
}

int extension_from_document(struct extension *out, struct bytes text, const char **reason)
{
	json_t *json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	struct extension found = { 0 };
	int err = -EBADMSG;

	*reason = "not a JSON object";
	if (json_is_object(json))
		err = fill(&found, json, reason);
	json_decref(json);
	if (!err)
		*out = found;
	OPENSSL_cleanse(&found, sizeof(found));
	return err;
}
