/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an offer: A's SDP looked at, and written again for B. */
#include <errno.h>

#include "base/compiler.h"
#include "media/offer/crypto.h"
#include "media/offer/offered.h"
#include "media/offer/own.h"
#include "media/offer/webrtc.h"

/* "more" than fits into a plan are refused anyway. */
static uint8_t planned(const struct sdp *s)
{
	return s->media_count < MEDIA_LINES_MAX ? s->media_count : MEDIA_LINES_MAX;
}

/* A text that is parsed and a plan are large: each is in a frame of its own. */
static NOINLINE int inspect_lines(const struct sdp *s, const struct offer_policy *policy,
				  struct media_plan *lines, struct offer_error *error)
{
	struct media_plan plan = { .line_count = planned(s) };
	struct offer_line line;

	for (uint8_t i = 0; i < s->media_count; i++) {
		if (offer_line_read(&line, s, i, policy, error))
			return -EBADMSG;
		offer_line_select(&line, s, i, policy);
		if (i >= plan.line_count)
			continue;
		plan.line[i].kind = line.kind;
		plan.line[i].active = line.state == OFFER_LINE_RELAYED;
		plan.line[i].a = line.side;
	}
	*lines = plan;
	return 0;
}

int offer_inspect(struct bytes offer, const struct offer_policy *policy, struct media_plan *lines,
		  struct offer_error *error)
{
	struct sdp s;

	if (offer_parse(&s, offer, policy, error))
		return -EBADMSG;
	return inspect_lines(&s, policy, lines, error);
}

const char *offer_lacks_codecs(struct bytes offer_a, const struct offer_policy *policy)
{
	struct offer_error error;
	struct offer_line line;
	struct sdp s;

	if (!policy->a.transcode || !policy->b.transcode ||
	    offer_parse(&s, offer_a, policy, &error))
		return NULL;
	for (uint8_t i = 0; i < planned(&s); i++) {
		if (offer_line_read(&line, &s, i, policy, &error))
			return NULL;
		offer_line_select(&line, &s, i, policy);
		if (line.kind == MEDIA_AUDIO && line.state == OFFER_LINE_RELAYED)
			return line.codable           ? NULL
			       : policy->codings_full ? OFFER_CODINGS_FULL
						      : offer_own_lacks(&line.formats);
	}
	return NULL;
}

struct forwarding {
	struct offering offering;
	struct writer *w;
	struct offer_error refused; /* the first reason of ours */
};

/* A's line, or any of B's. */
static bool is_between(const struct forwarding *k)
{
	struct offer_profile profile;

	for (unsigned i = 1; i <= k->offering.s->media_count; i++) {
		if (offer_profile_read(&profile, sdp_slice(k->offering.s,
							   k->offering.s->sections[i].proto)) &&
		    profile.dtls)
			return true;
	}
	return k->offering.dtls;
}

static bool offer_has_ice(const struct offer_self *self)
{
	for (uint8_t i = 0; i < (uint8_t)MEDIA_LINES_MAX; i++) {
		if (self->ice[i].on)
			return true;
	}
	return false;
}

static int write_head(struct forwarding *k, struct offer_error *error)
{
	offer_write_session(k->w, k->offering.s, k->offering.to_b, is_between(k),
			    k->offering.dtls && offer_has_ice(k->offering.to_b));
	return k->offering.dtls ? offer_offered_group(k->w, &k->offering, error) : 0;
}

static int forward_lines(struct forwarding *k, struct offer_error *error)
{
	int relayed = 0;

	if (write_head(k, error))
		return -EBADMSG;
	for (uint8_t i = 0; i < k->offering.s->media_count; i++) {
		int one = offer_offered_write(k->w, &k->offering, i, &k->refused, error);

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

/* Two texts that are parsed are large: each is in a frame of its own. */
static NOINLINE int forward_remote(struct forwarding *k, struct offer_error *error)
{
	struct bytes text = k->offering.to_b->remote;
	struct sdp_error ignored;
	struct sdp remote;

	if (text.n && sdp_parse(&remote, text, &ignored) == 0)
		k->offering.remote = &remote;
	return forward_lines(k, error);
}

static int line_forward(struct forwarding *k, struct offer_error *error)
{
	struct bytes text = k->offering.to_b->earlier;
	struct sdp_error ignored;
	struct sdp earlier;

	k->offering.dtls = offer_terms_want_dtls(&k->offering.policy->b);
	if (text.n && sdp_parse(&earlier, text, &ignored) == 0)
		k->offering.earlier = &earlier;
	return forward_remote(k, error);
}

int offer_forward(struct bytes offer_a, const struct offer_policy *policy,
		  const struct offer_self *to_b, struct writer *offer_b, struct offer_error *error)
{
	struct sdp s;
	struct forwarding k = { .w = offer_b,
				.offering = { .s = &s, .policy = policy, .to_b = to_b } };

	if (offer_parse(&s, offer_a, policy, error))
		return -EBADMSG;
	return line_forward(&k, error);
}

/* What was said is read like an offer of a party that may have anything. Keys stay where they are, as they do in any offer. */
static struct offer_policy policy_again(const struct offer_policy *policy, const struct sdp *local)
{
	struct offer_policy again = *policy;

	again.video = true;
	again.a = (struct offer_terms){ .sdes_accept = true,
					.dtls_accept = true,
					.lines = OFFER_LINES_ALL,
					.video_codecs = OFFER_VIDEO_ALL };
	again.b.sdes_accept = true;
	again.b.sdes_offer = again.b.sdes_only = again.b.dtls_only = false;
	again.b.dtls_offer = offer_profile_has_dtls(local);
	return again;
}

int offer_again(struct bytes local, const struct offer_policy *policy,
		const struct offer_self *to_b, struct writer *offer_b, struct offer_error *error)
{
	struct offer_policy again;
	struct offer_self self = *to_b;
	struct sdp s;
	struct forwarding k = {
		.w = offer_b,
		.offering = { .s = &s, .policy = &again, .to_b = &self },
	};

	if (offer_parse_own(&s, local, error))
		return -EBADMSG;
	again = policy_again(policy, &s);
	self.both_ways = true;
	if (!self.earlier.n)
		self.earlier = local;
	return line_forward(&k, error);
}
