/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an extension reaches, and what that costs it. */
#include "app/command/table/table.h"
#include "app/document/dial_field.h"

static const struct command_arg g_dial_check_args[] = {
	NUMBER_ARG("What is dialled."),
	PARTY_ARG("from", CHARSET_NUMBER, "Extension that dials."),
	END,
};

static const struct command_arg g_toll_args[] = {
	PARTY_OR_NONE("number", "Number of the extension. Without it, the tenant alone."),
	NODE_ARG,
	END,
};

const struct command g_dial_commands[] = {
	{ "dialplan.put", COMMAND_FOR_ADMIN, g_dial_fields,
	  "Says what the tenant's phones mean by what they dial, or changes what is given of it.",
	  "the dial plan", BY(document_put), .documents = BY(&g_dial_documents) },
	{ "dialplan.show", COMMAND_FOR_READER, g_no_args,
	  "Shows the dial plan, or what counts without one.", "changed_utc_ms",
	  BY(command_dialplan_show), .shows = g_dial_fields },
	{ "dialplan.delete", COMMAND_FOR_ADMIN, g_no_args,
	  "Deletes the dial plan: what counts without one does so again.", "dialplan",
	  BY(document_delete), .documents = BY(&g_dial_documents) },
	{ "dialplan.check", COMMAND_FOR_READER, g_dial_check_args,
	  "Says what an extension means by a number. Nothing is called.",
	  "meaning (emergency, extension, room, feature, outside, barred, more: digits are "
	  "missing, "
	  "unknown), number (as it is called, or asked for outside), trunk (by which alone, where "
	  "its "
	  "access code is dialled), class (of numbers outside; of a feature its key), blocked (the "
	  "number itself is barred), status (what its phone hears at once: 403, 404, 484; 0: it is "
	  "called), why (in words), rule (the setting that refuses it: extension.classes, "
	  "tenant.classes, dialplan.blocked, dialplan.numbers, extension.enabled, route) and, of "
	  "numbers outside, pattern (of the plan, by which it has its class or is blocked; empty "
	  "where it is read as another number that has it)",
	  BY(command_dialplan_check) },
	{ "toll.show", COMMAND_FOR_READER, g_toll_args,
	  "Shows what calls outside have cost today, on a node.",
	  "extension (where one is named) and tenant, each with calls (now), used_s (today, with "
	  "the "
	  "seconds that calls have been given ahead, 10 at most each), outside_calls and "
	  "outside_minutes (its limits; 0: none)",
	  BY(command_toll_show) },
	{ "toll.reset", COMMAND_FOR_ADMIN, g_get_args,
	  "Lets the day begin anew for an extension that has used up its minutes outside. What its "
	  "tenant has used stays.",
	  "number", BY(command_toll_reset) },
	{ .name = NULL },
};
