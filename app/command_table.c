/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command.h"
#include "app/command_handlers.h"

#define NUMBER_ARG(text)                                                                           \
	{                                                                                          \
		.name = "number", .type = ARG_STRING, .charset = CHARSET_NUMBER, .required = true, \
		.min = 1, .max = 63, .help = (text)                                                \
	}
#define CALL_ARG                                                                             \
	{                                                                                    \
		.name = "call", .type = ARG_STRING, .charset = CHARSET_ID, .required = true, \
		.min = 13, .max = 13, .help = "Id of the call: 13 characters."               \
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

/* In the order of enum log_level. */
static const char *const g_levels[] = { "error", "warn", "info", "debug", NULL };

static const struct command_arg g_put_args[] = {
	NUMBER_ARG("Number of the extension; also its user name for SIP."),
	{ .name = "password",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 4,
	  .max = 128,
	  .help = "New password; only hashes of it are kept. A new extension needs it, or ha1." },
	{ .name = "ha1",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 162,
	  .max = 162,
	  .help = "In place of password: H(number:realm:password) in hex by MD5, SHA-256 and "
		  "SHA-512/256, joined by ':'. "
		  "tandemctl sends this, so that no password lies in Redis." },
	{ .name = "display_name",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .min = 0,
	  .max = 63,
	  .preset = "unchanged; at first empty",
	  .help = "Name shown to others." },
	{ .name = "enabled",
	  .type = ARG_BOOL,
	  .preset = "unchanged; at first true",
	  .help = "false: it can neither register nor call." },
	{ .name = "early_media",
	  .type = ARG_BOOL,
	  .preset = "unchanged; at first false",
	  .help = "Pass 183 with SDP on to the phone; false: it gets 180." },
	END,
};

static const struct command_arg g_get_args[] = { NUMBER_ARG("Number of the extension."), END };

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

static const struct command_arg g_list_args[] = { LIMIT_ARG, END };
static const struct command_arg g_call_args[] = { CALL_ARG, END };
static const struct command_arg g_no_args[] = { END };

static const struct command_arg g_cdr_args[] = {
	LIMIT_ARG,
	{ .name = "call",
	  .type = ARG_STRING,
	  .charset = CHARSET_ID,
	  .min = 13,
	  .max = 13,
	  .help = "Only this call, if it is among the newest 1000." },
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
	END,
};

static const struct command_arg g_level_args[] = {
	{ .name = "level",
	  .type = ARG_ENUM,
	  .names = g_levels,
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

const struct command g_commands[] = {
	{ "extension.put", COMMAND_FOR_TENANT, g_put_args,
	  "Makes an extension, or changes what is given of it.", "the extension",
	  command_extension_put },
	{ "extension.get", COMMAND_FOR_TENANT, g_get_args, "Shows an extension.",
	  "number, display_name, enabled, early_media, password_valid (false: the realm was "
	  "changed since), changed_utc_ms",
	  command_extension_get },
	{ "extension.delete", COMMAND_FOR_TENANT, g_get_args,
	  "Deletes an extension. Its calls go on; its phones cannot register again.", "number",
	  command_extension_delete },
	{ "extension.list", COMMAND_FOR_TENANT, g_extension_list_args,
	  "Lists extensions by number.", "a list of extensions", command_extension_list },
	{ "call.list", COMMAND_FOR_TENANT, g_list_args, "Lists the calls of this node.",
	  "a list: id, state (setup, ringing, answering, established, ending), from, to, "
	  "setup_utc_ms, answer_utc_ms, saved, "
	  "restored",
	  command_call_list },
	{ "call.show", COMMAND_FOR_TENANT, g_call_args,
	  "Shows a call with the live counters of its media flows.",
	  "as in call.list, with the SIP Call-IDs, the SIP peers, and flows: leg, line, kind, "
	  "local, remote, latched, ssrc_out "
	  "and stats (null: the media worker did not answer within 100 ms)",
	  command_call_show },
	{ "call.hangup", COMMAND_FOR_TENANT, g_call_args, "Ends a call.", "id",
	  command_call_hangup },
	{ "registration.list", COMMAND_FOR_TENANT, g_registration_args, "Lists registered phones.",
	  "a list: number, version, contacts: contact, source, user_agent, expires_utc_ms, nat",
	  command_registration_list },
	{ "cdr.list", COMMAND_FOR_TENANT, g_cdr_args,
	  "Lists the newest call detail records, oldest first.",
	  "a list: id, from, to, sip_call_id, setup_utc_ms, ringing_utc_ms, answer_utc_ms, "
	  "end_utc_ms (0: never), talk_ms, "
	  "sip_status, q850, ended_by (a, b, node, operator), cause, and for each leg (a_, b_) "
	  "packets_in, octets_in, "
	  "packets_out, octets_out, rtcp_in, rtcp_out, dropped, lost, jitter_us, digits, "
	  "source_changes",
	  command_cdr_list },
	{ "node.status", COMMAND_FOR_OPERATOR, g_no_args, "Shows how this node is.",
	  "name, shard, version, uptime_ms, status, reasons, redis, epoch, counts and limits",
	  command_node_status },
	{ "log.level", COMMAND_FOR_OPERATOR, g_level_args, "Shows or sets the level of the log.",
	  "level", command_log_level },
	{ "help", COMMAND_FOR_TENANT, g_help_args, "Shows this table.",
	  "a list: name, for, help, result, arguments", command_help },
	{ .name = NULL },
};
