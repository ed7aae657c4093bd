/* SPDX-License-Identifier: Apache-2.0 */
/* A room is where calls are sent on to, or a party is transferred to (CALL-15 to CALL-19, XFER-01, CONF-01): as any number is. */
#include "sig/model/call_order.h"
#include "tests/unit/sig/meetme.h"

#define SENT_TEST(fn) cmocka_unit_test_setup_teardown(fn, sent_setup, meetme_teardown)

/* Whoever comes is asked. */
static int sent_setup(void **state)
{
	struct room_terms t = board("4711", "");
	struct meetme *m;

	if (meetme_open(state, NULL))
		return -1;
	m = *state;
	phone_open(&m->p.d, m->p.t.l.r, "1003", "192.0.2.13:5060");
	phone_bind(&m->p.d);
	put(m, &t);
	return 0;
}

static void forward(struct meetme *m, const struct shard_forward *f)
{
	assert_int_equal(shard_forward_set(m->p.t.l.r->shard, TENANT_DEFAULT, "1002", f), 0);
}

static uint64_t call_1002(struct meetme *m)
{
	phone_invite(&m->p.t.l.a, "1002", PHONE_SDP_A);
	rig_run(m->p.t.l.r);
	return call_of_user(m->p.t.l.r, "1001", "1002");
}

/* The caller is answered and asked, and comes in. */
static void comes_in(struct meetme *m, uint64_t call)
{
	struct rig *r = m->p.t.l.r;
	struct bytes said = phone_hears(&m->p.t.l.a, "SIP/2.0 200");

	assert_true(rig_has(rig_header(said, "Contact"), "<sip:700@192.0.2.1:5060>;isfocus"));
	phone_ack(&m->p.t.l.a);
	rig_wait_ms(r, 50);
	assert_string_equal(r->played, "prompt:conference-pin");
	assert_int_equal(conference_of(r, the_room(m)).asking, 1);
	keys(m, call, "4711#");
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	assert_in_room(r, call, the_room(m), 1);
}

static void goes(struct meetme *m)
{
	struct rig *r = m->p.t.l.r;

	hangs_up(&m->p.t.l.a);
	rig_wait_ms(r, 40000);
	assert_string_equal(r->cdrs[0].to, "1002");
	assert_string_equal(r->cdrs[0].forwarded_to, "700");
	assert_true(r->cdrs[0].room != 0);
	line_assert_idle(r);
}

static void always(void **state)
{
	struct meetme *m = *state;

	forward(m, &(struct shard_forward){ .always = "700" });
	comes_in(m, call_1002(m));
	assert_int_equal(rig_count(m->p.t.l.r, &m->p.t.l.b.addr, "INVITE "), 0);
	goes(m);
}

/* Who rang is left before the caller is answered. */
static void busy(void **state)
{
	struct meetme *m = *state;
	uint64_t call;

	forward(m, &(struct shard_forward){ .busy = "700" });
	call = call_1002(m);
	assert_true(phone_rings(&m->p.t.l.b).n);
	phone_answer(&m->p.t.l.b, m->p.t.l.b.invite, "486 Busy Here", "");
	rig_wait_ms(m->p.t.l.r, 20);
	comes_in(m, call);
	assert_string_equal(event_str(last_event(m->p.t.l.r, SIG_CALL_FORWARDED), EV_TO), "700");
	goes(m);
}

static void no_answer(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct bytes cancel;
	uint64_t call;

	forward(m, &(struct shard_forward){ .no_answer = "700", .rings = 1 });
	call = call_1002(m);
	assert_true(phone_rings(&m->p.t.l.b).n);
	phone_answer(&m->p.t.l.b, m->p.t.l.b.invite, "180 Ringing", "");
	rig_wait_ms(r, 6100);
	cancel = rig_take(r, &m->p.t.l.b.addr, "CANCEL ");
	assert_true(cancel.n);
	phone_answer(&m->p.t.l.b, cancel, "200 OK", "");
	phone_answer(&m->p.t.l.b, m->p.t.l.b.invite, "487 Request Terminated", "");
	comes_in(m, call);
	goes(m);
}

static void unregistered(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct shard_extension e = { .number = "1005", .enabled = true };

	assert_int_equal(shard_extension_put(r->shard, &e), 0);
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1005",
					   &(struct shard_forward){ .unreachable = "700" }),
			 0);
	phone_invite(&m->p.t.l.a, "1005", PHONE_SDP_A);
	rig_run(r);
	comes_in(m, call_of_user(r, "1001", "1005"));
}

/* A room that takes nobody is a busy number: the next one of the list rings. */
static void full(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");

	t.max_members = 2;
	put(m, &t);
	forward(m, &(struct shard_forward){ .always = "700,1004" });
	calls(&m->p.t.l.b);
	calls(&m->p.d);
	assert_int_equal(conference_of(r, the_room(m)).members, 2);
	(void)call_1002(m);
	assert_true(phone_rings(&m->p.t.c).n);
	phone_answer(&m->p.t.c, m->p.t.c.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&m->p.t.l.a, "SIP/2.0 200").n);
	phone_ack(&m->p.t.l.a);
	rig_wait_ms(r, 100);
	assert_int_equal(conference_of(r, the_room(m)).members, 2);
	assert_int_equal(conference_of(r, the_room(m)).asking, 0);
}

/* Nobody else is there who would ring: the caller hears of whom he called, as with any number. */
static void full_and_last(void **state)
{
	struct meetme *m = *state;
	struct room_terms t = board("", "");

	t.max_members = 2;
	put(m, &t);
	forward(m, &(struct shard_forward){ .always = "700" });
	calls(&m->p.t.l.b);
	calls(&m->p.d);
	phone_invite(&m->p.t.l.a, "1002", PHONE_SDP_A);
	rig_run(m->p.t.l.r);
	assert_true(phone_hears(&m->p.t.l.a, "SIP/2.0 480").n);
	phone_ack(&m->p.t.l.a);
}

/* ---- transfer ---- */

/* Who is alone in a call that two were in; leg: which of them. */
static void says_pin(struct rig *r, uint64_t call, uint32_t leg)
{
	struct media_event ev = { .kind = MEDIA_FLOW_DIGIT, .call = call, .duration_ms = 100 };

	for (uint32_t i = 0; i < r->media_count; i++) {
		if (r->media[i].spec.call == call && r->media[i].spec.alone &&
		    r->media[i].spec.id.slot == leg)
			ev.id = r->media[i].spec.id;
	}
	for (const char *key = "4711#"; *key; key++) {
		ev.digit = *key;
		shard_media_event(r->shard, &ev, r->now);
		rig_run(r);
	}
	rig_wait_ms(r, 50);
}

static void gives_to_room(struct meetme *m, struct phone *giver)
{
	phones_talk(&m->p.t.l.a, &m->p.t.l.b);
	refer(giver, "sip:700@test.local");
	assert_true(phone_hears(giver, "SIP/2.0 202").n);
	rig_wait_ms(m->p.t.l.r, 50);
	assert_notified(giver, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
}

/* Also who was called. */
static void transferred(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct phone *giver[] = { &m->p.t.l.a, &m->p.t.l.b };
	struct phone *given[] = { &m->p.t.l.b, &m->p.t.l.a };

	for (uint32_t i = 0; i < 2; i++) {
		uint64_t call;

		gives_to_room(m, giver[i]);
		assert_notified(giver[i], "SIP/2.0 200 OK\r\n", "terminated");
		trio_assert_left(giver[i]);
		rig_wait_ms(r, 50);
		call = call_of_user(r, given[i]->user, "700");
		assert_string_equal(r->played, "prompt:conference-pin");
		r->played[0] = '\0';
		assert_int_equal(conference_of(r, the_room(m)).asking, 1);
		says_pin(r, call, 1 - i);
		assert_int_equal(conference_of(r, the_room(m)).members, 1);
		hangs_up(given[i]);
		rig_wait_ms(r, 40000);
		line_assert_idle(r);
	}
}

/* The transferor has its party back. */
static void transferred_in_vain(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");

	t.max_members = 2;
	put(m, &t);
	calls(&m->p.t.c);
	calls(&m->p.d);
	phones_talk(&m->p.t.l.a, &m->p.t.l.b);
	refer(&m->p.t.l.a, "sip:700@test.local");
	assert_true(phone_hears(&m->p.t.l.a, "SIP/2.0 202").n);
	rig_wait_ms(r, 50);
	assert_notified(&m->p.t.l.a, "SIP/2.0 486 Busy Here\r\n", "terminated");
	assert_int_equal(rig_count(r, &m->p.t.l.a.addr, "BYE "), 0);
	assert_false(spec_of_call(r, call_of_user(r, "1001", "1002")).alone);
}

/* By command: a pair's party, one that rings, and one that is rung for it. */
static void by_command(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct call_order give = { .kind = ORDER_TRANSFER,
				   .leg = SHARD_LEG_CALLER,
				   .to = BYTES_LIT("700") };
	struct call_order deflect = { .kind = ORDER_DEFLECT, .to = BYTES_LIT("700") };
	const struct shard_order by = order_of(7);
	struct shard_originate o = {
		.call = RUNG, .tenant = TENANT_DEFAULT, .from = "1003", .to = "700", .by = &by
	};
	struct room_terms open = board("", "");

	open.max_members = 9;
	put(m, &open);
	phones_talk(&m->p.t.l.a, &m->p.t.l.b);
	assert_int_equal(shard_call_order(r->shard, call_at(r, 0), &give, r->now), 0);
	rig_wait_ms(r, 300);
	trio_assert_left(&m->p.t.l.a);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	phone_invite(&m->p.t.l.a, "1004", PHONE_SDP_A);
	rig_run(r);
	assert_true(phone_rings(&m->p.t.c).n);
	assert_int_equal(
		shard_call_order(r->shard, call_of_user(r, "1001", "1004"), &deflect, r->now), 0);
	rig_wait_ms(r, 20);
	assert_true(phone_hears(&m->p.t.l.a, "SIP/2.0 200").n);
	phone_ack(&m->p.t.l.a);
	rig_wait_ms(r, 100);
	assert_int_equal(conference_of(r, the_room(m)).members, 2);
	assert_int_equal(shard_call_originate(r->shard, &o, r->now), 0);
	rig_run(r);
	assert_true(phone_rings(&m->p.d).n);
	phone_answer(&m->p.d, m->p.d.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 300);
	assert_int_equal(conference_of(r, the_room(m)).members, 3);
}

/* A successor goes on, before who was transferred has said its PIN, and behind that. */
static void transferred_and_killed(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t call;

	gives_to_room(m, &m->p.t.l.a);
	assert_notified(&m->p.t.l.a, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&m->p.t.l.a);
	rig_wait_ms(r, 50);
	call = call_of_user(r, "1002", "700");
	party_restart(&m->p, true, true);
	keys(m, call, "4711#");
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	rig_wait_ms(r, 100);
	party_restart(&m->p, false, true);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
}

/* Who is asked for a PIN is given to somebody else: nobody waits for the PIN any more. */
static void given_on(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct call_order o = { .kind = ORDER_TRANSFER, .to = BYTES_LIT("1004") };
	uint64_t call;

	calls(&m->p.t.l.a);
	call = call_from(m, "1001");
	assert_int_equal(shard_call_order(r->shard, call, &o, r->now), 0);
	rig_run(r);
	assert_true(phone_rings(&m->p.t.c).n);
	phone_answer(&m->p.t.c, m->p.t.c.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 300);
	assert_int_equal(rig_count(r, &m->p.t.l.a.addr, "BYE "), 0);
	assert_false(spec_of_call(r, call).alone);
	assert_int_equal(shard_call_room(r->shard, call), 0);
	assert_string_equal(r->played, "prompt:conference-pin");
}

/* ... and where nobody takes him he is asked again. */
static void given_on_in_vain(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct call_order o = { .kind = ORDER_TRANSFER, .to = BYTES_LIT("1004") };
	uint64_t call;

	calls(&m->p.t.l.a);
	call = call_from(m, "1001");
	r->played[0] = '\0';
	assert_int_equal(shard_call_order(r->shard, call, &o, r->now), 0);
	rig_run(r);
	assert_true(phone_rings(&m->p.t.c).n);
	phone_answer(&m->p.t.c, m->p.t.c.invite, "486 Busy Here", "");
	rig_wait_ms(r, 100);
	assert_string_equal(r->played, "prompt:conference-pin");
	keys(m, call, "4711#");
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SENT_TEST(always),      SENT_TEST(busy),
		SENT_TEST(no_answer),   SENT_TEST(unregistered),
		SENT_TEST(full),        SENT_TEST(full_and_last),
		SENT_TEST(transferred), SENT_TEST(transferred_in_vain),
		SENT_TEST(by_command),  SENT_TEST(transferred_and_killed),
		SENT_TEST(given_on),    SENT_TEST(given_on_in_vain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
