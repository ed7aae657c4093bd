/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "engine/worker/control.h"
#include "tests/unit/engine/rig.h"

static void a_first_packet_is_worth_saving(void **state)
{
	struct rig *r = rig_open();
	struct addr from = party(A);
	struct media_event event;

	(void)state;
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 42, .sequence = 1 }));
	assert_true(rig_event(r, MEDIA_FLOW_LATCHED, &event));
	assert_int_equal(event.id.slot, A);
	assert_true(addr_eq(&event.resume.source_rtp, &from));
	assert_int_equal(event.resume.source_rtcp.family, ADDR_NONE);
	assert_int_equal(event.resume.source_ssrc, 42);
	assert_int_equal(event.resume.started, 1);
	assert_int_equal(event.stats.packets_in, 1);
	rig_close(r);
}

static void what_does_not_change_is_said_once(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	for (uint16_t n = 0; n < 500; n++) {
		assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 42, .sequence = n }));
		advance_ms(r, 20);
	}
	assert_int_equal(rig_events(r, MEDIA_FLOW_LATCHED), 1);
	rig_close(r);
}

/* 500 changes in 10 s: about one event a second, and the last state is told. */
static void a_flapping_source_does_not_flood(void **state)
{
	struct rig *r = rig_open();
	struct media_event event, last = { 0 };
	uint32_t told = 0;

	(void)state;
	for (uint16_t n = 0; n < 500; n++) {
		assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 100 + n, .sequence = n }));
		advance_ms(r, 20);
	}
	for (int i = 0; i < 8; i++) { /* silence: the tick brings the rest */
		advance_ms(r, 250);
		worker_step(&r->w);
	}
	while (rig_event(r, MEDIA_FLOW_LATCHED, &event)) {
		last = event;
		told++;
	}
	assert_in_range(told, 10, 12);
	assert_int_equal(last.resume.source_ssrc, 100 + 499);
	rig_close(r);
}

/* Whom a party hears is control's doing, and a kill may be near: its numbers go on behind those of the one before. */
static void a_new_pair_is_told_at_once(void **state)
{
	struct rig *r = rig_open();
	struct flow_spec c = rig_spec(B);
	struct media_event event;

	(void)state;
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 42, .sequence = 1 }));
	assert_int_equal(rig_events(r, MEDIA_FLOW_LATCHED), 1);
	c.id = (struct flow_id){ .slot = 2, .generation = 1 };
	c.local_rtp = rig_addr("192.0.2.1:20004");
	c.local_rtcp = rig_addr("192.0.2.1:20005");
	c.peer = r->spec[A].id;
	rig_open_flow(r, &c);
	r->spec[A].peer = c.id;
	rig_update(r, &r->spec[A]);
	advance_ms(r, 20);
	put_rtp(r, A, &(struct rtp){ .ssrc = 42, .sequence = 2 });
	worker_step(&r->w);
	assert_true(rig_event(r, MEDIA_FLOW_LATCHED, &event));
	assert_int_equal(event.id.slot, A);
	rig_close(r);
}

static void a_full_ring_delays_but_does_not_lose_it(void **state)
{
	struct rig *r = rig_open_empty(1);
	struct flow_spec spec[2] = { rig_spec(A), rig_spec(B) };
	struct media_event event;

	(void)state;
	rig_open_flow(r, &spec[A]);
	rig_open_flow(r, &spec[B]);
	put_rtp(r, A, &(struct rtp){ .ssrc = 1 });
	put_rtp(r, B, &(struct rtp){ .ssrc = 2 });
	worker_step(&r->w);
	assert_true(rig_event(r, MEDIA_FLOW_LATCHED, &event));
	assert_int_equal(event.id.slot, A);
	advance_ms(r, 300);
	worker_step(&r->w);
	assert_true(rig_event(r, MEDIA_FLOW_LATCHED, &event));
	assert_int_equal(event.id.slot, B);
	rig_close(r);
}

/* Whenever it is pressed. */
static void a_digit_without_end_is_told_in_half_a_second(void **state)
{
	static const char payload[] = { 5, 10, 0, 0x50 };

	(void)state;
	for (uint32_t at_ms = 0; at_ms < 300; at_ms += 7) {
		struct rig *r = rig_open();
		struct media_event event;
		uint32_t ms = 0;

		advance_ms(r, at_ms);
		(void)relay_rtp(r, A,
				&(struct rtp){ .ssrc = 1,
					       .payload_type = 101,
					       .marker = 1,
					       .payload = payload,
					       .payload_n = sizeof(payload) });
		for (; !rig_event(r, MEDIA_FLOW_DIGIT, &event); ms += 10) {
			assert_true(ms < 500);
			advance_ms(r, 10);
			worker_step(&r->w);
		}
		assert_true(ms >= 200);
		assert_int_equal(event.digit, '5');
		rig_close(r);
	}
}

static void key_packet(struct rig *r, uint16_t number, bool end)
{
	uint16_t duration = (uint16_t)(number * 160);
	const char payload[] = { 5, (char)(end ? 0x8a : 0x0a), (char)(duration >> 8),
				 (char)duration };

	advance_ms(r, 20);
	(void)relay_rtp(r, A,
			&(struct rtp){ .ssrc = 1,
				       .sequence = number,
				       .timestamp = 8000,
				       .payload_type = 101,
				       .marker = number == 1,
				       .payload = payload,
				       .payload_n = sizeof(payload) });
}

/* The node is killed while it is down. The next one hears it go on, or its end alone: the key is told, once (RFC 4733 2.5.1.4). */
static void a_key_that_is_held_over_a_kill(void **state)
{
	(void)state;
	for (uint16_t heard = 0; heard < 3; heard++) {
		struct rig *r = rig_open();
		struct flow_spec specs[] = { r->spec[A], r->spec[B] };
		struct media_event event;
		uint32_t told = 0;

		for (uint16_t i = 1; i <= 5; i++)
			key_packet(r, i, false);
		assert_false(rig_event(r, MEDIA_FLOW_DIGIT, &event));
		specs[A].resume = flow_resume_read(flow_of(r, A));
		rig_close(r);
		r = rig_open_empty(64);
		for (int side = A; side <= B; side++)
			rig_open_flow(r, &specs[side]);
		for (uint16_t i = 0; i < heard; i++)
			key_packet(r, (uint16_t)(20 + i), false);
		for (uint16_t i = 0; i < 3; i++)
			key_packet(r, 23, true);
		for (int ms = 0; ms < 1000; ms += 20) {
			told += rig_event(r, MEDIA_FLOW_DIGIT, &event) && event.digit == '5';
			advance_ms(r, 20);
			worker_step(&r->w);
		}
		assert_int_equal(told, 1);
		rig_close(r);
	}
}

static void a_digit_that_does_not_fit_is_counted(void **state)
{
	struct rig *r = rig_open_empty(1);
	struct flow_spec spec = rig_spec(A);
	uint64_t before = metric_value(r->metrics.events_lost);
	struct event_done done = { .event = 4, .duration = 800 };

	(void)state;
	rig_open_flow(r, &spec);
	flow_of(r, A)->event_clock_hz = 8000;
	event_digit(&r->w, flow_of(r, A), &done);
	event_digit(&r->w, flow_of(r, A), &done);
	assert_int_equal(metric_value(r->metrics.events_lost) - before, 1);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 1);
	rig_close(r);
}

/* Each crosses; control, which tells the world, hears of twenty in a second. */
static void digits_are_told_at_a_measure(void **state)
{
	const struct event_done done = { .event = 5, .duration = 800 };
	struct rig *r = rig_open();
	uint64_t untold = metric_value(r->metrics.digits_untold);
	uint32_t told = 0;

	(void)state;
	flow_of(r, A)->event_clock_hz = 8000;
	for (int i = 0; i < 3 * 1000; i++) {
		event_digit(&r->w, flow_of(r, A), &done);
		told += rig_events(r, MEDIA_FLOW_DIGIT);
		advance_ms(r, 1);
		worker_step(&r->w);
	}
	assert_in_range(told, 3 * 20, 4 * 20);
	assert_int_equal(metric_value(r->metrics.digits_untold) - untold, 3000 - told);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_packet_is_worth_saving),
		cmocka_unit_test(what_does_not_change_is_said_once),
		cmocka_unit_test(a_flapping_source_does_not_flood),
		cmocka_unit_test(a_new_pair_is_told_at_once),
		cmocka_unit_test(a_full_ring_delays_but_does_not_lose_it),
		cmocka_unit_test(a_digit_without_end_is_told_in_half_a_second),
		cmocka_unit_test(a_key_that_is_held_over_a_kill),
		cmocka_unit_test(a_digit_that_does_not_fit_is_counted),
		cmocka_unit_test(digits_are_told_at_a_measure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
