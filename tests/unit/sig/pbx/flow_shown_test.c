/* SPDX-License-Identifier: Apache-2.0 */
/* The verb dial: which number those it rings see, and what they are offered. */
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/gate.h"

#define SDP_VIDEO PHONE_SDP_A "m=video 4010 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

static void calls(struct gate *g, struct phone *from, const char *first, const char *to,
		  const char *more)
{
	char text[512];

	(void)snprintf(
		text, sizeof(text),
		"{\"name\":\"main\",\"start\":\"%s\",\"steps\":{%s"
		"\"out\":{\"dial\":{\"to\":\"%s\"%s},\"rejected\":\"no\",\"busy\":\"bad\","
		"\"no_answer\":\"bad\",\"failed\":\"bad\"},\"no\":{\"reject\":{\"status\":403}},"
		"\"bad\":{\"reject\":{\"status\":480}}}}",
		first, strcmp(first, "up") ? "" : "\"up\":{\"answer\":{},\"next\":\"out\"},", to,
		more);
	put_flow(g->l.r, text);
	phone_invite(from, "700", SDP_VIDEO);
	rig_run(g->l.r);
	if (!strcmp(first, "up")) {
		assert_true(phone_hears(from, "SIP/2.0 200").n);
		phone_ack(from);
		rig_run(g->l.r);
	}
}

static void is_refused(struct phone *from, const char *status)
{
	assert_true(phone_hears(from, status).n);
	phone_ack(from);
}

static void refuses(struct gate *g, struct phone *p, struct bytes invite)
{
	phone_answer(p, invite, "486 Busy Here", "");
	rig_run(g->l.r);
}

static void opens(struct gate *g, const char *caller_ids)
{
	struct trunk_settings in = gate_trunk("in", "198.51.100.1:5060");
	struct trunk_settings out = gate_trunk("one", "198.51.100.2:5060");

	(void)bytes_cstr(bytes_str(caller_ids), out.caller_ids, sizeof(out.caller_ids));
	(void)gate_put(g, &in);
	(void)gate_put(g, &out);
	gate_route(g, "9x.", "one");
	gate_did(g, "700", "700");
	gate_did(g, "49301xx", "1002");
}

#define SHOWS ",\"caller_id\":\"4930155\""

static struct bytes goes_out(struct gate *g)
{
	struct bytes m = rig_take(g->l.r, &g->carriers[1].addr, "INVITE ");

	assert_true(m.n);
	return m;
}

/* A number that leads to the tenant, whoever calls, and whether or not he is up. */
static void test_outside(void **state)
{
	struct gate *g = *state;
	struct phone *const from[] = { &g->l.a, &g->carriers[0], &g->l.a };
	struct bytes m;

	opens(g, "");
	for (int i = 0; i < 3; i++) {
		calls(g, from[i], i < 2 ? "out" : "up", "91001", SHOWS);
		m = goes_out(g);
		assert_true(rig_has(rig_header(m, "From"), "sip:4930155@"));
		assert_false(rig_has(m, "sip:1001@192"));
		refuses(g, &g->carriers[1], m);
		if (i < 2)
			is_refused(from[i], "SIP/2.0 480");
	}
}

static void test_not_the_tenants(void **state)
{
	struct gate *g = *state;

	opens(g, "");
	calls(g, &g->l.a, "out", "91001", ",\"caller_id\":\"49991\"");
	assert_false(rig_take(g->l.r, &g->carriers[1].addr, "INVITE ").n);
	is_refused(&g->l.a, "SIP/2.0 480");
}

/* The operator of the trunk lets some numbers be shown alone. */
static void test_not_by_this_trunk(void **state)
{
	struct gate *g = *state;

	opens(g, "49302x.");
	calls(g, &g->l.a, "out", "91001", SHOWS);
	assert_false(rig_take(g->l.r, &g->carriers[1].addr, "INVITE ").n);
	is_refused(&g->l.a, "SIP/2.0 403");
	assert_int_equal(g->l.r->security.kind, SECURITY_BARRED);
}

/* Who hides is not named, and the number of the tenant is. */
static void test_who_hides(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	opens(g, "");
	put_flow(g->l.r, "[{\"dial\":{\"to\":\"91001\"" SHOWS "}}]");
	phone_begin(&g->l.a, "700");
	phone_request(&g->l.a, "INVITE", "Privacy: id\r\n", PHONE_SDP_A);
	rig_run(g->l.r);
	m = goes_out(g);
	assert_true(rig_has(m, "<sip:4930155@"));
	assert_false(rig_has(m, ":1001@"));
	assert_false(rig_has(m, "anonymous"));
	assert_false(rig_has(m, "Privacy"));
}

static void test_inside(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	calls(g, &g->l.a, "out", "1002", ",\"caller_id\":\"1002\"");
	m = phone_rings(&g->l.b);
	assert_true(m.n);
	assert_true(rig_has(rig_header(m, "From"), "sip:1002@"));
	refuses(g, &g->l.b, m);
}

/* A SIP URI that stands in the flow goes to the tenant's trunk with that host: no number, no other host, and nothing that a caller has put in. */
static void test_uri(void **state)
{
	static const struct {
		const char *to, *hears;
	} set[] = {
		{ "sip:bob@198.51.100.2", NULL },
		{ "sip:Bob.o@198.51.100.2:5060;transport=udp", NULL },
		{ "sip:+4930155@198.51.100.2", "SIP/2.0 480" },
		{ "sip:%2B4930155@198.51.100.2", "SIP/2.0 480" },
		{ "sip:0900123@198.51.100.2", "SIP/2.0 480" },
		{ "sip:bob@198.51.100.9", "SIP/2.0 480" },
		{ "sip:bob@198.51.100.2:5062", "SIP/2.0 480" },
		{ "sip:bob{called}@198.51.100.2", "SIP/2.0 403" },
	};
	struct gate *g = *state;
	struct bytes m;

	opens(g, "");
	for (size_t i = 0; i < COUNT_OF(set); i++) {
		calls(g, &g->l.a, "out", set[i].to, SHOWS);
		m = rig_take(g->l.r, &g->carriers[1].addr, "INVITE ");
		assert_int_equal(m.n != 0, !set[i].hears);
		if (m.n) {
			assert_true(bytes_starts(m, i ? "INVITE sip:Bob.o@198.51.100.2"
						      : "INVITE sip:bob@198.51.100.2"));
			refuses(g, &g->carriers[1], m);
		}
		is_refused(&g->l.a, m.n ? "SIP/2.0 480" : set[i].hears);
	}
}

/* Nobody else may have one called. */
static void test_uri_of_nobody(void **state)
{
	struct shard_forward f = { .always = "sip:bob@198.51.100.2" };
	struct gate *g = *state;

	opens(g, "");
	assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1002", &f), 0);
	calls(g, &g->l.a, "out", "1002", "");
	phone_invite(&g->l.b, "sip%3Abob%40198.51.100.2", PHONE_SDP_A);
	rig_run(g->l.r);
	assert_false(rig_take(g->l.r, &g->carriers[1].addr, "INVITE ").n);
}

static void test_video(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	for (int with = 0; with < 2; with++) {
		calls(g, &g->l.a, "out", "1002", with ? "" : ",\"video\":false");
		m = phone_rings(&g->l.b);
		assert_true(m.n);
		assert_int_equal(rig_has(m, "m=video ") && !rig_has(m, "m=video 0 "), with);
		refuses(g, &g->l.b, m);
		is_refused(&g->l.a, "SIP/2.0 480");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GATE_TEST(test_outside),   GATE_TEST(test_not_the_tenants),
		GATE_TEST(test_who_hides), GATE_TEST(test_not_by_this_trunk),
		GATE_TEST(test_inside),    GATE_TEST(test_video),
		GATE_TEST(test_uri),       GATE_TEST(test_uri_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
