/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an offer: A's SDP looked at, and written again for B. */
#include <errno.h>

#include "media/offer_crypto.h"
#include "media/offer_formats.h"

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

	if (offer_parse(&s, offer, policy, error))
		return -EBADMSG;

	struct media_plan plan = { .line_count = planned(&s) };

	for (uint8_t i = 0; i < s.media_count; i++) {
		if (offer_line_read(&line, &s, i, policy, error))
			return -EBADMSG;
		offer_line_select(&line, &s, i, policy);
		if (i >= plan.line_count)
			continue;
		plan.line[i].kind = line.kind;
		plan.line[i].active = line.state == OFFER_LINE_RELAYED;
		plan.line[i].a = line.side;
	}
	*lines = plan;
	return 0;
}

struct forwarding {
	const struct sdp *s;
	const struct offer_policy *policy;
	const struct offer_self *to_b;
	const struct sdp *earlier; /* NULL: none */
	struct writer *w;
	struct offer_error refused; /* the first reason of ours */
};

/* B's profile: with feedback as A's, secure as B's terms have it. */
static struct offer_profile profile_for_b(const struct forwarding *k, const struct offer_line *line)
{
	return (struct offer_profile){
		.secure = k->policy->b.sdes_offer || k->policy->b.sdes_only,
		.feedback = line->profile.feedback,
	};
}

/* NULL, or why B cannot be offered it. */
static const char *write_relayed(struct forwarding *k, uint8_t index, const struct offer_line *line)
{
	struct offer_profile profile = profile_for_b(k, line);
	struct offer_formats formats;
	struct crypto crypto = { 0 };
	struct offer_media media = {
		.kind = line->kind,
		.name = sdp_slice(k->s, k->s->sections[index + 1].kind),
		.proto = bytes_str(offer_profile_name(profile)),
		.formats = &formats,
		.terms = &k->policy->b,
		.address = &k->to_b->address,
		.port = k->to_b->rtp_port[index],
		.direction = { line->side.sends, line->side.receives },
		.mux_offer = k->policy->rtcp_mux,
		.feedback = true,
		.crypto = profile.secure ? &crypto : NULL,
	};

	offer_formats_fill(&formats, line, k->s, index, k->policy, k->earlier);
	if (formats.count == 0)
		return "no payload type is free";
	if (profile.secure && !offer_crypto_offer(&crypto, &k->to_b->keys[index]))
		return "no key for it";
	offer_write_media(k->w, k->s, index + 1U, &media);
	crypto_wipe(&crypto);
	return NULL;
}

/* 1: relayed, 0: not, or -EBADMSG. */
static int forward_line(struct forwarding *k, uint8_t index, struct offer_error *error)
{
	struct offer_line line;
	const char *reason = NULL;

	if (offer_line_read(&line, k->s, index, k->policy, error))
		return -EBADMSG;
	offer_line_select(&line, k->s, index, k->policy);
	if (line.state == OFFER_LINE_RELAYED) {
		reason = k->to_b->rtp_port[index] ? write_relayed(k, index, &line)
						  : "no port for it";
	}
	if (reason)
		offer_line_refuse(&line, k->s, index, reason);
	offer_error_note(&k->refused, &line);
	if (line.state != OFFER_LINE_RELAYED)
		offer_write_refused(k->w, k->s, index + 1U);
	return line.state == OFFER_LINE_RELAYED;
}

static int forward_lines(struct forwarding *k, struct offer_error *error)
{
	int relayed = 0;

	offer_write_session(k->w, k->s, k->to_b);
	for (uint8_t i = 0; i < k->s->media_count; i++) {
		int one = forward_line(k, i, error);

		if (one < 0)
			return one;
		relayed += one;
	}
	if (!relayed && k->refused.reason) {
		*error = k->refused;
		return -ENOTSUP;
	}
	return offer_fits(k->w, error);
}

int offer_forward(struct bytes offer_a, const struct offer_policy *policy,
		  const struct offer_self *to_b, struct writer *offer_b, struct offer_error *error)
{
	struct sdp s, earlier;
	struct sdp_error ignored;
	struct forwarding k = { .s = &s, .policy = policy, .to_b = to_b, .w = offer_b };

	if (offer_parse(&s, offer_a, policy, error))
		return -EBADMSG;
	if (to_b->earlier.n && sdp_parse(&earlier, to_b->earlier, &ignored) == 0)
		k.earlier = &earlier;
	return forward_lines(&k, error);
}
