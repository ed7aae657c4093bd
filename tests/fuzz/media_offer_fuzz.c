/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: media_offer_input.c. Oracle: what we write parses again, has the m-lines of the
 * offer, our address and ports and nobody else's, only formats that were offered and may be, and our key and nobody
 * else's where it is SRTP, our certificate and nobody else's where it is DTLS-SRTP, and so is our own answer; no number has two uses in what may become a
 * BUNDLE group; forwarding it once more changes nothing; and the plan speaks of numbers, keys and transports that the texts contain.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/offer/own.h"
#include "media/offer/session.h"
#include "tests/fuzz/media_offer.h"
#include "tests/offer_answer.h"

enum { TEXT_MAX = 1 << 17 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t g_offer_b[TEXT_MAX], g_again[TEXT_MAX], g_answer_a[TEXT_MAX];

static void check_error(const struct offer_error *error)
{
	assert(error->reason);
	assert(error->status == 400 || error->status == 413 || error->status == 488);
}

static bool forward(struct bytes offer, const struct offer_policy *policy,
		    const struct offer_self *to_b, struct writer *w)
{
	struct writer again = writer_over(g_again, sizeof(g_again));
	struct offer_error error = { 0 };

	if (offer_forward(offer, policy, to_b, w, &error)) {
		check_error(&error);
		return false;
	}
	judge_text(writer_done(w), offer, to_b, &policy->b,
		   policy->b.dtls_offer   ? DTLS
		   : policy->b.sdes_offer ? SECURE
					  : PLAIN);
	if (policy->b.dtls_offer && to_b->earlier.n)
		return true; /* without it the mids are others */

	struct offer_policy wide = *policy;
	struct offer_self self = *to_b;

	self.earlier = (struct bytes){ 0 };
	wide.sdp_max = UINT16_MAX;
	wide.event_pt = 0; /* a number whose format was dropped has become free */
	wide.a.sdes_accept = wide.a.dtls_accept = true;
	wide.a.sdes_only = false;
	wide.a.digits = OFFER_DIGITS_EVENTS;
	wide.a.lines = OFFER_LINES_ALL;
	wide.a.codec_count =
		offer_policy_codes(policy) ? 0 : wide.a.codec_count; /* ours are there */
	if (offer_forward(writer_done(w), &wide, &self, &again, &error) == 0) {
		assert(bytes_eq(writer_done(&again), writer_done(w)));
	} else {
		assert(error.status == 413); /* at the limit of lines, once more is too many */
	}
	return true;
}

/* With no other leg there. */
static void answer_alone(const struct offer_input *in)
{
	static const struct offer_capabilities own = {
		.count = 3,
		.codecs = { MEDIA_CODEC_PCMU, MEDIA_CODEC_G722, MEDIA_CODEC_OPUS },
		.events = true,
		.video = true,
		.video_level = 0x1e
	};
	static struct session session;
	struct writer w = writer_over(g_answer_a, sizeof(g_answer_a));
	struct offer_error error = { 0 };
	struct session_texts texts = { .remote = in->offer };

	if (offer_own_answer(in->offer, &own, &in->policy, &in->to_a, &w, &error)) {
		check_error(&error);
		return;
	}
	texts.local = writer_done(&w);
	judge_text(texts.local, in->offer, &in->to_a, &in->policy.a, AS_OFFERED);
	if (session_read(&session, &texts, &error))
		abort();
	judge_session(&session, texts.local);
}

/* After whatever was said before. */
static void offer_alone(const struct offer_input *in)
{
	static const struct offer_capabilities own = { .count = 2,
						       .codecs = { MEDIA_CODEC_OPUS,
								   MEDIA_CODEC_PCMA },
						       .events = true,
						       .video = true };
	static struct sdp ours, earlier;
	struct writer w = writer_over(g_offer_b, sizeof(g_offer_b));
	struct offer_self self = in->to_b;
	struct offer_error error = { 0 };
	struct sdp_error ignored;

	self.earlier = in->offer;
	if (offer_own(&own, &in->policy, &self, &w, &error)) {
		check_error(&error);
		return;
	}
	judge_parse(&ours, writer_done(&w));
	if (sdp_parse(&earlier, in->offer, &ignored) == 0)
		assert(ours.media_count >= earlier.media_count);
}

/* Our answer as an offer to the same party: no line comes or goes. */
static void say_again(const struct offer_input *in, struct bytes said)
{
	static struct sdp before, after;
	struct writer w = writer_over(g_again, sizeof(g_again));
	struct offer_policy policy = in->policy;
	struct offer_error error = { 0 };

	policy.b = policy.a;
	if (offer_again(said, &policy, &in->to_a, &w, &error)) {
		check_error(&error);
		return;
	}
	judge_parse(&before, said);
	judge_parse(&after, writer_done(&w));
	assert(before.media_count == after.media_count);
	for (unsigned i = 1; i <= before.media_count; i++)
		assert(!before.sections[i].port == !after.sections[i].port);
}

/* What both say of recording ends here. What is told of it later is read as it was meant, and no line comes or goes. */
static void tell_recording(const struct offer_input *in, struct bytes said)
{
	static struct sdp before, after;
	static const uint8_t nothing[MEDIA_LINES_MAX];
	struct offer_record_state told = { .tells = true, .sound = (uint8_t)(in->answer.n % 4) };
	struct writer w = writer_over(g_again, sizeof(g_again));
	struct offer_error error = { 0 };
	uint8_t got[MEDIA_LINES_MAX];

	offer_record_read(said, got);
	assert(memcmp(got, nothing, sizeof(got)) == 0);
	assert(offer_record_preference(said) == OFFER_PREFERS_NOTHING);
	offer_record_read(in->answer, told.line);
	assert(offer_record_preference(in->answer) < OFFER_PREFERENCES);
	if (offer_record_again(said, &told, UINT64_MAX, &w, &error)) {
		check_error(&error);
		return;
	}
	assert(offer_record_is_in_local(writer_done(&w), &told));
	judge_parse(&before, said);
	judge_parse(&after, writer_done(&w));
	assert(before.media_count == after.media_count);
	offer_record_read(writer_done(&w), got);
	for (unsigned i = 1; i <= before.media_count; i++) {
		assert(before.sections[i].port == after.sections[i].port);
		assert(i > MEDIA_LINES_MAX || !got[i - 1] == !after.sections[i].port);
	}
}

static void exchange(const struct offer_input *in)
{
	struct writer offer_b = writer_over(g_offer_b, sizeof(g_offer_b));
	struct writer answer_a = writer_over(g_answer_a, sizeof(g_answer_a));
	struct offer_error error = { 0 };
	struct media_plan plan;

	if (!forward(in->offer, &in->policy, &in->to_b, &offer_b))
		return;
	if (offer_answer(in->offer, writer_done(&offer_b), in->answer, &in->policy, &in->to_a,
			 &answer_a, &plan, &error)) {
		check_error(&error);
		assert(plan.line_count == 0);
		return;
	}
	judge_text(writer_done(&answer_a), in->offer, &in->to_a, &in->policy.a, AS_OFFERED);
	say_again(in, writer_done(&answer_a));
	tell_recording(in, writer_done(&answer_a));
	judge_plan(&plan, in->offer, writer_done(&offer_b), in->answer, writer_done(&answer_a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct offer_input in = offer_input_read(bytes_mem(data, size));

	answer_alone(&in);
	offer_alone(&in);
	exchange(&in);
	in.policy.a.transcode = in.policy.b.transcode = true;
	in.to_b.remote = in.answer;
	in.to_b.remote_is_offer = in.policy.video;
	exchange(&in);
	in.policy.adds_codecs = true;
	exchange(&in);
	return 0;
}
