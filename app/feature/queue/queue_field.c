/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of queues and agents as documents, and the flow that carries a queue out. Texts of
 * its fields need no escapes there. */

#include "app/feature/queue/queue.h"

#include <string.h>

#include "app/schema/extension.h"
#include "app/schema/group_field.h"

static const char *queue_members_wrong(const void *value, const char *text)
{
	static struct queue_terms unused;

	(void)value;
	return queue_members_parse(&unused, bytes_str(text));
}

static const char *queue_skills_wrong(const void *value, const char *text)
{
	static struct queue_terms unused; /* without members, who may change later */

	(void)value;
	return queue_skills_parse(&unused, bytes_str(text));
}

static const char *queue_tiers_wrong(const void *value, const char *text)
{
	static struct queue_terms unused; /* as above */

	(void)value;
	return queue_tiers_parse(&unused, bytes_str(text));
}

static const char *queue_key_wrong(const void *value, const char *text)
{
	(void)value;
	return !text[0] || strchr("0123456789*#", text[0]) ? NULL : "it is a key of a phone";
}

/* ---- what came of a call ---- */

static bool disposition_next(struct bytes *list, struct bytes *one)
{
	if (!bytes_cut(list, ',', one))
		return false;
	*one = bytes_trim(*one);
	return true;
}

struct bytes disposition_find(const char *dispositions, struct bytes asked)
{
	struct bytes list = bytes_str(dispositions), one, at = { 0 };
	uint32_t place = 0, i = 0;

	if (bytes_u32(asked, &place))
		place = 0;
	while (disposition_next(&list, &one)) {
		if (bytes_eq(one, asked))
			return one;
		if (++i == place)
			at = one;
	}
	return at;
}

const char *dispositions_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	uint32_t n = 0;

	(void)value;
	while (disposition_next(&list, &one)) {
		if (!one.n || one.n >= DISPOSITION_MAX)
			return "each disposition has 1 to 31 octets; ',' is between them";
		if (++n > DISPOSITIONS_MAX)
			return "a queue has at most 32 dispositions";
		for (struct bytes rest = list, other; disposition_next(&rest, &other);) {
			if (bytes_eq(one, other))
				return "a disposition is named twice";
		}
	}
	return NULL;
}

/* Default, then in the order of enum record_method. */
static const char *const g_queue_record[] = { "default", "off", "auto", "on_demand", NULL };

/* What app_queue and mod_callcenter call strategies that we have. They know one more, random. */
static const char *const g_queue_strategies_also[] = { "leastrecent",
						       "longest_idle",
						       "rrmemory",
						       "round_robin",
						       "rrordered",
						       "round_robin",
						       "ringall",
						       "ring_all",
						       "fewestcalls",
						       "fewest_calls",
						       "linear",
						       "in_order",
						       "longest-idle-agent",
						       "longest_idle",
						       "round-robin",
						       "round_robin",
						       "ring-all",
						       "ring_all",
						       "agent-with-fewest-calls",
						       "fewest_calls",
						       "agent-with-least-talk-time",
						       "least_talk",
						       "top-down",
						       "in_order",
						       "sequentially-by-agent-order",
						       "in_order",
						       NULL };

#undef FIELD_OF
#define FIELD_OF struct queue_value
const struct command_arg g_queue_fields[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the queue."),
	REFERS_FIELD("members", members, CHARSET_TEXT, queue_members_wrong, "extension",
		     "Extensions that take its calls while they are logged in as agents, at most "
		     "32, joined by ',' in their order."),
	{ .name = "strategy",
	  .type = ARG_ENUM,
	  .names = g_queue_strategies,
	  .also = g_queue_strategies_also,
	  .preset = FIELD_PRESET("longest_idle"),
	  .help = "Which free agent rings for the next caller: the one idle for longest since a "
		  "call of a queue (longest_idle), the next one in turn (round_robin), all free "
		  "ones at once (ring_all), the one with the fewest calls of queues since the node "
		  "started (fewest_calls), the one who spoke least in them (least_talk), both also "
		  "before a logout, the first one (in_order), or the one with the most skill, if "
		  "that is enough for the caller (skill). Names that app_queue and mod_callcenter "
		  "have for these are taken, too.",
	  .field = { FIELD_AT(FIELD_NUMBER, core.strategy) } },
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
	WEIGHTED_FIELD("tiers", tiers, CHARSET_TEXT, queue_tiers_wrong, "extension",
		       "Members who are asked later than others, as 1003:2,1004:3. Who is not "
		       "named is of tier 1."),
	NUMBER_FIELD("tier_s", core.tier_s, 0, 3600, "30",
		     "So long a caller waits for each tier, in seconds, before agents of the next "
		     "one ring for him, too. A tier without a ready agent is not waited for. Free "
		     "agents of an earlier tier ring first. 0: nobody waits, and that is all."),
	NUMBER_FIELD("priority_age_s", core.priority_age_s, 0, 3600, "0",
		     "A wait of so many seconds counts as much as one more of priority: nobody "
		     "waits for ever behind those with more. 0: it does not count."),
	NUMBER_FIELD("priority", core.priority, 0, QUEUE_PRIORITY_MAX, "0",
		     "Callers of a queue with a larger one come first, for agents of several "
		     "queues."),
	NUMBER_FIELD("ring_s", core.ring_s, 3, 600, "15",
		     "How long an agent rings, in seconds. Then another one does."),
	NUMBER_FIELD("wrapup_s", core.wrapup_s, 0, 3600, "0",
		     "How long an agent is not rung behind a call, in seconds."),
	WORD_FIELD("wrapup", core.wrapup, FIELD_NUMBER, g_wrapup_rules, "time",
		   "What ends that: wrapup_s (time), or nothing but the agent, who says that he is "
		   "ready, or what came of the call (manual)."),
	TEXT_FIELD("dispositions", dispositions, CHARSET_TEXT, dispositions_wrong,
		   "What may come of a call, as sale,no_sale: agents say which "
		   "(agent.disposition). At most 32."),
	NUMBER_FIELD("missed_max", core.missed_max, 0, 100, "2",
		     "An agent who misses so many calls in a row is not ready, for the reason "
		     "missed. 0: never."),
	NUMBER_FIELD("max_callers", core.max_callers, 0, 5000, "0",
		     "Callers that wait at most. 0: any number."),
	NUMBER_FIELD("max_wait_s", core.max_wait_s, 5, 86400, "3600",
		     "How long a caller waits at most, in seconds."),
	FLAG_FIELD("without_login", core.without_login, "false",
		   "true: members take its calls also while they are logged out. With one member "
		   "it is the queue of that extension: forward_busy leads there by its number. Who "
		   "is not ready takes none, and missed_max does not count for who is logged out."),
	FLAG_FIELD("only_with_agents", core.only_with_agents, "false",
		   "true: nobody waits while no agent of it is logged in."),
	FLAG_FIELD("only_with_ready", core.only_with_ready, "false",
		   "true: nobody waits while no agent of it is ready. One who has a call is."),
	FLAG_FIELD("confirm", core.confirm, "false",
		   "true: who begins to wait hears the confirmation tone of media.tones first."),
	NUMBER_FIELD("announce_s", core.announce_s, 0, 600, "0",
		     "How often callers hear where they are, in seconds. 0: never."),
	WORD_FIELD("announce", core.announce, FIELD_NUMBER, g_announce_rules, "position",
		   "What they hear then: their position, the time until they are answered, in "
		   "minutes, where the last answers tell it (wait), or both."),
	TEXT_FIELD("music", core.music, CHARSET_NAME, field_music_wrong,
		   "What callers hear while they wait: name of a file in media.sounds, which need "
		   "not be there yet. off: nothing. Empty, or while the file cannot be used: as "
		   "the caller's extension or media.music says. Who waits hears a change at once."),
	TEXT_FIELD("prefix", core.prefix, CHARSET_TEXT, NULL,
		   "What agents' phones show before the caller's name, such as Sales."),
	FLAG_FIELD("show_called", core.show_called, "false",
		   "true: they show the number that was called, too."),
	TEXT_FIELD("ring", core.ring, CHARSET_NAME, NULL,
		   "How agents' phones ring for its calls: the word that they know in Alert-Info "
		   "(info=...), such as alert-queue. Empty: as for other calls. Those that are "
		   "asked to answer by themselves get the word for that."),
	WORD_FIELD("record", core.record, FIELD_NUMBER, g_queue_record, "default",
		   "Recording of its calls, once an agent has answered: off, auto or on_demand, as "
		   "record of group.put. default: as each agent's own says. auto and on_demand "
		   "need a seat (max_recorded of the tenant)."),
	WORD_FIELD("record_to", core.record_to, FIELD_NUMBER, g_record_to_words, "files",
		   "With record: where its recordings go: files of the node; mailbox, files in the "
		   "mailbox of the agent; or siprec, the external recorder."),
	TEXT_FIELD("key", core.key, CHARSET_NUMBER, queue_key_wrong,
		   "The key by which a caller leaves. Empty: none."),
	REFERS_FIELD("key_to", key_to, CHARSET_TEXT, field_flow_or_number_wrong, "number",
		     "Where he goes then: flow:NAME, or a number. Empty: the call ends; so it does "
		     "with those below."),
	REFERS_FIELD("timeout_to", timeout_to, CHARSET_TEXT, field_flow_or_number_wrong, "number",
		     "Where a caller goes who has waited as long as he may."),
	REFERS_FIELD("full_to", full_to, CHARSET_TEXT, field_flow_or_number_wrong, "number",
		     "Where a caller goes when as many wait as may."),
	WORD_FIELD("callback", core.callback.rule, FIELD_NUMBER, g_callback_rules, "off",
		   "When callers who do not wait on the phone, and keep their place, are called "
		   "back: once an agent is free, who is reserved for them while their "
		   "phone rings (agent), or once nobody waits before them (turn). Off: nobody is."),
	TEXT_FIELD("callback_key", callback_key, CHARSET_NUMBER, queue_key_wrong,
		   "The key by which a caller who waits has himself called back. Empty: none."),
	FLAG_FIELD("callback_keyed", core.callback.keyed, "false",
		   "true: a caller may key another number than his."),
	REFERS_FIELD("callback_payer", core.callback.payer, CHARSET_NUMBER, NULL, "extension",
		     "The extension that pays for numbers outside, as call.originate has it: its "
		     "dial plan, classes and limits count. Empty: extensions alone are called."),
	REFERS_FIELD("callback_hours", core.callback.hours, CHARSET_NAME, NULL, "hours",
		     "The calendar that says when callers are called back. Empty: at any time."),
	NUMBER_FIELD("callback_max", core.callback.most, 1, 1000, "20",
		     "Callbacks that the queue has at most."),
	NUMBER_FIELD("callback_tries", core.callback.tries, 1, 10, "3",
		     "How often each of them is called at most."),
	NUMBER_FIELD("callback_retry_s", core.callback.retry_s, 1, 86400, "300",
		     "Seconds between two tries."),
	NUMBER_FIELD("callback_ring_s", core.callback.ring_s, 5, 120, "30",
		     "How long the caller's phone rings then, in seconds."),
	NUMBER_FIELD("callback_keep_h", core.callback.keep_h, 1, 168, "24",
		     "Then a callback is forgotten, in hours."),
	REFERS_FIELD("none_to", none_to, CHARSET_TEXT, field_flow_or_number_wrong, "number",
		     "Where callers go who do not wait by only_with_agents or only_with_ready."),
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
	v->core.tier_s = 30;
	v->core.callback = (struct callback_terms){
		.most = 20, .tries = 3, .retry_s = 300, .ring_s = 30, .keep_h = 24
	};
	(void)bytes_cstr(name, v->core.name, sizeof(v->core.name));
}

static const char *queue_wrong(const void *value, const char **member)
{
	const struct queue_value *v = value;

	*member = "callback_key";
	return v->core.key[0] && !strcmp(v->core.key, v->callback_key)
		       ? "callback_key is another one than key"
		       : NULL;
}

const struct form g_queue_form = { .fields = g_queue_fields,
				   .begin = queue_form_start,
				   .wrong = queue_wrong,
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
	TEXT_FIELD("at", at, CHARSET_NUMBER, NULL,
		   "A phone outside: queues ring him there, in the name of his extension. Empty: "
		   "the phones of his extension ring."),
	TEXT_FIELD("last_queue", last_queue, CHARSET_NAME, NULL,
		   "The queue of his last call, if that has wrap-up or dispositions."),
	TEXT_FIELD("last_call", last_call, CHARSET_ID, NULL, "That call."),
	TEXT_FIELD("disposition", disposition, CHARSET_TEXT, NULL,
		   "What came of it, as he said. Empty: he has not."),
	FLAG_FIELD("wraps", wraps, "false", "He wraps up behind it, until wrapup_until_utc_ms."),
	NUMBER_FIELD("wrapup_until_utc_ms", wrapup_until_utc_ms, 0, INT64_MAX, "0",
		     "0: until he says more."),
	NUMBER_FIELD("since_utc_ms", since_utc_ms, 0, INT64_MAX, "0",
		     "Since when he is ready, or not ready, or wraps up."),
	{ .name = NULL },
};
#undef FIELD_OF

const struct form g_agent_form = { .fields = g_agent_fields, FORM_OF(struct agent_value) };

/* It is written by commands of its own: queue and number say which it is. */
static const char *callback_times_wrong(const void *value, const char *text)
{
	uint32_t from, until;

	(void)value;
	return !text[0] || box_times_read(text, &from, &until)
		       ? NULL
		       : "it is a time of each day, such as 09:00-17:00";
}

#define FIELD_OF struct callback_value
const struct command_arg g_callback_fields[] = {
	KEY_FIELD("callback", callback, CHARSET_TEXT, "Queue and number, with '*' between them."),
	TEXT_FIELD("queue", queue, CHARSET_NAME, NULL, "The queue."),
	TEXT_FIELD("number", number, CHARSET_NUMBER, NULL, "The number that is called."),
	TEXT_FIELD("times", times, CHARSET_TEXT, callback_times_wrong,
		   "When the caller wants to be called, by the time of the tenant. Empty: at any "
		   "time."),
	NUMBER_FIELD("priority", priority, 0, QUEUE_PRIORITY_MAX, "0", "As of the queue."),
	NUMBER_FIELD("tries", tries, 0, UINT8_MAX, "0", "How often it was called."),
	FLAG_FIELD("hides", hides, "false",
		   "Its caller withholds the number: agents do not see it."),
	NUMBER_FIELD("since_utc_ms", since_utc_ms, 0, INT64_MAX, "0",
		     "Since when the caller has his place."),
	NUMBER_FIELD("created_utc_ms", created_utc_ms, 0, INT64_MAX, "0", "When it was made."),
	NUMBER_FIELD("called_utc_ms", called_utc_ms, 0, INT64_MAX, "0",
		     "When it was called last; 0: never."),
	{ .name = NULL },
};
#undef FIELD_OF

const struct form g_callback_form = { .fields = g_callback_fields, FORM_OF(struct callback_value) };

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

/* The steps behind callback_key; a number that cannot be called leads back to the same place. */
static void callback_steps_write(struct writer *w, const struct queue_value *v)
{
	static const char back[] = "\"},\"next\":\"thanks\",\"full\":\"wait\",\"failed\":\"wait\"}";
	const char *key = "\"callback\":{\"callback\":{\"queue\":\"";

	if (v->core.callback.keyed) {
		writer_str(w, ",\"callback\":{\"gather\":{\"prompt\":[\"queue-callback-number\"],"
			      "\"max\":24},\"next\":\"keyed\",\"timeout\":\"own\","
			      "\"invalid\":\"own\",\"failed\":\"own\"}");
		WRITER_TEXTS(w, ",\"keyed\":{\"callback\":{\"number\":\"{digits}\",\"queue\":\"",
			     v->core.name, back);
		key = "\"own\":{\"callback\":{\"queue\":\"";
	}
	WRITER_TEXTS(w, ",", key, v->core.name, back,
		     ",\"thanks\":{\"play\":{\"prompt\":[\"queue-callback\"]},\"next\":\"bye\","
		     "\"failed\":\"bye\"},\"bye\":{\"hangup\":{}}");
}

static void queue_key_write(struct writer *w, const char *key, const char *step)
{
	if (key[0])
		WRITER_TEXTS(w, "\"", key, "\":\"", step, "\"");
}

void queue_program(const struct queue_value *v, struct writer *w)
{
	const char *key = v->core.key;
	const char *back = v->core.callback.rule ? v->callback_key : "";

	WRITER_TEXTS(w, "{\"start\":\"wait\",\"steps\":{\"wait\":{\"queue\":{\"name\":\"",
		     v->core.name);
	if (key[0] || back[0]) {
		WRITER_TEXTS(w, "\",\"keys\":\"", key, back, "\"},\"on\":{");
		queue_key_write(w, key, "key");
		writer_str(w, key[0] && back[0] ? "," : "");
		queue_key_write(w, back, "callback");
		writer_str(w, "}");
	} else {
		writer_str(w, "\"}");
	}
	writer_str(w, ",\"timeout\":\"timeout\",\"full\":\"full\",\"none\":\"none\"}");
	step_write(w, "timeout", v->timeout_to);
	step_write(w, "full", v->full_to);
	step_write(w, "none", v->none_to);
	if (key[0])
		step_write(w, "key", v->key_to);
	if (back[0])
		callback_steps_write(w, v);
	writer_str(w, "}}");
}
