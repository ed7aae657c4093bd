/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the answer makes of an offer. First, which formats A's offer, our offer and B's answer have
 * in common on an m-line, or what the node answers by itself (offer_agree). Second, how two legs
 * that agreed separately are joined (bridge_map, bridge_fit): the payload rules of each direction,
 * with transcoding where codecs differ (RFC 3264 6.1, RFC 4733 2.1). offer/answer.c and sig/call
 * use it for every answer, transfer and restart. Pure: the same texts and terms always give the
 * same plan, so a restored call gets its old one.
 */

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/compiler.h"
#include "media/offer/agree.h"
#include "media/offer/line.h"
#include "media/offer/own.h"
#include "media/offer/session.h"
#include "media/payload.h"

struct rules {
	struct media_side *side;
	const struct ruling *k;
	uint8_t target; /* the other party's format for transcoded audio */
};

static bool line_has(const struct session_line *line, enum media_codec codec)
{
	for (uint8_t i = 0; i < line->format_count; i++) {
		if (session_codec(&line->formats[i]) == codec)
			return true;
	}
	return false;
}

/* The other party is sent it transcoded. A codec that one party has under two numbers and the other
 * under one is not missing. */
static bool format_is_transcodable(const struct rules *r, uint8_t format)
{
	enum media_codec codec = session_codec(&r->k->own->formats[format]);

	return r->target != PAYLOAD_NONE && r->k->to_other[format] == PAYLOAD_NONE &&
	       media_codec_is_transcodable(codec) && !line_has(r->k->other, codec);
}

/* From 1, as rules count. There is room for all codecs that are spoken. */
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

/* An event keeps its timestamps if both streams have its clock (RFC 4733 2.1); else sent anew. */
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

/* RFC 3389 2: comfort noise belongs to the codec that fell silent, so it is dropped where that
 * codec is transcoded. */
static bool noise_is_torn(const struct rules *r, const struct session_format *f)
{
	bool torn = false;

	for (uint8_t i = 0; i < r->k->own->format_count; i++)
		torn |= format_is_transcodable(r, i);
	return torn && bytes_iis(f->name, "CN");
}

/* False: the party may not send it. An event that the other party does not take has no number
 * there: reported, not relayed. */
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

/* RFC 3264 5.1, 6.1: each SDP says under which numbers its author receives. So a party should send
 * under the numbers that we gave; some use those of their own text, which is accepted if ours gives
 * the number no other meaning. */
static void rules_make(struct media_side *side, const struct ruling *k)
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

/* Disallowed lines and codecs are not in our offer either, and the terms may have changed since:
 * after a restart the texts of a call are read again. */
static int read_line_of_a(struct offer_line *out, const struct offer_answering *k, uint8_t index,
			  struct offer_error *error)
{
	struct offer_policy as_offered = { .a.digits = k->policy->a.digits,
					   .a.video_codecs = OFFER_VIDEO_ALL,
					   .b.video_codecs = OFFER_VIDEO_ALL };

	if (offer_policy_codes(
		    k->policy)) { /* one that A may not have can be one of ours in our offer */
		as_offered.a.codec_count = k->policy->a.codec_count;
		memcpy(as_offered.a.codecs, k->policy->a.codecs, sizeof(as_offered.a.codecs));
	}

	if (offer_line_read(out, k->offer_a, index, k->policy, error))
		return -EBADMSG;
	offer_line_select_formats(out, k->offer_a, index, &as_offered);
	return 0;
}

static void agreement_add(struct offer_agreement *g, const struct payload *meaning, uint8_t a,
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

/* One format of B's; in our offer it is A's format to_a, or an event of ours. True: both have it,
 * and it is a codec. */
static bool add_answered(struct offer_agreement *g, const struct payload_list *formats_a,
			 const struct session_format *b, const struct payload *offered,
			 uint8_t to_a)
{
	const struct payload *a = to_a == PAYLOAD_NONE ? NULL : &formats_a->at[to_a];

	if (a)
		agreement_add(g, a, a->number, b->from, b->to);
	else if (payload_is_event(offered))
		agreement_add(g, offered, PAYLOAD_NONE, b->from, b->to);
	return a && payload_is_codec(a);
}

/* False: nothing in common, or nothing but events and noise where there was more on offer. */
static bool agree_find_common(struct offer_agreement *g, const struct offer_answering *k,
			      uint8_t index, const struct payload_list *formats_a)
{
	const struct session_line *b = &k->b->line[index];
	struct payload_list offered;
	uint8_t to_a[PAYLOAD_RULES_MAX];
	bool codec = false, common = false;

	payload_list_read(&offered, k->offer_b, index + 1U);
	payload_match(&offered, formats_a, to_a);
	for (uint8_t i = 0; i < b->format_count; i++) {
		const struct payload *p = payload_find(&offered, b->formats[i].from);
		uint8_t at = to_a[p - offered.at];

		common |= at != PAYLOAD_NONE;
		codec |= add_answered(g, formats_a, &b->formats[i], p, at);
	}
	return common && (codec || !payload_list_has_codec(formats_a));
}

/* Digits stay: noise is of a codec. */
static void agreement_keep_events(struct offer_agreement *g)
{
	uint8_t kept = 0;

	for (uint8_t i = 0; i < g->count; i++) {
		if (g->at[i].event)
			g->at[kept++] = g->at[i];
	}
	g->count = kept;
}

/* A's first codec that the node speaks, else the first coded by a module. NULL: no such codec. */
static const struct payload *transcoded_of(const struct payload_list *formats)
{
	const struct payload *module = NULL;

	for (uint8_t i = 0; i < formats->count; i++) {
		enum media_codec codec = media_codec_of(&formats->at[i]);

		if (codec < MEDIA_CODECS)
			return &formats->at[i];
		if (!module && media_codec_is_transcodable(codec))
			module = &formats->at[i];
	}
	return module;
}

/* Transcodes between that codec and one of B. False: B has no codec for it. */
static bool agree_transcoded(struct offer_agreement *g, const struct offer_answering *k,
			     uint8_t index, const struct payload_list *formats)
{
	const struct payload *p = transcoded_of(formats);

	if (!p || g->kind != MEDIA_AUDIO || !offer_policy_codes(k->policy) ||
	    session_spoken(&k->b->line[index]) == PAYLOAD_NONE)
		return false;
	agreement_keep_events(g);
	memmove(&g->at[1], &g->at[0], (PAYLOAD_RULES_MAX - 1) * sizeof(g->at[0]));
	if (g->count == PAYLOAD_RULES_MAX)
		g->count--;
	g->at[0] = (struct offer_agreed){ .a = p->number,
					  .offered = PAYLOAD_NONE,
					  .answered = PAYLOAD_NONE,
					  .clock_hz = p->clock_hz,
					  .name = p->name,
					  .encoding = p->encoding };
	g->count++;
	return true;
}

static const char *agree_refusal(const struct offer_answering *k,
				 const struct payload_list *formats)
{
	return offer_policy_codes(k->policy) && payload_list_has_codec(formats)
		       ? offer_own_lacks(formats)
		       : "no codec in common";
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

/* If B takes no events, we take A's, for INFO to B: those of clocks that A uses, else the first. */
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
			agreement_add(g, p, p->number, PAYLOAD_NONE, PAYLOAD_NONE);
	}
	if (first && !has_event_of_a(g))
		agreement_add(g, first, first->number, PAYLOAD_NONE, PAYLOAD_NONE);
}

/* RTP clock of the first codec. 0: there is no codec. */
static uint32_t agreed_first_clock(const struct offer_agreement *g)
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
static void agreement_part(struct offer_agreement *g, uint8_t index)
{
	struct offer_agreed *f = &g->at[index];

	if (f->a == PAYLOAD_NONE || f->answered == PAYLOAD_NONE || g->count == PAYLOAD_RULES_MAX)
		return;
	g->at[g->count] = *f;
	g->at[g->count].offered = g->at[g->count].answered = PAYLOAD_NONE;
	g->count++;
	f->a = PAYLOAD_NONE;
}

/* Chromium sends digits in the slowest clock of the agreed events, whatever the clock of its audio:
 * so only one is agreed. Firefox only knows events of 8000 Hz, and with opus sends three ends of
 * 960 units at once, which phones do not recognise as a digit. So events without the clock of the
 * audio end here, and are sent anew. */
static void agreed_keep_one_clock(struct offer_agreement *g, const struct payload_list *formats)
{
	uint32_t clock_hz = agreed_first_clock(g);
	uint8_t count = g->count;
	bool found;

	for (uint8_t i = 0; i < formats->count && !has_event_in(g, clock_hz); i++) {
		const struct payload *p = &formats->at[i];

		if (payload_is_event(p) && p->clock_hz == clock_hz)
			agreement_add(g, p, p->number, PAYLOAD_NONE, PAYLOAD_NONE);
	}
	found = has_event_in(g, clock_hz);
	for (uint8_t i = 0; i < count; i++) {
		if (!g->at[i].event || g->at[i].clock_hz == clock_hz)
			continue;
		if (found)
			g->at[i].a = PAYLOAD_NONE;
		else if (g->a.ice) /* a browser; phones send them as they should */
			agreement_part(g, i);
	}
}

/* In the place of a line of A's offer B may have another one, where its offer was another one. */
static bool line_is_that_of_b(const struct offer_answering *k, uint8_t index,
			      const struct offer_line *a)
{
	const struct sdp_section *m = &k->offer_a->sections[index + 1];
	const struct session_line *b = &k->b->line[index];

	if (!k->b_apart)
		return true;
	return b->kind == a->kind &&
	       (a->kind != MEDIA_OPAQUE || (bytes_ieq(b->media, sdp_slice(k->offer_a, m->kind)) &&
					    bytes_ieq(b->proto, sdp_slice(k->offer_a, m->proto))));
}

/* Why A cannot be answered what B has; NULL: it can. */
static const char *line_settle(struct offer_agreement *g, const struct offer_answering *k,
			       uint8_t index, const struct offer_line *a)
{
	bool transcoded = false;

	if (!line_is_that_of_b(k, index, a))
		return "another line with the other party";
	if (a->kind == MEDIA_OPAQUE)
		return NULL;
	if (!agree_find_common(g, k, index, &a->formats)) {
		transcoded = agree_transcoded(g, k, index, &a->formats);
		if (!transcoded)
			return agree_refusal(k, &a->formats);
	}
	keep_events_of_a(g, &a->formats);
	if (transcoded || a->profile.dtls)
		agreed_keep_one_clock(g, &a->formats);
	return NULL;
}

static void describe(struct offer_agreement *out, const struct offer_line *a)
{
	out->kind = a->kind;
	out->a = a->side;
	out->profile_a = a->profile;
}

static void line_agree(struct offer_agreement *out, const struct offer_answering *k, uint8_t index,
		       const struct offer_line *a)
{
	const struct session_line *b = &k->b->line[index];

	out->reason = b->reason;
	out->number = b->number;
	if (b->active) {
		out->reason = line_settle(out, k, index, a);
		out->number = out->reason ? k->answer_b->sections[index + 1].first : 0;
	}
	out->state = out->reason ? OFFER_LINE_REFUSED
		     : b->active ? OFFER_LINE_RELAYED
				 : OFFER_LINE_OFF;
}

static const char *settle_video(struct offer_agreement *g, const struct offer_line *a,
				const struct offer_capabilities *own)
{
	struct own_video *p = &g->video;

	if (!own->video)
		return "no codec in common";
	own_video_choose(p, &a->formats, own);
	for (uint8_t i = 0; i < p->count; i++) {
		const struct payload *f = &a->formats.at[p->at[i]];

		agreement_add(g, f, f->number, PAYLOAD_NONE, PAYLOAD_NONE);
		g->at[g->count - 1].parameters = bytes_mem(p->parameters[i], p->length[i]);
	}
	return g->count ? NULL : "no codec in common";
}

static const char *settle_own(struct offer_agreement *g, const struct offer_line *a,
			      const struct offer_capabilities *own)
{
	if (a->kind == MEDIA_VIDEO)
		return settle_video(g, a, own);
	for (uint8_t i = 0; i < a->formats.count; i++) {
		const struct payload *p = &a->formats.at[i];

		if (a->kind == MEDIA_AUDIO && offer_own_has(own, p))
			agreement_add(g, p, p->number, PAYLOAD_NONE, PAYLOAD_NONE);
	}
	if (g->count == 0)
		return "no codec in common";
	if (own->events)
		keep_events_of_a(g, &a->formats);
	if (own->events && a->profile.dtls)
		agreed_keep_one_clock(g, &a->formats);
	return NULL;
}

/* A's terms alone count. */
static int agree_own(struct offer_agreement *out, const struct offer_answering *k, uint8_t index,
		     struct offer_error *error)
{
	struct offer_policy policy = *k->policy;
	struct offer_line a;
	const char *reason;

	policy.b = (struct offer_terms){ .video_codecs = OFFER_VIDEO_ALL };
	if (offer_line_read(&a, k->offer_a, index, &policy, error))
		return -EBADMSG;
	offer_line_select(&a, k->offer_a, index, &policy);
	reason = a.state == OFFER_LINE_RELAYED ? settle_own(out, &a, k->own) : NULL;
	if (reason)
		offer_line_refuse(&a, k->offer_a, index, reason);
	describe(out, &a);
	out->state = a.state;
	out->reason = a.reason;
	out->number = a.number;
	return 0;
}

int offer_agree(struct offer_agreement *out, const struct offer_answering *k, uint8_t index,
		struct offer_error *error)
{
	struct offer_line a;

	memset(out, 0, offsetof(struct offer_agreement, video));
	out->state = OFFER_LINE_OFF;
	if (k->own)
		return agree_own(out, k, index, error);
	if (read_line_of_a(&a, k, index, error))
		return -EBADMSG;
	describe(out, &a);
	if (a.state == OFFER_LINE_RELAYED && index < k->offer_b->media_count &&
	    k->offer_b->sections[index + 1].port)
		line_agree(out, k, index, &a);
	return 0;
}

/* One line of each leg, and which formats are the same: the index of the other's, or
 * PAYLOAD_NONE. */
struct pairing {
	const struct session_line *a, *b;
	uint8_t a_to_b[PAYLOAD_RULES_MAX], b_to_a[PAYLOAD_RULES_MAX];
};

static void pair(struct pairing *p, bool from_b)
{
	const struct session_line *wanted = from_b ? p->b : p->a, *among = from_b ? p->a : p->b;
	uint8_t *there = from_b ? p->b_to_a : p->a_to_b, *back = from_b ? p->a_to_b : p->b_to_a;
	uint8_t at_wanted[PAYLOAD_RULES_MAX], at_among[PAYLOAD_RULES_MAX], index[PAYLOAD_RULES_MAX];
	struct payload_list list_wanted, list_among;

	memset(p->a_to_b, PAYLOAD_NONE, sizeof(p->a_to_b));
	memset(p->b_to_a, PAYLOAD_NONE, sizeof(p->b_to_a));
	session_formats_list(&list_wanted, wanted, at_wanted);
	session_formats_list(&list_among, among, at_among);
	payload_match(&list_wanted, &list_among, index);
	for (uint8_t i = 0; i < list_wanted.count; i++) {
		if (index[i] == PAYLOAD_NONE)
			continue;
		there[at_wanted[i]] = at_among[index[i]];
		back[at_among[index[i]]] = at_wanted[i];
	}
}

static bool has_codec(const struct session_line *line)
{
	for (uint8_t i = 0; i < line->format_count; i++) {
		if (session_is_codec(&line->formats[i]))
			return true;
	}
	return false;
}

/* Something, and more than events and noise where one of them has more. */
static bool has_common(const struct pairing *p)
{
	bool common = false;

	for (uint8_t i = 0; i < p->a->format_count; i++) {
		if (p->a_to_b[i] == PAYLOAD_NONE)
			continue;
		if (session_is_codec(&p->a->formats[i]))
			return true;
		common = true;
	}
	return common && !has_codec(p->a) && !has_codec(p->b);
}

static bool has_spoken(const struct pairing *p)
{
	return session_spoken(p->a) != PAYLOAD_NONE && session_spoken(p->b) != PAYLOAD_NONE;
}

static void line_clear(struct media_line *out, enum media_kind kind)
{
	explicit_bzero(out, sizeof(*out));
	out->kind = kind;
	out->a.event_pt = out->b.event_pt = PAYLOAD_NONE;
}

/* Of a cleared line: field by field, since its octets are compared and padding must stay 0. */
static void line_fill(struct media_line *out, const struct session_line *a,
		      const struct session_line *b)
{
	out->active = 1;
	out->lines = (uint8_t)offer_lines_word(a->kind, a->proto);
	out->a = a->side;
	out->b = b->side;
}

/* What the packets are is not ours to know, but that they are the same on both legs. */
static void map_opaque(struct media_line *out, const struct session_line *a,
		       const struct session_line *b)
{
	if (!bytes_ieq(a->media, b->media) || !bytes_ieq(a->proto, b->proto))
		return;
	line_fill(out, a, b);
}

/* from_b: the formats of b are looked for among those of a. */
static NOINLINE void map_line(struct media_line *out, const struct session_line *a,
			      const struct session_line *b, bool from_b, bool codes)
{
	struct pairing p = { .a = a, .b = b };

	line_clear(out, a->active ? a->kind : b->kind);
	if (!a->active || !b->active || a->kind != b->kind)
		return;
	if (a->kind == MEDIA_OPAQUE) {
		map_opaque(out, a, b);
		return;
	}
	pair(&p, from_b);
	codes = codes && a->kind == MEDIA_AUDIO && has_spoken(&p);
	if (!codes && !has_common(&p))
		return;
	line_fill(out, a, b);
	rules_make(&out->a, &(struct ruling){ a, b, p.a_to_b, codes });
	rules_make(&out->b, &(struct ruling){ b, a, p.b_to_a, codes });
}

/* Drops lines carried by a dropped line. True: some were, which may have carried others. */
static bool bridge_drop_torn(struct media_plan *plan)
{
	bool any = false;

	for (uint8_t i = 0; i < plan->line_count; i++) {
		struct media_line *line = &plan->line[i];

		if (!line->active ||
		    (plan->line[line->a.bundle].active && plan->line[line->b.bundle].active))
			continue;
		line_clear(line, line->kind);
		any = true;
	}
	return any;
}

/* Lines are joined by their place in the SDP: of two legs that carry one call it is the same. */
static const struct session_line *line_for(const struct session *of, uint8_t index)
{
	static const struct session_line none = { .side.event_pt = PAYLOAD_NONE };

	return index < of->line_count ? &of->line[index] : &none;
}

void bridge_map(const struct session *a, const struct session *b, bool codes,
		struct media_plan *out)
{
	bool from_b = b->we_offered || !a->we_offered;
	uint8_t count = a->line_count > b->line_count ? a->line_count : b->line_count;

	memset(out, 0, offsetof(struct media_plan, line));
	out->line_count = count;
	for (uint8_t i = 0; i < MEDIA_LINES_MAX; i++) {
		if (i < count)
			map_line(&out->line[i], line_for(a, i), line_for(b, i), from_b, codes);
		else
			out->line[i] = (struct media_line){ 0 };
	}
	while (bridge_drop_torn(out))
		continue;
}

/* Each codec of the line is one of the other's, too. */
static bool are_accepted(const struct session_line *line, const uint8_t *to_other)
{
	for (uint8_t i = 0; i < line->format_count; i++) {
		if (session_is_codec(&line->formats[i]) && to_other[i] == PAYLOAD_NONE)
			return false;
	}
	return true;
}

static NOINLINE void fit_sound(const struct session_line *a, const struct session_line *b,
			       bool from_b, struct bridge_fit *fit)
{
	struct pairing p = { .a = a, .b = b };

	if (!a->active || !b->active || a->kind != MEDIA_AUDIO || b->kind != MEDIA_AUDIO)
		return;
	pair(&p, from_b);
	fit->transcoded = fit->transcoded && (has_common(&p) || has_spoken(&p));
	fit->common = fit->common && has_common(&p);
	fit->whole = fit->whole && are_accepted(a, p.a_to_b) && are_accepted(b, p.b_to_a);
}

static bool any_active(const struct media_plan *plan)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		if (plan->line[i].active)
			return true;
	}
	return false;
}

static NOINLINE void fit_legs(const struct session *a, const struct session *b, void *out)
{
	bool from_b = b->we_offered || !a->we_offered;
	struct bridge_fit *fit = out;
	struct media_plan plan;

	bridge_map(a, b, false, &plan);
	*fit = (struct bridge_fit){ .common = any_active(&plan), .whole = true };
	bridge_map(a, b, true, &plan);
	fit->transcoded = any_active(&plan);
	for (uint8_t i = 0; i < plan.line_count; i++)
		fit_sound(line_for(a, i), line_for(b, i), from_b, fit);
	fit->whole = fit->whole && fit->common;
	fit->transcoded = fit->transcoded && !fit->common;
	explicit_bzero(&plan, sizeof(plan));
}

typedef void pair_fn(const struct session *a, const struct session *b, void *out);

/* Two sessions are large: each is in a frame of its own. */
static NOINLINE int session_pair_second(const struct session *a, const struct session_texts *b,
					pair_fn *take, void *out, struct offer_error *error)
{
	struct session s;
	int err = session_read(&s, b, error);

	if (err)
		return err;
	take(a, &s, out);
	session_wipe(&s);
	return 0;
}

static int session_pair_read(const struct session_texts *a, const struct session_texts *b,
			     pair_fn *take, void *out, struct offer_error *error)
{
	struct session s;
	int err = session_read(&s, a, error);

	if (err)
		return err;
	err = session_pair_second(&s, b, take, out, error);
	session_wipe(&s);
	return err;
}

int bridge_fit(const struct session_texts *a, const struct session_texts *b, struct bridge_fit *out,
	       struct offer_error *error)
{
	*out = (struct bridge_fit){ 0 };
	return session_pair_read(a, b, fit_legs, out, error);
}

static void bridge_map_plain(const struct session *a, const struct session *b, void *out)
{
	bridge_map(a, b, false, out);
}

static void bridge_map_transcoded(const struct session *a, const struct session *b, void *out)
{
	bridge_map(a, b, true, out);
}

int bridge_read(const struct session_texts *a, const struct session_texts *b, bool codes,
		struct media_plan *out, struct offer_error *error)
{
	*out = (struct media_plan){ 0 };
	return session_pair_read(a, b, codes ? bridge_map_transcoded : bridge_map_plain, out,
				 error);
}
