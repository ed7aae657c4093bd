/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/formats.h"

#include <assert.h>

#include "media/codec.h"

enum { DYNAMIC_FIRST = 96, DYNAMIC_LAST = 127 }; /* RFC 3551 6 */

struct numbering {
	struct payload_list wanted;  /* in their order */
	struct payload_list earlier; /* what the numbers have meant */
	const struct payload
		*preferred; /* of wanted: the event that gets the preferred number; NULL: none */
	uint8_t event_pt;
	uint8_t to[PAYLOAD_RULES_MAX]; /* per wanted; PAYLOAD_NONE: not yet */
	bool theirs[128];              /* numbers that the offerer has a use for */
	const struct offer_numbers *others;
};

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

/* Chromium sends its digits in the slowest clock of those it has agreed on, whatever the clock of its audio: so it shall have one. */
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

/* What is coded here and the answerer may have, with digits of each clock (RFC 4733 2.1) where the offerer has any. */
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

void offer_formats_fill(struct offer_formats *out, const struct offer_line *line,
			const struct sdp *s, uint8_t index, const struct offer_policy *policy,
			const struct sdp *earlier, const struct offer_numbers *others)
{
	struct numbering n = { .others = others };

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
