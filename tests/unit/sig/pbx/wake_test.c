/* SPDX-License-Identifier: Apache-2.0 */
/* A call for an extension without a registered phone, which waits for one to register. */
#include "sig/host/groups.h"
#include "sig/model/call_order.h"
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/trio.h"

/* 1001 (a) calls 1005 (late), who has no phone yet; 1004 (c) has one. */
struct sleep {
	struct trio t;
	struct tenants *tenants;
	struct phone late;
};

static void tenant_waits(struct sleep *s, uint8_t seconds)
{
	struct tenant_settings t = { .name = TENANT_DEFAULT_NAME, .terms = { .wake_s = seconds } };
	uint16_t unused;

	assert_int_equal(tenants_put(s->tenants, &t, &unused), 0);
}

static void forwards(struct sleep *s, struct shard_forward f)
{
	const struct shard_extension e = rig_extension("1003", false);

	assert_int_equal(shard_extension_put(s->t.l.r->shard, &e), 0);
	assert_int_equal(shard_forward_set(s->t.l.r->shard, TENANT_DEFAULT, "1003", &f), 0);
}

static int sleep_setup(void **state)
{
	static const struct hash_key key = { 1, 2 };
	struct shard_settings settings = rig_settings();
	struct sleep *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	assert_int_equal(tenants_open(&s->tenants, &key), 0);
	settings.tenants = s->tenants;
	tenant_waits(s, 20);
	s->t.l.r = rig_open_with(&settings);
	phones_open(s->t.l.r, &s->t.l.a, &s->t.l.b);
	phone_open(&s->t.c, s->t.l.r, "1004", "192.0.2.14:5060");
	phone_bind(&s->t.c);
	phone_open(&s->late, s->t.l.r, "1003", "192.0.2.13:5060");
	forwards(s, (struct shard_forward){ 0 });
	*state = s;
	return 0;
}

static int sleep_teardown(void **state)
{
	struct tenants *tenants = ((struct sleep *)*state)->tenants;
	int err = line_teardown(state);

	tenants_close(tenants);
	return err;
}

#define SLEEP_TEST(fn) cmocka_unit_test_setup_teardown(fn, sleep_setup, sleep_teardown)

static void reply(struct sleep *s, bool asked)
{
	struct rig *r = s->t.l.r;

	rig_reply(r, (struct reply){ .ask = ASK_WAKE,
				     .of = r->wake.call,
				     .wake = { .serial = r->wake.serial, .asked = asked } });
	rig_run(r);
}

/* The caller hears that it rings, and nobody is rung. */
static void comes(struct sleep *s)
{
	phone_invite(&s->t.l.a, "1003", PHONE_SDP_A);
	assert_int_equal(s->t.l.r->wake.count, 1);
	assert_string_equal(s->t.l.r->wake.user, "1003");
	assert_int_equal(phone_hears(&s->t.l.a, "SIP/2.0 180").n, 0);
	reply(s, true);
	assert_true(phone_hears(&s->t.l.a, "SIP/2.0 180").n);
}

static void is_taken(struct sleep *s)
{
	phone_bind(&s->late);
	rig_wait_ms(s->t.l.r, 300);
	assert_true(phone_rings(&s->late).n);
	phone_answer(&s->late, s->late.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&s->t.l.a, "SIP/2.0 200").n);
	phone_ack(&s->t.l.a);
}

static int reject_by(struct sleep *s, const char *user)
{
	struct call_order o = { .kind = ORDER_REJECT, .status = 603, .user = bytes_str(user) };
	int err = shard_call_order(s->t.l.r->shard, s->t.l.r->wake.call, &o, s->t.l.r->now);

	rig_run(s->t.l.r);
	return err;
}

static void rings_when_it_registers(void **state)
{
	struct sleep *s = *state;

	comes(s);
	line_assert_states(s->t.l.r, s->t.l.r->wake.call, STATE_CALL_PENDING, STATE_IDLE);
	assert_true(shard_call_part(s->t.l.r->shard, s->t.l.r->wake.call, BYTES_LIT("1003")).rings);
	rig_wait_ms(s->t.l.r, 19000);
	is_taken(s);
}

static void nobody_comes(void **state)
{
	struct sleep *s = *state;

	comes(s);
	rig_wait_ms(s->t.l.r, 19900);
	assert_int_equal(phone_hears(&s->t.l.a, "SIP/2.0 4").n, 0);
	rig_wait_ms(s->t.l.r, 200);
	assert_true(phone_hears(&s->t.l.a, "SIP/2.0 480").n);
}

static void then_it_is_forwarded(void **state)
{
	struct sleep *s = *state;

	forwards(s, (struct shard_forward){ .unreachable = "1004" });
	comes(s);
	rig_wait_ms(s->t.l.r, 20100);
	assert_true(phone_rings(&s->t.c).n);
}

/* At once, where none can be told. */
static void nobody_is_told(void **state)
{
	struct sleep *s = *state;

	phone_invite(&s->t.l.a, "1003", PHONE_SDP_A);
	reply(s, false);
	assert_true(phone_hears(&s->t.l.a, "SIP/2.0 480").n);
	phone_ack(&s->t.l.a);
	forwards(s, (struct shard_forward){ .unreachable = "1004" });
	phone_begin(&s->t.l.a, "1003");
	phone_request(&s->t.l.a, "INVITE", "", PHONE_SDP_A);
	reply(s, false);
	assert_true(phone_rings(&s->t.c).n);
}

static void who_gives_up(void **state)
{
	struct sleep *s = *state;

	comes(s);
	phone_cancel(&s->t.l.a);
	assert_true(phone_hears(&s->t.l.a, "SIP/2.0 487").n);
	phone_ack(&s->t.l.a);
	phone_bind(&s->late);
	rig_wait_ms(s->t.l.r, 1000);
	assert_int_equal(rig_take(s->t.l.r, &s->late.addr, "INVITE ").n, 0);
}

/* As if a phone of that user had refused; others have no say. */
static void its_user_declines(void **state)
{
	struct sleep *s = *state;

	comes(s);
	assert_int_equal(reject_by(s, "1004"), REFUSED_NOT_RINGING);
	assert_int_equal(reject_by(s, "1003"), 0);
	assert_true(phone_hears(&s->t.l.a, "SIP/2.0 603").n);
	phone_ack(&s->t.l.a);
	assert_int_equal(s->t.l.r->cdrs[0].sip_status, 603);
}

static void who_declines_forwards(void **state)
{
	struct sleep *s = *state;

	forwards(s, (struct shard_forward){ .busy = "1004" });
	comes(s);
	assert_int_equal(reject_by(s, "1003"), 0);
	assert_true(phone_rings(&s->t.c).n);
}

/* The next process asks again, and the time is the same. */
static void over_a_kill(void **state)
{
	struct sleep *s = *state;

	comes(s);
	rig_wait_ms(s->t.l.r, 15000);
	trio_restart(&s->t);
	forwards(s, (struct shard_forward){ 0 });
	assert_int_equal(s->t.l.r->wake.count, 2);
	reply(s, true);
	is_taken(s);
}

static void over_a_kill_nobody_comes(void **state)
{
	struct sleep *s = *state;

	comes(s);
	rig_wait_ms(s->t.l.r, 15000);
	trio_restart(&s->t);
	forwards(s, (struct shard_forward){ 0 });
	reply(s, true);
	rig_wait_ms(s->t.l.r, 5100);
	assert_true(phone_hears(&s->t.l.a, "SIP/2.0 480").n);
}

/* Others of the group ring at once. */
static void not_in_a_group(void **state)
{
	struct sleep *s = *state;
	struct ring_group g = { .tenant = TENANT_DEFAULT, .name = "sales", .how = 1 };

	assert_null(group_members_parse(&g, BYTES_LIT("1003,1004")));
	assert_int_equal(groups_put(s->t.l.r->shard->shared_tables->groups, &g), 0);
	put_flow(s->t.l.r, "[{\"dial\":\"group:sales\"}]");
	phone_invite(&s->t.l.a, "700", PHONE_SDP_A);
	rig_run(s->t.l.r);
	assert_true(phone_rings(&s->t.c).n);
	assert_int_equal(s->t.l.r->wake.count, 0);
}

/* Neither where the tenant does not want it, nor for whom a phone is there. */
static void not_wanted(void **state)
{
	struct sleep *s = *state;

	phone_invite(&s->t.l.a, "1004", PHONE_SDP_A);
	assert_true(phone_rings(&s->t.c).n);
	tenant_waits(s, 0);
	phone_begin(&s->t.l.b, "1003");
	phone_request(&s->t.l.b, "INVITE", "", PHONE_SDP_B);
	assert_true(phone_hears(&s->t.l.b, "SIP/2.0 480").n);
	assert_int_equal(s->t.l.r->wake.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SLEEP_TEST(rings_when_it_registers),
		SLEEP_TEST(nobody_comes),
		SLEEP_TEST(then_it_is_forwarded),
		SLEEP_TEST(nobody_is_told),
		SLEEP_TEST(who_gives_up),
		SLEEP_TEST(its_user_declines),
		SLEEP_TEST(who_declines_forwards),
		SLEEP_TEST(over_a_kill),
		SLEEP_TEST(over_a_kill_nobody_comes),
		SLEEP_TEST(not_in_a_group),
		SLEEP_TEST(not_wanted),
	};

	return cmocka_run_group_tests_name("sig/wake", tests, NULL, NULL);
}
