/* SPDX-License-Identifier: Apache-2.0 */
/* Who comes into a room says his name, and all hear it when he comes and goes (FEATURES CONF-17). */
#include "sig/call/prompts.h"
#include "tests/unit/sig/meetme.h"

static void settings_more(struct shard_settings *s)
{
	s->conferences.tones_most = 3;
}

static int names_setup(void **state)
{
	struct room_terms t = board("", "");
	struct meetme *m;
	int err = meetme_open(state, settings_more);

	if (err)
		return err;
	m = *state;
	phone_open(&m->p.d, m->p.t.l.r, "1003", "192.0.2.13:5060");
	t.entry = t.exit = ROOM_TONE_NAME;
	t.max_members = 10;
	put(m, &t);
	return 0;
}

static void told(struct rig *r, uint64_t call, enum prompt_reply_kind kind)
{
	const struct prompt_reply new_state = { .kind = kind,
						.serial = r->play,
						.job = { .slot = 600, .generation = 7 },
						.codec = r->play_codec };

	rig_reply(r, (struct reply){ .ask = ASK_PLAY, .of = call, .play = new_state });
	rig_run(r);
	rig_wait_ms(r, 20);
}

static void recorder_says(struct rig *r, uint64_t call, enum record_reply_kind kind, uint32_t ms)
{
	const struct record_reply new_state = { .kind = kind, .number = 1, .ms = ms };

	rig_reply(r, (struct reply){ .ask = ASK_RECORD, .of = call, .record = new_state });
	rig_run(r);
	rig_wait_ms(r, 20);
}

static const struct rig_record *record_newest(const struct rig *r)
{
	assert_true(r->record_count > 0);
	return &r->records[(r->record_count - 1) % RIG_LOOKUPS_MAX];
}

/* The prompt and the beep are over, and it is recorded. Its call. */
static uint64_t is_asked(struct meetme *m, const char *user)
{
	struct rig *r = m->p.t.l.r;
	uint64_t call = call_from(m, user);
	uint32_t before = r->event_count;

	assert_string_equal(r->played, "prompt:conference-name");
	told(r, call, PROMPT_REPLY_OPEN);
	told(r, call, PROMPT_REPLY_ENDED);
	assert_string_equal(r->played, "beep");
	told(r, call, PROMPT_REPLY_OPEN);
	told(r, call, PROMPT_REPLY_ENDED);
	assert_int_equal(record_newest(r)->record.act, RECORD_START);
	assert_true(record_newest(r)->record.message && record_newest(r)->record.name);
	assert_int_equal(record_newest(r)->record.silence_ms, 1000);
	assert_int_equal(r->event_count, before); /* nobody is told of it */
	return call;
}

static void says(struct meetme *m, uint64_t call, uint32_t ms)
{
	struct rig *r = m->p.t.l.r;

	recorder_says(r, call, RECORD_REPLY_GROWN, ms);
	recorder_says(r, call, RECORD_REPLY_QUIET, 0);
	assert_int_equal(record_newest(r)->record.act, RECORD_END);
	recorder_says(r, call, RECORD_REPLY_ENDED, ms);
}

static void comes(struct meetme *m, struct phone *p, uint32_t ms)
{
	calls(p);
	says(m, is_asked(m, p->user), ms);
}

static void heard(struct rig *r, enum prompt_reply_kind kind, const char *file)
{
	const struct rig_part *p = &r->parts[r->part_count - 1];
	const struct prompt_reply new_state = { .kind = kind, .serial = p->serial };

	assert_true(r->part_count > 0);
	assert_string_equal(p->file, file);
	rig_reply(r, (struct reply){ .ask = ASK_PLAY, .of = p->room, .play = new_state });
	rig_run(r);
	rig_wait_ms(r, 50);
}

static const char *name_of(uint64_t call)
{
	static char name[64];
	char id[ID_TEXT_LEN + 1] = "";

	id_call_put(id, call);
	(void)snprintf(name, sizeof(name), "name:%s-1", id);
	return name;
}

/* Nobody is there who would hear the first one's. */
static void said_and_heard(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t second;

	comes(m, &m->p.t.l.a, 700);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	assert_int_equal(r->part_count, 0);
	calls(&m->p.t.l.b);
	second = is_asked(m, "1002");
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	says(m, second, 900);
	assert_int_equal(conference_of(r, the_room(m)).members, 2);
	heard(r, PROMPT_REPLY_ENDED, name_of(second));
	heard(r, PROMPT_REPLY_ENDED, "prompt:conference-joined");
	assert_int_equal(r->part_count, 2);
	hangs_up(&m->p.t.l.b);
	heard(r, PROMPT_REPLY_ENDED, name_of(second));
	heard(r, PROMPT_REPLY_ENDED, "prompt:conference-left");
	assert_int_equal(r->part_count, 4);
	assert_int_equal(record_newest(r)->record.act, RECORD_FORGET);
	assert_int_equal(record_newest(r)->call, second);
	hangs_up(&m->p.t.l.a);
	assert_int_equal(record_newest(r)->record.act, RECORD_FORGET);
	assert_int_equal(r->cdrs[0].recordings + r->cdrs[1].recordings, 0);
}

/* A tone, where there is no file, as on another node; or no prompt; or nothing was said. */
static void not_there(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t second;

	comes(m, &m->p.t.l.a, 700);
	calls(&m->p.t.l.b);
	second = is_asked(m, "1002");
	says(m, second, 900);
	heard(r, PROMPT_REPLY_FAILED, name_of(second));
	heard(r, PROMPT_REPLY_ENDED, "beep-entry");
	hangs_up(&m->p.t.l.b);
	heard(r, PROMPT_REPLY_ENDED, name_of(second));
	heard(r, PROMPT_REPLY_FAILED, "prompt:conference-left");
	heard(r, PROMPT_REPLY_FAILED, "beep-exit");
	assert_int_equal(r->part_count, 5);
	comes(m, &m->p.t.c, 100);
	heard(r, PROMPT_REPLY_ENDED, "beep-entry");
	assert_int_equal(r->part_count, 6);
}

/* Where nothing can be recorded he comes in without. */
static void not_recorded(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t call;

	calls(&m->p.t.l.a);
	call = is_asked(m, "1001");
	rig_reply(r, (struct reply){ .ask = ASK_RECORD,
				     .of = call,
				     .record = { .number = 1, .error = -5 } });
	rig_run(r);
	rig_wait_ms(r, 50);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
}

/* Who says his name is asked once, behind a kill as well. */
static void killed(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t call;

	calls(&m->p.t.l.a);
	call = is_asked(m, "1001");
	rig_wait_ms(r, 100);
	party_restart(&m->p, true, true);
	assert_int_equal(record_newest(r)->record.act, RECORD_GO_ON);
	assert_true(record_newest(r)->record.name);
	says(m, call, 800);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	rig_wait_ms(r, 100);
	party_restart(&m->p, true, true);
	comes(m, &m->p.t.l.b, 700);
	heard(r, PROMPT_REPLY_ENDED, name_of(call_from(m, "1002")));
	hangs_up(&m->p.t.l.a);
	heard(r, PROMPT_REPLY_ENDED, "prompt:conference-joined");
	heard(r, PROMPT_REPLY_ENDED, name_of(call));
}

/* Its question was stopped: it comes in without a name at once, and the next process can read that. */
static void stopped(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	static const struct prompt_terms stop;
	uint64_t call;

	calls(&m->p.t.l.a);
	call = is_asked(m, "1001");
	assert_int_equal(shard_call_prompt(r->shard, call, &stop, NULL, r->now), 0);
	rig_wait_ms(r, 100);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	party_restart(&m->p, true, true);
	rig_wait_ms(r, 100);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	party_restart(&m->p, true, true);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
}

/* What a command plays in place of the question is heard, and then it comes in. */
static void played_over(void **state)
{
	static const struct prompt_terms hello = { .files = { "hello.wav" },
						   .file_count = 1,
						   .times = 1 };
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t call;

	calls(&m->p.t.l.a);
	call = is_asked(m, "1001");
	assert_int_equal(shard_call_prompt(r->shard, call, &hello, NULL, r->now), 0);
	told(r, call, PROMPT_REPLY_OPEN);
	assert_string_equal(r->played, "hello.wav");
	assert_int_equal(conference_of(r, the_room(m)).members, 0);
	told(r, call, PROMPT_REPLY_ENDED);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
}

/* What was begun is forgotten, too. */
static void gives_up(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t call;

	calls(&m->p.t.l.a);
	call = is_asked(m, "1001");
	hangs_up(&m->p.t.l.a);
	assert_int_equal(record_newest(r)->record.act, RECORD_FORGET);
	assert_int_equal(record_newest(r)->call, call);
	line_assert_idle(r);
}

#define NAMES_TEST(fn) cmocka_unit_test_setup_teardown(fn, names_setup, meetme_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAMES_TEST(said_and_heard), NAMES_TEST(not_there), NAMES_TEST(not_recorded),
		NAMES_TEST(killed),         NAMES_TEST(gives_up),  NAMES_TEST(stopped),
		NAMES_TEST(played_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
