/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer_agree.h"

#include <errno.h>

/* The three views of one m-line. */
struct views {
	struct offer_line a, b;
	struct payload_list offered;
};

static int read_views(struct views *v, const struct offer_exchange *x, uint8_t index,
		      const struct offer_policy *policy, struct offer_error *error)
{
	if (offer_line_read(&v->a, &x->offer_a, index, policy, error))
		return -EBADMSG;
	offer_line_select(&v->a, &x->offer_a, index);
	payload_list_read(&v->offered, &x->offer_b, index + 1U);
	v->b.state = OFFER_LINE_OFF; /* some answers end with the last line they took */
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

static void add(struct offer_agreement *g, const struct payload *a, uint8_t offered,
		const struct payload *answered)
{
	g->at[g->count++] = (struct offer_agreed){
		.a = a->number,
		.offered = offered,
		.answered = answered->number,
		.event = payload_is_event(a),
		.clock_hz = a->clock_hz,
		.encoding = a->encoding,
	};
}

static bool has_voice(const struct payload_list *list)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (payload_is_voice(&list->at[i]))
			return true;
	}
	return false;
}

/* False: nothing in common, or nothing but events and noise where there was more on offer. */
static bool find_common(struct offer_agreement *g, const struct views *v)
{
	uint8_t to_offered[PAYLOAD_RULES_MAX], to_a[PAYLOAD_RULES_MAX];
	bool voice = false;

	payload_match(&v->b.formats, &v->offered, to_offered);
	payload_match(&v->offered, &v->a.formats, to_a);
	for (uint8_t i = 0; i < v->b.formats.count; i++) {
		uint8_t offered = to_offered[i];

		if (offered == PAYLOAD_NONE || to_a[offered] == PAYLOAD_NONE)
			continue;

		const struct payload *a = &v->a.formats.at[to_a[offered]];

		add(g, a, v->offered.at[offered].number, &v->b.formats.at[i]);
		voice |= payload_is_voice(a);
	}
	return g->count && (voice || !has_voice(&v->a.formats));
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
	if (v.a.state != OFFER_LINE_RELAYED || !x->offer_b.sections[index + 1].port)
		return 0;
	if (v.b.state == OFFER_LINE_RELAYED && !find_common(out, &v))
		offer_line_refuse(&v.b, &x->answer_b, index, "no codec in common");
	out->state = v.b.state;
	out->reason = v.b.reason;
	out->number = v.b.number;
	return 0;
}
