/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node between phones inside and a carrier outside, each at an address of its own: nothing that it says to the carrier names the inside.
 * All that it says in a call is looked at, whatever the phones said.
 */
#include "sig/call/plan.h"

#include "tests/unit/sig/sides.h"

/* Addresses, hosts and names of the inside; the phones say all of them. */
static const char *const g_inside[] = {
	"10.1.1.",    "inside.example", "a-phone",   "b-phone",    "Secret",
	"203.0.113.", "test.local",     "branch-of", "desk-model",
};

#define SDP_INSIDE                                                                          \
	"v=0\r\no=a-phone 7 7 IN IP4 "                                                      \
	"10.1.1.11\r\ns=Secret\r\ni=Secret\r\nu=http://inside.example\r\n"                  \
	"e=a-phone@inside.example\r\nc=IN IP4 10.1.1.11\r\nt=0 0\r\n"                       \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"               \
	"a=rtcp:4001 IN IP4 10.1.1.11\r\na=candidate:1 1 UDP 1 10.1.1.11 4000 typ host\r\n" \
	"a=sendrecv\r\n"

#define SAYS                                                                                      \
	"User-Agent: desk-model\r\nServer: desk-model\r\nCall-Info: <http://inside.example/>\r\n" \
	"Subject: Secret\r\nOrganization: Secret\r\nWarning: 399 inside.example \"x\"\r\n"        \
	"Record-Route: <sip:10.1.1.77;lr>\r\nAlert-Info: <http://inside.example/>\r\n"            \
	"P-Asserted-Identity: <sip:4711@inside.example>\r\nError-Info: "                          \
	"<http://inside.example>\r\n"                                                             \
	"Diversion: <sip:4711@inside.example>\r\nHistory-Info: <sip:4711@10.1.1.9>;index=1\r\n"   \
	"Referred-By: <sip:4711@inside.example>\r\nReply-To: <sip:4711@inside.example>\r\n"       \
	"P-Preferred-Identity: \"D\" <sip:1001@inside.example>\r\n"

static int border_setup(void **state)
{
	struct sides *t = calloc(1, sizeof(*t));
	struct shard_settings s = rig_settings();

	s.local_count = s.network_count = 2;
	s.locals[0] = (struct shard_local){ .bind = rig_addr("10.1.1.1:5060"),
					    .advertise = rig_addr("10.1.1.1:5060") };
	s.locals[1] = (struct shard_local){ .bind = rig_addr("198.51.100.1:5060"),
					    .advertise = rig_addr("198.51.100.1:5060"),
					    .network = 1 };
	s.networks[0].media_bind = s.networks[0].media_advertise = rig_addr("10.1.1.1");
	s.networks[1] = s.networks[0];
	(void)snprintf(s.networks[1].name, sizeof(s.networks[1].name), "outside");
	s.networks[1].media_bind = s.networks[1].media_advertise = rig_addr("198.51.100.1");
	s.networks[1].first_port = 30000;
	s.networks[1].last_port = 30199;
	s.trusted_count = 2; /* phones inside come by a proxy that is trusted */
	s.trusted[0] = (struct shard_trusted){ .net = rig_addr("198.51.100.20"), .bits = 32 };
	s.trusted[1] = (struct shard_trusted){ .net = rig_addr("10.1.1.0"), .bits = 24 };
	t->r = rig_open_with(&s);
	phone_open(&t->peer, t->r, NUMBER, "198.51.100.20:5060");
	phone_open(&t->far, t->r, "1003", "198.51.100.20:5060");
	phone_open(&t->a, t->r, "1001", "10.1.1.11:5060");
	phone_open(&t->b, t->r, "1002", "10.1.1.12:5060");
	phone_open(&t->c, t->r, "1004", "10.1.1.14:5060");
	t->peer.at = t->far.at = 1;
	t->peer.domain = "carrier.example";
	phone_bind(&t->far);
	phone_bind(&t->a);
	phone_bind(&t->b);
	phone_bind(&t->c);
	*state = t;
	return 0;
}

#define BORDER_TEST(fn) cmocka_unit_test_setup_teardown(fn, border_setup, sides_teardown)

static void assert_nothing_inside(const struct sides *t, unsigned least)
{
	unsigned looked = 0;

	for (uint32_t i = 0; i < t->r->sent_count; i++) {
		struct bytes m = text_bytes(&t->r->sent[i].data);

		if (!addr_eq(&t->r->sent[i].hop.remote, &t->far.addr))
			continue;
		looked++;
		for (size_t k = 0; k < COUNT_OF(g_inside); k++) {
			if (rig_has(m, g_inside[k]))
				fail_msg("%s is told outside: " BYTES_FMT, g_inside[k],
					 BYTES_ARG(m));
		}
	}
	if (looked < least)
		fail_msg("only %u messages were said", looked);
}

static void answer_takes(struct phone *p, const char *begin, const char *sdp)
{
	struct bytes m = rig_take(p->r, &p->addr, begin);

	if (!m.n)
		fail_msg("%s did not come to %s", begin, p->user);
	phone_answer_as(p, m, p->tag, "200 OK", SAYS, sdp);
}

/* A phone inside calls, rings on elsewhere, holds, writes, presses keys, and hangs up. */
static void to_the_outside(void **state)
{
	struct sides *t = *state;
	struct shard_forward f = { .always = "1003" };

	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	phone_begin(&t->a, "1002");
	(void)snprintf(t->a.call_id, sizeof(t->a.call_id), "branch-of@inside.example");
	(void)snprintf(t->a.local, sizeof(t->a.local), "<sip:1001@inside.example>");
	phone_request(&t->a, "INVITE", SAYS, SDP_INSIDE);
	phone_answer(&t->far, rung(&t->far), "180 Ringing", "");
	phone_answer(&t->far, t->far.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	phone_request(&t->a, "INVITE", SAYS, SDP_INSIDE);
	answer_takes(&t->far, "INVITE ", PHONE_SDP_B);
	phone_ack(&t->a);
	phone_request(&t->a, "INFO", SAYS "Content-Type: application/dtmf-relay\r\n",
		      "Signal=1\r\nDuration=160\r\n");
	phone_request(&t->a, "MESSAGE", "Content-Type: text/plain\r\n", "hello");
	phone_request(&t->a, "BYE", SAYS "Reason: Q.850;cause=16\r\n", "");
	answer_takes(&t->far, "BYE ", "");
	assert_nothing_inside(t, 5);
}

/* The carrier calls, is held, given away, and refused. */
static void from_the_outside(void **state)
{
	struct sides *t = *state;

	call_as(&t->peer, "1001", NULL, "");
	phone_answer_as(&t->a, rung(&t->a), "a-phone", "180 Ringing", SAYS, "");
	phone_answer_as(&t->a, t->a.invite, "a-phone", "200 OK", SAYS, SDP_INSIDE);
	assert_true(phone_hears(&t->peer, "SIP/2.0 200").n);
	phone_ack(&t->peer);
	phone_request(&t->peer, "OPTIONS", "", "");
	(void)snprintf(t->a.tag, sizeof(t->a.tag), "a-phone");
	phone_request(&t->a, "INVITE", SAYS, SDP_INSIDE);
	answer_takes(&t->peer, "INVITE ", PHONE_SDP_B);
	phone_ack(&t->a);
	phone_request(&t->a, "REFER", SAYS "Refer-To: <sip:1004@test.local>\r\n", "");
	phone_answer_as(&t->c, rung(&t->c), "b-phone", "200 OK", SAYS, SDP_INSIDE);
	answer_takes(&t->peer, "INVITE ", PHONE_SDP_B);
	phone_request(&t->peer, "BYE", "", "");
	call_as(&t->peer, "1002", NULL, "");
	phone_answer_as(&t->b, rung(&t->b), "b-phone", "488 Secret", SAYS, "");
	assert_true(phone_hears(&t->peer, "SIP/2.0 488").n);
	phone_ack(&t->peer);
	assert_nothing_inside(t, 8);
}

/* Who is given to the outside is told for whom it rings, and by whom. */
static void given_to_the_outside(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->a, "1002", NULL, SAYS);
	phone_answer_as(&t->b, rung(&t->b), "b-phone", "200 OK", SAYS, SDP_INSIDE);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	(void)snprintf(t->b.tag, sizeof(t->b.tag), "b-phone");
	phone_request(&t->b, "REFER", SAYS "Refer-To: <sip:1003@test.local>\r\n", "");
	m = rung(&t->far);
	assert_header(m, "Referred-By", "<sip:1002@198.51.100.1:5060>");
	phone_answer(&t->far, m, "200 OK", PHONE_SDP_B);
	assert_nothing_inside(t, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BORDER_TEST(to_the_outside),
		BORDER_TEST(from_the_outside),
		BORDER_TEST(given_to_the_outside),
	};

	return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
