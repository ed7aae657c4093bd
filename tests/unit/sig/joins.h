/* SPDX-License-Identifier: Apache-2.0 */
/* Three phones on a rig and an application: calls that become one by command, for cmocka. */
#ifndef TESTS_UNIT_SIG_JOINS_H
#define TESTS_UNIT_SIG_JOINS_H

#include "tests/unit/sig/trio.h"

#define SDP_G722                                                                      \
	"v=0\r\no=c 1 1 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 9 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
#define SDP_C                                                                         \
	"v=0\r\no=c 1 1 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
#define SDP_OF(version, formats)                                                                \
	"v=0\r\no=x 1 " version " IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP " formats "\r\na=sendrecv\r\n"

RIG_FN void application_set(struct rig *r)
{
	struct shard_forward f = { 0 };

	(void)bytes_cstr(BYTES_LIT("ivr"), f.application, sizeof(f.application));
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1003", &f), 0);
}

RIG_FN int joins_setup(void **state)
{
	struct trio *t;

	(void)trio_setup(state);
	t = *state;
	application_set(t->l.r);
	return 0;
}

#define ORDER_TEST(fn) cmocka_unit_test_setup_teardown(fn, joins_setup, line_teardown)

RIG_FN void joins_restart(struct trio *t)
{
	trio_restart(t);
	application_set(t->l.r);
}

/* The i-th call of the shard. */
RIG_FN uint64_t call_at(struct rig *r, uint32_t i)
{
	struct call_view view;
	uint32_t cursor = 0;

	for (uint32_t n = 0; n <= i; n++)
		assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

RIG_FN struct shard_order order_of(uint64_t id)
{
	return (struct shard_order){ .id = id, .ticket = id + 100 };
}

/* What the last event of that kind says. */
RIG_FN const struct sig_event *last_event(const struct rig *r, enum sig_event_kind kind)
{
	static const struct sig_event none;

	for (uint32_t i = r->event_count; i-- > 0;) {
		if (r->events[i].kind == kind)
			return &r->events[i];
	}
	return &none;
}

/* A phone that calls the application, and is answered. */
RIG_FN void alone(struct trio *t, struct phone *p, const char *sdp)
{
	struct rig *r = t->l.r;
	struct call_view view;
	uint32_t cursor = 0;

	phone_invite(p, "1003", sdp);
	rig_run(r);
	assert_true(phone_hears(p, "SIP/2.0 180").n);
	while (shard_call_next(r->shard, &cursor, &view)) {
		if (view.state == CALL_RINGING)
			assert_int_equal(shard_call_answer(r->shard, view.call, NULL, r->now), 0);
	}
	rig_run(r);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	rig_run(r);
}

/* What the CDRs say of the time that was talked is the time that passed. */
RIG_FN void assert_cdr_sum(const struct rig *r)
{
	for (uint32_t i = 1; i < r->cdr_count; i++) {
		if (r->cdrs[i].call == r->cdrs[i - 1].call)
			assert_int_equal(r->cdrs[i].setup_utc_ms, r->cdrs[i - 1].end_utc_ms);
	}
}

RIG_FN int join_as(struct trio *t, const struct shard_join *what, uint64_t id)
{
	struct shard_order by = order_of(id);
	struct shard_join join = *what;
	int err;

	join.by = &by;
	err = shard_call_join(t->l.r->shard, &join, t->l.r->now);
	rig_run(t->l.r);
	return join.of_with ? err - 1000 : err;
}

RIG_FN void two_alone(struct trio *t, struct shard_join *join)
{
	alone(t, &t->l.a, PHONE_SDP_A);
	join->call = call_at(t->l.r, 0);
	alone(t, &t->c, SDP_C);
	join->with = call_at(t->l.r, 0) == join->call ? call_at(t->l.r, 1) : call_at(t->l.r, 0);
}

/* A speaks with B, and another B with C: who stays is for the command to say. */
RIG_FN void two_pairs(struct trio *t, struct phone *second, struct shard_join *join)
{
	phones_talk(&t->l.a, &t->l.b);
	join->call = call_at(t->l.r, 0);
	phone_open(second, t->l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(second->tag, sizeof(second->tag), "second");
	phone_invite(second, "1004", PHONE_SDP_B);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "200 OK", SDP_C);
	assert_true(phone_hears(second, "SIP/2.0 200").n);
	phone_ack(second);
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	join->with = call_at(t->l.r, 0) == join->call ? call_at(t->l.r, 1) : call_at(t->l.r, 0);
	join->leg = SHARD_LEG_CALLER;
	join->with_leg = SHARD_LEG_CALLEE;
}

RIG_FN int transfer(struct trio *t, enum shard_leg leg, const char *to, uint64_t id)
{
	struct rig *r = t->l.r;
	struct shard_order by = order_of(id);
	int err = shard_call_transfer(r->shard, call_at(r, 0), leg, to, id ? &by : NULL, r->now);

	rig_run(r);
	return err;
}

RIG_FN void rings(struct trio *t)
{
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
}

RIG_FN void refuses(struct trio *t)
{
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
}

RIG_FN void assert_failed(const struct rig *r, uint16_t status, const char *application)
{
	const struct sig_event *event = last_event(r, SIG_CALL_TRANSFER_FAILED);

	assert_int_equal(event_number(event, EV_SIP_STATUS), status);
	assert_string_equal(event->application, application);
}

/* Of two_pairs. */
RIG_FN void assert_pairs_joined(struct trio *t)
{
	struct bytes m;

	while ((m = rig_take(t->l.r, &t->l.b.addr, "BYE ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	rig_wait_ms(t->l.r, 40000);
	assert_int_equal(rig_counts(t->l.r).calls, 1);
	trio_assert_talks(t->l.r, 0, 2);
	assert_int_equal(line_last_spec(t->l.r, 0).remote_rtp.port, 4000);
	assert_int_equal(line_last_spec(t->l.r, 2).remote_rtp.port, 6000);
	trio_assert_ends(t, &t->c, &t->l.a);
	assert_int_equal(t->l.r->cdr_count, 3);
	assert_cdr_sum(t->l.r);
}

#endif
