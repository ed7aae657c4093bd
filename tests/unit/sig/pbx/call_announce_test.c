/* SPDX-License-Identifier: Apache-2.0 */
/* What whoever is called hears first (FEATURES CALL-44). */
#include "sig/call/prompts.h"
#include "tests/unit/sig/line.h"

static const struct job_id g_music[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 3, .generation = 7 },
};

enum { PROMPT = 600 };

static void announcement_put_to(struct rig *r, const char *inside, enum announce_to to)
{
	struct shard_forward f = { .announce_to = (uint8_t)to };

	(void)bytes_cstr(bytes_str(inside), f.announce_inside, sizeof(f.announce_inside));
	(void)bytes_cstr(BYTES_LIT("outside.wav"), f.announce_outside, sizeof(f.announce_outside));
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1001", &f), 0);
	shard_track_set(r->shard, SHARD_TRACK_MUSIC, g_music);
}

static void announcement_put(struct rig *r, const char *inside)
{
	announcement_put_to(r, inside, ANNOUNCE_CALLEE);
}

static uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

static void told(struct line *l, enum prompt_reply_kind kind)
{
	const struct prompt_reply new_state = { .kind = kind,
						.serial = l->r->play,
						.job = { .slot = PROMPT, .generation = 7 },
						.codec = l->r->play_codec };

	rig_reply(l->r, (struct reply){ .ask = ASK_PLAY, .of = the_call(l->r), .play = new_state });
	rig_run(l->r);
}

static void assert_hears(const struct line *l, uint8_t leg, uint32_t slot)
{
	struct flow_spec s = line_last_spec(l->r, leg);

	assert_int_equal(s.source.job.slot, slot);
	assert_int_equal(s.receive, slot == 0); /* nobody speaks into it */
	assert_int_equal(s.send, 1);
}

static void they_speak(const struct line *l)
{
	assert_hears(l, 0, 0);
	assert_hears(l, 1, 0);
}

static void hears_it_first(void **state)
{
	struct line *l = *state;

	announcement_put(l->r, "hello.wav");
	phones_talk(&l->a, &l->b);
	assert_int_equal(l->r->play_count, 1);
	assert_string_equal(l->r->played, "hello.wav");
	assert_int_equal(line_last_spec(l->r, 1).receive, 0);
	told(l, PROMPT_REPLY_OPEN);
	assert_hears(l, 0, 3);
	assert_hears(l, 1, PROMPT);
	told(l, PROMPT_REPLY_ENDED);
	they_speak(l);
	for (uint32_t i = 0; i < l->r->event_count; i++)
		assert_int_not_equal(l->r->events[i].kind, SIG_CALL_PLAYED);
	phone_request(&l->b, "BYE", "", "");
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_B);
}

static void the_caller_hears_it(void **state)
{
	struct line *l = *state;

	announcement_put_to(l->r, "hello.wav", ANNOUNCE_CALLER);
	phones_talk(&l->a, &l->b);
	told(l, PROMPT_REPLY_OPEN);
	assert_hears(l, 0, PROMPT);
	assert_hears(l, 1, 3);
	line_assert_states(l->r, l->r->events[0].call, STATE_CONNECT, STATE_CONNECT);
	told(l, PROMPT_REPLY_ENDED);
	they_speak(l);
}

static void announce_restart(struct line *l, enum announce_to to);

/* Also where the node is killed meanwhile. */
static void both_hear_it(void **state)
{
	struct line *l = *state;

	announcement_put_to(l->r, "hello.wav", ANNOUNCE_BOTH);
	phones_talk(&l->a, &l->b);
	for (int i = 0; i < 2; i++) {
		told(l, PROMPT_REPLY_OPEN);
		assert_hears(l, 0, PROMPT);
		assert_hears(l, 1, PROMPT);
		if (i == 0)
			announce_restart(l, ANNOUNCE_BOTH);
	}
	told(l, PROMPT_REPLY_ENDED);
	they_speak(l);
}

static void it_cannot_be_played(void **state)
{
	struct line *l = *state;

	announcement_put(l->r, "hello.wav");
	phones_talk(&l->a, &l->b);
	told(l, PROMPT_REPLY_FAILED);
	they_speak(l);
}

/* Nor is there any music. */
static void nothing_can_be_played(void **state)
{
	static const struct job_id none[MEDIA_CODECS];
	struct line *l = *state;

	announcement_put(l->r, "hello.wav");
	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, none);
	phones_talk(&l->a, &l->b);
	rig_wait_ms(l->r, 20);
	assert_int_equal(line_last_spec(l->r, 0).receive, 0);
	told(l, PROMPT_REPLY_FAILED);
	they_speak(l);
}

/* Off at first, and not of whom the callee's phones call. */
static void nothing_is_chosen(void **state)
{
	struct line *l = *state;

	announcement_put(l->r, "");
	phones_talk(&l->a, &l->b);
	assert_int_equal(l->r->play_count, 0);
	they_speak(l);
}

static void hangs_up_meanwhile(void **state)
{
	struct line *l = *state;

	announcement_put(l->r, "hello.wav");
	phones_talk(&l->a, &l->b);
	told(l, PROMPT_REPLY_OPEN);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_int_equal(l->r->play_stops, 1);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void announce_restart(struct line *l, enum announce_to to)
{
	const char *reason = "";
	struct rig *r = l->r;

	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	announcement_put_to(r, "hello.wav", to);
	if (shard_restore_call(r->shard, text_bytes(&r->saves[r->save_count - 1].record), r->now,
			       &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* The last words again, then they speak; once it is over it is not said again. */
static void killed_meanwhile(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	announcement_put(r, "hello.wav");
	phones_talk(&l->a, &l->b);
	told(l, PROMPT_REPLY_OPEN);
	for (int i = 0; i < 2; i++) {
		rig_wait_ms(r, 5000);
		announce_restart(l, ANNOUNCE_CALLEE);
		assert_int_equal(r->play_count, 2);
		if (i)
			break;
		assert_in_range(r->play_ms, 3000, 3200);
		told(l, PROMPT_REPLY_OPEN);
		assert_hears(l, 1, PROMPT);
		told(l, PROMPT_REPLY_ENDED);
	}
	they_speak(l);
}

#define ANNOUNCE_TEST(fn) cmocka_unit_test_setup_teardown(fn, line_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ANNOUNCE_TEST(hears_it_first),    ANNOUNCE_TEST(it_cannot_be_played),
		ANNOUNCE_TEST(nothing_is_chosen), ANNOUNCE_TEST(hangs_up_meanwhile),
		ANNOUNCE_TEST(killed_meanwhile),  ANNOUNCE_TEST(nothing_can_be_played),
		ANNOUNCE_TEST(both_hear_it),      ANNOUNCE_TEST(the_caller_hears_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
