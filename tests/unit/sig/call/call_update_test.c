/* SPDX-License-Identifier: Apache-2.0 */
/* UPDATE with an offer (RFC 3311): answered at once, by what is agreed with the other leg, which is told where it matters. */
#include "tests/unit/sig/line.h"

#define SDP(who, host, port, lines)                                                     \
	"v=0\r\no=" who " 1 2 IN IP4 192.0.2." host "\r\ns=-\r\nc=IN IP4 192.0.2." host \
	"\r\nt=0 0\r\nm=audio " port                                                    \
	" RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n" lines
#define SDP_A(direction) SDP("a", "11", "4000", "a=" direction "\r\n")
#define SDP_B(direction) SDP("b", "12", "5000", "a=" direction "\r\n")

static int talking(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	phones_talk(&l->a, &l->b);
	return 0;
}

static void assert_flow(const struct line *l, uint8_t leg, int receive, int send)
{
	struct flow_spec s = line_last_spec(l->r, leg);

	assert_int_equal(s.receive, receive);
	assert_int_equal(s.send, send);
}

/* The other one is asked again with the direction, and answers. */
static void other_is_told(struct line *l, struct phone *to, const char *direction,
			  const char *answer)
{
	struct bytes m = rig_take(l->r, &to->addr, "INVITE ");

	assert_true(rig_has(m, direction));
	phone_answer(to, m, "200 OK", answer);
	assert_true(rig_take(l->r, &to->addr, "ACK ").n);
}

static void hold_of_the_caller(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->a, "UPDATE", "", SDP_A("sendonly"));
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(rig_body(m), "a=recvonly\r\n"));
	assert_true(rig_has(m, "Contact: "));
	assert_int_equal(line_last_spec(l->r, 0).send, 0);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	other_is_told(l, &l->b, "a=sendonly\r\n", SDP_B("recvonly"));
	assert_flow(l, 0, 1, 0);
	assert_flow(l, 1, 0, 1);
	phone_request(&l->a, "UPDATE", "", SDP_A("sendrecv"));
	assert_true(rig_has(rig_body(phone_hears(&l->a, "SIP/2.0 200")), "a=sendrecv\r\n"));
	other_is_told(l, &l->b, "a=sendrecv\r\n", SDP_B("sendrecv"));
	assert_flow(l, 0, 1, 1);
	assert_flow(l, 1, 1, 1);
}

/* Its other leg made the offer that is in force. */
static void hold_of_the_callee(void **state)
{
	struct line *l = *state;

	phone_request(&l->b, "UPDATE", "", SDP_B("sendonly"));
	assert_true(rig_has(rig_body(phone_hears(&l->b, "SIP/2.0 200")), "m=audio "));
	assert_int_equal(line_last_spec(l->r, 1).send, 0);
	other_is_told(l, &l->a, "a=sendonly\r\n", SDP_A("recvonly"));
	assert_flow(l, 1, 1, 0);
	assert_flow(l, 0, 0, 1);
}

/* Another port changes nothing for the other one. */
static void another_port(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "UPDATE", "", SDP("a", "11", "4444", "a=sendrecv\r\n"));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	rig_wait_ms(l->r, 100);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4444);
	assert_flow(l, 0, 1, 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 1);
}

static void what_cannot_be_answered(void **state)
{
	static const char *const rows[] = {
		SDP("a", "11", "4000", "m=audio 4002 RTP/AVP 8\r\n"), /* a line more */
		("v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
		 "m=audio 4000 RTP/AVP 3\r\n"), /* nothing that the other one has */
		"v=0\r\n",
	};
	struct line *l = *state;
	uint32_t media = l->r->media_count;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m;

		phone_request(&l->a, "UPDATE", "", rows[i]);
		m = rig_take(l->r, &l->a.addr, "SIP/2.0 4");
		assert_true(m.n);
		assert_true(rig_has(m, "SIP/2.0 488") || rig_has(m, "SIP/2.0 400"));
	}
	assert_int_equal(l->r->media_count, media);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 1);
}

/* RFC 3311 5.2 */
static void while_an_offer_is_open(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->a, "INVITE", "", SDP_A("sendonly"));
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	phone_request(&l->b, "UPDATE", "", SDP_B("sendonly"));
	assert_true(phone_hears(&l->b, "SIP/2.0 491").n);
	phone_answer(&l->b, m, "200 OK", SDP_B("recvonly"));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

/* The answer waits for the record that has it; a copy of the request after a kill has the same one. */
static void saved_before_said(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	const char *reason = "";

	r->hold_saves = true;
	phone_request(&l->a, "UPDATE", "", SDP("a", "11", "4444", "a=sendrecv\r\n"));
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 200").n, 0);
	r->hold_saves = false;
	rig_run(r);
	rig_wait_ms(r, 100);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (shard_restore_call(r->shard, text_bytes(&rig_stored(r)->record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
	assert_int_equal(line_last_spec(r, 0).remote_rtp.port, 4444);
	assert_flow(l, 0, 1, 1);
	assert_flow(l, 1, 1, 1);
}

#define UPDATE_TEST(fn) cmocka_unit_test_setup_teardown(fn, talking, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UPDATE_TEST(hold_of_the_caller),     UPDATE_TEST(hold_of_the_callee),
		UPDATE_TEST(another_port),           UPDATE_TEST(what_cannot_be_answered),
		UPDATE_TEST(while_an_offer_is_open), UPDATE_TEST(saved_before_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
