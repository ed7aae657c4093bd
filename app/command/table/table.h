/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the table of commands: its parts, and what rows of more than one are written with. */
#ifndef APP_COMMAND_TABLE_TABLE_H
#define APP_COMMAND_TABLE_TABLE_H

#include "app/command/command_handlers.h"
#include "app/schema/command.h"
#include "sig/model/call.h"

/* What carries a row out is the node's: tandemctl has the rows alone. */
#ifdef ROWS_ALONE
#define BY(what) NULL
#else
#define BY(what) (what)
#endif

/* Where it lies in the order, a FIELD_OF. */
#define IN(kind, member) .field = { FIELD_AT(kind, member) }

/* The node that has what it names gets the command. */
#define ID_ARG(what, text)                                                                   \
	{                                                                                    \
		.name = (what), .type = ARG_STRING, .charset = CHARSET_ID, .required = true, \
		.min = 13, .max = 13, .help = (text), .place = PLACE_ID                      \
	}
#define CALL_ARG ID_ARG("call", "Id of the call: 13 characters.")
#define CALL_OR_NONE(text)                                                                       \
	{                                                                                        \
		.name = "call", .type = ARG_STRING, .charset = CHARSET_ID, .min = 13, .max = 13, \
		.help = (text), .place = PLACE_ID                                                \
	}
/* Another one, wherever it is. */
#define OTHER_CALL_ARG(called, needed, text)                                                       \
	{                                                                                          \
		.name = (called), .type = ARG_STRING, .charset = CHARSET_ID, .required = (needed), \
		.min = 13, .max = 13, .help = (text), .preset = (needed) ? NULL : "none"           \
	}
#define RING_ARG(member, text)                                                         \
	{                                                                              \
		.name = "ring_s", .type = ARG_U64, .min = 1, .max = CALL_RING_MAX_S,   \
		.preset = "sip.ring_timeout", .help = (text), IN(FIELD_NUMBER, member) \
	}
#define LIMIT_ARG                                                                         \
	{                                                                                 \
		.name = "limit", .type = ARG_U64, .min = 1, .max = 1000, .preset = "100", \
		.help = "Most entries in the answer."                                     \
	}
/* Of a switch. */
#define ON_ARG(text)                                                             \
	{                                                                        \
		.name = "on", .type = ARG_BOOL, .preset = "true", .help = (text) \
	}
/* number, since and until (command_span.h). when: that happened then. */
#define SPAN_TIME(what, text)                                                                     \
	{                                                                                         \
		.name = (what), .type = ARG_STRING, .charset = CHARSET_TEXT, .min = 1, .max = 20, \
		.help = (text)                                                                    \
	}
#define SPAN_ARGS(who, when) PARTY_OR_NONE("number", who), SPAN_TIMES(when)
#define SPAN_TIMES(when)                                                                     \
	SPAN_TIME("since", "Only those that " when " then or later: a day such as "          \
			   "2026-11-25, a time of UTC such as 2026-11-25T20:30, or "         \
			   "how long ago that is, such as 90s, 30m, 12h, 7d."),              \
		SPAN_TIME("until", "Only those that " when " then or before, to the end of " \
				   "the day or minute.")
#define NODE_ARG                                                                              \
	{                                                                                     \
		.name = "node", .type = ARG_STRING, .min = 1, .max = 63, .place = PLACE_NODE, \
		.help = "Name of the node (node.name); without it, whichever reads the "      \
			"command first.",                                                     \
	}
#define PARTY_ARG(what, set, text)                                                                \
	{                                                                                         \
		.name = (what), .type = ARG_STRING, .charset = (set), .required = true, .min = 1, \
		.max = 63, .help = (text)                                                         \
	}
#define PARTY_OR_NONE(what, text)                                                        \
	{                                                                                \
		.name = (what), .type = ARG_STRING, .charset = CHARSET_NUMBER, .min = 1, \
		.max = 63, .help = (text)                                                \
	}
#define NUMBER_ARG(text) PARTY_ARG("number", CHARSET_NUMBER, text)
#define LEG_OR_NONE(text)                                                             \
	{                                                                             \
		.name = "leg", .type = ARG_ENUM, .names = g_call_legs, .help = (text) \
	}
#define MAILBOX_ARG(text)                                                                    \
	{                                                                                    \
		.name = "mailbox", .type = ARG_STRING, .charset = CHARSET_NUMBER, .max = 63, \
		.help = (text)                                                               \
	}
#define FILE_ARG(is_required, text)                                                               \
	{                                                                                         \
		.name = "file", .type = ARG_STRING, .charset = CHARSET_TEXT,                      \
		.required = (is_required), .min = 1,                                              \
		.max = PROMPT_FILES_MAX * (PROMPT_NAME_MAX + 1), .preset = "none", .help = (text) \
	}
#define TIMES_ARG                                                                           \
	{                                                                                   \
		.name = "times", .type = ARG_U64, .min = 0, .max = PROMPT_TIMES_MAX,        \
		.preset = "1", .help = "How often all of them are played; 0: without end.", \
		IN(FIELD_NUMBER, times)                                                     \
	}
#define ENDPOINT_ARG                                                                               \
	{                                                                                          \
		.name = "endpoint", .type = ARG_STRING, .charset = CHARSET_NAME, .required = true, \
		.min = 1, .max = LIVE_NAME_MAX - 1,                                                \
		.help = "A name in live.endpoints that is for the tenant."                         \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

/* Of more than one part. */
extern const struct command_arg g_no_args[], g_get_args[], g_call_args[];
extern const char *const g_record_states[];

/* In the order of the help; each ends with name NULL. */
extern const struct command g_extension_commands[], g_dial_commands[], g_tenant_commands[],
	g_call_commands[], g_call_sound_commands[], g_call_order_commands[],
	g_conference_commands[], g_call_slot_commands[], g_call_digits_commands[],
	g_trace_commands[], g_recording_commands[], g_look_commands[], g_node_commands[],
	g_flow_commands[];

#endif
