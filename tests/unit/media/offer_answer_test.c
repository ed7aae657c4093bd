/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/media/data.h"

#include <errno.h>

#include "media/offer/offer.h"
#include "tests/offer_answer.h"

#define A_HEAD    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=a\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define B_HEAD    "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=b\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
#define SELF_HEAD "v=0\r\no=- 5 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
#define RTCP0     "a=rtcp:30001 IN IP4 203.0.113.1\r\n"
#define EVENT(pt) "a=rtpmap:" pt " telephone-event/8000\r\n"

struct result {
	uint8_t forwarded[4096], answered[4096];
	struct bytes offer_b, answer_a;
	struct media_plan plan;
	struct offer_error error;
	int err;
};

static struct offer_self self_of(const char *address, uint16_t port)
{
	struct offer_self self = { .session_id = 5, .session_version = 1 };

	for (int i = 0; i < MEDIA_LINES_MAX; i++)
		self.rtp_port[i] = (uint16_t)(port + 2 * i);
	assert_int_equal(addr_parse(&self.address, bytes_str(address)), 0);
	return self;
}

static void exchange(struct result *r, struct bytes offer, struct bytes answer,
		     const struct offer_policy *policy)
{
	struct offer_self to_a = self_of("203.0.113.1", 30000);
	struct offer_self to_b = self_of("198.51.100.7", 40000);
	struct writer w = writer_over(r->forwarded, sizeof(r->forwarded));

	memset(&r->error, 0, sizeof(r->error));
	if (offer_forward(offer, policy, &to_b, &w, &r->error))
		fail_msg("offer: %s", r->error.reason);
	r->offer_b = writer_done(&w);
	w = writer_over(r->answered, sizeof(r->answered));
	r->err = offer_answer(offer, r->offer_b, answer, policy, &to_a, &w, &r->plan, &r->error);
	r->answer_a = writer_done(&w);
}

/* "0>8 101>96e8000 " */
static void write_rules(struct writer *w, const struct media_side *side)
{
	for (uint8_t i = 0; i < side->rule_count; i++) {
		const struct payload_rule *rule = &side->rules[i];

		writer_fmt(w, rule->event ? "%u>%ue%u " : "%u>%u/%u ", rule->in, rule->out,
			   rule->clock_hz);
	}
}

static const struct offer_policy g_policy = { .event_pt = 101, .sdp_max = 8192 };

static void test_formats(void **state)
{
	static const struct {
		const char *name, *offer, *answer, *want, *rules_a, *rules_b;
	} rows[] = {
		{ "the usual", A_HEAD "m=audio 4000 RTP/AVP 0 8 101\r\n" EVENT("101"),
		  B_HEAD "m=audio 5000 RTP/AVP 8 101\r\n" EVENT("101") "a=fmtp:101 0-15\r\na=ptime:20\r\n",
		  "m=audio 30000 RTP/AVP 8 101\r\n" EVENT("101") "a=fmtp:101 0-15\r\na=ptime:20\r\n"
								"a=sendrecv\r\n" RTCP0,
		  "8>8/8000 101>101e8000 ", "8>8/8000 101>101e8000 " },
		{ "A's event has another number",
		  A_HEAD "m=audio 4000 RTP/AVP 0 127\r\n" EVENT("127") "a=fmtp:127 0-15\r\n",
		  B_HEAD "m=audio 5000 RTP/AVP 0 101\r\n" EVENT("101") "a=fmtp:101 0-16\r\n",
		  "m=audio 30000 RTP/AVP 0 127\r\n" EVENT("127") "a=fmtp:127 0-16\r\na=sendrecv\r\n" RTCP0,
		  "0>0/8000 127>101e8000 ", "0>0/8000 101>127e8000 " },
		{ "B answers with numbers of its own",
		  A_HEAD "m=audio 4000 RTP/AVP 0 97\r\na=rtpmap:97 iLBC/8000\r\n",
		  B_HEAD "m=audio 5000 RTP/AVP 99\r\na=rtpmap:99 ilbc/8000/1\r\na=fmtp:99 mode=20\r\n",
		  "m=audio 30000 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=20\r\n"
		  "a=sendrecv\r\n" RTCP0,
		  "97>99/8000 ", "97>97/8000 99>97/8000 " },
		{ "numbers crossed: our offer's meaning goes first",
		  A_HEAD "m=audio 4000 RTP/AVP 96 97\r\na=rtpmap:96 iLBC/8000\r\na=rtpmap:97 speex/8000\r\n",
		  B_HEAD "m=audio 5000 RTP/AVP 97 96\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:96 speex/8000\r\n",
		  "m=audio 30000 RTP/AVP 96 97\r\na=rtpmap:96 iLBC/8000\r\na=rtpmap:97 speex/8000\r\n"
		  "a=sendrecv\r\n" RTCP0,
		  "96>97/8000 97>96/8000 ", "96>96/8000 97>97/8000 " },
		{ "events of two clocks",
		  A_HEAD "m=audio 4000 RTP/AVP 111 0 110 126\r\na=rtpmap:111 opus/48000/2\r\n"
			 "a=rtpmap:110 telephone-event/48000\r\n" EVENT("126"),
		  B_HEAD "m=audio 5000 RTP/AVP 111 110 101\r\na=rtpmap:111 opus/48000/2\r\n"
			 "a=rtpmap:110 telephone-event/48000\r\n" EVENT("101"),
		  "m=audio 30000 RTP/AVP 111 110 126\r\na=rtpmap:111 opus/48000/2\r\n"
		  "a=rtpmap:110 telephone-event/48000\r\n" EVENT("126") "a=sendrecv\r\n" RTCP0,
		  "111>111/48000 110>110e48000 126>101e8000 ",
		  "111>111/48000 110>110e48000 101>126e8000 " },
		{ "an event of the other clock under the number of ours",
		  A_HEAD "m=audio 4000 RTP/AVP 8 97 101\r\na=rtpmap:97 telephone-event/48000\r\n" EVENT("101"),
		  B_HEAD "m=audio 5000 RTP/AVP 8 0 97\r\n" EVENT("97"),
		  "m=audio 30000 RTP/AVP 8 101\r\n" EVENT("101") "a=sendrecv\r\n" RTCP0,
		  "8>8/8000 101>97e8000 ", "8>8/8000 101>101e8000 97>101e8000 " },
		{ "the answer leaves out the rtpmap",
		  A_HEAD "m=audio 4000 RTP/AVP 0 101\r\n" EVENT("101"),
		  B_HEAD "m=audio 5000 RTP/AVP 0 101\r\n",
		  "m=audio 30000 RTP/AVP 0 101\r\n" EVENT("101") "a=sendrecv\r\n" RTCP0,
		  "0>0/8000 101>101e8000 ", "0>0/8000 101>101e8000 " },
		{ "G722 and opus as some write them",
		  A_HEAD "m=audio 4000 RTP/AVP 9 96\r\na=rtpmap:96 opus/48000/2\r\n",
		  B_HEAD "m=audio 5000 RTP/AVP 98 96\r\na=rtpmap:98 G722/16000\r\na=rtpmap:96 opus/48000\r\n",
		  "m=audio 30000 RTP/AVP 9 96\r\na=rtpmap:96 opus/48000/2\r\n"
		  "a=sendrecv\r\n" RTCP0,
		  "9>98/8000 96>96/48000 ", "9>9/8000 96>96/48000 98>9/8000 " },
		{ "one codec under two numbers stays two",
		  A_HEAD "m=audio 4000 RTP/AVP 8 101 126\r\n" EVENT("101") EVENT("126"),
		  B_HEAD "m=audio 5000 RTP/AVP 8 126\r\n" EVENT("126"),
		  "m=audio 30000 RTP/AVP 8 126\r\n" EVENT("126") "a=sendrecv\r\n" RTCP0,
		  "8>8/8000 126>126e8000 ", "8>8/8000 126>126e8000 " },
		{ "bit rates tell G7221 apart",
		  A_HEAD "m=audio 4000 RTP/AVP 96 97\r\na=rtpmap:96 G7221/16000\r\na=fmtp:96 bitrate=24000\r\n"
			 "a=rtpmap:97 G7221/16000\r\na=fmtp:97 bitrate=32000\r\n",
		  B_HEAD "m=audio 5000 RTP/AVP 102\r\na=rtpmap:102 G7221/16000\r\na=fmtp:102 bitrate=32000\r\n",
		  "m=audio 30000 RTP/AVP 97\r\na=rtpmap:97 G7221/16000\r\na=fmtp:97 bitrate=32000\r\n"
		  "a=sendrecv\r\n" RTCP0,
		  "97>102/16000 ", "97>97/16000 102>97/16000 " },
		{ "events alone, where only events were offered",
		  A_HEAD "m=audio 4000 RTP/AVP 98\r\n" EVENT("98"),
		  B_HEAD "m=audio 5000 RTP/AVP 101\r\n" EVENT("101"),
		  "m=audio 30000 RTP/AVP 98\r\n" EVENT("98") "a=sendrecv\r\n" RTCP0, "98>101e8000 ",
		  "101>98e8000 " },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct result r;
		uint8_t got[512];
		struct bytes media;

		exchange(&r, bytes_str(row->offer), bytes_str(row->answer), &g_policy);
		if (r.err)
			fail_msg("%s: %d %s", row->name, r.err, r.error.reason);
		ROW_ASSERT(row->name, bytes_starts(r.answer_a, SELF_HEAD));
		media = bytes_from(r.answer_a, strlen(SELF_HEAD));
		if (!bytes_is(media, row->want))
			fail_msg("%s: got\n" BYTES_FMT, row->name, BYTES_ARG(media));

		struct writer w = writer_over(got, sizeof(got));

		write_rules(&w, &r.plan.line[0].a);
		writer_str(&w, "| ");
		write_rules(&w, &r.plan.line[0].b);
		if (!bytes_starts(writer_done(&w), row->rules_a) ||
		    !bytes_is(bytes_from(writer_done(&w), strlen(row->rules_a) + 2), row->rules_b))
			fail_msg("%s: " BYTES_FMT, row->name, BYTES_ARG(writer_done(&w)));
		ROW_ASSERT(row->name, r.plan.line_count == 1 && r.plan.line[0].active);
	}
}

static void test_direction(void **state)
{
	static const struct {
		const char *name, *offer, *answer, *want;
		uint8_t a_sends, a_receives, b_sends, b_receives;
	} rows[] = {
		{ "both", "", "", "sendrecv", 1, 1, 1, 1 },
		{ "A holds", "a=sendonly\r\n", "a=recvonly\r\n", "recvonly", 1, 0, 0, 1 },
		{ "A holds, B does not notice", "a=sendonly\r\n", "", "recvonly", 1, 0, 1, 1 },
		{ "A holds in the old way", "c=IN IP4 0.0.0.0\r\n", "a=recvonly\r\n", "recvonly", 1, 0, 0, 1 },
		{ "B holds", "", "a=sendonly\r\n", "sendonly", 1, 1, 1, 0 },
		{ "B holds in the old way", "", "c=IN IP4 0.0.0.0\r\n", "sendonly", 1, 1, 1, 0 },
		{ "inactive", "a=inactive\r\n", "a=inactive\r\n", "inactive", 0, 0, 0, 0 },
		{ "both hold", "a=sendonly\r\n", "a=sendonly\r\n", "inactive", 1, 0, 1, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct result r;
		char offer[512], answer[512], want[128];
		const struct media_line *line = &r.plan.line[0];

		(void)snprintf(offer, sizeof(offer), A_HEAD "m=audio 4000 RTP/AVP 0\r\n%s",
			       row->offer);
		(void)snprintf(answer, sizeof(answer), B_HEAD "m=audio 5000 RTP/AVP 0\r\n%s",
			       row->answer);
		(void)snprintf(want, sizeof(want), "m=audio 30000 RTP/AVP 0\r\na=%s\r\n" RTCP0,
			       row->want);
		exchange(&r, bytes_str(offer), bytes_str(answer), &g_policy);
		ROW_ASSERT(row->name, r.err == 0);
		ROW_ASSERT(row->name, bytes_is(bytes_from(r.answer_a, strlen(SELF_HEAD)), want));
		ROW_ASSERT(row->name, line->a.sends == row->a_sends);
		ROW_ASSERT(row->name, line->a.receives == row->a_receives);
		ROW_ASSERT(row->name, line->b.sends == row->b_sends);
		ROW_ASSERT(row->name, line->b.receives == row->b_receives);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		bool mux;
		const char *a, *b; /* "rtp rtcp mux" */
		bool mux_in_answer;
	} rows[] = {
		{ "next port", "", "", false, "192.0.2.1:4000 192.0.2.1:4001 0",
		  "192.0.2.2:5000 192.0.2.2:5001 0", false },
		{ "a=rtcp", "a=rtcp:4100\r\n", "a=rtcp:5100 IN IP4 192.0.2.5\r\n", false,
		  "192.0.2.1:4000 192.0.2.1:4100 0", "192.0.2.2:5000 192.0.2.5:5100 0", false },
		{ "a=rtcp of the other family", "", "a=rtcp:5100 IN IP6 2001:db8::5\r\n", false,
		  "192.0.2.1:4000 192.0.2.1:4001 0", "192.0.2.2:5000 none 0", false },
		{ "c= of the m-line", "c=IN IP4 192.0.2.9\r\n", "c=IN IP6 2001:db8::2\r\n", false,
		  "192.0.2.9:4000 192.0.2.9:4001 0", "[2001:db8::2]:5000 [2001:db8::2]:5001 0", false },
		{ "mux with both", "a=rtcp-mux\r\n", "a=rtcp-mux\r\n", true,
		  "192.0.2.1:4000 192.0.2.1:4000 1", "192.0.2.2:5000 192.0.2.2:5000 1", true },
		{ "mux with A alone", "a=rtcp-mux\r\n", "", true, "192.0.2.1:4000 192.0.2.1:4000 1",
		  "192.0.2.2:5000 192.0.2.2:5001 0", true },
		{ "mux with B alone", "", "a=rtcp-mux\r\n", true, "192.0.2.1:4000 192.0.2.1:4001 0",
		  "192.0.2.2:5000 192.0.2.2:5000 1", false },
		{ "mux never offered", "a=rtcp-mux\r\n", "a=rtcp-mux\r\n", false,
		  "192.0.2.1:4000 192.0.2.1:4001 0", "192.0.2.2:5000 192.0.2.2:5001 0", false },
		{ "hold without an address", "c=IN IP4 0.0.0.0\r\na=rtcp:4001\r\n", "", false,
		  "none none 0", "192.0.2.2:5000 192.0.2.2:5001 0", false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct result r;
		struct offer_policy policy = g_policy;
		char offer[512], answer[512], got[2][200], rtp[ADDR_TEXT_MAX], rtcp[ADDR_TEXT_MAX];

		policy.rtcp_mux = row->mux;
		(void)snprintf(offer, sizeof(offer), A_HEAD "m=audio 4000 RTP/AVP 0\r\n%s",
			       row->offer);
		(void)snprintf(answer, sizeof(answer), B_HEAD "m=audio 5000 RTP/AVP 0\r\n%s",
			       row->answer);
		exchange(&r, bytes_str(offer), bytes_str(answer), &policy);
		ROW_ASSERT(row->name, r.err == 0);
		for (int i = 0; i < 2; i++) {
			const struct media_side *side = i ? &r.plan.line[0].b : &r.plan.line[0].a;

			(void)snprintf(got[i], sizeof(got[i]), "%s %s %u",
				       addr_text(&side->rtp, rtp), addr_text(&side->rtcp, rtcp),
				       side->mux);
		}
		if (strcmp(got[0], row->a) != 0 || strcmp(got[1], row->b) != 0)
			fail_msg("%s: %s | %s", row->name, got[0], got[1]);
		ROW_ASSERT(row->name, !!memmem(r.answer_a.p, r.answer_a.n, "a=rtcp-mux", 10) ==
					      row->mux_in_answer);
		ROW_ASSERT(row->name, !!memmem(r.answer_a.p, r.answer_a.n, "a=rtcp:", 7) !=
					      row->mux_in_answer);
	}
}

static void test_lines(void **state)
{
	static const struct {
		const char *name, *offer, *answer, *want;
		uint8_t active[3];
	} rows[] = {
		{ "B refuses one of two",
		  A_HEAD "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 8\r\n",
		  B_HEAD "m=audio 5000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 8\r\n",
		  "m=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n" RTCP0 "m=audio 0 RTP/AVP 8\r\n",
		  { 1, 0 } },
		{ "B's answer ends early",
		  A_HEAD "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 8\r\n",
		  B_HEAD "m=audio 5000 RTP/AVP 0\r\n",
		  "m=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n" RTCP0 "m=audio 0 RTP/AVP 8\r\n",
		  { 1, 0 } },
		{ "we refused one, whatever B says of it",
		  A_HEAD "m=image 4 udptl t38\r\nm=audio 4002 RTP/AVP 8\r\n",
		  B_HEAD "m=image 5 udptl t38\r\nm=audio 5002 RTP/AVP 8\r\n",
		  "m=image 0 udptl t38\r\nm=audio 30002 RTP/AVP 8\r\na=sendrecv\r\n"
		  "a=rtcp:30003 IN IP4 203.0.113.1\r\n",
		  { 0, 1 } },
		{ "no codec in common in one of two",
		  A_HEAD "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 8\r\n",
		  B_HEAD "m=audio 5000 RTP/AVP 8\r\nm=audio 5002 RTP/AVP 8\r\n",
		  "m=audio 0 RTP/AVP 0\r\nm=audio 30002 RTP/AVP 8\r\na=sendrecv\r\n"
		  "a=rtcp:30003 IN IP4 203.0.113.1\r\n",
		  { 0, 1 } },
		{ "B refuses all", A_HEAD "m=audio 4000 RTP/AVP 0\r\n", B_HEAD "m=audio 0 RTP/AVP 0\r\n",
		  "m=audio 0 RTP/AVP 0\r\n", { 0 } },
		{ "no line at all", A_HEAD, B_HEAD, "", { 0 } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct result r;
		struct bytes media;

		exchange(&r, bytes_str(row->offer), bytes_str(row->answer), &g_policy);
		ROW_ASSERT(row->name, r.err == 0);
		media = bytes_from(r.answer_a, strlen(SELF_HEAD));
		if (!bytes_is(media, row->want))
			fail_msg("%s: got\n" BYTES_FMT, row->name, BYTES_ARG(media));
		for (int i = 0; i < 3; i++)
			ROW_ASSERT(row->name, r.plan.line[i].active == row->active[i]);
	}
}

static void test_refuses(void **state)
{
	static const struct {
		const char *name, *answer;
		int err;
	} rows[] = {
		{ "not SDP", "hello", -EBADMSG },
		{ "more m-lines than offered",
		  B_HEAD "m=audio 5000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n", -EBADMSG },
		{ "another kind", B_HEAD "m=video 5000 RTP/AVP 0\r\n", -EBADMSG },
		{ "no c=", "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\nm=audio 5000 RTP/AVP 0\r\n", -EBADMSG },
		{ "no codec in common", B_HEAD "m=audio 5000 RTP/AVP 8\r\n", -ENOTSUP },
		{ "events only", B_HEAD "m=audio 5000 RTP/AVP 101\r\n" EVENT("101"), -ENOTSUP },
		{ "events and noise only", B_HEAD "m=audio 5000 RTP/AVP 13 101\r\n" EVENT("101"), -ENOTSUP },
		{ "SRTP to a plain offer", B_HEAD "m=audio 5000 RTP/SAVP 0\r\n", -ENOTSUP },
		{ "a host name", B_HEAD "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 b.example.com\r\n", -ENOTSUP },
	}, *row;
	const char *offer = A_HEAD "m=audio 4000 RTP/AVP 0 13 101\r\n" EVENT("101");

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct result r;

		exchange(&r, bytes_str(offer), bytes_str(row->answer), &g_policy);
		if (r.err != row->err || r.error.status != 488 || !r.error.reason)
			fail_msg("%s: %d %u %s", row->name, r.err, r.error.status, r.error.reason);
		ROW_ASSERT(row->name, r.plan.line_count == 0 && !r.plan.line[0].active);
	}
}

static void test_a_client_that_misreads_the_offer(void **state)
{
	static struct result r;
	static uint8_t offer[2048], answer[2048];
	struct offer_policy policy = g_policy;

	(void)state;
	policy.rtcp_mux = false;
	exchange(&r, data_read("data/sdp/rtpengine-dual-dtmf.sdp", offer, sizeof(offer)),
		 data_read("data/sdp/answer-pt-mismatch.sdp", answer, sizeof(answer)), &policy);
	assert_int_equal(r.err, 0);
	assert_non_null(memmem(r.answer_a.p, r.answer_a.n, "m=audio 30000 RTP/AVP 8 101\r\n", 29));
	assert_null(memmem(r.answer_a.p, r.answer_a.n, "rtcp-mux", 8));
	assert_null(memmem(r.answer_a.p, r.answer_a.n, "192.0.2.44", 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_direction),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_a_client_that_misreads_the_offer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
