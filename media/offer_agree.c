/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer_agree.h"

#include <errno.h>

/* The three views of one m-line. */
struct views {
	struct offer_line a, b;
	struct payload_list offered;
};

/* Lines and codecs that were not allowed are not in our offer either, and the terms may have changed since: after a
 * restart the texts of a call are read again. */
static void select_of_a(struct views *v, const struct offer_exchange *x, uint8_t index,
			const struct offer_policy *policy)
{
	const struct offer_policy as_offered = { .a.no_events = policy->a.no_events,
						 .a.video_codecs = OFFER_VIDEO_ALL,
						 .b.video_codecs = OFFER_VIDEO_ALL };

	offer_line_select_formats(&v->a, &x->offer_a, index, &as_offered);
}

static int read_views(struct views *v, const struct offer_exchange *x, uint8_t index,
		      const struct offer_policy *policy, struct offer_error *error)
{
	if (offer_line_read(&v->a, &x->offer_a, index, policy, error))
		return -EBADMSG;
	select_of_a(v, x, index, policy);
	payload_list_read(&v->offered, &x->offer_b, index + 1U);
	v->b = (struct offer_line){
		.state = OFFER_LINE_OFF
	}; /* some answers end with the last line they took */
	if (index >= x->answer_b.media_count)
		return 0;
	if (offer_line_read(&v->b, &x->answer_b, index, policy, error))
		return -EBADMSG;
	if (v->b.state != OFFER_LINE_OFF && v->b.kind != v->a.kind) {
		offer_line_refuse(&v->b, &x->answer_b, index, "another media type than offered");
		*error = (struct offer_error){ .line = v->b.number, .reason = v->b.reason };
		return -EBADMSG;
	}
	return 0;
}

static void add(struct offer_agreement *g, const struct payload *meaning, uint8_t a,
		uint8_t offered, uint8_t answered)
{
	if (g->count == PAYLOAD_RULES_MAX)
		return;
	g->at[g->count++] = (struct offer_agreed){
		.a = a,
		.offered = offered,
		.answered = answered,
		.event = payload_is_event(meaning),
		.clock_hz = meaning->clock_hz,
		.name = meaning->name,
		.encoding = meaning->encoding,
	};
}

/* One format of B's; in offered it is what A has at to_a, or an event of ours. True: both have it, and it is a codec. */
static bool add_answered(struct offer_agreement *g, const struct views *v, uint8_t answered,
			 const struct payload *offered, uint8_t to_a)
{
	const struct payload *a = to_a == PAYLOAD_NONE ? NULL : &v->a.formats.at[to_a];

	if (a)
		add(g, a, a->number, offered->number, answered);
	else if (payload_is_event(offered))
		add(g, offered, PAYLOAD_NONE, offered->number, answered);
	return a && payload_is_codec(a);
}

/* False: nothing in common, or nothing but events and noise where there was more on offer. */
static bool find_common(struct offer_agreement *g, const struct views *v)
{
	uint8_t to_offered[PAYLOAD_RULES_MAX], to_a[PAYLOAD_RULES_MAX];
	bool codec = false, common = false;

	payload_match(&v->b.formats, &v->offered, to_offered);
	payload_match(&v->offered, &v->a.formats, to_a);
	for (uint8_t i = 0; i < v->b.formats.count; i++) {
		uint8_t at = to_offered[i];

		if (at == PAYLOAD_NONE)
			continue;
		common |= to_a[at] != PAYLOAD_NONE;
		codec |=
			add_answered(g, v, v->b.formats.at[i].number, &v->offered.at[at], to_a[at]);
	}
	return common && (codec || !payload_list_has_codec(&v->a.formats));
}

static bool has_event_of_a(const struct offer_agreement *g)
{
	for (uint8_t i = 0; i < g->count; i++) {
		if (g->at[i].event && g->at[i].a != PAYLOAD_NONE)
			return true;
	}
	return false;
}

/* RFC 4733 2.1: an event has the clock of the audio it goes with. */
static bool has_clock(const struct offer_agreement *g, uint32_t clock_hz)
{
	for (uint8_t i = 0; i < g->count; i++) {
		if (!g->at[i].event && g->at[i].clock_hz == clock_hz)
			return true;
	}
	return false;
}

/* Where B takes no events, A's are taken by us: B gets them by INFO. Those of A's clocks in use, else its first. */
static void keep_events_of_a(struct offer_agreement *g, const struct payload_list *formats)
{
	const struct payload *first = NULL;

	if (has_event_of_a(g))
		return;
	for (uint8_t i = 0; i < formats->count; i++) {
		const struct payload *p = &formats->at[i];

		if (!payload_is_event(p))
			continue;
		first = first ? first : p;
		if (has_clock(g, p->clock_hz))
			add(g, p, p->number, PAYLOAD_NONE, PAYLOAD_NONE);
	}
	if (first && !has_event_of_a(g))
		add(g, first, first->number, PAYLOAD_NONE, PAYLOAD_NONE);
}

uint32_t offer_agreement_clock_hz(const struct offer_agreement *g)
{
	for (uint8_t i = 0; i < g->count; i++) {
		if (!g->at[i].event)
			return g->at[i].clock_hz;
	}
	return 0;
}

static bool has_event_in(const struct offer_agreement *g, uint32_t clock_hz)
{
	for (uint8_t i = 0; i < g->count; i++) {
		if (g->at[i].event && g->at[i].a != PAYLOAD_NONE && g->at[i].clock_hz == clock_hz)
			return true;
	}
	return false;
}

/* One event as two: A's and B's have no more to do with each other. */
static void part(struct offer_agreement *g, uint8_t index)
{
	struct offer_agreed *f = &g->at[index];

	if (f->a == PAYLOAD_NONE || f->answered == PAYLOAD_NONE || g->count == PAYLOAD_RULES_MAX)
		return;
	g->at[g->count] = *f;
	g->at[g->count].offered = g->at[g->count].answered = PAYLOAD_NONE;
	g->count++;
	f->a = PAYLOAD_NONE;
}

/*
 * Chromium sends its digits in the slowest clock of those it has agreed on, whatever the clock of its audio: so it shall
 * have one. Firefox knows that of 8000 Hz alone, and beside opus sends three ends of 960 units at once, which phones do not take for
 * a digit. What has no counterpart in the clock of the audio is taken by us, and sent anew.
 */
static void keep_one_clock(struct offer_agreement *g, const struct payload_list *formats)
{
	uint32_t clock_hz = offer_agreement_clock_hz(g);
	uint8_t count = g->count;
	bool found;

	for (uint8_t i = 0; i < formats->count && !has_event_in(g, clock_hz); i++) {
		const struct payload *p = &formats->at[i];

		if (payload_is_event(p) && p->clock_hz == clock_hz)
			add(g, p, p->number, PAYLOAD_NONE, PAYLOAD_NONE);
	}
	found = has_event_in(g, clock_hz);
	for (uint8_t i = 0; i < count; i++) {
		if (!g->at[i].event || g->at[i].clock_hz == clock_hz)
			continue;
		if (found)
			g->at[i].a = PAYLOAD_NONE;
		else if (g->a.ice) /* a browser; phones send them as they should */
			part(g, i);
	}
}

/* RFC 5763 5: the answerer chooses, so that actpass is no answer. */
static enum media_dtls_role answered_role(const struct offer_line *b)
{
	switch (b->transport.setup) {
	case OFFER_SETUP_ACTIVE:
		return DTLS_SERVER;
	case OFFER_SETUP_NONE:
	case OFFER_SETUP_PASSIVE:
		return DTLS_CLIENT;
	case OFFER_SETUP_ACTPASS:
	case OFFER_SETUP_OTHER:
		break;
	}
	return DTLS_NONE;
}

/* Why B's answer to a line that we offered is none; NULL: it is one. */
static const char *settle(struct offer_agreement *g, const struct views *v,
			  const struct offer_exchange *x, uint8_t index)
{
	struct offer_profile offered;

	if (!offer_profile_read(&offered,
				sdp_slice(&x->offer_b, x->offer_b.sections[index + 1].proto)) ||
	    offered.secure != v->b.profile.secure ||
	    offered.dtls != v->b.profile.dtls) /* RFC 3264 6.1 */
		return "another transport profile than offered";
	if (v->b.profile.dtls && v->b.transport.fingerprint.hash == MEDIA_HASH_NONE)
		return "no a=fingerprint that can be used";
	if (v->b.profile.dtls && answered_role(&v->b) == DTLS_NONE)
		return "a=setup of the answer is none";
	if (!find_common(g, v))
		return "no codec in common";
	keep_events_of_a(g, &v->a.formats);
	if (v->a.profile.dtls)
		keep_one_clock(g, &v->a.formats);
	return NULL;
}

int offer_agree(struct offer_agreement *out, const struct offer_exchange *x, uint8_t index,
		const struct offer_policy *policy, struct offer_error *error)
{
	struct views v;

	*out = (struct offer_agreement){ .state = OFFER_LINE_OFF };
	if (read_views(&v, x, index, policy, error))
		return -EBADMSG;
	out->kind = v.a.kind;
	out->a = v.a.side;
	out->b = v.b.side;
	if (v.b.profile.dtls)
		out->b.dtls = (uint8_t)answered_role(&v.b);
	out->profile_a = v.a.profile;
	out->profile_b = v.b.profile;
	if (v.a.state != OFFER_LINE_RELAYED || !x->offer_b.sections[index + 1].port)
		return 0;
	if (v.b.state == OFFER_LINE_RELAYED) {
		const char *reason = settle(out, &v, x, index);

		if (reason)
			offer_line_refuse(&v.b, &x->answer_b, index, reason);
	}
	out->state = v.b.state;
	out->reason = v.b.reason;
	out->number = v.b.number;
	return 0;
}
