/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to trunks: which way they go, and the next one. */
#include "sig/call/resolve.h"
#include "tests/unit/sig/ways.h"

static void a_number_goes_out(void **state)
{
	struct gate *g = *state;
	struct phone *gw = &g->carriers[0];
	struct bytes m;

	leads_out(g, 1);
	calls_out(g);
	m = phone_rings(gw);
	assert_true(bytes_starts(m, "INVITE sip:123@198.51.100.1:5060 SIP/2.0\r\n"));
	assert_true(rig_has(rig_header(m, "To"), "sip:123@"));
	assert_false(rig_has(m, "History-Info"));
	assert_int_equal(trunks_held(g->trunks, trunk_of(g, "one"), TRUNK_OUT), 1);
	phone_answer(gw, m, "180 Ringing", "");
	assert_true(phone_hears(&g->l.a, "SIP/2.0 180").n);
	answers(g, gw);
	ends(g, gw);
	assert_string_equal(g->l.r->cdrs[0].to, "9123");
	assert_string_equal(g->l.r->cdrs[0].forwarded_to, "");
	assert_string_equal(g->l.r->cdrs[0].from_trunk, "");
	assert_string_equal(g->l.r->cdrs[0].to_trunk, "one");
}

/* A full trunk, a server that seems down, a drain and a caller who may call nobody: help is called all the same (TRUST-02). */
static void help_goes_out(void **state)
{
	struct gate *g = *state;
	struct rig *r = g->l.r;
	struct trunk_route route = { .enabled = true, .name = "help", .pattern = "112" };
	uint16_t trunk;

	leads_out(g, 1);
	memcpy(route.choices[0].trunk, "one", sizeof("one"));
	route.choice_count = 1;
	assert_int_equal(trunk_route_put(g->numbers, &route), 0);
	may_call(g, 0);
	r->settings.emergency_count = 1;
	memcpy(r->settings.emergency[0], "112", sizeof("112"));
	shard_configure(r->shard, &r->settings);
	trunk = trunk_of(g, "one");
	trunks_set_up(g->trunks, trunk, 0, false);
	shard_drain(r->shard, true);
	phone_invite(&g->l.a, "112", PHONE_SDP_A);
	rig_run(r);
	assert_true(bytes_starts(phone_rings(&g->carriers[0]), "INVITE sip:112@"));
}

/* The node's file is read again: it knows of no trunk, and takes none away. */
static void after_a_reload(void **state)
{
	struct gate *g = *state;
	struct shard_settings settings = g->l.r->settings;

	leads_out(g, 1);
	settings.trunks = NULL;
	settings.numbers = NULL;
	shard_configure(g->l.r->shard, &settings);
	calls_out(g);
	assert_true(phone_rings(&g->carriers[0]).n);
}

/* A number that no route has, and a caller who is nobody of the tenant. */
static void no_way_out(void **state)
{
	struct gate *g = *state;
	struct phone guest;

	leads_out(g, 1);
	phone_invite(&g->l.a, "8123", PHONE_SDP_A);
	assert_true(rig_take(g->l.r, &g->l.a.addr, "SIP/2.0 404").n);
	phone_open(&guest, g->l.r, "guest", "192.0.2.77:5060");
	phone_invite(&guest, "9123", PHONE_SDP_A);
	assert_true(rig_take(g->l.r, &guest.addr, "SIP/2.0 404").n);
	assert_int_equal(rig_counts(g->l.r).calls, 0);
}

/* 5xx and silence say that the way is bad; the caller hears nothing of it. */
static void the_next_way(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	leads_out(g, 3);
	calls_out(g);
	m = phone_rings(&g->carriers[0]);
	phone_answer(&g->carriers[0], m, "503 Service Unavailable", "");
	assert_true(rig_take(g->l.r, &g->carriers[0].addr, "ACK ").n);
	assert_int_equal(trunks_held(g->trunks, trunk_of(g, "one"), TRUNK_OUT), 0);
	assert_true(phone_rings(&g->carriers[1]).n);
	assert_int_equal(rig_count(g->l.r, &g->carriers[2].addr, "INVITE "), 0);
	rig_wait_ms(g->l.r, TRUNK_ANSWER_S * 1000 - 10);
	assert_int_equal(rig_count(g->l.r, &g->carriers[2].addr, "INVITE "), 0);
	rig_wait_ms(g->l.r, 20);
	assert_true(phone_rings(&g->carriers[2]).n);
	assert_int_equal(trunks_held(g->trunks, trunk_of(g, "two"), TRUNK_OUT), 0);
	/* what comes after all from the one that was left is ended there */
	phone_answer(&g->carriers[1], g->carriers[1].invite, "180 Ringing", "");
	m = rig_take(g->l.r, &g->carriers[1].addr, "CANCEL ");
	assert_true(m.n);
	phone_answer(&g->carriers[1], m, "200 OK", "");
	phone_answer(&g->carriers[1], g->carriers[1].invite, "487 Request Terminated", "");
	assert_int_equal(rig_count(g->l.r, &g->l.a.addr, "SIP/2.0 1"), 1); /* 100 */
	assert_int_equal(trunks_counted(g->trunks, trunk_of(g, "two"), TRUNK_FAILOVERS), 1);
	assert_int_equal(trunks_counted(g->trunks, trunk_of(g, "three"), TRUNK_FAILOVERS), 0);
	assert_int_equal(trunks_counted(g->trunks, trunk_of(g, "three"), TRUNK_CALLS), 1);
	answers(g, &g->carriers[2]);
	for (uint32_t i = 0; i < g->l.r->event_count; i++)
		assert_int_not_equal(g->l.r->events[i].kind, SIG_CALL_FORWARDED);
	ends(g, &g->carriers[2]);
}

/* Whoever is there and says so is waited for as any phone is. */
static void trying_is_an_answer(void **state)
{
	struct gate *g = *state;

	leads_out(g, 2);
	calls_out(g);
	phone_answer(&g->carriers[0], phone_rings(&g->carriers[0]), "100 Trying", "");
	rig_wait_ms(g->l.r, 60000);
	assert_int_equal(rig_count(g->l.r, &g->carriers[1].addr, "INVITE "), 0);
	answers(g, &g->carriers[0]);
	ends(g, &g->carriers[0]);
}

/* What is said of who is called, and what comes when somebody has rung, is for the caller. */
static void no_next_way(void **state)
{
	static const struct {
		const char *first, *last, *heard;
	} rows[] = {
		{ NULL, "486 Busy Here", "SIP/2.0 486" },
		{ NULL, "404 Not Found", "SIP/2.0 404" },
		{ NULL, "603 Decline", "SIP/2.0 603" },
		{ NULL, "401 Unauthorized", "SIP/2.0 500" },
		{ "180 Ringing", "500 Oops", "SIP/2.0 500" },
		{ "183 Session Progress", "503 Service Unavailable", "SIP/2.0 500" },
	};
	struct gate *g = *state;

	leads_out(g, 2);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m;

		calls_out(g);
		m = phone_rings(&g->carriers[0]);
		ROW_ASSERT(rows[i].last, m.n);
		if (rows[i].first)
			phone_answer(&g->carriers[0], m, rows[i].first, "");
		phone_answer(&g->carriers[0], m, rows[i].last, "");
		ROW_ASSERT(rows[i].last, phone_hears(&g->l.a, rows[i].heard).n);
		phone_ack(&g->l.a);
		ROW_ASSERT(rows[i].last, rig_count(g->l.r, &g->carriers[1].addr, "INVITE ") == 0);
		rig_wait_ms(g->l.r, 70000);
		ROW_ASSERT(rows[i].last, g->l.r->cdr_count == i + 1);
		ROW_ASSERT(rows[i].last, !g->l.r->cdrs[i].facts.missed[0]); /* nobody of ours */
	}
}

/* A time-out that the trunk itself has met, before anybody rang. */
static void timed_out_there(void **state)
{
	struct gate *g = *state;

	leads_out(g, 2);
	calls_out(g);
	phone_answer(&g->carriers[0], phone_rings(&g->carriers[0]), "408 Request Timeout", "");
	assert_true(phone_rings(&g->carriers[1]).n);
	answers(g, &g->carriers[1]);
	ends(g, &g->carriers[1]);
}

/* Full, down, deleted: passed over. Where none is left the caller hears so at once. */
static void passed_over(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	uint16_t one;

	leads_out(g, 2);
	one = trunk_of(g, "one");
	set = *trunks_settings(g->trunks, one);
	set.channels_out = 1;
	(void)gate_put(g, &set);
	trunks_hold(g->trunks, one, TRUNK_OUT);
	calls_out(g);
	assert_int_equal(rig_count(g->l.r, &g->carriers[0].addr, "INVITE "), 0);
	assert_true(phone_rings(&g->carriers[1]).n);
	phone_cancel(&g->l.a);
	phone_answer(&g->carriers[1], g->carriers[1].invite, "487 Request Terminated", "");
	rig_wait_ms(g->l.r, 70000);
	/* one that is said to be down is asked when no other is left */
	trunks_set_up(g->trunks, trunk_of(g, "two"), 0, false);
	calls_out(g);
	assert_true(phone_rings(&g->carriers[1]).n);
	phone_cancel(&g->l.a);
	phone_answer(&g->carriers[1], g->carriers[1].invite, "487 Request Terminated", "");
	rig_wait_ms(g->l.r, 70000);
	trunks_set_up(g->trunks, trunk_of(g, "two"), 0, true);
	trunks_set_up(g->trunks, one, 0, false);
	trunks_release(g->trunks, one, TRUNK_OUT);
	calls_out(g);
	assert_true(phone_rings(&g->carriers[1]).n);
	assert_int_equal(rig_count(g->l.r, &g->carriers[0].addr, "INVITE "), 0);
}

/* All have failed: the caller hears what was said last of the best. */
static void all_fail(void **state)
{
	struct gate *g = *state;

	leads_out(g, 2);
	calls_out(g);
	phone_answer(&g->carriers[0], phone_rings(&g->carriers[0]), "500 Oops", "");
	phone_answer(&g->carriers[1], phone_rings(&g->carriers[1]), "502 Bad Gateway", "");
	assert_true(phone_hears(&g->l.a, "SIP/2.0 502").n);
	phone_ack(&g->l.a);
	line_assert_idle(g->l.r);
	assert_int_equal(g->l.r->cdr_count, 1);
}

/* kill -9 while the first way is asked, and while the next one is: the successor goes on, and asks nobody twice. */
static void killed_on_the_way(void **state)
{
	struct gate *g = *state;
	struct text record = { 0 };

	leads_out(g, 3);
	calls_out(g);
	assert_true(phone_rings(&g->carriers[0]).n);
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	assert_int_equal(trunks_held(g->trunks, trunk_of(g, "one"), TRUNK_OUT), 1);
	phone_answer(&g->carriers[0], g->carriers[0].invite, "503 Service Unavailable", "");
	assert_true(phone_rings(&g->carriers[1]).n);
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	rig_wait_ms(g->l.r, TRUNK_ANSWER_S * 1000 + 10); /* it is silent */
	assert_true(phone_rings(&g->carriers[2]).n);
	assert_int_equal(rig_count(g->l.r, &g->carriers[0].addr, "INVITE ") > 0, true);
	/* the one that was left has its place in the call, and no channel, also in the next process */
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	assert_int_equal(trunks_held(g->trunks, trunk_of(g, "two"), TRUNK_OUT), 0);
	assert_int_equal(trunks_held(g->trunks, trunk_of(g, "three"), TRUNK_OUT), 1);
	answers(g, &g->carriers[2]);
	ends(g, &g->carriers[2]);
	text_clear(&record);
}

/* The trunk is deleted while its call is up. */
static void deleted_meanwhile(void **state)
{
	struct gate *g = *state;

	leads_out(g, 1);
	calls_out(g);
	assert_true(phone_rings(&g->carriers[0]).n);
	assert_true(trunks_delete(g->trunks, 0, BYTES_LIT("one")));
	answers(g, &g->carriers[0]);
	ends(g, &g->carriers[0]);
}

/* CALL-16: where the calls of an extension go on to may be outside. */
static void forwarded_to_outside(void **state)
{
	const struct shard_forward away = { .always = "9123", .outside_number = "4930" };
	struct gate *g = *state;
	struct bytes m;

	leads_out(g, 2);
	assert_int_equal(shard_forward_set(g->l.r->shard, 0, "1002", &away), 0);
	phone_invite(&g->l.a, "1002", PHONE_SDP_A);
	phone_answer(&g->carriers[0], phone_rings(&g->carriers[0]), "503 Service Unavailable", "");
	m = phone_rings(&g->carriers[1]);
	assert_true(bytes_starts(m, "INVITE sip:123@198.51.100.2:5060 "));
	assert_true(rig_has(rig_header(m, "Diversion"), "sip:4930@"));
	assert_true(rig_has(rig_header(m, "History-Info"), "index=1.1"));
	assert_false(rig_has(rig_header(m, "History-Info"), "index=1.2"));
	answers(g, &g->carriers[1]);
	ends(g, &g->carriers[1]);
	assert_string_equal(g->l.r->cdrs[0].forwarded_to, "9123");
}

/* A phone gives its party to a number outside. */
static void referred_to_outside(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	leads_out(g, 1);
	phones_talk(&g->l.a, &g->l.b);
	phone_request(&g->l.b, "REFER", "Refer-To: <sip:9123@test.local>\r\n", "");
	assert_true(rig_take(g->l.r, &g->l.b.addr, "SIP/2.0 202").n);
	m = phone_rings(&g->carriers[0]);
	assert_true(bytes_starts(m, "INVITE sip:123@"));
}

/* '#' may stand in no URI as it is. */
static void numbers_are_escaped(void **state)
{
	struct trunk_route r = { .enabled = true,
				 .name = "out",
				 .pattern = "9x.",
				 .change = { .strip = 1, .prefix = "#31#" },
				 .choice_count = 1 };
	struct gate *g = *state;
	struct bytes m;

	leads_out(g, 1);
	(void)bytes_cstr(BYTES_LIT("one"), r.choices[0].trunk, sizeof(r.choices[0].trunk));
	assert_int_equal(trunk_route_put(g->numbers, &r), 0);
	calls_out(g);
	m = phone_rings(&g->carriers[0]);
	assert_true(bytes_starts(m, "INVITE sip:%2331%23123@"));
}

/* Classes that an extension may not call: by itself, by a forward, by giving somebody there. */
static void not_for_everybody(void **state)
{
	const struct shard_forward away = { .always = "9123" };
	struct gate *g = *state;

	leads_out(g, 1);
	may_call(g, DIAL_CLASSES_FIRST);
	calls_out(g);
	assert_true(rig_has(rig_header(rig_take(g->l.r, &g->l.a.addr, "SIP/2.0 403"), "Reason"),
			    "numbers of no class"));
	assert_int_equal(g->l.r->security.kind, SECURITY_BARRED);
	assert_int_equal(shard_forward_set(g->l.r->shard, 0, "1002", &away), 0);
	g->l.r->security = (struct security_event){ 0 };
	rig_wait_ms(g->l.r, 10000); /* of one source the first is told at once */
	phone_invite(&g->l.a, "1002", PHONE_SDP_A);
	assert_true(rig_take(g->l.r, &g->l.a.addr, "SIP/2.0 4").n);
	assert_int_equal(g->l.r->security.kind, SECURITY_BARRED);
	assert_string_equal(g->l.r->security.user, "1002");
	assert_true(strstr(g->l.r->security.detail, "was sent to a number outside"));
	assert_int_equal(shard_forward_set(g->l.r->shard, 0, "1002", &(struct shard_forward){ 0 }),
			 0);
	phones_talk(&g->l.a, &g->l.b);
	rig_wait_ms(g->l.r, 10000);
	g->l.r->security = (struct security_event){ 0 };
	phone_request(&g->l.b, "REFER", "Refer-To: <sip:9123@test.local>\r\n", "");
	assert_true(rig_take(g->l.r, &g->l.b.addr, "SIP/2.0 403").n);
	assert_string_equal(g->l.r->security.user, "1002");
	assert_int_equal(rig_count(g->l.r, &g->carriers[0].addr, "INVITE "), 0);
}

/* By a proxy: the URI names the server, the way is the proxy's. */
static void by_a_proxy(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct bytes m;

	leads_out(g, 1);
	set = *trunks_settings(g->trunks, trunk_of(g, "one"));
	assert_int_equal(sip_place_read(&set.proxy, BYTES_LIT("198.51.100.3")), 0);
	assert_int_equal(sip_place_read(&set.servers[0], BYTES_LIT("sip.example.org")), 0);
	(void)gate_put(g, &set);
	calls_out(g);
	m = phone_rings(&g->carriers[2]);
	assert_true(bytes_starts(m, "INVITE sip:123@sip.example.org SIP/2.0\r\n"));
	assert_true(bytes_is(rig_header(m, "Route"), "<sip:198.51.100.3;lr>"));
}

/* A trunk that leads to ourselves. */
static void leads_to_ourselves(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;

	leads_out(g, 2);
	set = *trunks_settings(g->trunks, trunk_of(g, "one"));
	assert_int_equal(sip_place_read(&set.servers[0], BYTES_LIT("192.0.2.1:5060")), 0);
	(void)gate_put(g, &set);
	calls_out(g);
	assert_true(phone_rings(&g->carriers[1]).n);
}

/* ---- servers that are at a name ---- */

static void names_find(void *arg, const struct lookup_want *want, uint64_t now_ns,
		       struct lookup *out)
{
	(void)arg;
	(void)now_ns;
	assert_string_equal(want->host, "sip.carrier.test");
	*out = (struct lookup){ .state = LOOKUP_REQUEST };
}

static int named_setup(void **state)
{
	struct shard_settings settings = rig_settings();
	struct gate *g = calloc(1, sizeof(*g));
	struct trunk_settings set;

	settings.lookup.find = names_find;
	gate_open(g, &settings);
	leads_out(g, 3);
	set = *trunks_settings(g->trunks, trunk_of(g, "one"));
	assert_int_equal(sip_place_read(&set.servers[0], BYTES_LIT("sip.carrier.test")), 0);
	(void)gate_put(g, &set);
	*state = g;
	return 0;
}

#define NAMED_TEST(fn) cmocka_unit_test_setup_teardown(fn, named_setup, gate_teardown)

/* "198.51.100.1:5060 198.51.100.2:5060"; "": nowhere. */
static void name_leads(struct gate *g, const char *places)
{
	struct lookup_reply new_state = { .state = places[0] ? LOOKUP_DONE : LOOKUP_FAILED };
	struct bytes rest = bytes_str(places), one;
	struct rig *r = g->l.r;

	while (bytes_cut(&rest, ' ', &one))
		assert_int_equal(addr_parse(&new_state.targets[new_state.count++].to, one), 0);
	assert_true(r->lookup_count);
	new_state.serial = r->lookups[r->lookup_count - 1].serial;
	rig_reply(r, (struct reply){ .ask = ASK_LOOKUP,
				     .of = r->lookups[r->lookup_count - 1].call,
				     .lookup = &new_state });
	rig_run(r);
}

/* The first place says nothing: the next one is asked long before timer B, and the first one gets CANCEL when it wakes up. */
static void places_of_a_name(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	calls_out(g);
	name_leads(g, "198.51.100.2:5060 198.51.100.3:5060");
	m = phone_rings(&g->carriers[1]);
	assert_true(bytes_starts(m, "INVITE sip:123@sip.carrier.test SIP/2.0\r\n"));
	rig_wait_ms(g->l.r, TRUNK_ANSWER_S * 1000 + 10);
	assert_true(phone_rings(&g->carriers[2]).n);
	phone_answer(&g->carriers[1], m, "100 Trying", "");
	m = rig_take(g->l.r, &g->carriers[1].addr, "CANCEL ");
	assert_true(m.n);
	phone_answer(&g->carriers[1], m, "200 OK", "");
	phone_answer(&g->carriers[1], g->carriers[1].invite, "487 Request Terminated", "");
	answers(g, &g->carriers[2]);
	ends(g, &g->carriers[2]);
}

/* All places of the name are silent: the next trunk. */
static void a_name_that_is_silent(void **state)
{
	struct gate *g = *state;

	calls_out(g);
	name_leads(g, "198.51.100.1:5060");
	assert_true(phone_rings(&g->carriers[0]).n);
	rig_wait_ms(g->l.r, TRUNK_ANSWER_S * 1000 + 10);
	assert_true(phone_rings(&g->carriers[1]).n);
	answers(g, &g->carriers[1]);
	ends(g, &g->carriers[1]);
}

/* A trunk has nowhere to be asked but where its name leads. */
static void a_name_that_leads_nowhere(void **state)
{
	struct gate *g = *state;

	calls_out(g);
	name_leads(g, "");
	assert_true(phone_rings(&g->carriers[1]).n);
	answers(g, &g->carriers[1]);
	ends(g, &g->carriers[1]);
}

/* kill -9 while the name is looked up: the successor asks for it. */
static void killed_while_it_is_looked_up(void **state)
{
	struct gate *g = *state;
	struct text record = { 0 };

	calls_out(g);
	assert_int_equal(g->l.r->lookup_count, 1);
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	assert_int_equal(g->l.r->lookup_count, 2);
	name_leads(g, "198.51.100.1:5060");
	assert_true(phone_rings(&g->carriers[0]).n);
	answers(g, &g->carriers[0]);
	ends(g, &g->carriers[0]);
	text_clear(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GATE_TEST(a_number_goes_out),
		GATE_TEST(help_goes_out),
		GATE_TEST(after_a_reload),
		GATE_TEST(no_way_out),
		GATE_TEST(the_next_way),
		GATE_TEST(trying_is_an_answer),
		GATE_TEST(no_next_way),
		GATE_TEST(timed_out_there),
		GATE_TEST(passed_over),
		GATE_TEST(all_fail),
		GATE_TEST(killed_on_the_way),
		GATE_TEST(deleted_meanwhile),
		GATE_TEST(forwarded_to_outside),
		GATE_TEST(referred_to_outside),
		GATE_TEST(numbers_are_escaped),
		GATE_TEST(by_a_proxy),
		GATE_TEST(leads_to_ourselves),
		GATE_TEST(not_for_everybody),
		NAMED_TEST(places_of_a_name),
		NAMED_TEST(a_name_that_is_silent),
		NAMED_TEST(a_name_that_leads_nowhere),
		NAMED_TEST(killed_while_it_is_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
