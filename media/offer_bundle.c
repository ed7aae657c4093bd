/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer_bundle.h"

#include "media/offer_extension.h"

static bool has_tag(struct bytes tags, struct bytes want)
{
	struct bytes tag;

	while (bytes_cut(&tags, ' ', &tag)) {
		if (want.n && bytes_eq(tag, want))
			return true;
	}
	return false;
}

bool offer_bundle_of(const struct sdp *s, uint8_t index, struct bytes *tags)
{
	struct bytes mid, semantics;
	uint16_t line = 0;

	if (!sdp_attribute(s, index + 1U, "mid", &mid))
		return false;
	while (sdp_attribute_next(s, SDP_SESSION, "group", &line, tags)) {
		if (bytes_cut(tags, ' ', &semantics) && bytes_is(semantics, "BUNDLE") &&
		    has_tag(*tags, mid))
			return true;
	}
	return false;
}

bool offer_bundle_line(const struct sdp *s, struct bytes tag, uint8_t *index)
{
	struct bytes mid;

	for (uint8_t i = 0; i < s->media_count; i++) {
		if (!sdp_attribute(s, i + 1U, "mid", &mid) || !bytes_eq(mid, tag))
			continue;
		*index = i;
		return true;
	}
	return false;
}

bool offer_bundle_is_live(const struct sdp *s, uint8_t index)
{
	struct bytes rest;

	return s->sections[index + 1].port || (sdp_attribute(s, index + 1U, "bundle-only", &rest) &&
					       offer_bundle_of(s, index, &rest));
}

/* One leg of the plan. */
struct view {
	const struct media_plan *plan;
	const struct sdp *s; /* who says the groups: A's offer, B's answer */
	bool of_b;
};

static const struct media_side *side_of(const struct view *v, uint8_t index)
{
	const struct media_line *line = &v->plan->line[index];

	return v->of_b ? &line->b : &line->a;
}

static bool takes(const struct view *v, uint8_t index)
{
	return index < v->plan->line_count && v->plan->line[index].active &&
	       side_of(v, index)->dtls != DTLS_NONE;
}

/* False: nobody's that we take. */
static bool tagged_of(const struct view *v, struct bytes tags, uint8_t *index)
{
	struct bytes tag;

	while (bytes_cut(&tags, ' ', &tag)) {
		bool found = offer_bundle_line(v->s, tag, index);

		if (found && takes(v, *index))
			return true;
		if (found && v->of_b && offer_bundle_is_live(v->s, *index))
			return false;
	}
	return false;
}

static void share(struct media_side *side, const struct media_side *owner, uint8_t tagged)
{
	side->bundle = tagged;
	side->rtp = owner->rtp;
	side->rtcp = owner->rtcp;
	side->dtls = owner->dtls;
	side->ice = owner->ice;
	side->ice_name = owner->ice_name;
	side->fingerprint = owner->fingerprint;
}

/* True: some line went, which may have been another one's transport, on either leg. */
static bool drop_torn(struct media_plan *plan, const struct view *v)
{
	struct bytes tags;
	uint8_t tagged;
	bool any = false;

	for (uint8_t i = 0; i < plan->line_count; i++) {
		if (!takes(v, i) || !offer_bundle_of(v->s, i, &tags) || tagged_of(v, tags, &tagged))
			continue;
		plan->line[i].active = 0;
		any = true;
	}
	return any;
}

static void share_transports(struct media_plan *plan, const struct view *v)
{
	struct bytes tags;
	uint8_t tagged;

	for (uint8_t i = 0; i < plan->line_count; i++) {
		struct media_line *line = &plan->line[i];

		if (takes(v, i) && offer_bundle_of(v->s, i, &tags) && tagged_of(v, tags, &tagged))
			share(v->of_b ? &line->b : &line->a, side_of(v, tagged), tagged);
	}
}

static bool shares_number(const struct media_side *a, const struct media_side *b)
{
	for (uint8_t i = 0; i < a->rule_count; i++) {
		for (uint8_t k = 0; k < b->rule_count; k++) {
			if (a->rules[i].in == b->rules[k].in)
				return true;
		}
	}
	return false;
}

/* Two lines of A's that are carried by the same one have the same codecs: no payload type tells them apart. */
static bool needs_mid(const struct media_plan *plan, uint8_t index)
{
	const struct media_side *side = &plan->line[index].a;

	for (uint8_t i = 0; i < plan->line_count; i++) {
		const struct media_line *other = &plan->line[i];

		if (i != index && other->active && other->a.dtls &&
		    other->a.bundle == side->bundle && shares_number(side, &other->a))
			return true;
	}
	return false;
}

static void plan_mids(struct media_plan *plan, const struct sdp *offer_a)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		struct media_line *line = &plan->line[i];

		if (line->active && line->a.dtls && needs_mid(plan, i))
			line->a.mid_extension = offer_extension_of(offer_a, i, OFFER_BUNDLE_MID);
	}
}

void offer_bundle_plan(struct media_plan *plan, const struct sdp *offer_a,
		       const struct sdp *answer_b)
{
	const struct view a = { .plan = plan, .s = offer_a };
	const struct view b = { .plan = plan, .s = answer_b, .of_b = true };

	while (drop_torn(plan, &b) || drop_torn(plan, &a))
		continue;
	share_transports(plan, &b);
	share_transports(plan, &a);
	plan_mids(plan, offer_a);
}

static void write_group(struct writer *w, const struct view *v, struct bytes tags)
{
	struct bytes tag;
	bool any = false;
	uint8_t index;

	while (bytes_cut(&tags, ' ', &tag)) {
		if (!offer_bundle_line(v->s, tag, &index) || !takes(v, index))
			continue;
		writer_str(w, any ? " " : "a=group:BUNDLE ");
		writer_bytes(w, tag);
		any = true;
	}
	if (any)
		writer_str(w, "\r\n");
}

void offer_bundle_write(struct writer *w, const struct sdp *offer_a, const struct media_plan *plan)
{
	const struct view v = { .plan = plan, .s = offer_a };
	struct bytes tags, semantics;
	uint16_t line = 0;

	while (sdp_attribute_next(offer_a, SDP_SESSION, "group", &line, &tags)) {
		if (bytes_cut(&tags, ' ', &semantics) && bytes_is(semantics, "BUNDLE"))
			write_group(w, &v, tags);
	}
}
