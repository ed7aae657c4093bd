/* SPDX-License-Identifier: Apache-2.0 */
/* A caller in a flow: what is carried out, when, and where another process goes on. */
#include "sig/host/groups.h"
#include "tests/unit/sig/application.h"
#include "tests/unit/sig/flows.h"

#define MENU                                                                                \
	"{\"name\":\"main\",\"start\":\"hello\",\"steps\":{"                                \
	"\"hello\":{\"set\":{\"who\":\"{caller}\"},\"next\":\"menu\"},"                     \
	"\"menu\":{\"gather\":{\"prompt\":[\"menu\"],\"max\":1,\"first_s\":5,\"tries\":2}," \
	"\"on\":{\"1\":\"desk\",\"2\":\"bye\"},\"invalid\":\"bye\",\"timeout\":\"bye\"},"   \
	"\"desk\":{\"dial\":\"1002\",\"busy\":\"bye\",\"next\":\"bye\"},"                   \
	"\"bye\":{\"play\":[\"bye\"],\"next\":\"end\"},"                                    \
	"\"end\":{\"hangup\":{\"reason\":\"nobody \\\"here\\\"\"}}}}"

static void test_menu(void **state)
{
	struct line *l = *state;
	struct bytes bye;

	call_flow(l, MENU);
	assert_int_equal(l->r->play_count, 0); /* it is answered before */
	is_answered(l);
	assert_true(plays(l, "prompt:menu"));
	played(l, PROMPT_REPLY_OPEN);
	press(l, '7');
	assert_int_equal(l->r->play_count, 2); /* asked once more */
	press(l, '2');
	assert_true(plays(l, "prompt:bye"));
	played(l, PROMPT_REPLY_OPEN);
	played(l, PROMPT_REPLY_ENDED);
	bye = rig_take(l->r, &l->a.addr, "BYE ");
	assert_true(rig_has(bye, "Reason: Q.850;cause=16;text=\"nobody \\\"here\\\"\""));
	phone_answer(&l->a, bye, "200 OK", "");
	flow_gone(l, "hello,menu,invalid,menu,2,bye");
}

/* Who is asked in vain twice; the second time nothing is pressed. */
static void test_timeout(void **state)
{
	struct line *l = *state;

	call_flow(l, MENU);
	is_answered(l);
	played(l, PROMPT_REPLY_ENDED);
	rig_wait_ms(l->r, 5100);
	assert_int_equal(l->r->play_count, 2);
	played(l, PROMPT_REPLY_ENDED);
	rig_wait_ms(l->r, 5100);
	assert_true(plays(l, "prompt:bye"));
	played(l, PROMPT_REPLY_FAILED);
	flow_hung_up(l);
	flow_gone(l, "hello,menu,timeout,menu,timeout,bye,failed");
}

static void test_dial(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_flow(l, MENU);
	is_answered(l);
	press(l, '1');
	m = phone_rings(&l->b);
	assert_true(m.n);
	phone_answer(&l->b, m, "486 Busy Here", "");
	rig_run(l->r);
	assert_true(plays(l, "prompt:bye"));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	line_assert_idle(l->r);
	assert_string_equal(l->r->cdrs[l->r->cdr_count - 1].facts.path,
			    "hello,menu,1,desk,busy,bye");
}

#define GROUP(how, more)                                                                   \
	"{\"name\":\"main\",\"start\":\"desk\",\"steps\":{"                                \
	"\"desk\":{\"dial\":{\"to\":[\"1009\",\"1002\"],\"how\":\"" how "\",\"rings\":2}," \
	"\"busy\":\"no\",\"no_answer\":\"no\",\"next\":\"no\"" more "},"                   \
	"\"no\":{\"reject\":{\"status\":480,\"reason\":\"Nobody\"}}}}"

/* The caller is answered by whom the flow has called, and nobody else. */
static void test_dial_first(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_flow(l, GROUP("in_turn", ""));
	m = phone_rings(&l->b);
	assert_true(m.n);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), 0);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	is_answered(l);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	line_assert_idle(l->r);
	assert_int_equal(l->r->cdrs[0].sip_status, 200);
	assert_string_equal(l->r->cdrs[0].facts.flow, "main");
}

/* One step that dials; the other one ends the call. */
#define DIALS(to, how)                                                         \
	"{\"name\":\"main\",\"start\":\"a\",\"steps\":{"                       \
	"\"a\":{\"dial\":{\"to\":" to ",\"how\":\"" how "\"},\"next\":\"b\"}," \
	"\"b\":{\"reject\":{\"status\":486}}}}"

/* Who was dialled hangs up: the caller stays, and the flow goes on, where the dial has a next. */
#define UP                                                                                \
	"{\"name\":\"main\",\"start\":\"up\",\"steps\":{"                                 \
	"\"up\":{\"answer\":{},\"next\":\"b\"},\"b\":{\"dial\":\"1002\",\"next\":\"c\"}," \
	"\"c\":{\"match\":\"{called}\",\"on\":{\"700\":\"d\"},\"else\":\"e\"},"           \
	"\"d\":{\"play\":[\"rate\"]},\"e\":{\"hangup\":{}}}}"

static void speak(struct line *l, const char *flow)
{
	struct bytes m;

	call_flow(l, flow);
	if (strstr(flow, "answer"))
		is_answered(l);
	m = phone_rings(&l->b);
	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	rig_run(l->r);
	if (!strstr(flow, "answer"))
		is_answered(l);
	m = rig_take(l->r, &l->a.addr, "INVITE "); /* one that is up hears whom it speaks with */
	if (m.n)
		phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void b_hangs_up(struct line *l)
{
	phone_request(&l->b, "BYE", "", "");
	rig_run(l->r);
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
}

static void rates(struct line *l)
{
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 0);
	assert_true(plays(l, "prompt:rate"));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	line_assert_idle(l->r);
	assert_string_equal(l->r->cdrs[l->r->cdr_count - 1].to, "700");
}

static void test_goes_on(void **state)
{
	struct line *l = *state;

	speak(l, DIALS("\"1002\"", "in_turn"));
	b_hangs_up(l);
	flow_hung_up(l);
	line_assert_idle(l->r);
	assert_int_equal(l->r->cdr_count, 2);
	assert_string_equal(l->r->cdrs[0].facts.path, "a");
}

static void test_goes_on_up(void **state)
{
	struct line *l = *state;

	speak(l, UP);
	b_hangs_up(l);
	rates(l);
}

static void test_goes_on_restarted(void **state)
{
	struct line *l = *state;

	speak(l, UP);
	line_restart(l, line_stored(l));
	put_program(l->r, "", UP);
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = application_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	b_hangs_up(l);
	rates(l);
}

/* Without one the call ends, and so it does with the caller. */
static void test_goes_on_nowhere(void **state)
{
	struct line *l = *state;

	speak(l, "{\"name\":\"main\",\"start\":\"a\",\"steps\":{\"a\":{\"dial\":\"1002\"}}}");
	b_hangs_up(l);
	flow_hung_up(l);
	line_assert_idle(l->r);
	speak(l, UP);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	line_assert_idle(l->r);
}

static void test_nobody_answers(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_flow(l, GROUP("together", ""));
	m = phone_rings(&l->b);
	assert_true(m.n);
	phone_answer(&l->b, m, "180 Ringing", "");
	rig_wait_ms(l->r, 9000);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 480"), 0);
	rig_wait_ms(l->r, 1500);
	assert_true(rig_take(l->r, &l->b.addr, "CANCEL ").n);
	assert_true(phone_hears(&l->a, "SIP/2.0 480 Nobody").n);
}

/* Whatever was saved last, the next process goes on there. */
static void test_restart(void **state)
{
	struct line *l = *state;
	const struct rig_save *s;

	call_flow(l, MENU);
	is_answered(l);
	played(l, PROMPT_REPLY_OPEN);
	s = rig_stored(l->r);
	line_restart(l, text_bytes(&s->record));
	/* the prompt goes on without the program, which is asked for meanwhile */
	assert_true(plays(l, "prompt:menu"));
	assert_int_equal(l->r->program_count, 1);
	put_program(l->r, "", MENU);
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = application_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	press(l, '2');
	assert_true(plays(l, "prompt:bye"));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	flow_gone(l, "hello,menu,2,bye");
}

/* Its outcome waits for the program; that comes, or the call ends. */
static void outcome_waits(struct line *l, bool comes)
{
	call_flow(l, MENU);
	is_answered(l);
	line_restart(l, line_stored(l));
	press(l, '2');
	assert_true(plays(l, "prompt:menu"));
	if (comes)
		put_program(l->r, "", MENU);
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = application_call(l->r),
					.program = { .serial = l->r->program, .found = comes } });
	rig_run(l->r);
}

static void test_program_comes(void **state)
{
	struct line *l = *state;

	outcome_waits(l, true);
	assert_true(plays(l, "prompt:bye"));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	flow_gone(l, "hello,menu,2,bye");
}

static void test_program_is_gone(void **state)
{
	struct line *l = *state;

	outcome_waits(l, false);
	flow_hung_up(l);
	flow_gone(l, "hello");
}

#define TAGS                                                                                      \
	"[{\"tag\":{\"A.a\":\"1;B.b=2\"}},{\"tag\":{\"A.b\":\"x\"}},{\"tag\":{\"A.c\":\"3=4\"}}," \
	"{\"tag\":{\"A.b\":\"\",\"A.d\":\"M\u00fcller, Anna\"}},{\"play\":[\"p\"]}]"

/* Words are as good as digits, over a kill, too; and nobody sets another tag by what a tag is set to. */
static void test_tags(void **state)
{
	struct line *l = *state;

	call_flow(l, TAGS);
	is_answered(l);
	line_restart(l, line_stored(l));
	put_program(l->r, "", TAGS);
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = application_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	line_assert_idle(l->r);
	assert_string_equal(l->r->cdrs[0].facts.data, "A.c=3=4;A.d=M\u00fcller, Anna");
}

/* Those that the node lets pass, and what users tell each other; nobody else's. */
static void test_headers(void **state)
{
	struct line *l = *state;

	l->r->settings.extra = (struct identity_extra){ .count = 1, .names = { "X-Cust*" } };
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	phone_bind(&l->a);
	put_flow(l->r, "[{\"tag\":{\"A.a\":\"{header.x-customer}\",\"A.b\":\"{header.X-Other}\","
		       "\"A.c\":\"{header.User-to-User}\",\"A.d\":\"{header.X-Customer-8}\","
		       "\"A.e\":\"{header.Privacy}\"}},{\"play\":[\"p\"]}]");
	phone_begin(&l->a, "700");
	phone_request(&l->a, "INVITE",
		      "X-Customer: 77\r\nX-Other: 5\r\nUser-to-User: 0041;encoding=hex\r\n"
		      "X-Customer-8: \xff\r\nPrivacy: id\r\n",
		      PHONE_SDP_A);
	rig_run(l->r);
	is_answered(l);
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	line_assert_idle(l->r);
	assert_string_equal(l->r->cdrs[0].facts.data, "A.a=77;A.c=0041");
}

#define CLOCK "[{\"play\":[\"at-{time.minute}\"]},{\"play\":[\"at-{time.minute}\"]}]"

/* A verb knows the time at which it was reached, also in the next process. */
static void test_time(void **state)
{
	struct line *l = *state;
	uint64_t second = l->r->now.utc_ms / 1000 % 60;
	char prompt[32];

	rig_wait_ms(l->r, (115 - second) * 1000);
	(void)snprintf(prompt, sizeof(prompt), "prompt:at-%02d",
		       (int)(l->r->now.utc_ms / 60000 % 60));
	call_flow(l, CLOCK);
	line_restart(l, line_stored(l));
	put_program(l->r, "", CLOCK);
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = application_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	rig_wait_ms(l->r, 10000);
	is_answered(l);
	assert_true(plays(l, prompt));
	played(l, PROMPT_REPLY_ENDED);
	assert_false(plays(l, prompt));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	line_assert_idle(l->r);
}

#define PRESENT "{\"play\":[\"is-{presence.1002}-{presence.called}{presence.1999}x\"]}"

/* A flow knows what is said of a user: a state of the tenant's own, too, and do not disturb before it; of nobody it knows nothing. */
static void test_presence(void **state)
{
	struct line *l = *state;
	struct presence p = { .words[0] = { .state = "gym", .set_utc_ms = 1 } };
	struct shard_forward quiet = { .do_not_disturb = true };
	const struct shard_forward away = { .always = "700" };

	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002", &away), 0);
	assert_int_equal(shard_presence_set(l->r->shard, TENANT_DEFAULT, "1002", &p), 0);
	put_flow(l->r, "[" PRESENT "," PRESENT "]");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	rig_run(l->r);
	is_answered(l);
	assert_true(plays(l, "prompt:is-gym-gymx"));
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002", &quiet), 0);
	played(l, PROMPT_REPLY_ENDED);
	assert_true(plays(l, "prompt:is-do_not_disturb-do_not_disturbx"));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	line_assert_idle(l->r);
}

static void put_group(struct rig *r, const char *members, const char *out)
{
	struct ring_group g = { .tenant = TENANT_DEFAULT,
				.name = "sales",
				.how = 1,
				.ring_s = 9,
				.prefix = "Sales",
				.show_called = true,
				.auto_answer = AUTO_ANSWER_PLAIN };

	assert_null(group_members_parse(&g, bytes_str(members)));
	assert_int_equal(groups_put(r->shard->shared_tables->groups, &g), 0);
	assert_int_equal(groups_out_put(r->shard->shared_tables->groups, TENANT_DEFAULT,
					bytes_str("1003"), bytes_str(out)),
			 0);
}

/* By who is logged in when it begins, with the group's own times and the name that members see. */
static void test_group(void **state)
{
	static const char text[] = "[{\"dial\":\"group:sales\"},{\"play\":[\"p\"]}]";
	struct line *l = *state;
	struct bytes invite;

	put_group(l->r, "1003,1002", "sales");
	call_flow(l, text);
	invite = phone_rings(&l->b);
	assert_true(rig_has(invite, "From: \"Sales 700"));
	assert_true(rig_has(invite, "info=auto-answer\r\nAnswer-Mode: Auto\r\n"));
	phone_answer(&l->b, invite, "180 Ringing", "");
	line_restart(l, line_stored(l));
	put_group(l->r, "1003", "");
	put_program(l->r, "", text);
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = application_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	rig_wait_ms(l->r, 9100);
	invite = rig_take(l->r, &l->b.addr, "CANCEL ");
	assert_true(invite.n); /* nobody else rings: 1003 was logged out then */
	is_answered(l);
	assert_true(plays(l, "prompt:p"));
	played(l, PROMPT_REPLY_ENDED);
	flow_hung_up(l);
	rig_wait_ms(l->r, 70000);
	assert_string_equal(l->r->cdrs[0].facts.group, "sales");
}

static void test_group_of_nobody(void **state)
{
	struct line *l = *state;

	put_group(l->r, "1003", "*");
	call_flow(l, "{\"start\":\"a\",\"steps\":{\"a\":{\"dial\":[\"group:sales\",\"group:none\"],"
		     "\"busy\":\"b\",\"no_answer\":\"b\",\"failed\":\"c\"},"
		     "\"b\":{\"reject\":{\"status\":486}},\"c\":{\"reject\":{\"status\":480}}}}");
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
}

#define SECRETS                                                                                  \
	"{\"name\":\"main\",\"start\":\"pin\",\"steps\":{"                                       \
	"\"pin\":{\"gather\":{\"min\":4,\"max\":4,\"secret\":true,\"into\":\"pin\"},"            \
	"\"on\":{\"1234\":\"wait\"},\"invalid\":\"no\",\"timeout\":\"no\"},"                     \
	"\"wait\":{\"pause\":2,\"next\":\"send\"},"                                              \
	"\"send\":{\"dtmf\":{\"digits\":\"5#\"},\"next\":\"tags\"},"                             \
	"\"tags\":{\"tag\":{\"Case.No\":\"{called}\",\"account.code\":\"x7\"},\"next\":\"go\"}," \
	"\"go\":{\"redirect\":\"flow:other\",\"failed\":\"no\"},"                                \
	"\"no\":{\"hangup\":{}}}}"

#define SAYS                                                                                     \
	"{\"name\":\"main\",\"start\":\"pin\",\"steps\":{"                                       \
	"\"pin\":{\"gather\":{\"prompt\":[\"pin\"],\"say\":\"12.50 EUR\",\"say_as\":\"amount\"," \
	"\"max\":4,\"secret\":true},\"timeout\":\"pin\",\"next\":\"say\"},"                      \
	"\"say\":{\"say\":{\"text\":\"{digits}\",\"as\":\"number\",\"language\":\"de\","         \
	"\"stop_keys\":\"#\"},\"next\":\"day\"},"                                                \
	"\"day\":{\"say\":{\"text\":\"2027-02-30\",\"as\":\"date\"},\"failed\":\"text\"},"       \
	"\"text\":{\"say\":{\"text\":\"Auf: {{Wiedersehen}\",\"language\":\"de\","               \
	"\"voice\":\"slow\"},\"next\":\"bye\"},"                                                 \
	"\"bye\":{\"hangup\":{}}}}"

/* A flash (RFC 4733 table 7) is no digit, and ends nothing that is played. */
static void test_flash(void **state)
{
	struct line *l = *state;

	call_flow(l,
		  "[{\"gather\":{\"prompt\":[\"menu\"],\"max\":3}},{\"say\":{\"text\":\"{digits}\","
		  "\"as\":\"number\",\"stop_keys\":\"5\"}}]");
	is_answered(l);
	played(l, PROMPT_REPLY_OPEN);
	press(l, 'F');
	assert_int_equal(l->r->play_count, 1);
	press(l, '1');
	press(l, 'F');
	phone_request(&l->a, "INFO", "Content-Type: application/dtmf\r\n", "16");
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	press(l, '2');
	press(l, '3');
	assert_true(plays(l, "number:123"));
}

/* MED-04: until a key comes, and again behind the access code. */
static void test_dial_tone(void **state)
{
	struct line *l = *state;

	put_tones(l->r, true);
	call_flow(l, "[{\"gather\":{\"dial_tone\":\"9\",\"max\":3,\"barge_in\":false}},"
		     "{\"play\":[\"done\"]}]");
	is_answered(l);
	assert_hears(l, 70);
	press(l, '9');
	assert_hears(l, 70);
	press(l, '9');
	assert_hears(l, 0);
	press(l, '1');
	assert_true(plays(l, "prompt:done"));
}

/* A value is said by its words, which a player knows: here or in the next process. One of a secret is in no record that can be read. */
static void test_say(void **state)
{
	struct line *l = *state;

	call_flow(l, SAYS);
	is_answered(l);
	assert_true(plays(l, "prompt:pin"));
	played(l, PROMPT_REPLY_ENDED);
	assert_true(plays(l, "amount:12.50 EUR"));
	for (const char *c = "4321"; *c; c++)
		press(l, *c);
	assert_true(plays(l, "number:de:4321"));
	played(l, PROMPT_REPLY_OPEN);
	assert_null(memmem(line_stored(l).p, line_stored(l).n, "4321", 4));
	line_restart(l, line_stored(l));
	assert_true(plays(l, "number:de:4321"));
	put_program(l->r, "", SAYS);
	press(l, '1');
	press(l, '#');
	assert_true(plays(l, "text:de:slow:Auf: {Wiedersehen}"));
	played(l, PROMPT_REPLY_FAILED); /* no engine is there */
	flow_hung_up(l);
	flow_gone(l, "pin,say,day,failed,text,failed");
}

static void test_secrets(void **state)
{
	struct line *l = *state;
	const struct sig_event *e = NULL;

	put_program(l->r, "other",
		    "{\"name\":\"other\",\"start\":\"a\",\"steps\":{\"a\":{\"play\":[\"o\"]}}}");
	call_flow(l, SECRETS);
	is_answered(l);
	for (const char *c = "1234"; *c; c++)
		press(l, *c);
	assert_null(memmem(line_stored(l).p, line_stored(l).n, "1234", 4));
	rig_wait_ms(l->r, 1900);
	assert_int_equal(l->r->play_count, 0);
	rig_wait_ms(l->r, 200);
	assert_true(plays(l, "prompt:o"));
	for (uint32_t i = 0; i < l->r->event_count; i++)
		e = l->r->events[i].kind == SIG_CALL_FLOW ? &l->r->events[i] : e;
	assert_string_equal(event_str(e, EV_FACT_path), "pin,***,wait,send,tags,go,other");
	assert_string_equal(event_str(e, EV_FACT_account), "x7");
	assert_string_equal(event_str(e, EV_FACT_data), "Case.No=700");
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_idle(l->r);
	assert_string_equal(l->r->cdrs[0].facts.flow, "other");
}

/* Not before that is saved. */
static void test_saved_before(void **state)
{
	struct line *l = *state;

	call_flow(l, MENU);
	is_answered(l);
	l->r->hold_saves = true;
	press(l, '1');
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	press(l, '2');
	assert_true(plays(l, "prompt:menu"));
}

/* A prompt that has begun is worth a save only if it lasts, and who is dialled is in the save of the position. */
static void test_saves(void **state)
{
	struct line *l = *state;
	uint32_t before;

	l->r->settings.save_later_ms = SHARD_SAVE_LATER_MS;
	shard_configure(l->r->shard, &l->r->settings);
	call_flow(l, MENU);
	is_answered(l);
	rig_wait_ms(l->r, 2 * SHARD_SAVE_LATER_MS);
	before = l->r->save_count;
	played(l, PROMPT_REPLY_OPEN);
	rig_wait_ms(l->r, 400);
	assert_int_equal(l->r->save_count, before);
	rig_wait_ms(l->r, 200);
	assert_int_equal(l->r->save_count, before + 1);
	press(l, '1');
	assert_true(phone_rings(&l->b).n);
	assert_int_equal(l->r->save_count, before + 2);
}

static void test_run(void **state)
{
	struct line *l = *state;
	uint8_t hash[PROGRAM_HASH_LEN];
	struct call_order order = { .kind = ORDER_RUN, .program = hash, .to = BYTES_LIT("main") };
	const struct flow_program *p;

	application_set(l->r, "1004", (struct shard_forward){ 0 });
	application_rings(l, PHONE_SDP_A);
	memset(hash, 1, sizeof(hash));
	assert_int_equal(shard_call_order(l->r->shard, application_call(l->r), &order, l->r->now),
			 REFUSED_NOT_FOUND);
	put_program(l->r, "main", MENU);
	p = programs_named(l->r->shard->shared_tables->programs, BYTES_LIT("default"),
			   BYTES_LIT("main"));
	memcpy(hash, p->hash, sizeof(hash));
	assert_int_equal(shard_call_order(l->r->shard, application_call(l->r), &order, l->r->now),
			 0);
	rig_run(l->r);
	is_answered(l);
	assert_true(plays(l, "prompt:menu"));
	/* in its place from its beginning */
	press(l, '2');
	assert_true(plays(l, "prompt:bye"));
	assert_int_equal(shard_call_order(l->r->shard, application_call(l->r), &order, l->r->now),
			 0);
	rig_run(l->r);
	assert_true(plays(l, "prompt:menu"));
	/* one that is over at once leaves it where it is */
	put_program(
		l->r, "nothing",
		"{\"name\":\"nothing\",\"start\":\"a\",\"steps\":{\"a\":{\"set\":{\"x\":\"1\"}}}}");
	p = programs_named(l->r->shard->shared_tables->programs, BYTES_LIT("default"),
			   BYTES_LIT("nothing"));
	memcpy(hash, p->hash, sizeof(hash));
	assert_int_equal(shard_call_order(l->r->shard, application_call(l->r), &order, l->r->now),
			 REFUSED_NOT_FOUND);
	press(l, '2');
	assert_true(plays(l, "prompt:bye"));
}

/* A verb that is not carried out, a number without a flow, and a flow that is over before anybody hears of it. */
static void test_failed(void **state)
{
	struct line *l = *state;

	call_flow(l, "{\"name\":\"main\",\"start\":\"a\",\"steps\":{"
		     "\"a\":{\"redirect\":\"flow:none\",\"failed\":\"b\"},"
		     "\"b\":{\"reject\":{\"status\":486}}}}");
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	phone_write(&l->a, "ACK", "", "");
	flow_gone(l, "a,failed");
	programs_delete(l->r->shard->shared_tables->programs, BYTES_LIT("default"),
			BYTES_LIT("main"));
	phone_invite(&l->a, "700", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 404").n);
}

/* What Redis does not have is not asked for again at once. */
static void test_asked_seldom(void **state)
{
	struct line *l = *state;

	call_flow(l, MENU);
	is_answered(l);
	played(l, PROMPT_REPLY_OPEN);
	line_restart(l, line_stored(l));
	for (uint32_t i = 0; i < 3; i++)
		rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
						.of = application_call(l->r),
						.program = { .serial = l->r->program } });
	assert_int_equal(l->r->program_count, 1);
	rig_wait_ms(l->r, 5100);
	assert_int_equal(l->r->program_count, 2);
}

/* One that is not there is no fault where another one may be, or where the flow says how it goes on. */
static void test_first_prompt(void **state)
{
	static const struct {
		const char *name, *branch;
		bool spared;
	} rows[] = {
		{ "with a branch", ",\"failed\":\"bye\"", true },
		{ "with the next step", ",\"next\":\"bye\"", true },
		{ "with none", "", false },
	}, *row;
	struct line *l = *state;
	char flow[512];

	EACH_ROW(row, rows)
	{
		(void)snprintf(
			flow, sizeof(flow),
			"{\"name\":\"main\",\"start\":\"play\",\"steps\":{\"play\":{\"play\":{"
			"\"prompt\":[\"one\",\"two\"],\"first\":true,\"stop_keys\":\"1\"},"
			"\"on\":{\"1\":\"bye\"}%s},\"bye\":{\"play\":[\"bye\"]}}}",
			row->branch);
		call_flow(l, flow);
		is_answered(l);
		ROW_ASSERT(row->name, plays(l, "prompt:one") && l->r->play_spared);
		played(l, PROMPT_REPLY_FAILED);
		ROW_ASSERT(row->name, plays(l, "prompt:two") && l->r->play_spared == row->spared);
		played(l, PROMPT_REPLY_FAILED);
		ROW_ASSERT(row->name, plays(l, "prompt:bye") == row->spared);
		ROW_ASSERT(row->name, !row->spared || !l->r->play_spared);
		if (row->spared)
			played(l, PROMPT_REPLY_ENDED);
		flow_hung_up(l);
		rig_run(l->r);
		line_teardown(state);
		line_setup(state);
		l = *state;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(test_menu),
		LINE_TEST(test_first_prompt),
		LINE_TEST(test_timeout),
		LINE_TEST(test_dial),
		LINE_TEST(test_dial_first),
		LINE_TEST(test_goes_on),
		LINE_TEST(test_goes_on_up),
		LINE_TEST(test_goes_on_restarted),
		LINE_TEST(test_goes_on_nowhere),
		LINE_TEST(test_nobody_answers),
		LINE_TEST(test_restart),
		LINE_TEST(test_tags),
		LINE_TEST(test_group),
		LINE_TEST(test_group_of_nobody),
		LINE_TEST(test_headers),
		LINE_TEST(test_time),
		LINE_TEST(test_presence),
		LINE_TEST(test_program_comes),
		LINE_TEST(test_program_is_gone),
		LINE_TEST(test_flash),
		LINE_TEST(test_dial_tone),
		LINE_TEST(test_say),
		LINE_TEST(test_secrets),
		LINE_TEST(test_saved_before),
		LINE_TEST(test_saves),
		LINE_TEST(test_run),
		LINE_TEST(test_failed),
		LINE_TEST(test_asked_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
