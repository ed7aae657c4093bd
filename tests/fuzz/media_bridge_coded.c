/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan says of audio that is transcoded, by what is agreed with each party. */
#include <assert.h>

#include "tests/fuzz/media_bridge.h"

static bool line_has(const struct session_line *line, uint8_t codec)
{
	for (uint8_t i = 0; i < line->format_count; i++) {
		if (session_codec(&line->formats[i]) == (enum media_codec)codec)
			return true;
	}
	return false;
}

/* The party takes the codec under the number. */
static bool takes(const struct session_line *line, uint8_t codec, uint8_t number)
{
	for (uint8_t i = 0; i < line->format_count; i++) {
		if (line->formats[i].to == number &&
		    session_codec(&line->formats[i]) == (enum media_codec)codec)
			return true;
	}
	return false;
}

static void check_rule(const struct payload_rule *rule, const struct media_side *side,
		       const struct session_line *own, const struct session_line *other)
{
	const struct media_coding *c;

	if (!rule->coding)
		return;
	assert(rule->coding <= MEDIA_CODINGS_MAX && !rule->event);
	c = &side->codings[rule->coding - 1];
	assert(c->from < MEDIA_CODECS && c->to < MEDIA_CODECS && c->from != c->to);
	assert(line_has(own, c->from) && !line_has(other, c->from));
	assert(takes(other, c->to, rule->out));
}

void check_codings(const struct media_plan *plan, const struct session *a, const struct session *b,
		   bool codes)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		const struct media_line *line = &plan->line[i];

		for (uint8_t k = 0; k < line->a.rule_count; k++) {
			assert(codes || !line->a.rules[k].coding);
			check_rule(&line->a.rules[k], &line->a, &a->line[i], &b->line[i]);
		}
		for (uint8_t k = 0; k < line->b.rule_count; k++) {
			assert(codes || !line->b.rules[k].coding);
			check_rule(&line->b.rules[k], &line->b, &b->line[i], &a->line[i]);
		}
	}
}
