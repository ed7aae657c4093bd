/* SPDX-License-Identifier: Apache-2.0 */
/* Trunks that send a call elsewhere (RFC 3261 8.1.3.4). */
#include "base/metric.h"
#include "sig/call/trunk_route.h"
#include "sig/host/tenant_tables.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/ways.h"

#define ONE   "198.51.100.1"
#define TWO   "198.51.100.2"
#define THREE "198.51.100.3"

static void moves(struct gate *g, unsigned carrier, const char *contacts)
{
	struct phone *gw = &g->carriers[carrier];
	char lines[512];

	assert_true(phone_rings(gw).n);
	(void)snprintf(lines, sizeof(lines), "Contact: %s\r\n", contacts);
	phone_answer_as(gw, gw->invite, gw->tag, "302 Moved Temporarily", lines, "");
	assert_true(rig_take(g->l.r, &gw->addr, "ACK ").n);
}

static void change(struct gate *g, const char *name, enum trunk_redirects redirects)
{
	struct trunk_settings set = *trunks_settings(g->trunks, trunk_of(g, name));

	set.redirects = (uint8_t)redirects;
	(void)gate_put(g, &set);
}

static uint64_t refusals_of(const char *reason)
{
	return metric_value(metric_register(METRIC_COUNTER, "tandem_sip_refused_total", reason,
					    "Requests refused by the node."));
}

/* The second one is passed over, and the caller hears nothing of it. */
static void to_another_trunk(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	leads_out(g, 3);
	calls_out(g);
	moves(g, 0, "<sip:123@" THREE ">");
	assert_int_equal(trunks_held(g->trunks, trunk_of(g, "one"), TRUNK_OUT), 0);
	m = phone_rings(&g->carriers[2]);
	assert_true(bytes_starts(m, "INVITE sip:123@" THREE ":5060 SIP/2.0\r\n"));
	assert_false(rig_has(m, "History-Info"));
	assert_int_equal(rig_count(g->l.r, &g->carriers[1].addr, "INVITE "), 0);
	assert_int_equal(rig_count(g->l.r, &g->l.a.addr, "SIP/2.0 1"), 1); /* 100 */
	answers(g, &g->carriers[2]);
	ends(g, &g->carriers[2]);
	assert_string_equal(g->l.r->cdrs[0].to_trunk, "three");
}

/* By q, those alike as written; and the route's own ways behind them. */
static void one_after_the_other(void **state)
{
	struct gate *g = *state;

	leads_out(g, 3);
	calls_out(g);
	moves(g, 0, "<sip:123@" TWO ">;q=0.2, <sip:123@" THREE ">;q=0.9");
	phone_answer(&g->carriers[2], phone_rings(&g->carriers[2]), "503 Service Unavailable", "");
	phone_answer(&g->carriers[1], phone_rings(&g->carriers[1]), "500 Oops", "");
	assert_true(phone_hears(&g->l.a, "SIP/2.0 500").n);
	phone_ack(&g->l.a);
	line_assert_idle(g->l.r);
	calls_out(g);
	moves(g, 0, "<sip:123@" THREE ">");
	phone_answer(&g->carriers[2], phone_rings(&g->carriers[2]), "503 Service Unavailable", "");
	assert_true(phone_rings(&g->carriers[1]).n); /* as the route has it */
}

/* Somebody rang there: only where that one sends the call is asked. */
static void behind_ringing(void **state)
{
	struct gate *g = *state;

	leads_out(g, 3);
	calls_out(g);
	phone_answer(&g->carriers[0], phone_rings(&g->carriers[0]), "180 Ringing", "");
	phone_answer_as(&g->carriers[0], g->carriers[0].invite, g->carriers[0].tag,
			"302 Moved Temporarily", "Contact: <sip:123@" TWO ">\r\n", "");
	phone_answer(&g->carriers[1], phone_rings(&g->carriers[1]), "503 Service Unavailable", "");
	assert_true(phone_hears(&g->l.a, "SIP/2.0 500").n);
	assert_int_equal(rig_count(g->l.r, &g->carriers[2].addr, "INVITE "), 0);
}

/* What is no server of a trunk, another number that nobody may call, a phone of ours: refused, and the caller hears 480. */
static void not_followed(void **state)
{
	static const char *const rows[] = {
		"<sip:123@203.0.113.9>",
		"<sip:123@" TWO ":5070>",
		"<sip:1002@192.0.2.1>",
		"<sip:1002@" TWO ">",
		"<tel:123>",
		"<mailto:a@b.example>",
		"<sip:" TWO ">",
		"<sip:12%203@" TWO ">",
	};
	struct gate *g = *state;

	leads_out(g, 2);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t before = refusals_of("reason=\"redirect\"");

		calls_out(g);
		moves(g, 0, rows[i]);
		ROW_ASSERT(rows[i], phone_hears(&g->l.a, "SIP/2.0 480").n);
		phone_ack(&g->l.a);
		ROW_ASSERT(rows[i], refusals_of("reason=\"redirect\"") > before);
		ROW_ASSERT(rows[i], rig_count(g->l.r, &g->carriers[1].addr, "INVITE ") == 0);
		ROW_ASSERT(rows[i], rig_count(g->l.r, &g->l.b.addr, "INVITE ") == 0);
		rig_wait_ms(g->l.r, 70000);
	}
}

/* A number that the dial plan reads behind an access code would be another one at the trunk. */
static void as_it_was_judged(void **state)
{
	static const struct dial_plan plan = {
		.country = "49",
		.area = "30",
		.access = "0",
		.national_prefix = "0",
		.international_prefix = "00",
		.classes = { [DIAL_NATIONAL] = "+49x.", [DIAL_PREMIUM] = "+49900x." },
	};
	struct gate *g = *state;
	struct dial_plans *plans;

	assert_int_equal(dial_plans_open(&plans, g->tenants), 0);
	assert_int_equal(dial_plans_put(plans, TENANT_DEFAULT, &plan), 0);
	leads_out(g, 2);
	calls_out(g);
	g->l.r->shard->settings.dials = plans;
	may_call(g, DIAL_CLASSES_FIRST);
	moves(g, 0, "<sip:0900123@" TWO ">");
	assert_true(phone_hears(&g->l.a, "SIP/2.0 480").n);
	phone_ack(&g->l.a);
	g->l.r->shard->settings.dials = NULL;
	may_call(g, UINT8_MAX);
	calls_out(g);
	g->l.r->shard->settings.dials = plans;
	may_call(g, DIAL_CLASSES_FIRST);
	moves(g, 0, "<sip:+490900123@" TWO ">, <sip:+4989123@" TWO ">");
	assert_true(bytes_starts(phone_rings(&g->carriers[1]), "INVITE sip:+4989123@"));
	assert_int_equal(g->l.r->security.kind, SECURITY_BARRED);
	answers(g, &g->carriers[1]);
	ends(g, &g->carriers[1]);
	g->l.r->shard->settings.dials = NULL;
	dial_plans_close(plans);
}

/* What the trunk's document says of it. */
static void by_policy(void **state)
{
	struct gate *g = *state;

	leads_out(g, 2);
	change(g, "one", TRUNK_REDIRECTS_OWN);
	calls_out(g);
	moves(g, 0, "<sip:123@" TWO ">");
	assert_true(phone_hears(&g->l.a, "SIP/2.0 480").n);
	phone_ack(&g->l.a);
	rig_wait_ms(g->l.r, 70000);
	change(g, "one", TRUNK_REDIRECTS_OFF);
	calls_out(g);
	moves(g, 0, "<sip:9555@" ONE ">");
	assert_true(phone_hears(&g->l.a, "SIP/2.0 480").n);
	phone_ack(&g->l.a);
	rig_wait_ms(g->l.r, 70000);
	/* another number, which 1001 may call, at the same server */
	change(g, "one", TRUNK_REDIRECTS_OWN);
	calls_out(g);
	moves(g, 0, "<sip:9555@" ONE ">");
	assert_true(bytes_starts(phone_rings(&g->carriers[0]), "INVITE sip:9555@" ONE));
	answers(g, &g->carriers[0]);
	ends(g, &g->carriers[0]);
}

/* At another's cost no number is called that he may not call. */
static void not_at_any_cost(void **state)
{
	struct gate *g = *state;
	struct shard_extension e = rig_extension("1001", false);

	leads_out(g, 2);
	calls_out(g);
	e.classes = 0;
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
	moves(g, 0, "<sip:9555@" TWO ">");
	assert_true(phone_hears(&g->l.a, "SIP/2.0 480").n);
}

/* Two trunks send the call to each other: each is asked once. And one that names ever other numbers is heard for so long only. */
static void in_circles(void **state)
{
	struct gate *g = *state;
	uint64_t before = refusals_of("reason=\"loop\"");
	char contact[64];

	leads_out(g, 2);
	calls_out(g);
	moves(g, 0, "<sip:123@" TWO ">");
	moves(g, 1, "<sip:123@" ONE ">");
	assert_true(phone_hears(&g->l.a, "SIP/2.0 480").n);
	phone_ack(&g->l.a);
	assert_int_equal(refusals_of("reason=\"loop\""), before + 1);
	rig_wait_ms(g->l.r, 70000);
	calls_out(g);
	for (unsigned i = 0; i <= REDIRECTS_MAX; i++) {
		(void)snprintf(contact, sizeof(contact), "<sip:955%u@" ONE ">", i);
		moves(g, 0, contact);
	}
	assert_true(phone_hears(&g->l.a, "SIP/2.0 480").n);
}

/* kill -9 behind the 302: the successor asks the places that are left, and no others before those. */
static void killed_on_the_way(void **state)
{
	struct gate *g = *state;
	struct text record = { 0 };

	leads_out(g, 3);
	calls_out(g);
	moves(g, 0, "<sip:123@" THREE ">;q=0.9, <sip:9555@" THREE ">;q=0.8");
	assert_true(bytes_starts(phone_rings(&g->carriers[2]), "INVITE sip:123@"));
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	assert_true(bytes_starts(phone_rings(&g->carriers[2]), "INVITE sip:123@")); /* again */
	phone_answer(&g->carriers[2], g->carriers[2].invite, "503 Service Unavailable", "");
	assert_true(bytes_starts(phone_rings(&g->carriers[2]), "INVITE sip:9555@"));
	assert_int_equal(rig_count(g->l.r, &g->carriers[1].addr, "INVITE "), 0);
	answers(g, &g->carriers[2]);
	ends(g, &g->carriers[2]);
	text_clear(&record);
}

/* What a record may have. */
static void lists(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "", true },
		{ "one 0 123", true },
		{ "one 0 123,two 7 +49123", true },
		{ "one 8 123", false },
		{ "one 0", false },
		{ "one 0 ", false },
		{ "one x 123", false },
		{ " 0 123", false },
		{ "one 0 12 3", false },
		{ "a 0 1,a 0 2,a 0 3,a 0 4,a 0 5,a 0 6,a 0 7,a 0 8", true },
		{ "a 0 1,a 0 2,a 0 3,a 0 4,a 0 5,a 0 6,a 0 7,a 0 8,a 0 9", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i].text,
			   redirects_are_valid(bytes_str(rows[i].text)) == rows[i].valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GATE_TEST(to_another_trunk),  GATE_TEST(one_after_the_other),
		GATE_TEST(behind_ringing),    GATE_TEST(not_followed),
		GATE_TEST(by_policy),         GATE_TEST(not_at_any_cost),
		GATE_TEST(as_it_was_judged),  GATE_TEST(in_circles),
		GATE_TEST(killed_on_the_way), cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests_name("call_redirect", tests, NULL, NULL);
}
