/* SPDX-License-Identifier: Apache-2.0 */
/* Where the node sends what a party asks for: A is trusted, B is a phone. */
#include "tests/unit/sig/line.h"

#define SDP(host, port)                                                           \
	"v=0\r\no=b 1 1 IN IP4 " host "\r\ns=-\r\nc=IN IP4 " host "\r\nt=0 0\r\n" \
	"m=audio " port " RTP/AVP 8\r\n"
#define CRYPTO \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmR2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2\r\n"

static int setup(void **state)
{
	int err = line_setup(state);
	struct line *l = *state;

	l->r->settings.trusted[0].net = l->a.addr;
	l->r->settings.trusted[0].bits = 32;
	shard_configure(l->r->shard, &l->r->settings);
	return err;
}

#define PLACE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, line_teardown)

static struct flow_spec last_spec(const struct rig *r, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		if (r->media[i].kind == MEDIA_FLOW_UPDATE && r->media[i].spec.leg == leg)
			return r->media[i].spec;
	}
	return (struct flow_spec){ 0 };
}

static void assert_addr(struct addr a, const char *text)
{
	char is[ADDR_TEXT_MAX];

	assert_string_equal(addr_text(&a, is), text);
}

static void talk(struct line *l, const char *sdp_a, const char *sdp_b)
{
	phone_invite(&l->a, "1002", sdp_a);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", sdp_b);
}

/* A phone is where its signalling comes from, whatever its SDP says; a trusted peer is where it says. */
static void media_of_a_phone(void **state)
{
	struct line *l = *state;

	talk(l, SDP("198.51.100.77", "4000") "a=rtcp:4009\r\n", SDP("203.0.113.99", "5000"));
	assert_addr(last_spec(l->r, 0).remote_rtp, "198.51.100.77:4000");
	assert_addr(last_spec(l->r, 0).remote_rtcp, "198.51.100.77:4009");
	assert_true(last_spec(l->r, 0).unproven);
	assert_addr(last_spec(l->r, 1).remote_rtp, "192.0.2.12:5000");
	assert_addr(last_spec(l->r, 1).remote_rtcp, "192.0.2.12:5001");
	assert_false(last_spec(l->r, 1).unproven);
}

/* Hold as in RFC 2543 is no address. */
static void media_of_nobody(void **state)
{
	struct line *l = *state;

	talk(l, SDP("192.0.2.11", "4000"), SDP("0.0.0.0", "5000"));
	assert_true(last_spec(l->r, 1).remote_rtp.ip[0] == 0);
}

/* An extension may have its media elsewhere, and who has keys shows by them where it is. */
static void media_elsewhere(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1002", false);

	e.media_by_sdp = true;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	talk(l, SDP("192.0.2.11", "4000"), SDP("203.0.113.99", "5000"));
	assert_addr(last_spec(l->r, 1).remote_rtp, "203.0.113.99:5000");
	assert_true(last_spec(l->r, 1).unproven);
}

static void media_with_keys(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1002", false);
	char sdp[512];

	e.sdes_insecure = true;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	(void)snprintf(sdp, sizeof(sdp), "%s" CRYPTO,
		       "v=0\r\no=b 1 1 IN IP4 203.0.113.99\r\ns=-\r\nc=IN IP4 203.0.113.99\r\n"
		       "t=0 0\r\nm=audio 5000 RTP/SAVP 8\r\n");
	talk(l, SDP("192.0.2.11", "4000"), sdp);
	assert_int_equal(last_spec(l->r, 1).key_in.length, 30);
	assert_addr(last_spec(l->r, 1).remote_rtp, "203.0.113.99:5000");
	assert_true(last_spec(l->r, 1).unproven);
}

/* The port of a flow of this call, as another phone might name it. */
static uint16_t own_port(const struct rig *r)
{
	for (uint32_t i = 0; i < r->media_count; i++) {
		if (r->media[i].kind == MEDIA_FLOW_OPEN)
			return r->media[i].spec.local_rtp.port;
	}
	return 0;
}

/* RTP that went there would come back, and go there again. */
static void a_loop_is_refused(void **state)
{
	struct line *l = *state;
	char sdp[512];

	phone_invite(&l->a, "1002", SDP("192.0.2.11", "4000"));
	(void)phone_rings(&l->b);
	(void)snprintf(sdp, sizeof(sdp),
		       "v=0\r\no=b 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		       "m=audio %u RTP/AVP 8\r\n",
		       own_port(l->r));
	phone_answer(&l->b, l->b.invite, "200 OK", sdp);
	assert_true(rig_count(l->r, &l->a.addr, "SIP/2.0 488") > 0);
	assert_int_equal(last_spec(l->r, 1).id.generation, 0);
}

static void special_addresses_are_refused(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "169.254.169.254", "224.0.1.75",
					     "255.255.255.255", "192.0.2.1" };
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		char sdp[512];
		struct bytes answer;

		(void)snprintf(sdp, sizeof(sdp),
			       "v=0\r\no=b 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
			       "m=audio 4000 RTP/AVP 8\r\n",
			       hosts[i], hosts[i]);
		phone_invite(&l->a, "1002", sdp);
		answer = rig_take(l->r, &l->a.addr, "SIP/2.0 488");
		ROW_ASSERT(hosts[i], answer.n > 0);
		phone_ack(&l->a);
	}
	/* of a phone they mean nothing */
	talk(l, SDP("192.0.2.11", "4000"), SDP("127.0.0.1", "5000"));
	assert_addr(last_spec(l->r, 1).remote_rtp, "192.0.2.12:5000");
}

/* ACK and BYE to a fork that answers from a host of its choice. */
static void forks_stay_on_the_flow(void **state)
{
	struct line *l = *state;
	struct addr stranger = rig_addr("203.0.113.66:5060");
	struct phone liar;

	phone_invite(&l->a, "1002", SDP("192.0.2.11", "4000"));
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", SDP("192.0.2.12", "5000"));
	liar = l->b;
	liar.addr = stranger;
	phone_answer_as(&liar, l->b.invite, "other", "200 OK", "", SDP("192.0.2.12", "5000"));
	assert_int_equal(rig_count(l->r, &stranger, ""), 0);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(media_of_a_phone),       PLACE_TEST(media_of_nobody),
		PLACE_TEST(media_elsewhere),        PLACE_TEST(media_with_keys),
		PLACE_TEST(a_loop_is_refused),      PLACE_TEST(special_addresses_are_refused),
		PLACE_TEST(forks_stay_on_the_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
