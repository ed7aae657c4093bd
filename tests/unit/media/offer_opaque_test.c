/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that are neither audio nor video: fax, floor control, text. */
#include "tests/unit/media/offer_rig.h"

#include <errno.h>

#include "media/offer/agree.h"

#define A_HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=a\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define B_HEAD "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=b\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
#define T38    "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
#define AUDIO  "m=audio 4000 RTP/AVP 8\r\n"
#define FAX    "m=image 4002 udptl t38\r\n"
#define TEXT   "m=text 4002 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n"
#define FLOOR  "m=application 4002 UDP/BFCP *\r\na=floorctrl:c-s\r\n"
#define RED    "a=rtpmap:100 red/1000\r\na=fmtp:100 98/98\r\na=rtpmap:98 t140/1000\r\n"
#define CRYPTO \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"

static struct rig g_rig;

static void allow(uint8_t a, uint8_t b)
{
	rig_init(&g_rig);
	g_rig.policy.a.lines = a;
	g_rig.policy.b.lines = b;
}

/* From the first m-line on, with | for line ends. */
static void check_media(const char *name, struct bytes text, const char *want)
{
	uint8_t buf[2048];
	struct writer w = writer_over(buf, sizeof(buf));
	struct bytes line;
	bool media = false;

	while (bytes_cut(&text, '\n', &line)) {
		media |= bytes_starts(line, "m=");
		if (!media)
			continue;
		writer_bytes(&w, bytes_trim(line));
		writer_str(&w, "|");
	}
	if (!bytes_is(writer_done(&w), want))
		fail_msg("%s: got " BYTES_FMT, name, BYTES_ARG(writer_done(&w)));
}

/* What the texts alone tell is what was planned when the last of them was written. */
static void check_bridge(const char *name, struct bytes offer, struct bytes answer)
{
	const struct session_texts a = { .remote = offer, .local = g_rig.answer_a };
	const struct session_texts b = { .remote = answer,
					 .local = g_rig.offer_b,
					 .we_offered = true };
	static struct media_plan plan;
	struct offer_error error = { 0 };

	ROW_ASSERT(name, bridge_read(&a, &b, false, &plan, &error) == 0);
	ROW_ASSERT(name, memcmp(&plan, &g_rig.plan, sizeof(plan)) == 0);
}

static void test_exchange(void **state)
{
	static const struct {
		const char *name, *offer, *answer, *to_b, *to_a;
		const char *active; /* a letter for each line */
	} rows[] = {
		{ "fax in place of audio", FAX T38, "m=image 5000 udptl t38\r\n" T38,
		  "m=image 40000 udptl t38|a=T38FaxVersion:0|a=T38MaxBitRate:14400|"
		  "a=T38FaxUdpEC:t38UDPRedundancy|",
		  "m=image 30000 udptl t38|a=T38FaxVersion:0|a=T38MaxBitRate:14400|"
		  "a=T38FaxUdpEC:t38UDPRedundancy|",
		  "o" },
		{ "fax beside an audio line that is off", "m=audio 0 RTP/AVP 8\r\n" FAX,
		  "m=audio 0 RTP/AVP 8\r\nm=image 5002 udptl t38\r\n",
		  "m=audio 0 RTP/AVP 8|m=image 40002 udptl t38|",
		  "m=audio 0 RTP/AVP 8|m=image 30002 udptl t38|", "-o" },
		{ "the answerer takes the audio alone", AUDIO FAX,
		  "m=audio 5000 RTP/AVP 8\r\nm=image 0 udptl t38\r\n",
		  "m=audio 40000 RTP/AVP 8|a=sendrecv|a=rtcp:40001 IN IP4 198.51.100.7|"
		  "m=image 40002 udptl t38|",
		  "m=audio 30000 RTP/AVP 8|a=sendrecv|a=rtcp:30001 IN IP4 203.0.113.1|"
		  "m=image 0 udptl t38|",
		  "a-" },
		{ "the transport's case is the offerer's", "m=image 4002 UDPTL t38\r\n",
		  "m=image 5000 udptl t38\r\n", "m=image 40000 UDPTL t38|",
		  "m=image 30000 UDPTL t38|", "o" },
		{ "direction, bandwidth and what is not of the hop",
		  FAX "i=page\r\nb=AS:30\r\na=sendonly\r\na=candidate:1 1 UDP 1 192.0.2.9 9 typ "
		      "host\r\na=label:1\r\n",
		  "m=image 5000 udptl t38\r\na=recvonly\r\n",
		  "m=image 40000 udptl t38|i=page|b=AS:30|a=label:1|a=sendonly|",
		  "m=image 30000 udptl t38|a=recvonly|", "o" },
		{ "RTP of another kind has RTCP, and numbers that are nobody's here",
		  "m=x 4002 RTP/AVP 98 100\r\na=rtpmap:98 red/1000\r\na=fmtp:98 "
		  "100/100\r\na=rtpmap:100 t140/1000\r\na=rtcp-mux\r\n",
		  "m=x 5000 RTP/AVP 99\r\na=rtpmap:99 t140/1000\r\n",
		  "m=x 40000 RTP/AVP 98 100|a=rtpmap:98 red/1000|a=fmtp:98 100/100|"
		  "a=rtpmap:100 t140/1000|a=rtcp:40001|",
		  "m=x 30000 RTP/AVP 99|a=rtpmap:99 t140/1000|a=rtcp:30001|", "o" },
		{ "floor control over UDP",
		  "m=application 4002 UDP/BFCP *\r\na=floorctrl:c-s\r\na=confid:1\r\n",
		  "m=application 5000 UDP/BFCP *\r\na=floorctrl:c-s\r\n",
		  "m=application 40000 UDP/BFCP *|a=floorctrl:c-s|a=confid:1|",
		  "m=application 30000 UDP/BFCP *|a=floorctrl:c-s|", "o" },
		{ "what has a connection, or keys, has port 0",
		  AUDIO "m=application 9 TCP/BFCP *\r\nm=message 9 TCP/MSRP *\r\n"
			"m=image 4 UDP/TLS/UDPTL t38\r\nm=x 4 RTP/SAVP 98\r\n",
		  "m=audio 5000 RTP/AVP 8\r\nm=application 0 TCP/BFCP *\r\nm=message 0 TCP/MSRP "
		  "*\r\nm=image 0 UDP/TLS/UDPTL t38\r\nm=x 0 RTP/SAVP 98\r\n",
		  "m=audio 40000 RTP/AVP 8|a=sendrecv|a=rtcp:40001 IN IP4 198.51.100.7|"
		  "m=application 0 TCP/BFCP *|m=message 0 TCP/MSRP *|"
		  "m=image 0 UDP/TLS/UDPTL t38|m=x 0 RTP/SAVP 98|",
		  "m=audio 30000 RTP/AVP 8|a=sendrecv|a=rtcp:30001 IN IP4 203.0.113.1|"
		  "m=application 0 TCP/BFCP *|m=message 0 TCP/MSRP *|"
		  "m=image 0 UDP/TLS/UDPTL t38|m=x 0 RTP/SAVP 98|",
		  "a---" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[1024], answer[1024];

		(void)snprintf(offer, sizeof(offer), A_HEAD "%s", row->offer);
		(void)snprintf(answer, sizeof(answer), B_HEAD "%s", row->answer);
		allow(OFFER_LINES_ALL, OFFER_LINES_ALL);
		rig_exchange(&g_rig, bytes_str(offer), bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0);
		check_media(row->name, g_rig.offer_b, row->to_b);
		check_media(row->name, g_rig.answer_a, row->to_a);
		check_bridge(row->name, bytes_str(offer), bytes_str(answer));
		for (uint8_t i = 0; row->active[i]; i++) {
			const struct media_line *line = &g_rig.plan.line[i];

			ROW_ASSERT(row->name, line->active == (row->active[i] != '-'));
			if (line->active)
				ROW_ASSERT(row->name,
					   (line->kind == MEDIA_OPAQUE) == (row->active[i] == 'o'));
		}
	}
}

static void test_text(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		bool keys; /* of A */
		uint8_t rules;
	} rows[] = {
		{ "redundancy", "m=text 4002 RTP/AVP 100 98\r\n" RED,
		  "m=text 5000 RTP/AVP 100 98\r\n" RED, false, 2 },
		{ "B has none", "m=text 4002 RTP/AVP 100 98\r\n" RED,
		  "m=text 5000 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n", false, 1 },
		{ "A has keys", "m=text 4002 RTP/SAVP 100 98\r\n" RED CRYPTO,
		  "m=text 5000 RTP/AVP 100 98\r\n" RED, true, 2 },
	}, *row;
	const struct media_line *line = &g_rig.plan.line[0];

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[512], answer[512];

		(void)snprintf(offer, sizeof(offer), A_HEAD "%s", row->offer);
		(void)snprintf(answer, sizeof(answer), B_HEAD "%s", row->answer);
		allow(OFFER_LINES_TEXT, OFFER_LINES_TEXT);
		g_rig.policy.a.sdes_accept = true;
		g_rig.policy.a.codec_count = 1; /* those are of audio */
		(void)bytes_cstr(BYTES_LIT("PCMA"), g_rig.policy.a.codecs[0], OFFER_CODEC_NAME_MAX);
		rig_exchange(&g_rig, bytes_str(offer), bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0 && line->active);
		ROW_ASSERT(row->name, line->kind == MEDIA_TEXT && line->lines == OFFER_LINES_TEXT);
		ROW_ASSERT(row->name, (line->a.key_in.suite != MEDIA_SUITE_NONE) == row->keys);
		ROW_ASSERT(row->name, (line->a.key_out.suite != MEDIA_SUITE_NONE) == row->keys);
		ROW_ASSERT(row->name, line->b.key_in.suite == MEDIA_SUITE_NONE);
		ROW_ASSERT(row->name, line->a.rule_count == row->rules);
		ROW_ASSERT(row->name, line->a.rules[0].in == line->a.rules[0].out);
		ROW_ASSERT(row->name, line->a.rules[0].clock_hz == 1000);
		check_bridge(row->name, bytes_str(offer), bytes_str(answer));
	}
}

/* Fax has one port. RTP has two, and RTCP is not looked into for whose it is. */
static void test_ports(void **state)
{
	const struct media_line *line = &g_rig.plan.line[0];

	(void)state;
	allow(OFFER_LINES_ALL, OFFER_LINES_ALL);
	rig_exchange(&g_rig, BYTES_LIT(A_HEAD FAX), BYTES_LIT(B_HEAD "m=image 5000 udptl t38\r\n"));
	assert_true(line->active && line->a.mux && line->b.mux);
	assert_true(addr_eq(&line->a.rtcp, &line->a.rtp) && addr_eq(&line->b.rtcp, &line->b.rtp));
	assert_int_equal(line->a.rtp.port, 4002);
	assert_int_equal(line->b.rtp.port, 5000);
	assert_int_equal(line->a.rule_count + line->b.rule_count, 0);
	assert_int_equal(line->a.event_pt, PAYLOAD_NONE);
	rig_exchange(&g_rig,
		     BYTES_LIT(A_HEAD
			       "m=x 4002 RTP/AVP 98\r\na=rtcp-mux\r\na=rtpmap:98 t140/1000\r\n"),
		     BYTES_LIT(B_HEAD "m=x 5000 RTP/AVP 98\r\na=rtcp:5555\r\na=rtcp-mux\r\n"));
	assert_true(line->active && !line->a.mux && !line->b.mux);
	assert_int_equal(line->a.rtcp.port, 4003);
	assert_int_equal(line->b.rtcp.port, 5555);
}

static void only_sdes(struct offer_terms *t)
{
	t->sdes_offer = t->sdes_accept = t->sdes_only = true;
}

static void only_dtls(struct offer_terms *t)
{
	t->dtls_accept = t->dtls_only = true;
}

static void test_terms(void **state)
{
	static const struct {
		const char *name, *line;
		uint8_t a, b;
		void (*of_a)(struct offer_terms *t), (*of_b)(struct offer_terms *t);
		const char *reason; /* NULL: it passes */
	} rows[] = {
		{ "fax where both may", FAX, OFFER_LINES_T38, OFFER_LINES_ALL },
		{ "not A", FAX, OFFER_LINES_OTHER, OFFER_LINES_ALL,
		  .reason = "the profile does not allow such a line" },
		{ "not B", FAX, OFFER_LINES_ALL, 0,
		  .reason = "the profile does not allow such a line" },
		{ "floor control", FLOOR, OFFER_LINES_BFCP, OFFER_LINES_OTHER },
		{ "another line is no floor control", "m=application 4002 udp *\r\n",
		  OFFER_LINES_BFCP, OFFER_LINES_ALL,
		  .reason = "the profile does not allow such a line" },
		{ "floor control is no text", FLOOR, OFFER_LINES_TEXT, OFFER_LINES_ALL,
		  .reason = "the profile does not allow such a line" },
		{ "floor control beside keys", FLOOR, OFFER_LINES_BFCP, OFFER_LINES_BFCP, only_sdes,
		  .reason = "only encrypted media is accepted" },
		{ "another line is no fax", "m=x 4002 RTP/AVP 98\r\n", OFFER_LINES_T38,
		  OFFER_LINES_ALL, .reason = "the profile does not allow such a line" },
		{ "another line", "m=x 4002 RTP/AVP 98\r\n", OFFER_LINES_OTHER,
		  OFFER_LINES_ALL },
		{ "text", TEXT, OFFER_LINES_TEXT, OFFER_LINES_TEXT },
		{ "text as another line", TEXT, OFFER_LINES_OTHER, OFFER_LINES_TEXT },
		{ "another line is no text", "m=x 4002 RTP/AVP 98\r\n", OFFER_LINES_TEXT,
		  OFFER_LINES_ALL, .reason = "the profile does not allow such a line" },
		{ "text in clear", TEXT, OFFER_LINES_ALL, OFFER_LINES_ALL, only_sdes,
		  .reason = "plain RTP is not accepted" },
		{ "text towards a browser", TEXT, OFFER_LINES_ALL, OFFER_LINES_ALL,
		  .of_b = only_dtls, .reason = "no such line beside DTLS-SRTP" },
		{ "text that is none", "m=text 4002 RTP/AVP 98\r\na=rtpmap:98 x/1000\r\n",
		  OFFER_LINES_ALL, OFFER_LINES_ALL, .reason = "no known codec" },
		{ "text over TCP", "m=text 4002 TCP/RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n",
		  OFFER_LINES_ALL, OFFER_LINES_ALL, .reason = "transport is not relayed" },
		{ "over TCP", "m=image 4002 TCP t38\r\n", OFFER_LINES_ALL, OFFER_LINES_ALL,
		  .reason = "transport is not relayed" },
		{ "A's media is encrypted", FAX, OFFER_LINES_T38, OFFER_LINES_T38, only_sdes,
		  .reason = "only encrypted media is accepted" },
		{ "A's is by DTLS", FAX, OFFER_LINES_T38, OFFER_LINES_T38, only_dtls,
		  .reason = "only encrypted media is accepted" },
		{ "B's is", FAX, OFFER_LINES_T38, OFFER_LINES_T38, .of_b = only_sdes,
		  .reason = "only encrypted media is accepted" },
		{ "but for fax", FAX, OFFER_LINES_T38 | OFFER_LINES_UNENCRYPTED,
		  OFFER_LINES_T38 | OFFER_LINES_UNENCRYPTED, only_sdes, only_sdes },
		{ "towards a browser", FAX, OFFER_LINES_ALL, OFFER_LINES_ALL, .of_b = only_dtls,
		  .reason = "no such line beside DTLS-SRTP" },
		{ "beside DTLS-SRTP", FAX "m=audio 4 UDP/TLS/RTP/SAVPF 0\r\n", OFFER_LINES_ALL,
		  OFFER_LINES_ALL, .reason = "no such line beside DTLS-SRTP" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[512];

		(void)snprintf(offer, sizeof(offer), A_HEAD "%s", row->line);
		allow(row->a, row->b);
		if (row->of_a)
			row->of_a(&g_rig.policy.a);
		if (row->of_b)
			row->of_b(&g_rig.policy.b);
		rig_offer(&g_rig, bytes_str(offer));
		ROW_ASSERT(row->name, g_rig.err == (row->reason ? -ENOTSUP : 0));
		ROW_ASSERT(row->name, !row->reason || !strcmp(g_rig.error.reason, row->reason));
		ROW_ASSERT(row->name, !row->reason || g_rig.error.status == 488);
	}
}

/* An answer that is of something else than the offer is none. */
static void test_no_answer(void **state)
{
	(void)state;
	allow(OFFER_LINES_ALL, OFFER_LINES_ALL);
	rig_exchange(&g_rig, BYTES_LIT(A_HEAD FAX), BYTES_LIT(B_HEAD "m=image 5000 udp t38\r\n"));
	assert_int_equal(g_rig.err, -ENOTSUP);
	assert_string_equal(g_rig.error.reason, "another transport profile than offered");
	rig_exchange(&g_rig, BYTES_LIT(A_HEAD FAX), BYTES_LIT(B_HEAD "m=text 5000 udptl t38\r\n"));
	assert_int_equal(g_rig.err, -EBADMSG);
	rig_exchange(&g_rig, BYTES_LIT(A_HEAD FAX), BYTES_LIT(B_HEAD "m=image 0 udptl t38\r\n"));
	assert_int_equal(g_rig.err, 0);
	assert_false(g_rig.plan.line[0].active);
}

/* Two legs whose lines have one place, and are not the same. */
static void test_other_line_on_the_other_leg(void **state)
{
	static const char *const others[] = { "m=image 4 udp t38\r\n", "m=text 4 udptl t38\r\n",
					      AUDIO };
	static struct media_plan plan;
	struct offer_error error = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		char text[512];
		const struct session_texts fax = { .remote = BYTES_LIT(A_HEAD FAX),
						   .local = BYTES_LIT(A_HEAD FAX) };
		struct session_texts other = { 0 };

		(void)snprintf(text, sizeof(text), B_HEAD "%s", others[i]);
		other.remote = other.local = bytes_str(text);
		assert_int_equal(bridge_read(&fax, &other, false, &plan, &error), 0);
		assert_int_equal(plan.line_count, 1);
		assert_false(plan.line[0].active);
		assert_int_equal(bridge_read(&fax, &fax, false, &plan, &error), 0);
		assert_true(plan.line[0].active && plan.line[0].kind == MEDIA_OPAQUE);
	}
}

/* What we said last is offered once more by a hold or a refresh, also where the other party's terms are those of nobody. */
static void test_again(void **state)
{
	static uint8_t text[2048];
	struct writer w = writer_over(text, sizeof(text));

	(void)state;
	allow(0, OFFER_LINES_T38);
	only_sdes(&g_rig.policy.b);
	g_rig.to_b.held = true;
	assert_int_equal(offer_again(BYTES_LIT(A_HEAD FAX T38), &g_rig.policy, &g_rig.to_b, &w,
				     &g_rig.error),
			 0);
	check_media("again", writer_done(&w),
		    "m=image 40000 udptl t38|a=T38FaxVersion:0|a=T38MaxBitRate:14400|"
		    "a=T38FaxUdpEC:t38UDPRedundancy|a=sendonly|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_other_line_on_the_other_leg),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
