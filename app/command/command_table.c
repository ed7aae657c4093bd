/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all commands out of its parts. */
#include "app/command/table/table.h"

const struct command_arg g_no_args[] = { END };
const struct command_arg g_get_args[] = { NUMBER_ARG("Number of the extension."), END };
const struct command_arg g_call_args[] = { CALL_ARG, END };

/* In the order of enum order_record. */
const char *const g_record_states[] = { "on", "pause", "resume", "off", NULL };

const char *const g_call_legs[] = { "a", "b", NULL };
const char *const g_subscription_endings[] = { "deactivated", "probation",  "giveup",
					       "rejected",    "noresource", NULL };

/* In the order of the help, where what is of one area may be apart. */
const struct command *const g_command_parts[] = {
	g_extension_commands,   g_dial_commands,
	g_tenant_commands,      g_call_commands,
	g_call_sound_commands,  g_call_order_commands,
	g_conference_commands,  g_call_slot_commands,
	g_call_digits_commands, g_trace_commands,
	g_recording_commands,   g_look_commands,
	g_node_commands,        NULL,
};
