/* SPDX-License-Identifier: Apache-2.0 */
/* What calls outside may cost: a stolen password costs at most the limit. */
#include "sig/host/toll.h"
#include "tests/unit/sig/gate.h"

enum { ACCOUNTS = 16 };

struct till {
	struct gate g; /* first: it is one */
	struct toll *toll;
	struct phone again; /* a, in a further call */
};

static void may_cost(struct till *t, unsigned number, uint16_t calls, uint16_t minutes)
{
	char text[8];
	struct shard_extension e;

	(void)snprintf(text, sizeof(text), "%u", number);
	e = rig_extension(text, false);
	e.classes = 0xff;
	e.outside_calls = calls;
	e.outside_minutes = minutes;
	assert_int_equal(shard_extension_put(t->g.l.r->shard, &e), 0);
}

/* 9 and a number lead to two trunks, in this order; 112 leads to the first. */
static void leads_out(struct till *t)
{
	static const char *const names[] = { "one", "two" };
	struct trunk_route r = {
		.enabled = true, .name = "out", .pattern = "9x.", .change.strip = 1
	};
	struct trunk_route help = { .enabled = true, .name = "help", .pattern = "112" };

	for (; r.choice_count < 2; r.choice_count++) {
		struct trunk_settings set = gate_trunk(names[r.choice_count], "");

		set.server_count = 1;
		assert_int_equal(sip_place_read(&set.servers[0],
						bytes_str(t->g.carriers[r.choice_count].address)),
				 0);
		(void)gate_put(&t->g, &set);
		r.choices[r.choice_count].priority = r.choice_count;
		memcpy(r.choices[r.choice_count].trunk, set.name, sizeof(set.name));
	}
	help.choices[0] = r.choices[0];
	help.choice_count = 1;
	assert_int_equal(trunk_route_put(t->g.numbers, &r), 0);
	assert_int_equal(trunk_route_put(t->g.numbers, &help), 0);
}

static int till_setup(void **state)
{
	static const struct hash_key key = { 3, 4 };
	struct shard_settings settings = rig_settings();
	struct till *t = calloc(1, sizeof(*t));

	assert_int_equal(toll_open(&t->toll, ACCOUNTS, 1, &key), 0);
	settings.toll = t->toll;
	settings.emergency_count = 1;
	memcpy(settings.emergency[0], "112", sizeof("112"));
	gate_open(&t->g, &settings);
	leads_out(t);
	t->again = t->g.l.a;
	t->again.branches = 1000;
	(void)snprintf(t->again.tag, sizeof(t->again.tag), "again");
	*state = t;
	return 0;
}

static int till_teardown(void **state)
{
	struct till *t = *state;
	struct toll *toll = t->toll;

	(void)gate_teardown(state);
	toll_close(toll);
	return 0;
}

static struct toll_usage used_by(const struct till *t, const char *user)
{
	const struct toll_payer who = { .user = bytes_str(user) };
	const struct toll_now now = toll_now(t->g.l.r->now.utc_ms, 0);

	return toll_look(t->toll, &who, &now);
}

static void calls(struct till *t, struct phone *p, const char *number)
{
	phone_invite(p, number, PHONE_SDP_A);
	rig_run(t->g.l.r);
}

static void answers(struct till *t, struct phone *p, struct phone *gw)
{
	phone_answer(gw, phone_rings(gw), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	assert_true(rig_take(t->g.l.r, &gw->addr, "ACK ").n);
}

static void hangs_up(struct till *t, struct phone *p, struct phone *gw)
{
	phone_request(p, "BYE", "", "");
	rig_run(t->g.l.r);
	phone_answer(gw, rig_take(t->g.l.r, &gw->addr, "BYE "), "200 OK", "");
	rig_run(t->g.l.r);
}

/* What was asked to be noted with the end of a call. */
static const char *noted(const struct till *t)
{
	const struct rig *r = t->g.l.r;

	for (uint32_t i = r->save_count; i-- > 0;) {
		if (r->saves[i].kind == EFFECT_CALL_END)
			return r->saves[i].record.p ? r->saves[i].record.p : "";
	}
	return NULL;
}

static void assert_noted(const struct till *t, const char *what)
{
	const char *text = noted(t);
	char wanted[64];

	(void)snprintf(wanted, sizeof(wanted), "%llu%s",
		       (unsigned long long)toll_now(t->g.l.r->now.utc_ms, 0).day, what);
	assert_string_equal(text, what[0] ? wanted : "");
}

static void too_many_at_once(void **state)
{
	struct till *t = *state;
	struct rig *r = t->g.l.r;
	struct phone *a = &t->g.l.a, *gw = &t->g.carriers[0];
	struct bytes m;

	may_cost(t, 1001, 1, 0);
	r->settings.toll = NULL; /* settings that are read again have none of the node's tables */
	shard_configure(r->shard, &r->settings);
	calls(t, a, "9123");
	answers(t, a, gw);
	calls(t, &t->again, "9456");
	m = rig_take(r, &t->again.addr, "SIP/2.0 486");
	assert_true(rig_has(rig_header(m, "Reason"), "extension: too many calls outside"));
	assert_int_equal(r->security.kind, SECURITY_TOLL);
	assert_string_equal(r->security.user, "1001");
	assert_string_equal(r->cdrs[0].reason,
			    "refused by the node: extension: too many calls outside");
	assert_int_equal(rig_count(r, &gw->addr, "INVITE "), 1); /* the first one's */
	rig_wait_ms(r, 5000);
	hangs_up(t, a, gw);
	assert_noted(t, " default:1001 5000");
	assert_int_equal(used_by(t, "1001").calls, 0);
	assert_int_equal(used_by(t, "1001").ms, 5000);
	calls(t, &t->again, "9456");
	assert_true(phone_rings(gw).n);
}

/* A call that goes to the next way is no second one. */
static void the_next_way(void **state)
{
	struct till *t = *state;
	struct rig *r = t->g.l.r;
	struct phone *a = &t->g.l.a;

	may_cost(t, 1001, 1, 0);
	calls(t, a, "9123");
	phone_answer(&t->g.carriers[0], phone_rings(&t->g.carriers[0]), "503 Service Unavailable",
		     "");
	answers(t, a, &t->g.carriers[1]);
	assert_int_equal(used_by(t, "1001").calls, 1);
	hangs_up(t, a, &t->g.carriers[1]);
	calls(t, a, "9123");
	assert_true(phone_rings(&t->g.carriers[0]).n);
	rig_wait_ms(r, TRUNK_ANSWER_S * 1000 + 10); /* it is silent */
	assert_true(phone_rings(&t->g.carriers[1]).n);
	assert_int_equal(used_by(t, "1001").calls, 1);
}

static void minutes_run_out(void **state)
{
	struct till *t = *state;
	struct rig *r = t->g.l.r;
	struct phone *a = &t->g.l.a, *gw = &t->g.carriers[0];
	struct bytes m;

	may_cost(t, 1001, 0, 1);
	calls(t, a, "9123");
	rig_wait_ms(r, 3000); /* ringing costs nothing */
	answers(t, a, gw);
	rig_wait_ms(r, 39000);
	assert_int_equal(r->security_count, 0);
	rig_wait_ms(r, 2000);
	assert_int_equal(r->security.kind, SECURITY_TOLL_SOON);
	rig_wait_ms(r, 18000);
	assert_int_equal(rig_count(r, &a->addr, "BYE "), 0);
	rig_wait_ms(r, 1100);
	m = rig_take(r, &a->addr, "BYE ");
	assert_true(rig_has(rig_header(m, "Reason"), "minutes outside are used up"));
	phone_answer(a, m, "200 OK", "");
	phone_answer(gw, rig_take(r, &gw->addr, "BYE "), "200 OK", "");
	assert_int_equal(r->security.kind, SECURITY_TOLL);
	line_assert_idle(r);
	assert_string_equal(r->cdrs[0].reason, "minutes outside are used up for today");
	assert_int_equal(r->cdrs[0].q850, 21);
	assert_noted(t, " default:1001 60000");
	calls(t, a, "9123");
	assert_true(rig_has(rig_header(rig_take(r, &a->addr, "SIP/2.0 403"), "Reason"),
			    "no minutes outside left"));
}

/* Kill -9 of the node: who pays, how long it has talked, and what others cost before are as they were. */
static void killed_meanwhile(void **state)
{
	static const struct hash_key key = { 5, 6 };
	struct till *t = *state;
	struct rig *r = t->g.l.r;
	struct phone *a = &t->g.l.a, *gw = &t->g.carriers[0];
	const struct toll_payer who = { .user = BYTES_LIT("1001") };
	struct toll *before = t->toll;
	struct text record = { 0 };
	struct toll_now now;

	may_cost(t, 1001, 1, 2);
	calls(t, a, "9123");
	answers(t, a, gw);
	rig_wait_ms(r, 30000);
	assert_int_equal(text_set(&record, line_stored(&t->g.l)), 0);
	assert_int_equal(toll_open(&t->toll, ACCOUNTS, 1, &key), 0);
	r->settings.toll = t->toll;
	line_restart(&t->g.l, text_bytes(&record));
	toll_close(before);
	text_clear(&record);
	may_cost(t, 1001, 1, 2);
	now = toll_now(r->now.utc_ms, 0);
	assert_int_equal(toll_spend(t->toll, &who, 60000, &now), 0);
	calls(t, &t->again, "9456");
	assert_true(rig_take(r, &t->again.addr, "SIP/2.0 486").n);
	rig_wait_ms(r, 29000);
	assert_int_equal(rig_count(r, &a->addr, "BYE "), 0);
	rig_wait_ms(r, 1500);
	assert_true(rig_take(r, &a->addr, "BYE ").n);
}

/* Over the midnight of its tenant, and a kill behind it: the new day has all its minutes, and what the call has cost is of that day. */
static void over_midnight_of_its_tenant(void **state)
{
	static const struct hash_key key = { 5, 6 };
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME };
	struct till *t = *state;
	struct rig *r = t->g.l.r;
	struct phone *a = &t->g.l.a, *gw = &t->g.carriers[0];
	struct toll *before = t->toll;
	struct text record = { 0 };
	char wanted[64];
	uint16_t tenant;

	set.toll_begins_s = (uint32_t)((r->now.utc_ms / 1000 + 50) % 86400);
	assert_int_equal(tenants_put(t->g.tenants, &set, &tenant), 0);
	may_cost(t, 1001, 0, 1);
	calls(t, a, "9123");
	answers(t, a, gw);
	rig_wait_ms(r, 55000);
	assert_int_equal(text_set(&record, line_stored(&t->g.l)), 0);
	assert_int_equal(toll_open(&t->toll, ACCOUNTS, 1, &key), 0);
	r->settings.toll = t->toll;
	line_restart(&t->g.l, text_bytes(&record));
	toll_close(before);
	text_clear(&record);
	may_cost(t, 1001, 0, 1);
	rig_wait_ms(r, 50000);
	assert_int_equal(rig_count(r, &a->addr, "BYE "), 0); /* 105 s, and 55 s of this day */
	rig_wait_ms(r, 6000);
	phone_answer(a, rig_take(r, &a->addr, "BYE "), "200 OK", "");
	phone_answer(gw, rig_take(r, &gw->addr, "BYE "), "200 OK", "");
	rig_run(r);
	(void)snprintf(wanted, sizeof(wanted), "%llu default:1001 60000",
		       (unsigned long long)toll_now_of(t->g.tenants, 0, r->now.utc_ms, 0).day);
	assert_string_equal(noted(t), wanted);
}

/* Kill -9 while the last party is told: what it has cost is not with the store yet. */
static void killed_at_its_end(void **state)
{
	static const struct hash_key key = { 5, 6 };
	struct till *t = *state;
	struct rig *r = t->g.l.r;
	struct phone *a = &t->g.l.a, *gw = &t->g.carriers[0];
	struct toll *before = t->toll;
	struct text record = { 0 };

	may_cost(t, 1001, 1, 2);
	calls(t, a, "9123");
	answers(t, a, gw);
	rig_wait_ms(r, 30000);
	phone_request(a, "BYE", "", "");
	rig_run(r);
	assert_true(rig_take(r, &gw->addr, "BYE ").n);
	assert_int_equal(text_set(&record, line_stored(&t->g.l)), 0);
	assert_int_equal(toll_open(&t->toll, ACCOUNTS, 1, &key), 0);
	r->settings.toll = t->toll;
	line_restart(&t->g.l, text_bytes(&record));
	toll_close(before);
	text_clear(&record);
	assert_int_equal(used_by(t, "1001").ms, 30000);
	assert_int_equal(used_by(t, "1001").calls, 0);
	phone_answer(gw, rig_take(r, &gw->addr, "BYE "), "200 OK", "");
	rig_run(r);
	assert_noted(t, " default:1001 30000");
}

/* Whoever is called sends it outside: he pays, and not who calls. */
static void forwarded(void **state)
{
	const struct shard_forward away = { .always = "9123" };
	struct till *t = *state;
	struct rig *r = t->g.l.r;
	struct phone *a = &t->g.l.a, *gw = &t->g.carriers[0];

	may_cost(t, 1001, 1, 1);
	may_cost(t, 1002, 1, 0);
	assert_int_equal(shard_forward_set(r->shard, 0, "1002", &away), 0);
	calls(t, a, "1002");
	answers(t, a, gw);
	assert_int_equal(used_by(t, "1001").calls, 0);
	assert_int_equal(used_by(t, "1002").calls, 1);
	calls(t, &t->again, "1002");
	assert_true(rig_take(r, &t->again.addr, "SIP/2.0 480").n);
	assert_int_equal(r->security.kind, SECURITY_TOLL);
	assert_string_equal(r->security.user, "1002");
	rig_wait_ms(r, 61000);
	hangs_up(t, a, gw);
	assert_noted(t, " default:1002 61000");
}

/* Whoever gives his party to a number outside pays. */
static void referred(void **state)
{
	struct till *t = *state;
	struct rig *r = t->g.l.r;

	may_cost(t, 1001, 1, 1);
	may_cost(t, 1002, 1, 0);
	phones_talk(&t->g.l.a, &t->g.l.b);
	phone_request(&t->g.l.b, "REFER", "Refer-To: <sip:9123@test.local>\r\n", "");
	assert_true(rig_take(r, &t->g.l.b.addr, "SIP/2.0 202").n);
	assert_true(phone_rings(&t->g.carriers[0]).n);
	assert_int_equal(used_by(t, "1001").calls, 0);
	assert_int_equal(used_by(t, "1002").calls, 1);
}

/* TRUST-02: emergency calls are neither refused nor cut, and cost nobody. */
static void help(void **state)
{
	struct till *t = *state;
	struct rig *r = t->g.l.r;
	struct phone *a = &t->g.l.a, *gw = &t->g.carriers[0];

	may_cost(t, 1001, 1, 1);
	calls(t, a, "9123");
	answers(t, a, gw);
	calls(t, &t->again, "112");
	answers(t, &t->again, gw);
	rig_wait_ms(r, 90000);
	assert_true(rig_take(r, &a->addr, "BYE ").n);
	assert_int_equal(rig_counts(r).calls_established, 1);
	assert_int_equal(used_by(t, "1001").ms, 60000);
}

/* Of the tenant, whoever calls. */
static void of_the_tenant(void **state)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME, .toll = { .calls = 1 } };
	struct till *t = *state;
	uint16_t tenant;

	assert_int_equal(tenants_put(t->g.tenants, &set, &tenant), 0);
	may_cost(t, 1001, 0, 0);
	may_cost(t, 1002, 0, 0);
	calls(t, &t->g.l.a, "9123");
	answers(t, &t->g.l.a, &t->g.carriers[0]);
	calls(t, &t->g.l.b, "9123");
	assert_true(rig_has(rig_header(rig_take(t->g.l.r, &t->g.l.b.addr, "SIP/2.0 486"), "Reason"),
			    "tenant: too many"));
	hangs_up(t, &t->g.l.a, &t->g.carriers[0]);
	assert_noted(t, "");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, till_setup, till_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(too_many_at_once),  TEST(the_next_way),
		TEST(minutes_run_out),   TEST(killed_meanwhile),
		TEST(killed_at_its_end), TEST(forwarded),
		TEST(referred),          TEST(help),
		TEST(of_the_tenant),     TEST(over_midnight_of_its_tenant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
