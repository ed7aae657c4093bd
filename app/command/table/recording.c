/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the command table for finished recordings, their deliveries, and messages of mailboxes. A
 * recording is named TENANT/DATE/FILE; with a node given the folder of that node answers, else the
 * index of all nodes. Handlers: command_recording.c and command_message.c. */

#include "app/command/table/table.h"
#include "app/record/entry.h"
#include "sig/host/box.h"

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

#define LINK_SECONDS_ARG U64_ARG("seconds", 1, 86400, "300", "For so long it is good.")

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
	LINK_SECONDS_ARG,
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
		 "The same as number; it may also be a name that is no number."),
	SPAN_ARGS("Only those from or to this number.", "began"),
	ENUM_ARG("state", g_entry_states, NULL, "Only recordings in this state."),
	MAILBOX_ARG("Only those in this mailbox: the number of an extension, or another name."),
	BOOL_ARG("heard", NULL,
		 "true: only those that somebody has heard; false: only others (recording.put)."),
	AFTER_ARG,
	LIMIT_ARG,
	RECORDED_ARG,
	END,
};
static const struct command_arg g_deliveries_args[] = {
	SPAN_ARGS("Only those from or to this number.", "began"),
	ENUM_ARG("state", g_entry_states, NULL, "waits or dead: only those."),
	AFTER_ARG,
	LIMIT_ARG,
	NODE_ARG,
	END,
};

static const char *const g_message_list_states[] = { "new", "old", "deleted", NULL };
static const char *const g_message_put_states[] = { "new", "old", NULL };
static const char *const g_message_put_mails[] = { "again", NULL };
#define BOX_ARG                                          \
	TEXT_ARG("mailbox", CHARSET_NUMBER, 1, 63, NULL, \
		 "The mailbox: the number of an extension, or another name.", .required = true)
#define MESSAGE_ARG                                                 \
	TEXT_ARG("message", CHARSET_NAME, 15, MESSAGE_ID_MAX, NULL, \
		 "Id of the message, as message.list has it: CALL-NUMBER.", .required = true)
static const struct command_arg g_box_args[] = { BOX_ARG, END };
static const struct command_arg g_box_message_args[] = { MESSAGE_ARG, BOX_ARG, END };
static const struct command_arg g_box_message_link_args[] = {
	MESSAGE_ARG, BOX_ARG, LINK_SECONDS_ARG, NODE_ARG, END,
};
static const struct command_arg g_box_messages_args[] = {
	BOX_ARG,
	ENUM_ARG("state", g_message_list_states, NULL,
		 "Only messages in this state; without it all but deleted ones."),
	TEXT_ARG("after", CHARSET_NAME, 15, MESSAGE_ID_MAX, NULL,
		 "Go on behind this message, the last one of the page before, to older ones."),
	LIMIT_ARG,
	END,
};
static const struct command_arg g_box_message_put_args[] = {
	MESSAGE_ARG,
	BOX_ARG,
	ENUM_ARG("state", g_message_put_states, NULL,
		 "new: nobody has heard it; old: somebody has."),
	BOOL_ARG("urgent", NULL, "Whether it is heard before others, and counted apart."),
	BOOL_ARG("private", NULL,
		 "true: it is not forwarded from now on, and nobody takes that from it again."),
	TEXT_ARG("note", CHARSET_TEXT, 0, 255, NULL, "A text for users who see the mailbox."),
	ENUM_ARG("mail", g_message_put_mails, NULL,
		 "again: its mail is sent, also when it was given up, or sent before."),
	U64_ARG("version", 0, UINT32_MAX, "0",
		"Only if the message has this version; 0: whatever it has."),
	END,
};
static const struct command_arg g_box_message_forward_args[] = {
	MESSAGE_ARG,
	BOX_ARG,
	TEXT_ARG("to", CHARSET_NUMBERS, 1, 255, NULL,
		 "Extensions, or groups by name for all their members; joined by ','.",
		 .required = true),
	TEXT_ARG("introduction", CHARSET_NAME, 15, MESSAGE_ID_MAX, "none",
		 "A message in the same mailbox, also a draft, that is heard before."),
	END,
};

const struct command g_recording_commands[] = {
	{ "recording.list", COMMAND_FOR_READER, g_recordings_args,
	  "Lists finished recordings of all nodes, also of one that is gone, tenant by tenant: the "
	  "newest day first, and of a day the newest call first. Ids of calls made by "
	  "call.originate follow no time. Of a node that is named: recordings that are still "
	  "there.",
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
	  "Shows all that is known of a recording. Where the node that reads the command does not "
	  "have it: what all nodes know.",
	  "what its file NAME.json says, name, state, node, deliveries (a list: to, state, tries, "
	  "first_utc_ms, next_utc_ms, reason); of another node as recording.list has it",
	  BY(command_recording_get), .transient = true },
	{ "recording.link", COMMAND_FOR_APPLICATION, g_link_args,
	  "Makes a link by which anybody fetches the recording from this node, over HTTP, also in "
	  "parts (Range). It must be finished. One that lies on other nodes is brought here "
	  "first. What is encrypted for nodes (NAME.aes128gcm) is given out plain. The log says "
	  "who asked for it. unavailable: recordings.port is 0.",
	  "name, path (behind http://, or https://, and the host), port, expires_utc_ms",
	  BY(command_recording_link), .transient = true },
	{ "recording.put", COMMAND_FOR_APPLICATION, g_recording_put_args,
	  "Changes what is known of a finished recording that lies on the node: its mailbox, and "
	  "whether it was heard. What a destination has stays as it is. Of a message: all segments "
	  "that lie there. conflict: it is encrypted for a certificate, and no node could play it "
	  "in a mailbox.",
	  "name, mailbox, heard", BY(command_store_one) },
	{ "recording.delete", COMMAND_FOR_APPLICATION, g_recording_args,
	  "Deletes a recording from the node, delivered or not. What a destination has stays "
	  "there. Of a message all segments are meant that lie on the node.",
	  "name", BY(command_store_one) },
	{ "recording.look", COMMAND_FOR_OPERATOR, g_no_args,
	  "Looks through recordings.folder at once: another program has put files there, as "
	  "tandemctl restore does.",
	  "nothing", BY(command_recording_look) },
	{ "message.list", COMMAND_FOR_READER, g_box_messages_args,
	  "Lists the messages of a mailbox, the newest first: of all nodes, also of one that is "
	  "gone. A message is a recording that lies in a mailbox, whatever segments it has. "
	  "unavailable: Redis is away, and nothing is known.",
	  "a list: message (its id; call.play plays it as recording:MESSAGE), mailbox, state (new, "
	  "old, deleted), urgent, private, version, from, from_name (as in call.list; not of "
	  "callers who hide it), to, begun_utc_ms, server_offset_s and zone_offset_s (what local "
	  "time was ahead of UTC then: on the node that answers, and in the tenant's zone), "
	  "duration_ms, octets, note, by (who changed it last), text (what it says: "
	  "mailbox_transcribe), mail (waits, sent or dead) and mail_reason (mailbox_mail), "
	  "deleted_utc_ms, parts (a list: name, as recording.list has it, segment, node, node_id, "
	  "ms, octets)",
	  BY(command_message_list), .own = "mailbox", .own_shared = true,
	  .columns = "message,from,begun_utc_ms,duration_ms,state,urgent,note", .transient = true,
	  LISTS("message", "begun_utc_ms", true,
		"mailbox,state,urgent,private,version,from,to,duration_ms,octets") },
	{ "message.count", COMMAND_FOR_READER, g_box_args,
	  "Counts the messages of a mailbox, as message-summary (RFC 3842) does. The messages are "
	  "counted each time: no count is stored.",
	  "mailbox, new, old, urgent_new, urgent_old (of those), deleted, version (a higher one is "
	  "newer)",
	  BY(command_message_count), .own = "mailbox", .own_shared = true, .transient = true },
	{ "message.get", COMMAND_FOR_READER, g_box_message_args, "Shows a message.",
	  "as message.list has it", BY(command_message_get), .own = "mailbox", .own_shared = true,
	  .transient = true },
	{ "message.put", COMMAND_FOR_APPLICATION, g_box_message_put_args,
	  "Changes the given fields of a message. changed: it has another version.",
	  "as message.list has it", BY(command_message_put), .own = "mailbox", .own_shared = true },
	{ "message.delete", COMMAND_FOR_APPLICATION, g_box_message_args,
	  "Deletes a message. For 7 days message.undelete takes that back; then its file goes, on "
	  "the node that has it.",
	  "as message.list has it", BY(command_message_delete), .own = "mailbox",
	  .own_shared = true },
	{ "message.undelete", COMMAND_FOR_APPLICATION, g_box_message_args,
	  "Takes back that a message was deleted: it is new or old, as it was.",
	  "as message.list has it", BY(command_message_undelete), .own = "mailbox",
	  .own_shared = true },
	{ "message.forward", COMMAND_FOR_APPLICATION, g_box_message_forward_args,
	  "Copies a message into other mailboxes, as one of their own, from that mailbox. It is "
	  "answered when each copy is safe. Given twice it is there once, and not again where it "
	  "was deleted. conflict: the message is private, or was encrypted for a certificate "
	  "before it lay in a mailbox. full: one of those mailboxes has no room, and none got a "
	  "copy.",
	  "copies (a list: mailbox, message)", BY(command_message_forward), .own = "mailbox",
	  .own_shared = true },
	{ "message.link", COMMAND_FOR_APPLICATION, g_box_message_link_args,
	  "Makes a link by which anybody fetches the message from this node, as "
	  "recording.link does, wherever it lies, as audio/wav. It stays new or old. unavailable: "
	  "recordings.port is 0.",
	  "message, links (a list, one for each part: name, path (behind http://, or https://, and "
	  "the host), port, expires_utc_ms)",
	  BY(command_message_link), .own = "mailbox", .own_shared = true, .transient = true },
	{ "delivery.list", COMMAND_FOR_ADMIN, g_deliveries_args,
	  "Lists recordings that are not delivered everywhere, and why, in the order of "
	  "recording.list.",
	  "a list: name, tenant, state, deliveries as in recording.get", BY(command_store_list),
	  .transient = true, LISTS("name", NULL, false, "state") },
	{ "delivery.retry", COMMAND_FOR_ADMIN, g_retry_args, "Tries dead letters again, at once.",
	  "retried (how many)", BY(command_store_retry) },
	{ .name = NULL },
};
