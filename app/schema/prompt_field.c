/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a prompt: name, language, hash and length of its octets, and an expiry.
 * prompt_commands.c makes it after the octets are in Redis; prompts.c brings those onto each
 * node. The name of the document has the language, so that one prompt exists in several.
 */

#include "app/schema/prompt_field.h"

#include <stdio.h>

static const char *language_wrong(const void *value, const char *text)
{
	(void)value;
	return sound_language_is_good(bytes_str(text)) ? NULL : SOUND_LANGUAGE_WRONG;
}

static const char *hash_wrong(const void *value, const char *text)
{
	(void)value;
	return prompt_hash_is_good(bytes_str(text)) ? NULL : "it has 64 hexadecimal digits";
}

static const char *prompt_wrong(const void *value, const char **member)
{
	const struct prompt_value *v = value;

	*member = v->name[0] == '.' ? "name" : "sha256";
	if (v->name[0] == '.')
		return "a name does not begin with '.'";
	return v->sha256[0] ? NULL : "it has 64 hexadecimal digits";
}

#undef FIELD_OF
#define FIELD_OF struct prompt_value

const struct command_arg g_prompt_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the prompt."),
	TEXT_FIELD("language", language, CHARSET_NAME, language_wrong,
		   "Language, such as de or pt-BR. Empty: for callers without a language, or with "
		   "another one."),
	TEXT_FIELD("sha256", sha256, CHARSET_NAME, hash_wrong, "SHA-256 of its octets."),
	NUMBER_FIELD("octets", octets, 0, PROMPT_OCTETS_MAX, "0", "How many it has."),
	NUMBER_FIELD("length_ms", length_ms, 0, SOUND_SECONDS_MAX * 1000, "0",
		     "How long it plays, in ms."),
	NUMBER_FIELD("until_utc_ms", until_utc_ms, 0, INT64_MAX, "0", "When it expires; 0: never."),
	{ .name = NULL },
};

const struct form g_prompt_form = { .fields = g_prompt_fields,
				    .wrong = prompt_wrong,
				    FORM_OF(struct prompt_value) };

void prompt_document_name(char out[DOCUMENT_NAME_MAX], struct bytes name, struct bytes language)
{
	(void)snprintf(out, DOCUMENT_NAME_MAX, BYTES_FMT "%s" BYTES_FMT, BYTES_ARG(name),
		       language.n ? ":" : "", BYTES_ARG(language));
}
