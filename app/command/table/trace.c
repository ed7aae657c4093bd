/* SPDX-License-Identifier: Apache-2.0 */
/* Traces of calls. */
#include "app/command/table/table.h"

#define TRACE_ARG(needed)                                                                          \
	{                                                                                          \
		.name = "name", .type = ARG_STRING, .charset = CHARSET_NAME, .required = (needed), \
		.min = 1, .max = 39, .help = "As call.trace.list shows it.", .place = PLACE_TRACE, \
	}

static const struct command_arg g_trace_start_args[] = {
	CALL_OR_NONE("Id of the call: 13 characters. Or from, or to."),
	PARTY_OR_NONE("from",
		      "The next call of this extension; it is waited for, an hour at most."),
	PARTY_OR_NONE("to", "The next call to this number."),
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
	CALL_OR_NONE("Id of the call. Or name."),
	TRACE_ARG(false),
	END,
};

static const struct command_arg g_trace_read_args[] = {
	TRACE_ARG(true),
	{ .name = "offset",
	  .type = ARG_U64,
	  .max = INT64_MAX,
	  .preset = "0",
	  .help = "Octets of the file before what is wanted." },
	END,
};

static const struct command_arg g_trace_list_args[] = { SPAN_TIMES("began"), LIMIT_ARG, NODE_ARG,
							END };
static const struct command_arg g_trace_args[] = { TRACE_ARG(true), END };

const struct command g_trace_commands[] = {
	{ "call.trace.start", COMMAND_FOR_OPERATOR, g_trace_start_args,
	  "Writes the SIP messages and the media of a call into a file of pcapng until a limit, "
	  "the "
	  "end of the call or call.trace.stop. tandemctl trace does all that and fetches the file.",
	  "name, call, running, decrypted, seconds, octets_max, octets, packets, lost (packets "
	  "that "
	  "the trace has no copy of)",
	  BY(command_call_trace_start) },
	{ "call.trace.stop", COMMAND_FOR_OPERATOR, g_trace_stop_args,
	  "Ends the trace of a call, or one that waits for a call.", "name, call",
	  BY(command_call_trace_stop) },
	{ "call.trace.list", COMMAND_FOR_OPERATOR, g_trace_list_args,
	  "Lists traces, the newest first.", "a list: name, call, running, octets, started_utc_ms",
	  BY(command_call_trace_list) },
	{ "call.trace.read", COMMAND_FOR_OPERATOR, g_trace_read_args,
	  "Reads on in a trace, also while it runs: up to 48 KiB.",
	  "offset, size (of the file), running, data (base64; empty at the end)",
	  BY(command_call_trace_read), .transient = true },
	{ "call.trace.delete", COMMAND_FOR_OPERATOR, g_trace_args,
	  "Deletes a trace that does not run.", "name", BY(command_call_trace_delete) },
	{ .name = NULL },
};
