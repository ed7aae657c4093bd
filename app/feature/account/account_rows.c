/* SPDX-License-Identifier: Apache-2.0 */
/* The row of account codes in the list of features, with their commands. */

#include "app/command/table/table.h"
#include "app/feature/account/account_field.h"
#include "sig/model/call_order.h"

#undef FIELD_OF
#define FIELD_OF struct account_value
static const struct command_arg g_account_code_args[] = {
	{ .name = "code",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .required = true,
	  .min = 1,
	  .max = ACCOUNT_KEYS_MAX - 1,
	  .help = "The code.",
	  .field = { FIELD_AT(FIELD_TEXT, core.code) } },
	END,
};
#undef FIELD_OF

#define FIELD_OF struct call_order
static const struct command_arg g_account_args[] = {
	CALL_ARG,
	TEXT_ARG("code", CHARSET_NAME, 0, CALL_ACCOUNT_MAX - 1, NULL,
		 "In place of what it has. Empty, or without it: none.", IN(FIELD_SLICE, to)),
	END,
};
#undef FIELD_OF

static const struct command g_account_commands[] = {
	{ "account.put", COMMAND_FOR_ADMIN, g_account_fields,
	  "Makes an account code that calls may have, or changes it. A tenant with any takes no "
	  "others from phones and flows.",
	  "the account code", BY(document_put), .documents = BY(&g_account_documents) },
	{ "account.get", COMMAND_FOR_READER, g_account_code_args, "Shows an account code.",
	  "changed_utc_ms", BY(document_show), .documents = BY(&g_account_documents),
	  .shows = g_account_fields },
	{ "account.delete", COMMAND_FOR_ADMIN, g_account_code_args,
	  "Deletes an account code. Calls that have it keep it.", "code", BY(document_delete),
	  .documents = BY(&g_account_documents) },
	{ "account.list", COMMAND_FOR_READER, g_no_args, "Lists account codes.",
	  "a list of account codes", BY(command_document_list),
	  .documents = BY(&g_account_documents) },
	{ "call.account_code", COMMAND_FOR_APPLICATION, g_account_args,
	  "Says what the cost of a call is for: its account code, which goes where the call goes, "
	  "and stands in its CDRs, in events, and beside its recordings. A call that is recorded "
	  "has it, too, unless recordings.account_code says otherwise. Its parties may press one "
	  "(call_codes.account in the node file, and account_code of extension.put). A user says "
	  "one that his phone could press.",
	  "id, order", BY(command_call_order), .order = ORDER_ACCOUNT, .own = "call",
	  .needs = NEEDS_CALL_CONTROL },
	{ .name = NULL },
};

const struct app_feature g_account_feature = {
	.name = "account",
	.commands = g_account_commands,
	.documents = KINDS(&g_account_documents),
};
