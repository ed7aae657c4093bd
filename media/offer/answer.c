/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an answer: B's SDP written again under A's numbers, and what the engine shall do by then. */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "media/offer/bridge.h"
#include "media/offer/bundle.h"
#include "media/offer/reply.h"
#include "media/offer/settle.h"
#include "media/offer/write.h"

static bool is_active(const struct session *s, uint8_t index)
{
	return index < s->line_count && s->line[index].active;
}

/* A's line, or any that is joined with it. */
static bool has_dtls(const struct session *a, const struct session *b)
{
	for (uint8_t i = 0; i < a->line_count; i++) {
		if (a->line[i].active && (a->line[i].side.dtls || (b && b->line[i].side.dtls)))
			return true;
	}
	return false;
}

static bool answer_has_ice(const struct session *a)
{
	for (uint8_t i = 0; i < a->line_count; i++) {
		if (a->line[i].active && a->line[i].side.ice)
			return true;
	}
	return false;
}

static int answer_write_lines(struct writer *w, const struct offer_answering *k,
			      const struct session *a, const struct crypto crypto[MEDIA_LINES_MAX],
			      struct offer_error *error)
{
	bool webrtc = has_dtls(a, NULL);
	int err = 0;

	offer_write_session(w, k->answer_b, k->to_a, has_dtls(a, k->b), answer_has_ice(a));
	offer_bundle_write(w, k->offer_a, a);
	for (uint8_t i = 0; i < k->offer_a->media_count && !err; i++) {
		struct bytes mid = { 0 };

		if (webrtc)
			(void)sdp_attribute(k->offer_a, i + 1U, "mid", &mid);
		if (is_active(a, i))
			err = offer_reply(w, k, i, &a->line[i].side, &crypto[i], error);
		else
			offer_write_refused(w, k->offer_a, i + 1U, mid);
	}
	return err ? err : offer_fits(w, error);
}

static NOINLINE int write_answer(struct writer *w, const struct offer_answering *k,
				 struct offer_error *error)
{
	struct crypto crypto[MEDIA_LINES_MAX] = { 0 };
	struct session a;
	int err = offer_settle(&a, crypto, k, error);

	if (!err)
		err = answer_write_lines(w, k, &a, crypto, error);
	for (size_t i = 0; i < COUNT_OF(crypto); i++)
		crypto_wipe(&crypto[i]);
	explicit_bzero(&a, sizeof(a));
	return err;
}

static NOINLINE int map_answer(struct media_plan *plan, const struct offer_answering *k,
			       const struct sdp *local, struct offer_error *error)
{
	struct session a;
	int err = session_of(&a, k->offer_a, local, false, error);

	if (err)
		return err;
	bridge_map(&a, k->b, offer_policy_codes(k->policy), plan);
	explicit_bzero(&a, sizeof(a));
	return 0;
}

/* Of what was written, as whoever reads the texts later will have it. */
static NOINLINE int plan_answer(struct media_plan *plan, const struct offer_answering *k,
				struct bytes answer_a, struct offer_error *error)
{
	struct sdp local;
	int err = offer_parse_own(&local, answer_a, error);

	return err ? err : map_answer(plan, k, &local, error);
}

static void open_lines(struct session *s)
{
	for (uint8_t i = 0; i < s->line_count; i++)
		s->line[i].side.sends = s->line[i].side.receives = 1;
}

static NOINLINE int offer_answer_make(struct offer_answering *k, struct writer *w,
				      struct media_plan *plan, struct offer_error *error)
{
	struct session b;
	int err;

	if (!k->b_apart && k->offer_b->media_count != k->offer_a->media_count) {
		*error = (struct offer_error){ .reason = "another number of m-lines than offered" };
		return -EBADMSG;
	}
	err = session_of(&b, k->answer_b, k->offer_b, !k->b_offered, error);
	if (err)
		return err;
	if (k->b_two_way)
		open_lines(&b);
	k->b = &b;
	err = write_answer(w, k, error);
	if (!err)
		err = plan_answer(plan, k, writer_done(w), error);
	explicit_bzero(&b, sizeof(b));
	return err;
}

/* A's request was right; its offer cannot be answered. */
static int answer_refuse(struct offer_error *error, int err)
{
	if (error->status != 413)
		error->status = 488;
	return err;
}

int offer_answer_by(struct bytes offer_a, const struct offer_of_other *b,
		    const struct offer_policy *policy, const struct offer_self *to_a,
		    struct writer *answer_a, struct media_plan *plan, struct offer_error *error)
{
	struct sdp a, offered, answered;
	struct offer_answering k = { .offer_a = &a,
				     .offer_b = &offered,
				     .answer_b = &answered,
				     .b_offered = b->theirs,
				     .b_apart = b->apart,
				     .b_two_way = b->two_way,
				     .policy = policy,
				     .to_a = to_a };
	int err = offer_parse(&a, offer_a, policy, error);

	*plan = (struct media_plan){ 0 };
	if (!err)
		err = offer_parse_own(&offered, b->local, error);
	if (!err)
		err = offer_parse(&answered, b->remote, policy, error);
	if (!err)
		err = offer_answer_make(&k, answer_a, plan, error);
	if (!err)
		return 0;
	*plan = (struct media_plan){ 0 };
	return answer_refuse(error, err);
}

int offer_own_answer(struct bytes offer_a, const struct offer_capabilities *own,
		     const struct offer_policy *policy, const struct offer_self *to_a,
		     struct writer *answer_a, struct offer_error *error)
{
	struct sdp a;
	const struct offer_answering k = {
		.offer_a = &a, .own = own, .policy = policy, .to_a = to_a
	};
	int err = offer_parse(&a, offer_a, policy, error);

	if (!err)
		err = write_answer(answer_a, &k, error);
	return err ? answer_refuse(error, err) : 0;
}
