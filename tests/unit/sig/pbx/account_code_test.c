/* SPDX-License-Identifier: Apache-2.0 */
/* Calls outside that need an account code (FEATURES CALL-34): dialled with it, asked for by a flow, from a list, or refused. */
#include "sig/host/accounts.h"
#include "sig/host/security.h"
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/ways.h"

#define GATHER(prompt) \
	"{\"gather\":{\"prompt\":[\"" prompt "\"],\"max\":16,\"terminators\":\"#\",\"tries\":1},"
#define TAG(value) "{\"tag\":{\"account.code\":\"" value "\"},"
#define ASKS                                                                                       \
	"{\"name\":\"ask\",\"start\":\"a\",\"steps\":{"                                            \
	"\"a\":" GATHER(                                                                           \
		"code") "\"next\":\"b\",\"timeout\":\"end\",\"invalid\":\"none\"},"                \
			"\"b\":" TAG(                                                              \
				"{digits}") "\"failed\":\"c\",\"next\":\"out\"},"                  \
					    "\"none\":" TAG(                                       \
						    "") "\"failed\":\"c\",\"next\":\"out\"},"      \
							"\"c\":" GATHER(                           \
								"again") "\"next\":\"d\","         \
									 "\"timeout\":\"end\","    \
									 "\"invalid\":\"end\"},"   \
									 "\"d\":" TAG(             \
										 "{digits}") "\"f" \
											     "ail" \
											     "ed"  \
											     "\":" \
											     "\"e" \
											     "nd"  \
											     "\"," \
											     "\"n" \
											     "ext" \
											     "\":" \
											     "\"o" \
											     "ut"  \
											     "\"}" \
											     ","   \
											     "\"o" \
											     "ut"  \
											     "\":" \
											     "{\"" \
											     "dia" \
											     "l\"" \
											     ":\"" \
											     "{ca" \
											     "lle" \
											     "d}"  \
											     "\"," \
											     "\"b" \
											     "usy" \
											     "\":" \
											     "\"e" \
											     "nd"  \
											     "\"," \
											     "\"n" \
											     "o_"  \
											     "ans" \
											     "wer" \
											     "\":" \
											     "\"e" \
											     "nd"  \
											     "\"}" \
											     ","   \
											     "\"e" \
											     "nd"  \
											     "\":" \
											     "{\"" \
											     "han" \
											     "gup" \
											     "\":" \
											     "{\"" \
											     "rea" \
											     "son" \
											     "\":" \
											     "\"a" \
											     "cco" \
											     "unt" \
											     " co" \
											     "de"  \
											     "\"}" \
											     "}}}"

static void needs(struct gate *g, enum account_by by)
{
	struct shard_extension e = rig_extension("1001", false);

	e.classes = 0xff;
	e.account_code = (uint8_t)by;
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
}

static void tenant_says(struct gate *g, const char *flow, uint8_t classes)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME };
	uint16_t tenant;

	(void)bytes_cstr(bytes_str(flow), set.terms.account_flow, sizeof(set.terms.account_flow));
	set.terms.account_classes = classes;
	assert_int_equal(tenants_put(g->tenants, &set, &tenant), 0);
}

static void takes(struct gate *g, const char *code, const char *extensions)
{
	struct account_code a = { .tenant = TENANT_DEFAULT };

	(void)bytes_cstr(bytes_str(code), a.code, sizeof(a.code));
	(void)bytes_cstr(bytes_str(extensions), a.extensions, sizeof(a.extensions));
	assert_int_equal(accounts_put(g->l.r->shard->shared_tables->accounts, &a), 0);
}

static int setup(void **state)
{
	static const struct feature_codes codes = { .code = { [FEATURE_ACCOUNT] = "*47" } };
	struct gate *g;

	(void)gate_setup(state);
	g = *state;
	g->l.r->settings.codes = codes;
	shard_configure(g->l.r->shard, &g->l.r->settings);
	leads_out(g, 1);
	put_program(g->l.r, "ask", ASKS);
	needs(g, ACCOUNT_REQUIRED);
	return 0;
}

static const struct sig_event *told(const struct rig *r, enum sig_event_kind kind)
{
	for (uint32_t i = r->event_count; i-- > 0;) {
		if (r->events[i].kind == kind)
			return &r->events[i];
	}
	return NULL;
}

static bool dials(struct gate *g, const char *number, const char *status)
{
	uint32_t before = rig_count(g->l.r, &g->carriers[0].addr, "INVITE ");
	struct bytes m;

	phone_invite(&g->l.a, number, PHONE_SDP_A);
	rig_run(g->l.r);
	if (!status)
		return phone_rings(&g->carriers[0]).n;
	m = phone_hears(&g->l.a, status);
	phone_write(&g->l.a, "ACK", "", "");
	rig_run(g->l.r);
	return m.n && rig_count(g->l.r, &g->carriers[0].addr, "INVITE ") == before;
}

/* Whoever rings is busy. */
static void is_busy(struct gate *g, struct phone *p)
{
	phone_answer(p, p->invite, "486 Busy Here", "");
	rig_run(g->l.r);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 486").n);
	phone_write(&g->l.a, "ACK", "", "");
	rig_run(g->l.r);
}

static void talks(struct gate *g)
{
	phone_answer(&g->carriers[0], g->carriers[0].invite, "200 OK", PHONE_SDP_B);
	rig_run(g->l.r);
}

static void ended(struct gate *g, const char *code)
{
	struct rig *r = g->l.r;

	phone_request(&g->l.a, "BYE", "", "");
	rig_run(r);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 200").n);
	phone_answer(&g->carriers[0], rig_take(r, &g->carriers[0].addr, "BYE "), "200 OK", "");
	line_assert_idle(r);
	assert_string_equal(r->cdrs[r->cdr_count - 1].facts.account, code);
	assert_string_equal(r->cdrs[r->cdr_count - 1].to, "9123");
}

/* ---- without one ---- */

static void refused(void **state)
{
	struct gate *g = *state;
	struct trunk_route help = { .enabled = true, .name = "help", .pattern = "112" };
	struct bytes m;

	phone_invite(&g->l.a, "9123", PHONE_SDP_A);
	rig_run(g->l.r);
	m = phone_hears(&g->l.a, "SIP/2.0 403");
	assert_true(rig_has(m, "Warning: 399 "));
	assert_true(rig_has(m, "account code"));
	phone_write(&g->l.a, "ACK", "", "");
	assert_true(dials(g, "*47*9123", "SIP/2.0 404"));
	assert_true(dials(g, "*474711", "SIP/2.0 404"));
	assert_true(dials(g, "*471*472*9123", "SIP/2.0 404"));
	/* nobody is asked who calls inside, or for help: whatever is dialled before it */
	phone_invite(&g->l.a, "1002", PHONE_SDP_A);
	rig_run(g->l.r);
	assert_true(phone_rings(&g->l.b).n);
	is_busy(g, &g->l.b);
	g->l.r->settings.emergency_count = 1;
	memcpy(g->l.r->settings.emergency[0], "112", sizeof("112"));
	shard_configure(g->l.r->shard, &g->l.r->settings);
	memcpy(help.choices[0].trunk, "one", sizeof("one"));
	help.choice_count = 1;
	assert_int_equal(trunk_route_put(g->numbers, &help), 0);
	takes(g, "1", "");
	assert_true(dials(g, "112", NULL));
	is_busy(g, &g->carriers[0]);
	assert_true(dials(g, "*479*112", NULL));
	assert_non_null(told(g->l.r, SIG_CALL_EMERGENCY));
}

/* What asks for it: the extension, the class of the number, the trunk. */
static void who_needs(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set = gate_trunk("one", "198.51.100.1:5060");

	needs(g, ACCOUNT_OPTIONAL);
	assert_true(dials(g, "9123", NULL));
	talks(g);
	phone_hears(&g->l.a, "SIP/2.0 200");
	phone_ack(&g->l.a);
	ended(g, "");
	tenant_says(g, "", 1 << DIAL_PREMIUM);
	assert_true(dials(g, "9123", NULL));
	is_busy(g, &g->carriers[0]);
	tenant_says(g, "", 0);
	set.account_code = true;
	(void)gate_put(g, &set);
	assert_true(dials(g, "9123", "SIP/2.0 403"));
	needs(g, ACCOUNT_OFF);
	assert_true(dials(g, "9123", "SIP/2.0 403"));
	set.account_code = false;
	(void)gate_put(g, &set);
	assert_true(dials(g, "9123", NULL));
}

/* ---- dialled before the number ---- */

static void dialled(void **state)
{
	struct gate *g = *state;

	assert_true(dials(g, "*474711*9123", NULL));
	talks(g);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 200").n);
	phone_ack(&g->l.a);
	ended(g, "4711");
}

/* Who guesses waits, also with the right one. */
static void listed(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	takes(g, "4711", "");
	takes(g, "12", "1002");
	assert_true(dials(g, "*4712*9123", "SIP/2.0 403"));
	assert_int_equal(g->l.r->security.kind, SECURITY_WRONG_PIN);
	assert_true(dials(g, "*474711*9123", NULL));
	talks(g);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 200").n);
	phone_ack(&g->l.a);
	ended(g, "4711");
	for (int i = 0; i < SECRET_FAILURES; i++)
		assert_true(dials(g, "*4713*9123", "SIP/2.0 403"));
	phone_invite(&g->l.a, "*474711*9123", PHONE_SDP_A);
	rig_run(g->l.r);
	m = phone_hears(&g->l.a, "SIP/2.0 403");
	assert_true(rig_has(m, "Retry-After: "));
	phone_write(&g->l.a, "ACK", "", "");
	rig_wait_ms(g->l.r, 60000);
	assert_true(dials(g, "*474711*9123", NULL));
}

/* ---- asked for ---- */

static void presses(struct gate *g, const char *keys)
{
	for (; *keys; keys++)
		press(&g->l, *keys);
}

static void asked(struct gate *g)
{
	tenant_says(g, "ask", 0);
	phone_invite(&g->l.a, "9123", PHONE_SDP_A);
	rig_run(g->l.r);
	is_answered(&g->l);
	assert_true(plays(&g->l, "prompt:code"));
}

static void answered(void **state)
{
	struct gate *g = *state;

	takes(g, "4711", "");
	asked(g);
	presses(g, "99#");
	assert_true(plays(&g->l, "prompt:again"));
	assert_int_equal(g->l.r->security.kind, SECURITY_WRONG_PIN);
	presses(g, "4711#");
	assert_true(phone_rings(&g->carriers[0]).n);
	assert_string_equal(event_str(told(g->l.r, SIG_CALL_ACCOUNT), EV_REASON), "flow");
	talks(g);
	ended(g, "4711");
}

static void thrice_wrong(void **state)
{
	struct gate *g = *state;
	struct bytes bye;

	takes(g, "4711", "");
	asked(g);
	presses(g, "99#98#");
	bye = rig_take(g->l.r, &g->l.a.addr, "BYE ");
	assert_true(rig_has(bye, "text=\"account code\""));
	phone_answer(&g->l.a, bye, "200 OK", "");
	line_assert_idle(g->l.r);
	assert_int_equal(rig_count(g->l.r, &g->carriers[0].addr, "INVITE "), 0);
	assert_string_equal(g->l.r->cdrs[0].facts.path, "a,b,failed,c,d,failed");
}

/* '#' alone: who may goes out without one. */
static void override(void **state)
{
	struct gate *g = *state;

	asked(g);
	presses(g, "#");
	assert_true(plays(&g->l, "prompt:again"));
	phone_request(&g->l.a, "BYE", "", "");
	rig_run(g->l.r);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 200").n);
	line_assert_idle(g->l.r);
	needs(g, ACCOUNT_OVERRIDE);
	asked(g);
	presses(g, "#");
	assert_true(phone_rings(&g->carriers[0]).n);
	talks(g);
	ended(g, "");
}

/* A flow that dials without asking reaches nobody. */
static void around(void **state)
{
	struct gate *g = *state;

	put_program(g->l.r, "ask", "[{\"dial\":\"{called}\"},{\"dial\":\"{called}\"}]");
	tenant_says(g, "ask", 0);
	assert_true(dials(g, "9123", "SIP/2.0 4"));
	tenant_says(g, "gone", 0);
	assert_true(dials(g, "9123", "SIP/2.0 403"));
}

static void killed(void **state)
{
	struct gate *g = *state;

	takes(g, "4711", "");
	asked(g);
	presses(g, "47");
	line_restart(&g->l, line_stored(&g->l));
	put_program(g->l.r, "ask", ASKS);
	takes(g, "4711", "");
	rig_run(g->l.r);
	presses(g, "11#");
	assert_true(phone_rings(&g->carriers[0]).n);
	talks(g);
	ended(g, "4711");
}

/* Whoever gives a party away outside needs one in the call. */
static void given_away(void **state)
{
	struct gate *g = *state;
	struct call_order o = { .kind = ORDER_ACCOUNT, .to = BYTES_LIT("4711") };

	phones_talk(&g->l.a, &g->l.b);
	phone_request(&g->l.a, "REFER", "Refer-To: <sip:9123@test.local>\r\n", "");
	rig_run(g->l.r);
	assert_true(rig_take(g->l.r, &g->l.a.addr, "SIP/2.0 403").n);
	assert_int_equal(shard_call_order(g->l.r->shard, first_call(g->l.r), &o, g->l.r->now), 0);
	phone_request(&g->l.a, "REFER", "Refer-To: <sip:9123@test.local>\r\n", "");
	rig_run(g->l.r);
	assert_true(rig_take(g->l.r, &g->l.a.addr, "SIP/2.0 202").n);
	assert_true(phone_rings(&g->carriers[0]).n);
}

#define ACCOUNT_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, gate_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNT_TEST(refused),    ACCOUNT_TEST(who_needs), ACCOUNT_TEST(dialled),
		ACCOUNT_TEST(listed),     ACCOUNT_TEST(answered),  ACCOUNT_TEST(thrice_wrong),
		ACCOUNT_TEST(override),   ACCOUNT_TEST(around),    ACCOUNT_TEST(killed),
		ACCOUNT_TEST(given_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
