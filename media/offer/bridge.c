/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/bridge.h"

#include <string.h>

#include "base/compiler.h"
#include "media/offer/agree.h"
#include "media/offer/opaque.h"
#include "media/offer/session.h"

/* One line of each leg, and which formats of theirs are the same: the index of the other's, or PAYLOAD_NONE. */
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

/* Of a line that was cleared: field by field, as its octets are compared and what lies between fields stays 0. */
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

/* A line whose transport is another one's goes with it. True: some did, which may have been another one's transport. */
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

	*out = (struct media_plan){ .line_count = count };
	for (uint8_t i = 0; i < count; i++)
		map_line(&out->line[i], line_for(a, i), line_for(b, i), from_b, codes);
	while (bridge_drop_torn(out))
		continue;
}

/* Each codec of the line is one of the other's, too. */
static bool are_taken(const struct session_line *line, const uint8_t *to_other)
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
	fit->whole = fit->whole && are_taken(a, p.a_to_b) && are_taken(b, p.b_to_a);
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
	explicit_bzero(&s, sizeof(s));
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
	explicit_bzero(&s, sizeof(s));
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
