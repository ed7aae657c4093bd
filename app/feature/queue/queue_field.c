/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of queues and agents as documents, and the flow that carries a queue out. Texts of
 * its fields need no escapes there. */

#include "app/feature/queue/queue.h"

#include <string.h>

#include "app/schema/group_field.h"

static const char *queue_members_wrong(const void *value, const char *text)
{
	static struct queue_terms unused;

	(void)value;
	return queue_members_parse(&unused, bytes_str(text));
}

static const char *queue_skills_wrong(const void *value, const char *text)
{
	static struct queue_terms unused; /* without members: whose they are may change later */

	(void)value;
	return queue_skills_parse(&unused, bytes_str(text));
}

static const char *queue_key_wrong(const void *value, const char *text)
{
	(void)value;
	return !text[0] || strchr("0123456789*#", text[0]) ? NULL : "it is a key of a phone";
}

#undef FIELD_OF
#define FIELD_OF struct queue_value
const struct command_arg g_queue_fields[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the queue."),
	REFERS_FIELD("members", members, CHARSET_TEXT, queue_members_wrong, "extension",
		     "Extensions that take its calls while they are logged in as agents, at most "
		     "32, joined by ',' in their order."),
	WORD_FIELD("strategy", core.strategy, FIELD_NUMBER, g_queue_strategies, "longest_idle",
		   "Which free agent rings for the next caller: the one whose last call of a queue "
		   "ended first (longest_idle), the next one in turn (round_robin), all free ones "
		   "at once (ring_all), the one with the fewest calls of queues since the node "
		   "started (fewest_calls), the first one (in_order), or the one with the most "
		   "skill, if that is "
		   "enough for the caller (skill)."),
	WEIGHTED_FIELD("skills", skills, CHARSET_TEXT, queue_skills_wrong, "extension",
		       "For strategy=skill: what members can do for this queue, from 0 to 100, as "
		       "1001:90,1002:40. Who is not named has 0."),
	NUMBER_FIELD(
		"skill_min", core.skill_min, 0, QUEUE_SKILL_MAX, "0",
		"For strategy=skill: less skill is not enough for a caller who has just come."),
	NUMBER_FIELD(
		"skill_fall", core.skill_fall, 0, QUEUE_SKILL_MAX, "10",
		"By so much skill_min falls for a caller each skill_fall_s that he waits. 0: it "
		"does not."),
	NUMBER_FIELD("skill_fall_s", core.skill_fall_s, 1, 3600, "30",
		     "See skill_fall, in seconds."),
	NUMBER_FIELD("priority", core.priority, 0, QUEUE_PRIORITY_MAX, "0",
		     "Callers of a queue with a larger one come first, for agents of several "
		     "queues."),
	NUMBER_FIELD("ring_s", core.ring_s, 3, 600, "15",
		     "How long an agent rings, in seconds. Then another one does."),
	NUMBER_FIELD("wrapup_s", core.wrapup_s, 0, 3600, "0",
		     "How long an agent is not rung behind a call, in seconds."),
	NUMBER_FIELD("missed_max", core.missed_max, 0, 100, "2",
		     "An agent who misses so many calls in a row is not ready, for the reason "
		     "missed. 0: never."),
	NUMBER_FIELD("max_callers", core.max_callers, 0, 5000, "0",
		     "Callers that wait at most. 0: any number."),
	NUMBER_FIELD("max_wait_s", core.max_wait_s, 5, 86400, "3600",
		     "How long a caller waits at most, in seconds."),
	FLAG_FIELD("only_with_agents", core.only_with_agents, "false",
		   "true: nobody waits while no agent of it is logged in."),
	NUMBER_FIELD("announce_s", core.announce_s, 0, 600, "0",
		     "How often callers hear their position, in seconds. 0: never."),
	TEXT_FIELD("key", core.key, CHARSET_NUMBER, queue_key_wrong,
		   "The key by which a caller leaves. Empty: none."),
	REFERS_FIELD("key_to", key_to, CHARSET_TEXT, field_flow_or_number_wrong, "number",
		     "Where he goes then: flow:NAME, or a number. Empty: the call ends; so it does "
		     "with those below."),
	REFERS_FIELD("timeout_to", timeout_to, CHARSET_TEXT, field_flow_or_number_wrong, "number",
		     "Where a caller goes who has waited as long as he may."),
	REFERS_FIELD("full_to", full_to, CHARSET_TEXT, field_flow_or_number_wrong, "number",
		     "Where a caller goes when as many wait as may."),
	REFERS_FIELD("none_to", none_to, CHARSET_TEXT, field_flow_or_number_wrong, "number",
		     "With only_with_agents: where callers go while no agent is logged in."),
	{ .name = NULL },
};
#undef FIELD_OF

static void queue_form_start(void *value, struct bytes name)
{
	struct queue_value *v = value;

	v->core.ring_s = 15;
	v->core.missed_max = 2;
	v->core.max_wait_s = 3600;
	v->core.skill_fall = 10;
	v->core.skill_fall_s = 30;
	(void)bytes_cstr(name, v->core.name, sizeof(v->core.name));
}

const struct form g_queue_form = { .fields = g_queue_fields,
				   .begin = queue_form_start,
				   FORM_OF(struct queue_value) };

#define FIELD_OF struct agent_value
const struct command_arg g_agent_fields[] = {
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .required = true,
	  .min = 1,
	  .max = DIAL_NUMBER_MAX - 1,
	  .help = "The extension.",
	  .field = { FIELD_AT(FIELD_TEXT, number), .refers = "extension", .goes_with = true } },
	WORD_FIELD("state", state, FIELD_NUMBER, g_agent_states, "out",
		   "out, ready, or not_ready: logged in, and not rung by queues."),
	TEXT_FIELD("reason", reason, CHARSET_TEXT, NULL,
		   "Why he is not ready, such as lunch. missed: he did not answer."),
	{ .name = NULL },
};
#undef FIELD_OF

const struct form g_agent_form = { .fields = g_agent_fields, FORM_OF(struct agent_value) };

/* ---- the flow of a queue ---- */

/* Where such callers go. */
static void step_write(struct writer *w, const char *step, const char *to)
{
	const char *verb = !strncmp(to, "flow:", 5) ? "redirect" : "dial";

	if (to[0])
		WRITER_TEXTS(w, ",\"", step, "\":{\"", verb, "\":\"", to, "\"}");
	else
		WRITER_TEXTS(w, ",\"", step, "\":{\"hangup\":{}}");
}

void queue_program(const struct queue_value *v, struct writer *w)
{
	const char *key = v->core.key;

	WRITER_TEXTS(w, "{\"start\":\"wait\",\"steps\":{\"wait\":{\"queue\":{\"name\":\"",
		     v->core.name);
	if (key[0])
		WRITER_TEXTS(w, "\",\"keys\":\"", key, "\"},\"on\":{\"", key, "\":\"key\"}");
	else
		writer_str(w, "\"}");
	writer_str(w, ",\"timeout\":\"timeout\",\"full\":\"full\",\"none\":\"none\"}");
	step_write(w, "timeout", v->timeout_to);
	step_write(w, "full", v->full_to);
	step_write(w, "none", v->none_to);
	if (key[0])
		step_write(w, "key", v->key_to);
	writer_str(w, "}}");
}
