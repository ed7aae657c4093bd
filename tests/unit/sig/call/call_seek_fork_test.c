/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for a name while others ring, and that go on elsewhere. */
#include "tests/unit/sig/call/seeker.h"

/* B has two phones, one at an address: that one rings meanwhile. */
static void bind_two(struct line *l, struct phone *two)
{
	open_at(&two[0], l->r, "1003", NAME, "192.0.2.14:5060");
	phone_open(&two[1], l->r, "1003", "192.0.2.13:5060");
	phones_bind(two, 2);
	l->b = two[0];
}

static void others_ring_meanwhile(void **state)
{
	struct line *l = *state;
	struct phone two[2];
	struct bytes m;

	bind_two(l, two);
	call_b(l);
	m = phone_rings(&two[1]);
	assert_true(m.n);
	phone_answer(&two[1], m, "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
	assert_true(rig_take(l->r, &two[1].addr, "CANCEL ").n);
}

static void answered_meanwhile(void **state)
{
	struct line *l = *state;
	struct phone two[2];

	bind_two(l, two);
	call_b(l);
	phone_answer(&two[1], phone_rings(&two[1]), "200 OK", PHONE_SDP_B);
	assert_stopped(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(line_last_spec(l->r, 0).alone, 0);
}

static void restart_two(struct line *l, const struct phone *two)
{
	struct rig *r = l->r;
	const char *reason = "";

	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phones_bind((struct phone *)(uintptr_t)two, 2);
	if (shard_restore_call(r->shard, line_stored(l), r->now, &reason))
		fail_msg("restore: %s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* The one that is there is busy: the caller hears that only when the other one cannot be asked. */
static void refused_meanwhile(void **state)
{
	struct line *l = *state;
	struct phone two[2];

	bind_two(l, two);
	call_b(l);
	phone_answer(&two[1], phone_rings(&two[1]), "486 Busy Here", "");
	rig_run(l->r);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 486").n, 0);
	restart_two(l, two);
	assert_int_equal(rig_count(l->r, &two[1].addr, "INVITE "), 1);
	tell(l->r, leads_to("192.0.2.21:5060"));
	phone_answer(&l->b, rings_at(l, "192.0.2.21:5060"), "480 Temporarily Unavailable", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 4").n);
	phone_ack(&l->a);
	line_assert_idle(l->r);
}

/* Who rings has his time, whatever becomes of the name. */
static void killed_while_another_rings(void **state)
{
	struct line *l = *state;
	struct phone two[2];

	bind_two(l, two);
	call_b(l);
	assert_true(phone_rings(&two[1]).n);
	restart_two(l, two);
	assert_int_equal(l->r->lookup_count, 2);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_true(rings_at(l, "192.0.2.21:5060").n);
	phone_answer(&two[1], phone_rings(&two[1]), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

/* Who rings has rung for long enough, and a successor has just asked again: the call goes on to another, and the name counts no more. */
static void sent_on_in_time(void **state)
{
	struct shard_forward f = { .no_answer = "1002", .rings = 1 };
	struct line *l = *state;
	struct phone two[2], c;

	phone_open(&c, l->r, "1002", "192.0.2.15:5060");
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1003", &f), 0);
	bind_two(l, two);
	call_b(l);
	assert_true(phone_rings(&two[1]).n);
	rig_wait_ms(l->r, RESOLVE_MS - 500);
	restart_two(l, two);
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1003", &f), 0);
	phone_bind(&c);
	assert_int_equal(l->r->lookup_count, 2);
	rig_wait_ms(l->r, 3500);
	assert_true(phone_rings(&c).n);
	assert_stopped(l->r);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
}

/* Nobody is reached, neither by its name nor by the way that it registered. */
static void goes_on(void **state)
{
	struct line *l = *state;
	struct sip_hop hop = { .remote = l->b.addr };
	struct shard_forward f = { .unreachable = "1003" };
	struct phone c;
	struct bytes m;

	phone_open(&c, l->r, "1003", "192.0.2.13:5060");
	phone_bind(&c);
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	call_b(l);
	tell(l->r, (struct lookup_reply){ .state = LOOKUP_NOTHING });
	shard_send_failed(l->r->shard, &hop, ECONNREFUSED, l->r->now);
	rig_run(l->r);
	m = phone_rings(&c);
	assert_true(rig_has(m, "Diversion: <sip:1002@"));
	assert_true(rig_has(rig_header(m, "From"), "1001@"));
}

static int deflect(struct line *l, const char *to)
{
	struct call_order o = { .kind = ORDER_DEFLECT, .to = bytes_str(to) };
	int err = shard_call_order(l->r->shard, l->r->lookups[0].call, &o, l->r->now);

	rig_run(l->r);
	return err;
}

/* By command, while it waits: the name counts no more. Where nobody is there it goes on to be looked up. */
static void sent_on(void **state)
{
	struct line *l = *state;
	struct phone c;

	phone_open(&c, l->r, "1003", "192.0.2.13:5060");
	phone_bind(&c);
	call_b(l);
	assert_int_equal(deflect(l, "1004"), REFUSED_NOBODY_RINGS);
	assert_int_equal(l->r->lookup_stops, 0);
	assert_int_equal(deflect(l, "1003"), 0);
	assert_int_equal(l->r->lookup_count, 1);
	assert_stopped(l->r);
	assert_true(phone_rings(&c).n);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
}

static void sent_on_in_vain(void **state)
{
	struct line *l = *state;

	call_b(l);
	assert_int_equal(deflect(l, "1004"), REFUSED_NOBODY_RINGS);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
	assert_ends(l);
}

/* Two at one name are one look-up, and each is asked. */
static void two_at_a_name(void **state)
{
	struct line *l = *state;
	const struct addr place = rig_addr("192.0.2.21:5060");
	struct phone two[2];

	open_at(&two[0], l->r, "1003", NAME, "192.0.2.14:5060");
	open_at(&two[1], l->r, "1003", NAME ";x=1", "192.0.2.15:5060");
	phones_bind(two, 2);
	l->b = two[0];
	call_b(l);
	assert_int_equal(l->r->lookup_count, 1);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rig_count(l->r, &place, "INVITE "), 2);
}

/* Forwarded to who is at a name. */
static void comes_from_a_phone(void **state)
{
	struct line *l = *state;
	struct shard_forward f = { .no_answer = "1002", .rings = 1 };
	struct phone c;

	phone_open(&c, l->r, "1003", "192.0.2.13:5060");
	phone_bind(&c);
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1003", &f), 0);
	phone_invite(&l->a, "1003", PHONE_SDP_A);
	phone_answer(&c, phone_rings(&c), "180 Ringing", "");
	rig_wait_ms(l->r, 6100);
	assert_true(rig_take(l->r, &c.addr, "CANCEL ").n);
	assert_int_equal(l->r->lookup_count, 1);
	line_restart(l, line_stored(l));
	assert_int_equal(l->r->lookup_count, 2);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
}

/* So many wait at once, and no more; who makes an emergency call is one more. */
static void bounded(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	struct phone help;
	uint32_t calls;

	shard_close(r->shard);
	r->settings.calls_max = RESOLVES_MAX + 8;
	r->settings.txns_max = 4 * RESOLVES_MAX;
	r->settings.networks[0].last_port = 60000;
	r->settings.emergency_count = 1;
	(void)snprintf(r->settings.emergency[0], sizeof(r->settings.emergency[0]), "1003");
	r->rolling = true;
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	open_at(&help, r, "1003", NAME, "192.0.2.13:5060");
	phone_bind(&help);
	for (uint32_t i = 0; i < RESOLVES_MAX; i++)
		call_b(l);
	assert_int_equal(rig_counts(r).calls, RESOLVES_MAX);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 503"), 0);
	call_b(l);
	assert_int_equal(rig_counts(r).calls, RESOLVES_MAX);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 503"), "Retry-After: "));
	phone_invite(&l->a, "1003", PHONE_SDP_A);
	rig_run(r);
	assert_int_equal(rig_counts(r).calls, RESOLVES_MAX + 1);
	tell(r,
	     leads_to("192.0.2.21:5060")); /* room for none yet: the one for help was beyond it */
	r->lookup_count--;
	tell(r, leads_to("192.0.2.21:5060"));
	call_b(l);
	assert_int_equal(rig_counts(r).calls, RESOLVES_MAX + 2);
	phone_cancel(&l->a); /* who gives up makes room at once */
	rig_run(r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	rig_run(r);
	calls = rig_counts(r).calls;
	call_b(l);
	call_b(l);
	assert_int_equal(rig_counts(r).calls, calls + 1);
	rig_wait_ms(r,
		    RESOLVE_MS + 100); /* nobody said: each rings by the way that it registered */
	calls = rig_counts(r).calls;
	call_b(l);
	assert_int_equal(rig_counts(r).calls, calls + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEK_TEST(others_ring_meanwhile),
		SEEK_TEST(answered_meanwhile),
		SEEK_TEST(refused_meanwhile),
		SEEK_TEST(killed_while_another_rings),
		SEEK_TEST(sent_on_in_time),
		SEEK_TEST(goes_on),
		SEEK_TEST(sent_on),
		SEEK_TEST(sent_on_in_vain),
		SEEK_TEST(two_at_a_name),
		SEEK_TEST(comes_from_a_phone),
		SEEK_TEST(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
