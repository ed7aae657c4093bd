/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/rules.h"

#include <assert.h>

#include "media/payload.h"

struct rules {
	struct media_side *side;
	const struct ruling *k;
	uint8_t target; /* the format of the other party in which it hears what is transcoded */
};

static bool line_has(const struct session_line *line, enum media_codec codec)
{
	for (uint8_t i = 0; i < line->format_count; i++) {
		if (session_codec(&line->formats[i]) == codec)
			return true;
	}
	return false;
}

/* The other party hears it transcoded. A codec that the party has under two numbers, and the other one under one, is none that it lacks. */
static bool format_is_transcodable(const struct rules *r, uint8_t format)
{
	enum media_codec codec = session_codec(&r->k->own->formats[format]);

	return r->target != PAYLOAD_NONE && r->k->to_other[format] == PAYLOAD_NONE &&
	       media_codec_is_transcodable(codec) && !line_has(r->k->other, codec);
}

/* From 1, as rules have it. There are fewer codecs that are spoken than there is room. */
static uint8_t coding_add(struct rules *r, enum media_codec from)
{
	const struct session_format *to = &r->k->other->formats[r->target];
	struct media_coding coding = { .from = (uint8_t)from,
				       .to = (uint8_t)session_codec(to),
				       .packet_ms = r->k->other->packet_ms };
	uint8_t i = 0;

	static_assert(MEDIA_CODECS_KNOWN <= MEDIA_CODINGS_MAX + 1,
		      "each from, but what they become");
	while (i < (uint8_t)MEDIA_CODINGS_MAX &&
	       r->side->codings[i].from != r->side->codings[i].to &&
	       r->side->codings[i].from != coding.from)
		i++;
	if (i == (uint8_t)MEDIA_CODINGS_MAX)
		return 0;
	r->side->codings[i] = coding;
	return (uint8_t)(i + 1);
}

/* An event keeps its time stamps where both streams have its clock (RFC 4733 2.1); else it is sent anew. */
static bool event_passes(const struct rules *r, const struct session_format *f)
{
	const struct session_line *own = r->k->own;

	for (uint8_t i = 0; i < own->format_count; i++) {
		if (format_is_transcodable(r, i) &&
		    (own->formats[i].clock_hz != f->clock_hz ||
		     r->k->other->formats[r->target].clock_hz != f->clock_hz))
			return false;
	}
	return true;
}

/* RFC 3389 2: comfort noise goes with the codec that fell silent, and there is none where that is transcoded. */
static bool noise_is_torn(const struct rules *r, const struct session_format *f)
{
	bool torn = false;

	for (uint8_t i = 0; i < r->k->own->format_count; i++)
		torn |= format_is_transcodable(r, i);
	return torn && bytes_iis(f->name, "CN");
}

/* False: the party may not send it. An event that the other party does not take has no number there: it is reported and not relayed. */
static bool rule_fill(struct rules *r, uint8_t format, struct payload_rule *rule)
{
	const struct session_format *f = &r->k->own->formats[format];
	uint8_t other = r->k->to_other[format];

	rule->event = f->event;
	rule->clock_hz = f->clock_hz;
	if (format_is_transcodable(r, format)) {
		rule->out = r->k->other->formats[r->target].to;
		rule->coding = coding_add(r, session_codec(f));
		return rule->coding;
	}
	if (other == PAYLOAD_NONE || (f->event && !event_passes(r, f))) {
		rule->out = PAYLOAD_NONE;
		return f->event;
	}
	rule->out = r->k->other->formats[other].to;
	return !noise_is_torn(r, f);
}

/* As rule_codecs has it. */
static uint8_t format_codec(enum media_kind kind, const struct session_format *f)
{
	enum media_codec codec = session_codec(f);

	if (kind == MEDIA_VIDEO)
		return session_video_format(f);
	return codec < MEDIA_CODECS_KNOWN ? (uint8_t)(codec + 1) : 0;
}

static void rule_add(struct rules *r, uint8_t in, uint8_t format)
{
	struct payload_rule rule = { .in = in };
	struct media_side *side = r->side;

	if (side->rule_count == PAYLOAD_RULES_MAX)
		return;
	for (uint8_t i = 0; i < side->rule_count; i++) {
		if (side->rules[i].in == in)
			return;
	}
	if (!rule_fill(r, format, &rule))
		return;
	side->rule_codecs[side->rule_count] =
		format_codec(r->k->own->kind, &r->k->own->formats[format]);
	side->rules[side->rule_count++] = rule;
}

/*
 * RFC 3264 5.1, 6.1: each SDP says under which numbers its author receives. So a party shall send under the numbers that we said;
 * some send under those of their own text, which is taken where ours gives the number no other meaning.
 */
void rules_make(struct media_side *side, const struct ruling *k)
{
	struct rules r = { .side = side,
			   .k = k,
			   .target = k->codes ? session_spoken(k->other) : PAYLOAD_NONE };

	for (uint8_t i = 0; i < k->own->format_count; i++)
		rule_add(&r, k->own->formats[i].from, i);
	for (uint8_t i = 0; i < k->own->format_count; i++)
		rule_add(&r, k->own->formats[i].to, i);
	for (uint8_t i = 0; i < k->own->twin_count; i++)
		rule_add(&r, k->own->twins[i].from, k->own->twins[i].format);
}
