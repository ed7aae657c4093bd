/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the command table: its parts, and macros for rows of several parts. */
#ifndef APP_COMMAND_TABLE_TABLE_H
#define APP_COMMAND_TABLE_TABLE_H

#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/schema/command.h"
#include "app/schema/feature.h"
#include "sig/model/call.h"

/* The node has the functions of rows; tandemctl has the rows alone. */
#ifdef ROWS_ALONE
#define BY(what)      NULL
#define KINDS(...)    NULL
#define CARRIERS(...) NULL
#define CODES(...)    NULL
#define CHILDREN(...) NULL
#else
#define BY(what) (what)
#define KINDS(...)                            \
	(const struct document_kind *const[]) \
	{                                     \
		__VA_ARGS__, NULL             \
	}
#define CHILDREN(...)                      \
	(const struct child_kind *const[]) \
	{                                  \
		__VA_ARGS__, NULL          \
	}
#define CARRIERS(...)            \
	(const struct carrier[]) \
	{                        \
		__VA_ARGS__,     \
		{                \
			0        \
		}                \
	}
#define CODES(...)                    \
	(const struct code_command[]) \
	{                             \
		__VA_ARGS__,          \
		{                     \
			0             \
		}                     \
	}
#endif

/* Where it lies in the order, a FIELD_OF. */
#define IN(kind, member) .field = { FIELD_AT(kind, member) }

/* An argument of each type; further members follow its help. preset NULL: no default. */
#define TEXT_ARG(what, set, least, most, first, text, ...)                            \
	{                                                                             \
		.name = (what), .type = ARG_STRING, .charset = (set), .min = (least), \
		.max = (most), .preset = (first), .help = (text), __VA_ARGS__         \
	}
#define U64_ARG(what, least, most, first, text, ...)                                               \
	{                                                                                          \
		.name = (what), .type = ARG_U64, .min = (least), .max = (most), .preset = (first), \
		.help = (text), __VA_ARGS__                                                        \
	}
#define BOOL_ARG(what, first, text, ...)                                                         \
	{                                                                                        \
		.name = (what), .type = ARG_BOOL, .preset = (first), .help = (text), __VA_ARGS__ \
	}
#define ENUM_ARG(what, words, first, text, ...)                                        \
	{                                                                              \
		.name = (what), .type = ARG_ENUM, .names = (words), .preset = (first), \
		.help = (text), __VA_ARGS__                                            \
	}

/* The command goes to the node of the named object. */
#define CALL_OR_NONE(text) TEXT_ARG("call", CHARSET_ID, 13, 13, NULL, text, .place = PLACE_ID)
#define ID_ARG(what, text) \
	TEXT_ARG(what, CHARSET_ID, 13, 13, NULL, text, .required = true, .place = PLACE_ID)
#define CALL_ARG ID_ARG("call", "Id of the call: 13 characters.")
/* Another call, on any node. */
#define OTHER_CALL_ARG(called, needed, text) \
	TEXT_ARG(called, CHARSET_ID, 13, 13, (needed) ? NULL : "none", text, .required = (needed))
#define RING_ARG(member, text) \
	U64_ARG("ring_s", 1, CALL_RING_MAX_S, "sip.ring_timeout", text, IN(FIELD_NUMBER, member))
#define LIMIT_ARG        U64_ARG("limit", 1, 1000, "100", "Most entries in the answer.")
#define LINK_SECONDS_ARG U64_ARG("seconds", 1, 86400, "300", "For so long it is good.")
/* What a list has: LISTS(key, order, down, columns). */
#define LISTS(by, in, first, names)                                             \
	.rows = &(const struct command_rows)                                    \
	{                                                                       \
		.key = (by), .order = (in), .down = (first), .columns = (names) \
	}
/* Of a switch. */
#define ON_ARG(text) BOOL_ARG("on", "true", text)
/* number, since and until (command_walk.h). when: that happened then. */
#define SPAN_TIME(what, text) TEXT_ARG(what, CHARSET_TEXT, 1, 20, NULL, text)
#define SPAN_ARGS(who, when)  PARTY_OR_NONE("number", who), SPAN_TIMES(when)
#define SPAN_TIMES(when)                                                                     \
	SPAN_TIME("since", "Only those that " when " then or later: a day such as "          \
			   "2026-11-25, a time of UTC such as 2026-11-25T20:30, or "         \
			   "how long ago that is, such as 90s, 30m, 12h, 7d."),              \
		SPAN_TIME("until", "Only those that " when " then or before, to the end of " \
				   "the day or minute.")
#define NODE_ARG                                                                                 \
	TEXT_ARG("node", CHARSET_TEXT, 1, 63, NULL,                                              \
		 "Name of the node (node.name); without it, whichever reads the command first.", \
		 .place = PLACE_NODE)
#define PARTY_ARG(what, set, text) TEXT_ARG(what, set, 1, 63, NULL, text, .required = true)
#define PARTY_OR_NONE(what, text)  TEXT_ARG(what, CHARSET_NUMBER, 1, 63, NULL, text)
#define NUMBER_ARG(text)           PARTY_ARG("number", CHARSET_NUMBER, text)
#define LEG_OR_NONE(text)          ENUM_ARG("leg", g_call_legs, NULL, text)
#define MAILBOX_ARG(text)          TEXT_ARG("mailbox", CHARSET_NUMBER, 0, 63, NULL, text)
#define FILE_ARG(needed, text)                                                                   \
	TEXT_ARG("file", CHARSET_TEXT, 1, PROMPT_FILES_MAX *(PROMPT_NAME_MAX + 1), "none", text, \
		 .required = (needed))
#define TIMES_ARG                                  \
	U64_ARG("times", 0, PROMPT_TIMES_MAX, "1", \
		"How often all of them are played; 0: without end.", IN(FIELD_NUMBER, times))
#define ENDPOINT_ARG                                                   \
	TEXT_ARG("endpoint", CHARSET_NAME, 1, LIVE_NAME_MAX - 1, NULL, \
		 "A name in live.endpoints that is for the tenant.", .required = true)
#define END                  \
	{                    \
		.name = NULL \
	}

/* Of more than one part. */
extern const struct command_arg g_no_args[], g_get_args[], g_call_args[];
extern const char *const g_record_states[], *const g_subscription_endings[];
/* The legs of a call: caller and callee. */
extern const char *const g_call_legs[];

/* In the order of the help; each ends with name NULL. */
extern const struct command g_extension_commands[], g_dial_commands[], g_tenant_commands[],
	g_trunk_commands[], g_call_commands[], g_call_sound_commands[], g_call_order_commands[],
	g_conference_commands[], g_call_slot_commands[], g_call_digits_commands[],
	g_trace_commands[], g_look_commands[], g_node_commands[], g_flow_commands[];

#endif
