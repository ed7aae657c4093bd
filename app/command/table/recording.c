/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings that are finished, and where they go. */
#include "app/command/table/table.h"
#include "app/record/entry.h"

#define RECORDING_ARG                                                                  \
	TEXT_ARG("name", CHARSET_TEXT, 1, 159, NULL,                                   \
		 "Name of the recording, as recording.list has it: TENANT/DATE/FILE.", \
		 .required = true)
#define AFTER_ARG                                     \
	TEXT_ARG("after", CHARSET_TEXT, 0, 159, NULL, \
		 "Go on after this name, the last one of the page before, to older ones.")
#define RECORDED_ARG                                                                             \
	TEXT_ARG("node", CHARSET_TEXT, 1, 63, NULL,                                              \
		 "Name of a node (node.name): what its folder says. Without it, what all nodes " \
		 "know (recordings.list_days).",                                                 \
		 .place = PLACE_NODE)

static const struct command_arg g_recorded_args[] = { RECORDING_ARG, RECORDED_ARG, END };
static const struct command_arg g_recording_args[] = { RECORDING_ARG, NODE_ARG, END };

static const struct command_arg g_recording_put_args[] = {
	RECORDING_ARG,
	MAILBOX_ARG("The mailbox that it lies in from now on: the number of an extension, or "
		    "another name. Empty: none."),
	BOOL_ARG("heard", NULL, "Whether somebody has heard it."),
	NODE_ARG,
	END,
};
static const struct command_arg g_link_args[] = {
	RECORDING_ARG,
	U64_ARG("seconds", 1, 86400, "300", "For so long it is good."),
	NODE_ARG,
	END,
};
static const struct command_arg g_retry_args[] = {
	TEXT_ARG("name", CHARSET_TEXT, 1, 159, NULL,
		 "Name of the recording; without it, all dead letters."),
	NODE_ARG,
	END,
};
static const struct command_arg g_recordings_args[] = {
	{ .name = "call",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME, /* its shard may be elsewhere by now: its files are not */
	  .min = 13,
	  .max = 13,
	  .help = "Id of a call: its recordings alone." },
	TEXT_ARG("party", CHARSET_TEXT, 1, 127, NULL,
		 "The same as number, of who has a name that is no number, too."),
	SPAN_ARGS("Only those from or to this number.", "began"),
	ENUM_ARG("state", g_entry_states, NULL, "Those alone that are so."),
	MAILBOX_ARG("Those alone that lie in this mailbox: the number of an extension, or another "
		    "name."),
	BOOL_ARG("heard", NULL, "Those alone that somebody has heard, or nobody (recording.put)."),
	AFTER_ARG,
	LIMIT_ARG,
	RECORDED_ARG,
	END,
};
static const struct command_arg g_deliveries_args[] = {
	SPAN_ARGS("Only those from or to this number.", "began"),
	ENUM_ARG("state", g_entry_states, NULL, "waits or dead: those alone."),
	AFTER_ARG,
	LIMIT_ARG,
	NODE_ARG,
	END,
};

const struct command g_recording_commands[] = {
	{ "recording.list", COMMAND_FOR_READER, g_recordings_args,
	  "Lists recordings that are finished, tenant by tenant, the newest day first, and of a "
	  "day the newest call first, but for calls made by call.originate, whose ids follow no "
	  "time: of all nodes, also of one that is gone. Of a node that is named, those that are "
	  "still there.",
	  "a list: name, tenant, state (kept: it goes nowhere; waits, delivered, dead; deleted: "
	  "it is on no node any more; lost: its file is not there, and nobody deleted it by "
	  "command), node (that has or had the file), stored (without a named node; where it is "
	  "by now, a list: to, url), said_utc_ms (when the node said so), call, "
	  "number, segment, last, interrupted, format, begun, ended, from, to, direction, "
	  "duration_ms, octets, account_code, mailbox, heard, encrypted, cause. A message "
	  "(call.record_message) is one row, that of its first segment; parts (a list: name, "
	  "node) are the further ones, where it lies in several",
	  BY(command_recording_list), .own = "mailbox",
	  .columns = "name,from,to,begun,duration_ms,state,mailbox,heard,node", .transient = true,
	  LISTS("name", NULL, false,
		"state,node,call,number,segment,last,interrupted,format,begun,ended,from,to,"
		"direction,duration_ms,octets,account_code,mailbox,heard,encrypted,cause") },
	{ "recording.get", COMMAND_FOR_READER, g_recorded_args,
	  "Shows all that is known of a recording. Of one that the node which reads the command "
	  "does not have it is what all nodes know.",
	  "what its file NAME.json says, name, state, node, deliveries (a list: to, state, tries, "
	  "first_utc_ms, next_utc_ms, reason); of another node as recording.list has it",
	  BY(command_recording_get), .transient = true },
	{ "recording.link", COMMAND_FOR_APPLICATION, g_link_args,
	  "Makes a link by which anybody fetches the recording from this node, over HTTP, also in "
	  "parts (Range). It must be finished, and lie there. The log says who asked for it. "
	  "unavailable: recordings.port is 0.",
	  "name, path (behind http://, or https://, and the host), port, expires_utc_ms",
	  BY(command_recording_link), .transient = true },
	{ "recording.put", COMMAND_FOR_APPLICATION, g_recording_put_args,
	  "Changes what is known of a finished recording that lies on the node: in whose mailbox "
	  "it is, and whether it was heard. What a destination has stays as it is. Of a message "
	  "all segments are meant that lie there.",
	  "name, mailbox, heard", BY(command_store_one) },
	{ "recording.delete", COMMAND_FOR_APPLICATION, g_recording_args,
	  "Deletes a recording from the node, delivered or not. What a destination has stays "
	  "there. Of a message all segments are meant that lie on the node.",
	  "name", BY(command_store_one) },
	{ "delivery.list", COMMAND_FOR_ADMIN, g_deliveries_args,
	  "Lists recordings that are not delivered everywhere, and why, in the order of "
	  "recording.list.",
	  "a list: name, tenant, state, deliveries as in recording.get", BY(command_store_list),
	  .transient = true, LISTS("name", NULL, false, "state") },
	{ "delivery.retry", COMMAND_FOR_ADMIN, g_retry_args, "Tries dead letters again, at once.",
	  "retried (how many)", BY(command_store_retry) },
	{ .name = NULL },
};
