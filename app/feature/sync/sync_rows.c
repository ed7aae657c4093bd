/* SPDX-License-Identifier: Apache-2.0 */
/* The row of syncs of contacts in the list of features, with their commands. */

#include "app/command/table/table.h"
#include "app/feature/sync/sync.h"

#define SYNC_STATE                                                                                 \
	"name, running, next_utc_ms, ran_utc_ms (the end of the last run; 0: none), good_utc_ms "  \
	"(that of the last one which was well), contacts (that it has), failed (of the last run, " \
	"that are no contacts, could not be read or have no place), reason (why the last run "     \
	"failed: login, busy, status, request, answer, address, timeout, certificate, "            \
	"unreachable, expired, lost, helper, secret; empty: it was well) and detail (for "         \
	"administrators alone)"

static const struct command_arg g_sync_args[] = {
	TEXT_ARG("name", CHARSET_NAME, 1, DOCUMENT_NAME_MAX - 1, NULL, "Name of the sync.",
		 .required = true),
	END,
};

static const struct command_arg g_sync_copy_args[] = {
	TEXT_ARG("name", CHARSET_NAME, 1, DOCUMENT_NAME_MAX - 1, NULL,
		 "Name of the sync, which is of an extension.", .required = true),
	TEXT_ARG("users", CHARSET_NUMBERS, 1, 1023, "all extensions",
		 "Extensions that get it, joined by ','."),
	BOOL_ARG("mailbox", "false",
		 "true: account is the mail of each extension; one without mail is refused where "
		 "the service needs it."),
	END,
};

static const struct command g_sync_commands[] = {
	{ "sync.put", COMMAND_FOR_APPLICATION, g_sync_fields,
	  "Contacts of another service in the book of an extension, or in the directory: every 10 "
	  "minutes what has changed there changes here. Here they are read, and nobody changes or "
	  "deletes them, but for favourite, pinned, blocked, line and default_number.",
	  "the sync, without its secret", BY(document_put), .documents = BY(&g_sync_documents),
	  .own = "user", .own_args = "name,service,url,login,account,folder,minutes,on,secret" },
	{ "sync.get", COMMAND_FOR_READER, g_sync_args, "Shows a sync, without its secret.",
	  "changed_utc_ms, has_secret", BY(document_show), .documents = BY(&g_sync_documents),
	  .shows = g_sync_fields, .own = "" },
	{ "sync.list", COMMAND_FOR_READER, g_no_args, "Lists syncs by name.", "a list of syncs",
	  BY(command_document_list), .documents = BY(&g_sync_documents),
	  .columns = "name,user,service,minutes,on,locked", .own = "" },
	{ "sync.delete", COMMAND_FOR_APPLICATION, g_sync_args,
	  "Deletes a sync, and a moment later the contacts that it has brought.", "name",
	  BY(document_delete), .documents = BY(&g_sync_documents), .own = "" },
	{ "sync.copy", COMMAND_FOR_ADMIN, g_sync_copy_args,
	  "Makes syncs NAME-EXTENSION as this one for other extensions, with its secret; those "
	  "that "
	  "are there become as it is now. locked keeps their users from changing them.",
	  "a list of user, name and error (why it was refused; empty: it was not)",
	  BY(command_sync_copy), .columns = "user,name,error" },
	{ "sync.run", COMMAND_FOR_APPLICATION, g_sync_args,
	  "The next run begins now; where the service has said when it takes requests again, then.",
	  SYNC_STATE, BY(sync_state), .own = "" },
	{ "sync.state", COMMAND_FOR_READER, g_sync_args, "Shows how a sync goes.", SYNC_STATE,
	  BY(sync_state), .own = "", .transient = true },
	{ .name = NULL },
};

const struct app_feature g_sync_feature = {
	.name = "sync",
	.commands = g_sync_commands,
	.documents = KINDS(&g_sync_documents),
	.metrics = BY(g_sync_metrics),
	.second = BY(sync_second),
};
