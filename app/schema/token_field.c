/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a token: fields, patterns of commands, and its secret. command_token.c and logins
 * make tokens; door.c checks each request by the hash. The rule that a limited token never reaches
 * a command that makes tokens is here, in token_allows, for every door.
 */

#include "app/schema/token_field.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "app/schema/feature.h"
#include "base/glob.h"

const char *const g_token_roles[] = { "reader", "application", "admin", "operator", NULL };

static const char *field_hash_wrong(const void *value, const char *text)
{
	uint8_t octets[TOKEN_HASH_LEN];
	size_t n = 0;

	(void)value;
	return !text[0] || (!hex_decode(bytes_str(text), octets, sizeof(octets), &n) &&
			    n == TOKEN_HASH_LEN)
		       ? NULL
		       : "hash is the SHA-256 of a secret: 64 hexadecimal digits";
}

const char *token_commands_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	bool is_known = true;

	(void)value;
	while (is_known && bytes_cut(&list, ',', &one)) {
		is_known = bytes_is(one, TOKEN_EVENTS);
		COMMAND_EACH (c)
			is_known |= bytes_find(one, '*') + 1 >= one.n &&
				    glob_list_takes(one, bytes_str(c->name));
	}
	return is_known ? NULL
			: "each is a command, the beginning of some and a *, as call.*, or events";
}

bool token_allows(const char *patterns, const char *command)
{
	struct bytes name = bytes_str(command);

	if (!patterns[0])
		return true;
	return glob_list_takes(bytes_str(patterns), name) && !bytes_starts(name, "token.") &&
	       !bytes_starts(name, "session.") &&
	       (!bytes_is(name, "webhook.put") ||
		glob_list_takes(bytes_str(patterns), BYTES_LIT(TOKEN_EVENTS)));
}

#undef FIELD_OF
#define FIELD_OF struct token_value

const struct command_arg g_token_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the token."),
	TOKEN_ROLE,
	TEXT_FIELD("hash", hash, CHARSET_NAME, field_hash_wrong,
		   "SHA-256 of its secret in hexadecimal digits: another one makes the secret of "
		   "before worthless. The secret is at least 32 random octets' worth of text."),
	TOKEN_USER,
	TOKEN_LIMITS,
	{ .name = NULL },
};

const struct form g_token_form = { .fields = g_token_fields, FORM_OF(struct token_value) };

void token_hash(uint8_t out[TOKEN_HASH_LEN], struct bytes secret)
{
	(void)EVP_Digest(secret.p, secret.n, out, NULL, EVP_sha256(), NULL);
}

void token_secret_make(struct token_value *v, const char *tenant, struct rand_source *rand)
{
	uint8_t octets[TOKEN_SECRET_LEN], hash[TOKEN_HASH_LEN];
	char secret[2 * TOKEN_SECRET_LEN];
	struct writer s = writer_over(secret, sizeof(secret));
	struct writer h = writer_over(v->hash, sizeof(v->hash) - 1);

	rand_fill(rand, octets, sizeof(octets));
	writer_hex(&s, bytes_mem(octets, sizeof(octets)));
	token_hash(hash, writer_done(&s));
	writer_hex(&h, bytes_mem(hash, sizeof(hash)));
	v->hash[h.n] = '\0';
	(void)snprintf(v->text, sizeof(v->text), "%s~%s~" BYTES_FMT, tenant, v->name,
		       BYTES_ARG(writer_done(&s)));
	OPENSSL_cleanse(secret, sizeof(secret));
}

bool token_parts(struct bytes text, struct bytes *tenant, struct bytes *name, struct bytes *secret)
{
	return text.n < TOKEN_TEXT_MAX && bytes_cut(&text, '~', tenant) &&
	       bytes_cut(&text, '~', name) && (*secret = text).n && tenant->n && name->n;
}
