/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an answer: B's SDP written again under A's numbers, and what the engine shall do. */
#include <errno.h>

#include "media/offer_bundle.h"
#include "media/offer_reply.h"
#include "media/offer_settle.h"
#include "media/offer_write.h"

struct answering {
	const struct offer_exchange *x;
	const struct offer_policy *policy;
	const struct offer_self *to_a;
	struct writer *w;
	struct media_plan *plan;
	struct crypto crypto[MEDIA_LINES_MAX]; /* ours towards A */
	uint8_t count;                         /* of A's m-lines */
};

static bool is_active(const struct answering *k, uint8_t index)
{
	return index < k->plan->line_count && k->plan->line[index].active;
}

static bool has_dtls(const struct answering *k, bool of_b)
{
	for (uint8_t i = 0; i < k->plan->line_count; i++) {
		const struct media_line *line = &k->plan->line[i];

		if (line->active && (line->a.dtls || (of_b && line->b.dtls)))
			return true;
	}
	return false;
}

static bool has_ice(const struct answering *k)
{
	for (uint8_t i = 0; i < k->plan->line_count; i++) {
		if (k->plan->line[i].active && k->plan->line[i].a.ice)
			return true;
	}
	return false;
}

static int write_lines(struct answering *k, struct offer_error *error)
{
	bool webrtc = has_dtls(k, false);
	int err = 0;

	offer_write_session(k->w, &k->x->answer_b, k->to_a, has_dtls(k, true), has_ice(k));
	offer_bundle_write(k->w, &k->x->offer_a, k->plan);
	for (uint8_t i = 0; i < k->count && !err; i++) {
		struct bytes mid = { 0 };

		if (webrtc)
			(void)sdp_attribute(&k->x->offer_a, i + 1U, "mid", &mid);
		if (is_active(k, i))
			err = offer_reply(k->w, k->x, i, k->policy, &k->plan->line[i], k->to_a,
					  &k->crypto[i], error);
		else
			offer_write_refused(k->w, &k->x->offer_a, i + 1U, mid);
	}
	return err ? err : offer_fits(k->w, error);
}

static int answer_lines(struct answering *k, struct offer_error *error)
{
	int err;

	k->count = k->x->offer_a.media_count;
	if (k->x->answer_b.media_count > k->count || k->x->offer_b.media_count != k->count) {
		*error = (struct offer_error){ .reason = "another number of m-lines than offered" };
		return -EBADMSG;
	}
	err = offer_settle(k->plan, k->crypto, k->x, k->policy, k->to_a, error);
	if (!err)
		err = write_lines(k, error);
	for (size_t i = 0; i < COUNT_OF(k->crypto); i++)
		crypto_wipe(&k->crypto[i]);
	return err;
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
