/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "sig/leg/line_facts.h"
#include "sig/model/call.h"

/* Leg a offers, leg b answers; what we write for each stands between. */
#define OFFER                                                                        \
	"v=0\r\no=a 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/SAVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"     \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 "                                        \
	"inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\na=sendonly\r\n"          \
	"m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
#define OFFER_OUT                                                                            \
	"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"          \
	"m=audio 10000 RTP/AVP 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:30\r\n" \
	"a=sendonly\r\nm=video 10002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
#define ANSWER                                                                            \
	"v=0\r\no=b 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\n"   \
	"m=audio 5000 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\na=recvonly\r\n" \
	"m=video 0 RTP/AVP 97\r\n"
#define ANSWER_OUT                                                                  \
	"v=0\r\no=- 2 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" \
	"m=audio 10004 RTP/SAVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"     \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 "                                       \
	"inline:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\r\na=recvonly\r\n"         \
	"m=video 0 RTP/AVP 97\r\n"

enum { LEG_A, LEG_B };

static struct leg g_a, g_b;
static struct leg *g_legs[] = { &g_a, &g_b };
static struct call g_call = { .legs = g_legs, .leg_count = 2, .bridge = { .callee = LEG_B } };

static int setup(void **state)
{
	(void)state;
	g_a.sdp.theirs = true;
	return text_set(&g_a.sdp.remote, bytes_str(OFFER)) ||
	       text_set(&g_b.sdp.local, bytes_str(OFFER_OUT)) ||
	       text_set(&g_b.sdp.remote, bytes_str(ANSWER)) ||
	       text_set(&g_a.sdp.local, bytes_str(ANSWER_OUT));
}

static int teardown(void **state)
{
	(void)state;
	leg_sdp_clear(&g_a.sdp);
	leg_sdp_clear(&g_b.sdp);
	return 0;
}

static void assert_addr(const struct addr *a, const char *text)
{
	char buf[ADDR_TEXT_MAX];

	assert_string_equal(addr_text(a, buf), text);
}

static void test_offerer(void **state)
{
	struct line_facts f;

	(void)state;
	assert_true(line_facts_read(&g_call, LEG_A, 0, &f));
	assert_addr(&f.address, "203.0.113.9:4000");
	assert_addr(&f.origin, "10.0.0.5");
	assert_int_equal(f.sends, 1);
	assert_int_equal(f.receives, 0);
	assert_true(f.secure);
	assert_string_equal(f.suite, "AES_CM_128_HMAC_SHA1_80");
	assert_int_equal(f.packet_ms, 0);
	assert_int_equal(f.codec_count, 2);
	assert_string_equal(line_codec_find(&f, 8)->name, "PCMA");
	assert_string_equal(line_codec_find(&f, 101)->name, "telephone-event");
	assert_null(line_codec_find(&f, 0)); /* offered, and not in the answer */
}

static void test_answerer(void **state)
{
	struct line_facts f;

	(void)state;
	assert_true(line_facts_read(&g_call, LEG_B, 0, &f));
	assert_addr(&f.address, "[2001:db8::7]:5000");
	assert_int_equal(f.sends, 0);
	assert_int_equal(f.receives, 1);
	assert_false(f.secure);
	assert_string_equal(f.suite, "");
	assert_int_equal(f.packet_ms, 30);
	assert_int_equal(f.codec_count, 3);
}

static void test_what_is_not_there(void **state)
{
	struct line_facts f;

	(void)state;
	assert_false(line_facts_read(&g_call, LEG_B, 1, &f)); /* refused */
	assert_false(line_facts_read(&g_call, LEG_A, 7, &f));
	assert_int_equal(text_set(&g_b.sdp.remote, (struct bytes){ 0 }), 0);
	assert_false(line_facts_read(&g_call, LEG_B, 0, &f)); /* not answered */
}

static void test_hold_of_old(void **state)
{
	struct line_facts f;

	(void)state;
	assert_int_equal(
		text_set(&g_a.sdp.remote,
			 BYTES_LIT("v=0\r\no=a 1 1 IN IP4 phone.example\r\ns=-\r\n"
				   "c=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n")),
		0);
	assert_true(line_facts_read(&g_call, LEG_A, 0, &f));
	assert_int_equal(f.sends, 1);
	assert_int_equal(f.receives, 0); /* RFC 2543 B.5 */
	assert_int_equal(f.origin.family, ADDR_NONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_offerer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answerer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold_of_old, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
