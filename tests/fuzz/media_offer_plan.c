/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan may say, by the texts. */
#include <assert.h>

#include "media/crypto.h"
#include "media/payload.h"
#include "tests/fuzz/media_offer.h"

static bool has(const struct sdp *s, unsigned section, uint8_t number)
{
	struct bytes rest = sdp_slice(s, s->sections[section].formats), word;
	uint32_t n;

	while (section <= s->media_count && bytes_cut(&rest, ' ', &word)) {
		if (!bytes_u32(word, &n) && n == number)
			return true;
	}
	return false;
}

static void check_rules(const struct media_side *side, enum media_kind kind)
{
	assert(!side->rule_count == (kind == MEDIA_OPAQUE) &&
	       side->rule_count <= PAYLOAD_RULES_MAX);
	for (uint8_t i = 0; i < side->rule_count; i++) {
		assert(side->rules[i].clock_hz);
		assert(side->rules[i].out != PAYLOAD_NONE || side->rules[i].event);
		for (uint8_t k = 0; k < i; k++)
			assert(side->rules[k].in != side->rules[i].in);
	}
}

/* The number is a telephone-event of that clock; nameless ones are known by their number. */
static void check_event(const struct media_side *side, const struct sdp *s, unsigned section)
{
	struct payload_list list;
	const struct payload *p;

	if (side->event_pt == PAYLOAD_NONE)
		return;
	payload_list_read(&list, s, section);
	p = payload_find(&list, side->event_pt);
	assert(p && (!p->name.n || (payload_is_event(p) && p->clock_hz == side->event_clock_hz)));
	assert(side->event_clock_hz);
}

/* Some line of the section has the key. */
static bool has_key(const struct sdp *s, unsigned section, const struct media_key *key)
{
	struct crypto c;
	uint16_t line = 0;

	while (crypto_next(s, section, &line, &c)) {
		if (c.key.suite == key->suite && judge_same_key(&c.key, key))
			return true;
	}
	return false;
}

static void check_keys(const struct media_side *side, const struct sdp *theirs,
		       const struct sdp *ours, unsigned section)
{
	assert(side->key_in.suite == side->key_out.suite);
	assert(judge_is_secure(ours, section) == (side->key_in.suite != MEDIA_SUITE_NONE));
	assert(judge_is_secure(theirs, section) == judge_is_secure(ours, section));
	assert(judge_is_dtls(theirs, section) == judge_is_dtls(ours, section));
	assert(judge_is_dtls(ours, section) == (side->dtls != DTLS_NONE));
	if (side->key_in.suite == MEDIA_SUITE_NONE) {
		assert(!side->key_in.length && !side->key_out.length);
		return;
	}
	assert(has_key(theirs, section, &side->key_in));
	assert(has_key(ours, section, &side->key_out));
	assert(!judge_same_key(&side->key_in, &side->key_out));
}

struct texts {
	struct sdp offer_a, offer_b, answer_b, answer_a;
};

static void check_line(const struct media_line *line, unsigned section, const struct texts *t)
{
	assert(!line->active == !t->answer_a.sections[section].port);
	if (!line->active) {
		assert(line->a.event_pt == PAYLOAD_NONE && line->b.event_pt == PAYLOAD_NONE);
		return;
	}
	assert(judge_is_opaque(&t->offer_a, section) == (line->kind == MEDIA_OPAQUE));
	check_rules(&line->a, line->kind);
	check_rules(&line->b, line->kind);
	check_keys(&line->a, &t->offer_a, &t->answer_a, section);
	check_keys(&line->b, &t->answer_b, &t->offer_b, section);
	check_event(&line->a, &t->offer_a, section);
	check_event(&line->a, &t->answer_a, section);
	check_event(&line->b, &t->answer_b, section);
	for (uint8_t i = 0; i < line->a.rule_count; i++) {
		const struct payload_rule *rule = &line->a.rules[i];

		assert(has(&t->answer_a, section, rule->in));
		assert(has(&t->offer_a, section, rule->in));
		assert(rule->out == PAYLOAD_NONE || has(&t->answer_b, section, rule->out));
	}
	for (uint8_t i = 0; i < line->b.rule_count; i++) {
		const struct payload_rule *rule = &line->b.rules[i];

		assert(has(&t->offer_b, section, rule->in) || has(&t->answer_b, section, rule->in));
		assert(rule->out == PAYLOAD_NONE || has(&t->answer_a, section, rule->out));
	}
}

/* Whoever carries others is carried by nobody. */
static void check_carrier(const struct media_plan *plan, uint8_t index, bool of_b)
{
	const struct media_line *line = &plan->line[index];
	const struct media_side *side = of_b ? &line->b : &line->a, *owner;

	if (!line->active || side->dtls == DTLS_NONE) {
		assert(!line->active || side->bundle == index);
		return;
	}
	assert(side->bundle < plan->line_count && plan->line[side->bundle].active);
	owner = of_b ? &plan->line[side->bundle].b : &plan->line[side->bundle].a;
	assert(owner->bundle == side->bundle && owner->ice_name == side->ice_name);
	assert(owner->dtls == side->dtls && owner->ice == side->ice);
	assert(!side->ice == !side->ice_name && side->fingerprint.hash != MEDIA_HASH_NONE);
}

void judge_session(const struct session *session, struct bytes said)
{
	static struct sdp s;

	judge_parse(&s, said);
	assert(session->line_count <= s.media_count);
	for (uint8_t i = 0; i < session->line_count; i++) {
		const struct session_line *line = &session->line[i];

		assert(!line->active == !s.sections[i + 1].port && !line->reason);
		assert((line->active && line->kind != MEDIA_OPAQUE) == !!line->format_count);
		assert(!line->active || session->line[line->side.bundle].active);
	}
}

void judge_plan(const struct media_plan *plan, struct bytes offer, struct bytes forwarded,
		struct bytes answer, struct bytes answered)
{
	static struct texts t;

	judge_parse(&t.offer_a, offer);
	judge_parse(&t.offer_b, forwarded);
	judge_parse(&t.answer_b, answer);
	judge_parse(&t.answer_a, answered);
	assert(plan->line_count <= MEDIA_LINES_MAX && plan->line_count <= t.offer_a.media_count);
	for (uint8_t i = 0; i < plan->line_count; i++)
		check_line(&plan->line[i], i + 1U, &t);
	for (uint8_t i = 0; i < plan->line_count; i++) {
		check_carrier(plan, i, false);
		check_carrier(plan, i, true);
	}
}
