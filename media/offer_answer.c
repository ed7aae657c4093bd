/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an answer: B's SDP written again under A's numbers, and what the engine shall do. */
#include <errno.h>

#include "media/offer_plan.h"
#include "media/offer_reply.h"
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

static void plan_none(struct answering *k, uint8_t index, const struct offer_agreement *g)
{
	if (index >= MEDIA_LINES_MAX)
		return;
	k->plan->line[index] = (struct media_line){ .kind = g->kind,
						    .a.event_pt = PAYLOAD_NONE,
						    .b.event_pt = PAYLOAD_NONE };
}

static void refuse(struct answering *k, const struct offer_agreement *g, const char *reason)
{
	if (!k->refused.reason) {
		k->refused =
			(struct offer_error){ .status = 488, .line = g->number, .reason = reason };
	}
}

/* NULL, or why A cannot be answered it. */
static const char *relay_line(struct answering *k, uint8_t index, const struct offer_agreement *g)
{
	struct crypto to_a;
	const char *reason;

	if (!k->to_a->rtp_port[index])
		return "no port for it";
	reason = offer_plan(&k->plan->line[index], k->x, index, g, k->policy, &k->to_a->keys[index],
			    &to_a);
	if (!reason)
		offer_reply(k->w, k->x, index, g, &k->plan->line[index], &k->policy->a, k->to_a,
			    &to_a);
	crypto_wipe(&to_a);
	return reason;
}

static int answer_line(struct answering *k, uint8_t index, struct offer_error *error)
{
	struct offer_agreement g;
	int err = offer_agree(&g, k->x, index, k->policy, error);
	const char *reason = g.reason;

	if (err)
		return err;
	if (g.state == OFFER_LINE_RELAYED) {
		reason = relay_line(k, index, &g);
		if (!reason) {
			k->active++;
			return 0;
		}
	}
	if (reason)
		refuse(k, &g, reason);
	plan_none(k, index, &g);
	offer_write_refused(k->w, &k->x->offer_a, index + 1U);
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
