/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: media_offer_input.c; an answer that begins with a @ is a script of media_bridge_answer.c. Oracle: of the four texts of an exchange, session_read of each leg and bridge_map plan what offer_answer
 * planned when it wrote the last of them, whichever leg is named first. All of it thrice: nothing is coded, or what must be, or the node's
 * codecs are offered as well. What is coded is said by one party in a codec that the node speaks, and the other one does not take.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/media_bridge.h"
#include "tests/fuzz/media_offer.h"
#include "tests/offer_answer.h"

enum { TEXT_MAX = 1 << 17 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t g_offer_a[TEXT_MAX], g_offer_b[TEXT_MAX], g_answer_a[TEXT_MAX], g_answer_b[TEXT_MAX];

static void read_leg(struct session *out, struct bytes heard, struct bytes said, bool we_offered)
{
	struct session_texts texts = { .remote = heard, .local = said, .we_offered = we_offered };
	struct offer_error error = { 0 };

	if (session_read(out, &texts, &error)) {
		(void)fprintf(stderr, "session_read: line %u: %s\n", error.line, error.reason);
		abort();
	}
}

/* Whichever leg is named first. */
static void turn(struct media_plan *plan)
{
	static struct media_side side;

	for (uint8_t i = 0; i < plan->line_count; i++) {
		side = plan->line[i].a;
		plan->line[i].a = plan->line[i].b;
		plan->line[i].b = side;
	}
}

static void exchange(const struct offer_input *in, struct bytes script, bool scripted)
{
	static struct session a, b;
	static struct media_plan want, got;
	bool codes = offer_policy_codes(&in->policy);
	struct writer offer_b = writer_over(g_offer_b, sizeof(g_offer_b));
	struct writer answer_b = writer_over(g_answer_b, sizeof(g_answer_b));
	struct writer answer_a = writer_over(g_answer_a, sizeof(g_answer_a));
	struct bytes answer = in->answer;
	struct offer_error error = { 0 };

	if (offer_forward(in->offer, &in->policy, &in->to_b, &offer_b, &error))
		return;
	if (scripted)
		answer = bridge_answer(writer_done(&offer_b), script, &answer_b);
	if (offer_answer(in->offer, writer_done(&offer_b), answer, &in->policy, &in->to_a,
			 &answer_a, &want, &error))
		return;
	read_leg(&a, in->offer, writer_done(&answer_a), false);
	read_leg(&b, answer, writer_done(&offer_b), true);
	bridge_map(&a, &b, codes, &got);
	same_plan(&want, &got);
	check_codings(&got, &a, &b, codes);
	bridge_map(&b, &a, codes, &got);
	turn(&got);
	same_plan(&want, &got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct offer_input in = offer_input_read(bytes_mem(data, size));
	struct writer offer_a = writer_over(g_offer_a, sizeof(g_offer_a));
	bool scripted = in.answer.n && in.answer.p[0] == '@';
	struct bytes script = bytes_from(in.answer, 1);

	if (scripted && in.to_b.earlier.n)
		in.to_b.earlier = in.offer;
	if (scripted)
		in.offer = bridge_offer(in.offer, script, &offer_a);
	exchange(&in, script, scripted);
	in.policy.a.transcode = in.policy.b.transcode = true;
	exchange(&in, script, scripted);
	in.policy.adds_codecs = true;
	exchange(&in, script, scripted);
	return 0;
}
