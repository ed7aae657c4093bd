/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a caller that come before a flow asks for them. */
#include "tests/unit/sig/application.h"
#include "tests/unit/sig/flows.h"

#define FAST                                                                                \
	"{\"name\":\"main\",\"start\":\"menu\",\"steps\":{"                                 \
	"\"menu\":{\"gather\":{\"prompt\":[\"menu\"],\"max\":1},\"on\":{\"1\":\"pin\"},"    \
	"\"invalid\":\"end\",\"timeout\":\"end\"},"                                         \
	"\"pin\":{\"gather\":{\"max\":2,\"secret\":true},\"on\":{\"23\":\"again\"},"        \
	"\"invalid\":\"end\",\"timeout\":\"end\"},"                                         \
	"\"again\":{\"gather\":{\"prompt\":[\"again\"],\"max\":2},\"on\":{\"45\":\"end\"}," \
	"\"invalid\":\"end\",\"timeout\":\"end\"},"                                         \
	"\"end\":{\"hangup\":{}}}}"

/* Keys that come faster than menus are saved are for the menus behind, in this process or the next one. */
static void keys_ahead(struct line *l, bool restarts)
{
	const struct rig_save *s;

	call_flow(l, FAST);
	is_answered(l);
	played(l, PROMPT_REPLY_OPEN);
	l->r->hold_saves = true;
	for (const char *c = "1234"; *c; c++)
		press(l, *c);
	l->r->hold_saves = false;
	rig_run(l->r);
	if (restarts) {
		s = rig_stored(l->r);
		assert_null(memmem(text_bytes(&s->record).p, text_bytes(&s->record).n, "234", 3));
		line_restart(l, text_bytes(&s->record));
		put_program(l->r, "", FAST);
		rig_reply(l->r,
			  (struct reply){ .ask = ASK_PROGRAM,
					  .of = application_call(l->r),
					  .program = { .serial = l->r->program, .found = true } });
	}
	press(l, '5');
	flow_hung_up(l);
	flow_gone(l, "menu,1,pin,***,again,45");
}

static void test_keys_ahead(void **state)
{
	keys_ahead(*state, false);
}

static void test_keys_ahead_of_a_restart(void **state)
{
	keys_ahead(*state, true);
}

/* Keys that nothing asks for yet wait for the next verb that does, here or in the next process. A prompt that no key ends goes on. */
#define LATER(first)                                                                \
	"{\"name\":\"main\",\"start\":\"first\",\"steps\":{\"first\":" first ","    \
	"\"menu\":{\"gather\":{\"max\":2,\"secret\":true},\"on\":{\"12\":\"end\"}," \
	"\"invalid\":\"bad\",\"timeout\":\"bad\"},"                                 \
	"\"bad\":{\"play\":[\"bad\"]},\"end\":{\"hangup\":{}}}}"

static const struct {
	const char *name, *flow, *path;
} g_later[] = {
	{ "play", LATER("{\"play\":[\"hello\"],\"next\":\"menu\"}"), "first,menu,***" },
	{ "say", LATER("{\"say\":{\"text\":\"7\",\"as\":\"number\"},\"next\":\"menu\"}"),
	  "first,menu,***" },
	{ "no barge-in",
	  "{\"name\":\"main\",\"start\":\"menu\",\"steps\":{\"menu\":{\"gather\":{\"prompt\":["
	  "\"hello\"],"
	  "\"max\":2,\"secret\":true,\"barge_in\":false},\"on\":{\"12\":\"end\"},\"invalid\":"
	  "\"end\","
	  "\"timeout\":\"end\"},\"end\":{\"hangup\":{}}}}",
	  "menu,***" },
	{ "pause",
	  LATER("{\"answer\":{},\"next\":\"wait\"},\"wait\":{\"pause\":1,\"next\":\"menu\"}"),
	  "first,wait,menu,***" },
};

static void keys_later(void **state, bool restarts)
{
	for (size_t i = 0; i < COUNT_OF(g_later); i++) {
		bool pause = !strcmp(g_later[i].name, "pause");
		struct line *l = *state;
		struct rig *r = l->r;

		call_flow(l, g_later[i].flow);
		is_answered(l);
		if (!pause)
			played(l, PROMPT_REPLY_OPEN);
		press(l, '1');
		press(l, '2');
		ROW_ASSERT(g_later[i].name, r->play_count == !pause && !r->cdr_count);
		if (restarts) {
			line_restart(l, line_stored(l));
			put_program(l->r, "", g_later[i].flow);
			if (!pause)
				played(l, PROMPT_REPLY_OPEN);
		}
		if (pause)
			rig_wait_ms(l->r, 1100);
		else
			played(l, PROMPT_REPLY_ENDED);
		flow_hung_up(l);
		rig_run(l->r);
		ROW_ASSERT(g_later[i].name, !strcmp(l->r->cdrs[0].facts.path, g_later[i].path));
		line_teardown(state);
		line_setup(state);
	}
}

static void test_keys_later(void **state)
{
	keys_later(state, false);
}

static void test_keys_later_restarted(void **state)
{
	keys_later(state, true);
}

/* A key that means nothing to what has keys of its own is for nobody, and a message begins behind its beep. */
static void test_keys_for_nobody(void **state)
{
	struct line *l = *state;

	call_flow(l, "[{\"play\":{\"prompt\":[\"hello\"],\"stop_keys\":\"#\"}},{\"gather\":{"
		     "\"prompt\":[\"menu\"],"
		     "\"max\":1}},{\"play\":[\"news\"]},{\"record\":{\"prompt\":[\"talk\"]}}]");
	is_answered(l);
	played(l, PROMPT_REPLY_OPEN);
	press(l, '5');
	assert_int_equal(l->r->play_count, 1);
	press(l, '#');
	assert_true(plays(l, "prompt:menu"));
	played(l, PROMPT_REPLY_OPEN);
	press(l, '1');
	assert_true(plays(l, "prompt:news"));
	played(l, PROMPT_REPLY_OPEN);
	press(l, '#');
	played(l, PROMPT_REPLY_ENDED);
	assert_true(plays(l, "prompt:talk"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(test_keys_ahead),      LINE_TEST(test_keys_ahead_of_a_restart),
		LINE_TEST(test_keys_later),      LINE_TEST(test_keys_later_restarted),
		LINE_TEST(test_keys_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
