/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a supervisor's document. Nothing in it is a pattern: who may be monitored is named,
 * and a name that is wrong is nobody's. */

#include "app/feature/monitor/monitor.h"
#include "sig/pbx/queue/queues.h"

const char *const g_monitor_modes[] = { "listen", "coach", "barge", "take_over", NULL };

static const char *field_parties_wrong(const void *value, const char *text)
{
	struct bytes rest = bytes_str(text), one;

	(void)value;
	while (bytes_cut(&rest, ',', &one)) {
		bool named = bytes_starts(one, "group:") || bytes_starts(one, QUEUE_WORD);

		one = named ? bytes_from(one, sizeof(QUEUE_WORD) - 1) : one;
		if (!one.n || !command_allows(named ? CHARSET_NAME : CHARSET_NUMBER, one))
			return "it is a list of extensions, group:NAME and queue:NAME, joined by "
			       "','";
	}
	return NULL;
}

#undef FIELD_OF
#define FIELD_OF struct supervisor_value
const struct command_arg g_supervisor_fields[] = {
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .required = true,
	  .min = 1,
	  .max = DIAL_NUMBER_MAX - 1,
	  .help = "The extension that may.",
	  .field = { FIELD_AT(FIELD_TEXT, number), .refers = "extension", .goes_with = true } },
	REFERS_FIELD("whom", of_party, CHARSET_TEXT, field_parties_wrong, "extension",
		     "Extensions with calls it may monitor, joined by ','. group:NAME: those that "
		     "are members of a group then. queue:NAME: members of a queue, in calls that "
		     "they took from that queue. Empty: nobody's."),
	WORDS_FIELD("modes", modes, g_monitor_modes, 4, "listen",
		    "What it may do. listen: it hears both parties, and neither hears it; coach: "
		    "the extension alone hears it; barge: both do; take_over: it takes the place "
		    "of the extension, which is hung up."),
	{ .name = NULL },
};
#undef FIELD_OF

static void supervisor_start(void *value, struct bytes name)
{
	struct supervisor_value *v = value;

	v->modes = 1u << MONITOR_LISTEN;
	(void)bytes_cstr(name, v->number, sizeof(v->number));
}

const struct form g_supervisor_form = { .fields = g_supervisor_fields,
					.begin = supervisor_start,
					FORM_OF(struct supervisor_value) };
