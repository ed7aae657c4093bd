/* SPDX-License-Identifier: Apache-2.0 */
/* A party waits in a slot: what is asked of the store and when, and what a kill leaves. */
#include <errno.h>

#include "sig/call/prompts.h"
#include "sig/model/call_order.h"
#include "tests/unit/sig/joins.h"

static const struct shard_order g_by = { .id = 77, .ticket = 9 };

static uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

static int park_by(struct line *l, enum shard_leg leg, const char *slot,
		   const struct shard_order *by)
{
	struct call_order order = {
		.kind = ORDER_PARK, .leg = leg, .to = bytes_str(slot), .by = by
	};
	int err = shard_call_order(l->r->shard, the_call(l->r), &order, l->r->now);

	rig_run(l->r);
	return err;
}

static int park(struct line *l, enum shard_leg leg, const char *slot)
{
	return park_by(l, leg, slot, &g_by);
}

static const struct rig_park *last_asked(const struct rig *r, enum park_act act)
{
	const struct rig_park *last = &r->parks[(r->park_count - 1) % RIG_LOOKUPS_MAX];

	assert_true(r->park_count > 0);
	assert_int_equal(last->act, act);
	return last;
}

static void told(struct line *l, enum park_result told, uint64_t owner)
{
	const struct rig_park *asked = last_asked(l->r, PARK_CLAIM);

	rig_reply(l->r,
		  (struct reply){
			  .ask = ASK_PARK,
			  .of = asked->call,
			  .park = { .serial = asked->serial, .told = told, .owner = owner } });
	rig_run(l->r);
}

static const struct sig_event *last_of(const struct rig *r, enum sig_event_kind kind)
{
	static const struct sig_event none;

	for (uint32_t i = r->event_count; i-- > 0;) {
		if (r->events[i].kind == kind)
			return &r->events[i];
	}
	return &none;
}

/* The newest record that the store has; saved: or was asked to keep. */
static void restart(struct line *l, bool saved)
{
	struct rig *r = l->r;
	const char *reason = "";
	uint32_t last = r->save_count - 1;

	while (r->saves[last].kind != EFFECT_CALL_SAVE || (saved && !r->saves[last].answered))
		last--;
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	for (uint32_t i = 0; i < r->save_count; i++)
		r->saves[i].answered = true;
	if (shard_restore_call(r->shard, text_bytes(&r->saves[last].record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* B, which gave A there, is left. */
static void b_leaves(struct line *l)
{
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	rig_run(l->r);
}

static void parked(struct line *l)
{
	phones_talk(&l->a, &l->b);
	assert_int_equal(park(l, SHARD_LEG_CALLER, "7"), 0);
	told(l, PARK_OK, the_call(l->r));
	b_leaves(l);
}

static void assert_waits(const struct line *l)
{
	assert_true(line_last_spec(l->r, 0).alone);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	line_assert_states(l->r, the_call(l->r), STATE_HOLD, STATE_IDLE);
}

/* ---- */

static void waits_in_its_slot(void **state)
{
	struct line *l = *state;
	const struct rig_park *asked;

	phones_talk(&l->a, &l->b);
	assert_int_equal(park(l, SHARD_LEG_CALLER, "07"), 0);
	asked = last_asked(l->r, PARK_CLAIM);
	assert_true(asked->call == the_call(l->r));
	assert_string_equal(asked->slot, "07");
	assert_string_equal(asked->tenant, "default");
	assert_memory_equal(asked->entry, "1002 1001; ", 11);
	assert_int_equal(l->r->order_count, 0); /* nothing is said before it is so */
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 0);
	told(l, PARK_OK, asked->call);
	assert_int_equal(l->r->order_count, 1);
	assert_true(l->r->order.ticket == g_by.ticket && l->r->order.saved);
	assert_int_equal(l->r->order.status, 0);
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_PARKED), EV_SLOT), "07");
	b_leaves(l);
	assert_waits(l);
	assert_int_equal(l->r->park_count, 1);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_true(last_asked(l->r, PARK_FREE)->call == asked->call);
	assert_string_equal(last_asked(l->r, PARK_FREE)->slot, "07");
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_RETRIEVED), EV_SLOT), "");
	line_assert_idle(l->r);
}

static void not_parked(void **state)
{
	static const struct {
		const char *name;
		enum park_result told;
		uint16_t status;
		uint32_t asked; /* with the freeing of what may be the call's */
	} rows[] = {
		{ "taken", PARK_TAKEN, 486, 1 },
		{ "full", PARK_FULL, 503, 2 },
		{ "nobody knows", PARK_UNKNOWN, 503, 2 },
	}, *row;
	struct line *l = *state;
	uint32_t asked = 0, orders = 0;
	struct shard_order by = g_by;

	phones_talk(&l->a, &l->b);
	EACH_ROW(row, rows)
	{
		by.id++;
		assert_int_equal(park_by(l, SHARD_LEG_CALLER, "7", &by), 0);
		told(l, row->told, UINT64_C(0x9990000000001));
		ROW_ASSERT(row->name, l->r->order.status == row->status);
		ROW_ASSERT(row->name, l->r->order_count == ++orders);
		asked += row->asked;
		ROW_ASSERT(row->name, l->r->park_count == asked);
		ROW_ASSERT(row->name, event_number(last_of(l->r, SIG_CALL_TRANSFER_FAILED),
						   EV_SIP_STATUS) == row->status);
	}
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_PARKED), EV_SLOT), "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 0);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_int_equal(l->r->park_count, asked);
}

/* What a call of this shard left there that is not parked is nobody's. */
static void takes_what_is_left(void **state)
{
	struct line *l = *state;
	const uint64_t gone = UINT64_C(0x0700000000000001);
	const struct rig_park *freed;

	phones_talk(&l->a, &l->b);
	assert_int_equal(park(l, SHARD_LEG_CALLER, "7"), 0);
	told(l, PARK_TAKEN, (the_call(l->r) & ~UINT64_C(0xffffffff)) | (gone & 0xffffffff));
	assert_int_equal(l->r->park_count, 3);
	freed = &l->r->parks[1];
	assert_int_equal(freed->act, PARK_FREE);
	assert_true(freed->call != the_call(l->r));
	told(l, PARK_OK, the_call(l->r));
	b_leaves(l);
	assert_waits(l);
}

static void silent_store(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	assert_int_equal(park(l, SHARD_LEG_CALLER, "7"), 0);
	rig_wait_ms(l->r, 4900);
	assert_int_equal(l->r->order_count, 0);
	rig_wait_ms(l->r, 200);
	assert_int_equal(l->r->order.status, 503);
	(void)last_asked(l->r, PARK_FREE);
}

static void store_away(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	shard_degraded(l->r->shard, true, l->r->now);
	assert_int_equal(park(l, SHARD_LEG_CALLER, "7"), 0);
	assert_int_equal(l->r->order.status, 503);
	assert_int_equal(l->r->park_count, 0);
}

static void ended_on_its_way(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	assert_int_equal(park(l, SHARD_LEG_CALLER, "7"), 0);
	phone_request(&l->b, "BYE", "", "");
	rig_run(l->r);
	assert_int_equal(l->r->order.status, 487);
	(void)last_asked(l->r, PARK_FREE);
}

/* Once more before its outcome, and behind it. */
static void the_same_order(void **state)
{
	struct line *l = *state;
	const struct shard_order later = { .id = g_by.id, .ticket = 10 },
				 last = { .id = g_by.id, .ticket = 11 };

	phones_talk(&l->a, &l->b);
	assert_int_equal(park(l, SHARD_LEG_CALLER, "7"), 0);
	assert_int_equal(park_by(l, SHARD_LEG_CALLER, "7", &later), 0);
	assert_int_equal(l->r->park_count, 1);
	told(l, PARK_OK, the_call(l->r));
	assert_true(l->r->order_count == 1 && l->r->order.ticket == later.ticket);
	assert_int_equal(park_by(l, SHARD_LEG_CALLER, "7", &last), 0);
	assert_true(l->r->order_count == 2 && l->r->order.ticket == last.ticket);
	assert_int_equal(l->r->order.status, 0);
	assert_int_equal(l->r->park_count, 1);
}

static void killed_on_its_way(void **state)
{
	struct line *l = *state;
	const struct shard_order later = { .id = g_by.id, .ticket = 10 };
	uint64_t serial;

	phones_talk(&l->a, &l->b);
	assert_int_equal(park(l, SHARD_LEG_CALLER, "7"), 0);
	serial = last_asked(l->r, PARK_CLAIM)->serial;
	restart(l, true);
	assert_true(last_asked(l->r, PARK_CLAIM)->serial != serial);
	assert_int_equal(park_by(l, SHARD_LEG_CALLER, "7", &later), 0);
	told(l, PARK_OK, the_call(l->r));
	assert_true(l->r->order_count == 1 && l->r->order.ticket == later.ticket);
	b_leaves(l);
	assert_waits(l);
}

/* It claims again, and where another one has the slot it waits until that one leaves it. */
static void killed_when_parked(void **state)
{
	struct line *l = *state;
	uint32_t asked;

	parked(l);
	restart(l, true);
	assert_waits(l);
	assert_string_equal(last_asked(l->r, PARK_CLAIM)->slot, "7");
	assert_memory_equal(last_asked(l->r, PARK_CLAIM)->entry, "1002 1001; ", 11);
	asked = l->r->park_count;
	told(l, PARK_TAKEN, UINT64_C(0x9990000000001));
	rig_wait_ms(l->r, 2100);
	assert_int_equal(l->r->park_count, asked + 1);
	told(l, PARK_OK, the_call(l->r));
	rig_wait_ms(l->r, 10000);
	assert_int_equal(l->r->park_count, asked + 1);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	(void)last_asked(l->r, PARK_FREE);
}

static void store_lost_it(void **state)
{
	struct line *l = *state;
	uint32_t asked;

	parked(l);
	asked = l->r->park_count;
	shard_degraded(l->r->shard, true, l->r->now);
	shard_degraded(l->r->shard, false, l->r->now);
	rig_wait_ms(l->r, 100);
	assert_int_equal(l->r->park_count, asked + 1);
	(void)last_asked(l->r, PARK_CLAIM);
	told(l, PARK_OK, the_call(l->r));
	assert_waits(l);
}

/* C waits, alone as it was, and A speaks with it: of two who ask one gets it. */
static void retrieved(void **state)
{
	struct trio *t = *state;
	const struct shard_order by = order_of(1);
	struct shard_join join = { 0 };
	struct call_order order = { .kind = ORDER_PARK, .to = BYTES_LIT("7"), .by = &by };
	struct rig *r = t->l.r;

	two_alone(t, &join);
	assert_int_equal(shard_call_order(r->shard, join.with, &order, r->now), 0);
	rig_run(r);
	assert_true(shard_call_waits_in(r->shard, join.with, BYTES_LIT("7")));
	told(&t->l, PARK_OK, join.with);
	assert_memory_equal(r->parks[0].entry, " 1004; ", 7);
	assert_int_equal(rig_counts(r).calls, 2);
	assert_int_equal(join_as(t, &join, 2), 0);
	assert_true(last_of(r, SIG_CALL_RETRIEVED)->call == join.with);
	assert_string_equal(event_str(last_of(r, SIG_CALL_RETRIEVED), EV_SLOT), "7");
	assert_true(last_asked(r, PARK_FREE)->call == join.with);
	assert_false(shard_call_waits_in(r->shard, join.with, BYTES_LIT("7")));
	assert_int_equal(join_as(t, &join, 2), 0); /* the same order once more */
	join.leg = SHARD_LEG_CALLER;               /* it is no more alone */
	assert_int_equal(join_as(t, &join, 3), REFUSED_NO_CALL - 1000);
	assert_int_equal(r->park_count, 2);
}

/* ---- nobody retrieves it ---- */

static void return_after(struct line *l, uint64_t s)
{
	l->r->settings.calls.park_return_ns = s * NS_PER_S;
	shard_configure(l->r->shard, &l->r->settings);
}

static uint32_t rung(const struct line *l)
{
	return rig_count(l->r, &l->b.addr, "INVITE ");
}

/* B, who left it there, has it again. */
static void is_call_back(void **state)
{
	struct line *l = *state;
	uint32_t before;

	return_after(l, 120);
	parked(l);
	before = rung(l);
	rig_wait_ms(l->r, 119000);
	assert_int_equal(rung(l), before);
	rig_wait_ms(l->r, 1100);
	assert_int_equal(rung(l), before + 1);
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_RETRIEVED), EV_SLOT), "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", PHONE_SDP_B);
	rig_run(l->r);
	rig_wait_ms(l->r, 100);
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_RETRIEVED), EV_SLOT), "7");
	assert_true(last_asked(l->r, PARK_FREE)->call == the_call(l->r));
	assert_false(line_last_spec(l->r, 0).alone);
	rig_wait_ms(l->r, 240000);
	assert_int_equal(rung(l), before + 1);
}

/* It waits on, in the same slot, and comes again. */
static void comes_back_again(void **state)
{
	struct line *l = *state;
	struct bytes invite;
	uint32_t before;

	return_after(l, 120);
	parked(l);
	before = rung(l);
	rig_wait_ms(l->r, 120100);
	invite = rig_take(l->r, &l->b.addr, "INVITE ");
	phone_answer(&l->b, invite, "180 Ringing", "");
	rig_wait_ms(l->r, 19000);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
	rig_wait_ms(l->r, 1100);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "CANCEL "), "200 OK", "");
	phone_answer(&l->b, invite, "487 Request Terminated", "");
	rig_wait_ms(l->r, 100);
	assert_waits(l);
	assert_true(shard_call_waits_in(l->r->shard, the_call(l->r), BYTES_LIT("7")));
	rig_wait_ms(l->r, 98000);
	assert_int_equal(rung(l), before + 1);
	rig_wait_ms(l->r, 2000);
	assert_int_equal(rung(l), before + 2);
}

/* The time goes on from when it was parked. */
static void comes_back_after_a_kill(void **state)
{
	struct line *l = *state;
	uint32_t before;

	return_after(l, 120);
	parked(l);
	before = rung(l);
	rig_wait_ms(l->r, 100000);
	restart(l, true);
	told(l, PARK_OK, the_call(l->r));
	rig_wait_ms(l->r, 19000);

	assert_int_equal(rung(l), before);
	rig_wait_ms(l->r, 1300);
	assert_int_equal(rung(l), before + 1);
}

static void never_comes_back(void **state)
{
	struct line *l = *state;
	uint32_t before;

	return_after(l, 0);
	parked(l);
	before = rung(l);
	rig_wait_ms(l->r, 600000);
	assert_int_equal(rung(l), before);
	assert_waits(l);
}

static void played(struct line *l, enum prompt_reply_kind kind)
{
	const struct prompt_reply new_state = { .kind = kind,
						.serial = l->r->play,
						.job = { .slot = 600, .generation = 7 },
						.codec = l->r->play_codec };

	rig_reply(l->r, (struct reply){ .ask = ASK_PLAY, .of = the_call(l->r), .play = new_state });
	rig_run(l->r);
}

static struct job_id heard(const struct line *l)
{
	return line_last_spec(l->r, 0).source.job;
}

/* What interrupts the music of who waits leaves his slot alone, and the music goes on after it. */
static void is_told_something(void **state)
{
	static const struct job_id music[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMU] = { .slot = 500, .generation = 3 },
		[MEDIA_CODEC_PCMA] = { .slot = 501, .generation = 3 },
	};
	const struct prompt_terms new_state = { .files = { "news.wav" },
						.file_count = 1,
						.times = 1 };
	const struct shard_order by = { .id = 78, .ticket = 10 };
	struct line *l = *state;
	uint32_t asked;

	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, music);
	parked(l);
	asked = l->r->park_count;
	assert_int_equal(heard(l).generation, 3);
	assert_int_equal(shard_call_prompt(l->r->shard, the_call(l->r), &new_state, &by, l->r->now),
			 0);
	rig_run(l->r);
	played(l, PROMPT_REPLY_OPEN);
	assert_int_equal(heard(l).slot, 600);
	played(l, PROMPT_REPLY_ENDED);
	assert_int_equal(heard(l).generation, 3);
	assert_string_equal(shard_call_slot(l->r->shard, the_call(l->r)), "7");
	assert_int_equal(l->r->park_count, asked);
	assert_waits(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(waits_in_its_slot),
		LINE_TEST(not_parked),
		LINE_TEST(takes_what_is_left),
		LINE_TEST(silent_store),
		LINE_TEST(store_away),
		LINE_TEST(ended_on_its_way),
		LINE_TEST(the_same_order),
		LINE_TEST(killed_on_its_way),
		LINE_TEST(killed_when_parked),
		LINE_TEST(store_lost_it),
		LINE_TEST(is_call_back),
		LINE_TEST(comes_back_again),
		LINE_TEST(comes_back_after_a_kill),
		LINE_TEST(never_comes_back),
		LINE_TEST(is_told_something),
		ORDER_TEST(retrieved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
