/* SPDX-License-Identifier: Apache-2.0 */
/* A second call at an extension that has one (FEATURES CALL-12, CALL-13, CALL-14). */

#include "sig/host/groups.h"
#include "sig/model/call_order.h"
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/trio.h"

#define HOLD_B                                                                        \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
#define HELD_A                                                                        \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n"

static const struct media_tone g_tone = { .hz = 425, .level = -100, .ms = 200, .gap_ms = 600 };

/* 1001 (a), 1002 (b), who has call waiting, 1004 (c), and 1003 (d). */
struct quartet {
	struct trio t;
	struct phone d;
};

static void waiting_set(struct quartet *q, struct shard_forward f)
{
	assert_int_equal(shard_forward_set(q->t.l.r->shard, TENANT_DEFAULT, "1002", &f), 0);
}

static struct shard_settings waiting_settings(void)
{
	struct shard_settings s = rig_settings();

	s.call_waiting_tone = (struct media_overlay){ .tone = g_tone, .every_ms = 4000 };
	return s;
}

static int quartet_setup(void **state)
{
	const struct shard_settings s = waiting_settings();
	struct quartet *q = calloc(1, sizeof(*q));

	if (!q)
		return -1;
	q->t.l.r = rig_open_with(&s);
	phones_open(q->t.l.r, &q->t.l.a, &q->t.l.b);
	phone_open(&q->t.c, q->t.l.r, "1004", "192.0.2.14:5060");
	phone_open(&q->d, q->t.l.r, "1003", "192.0.2.13:5060");
	phone_bind(&q->t.c);
	phone_bind(&q->d);
	waiting_set(q, (struct shard_forward){ .call_waiting = CALL_WAITING_SINGLE });
	*state = q;
	return 0;
}

/* Who calls hears that it rings, and no phone does. */
static void comes(struct quartet *q, struct phone *p)
{
	phone_invite(p, "1002", PHONE_SDP_A);
	assert_true(phone_hears(p, "SIP/2.0 180").n);
	assert_int_equal(rig_take(q->t.l.r, &q->t.l.b.addr, "INVITE ").n, 0);
}

static void is_refused(struct phone *p, const char *status)
{
	phone_invite(p, "1002", PHONE_SDP_A);
	assert_true(phone_hears(p, status).n);
	phone_write(p, "ACK", "", "");
}

static void a_hangs_up(struct quartet *q)
{
	phone_request(&q->t.l.a, "BYE", "", "");
	trio_assert_left(&q->t.l.b);
}

static void is_taken(struct quartet *q, struct phone *p)
{
	rig_wait_ms(q->t.l.r, 10);
	assert_true(phone_rings(&q->t.l.b).n);
	phone_answer(&q->t.l.b, q->t.l.b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
}

static void assert_told(struct quartet *q, bool told)
{
	struct media_overlay talker;

	rig_wait_ms(q->t.l.r, 10);
	talker = line_last_spec(q->t.l.r, 1).overlay;
	assert_int_equal(line_last_spec(q->t.l.r, 0).overlay.tone.ms, 0);
	assert_int_equal(talker.tone.ms, told ? 200 : 0);
	if (told) {
		assert_memory_equal(&talker.tone, &g_tone, sizeof(g_tone));
		assert_int_equal(talker.every_ms, 4000);
	}
}

static uint64_t call_that_waits(const struct rig *r)
{
	struct call_view v = { 0 };
	uint32_t cursor = 0;

	while (shard_call_next(r->shard, &cursor, &v)) {
		if (v.state == CALL_RINGING)
			return v.call;
	}
	return 0;
}

static int accept_by(struct quartet *q, uint64_t call)
{
	struct call_order o = { .kind = ORDER_ACCEPT };
	int err = shard_call_order(q->t.l.r->shard, call, &o, q->t.l.r->now);

	rig_run(q->t.l.r);
	return err;
}

static uint32_t waiting_events(const struct rig *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->event_count; i++)
		n += r->events[i].kind == SIG_CALL_CALL_WAITING;
	return n;
}

static void rings_when_the_first_is_over(void **state)
{
	struct quartet *q = *state;

	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	line_assert_states(q->t.l.r, call_that_waits(q->t.l.r), STATE_CALL_PENDING, STATE_IDLE);
	assert_told(q, true);
	assert_int_equal(waiting_events(q->t.l.r), 1);
	a_hangs_up(q);
	is_taken(q, &q->t.c);
	trio_assert_ends(&q->t, &q->t.c, &q->t.l.b);
}

static void rings_without_a_call(void **state)
{
	struct quartet *q = *state;

	phone_invite(&q->t.c, "1002", PHONE_SDP_A);
	is_taken(q, &q->t.c);
}

static void one_more_is_busy(void **state)
{
	struct quartet *q = *state;

	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	is_refused(&q->d, "SIP/2.0 486");
	waiting_set(q,
		    (struct shard_forward){ .call_waiting = CALL_WAITING_SINGLE, .busy = "1001" });
	phone_begin(&q->d, "1002");
	phone_request(&q->d, "INVITE", "", PHONE_SDP_A);
	assert_true(phone_rings(&q->t.l.a).n);
}

static void gives_up(void **state)
{
	struct quartet *q = *state;

	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	assert_told(q, true);
	phone_cancel(&q->t.c);
	assert_true(phone_hears(&q->t.c, "SIP/2.0 487").n);
	phone_ack(&q->t.c);
	assert_told(q, false);
	comes(q, &q->d);
	assert_told(q, true);
}

/* The phone that holds has a hand free. */
static void rings_when_the_first_is_held(void **state)
{
	struct quartet *q = *state;
	struct bytes m;

	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	phone_request(&q->t.l.b, "INVITE", "", HOLD_B);
	m = rig_take(q->t.l.r, &q->t.l.a.addr, "INVITE ");
	assert_true(m.n);
	phone_answer(&q->t.l.a, m, "200 OK", HELD_A);
	assert_true(phone_hears(&q->t.l.b, "SIP/2.0 200").n);
	phone_ack(&q->t.l.b);
	rig_run(q->t.l.r);
	is_taken(q, &q->t.c);
}

static void rings_by_command(void **state)
{
	struct quartet *q = *state;
	uint64_t call;

	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	call = call_that_waits(q->t.l.r);
	assert_int_equal(accept_by(q, call), 0);
	assert_int_equal(accept_by(q, call), REFUSED_NO_CALL_WAITING);
	is_taken(q, &q->t.c);
	assert_told(q, false);
}

static void goes_on_without_an_answer(void **state)
{
	struct quartet *q = *state;

	waiting_set(q, (struct shard_forward){ .call_waiting = CALL_WAITING_SINGLE,
					       .no_answer = "1003",
					       .rings = 2 });
	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	rig_wait_ms(q->t.l.r, 12100);
	assert_true(phone_rings(&q->d).n);
	assert_told(q, false);
}

static void waits_as_long_as_it_would_ring(void **state)
{
	struct quartet *q = *state;

	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	rig_wait_ms(q->t.l.r, 180100);
	assert_true(phone_hears(&q->t.c, "SIP/2.0 408").n);
}

static void off_is_busy(void **state)
{
	struct quartet *q = *state;

	waiting_set(q, (struct shard_forward){ .call_waiting = CALL_WAITING_OFF });
	phones_talk(&q->t.l.a, &q->t.l.b);
	is_refused(&q->t.c, "SIP/2.0 486");
	a_hangs_up(q);
	phone_invite(&q->t.c, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&q->t.l.b).n);
}

/* As ever: what the phone makes of it is its own. */
static void at_first_the_phone_rings(void **state)
{
	struct quartet *q = *state;

	waiting_set(q, (struct shard_forward){ 0 });
	phones_talk(&q->t.l.a, &q->t.l.b);
	phone_invite(&q->t.c, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&q->t.l.b).n);
	assert_told(q, false);
}

static void several_in_their_order(void **state)
{
	struct quartet *q = *state;

	waiting_set(q, (struct shard_forward){ .call_waiting = CALL_WAITING_MULTIPLE });
	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	rig_wait_ms(q->t.l.r, 10);
	comes(q, &q->d);
	assert_told(q, true);
	a_hangs_up(q);
	is_taken(q, &q->t.c);
	assert_false(phone_hears(&q->d, "SIP/2.0 200").n);
	phone_request(&q->t.c, "BYE", "", "");
	trio_assert_left(&q->t.l.b);
	is_taken(q, &q->d);
}

static void five_in_their_order(void **state)
{
	struct quartet *q = *state;
	struct phone more[CALL_WAITING_MOST - 1],
		*waits[CALL_WAITING_MOST + 1] = { &q->t.c, &q->d };

	waiting_set(q, (struct shard_forward){ .call_waiting = CALL_WAITING_MULTIPLE });
	phones_talk(&q->t.l.a, &q->t.l.b);
	for (uint32_t i = 0; i < CALL_WAITING_MOST - 1; i++) {
		char addr[32];

		snprintf(addr, sizeof(addr), "192.0.2.%u:5060", 20 + i);
		phone_open(&more[i], q->t.l.r, "1004", addr);
		(void)snprintf(more[i].tag, sizeof(more[i].tag), "t1004.%u", i);
		waits[i + 2] = &more[i];
	}
	for (uint32_t i = 0; i < CALL_WAITING_MOST; i++) {
		comes(q, waits[i]);
		rig_wait_ms(q->t.l.r, 10);
	}
	is_refused(waits[CALL_WAITING_MOST], "SIP/2.0 486");
	a_hangs_up(q);
	for (uint32_t i = 0; i < CALL_WAITING_MOST; i++) {
		is_taken(q, waits[i]);
		phone_request(waits[i], "BYE", "", "");
		trio_assert_left(&q->t.l.b);
	}
	rig_wait_ms(q->t.l.r, 10);
	assert_int_equal(rig_take(q->t.l.r, &q->t.l.b.addr, "INVITE ").n, 0);
}

static void live_set(struct quartet *q, enum call_waiting other)
{
	waiting_set(q, (struct shard_forward){ .live_call = true, .call_waiting = (uint8_t)other });
}

/* 1002 hears a prompt of a flow, as of a mailbox, and hangs up. */
static void live_in_a_flow(void **state)
{
	struct quartet *q = *state;

	for (enum call_waiting w = CALL_WAITING_PHONE; w <= CALL_WAITING_MULTIPLE; w++) {
		live_set(q, w);
		put_flow(q->t.l.r, "[{\"play\":\"welcome\"}]");
		phone_invite(&q->t.l.b, "700", PHONE_SDP_B);
		assert_true(phone_hears(&q->t.l.b, "SIP/2.0 200").n);
		phone_ack(&q->t.l.b);
		rig_wait_ms(q->t.l.r, 10);
		comes(q, &q->t.c);
		rig_wait_ms(q->t.l.r, 10);
		comes(q, &q->d);
		phone_request(&q->t.l.b, "BYE", "", "");
		assert_true(phone_hears(&q->t.l.b, "SIP/2.0 200").n);
		is_taken(q, &q->t.c);
		phone_cancel(&q->d);
		assert_true(phone_hears(&q->d, "SIP/2.0 487").n);
		phone_ack(&q->d);
		phone_request(&q->t.c, "BYE", "", "");
		trio_assert_left(&q->t.l.b);
		assert_true(phone_hears(&q->t.c, "SIP/2.0 200").n);
	}
}

/* With another party it is as call_waiting says. */
static void live_with_a_party(void **state)
{
	struct quartet *q = *state;

	live_set(q, CALL_WAITING_OFF);
	phones_talk(&q->t.l.a, &q->t.l.b);
	is_refused(&q->t.c, "SIP/2.0 486");
}

/* Whom the held party is to be given to: the phone asks first, as before each transfer. */
static void live_in_a_transfer(void **state)
{
	struct quartet *q = *state;
	struct phone asks;
	struct bytes m;

	live_set(q, CALL_WAITING_OFF);
	phones_talk(&q->t.l.a, &q->t.l.b);
	phone_request(&q->t.l.b, "INVITE", "", HOLD_B);
	m = rig_take(q->t.l.r, &q->t.l.a.addr, "INVITE ");
	phone_answer(&q->t.l.a, m, "200 OK", HELD_A);
	assert_true(phone_hears(&q->t.l.b, "SIP/2.0 200").n);
	phone_ack(&q->t.l.b);
	phone_open(&asks, q->t.l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(asks.tag, sizeof(asks.tag), "asks");
	phone_invite(&asks, "1003", PHONE_SDP_B);
	assert_true(phone_rings(&q->d).n);
	comes(q, &q->t.c);
	phone_cancel(&asks);
	assert_true(phone_hears(&asks, "SIP/2.0 487").n);
	phone_ack(&asks);
	is_taken(q, &q->t.c);
}

/* Somebody who is up is given to him, and hears ringback meanwhile. */
static void who_is_given_away_waits(void **state)
{
	struct quartet *q = *state;

	struct job_id ringback[MEDIA_CODECS];

	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		ringback[i] = (struct job_id){ .slot = 60 + i, .generation = 1 };
	shard_track_set(q->t.l.r->shard, SHARD_TRACK_RINGBACK, ringback);
	phones_talk(&q->t.l.a, &q->t.l.b);
	phone_invite(&q->t.c, "1003", PHONE_SDP_A);
	assert_true(phone_rings(&q->d).n);
	phone_answer(&q->d, q->d.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&q->t.c, "SIP/2.0 200").n);
	phone_ack(&q->t.c);
	refer(&q->d, "sip:1002@test.local");
	assert_true(phone_hears(&q->d, "SIP/2.0 202").n);
	assert_int_equal(rig_take(q->t.l.r, &q->t.l.b.addr, "INVITE ").n, 0);
	assert_int_equal(waiting_events(q->t.l.r), 1);
	assert_in_range(line_last_spec(q->t.l.r, 0).source.job.slot, 60, 60 + MEDIA_CODECS - 1);
	a_hangs_up(q);
	rig_wait_ms(q->t.l.r, 10);
	assert_true(phone_rings(&q->t.l.b).n);
}

static void over_a_kill(void **state)
{
	struct quartet *q = *state;

	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	trio_restart(&q->t);
	phone_bind(&q->d);
	waiting_set(q, (struct shard_forward){ .call_waiting = CALL_WAITING_SINGLE });
	assert_int_equal(rig_take(q->t.l.r, &q->t.l.b.addr, "INVITE ").n, 0);
	assert_told(q, true);
	assert_int_equal(waiting_events(q->t.l.r), 2);
	is_refused(&q->d, "SIP/2.0 486");
	a_hangs_up(q);
	is_taken(q, &q->t.c);
	trio_assert_ends(&q->t, &q->t.c, &q->t.l.b);
}

/* He was free when the next process came. */
static void over_a_kill_and_an_end(void **state)
{
	struct quartet *q = *state;

	phones_talk(&q->t.l.a, &q->t.l.b);
	comes(q, &q->t.c);
	q->t.l.r->hold_saves = true;
	a_hangs_up(q);
	q->t.l.r->hold_saves = false;
	trio_restart(&q->t);
	phone_request(&q->t.l.a, "BYE", "", "");
	trio_assert_left(&q->t.l.b);
	is_taken(q, &q->t.c);
}

#define QUARTET_TEST(fn) cmocka_unit_test_setup_teardown(fn, quartet_setup, line_teardown)

/* Whom a group rings has no call that waits: the next one is rung (CALL-11). */
static void not_by_a_group(void **state)
{
	struct quartet *q = *state;
	struct ring_group g = { .tenant = TENANT_DEFAULT, .name = "sales", .how = 1 };
	struct bytes m;

	assert_null(group_members_parse(&g, BYTES_LIT("1002,1004")));
	assert_int_equal(groups_put(q->t.l.r->shard->shared_tables->groups, &g), 0);
	put_flow(q->t.l.r, "[{\"dial\":\"group:sales\"}]");
	phones_talk(&q->t.l.a, &q->t.l.b);
	phone_invite(&q->d, "700", PHONE_SDP_A);
	rig_run(q->t.l.r);
	m = phone_rings(&q->t.c);
	assert_true(m.n);
	assert_told(q, false);
	phone_answer(&q->t.c, m, "486 Busy Here", "");
	rig_run(q->t.l.r);
	comes(q, &q->t.c); /* who calls the extension itself waits */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUARTET_TEST(rings_when_the_first_is_over),
		QUARTET_TEST(rings_without_a_call),
		QUARTET_TEST(one_more_is_busy),
		QUARTET_TEST(gives_up),
		QUARTET_TEST(rings_when_the_first_is_held),
		QUARTET_TEST(rings_by_command),
		QUARTET_TEST(goes_on_without_an_answer),
		QUARTET_TEST(waits_as_long_as_it_would_ring),
		QUARTET_TEST(off_is_busy),
		QUARTET_TEST(at_first_the_phone_rings),
		QUARTET_TEST(several_in_their_order),
		QUARTET_TEST(five_in_their_order),
		QUARTET_TEST(live_in_a_flow),
		QUARTET_TEST(live_with_a_party),
		QUARTET_TEST(live_in_a_transfer),
		QUARTET_TEST(who_is_given_away_waits),
		QUARTET_TEST(over_a_kill),
		QUARTET_TEST(over_a_kill_and_an_end),
		QUARTET_TEST(not_by_a_group),
	};

	return cmocka_run_group_tests_name("sig/call_waiting", tests, NULL, NULL);
}
