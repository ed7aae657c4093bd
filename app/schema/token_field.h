/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token of the HTTP API: a document of its tenant, by its name. Who shows it (RFC 6750) is "TENANT~NAME~SECRET", and may what its role may.
 * Of the secret its SHA-256 alone is kept: it is long and random, so no dictionary finds it.
 */
#ifndef APP_SCHEMA_TOKEN_FIELD_H
#define APP_SCHEMA_TOKEN_FIELD_H

#include "app/schema/command.h"
#include "app/schema/field.h"

enum {
	TOKEN_NAME_MAX = 32,
	TOKEN_HASH_LEN = 32,
	TOKEN_SECRET_LEN = 24,
	TOKEN_TEXT_MAX = COMMAND_TENANT_MAX + TOKEN_NAME_MAX + 2 * 64,
};

struct token_value {
	char name[TOKEN_NAME_MAX];
	uint8_t role; /* enum command_role */
	char hash[2 * TOKEN_HASH_LEN + 1];
	uint32_t expires_utc_s; /* 0: never */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_token_fields[];
extern const char *const g_token_roles[]; /* enum command_role */
extern const struct form g_token_form;

/* SHA-256 of the secret. */
void token_hash(uint8_t out[TOKEN_HASH_LEN], struct bytes secret);
/* The parts of what a client shows. False: it is no token. */
bool token_parts(struct bytes text, struct bytes *tenant, struct bytes *name, struct bytes *secret);

#endif
