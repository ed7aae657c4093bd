/* SPDX-License-Identifier: Apache-2.0 */
/* A message that an application lets a caller say (FEATURES VM-02, VM-09). */
#include <errno.h>

#include "sig/call/prompts.h"
#include "sig/feature/recording/control_page.h"
#include "sig/model/recording.h"
#include "sig/shard/shard.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/application.h"

static const struct prompt_terms g_message = { .files = { "a.wav", "beep" },
					       .file_count = 2,
					       .times = 1,
					       .interruptible = true,
					       .ends = "#",
					       .message_max_ms = 20000,
					       .message_silence_ms = 3000,
					       .message_min_ms = 500 };

static int act_by(struct line *l, struct prompt_terms terms, uint64_t id)
{
	struct shard_order by = { .id = id, .ticket = id };
	int err = shard_call_prompt(l->r->shard, application_call(l->r), &terms, &by, l->r->now);

	rig_run(l->r);
	return err;
}

static void told(struct line *l, enum prompt_reply_kind kind)
{
	const struct prompt_reply new_state = { .kind = kind,
						.serial = l->r->play,
						.job = { .slot = 600, .generation = 7 },
						.codec = l->r->play_codec };

	rig_reply(l->r, (struct reply){
				.ask = ASK_PLAY, .of = application_call(l->r), .play = new_state });
	rig_run(l->r);
}

static void key(struct line *l, char digit)
{
	struct flow_spec s = line_last_spec(l->r, 0);
	struct media_event ev = { .kind = MEDIA_FLOW_DIGIT,
				  .id = s.id,
				  .call = application_call(l->r),
				  .digit = digit,
				  .duration_ms = 100 };

	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

static void recorder_says(struct line *l, enum record_reply_kind kind, uint8_t number, uint32_t ms)
{
	const struct record_reply new_state = { .kind = kind, .number = number, .ms = ms };

	rig_reply(l->r, (struct reply){ .ask = ASK_RECORD,
					.of = application_call(l->r),
					.record = new_state });
	rig_run(l->r);
}

static const struct sig_event *last_of(const struct rig *r, enum sig_event_kind kind)
{
	for (uint32_t i = r->event_count; i-- > 0;) {
		if (r->events[i].kind == kind)
			return &r->events[i];
	}
	return NULL;
}

static void assert_over(const struct line *l, const char *reason, uint8_t number, uint32_t ms)
{
	const struct sig_event *e = last_of(l->r, SIG_CALL_RECORDED);

	if (!e) {
		fail_msg("nothing was told");
		return;
	}
	assert_string_equal(e->application, "ivr");
	assert_string_equal(event_str(e, EV_REASON), reason);
	assert_int_equal(rig_event_recording(e), number);
	assert_int_equal(event_number(e, EV_MS), ms);
}

static const struct request_record *last_record(const struct line *l)
{
	return &l->r->records[l->r->record_count - 1].record;
}

/* The prompts are over, and it is recorded. */
static void speaks(struct line *l, struct prompt_terms terms)
{
	application_answered(l);
	assert_int_equal(act_by(l, terms, 1), 0);
	for (uint8_t i = 0; i < terms.file_count; i++) {
		assert_int_equal(line_last_spec(l->r, 0).tap, 0);
		assert_string_equal(l->r->played, terms.files[i]);
		told(l, PROMPT_REPLY_OPEN);
		told(l, PROMPT_REPLY_ENDED);
	}
	assert_int_equal(line_last_spec(l->r, 0).tap, 1);
	assert_int_equal(l->r->record_count, 1);
	assert_int_equal(last_record(l)->act, RECORD_START);
	assert_true(last_record(l)->message);
	assert_int_equal(last_record(l)->silence_ms, 3000);
}

/* Whoever hears of it may play it at once: its file is there. */
static void ends_in_silence(void **state)
{
	struct line *l = *state;

	speaks(l, g_message);
	recorder_says(l, RECORD_REPLY_GROWN, 1, 2000);
	recorder_says(l, RECORD_REPLY_QUIET, 2, 0); /* of another */
	assert_int_equal(line_last_spec(l->r, 0).tap, 1);
	recorder_says(l, RECORD_REPLY_QUIET, 1, 0);
	assert_int_equal(line_last_spec(l->r, 0).tap, 0);
	assert_int_equal(last_record(l)->act, RECORD_END);
	assert_null(last_of(l->r, SIG_CALL_RECORDED));
	recorder_says(l, RECORD_REPLY_ENDED, 1, 2140);
	assert_over(l, "silence", 1, 2140);
	assert_int_equal(l->r->record_count, 2);
}

static void ends_by_a_key(void **state)
{
	struct line *l = *state;

	speaks(l, g_message);
	key(l, '5'); /* does nothing */
	assert_int_equal(line_last_spec(l->r, 0).tap, 1);
	key(l, '#');
	assert_int_equal(line_last_spec(l->r, 0).tap, 0);
	recorder_says(l, RECORD_REPLY_ENDED, 1, 700);
	assert_over(l, "key", 1, 700);
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_RECORDED), EV_DIGITS), "");
}

static void says_too_much_or_too_little(void **state)
{
	struct line *l = *state;

	speaks(l, g_message);
	rig_wait_ms(l->r, 19900);
	assert_int_equal(line_last_spec(l->r, 0).tap, 1);
	rig_wait_ms(l->r, 200);
	assert_int_equal(line_last_spec(l->r, 0).tap, 0);
	recorder_says(l, RECORD_REPLY_ENDED, 1, 19980);
	assert_over(l, "max", 1, 19980);
	assert_int_equal(act_by(l, g_message, 2), 0);
	key(l, '1'); /* passes over a file, and the beep */
	assert_int_equal(line_last_spec(l->r, 0).tap, 2);
	key(l, '#');
	recorder_says(l, RECORD_REPLY_ENDED, 2, 499);
	assert_over(l, "short", 2, 499);
}

/* The disk is slow: it is told what is known. */
static void nobody_says_that_it_is_there(void **state)
{
	struct line *l = *state;

	speaks(l, g_message);
	recorder_says(l, RECORD_REPLY_GROWN, 1, 1600);
	key(l, '#');
	rig_wait_ms(l->r, PROMPT_CLOSE_MS - 100);
	assert_null(last_of(l->r, SIG_CALL_RECORDED));
	rig_wait_ms(l->r, 200);
	assert_over(l, "key", 1, 1600);
}

static void hangs_up(void **state)
{
	struct line *l = *state;

	speaks(l, g_message);
	recorder_says(l, RECORD_REPLY_GROWN, 1, 1600);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_over(l, "hangup", 1, 1600);
	assert_int_equal(last_record(l)->act, RECORD_END);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].recordings, 2);
}

static void fails(void **state)
{
	struct line *l = *state;

	speaks(l, g_message);
	rig_reply(l->r, (struct reply){ .ask = ASK_RECORD,
					.of = application_call(l->r),
					.record = { .number = 1, .error = -ENOSPC } });
	rig_run(l->r);
	assert_over(l, "failed", 1, 0);
	assert_int_equal(line_last_spec(l->r, 0).tap, 0);
}

/* The disk takes no end of it. */
static void fails_at_its_end(void **state)
{
	struct line *l = *state;

	speaks(l, g_message);
	key(l, '#');
	rig_reply(l->r, (struct reply){ .ask = ASK_RECORD,
					.of = application_call(l->r),
					.record = { .number = 2, .error = -EIO } });
	assert_null(last_of(l->r, SIG_CALL_RECORDED));
	rig_reply(l->r, (struct reply){ .ask = ASK_RECORD,
					.of = application_call(l->r),
					.record = { .number = 1, .error = -EIO } });
	rig_run(l->r);
	assert_over(l, "failed", 1, 0);
}

static enum record_page_state page_shows(struct line *l, const char *number)
{
	const struct record_page_request ask = { .tenant = BYTES_LIT("default"),
						 .number = bytes_str(number) };
	struct record_page page;

	shard_record_page(l->r->shard->shared_tables, &ask, l->r->now, &page);
	return page.state;
}

/* The Record key of who says it is not about that. */
static void is_not_for_the_key(void **state)
{
	struct shard_extension e = rig_extension("1001", false);
	struct line *l = *state;

	e.record = RECORD_ON_DEMAND;
	e.record_page = true;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	speaks(l, g_message);
	assert_int_equal(page_shows(l, "1001"), RECORD_PAGE_NOTHING);
	key(l, '#');
	recorder_says(l, RECORD_REPLY_ENDED, 1, 5000);
	assert_int_equal(page_shows(l, "1001"), RECORD_PAGE_IDLE);
}

/* Another order takes its place; no command about recordings touches it. */
static void is_stopped(void **state)
{
	struct line *l = *state;
	uint64_t call;

	speaks(l, g_message);
	call = application_call(l->r);
	assert_int_equal(shard_call_record(l->r->shard, call, 0, ORDER_RECORD_PAUSE, NULL,
					   l->r->now),
			 REFUSED_NOT_ON_DEMAND);
	assert_int_equal(act_by(l, (struct prompt_terms){ 0 }, 2), 0);
	assert_over(l, "stopped", 1, 0);
	assert_int_equal(last_record(l)->act, RECORD_END);
}

/* In the next process: another segment of the same recording, and as long as what both know of. */
static void goes_on_after_a_restart(void **state)
{
	struct line *l = *state;

	speaks(l, g_message);
	recorder_says(l, RECORD_REPLY_GROWN, 1, 1600);
	rig_wait_ms(l->r, 5000);
	application_restart(l);
	assert_int_equal(line_last_spec(l->r, 0).tap, 1);
	assert_int_equal(last_record(l)->act, RECORD_GO_ON);
	assert_int_equal(last_record(l)->segment, 2);
	assert_true(last_record(l)->message);
	assert_int_equal(last_record(l)->silence_ms, 3000);
	rig_wait_ms(l->r, 14000);
	assert_int_equal(line_last_spec(l->r, 0).tap, 1);
	rig_wait_ms(l->r, 1100);
	recorder_says(l, RECORD_REPLY_ENDED, 1, 1000);
	assert_over(l, "max", 1, 2600);
}

/* What is said after a kill within the prompt is in that mailbox as well. */
static void lies_in_a_mailbox(void **state)
{
	struct prompt_terms terms = g_message;
	struct line *l = *state;

	(void)bytes_cstr(BYTES_LIT("1001"), terms.mailbox, sizeof(terms.mailbox));
	application_answered(l);
	assert_int_equal(act_by(l, terms, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	rig_wait_ms(l->r, 100);
	application_restart(l);
	for (uint8_t i = 0; i < terms.file_count; i++) {
		told(l, PROMPT_REPLY_OPEN);
		told(l, PROMPT_REPLY_ENDED);
	}
	assert_int_equal(last_record(l)->act, RECORD_START);
	assert_non_null(
		strstr(l->r->records[0].facts, "\"cause\":\"message\",\"mailbox\":\"1001\""));
}

/* Killed while its file was finished: who recorded it cannot say more. */
static void ends_over_a_restart(void **state)
{
	struct line *l = *state;

	speaks(l, g_message);
	recorder_says(l, RECORD_REPLY_GROWN, 1, 1600);
	key(l, '#');
	application_restart(l);
	assert_over(l, "key", 1, 1600);
	assert_int_equal(line_last_spec(l->r, 0).tap, 0);
}

#define MESSAGE_TEST(fn) cmocka_unit_test_setup_teardown(fn, application_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MESSAGE_TEST(ends_in_silence),
		MESSAGE_TEST(ends_by_a_key),
		MESSAGE_TEST(lies_in_a_mailbox),
		MESSAGE_TEST(says_too_much_or_too_little),
		MESSAGE_TEST(nobody_says_that_it_is_there),
		MESSAGE_TEST(hangs_up),
		MESSAGE_TEST(fails),
		MESSAGE_TEST(fails_at_its_end),
		MESSAGE_TEST(is_not_for_the_key),
		MESSAGE_TEST(is_stopped),
		MESSAGE_TEST(goes_on_after_a_restart),
		MESSAGE_TEST(ends_over_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
