/* SPDX-License-Identifier: Apache-2.0 */
/* A flow asks a mailbox: what of it follows, that nobody answers, and who asks again. */
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/application.h"
#include "tests/unit/sig/flows.h"

#define ASKS(what)                                                                      \
	"{\"name\":\"main\",\"start\":\"ask\",\"steps\":{"                              \
	"\"ask\":{\"message\":" what ",\"next\":\"which\",\"none\":\"none\","           \
	"\"full\":\"full\",\"failed\":\"no\"},"                                         \
	"\"which\":{\"match\":\"{new} {old} {urgent}\",\"on\":{\"3 2 1\":\"bye\"},"     \
	"\"else\":\"no\"},\"bye\":{\"play\":[\"bye\"]},\"none\":{\"play\":[\"none\"]}," \
	"\"full\":{\"play\":[\"full\"]},\"no\":{\"reject\":{\"status\":486}}}}"
#define COUNT    "{\"do\":\"count\",\"box\":\"1002\"}"
#define DO(what) "{\"do\":\"" what "\",\"box\":\"1002\",\"message\":\"000agvj5jqr40-1\"}"

static void answers(struct line *l, enum box_result result, bool full)
{
	rig_reply(l->r, (struct reply){ .ask = ASK_BOX,
					.of = application_call(l->r),
					.box = { .serial = l->r->box.serial,
						 .result = result,
						 .full = full,
						 .counts = { 9, 3, 2, 1, 0, 0 } } });
	rig_run(l->r);
}

static void test_count(void **state)
{
	struct line *l = *state;

	call_flow(l, ASKS(COUNT));
	assert_int_equal(l->r->box.count, 1);
	assert_string_equal(l->r->box.tenant, "default");
	assert_string_equal(l->r->box.box, "1002");
	assert_int_equal(l->r->box.order.act, BOX_LOOK);
	assert_string_equal(l->r->box.by, ""); /* nobody has logged in */
	answers(l, BOX_OK, false);
	is_answered(l);
	assert_true(plays(l, "prompt:bye"));
	answers(l, BOX_UNKNOWN, false); /* nobody waits any more */
	assert_true(plays(l, "prompt:bye"));
}

/* Its owner hears what lies there, also where there is no room for more. */
static void test_full(void **state)
{
	struct line *l = *state;

	call_flow(l, "{\"name\":\"main\",\"start\":\"ask\",\"steps\":{"
		     "\"ask\":{\"message\":" COUNT ",\"next\":\"no\",\"none\":\"no\","
		     "\"full\":\"which\",\"failed\":\"no\"},"
		     "\"which\":{\"match\":\"{new} {old} {urgent}\",\"on\":{\"3 2 1\":\"full\"},"
		     "\"else\":\"no\"},"
		     "\"full\":{\"play\":[\"full\"]},\"no\":{\"play\":[\"no\"]}}}");
	answers(l, BOX_OK, true);
	is_answered(l);
	assert_true(plays(l, "prompt:full"));
}

/* What each word asks, and how the answer is followed. */
static void test_words(void **state)
{
	static const struct {
		const char *name, *flow;
		struct box_order want;
		enum box_result result;
		bool full;
		const char *plays;
	} rows[] = {
		{ "send", ASKS(DO("send")), { .act = BOX_SEND }, BOX_OK, false, "prompt:bye" },
		{ "send: none", ASKS(DO("send")), { .act = BOX_SEND }, BOX_NONE, false, "prompt:none" },
		{ "drop", ASKS(DO("drop")), { .act = BOX_DROP }, BOX_OK, false, "prompt:bye" },
		{ "urgent", ASKS(DO("urgent")), { .act = BOX_SET, .what = BOX_URGENT, .urgent = true },
		  BOX_OK, false, "prompt:bye" },
		{ "normal", ASKS(DO("normal")), { .act = BOX_SET, .what = BOX_URGENT }, BOX_OK, false,
		  "prompt:bye" },
		{ "private", ASKS(DO("private")),
		  { .act = BOX_SET, .what = BOX_PRIVATE, .is_private = true }, BOX_OK, false,
		  "prompt:bye" },
		{ "full", ASKS(COUNT), { .act = BOX_LOOK }, BOX_OK, true, "prompt:full" },
	}, *row;
	struct line *l = *state;

	EACH_ROW(row, rows)
	{
		const struct box_order *o = &l->r->box.order;

		call_flow(l, row->flow);
		ROW_ASSERT(row->name,
			   o->act == row->want.act && o->what == row->want.what &&
				   o->urgent == row->want.urgent &&
				   o->is_private == row->want.is_private &&
				   (o->act == BOX_LOOK || (!strcmp(o->id, "000agvj5jqr40-1") &&
							   o->wait_ms == BOX_DEPOSIT_MS)));
		answers(l, row->result, row->full);
		is_answered(l);
		ROW_ASSERT(row->name, plays(l, row->plays));
		phone_request(&l->a, "BYE", "", "");
		rig_run(l->r);
		line_assert_idle(l->r);
		line_teardown(state);
		line_setup(state);
		l = *state;
	}
}

static void fails(struct line *l, const char *flow, bool in_time)
{
	call_flow(l, flow);
	if (in_time)
		answers(l, BOX_UNKNOWN, false);
	else
		rig_wait_ms(l->r, BOX_DEPOSIT_MS + 6000);
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	phone_ack(&l->a);
	rig_run(l->r);
	line_assert_idle(l->r);
}

static void test_unknown(void **state)
{
	fails(*state, ASKS(DO("send")), true);
}

static void test_silent(void **state)
{
	fails(*state, ASKS(DO("send")), false);
}

/* What was put in for its name is empty. */
static void test_no_message(void **state)
{
	struct line *l = *state;

	call_flow(l, ASKS("{\"do\":\"send\",\"box\":\"1002\",\"message\":\"{recording}\"}"));
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	assert_int_equal(l->r->box.count, 0);
}

/* Whoever goes on with the call asks again. */
static void test_restart(void **state)
{
	struct line *l = *state;

	call_flow(l, ASKS(DO("send")));
	line_restart(l, line_stored(l));
	put_program(l->r, "", ASKS(DO("send")));
	rig_run(l->r);
	if (l->r->program_count)
		rig_reply(l->r,
			  (struct reply){ .ask = ASK_PROGRAM,
					  .of = application_call(l->r),
					  .program = { .serial = l->r->program, .found = true } });
	rig_run(l->r);
	assert_int_equal(l->r->box.count, 2);
	answers(l, BOX_OK, false);
	is_answered(l);
	assert_true(plays(l, "prompt:bye"));
}

/* RFC 3323: a message has neither name nor number of who hides; a recording of a flow that lies in no mailbox has the number. */
static void leaves_message(void **state, const char *mailbox, const char *header, const char *from,
			   bool named)
{
	char flow[128];
	struct line *l;

	line_teardown(state);
	line_setup(state);
	l = *state;
	(void)snprintf(flow, sizeof(flow), "[{\"record\":{\"beep\":false%s}},{\"hangup\":{}}]",
		       mailbox);
	put_flow(l->r, flow);
	phone_begin(&l->a, "700");
	phone_request(&l->a, "INVITE", header, PHONE_SDP_A);
	is_answered(l);
	assert_int_equal(l->r->record_count, 1);
	assert_true(strstr(l->r->records[0].facts, from));
	assert_int_equal(strstr(l->r->records[0].facts, "1001") != NULL, named);
	assert_int_equal(strstr(l->r->records[0].facts, "\"from_name\":\"Phone\"") != NULL,
			 !header[0]);
}

static void test_hidden(void **state)
{
#define MAILBOX ",\"mailbox\":\"1002\""
	leaves_message(state, MAILBOX, "", "\"from\":\"1001\"", true);
	leaves_message(state, MAILBOX, "Privacy: id\r\n", "\"from\":\"anonymous\"", false);
	leaves_message(state, "", "Privacy: id\r\n", "\"from\":\"1001\"", true);
#undef MAILBOX
}

/* What a user says at the own phone goes before a message once he has pressed #, and only then. */
#define INTRODUCES                                                                        \
	"{\"name\":\"main\",\"start\":\"in\",\"steps\":{"                                 \
	"\"in\":{\"login\":{\"box\":\"1001\"},\"next\":\"say\"},"                         \
	"\"say\":{\"record\":{\"mailbox\":\"1001\",\"beep\":false,\"into\":\"before\"},"  \
	"\"none\":\"no\",\"timeout\":\"no\",\"failed\":\"no\",\"next\":\"send\"},"        \
	"\"send\":{\"message\":{\"do\":\"forward\",\"box\":\"1001\",\"message\":\"m-1\"," \
	"\"to\":\"1002\",\"introduction\":\"{before}\"},\"next\":\"sent\"},"              \
	"\"sent\":{\"play\":[\"sent\"]},\"no\":{\"play\":[\"no\"]}}}"

static void recorder_says(struct line *l, enum record_reply_kind kind, uint32_t ms)
{
	rig_reply(l->r, (struct reply){ .ask = ASK_RECORD,
					.of = first_call(l->r),
					.record = { .kind = kind, .number = 1, .ms = ms } });
	rig_run(l->r);
}

static struct line *speaks(void **state)
{
	struct line *l;

	line_teardown(state);
	line_setup(state);
	l = *state;
	call_flow(l, INTRODUCES);
	is_answered(l);
	assert_int_equal(l->r->record_count, 1);
	recorder_says(l, RECORD_REPLY_GROWN, 2000);
	return l;
}

static void hangs_up(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
}

static bool forwards(const struct line *l, bool last)
{
	return l->r->help_count && strstr(l->r->help_data, "message.forward") &&
	       strstr(l->r->help_data, "\"introduction\":\"") &&
	       (strstr(l->r->help_data, "\"drop\":true") != NULL) == last;
}

static void test_introduction(void **state)
{
	struct line *l = speaks(state);

	press(l, '#');
	recorder_says(l, RECORD_REPLY_ENDED, 3000);
	assert_true(forwards(l, false));
	hangs_up(l); /* it is asked once more, and the draft is dropped behind it */
	assert_true(forwards(l, true));
	assert_int_equal(l->r->box.count, 0);

	l = speaks(state);
	recorder_says(l, RECORD_REPLY_QUIET, 0);
	recorder_says(l, RECORD_REPLY_ENDED, 3000);
	assert_true(plays(l, "prompt:no"));
	assert_int_equal(l->r->help_count, 0);
}

static void test_introduction_and_hung_up(void **state)
{
	struct line *l = speaks(state);

	hangs_up(l);
	assert_int_equal(l->r->help_count, 0);
	assert_int_equal(l->r->box.order.act, BOX_DROP);

	l = speaks(state);
	recorder_says(l, RECORD_REPLY_QUIET, 0); /* its file is not there yet */
	hangs_up(l);
	assert_int_equal(l->r->help_count, 0);
	assert_int_equal(l->r->box.order.act, BOX_DROP);

	l = speaks(state);
	press(l, '#');
	hangs_up(l);
	assert_true(forwards(l, true));
	assert_int_equal(l->r->box.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(test_count),        LINE_TEST(test_full),
		LINE_TEST(test_words),        LINE_TEST(test_unknown),
		LINE_TEST(test_silent),       LINE_TEST(test_no_message),
		LINE_TEST(test_restart),      LINE_TEST(test_hidden),
		LINE_TEST(test_introduction), LINE_TEST(test_introduction_and_hung_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
