/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "tests/unit/engine/rig.h"

static void push(struct rig *r, enum media_command_kind kind, uint32_t slot, uint32_t generation)
{
	struct media_command c = { .kind = kind,
				   .rtp_fd = -1,
				   .rtcp_fd = -1,
				   .id = { .slot = slot, .generation = generation } };

	assert_true(ring_push(&r->w.commands, &c));
}

static struct flow_spec spec_at(uint32_t slot, uint32_t generation)
{
	struct flow_spec s = rig_spec(A);

	s.id = (struct flow_id){ .slot = slot, .generation = generation };
	s.peer = (struct flow_id){ 0 };
	s.call = 1000 + slot;
	return s;
}

static void a_close_answers_with_the_last_counters(void **state)
{
	struct rig *r = rig_open();
	struct media_event event;

	(void)state;
	for (uint16_t n = 0; n < 3; n++)
		assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = n }));
	push(r, MEDIA_FLOW_QUERY, A, 7);
	push(r, MEDIA_FLOW_CLOSE, A, 7);
	worker_step(&r->w);
	assert_true(rig_event(r, MEDIA_FLOW_STATS, &event));
	assert_int_equal(event.stats.packets_in, 3);
	assert_true(rig_event(r, MEDIA_FLOW_CLOSED, &event));
	assert_int_equal(event.id.slot, A);
	assert_int_equal(event.id.generation, 7);
	assert_int_equal(event.call, 4711);
	assert_int_equal(event.stats.packets_in, 3);
	assert_int_equal(event.resume.source_ssrc, 1);
	assert_int_equal(r->w.flows.count, 1);
	assert_int_equal(r->sim->flows[A], 0);
	/* B's packets now find no peer */
	assert_null(relay_rtp(r, B, &(struct rtp){ .ssrc = 2 }));
	assert_int_equal(dropped(r, VERDICT_NO_PEER), 1);
	rig_close(r);
}

static void a_digit_in_progress_ends_with_the_flow(void **state)
{
	struct rig *r = rig_open();
	struct media_event event;

	(void)state;
	assert_non_null(relay_rtp(r, A,
				  &(struct rtp){ .ssrc = 1,
						 .payload_type = 101,
						 .payload = "\x03\x0a\x03\x20",
						 .payload_n = 4 }));
	push(r, MEDIA_FLOW_CLOSE, A, 7);
	worker_step(&r->w);
	assert_true(rig_event(r, MEDIA_FLOW_DIGIT, &event));
	assert_int_equal(event.digit, '3');
	assert_int_equal(event.duration_ms, 100);
	assert_true(rig_event(r, MEDIA_FLOW_CLOSED, &event));
	rig_close(r);
}

/* However small the event ring, each close is answered once, in order, and in the end. */
static void a_close_event_is_never_lost(void **state)
{
	struct rig *r = rig_open_empty(1);
	struct media_event event;

	(void)state;
	for (uint32_t slot = 0; slot < RIG_SLOTS; slot++) {
		struct flow_spec s = spec_at(slot, 1);

		rig_open_flow(r, &s);
	}
	for (uint32_t slot = 0; slot < RIG_SLOTS; slot++)
		push(r, MEDIA_FLOW_CLOSE, slot, 1);
	for (int i = 0; i < 20; i++) /* nobody reads */
		worker_step(&r->w);
	for (uint32_t slot = 0; slot < RIG_SLOTS; slot++) {
		assert_int_equal(ring_pop(&r->w.events, &event, 1), 1);
		assert_int_equal(event.kind, MEDIA_FLOW_CLOSED);
		assert_int_equal(event.id.slot, slot);
		assert_int_equal(event.call, 1000 + slot);
		worker_step(&r->w);
	}
	assert_int_equal(ring_pop(&r->w.events, &event, 1), 0);
	assert_int_equal(r->w.flows.count, 0);
	rig_close(r);
}

/* Ids of former uses of a slot, of other slots, of none. */
static void stale_commands_touch_nothing(void **state)
{
	static const struct flow_id STALE[] = {
		{ A, 6 }, { A, 8 }, { 5, 7 }, { RIG_SLOTS, 7 }, { UINT32_MAX, 7 }
	};
	struct rig *r = rig_open();
	struct media_event event;
	uint64_t before = metric_value(r->metrics.stale_commands);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(STALE); i++) {
		struct flow_spec s = rig_spec(A);

		s.id = STALE[i];
		s.receive = 0;
		rig_update(r, &s);
		push(r, MEDIA_FLOW_QUERY, STALE[i].slot, STALE[i].generation);
		push(r, MEDIA_FLOW_CLOSE, STALE[i].slot, STALE[i].generation);
		worker_step(&r->w);
		assert_int_equal(ring_pop(&r->w.events, &event, 1), 1);
		assert_int_equal(event.kind, MEDIA_FLOW_CLOSED); /* so that nobody waits for ever */
		assert_int_equal(event.id.generation, STALE[i].generation);
		assert_int_equal(event.stats.packets_in, 0);
		assert_int_equal(ring_pop(&r->w.events, &event, 1), 0);
	}
	assert_int_equal(metric_value(r->metrics.stale_commands) - before, 3 * COUNT_OF(STALE));
	assert_int_equal(r->w.flows.count, 2);
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1 }));
	rig_close(r);
}

static void a_slot_is_used_again(void **state)
{
	struct rig *r = rig_open();
	struct flow_spec again = rig_spec(A);
	struct media_event event;

	(void)state;
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1 }));
	push(r, MEDIA_FLOW_CLOSE, A, 7);
	worker_step(&r->w);
	again.id.generation = 8;
	rig_open_flow(r, &again);
	assert_true(rig_event(r, MEDIA_FLOW_CLOSED, &event));
	/* nothing of the former use is left */
	assert_int_equal(flow_of(r, A)->received.packets, 0);
	assert_int_equal(flow_of(r, A)->latch_rtp.source.family, ADDR_NONE);
	/* B's peer is still the former one */
	assert_null(relay_rtp(r, B, &(struct rtp){ .ssrc = 2 }));
	assert_int_equal(dropped(r, VERDICT_NO_PEER), 1);
	rig_close(r);
}

static void a_refused_open_is_reported(void **state)
{
	static const struct row {
		const char *name;
		uint32_t slot;
		bool port_refuses;
		int error;
	} rows[] = { { "slot in use", A, false, -EBUSY },
		     { "no such slot", RIG_SLOTS, false, -ERANGE },
		     { "the port refuses", 3, true, -EIO } };
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct rig *r = rig_open();
		struct flow_spec s = spec_at(row->slot, 9);
		struct media_event event;

		r->sim->refuses_flows = row->port_refuses;
		rig_open_flow(r, &s);
		ROW_ASSERT(row->name, rig_event(r, MEDIA_FLOW_FAILED, &event));
		ROW_ASSERT(row->name, event.error == row->error);
		ROW_ASSERT(row->name, event.id.slot == row->slot && event.id.generation == 9);
		ROW_ASSERT(row->name, event.call == s.call);
		ROW_ASSERT(row->name, r->w.flows.count == 2);
		rig_close(r);
	}
}

static void a_dead_socket_is_reported(void **state)
{
	struct rig *r = rig_open();
	struct media_event event;

	(void)state;
	r->sim->fault = (struct port_fault){ .slot = B, .error = -EBADF };
	advance_ms(r, 300);
	worker_step(&r->w);
	assert_true(rig_event(r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.id.slot, B);
	assert_int_equal(event.id.generation, 7);
	assert_int_equal(event.error, -EBADF);
	assert_int_equal(rig_events(r, MEDIA_FLOW_FAILED), 0);
	rig_close(r);
}

static void counts_flows_and_stops(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	assert_int_equal(metric_value(r->metrics.flows), 2);
	push(r, MEDIA_STOP, 0, 0);
	worker_step(&r->w);
	assert_true(r->w.stopping);
	worker_leave(&r->w);
	assert_int_equal(metric_value(r->metrics.flows), 0);
	worker_close(&r->w);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_close_answers_with_the_last_counters),
		cmocka_unit_test(a_digit_in_progress_ends_with_the_flow),
		cmocka_unit_test(a_close_event_is_never_lost),
		cmocka_unit_test(stale_commands_touch_nothing),
		cmocka_unit_test(a_slot_is_used_again),
		cmocka_unit_test(a_refused_open_is_reported),
		cmocka_unit_test(a_dead_socket_is_reported),
		cmocka_unit_test(counts_flows_and_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
