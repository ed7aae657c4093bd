/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the archive in the list of features, with the commands of history. A list is one of
 * the tenant, of a user, a group, or a number outside; a user has his own. */

#include "app/archive/archive_conversation.h"
#include "app/archive/archive_report.h"
#include "app/command/table/table.h"
#include "app/feature/archive/archive_client.h"

enum { NOTE_MAX = 1000, TEXT_MOST = 63, RECORD_MAX = 64 };

/* As enum archive_direction. */
static const char *const g_directions[] = { "internal", "incoming", "outgoing", NULL };
#define X(id, word) word,
static const char *const g_results[] = { ARCHIVE_RESULTS(X) NULL };
#undef X
#define X(word) word,
static const char *const g_reports[] = { ARCHIVE_REPORTS(X) NULL };
#undef X
/* From ARCHIVE_KIND_AUDIT on. */
static const char *const g_event_kinds[] = {
	"audit", "calls", "message", "agent", "security", NULL
};
static const char *const g_report_formats[] = { "json", "csv", NULL };

/* At most one of them; none: the list of the tenant. */
#define LIST_ARGS                                                                                  \
	PARTY_OR_NONE("user", "The list of this extension. Without any of user, group and number " \
			      "it is the list of the tenant."),                                    \
		TEXT_ARG("group", CHARSET_NAME, 1, 31, NULL, "The list of this group."),           \
		PARTY_OR_NONE("number", "The list of this number outside, as records have it.")
#define ARCHIVED_CALL_ARG \
	TEXT_ARG("call", CHARSET_ID, 13, 13, NULL, "Id of the call.", .required = true)

/* What of a list is meant. */
#define FILTER_ARGS                                                                              \
	ENUM_ARG("direction", g_directions, NULL,                                                \
		 "Only those: as the owner of the list sees it."),                               \
		ENUM_ARG("result", g_results, NULL, "Only those with this result."),             \
		BOOL_ARG("missed", "false",                                                      \
			 "true: only those that the owner of the list has missed."),             \
		BOOL_ARG("recorded", "false", "true: only those with a recording."),             \
		TEXT_ARG("text", CHARSET_TEXT, 1, TEXT_MOST, NULL,                               \
			 "Only those with this text within a name or number, in small or large " \
			 "letters."),                                                            \
		TEXT_ARG("answered_by", CHARSET_NUMBER, 1, 63, NULL,                             \
			 "Only those that this extension has answered."),                        \
		TEXT_ARG("account_code", CHARSET_NUMBER, 1, 32, NULL,                            \
			 "Only those with this account code."),                                  \
		TEXT_ARG("dnis", CHARSET_NUMBER, 1, 31, NULL,                                    \
			 "Only those to this number of the tenant's from outside."),             \
		TEXT_ARG("flow", CHARSET_NAME, 1, 64, NULL, "Only those of this flow.")

static const struct command_arg g_history_args[] = {
	LIST_ARGS,
	SPAN_TIMES("ended"),
	FILTER_ARGS,
	BOOL_ARG("unlogged", "false",
		 "true: only those of a user that are to have a log in a CRM, and have none that "
		 "tells their end (history.log). A user sees the names of their recordings."),
	LIMIT_ARG,
	END,
};
static const struct command_arg g_history_call_args[] = { ARCHIVED_CALL_ARG, LIST_ARGS, END };
static const struct command_arg g_history_clear_args[] = {
	LIST_ARGS,
	SPAN_TIMES("ended"),
	FILTER_ARGS,
	END,
};
static const struct command_arg g_history_note_args[] = {
	ARCHIVED_CALL_ARG,
	LIST_ARGS,
	TEXT_ARG("note", CHARSET_TEXT, 0, NOTE_MAX, NULL, "The note; empty: none any more.",
		 .required = true),
	END,
};
static const struct command_arg g_history_log_args[] = {
	TEXT_ARG("call", CHARSET_ID, 13, 13, NULL,
		 "Id of the call. Without it: from now on calls of the user are to have a log."),
	PARTY_ARG("user", CHARSET_NUMBER, "The extension."),
	TEXT_ARG("record", CHARSET_TEXT, 0, RECORD_MAX, NULL,
		 "Id of the log in the CRM; empty: none was written. Without it the answer says "
		 "whether it is yours to write."),
	U64_ARG("end_utc_ms", 1, INT64_MAX, NULL,
		"With record: the end of the call that the log tells. Without call: what ended by "
		"then needs no log any more."),
	END,
};
static const struct command_arg g_history_erase_args[] = {
	PARTY_OR_NONE("number", "The extension, or the number outside as records have it."),
	BOOL_ARG("whole", "false", "true, without number: all of the tenant."),
	END,
};
static const struct command_arg g_history_export_args[] = {
	PARTY_ARG("number", CHARSET_TEXT,
		  "The extension, or the number outside as records have it."),
	TEXT_ARG("after", CHARSET_TEXT, 1, 255, NULL,
		 "Go on behind what came: next of the part before."),
	END,
};
static const struct command_arg g_report_args[] = {
	ENUM_ARG("by", g_reports, NULL, "What each row is of.", .required = true),
	SPAN_TIMES("ended"),
	ENUM_ARG("format", g_report_formats, "json",
		 "csv: as text for a spreadsheet (RFC 4180), with times in seconds."),
	END,
};
static const struct command_arg g_event_args[] = {
	ENUM_ARG("kind", g_event_kinds, "audit",
		 "audit: commands, as audit.list has them; calls: those about calls and "
		 "recordings; message, agent: events of messages and of agents; security: for "
		 "operators, "
		 "what security.list has, for 90 days."),
	BOOL_ARG("operators", "false", "For operators: commands of no tenant, as tenant.put."),
	TEXT_ARG("object", CHARSET_TEXT, 1, 63, NULL,
		 "Only those about this: the document, the extension, the mailbox."),
	SPAN_TIMES("came"),
	LIMIT_ARG,
	END,
};
static const struct command_arg g_query_args[] = {
	TEXT_ARG("request", CHARSET_NAME, 1, 63, NULL, "Name of the request.", .required = true),
	{ .name = "args", .type = ARG_JSON, .required = true, .help = "Its arguments." },
	NODE_ARG,
	END,
};

#define ROW_COLUMNS                                                                                \
	"call, direction (internal, incoming, outgoing), result, missed, number and name (of "     \
	"the other end, as the owner of the list sees it), from, from_name, to, answered_by, "     \
	"group, dnis, account_code, flow, path, setup_utc_ms, answer_utc_ms (0: never), "          \
	"end_utc_ms, talk_ms (of all its pairs), mos_hundredths (the lowest of its audio; 0: not " \
	"known), recordings, message (names, joined by blanks), cause, note, log (its id in a "    \
	"CRM), "                                                                                   \
	"log_end_utc_ms (the end in the log; 0: unknown), log_asked_utc_ms (when "                 \
	"it "                                                                                      \
	"was asked for), legs (how many pairs of parties it had)"

static const struct command g_history_commands[] = {
	{ "history.list", COMMAND_FOR_READER, g_history_args,
	  "Lists conversations that are over, out of the archive: one row for each, also behind "
	  "transfers. It looks at 5,000 at most, and next goes on from there. A user has his "
	  "own, and what history_shared of the tenant says.",
	  "a list, the last end first: " ROW_COLUMNS, BY(command_history_list), .own = "",
	  .own_args = "user,group,since,until,direction,result,missed,recorded,unlogged,text,"
		      "answered_by,account_code,dnis,flow,limit",
	  .columns = "end_utc_ms,direction,from,to,result,talk_ms,answered_by", .transient = true,
	  LISTS("call", "end_utc_ms", true,
		"call,number,name,from,from_name,to,setup_utc_ms,answer_utc_ms,end_utc_ms,talk_ms,"
		"mos_hundredths,legs,message,cause,note") },
	{ "history.get", COMMAND_FOR_READER, g_history_call_args,
	  "Shows a conversation out of the archive, with its pairs of parties.",
	  ROW_COLUMNS ", and pairs: a list of leg, and the members of cdr.list",
	  BY(command_history_get), .own = "", .own_args = "call,user,group", .transient = true },
	{ "history.hide", COMMAND_FOR_ADMIN, g_history_call_args,
	  "Takes a conversation out of a list. It stays in all others.", "call",
	  BY(command_history_hide), .own = "user", .own_args = "call" },
	{ "history.clear", COMMAND_FOR_ADMIN, g_history_clear_args,
	  "Takes all conversations out of a list that are over by then, or those of them that "
	  "history.list finds with the same arguments. They stay in all others.",
	  "until_utc_ms", BY(command_history_clear), .own = "user",
	  .own_args = "since,until,direction,result,missed,recorded,text,answered_by,"
		      "account_code,dnis,flow" },
	{ "history.note", COMMAND_FOR_APPLICATION, g_history_note_args,
	  "Makes a note about a conversation, which is in that list alone.", "call, note",
	  BY(command_history_note), .own = "user", .own_args = "call,note" },
	{ "history.log", COMMAND_FOR_APPLICATION, g_history_log_args,
	  "Keeps which calls of a user are logged in a CRM. Ask before you write a log: of two who "
	  "ask, it is for one to write, and for another one where that one has not answered within "
	  "45 s. Then say its id.",
	  "with call: mine (true: write it), without: since_utc_ms (what ended behind it is to "
	  "have a log)",
	  BY(command_history_log), .own = "user", .own_args = "call,record,end_utc_ms",
	  .often = true },
	{ "history.unlogged", COMMAND_FOR_READER, g_no_args,
	  "Says of which users calls are to have a log in a CRM and have none: their pages were "
	  "closed before. What ended in the last 45 s does not count.",
	  "a list of user, missing (how many), oldest_utc_ms (the end of the first one), "
	  "since_utc_ms",
	  BY(command_history_unlogged), .columns = "user,missing,oldest_utc_ms",
	  .transient = true },
	{ "history.erase", COMMAND_FOR_ADMIN, g_history_erase_args,
	  "Erases a person from the archive, by an extension or a number outside, or all of the "
	  "tenant: his lists and notes go, and his name, number and what he pressed in the "
	  "conversations of others, which stay theirs. Of what ended by now nothing comes back. It "
	  "is done part by part: where the answer is lost, give it again. Redis still has its "
	  "newest call records, and files of recordings stay: recording.delete.",
	  "until_utc_ms", BY(command_history_erase) },
	{ "history.export", COMMAND_FOR_ADMIN, g_history_export_args,
	  "Writes all that the archive has of a person, by an extension or a number outside, in "
	  "parts: a JSON object in each line. record says what it is: conversation (with its pairs "
	  "of parties, also where the person took it out of a list), contact (of the book of the "
	  "extension), note, or event (of the audit, messages and agents, about the person or by "
	  "the person). Others are named in them: look at it before you hand it on.",
	  "text, records (how many), next (after of the next part; absent: that was all)",
	  BY(command_history_export), .transient = true },
	{ "history.report", COMMAND_FOR_READER, g_report_args,
	  "Adds up conversations of the archive by the hour in which they began, by trunk, account "
	  "code, extension or group: as many of the newest ones as there are in the range, 200,000 "
	  "at most. An extension or a group has what its list has, also what was taken out of it; "
	  "a "
	  "trunk the pairs of parties that it carried.",
	  "by, since_utc_ms, until_utc_ms (the range that counts), clipped (true: there is more "
	  "before it), left_out (keys behind the first 5,000), rows: a list of a key (hour, as "
	  "2026-11-29T20:00Z, trunk, account_code, extension or group), calls, answered, missed, "
	  "incoming, outgoing, internal, duration_ms, talk_ms; with format=csv text in place of "
	  "rows, with duration and billsec in seconds",
	  BY(command_history_report), .transient = true },
	{ "archive.list", COMMAND_FOR_ADMIN, g_event_args,
	  "Lists entries of the audit, and events of messages, agents and security, out of the "
	  "archive: also those that Redis has no longer.",
	  "a list, the newest first: id, utc_ms, type (the command, or the event), object, by, and "
	  "the members of audit.list, of security.list (its user is the object, its source by), or "
	  "of "
	  "the event",
	  BY(command_archive_list), .columns = "utc_ms,type,object,by,outcome", .transient = true,
	  LISTS("id", "utc_ms", true, "utc_ms,type,by,door,role,user,source,outcome,node") },
	{ "archive.query", COMMAND_FOR_OPERATOR, g_query_args,
	  "What nodes ask the node with the archive, where archive.url is not set.",
	  "the answer of its archive", BY(command_archive_query), .transient = true,
	  .often = true },
	{ .name = NULL },
};

const struct app_feature g_archive_feature = {
	.name = "archive",
	.commands = g_history_commands,
	.children = CHILDREN(&g_archive_child, &g_archive_finder),
	.metrics = BY(g_archive_metric_rows),
	.second = BY(archive_second),
	.reload = BY(archive_reload),
	.tenants = BY(archive_tenants),
	.audit = BY(archive_audit),
};
