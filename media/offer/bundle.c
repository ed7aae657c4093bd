/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/bundle.h"

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

/* Of A's offer, as A is answered. */
struct view {
	const struct session *answered;
	const struct sdp *s;
};

static bool view_takes(const struct view *v, uint8_t index)
{
	return index < v->answered->line_count && v->answered->line[index].active &&
	       v->answered->line[index].side.dtls != DTLS_NONE;
}

static void write_group(struct writer *w, const struct view *v, struct bytes tags)
{
	struct bytes tag;
	bool any = false;
	uint8_t index;

	while (bytes_cut(&tags, ' ', &tag)) {
		if (!offer_bundle_line(v->s, tag, &index) || !view_takes(v, index))
			continue;
		writer_str(w, any ? " " : "a=group:BUNDLE ");
		writer_bytes(w, tag);
		any = true;
	}
	if (any)
		writer_str(w, "\r\n");
}

void offer_bundle_write(struct writer *w, const struct sdp *offer_a, const struct session *answered)
{
	const struct view v = { .answered = answered, .s = offer_a };
	struct bytes tags, semantics;
	uint16_t line = 0;

	while (sdp_attribute_next(offer_a, SDP_SESSION, "group", &line, &tags)) {
		if (bytes_cut(&tags, ' ', &semantics) && bytes_is(semantics, "BUNDLE"))
			write_group(w, &v, tags);
	}
}
