/* SPDX-License-Identifier: Apache-2.0 */
/* What browsers say of each other's packets: NACK, transport-cc, layers (RFC 4585, 8853). */
#include "tests/unit/media/offer_browser.h"

/* Packets are numbered over all that a party sends: where it wants to hear of it, and one transport has them all. */
static void test_transport_cc_of_a(void **state)
{
	static const struct {
		const char *name, *group, *first, *second, *feedback;
		uint8_t ids[2];
	} rows[] = {
		{ "of both", "a=group:BUNDLE 0 1\r\n", CC("3"), CC("3"), "96 transport-cc", { 3, 3 } },
		{ "with a direction", "a=group:BUNDLE 0 1\r\n", CC("3/sendonly"), CC("3"), "* transport-cc", { 3, 3 } },
		{ "of the picture alone", "a=group:BUNDLE 0 1\r\n", "", CC("14"), "96 transport-cc", { 0, 14 } },
		{ "nothing is to be heard of it", "a=group:BUNDLE 0 1\r\n", "", CC("3"), "96 nack", { 0, 0 } },
		{ "nothing of what is left", "a=group:BUNDLE 0 1\r\n", "", CC("3"), "97 transport-cc", { 0, 0 } },
		{ "not numbered", "a=group:BUNDLE 0 1\r\n", "", "a=extmap:3 urn:x\r\n", "96 transport-cc", { 0, 0 } },
		{ "too high for one octet", "a=group:BUNDLE 0 1\r\n", CC("15"), CC("15"), "* transport-cc", { 0, 0 } },
		{ "each its own transport", "", CC("3"), CC("3"), "* transport-cc", { 0, 0 } },
		{ "one alone has its own transport", "", "", CC("3"), "* transport-cc", { 0, 3 } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[2048], want[2][256];

		begin(true, false);
		(void)snprintf(offer, sizeof(offer),
			       HEAD "%s" AUDIO
				    "a=mid:0\r\na=rtcp-fb:* transport-cc\r\n%s" ICE SHA256 VIDEO
				    "a=mid:1\r\na=rtcp-fb:%s\r\n%s" ICE SHA256,
			       row->group, row->first, row->feedback, row->second);
		rig_exchange(&g_rig, bytes_str(offer),
			     BYTES_LIT(PLAIN "m=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
					     "a=extmap:3 " TRANSPORT_CC_URI "\r\n"));
		ROW_ASSERT(row->name, g_rig.err == 0);
		for (uint8_t i = 0; i < 2; i++) {
			const struct media_line *line = &g_rig.plan.line[i];

			ROW_ASSERT(row->name,
				   line->a.cc_extension == row->ids[i] && !line->b.cc_extension);
			(void)snprintf(want[i], sizeof(want[i]),
				       "a=mid:%u\r\na=extmap:%u/recvonly " TRANSPORT_CC_URI "\r\n",
				       i, row->ids[i]);
			ROW_ASSERT(row->name,
				   rig_has(g_rig.answer_a, want[i]) == (row->ids[i] > 0));
		}
		ROW_ASSERT(row->name, rig_has(g_rig.answer_a, "a=rtcp-fb:0 transport-cc\r\n") ==
					      (row->ids[0] > 0));
		ROW_ASSERT(row->name, rig_has(g_rig.answer_a, "a=rtcp-fb:96 transport-cc\r\n") ==
					      (row->ids[1] > 0));
		ROW_ASSERT(row->name, !rig_has(g_rig.offer_b, "extmap") &&
					      !rig_has(g_rig.offer_b, "transport-cc"));
	}
}

#define PICTURE "a=rtpmap:96 H264/90000\r\n"

/* Where the party and we have both said so: to a browser we do, whatever a phone says; to a phone we do not. */
static void test_nack(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		bool webrtc_b;
		uint8_t a, b;
	} rows[] = {
		{ "a browser calls a phone", VIDEO ICE SHA256 "a=rtcp-fb:96 nack\r\n", "RTP/AVP 96\r\n" PICTURE, false, 1, 0 },
		{ "of all formats", VIDEO ICE SHA256 "a=rtcp-fb:* nack \r\n", "RTP/AVP 96\r\n" PICTURE, false, 1, 0 },
		{ "PLI alone", VIDEO ICE SHA256 "a=rtcp-fb:96 nack pli\r\n", "RTP/AVP 96\r\n" PICTURE, false, 0, 0 },
		{ "of another format", VIDEO ICE SHA256 "a=rtcp-fb:97 nack\r\n", "RTP/AVP 96\r\n" PICTURE, false, 0, 0 },
		{ "a phone that was not offered it", VIDEO ICE SHA256, "RTP/AVP 96\r\n" PICTURE "a=rtcp-fb:* nack\r\n", false, 0, 0 },
		{ "a phone calls a browser", "m=video 4000 RTP/AVP 96\r\n" PICTURE,
		  "UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n" PICTURE ICE SHA256 "a=setup:active\r\na=rtcp-fb:96 nack\r\n", true, 0, 1 },
		{ "one that says so of RTP/AVP", "m=video 4000 RTP/AVP 96\r\n" PICTURE "a=rtcp-fb:* nack\r\n",
		  "UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n" PICTURE ICE SHA256 "a=setup:active\r\na=rtcp-fb:96 nack\r\n", true, 0, 1 },
		{ "a browser that does not want it", "m=video 4000 RTP/AVP 96\r\n" PICTURE,
		  "UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n" PICTURE ICE SHA256 "a=setup:active\r\n", true, 0, 0 },
		{ "two phones", "m=video 4000 RTP/AVPF 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n",
		  "RTP/AVPF 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n", false, 1, 1 },
		{ "two phones, and one does not", "m=video 4000 RTP/AVPF 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n",
		  "RTP/AVPF 96\r\n" PICTURE, false, 0, 0 },
		{ "two phones, and one answers another profile", "m=video 4000 RTP/AVP 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n",
		  "RTP/AVPF 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n", false, 0, 1 },
		{ "neither has a profile of feedback", "m=video 4000 RTP/AVP 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n",
		  "UDP/TLS/RTP/SAVP 96\r\na=rtcp-mux\r\n" PICTURE ICE SHA256 "a=setup:active\r\na=rtcp-fb:96 nack\r\n", true, 0, 1 },
		{ "sound", "m=audio 4000 RTP/AVPF 96\r\na=rtpmap:96 opus/48000/2\r\na=rtcp-fb:96 nack\r\n",
		  "RTP/AVPF 96\r\na=rtpmap:96 opus/48000/2\r\na=rtcp-fb:96 nack\r\n", false, 0, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[2048], answer[2048];
		const struct media_line *line = &g_rig.plan.line[0];

		begin(true, row->webrtc_b);
		if (row->webrtc_b)
			g_rig.policy.b.dtls_accept = true;
		(void)snprintf(offer, sizeof(offer), HEAD "%s", row->offer);
		(void)snprintf(answer, sizeof(answer), HEAD "m=%.5s 5002 %s", row->offer + 2,
			       row->answer);
		rig_exchange(&g_rig, bytes_str(offer), bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0);
		ROW_ASSERT(row->name, line->a.nack == row->a && line->b.nack == row->b);
		if (line->kind == MEDIA_VIDEO)
			ROW_ASSERT(row->name, rig_has(g_rig.answer_a, " nack\r\n") == row->a);
		ROW_ASSERT(row->name, !row->b || rig_has(g_rig.offer_b, "nack\r\n"));
	}
}

/* We offer it, under a number that means nothing else on the leg. */
static void test_transport_cc_of_b(void **state)
{
	static const struct {
		const char *name, *earlier, *answer, *offered;
		uint8_t id;
	} rows[] = {
		{ "agreed", "", CC("1") "a=rtcp-fb:0 transport-cc\r\n", "1/recvonly", 1 },
		{ "not taken", "", "", "1/recvonly", 0 },
		{ "numbered, not to be told", "", CC("1"), "1/recvonly", 0 },
		{ "to be told, not numbered", "", "a=rtcp-fb:* transport-cc\r\n", "1/recvonly", 0 },
		{ "as before", HEAD "a=extmap:2 urn:s\r\n" AUDIO "a=extmap:1 urn:x\r\n" CC("7/sendonly"),
		  CC("7") "a=rtcp-fb:* transport-cc\r\n", "7/recvonly", 7 },
		{ "others have theirs", HEAD "a=extmap:1 urn:s\r\n" AUDIO "a=extmap:2 urn:x\r\na=extmap:4 urn:y\r\n",
		  CC("3") "a=rtcp-fb:* transport-cc\r\n", "3/recvonly", 3 },
		{ "all are in use", HEAD "a=extmap:1 urn:a\r\na=extmap:2 urn:b\r\na=extmap:3 urn:c\r\na=extmap:4 urn:d\r\n"
		  "a=extmap:5 urn:e\r\na=extmap:6 urn:f\r\na=extmap:7 urn:g\r\na=extmap:8 urn:h\r\na=extmap:9 urn:i\r\n"
		  "a=extmap:10 urn:j\r\na=extmap:11 urn:k\r\na=extmap:12 urn:l\r\na=extmap:13 urn:m\r\n" AUDIO
		  "a=extmap:14 urn:n\r\n", "", NULL, 0 },
		{ "answered, not offered", HEAD "a=extmap:1 urn:a\r\na=extmap:2 urn:b\r\na=extmap:3 urn:c\r\na=extmap:4 urn:d\r\n"
		  "a=extmap:5 urn:e\r\na=extmap:6 urn:f\r\na=extmap:7 urn:g\r\na=extmap:8 urn:h\r\na=extmap:9 urn:i\r\n"
		  "a=extmap:10 urn:j\r\na=extmap:11 urn:k\r\na=extmap:12 urn:l\r\na=extmap:13 urn:m\r\n" AUDIO
		  "a=extmap:14 urn:n\r\n", CC("3") "a=rtcp-fb:* transport-cc\r\n", NULL, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char answer[1024], want[256];

		begin(false, true);
		g_rig.to_b.earlier = bytes_str(row->earlier);
		(void)snprintf(answer, sizeof(answer),
			       HEAD AUDIO "%s" ICE SHA256 "a=setup:active\r\n", row->answer);
		rig_exchange(&g_rig,
			     BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 "
					    "telephone-event/8000\r\n"
					    "a=extmap:9 " TRANSPORT_CC_URI "\r\n"),
			     bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0);
		(void)snprintf(want, sizeof(want), "a=extmap:%s " TRANSPORT_CC_URI "\r\n",
			       row->offered);
		ROW_ASSERT(row->name, rig_has(g_rig.offer_b, row->offered ? want : "zzz") ==
					      (row->offered != NULL));
		ROW_ASSERT(row->name, rig_has(g_rig.offer_b, "a=rtcp-fb:0 transport-cc\r\n") ==
					      (row->offered != NULL));
		ROW_ASSERT(row->name, !rig_has(g_rig.offer_b, "a=rtcp-fb:101") &&
					      !rig_has(g_rig.offer_b, "extmap:9"));
		ROW_ASSERT(row->name, g_rig.plan.line[0].b.cc_extension == row->id);
		ROW_ASSERT(row->name, !rig_has(g_rig.answer_a, "extmap") &&
					      !rig_has(g_rig.answer_a, "transport-cc"));
	}
	/* a phone that has DTLS alone */
	begin(false, true);
	g_rig.to_b.ice[0].on = 0;
	rig_offer(&g_rig, BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 0\r\n"));
	assert_true(!rig_has(g_rig.offer_b, "extmap") && !rig_has(g_rig.offer_b, "transport-cc"));
}

/* Feedback is said as we relay it, and nothing that one leg alone has a meaning for crosses. */
static void test_between(void **state)
{
	static const char video[] = "a=rtpmap:96 H264/90000\r\n";
	char offer[2048];

	(void)state;
	begin(true, false);
	(void)snprintf(
		offer, sizeof(offer),
		HEAD
		"a=extmap-allow-mixed\r\na=extmap:9 urn:x\r\n" VIDEO "%s" ICE SHA256
		"a=mid:0\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=msid:s t\r\n"
		"a=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 nack pli\r\n"
		"a=rtcp-fb:* ccm fir\r\na=ssrc:1 cname:x\r\na=rid:1 send\r\na=simulcast:send 1\r\n",
		video);
	rig_exchange(&g_rig, bytes_str(offer),
		     BYTES_LIT(
			     HEAD
			     "m=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=rtcp-rsize\r\n"
			     "a=extmap:4 urn:y\r\na=rtcp-fb:96 nack\r\n"));
	assert_int_equal(g_rig.err, 0);
	assert_true(bytes_is(
		g_rig.offer_b,
		"v=0\r\no=- 5 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
		"m=video 40000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=rtcp-fb:* nack "
		"pli\r\na=rtcp-fb:* ccm fir\r\n"
		"a=sendrecv\r\n"
		"a=rtcp:40001 IN IP4 198.51.100.7\r\n"));
	check_has("asked for", g_rig.answer_a, "a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n");
	check_has("our stream", g_rig.answer_a, "a=msid:5 5-0\r\na=ssrc:30000 cname:5\r\n");
	assert_true(!rig_has(g_rig.answer_a, "extmap") && !rig_has(g_rig.answer_a, "96 nack\r\n"));
	assert_true(!rig_has(g_rig.answer_a, "rtcp-rsize") &&
		    !rig_has(g_rig.answer_a, "transport-cc"));
	assert_true(!rig_has(g_rig.answer_a, "goog-remb") && !rig_has(g_rig.answer_a, "rid"));
}

/* Of several layers one is taken, the best (offer_layers_test.c); and nobody else is offered any. */
static void test_simulcast(void **state)
{
	static const struct bytes phone =
		BYTES_LIT(HEAD "m=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	static const struct bytes browser =
		BYTES_LIT(HEAD VIDEO ICE SHA256 "a=mid:0\r\na=setup:active\r\n");
	static const struct {
		const char *name, *lines, *granted, *layer; /* NULL: none */
	} rows[] = {
		{ "three layers", RID("10") "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n", RID("10/recvonly"), "a=simulcast:recv f\r\n" },
		{ "one way", RID("4/sendonly") "a=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 1;2\r\n", RID("4/recvonly"), "a=simulcast:recv 2\r\n" },
		{ "with limits",
		  RID("1") "a=rid:1 send pt=96;max-width=1280;max-height=720\r\na=rid:2 send max-br=64000\r\na=simulcast:send 1;2\r\n",
		  RID("1/recvonly"), "a=simulcast:recv 1\r\n" },
		{ "choices, and one that waits", RID("1") "a=rid:1 send\r\na=rid:2 send\r\na=rid:3 send\r\na=simulcast:send 1,2;~3\r\n",
		  RID("1/recvonly"), "a=simulcast:recv 3\r\n" },
		{ "both ways", RID("1") "a=rid:1 send\r\na=rid:2 recv\r\na=simulcast:send 1 recv 2\r\n", RID("1/recvonly") },
		{ "twice", RID("1") "a=rid:1 send\r\na=simulcast:send 1\r\na=simulcast:send 1\r\n", RID("1/recvonly") },
		{ "of layers that are not there", RID("14") "a=simulcast:send 7;8\r\n", RID("14/recvonly") },
		{ "empty", RID("1") "a=rid:\r\na=rid\r\na=simulcast:\r\n", RID("1/recvonly") },
		{ "no extension", "a=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 1;2\r\n", NULL },
		{ "too high a number", RID("15") "a=rid:1 send\r\na=simulcast:send 1\r\n", NULL },
		{ "one layer", RID("10"), NULL },
		{ "an older way", RID("10") "a=ssrc-group:SIM 1 2 3\r\na=ssrc:1 cname:x\r\na=ssrc:2 cname:x\r\na=ssrc:3 cname:x\r\n", NULL },
	}, *row;
	char offer[2048];

	(void)state;
	EACH_ROW(row, rows)
	{
		for (int i = 0; i < 2; i++) {
			begin(true, i);
			(void)snprintf(offer, sizeof(offer), HEAD VIDEO ICE SHA256 "a=mid:0\r\n%s",
				       row->lines);
			rig_exchange(&g_rig, bytes_str(offer), i ? browser : phone);
			ROW_ASSERT(row->name, g_rig.err == 0);
			check_no_layers(row->name, g_rig.offer_b);
			if (!row->layer)
				check_no_layers(row->name, g_rig.answer_a);
			check_has(row->name, g_rig.answer_a, row->layer ? row->layer : "");
			check_has(row->name, g_rig.answer_a, "m=video 30000 ");
			check_has(row->name, g_rig.answer_a, row->granted ? row->granted : "");
			ROW_ASSERT(row->name, rig_has(g_rig.answer_a, RID_NAME) == !!row->granted);
			ROW_ASSERT(row->name, !rig_has(g_rig.offer_b, RID_NAME));
		}
	}
}

/* It is granted as long as the call lasts, whoever offers. */
static void test_after_simulcast(void **state)
{
	static const struct {
		const char *name, *earlier, *offered;
	} rows[] = {
		{ "the first offer", "", NULL },
		{ "it offered layers", HEAD VIDEO RID("10") "a=rid:1 send\r\na=simulcast:send 1\r\n", RID("10/recvonly") },
		{ "it answered", HEAD VIDEO RID("10/sendonly"), RID("10/recvonly") },
		{ "it has none", HEAD VIDEO CC("3"), NULL },
		{ "on another line", HEAD VIDEO AUDIO RID("10"), NULL },
		{ "the line is new", HEAD, NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		begin(false, true);
		g_rig.to_b.earlier = bytes_str(row->earlier);
		rig_offer(&g_rig,
			  BYTES_LIT(HEAD "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"));
		ROW_ASSERT(row->name, g_rig.err == 0);
		check_no_layers(row->name, g_rig.offer_b);
		check_has(row->name, g_rig.offer_b, row->offered ? row->offered : "");
		ROW_ASSERT(row->name, rig_has(g_rig.offer_b, RID_NAME) == !!row->offered);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transport_cc_of_a), cmocka_unit_test(test_nack),
		cmocka_unit_test(test_transport_cc_of_b), cmocka_unit_test(test_between),
		cmocka_unit_test(test_simulcast),         cmocka_unit_test(test_after_simulcast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
