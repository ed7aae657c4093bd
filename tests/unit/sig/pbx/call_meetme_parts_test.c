/* SPDX-License-Identifier: Apache-2.0 */
/* What is heard in a room beside its members, recorded of it, and heard by applications (CONF-17). */
#include <errno.h>

#include "sig/model/call_order.h"
#include "sig/room/room.h"
#include "tests/unit/sig/meetme.h"

enum { TONE_EVERY_MS = 15000 };

static void settings_more(struct shard_settings *s)
{
	s->conferences.tones_most = 3;
	s->recordings.tone_ns = TONE_EVERY_MS * NS_PER_MS;
}

static int parts_setup(void **state)
{
	return meetme_open(state, settings_more);
}

static const struct rig_part *part_newest(const struct rig *r)
{
	assert_true(r->part_count > 0);
	return &r->parts[r->part_count - 1];
}

static void part_told(struct rig *r, const struct rig_part *p, enum prompt_reply_kind kind)
{
	const struct prompt_reply new_state = { .kind = kind, .serial = p->serial };

	rig_reply(r, (struct reply){ .ask = ASK_PLAY, .of = p->room, .play = new_state });
	rig_run(r);
	rig_wait_ms(r, 50);
}

static int order_it(struct rig *r, uint64_t room, struct shard_room_order *o)
{
	static uint64_t ticket;
	const struct shard_order by = { .id = 4001 + ticket, .ticket = ticket + 1 };
	int err;

	ticket++;
	o->by = &by;
	err = shard_conference_order(r->shard, room, o, r->now);
	rig_run(r);
	rig_wait_ms(r, 50);
	if (!err)
		assert_int_equal(r->order.ticket, ticket);
	return err;
}

static int record_it(struct rig *r, uint64_t room, enum order_record what)
{
	struct shard_room_order o = { .act = SHARD_ROOM_RECORD, .record = (uint8_t)what };

	return order_it(r, room, &o);
}

static struct room_terms board_with(enum room_tone entry, enum room_tone exit,
				    enum room_record record)
{
	struct room_terms t = board("", "");

	t.entry = (uint8_t)entry;
	t.exit = (uint8_t)exit;
	t.record = (uint8_t)record;
	t.max_members = 10;
	return t;
}

/* The first one hears none; of each further one all hear a tone, and of who leaves. */
static void tones_of_who_comes_and_goes(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board_with(ROOM_TONE_BEEP, ROOM_TONE_BEEP, ROOM_RECORD_OFF);
	uint64_t room;

	put(m, &t);
	calls(&m->p.t.l.a);
	room = the_room(m);
	assert_int_equal(r->part_count, 0);
	calls(&m->p.t.l.b);
	assert_int_equal(r->part_count, 1);
	assert_string_equal(part_newest(r)->file, "beep-entry");
	assert_int_equal(part_newest(r)->room, room);
	assert_int_equal(part_newest(r)->job.slot, 100);
	assert_int_equal(part_newest(r)->rate_hz, 16000);
	hangs_up(&m->p.t.l.b); /* it waits for the first one */
	assert_int_equal(r->part_count, 1);
	part_told(r, part_newest(r), PROMPT_REPLY_ENDED);
	assert_int_equal(r->part_count, 2);
	assert_string_equal(part_newest(r)->file, "beep-exit");
	part_told(r, part_newest(r), PROMPT_REPLY_ENDED);
	calls(&m->p.t.l.b);
	part_told(r, part_newest(r), PROMPT_REPLY_FAILED);
	calls(&m->p.t.c);
	assert_int_equal(r->part_count, 4);
	part_told(r, part_newest(r), PROMPT_REPLY_ENDED);
	hangs_up(&m->p.t.c);
	assert_string_equal(part_newest(r)->file, "beep-exit");
	hangs_up(&m->p.t.l.b);
	hangs_up(&m->p.t.l.a);
	assert_true(part_newest(r)->stopped);
	line_assert_idle(r); /* nobody is left who would hear that one */
}

static void no_tones(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board_with(ROOM_TONE_NONE, ROOM_TONE_NONE, ROOM_RECORD_OFF);

	put(m, &t);
	calls(&m->p.t.l.a);
	calls(&m->p.t.l.b);
	hangs_up(&m->p.t.l.b);
	hangs_up(&m->p.t.l.a);
	assert_int_equal(r->part_count, 0);
}

/* In their order, and again; another order takes its place, and the same one changes nothing. */
static void files_for_all(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board_with(ROOM_TONE_NONE, ROOM_TONE_NONE, ROOM_RECORD_OFF);
	const struct room_play play = { .count = 2, .times = 1, .files = { "hello", "world" } };
	struct shard_room_order o = { .act = SHARD_ROOM_PLAY, .play = &play };
	struct shard_order by = { .id = 77, .ticket = 1 };
	uint64_t room;

	put(m, &t);
	calls(&m->p.t.l.a);
	room = the_room(m);
	assert_int_equal(order_it(r, room, &o), 0);
	assert_string_equal(part_newest(r)->file, "hello");
	assert_string_equal(conference_of(r, room).plays, "hello");
	part_told(r, part_newest(r), PROMPT_REPLY_OPEN);
	part_told(r, part_newest(r), PROMPT_REPLY_ENDED);
	assert_string_equal(part_newest(r)->file, "world");
	part_told(r, part_newest(r), PROMPT_REPLY_ENDED);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_PLAYED), EV_REASON), "end");
	assert_string_equal(conference_of(r, room).plays, "");
	o.by = &by;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(shard_conference_order(r->shard, room, &o, r->now), 0);
		rig_run(r);
		rig_wait_ms(r, 50);
	}
	assert_int_equal(r->part_count, 3);
	assert_int_equal(order_it(r, room, &o), 0);
	assert_int_equal(r->part_count, 4);
	assert_true(r->parts[2].stopped);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_PLAYED), EV_REASON), "stopped");
	part_told(r, part_newest(r), PROMPT_REPLY_FAILED);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_PLAYED), EV_REASON), "failed");
	assert_int_equal(order_it(r, room, &o), 0);
	o.act = SHARD_ROOM_PLAY_STOP;
	assert_int_equal(order_it(r, room, &o), 0);
	assert_true(part_newest(r)->stopped);
	assert_int_equal(order_it(r, room, &o), 0);
	hangs_up(&m->p.t.l.a);
	line_assert_idle(r);
}

/* Whoever goes on with the room goes on where the file would be by then, with the recording, and with the application. */
static void over_a_kill(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board_with(ROOM_TONE_BEEP, ROOM_TONE_BEEP, ROOM_RECORD_AUTO);
	const struct room_play play = { .count = 1, .files = { "hello" } };
	struct shard_room_order o = { .act = SHARD_ROOM_PLAY, .play = &play, .endpoint = "bot" };
	uint32_t parts, records;
	uint64_t room, begun_ns;

	put(m, &t);
	phone_open(&m->p.d, r, "1005", "192.0.2.15:5060");
	calls(&m->p.t.l.a);
	calls(&m->p.t.l.b);
	room = the_room(m);
	begun_ns = r->now.ns;
	assert_int_equal(order_it(r, room, &o), 0);
	part_told(r, part_newest(r), PROMPT_REPLY_OPEN);
	o.act = SHARD_ROOM_STREAM;
	assert_int_equal(order_it(r, room, &o), 0);
	assert_string_equal(part_newest(r)->file, "live-bot");
	assert_false(part_newest(r)->resumed);
	assert_string_equal(conference_of(r, room).endpoint, "bot");
	rig_wait_ms(r, 4000);
	parts = r->part_count;
	records = r->record_count;
	party_restart(&m->p, true, true);
	r = m->p.t.l.r;
	rig_wait_ms(r, 100);
	assert_int_equal(r->part_count, parts + 3); /* and no tone */
	for (uint32_t i = parts; i < r->part_count; i++) {
		const struct rig_part *p = &r->parts[i];

		if (p->kind == EFFECT_ROOM_TAP) {
			assert_int_equal(p->number, 1);
			assert_in_range(p->tone.begun_ns, begun_ns - NS_PER_S, begun_ns);
		} else if (!strcmp(p->file, "hello")) {
			assert_in_range(p->from_ms, 3900, 4500);
		} else {
			assert_string_equal(p->file, "live-bot");
			assert_true(p->resumed);
		}
	}
	assert_int_equal(r->record_count, records + 1);
	assert_int_equal(r->records[records].record.act, RECORD_GO_ON);
	assert_int_equal(r->records[records].record.segment, 2);
	assert_non_null(strstr(r->records[records].facts, "\"from\":\"1002\""));
}

/* ---- recordings ---- */

/* From the second member on, and to the end; it says who was there. */
static void recorded_by_its_document(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board_with(ROOM_TONE_NONE, ROOM_TONE_NONE, ROOM_RECORD_AUTO);
	const struct rig_record *x;
	uint64_t room;

	put(m, &t);
	calls(&m->p.t.l.a);
	room = the_room(m);
	assert_int_equal(r->record_count, 0);
	calls(&m->p.t.l.b);
	x = &r->records[0];
	assert_int_equal(r->record_count, 1);
	assert_int_equal(x->call, room);
	assert_int_equal(x->record.act, RECORD_START);
	assert_int_equal(x->record.number, 1);
	assert_int_equal(x->record.segment, 1);
	assert_true(x->record.mix);
	assert_non_null(strstr(x->facts, "\"to\":\"700\""));
	assert_non_null(strstr(x->facts, "\"cause\":\"policy\""));
	assert_non_null(strstr(x->facts, "\"member_count\":2"));
	assert_int_equal(part_newest(r)->kind, EFFECT_ROOM_TAP);
	assert_int_equal(part_newest(r)->number, 1);
	assert_int_equal(part_newest(r)->tone.hz, 1400);
	assert_int_equal(part_newest(r)->tone.every_ms, TONE_EVERY_MS);
	assert_int_equal(conference_of(r, room).recording, 1);
	assert_int_equal(rig_event_recording(last_event(r, SIG_CONFERENCE_RECORDING)), 1);
	assert_int_equal(record_it(r, room, ORDER_RECORD_OFF), REFUSED_ROOM_NOT_ON_DEMAND);
	calls(&m->p.t.c);
	hangs_up(&m->p.t.c);
	hangs_up(&m->p.t.l.b);
	hangs_up(&m->p.t.l.a);
	x = &r->records[r->record_count - 1];
	assert_int_equal(x->record.act, RECORD_END);
	assert_non_null(strstr(x->facts, "\"member_count\":3"));
	assert_non_null(strstr(x->facts, "\"left_utc_ms\":"));
	assert_true(part_newest(r)->stopped);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_RECORDING_ENDED), EV_REASON),
			    "policy");
	line_assert_idle(r);
}

/* While it is paused nothing is copied, and no tone is heard. */
static void recorded_on_demand(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board_with(ROOM_TONE_NONE, ROOM_TONE_NONE, ROOM_RECORD_ON_DEMAND);
	uint64_t room;

	put(m, &t);
	calls(&m->p.t.l.a);
	calls(&m->p.t.l.b);
	room = the_room(m);
	assert_int_equal(r->record_count, 0);
	assert_int_equal(record_it(r, room, ORDER_RECORD_PAUSE), REFUSED_ROOM_NOT_RECORDED);
	assert_int_equal(record_it(r, room, ORDER_RECORD_OFF), 0);
	assert_int_equal(record_it(r, room, ORDER_RECORD_ON), 0);
	assert_int_equal(record_it(r, room, ORDER_RECORD_ON), 0);
	assert_int_equal(r->record_count, 1);
	assert_int_equal(r->part_count, 1);
	assert_int_equal(record_it(r, room, ORDER_RECORD_PAUSE), 0);
	assert_int_equal(r->records[1].record.act, RECORD_PAUSE);
	assert_true(r->parts[0].stopped);
	assert_true(conference_of(r, room).recording_paused);
	rig_wait_ms(r, 5000);
	assert_int_equal(record_it(r, room, ORDER_RECORD_RESUME), 0);
	assert_int_equal(r->records[2].record.act, RECORD_RESUME);
	assert_int_equal(r->part_count, 2);
	assert_in_range(r->parts[1].tone.begun_ns, r->now.ns - NS_PER_S, r->now.ns);
	assert_int_equal(record_it(r, room, ORDER_RECORD_OFF), 0);
	assert_int_equal(r->records[3].record.act, RECORD_END);
	assert_true(r->parts[1].stopped);
	assert_int_equal(record_it(r, room, ORDER_RECORD_ON), 0);
	assert_int_equal(r->records[4].record.number, 2);
	rig_reply(r, (struct reply){
			     .ask = ASK_RECORD,
			     .of = room,
			     .record = { .number = 1, .error = -EIO } }); /* of the one before */
	assert_int_equal(conference_of(r, room).recording, 2);
	rig_reply(r, (struct reply){ .ask = ASK_RECORD,
				     .of = room,
				     .record = { .number = 2, .error = -ENOSPC } });
	rig_wait_ms(r, 50);
	assert_int_equal(conference_of(r, room).recording, 0);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_RECORDING_FAILED), EV_REASON),
			    "no space is left for it");
	hangs_up(&m->p.t.l.a);
	hangs_up(&m->p.t.l.b);
	line_assert_idle(r);
}

static void not_recorded(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board_with(ROOM_TONE_NONE, ROOM_TONE_NONE, ROOM_RECORD_OFF);
	struct shard_room_order o = { .act = SHARD_ROOM_STREAM, .endpoint = "bot" };
	uint64_t room;

	put(m, &t);
	calls(&m->p.t.l.a);
	room = the_room(m);
	assert_int_equal(record_it(r, room, ORDER_RECORD_ON), REFUSED_ROOM_NOT_ON_DEMAND);
	assert_int_equal(r->record_count, 0);
	o.in_name_of = 1; /* who is no host */
	assert_int_equal(order_it(r, room, &o), REFUSED_NOT_HOST);
	o.in_name_of = 0;
	assert_int_equal(order_it(r, room, &o), 0);
	part_told(r, part_newest(r), PROMPT_REPLY_ENDED);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_STREAM_ENDED), EV_REASON),
			    "end");
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_STREAM_ENDED), EV_ENDPOINT),
			    "bot");
	hangs_up(&m->p.t.l.a);
}

/* A conference that is there for a stream ends with it, however it ends, and rings nobody any more. */
static void ends_with_what_is_heard(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board_with(ROOM_TONE_NONE, ROOM_TONE_NONE, ROOM_RECORD_OFF);
	struct phone *c = &m->p.t.c;
	struct bytes cancel;

	put(m, &t);
	for (int how = 0; how < 3; how++) {
		struct shard_room_order o = { .act = SHARD_ROOM_STREAM,
					      .endpoint = ROOM_STREAM_SOURCE "hall" };
		struct shard_conference_request ring = { .rung = RUNG + 16u * (unsigned)how,
							 .to = "1004" };

		calls(&m->p.t.l.a);
		ring.room = the_room(m);
		assert_int_equal(order_it(r, ring.room, &o), 0);
		assert_int_equal(shard_conference_ring(r->shard, &ring, r->now), 0);
		rig_run(r);
		rig_wait_ms(r, 50);
		(void)phone_rings(c);
		phone_answer(c, c->invite, "180 Ringing", "");
		o.act = SHARD_ROOM_STREAM_STOP;
		if (how < 2)
			part_told(r, part_newest(r),
				  how ? PROMPT_REPLY_FAILED : PROMPT_REPLY_ENDED);
		else
			assert_int_equal(order_it(r, ring.room, &o), 0);
		trio_assert_left(&m->p.t.l.a);
		cancel = rig_take(r, &c->addr, "CANCEL ");
		assert_true(cancel.n);
		phone_answer(c, cancel, "200 OK", "");
		phone_answer(c, c->invite, "487 Request Terminated", "");
		line_assert_idle(r);
	}
}

/* What mixes it is gone: all is asked of the next one, in the same segment. */
static void the_mixer_fails(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board_with(ROOM_TONE_NONE, ROOM_TONE_NONE, ROOM_RECORD_AUTO);
	uint64_t room;

	put(m, &t);
	calls(&m->p.t.l.a);
	calls(&m->p.t.l.b);
	room = the_room(m);
	assert_int_equal(r->part_count, 1);
	shard_on_room(r->shard, room, r->mixers[0].serial, NULL, r->now);
	rig_wait_ms(r, 1500);
	assert_true(r->parts[0].stopped);
	assert_int_equal(r->part_count, 2);
	assert_int_equal(r->parts[1].job.slot, 101);
	assert_int_equal(r->record_count, 1);
	hangs_up(&m->p.t.l.a);
	hangs_up(&m->p.t.l.b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, parts_setup, meetme_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tones_of_who_comes_and_goes),
		TEST(no_tones),
		TEST(files_for_all),
		TEST(over_a_kill),
		TEST(recorded_by_its_document),
		TEST(recorded_on_demand),
		TEST(not_recorded),
		TEST(ends_with_what_is_heard),
		TEST(the_mixer_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
