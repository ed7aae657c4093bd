/* SPDX-License-Identifier: Apache-2.0 */
/* An application that hears a party of the call: by command, over a pause of a recording, the end of the call and kills. */

#include "sig/model/recording.h"
#include "sig/pbx/media_stream.h"
#include "tests/unit/sig/trio.h"

static uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

static void listen_gives(struct line *l, uint8_t leg, const char *endpoint, uint8_t sides, int want)
{
	struct media_stream_terms terms = { .sides = sides };
	struct call_order o = { .kind = ORDER_MEDIA_STREAM,
				.leg = orders_leg(leg),
				.media_stream = &terms };

	(void)bytes_cstr(bytes_str(endpoint), terms.endpoint, sizeof(terms.endpoint));
	assert_int_equal(shard_call_order(l->r->shard, the_call(l->r), &o, l->r->now), want);
	rig_wait_ms(l->r, 1);
}

static void told(struct line *l, enum media_stream_reply_kind kind, const char *reason)
{
	const struct media_stream_reply new_state = { .kind = kind,
						      .serial = l->r->listen_serial,
						      .reason = reason };

	rig_reply(l->r, (struct reply){ .ask = ASK_MEDIA_STREAM,
					.of = the_call(l->r),
					.media_stream = new_state });
	rig_run(l->r);
}

static void assert_taps(const struct rig *r, uint8_t a, uint8_t b)
{
	assert_int_equal(line_last_spec(r, 0).tap_live, a);
	assert_int_equal(line_last_spec(r, 1).tap_live, b);
}

/* The newest event is that, and of that leg. */
static void assert_event(const struct rig *r, enum sig_event_kind kind, uint8_t leg,
			 const char *reason)
{
	const struct sig_event *event = &r->events[r->event_count - 1];

	assert_int_equal(event->kind, kind);
	assert_int_equal((event_str(event, EV_LEG)[0] == 'b'), leg);
	assert_string_equal(event_str(event, EV_ENDPOINT), "ears");
	assert_string_equal(event_str(event, EV_REASON), reason);
}

static int talks(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	phones_talk(&l->a, &l->b);
	return 0;
}

static void hangs_up(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void begun_and_stopped(void **state)
{
	struct line *l = *state;

	listen_gives(l, 1, "", 0, REFUSED_NO_MEDIA_STREAM);
	listen_gives(l, 1, "ears", MEDIA_STREAM_FROM_PARTY, 0);
	assert_string_equal(l->r->listener, "ears");
	assert_int_equal(l->r->listen.sides, MEDIA_STREAM_FROM_PARTY);
	assert_true(l->r->listen.of_callee);
	assert_false(l->r->listen.resumed);
	assert_int_equal(l->r->listen.number, 1);
	assert_taps(l->r, 0, 1);
	told(l, MEDIA_STREAM_STARTED, NULL);
	assert_event(l->r, SIG_CALL_STREAM_STARTED, 1, "");
	listen_gives(l, 0, "", 0, REFUSED_NO_MEDIA_STREAM); /* of the other leg */
	listen_gives(l, 1, "", 0, 0);
	assert_event(l->r, SIG_CALL_STREAM_ENDED, 1, "stopped");
	assert_int_equal(l->r->listen_stops, 1);
	assert_taps(l->r, 0, 0);
	told(l, MEDIA_STREAM_ENDED, NULL); /* nobody's any more */
	assert_int_equal(l->r->listen_stops, 1);
	hangs_up(l);
}

/* Copies for the one before are none for this one: its number is another. */
static void another_in_its_place(void **state)
{
	struct line *l = *state;

	listen_gives(l, 0, "other", MEDIA_STREAM_BOTH, 0);
	listen_gives(l, 0, "ears", MEDIA_STREAM_BOTH, 0);
	assert_int_equal(l->r->listen_stops, 1);
	assert_taps(l->r, 2, 0);
	told(l, MEDIA_STREAM_FAILED, "why");
	assert_event(l->r, SIG_CALL_STREAM_FAILED, 0, "why");
	assert_taps(l->r, 0, 0);
	listen_gives(l, 0, "ears", MEDIA_STREAM_TO_PARTY, 0);
	assert_taps(l->r, 3, 0);
	told(l, MEDIA_STREAM_ENDED, NULL);
	assert_event(l->r, SIG_CALL_STREAM_ENDED, 0, "end");
	hangs_up(l);
}

/* What a recording may not have it may not have, either. */
static void while_paused(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1001", false);

	e.classes = 0xff;
	e.record = RECORD_ON_DEMAND;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	listen_gives(l, 1, "ears", MEDIA_STREAM_BOTH, 0);
	for (unsigned i = ORDER_RECORD_ON; i <= ORDER_RECORD_RESUME; i++) {
		assert_int_equal(shard_call_record(l->r->shard, the_call(l->r), 0,
						   (enum order_record)i, NULL, l->r->now),
				 0);
		rig_wait_ms(l->r, 1);
		assert_taps(l->r, 0, i != ORDER_RECORD_PAUSE);
	}
	hangs_up(l);
}

static void killed_and_hung_up(void **state)
{
	struct line *l = *state;

	listen_gives(l, 0, "ears", MEDIA_STREAM_TO_PARTY, 0);
	listen_gives(l, 0, "ears", MEDIA_STREAM_TO_PARTY, 0);
	line_restart(l, line_stored(l));
	assert_int_equal(l->r->listen_count, 3);
	assert_string_equal(l->r->listener, "ears");
	assert_true(l->r->listen.resumed);
	assert_int_equal(l->r->listen.sides, MEDIA_STREAM_TO_PARTY);
	assert_int_equal(l->r->listen.number, 2);
	assert_taps(l->r, 2, 0);
	phone_request(&l->a, "BYE", "", "");
	assert_int_equal(l->r->listen_stops, 2);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* The number of the last one is in the record, too. */
static void killed_between(void **state)
{
	struct line *l = *state;

	listen_gives(l, 0, "ears", MEDIA_STREAM_FROM_PARTY, 0);
	listen_gives(l, 0, "", 0, 0);
	line_restart(l, line_stored(l));
	assert_int_equal(l->r->listen_count, 1);
	listen_gives(l, 0, "ears", MEDIA_STREAM_FROM_PARTY, 0);
	assert_taps(l->r, 2, 0);
	hangs_up(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(begun_and_stopped, talks, line_teardown),
		cmocka_unit_test_setup_teardown(another_in_its_place, talks, line_teardown),
		cmocka_unit_test_setup_teardown(while_paused, talks, line_teardown),
		cmocka_unit_test_setup_teardown(killed_and_hung_up, talks, line_teardown),
		cmocka_unit_test_setup_teardown(killed_between, talks, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
