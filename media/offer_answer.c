/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an answer: B's SDP written again under A's numbers, and what the engine shall do. */
#include <errno.h>

#include "media/offer_agree.h"
#include "media/offer_write.h"

struct answering {
	const struct offer_exchange *x;
	const struct offer_policy *policy;
	const struct offer_self *to_a;
	struct writer *w;
	struct media_plan *plan;
	struct offer_error refused; /* the first reason of ours */
	uint8_t active;             /* lines */
};

static void add_rule(struct media_side *side, uint8_t in, uint8_t out, const struct offer_agreed *f)
{
	for (uint8_t i = 0; i < side->rule_count; i++) {
		if (side->rules[i].in == in)
			return;
	}
	if (side->rule_count == PAYLOAD_RULES_MAX)
		return;
	side->rules[side->rule_count++] = (struct payload_rule){
		.in = in, .out = out, .event = f->event, .clock_hz = f->clock_hz
	};
}

/*
 * RFC 3264 5.1, 6.1: each SDP says under which numbers its author receives. So B shall send under the numbers of our
 * offer; some send under those of their own answer, which is taken where our offer gives the number no other meaning.
 */
static void make_rules(struct media_line *line, const struct offer_agreement *g)
{
	for (uint8_t i = 0; i < g->count; i++) {
		add_rule(&line->a, g->at[i].a, g->at[i].answered, &g->at[i]);
		add_rule(&line->b, g->at[i].offered, g->at[i].a, &g->at[i]);
	}
	for (uint8_t i = 0; i < g->count; i++)
		add_rule(&line->b, g->at[i].answered, g->at[i].a, &g->at[i]);
}

static void settle_mux(struct media_side *side, bool agreed)
{
	side->mux = agreed;
	if (agreed)
		side->rtcp = side->rtp;
}

static void plan_line(struct answering *k, uint8_t index, const struct offer_agreement *g)
{
	struct media_line *line = &k->plan->line[index];
	struct bytes rest;
	bool mux_b = sdp_attribute(&k->x->offer_b, index + 1U, "rtcp-mux", &rest);

	*line = (struct media_line){ .kind = g->kind, .active = 1, .a = g->a, .b = g->b };
	settle_mux(&line->a, line->a.mux && k->policy->rtcp_mux);
	settle_mux(&line->b, line->b.mux && mux_b);
	make_rules(line, g);
	k->active++;
}

static void formats_for_a(struct offer_formats *out, const struct offer_agreement *g)
{
	out->count = g->count;
	for (uint8_t i = 0; i < g->count; i++) {
		out->at[i] = (struct offer_format){ .from = g->at[i].answered,
						    .to = g->at[i].a,
						    .encoding = g->at[i].encoding };
	}
}

/* RFC 3264 6.1: the answer's direction is within what the offer allows. */
static struct sdp_direction direction_for_a(const struct media_line *line)
{
	return (struct sdp_direction){ .sends = line->b.sends && line->a.receives,
				       .receives = line->b.receives && line->a.sends };
}

static void write_line(struct answering *k, uint8_t index, const struct offer_agreement *g)
{
	const struct sdp_section *m = &k->x->offer_a.sections[index + 1];
	const struct media_line *line = &k->plan->line[index];
	struct offer_formats formats;
	struct offer_media media = {
		.kind = sdp_slice(&k->x->offer_a, m->kind),
		.proto = sdp_slice(&k->x->offer_a, m->proto),
		.formats = &formats,
		.address = &k->to_a->address,
		.port = k->to_a->rtp_port[index],
		.direction = direction_for_a(line),
		.mux_answer = line->a.mux,
	};

	formats_for_a(&formats, g);
	offer_write_media(k->w, &k->x->answer_b, index + 1U, &media);
}

static void refuse(struct answering *k, const struct offer_agreement *g, const char *reason)
{
	if (!k->refused.reason) {
		k->refused =
			(struct offer_error){ .status = 488, .line = g->number, .reason = reason };
	}
}

static int answer_line(struct answering *k, uint8_t index, struct offer_error *error)
{
	struct offer_agreement g;
	int err = offer_agree(&g, k->x, index, k->policy, error);

	if (err)
		return err;
	if (g.state == OFFER_LINE_REFUSED)
		refuse(k, &g, g.reason);
	if (g.state == OFFER_LINE_RELAYED && !k->to_a->rtp_port[index]) {
		refuse(k, &g, "no port for it");
		g.state = OFFER_LINE_REFUSED;
	}
	if (g.state != OFFER_LINE_RELAYED) {
		if (index < MEDIA_LINES_MAX)
			k->plan->line[index].kind = g.kind;
		offer_write_refused(k->w, &k->x->offer_a, index + 1U);
		return 0;
	}
	plan_line(k, index, &g);
	write_line(k, index, &g);
	return 0;
}

static int answer_lines(struct answering *k, struct offer_error *error)
{
	uint8_t count = k->x->offer_a.media_count;

	if (k->x->answer_b.media_count > count || k->x->offer_b.media_count != count) {
		*error = (struct offer_error){ .reason = "another number of m-lines than offered" };
		return -EBADMSG;
	}
	k->plan->line_count = count < MEDIA_LINES_MAX ? count : MEDIA_LINES_MAX;
	offer_write_session(k->w, &k->x->answer_b, k->to_a);
	for (uint8_t i = 0; i < count; i++) {
		int err = answer_line(k, i, error);

		if (err)
			return err;
	}
	if (!k->active && k->refused.reason) {
		*error = k->refused;
		return -ENOTSUP;
	}
	return offer_fits(k->w, error);
}

int offer_answer(struct bytes offer_a, struct bytes offer_b, struct bytes answer_b,
		 const struct offer_policy *policy, const struct offer_self *to_a,
		 struct writer *answer_a, struct media_plan *plan, struct offer_error *error)
{
	struct offer_exchange x;
	struct answering k = {
		.x = &x, .policy = policy, .to_a = to_a, .w = answer_a, .plan = plan
	};
	int err = offer_parse(&x.offer_a, offer_a, policy, error);

	*plan = (struct media_plan){ 0 };
	if (!err)
		err = offer_parse_own(&x.offer_b, offer_b, error);
	if (!err)
		err = offer_parse(&x.answer_b, answer_b, policy, error);
	if (!err)
		err = answer_lines(&k, error);
	if (!err)
		return 0;
	*plan = (struct media_plan){ 0 };
	if (error->status != 413)
		error->status = 488; /* A's request was right; its offer cannot be answered */
	return err;
}
