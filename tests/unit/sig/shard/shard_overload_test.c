/* SPDX-License-Identifier: Apache-2.0 */
/* An overloaded node: who is refused, who is not, and what that costs. */
#include "sig/host/tenant_tables.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/sip/credentials.h"

enum { BEHIND_MS = 50 };

static void behind(struct rig *r)
{
	shard_behind(r->shard, BEHIND_MS * NS_PER_MS);
}

/* The node is far behind for longer than the interval: somebody asks for its options meanwhile. */
static void overload(struct rig *r)
{
	struct phone p;

	phone_open(&p, r, "9", "203.0.113.9:5060");
	phone_begin(&p, "1001");
	for (int i = 0; i < 30; i++) {
		behind(r);
		phone_request(&p, "OPTIONS", "", "");
		r->now.ns += 5 * NS_PER_MS;
	}
}

static int setup(void **state)
{
	int err = line_setup(state);
	struct line *l = *state;

	l->r->settings.overload_delay_ns = 20 * NS_PER_MS;
	l->r->settings.emergency_count = 1;
	memcpy(l->r->settings.emergency[0], "1004", sizeof("1004"));
	shard_configure(l->r->shard, &l->r->settings);
	return err;
}

static void a_moment_is_no_overload(void **state)
{
	struct line *l = *state;

	behind(l->r);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
}

static void new_calls_are_refused(void **state)
{
	struct line *l = *state;
	struct bytes m;

	overload(l->r);
	behind(l->r);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	m = phone_hears(&l->a, "SIP/2.0 503");
	assert_true(rig_has(m, "Retry-After: ") && rig_has(m, ";tag=ovl."));
	assert_true(bytes_eq(rig_header(m, "CSeq"), BYTES_LIT("101 INVITE")));
	assert_int_equal(rig_counts(l->r).txns, 0);
	assert_int_equal(rig_counts(l->r).calls, 0);
	phone_split(rig_header(m, "To"), l->a.remote, sizeof(l->a.remote), l->a.remote_tag,
		    sizeof(l->a.remote_tag));
	phone_write(&l->a, "ACK", "", "");
	/* what hides something from the glance is refused after it was parsed */
	behind(l->r);
	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", "Subject: a\r\n b\r\n", PHONE_SDP_A);
	m = phone_hears(&l->a, "SIP/2.0 503");
	assert_true(rig_has(m, "Retry-After: ") && !rig_has(m, ";tag=ovl."));
	/* who comes while it is not behind is admitted */
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
}

/* Outside of calls (RFC 3428): before anybody is asked who it is. */
static void messages_are_refused(void **state)
{
	struct line *l = *state;

	overload(l->r);
	behind(l->r);
	phone_begin(&l->a, "1002");
	phone_request(&l->a, "MESSAGE", "Content-Type: text/plain\r\n", "hello");
	assert_true(rig_header(rig_take(l->r, &l->a.addr, "SIP/2.0 503"), "Retry-After").n);
	assert_int_equal(rig_count(l->r, &l->b.addr, "MESSAGE "), 0);
	assert_int_equal(rig_counts(l->r).txns, 0);
}

/* What a moment has refused comes again within seconds, and not all at once: phones behind a power cut subscribe together. */
static void subscriptions_come_again_soon(void **state)
{
	struct line *l = *state;
	uint32_t least = UINT32_MAX, most = 0;

	overload(l->r);
	for (int i = 0; i < 20; i++) {
		uint32_t after = 0;
		struct bytes m;

		behind(l->r);
		phone_begin(&l->a, "1001");
		phone_request(&l->a, "SUBSCRIBE", "Event: dialog\r\n", "");
		m = rig_take(l->r, &l->a.addr, "SIP/2.0 503");
		assert_int_equal(bytes_u32(rig_header(m, "Retry-After"), &after), 0);
		least = after < least ? after : least;
		most = after > most ? after : most;
	}
	assert_true(least >= OVERLOAD_RETRY_MIN_S && most <= OVERLOAD_RETRY_MAX_S && least < most);
	assert_int_equal(rig_counts(l->r).txns, 0);
}

static void what_exists_goes_on(void **state)
{
	struct line *l = *state;
	struct phone c;

	phones_talk(&l->a, &l->b);
	phone_open(&c, l->r, "1003", "192.0.2.13:5060");
	phone_bind(&c);
	phone_invite(&c, "1003", PHONE_SDP_A);
	assert_true(phone_hears(&c, "SIP/2.0 100").n);
	overload(l->r);
	behind(l->r);
	phone_write(&c, "INVITE", "", PHONE_SDP_A); /* a copy */
	assert_true(phone_hears(&c, "SIP/2.0 100").n);
	assert_int_equal(rig_count(l->r, &c.addr, "SIP/2.0 503"), 0);
	behind(l->r);
	phone_register_with(&c, "", 90);
	assert_true(rig_take(l->r, &c.addr, "SIP/2.0 401").n);
	behind(l->r);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->b.addr, "INVITE ").n);
	behind(l->r);
	phone_request(&l->a, "BYE", "", "");
	assert_true(rig_take(l->r, &l->b.addr, "BYE ").n);
}

static void emergency_calls_go_on(void **state)
{
	struct line *l = *state;
	struct phone d;

	phone_open(&d, l->r, "1004", "192.0.2.14:5060");
	phone_bind(&d);
	overload(l->r);
	behind(l->r);
	phone_invite(&l->a, "1004", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
	assert_true(phone_rings(&d).n);
}

/* By a number that only the tenant's plan makes one for help: with its access code in front, or by its rules. */
static void help_by_a_plan(void **state)
{
	static const struct dial_plan plan = { .access = "9", .rules = "888>1004" };
	struct line *l = *state;
	struct dial_plans *plans;
	struct tenants *tenants;
	struct phone d;

	assert_int_equal(tenants_open(&tenants, &(struct hash_key){ 1, 2 }), 0);
	assert_int_equal(dial_plans_open(&plans, tenants), 0);
	assert_int_equal(dial_plans_put(plans, TENANT_DEFAULT, &plan), 0);
	l->r->shard->settings.dials = plans;
	phone_open(&d, l->r, "1004", "192.0.2.14:5060");
	phone_bind(&d);
	overload(l->r);
	for (const char *const *digits = (const char *const[]){ "91004", "888", NULL }; *digits;
	     digits++) {
		behind(l->r);
		phone_invite(&l->a, *digits, PHONE_SDP_A);
		ROW_ASSERT(*digits, phone_hears(&l->a, "SIP/2.0 100").n);
		ROW_ASSERT(*digits, phone_rings(&d).n);
	}
	l->r->shard->settings.dials = NULL;
	dial_plans_close(plans);
	tenants_close(tenants);
}

static void it_can_be_switched_off(void **state)
{
	struct line *l = *state;

	l->r->settings.overload_delay_ns = 0;
	shard_configure(l->r->shard, &l->r->settings);
	overload(l->r);
	behind(l->r);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_moment_is_no_overload), TEST(new_calls_are_refused),
		TEST(messages_are_refused),    TEST(subscriptions_come_again_soon),
		TEST(what_exists_goes_on),     TEST(emergency_calls_go_on),
		TEST(help_by_a_plan),          TEST(it_can_be_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
