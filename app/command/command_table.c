/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command.h"
#include "app/command/command_conference.h"
#include "app/command/command_handlers.h"
#include "app/document/dial_field.h"
#include "app/document/extension.h"
#include "app/document/location_field.h"
#include "app/document/profile.h"
#include "app/document/room_field.h"
#include "app/document/route_field.h"
#include "app/document/tenant_field.h"
#include "app/document/trunk_field.h"
#include "app/live/live.h"
#include "app/record/entry.h"
#include "base/log.h"
#include "sig/call/act.h"
#include "sig/model/account.h"
#include "sig/model/call_order.h"
#include "sig/model/park.h"
#include "sig/room/room_member.h"
#include "sig/shard/shard.h"

#define NUMBER_ARG(text)                                                                           \
	{                                                                                          \
		.name = "number", .type = ARG_STRING, .charset = CHARSET_NUMBER, .required = true, \
		.min = 1, .max = 63, .help = (text)                                                \
	}
#define CALL_ARG                                                                                   \
	{                                                                                          \
		.name = "call", .type = ARG_STRING, .charset = CHARSET_ID, .required = true,       \
		.min = 13, .max = 13, .help = "Id of the call: 13 characters.", .place = PLACE_ID, \
	}
#define LIMIT_ARG                                                                         \
	{                                                                                 \
		.name = "limit", .type = ARG_U64, .min = 1, .max = 1000, .preset = "100", \
		.help = "Most entries in the answer."                                     \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

static const struct command_arg g_toll_args[] = {
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .min = 1,
	  .max = 63,
	  .help = "Number of the extension. Without it, the tenant alone." },
	END,
};

static const struct command_arg g_get_args[] = { NUMBER_ARG("Number of the extension."), END };

#define PRESENCE_ARG(text)                                                                      \
	{                                                                                       \
		.name = "state", .type = ARG_STRING, .charset = CHARSET_NAME, .required = true, \
		.min = 1, .max = PRESENCE_MAX - 1, .help = (text)                               \
	}
static const struct command_arg g_presence_args[] = {
	NUMBER_ARG("Number of the extension."),
	PRESENCE_ARG("available, busy, do_not_disturb, in_a_meeting, away, out_of_office, "
		     "off_work, or another word."),
	END,
};
static const struct command_arg g_greeting_args[] = {
	NUMBER_ARG("Number of the extension."),
	PRESENCE_ARG("The presence that it is for; default: all that have none of their own."),
	{ .name = "file",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .max = GREETING_FILE_MAX - 1,
	  .help = "A file in media.sounds, prompt:NAME, or recording:CALL-NUMBER, which a caller "
		  "has said (call.record_message). Empty, or without it: none." },
	END,
};

static const struct command_arg g_extension_list_args[] = {
	{ .name = "after",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .min = 0,
	  .max = 63,
	  .help = "Begin behind this number: the last one of the page before." },
	LIMIT_ARG,
	END,
};

#define PROFILE_ARG(text)                                                                      \
	{                                                                                      \
		.name = "name", .type = ARG_STRING, .charset = CHARSET_NAME, .required = true, \
		.min = 1, .max = PROFILE_NAME_MAX - 1, .help = (text)                          \
	}
static const struct command_arg g_profile_args[] = { PROFILE_ARG("Name of the profile."), END };

#define FIELD_OF struct profile_range
static const struct command_arg g_range_args[] = {
	ADDR_FIELD("from", core.first, "First address of the range."),
	END,
};
#undef FIELD_OF

#define DID_ARG(what, needed, text)                                                                \
	{                                                                                          \
		.name = (what), .type = ARG_STRING, .charset = CHARSET_PATTERN,                    \
		.required = (needed), .min = (needed), .max = TRUNK_NUMBER_MAX - 1, .help = (text) \
	}
static const struct command_arg g_did_args[] = {
	DID_ARG("number", true, "Number or pattern, as it was put."),
	END,
};
static const struct command_arg g_did_list_args[] = {
	DID_ARG("after", false, "Begin behind this number: the last one of the page before."),
	LIMIT_ARG,
	END,
};

#define FIELD_OF struct location_value
static const struct command_arg g_location_args[] = {
	KEY_FIELD("id", id, CHARSET_DIGITS, "Id of the location."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct room_value
static const struct command_arg g_room_args[] = {
	KEY_FIELD("number", core.number, CHARSET_NUMBER, "Number of the room."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct route_value
static const struct command_arg g_route_args[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the route."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct trunk_value
static const struct command_arg g_trunk_args[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the trunk."),
	END,
};
#undef FIELD_OF

static const struct command_arg g_dial_check_args[] = {
	NUMBER_ARG("What is dialled."),
	{ .name = "from",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .required = true,
	  .min = 1,
	  .max = 63,
	  .help = "Extension that dials." },
	END,
};

#define TENANT_ARG(text)                                                                       \
	{                                                                                      \
		.name = "name", .type = ARG_STRING, .charset = CHARSET_NAME, .required = true, \
		.min = 1, .max = TENANT_NAME_MAX - 1, .help = (text)                           \
	}
static const struct command_arg g_tenant_args[] = { TENANT_ARG("Name of the tenant."), END };

#define NODE_ARG                                                                              \
	{                                                                                     \
		.name = "node", .type = ARG_STRING, .min = 1, .max = 63, .place = PLACE_NODE, \
		.help = "Name of the node (node.name); without it, whichever reads the "      \
			"command first.",                                                     \
	}

static const struct command_arg g_list_args[] = { LIMIT_ARG, END };
#define RECORDING_ARG(needed)                                                                   \
	{                                                                                       \
		.name = "name", .type = ARG_STRING, .required = (needed), .min = 1, .max = 159, \
		.help = "Name of the recording, as recording.list has it:"                      \
			" TENANT/DATE/FILE.",                                                   \
	}
#define DATE_ARG(what, text)                                                                       \
	{                                                                                          \
		.name = (what), .type = ARG_STRING, .charset = CHARSET_NAME, .min = 10, .max = 10, \
		.help = (text)                                                                     \
	}

#define AFTER_ARG                                                                  \
	{                                                                          \
		.name = "after", .type = ARG_STRING, .max = 159,                   \
		.help = "Begin behind this name: the last one of the page before." \
	}
#define RECORDED_ARG                                                                          \
	{                                                                                     \
		.name = "node", .type = ARG_STRING, .min = 1, .max = 63, .place = PLACE_NODE, \
		.help = "Name of a node (node.name): what its folder says. Without it, what " \
			"all nodes know (recordings.list_days).",                             \
	}
static const struct command_arg g_recorded_args[] = { RECORDING_ARG(true), RECORDED_ARG, END };
static const struct command_arg g_recording_args[] = { RECORDING_ARG(true), NODE_ARG, END };
#define MAILBOX_ARG(text)                                                                    \
	{                                                                                    \
		.name = "mailbox", .type = ARG_STRING, .charset = CHARSET_NUMBER, .max = 63, \
		.help = (text)                                                               \
	}
static const struct command_arg g_recording_put_args[] = {
	RECORDING_ARG(true),
	MAILBOX_ARG("The mailbox that it lies in from now on: the number of an extension, or "
		    "another name. Empty: none."),
	{ .name = "heard", .type = ARG_BOOL, .help = "Whether somebody has heard it." },
	NODE_ARG,
	END,
};
static const struct command_arg g_link_args[] = {
	RECORDING_ARG(true),
	{ .name = "seconds",
	  .type = ARG_U64,
	  .min = 1,
	  .max = 86400,
	  .preset = "300",
	  .help = "For so long it is good." },
	NODE_ARG,
	END,
};
static const struct command_arg g_retry_args[] = {
	{ .name = "name",
	  .type = ARG_STRING,
	  .min = 1,
	  .max = 159,
	  .help = "Name of the recording; without it, all dead letters." },
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
	{ .name = "party",
	  .type = ARG_STRING,
	  .min = 1,
	  .max = 127,
	  .help = "Who spoke, from or to: those alone." },
	DATE_ARG("since", "Day of the first ones, such as 2026-11-25, of UTC."),
	DATE_ARG("until", "Day of the last ones."),
	{ .name = "state",
	  .type = ARG_ENUM,
	  .names = g_entry_states,
	  .help = "Those alone that are so." },
	MAILBOX_ARG("Those alone that lie in this mailbox: the number of an extension, or another "
		    "name."),
	{ .name = "heard",
	  .type = ARG_BOOL,
	  .help = "Those alone that somebody has heard, or nobody (recording.put)." },
	AFTER_ARG,
	LIMIT_ARG,
	RECORDED_ARG,
	END,
};
static const struct command_arg g_deliveries_args[] = {
	{ .name = "state",
	  .type = ARG_ENUM,
	  .names = g_entry_states,
	  .help = "waits or dead: those alone." },
	AFTER_ARG,
	LIMIT_ARG,
	NODE_ARG,
	END,
};
static const struct command_arg g_calls_args[] = {
	LIMIT_ARG,
	NODE_ARG,
	{ .name = "ending",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "true: those as well that have ended and have no record yet." },
	END,
};
static const struct command_arg g_call_args[] = { CALL_ARG, END };
static const struct command_arg g_doctor_args[] = {
	CALL_ARG,
	{ .name = "window_ms",
	  .type = ARG_U64,
	  .min = 200,
	  .max = 3000,
	  .preset = "1000",
	  .help = "Time between the two looks at the counters." },
	END,
};
#define PARTY_ARG(what, set, text)                                                                \
	{                                                                                         \
		.name = (what), .type = ARG_STRING, .charset = (set), .required = true, .min = 1, \
		.max = 63, .help = (text)                                                         \
	}

static const struct command_arg g_originate_args[] = {
	PARTY_ARG("from", CHARSET_NUMBER, "Extension whose phone is rung first."),
	PARTY_ARG("to", CHARSET_DIALLED,
		  "Extension that is called then, or a link to it: tel:1002, callto:1002."),
	{ .name = "auto_answer",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "Ask from's phone to answer by itself: Alert-Info with info=alert-autoanswer." },
	END,
};

#define LEG_ARG(text)                                                                    \
	{                                                                                \
		.name = "leg", .type = ARG_ENUM, .names = g_call_legs, .required = true, \
		.help = (text)                                                           \
	}

#define LEG_OR_NONE(text)                                                             \
	{                                                                             \
		.name = "leg", .type = ARG_ENUM, .names = g_call_legs, .help = (text) \
	}

static const struct command_arg g_hold_args[] = {
	CALL_ARG,
	LEG_ARG("Whose party holds the other: a is the caller, b whom it speaks with."),
	END,
};

#define LEG_CHOICE(what, text)                                                      \
	{                                                                           \
		.name = (what), .type = ARG_ENUM, .names = g_call_legs,             \
		.preset = "none: the caller is alone with the node", .help = (text) \
	}

static const struct command_arg g_transfer_args[] = {
	CALL_ARG,
	LEG_CHOICE("leg", "Whose party gives the other one away: a is the caller, b whom it speaks "
			  "with."),
	PARTY_ARG("to", CHARSET_DIALLED, "Extension that it is given to, or a link to it."),
	END,
};

static const struct command_arg g_deflect_args[] = {
	CALL_ARG,
	PARTY_ARG("to", CHARSET_DIALLED, "Extension that it goes on to, or a link to it."),
	END,
};

static const struct command_arg g_pickup_args[] = {
	PARTY_ARG("extension", CHARSET_DIALLED, "Extension where the call rings, or a link to it."),
	PARTY_ARG("by", CHARSET_DIALLED, "Extension whose phones are to ring for it, or a link."),
	{ .name = "call",
	  .type = ARG_STRING,
	  .charset = CHARSET_ID,
	  .min = 13,
	  .max = 13,
	  .help = "That call alone; else the one that rings longest.",
	  .place = PLACE_ID },
	END,
};

static const struct command_arg g_reject_args[] = {
	CALL_ARG,
	{ .name = "status",
	  .type = ARG_U64,
	  .min = 400,
	  .max = 699,
	  .preset = "486",
	  .help = "What the caller hears: 480 (not there), 486 (busy), 603 (does not want it) or "
		  "another that a callee may give, so none as 401, 407, 420 or 503." },
	{ .name = "reason",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .min = 1,
	  .max = ORDER_PHRASE_MAX,
	  .preset = "that of RFC 3261",
	  .help = "Words beside the status, which many phones show." },
	END,
};

static const struct command_arg g_join_args[] = {
	CALL_ARG,
	{ .name = "with",
	  .type = ARG_STRING,
	  .charset = CHARSET_ID,
	  .required = true,
	  .min = 13,
	  .max = 13,
	  .help = "Id of the call that becomes one with it, and ends: 13 characters." },
	LEG_CHOICE("leg", "Whose party stays in the call: a is the caller, b whom it speaks with."),
	LEG_CHOICE("with_leg", "Whose party of the other one comes."),
	END,
};

#define SLOT_ARG                                                                                 \
	{                                                                                        \
		.name = "slot", .type = ARG_STRING, .charset = CHARSET_DIGITS, .required = true, \
		.min = 1, .max = PARK_SLOT_LEN, .help = "Where the party waits: 1 to 8 digits."  \
	}

static const struct command_arg g_retrieve_args[] = {
	CALL_ARG,
	SLOT_ARG,
	LEG_CHOICE("leg", "Who is to speak with it: a is the caller, b whom it speaks with."),
	END,
};

static const struct command_arg g_park_args[] = {
	CALL_ARG,
	{ .name = "slot",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .min = 1,
	  .max = PARK_SLOT_LEN,
	  .preset = "the first free one of the group",
	  .help = "Where the party waits: 1 to 8 digits." },
	{ .name = "group",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 1,
	  .max = PARK_GROUP_NAME_MAX - 1,
	  .preset = "the tenant's first one",
	  .help = "In whose first free slot it waits where none is named (park_groups of "
		  "tenant.put)." },
	LEG_CHOICE("leg", "Whose party waits: a is the caller, b whom it speaks with."),
	END,
};

static const struct command_arg g_split_args[] = {
	CALL_ARG,
	{ .name = "leg",
	  .type = ARG_ENUM,
	  .names = g_call_legs,
	  .preset = "b",
	  .help = "Whose party goes to the new call: a is the caller, b whom it speaks with." },
	{ .name = "application",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .max = APPLICATION_NAME_MAX - 1,
	  .preset = "that of the call, or none",
	  .help = "Application that has both calls from then on: its stream has their events." },
	END,
};

static const struct command_arg g_mute_args[] = {
	CALL_ARG,
	LEG_ARG("Whose party is not heard: a is the caller, b whom it speaks with."),
	{ .name = "on", .type = ARG_BOOL, .required = true, .help = "false: it is heard again." },
	END,
};

/* In the order of enum order_record. */
static const char *const g_record_states[] = { "on", "pause", "resume", "off", NULL };

/* In the order of enum record_to. */
static const char *const g_record_places[] = { "files", "siprec", NULL };

static const struct command_arg g_record_args[] = {
	CALL_ARG,
	LEG_ARG("Whose party is recorded, with all that it hears: a is the caller, b whom it "
		"speaks with."),
	{ .name = "state",
	  .type = ARG_ENUM,
	  .names = g_record_states,
	  .required = true,
	  .help = "on: begin, or go on; pause: what is said from now on is in no file; resume; "
		  "off: "
		  "the file is finished." },
	{ .name = "to",
	  .type = ARG_ENUM,
	  .names = g_record_places,
	  .help = "With state=on, where it goes: files of the node, or siprec, the external "
		  "recorder of the setting siprec.address. Without it: as record_to of the "
		  "extension." },
	END,
};

static const struct command_arg g_account_args[] = {
	CALL_ARG,
	{ .name = "code",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .max = ACCOUNT_CODE_MAX,
	  .help = "In place of what it has. Empty, or without it: none." },
	END,
};

static const struct command_arg g_dtmf_args[] = {
	CALL_ARG,
	LEG_ARG("To whose party they go: a is the caller, b whom it speaks with."),
	{ .name = "digits",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .required = true,
	  .min = 1,
	  .max = 32,
	  .help = "Sent one after the other." },
	{ .name = "duration_ms",
	  .type = ARG_U64,
	  .min = 40,
	  .max = 6000,
	  .preset = "120",
	  .help = "How long each sounds." },
	END,
};

#define TRACE_ARG                                                                                  \
	{                                                                                          \
		.name = "name", .type = ARG_STRING, .charset = CHARSET_NAME, .required = true,     \
		.min = 1, .max = 39, .help = "As call.trace.list shows it.", .place = PLACE_TRACE, \
	}

static const struct command_arg g_trace_start_args[] = {
	{ .name = "call",
	  .type = ARG_STRING,
	  .charset = CHARSET_ID,
	  .min = 13,
	  .max = 13,
	  .help = "Id of the call: 13 characters. Or from, or to.",
	  .place = PLACE_ID },
	{ .name = "from",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .min = 1,
	  .max = 63,
	  .help = "The next call of this extension; it is waited for, an hour at most." },
	{ .name = "to",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .min = 1,
	  .max = 63,
	  .help = "The next call to this number." },
	{ .name = "decrypted",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "Media of SRTP in clear and keys in SIP as they are; where trace.decrypted "
		  "allows "
		  "it." },
	{ .name = "seconds",
	  .type = ARG_U64,
	  .min = 1,
	  .max = 3600,
	  .preset = "300",
	  .help = "It ends after this." },
	{ .name = "octets",
	  .type = ARG_U64,
	  .min = 65536,
	  .max = 1073741824,
	  .preset = "16777216",
	  .help = "It ends before the file is longer." },
	END,
};

static const struct command_arg g_trace_stop_args[] = {
	{ .name = "call",
	  .type = ARG_STRING,
	  .charset = CHARSET_ID,
	  .min = 13,
	  .max = 13,
	  .help = "Id of the call. Or name.",
	  .place = PLACE_ID },
	{ .name = "name",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 1,
	  .max = 39,
	  .help = "As call.trace.list shows it.",
	  .place = PLACE_TRACE },
	END,
};

static const struct command_arg g_trace_read_args[] = {
	TRACE_ARG,
	{ .name = "offset",
	  .type = ARG_U64,
	  .max = INT64_MAX,
	  .preset = "0",
	  .help = "Octets of the file before what is wanted." },
	END,
};

static const struct command_arg g_trace_args[] = { TRACE_ARG, END };

static const struct command_arg g_sip_args[] = {
	{ .name = "call",
	  .type = ARG_STRING,
	  .charset = CHARSET_ID,
	  .min = 13,
	  .max = 13,
	  .help = "Only the dialogs of this call, also when it is over.",
	  .place = PLACE_ID },
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .min = 1,
	  .max = 63,
	  .help = "Only dialogs whose messages name this user." },
	{ .name = "limit",
	  .type = ARG_U64,
	  .min = 1,
	  .max = 500,
	  .preset = "50",
	  .help = "Most messages in the answer, the newest ones." },
	END,
};

static const struct command_arg g_no_args[] = { END };

static const struct command_arg g_node_args[] = { NODE_ARG, END };

static const struct command_arg g_cdr_args[] = {
	LIMIT_ARG,
	{ .name = "call",
	  .type = ARG_STRING,
	  .charset = CHARSET_ID,
	  .min = 13,
	  .max = 13,
	  .help = "Only this call, if it is among the newest 1000.",
	  .place = PLACE_ID },
	END,
};

static const struct command_arg g_registration_args[] = {
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .min = 1,
	  .max = 63,
	  .help = "Only this extension." },
	LIMIT_ARG,
	NODE_ARG,
	END,
};

static const struct command_arg g_subscription_args[] = {
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .min = 1,
	  .max = 63,
	  .help = "Only those of this extension, and those that watch it." },
	LIMIT_ARG,
	NODE_ARG,
	END,
};

static const struct command_arg g_subscription_end_args[] = {
	{ .name = "id",
	  .type = ARG_STRING,
	  .charset = CHARSET_ID,
	  .required = true,
	  .min = 13,
	  .max = 13,
	  .help = "Id of the subscription, as subscription.list shows it.",
	  .place = PLACE_ID },
	{ .name = "reason",
	  .type = ARG_ENUM,
	  .names = g_subscription_endings,
	  .preset = "deactivated",
	  .help = "What its phone hears (RFC 6665 4.1.3). deactivated: it may subscribe again at "
		  "once; probation: in a minute; giveup: some time; rejected, noresource: not "
		  "again." },
	END,
};

static const struct command_arg g_remove_args[] = {
	{ .name = "name",
	  .type = ARG_STRING,
	  .required = true,
	  .min = 1,
	  .max = 63,
	  .help = "Name of the node that is gone, or its 16 digits (cluster.status)." },
	NODE_ARG,
	END,
};

static const struct command_arg g_take_args[] = {
	{ .name = "shard",
	  .type = ARG_U64,
	  .required = true,
	  .min = 1,
	  .max = UINT16_MAX,
	  .help = "Number of the shard." },
	NODE_ARG,
	END,
};

static const struct command_arg g_rebalance_args[] = {
	{ .name = "dry",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "true: says what would be moved, and moves nothing." },
	NODE_ARG,
	END,
};

static const struct command_arg g_level_args[] = {
	{ .name = "level",
	  .type = ARG_ENUM,
	  .names = g_log_levels,
	  .help = "New level, until the next reload or start; without it the present one is "
		  "told." },
	END,
};

static const struct command_arg g_help_args[] = {
	{ .name = "command",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 1,
	  .max = 63,
	  .help = "Only this command." },
	END,
};

#define CONFERENCE_ARG                                                                             \
	{                                                                                          \
		.name = "conference", .type = ARG_STRING, .charset = CHARSET_ID, .required = true, \
		.min = 13, .max = 13, .help = "Id of the conference: 13 characters.",              \
		.place = PLACE_ID,                                                                 \
	}
#define MEMBER_BY_ARG                                                                            \
	{                                                                                        \
		.name = "by", .type = ARG_U64, .min = 1, .max = UINT16_MAX, .preset = "nobody",  \
		.help = "Number of the member in whose name it is done: only the host, and who " \
			"invited a member, may do everything."                                   \
	}
#define MEMBER_CALL_ARG                                                                      \
	{                                                                                    \
		.name = "call", .type = ARG_STRING, .charset = CHARSET_ID, .required = true, \
		.min = 13, .max = 13, .help = "Id of the member's call: 13 characters.",     \
		.place = PLACE_ID,                                                           \
	}
#define RUNG_ARG(needed)                                                                           \
	{                                                                                          \
		.name = "to", .type = ARG_STRING, .charset = CHARSET_NUMBER, .required = (needed), \
		.min = 1, .max = 63, .preset = (needed) ? NULL : "nobody",                         \
		.help = "Extension whose best phone is rung."                                      \
	}
#define OTHER_CALL_ARG(called, needed, text)                                                       \
	{                                                                                          \
		.name = (called), .type = ARG_STRING, .charset = CHARSET_ID, .required = (needed), \
		.min = 13, .max = 13, .help = (text), .preset = (needed) ? NULL : "none"           \
	}

static const struct command_arg g_conferences_args[] = { LIMIT_ARG, NODE_ARG, END };
static const struct command_arg g_conference_args[] = { CONFERENCE_ARG, END };
static const struct command_arg g_conference_order_args[] = { CONFERENCE_ARG, MEMBER_BY_ARG, END };
static const struct command_arg g_conference_invite_args[] = { CONFERENCE_ARG, RUNG_ARG(true),
							       MEMBER_BY_ARG, END };
static const struct command_arg g_conference_join_args[] = {
	CONFERENCE_ARG,
	OTHER_CALL_ARG("call", true, "Id of a call of the same shard."),
	END,
};
static const struct command_arg g_conference_add_args[] = {
	CALL_ARG,
	LEG_OR_NONE("Of a call of two: whose party is the host. a is the caller, b whom it speaks "
		    "with."),
	OTHER_CALL_ARG("with", false, "Id of the other call."),
	RUNG_ARG(false),
	END,
};
static const char *const g_conference_modes[] = { "listen", "coach", "barge", NULL };
static const struct command_arg g_conference_monitor_args[] = {
	CALL_ARG,
	LEG_OR_NONE("Whose party is coached, and is the host. a is the caller, b whom it speaks "
		    "with."),
	{ .name = "mode",
	  .type = ARG_ENUM,
	  .names = g_conference_modes,
	  .required = true,
	  .help = "What whoever answers may do." },
	RUNG_ARG(true),
	END,
};
static const struct command_arg g_conference_member_args[] = { MEMBER_CALL_ARG, MEMBER_BY_ARG,
							       END };
static const struct command_arg g_conference_deaf_args[] = {
	MEMBER_CALL_ARG,
	MEMBER_BY_ARG,
	{ .name = "on", .type = ARG_BOOL, .required = true, .help = "Whether it is deaf." },
	END,
};
static const struct command_arg g_conference_gain_args[] = {
	MEMBER_CALL_ARG,
	MEMBER_BY_ARG,
	{ .name = "db",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .required = true,
	  .min = 1,
	  .max = 3,
	  .help = "Decibels, from -15 to 15; 0: as it comes." },
	END,
};
static const struct command_arg g_conference_coach_args[] = {
	MEMBER_CALL_ARG,
	MEMBER_BY_ARG,
	{ .name = "member",
	  .type = ARG_U64,
	  .required = true,
	  .min = 0,
	  .max = UINT16_MAX,
	  .help = "Number of the member that alone hears it; 0: all do." },
	END,
};

#define FILE_ARG(is_required, text)                                                             \
	{                                                                                       \
		.name = "file", .type = ARG_STRING, .charset = CHARSET_TEXT,                    \
		.required = (is_required), .min = 1, .max = ACT_FILES_MAX * (ACT_NAME_MAX + 1), \
		.preset = "none", .help = (text)                                                \
	}

static const struct command_arg g_play_args[] = {
	CALL_ARG,
	FILE_ARG(true, "Files in media.sounds (WAV, or Opus in Ogg), at most 4, with commas "
		       "between them."),
	{ .name = "times",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_TIMES_MAX,
	  .preset = "1",
	  .help = "How often all of them are played; 0: without end." },
	{ .name = "interruptible",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "A key of the caller ends it." },
	END,
};

static const struct command_arg g_conference_play_args[] = {
	CONFERENCE_ARG,
	FILE_ARG(true, "Files as of call.play, at most 4, with commas between them."),
	{ .name = "times",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_TIMES_MAX,
	  .preset = "1",
	  .help = "How often all of them are played; 0: without end." },
	MEMBER_BY_ARG,
	END,
};
static const struct command_arg g_conference_stream_args[] = {
	CONFERENCE_ARG,
	{ .name = "endpoint",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .required = true,
	  .min = 1,
	  .max = LIVE_NAME_MAX - 1,
	  .help = "A name in live.endpoints that is for the tenant." },
	MEMBER_BY_ARG,
	END,
};
/* In the order of enum shard_room_act. */
static const char *const g_conference_stops[] = { "play", "stream", NULL };
static const struct command_arg g_conference_stop_args[] = {
	CONFERENCE_ARG,
	{ .name = "what",
	  .type = ARG_ENUM,
	  .names = g_conference_stops,
	  .required = true,
	  .help = "What is to end." },
	MEMBER_BY_ARG,
	END,
};
static const struct command_arg g_conference_record_args[] = {
	CONFERENCE_ARG,
	{ .name = "state",
	  .type = ARG_ENUM,
	  .names = g_record_states,
	  .required = true,
	  .help = "on begins a recording, or goes on with a paused one; off ends it." },
	MEMBER_BY_ARG,
	END,
};

static const char *const g_controls[] = {
	"place", "pause", "resume", "forward", "back", "to", NULL
};

static const struct command_arg g_control_args[] = {
	CALL_ARG,
	{ .name = "action",
	  .type = ARG_ENUM,
	  .names = g_controls,
	  .required = true,
	  .help = "pause, resume; forward, back: by ms; to: the place ms; place: nothing, but says "
		  "where it is." },
	{ .name = "ms",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_PLACE_MAX_MS,
	  .preset = "0",
	  .help = "So much, or the place from the beginning of the file." },
	END,
};

/* In the order of enum listen_sides. */
static const char *const g_stream_sides[] = { "said", "heard", "both", NULL };

static const struct command_arg g_stream_args[] = {
	CALL_ARG,
	{ .name = "endpoint",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .required = true,
	  .min = 1,
	  .max = LIVE_NAME_MAX - 1,
	  .help = "A name in live.endpoints that is for the tenant." },
	LEG_OR_NONE(
		"Of a call of two: whose party it hears beside their talk, without a word of its "
		"own. a is the caller, b whom it speaks with."),
	{ .name = "hear",
	  .type = ARG_ENUM,
	  .names = g_stream_sides,
	  .preset = "both",
	  .help = "With leg: what its party says, what that party hears, or both as two "
		  "channels." },
	END,
};

static const struct command_arg g_stop_args[] = {
	CALL_ARG,
	LEG_OR_NONE("The application that hears that party does so no longer (call.stream)."),
	END,
};

static const struct command_arg g_collect_args[] = {
	CALL_ARG,
	{ .name = "min",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_DIGITS_MAX,
	  .preset = "1",
	  .help = "Fewer keys are reported as short." },
	{ .name = "max",
	  .type = ARG_U64,
	  .min = 1,
	  .max = ACT_DIGITS_MAX,
	  .preset = "16",
	  .help = "After so many keys it is over. At most ivr.max_digits, which it is when it is "
		  "not given." },
	{ .name = "first_ms",
	  .type = ARG_U64,
	  .min = 100,
	  .max = ACT_WAIT_MAX_MS,
	  .preset = "5000",
	  .help = "How long the first key is waited for, behind what is played." },
	{ .name = "inter_ms",
	  .type = ARG_U64,
	  .min = 100,
	  .max = ACT_WAIT_MAX_MS,
	  .preset = "3000",
	  .help = "How long each further key is waited for." },
	{ .name = "terminators",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .min = 0,
	  .max = ACT_DIGITS_MAX,
	  .preset = "#",
	  .help = "Keys that end it, and are not among those that are reported." },
	{ .name = "tag",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 3,
	  .max = CALL_TAG_MAX,
	  .preset = "none",
	  .help = "TAB.FIELD, such as Case.CaseNumber: what was pressed becomes data of the call, "
		  "which goes where the call goes, and is in its events and its call detail "
		  "records. Not for secrets." },
	{ .name = "tries",
	  .type = ARG_U64,
	  .min = 1,
	  .max = ACT_TRIES_MAX,
	  .preset = "1",
	  .help = "So often the files are played and keys are waited for, while fewer than min "
		  "come." },
	FILE_ARG(false, "Files that are played before, as of call.play."),
	END,
};

static const struct command_arg g_message_args[] = {
	CALL_ARG,
	{ .name = "beep",
	  .type = ARG_BOOL,
	  .preset = "true",
	  .help = "The party hears a beep before." },
	{ .name = "max_ms",
	  .type = ARG_U64,
	  .min = 1000,
	  .max = ACT_MESSAGE_MAX_MS,
	  .preset = "120000",
	  .help = "It ends after so long." },
	{ .name = "silence_ms",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_SILENCE_MAX_MS,
	  .preset = "3000",
	  .help = "It ends when nothing was said for so long; 0: silence does not end it." },
	{ .name = "min_ms",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_MESSAGE_MAX_MS,
	  .preset = "0",
	  .help = "Less is reported as short." },
	{ .name = "terminators",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .min = 0,
	  .max = ACT_DIGITS_MAX,
	  .preset = "#",
	  .help = "Keys that end it. Others do nothing." },
	MAILBOX_ARG("The mailbox that it lies in when it is finished (recording.list mailbox)."),
	FILE_ARG(false, "Files that are played before, as of call.play. A key skips them."),
	END,
};

const struct command g_commands[] = {
	{ "extension.put", COMMAND_FOR_ADMIN, g_extension_fields,
	  "Makes an extension, or changes what is given of it.", "the extension", document_put,
	  .documents = &g_extension_documents },
	{ "extension.get", COMMAND_FOR_READER, g_get_args, "Shows an extension.",
	  "password_valid (false: the realm was changed since), changed_utc_ms",
	  command_extension_get, .shows = g_extension_fields },
	{ "extension.page", COMMAND_FOR_ADMIN, g_get_args,
	  "Shows the link to the record page of an extension, for its phone's settings. It is a "
	  "secret: who has it may record the extension's calls, at each node, until record_page or "
	  "record_page_renew of extension.put makes another one. The log says who asked for it. "
	  "conflict: record_page is false. unavailable: recordings.port is 0, or http.tls false.",
	  "number, path (behind https:// and the host), port", command_extension_page,
	  .transient = true },
	{ "extension.presence", COMMAND_FOR_APPLICATION, g_presence_args,
	  "Says the presence of an extension. It chooses the greeting that callers hear "
	  "(extension.greeting), and changes nothing else. The event extension.presence tells of "
	  "it.",
	  "number, state", command_extension_presence },
	{ "extension.greeting", COMMAND_FOR_APPLICATION, g_greeting_args,
	  "Sets what callers of an extension hear while it has that presence, where an application "
	  "plays greeting:NUMBER (call.play).",
	  "number, state, file", command_extension_greeting },
	{ "extension.delete", COMMAND_FOR_ADMIN, g_get_args,
	  "Deletes an extension. Its calls go on; its phones are registered no longer.", "number",
	  document_delete, .documents = &g_extension_documents },
	{ "extension.list", COMMAND_FOR_READER, g_extension_list_args,
	  "Lists extensions by number.", "a list of extensions", command_extension_list },
	{ "profile.put", COMMAND_FOR_ADMIN, g_profile_fields,
	  "Makes a codec profile, or changes what is given of it. Calls that stand keep theirs.",
	  "the profile", document_put, .documents = &g_profile_documents },
	{ "profile.get", COMMAND_FOR_READER, g_profile_args, "Shows a codec profile.",
	  "changed_utc_ms", command_profile_get, .shows = g_profile_fields },
	{ "profile.delete", COMMAND_FOR_ADMIN, g_profile_args,
	  "Deletes a codec profile that no range uses.", "name", document_delete,
	  .documents = &g_profile_documents },
	{ "profile.list", COMMAND_FOR_READER, g_no_args, "Lists codec profiles by name.",
	  "a list of profiles", command_profile_list },
	{ "profile.range.put", COMMAND_FOR_ADMIN, g_range_fields,
	  "Gives a range of addresses a codec profile. No two ranges may overlap.",
	  "changed_utc_ms", document_put, .documents = &g_range_documents,
	  .shows = g_range_fields },
	{ "profile.range.delete", COMMAND_FOR_ADMIN, g_range_args,
	  "Deletes a range: its phones get the profile default.", "from", document_delete,
	  .documents = &g_range_documents },
	{ "profile.range.list", COMMAND_FOR_READER, g_no_args, "Lists ranges by address.",
	  "a list of ranges", command_range_list },
	{ "dialplan.put", COMMAND_FOR_ADMIN, g_dial_fields,
	  "Says what the tenant's phones mean by what they dial, or changes what is given of it.",
	  "the dial plan", document_put, .documents = &g_dial_documents },
	{ "dialplan.show", COMMAND_FOR_READER, g_no_args,
	  "Shows the dial plan, or what counts without one.", "changed_utc_ms",
	  command_dialplan_show, .shows = g_dial_fields },
	{ "dialplan.delete", COMMAND_FOR_ADMIN, g_no_args,
	  "Deletes the dial plan: what counts without one does so again.", "dialplan",
	  document_delete, .documents = &g_dial_documents },
	{ "dialplan.check", COMMAND_FOR_READER, g_dial_check_args,
	  "Says what an extension means by a number. Nothing is called.",
	  "meaning (emergency, extension, room, feature, outside, barred, more: digits are "
	  "missing, "
	  "unknown), number (as it is called, or asked for outside), trunk (by which alone, where "
	  "its "
	  "access code is dialled), class (of numbers outside; of a feature its key), blocked (the "
	  "number itself is barred)",
	  command_dialplan_check },
	{ "toll.show", COMMAND_FOR_READER, g_toll_args,
	  "Shows what calls outside have cost today, on this node.",
	  "extension (where one is named) and tenant, each with calls (now), used_s (today, with "
	  "the "
	  "seconds that calls have been given ahead, 10 at most each), outside_calls and "
	  "outside_minutes (its limits; 0: none)",
	  command_toll_show },
	{ "toll.reset", COMMAND_FOR_ADMIN, g_get_args,
	  "Lets the day begin anew for an extension that has used up its minutes outside. What its "
	  "tenant has used stays.",
	  "number", command_toll_reset },
	{ "tenant.put", COMMAND_FOR_OPERATOR, g_tenant_fields,
	  "Makes a tenant, or changes what is given of it. Equal numbers of two tenants never "
	  "meet.",
	  "the tenant", document_put, .documents = &g_tenant_documents },
	{ "tenant.show", COMMAND_FOR_OPERATOR, g_tenant_args, "Shows a tenant.", "changed_utc_ms",
	  command_tenant_show, .shows = g_tenant_fields },
	{ "tenant.delete", COMMAND_FOR_OPERATOR, g_tenant_args,
	  "Deletes a tenant that has no documents.", "name", document_delete,
	  .documents = &g_tenant_documents },
	{ "tenant.list", COMMAND_FOR_OPERATOR, g_no_args, "Lists tenants; default is always there.",
	  "a list of tenants", command_tenant_list },
	{ "tenant.status", COMMAND_FOR_READER, g_no_args,
	  "Shows the tenant of whoever asks, and what it has on this node.",
	  "name, realm (of passwords), role (of whoever asks), calls, registrations, extensions, "
	  "subscriptions, trunks, dids, routes, locations, rooms, and max_calls and so on for each "
	  "of "
	  "them (its quotas; 0: any number)",
	  command_tenant_status },
	{ "did.put", COMMAND_FOR_ADMIN, g_did_fields,
	  "Says whom a number means that a trunk calls. A number counts before patterns, the more "
	  "exact pattern before the others.",
	  "the number", document_put, .documents = &g_did_documents },
	{ "did.show", COMMAND_FOR_READER, g_did_args, "Shows whom a number means.",
	  "changed_utc_ms", document_show, .documents = &g_did_documents, .shows = g_did_fields },
	{ "did.delete", COMMAND_FOR_ADMIN, g_did_args,
	  "Deletes a number: trunks that call it get 404.", "number", document_delete,
	  .documents = &g_did_documents },
	{ "did.list", COMMAND_FOR_READER, g_did_list_args, "Lists numbers.", "a list of numbers",
	  document_list, .documents = &g_did_documents },
	{ "location.put", COMMAND_FOR_ADMIN, g_location_fields,
	  "Makes a location where phones stand, or changes what is given of it. It is told by the "
	  "next call for help from there.",
	  "the location", document_put, .documents = &g_location_documents },
	{ "location.show", COMMAND_FOR_READER, g_location_args, "Shows a location.",
	  "changed_utc_ms", document_show, .documents = &g_location_documents,
	  .shows = g_location_fields },
	{ "location.delete", COMMAND_FOR_ADMIN, g_location_args, "Deletes a location.", "id",
	  document_delete, .documents = &g_location_documents },
	{ "location.list", COMMAND_FOR_READER, g_no_args, "Lists locations by id.",
	  "a list of locations", document_list, .documents = &g_location_documents },
	{ "room.put", COMMAND_FOR_ADMIN, g_room_fields,
	  "Makes a room for conferences that is dialled, or changes what is given of it. Who is in "
	  "it stays.",
	  "the room", document_put, .documents = &g_room_documents },
	{ "room.show", COMMAND_FOR_READER, g_room_args, "Shows a room. Its PINs are never shown.",
	  "changed_utc_ms, has_pin, has_host_pin, and pins_valid (false: they were sealed with "
	  "other keys, and nobody comes in until they are put again)",
	  document_show, .documents = &g_room_documents, .shows = g_room_fields },
	{ "room.delete", COMMAND_FOR_ADMIN, g_room_args,
	  "Deletes a room: nobody comes in any more. Who is in it stays.", "number",
	  document_delete, .documents = &g_room_documents },
	{ "room.list", COMMAND_FOR_READER, g_no_args, "Lists rooms by number.", "a list of rooms",
	  document_list, .documents = &g_room_documents },
	{ "route.put", COMMAND_FOR_ADMIN, g_route_fields,
	  "Makes a route by which calls go out, or changes what is given of it.", "the route",
	  document_put, .documents = &g_route_documents },
	{ "route.show", COMMAND_FOR_READER, g_route_args, "Shows a route.", "changed_utc_ms",
	  document_show, .documents = &g_route_documents, .shows = g_route_fields },
	{ "route.delete", COMMAND_FOR_ADMIN, g_route_args, "Deletes a route. Its calls go on.",
	  "name", document_delete, .documents = &g_route_documents },
	{ "route.list", COMMAND_FOR_READER, g_no_args, "Lists routes by name.", "a list of routes",
	  document_list, .documents = &g_route_documents },
	{ "trunk.put", COMMAND_FOR_OPERATOR, g_trunk_fields,
	  "Makes a trunk of a tenant, or changes what is given of it. Calls that stand go on.",
	  "the trunk", document_put, .documents = &g_trunk_documents },
	{ "trunk.show", COMMAND_FOR_READER, g_trunk_args, "Shows a trunk.",
	  "changed_utc_ms, calls_in and calls_out (of this node, now), and up: of each server",
	  document_show, .documents = &g_trunk_documents, .shows = g_trunk_fields },
	{ "trunk.delete", COMMAND_FOR_OPERATOR, g_trunk_args, "Deletes a trunk. Its calls go on.",
	  "name", document_delete, .documents = &g_trunk_documents },
	{ "trunk.list", COMMAND_FOR_READER, g_no_args, "Lists trunks by name.", "a list of trunks",
	  document_list, .documents = &g_trunk_documents },
	{ "call.list", COMMAND_FOR_READER, g_calls_args,
	  "Lists the calls of a node. One that has ended is not among them, from the answer of "
	  "call.hangup or the event call.ended on. Until its record is in Redis call.show knows it "
	  "as ending: each party has up to 32 s to acknowledge BYE, and Redis may be away.",
	  "a list: id, state (setup, ringing, answering, established, ending), from, to, "
	  "setup_utc_ms, answer_utc_ms, saved, "
	  "restored",
	  command_call_list },
	{ "call.show", COMMAND_FOR_READER, g_call_args,
	  "Shows a call with the live counters of its media flows. A call that ended in the last "
	  "hour: "
	  "its record (as in cdr.list) with state ended, and the last counters of its flows.",
	  "as in call.list, with the SIP Call-IDs, the SIP peers, a and b (transport, srtp: the "
	  "crypto-suite or plain, holds, muted, profile, codecs), recordings (of now: recording, "
	  "leg, state: on or paused, to, cause: policy, command, code, page or message, "
	  "begun_utc_ms), "
	  "account_code, and flows: leg, "
	  "line, kind "
	  "(audio, video, other), proto (of its m-line), "
	  "local, remote (where its media is expected), signalled (by its SDP), latched (where it "
	  "comes "
	  "from), srtp, payload_type, codec, transcoded_to (the codec in which the other party "
	  "hears it; null: in its own), ssrc_out, ice (off, checking, connected, lost), "
	  "dtls (off, waiting, handshaking, connected, failed), stats (icmp_errors: that came "
	  "back for packets to the party), drops (packets not relayed, by reason) "
	  "and quality: heard (of the party) and told (by its RTCP) with lost, loss_percent, "
	  "jitter_ms, mos, r, and rtt_ms (ice, dtls, stats, drops, quality null: the media worker "
	  "did not "
	  "answer within 100 ms; what else is null is not known); conference, where its party is "
	  "in "
	  "one",
	  command_call_show },
	{ "call.doctor", COMMAND_FOR_READER, g_doctor_args,
	  "Says why a party of a call is not heard, or hears nothing, from counters and state "
	  "alone: "
	  "it looks at them twice. Of a call that ended in the last hour: from its last counters. "
	  "See "
	  "doctor.md.",
	  "id, ended (cause, sip_status, talk_ms; of a call that is over) and findings, none when "
	  "all is well: code, is (fault, state or note), leg (a, b), "
	  "line, "
	  "sentence, evidence and next (what to do); leg and line are null where it is about the "
	  "call",
	  command_call_doctor },
	{ "call.hangup", COMMAND_FOR_APPLICATION, g_call_args, "Ends a call.", "id",
	  command_call_hangup },
	{ "call.originate", COMMAND_FOR_APPLICATION, g_originate_args,
	  "Makes a call: rings from's phone (the one with the highest q, else the newest), and "
	  "when it has answered all phones of "
	  "to, or its application, as if from had called. The id follows from the command's id: "
	  "the same command again "
	  "names the same call.",
	  "id", command_call_originate },
	{ "call.answer", COMMAND_FOR_APPLICATION, g_call_args,
	  "Answers a call that waits for an application, by the node itself: the caller hears "
	  "what call.play plays. conflict: it waits for none, or nothing the caller takes can be "
	  "said.",
	  "id, order", command_call_order, .order = ORDER_ANSWER },
	{ "call.play", COMMAND_FOR_APPLICATION, g_play_args,
	  "Plays files of media.sounds to a party that is alone with the node (call.answer, "
	  "call.split), in place of what was played or collected. After a restart the file that "
	  "was played goes on, with its last two seconds again. The event call.played tells its "
	  "end. prompt:NAME is said in the language of the party's extension or tenant, and "
	  "digits:KEYS key by key. recording:CALL-NUMBER is a message (call.record_message) of "
	  "the tenant, beep what is heard before one. In place of a file echo lets the party hear "
	  "itself, in any codec, keys of RFC 4733 too, without an end; echo-2000 "
	  "2,000 ms later (100 to 5000), without keys. tone-dial, tone-ringback, "
	  "tone-busy, tone-congestion, tone-information and tone-confirmation are the tones of "
	  "media.tones, without an end.",
	  "id, order", command_call_play },
	{ "call.play_control", COMMAND_FOR_APPLICATION, g_control_args,
	  "Pauses what call.play or call.collect plays, goes on with it, or goes to another place "
	  "of the file. A pause lasts until resume. Behind its end a file is over. After a restart "
	  "it goes on about there.",
	  "id, order; play: file, place_ms, paused, when that is saved; without play it is over",
	  command_call_play_control },
	{ "call.stream", COMMAND_FOR_APPLICATION, g_stream_args,
	  "Lets an application speak with a party that is alone with the node (call.answer, "
	  "call.split), in place of what was played or collected: the node connects to the "
	  "endpoint's WebSocket, and sound goes both ways (guides/live-audio.md). The event "
	  "call.played tells its end: end (the application said so), failed (it could not be "
	  "reached, or was gone for live.give_up), stopped or hangup. It lasts until "
	  "call.stop, and a node that was killed connects again. As a file of call.play or "
	  "call.collect: live-ENDPOINT. With leg an application hears a party that speaks with "
	  "another one, in place of who heard the call before; the events call.stream_started, "
	  "call.stream_ended and call.stream_failed tell what becomes of it.",
	  "id, order", command_call_stream },
	{ "call.stop", COMMAND_FOR_APPLICATION, g_stop_args,
	  "Ends what call.play, call.stream, call.collect or call.record_message asked for; with "
	  "leg, that an application hears that party. conflict: none does.",
	  "id, order", command_call_stop },
	{ "call.collect", COMMAND_FOR_APPLICATION, g_collect_args,
	  "Collects keys of a party that is alone with the node, in place of what was played or "
	  "collected: those of RFC 4733 and of INFO. A key ends what it plays, and counts. The "
	  "event call.collected has them, in the stream of the call's application alone. A call "
	  "that has none: conflict. As the last file tone-dial is heard until the first key, for "
	  "first_ms at most.",
	  "id, order", command_call_collect },
	{ "call.record_message", COMMAND_FOR_APPLICATION, g_message_args,
	  "Records what a party says that is alone with the node, in place of what was played or "
	  "collected: a message, or a greeting. The file is mono, and has no silence at its two "
	  "ends. The event call.recorded tells its end, and call.play plays it from then on, in "
	  "calls of the same tenant. After a restart it goes on. conflict: the party is recorded "
	  "already.",
	  "id, order", command_call_record_message },
	{ "call.split", COMMAND_FOR_APPLICATION, g_split_args,
	  "Makes two calls of one: each party of an established call goes on alone with the node. "
	  "One stays, the other goes to a new call, whose id follows from the command's id. Each "
	  "hears hold music, or with an application nothing, until call.play. What one held of the "
	  "other ends. The event call.split tells of both calls.",
	  "id: of the new call", command_call_split },
	{ "call.park", COMMAND_FOR_APPLICATION, g_park_args,
	  "Lets a party of an established call wait in a slot, alone with the node, which plays "
	  "hold music to it; the other one is left. A party that is alone already needs no leg. "
	  "Slots are the tenant's, on all nodes: those of its park_groups, or without any all that "
	  "one names. Answered when it waits there and that is saved; conflict: another call does, "
	  "or all slots of the group are taken, and the call is as it was. "
	  "The event call.parked tells of it, and call.retrieved when somebody speaks with the "
	  "party (call.retrieve).",
	  "id, order, slot", command_call_park },
	{ "call.retrieve", COMMAND_FOR_APPLICATION, g_retrieve_args,
	  "Lets a party of an established call, or the caller that is alone with the node, speak "
	  "with who waits in the slot, as call.join does; the other one is left. not_found: nobody "
	  "waits there. Of two that retrieve at once one is answered so, or hears it by "
	  "call.transfer_failed. The event call.retrieved tells that the slot is free.",
	  "id, order", command_call_retrieve },
	{ "call.hold", COMMAND_FOR_APPLICATION, g_hold_args,
	  "Holds a party of an established call for the other one. It is offered a=sendonly and no "
	  "media goes either way, until call.resume, or until the holder's own phone offers to go "
	  "on. "
	  "The event call.held tells that it is so.",
	  "id, order", command_call_order, .order = ORDER_HOLD },
	{ "call.resume", COMMAND_FOR_APPLICATION, g_hold_args,
	  "Ends what call.hold did. A phone that holds by itself is asked to go on (NOTIFY with "
	  "Event: talk) where its Allow-Events names talk; call.resumed is not published for that. "
	  "Where it does not: conflict, and the hold ends at the phone.",
	  "id, order", command_call_order, .order = ORDER_RESUME },
	{ "call.mute", COMMAND_FOR_APPLICATION, g_mute_args,
	  "Keeps one party of an established call from being heard, or lets it be heard again. No "
	  "phone is told.",
	  "id, order", command_call_order, .order = ORDER_MUTE },
	{ "call.record", COMMAND_FOR_APPLICATION, g_record_args,
	  "Records a party of an established call whose extension has record=on_demand: on and "
	  "off. Its party may do the same by in-call codes (call_codes in the node file), and on "
	  "its record page (extension.page). What a policy records can be paused, and not ended. "
	  "The events call.recording and "
	  "those behind it tell what becomes of it, call.show what is recorded.",
	  "id, order", command_call_order, .order = ORDER_RECORD },
	{ "call.account_code", COMMAND_FOR_APPLICATION, g_account_args,
	  "Says what the cost of a call is for: its account code, which goes where the call goes, "
	  "and stands in its CDRs, in events, and beside its recordings. A call that is recorded "
	  "has it, too, unless recordings.account_code says otherwise. Its parties may press one "
	  "(call_codes.account in the node file, and account_code of extension.put).",
	  "id, order", command_call_order, .order = ORDER_ACCOUNT },
	{ "call.transfer", COMMAND_FOR_APPLICATION, g_transfer_args,
	  "Gives a party of an established call to an extension, as if the phone of the other one "
	  "had sent REFER: it hears ringback, then whoever answers; the other one is left then, "
	  "and "
	  "gets its party back where nobody answers. A caller that is alone with the node goes on "
	  "to "
	  "the extension, and is its application's again where nobody answers. Answered when it is "
	  "saved; the events call.transferred and call.transfer_failed tell what becomes of it.",
	  "id, order", command_call_transfer },
	{ "call.deflect", COMMAND_FOR_APPLICATION, g_deflect_args,
	  "Sends a call that rings, or waits for an application, on to an extension: who rings is "
	  "left, and the phones of that one ring, or its calls go where it sends them. Who is rung "
	  "is told so by Diversion and History-Info. Where nobody can be rung, where the extension "
	  "was rung for the call before, or the call is answered: conflict, and the call is as it "
	  "was. The event call.forwarded tells where it goes.",
	  "id, order", command_call_order, .order = ORDER_DEFLECT },
	{ "call.pickup", COMMAND_FOR_APPLICATION, g_pickup_args,
	  "Lets the call that rings longest at an extension ring at another one, which wants to "
	  "take it, and at the first one no more. The two need a pick-up group together "
	  "(pickup_groups of extension.put): conflict. not_found: no call rings there, on "
	  "any node that answers within 0.3 s. Else as call.deflect; the event call.forwarded has "
	  "the reason "
	  "pickup.",
	  "id, order", command_call_pickup },
	{ "call.accept", COMMAND_FOR_APPLICATION, g_call_args,
	  "Lets a call ring that waits while its extension has another one (call_waiting of "
	  "extension.put, the event call.call_waiting). A phone that takes it holds the first "
	  "one. conflict: the call does not wait.",
	  "id, order", command_call_order, .order = ORDER_ACCEPT },
	{ "call.reject", COMMAND_FOR_APPLICATION, g_reject_args,
	  "Refuses a call that rings, or waits for an application: who rings is left, the caller "
	  "hears the status, and the call goes on to nobody else. A caller that is up already, "
	  "because it is called by command or was given away, hears the tone for it and is left, "
	  "or goes back to whom it was given away by. conflict: it is answered, or does not ring. "
	  "The event call.ended has the status.",
	  "id, order", command_call_order, .order = ORDER_REJECT },
	{ "call.join", COMMAND_FOR_APPLICATION, g_join_args,
	  "Makes one call of two that are established: of each one party stays, or the caller that "
	  "is alone with the node, and the other one is left. The call goes on, with ends. "
	  "Answered "
	  "when it is saved that it is to be, which a kill does not undo; the events "
	  "call.transferred and call.transfer_failed tell what becomes of it. Where the two have "
	  "no codec in common one of them is asked for those of the other (re-INVITE); when "
	  "neither takes them call.transfer_failed says 488, and both calls go on as they were. Of "
	  "two shards of the node both calls go on, as one conversation.",
	  "id, order", command_call_join },
	{ "conference.list", COMMAND_FOR_READER, g_conferences_args,
	  "Lists the conferences of a node. conference.get tells who is in one.",
	  "a list: id, kind (station: of calls; meetme: of a number), tenant, number, members, "
	  "asking (who is rung for it, or has not said the PIN), host (a member; 0: none), locked, "
	  "max_members, created_utc_ms, saved, mixed, apart (Redis has not said whether the number "
	  "is open on another node, too), recording (its number; 0: none), recording_paused, plays "
	  "(the file of conference.play), stream (the endpoint of conference.stream)",
	  command_conference_list },
	{ "conference.get", COMMAND_FOR_READER, g_conference_args, "Shows a conference.",
	  "as conference.list, and list: of each member its number (member), call, from, state "
	  "(there; comes: it is rung, or has not said the PIN; away: somebody else is rung for "
	  "it), inviter (a member; 0: none), host, muted, deaf, held, coaches (the member that "
	  "alone hears it; 0: all do), gain_db, monitors, joined_utc_ms",
	  command_conference_get },
	{ "conference.add", COMMAND_FOR_APPLICATION, g_conference_add_args,
	  "Makes a conference of two calls, or of a call and an extension that is rung. Each party "
	  "goes on in a call of its own, which is in the conference: it is held, muted or dropped "
	  "by that call's id. Who is in both calls leaves the second one. Where call is in a "
	  "conference, with or to come into that. Until who is rung answers, and if it does not, "
	  "the call is as it was. With two left they are a call of two again, without a "
	  "conference (conferences.release). Answered when it is saved who is to come; "
	  "conference.joined tells of each.",
	  "id: of the conference", command_conference_add },
	{ "conference.invite", COMMAND_FOR_APPLICATION, g_conference_invite_args,
	  "Rings an extension. Who answers is in the conference at once.", "id: of the conference",
	  command_conference_invite },
	{ "conference.join", COMMAND_FOR_APPLICATION, g_conference_join_args,
	  "The parties of a call come into a conference, each in a call of its own. A party that "
	  "is alone with the node comes as it is.",
	  "id: of the conference", command_conference_join },
	{ "conference.monitor", COMMAND_FOR_APPLICATION, g_conference_monitor_args,
	  "Rings an extension that is to monitor a call of two. Who answers listens, or coaches "
	  "the "
	  "party of leg: the other one does not hear it. With barge it is heard by both, as by "
	  "conference.add. When it leaves the two have their call again, and when one of them does "
	  "it is left, too. conference.unmute and conference.coach change what it may.",
	  "id: of the conference", command_conference_monitor },
	{ "conference.drop", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "Hangs up a member.", "id: of the call", command_conference_member,
	  .order = CONFERENCE_ORDER(MEMBER_DROP, 1) },
	{ "conference.mute", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "Nobody hears a member.", "id, order", command_conference_member,
	  .order = CONFERENCE_ORDER(MEMBER_MUTE, 1) },
	{ "conference.unmute", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "It is heard again.", "id, order", command_conference_member,
	  .order = CONFERENCE_ORDER(MEMBER_MUTE, 0) },
	{ "conference.hold", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "A member hears hold music, and nobody hears it; the others go on.", "id, order",
	  command_conference_member, .order = CONFERENCE_ORDER(MEMBER_HOLD, 1) },
	{ "conference.resume", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "It is in the conference again.", "id, order", command_conference_member,
	  .order = CONFERENCE_ORDER(MEMBER_HOLD, 0) },
	{ "conference.deaf", COMMAND_FOR_APPLICATION, g_conference_deaf_args,
	  "A member hears nobody, or all again.", "id, order", command_conference_member,
	  .order = CONFERENCE_ORDER(MEMBER_DEAF, 1) },
	{ "conference.gain", COMMAND_FOR_APPLICATION, g_conference_gain_args,
	  "How loud others hear a member.", "id, order", command_conference_member,
	  .order = CONFERENCE_ORDER(MEMBER_GAIN, 1) },
	{ "conference.coach", COMMAND_FOR_APPLICATION, g_conference_coach_args,
	  "A member is heard by one other alone, or by all again.", "id, order",
	  command_conference_member, .order = CONFERENCE_ORDER(MEMBER_COACH, 1) },
	{ "conference.host", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "A member is the host from now on.", "id, order", command_conference_member,
	  .order = CONFERENCE_ORDER(MEMBER_HOST, 1) },
	{ "conference.mute_all", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "conference.mute of each member but its host. With by, of those whom that member may "
	  "mute: all but itself for the host, for others those whom it invited (none: "
	  "not_allowed). Who comes later is heard.",
	  "id: of the conference", command_conference_order, .order = SHARD_ROOM_MUTE },
	{ "conference.unmute_all", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "conference.unmute of the same members.", "id: of the conference",
	  command_conference_order, .order = SHARD_ROOM_UNMUTE },
	{ "conference.hold_all", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "conference.hold of the same members.", "id: of the conference", command_conference_order,
	  .order = SHARD_ROOM_HOLD },
	{ "conference.resume_all", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "conference.resume of the same members.", "id: of the conference",
	  command_conference_order, .order = SHARD_ROOM_RESUME },
	{ "conference.lock", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "Nobody comes in by calling its number. Who is invited does.", "id: of the conference",
	  command_conference_order, .order = SHARD_ROOM_LOCK },
	{ "conference.unlock", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "Ends what conference.lock did.", "id: of the conference", command_conference_order,
	  .order = SHARD_ROOM_UNLOCK },
	{ "conference.end", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "Hangs up all its members.", "id: of the conference", command_conference_order,
	  .order = SHARD_ROOM_END },
	{ "conference.play", COMMAND_FOR_APPLICATION, g_conference_play_args,
	  "All in the conference hear files, beside each other, in place of those that were played "
	  "by this command. A conference where nobody speaks hears them, too. conference.played "
	  "tells that it is over. After a kill of the node they go on where they would be by then.",
	  "id: of the conference", command_conference_play },
	{ "conference.stream", COMMAND_FOR_APPLICATION, g_conference_stream_args,
	  "An application hears all that is said in the conference, and all hear what it says, in "
	  "place of the one before. See live-audio.md. conference.stream_ended tells that it is "
	  "over.",
	  "id: of the conference", command_conference_stream },
	{ "conference.stop", COMMAND_FOR_APPLICATION, g_conference_stop_args,
	  "Ends what conference.play or conference.stream began.", "id: of the conference",
	  command_conference_stop },
	{ "conference.record", COMMAND_FOR_APPLICATION, g_conference_record_args,
	  "Records what is said in the conference: one file with all who are heard. Of a room as "
	  "record of room.put allows it, of a conference of calls as that of the host's extension "
	  "does (on_demand). See recording.md.",
	  "id: of the conference", command_conference_record },
	{ "park.list", COMMAND_FOR_READER, g_list_args,
	  "Lists the slots where calls of the tenant are parked, on all nodes, by number.",
	  "a list: slot, call (null: what is there cannot be read), by (who parked it), party (who "
	  "is parked), since_utc_ms",
	  command_park_list },
	{ "call.dtmf", COMMAND_FOR_APPLICATION, g_dtmf_args,
	  "Sends digits to a party of an established call: as telephone-events in the media (RFC "
	  "4733), or by INFO or as tones where it takes none.",
	  "id, order", command_call_order, .order = ORDER_DIGITS },
	{ "call.trace.start", COMMAND_FOR_OPERATOR, g_trace_start_args,
	  "Writes the SIP messages and the media of a call into a file of pcapng until a limit, "
	  "the "
	  "end of the call or call.trace.stop. tandemctl trace does all that and fetches the file.",
	  "name, call, running, decrypted, seconds, octets_max, octets, packets, lost (packets "
	  "that "
	  "the trace has no copy of)",
	  command_call_trace_start },
	{ "call.trace.stop", COMMAND_FOR_OPERATOR, g_trace_stop_args,
	  "Ends the trace of a call, or one that waits for a call.", "name, call",
	  command_call_trace_stop },
	{ "call.trace.list", COMMAND_FOR_OPERATOR, g_no_args, "Lists traces, oldest first.",
	  "a list: name, call, running, octets, started_utc_ms", command_call_trace_list },
	{ "call.trace.read", COMMAND_FOR_OPERATOR, g_trace_read_args,
	  "Reads on in a trace, also while it runs: up to 48 KiB.",
	  "offset, size (of the file), running, data (base64; empty at the end)",
	  command_call_trace_read, .transient = true },
	{ "call.trace.delete", COMMAND_FOR_OPERATOR, g_trace_args,
	  "Deletes a trace that does not run.", "name", command_call_trace_delete },
	{ "recording.list", COMMAND_FOR_READER, g_recordings_args,
	  "Lists recordings that are finished, by tenant, day and call: of all nodes, also of one "
	  "that is gone. Of a node that is named, those that are still there.",
	  "a list: name, tenant, state (kept: it goes nowhere; waits, delivered, dead; deleted: "
	  "it is on no node any more; lost: its file is not there, and nobody deleted it by "
	  "command), node (that has or had the file), stored (without a named node; where it is "
	  "by now, a list: to, url), said_utc_ms (when the node said so), call, "
	  "number, segment, last, interrupted, format, begun, ended, from, to, direction, "
	  "duration_ms, octets, account_code, mailbox, heard, encrypted",
	  command_recording_list, .transient = true },
	{ "recording.get", COMMAND_FOR_READER, g_recorded_args,
	  "Shows all that is known of a recording. Of one that the node which reads the command "
	  "does not have it is what all nodes know.",
	  "what its file NAME.json says, name, state, node, deliveries (a list: to, state, tries, "
	  "first_utc_ms, next_utc_ms, reason); of another node as recording.list has it",
	  command_recording_get, .transient = true },
	{ "recording.link", COMMAND_FOR_APPLICATION, g_link_args,
	  "Makes a link by which anybody fetches the recording from this node, over HTTP, also in "
	  "parts (Range). The log says who asked for it. unavailable: recordings.port is 0.",
	  "name, path (behind http://, or https://, and the host), port, expires_utc_ms",
	  command_recording_link, .transient = true },
	{ "recording.put", COMMAND_FOR_APPLICATION, g_recording_put_args,
	  "Changes what is known of a finished recording that lies on the node: in whose mailbox "
	  "it is, and whether it was heard. What a destination has stays as it is.",
	  "name, mailbox, heard", command_store_one },
	{ "recording.delete", COMMAND_FOR_ADMIN, g_recording_args,
	  "Deletes a recording from the node, delivered or not. What a destination has stays "
	  "there.",
	  "name", command_store_one },
	{ "delivery.list", COMMAND_FOR_ADMIN, g_deliveries_args,
	  "Lists recordings that are not delivered everywhere, and why.",
	  "a list: name, tenant, state, deliveries as in recording.get", command_store_list,
	  .transient = true },
	{ "delivery.retry", COMMAND_FOR_ADMIN, g_retry_args, "Tries dead letters again, at once.",
	  "retried (how many)", command_store_retry },
	{ "sip.recent", COMMAND_FOR_OPERATOR, g_sip_args,
	  "Shows the newest SIP messages, without secrets, also of calls that were refused: of a "
	  "call, "
	  "of a number, or all.",
	  "a list, oldest first: utc_ms, sent, transport, local, remote, message",
	  command_sip_recent, .transient = true },
	{ "registration.list", COMMAND_FOR_READER, g_registration_args,
	  "Lists registered phones, as a node knows them.",
	  "a list: tenant, number, version, contacts: contact, source, user_agent, "
	  "expires_utc_ms, nat, location (0: none)",
	  command_registration_list },
	{ "subscription.list", COMMAND_FOR_READER, g_subscription_args,
	  "Lists who watches whom with a node: lamps of phones.",
	  "a list: id, tenant, number (that watches), watches, event (dialog, presence, reg), "
	  "expires_utc_ms, notified (NOTIFYs, counted on over restarts with gaps), source",
	  command_subscription_list },
	{ "subscription.end", COMMAND_FOR_ADMIN, g_subscription_end_args,
	  "Ends a subscription: its phone hears why in a last NOTIFY.", "id",
	  command_subscription_end },
	{ "cdr.list", COMMAND_FOR_READER, g_cdr_args,
	  "Lists the newest call detail records, oldest first.",
	  "a list: id, from, to, sip_call_id, setup_utc_ms, ringing_utc_ms, answer_utc_ms, "
	  "end_utc_ms (0: never), talk_ms, "
	  "sip_status, q850, ended_by (a, b, node, operator), cause, lines (beside audio and "
	  "video: words of profile.put), data (what call.collect kept, as TAB.FIELD=KEYS, joined "
	  "by "
	  "';'), account_code, forwarded_to (the extension that the call went on to at "
	  "last) and forwarded (why: always, busy, no_answer, unreachable, deflection), "
	  "from_trunk and to_trunk (of parties that are no phones), and for "
	  "each leg (a_, "
	  "b_) "
	  "packets_in, octets_in, "
	  "packets_out, octets_out, rtcp_in, rtcp_out, dropped, lost, jitter_us, digits, "
	  "source_changes, remote_lost, remote_jitter_us (as it reported by RTCP), rtt_us, codec, "
	  "mos_in_hundredths and mos_out_hundredths (0: not known). A call whose parties changed "
	  "has "
	  "one for each pair: id is that of the call, then ID.2, ID.3 and so on, and linked, in "
	  "each of them, that of the call. Of one that was recorded: recordings, their names",
	  command_cdr_list },
	{ "node.status", COMMAND_FOR_OPERATOR, g_node_args, "Shows how a node is.",
	  "name, realm (of passwords), shard, version, uptime_ms, status, reasons, redis, epoch, "
	  "counts and limits",
	  command_node_status },
	{ "node.drain", COMMAND_FOR_OPERATOR, g_node_args,
	  "Takes no new calls (503 with Retry-After, /readyz says so); calls go on. In a cluster "
	  "other nodes are asked to take its shards, with all calls. Until node.undrain or the "
	  "next start.",
	  "draining, calls", command_node_drain },
	{ "node.undrain", COMMAND_FOR_OPERATOR, g_node_args, "Takes new calls again.",
	  "draining, calls", command_node_undrain },
	{ "shard.take", COMMAND_FOR_OPERATOR, g_take_args,
	  "Asks the node that has a shard of the cluster to give it to this one, with all its "
	  "calls. "
	  "The answer does not wait for that: the log says when it is live. conflict: this node "
	  "has "
	  "it, or is about to.",
	  "shard, holder", command_shard_take },
	{ "cluster.status", COMMAND_FOR_OPERATOR, g_node_args,
	  "Shows a cluster as a node of it sees it.",
	  "name and id (of the node that answers), lease_ms, replicas (cluster.replicas), "
	  "redis_connected, "
	  "leases_connected (the link that asks the replicas), nodes (a list: name, id, address, "
	  "state, "
	  "shards; state: self, heard, unheard: Redis says that it lives, silent, left: it "
	  "stopped or was removed) and shards (a list: shard, home: it is of this node, state: "
	  "live: this node has "
	  "it, waiting, lost; owner, epoch, named: who may claim it, age_ms: since its last "
	  "renewal, as "
	  "far as this node has seen; and where it is live: valid_ms: for so long it may speak; "
	  "null: it never falls "
	  "silent, kept, why_not_kept: redis_away, redis_cluster: with Redis Cluster "
	  "no replica is asked, no_link, replicas, live_utc_ms: since then)",
	  command_cluster_status },
	{ "cluster.rebalance", COMMAND_FOR_OPERATOR, g_rebalance_args,
	  "Spreads the shards of a cluster evenly over the nodes that are heard and take calls: "
	  "first those go home that are elsewhere, then whoever has most gives to whoever has "
	  "fewest. Shards at home stay there. As few are moved as can be, by shard.take: all calls "
	  "go along. The answer does not wait for that: the log of this node says what was moved, "
	  "and dry=true what is left. conflict: no other node is heard, no node takes calls, or "
	  "one does not say which shards are its own. busy: one is under way.",
	  "dry, moves (a list: shard, from and to: nodes by name, why: home, drains: from takes no "
	  "calls, even) and unowned (numbers of shards that no node which is heard has: they are "
	  "left as they are)",
	  command_cluster_rebalance },
	{ "node.remove", COMMAND_FOR_OPERATOR, g_remove_args,
	  "Says that a node of the cluster is gone for good, which was killed or lost: no lease "
	  "names "
	  "it any more, so that those that are left need not wait for it. A node that stops says "
	  "so "
	  "itself. Of one that has left, the line in Redis is removed. conflict: it lives.",
	  "name, id", command_node_remove },
	{ "log.level", COMMAND_FOR_OPERATOR, g_level_args, "Shows or sets the level of the log.",
	  "level", command_log_level },
	{ "help", COMMAND_FOR_READER, g_help_args, "Shows this table.",
	  "a list: name, for, help, result, arguments", command_help },
	{ .name = NULL },
};
