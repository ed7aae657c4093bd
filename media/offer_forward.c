/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an offer: A's SDP looked at, and written again for B. */
#include <assert.h>
#include <errno.h>

#include "media/offer_line.h"
#include "media/offer_write.h"

enum { DYNAMIC_FIRST = 96, DYNAMIC_LAST = 127 }; /* RFC 3551 6 */

/* "more" than fits into a plan are refused anyway. */
static uint8_t planned(const struct sdp *s)
{
	return s->media_count < MEDIA_LINES_MAX ? s->media_count : MEDIA_LINES_MAX;
}

int offer_inspect(struct bytes offer, const struct offer_policy *policy, struct media_plan *lines,
		  struct offer_error *error)
{
	struct offer_line line;
	struct sdp s;

	if (offer_parse_offer(&s, offer, policy, error))
		return -EBADMSG;

	struct media_plan plan = { .line_count = planned(&s) };

	for (uint8_t i = 0; i < s.media_count; i++) {
		if (offer_line_read(&line, &s, i, policy, error))
			return -EBADMSG;
		offer_line_select(&line, &s, i);
		if (i >= plan.line_count)
			continue;
		plan.line[i].kind = line.kind;
		plan.line[i].active = line.state == OFFER_LINE_RELAYED;
		plan.line[i].a = line.side;
	}
	*lines = plan;
	return 0;
}

/* The event that phones expect under the preferred number: that of the narrow-band codecs, else the first. */
static const struct payload *event_to_move(const struct payload_list *formats)
{
	const struct payload *event = NULL;

	for (uint8_t i = 0; i < formats->count; i++) {
		const struct payload *p = &formats->at[i];

		if (payload_is(p, "red")) /* its blocks name the numbers too (RFC 2198 5) */
			return NULL;
		if (payload_is_event(p) &&
		    (!event || (event->clock_hz != 8000 && p->clock_hz == 8000)))
			event = p;
	}
	return event;
}

/* Numbers with an rtpmap but outside the m-line are taken as well: the party has a use for them. */
static bool is_free(uint8_t number, const struct sdp *s, unsigned section)
{
	struct bytes rest, word;
	uint16_t line = 0;
	uint32_t n;

	for (rest = sdp_slice(s, s->sections[section].formats); bytes_cut(&rest, ' ', &word);) {
		if (!bytes_u32(word, &n) && n == number)
			return false;
	}
	while (sdp_attribute_next(s, section, "rtpmap", &line, &rest)) {
		if (bytes_cut(&rest, ' ', &word) && !bytes_u32(word, &n) && n == number)
			return false;
	}
	return true;
}

static void formats_for_b(struct offer_formats *out, const struct payload_list *formats,
			  const struct sdp *s, unsigned section, uint8_t event_pt)
{
	const struct payload *event = event_to_move(formats);
	bool dynamic = event_pt >= DYNAMIC_FIRST && event_pt <= DYNAMIC_LAST;
	bool move = event && dynamic && is_free(event_pt, s, section);

	out->count = formats->count;
	for (uint8_t i = 0; i < formats->count; i++) {
		const struct payload *p = &formats->at[i];

		out->at[i] = (struct offer_format){ .from = p->number,
						    .to = move && p == event ? event_pt : p->number,
						    .encoding = p->encoding };
	}
}

static void write_relayed(struct writer *w, const struct sdp *s, uint8_t index,
			  const struct offer_line *line, const struct offer_policy *policy,
			  const struct offer_self *to_b)
{
	const struct sdp_section *m = &s->sections[index + 1];
	struct offer_formats formats;
	struct offer_media media = {
		.kind = sdp_slice(s, m->kind),
		.proto = sdp_slice(s, m->proto),
		.formats = &formats,
		.address = &to_b->address,
		.port = to_b->rtp_port[index],
		.direction = { line->side.sends, line->side.receives },
		.mux_offer = policy->rtcp_mux,
	};

	formats_for_b(&formats, &line->formats, s, index + 1U, policy->event_pt);
	offer_write_media(w, s, index + 1U, &media);
}

/* 1: relayed, 0: not, or -EBADMSG. */
static int forward_line(struct writer *w, const struct sdp *s, uint8_t index,
			const struct offer_policy *policy, const struct offer_self *to_b,
			struct offer_error *error, struct offer_error *refused)
{
	struct offer_line line;

	if (offer_line_read(&line, s, index, policy, error))
		return -EBADMSG;
	offer_line_select(&line, s, index);
	if (line.state == OFFER_LINE_RELAYED && !to_b->rtp_port[index])
		offer_line_refuse(&line, s, index, "no port for it");
	offer_error_note(refused, &line);
	if (line.state == OFFER_LINE_RELAYED) {
		write_relayed(w, s, index, &line, policy, to_b);
	} else {
		offer_write_refused(w, s, index + 1U);
	}
	return line.state == OFFER_LINE_RELAYED;
}

int offer_forward(struct bytes offer_a, const struct offer_policy *policy,
		  const struct offer_self *to_b, struct writer *offer_b, struct offer_error *error)
{
	struct offer_error refused = { 0 };
	int relayed = 0;
	struct sdp s;

	if (offer_parse_offer(&s, offer_a, policy, error))
		return -EBADMSG;
	offer_write_session(offer_b, &s, to_b);
	for (uint8_t i = 0; i < s.media_count; i++) {
		int one = forward_line(offer_b, &s, i, policy, to_b, error, &refused);

		if (one < 0)
			return one;
		relayed += one;
	}
	if (!relayed && refused.reason) {
		*error = refused;
		return -ENOTSUP;
	}
	return offer_fits(offer_b, error);
}
