/* SPDX-License-Identifier: Apache-2.0 */
/* Calls go on to others: always, when a phone is busy, does not answer, or is not there (FEATURES CALL-15 to CALL-19, CALL-21). */
#include "sig/call/plan.h"

#include "tests/unit/sig/hunt.h"

enum { RING_MS = 6000 };

static void forward(struct hunt *t, const char *number, const struct shard_forward *f)
{
	struct shard_extension e = rig_extension(number, false);

	assert_int_equal(shard_extension_put(t->r->shard, &e), 0);
	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, number, f), 0);
}

static void busy(struct hunt *t, const char *status)
{
	for (unsigned i = 0; i < PHONES; i++)
		phone_answer(&t->b[i], t->b[i].invite, status, "");
}

static void assert_all_cancelled(struct hunt *t)
{
	for (unsigned i = 0; i < PHONES; i++)
		cancelled(&t->b[i]);
}

/* The last phone answers, talks and is hung up by the caller. */
static void talk_and_end(struct hunt *t)
{
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	assert_talking(t, &t->c);
	hang_up(t, &t->c);
	assert_ended(t, 200, ENDED_BY_A);
}

static void always(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .always = "1004" });
	phone_invite(&t->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&t->c).n);
	for (unsigned i = 0; i < PHONES; i++)
		assert_int_equal(rig_count(t->r, &t->b[i].addr, "INVITE "), 0);
	assert_true(rig_has(rig_header(t->c.invite, "To"), "sip:1004@"));
	assert_true(rig_has(rig_header(t->c.invite, "From"), "sip:1001@"));
	assert_true(rig_has(t->c.invite, "\r\nDiversion: <sip:1002@192.0.2.1:5060>;"
					 "reason=unconditional;counter=1\r\n"));
	assert_true(rig_has(t->c.invite, "\r\nHistory-Info: <sip:1002@192.0.2.1:5060"
					 "?Reason=SIP%3Bcause%3D302>;index=1, "
					 "<sip:1004@192.0.2.1:5060>;index=1.1;mp=1\r\n"));
	talk_and_end(t);
	assert_string_equal(t->r->cdrs[0].to, "1002");
	assert_string_equal(t->r->cdrs[0].forwarded_to, "1004");
	assert_int_equal(t->r->cdrs[0].forwarded, PLAN_ALWAYS);
}

static void nobody_was_called_before(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ 0 });

	ring(t);
	assert_false(rig_has(t->b[0].invite, "Diversion"));
	assert_false(rig_has(t->b[0].invite, "History-Info"));
}

static void on_busy(void **state)
{
	static const char *const rows[] = { "486 Busy Here", "600 Busy Everywhere", "603 Decline" };
	struct hunt *t = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (i) {
			assert_int_equal(hunt_teardown(state), 0);
			assert_int_equal(hunt_setup(state), 0);
			t = *state;
		}
		forward(t, "1002", &(struct shard_forward){ .busy = "1004" });
		ring(t);
		if (i) /* decisive: the others ring no longer */
			for (unsigned k = 1; k < PHONES; k++)
				phone_answer(&t->b[k], t->b[k].invite, "180 Ringing", "");
		phone_answer(&t->b[0], t->b[0].invite, rows[i], "");
		for (unsigned k = 1; k < PHONES; k++) {
			if (i)
				cancelled(&t->b[k]);
			else
				phone_answer(&t->b[k], t->b[k].invite, rows[i], "");
		}
		assert_true(phone_rings(&t->c).n);
		assert_true(rig_has(t->c.invite, ";reason=user-busy;"));
		assert_int_equal(rig_count(t->r, &t->a.addr, "SIP/2.0 486"), 0);
		talk_and_end(t);
	}
}

/* What else a phone says is said to the caller. */
static void not_for_every_refusal(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002",
		&(struct shard_forward){
			.busy = "1004", .no_answer = "1004", .unreachable = "1004" });
	ring(t);
	busy(t, "488 Not Acceptable Here");
	assert_true(phone_hears(&t->a, "SIP/2.0 488").n);
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
}

/* Who watches hears of it, and where to. */
static void assert_told(const struct hunt *t, const char *to, const char *reason)
{
	const struct sig_event *e = &t->r->events[t->r->event_count - 1];

	assert_int_equal(e->kind, SIG_CALL_FORWARDED);
	assert_string_equal(event_str(e, EV_FROM), "1001");
	assert_string_equal(event_str(e, EV_TO), to);
	assert_string_equal(event_str(e, EV_REASON), reason);
}

static void on_no_answer(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .no_answer = "1004", .rings = 2 });
	ring_all(t);
	rig_wait_ms(t->r, 2 * RING_MS - 100);
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
	rig_wait_ms(t->r, 200);
	assert_true(phone_rings(&t->c).n);
	assert_told(t, "1004", "no_answer");
	assert_all_cancelled(t);
	assert_true(rig_has(t->c.invite, ";reason=no-answer;"));
	talk_and_end(t);
	assert_int_equal(t->r->cdrs[0].forwarded, PLAN_NO_ANSWER);
	assert_string_equal(t->r->cdrs[0].facts.missed, "");
}

/* Whoever forwarded it, and who it went on to. */
static void missed_by_both(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .no_answer = "1004", .rings = 2 });
	ring_all(t);
	rig_wait_ms(t->r, 2 * RING_MS + 100);
	assert_true(phone_rings(&t->c).n);
	assert_all_cancelled(t);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n);
	phone_write(&t->a, "ACK", "", "");
	rig_run(t->r);
	assert_string_equal(t->r->cdrs[0].facts.missed, "1002,1004");
}

/* It does not stop ringing for nothing. */
static void nobody_else_can_be_rung(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .no_answer = "1005", .rings = 1 });
	ring_all(t);
	rig_wait_ms(t->r, RING_MS + 100);
	for (unsigned i = 0; i < PHONES; i++)
		assert_int_equal(rig_count(t->r, &t->b[i].addr, "CANCEL "), 0);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	for (unsigned i = 1; i < PHONES; i++)
		cancelled(&t->b[i]);
	assert_talking(t, &t->b[0]);
}

static void unreachable(void **state)
{
	struct hunt *t = *state;

	forward(t, "1005", &(struct shard_forward){ .unreachable = "1004", .mobile = "1002" });
	phone_invite(&t->a, "1005", PHONE_SDP_A);
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(t->c.invite, ";reason=unavailable;"));
	talk_and_end(t);
}

/* REG-23 */
static void mobile(void **state)
{
	struct hunt *t = *state;

	forward(t, "1005", &(struct shard_forward){ .mobile = "1004" });
	phone_invite(&t->a, "1005", PHONE_SDP_A);
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(t->c.invite, ";reason=unavailable;"));
	talk_and_end(t);
}

/* Who is switched off is not there, whatever it forwards to. */
static void of_a_disabled_one(void **state)
{
	struct hunt *t = *state;
	struct shard_extension e = rig_extension("1005", false);

	forward(t, "1002", &(struct shard_forward){ .busy = "1005" });
	forward(t, "1005", &(struct shard_forward){ .always = "1004" });
	e.enabled = false;
	assert_int_equal(shard_extension_put(t->r->shard, &e), 0);
	ring(t);
	busy(t, "486 Busy Here");
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n);
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
}

static void do_not_disturb(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .do_not_disturb = true });
	phone_invite(&t->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n);
	phone_ack(&t->a);
	for (unsigned i = 0; i < PHONES; i++)
		assert_int_equal(rig_count(t->r, &t->b[i].addr, "INVITE "), 0);
	line_assert_idle(t->r);
}

static void do_not_disturb_goes_to_another(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .do_not_disturb = true, .busy = "1004" });
	phone_invite(&t->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(t->c.invite, ";reason=user-busy;"));
	talk_and_end(t);
}

/* Through several; whom it was for first is told first. */
static void through_several(void **state)
{
	struct hunt *t = *state;

	forward(t, "1005", &(struct shard_forward){ .unreachable = "1002" });
	forward(t, "1002", &(struct shard_forward){ .busy = "1004" });
	phone_invite(&t->a, "1005", PHONE_SDP_A);
	for (unsigned i = 0; i < PHONES; i++)
		assert_true(phone_rings(&t->b[i]).n);
	busy(t, "486 Busy Here");
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(t->c.invite,
			    "\r\nDiversion: <sip:1002@192.0.2.1:5060>;reason=user-busy;counter=1"
			    "\r\nDiversion: <sip:1005@192.0.2.1:5060>;reason=unavailable;"
			    "counter=1\r\n"));
	assert_true(rig_has(t->c.invite, "<sip:1004@192.0.2.1:5060>;index=1.1.1;mp=1.1\r\n"));
	talk_and_end(t);
}

/* Two that forward to each other, and one that forwards to who calls: it ends with what the first one was. */
static void loops(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .always = "1005" });
	forward(t, "1005", &(struct shard_forward){ .always = "1002" });
	phone_invite(&t->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&t->a, "SIP/2.0 480").n);
	phone_ack(&t->a);
	line_assert_idle(t->r);
	forward(t, "1002", &(struct shard_forward){ .busy = "1001" });
	ring(t);
	busy(t, "486 Busy Here");
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n);
	assert_int_equal(rig_count(t->r, &t->a.addr, "INVITE "), 0);
}

/* The rings of a step go on after a restart. */
static void rings_after_a_restart(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .no_answer = "1004", .rings = 2 });
	ring_all(t);
	rig_wait_ms(t->r, RING_MS);
	restart(t);
	forward(t, "1002", &(struct shard_forward){ .no_answer = "1004", .rings = 2 });
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
	rig_wait_ms(t->r, RING_MS + 200);
	assert_true(phone_rings(&t->c).n);
}

/* A number with no phone is passed over. */
static void on_busy_through_a_list(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .busy = "1003,1004" });
	ring(t);
	busy(t, "486 Busy Here");
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(t->c.invite, "\r\nHistory-Info: <sip:1002@192.0.2.1:5060"
					 "?Reason=SIP%3Bcause%3D486>;index=1, "
					 "<sip:1003@192.0.2.1:5060>;index=1.1;mp=1, "
					 "<sip:1004@192.0.2.1:5060>;index=1.2;mp=1\r\n"));
	assert_true(rig_has(t->c.invite, "\r\nDiversion: <sip:1002@192.0.2.1:5060>;"
					 "reason=user-busy;counter=1\r\n"));
	talk_and_end(t);
}

/* Each of them rings for the rings of whose list it is; the last one as long as any. */
static void hunts_in_turn(void **state)
{
	struct hunt *t = *state;

	forward(t, "1000", &(struct shard_forward){ .always = "1002,1004", .rings = 2 });
	phone_invite(&t->a, "1000", PHONE_SDP_A);
	for (unsigned i = 0; i < PHONES; i++) {
		assert_true(phone_rings(&t->b[i]).n);
		phone_answer(&t->b[i], t->b[i].invite, "180 Ringing", "");
	}
	rig_wait_ms(t->r, 2 * RING_MS - 100);
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
	rig_wait_ms(t->r, 200);
	assert_true(phone_rings(&t->c).n);
	assert_all_cancelled(t);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	rig_wait_ms(t->r, 60000);
	talk_and_end(t);
	assert_string_equal(t->r->cdrs[0].to, "1000");
}

/* Whom it is sent on to by a number of the list comes before the next of the list. */
static void its_own_forward_comes_first(void **state)
{
	struct hunt *t = *state;

	forward(t, "1000", &(struct shard_forward){ .always = "2001,1004" });
	forward(t, "2001", &(struct shard_forward){ .always = "1002", .unreachable = "1004" });
	phone_invite(&t->a, "1000", PHONE_SDP_A);
	for (unsigned i = 0; i < PHONES; i++)
		assert_true(phone_rings(&t->b[i]).n);
	assert_true(rig_has(t->b[0].invite, ">;index=1.1.1;mp=1.1\r\n"));
	busy(t, "486 Busy Here");
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(t->c.invite, "1004@192.0.2.1:5060>;index=1.2;mp=1\r\n"));
	talk_and_end(t);
}

static void chain(struct hunt *t, unsigned links)
{
	char number[16];

	for (unsigned i = 0; i < links; i++) {
		struct shard_forward f = { 0 };

		(void)snprintf(number, sizeof(number), "%u", 2000 + i);
		(void)snprintf(f.always, sizeof(f.always), i + 1 < links ? "%u" : "1004", 2001 + i);
		forward(t, number, &f);
	}
}

static void sent_on_eight_times(void **state)
{
	struct hunt *t = *state;

	chain(t, 8);
	phone_invite(&t->a, "2000", PHONE_SDP_A);
	assert_true(phone_rings(&t->c).n);
	talk_and_end(t);
}

static void not_sent_on_nine_times(void **state)
{
	struct hunt *t = *state;

	chain(t, 9);
	phone_invite(&t->a, "2000", PHONE_SDP_A);
	assert_true(phone_hears(&t->a, "SIP/2.0 480").n);
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
}

/* 1 that is called, 3 of its list with 8 numbers each: the next one would be the 29th, the last that may be tried is the 32nd. */
static void not_more_than_32(void **state)
{
	static const struct {
		const char *last;
		bool rings;
	} rows[] = { { "8,8a,8b,1004", true }, { "8,8a,8b,8c,1004", false } };
	struct hunt *t = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct shard_forward f = { .always = "2001,2002,2003," };

		if (i) {
			assert_int_equal(hunt_teardown(state), 0);
			assert_int_equal(hunt_setup(state), 0);
			t = *state;
		}
		memcpy(f.always + strlen(f.always), rows[i].last, strlen(rows[i].last));
		forward(t, "1000", &f);
		forward(t, "2001", &(struct shard_forward){ .always = "10,11,12,13,14,15,16,17" });
		forward(t, "2002", &(struct shard_forward){ .always = "20,21,22,23,24,25,26,27" });
		forward(t, "2003", &(struct shard_forward){ .always = "30,31,32,33,34,35,36,37" });
		phone_invite(&t->a, "1000", PHONE_SDP_A);
		assert_int_equal(phone_rings(&t->c).n != 0, rows[i].rings);
		if (rows[i].rings)
			talk_and_end(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUNT_TEST(always),
		HUNT_TEST(nobody_was_called_before),
		HUNT_TEST(on_busy),
		HUNT_TEST(not_for_every_refusal),
		HUNT_TEST(on_no_answer),
		HUNT_TEST(missed_by_both),
		HUNT_TEST(nobody_else_can_be_rung),
		HUNT_TEST(unreachable),
		HUNT_TEST(mobile),
		HUNT_TEST(of_a_disabled_one),
		HUNT_TEST(do_not_disturb),
		HUNT_TEST(do_not_disturb_goes_to_another),
		HUNT_TEST(through_several),
		HUNT_TEST(loops),
		HUNT_TEST(rings_after_a_restart),
		HUNT_TEST(on_busy_through_a_list),
		HUNT_TEST(hunts_in_turn),
		HUNT_TEST(its_own_forward_comes_first),
		HUNT_TEST(sent_on_eight_times),
		HUNT_TEST(not_sent_on_nine_times),
		HUNT_TEST(not_more_than_32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
