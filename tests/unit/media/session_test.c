/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/media/offer_rig.h"

#include <errno.h>

#include "media/offer/session.h"
#include "media/rtp/video.h"

#define HEAD  "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define PLAIN HEAD "m=audio 4000 RTP/AVP 0\r\n"
#define KEYED(tag, suite, key) \
	HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:" tag " " suite " inline:" key "\r\n"
#define CM80    "AES_CM_128_HMAC_SHA1_80"
#define CM32    "AES_CM_128_HMAC_SHA1_32"
#define DTLS(m) HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n" m
#define CERT                                               \
	"a=fingerprint:sha-256 "                           \
	"00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:" \
	"00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F\r\n"
#define OURS CERT "a=setup:actpass\r\n"

static struct session g_session;

static int read_texts(const char *heard, const char *said, bool we_offered)
{
	struct offer_error error = { 0 };
	struct session_texts texts = { bytes_str(heard), bytes_str(said), we_offered };
	int err = session_read(&g_session, &texts, &error);

	assert_true(!err == !error.reason);
	return err;
}

static void test_reasons(void **state)
{
	static const struct {
		const char *name, *heard, *said;
		bool we_offered;
		const char *reason; /* NULL: it is active; empty: off, and nobody is to blame */
	} rows[] = {
		{ "plain", PLAIN, PLAIN, false, NULL },
		{ "the party has port 0", HEAD "m=audio 0 RTP/AVP 0\r\n", PLAIN, true, "" },
		{ "we have port 0", PLAIN, HEAD "m=audio 0 RTP/AVP 0\r\n", false, "" },
		{ "what is no matter of ours", HEAD "m=image 4000 udptl t38\r\n",
		  HEAD "m=image 0 udptl t38\r\n", false, "" },
		{ "the answer ends early", HEAD, PLAIN, true, "" },
		{ "ours ends early", PLAIN, HEAD, false, "" },
		{ "another codec", HEAD "m=audio 4000 RTP/AVP 8\r\n", PLAIN, true,
		  "no codec in common" },
		{ "keys for none", KEYED("1", CM80, RIG_KEY_P), PLAIN, true,
		  "another transport profile than offered" },
		{ "keys", KEYED("1", CM80, RIG_KEY_P), KEYED("1", CM80, RIG_KEY_B0), true, NULL },
		{ "keys of another tag", KEYED("2", CM80, RIG_KEY_P),
		  KEYED("1", CM80, RIG_KEY_B0), true, "the answer has no a=crypto of ours" },
		{ "keys of another suite", KEYED("1", CM80, RIG_KEY_P),
		  KEYED("1", CM32, RIG_KEY_B0), false, "the answer has no a=crypto of ours" },
		{ "our own key", KEYED("1", CM80, RIG_KEY_P), KEYED("1", CM80, RIG_KEY_P), true,
		  "a=crypto has our own key" },
		{ "no certificate", DTLS("a=setup:active\r\n"), DTLS(OURS), true,
		  "no a=fingerprint that can be used" },
		{ "actpass answered", DTLS(OURS), DTLS(OURS), true,
		  "a=setup of the answer is not valid" },
		{ "several ports", HEAD "m=audio 4000/2 RTP/AVP 0\r\n", PLAIN, true,
		  "several ports in one m-line" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct session_line *line = &g_session.line[0];

		ROW_ASSERT(row->name, read_texts(row->heard, row->said, row->we_offered) == 0);
		ROW_ASSERT(row->name, g_session.line_count == 1);
		ROW_ASSERT(row->name, line->active == !row->reason);
		ROW_ASSERT(row->name, row->reason && *row->reason
					      ? line->reason && !strcmp(line->reason, row->reason)
					      : !line->reason);
		ROW_ASSERT(row->name, line->active || line->format_count == 0);
	}
}

static void test_no_texts(void **state)
{
	(void)state;
	assert_int_equal(read_texts("v=1\r\n", PLAIN, true), -EBADMSG);
	assert_int_equal(read_texts(PLAIN, "", false), -EBADMSG);
	/* an answer has no more lines than its offer, and no other ones */
	assert_int_equal(read_texts(PLAIN "m=audio 4002 RTP/AVP 0\r\n", PLAIN, true), -EBADMSG);
	assert_int_equal(read_texts(PLAIN, PLAIN "m=audio 4002 RTP/AVP 0\r\n", false), -EBADMSG);
	assert_int_equal(read_texts(HEAD "m=video 4000 RTP/AVP 0\r\n", PLAIN, true), -EBADMSG);
}

/* Whoever offered, a party's key is the one that it said. */
static void test_keys(void **state)
{
	const struct media_side *side = &g_session.line[0].side;

	(void)state;
	for (int we_offered = 0; we_offered < 2; we_offered++) {
		assert_int_equal(read_texts(KEYED("1", CM80, RIG_KEY_P),
					    KEYED("1", CM80, RIG_KEY_B0), we_offered),
				 0);
		assert_int_equal(side->key_in.octets[0], 'P');
		assert_int_equal(side->key_out.octets[0], 'a');
		assert_int_equal(side->key_in.suite, side->key_out.suite);
	}
}

/* RFC 5763 5: of the offer the answerer's choice is not ours to make; an offer that says nothing leaves us passive. */
static void test_roles(void **state)
{
	static const struct {
		const char *heard;
		bool we_offered;
		enum media_dtls_role role;
	} rows[] = {
		{ DTLS(CERT "a=setup:active\r\n"), true, DTLS_SERVER },
		{ DTLS(CERT "a=setup:passive\r\n"), true, DTLS_CLIENT },
		{ DTLS(CERT), true, DTLS_CLIENT },
		{ DTLS(CERT "a=setup:active\r\n"), false, DTLS_SERVER },
		{ DTLS(CERT "a=setup:passive\r\n"), false, DTLS_CLIENT },
		{ DTLS(CERT "a=setup:actpass\r\n"), false, DTLS_SERVER },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(read_texts(rows[i].heard, DTLS(OURS), rows[i].we_offered), 0);
		assert_int_equal(g_session.line[0].side.dtls, rows[i].role);
	}
}

/* RFC 5761 5.1.1: where both have said so. */
static void test_mux(void **state)
{
	static const char mux[] = PLAIN "a=rtcp-mux\r\n";

	(void)state;
	assert_int_equal(read_texts(mux, PLAIN, true), 0);
	assert_int_equal(g_session.line[0].side.mux, 0);
	assert_int_equal(g_session.line[0].side.rtcp.port, 4001);
	assert_int_equal(read_texts(PLAIN, mux, false), 0);
	assert_int_equal(g_session.line[0].side.mux, 0);
	assert_int_equal(read_texts(mux, mux, true), 0);
	assert_int_equal(g_session.line[0].side.mux, 1);
	assert_int_equal(g_session.line[0].side.rtcp.port, 4000);
}

#define VIDEO                                                                  \
	HEAD "m=video 4000 RTP/AVP 97 98 99 100\r\na=rtpmap:97 H264/90000\r\n" \
	     "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n"      \
	     "a=rtpmap:98 H264/90000\r\na=fmtp:98 profile-level-id=64001f\r\n" \
	     "a=rtpmap:99 VP8/90000\r\na=rtpmap:100 H265/90000\r\n"

/* What a party can be shown, and how it is asked for a new picture. */
static void test_pictures(void **state)
{
	static const struct {
		const char *name, *heard, *said;
		uint8_t fir;
	} rows[] = {
		{ "nothing is said of feedback", VIDEO, VIDEO, 0 },
		{ "both", VIDEO "a=rtcp-fb:* nack pli\r\na=rtcp-fb:* ccm fir\r\n",
		  VIDEO "a=rtcp-fb:* nack pli\r\na=rtcp-fb:* ccm fir\r\n", 0 },
		{ "the party knows FIR alone", VIDEO "a=rtcp-fb:97 ccm fir\r\n",
		  VIDEO "a=rtcp-fb:* nack pli\r\na=rtcp-fb:* ccm fir\r\n", 1 },
		{ "we know neither", VIDEO "a=rtcp-fb:97 ccm fir\r\n", VIDEO, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct media_side *side = &g_session.line[0].side;

		ROW_ASSERT(row->name, read_texts(row->heard, row->said, true) == 0);
		ROW_ASSERT(row->name, side->fir == row->fir);
		ROW_ASSERT(row->name, side->accepted_count == 3);
		ROW_ASSERT(row->name,
			   side->accepted[0].payload_type == 97 &&
				   side->accepted[0].codec == (VIDEO_H264 | VIDEO_H264_MODE_1));
		ROW_ASSERT(row->name, side->accepted[1].codec == (VIDEO_H264 | 4));
		ROW_ASSERT(row->name, side->accepted[2].codec == VIDEO_VP8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),  cmocka_unit_test(test_no_texts),
		cmocka_unit_test(test_keys),     cmocka_unit_test(test_roles),
		cmocka_unit_test(test_pictures), cmocka_unit_test(test_mux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
