/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/media/data.h"

#include "media/payload.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"

/* Slices stay valid only as long as the text does. */
static void list_of(struct payload_list *list, struct sdp *s, const char *text)
{
	struct sdp_error error;

	if (sdp_parse(s, bytes_str(text), &error))
		fail_msg("line %u: %s", error.line, error.reason);
	payload_list_read(list, s, 1);
}

static void test_read(void **state)
{
	static const struct {
		const char *name, *media, *want; /* "number name/clock/channels;" */
	} rows[] = {
		{ "static types", "m=audio 4 RTP/AVP 0 3 4 8 9 10 13 15 18 34\r\n",
		  "0 PCMU/8000/1;3 GSM/8000/1;4 G723/8000/1;8 PCMA/8000/1;9 G722/8000/1;10 L16/44100/2;"
		  "13 CN/8000/1;15 G728/8000/1;18 G729/8000/1;34 H263/90000/1;" },
		{ "dynamic types", "m=audio 4 RTP/AVP 97 98\r\na=rtpmap:98 speex/16000\r\na=rtpmap:97 L16/8000/2\r\n",
		  "97 L16/8000/2;98 speex/16000/1;" },
		{ "no rtpmap", "m=audio 4 RTP/AVP 97 19 1\r\n", "97 /0/0;19 /0/0;1 /0/0;" },
		{ "an rtpmap says more than the table", "m=audio 4 RTP/AVP 13\r\na=rtpmap:13 CN/16000\r\n",
		  "13 CN/16000/1;" },
		{ "each number once", "m=audio 4 RTP/AVP 0 8 0 8\r\n", "0 PCMU/8000/1;8 PCMA/8000/1;" },
		{ "malformed rtpmap", "m=audio 4 RTP/AVP 96 97 98 99 100\r\na=rtpmap:96 opus\r\na=rtpmap:97 x/0\r\n"
				      "a=rtpmap:98 /8000\r\na=rtpmap:99 x/8000/\r\na=rtpmap:100 x/8000/300\r\n",
		  "96 /0/0;97 /0/0;98 /0/0;99 x/8000/1;100 /0/0;" },
		{ "one number begins as another", "m=audio 4 RTP/AVP 9 96\r\na=rtpmap:96 iLBC/8000\r\n",
		  "9 G722/8000/1;96 iLBC/8000/1;" },
		{ "quirks", "m=audio 4 RTP/AVP 9 96 97\r\na=rtpmap:9 G722/16000\r\na=rtpmap:96 opus/48000\r\n"
			    "a=rtpmap:97 OPUS/48000/1\r\n",
		  "9 G722/8000/1;96 opus/48000/2;97 OPUS/48000/2;" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char text[512], got[512];
		struct writer w = writer_over(got, sizeof(got));
		struct payload_list list;
		struct sdp s;

		(void)snprintf(text, sizeof(text), HEAD "%s", row->media);
		list_of(&list, &s, text);
		for (uint8_t i = 0; i < list.count; i++) {
			writer_fmt(&w, "%u ", list.at[i].number);
			writer_bytes(&w, list.at[i].name);
			writer_fmt(&w, "/%u/%u;", list.at[i].clock_hz, list.at[i].channels);
		}
		if (!bytes_is(writer_done(&w), row->want))
			fail_msg("%s: " BYTES_FMT, row->name, BYTES_ARG(writer_done(&w)));
	}
}

static void test_read_is_bounded(void **state)
{
	struct payload_list list;
	struct sdp s;

	(void)state;
	list_of(&list, &s,
		HEAD "m=audio 4 RTP/AVP 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 "
		     "23 24 25\r\n");
	assert_int_equal(list.count, PAYLOAD_RULES_MAX);
	assert_non_null(payload_find(&list, 23));
	assert_null(payload_find(&list, 24));
}

static void test_same(void **state)
{
	static const struct {
		const char *name, *a, *b; /* rtpmap, then after '|' fmtp */
		bool codec, format;
	} rows[] = {
		{ "case does not matter", "opus/48000/2|", "OPUS/48000/2|", true, true },
		{ "one channel need not be said", "PCMU/8000|", "PCMU/8000/1|", true, true },
		{ "clock", "telephone-event/8000|", "telephone-event/48000|", false, false },
		{ "channels", "L16/8000/2|", "L16/8000|", false, false },
		{ "name", "PCMU/8000|", "PCMA/8000|", false, false },
		{ "G722 with its true rate", "G722/8000|", "G722/16000|", true, true },
		{ "bit rates of G7221", "G7221/16000|bitrate=24000", "G7221/16000|bitrate=32000", true, false },
		{ "parameters of others do not matter", "iLBC/8000|mode=20", "iLBC/8000|mode=30", true, true },
		{ "H264 levels", "H264/90000|profile-level-id=42e01f;packetization-mode=1",
		  "H264/90000|packetization-mode=1; profile-level-id=42E00D", true, true },
		{ "H264 profiles", "H264/90000|profile-level-id=42e01f", "H264/90000|profile-level-id=64001f",
		  true, false },
		{ "H264 modes", "H264/90000|packetization-mode=1", "H264/90000|", true, false },
		{ "H264 defaults", "H264/90000|profile-level-id=42801e;packetization-mode=0", "H264/90000|",
		  true, true },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct payload_list list;
		struct bytes a = bytes_str(row->a), b = bytes_str(row->b), map_a, map_b;
		char text[512];
		struct sdp s;

		assert_true(bytes_cut(&a, '|', &map_a) && bytes_cut(&b, '|', &map_b));
		(void)snprintf(text, sizeof(text),
			       HEAD "m=audio 4 RTP/AVP 96 97\r\na=rtpmap:96 " BYTES_FMT
				    "\r\na=rtpmap:97 " BYTES_FMT "\r\na=fmtp:96 " BYTES_FMT
				    "\r\na=fmtp:97 " BYTES_FMT "\r\n",
			       BYTES_ARG(map_a), BYTES_ARG(map_b), BYTES_ARG(a), BYTES_ARG(b));
		list_of(&list, &s, text);
		ROW_ASSERT(row->name, payload_same_codec(&list.at[0], &list.at[1]) == row->codec);
		ROW_ASSERT(row->name, payload_same_codec(&list.at[1], &list.at[0]) == row->codec);
		ROW_ASSERT(row->name, payload_same_format(&list.at[0], &list.at[1]) == row->format);
		ROW_ASSERT(row->name, payload_same_format(&list.at[1], &list.at[0]) == row->format);
	}
}

static void test_match(void **state)
{
	static const struct {
		const char *name, *wanted, *among;
		uint8_t index[4];
	} rows[] = {
		{ "the same list", "0 8\r\n", "0 8\r\n", { 0, 1 } },
		{ "another order", "8 0\r\n", "0 8\r\n", { 1, 0 } },
		{ "another number", "99\r\na=rtpmap:99 iLBC/8000\r\n", "0 97\r\na=rtpmap:97 iLBC/8000\r\n", { 1 } },
		{ "the same number goes first, though it comes last",
		  "100 101\r\na=rtpmap:100 telephone-event/8000\r\na=rtpmap:101 telephone-event/8000\r\n",
		  "101 126\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:126 telephone-event/8000\r\n",
		  { 1, 0 } },
		{ "none twice", "100 101\r\na=rtpmap:100 telephone-event/8000\r\na=rtpmap:101 telephone-event/8000\r\n",
		  "0 126\r\na=rtpmap:126 telephone-event/8000\r\n", { 1, PAYLOAD_NONE } },
		{ "not offered", "0 3\r\n", "0 8\r\n", { 0, PAYLOAD_NONE } },
		{ "unknown, by its number", "0 101\r\n", "0 101\r\na=rtpmap:101 telephone-event/8000\r\n", { 0, 1 } },
		{ "a number of another profile than it says: libre to a browser",
		  "39\r\na=rtpmap:39 H264/90000\r\na=fmtp:39 packetization-mode=0;profile-level-id=42e01f\r\n",
		  "104 114 39\r\na=rtpmap:104 H264/90000\r\na=fmtp:104 profile-level-id=42001f\r\n"
		  "a=rtpmap:114 H264/90000\r\na=fmtp:114 profile-level-id=42e01f\r\n"
		  "a=rtpmap:39 H264/90000\r\na=fmtp:39 profile-level-id=4d001f\r\n",
		  { 1 } },
		{ "the level may differ", "39\r\na=rtpmap:39 H264/90000\r\na=fmtp:39 profile-level-id=42e00d\r\n",
		  "114 39\r\na=rtpmap:114 H264/90000\r\na=fmtp:114 profile-level-id=42001f\r\n"
		  "a=rtpmap:39 H264/90000\r\na=fmtp:39 profile-level-id=42e01f\r\n",
		  { 1 } },
		{ "nothing that fits better than the number",
		  "39\r\na=rtpmap:39 H264/90000\r\na=fmtp:39 profile-level-id=42e01f\r\n",
		  "39\r\na=rtpmap:39 H264/90000\r\na=fmtp:39 profile-level-id=4d001f\r\n", { 0 } },
		{ "nothing is said but the number", "96\r\na=rtpmap:96 H264/90000\r\n",
		  "96 97\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=rtpmap:97 H264/90000\r\n", { 0 } },
		{ "the number means another codec", "97\r\na=rtpmap:97 telephone-event/8000\r\n",
		  "97 101\r\na=rtpmap:97 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\n", { 1 } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char text_wanted[512], text_among[512];
		struct payload_list wanted, among;
		uint8_t index[PAYLOAD_RULES_MAX];
		struct sdp s_wanted, s_among;

		(void)snprintf(text_wanted, sizeof(text_wanted), HEAD "m=audio 4 RTP/AVP %s",
			       row->wanted);
		(void)snprintf(text_among, sizeof(text_among), HEAD "m=audio 4 RTP/AVP %s",
			       row->among);
		list_of(&wanted, &s_wanted, text_wanted);
		list_of(&among, &s_among, text_among);
		payload_match(&wanted, &among, index);
		for (uint8_t i = 0; i < wanted.count; i++)
			ROW_ASSERT(row->name, index[i] == row->index[i]);
	}
}

/* The events that phones offer: "number/clock;" */
static void test_events_of_files(void **state)
{
	static const struct {
		const char *file, *want;
	} rows[] = {
		{ "linphone-audio.sdp", "101/48000;99/16000;100/8000;" },
		{ "chrome-audio-trickle.sdp", "110/48000;126/8000;" },
		{ "firefox-audio-trickle.sdp", "101/8000;" },
		{ "polycom-pt127.sdp", "127/8000;" },
		{ "polycom-realpresence.sdp", "119/8000;" },
		{ "sbc-audiocodes-teams.sdp", "101/8000;" },
		{ "cisco-cube.sdp", "101/8000;" },
		{ "rtpengine-dual-dtmf.sdp", "97/48000;101/8000;" },
		{ "answer-pt-mismatch.sdp", "97/8000;" },
		{ "restcomm-two-dtmf.sdp", "101/8000;126/8000;" },
		{ "freeswitch.sdp", "99/8000;" },
		{ "yealink-t2x.sdp", "101/8000;" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static uint8_t buf[8192];
		char path[128], got[128];
		struct writer w = writer_over(got, sizeof(got));
		struct payload_list list;
		struct sdp_error error;
		struct sdp s;

		(void)snprintf(path, sizeof(path), "data/sdp/%s", row->file);
		assert_int_equal(sdp_parse(&s, data_read(path, buf, sizeof(buf)), &error), 0);
		payload_list_read(&list, &s, 1);
		for (uint8_t i = 0; i < list.count; i++) {
			if (payload_is_event(&list.at[i]))
				writer_fmt(&w, "%u/%u;", list.at[i].number, list.at[i].clock_hz);
		}
		ROW_ASSERT(row->file, bytes_is(writer_done(&w), row->want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_is_bounded),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_events_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
