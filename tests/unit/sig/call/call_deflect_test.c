/* SPDX-License-Identifier: Apache-2.0 */
/* A call that rings is sent on by command. */

#include "sig/call/plan.h"

#include "tests/unit/sig/hunt.h"

static void forward(struct hunt *t, const char *number, const struct shard_forward *f)
{
	struct shard_extension e = rig_extension(number, false);

	assert_int_equal(shard_extension_put(t->r->shard, &e), 0);
	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, number, f), 0);
}

static int deflect_by(struct hunt *t, const char *to, const struct shard_order *by)
{
	struct call_order o = { .kind = ORDER_DEFLECT, .to = bytes_str(to), .by = by };
	int err = shard_call_order(t->r->shard, view(t->r).call, &o, t->r->now);

	rig_run(t->r);
	return err;
}

static int deflect(struct hunt *t, const char *to)
{
	return deflect_by(t, to, NULL);
}

static void all_cancelled(struct hunt *t)
{
	for (unsigned i = 0; i < PHONES; i++)
		cancelled(&t->b[i]);
}

static void talk_and_end(struct hunt *t)
{
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	assert_talking(t, &t->c);
	hang_up(t, &t->c);
	assert_ended(t, 200, ENDED_BY_A);
}

static uint32_t events_of(const struct rig *r, enum sig_event_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->event_count; i++)
		n += r->events[i].kind == kind;
	return n;
}

/* Who rings is left, who is rung hears for whom, and the record has it. */
static void goes_on(void **state)
{
	struct hunt *t = *state;
	const struct sig_event *e;

	ring_all(t);
	assert_int_equal(deflect(t, "1004"), 0);
	e = &t->r->events[t->r->event_count - 1];
	assert_int_equal(e->kind, SIG_CALL_FORWARDED);
	assert_string_equal(event_str(e, EV_TO), "1004");
	assert_string_equal(event_str(e, EV_REASON), "deflection");
	all_cancelled(t);
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(t->c.invite, "\r\nDiversion: <sip:1002@192.0.2.1:5060>;"
					 "reason=deflection;counter=1\r\n"));
	assert_true(rig_has(t->c.invite, "\r\nHistory-Info: <sip:1002@192.0.2.1:5060"
					 "?Reason=SIP%3Bcause%3D487>;index=1, "
					 "<sip:1004@192.0.2.1:5060>;index=1.1;mp=1\r\n"));
	assert_int_equal(rig_count(t->r, &t->a.addr, "SIP/2.0 4"), 0);
	talk_and_end(t);
	assert_string_equal(t->r->cdrs[0].to, "1002");
	assert_string_equal(t->r->cdrs[0].forwarded_to, "1004");
	assert_int_equal(t->r->cdrs[0].forwarded, PLAN_DEFLECTED);
}

/* By what that one has set. */
static void goes_where_that_one_sends_it(void **state)
{
	struct hunt *t = *state;

	forward(t, "1000", &(struct shard_forward){ .do_not_disturb = true, .busy = "1004" });
	ring_all(t);
	assert_int_equal(deflect(t, "1000"), 0);
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(t->c.invite, "reason=user-busy;counter=1\r\n"));
	assert_true(rig_has(t->c.invite, "reason=deflection;counter=1\r\n"));
	all_cancelled(t);
	talk_and_end(t);
}

static void nobody_answers_there(void **state)
{
	struct hunt *t = *state;

	ring_all(t);
	assert_int_equal(deflect(t, "1004"), 0);
	all_cancelled(t);
	phone_answer(&t->c, phone_rings(&t->c), "486 Busy Here", "");
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n);
	phone_ack(&t->a);
	assert_ended(t, 486, ENDED_BY_B);
}

/* Nothing changes: it rings on, and may be answered. */
static void is_refused_by_name(void **state)
{
	static const struct {
		const char *to;
		int err;
	} rows[] = {
		{ "9999", REFUSED_NO_EXTENSION },
		{ "1000", REFUSED_NOBODY_RINGS },
		{ "1002", REFUSED_RUNG_BEFORE },
		{ "1001", REFUSED_RUNG_BEFORE },
	};
	struct hunt *t = *state;

	forward(t, "1000", &(struct shard_forward){ .unreachable = "1000" });
	ring_all(t);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int err = deflect(t, rows[i].to);

		if (err != rows[i].err)
			fail_msg("%s: %d, not %d", rows[i].to, err, rows[i].err);
	}
	for (unsigned i = 0; i < PHONES; i++)
		assert_int_equal(rig_count(t->r, &t->b[i].addr, "CANCEL "), 0);
	assert_int_equal(events_of(t->r, SIG_CALL_FORWARDED), 0);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(deflect(t, "1004"), REFUSED_ANSWERED);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	assert_int_equal(deflect(t, "1004"), REFUSED_ANSWERED);
	hang_up(t, &t->b[0]);
	assert_ended(t, 200, ENDED_BY_A);
	assert_int_equal(t->r->cdrs[0].forwarded, PLAN_CALLED);
}

/* It goes to the same depth as any other call that is sent on. */
static void too_often(void **state)
{
	struct hunt *t = *state;
	char number[16];

	for (unsigned i = 0; i < PLAN_DEPTH_MAX; i++) {
		struct shard_forward f = { .always = "1002" };

		(void)snprintf(number, sizeof(number), "20%u", i);
		if (i + 1 < PLAN_DEPTH_MAX)
			(void)snprintf(f.always, sizeof(f.always), "20%u", i + 1);
		forward(t, number, &f);
	}
	phone_invite(&t->a, "200", PHONE_SDP_A);
	for (unsigned i = 0; i < PHONES; i++)
		assert_true(phone_rings(&t->b[i]).n);
	assert_int_equal(deflect(t, "1004"), REFUSED_RUNG_BEFORE);
}

/* The application that it waits for is told that it does no longer. */
static void from_an_application(void **state)
{
	struct hunt *t = *state;

	forward(t, "1002", &(struct shard_forward){ .application = "ivr" });
	phone_invite(&t->a, "1002", PHONE_SDP_A);
	assert_int_equal(events_of(t->r, SIG_CALL_WAITING), 1);
	assert_int_equal(deflect(t, "1004"), 0);
	assert_int_equal(events_of(t->r, SIG_CALL_MISSED), 1);
	assert_true(phone_rings(&t->c).n);
	talk_and_end(t);
}

/* By command made; who is called second is sent on. */
static void of_a_call_by_command(void **state)
{
	const struct shard_originate o = { .call = UINT64_C(0x7800000000001),
					   .from = "1001",
					   .to = "1002" };
	struct hunt *t = *state;

	assert_int_equal(shard_call_originate(t->r->shard, &o, t->r->now), 0);
	rig_wait_ms(t->r, 1);
	assert_int_equal(deflect(t, "1004"), REFUSED_NOT_RINGING);
	phone_answer(&t->a, phone_rings(&t->a), "200 OK", PHONE_SDP_A);
	for (unsigned i = 0; i < PHONES; i++)
		phone_answer(&t->b[i], phone_rings(&t->b[i]), "180 Ringing", "");
	assert_int_equal(deflect(t, "1004"), 0);
	all_cancelled(t);
	phone_answer(&t->c, phone_rings(&t->c), "200 OK", PHONE_SDP_B);
	rig_run(t->r);
	assert_int_equal(rig_counts(t->r).calls_established, 1);
}

/* Saved before it is said to anybody; the same order again is answered again, also by another process. */
static void over_a_kill(void **state)
{
	const struct shard_order by = { .id = 77, .ticket = 5 };
	struct hunt *t = *state;
	uint32_t rung;

	ring_all(t);
	t->r->hold_saves = true;
	assert_int_equal(deflect_by(t, "1004", &by), 0);
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
	t->r->hold_saves = false;
	rig_run(t->r);
	assert_true(phone_rings(&t->c).n);
	rung = rig_count(t->r, &t->c.addr, "INVITE ");
	all_cancelled(t);
	restart(t);
	assert_int_equal(deflect_by(t, "1004", &by), 0);
	assert_true(rig_count(t->r, &t->c.addr, "INVITE ") >= rung);
	assert_int_equal(events_of(t->r, SIG_CALL_FORWARDED), 1);
	talk_and_end(t);
	assert_int_equal(t->r->cdrs[0].forwarded, PLAN_DEFLECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUNT_TEST(goes_on),
		HUNT_TEST(goes_where_that_one_sends_it),
		HUNT_TEST(nobody_answers_there),
		HUNT_TEST(is_refused_by_name),
		HUNT_TEST(too_often),
		HUNT_TEST(from_an_application),
		HUNT_TEST(of_a_call_by_command),
		HUNT_TEST(over_a_kill),
	};

	return cmocka_run_group_tests_name("sig/call_deflect", tests, NULL, NULL);
}
