/* SPDX-License-Identifier: Apache-2.0 */
/* What seeds of the simulator showed (tests/sim/seeds.txt), told without it: branches that lost. */
#include "tests/unit/sig/hunt.h"

enum { WINNER, LOSER, OTHER };

static void win(struct hunt *t)
{
	phone_answer(&t->b[WINNER], t->b[WINNER].invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
}

static void end(struct hunt *t)
{
	hang_up(t, &t->b[WINNER]);
	assert_ended(t, 200, ENDED_BY_A);
}

/* It answers the first INVITE while the winner is asked again: ACK and BYE are of its own dialog. */
static void late_2xx_in_a_reinvite(void **state)
{
	struct hunt *t = *state;
	struct bytes invite, m;

	ring_all(t);
	win(t);
	cancelled(&t->b[OTHER]);
	phone_request(&t->a, "INVITE", "", PHONE_SDP_A);
	invite = rig_take(t->r, &t->b[WINNER].addr, "INVITE ");
	assert_true(invite.n);
	phone_answer(&t->b[LOSER], t->b[LOSER].invite, "200 OK", PHONE_SDP_B);
	m = rig_take(t->r, &t->b[LOSER].addr, "ACK ");
	assert_true(rig_has(rig_header(m, "To"), ";tag=b1"));
	m = rig_take(t->r, &t->b[LOSER].addr, "BYE ");
	assert_true(rig_has(rig_header(m, "To"), ";tag=b1"));
	phone_answer(&t->b[LOSER], m, "200 OK", "");
	phone_answer(&t->b[WINNER], invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	assert_talking(t, &t->b[WINNER]);
	end(t);
}

/* What the asker was offered is the winner's offer: those that are being cancelled made none, and have no ports. */
static void late_offer_while_others_go(void **state)
{
	struct hunt *t = *state;
	struct bytes ack;

	phone_invite(&t->a, "1002", "");
	for (unsigned i = 0; i < PHONES; i++)
		assert_true(phone_rings(&t->b[i]).n);
	phone_answer(&t->b[WINNER], t->b[WINNER].invite, "200 OK", PHONE_SDP_B);
	kill_and_restart(t, stored(t));
	assert_int_equal(rig_counts(t->r).calls, 1);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack_with(&t->a, PHONE_SDP_A);
	ack = rig_take(t->r, &t->b[WINNER].addr, "ACK ");
	assert_true(rig_has(ack, "m=audio"));
	cancelled(&t->b[OTHER]);
	cancelled(&t->b[LOSER]);
	assert_talking(t, &t->b[WINNER]);
	end(t);
}

/* Its end is saved, so a successor leaves it alone. */
static void end_is_in_the_record(void **state)
{
	struct hunt *t = *state;

	ring_all(t);
	win(t);
	cancelled(&t->b[OTHER]);
	cancelled(&t->b[LOSER]);
	kill_and_restart(t, stored(t));
	rig_wait_ms(t->r, 10000);
	assert_int_equal(rig_count(t->r, &t->b[LOSER].addr, "INVITE "), 1);
	assert_int_equal(rig_count(t->r, &t->b[LOSER].addr, "CANCEL "), 1);
	end(t);
}

/* It had said nothing when it lost, then it refused; the kill comes before the save. Asked again, it would ring. */
static void refused_before_the_kill(void **state)
{
	struct hunt *t = *state;

	ring(t);
	phone_answer(&t->b[OTHER], t->b[OTHER].invite, "486 Busy Here", "");
	win(t);
	t->r->hold_saves = true;
	phone_answer(&t->b[LOSER], t->b[LOSER].invite, "486 Busy Here", "");
	assert_int_equal(rig_count(t->r, &t->b[LOSER].addr, "ACK "), 0);
	kill_and_restart(t, stored(t));
	rig_wait_ms(t->r, 40000);
	assert_int_equal(rig_count(t->r, &t->b[LOSER].addr, "INVITE "), 1);
	end(t);
}

/* It rang, was cancelled and went; the kill comes before the save. The CANCEL that it gets is a copy of the first one, so that it may
 * answer as before; and where it says nothing the call goes on without it. */
static void cancelled_before_the_kill(void **state)
{
	struct hunt *t = *state;
	struct bytes first;

	ring_all(t);
	win(t);
	cancelled(&t->b[OTHER]);
	first = rig_take(t->r, &t->b[LOSER].addr, "CANCEL ");
	t->r->hold_saves = true;
	phone_answer(&t->b[LOSER], first, "200 OK", "");
	phone_answer(&t->b[LOSER], t->b[LOSER].invite, "487 Request Terminated", "");
	kill_and_restart(t, stored(t));
	assert_int_equal(rig_count(t->r, &t->b[LOSER].addr, "INVITE "), 1);
	assert_true(bytes_eq(rig_take(t->r, &t->b[LOSER].addr, "CANCEL "), first));
	rig_wait_ms(t->r, 40000);
	assert_talking(t, &t->b[WINNER]);
	end(t);
}

/* Two kills with a record of the time when all were asked: no process knows that it refused, so each asks it, always with the same
 * INVITE, which is a retransmission as long as its phone knows the first one; and one call comes of it. */
static void two_kills_before_a_save(void **state)
{
	struct hunt *t = *state;
	struct phone *loser = &t->b[LOSER];
	struct text record = { 0 };

	ring(t);
	assert_int_equal(text_set(&record, stored(t)), 0);
	for (uint32_t kill = 1; kill <= 2; kill++) {
		t->r->hold_saves = true;
		phone_answer(loser, loser->invite, "486 Busy Here", "");
		kill_and_restart(t, text_bytes(&record));
		assert_int_equal(rig_count(t->r, &loser->addr, "INVITE "), 1 + kill);
		assert_true(bytes_eq(rig_take(t->r, &loser->addr, "INVITE "), loser->invite));
	}
	phone_answer(loser, loser->invite, "486 Busy Here", "");
	phone_answer(&t->b[OTHER], t->b[OTHER].invite, "486 Busy Here", "");
	win(t);
	assert_talking(t, &t->b[WINNER]);
	end(t);
	text_clear(&record);
}

/* A phone that was away hears the last copy of its INVITE after another has won, and is picked up: acknowledged and ended. */
static void picked_up_late(void **state)
{
	struct hunt *t = *state;
	struct phone *loser = &t->b[LOSER];
	uint32_t copies;
	struct bytes bye;

	ring(t);
	phone_answer(&t->b[OTHER], t->b[OTHER].invite, "486 Busy Here", "");
	win(t);
	rig_wait_ms(t->r, 31600); /* the last copy leaves at 31.5 s, and timer B fires at 32 */
	copies = rig_count(t->r, &loser->addr, "INVITE ");
	assert_int_equal(copies, 7);
	phone_answer(loser, loser->invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(t->r, &loser->addr, "ACK "), 1);
	bye = rig_take(t->r, &loser->addr, "BYE ");
	assert_true(rig_has(rig_header(bye, "To"), ";tag=b1"));
	phone_answer(loser, bye, "200 OK", "");
	assert_talking(t, &t->b[WINNER]);
	end(t);
}

/* It rang reliably, so that a successor knows its dialog; it answered across the CANCEL, and the BYE to that was never said. Its own BYE
 * ends the branch, and the INVITE with it. */
static void bye_of_a_lost_branch(void **state)
{
	struct hunt *t = *state;
	struct phone *lost = &t->b[LOSER];
	struct text record = { 0 };

	ring(t);
	phone_answer(&t->b[OTHER], t->b[OTHER].invite, "180 Ringing", "");
	phone_answer_as(lost, lost->invite, lost->tag, "180 Ringing",
			"Require: 100rel\r\nRSeq: 7\r\n", "");
	phone_answer(lost, rig_take(t->r, &lost->addr, "PRACK "), "200 OK", "");
	win(t);
	cancelled(&t->b[OTHER]);
	assert_int_equal(text_set(&record, stored(t)), 0);
	phone_answer_as(lost, lost->invite, lost->tag, "200 OK", "", PHONE_SDP_B);
	kill_and_restart(t, text_bytes(&record));
	lost->cseq = 500;
	phone_request(lost, "BYE", "", "");
	assert_true(rig_take(t->r, &lost->addr, "SIP/2.0 200").n);
	end(t);
	text_clear(&record);
}

/* It had said nothing for so long that its INVITE was given up, and answers while the end of the call is on its way to the store. A save
 * behind that would be a record of a call that nobody knows of. */
static void answers_behind_the_end(void **state)
{
	struct hunt *t = *state;
	struct rig *r = t->r;

	ring(t);
	phone_answer(&t->b[WINNER], t->b[WINNER].invite, "486 Busy Here", "");
	phone_answer(&t->b[OTHER], t->b[OTHER].invite, "486 Busy Here", "");
	rig_wait_ms(r, TXN_TIMEOUT_MS + SHARD_SAVE_LATER_MS);
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n);
	r->hold_saves = true;
	phone_write(&t->a, "ACK", "", "");
	rig_wait_ms(r, SHARD_SAVE_LATER_MS);
	assert_int_equal(r->saves[r->save_count - 1].kind, EFFECT_CALL_END);
	phone_answer(&t->b[LOSER], t->b[LOSER].invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS);
	assert_int_equal(r->saves[r->save_count - 1].kind, EFFECT_CALL_END);
	rig_answer(r, r->save_count - 1, true);
	r->hold_saves = false;
	assert_true(rig_take(r, &t->b[LOSER].addr, "ACK ").n);
	phone_answer(&t->b[LOSER], rig_take(r, &t->b[LOSER].addr, "BYE "), "200 OK", "");
	line_assert_idle(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUNT_TEST(late_2xx_in_a_reinvite),
		HUNT_TEST(late_offer_while_others_go),
		HUNT_TEST(end_is_in_the_record),
		HUNT_TEST(refused_before_the_kill),
		HUNT_TEST(cancelled_before_the_kill),
		HUNT_TEST(two_kills_before_a_save),
		HUNT_TEST(picked_up_late),
		HUNT_TEST(bye_of_a_lost_branch),
		HUNT_TEST(answers_behind_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
