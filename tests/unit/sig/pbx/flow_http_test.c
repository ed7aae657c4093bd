/* SPDX-License-Identifier: Apache-2.0 */
/* A flow asks a web application: what it answers, that it does not, and that it gives a program. */
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/application.h"
#include "tests/unit/sig/flows.h"

#define ASKS(more)                                                                 \
	"{\"name\":\"main\",\"start\":\"ask\",\"steps\":{"                         \
	"\"ask\":{\"http\":{\"url\":\"https://a.test/x\",\"take\":[\"to\"]" more   \
	",\"data\":{\"who\":\"{caller}\"}},\"next\":\"which\",\"failed\":\"no\"}," \
	"\"which\":{\"match\":\"{to}\",\"on\":{\"bye\":\"bye\"},\"else\":\"no\"}," \
	"\"bye\":{\"play\":[\"bye\"],\"next\":\"no\"},\"no\":{\"reject\":{\"status\":486}}}}"

static void answers(struct line *l, struct helper_reply new_state)
{
	new_state.serial = l->r->help;
	rig_reply(l->r, (struct reply){ .ask = ASK_HELPER,
					.of = application_call(l->r),
					.help = new_state });
	rig_run(l->r);
}

/* A caller whose flow asks, with what is asked. */
static struct bytes asks(struct line *l, const char *text)
{
	call_flow(l, text);
	assert_int_equal(l->r->help_count, 1);
	return bytes_str(l->r->help_data);
}

static void test_http(void **state)
{
	struct line *l = *state;
	struct bytes said = asks(l, ASKS(""));

	assert_non_null(strstr((const char *)said.p,
			       "-0.1\",\"url\":\"https://a.test/x\",\"fallback\""
			       ":\"\",\"method\":\"post\",\"timeout_ms\":2000"));
	assert_non_null(
		strstr((const char *)said.p, "\"flow\":\"main\",\"step\":\"ask\",\"visit\":1,"));
	assert_non_null(
		strstr((const char *)said.p, "\"variables\":{},\"data\":{\"who\":\"1001\"}}}"));
	answers(l, (struct helper_reply){ .value = BYTES_LIT("{\"to\":\"bye\"}"), .status = 200 });
	is_answered(l);
	assert_true(plays(l, "prompt:bye"));
	assert_int_equal(l->r->events[0].kind, SIG_CALL_NEW);
	answers(l, (struct helper_reply){ .result = HELPER_FAILED }); /* nobody waits any more */
	assert_true(plays(l, "prompt:bye"));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	flow_gone(l, "ask,which,bye,bye");
}

static void fails(struct line *l, struct helper_reply new_state, bool in_time)
{
	(void)asks(l, ASKS(",\"timeout_s\":1"));
	if (in_time)
		answers(l, new_state);
	else
		rig_wait_ms(l->r, 4000);
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	phone_ack(&l->a);
	rig_run(l->r);
	line_assert_idle(l->r);
}

static void test_http_fails(void **state)
{
	fails(*state, (struct helper_reply){ .result = HELPER_TIMEOUT, .reason = "timeout" }, true);
}

/* The node itself is silent. */
static void test_http_without_answer(void **state)
{
	fails(*state, (struct helper_reply){ 0 }, false);
}

static void test_http_program_is_gone(void **state)
{
	fails(*state, (struct helper_reply){ .is_program = true, .program = { 1 } }, true);
}

/* What the server answers takes the place of the flow. */
static void test_http_program(void **state)
{
	static const char list[] = "[{\"play\":[\"list\"]}]";
	struct helper_reply new_state = { .is_program = true };
	struct flow_findings found = { 0 };
	struct flow_program *p = program_parse(bytes_str(list), NULL, &found);
	struct line *l = *state;

	assert_non_null(p);
	memcpy(new_state.program, p->hash, sizeof(new_state.program));
	program_free(p);
	(void)asks(l, ASKS(""));
	put_program(l->r, "", list);
	answers(l, new_state);
	is_answered(l);
	assert_true(plays(l, "prompt:list"));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	flow_gone(l, "ask,program,1");
}

static void gives_program(struct line *l, const char *text)
{
	put_program(l->r, "", text);
	rig_run(l->r);
	if (l->r->program_count)
		rig_reply(l->r,
			  (struct reply){ .ask = ASK_PROGRAM,
					  .of = application_call(l->r),
					  .program = { .serial = l->r->program, .found = true } });
	rig_run(l->r);
}

/* A list whose web server fails goes back to the step that was given it; what that does not have ends the call. */
static void goes_back(struct line *l, const char *flow, const char *url, bool restarts)
{
	char list[80];
	struct helper_reply new_state = { .is_program = true };
	struct flow_findings found = { 0 };
	struct flow_program *p;
	bool asked = !strchr(url, '{');

	(void)snprintf(list, sizeof(list), "[{\"play\":[\"list\"]},{\"http\":\"%s\"}]", url);
	p = program_parse(bytes_str(list), NULL, &found);
	assert_non_null(p);
	memcpy(new_state.program, p->hash, sizeof(new_state.program));
	program_free(p);
	(void)asks(l, flow);
	put_program(l->r, "", list);
	answers(l, new_state);
	is_answered(l);
	played(l, PROMPT_REPLY_ENDED);
	assert_int_equal(l->r->help_count, 1 + asked);
	if (!asked)
		return;
	if (restarts) {
		line_restart(l, line_stored(l));
		gives_program(l, list);
	}
	answers(l, (struct helper_reply){ .result = HELPER_FAILED, .reason = "unreachable" });
	if (restarts)
		gives_program(l, flow);
}

static void test_http_program_fails(void **state)
{
	struct line *l = *state;

	goes_back(l, ASKS(""), "https://b.test/y", false);
	flow_hung_up(l);
	flow_gone(l, "ask,program,1,ask,failed");
}

/* Nobody can be asked: what is put in makes no URL. */
static void test_http_program_has_no_url(void **state)
{
	struct line *l = *state;

	goes_back(l, ASKS(""), "https://b.test/.{nothing}", false);
	flow_hung_up(l);
	flow_gone(l, "ask,program,1,2,failed,ask,failed");
}

static void test_http_program_fails_restarted(void **state)
{
	struct line *l = *state;

	goes_back(l, ASKS(""), "https://b.test/y", true);
	flow_hung_up(l);
	flow_gone(l, "ask,program,1,ask,failed");
}

/* Whoever goes on with the call asks again, by the same id. */
static void test_http_restart(void **state)
{
	struct line *l = *state;
	char before[sizeof(l->r->help_data)];

	(void)asks(l, ASKS(""));
	(void)memcpy(before, l->r->help_data, sizeof(before));
	line_restart(l, line_stored(l));
	gives_program(l, ASKS(""));
	assert_int_equal(l->r->help_count, 2);
	assert_string_equal(l->r->help_data, before);
}

/* Whoever goes on with verbs of an application that is connected connects anew, and says when the call is over. */
static void test_http_linked(void **state)
{
	static const char list[] =
		"[{\"play\":[\"list\"]},{\"http\":{\"url\":\"wss://a.test/x\"}}]";
	struct line *l = *state;
	struct bytes asked = { 0 };

	call_flow(l, list);
	is_answered(l);
	assert_int_equal(l->r->help_count, 0); /* it is asked behind them */
	line_restart(l, line_stored(l));
	gives_program(l, list);
	asked = bytes_str(l->r->help_data);
	assert_int_equal(l->r->help_count, 1);
	assert_true(rig_has(asked, "{\"url\":\"wss://a.test/x\",\"body\":{\"type\":"
				   "\"flow.resumed\",\"call\":"));
	assert_true(rig_has(asked, "\"step\":\"1\",\"visit\":1,\"outcome\":\"next\""));
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_int_equal(l->r->help_count, 2);
	assert_true(rig_has(bytes_str(l->r->help_data), "{\"leave\":true,\"call\":\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(test_http),
		LINE_TEST(test_http_fails),
		LINE_TEST(test_http_without_answer),
		LINE_TEST(test_http_program),
		LINE_TEST(test_http_program_is_gone),
		LINE_TEST(test_http_program_fails),
		LINE_TEST(test_http_program_has_no_url),
		LINE_TEST(test_http_program_fails_restarted),
		LINE_TEST(test_http_restart),
		LINE_TEST(test_http_linked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
