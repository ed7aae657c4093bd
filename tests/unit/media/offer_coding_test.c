/* SPDX-License-Identifier: Apache-2.0 */
/* Two parties that have no codec in common, where audio may be transcoded: what each is offered and answered, and what the engine does. */
#include "tests/unit/media/offer_rig.h"

#include <errno.h>

#define HEAD       "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define AUDIO(pts) HEAD "m=audio 4000 RTP/AVP " pts "\r\n"
#define EVENT(pt)  "a=rtpmap:" pt " telephone-event/8000\r\n"
#define WIDE(pt)   "a=rtpmap:" pt " telephone-event/48000\r\n"
#define OPUS(pt)   "a=rtpmap:" pt " opus/48000/2\r\n"

/* Separated by commas; empty: all. */
static void set_codecs(struct offer_terms *terms, const char *list)
{
	struct bytes rest = bytes_str(list), one;

	while (bytes_cut(&rest, ',', &one))
		(void)bytes_cstr(one, terms->codecs[terms->codec_count++], OFFER_CODEC_NAME_MAX);
}

/* The numbers of the first line, and whether it says what they are. */
static struct bytes formats_of(struct bytes sdp)
{
	struct bytes line, word, rest;

	while (bytes_cut(&sdp, '\n', &line)) {
		if (!bytes_starts(line, "m=audio "))
			continue;
		rest = bytes_trim(line);
		for (int i = 0; i < 3; i++)
			(void)bytes_cut(&rest, ' ', &word);
		return rest;
	}
	return (struct bytes){ 0 };
}

/* ---- what B is offered ---- */

static const struct {
	const char *name, *a, *b; /* codecs of their profiles */
	const char *heard;        /* of B before; NULL: nothing */
	const char *said;         /* to which it was the answer; NULL: it was an offer */
	bool adds, never;         /* never: B's profile does not want it */
	const char *offer, *want; /* the numbers; or why not */
} g_offers[] = {
	{ "A's alone at first", "", "", NULL, NULL, false, false, AUDIO("0 101") EVENT("101"),
	  "0 101" },
	{ "ours behind them when B has said no", "", "", NULL, NULL, true, false,
	  AUDIO("0 101") EVENT("101"), "0 8 9 96 97 101 127" },
	{ "not without leave", "", "", NULL, NULL, true, true, AUDIO("0 101") EVENT("101"),
	  "0 101" },
	{ "B may have none of A's", "", "G722,opus", NULL, NULL, false, false,
	  AUDIO("0 101") EVENT("101"), "9 96 101 127" },
	{ "... and it is not coded", "", "G722,opus", NULL, NULL, false, true, AUDIO("0"),
	  "no codec that may be used" },
	{ "what A may not have is one of ours", "PCMU", "PCMA", NULL, NULL, false, false,
	  AUDIO("8 0"), "8" },
	{ "B's offer did not have it", "", "", AUDIO("96") OPUS("96"), NULL, false, false,
	  AUDIO("0"), "0 8 9 96 97" },
	{ "B did not take it", "", "", AUDIO("9"), AUDIO("8 0 9"), false, false, AUDIO("8 0"),
	  "8 0 9 96 97" },
	{ "B was not offered it", "", "", AUDIO("9"), AUDIO("8 9"), false, false, AUDIO("8 0"),
	  "8 0" },
	{ "B had one of them", "", "", AUDIO("8 0"), NULL, false, false, AUDIO("0"), "0" },
	{ "B had no line", "", "", HEAD "m=audio 0 RTP/AVP 96\r\n", NULL, false, false, AUDIO("0"),
	  "0" },
	{ "a number of A's for something else", "", "", NULL, NULL, true, false,
	  AUDIO("0 96 97") "a=rtpmap:96 iLBC/8000\r\na=rtpmap:97 speex/8000\r\n",
	  "0 96 97 8 9 127 126" },
	{ "digits in a clock that B has", "", "PCMU", NULL, NULL, false, false,
	  AUDIO("96 100") OPUS("96") WIDE("100"), "0 100 101" },
	{ "nothing of A's is spoken", "", "PCMU", NULL, NULL, false, false, AUDIO("18"),
	  "G729 passes through only, the node does not code it: one party must have a codec of "
	  "the other one, or both one of PCMA, PCMU, G722, opus and G726-32" },
	{ "by name: G723", "", "PCMU", NULL, NULL, false, false, AUDIO("4"),
	  "G723 passes through only, the node does not code it: one party must have a codec of "
	  "the other one, or both one of PCMA, PCMU, G722, opus and G726-32" },
	{ "by name: AMR", "", "PCMU", NULL, NULL, false, false,
	  AUDIO("99") "a=rtpmap:99 AMR/8000\r\n",
	  "AMR passes through only, the node does not code it: one party must have a codec of "
	  "the other one, or both one of PCMA, PCMU, G722, opus and G726-32" },
	{ "by name: AMR-WB", "", "PCMU", NULL, NULL, false, false,
	  AUDIO("99") "a=rtpmap:99 AMR-WB/16000\r\n",
	  "AMR-WB passes through only, the node does not code it: one party must have a codec of "
	  "the other one, or both one of PCMA, PCMU, G722, opus and G726-32" },
	{ "by name: EVS", "", "PCMU", NULL, NULL, false, false,
	  AUDIO("99") "a=rtpmap:99 EVS/16000\r\n",
	  "EVS passes through only, the node does not code it: one party must have a codec of "
	  "the other one, or both one of PCMA, PCMU, G722, opus and G726-32" },
	{ "... and it has no name that we know", "", "PCMU", NULL, NULL, false, false,
	  AUDIO("99") "a=rtpmap:99 SILK/8000\r\n",
	  "a codec passes through only, the node does not code it: one party must have a codec of "
	  "the other one, or both one of PCMA, PCMU, G722, opus and G726-32" },
	{ "nothing that B may have is", "", "G729,GSM", NULL, NULL, false, false, AUDIO("0"),
	  "the answerer may have no codec that the node speaks" },
	{ "L16 of A's, coded for B", "", "PCMU", NULL, NULL, false, false,
	  AUDIO("96") "a=rtpmap:96 L16/16000\r\n", "0" },
	{ "... of a rate that is not coded", "", "PCMU", NULL, NULL, false, false, AUDIO("11"),
	  "L16 passes through only, the node does not code it: one party must have a codec of "
	  "the other one, or both one of PCMA, PCMU, G722, opus and G726-32" },
	{ "L16 for B, whose profile names it", "", "PCMU,L16", NULL, NULL, false, false, AUDIO("8"),
	  "0 99 98" },
	{ "... and who names none is not offered it", "", "", NULL, NULL, true, false, AUDIO("0"),
	  "0 8 9 96 97" },
	{ "what is not spoken is offered as before", "", "", NULL, NULL, true, false, AUDIO("18"),
	  "18" },
};

static void test_offers(void **state)
{
	static struct rig r;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_offers); i++) {
		rig_init(&r);
		set_codecs(&r.policy.a, g_offers[i].a);
		set_codecs(&r.policy.b, g_offers[i].b);
		r.policy.a.transcode = true;
		r.policy.b.transcode = !g_offers[i].never;
		r.policy.adds_codecs = g_offers[i].adds;
		r.to_b.remote = bytes_str(g_offers[i].heard);
		r.to_b.remote_is_offer = g_offers[i].said == NULL;
		r.to_b.earlier = g_offers[i].said ? bytes_str(g_offers[i].said) : r.to_b.remote;
		rig_offer(&r, bytes_str(g_offers[i].offer));
		if (r.err ? r.err != -ENOTSUP || strcmp(r.error.reason, g_offers[i].want) != 0
			  : !bytes_is(formats_of(r.offer_b), g_offers[i].want))
			fail_msg("%s: %s\n" BYTES_FMT, g_offers[i].name,
				 r.error.reason ? r.error.reason : "", BYTES_ARG(r.offer_b));
	}
}

/* Where its module was loaded: behind all that need none. Nothing takes that back, so it is the last test. */
static void test_by_a_module(void **state)
{
	static struct rig r;
	static const struct {
		const char *b, *offer, *want;
	} rows[] = {
		{ "PCMU", AUDIO("18"), "0" },
		{ "G729", AUDIO("0"), "18" },
		{ "PCMU,G729", AUDIO("96") OPUS("96"), "0 18" },
		{ "", AUDIO("96") OPUS("96"), "96 8 0 9 97 18" },
	};

	(void)state;
	media_codec_code(MEDIA_CODEC_G729);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rig_init(&r);
		set_codecs(&r.policy.b, rows[i].b);
		r.policy.a.transcode = r.policy.b.transcode = r.policy.adds_codecs = true;
		rig_offer(&r, bytes_str(rows[i].offer));
		if (r.err || !bytes_is(formats_of(r.offer_b), rows[i].want))
			fail_msg("%zu: %s\n" BYTES_FMT, i, r.error.reason ? r.error.reason : "",
				 BYTES_ARG(r.offer_b));
	}
}

/* Each that is not A's says what it is. */
static void test_offered_names(void **state)
{
	static const char *const want[] = { "a=rtpmap:8 PCMA/8000\r\n", "a=rtpmap:9 G722/8000\r\n",
					    "a=rtpmap:96 opus/48000/2\r\n",
					    "a=rtpmap:97 G726-32/8000\r\n" };
	static struct rig r;

	(void)state;
	rig_init(&r);
	r.policy.a.transcode = r.policy.b.transcode = r.policy.adds_codecs = true;
	rig_offer(&r, BYTES_LIT(AUDIO("0")));
	for (size_t i = 0; i < COUNT_OF(want); i++)
		ROW_ASSERT(want[i], rig_has(r.offer_b, want[i]));
}

/* ---- what A is answered ---- */

static const struct {
	const char *name, *a; /* codecs of A's profile */
	const char *offer, *answer;
	const char *want, *rules; /* the numbers; or why not */
} g_answers[] = {
	{ "A's first that is spoken", "", AUDIO("18 0 8"), AUDIO("9"), "0",
	  "0>9[PCMU-G722] | 9>0[G722-PCMU] " },
	{ "... and that it may have", "PCMA", AUDIO("0 8"), AUDIO("9"), "8",
	  "8>9[PCMA-G722] | 9>8[G722-PCMA] " },
	{ "what both have goes before", "", AUDIO("0 8"), AUDIO("9 8"), "8",
	  "8>8 | 9>8[G722-PCMA] 8>8 " },
	{ "digits of one clock pass", "", AUDIO("0 101") EVENT("101"), AUDIO("8 101") EVENT("101"),
	  "0 101", "0>8[PCMU-PCMA] 101>101e | 8>0[PCMA-PCMU] 101>101e " },
	{ "B takes no digits", "", AUDIO("0 101") EVENT("101"), AUDIO("8"), "0 101",
	  "0>8[PCMU-PCMA] 101>-e | 8>0[PCMA-PCMU] " },
	{ "each has digits of its own clock", "",
	  AUDIO("111 101 100") OPUS("111") EVENT("101") WIDE("100"), AUDIO("0 101") EVENT("101"),
	  "111 100", "111>0[opus-PCMU] 100>-e | 0>111[PCMU-opus] 101>-e " },
	{ "A has digits of another clock alone", "", AUDIO("111 101") OPUS("111") EVENT("101"),
	  AUDIO("0 101") EVENT("101"), "111 101",
	  "111>0[opus-PCMU] 101>-e | 0>111[PCMU-opus] 101>-e " },
	{ "noise is of the codec", "", AUDIO("0 13"), AUDIO("8 13"), "0",
	  "0>8[PCMU-PCMA] | 8>0[PCMA-PCMU] " },
};

static void test_answers(void **state)
{
	static struct rig r;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_answers); i++) {
		uint8_t buf[512];
		struct writer w = writer_over(buf, sizeof(buf));

		rig_init(&r);
		set_codecs(&r.policy.a, g_answers[i].a);
		r.policy.a.transcode = r.policy.b.transcode = r.policy.adds_codecs = true;
		rig_exchange(&r, bytes_str(g_answers[i].offer), bytes_str(g_answers[i].answer));
		if (r.err || !bytes_is(formats_of(r.answer_a), g_answers[i].want))
			fail_msg("%s: %s\n" BYTES_FMT, g_answers[i].name,
				 r.error.reason ? r.error.reason : "", BYTES_ARG(r.answer_a));
		rig_write_rules(&w, &r.plan.line[0].a);
		writer_str(&w, "| ");
		rig_write_rules(&w, &r.plan.line[0].b);
		if (!bytes_is(writer_done(&w), g_answers[i].rules))
			fail_msg("%s: " BYTES_FMT, g_answers[i].name, BYTES_ARG(writer_done(&w)));
	}
}

/* B answered a codec that A did not offer, and nothing may be coded. */
static void test_not_allowed(void **state)
{
	static struct rig r;

	(void)state;
	rig_init(&r);
	r.policy.a.transcode = r.policy.b.transcode = r.policy.adds_codecs = true;
	rig_offer(&r, BYTES_LIT(AUDIO("0")));
	r.policy.b.transcode = false;
	{
		struct writer w = writer_over(r.answered, sizeof(r.answered));

		r.err = offer_answer(BYTES_LIT(AUDIO("0")), r.offer_b, BYTES_LIT(AUDIO("9")),
				     &r.policy, &r.to_a, &w, &r.plan, &r.error);
	}
	assert_int_equal(r.err, -ENOTSUP);
	assert_int_equal(r.error.status, 488);
	assert_string_equal(r.error.reason, "no codec in common");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers),      cmocka_unit_test(test_offered_names),
		cmocka_unit_test(test_answers),     cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_by_a_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
