/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer_extension.h"

#include "media/offer_profile.h"
#include "media/transport_cc.h"

enum { EXTENSION_LAST = 14 }; /* RFC 8285 4.2 */

/* RFC 8285 5: "4 URI" or "4/sendonly URI", and attributes of the extension. */
static bool cut(struct bytes value, uint32_t *number, struct bytes *uri)
{
	struct bytes first;

	if (!bytes_cut(&value, ' ', &first) || !bytes_cut(&value, ' ', uri))
		return false;
	first = bytes_sub(first, 0, bytes_find(first, '/'));
	return bytes_u32(first, number) == 0;
}

static uint8_t find(const struct sdp *s, unsigned section, const char *uri)
{
	struct bytes value, name;
	uint16_t line = 0;
	uint32_t n;

	while (sdp_attribute_next(s, section, "extmap", &line, &value)) {
		if (cut(value, &n, &name) && bytes_is(name, uri))
			return n > EXTENSION_LAST ? 0 : (uint8_t)n;
	}
	return 0;
}

uint8_t offer_extension_of(const struct sdp *s, uint8_t index, const char *uri)
{
	return find(s, index + 1U, uri);
}

uint8_t offer_extension_of_layers(const struct sdp *offer, uint8_t index)
{
	struct bytes layers;

	return sdp_attribute(offer, index + 1U, "simulcast", &layers)
		       ? offer_extension_of(offer, index, OFFER_RID)
		       : 0;
}

uint8_t offer_extension_of_layers_before(const struct sdp *earlier, uint8_t index)
{
	return earlier && index < earlier->media_count
		       ? offer_extension_of(earlier, index, OFFER_RID)
		       : 0;
}

static void note_numbers(const struct sdp *s, unsigned section, bool taken[EXTENSION_LAST + 1])
{
	struct bytes value, name;
	uint16_t line = 0;
	uint32_t n;

	while (sdp_attribute_next(s, section, "extmap", &line, &value)) {
		if (cut(value, &n, &name) && n <= EXTENSION_LAST)
			taken[n] = true;
	}
}

uint8_t offer_extension_choose(const struct sdp *earlier, const char *uri)
{
	bool taken[EXTENSION_LAST + 1] = { true };
	uint8_t number = 0;

	for (unsigned i = SDP_SESSION; earlier && i <= earlier->media_count && !number; i++) {
		number = find(earlier, i, uri);
		note_numbers(earlier, i, taken);
	}
	for (uint8_t i = 1; i <= EXTENSION_LAST && !number; i++)
		number = taken[i] ? 0 : i;
	return number;
}

bool offer_feedback_has(const struct sdp *s, unsigned section, uint8_t number, const char *feedback)
{
	struct bytes rest, word;
	uint16_t line = 0;
	uint32_t n;

	while (sdp_attribute_next(s, section, "rtcp-fb", &line, &rest)) {
		rest = bytes_trim(rest);
		if (bytes_cut(&rest, ' ', &word) &&
		    (bytes_is(word, "*") || (!bytes_u32(word, &n) && n == number)) &&
		    bytes_iis(bytes_trim(rest), feedback))
			return true;
	}
	return false;
}

/* Of any format that is left. */
static bool wants_feedback(const struct sdp *s, uint8_t index, const struct media_side *side,
			   const char *feedback)
{
	for (uint8_t i = 0; i < side->rule_count; i++) {
		if (offer_feedback_has(s, index + 1U, side->rules[i].in, feedback))
			return true;
	}
	return false;
}

/* An answer may have what it was offered (RFC 8285 6). */
static void plan_leg(struct media_plan *plan, const struct sdp *s, const struct sdp *asked,
		     bool of_b)
{
	uint8_t owner = UINT8_MAX;
	bool several = false;

	for (uint8_t i = 0; i < plan->line_count; i++) {
		struct media_side *side = of_b ? &plan->line[i].b : &plan->line[i].a;

		if (!plan->line[i].active || !side->ice ||
		    !wants_feedback(s, i, side, OFFER_TRANSPORT_CC))
			continue;
		if (!asked || offer_extension_of(asked, i, TRANSPORT_CC_URI))
			side->cc_extension = offer_extension_of(s, i, TRANSPORT_CC_URI);
		if (!side->cc_extension)
			continue;
		several |= owner != UINT8_MAX && owner != side->bundle;
		owner = side->bundle;
	}
	for (uint8_t i = 0; i < plan->line_count && several; i++)
		(of_b ? &plan->line[i].b : &plan->line[i].a)->cc_extension = 0;
}

void offer_extension_plan(struct media_plan *plan, const struct sdp *offer_a,
			  const struct sdp *offer_b, const struct sdp *answer_b)
{
	plan_leg(plan, offer_a, NULL, false);
	plan_leg(plan, answer_b, offer_b, true);
}

/* Of RTP/AVP we ask for none between legs of two kinds, though the party said so. */
static bool has_profile_of_feedback(const struct sdp *s, uint8_t index)
{
	struct offer_profile profile;

	return offer_profile_read(&profile, sdp_slice(s, s->sections[index + 1].proto)) &&
	       profile.feedback;
}

/* To one of RTP/AVP nothing is said that another profile has. */
static bool passes_feedback(const struct sdp *offer_a, const struct sdp *answer_b, uint8_t index)
{
	return has_profile_of_feedback(offer_a, index) || !has_profile_of_feedback(answer_b, index);
}

void offer_feedback_plan(struct media_plan *plan, const struct sdp *offer_a,
			 const struct sdp *offer_b, const struct sdp *answer_b)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		struct media_line *line = &plan->line[i];
		bool of_b;

		if (!line->active || line->kind != MEDIA_VIDEO)
			continue;
		of_b = wants_feedback(answer_b, i, &line->b, OFFER_NACK);
		line->b.nack = of_b && wants_feedback(offer_b, i, &line->b, OFFER_NACK);
		line->a.nack = wants_feedback(offer_a, i, &line->a, OFFER_NACK) &&
			       (line->a.dtls || line->b.dtls
					? has_profile_of_feedback(offer_a, i)
					: of_b && passes_feedback(offer_a, answer_b, i));
	}
}
