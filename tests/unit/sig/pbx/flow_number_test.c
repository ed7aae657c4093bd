/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that lead to flows, and numbers that flows dial. */
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/gate.h"

#define DIALS(to, how)                                                         \
	"{\"name\":\"main\",\"start\":\"a\",\"steps\":{"                       \
	"\"a\":{\"dial\":{\"to\":" to ",\"how\":\"" how "\"},\"next\":\"b\"}," \
	"\"b\":{\"reject\":{\"status\":486}}}}"

static void number_leads_to(struct line *l, const char *number, const char *flow)
{
	assert_int_equal(programs_number_put(l->r->shard->shared_tables->programs,
					     BYTES_LIT("default"), bytes_str(number),
					     bytes_str(flow)),
			 0);
}

/* Names of the programs of groups and of web applications have a colon. */
static void test_of_a_group(void **state)
{
	struct line *l = *state;

	put_program(l->r, "group:sales", "{\"start\":\"a\",\"steps\":{\"a\":{\"play\":[\"o\"]}}}");
	number_leads_to(l, "701", "group:sales");
	phone_invite(&l->a, "701", PHONE_SDP_A);
	rig_run(l->r);
	is_answered(l);
	assert_true(plays(l, "prompt:o"));
}

/* It comes to an end, however often its caller is led to it again. */
static void test_dials_itself(void **state)
{
	struct line *l = *state;

	call_flow(l, DIALS("[\"700\",\"1002\"]", "together"));
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	phone_write(&l->a, "ACK", "", "");
	flow_gone(l, "a,failed");
}

/* Who rings beside the number of another flow is left: that has the caller. */
static void test_dials_beside(void **state)
{
	struct line *l = *state;

	put_program(l->r, "other",
		    "{\"name\":\"other\",\"start\":\"a\",\"steps\":{\"a\":{\"play\":[\"o\"]}}}");
	number_leads_to(l, "701", "other");
	call_flow(l, DIALS("[\"1002\",\"701\"]", "together"));
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "),
			 rig_count(l->r, &l->b.addr, "CANCEL "));
	is_answered(l);
	assert_true(plays(l, "prompt:o"));
}

/* Where a forward leads to the flow again, which has tried somebody else meanwhile. */
static void test_forward_leads_back(void **state)
{
	struct line *l = *state;
	struct shard_forward f = { .always = "701" };

	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1003", &f), 0);
	l->r->rolling = true;
	number_leads_to(l, "701", "main");
	call_flow(l, DIALS("[\"1009\",\"1003\"],\"forwards\":true", "in_turn"));
	for (uint32_t i = 0; i < 100; i++)
		rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 500").n);
}

/* A flow that is over at once does not take the place of the one that has the caller. */
static void test_leads_nowhere(void **state)
{
	struct line *l = *state;

	put_program(
		l->r, "nothing",
		"{\"name\":\"nothing\",\"start\":\"a\",\"steps\":{\"a\":{\"set\":{\"x\":\"1\"}}}}");
	number_leads_to(l, "701", "nothing");
	call_flow(l, DIALS("\"701\"", "in_turn"));
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	phone_write(&l->a, "ACK", "", "");
	flow_gone(l, "a,failed");
}

/* Given away while it is up: the other flow has it then. */
static void test_transferred_to_flow(void **state)
{
	struct line *l = *state;

	put_program(l->r, "other",
		    "{\"name\":\"other\",\"start\":\"a\",\"steps\":{\"a\":{\"play\":[\"o\"]}}}");
	number_leads_to(l, "701", "other");
	call_flow(l, "{\"name\":\"main\",\"start\":\"q\",\"steps\":{"
		     "\"q\":{\"answer\":{},\"next\":\"a\"},"
		     "\"a\":{\"dial\":\"701\",\"next\":\"b\"},\"b\":{\"hangup\":{}}}}");
	is_answered(l);
	rig_run(l->r);
	assert_true(plays(l, "prompt:o"));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	line_assert_idle(l->r);
}

/* What a caller has put in is dialled by him: a trunk's caller reaches nothing outside by it, nor does a user who may not. */
static void outside(struct gate *g, struct phone *from, const char *verb, const char *to,
		    bool rings)
{
	char text[512];
	struct bytes m;

	(void)snprintf(
		text, sizeof(text),
		"{\"name\":\"main\",\"start\":\"first\",\"steps\":{\"first\":{%s,\"next\":\"out\"},"
		"\"out\":{\"dial\":\"%s\",\"rejected\":\"no\",\"busy\":\"bad\",\"no_answer\":"
		"\"bad\",\"failed\":\"bad\"},\"no\":{\"reject\":{\"status\":403}},\"bad\":"
		"{\"reject\":{\"status\":480}}}}",
		verb, to);
	put_flow(g->l.r, text);
	phone_invite(from, "700", PHONE_SDP_A);
	rig_run(g->l.r);
	if (strstr(verb, "answer")) {
		assert_true(phone_hears(from, "SIP/2.0 200").n);
		phone_ack(from);
		rig_run(g->l.r);
	}
	m = rig_take(g->l.r, &g->carriers[1].addr, "INVITE ");
	assert_int_equal(m.n != 0, rings);
	if (rings) {
		phone_answer(&g->carriers[1], m, "486 Busy Here", "");
		rig_run(g->l.r);
	}
}

static void test_who_dials_outside(void **state)
{
	static const char set[] = "\"set\":{\"number\":\"9{caller}\"}", answer[] = "\"answer\":{}";
	struct gate *g = *state;
	struct trunk_settings in = gate_trunk("in", "198.51.100.1:5060");
	struct trunk_settings out = gate_trunk("one", "198.51.100.2:5060");

	(void)gate_put(g, &in);
	(void)gate_put(g, &out);
	gate_route(g, "9x.", "one");
	gate_did(g, "700", "700");
	outside(g, &g->l.a, set, "91001", true);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 480").n);
	phone_ack(&g->l.a);
	outside(g, &g->l.a, set, "{number}", false);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 403").n);
	phone_ack(&g->l.a);
	assert_int_equal(g->l.r->security.kind, SECURITY_BARRED);
	outside(g, &g->carriers[0], set, "91001", true);
	assert_true(phone_hears(&g->carriers[0], "SIP/2.0 480").n);
	phone_ack(&g->carriers[0]);
	outside(g, &g->carriers[0], set, "9{called}", false);
	assert_true(phone_hears(&g->carriers[0], "SIP/2.0 403").n);
	phone_ack(&g->carriers[0]);
	outside(g, &g->l.a, answer, "91001", true);
	rig_run(g->l.r);
	outside(g, &g->l.b, answer, "9{caller}", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(test_of_a_group),        LINE_TEST(test_dials_itself),
		LINE_TEST(test_dials_beside),      LINE_TEST(test_forward_leads_back),
		LINE_TEST(test_leads_nowhere),     LINE_TEST(test_transferred_to_flow),
		GATE_TEST(test_who_dials_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
