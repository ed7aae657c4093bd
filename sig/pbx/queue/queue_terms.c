/* SPDX-License-Identifier: Apache-2.0 */
/* What the document of a queue says (queues.h): members and their skills as text, how much skill a
 * caller asks for, and the names of its rules. */

#include <string.h>

#include "sig/pbx/queue/queues_table.h"

const char *const g_queue_strategies[] = { "longest_idle", "round_robin", "ring_all",
					   "fewest_calls", "in_order",    "skill",
					   "least_talk",   NULL };
const char *const g_announce_rules[] = { "position", "wait", "both", NULL };
const char *const g_wrapup_rules[] = { "time", "manual", NULL };
const char *const g_callback_rules[] = { "off", "agent", "turn", NULL };
const char *const g_agent_states[] = { "out", "ready", "not_ready", NULL };

bool queue_has_member(const struct queue_terms *t, struct bytes number)
{
	for (uint8_t i = 0; i < t->count; i++) {
		if (bytes_is(number, t->members[i].number))
			return true;
	}
	return false;
}

static bool number_is_plain(struct bytes number)
{
	for (size_t i = 0; i < number.n; i++) {
		uint8_t at = number.p[i];

		if (!strchr("0123456789*#+._-", at) && !(at >= 'a' && at <= 'z') &&
		    !(at >= 'A' && at <= 'Z'))
			return false;
	}
	return number.n;
}

const char *queue_members_parse(struct queue_terms *out, struct bytes text)
{
	struct bytes one;

	out->count = 0;
	while (bytes_cut(&text, ',', &one)) {
		one = bytes_trim(one);
		if (out->count == QUEUE_MEMBERS_MAX)
			return "a queue has at most 32 members";
		if (!number_is_plain(one) || one.n >= DIAL_NUMBER_MAX)
			return "members are extensions, joined by ','";
		if (queue_has_member(out, one))
			return "a member is named twice";
		(void)bytes_cstr(one, out->members[out->count++].number, DIAL_NUMBER_MAX);
	}
	return NULL;
}

/* An entry in front of that one has the number. */
static bool weights_have(struct bytes text, const uint8_t *entry, struct bytes number)
{
	struct bytes one, of;

	while (bytes_cut(&text, ',', &one) && one.p < entry) {
		if (bytes_cut(&one, ':', &of) && bytes_eq(bytes_trim(of), number))
			return true;
	}
	return false;
}

/* A number from least to most for members. wrong: what is said of anything else. */
static const char *weights_parse(const struct queue_terms *t, struct bytes text, uint8_t *out,
				 uint32_t least, uint32_t most, const char *wrong)
{
	const struct bytes all = text;
	struct bytes entry, one, number;
	uint32_t weight;

	memset(out, 0, QUEUE_MEMBERS_MAX);
	while (bytes_cut(&text, ',', &entry)) {
		one = bytes_trim(entry);
		if (!bytes_cut(&one, ':', &number) || !number_is_plain(number) ||
		    number.n >= DIAL_NUMBER_MAX || bytes_u32(one, &weight) || weight < least ||
		    weight > most)
			return wrong;
		if (weights_have(all, entry.p, number))
			return "an extension is named twice";
		for (uint8_t i = 0; i < t->count; i++) {
			if (bytes_is(number, t->members[i].number))
				out[i] = (uint8_t)weight;
		}
	}
	return NULL;
}

const char *queue_skills_parse(struct queue_terms *out, struct bytes text)
{
	return weights_parse(out, text, out->skills, 0, QUEUE_SKILL_MAX,
			     "skills are extensions with a number from 0 to 100, as 1001:90, "
			     "joined by ','");
}

const char *queue_tiers_parse(struct queue_terms *out, struct bytes text)
{
	return weights_parse(out, text, out->tiers, 1, QUEUE_TIERS_MAX,
			     "tiers are extensions with a number from 1 to 9, as 1003:2, joined by "
			     "','");
}

uint8_t queue_skill_wanted(const struct queue_terms *t, uint64_t waited_ms)
{
	uint64_t falls = t->skill_fall_s ? waited_ms / (t->skill_fall_s * 1000ULL) : 0;

	if (t->strategy != QUEUE_SKILL || (t->skill_fall && falls > QUEUE_SKILL_MAX))
		return 0;
	falls *= t->skill_fall;
	return falls < t->skill_min ? (uint8_t)(t->skill_min - falls) : 0;
}
