/* SPDX-License-Identifier: Apache-2.0 */
/* The row of mailboxes in the list of features, with the commands of their messages. */

#include "app/command/table/table.h"
#include "app/feature/mailbox/boxes.h"

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
	BOOL_ARG("drop", "false", "true: an introduction that is a draft goes, once all have it."),
	END,
};
static const struct command_arg g_message_introduce_args[] = {
	MESSAGE_ARG,
	BOX_ARG,
	TEXT_ARG("to", CHARSET_NUMBERS, 1, 130, NULL, "As of message.forward.", .required = true),
	END,
};

static const struct command g_message_commands[] = {
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
	  .own_shared = true, .by_flow = true },
	{ "message.introduce", COMMAND_FOR_APPLICATION, g_message_introduce_args,
	  "Rings the phones of the mailbox's extension. Its user says an introduction behind a "
	  "beep, and presses #: message.forward sends both then, and the phone hears so. Who hangs "
	  "up before sends nothing. Where the tenant wants the PIN at one's own phone, it is asked "
	  "for. Else as message.forward.",
	  "id (of the call)", BY(command_message_introduce), .own = "mailbox" },
	{ "message.link", COMMAND_FOR_APPLICATION, g_box_message_link_args,
	  "Makes a link by which anybody fetches the message from this node, as "
	  "recording.link does, wherever it lies, as audio/wav. It stays new or old. unavailable: "
	  "recordings.port is 0.",
	  "message, links (a list, one for each part: name, path (behind http://, or https://, and "
	  "the host), port, expires_utc_ms)",
	  BY(command_message_link), .own = "mailbox", .own_shared = true, .transient = true },
	{ .name = NULL },
};

const struct app_feature g_mailbox_feature = {
	.name = "mailbox",
	.commands = g_message_commands,
	.carriers = CARRIERS({ node_box_carry, EFFECT_BOX }),
	.metrics = BY(g_box_metric_rows),
	.setup = BY(node_boxes_setup),
	.round = BY(node_messages_round),
	.second = BY(node_boxes_second),
	.close = BY(node_boxes_close),
};
