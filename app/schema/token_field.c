/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema/token_field.h"

#include <openssl/evp.h>
#include <string.h>

const char *const g_token_roles[] = { "reader", "application", "admin", "operator", NULL };

static const char *field_hash_wrong(const void *value, const char *text)
{
	uint8_t octets[TOKEN_HASH_LEN];
	size_t n = 0;

	(void)value;
	return !hex_decode(bytes_str(text), octets, sizeof(octets), &n) && n == TOKEN_HASH_LEN
		       ? NULL
		       : "hash is the SHA-256 of a secret: 64 hexadecimal digits";
}

#undef FIELD_OF
#define FIELD_OF struct token_value

const struct command_arg g_token_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the token."),
	WORD_FIELD("role", role, FIELD_NUMBER, g_token_roles, "reader",
		   "What it may: a role, and all before it. operator: for operators alone, who may "
		   "do everything for all tenants."),
	TEXT_FIELD("hash", hash, CHARSET_NAME, field_hash_wrong,
		   "SHA-256 of its secret in hexadecimal digits: another one makes the secret of "
		   "before worthless. The secret is at least 32 random octets' worth of text."),
	NUMBER_FIELD("expires_utc_s", expires_utc_s, 0, UINT32_MAX, "0",
		     "Seconds since 1970 from when on it is refused. 0: never."),
	{ .name = NULL },
};

const struct form g_token_form = { .fields = g_token_fields, FORM_OF(struct token_value) };

void token_hash(uint8_t out[TOKEN_HASH_LEN], struct bytes secret)
{
	(void)EVP_Digest(secret.p, secret.n, out, NULL, EVP_sha256(), NULL);
}

bool token_parts(struct bytes text, struct bytes *tenant, struct bytes *name, struct bytes *secret)
{
	return text.n < TOKEN_TEXT_MAX && bytes_cut(&text, '~', tenant) &&
	       bytes_cut(&text, '~', name) && (*secret = text).n && tenant->n && name->n;
}
