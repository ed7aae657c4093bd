/* SPDX-License-Identifier: Apache-2.0 */
/* A flow has the caller's side call somebody else: REFER in its dialog, and the NOTIFYs that say what became of it. */
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/flows.h"

#define REFER(to)                                                                          \
	"{\"name\":\"main\",\"start\":\"go\",\"steps\":{"                                  \
	"\"go\":{\"refer\":{\"to\":\"" to "\",\"timeout_s\":30},\"rejected\":\"refused\"," \
	"\"timeout\":\"late\",\"failed\":\"no\"},"                                         \
	"\"refused\":{\"play\":[\"refused\"]},\"late\":{\"play\":[\"late\"]},"             \
	"\"no\":{\"play\":[\"no\"]}}}"
#define TRYING "SIP/2.0 100 Trying\r\n"

static struct bytes referred(struct line *l, const char *to)
{
	struct bytes m;

	is_answered(l);
	m = rig_take(l->r, &l->a.addr, "REFER ");
	assert_true(m.n);
	assert_true(bytes_is(rig_header(m, "Refer-To"), to));
	assert_true(bytes_is(rig_header(m, "Referred-By"), "<sip:700@test.local>"));
	assert_true(rig_header(m, "Contact").n);
	return m;
}

static struct bytes refer(struct line *l)
{
	call_flow(l, REFER("+4930123#"));
	return referred(l, "<sip:+4930123%23@test.local>");
}

static void notify(struct line *l, const char *state, const char *body)
{
	char lines[256];

	(void)snprintf(lines, sizeof(lines),
		       "Event: refer\r\nSubscription-State: %s\r\nContent-Type: "
		       "message/sipfrag;version=2.0\r\n",
		       state);
	phone_request(&l->a, "NOTIFY", lines, body);
	rig_run(l->r);
}

static void test_next(void **state)
{
	struct line *l = *state;

	phone_answer(&l->a, refer(l), "202 Accepted", "");
	rig_run(l->r);
	notify(l, "active;expires=60", TRYING);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 0);
	notify(l, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_answer(&l->a, rig_take(l->r, &l->a.addr, "BYE "), "200 OK", "");
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 0);
}

static void test_outcomes(void **state)
{
	static const struct {
		const char *answer, *state, *body, *plays;
	} set[] = {
		{ "202 Accepted", "terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n",
		  "prompt:refused" },
		{ "202 Accepted", "terminated;reason=rejected", TRYING, "prompt:refused" },
		{ "405 Method Not Allowed", NULL, NULL, "prompt:no" },
		{ "501 Not Implemented", NULL, NULL, "prompt:no" },
		{ "603 Decline", NULL, NULL, "prompt:no" },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(set); i++) {
		phone_answer(&l->a, refer(l), set[i].answer, "");
		rig_run(l->r);
		if (set[i].body) {
			notify(l, set[i].state, set[i].body);
			(void)phone_hears(&l->a, "SIP/2.0 200");
		}
		assert_true(plays(l, set[i].plays));
		phone_request(&l->a, "BYE", "", "");
		rig_run(l->r);
		(void)phone_hears(&l->a, "SIP/2.0 200");
	}
}

/* The far side says once that it has taken it, and no more; or makes no subscription (RFC 4488). */
static void test_says_no_more(void **state)
{
	struct line *l = *state;

	phone_answer(&l->a, refer(l), "202 Accepted", "");
	rig_run(l->r);
	notify(l, "terminated;reason=noresource", TRYING);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_answer(&l->a, rig_take(l->r, &l->a.addr, "BYE "), "200 OK", "");
	rig_run(l->r);
	phone_answer_as(&l->a, refer(l), l->a.tag, "200 OK", "Refer-Sub: false\r\n", "");
	rig_run(l->r);
	assert_true(rig_take(l->r, &l->a.addr, "BYE ").n);
}

static void test_late(void **state)
{
	struct line *l = *state;

	phone_answer(&l->a, refer(l), "202 Accepted", "");
	rig_wait_ms(l->r, 29000);
	assert_int_equal(l->r->play_count, 0);
	rig_wait_ms(l->r, 1500);
	assert_true(plays(l, "prompt:late"));
	notify(l, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
	(void)phone_hears(&l->a, "SIP/2.0 481");
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 0);
}

/* The REFER leaves when its number is saved, the 200 when its outcome is; each process says the same REFER. */
static void test_saved_before_said(void **state)
{
	struct line *l = *state;
	char branch[128];
	uint32_t answers;
	struct bytes m;

	call_flow(l, REFER("+4930123#"));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	l->r->hold_saves = true;
	phone_ack(&l->a);
	rig_run(l->r);
	assert_int_equal(rig_count(l->r, &l->a.addr, "REFER "), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	m = rig_take(l->r, &l->a.addr, "REFER ");
	phone_copy(branch, sizeof(branch), rig_header(m, "Via"));
	line_restart(l, line_stored(l));
	put_program(l->r, "", REFER("+4930123#"));
	m = rig_take(l->r, &l->a.addr, "REFER ");
	assert_true(bytes_is(rig_header(m, "Via"), branch));
	assert_true(bytes_is(rig_header(m, "Refer-To"), "<sip:+4930123%23@test.local>"));
	phone_answer(&l->a, m, "202 Accepted", "");
	rig_run(l->r);
	rig_wait_ms(l->r, 1000);
	line_restart(l, line_stored(l));
	put_program(l->r, "", REFER("+4930123#"));
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = first_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	rig_run(l->r);
	assert_int_equal(rig_count(l->r, &l->a.addr, "REFER "), 2);
	l->r->hold_saves = true;
	answers = rig_count(l->r, &l->a.addr, "SIP/2.0 200");
	notify(l, "terminated;reason=noresource", "SIP/2.0 603 Decline\r\n");
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), answers);
	l->r->hold_saves = false;
	rig_run(l->r);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	assert_true(plays(l, "prompt:refused"));
}

/* The answer to its last NOTIFY was lost with a process: the next one says the same. */
static void test_notified_again(void **state)
{
	struct line *l = *state;

	phone_answer(&l->a, refer(l), "202 Accepted", "");
	rig_run(l->r);
	notify(l, "terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n");
	(void)phone_hears(&l->a, "SIP/2.0 200");
	line_restart(l, line_stored(l));
	l->a.cseq--;
	notify(l, "terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n");
	(void)phone_hears(&l->a, "SIP/2.0 200");
}

static void test_whom(void **state)
{
	static const char words[] =
		"{\"name\":\"main\",\"start\":\"set\",\"steps\":{"
		"\"set\":{\"set\":{\"x\":\"sip:bob@b.test\"},\"next\":\"go\"},"
		"\"go\":{\"refer\":\"{x}\",\"failed\":\"no\"},\"no\":{\"play\":[\"no\"]}}}";
	struct line *l = *state;

	call_flow(l, REFER("sip:bob@b.test;transport=tcp"));
	phone_answer(&l->a, referred(l, "<sip:bob@b.test;transport=tcp>"), "405 No", "");
	rig_run(l->r);
	assert_true(plays(l, "prompt:no"));
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	call_flow(l, words); /* a URI that is not the program's */
	is_answered(l);
	assert_true(plays(l, "prompt:no"));
	assert_int_equal(rig_count(l->r, &l->a.addr, "REFER "), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(test_next),
		LINE_TEST(test_outcomes),
		LINE_TEST(test_says_no_more),
		LINE_TEST(test_late),
		LINE_TEST(test_saved_before_said),
		LINE_TEST(test_notified_again),
		LINE_TEST(test_whom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
