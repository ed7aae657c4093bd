/* SPDX-License-Identifier: Apache-2.0 */
/* The row of prompts in the list of features, with their commands. */

#include "app/command/table/table.h"
#include "app/feature/prompt/greetings.h"
#include "app/feature/prompt/prompts.h"

#undef FIELD_OF
#define FIELD_OF struct prompt_value
#define PROMPT_ARGS                                                                              \
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the prompt."),                            \
	{                                                                                        \
		.name = "language", .type = ARG_STRING, .charset = CHARSET_NAME,                 \
		.max = LANGUAGE_MAX - 1, .preset = "empty",                                      \
		.help = "Language, such as de or pt-BR. Empty: for callers without a language, " \
			"or with another one."                                                   \
	}
static const struct command_arg g_prompt_args[] = { PROMPT_ARGS, END };
static const struct command_arg g_prompt_record_args[] = {
	PROMPT_ARGS,
	TEXT_ARG("from", CHARSET_NUMBER, 1, 63, NULL, "Extension that is rung.", .required = true),
	END,
};
static const struct command_arg g_prompt_put_args[] = {
	PROMPT_ARGS,
	TEXT_ARG("file", CHARSET_TEXT, 1, 4095, NULL,
		 "Path of a WAV file, or of Opus in Ogg, of at most 1 MiB: tandemctl opens it, so "
		 "the node needs no right to it. By HTTP the file is the body (Content-Type "
		 "audio/wav or audio/ogg), and the other arguments are in the query.",
		 .opens = true),
	TEXT_ARG("recording", CHARSET_NAME, 15, 20, NULL,
		 "In place of a file CALL-NUMBER: what a caller has said (call.record_message), of "
		 "this node, and neither coded as Opus nor encrypted.",
		 .place = PLACE_ID),
	U64_ARG("until_utc_ms", 0, INT64_MAX, "0",
		"When it expires (Unix time in ms), as a greeting for some days: then another one, "
		"or none, is played in its place. It stays listed, with here false, and may be put "
		"again. 0: never."),
	END,
};
#undef FIELD_OF

const char *const g_greeting_states[] = {
	"usual", "busy",          "temporary", "in_a_meeting", "do_not_disturb",
	"away",  "out_of_office", "off_work",  "name",         NULL,
};

#define GREETING_ARGS                                                                          \
	NUMBER_ARG("Number of the extension."),                                                \
		TEXT_ARG("state", CHARSET_NAME, 1, PRESENCE_MAX - 1, "usual",                  \
			 "temporary: heard while it is there, before all others; busy: while " \
			 "the extension speaks; a presence: in_a_meeting, do_not_disturb, "    \
			 "away, out_of_office, off_work, or one of presence_states of "        \
			 "tenant.put; name: its name, as the directory says it; usual: else.")
static const struct command_arg g_own_greeting_args[] = { GREETING_ARGS, END };
static const struct command_arg g_greeting_list_args[] = {
	NUMBER_ARG("Number of the extension."),
	END,
};
static const struct command_arg g_greeting_put_args[] = {
	GREETING_ARGS,
	TEXT_ARG("file", CHARSET_TEXT, 1, 4095, NULL, "As in prompt.put.", .opens = true),
	U64_ARG("until_utc_ms", 0, INT64_MAX, "0", "When it ends, as in prompt.put. 0: never."),
	END,
};

static const struct command g_prompt_commands[] = {
	{ "greeting.put", COMMAND_FOR_ADMIN, g_greeting_put_args,
	  "Makes what callers hear from the mailbox of an extension (guides/voicemail.md), or "
	  "replaces it: prompt.put of greeting-NUMBER, greeting-NUMBER-STATE or name-NUMBER.",
	  "the prompt", BY(command_greeting), .order = GREETING_PUT, .own = "number" },
	{ "greeting.record", COMMAND_FOR_ADMIN, g_own_greeting_args,
	  "Rings the phone of an extension. Its user says the greeting behind a beep, and "
	  "presses # or hangs up: prompt.record of that prompt.",
	  "name, language, call", BY(command_greeting), .order = GREETING_RECORD, .own = "number" },
	{ "greeting.hear", COMMAND_FOR_ADMIN, g_own_greeting_args,
	  "Rings the phone of an extension, which hears the greeting then.", "id",
	  BY(command_greeting), .order = GREETING_HEAR, .own = "number" },
	{ "greeting.delete", COMMAND_FOR_ADMIN, g_own_greeting_args,
	  "Deletes a greeting. Callers hear the next one that counts.", "name",
	  BY(command_greeting), .order = GREETING_DELETE, .own = "number" },
	{ "greeting.list", COMMAND_FOR_READER, g_greeting_list_args,
	  "Lists the greetings of an extension.", "a list of prompts, each with its state",
	  BY(command_greeting_list), .own = "number",
	  .columns = "state,name,length_ms,until_utc_ms",
	  LISTS("name", NULL, false, "state,name,length_ms,octets,until_utc_ms,sha256") },
	{ "prompt.put", COMMAND_FOR_ADMIN, g_prompt_put_args,
	  "Makes a prompt in a language, or replaces it. Each node of the cluster has it a moment "
	  "later. Calls that hear the one before hear it to its end.",
	  "the prompt", BY(command_prompt_put), .documents = BY(&g_prompt_documents),
	  .by_flow = true },
	{ "prompt.get", COMMAND_FOR_READER, g_prompt_args, "Shows a prompt.",
	  "here (the node that answers has its octets), changed_utc_ms, flows (that name it)",
	  BY(command_prompt_get), .shows = g_prompt_fields, .by_flow = true },
	{ "prompt.delete", COMMAND_FOR_ADMIN, g_prompt_args,
	  "Deletes a prompt in a language. Its octets go a day later. Calls that hear it hear it "
	  "to its end. Flows that name it play it in another language, or a file, or go on without "
	  "it.",
	  "name; warnings, of flows that name it", BY(document_delete),
	  .documents = BY(&g_prompt_documents), .by_flow = true },
	{ "prompt.record", COMMAND_FOR_ADMIN, g_prompt_record_args,
	  "Rings the phone of an extension. The user answers, hears a beep, says the prompt, and "
	  "presses # or hangs up. The recording becomes the prompt then, as prompt.put makes one, "
	  "and the log says so, or why not. A call that ends before the beep, and one that a "
	  "killed node had, changes nothing.",
	  "name, language, call", BY(command_prompt_record) },
	{ "prompt.list", COMMAND_FOR_READER, g_no_args, "Lists prompts by name and language.",
	  "a list of prompts", BY(command_document_list), .documents = BY(&g_prompt_documents),
	  .columns = "name,language,length_ms,octets,here,flows",
	  LISTS("name,language", NULL, false, "sha256") },
	{ .name = NULL },
};

const struct app_feature g_prompt_feature = {
	.name = "prompt",
	.commands = g_prompt_commands,
	.documents = KINDS(&g_prompt_documents),
	.metrics = BY(g_prompt_metric_rows),
	.second = BY(node_prompts_second),
	.doubt = BY(node_prompts_doubt),
	.recorded = BY(command_prompt_recorded),
	.close = BY(node_prompts_close),
};
