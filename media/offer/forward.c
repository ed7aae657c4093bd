/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes an offer: reads A's SDP, selects what both parties' terms allow, and rewrites it for B
 * (RFC 3264 5, 8). Codecs of the node may be added, events moved to the usual number, and lines put
 * into one BUNDLE group for a browser. Re-offers keep payload numbers and m-line positions of the
 * leg (RFC 3264 8.3.2). sig/call calls it for INVITE, re-INVITE and offers to a second callee.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "media/codec.h"
#include "media/offer/extension.h"
#include "media/offer/line.h"
#include "media/offer/own.h"
#include "media/offer/transport.h"
#include "media/offer/write.h"
#include "media/rtp/transport_cc.h"

/* Which formats the answerer is offered, and under which numbers. */

/* Numbers used by other lines of our offer: a BUNDLE group has one meaning for each (RFC 9143
 * 9.1). */
struct offer_numbers {
	bool taken[128];
};

/* A's lines as B is offered them. */

struct offering {
	const struct sdp *s;
	const struct offer_policy *policy;
	const struct offer_self *to_b;
	const struct sdp *earlier;    /* NULL: no offer before */
	const struct sdp *remote;     /* of B; NULL: nothing */
	bool dtls;                    /* towards B */
	struct offer_numbers numbers; /* given so far; empty before the first line */
};

/* A line, before it is written. */
struct offered {
	struct offer_line line;
	struct offer_profile profile;
	struct offer_formats formats;
};

/* A line that had keys keeps them, even if it would not be offered keys now: a phone that insists
 * on SRTP is never asked to do without. */
static bool had_keys(const struct offering *k, uint8_t index)
{
	struct offer_profile profile;

	return k->earlier && index < k->earlier->media_count &&
	       k->earlier->sections[index + 1].port &&
	       offer_profile_read(&profile,
				  sdp_slice(k->earlier, k->earlier->sections[index + 1].proto)) &&
	       profile.secure;
}

/* B's profile: keys by B's terms, feedback as in A's; towards a phone only if A is not a
 * browser. */
static struct offer_profile profile_for_b(const struct offering *k, uint8_t index,
					  const struct offer_line *line)
{
	const struct offer_terms *terms = &k->policy->b;

	if (k->dtls)
		return (struct offer_profile){ .dtls = true, .feedback = true };
	return (struct offer_profile){
		.secure = terms->sdes_offer || terms->sdes_only ||
			  (terms->sdes_accept && had_keys(k, index)),
		.feedback = line->profile.feedback && !line->profile.dtls,
	};
}

static void offered_note_numbers(struct offer_numbers *numbers, const struct offer_formats *formats)
{
	for (uint8_t i = 0; i < formats->count; i++)
		numbers->taken[formats->at[i].to] = true;
}

/* Of the other lines in one BUNDLE group: what they have, and what those to come have had. */
static struct offer_numbers numbers_of_others(const struct offering *k, uint8_t index)
{
	struct offer_numbers others = k->numbers;
	struct payload_list list;

	for (uint8_t i = index + 1; k->earlier && i < k->earlier->media_count; i++) {
		payload_list_read(&list, k->earlier, i + 1U);
		for (uint8_t j = 0; j < list.count; j++)
			others.taken[list.at[j].number] |= list.at[j].encoding.n > 0;
	}
	return others;
}

static bool text_has_codec(const struct sdp *s, uint8_t index, const struct payload *codec)
{
	struct payload_list list;

	if (!s || index >= s->media_count || !s->sections[index + 1].port)
		return false;
	payload_list_read(&list, s, index + 1U);
	for (uint8_t i = 0; i < list.count; i++) {
		if (payload_same_codec(&list.at[i], codec))
			return true;
	}
	return false;
}

/* B did not name it when it offered, or did not take it when it was offered. */
static bool b_lacks(const struct offering *k, uint8_t index, const struct payload *codec)
{
	return k->remote && index < k->remote->media_count && k->remote->sections[index + 1].port &&
	       !text_has_codec(k->remote, index, codec) &&
	       (k->to_b->remote_is_offer || text_has_codec(k->earlier, index, codec));
}

static bool b_lacks_all(const struct offering *k, uint8_t index, const struct payload_list *formats)
{
	for (uint8_t i = 0; i < formats->count; i++) {
		if (payload_is_codec(&formats->at[i]) && !b_lacks(k, index, &formats->at[i]))
			return false;
	}
	return true;
}

/* Audio is transcoded where it cannot be otherwise. */
static bool line_adds(const struct offering *k, uint8_t index, const struct offer_line *line)
{
	return line->codable && (k->policy->adds_codecs || b_lacks_all(k, index, &line->formats));
}

enum { DYNAMIC_FIRST = 96, DYNAMIC_LAST = 127 }; /* RFC 3551 6 */

struct numbering {
	struct payload_list wanted;  /* in their order */
	struct payload_list earlier; /* what the numbers have meant */
	/* Of `wanted`: the event that gets the preferred number; NULL: no event. */
	const struct payload *preferred;
	uint8_t event_pt;
	uint8_t to[PAYLOAD_RULES_MAX]; /* per wanted; PAYLOAD_NONE: not yet */
	bool theirs[128];              /* numbers that the offerer has a use for */
	const struct offer_numbers *others;
};

/* The event that phones expect under the preferred number: narrow-band, else the first. */
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

/* With the digits of an offerer that uses INFO: the answerer may still take RFC 4733. */
static void add_event(struct payload_list *list, uint32_t clock_hz)
{
	static const struct bytes narrow = BYTES_LIT("telephone-event/8000"),
				  full = BYTES_LIT("telephone-event/48000");

	if (list->count == PAYLOAD_RULES_MAX)
		return;
	list->at[list->count++] = (struct payload){
		.number = PAYLOAD_NONE,
		.channels = 1,
		.clock_hz = clock_hz,
		.name = BYTES_LIT("telephone-event"),
		.encoding = clock_hz == 48000 ? full : narrow,
		.parameters = BYTES_LIT(OFFER_EVENTS),
	};
}

static uint32_t offered_first_clock(const struct payload_list *list)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (payload_is_codec(&list->at[i]))
			return list->at[i].clock_hz;
	}
	return 0;
}

/* Chromium sends digits in the slowest clock of the agreed events, whatever the clock of its audio:
 * so it gets only one. */
static void offered_keep_one_clock(struct payload_list *list)
{
	uint32_t clock_hz = offered_first_clock(list);
	uint8_t kept = 0;
	bool found = false;

	for (uint8_t i = 0; i < list->count; i++) {
		bool event = payload_is_event(&list->at[i]);

		found |= event && list->at[i].clock_hz == clock_hz;
		if (!event || list->at[i].clock_hz == clock_hz)
			list->at[kept++] = list->at[i];
	}
	list->count = kept;
	if (!found && (clock_hz == 8000 || clock_hz == 48000))
		add_event(list, clock_hz);
}

static bool ours_is_wanted(const struct payload_list *list, const struct payload *p,
			   const struct offer_terms *terms)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (payload_same_codec(&list->at[i], p))
			return false;
	}
	return offer_line_may_have(terms, p);
}

/* Behind the offerer's last codec, but before its digits. */
static void insert_ours(struct payload_list *list, const struct payload *p)
{
	uint8_t at = list->count;

	if (list->count == PAYLOAD_RULES_MAX)
		return;
	while (at > 0 && !payload_is_codec(&list->at[at - 1]))
		at--;
	for (uint8_t i = list->count; i > at; i--)
		list->at[i] = list->at[i - 1];
	list->at[at] = *p;
	list->count++;
}

static bool has_event_clock(const struct payload_list *list, uint32_t clock_hz)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (payload_is_event(&list->at[i]) && list->at[i].clock_hz == clock_hz)
			return true;
	}
	return false;
}

static bool has_codec_clock(const struct payload_list *list, uint32_t clock_hz)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (payload_is_codec(&list->at[i]) && list->at[i].clock_hz == clock_hz)
			return true;
	}
	return false;
}

/* Codecs of the node that the answerer may have, with events of each clock (RFC 4733 2.1) if the
 * offerer has any. */
static void add_ours(struct payload_list *list, const struct offer_terms *terms)
{
	uint8_t codecs[MEDIA_CODECS_KNOWN];
	uint8_t count = media_codecs_transcodable(codecs, terms->codec_count != 0);
	bool events = has_event_clock(list, 8000) || has_event_clock(list, 48000);

	for (uint8_t i = 0; i < count; i++) {
		const struct media_codec_facts *facts =
			media_codec_facts((enum media_codec)codecs[i]);

		assert(facts);

		const struct payload p = { .number = PAYLOAD_NONE,
					   .channels = facts->channels,
					   .clock_hz = facts->clock_hz,
					   .name = bytes_str(facts->name),
					   .encoding = bytes_str(facts->encoding),
					   .parameters = bytes_str(
						   facts->parameters ? facts->parameters : "") };

		if (ours_is_wanted(list, &p, terms))
			insert_ours(list, &p);
	}
	if (!events || terms->digits)
		return;
	if (!has_event_clock(list, 8000))
		add_event(list, 8000);
	if (has_codec_clock(list, 48000) && !has_event_clock(list, 48000))
		add_event(list, 48000);
}

static void want_formats(struct numbering *n, const struct offer_line *line,
			 const struct offer_policy *policy)
{
	for (uint8_t i = 0; i < line->formats.count; i++) {
		const struct payload *p = &line->formats.at[i];

		if (!payload_is_event(p) || !policy->b.digits)
			n->wanted.at[n->wanted.count++] = *p;
	}
	if (line->adds)
		add_ours(&n->wanted, &policy->b);
	if (line->kind == MEDIA_AUDIO && !policy->b.digits) {
		if (offer_terms_want_dtls(&policy->b))
			offered_keep_one_clock(&n->wanted);
		else if (policy->a.digits)
			add_event(&n->wanted, 8000);
	}
	n->preferred = event_to_move(&n->wanted);
	n->event_pt = policy->event_pt;
}

/* Numbers with an rtpmap but outside the m-line are taken as well: the party has a use for them. */
static void mark_theirs(struct numbering *n, const struct sdp *s, unsigned section)
{
	struct bytes rest, word;
	uint16_t line = 0;
	uint32_t number;

	for (rest = sdp_slice(s, s->sections[section].formats); bytes_cut(&rest, ' ', &word);) {
		if (!bytes_u32(word, &number) && number < COUNT_OF(n->theirs))
			n->theirs[number] = true;
	}
	while (sdp_attribute_next(s, section, "rtpmap", &line, &rest)) {
		if (bytes_cut(&rest, ' ', &word) && !bytes_u32(word, &number) &&
		    number < COUNT_OF(n->theirs))
			n->theirs[number] = true;
	}
}

/* Where an event of ours takes the place of the offerer's, it may have its number too. */
static void unmark_events(struct numbering *n, const struct sdp *s, unsigned section)
{
	struct payload_list all;

	payload_list_read(&all, s, section);
	for (uint8_t i = 0; i < all.count; i++) {
		if (payload_is_event(&all.at[i]))
			n->theirs[all.at[i].number] = false;
	}
}

static bool is_given(const struct numbering *n, uint8_t number)
{
	for (uint8_t i = 0; i < n->wanted.count; i++) {
		if (n->to[i] == number)
			return true;
	}
	return false;
}

/* Neither given in this offer, nor with another meaning earlier, nor another line's. */
static bool number_is_open(const struct numbering *n, uint8_t number)
{
	return !is_given(n, number) && !payload_find(&n->earlier, number) &&
	       !n->others->taken[number];
}

/* Not the offerer's either: a format of its own may still come for it. */
static bool number_is_free(const struct numbering *n, uint8_t number)
{
	return number >= DYNAMIC_FIRST && number <= DYNAMIC_LAST && !n->theirs[number] &&
	       number_is_open(n, number);
}

/* Of a codec of ours, where it is free. */
static uint8_t number_of_ours(const struct payload *p)
{
	const struct media_codec_facts *facts = media_codec_facts(media_codec_of(p));

	return p->number == PAYLOAD_NONE && facts ? facts->number : PAYLOAD_NONE;
}

static uint8_t choose(const struct numbering *n, const struct payload *p)
{
	uint8_t ours = number_of_ours(p);

	if (p->encoding.n == 0)
		return PAYLOAD_NONE; /* a static type has its one number */
	if (p == n->preferred && number_is_free(n, n->event_pt))
		return n->event_pt;
	if (p->number != PAYLOAD_NONE && number_is_open(n, p->number))
		return p->number;
	if (ours != PAYLOAD_NONE && number_is_free(n, ours))
		return ours;
	for (uint8_t number = DYNAMIC_LAST; number >= DYNAMIC_FIRST; number--) {
		if (number_is_free(n, number))
			return number;
	}
	return PAYLOAD_NONE; /* all in use */
}

static void keep_static(struct numbering *n)
{
	for (uint8_t i = 0; i < n->wanted.count; i++) {
		const struct payload *p = &n->wanted.at[i];
		uint8_t ours = number_of_ours(p);

		n->to[i] = p->encoding.n ? PAYLOAD_NONE : p->number;
		if (ours < DYNAMIC_FIRST)
			n->to[i] = ours;
	}
}

/* RFC 3264 8.3.2: a number keeps its codec for the whole session. */
static void keep_earlier(struct numbering *n)
{
	uint8_t index[PAYLOAD_RULES_MAX];

	payload_match(&n->wanted, &n->earlier, index);
	for (uint8_t i = 0; i < n->wanted.count; i++) {
		if (n->to[i] != PAYLOAD_NONE || index[i] == PAYLOAD_NONE)
			continue;

		uint8_t number = n->earlier.at[index[i]].number;

		if (!is_given(n, number) && !n->others->taken[number])
			n->to[i] = number;
	}
}

static void give_numbers(struct numbering *n)
{
	keep_static(n);
	keep_earlier(n);
	for (uint8_t i = 0; i < n->wanted.count; i++) {
		if (n->to[i] == PAYLOAD_NONE)
			n->to[i] = choose(n, &n->wanted.at[i]);
	}
}

static void read_earlier(struct numbering *n, const struct sdp *earlier, uint8_t index)
{
	bool has_red = false;

	for (uint8_t i = 0; i < n->wanted.count; i++)
		has_red |= payload_is(&n->wanted.at[i], "red");
	if (earlier && index < earlier->media_count && !has_red)
		payload_list_read(&n->earlier, earlier, index + 1U);
}

/* The offerer's formats (selected), without events if the answerer takes digits by INFO, with
 * events of ours if the offerer does, and with codecs of ours if the line adds them; a WebRTC
 * answerer is offered events of one clock, that of the first codec. Numbers: as earlier on that leg
 * (NULL: no earlier offer), else the offerer's; for an event the one that the policy prefers. */
static void offer_formats_fill(struct offer_formats *out, const struct offer_line *line,
			       const struct sdp *s, uint8_t index,
			       const struct offer_policy *policy, const struct sdp *earlier,
			       const struct offer_numbers *others)
{
	struct numbering n;

	n.others = others;
	n.wanted.count = n.earlier.count = 0;
	memset(n.theirs, 0, sizeof(n.theirs));
	want_formats(&n, line, policy);
	read_earlier(&n, earlier, index);
	mark_theirs(&n, s, index + 1U);
	if (policy->a.digits)
		unmark_events(&n, s, index + 1U);
	give_numbers(&n);
	out->count = 0;
	for (uint8_t i = 0; i < n.wanted.count; i++) {
		const struct payload *p = &n.wanted.at[i];

		if (n.to[i] == PAYLOAD_NONE)
			continue;
		out->at[out->count++] = (struct offer_format){
			.from = p->number,
			.to = n.to[i],
			.name = p->name,
			.encoding = p->encoding,
			.parameters =
				p->number == PAYLOAD_NONE ? p->parameters : (struct bytes){ 0 },
		};
	}
}

/* "more" than fits into a plan are refused anyway. */
static uint8_t planned(const struct sdp *s)
{
	return s->media_count < MEDIA_LINES_MAX ? s->media_count : MEDIA_LINES_MAX;
}

/* A text that is parsed and a plan are large: each is in a frame of its own. */
static NOINLINE int inspect_lines(const struct sdp *s, const struct offer_policy *policy,
				  struct media_plan *lines, struct offer_error *error)
{
	struct offer_line line;

	lines->line_count = planned(s);
	for (uint8_t i = 0; i < s->media_count; i++) {
		if (offer_line_read(&line, s, i, policy, error))
			return -EBADMSG;
		offer_line_select(&line, s, i, policy);
		if (i >= lines->line_count)
			continue;
		lines->line[i] = (struct media_line){
			.kind = line.kind,
			.active = line.state == OFFER_LINE_RELAYED,
			.a = line.side,
		};
	}
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

static void fill_formats(struct offering *k, uint8_t index, struct offered *f)
{
	static const struct offer_numbers none;
	struct offer_numbers others = k->dtls ? numbers_of_others(k, index) : none;

	f->line.adds = line_adds(k, index, &f->line);
	offer_formats_fill(&f->formats, &f->line, k->s, index, k->policy, k->earlier, &others);
	offered_note_numbers(&k->numbers, &f->formats);
}

/* NULL, or why B cannot be offered it. */
static const char *offer_to_b(struct offering *k, uint8_t index, struct offered *f)
{
	struct crypto crypto = { 0 };
	bool keyed;

	if (!k->to_b->rtp_port[index])
		return "no port for it";
	if (f->line.kind == MEDIA_OPAQUE)
		return NULL;
	f->profile = profile_for_b(k, index, &f->line);
	fill_formats(k, index, f);
	if (f->formats.count == 0)
		return "no payload type is free";
	if (k->dtls)
		return k->to_b->fingerprint.hash ? NULL : "no certificate for it";
	keyed = !f->profile.secure || offer_crypto_offer(&crypto, &k->to_b->keys[index]);
	crypto_wipe(&crypto);
	return keyed ? NULL : "no key for it";
}

/* 0, whatever becomes of the line, or -EBADMSG. */
static int read_offered(struct offered *f, struct offering *k, uint8_t index,
			struct offer_error *error)
{
	const char *reason = NULL;

	if (offer_line_read(&f->line, k->s, index, k->policy, error))
		return -EBADMSG;
	offer_line_select(&f->line, k->s, index, k->policy);
	if (f->line.state == OFFER_LINE_RELAYED)
		reason = offer_to_b(k, index, f);
	if (reason)
		offer_line_refuse(&f->line, k->s, index, reason);
	return 0;
}

/* All lines of B's offer in one BUNDLE group (RFC 9143 7.2), computed before the lines are
 * written. */
static int offer_offered_group(struct writer *w, struct offering *k, struct offer_error *error)
{
	char text[OFFER_MID_MAX];
	struct offered f;
	bool any = false;

	for (uint8_t i = 0; i < k->s->media_count; i++) {
		if (read_offered(&f, k, i, error))
			return -EBADMSG;
		if (f.line.state != OFFER_LINE_RELAYED)
			continue;
		writer_str(w, any ? " " : "a=group:BUNDLE ");
		writer_bytes(w, offer_webrtc_choose_mid(k->earlier, i, text));
		any = true;
	}
	if (any)
		writer_str(w, "\r\n");
	k->numbers = (struct offer_numbers){ 0 };
	return 0;
}

static struct sdp_direction direction_for_b(const struct offering *k, const struct offer_line *a)
{
	const struct offer_self *b = k->to_b;

	return offer_direction(b, b->both_ways || offer_sends(b, a->kind, a->side.sends),
			       b->both_ways || a->side.receives);
}

static void write_opaque(struct writer *w, const struct offering *k, uint8_t index,
			 const struct offered *f)
{
	const struct sdp_section *m = &k->s->sections[index + 1];
	const struct offer_opaque line = {
		.media = sdp_slice(k->s, m->kind),
		.proto = sdp_slice(k->s, m->proto),
		.port = k->to_b->rtp_port[index],
		.direction = direction_for_b(k, &f->line),
		.record = offer_record_of(&k->to_b->record, MEDIA_OPAQUE, index),
	};

	offer_opaque_write(w, k->s, index, &line);
}

static void write_relayed(struct writer *w, const struct offering *k, uint8_t index,
			  const struct offered *f, struct bytes mid)
{
	const struct media_ice *ice = &k->to_b->ice[index];
	struct crypto crypto = { 0 };
	struct offer_webrtc webrtc = {
		.mid = mid,
		.cc_extension = ice->on ? offer_extension_choose(k->earlier, TRANSPORT_CC_URI) : 0,
		.rid_extension = offer_extension_of_layers_before(k->earlier, index),
		.ice = ice->on ? ice : NULL,
		.fingerprint = &k->to_b->fingerprint,
		.setup = "actpass",
		.stream = k->to_b->session_id,
		.ssrc = k->to_b->ssrc[index],
	};
	struct offer_media media = {
		.kind = f->line.kind,
		.name = sdp_slice(k->s, k->s->sections[index + 1].kind),
		.proto = bytes_str(offer_profile_name(f->profile)),
		.formats = &f->formats,
		.terms = &k->policy->b,
		.address = &k->to_b->address,
		.port = k->to_b->rtp_port[index],
		.direction = direction_for_b(k, &f->line),
		.mux_offer = k->policy->rtcp_mux || k->dtls,
		.feedback = k->dtls || !f->line.profile.dtls,
		.between = k->dtls || f->line.profile.dtls,
		.crypto = f->profile.secure ? &crypto : NULL,
		.webrtc = k->dtls ? &webrtc : NULL,
		.record = offer_record_of(&k->to_b->record, f->line.kind, index),
	};

	if (media.kind == MEDIA_VIDEO && k->to_b->layers)
		offer_layers_before(&webrtc.layers, k->earlier, index);
	if (media.crypto)
		(void)offer_crypto_offer(&crypto, &k->to_b->keys[index]); /* it could before */
	offer_write_media(w, k->s, index + 1U, &media);
	crypto_wipe(&crypto);
}

/* Lines in order, from 0; *refused: our first reason. Returns 1: offered, 0: refused, or
 * -EBADMSG. */
static int offer_offered_write(struct writer *w, struct offering *k, uint8_t index,
			       struct offer_error *refused, struct offer_error *error)
{
	char text[OFFER_MID_MAX];
	struct bytes mid = { 0 };
	struct offered f;

	if (read_offered(&f, k, index, error))
		return -EBADMSG;
	if (k->dtls)
		mid = offer_webrtc_choose_mid(k->earlier, index, text);
	offer_error_note(refused, &f.line);
	if (f.line.state != OFFER_LINE_RELAYED)
		offer_write_refused(w, k->s, index + 1U, mid);
	else if (f.line.kind == MEDIA_OPAQUE)
		write_opaque(w, k, index, &f);
	else
		write_relayed(w, k, index, &f, mid);
	return f.line.state == OFFER_LINE_RELAYED;
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

NOINLINE int offer_forward(struct bytes offer_a, const struct offer_policy *policy,
			   const struct offer_self *to_b, struct writer *offer_b,
			   struct offer_error *error)
{
	struct sdp s;
	struct forwarding k = { .w = offer_b,
				.offering = { .s = &s, .policy = policy, .to_b = to_b } };

	if (offer_parse(&s, offer_a, policy, error))
		return -EBADMSG;
	return line_forward(&k, error);
}

/* Our last text is read like an offer without any restriction. Keys stay, as in any offer. */
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
