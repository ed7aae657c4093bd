/* SPDX-License-Identifier: Apache-2.0 */
/* Lines over DTLS that share a transport: BUNDLE (RFC 9143). */
#include "tests/unit/media/offer_browser.h"

/* Without a name in each packet nobody could tell two lines of the same codecs apart. */
static void test_same_numbers(void **state)
{
	static const char mid[] = "a=extmap:5/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
	static const struct {
		const char *name, *group, *second, *extension;
		uint8_t id;
	} rows[] = {
		{ "the same", "a=group:BUNDLE 0 1\r\n", "0", "5", 5 },
		{ "with a direction", "a=group:BUNDLE 0 1\r\n", "0", "5/sendrecv", 5 },
		{ "others", "a=group:BUNDLE 0 1\r\n", "8", "5", 0 },
		{ "each its own transport", "", "0", "5", 0 },
		{ "too high for one octet", "a=group:BUNDLE 0 1\r\n", "0", "15", 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[2048], answer[512];

		begin(true, false);
		(void)snprintf(
			offer, sizeof(offer),
			HEAD
			"%s" AUDIO
			"a=mid:0\r\na=extmap:%s urn:ietf:params:rtp-hdrext:sdes:mid\r\n" ICE SHA256
			"m=audio 9 UDP/TLS/RTP/SAVPF %s\r\na=rtcp-mux\r\na=mid:1\r\n"
			"a=extmap:%s urn:ietf:params:rtp-hdrext:sdes:mid\r\n" ICE SHA256,
			row->group, row->extension, row->second, row->extension);
		(void)snprintf(answer, sizeof(answer), PLAIN "m=audio 5002 RTP/AVP %s\r\n",
			       row->second);
		rig_exchange(&g_rig, bytes_str(offer), bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0);
		for (uint8_t i = 0; i < 2; i++)
			ROW_ASSERT(row->name, g_rig.plan.line[i].a.mid_extension == row->id);
		ROW_ASSERT(row->name, rig_has(g_rig.answer_a, mid) == (row->id != 0));
		ROW_ASSERT(row->name, !rig_has(g_rig.offer_b, "extmap"));
	}
}

/* Which line carries which: "-" for one that is off. */
static void check_bundle(const char *name, bool of_b, const char *want)
{
	char got[MEDIA_LINES_MAX + 1] = "";

	for (uint8_t i = 0; i < g_rig.plan.line_count; i++) {
		const struct media_line *line = &g_rig.plan.line[i];

		got[i] =
			(char)(line->active ? '0' + (of_b ? line->b.bundle : line->a.bundle) : '-');
	}
	if (strcmp(got, want) != 0)
		fail_msg("%s: %s", name, got);
}

static void test_groups_of_a(void **state)
{
	static const struct {
		const char *name, *offer, *answer, *bundle, *group;
		bool no_video;
	} rows[] = {
		{ "both", "a=group:BUNDLE 0 v\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256, NULL, "00",
		  "a=group:BUNDLE 0 v\r\nm=audio 30000 ", false },
		{ "the second has no port of its own, nor anything of the transport",
		  "a=group:BUNDLE 0 v\r\n" AUDIO "a=mid:0\r\n" ICE SHA256
		  "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\na=bundle-only\r\na=rtpmap:96 H264/90000\r\na=mid:v\r\n",
		  NULL, "00", "a=group:BUNDLE 0 v\r\n", false },
		{ "the tag that is first", "a=group:BUNDLE v 0\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256,
		  NULL, "11", "a=group:BUNDLE v 0\r\nm=audio 30002 ", false },
		{ "the first is refused", "a=group:BUNDLE v 0\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256,
		  NULL, "0-", "a=group:BUNDLE 0\r\nm=audio 30000 ", true },
		{ "one is not in it", "a=group:BUNDLE 0\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256, NULL, "01",
		  "a=group:BUNDLE 0\r\nm=audio 30000 ", false },
		{ "no group", AUDIO ICE SHA256 VIDEO ICE SHA256, NULL, "01", "a=ice-options:ice2\r\nm=audio 30000 ", false },
		{ "two groups", "a=group:LS 0 v\r\na=group:BUNDLE 0\r\na=group:BUNDLE v\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO
		  "a=mid:v\r\n" ICE SHA256, NULL, "01", "a=group:BUNDLE 0\r\na=group:BUNDLE v\r\nm=audio", false },
		{ "B takes one", "a=group:BUNDLE 0 v\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256,
		  HEAD "m=audio 0 RTP/AVP 0\r\nm=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", "-1",
		  "a=group:BUNDLE v\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\nm=video 30002 ", false },
		{ "port 0 without a group refuses", AUDIO ICE SHA256
		  "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\na=rtpmap:96 H264/90000\r\na=mid:v\r\n", NULL, "0-",
		  "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n", false },
	}, *row;
	static const char both[] = HEAD
		"m=audio 5000 RTP/AVP 0\r\nm=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[2048];

		begin(true, false);
		g_rig.policy.a.no_video = row->no_video;
		(void)snprintf(offer, sizeof(offer), HEAD "%s", row->offer);
		rig_exchange(&g_rig, bytes_str(offer),
			     bytes_str(row->answer     ? row->answer
				       : row->no_video ? HEAD
					       "m=audio 5000 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\n"
						       : both));
		if (g_rig.err)
			fail_msg("%s: %s", row->name, g_rig.error.reason);
		check_bundle(row->name, false, row->bundle);
		check_has(row->name, g_rig.answer_a, row->group);
	}
}

static void test_groups_of_b(void **state)
{
	static const struct {
		const char *name, *answer, *bundle;
	} rows[] = {
		{ "both", "a=group:BUNDLE 0 1\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:1\r\n", "00" },
		{ "the other is the first", "a=group:BUNDLE 1 0\r\n" AUDIO "a=mid:0\r\n" VIDEO "a=mid:1\r\n" ICE SHA256, "11" },
		{ "none", AUDIO ICE SHA256 VIDEO ICE SHA256, "01" },
		{ "no port but the first's (RFC 8843 7.3)", "a=group:BUNDLE 0 1\r\n" AUDIO "a=mid:0\r\n" ICE SHA256
		  "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\na=rtpmap:96 H264/90000\r\na=mid:1\r\n", "00" },
		{ "the first is refused by B", "a=group:BUNDLE 0 1\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" VIDEO
		  "a=mid:1\r\n" ICE SHA256, "-1" },
		{ "nothing in common with the first", "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=rtcp-mux\r\na=mid:0\r\n"
		  ICE SHA256 VIDEO "a=mid:1\r\n", NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char answer[2048];

		begin(false, true);
		(void)snprintf(answer, sizeof(answer), HEAD "%s", row->answer);
		rig_exchange(&g_rig,
			     BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 96\r\n"
					    "a=rtpmap:96 H264/90000\r\n"),
			     bytes_str(answer));
		check_has(row->name, g_rig.offer_b, "a=group:BUNDLE 0 1\r\nm=audio 40000 ");
		if (!row->bundle) {
			check_reason(row->name, "no codec in common");
			continue;
		}
		if (g_rig.err)
			fail_msg("%s: %s", row->name, g_rig.error.reason);
		check_bundle(row->name, true, row->bundle);
		for (uint8_t i = 0; i < 2; i++)
			ROW_ASSERT(row->name,
				   !g_rig.plan.line[i].active || g_rig.plan.line[i].b.ice_name);
	}
}

/* Two lines of one mid: the first is meant, and off. So the second is not taken, nor what B bundles with it. */
static void test_groups_of_both(void **state)
{
	(void)state;
	begin(true, true);
	rig_exchange(&g_rig,
		     BYTES_LIT(HEAD "a=group:BUNDLE x\r\n"
				    "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:x\r\n" AUDIO
				    "a=mid:x\r\n" ICE SHA256 VIDEO ICE SHA256 AUDIO ICE SHA256),
		     BYTES_LIT(HEAD "a=group:BUNDLE 1 2\r\n"
				    "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n" AUDIO
				    "a=mid:1\r\n" ICE SHA256 VIDEO "a=mid:2\r\n" ICE SHA256 AUDIO
				    "a=mid:3\r\n" ICE SHA256));
	assert_int_equal(g_rig.err, 0);
	check_bundle("A", false, "---3");
	check_bundle("B", true, "---3");
	check_has("A is told", g_rig.answer_a, "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n");
}

/* One number has one use in a group, now and later; mids stay as they were. */
static void test_our_offers(void **state)
{
	static const struct bytes offer =
		BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 96 0 101\r\na=rtpmap:96 "
			       "opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n"
			       "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	static const struct {
		const char *name, *earlier, *want[3];
	} rows[] = {
		{ "first", "",
		  { "a=group:BUNDLE 0 1\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 96 0 127\r\n",
		    "a=rtpmap:127 telephone-event/48000\r\n", "m=video 40002 UDP/TLS/RTP/SAVPF 126\r\n" } },
		{ "as the party had them",
		  HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 110\r\na=mid:sound\r\na=rtpmap:111 opus/48000/2\r\n"
		       "a=rtpmap:110 telephone-event/48000\r\n"
		       "m=video 9 UDP/TLS/RTP/SAVPF 103\r\na=mid:picture\r\na=rtpmap:103 H264/90000\r\n",
		  { "a=group:BUNDLE sound picture\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 111 0 110\r\n", "a=mid:sound\r\n",
		    "m=video 40002 UDP/TLS/RTP/SAVPF 103\r\n" } },
		{ "a later line's number is not taken before it",
		  HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\n"
		       "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtpmap:96 H264/90000\r\n",
		  { "a=group:BUNDLE 1 0\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 127 0 126\r\n", "a=mid:0\r\n",
		    "m=video 40002 UDP/TLS/RTP/SAVPF 96\r\n" } },
		{ "a new line's mid is a new one", HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\n",
		  { "a=group:BUNDLE 1 a1\r\n", "a=mid:a1\r\n", "m=video 40002 " } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		begin(false, true);
		g_rig.to_b.earlier = bytes_str(row->earlier);
		rig_offer(&g_rig, offer);
		ROW_ASSERT(row->name, g_rig.err == 0);
		for (size_t i = 0; i < COUNT_OF(row->want); i++)
			check_has(row->name, g_rig.offer_b, row->want[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_numbers), cmocka_unit_test(test_groups_of_a),
		cmocka_unit_test(test_groups_of_b),  cmocka_unit_test(test_groups_of_both),
		cmocka_unit_test(test_our_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
