/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/media/offer_rig.h"

#include <errno.h>

#define A_HEAD      "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=a\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define B_HEAD      "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=b\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
#define EVENT(pt)   "a=rtpmap:" pt " telephone-event/8000\r\n"
#define EVENT48(pt) "a=rtpmap:" pt " telephone-event/48000\r\n"
#define OPUS(pt)    "a=rtpmap:" pt " opus/48000/2\r\n"
#define H264        "a=rtpmap:97 H264/90000\r\n"

static void set_codecs(struct offer_terms *t, const char *list)
{
	struct bytes rest = bytes_str(list), word;

	while (bytes_cut(&rest, ' ', &word))
		assert_int_equal(
			bytes_cstr(word, t->codecs[t->codec_count++], OFFER_CODEC_NAME_MAX), 0);
}

/* From the first m-line on, less a=sendrecv and a=rtcp, which are not the matter here. */
static void check_media(const char *name, struct bytes text, const char *want)
{
	uint8_t buf[4096];
	struct writer w = writer_over(buf, sizeof(buf));
	struct bytes line;
	bool media = false;

	while (bytes_cut(&text, '\n', &line)) {
		media |= bytes_starts(line, "m=");
		if (!media || bytes_starts(line, "a=sendrecv") || bytes_starts(line, "a=rtcp:"))
			continue;
		writer_bytes(&w, bytes_trim(line));
		writer_str(&w, "|");
	}
	if (!bytes_is(writer_done(&w), want))
		fail_msg("%s: got " BYTES_FMT, name, BYTES_ARG(writer_done(&w)));
}

static void test_codecs(void **state)
{
	static const struct {
		const char *name, *a, *b, *formats, *want; /* NULL: refused */
	} rows[] = {
		{ "no list, all", "", "", "0 8 9 18", "m=audio 40000 RTP/AVP 0 8 9 18|" },
		{ "A's list", "PCMA G729", "", "0 8 9 18", "m=audio 40000 RTP/AVP 8 18|" },
		{ "B's list, any case", "", "pcmu g722", "0 8 9 18", "m=audio 40000 RTP/AVP 0 9|" },
		{ "both lists", "PCMA PCMU", "PCMA G722", "0 8 9 18", "m=audio 40000 RTP/AVP 8|" },
		{ "static names", "G723 GSM", "", "3 4 8 18", "m=audio 40000 RTP/AVP 3 4|" },
		{ "nothing in common", "PCMA", "PCMU", "0 8", NULL },
		{ "events and noise are no codecs", "PCMA", "",
		  "0 8 13 101\r\na=rtpmap:101 telephone-event/8000",
		  "m=audio 40000 RTP/AVP 8 13 101|a=rtpmap:101 telephone-event/8000|" },
		{ "events and noise alone are no line", "PCMA", "",
		  "0 13 101\r\na=rtpmap:101 telephone-event/8000", NULL },
		{ "what was said of a codec goes with it", "PCMA", "",
		  "96 8\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=1", "m=audio 40000 RTP/AVP 8|" },
		{ "redundancy of what is left stays", "PCMA", "",
		  "8 0 121\r\na=rtpmap:121 red/8000\r\na=fmtp:121 8/8",
		  "m=audio 40000 RTP/AVP 8 121|a=rtpmap:121 red/8000|a=fmtp:121 8/8|" },
		{ "redundancy of redundancy goes", "PCMA", "",
		  "8 121 122\r\na=rtpmap:121 red/8000\r\na=fmtp:121 0/8\r\na=rtpmap:122 red/8000\r\n"
		  "a=fmtp:122 121/121",
		  "m=audio 40000 RTP/AVP 8|" },
		{ "redundancy of what is gone goes", "PCMA", "",
		  "8 0 121\r\na=rtpmap:121 red/8000\r\na=fmtp:121 0/8", "m=audio 40000 RTP/AVP 8|" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char offer[512];

		rig_init(&r);
		set_codecs(&r.policy.a, row->a);
		set_codecs(&r.policy.b, row->b);
		(void)snprintf(offer, sizeof(offer), A_HEAD "m=audio 4000 RTP/AVP %s\r\n",
			       row->formats);
		rig_offer(&r, bytes_str(offer));
		if (row->want) {
			ROW_ASSERT(row->name, r.err == 0);
			check_media(row->name, r.offer_b, row->want);
		} else {
			ROW_ASSERT(row->name, r.err == -ENOTSUP && r.error.status == 488);
			assert_string_equal(r.error.reason, "no codec that may be used");
		}
	}
}

static void test_ptime(void **state)
{
	static const struct {
		const char *name;
		uint8_t g711, g729;
		const char *offer, *answer, *to_b, *to_a;
	} rows[] = {
		{ "G.711", 20, 30, "8 18\r\na=ptime:40", "8", "m=audio 40000 RTP/AVP 8 18|a=ptime:20|",
		  "m=audio 30000 RTP/AVP 8|a=ptime:20|" },
		{ "G.729 comes first", 20, 30, "18 8", "18\r\na=ptime:10\r\na=x",
		  "m=audio 40000 RTP/AVP 18 8|a=ptime:30|", "m=audio 30000 RTP/AVP 18|a=x|a=ptime:30|" },
		{ "another codec comes first", 20, 30, "9 8\r\na=ptime:40", "9 8\r\na=ptime:10",
		  "m=audio 40000 RTP/AVP 9 8|a=ptime:40|", "m=audio 30000 RTP/AVP 9 8|a=ptime:10|" },
		{ "as the other said", 0, 0, "0\r\na=ptime:40", "0\r\na=ptime:10",
		  "m=audio 40000 RTP/AVP 0|a=ptime:40|", "m=audio 30000 RTP/AVP 0|a=ptime:10|" },
		{ "no more than the other can", 60, 0, "0\r\na=maxptime:40", "0",
		  "m=audio 40000 RTP/AVP 0|a=maxptime:40|a=ptime:40|",
		  "m=audio 30000 RTP/AVP 0|a=ptime:60|" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char offer[512], answer[512];

		rig_init(&r);
		r.policy.a.ptime_g711 = r.policy.b.ptime_g711 = row->g711;
		r.policy.a.ptime_g729 = r.policy.b.ptime_g729 = row->g729;
		(void)snprintf(offer, sizeof(offer), A_HEAD "m=audio 4000 RTP/AVP %s\r\n",
			       row->offer);
		(void)snprintf(answer, sizeof(answer), B_HEAD "m=audio 5000 RTP/AVP %s\r\n",
			       row->answer);
		rig_exchange(&r, bytes_str(offer), bytes_str(answer));
		ROW_ASSERT(row->name, r.err == 0);
		check_media(row->name, r.offer_b, row->to_b);
		check_media(row->name, r.answer_a, row->to_a);
	}
}

static void check_events(const char *name, const struct media_line *line, const char *want)
{
	uint8_t buf[256];
	struct writer w = writer_over(buf, sizeof(buf));
	const struct media_side *sides[] = { &line->a, &line->b };

	for (int i = 0; i < 2; i++) {
		rig_write_rules(&w, sides[i]);
		if (sides[i]->event_pt == PAYLOAD_NONE)
			writer_str(&w, "none");
		else
			writer_fmt(&w, "%u/%u", sides[i]->event_pt, sides[i]->event_clock_hz);
		writer_str(&w, i ? "" : " | ");
	}
	if (!bytes_is(writer_done(&w), want))
		fail_msg("%s: got " BYTES_FMT, name, BYTES_ARG(writer_done(&w)));
}

static void test_events(void **state)
{
	static const struct {
		const char *name;
		bool a_none, b_none;
		const char *offer, *answer, *to_b, *to_a, *plan;
	} rows[] = {
		{ "both", false, false, "8 127\r\n" EVENT("127") "a=fmtp:127 0-15\r\n",
		  "8 96\r\n" EVENT("96") "a=fmtp:96 0-15\r\n",
		  "m=audio 40000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-15|",
		  "m=audio 30000 RTP/AVP 8 127|a=rtpmap:127 telephone-event/8000|a=fmtp:127 0-15|",
		  "8>8 127>96e 127/8000 | 8>8 101>127e 96>127e 96/8000" },
		{ "B uses INFO: A's are taken by us", false, true, "8 101\r\n" EVENT("101") "a=fmtp:101 0-15\r\n",
		  "8\r\n", "m=audio 40000 RTP/AVP 8|",
		  "m=audio 30000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|",
		  "8>8 101>-e 101/8000 | 8>8 none" },
		{ "B uses INFO and names events all the same", false, true, "8 101\r\n" EVENT("101"),
		  "8 101\r\n" EVENT("101"), "m=audio 40000 RTP/AVP 8|",
		  "m=audio 30000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|",
		  "8>8 101>-e 101/8000 | 8>8 none" },
		{ "B does without", false, false, "8 101\r\n" EVENT("101"), "8\r\n",
		  "m=audio 40000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000|",
		  "m=audio 30000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|",
		  "8>8 101>-e 101/8000 | 8>8 none" },
		{ "A uses INFO: B is offered ours", true, false, "8\r\n",
		  "8 101\r\n" EVENT("101") "a=fmtp:101 0-15\r\n",
		  "m=audio 40000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|",
		  "m=audio 30000 RTP/AVP 8|", "8>8 none | 8>8 101>-e 101/8000" },
		{ "A uses INFO and names events all the same: not accepted of it", true, false,
		  "8 101\r\n" EVENT("101") "a=fmtp:101 0-15\r\n", "8 97\r\n" EVENT("97"),
		  "m=audio 40000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|",
		  "m=audio 30000 RTP/AVP 8|", "8>8 none | 8>8 101>-e 97>-e 97/8000" },
		{ "A uses INFO, 101 is another codec", true, false, "101\r\na=rtpmap:101 iLBC/8000\r\n",
		  "101\r\na=rtpmap:101 iLBC/8000\r\n",
		  "m=audio 40000 RTP/AVP 101 127|a=rtpmap:101 iLBC/8000|a=rtpmap:127 telephone-event/8000|"
		  "a=fmtp:127 0-16|",
		  "m=audio 30000 RTP/AVP 101|a=rtpmap:101 iLBC/8000|", "101>101 none | 101>101 none" },
		{ "both use INFO", true, true, "8 101\r\n" EVENT("101"), "8 101\r\n" EVENT("101"),
		  "m=audio 40000 RTP/AVP 8|", "m=audio 30000 RTP/AVP 8|", "8>8 none | 8>8 none" },
		{ "A had none, and may have none", false, false, "8\r\n", "8 101\r\n" EVENT("101"),
		  "m=audio 40000 RTP/AVP 8|", "m=audio 30000 RTP/AVP 8|", "8>8 none | 8>8 none" },
		{ "the clock of the codec in use", false, false,
		  "111 8 110 126\r\n" OPUS("111") EVENT48("110") EVENT("126"),
		  "111 8 110 126\r\n" OPUS("111") EVENT48("110") EVENT("126"),
		  "m=audio 40000 RTP/AVP 111 8 110 101|a=rtpmap:111 opus/48000/2|"
		  "a=rtpmap:110 telephone-event/48000|a=rtpmap:101 telephone-event/8000|",
		  "m=audio 30000 RTP/AVP 111 8 110 126|a=rtpmap:111 opus/48000/2|"
		  "a=rtpmap:110 telephone-event/48000|a=rtpmap:126 telephone-event/8000|",
		  "111>111 8>8 110>110e 126>126e 110/48000 | "
		  "111>111 8>8 110>110e 101>126e 126>126e 110/48000" },
		{ "the clock of the first codec, though the other's event comes first", false, false,
		  "8 111 110 126\r\n" OPUS("111") EVENT48("110") EVENT("126"),
		  "8 111 110 126\r\n" OPUS("111") EVENT48("110") EVENT("126"),
		  "m=audio 40000 RTP/AVP 8 111 110 101|a=rtpmap:111 opus/48000/2|"
		  "a=rtpmap:110 telephone-event/48000|a=rtpmap:101 telephone-event/8000|",
		  "m=audio 30000 RTP/AVP 8 111 110 126|a=rtpmap:111 opus/48000/2|"
		  "a=rtpmap:110 telephone-event/48000|a=rtpmap:126 telephone-event/8000|",
		  "8>8 111>111 110>110e 126>126e 126/8000 | "
		  "8>8 111>111 110>110e 101>126e 126>126e 126/8000" },
		{ "of several, those with the clocks in use are kept", false, true,
		  "111 8 110 126\r\n" OPUS("111") EVENT48("110") EVENT("126"), "8\r\n",
		  "m=audio 40000 RTP/AVP 111 8|a=rtpmap:111 opus/48000/2|",
		  "m=audio 30000 RTP/AVP 8 126|a=rtpmap:126 telephone-event/8000|a=fmtp:126 0-16|",
		  "8>8 126>-e 126/8000 | 8>8 none" },
		{ "where none has the clock, the first is kept", false, true,
		  "111 101\r\n" OPUS("111") EVENT("101"), "111\r\n" OPUS("111"),
		  "m=audio 40000 RTP/AVP 111|a=rtpmap:111 opus/48000/2|",
		  "m=audio 30000 RTP/AVP 111 101|a=rtpmap:111 opus/48000/2|a=rtpmap:101 telephone-event/8000|"
		  "a=fmtp:101 0-16|",
		  "111>111 101>-e 101/8000 | 111>111 none" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char offer[512], answer[512];

		rig_init(&r);
		r.policy.a.digits = row->a_none;
		r.policy.b.digits = row->b_none;
		(void)snprintf(offer, sizeof(offer), A_HEAD "m=audio 4000 RTP/AVP %s", row->offer);
		(void)snprintf(answer, sizeof(answer), B_HEAD "m=audio 5000 RTP/AVP %s",
			       row->answer);
		rig_exchange(&r, bytes_str(offer), bytes_str(answer));
		if (r.err)
			fail_msg("%s: %s", row->name, r.error.reason);
		check_media(row->name, r.offer_b, row->to_b);
		check_media(row->name, r.answer_a, row->to_a);
		check_events(row->name, &r.plan.line[0], row->plan);
	}
}

static void test_answer_with_ours_alone(void **state)
{
	static struct rig r;

	(void)state;
	rig_init(&r);
	r.policy.a.digits = OFFER_DIGITS_INFO;
	rig_exchange(&r, BYTES_LIT(A_HEAD "m=audio 4000 RTP/AVP 13\r\n"),
		     BYTES_LIT(B_HEAD "m=audio 5000 RTP/AVP 101\r\n" EVENT("101")));
	assert_int_equal(r.err, -ENOTSUP);
	assert_string_equal(r.error.reason, "no codec in common");
}

static void test_video(void **state)
{
	static const struct {
		const char *name;
		uint32_t kbps;
		const char *offer, *to_b;
	} rows[] = {
		{ "as it came", 0, "b=AS:2000\r\nb=TIAS:1900000\r\n" H264,
		  "m=video 40000 RTP/AVP 97|b=AS:2000|b=TIAS:1900000|a=rtpmap:97 H264/90000|" },
		{ "capped", 768, "b=AS:2000\r\nb=RS:0\r\nb=TIAS:1900000\r\n" H264,
		  "m=video 40000 RTP/AVP 97|b=RS:0|b=AS:768|b=TIAS:768000|a=rtpmap:97 H264/90000|" },
		{ "less is kept", 768, "b=AS:384\r\nb=TIAS:350000\r\n" H264,
		  "m=video 40000 RTP/AVP 97|b=AS:384|b=TIAS:350000|a=rtpmap:97 H264/90000|" },
		{ "added", 768, H264,
		  "m=video 40000 RTP/AVP 97|b=AS:768|b=TIAS:768000|a=rtpmap:97 H264/90000|" },
		{ "no number is too much", 768, "b=AS:many\r\nb=TIAS:99999999999999999999\r\n" H264,
		  "m=video 40000 RTP/AVP 97|b=AS:768|b=TIAS:768000|a=rtpmap:97 H264/90000|" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char offer[512];

		rig_init(&r);
		r.policy.video = true;
		r.policy.b.video_kbps = row->kbps;
		(void)snprintf(offer, sizeof(offer), A_HEAD "m=video 4000 RTP/AVP 97\r\n%s",
			       row->offer);
		rig_offer(&r, bytes_str(offer));
		ROW_ASSERT(row->name, r.err == 0);
		check_media(row->name, r.offer_b, row->to_b);
	}
}

/* Audio is not capped, the codec list is not about video, and the answer's cap is A's. */
static void test_audio_and_video(void **state)
{
	const struct bytes offer = BYTES_LIT(A_HEAD "m=audio 4000 RTP/AVP 0 8\r\nb=AS:900\r\n"
						    "m=video 4002 RTP/AVP 97\r\n" H264);
	const struct bytes answer =
		BYTES_LIT(B_HEAD "m=audio 5000 RTP/AVP 8\r\n"
				 "m=video 5002 RTP/AVP 97\r\n" H264 "b=AS:2000\r\n");
	static struct rig r;

	(void)state;
	rig_init(&r);
	r.policy.video = true;
	r.policy.a.video_kbps = 512;
	set_codecs(&r.policy.b, "PCMA");
	rig_exchange(&r, offer, answer);
	assert_int_equal(r.err, 0);
	check_media("to B", r.offer_b,
		    "m=audio 40000 RTP/AVP 8|b=AS:900|m=video 40002 RTP/AVP 97|a=rtpmap:97 "
		    "H264/90000|");
	check_media("to A", r.answer_a,
		    "m=audio 30000 RTP/AVP 8|m=video 30002 RTP/AVP 97|b=AS:512|b=TIAS:512000|"
		    "a=rtpmap:97 H264/90000|");
	for (int leg = 0; leg < 2; leg++) {
		r.policy.a.no_video = leg == 0;
		r.policy.b.no_video = leg == 1;
		rig_exchange(&r, offer, BYTES_LIT(B_HEAD "m=audio 5000 RTP/AVP 8\r\n"));
		assert_int_equal(r.err, 0);
		check_media("no video", r.offer_b,
			    "m=audio 40000 RTP/AVP 8|b=AS:900|m=video 0 RTP/AVP 97|");
		assert_int_equal(r.plan.line[1].active, 0);
		assert_int_equal(r.plan.line[1].a.event_pt, PAYLOAD_NONE);
	}
}

/* Of codecs of pictures those pass that both parties may have; H.264 alone where nothing is said. */
static void test_video_codecs(void **state)
{
#define NEW                                                                            \
	"m=video 4004 RTP/AVP 96 97 98 99 100 101\r\n"                                 \
	"a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"       \
	"a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=2\r\na=rtpmap:99 AV1/90000\r\n" \
	"a=rtpmap:100 H265/90000\r\na=rtpmap:101 H264/90000\r\n"
	static const struct {
		const char *name;
		uint8_t a, b;
		const char *offered;
	} rows[] = {
		{ "nothing said", 0, 0, " 101\r\n" },
		{ "all", OFFER_VIDEO_ALL, OFFER_VIDEO_ALL, " 96 98 99 100 101\r\n" },
		{ "a phone and a browser", 0, OFFER_VIDEO_ALL, " 101\r\n" },
		{ "one each", OFFER_VIDEO_VP8 | OFFER_VIDEO_AV1,
		  OFFER_VIDEO_AV1 | OFFER_VIDEO_H264, " 99\r\n" },
		{ "none in common", OFFER_VIDEO_VP8, OFFER_VIDEO_H265, NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char want[64];

		rig_init(&r);
		r.policy.video = true;
		r.policy.a.video_codecs = row->a;
		r.policy.b.video_codecs = row->b;
		rig_offer(&r, BYTES_LIT(A_HEAD "m=audio 4000 RTP/AVP 8\r\n" NEW));
		(void)snprintf(want, sizeof(want), "m=video 40002 RTP/AVP%s",
			       row->offered ? row->offered : "");
		ROW_ASSERT(row->name, r.err == 0);
		ROW_ASSERT(row->name, rig_has(r.offer_b, row->offered ? want : "m=video 0 "));
		ROW_ASSERT(row->name, !rig_has(r.offer_b, "rtx"));
	}
}

/* The answerer's choice, under each party's own number. */
static void test_video_answer(void **state)
{
	static const struct {
		const char *answer, *mapped;
		uint8_t in, out; /* of the first rule of B's */
	} rows[] = {
		{ "m=video 5004 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n", "a=rtpmap:96 VP8/90000",
		  96, 96 },
		{ "m=video 5004 RTP/AVP 120\r\na=rtpmap:120 VP9/90000\r\n"
		  "a=fmtp:120 profile-id=2\r\n",
		  "a=rtpmap:98 VP9/90000", 98, 98 },
		{ "m=video 5004 RTP/AVP 35\r\na=rtpmap:35 AV1/90000\r\n", "a=rtpmap:99 AV1/90000",
		  99, 99 },
		{ "m=video 5004 RTP/AVP 36\r\na=rtpmap:36 H265/90000\r\n",
		  "a=rtpmap:100 H265/90000", 100, 100 },
		{ "m=video 5004 RTP/AVP 37\r\na=rtpmap:37 VP9/90000\r\n", NULL, 0, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char answer[512];

		rig_init(&r);
		r.policy.video = true;
		r.policy.a.video_codecs = r.policy.b.video_codecs = OFFER_VIDEO_ALL;
		(void)snprintf(answer, sizeof(answer), B_HEAD "m=audio 5000 RTP/AVP 8\r\n%s",
			       row->answer);
		rig_exchange(&r, BYTES_LIT(A_HEAD "m=audio 4000 RTP/AVP 8\r\n" NEW),
			     bytes_str(answer));
		ROW_ASSERT(row->answer, r.err == 0);
		ROW_ASSERT(row->answer, r.plan.line[1].active == (row->mapped != NULL));
		ROW_ASSERT(row->answer, !row->mapped || rig_has(r.answer_a, row->mapped));
		ROW_ASSERT(row->answer, !row->mapped || r.plan.line[1].b.rules[0].in == row->in);
		ROW_ASSERT(row->answer, !row->mapped || r.plan.line[1].b.rules[0].out == row->out);
	}
#undef NEW
}

static void test_inspect(void **state)
{
	const struct bytes offer =
		BYTES_LIT(A_HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 "
				 "AES_CM_128_HMAC_SHA1_80 inline:" RIG_KEY_P "\r\n"
				 "m=audio 4002 RTP/AVP 8\r\n");
	struct media_plan lines;
	static struct rig r;

	(void)state;
	rig_init(&r);
	set_codecs(&r.policy.b, "PCMU");
	assert_int_equal(offer_inspect(offer, &r.policy, &lines, &r.error), 0);
	assert_int_equal(lines.line[0].active, 0); /* SRTP is not accepted */
	assert_int_equal(lines.line[1].active, 0); /* PCMA is not allowed */
	r.policy.a.sdes_accept = true;
	r.policy.b.codec_count = 0;
	assert_int_equal(offer_inspect(offer, &r.policy, &lines, &r.error), 0);
	assert_int_equal(lines.line[0].active, 1);
	assert_int_equal(lines.line[1].active, 1);
	assert_int_equal(lines.line[0].a.key_in.length, 0); /* not here: the plan has them */
}

/* After a restart the texts are read again: what was agreed holds, though the terms are stricter now. */
static void test_changed_terms(void **state)
{
	const struct bytes offer = BYTES_LIT(A_HEAD "m=audio 4000 RTP/SAVP 0 101\r\n" EVENT(
		"101") "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		       "inline:" RIG_KEY_P "\r\n"
		       "m=video 4002 RTP/AVP 97\r\n" H264);
	const struct bytes answer = BYTES_LIT(B_HEAD "m=audio 5000 RTP/AVP 0\r\n"
						     "m=video 5002 RTP/AVP 97\r\n" H264);
	uint8_t buf[2048];
	struct writer w = writer_over(buf, sizeof(buf));
	struct media_plan again;
	static struct rig r;

	(void)state;
	rig_init(&r);
	r.policy.video = r.policy.a.sdes_accept = true;
	rig_exchange(&r, offer, answer);
	assert_int_equal(r.err, 0);
	r.policy.a.sdes_accept = false;
	r.policy.b.sdes_offer = r.policy.a.no_video = true;
	r.policy.b.digits = OFFER_DIGITS_INFO;
	set_codecs(&r.policy.a, "PCMA");
	assert_int_equal(offer_answer(offer, r.offer_b, answer, &r.policy, &r.to_a, &w, &again,
				      &r.error),
			 0);
	assert_memory_equal(&again, &r.plan, sizeof(again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codecs),       cmocka_unit_test(test_ptime),
		cmocka_unit_test(test_events),       cmocka_unit_test(test_answer_with_ours_alone),
		cmocka_unit_test(test_video),        cmocka_unit_test(test_audio_and_video),
		cmocka_unit_test(test_video_codecs), cmocka_unit_test(test_video_answer),
		cmocka_unit_test(test_inspect),      cmocka_unit_test(test_changed_terms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
