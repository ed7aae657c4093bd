/* SPDX-License-Identifier: Apache-2.0 */
/* The row of former documents in the list of features, with their commands. */

#include "app/command/table/table.h"
#include "app/feature/past/past.h"

#define PAST_KIND                                                                            \
	TEXT_ARG("kind", CHARSET_NAME, 1, 63, NULL,                                          \
		 "Kind of the document, as in a file of a set: extension, trunk, flow, ...", \
		 .required = true)
#define PAST_NAME \
	TEXT_ARG("name", CHARSET_TEXT, 1, 63, NULL, "Its name, number or code.", .required = true)
static const struct command_arg g_past_args[] = { PAST_KIND, PAST_NAME, END };
static const struct command_arg g_past_diff_args[] = {
	PAST_KIND,
	PAST_NAME,
	U64_ARG("version", 1, INT64_MAX, NULL, "A version of document.history.", .required = true),
	U64_ARG("with", 1, INT64_MAX, "as it is now", "Another one."),
	END,
};
static const struct command_arg g_past_restore_args[] = {
	PAST_KIND,
	PAST_NAME,
	U64_ARG("version", 1, INT64_MAX, NULL, "A version of document.history.", .required = true),
	END,
};

static const struct command g_past_commands[] = {
	{ "document.history", COMMAND_FOR_ADMIN, g_past_args,
	  "Lists what a document was before its last changes, the newest first: 16 versions, of "
	  "large ones 4, of a tenant's 512 documents that changed last, for 90 days. It needs the "
	  "right to put it. The audit says who has changed it. Sessions, tokens, agents and sets "
	  "have none.",
	  "a list: version, state (now, former, deleted), changed_utc_ms, and changes ({field: "
	  "[before, after]} against the version below it; of what nobody is shown, secrets)",
	  BY(command_document_history), .transient = true },
	{ "document.diff", COMMAND_FOR_ADMIN, g_past_diff_args,
	  "Compares two versions of a document.", "changes: {field: [version, with]}",
	  BY(command_document_diff), .transient = true },
	{ "document.restore", COMMAND_FOR_ADMIN, g_past_restore_args,
	  "Makes a document what it was in that version; it needs the right to put it. What "
	  "nobody is shown, as passwords, stays as it is now; of one that was deleted it is "
	  "what it was then. A number that something else has by now, and seats that are given, "
	  "are refused.",
	  "change: created or changed", BY(command_document_restore) },
	{ .name = NULL },
};

const struct app_feature g_past_feature = { .name = "past", .commands = g_past_commands };
