/* SPDX-License-Identifier: Apache-2.0 */
/* Every 2xx to an INVITE of ours is acknowledged, as long as who said it may repeat it (RFC 3261 13.2.2.4, RFC 5407 3.1.3). */
#include "tests/unit/sig/hunt.h"
#include "tests/unit/sig/prack.h"

#define SDP_HELD                                                                      \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
#define SDP_B_HELD                                                                    \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n"

/* The next ACK to B acknowledges that INVITE. */
static struct bytes ack_to(struct line *l, const char *cseq)
{
	struct bytes m = rig_take(l->r, &l->b.addr, "ACK ");

	assert_true(m.n);
	assert_true(bytes_is(rig_header(m, "CSeq"), cseq));
	return m;
}

static void assert_no_ack(struct line *l)
{
	assert_int_equal(rig_take(l->r, &l->b.addr, "ACK ").n, 0);
}

/* B says again what it has said to its first INVITE. */
static void answers_again(struct line *l, const char *body)
{
	phone_answer(&l->b, l->b.invite, "200 OK", body);
}

/* A holds B by a re-INVITE, and all is said. */
static void holds(struct line *l)
{
	struct bytes m;

	phone_request(&l->a, "INVITE", "", SDP_HELD);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", SDP_B_HELD);
	(void)ack_to(l, "2 ACK");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
}

static void an_older_answer(void **state)
{
	struct line *l = *state;
	struct bytes first;

	phones_talk(&l->a, &l->b);
	(void)ack_to(l, "1 ACK");
	(void)phone_hears(&l->a, "SIP/2.0 200");
	holds(l);
	answers_again(l, PHONE_SDP_B);
	first = ack_to(l, "1 ACK");
	assert_true(bytes_is(rig_header(first, "Content-Length"), "0"));
	answers_again(l, PHONE_SDP_B);
	assert_true(bytes_eq(first, ack_to(l, "1 ACK")));
	line_restart(l, line_stored(l));
	answers_again(l, PHONE_SDP_B);
	(void)ack_to(l, "1 ACK");
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 0);
}

/* While the re-INVITE is open, too. */
static void an_older_answer_meanwhile(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	(void)ack_to(l, "1 ACK");
	phone_request(&l->a, "INVITE", "", SDP_HELD);
	assert_true(rig_take(l->r, &l->b.addr, "INVITE ").n);
	answers_again(l, PHONE_SDP_B);
	(void)ack_to(l, "1 ACK");
	line_restart(l, line_stored(l));
	answers_again(l, PHONE_SDP_B);
	(void)ack_to(l, "1 ACK");
}

/* A's answer to B's offer goes with the ACK, whatever is agreed by now. */
static void talk_late(struct line *l)
{
	phone_invite(&l->a, "1002", "");
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack_with(&l->a, PHONE_SDP_A);
}

static void an_older_offer(void **state)
{
	struct line *l = *state;
	struct bytes first, again;

	talk_late(l);
	first = ack_to(l, "1 ACK");
	assert_true(rig_has(first, "a=sendrecv"));
	holds(l);
	answers_again(l, PHONE_SDP_B);
	again = ack_to(l, "1 ACK");
	assert_true(bytes_eq(rig_body(first), rig_body(again)));
	line_restart(l, line_stored(l));
	answers_again(l, PHONE_SDP_B);
	again = ack_to(l, "1 ACK");
	assert_true(bytes_eq(rig_body(first), rig_body(again)));
}

/* B has offered something else since, and was answered. */
static void the_answer_it_had(void **state)
{
	struct line *l = *state;
	struct bytes first;

	talk_late(l);
	first = ack_to(l, "1 ACK");
	phone_request(&l->b, "UPDATE", "", SDP_B_HELD);
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	answers_again(l, PHONE_SDP_B);
	assert_true(bytes_eq(rig_body(first), rig_body(ack_to(l, "1 ACK"))));
}

static struct bytes ask_anew(struct line *l)
{
	struct bytes m;

	phones_talk(&l->a, &l->b);
	(void)ack_to(l, "1 ACK");
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_request(&l->a, "INVITE", "", SDP_HELD);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(m.n);
	return m;
}

/* A hangs up while its re-INVITE is open at B. */
static struct bytes hang_up_meanwhile(struct line *l)
{
	struct bytes m = ask_anew(l);

	phone_request(&l->a, "BYE", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	return m;
}

static void reinvite_crosses_bye(void **state)
{
	struct line *l = *state;
	struct bytes m = hang_up_meanwhile(l);

	phone_answer(&l->b, m, "200 OK", SDP_B_HELD);
	(void)ack_to(l, "2 ACK");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	assert_int_equal(rig_counts(l->r).calls, 0);
	for (int i = 0; i < 3; i++) {
		phone_answer(&l->b, m, "200 OK", SDP_B_HELD);
		(void)ack_to(l, "2 ACK");
	}
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
	line_assert_idle(l->r);
}

/* It answers the BYE first, and the call is over. */
static void reinvite_behind_bye(void **state)
{
	struct line *l = *state;
	struct bytes m = hang_up_meanwhile(l);

	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	rig_wait_ms(l->r, 1000);
	assert_int_equal(rig_counts(l->r).calls, 0);
	for (int i = 0; i < 3; i++) {
		phone_answer(&l->b, m, "200 OK", SDP_B_HELD);
		assert_true(rig_has(rig_header(ack_to(l, "2 ACK"), "To"), l->b.tag));
	}
	assert_true(rig_count(l->r, &l->b.addr, "BYE ") <= 2);
	/* of no CSeq that the call has used */
	assert_true(bytes_is(rig_header(rig_take(l->r, &l->b.addr, "BYE "), "CSeq"), "65538 BYE"));
	rig_wait_ms(l->r, 31000); /* it may say so for 64*T1 */
	phone_answer(&l->b, m, "200 OK", SDP_B_HELD);
	(void)ack_to(l, "2 ACK");
	line_assert_idle(l->r);
}

/* A successor said that BYE, which has a number behind a gap. */
static void reinvite_behind_bye_of_a_successor(void **state)
{
	struct line *l = *state;
	struct bytes m = ask_anew(l);

	line_restart(l, line_stored(l));
	phone_request(&l->a, "BYE", "", "");
	m = rig_take(l->r, &l->b.addr, "BYE ");
	assert_true(bytes_is(rig_header(m, "CSeq"), "67 BYE"));
	phone_answer(&l->b, m, "200 OK", "");
	rig_wait_ms(l->r, 1000);
	assert_int_equal(rig_counts(l->r).calls, 0);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	phone_answer(&l->b, m, "200 OK", SDP_B_HELD);
	(void)ack_to(l, "2 ACK");
	assert_true(bytes_is(rig_header(rig_take(l->r, &l->b.addr, "BYE "), "CSeq"), "65538 BYE"));
	rig_wait_ms(l->r, 32000);
	line_assert_idle(l->r);
}

/* Killed before B has answered the BYE; then when nothing of the call is kept any more. */
static void reinvite_behind_kill(void **state)
{
	struct line *l = *state;
	struct bytes m = hang_up_meanwhile(l);

	line_restart(l, line_stored(l));
	phone_answer(&l->b, m, "200 OK", SDP_B_HELD);
	(void)ack_to(l, "2 ACK");
	while (rig_counts(l->r).calls) {
		phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
		rig_wait_ms(l->r, 500);
	}
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	shard_resume(l->r->shard, l->r->now);
	phone_answer(&l->b, m, "200 OK", SDP_B_HELD);
	(void)ack_to(l, "2 ACK");
	rig_wait_ms(l->r, 40000);
	phone_answer(&l->b, m, "200 OK", SDP_B_HELD);
	assert_no_ack(l); /* nobody repeats it so long, and who made it up is not answered */
}

/* Copies of what another fork has said: one BYE is enough. */
static void a_fork_repeats(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	(void)ack_to(l, "1 ACK");
	for (int i = 0; i < 3; i++) {
		phone_answer_as(&l->b, l->b.invite, "other", "200 OK", "", PHONE_SDP_B);
		assert_true(rig_has(rig_header(ack_to(l, "1 ACK"), "To"), ";tag=other"));
	}
	(void)phone_hears(&l->a, "SIP/2.0 200");
	holds(l);
	phone_answer_as(&l->b, l->b.invite, "other", "200 OK", "", PHONE_SDP_B);
	(void)ack_to(l, "1 ACK");
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	phone_answer_as(&l->b, l->b.invite, "other", "200 OK", "", PHONE_SDP_B);
	(void)ack_to(l, "1 ACK");
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
}

/* A phone that lost has heard our BYE, and not our ACK: its leg is gone. */
static void a_branch_repeats(void **state)
{
	struct hunt *t = *state;

	phone_invite(&t->a, "1002", PHONE_SDP_A);
	for (unsigned i = 0; i < PHONES; i++)
		(void)phone_rings(&t->b[i]);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	phone_answer(&t->b[1], t->b[1].invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&t->a, "SIP/2.0 200");
	phone_ack(&t->a);
	phone_answer(&t->b[1], rig_take(t->r, &t->b[1].addr, "BYE "), "200 OK", "");
	rig_wait_ms(t->r, 1000);
	for (uint32_t i = 2; i < 5; i++) {
		phone_answer(&t->b[1], t->b[1].invite, "200 OK", PHONE_SDP_B);
		assert_int_equal(rig_count(t->r, &t->b[1].addr, "ACK "), i);
	}
	assert_int_equal(rig_count(t->r, &t->b[1].addr, "BYE "), 1);
	assert_int_equal(rig_counts(t->r).calls_established, 1);
}

/* A process that is gone had asked it, and nobody knows its leg: it is told to go (RFC 3261 13.2.2.4). */
static void nobody_knows_its_leg(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	shard_resume(l->r->shard, l->r->now);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	(void)ack_to(l, "1 ACK");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	line_assert_idle(l->r);
}

/* Its 2xx crosses our CANCEL, and the process is killed before that, or when the BYE to it was lost. */
static void a_cancelled_one_behind_kill(void **state)
{
	for (uint32_t lost = 0; lost < 2; lost++) {
		struct bytes bye = { 0 };
		struct line *l;

		if (lost) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
		}
		l = *state;
		phone_invite(&l->a, "1002", PHONE_SDP_A);
		(void)phone_rings(&l->b);
		phone_answer(&l->b, l->b.invite, "180 Ringing", "");
		phone_cancel(&l->a);
		assert_true(rig_take(l->r, &l->b.addr, "CANCEL ").n);
		if (lost)
			phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
		line_restart(l, line_stored(l));
		if (!lost)
			phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
		(void)ack_to(l, "1 ACK");
		assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1 + lost);
		for (uint32_t i = 0; i <= lost; i++)
			bye = rig_take(l->r, &l->b.addr, "BYE ");
		phone_answer(&l->b, bye, "200 OK", "");
		rig_wait_ms(l->r, 40000);
		assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1 + lost);
		line_assert_idle(l->r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(an_older_answer),
		LINE_TEST(an_older_answer_meanwhile),
		LINE_TEST(an_older_offer),
		LINE_TEST(the_answer_it_had),
		LINE_TEST(reinvite_crosses_bye),
		LINE_TEST(reinvite_behind_bye),
		LINE_TEST(reinvite_behind_bye_of_a_successor),
		LINE_TEST(reinvite_behind_kill),
		LINE_TEST(a_fork_repeats),
		LINE_TEST(a_cancelled_one_behind_kill),
		LINE_TEST(nobody_knows_its_leg),
		HUNT_TEST(a_branch_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
