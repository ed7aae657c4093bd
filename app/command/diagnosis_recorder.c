/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an external recorder has what is recorded: of its session, and of what it says. */
#include "app/command/diagnosis_rule.h"

static char leg_name(const struct diagnosis_recorder *r)
{
	return r->leg ? 'b' : 'a';
}

static enum answer_of_rule recorder_found(const struct diagnosis_recorder *r, struct finding *out)
{
	add_number(out, "recording", r->number);
	add_addr(out, "recorder", &r->at);
	add_text(out, "reason", r->reason);
	if (r->status)
		add_number(out, "status", r->status);
	return RULE_FOUND;
}

static enum answer_of_rule recorder_has_none(const struct diagnosis_recorder *r,
					     struct finding *out)
{
	if (!r->lost && r->for_ms < PATIENCE_MS)
		return RULE_SILENT;
	if (r->refused && r->status)
		found(out, FINDING_RECORDER_REFUSES, NULL,
		      "The external recorder refuses the recording of leg %c with %u: nothing of "
		      "it is recorded now.",
		      leg_name(r), r->status);
	else if (r->refused)
		found(out, FINDING_RECORDER_REFUSES, NULL,
		      "The recording of leg %c has no session with the external recorder: %s. "
		      "Nothing of it is recorded now.",
		      leg_name(r), r->reason);
	else
		found(out, FINDING_RECORDER_UNREACHABLE, NULL,
		      "The external recorder is not reached: %s. Nothing of leg %c is recorded "
		      "now.",
		      r->reason ? r->reason : "it has not answered yet", leg_name(r));
	return recorder_found(r, out);
}

/* NULL: it hears what there is, as far as is known. */
static const char *recorder_deaf(const struct diagnosis_recorder *r)
{
	if (r->speak && !r->takes)
		return "its answer takes no stream";
	if (r->unsent && !r->sent)
		return "no packet could be sent to it";
	if (r->heard_of && r->deaf == r->heard_of)
		return "it reports that nothing came";
	return NULL;
}

enum answer_of_rule rule_recorder(const struct diagnosis_recorder *r, struct finding *out)
{
	const char *why;

	if (!r->taken)
		return recorder_has_none(r, out);
	why = recorder_deaf(r);
	if (!why)
		return RULE_SILENT;
	found(out, FINDING_RECORDER_HEARS_NOTHING, NULL,
	      "The external recorder has taken the recording of leg %c, and hears nothing: %s.",
	      leg_name(r), why);
	add_number(out, "sent", r->sent);
	add_number(out, "unsent", r->unsent);
	return recorder_found(r, out);
}
