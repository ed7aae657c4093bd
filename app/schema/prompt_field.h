/* SPDX-License-Identifier: Apache-2.0 */
/* A prompt of a tenant in a language, by name. Its octets are in Redis by their hash. */
#ifndef APP_SCHEMA_PROMPT_FIELD_H
#define APP_SCHEMA_PROMPT_FIELD_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "app/sound/prompt_cache.h"

enum { PROMPT_DOCUMENT_MAX = 49 }; /* of a name, with its NUL: a call names it as prompt:NAME */

struct prompt_value {
	char name[PROMPT_DOCUMENT_MAX];
	char language[LANGUAGE_MAX]; /* "": any */
	char sha256[PROMPT_HASH_TEXT];
	uint32_t octets, length_ms;
	uint64_t until_utc_ms; /* it expires then; 0: never */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_prompt_fields[];
extern const struct form g_prompt_form;

/* Of a document: NAME, or NAME:LANGUAGE. */
void prompt_document_name(char out[DOCUMENT_NAME_MAX], struct bytes name, struct bytes language);

#endif
