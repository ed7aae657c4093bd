/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "tests/unit/engine/rig.h"

static void counts_what_is_relayed(void **state)
{
	struct rig *r = rig_open();
	struct flow_stats a, b;
	uint64_t first_ns = r->sim->now_ns;

	(void)state;
	for (uint16_t n = 0; n < 10; n++) {
		if (n > 0)
			advance_ms(r, 20);
		assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = n }));
	}
	assert_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .payload_type = NO_RULE }));
	a = flow_stats_read(flow_of(r, A));
	b = flow_stats_read(flow_of(r, B));
	assert_int_equal(a.packets_in, 10);
	assert_int_equal(a.octets_in, 10 * 17);
	assert_int_equal(a.packets_out, 0);
	assert_int_equal(a.dropped, 1);
	assert_int_equal(a.first_in_ns, first_ns);
	assert_int_equal(a.last_in_ns, r->sim->now_ns);
	assert_int_equal(b.packets_in, 0);
	assert_int_equal(b.packets_out, 10);
	assert_int_equal(b.octets_out, 10 * 17);
	assert_int_equal(b.first_in_ns, 0);
	rig_close(r);
}

static const struct loss {
	const char *name;
	uint16_t sequence[8];
	uint32_t ssrc[8];
	uint32_t count, lost;
} LOSSES[] = {
	{ "none", { 65534, 65535, 0, 1 }, { 1, 1, 1, 1 }, 4, 0 },
	{ "a gap over the wrap", { 65534, 2, 3 }, { 1, 1, 1 }, 3, 3 },
	{ "late ones fill the gap", { 10, 12, 11, 13 }, { 1, 1, 1, 1 }, 4, 0 },
	{ "twice is not less than none", { 10, 10, 10, 11 }, { 1, 1, 1, 1 }, 4, 0 },
	{ "of two sources", { 10, 13, 500, 502 }, { 1, 1, 2, 2 }, 4, 3 },
	{ "a change of source is no loss", { 10, 11, 40000, 40001 }, { 1, 1, 2, 2 }, 4, 0 },
};

static void counts_loss(void **state)
{
	const struct loss *row;

	(void)state;
	EACH_ROW(row, LOSSES)
	{
		struct rig *r = rig_open();

		for (uint32_t i = 0; i < row->count; i++)
			(void)relay_rtp(r, A,
					&(struct rtp){ .ssrc = row->ssrc[i],
						       .sequence = row->sequence[i] });
		ROW_ASSERT(row->name, flow_stats_read(flow_of(r, A)).lost == row->lost);
		rig_close(r);
	}
}

static void measures_jitter(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	for (uint16_t n = 0; n < 500; n++) {
		struct rtp in = { .ssrc = 1, .sequence = n, .timestamp = n * 160U };

		assert_non_null(relay_rtp(r, A, &in));
		advance_ms(r, n % 2 ? 15 : 25); /* every packet 5 ms off */
	}
	assert_in_range(flow_stats_read(flow_of(r, A)).jitter_us, 4500, 5000);
	rig_close(r);
}

/* The packets of an event share one timestamp, whatever the time. */
static void events_are_no_jitter(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	for (uint16_t n = 0; n < 100; n++) {
		struct rtp in = { .ssrc = 1,
				  .sequence = n,
				  .timestamp = n < 50 ? n * 160U : 8000,
				  .payload_type = n < 50 ? 0 : 101 };

		assert_non_null(relay_rtp(r, A, &in));
		advance_ms(r, 20);
	}
	assert_int_equal(flow_stats_read(flow_of(r, A)).jitter_us, 0);
	rig_close(r);
}

/* ---- digits ---- */

struct event_packet {
	uint16_t sequence;
	uint8_t event, end;
	uint16_t duration;
	uint32_t timestamp, ssrc;
};

static void put_event(struct rig *r, const struct event_packet *e)
{
	char payload[4] = { (char)e->event, (char)(e->end << 7 | 10), (char)(e->duration >> 8),
			    (char)e->duration };
	struct rtp in = { .ssrc = e->ssrc,
			  .sequence = e->sequence,
			  .timestamp = e->timestamp,
			  .payload_type = 101,
			  .payload = payload,
			  .payload_n = sizeof(payload) };

	put_rtp(r, A, &in);
}

static void a_digit_comes_once(void **state)
{
	struct rig *r = rig_open();
	struct media_event event;

	(void)state;
	for (uint16_t n = 1; n <= 5; n++)
		put_event(r, &(struct event_packet){ .sequence = n,
						     .event = 5,
						     .ssrc = 1,
						     .duration = (uint16_t)(160 * n) });
	for (uint16_t n = 6; n <= 8; n++) /* the end, three times (RFC 4733 2.5.1.4) */
		put_event(
			r,
			&(struct event_packet){
				.sequence = n, .event = 5, .end = 1, .ssrc = 1, .duration = 960 });
	worker_step(&r->w);
	assert_true(rig_event(r, MEDIA_FLOW_DIGIT, &event));
	assert_int_equal(event.digit, '5');
	assert_int_equal(event.duration_ms, 120);
	assert_int_equal(event.leg, A);
	assert_int_equal(event.call, 4711);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 0);
	assert_int_equal(flow_of(r, A)->stats.digits, 1);
	assert_int_equal(r->sim->sent, 8); /* and all of it is relayed */
	rig_close(r);
}

/* A leg that has no other: a menu, say. */
static void a_party_without_peer(void **state)
{
	struct rig *r = rig_open();
	struct media_event event;
	struct flow_stats stats;

	(void)state;
	r->spec[A].peer = (struct flow_id){ 0 };
	r->spec[A].alone = 1;
	rig_update(r, &r->spec[A]);
	for (uint16_t n = 0; n < 10; n++, advance_ms(r, 20)) {
		struct rtp in = { .ssrc = 1, .sequence = n, .timestamp = n * 160U };

		if (n != 5)
			assert_null(relay_rtp(r, A, &in));
	}
	for (uint16_t n = 10; n < 14; n++)
		put_event(r, &(struct event_packet){ .sequence = n,
						     .event = 3,
						     .end = n > 10,
						     .ssrc = 1,
						     .timestamp = 1600,
						     .duration = 800 });
	worker_step(&r->w);
	stats = flow_stats_read(flow_of(r, A));
	assert_int_equal(stats.packets_in, 13);
	assert_int_equal(stats.lost, 1);
	assert_int_equal(stats.jitter_us, 0);
	assert_int_equal(dropped(r, VERDICT_ALONE), 13);
	assert_true(rig_event(r, MEDIA_FLOW_DIGIT, &event));
	assert_int_equal(event.digit, '3');
	assert_int_equal(event.relayed, 0);
	/* then it gets a peer: that one's stream begins with what comes now */
	r->spec[A].peer = r->spec[B].id;
	rig_update(r, &r->spec[A]);
	assert_non_null(
		relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 14, .timestamp = 2240 }));
	assert_int_equal(flow_stats_read(flow_of(r, A)).source_changes, 0);
	/* and without both it is nobody's */
	r->spec[A].peer = (struct flow_id){ 0 };
	r->spec[A].alone = 0;
	rig_update(r, &r->spec[A]);
	assert_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 15 }));
	assert_int_equal(dropped(r, VERDICT_NO_PEER), 1);
	rig_close(r);
}

static void events_end_here(struct rig *r, bool here)
{
	for (uint8_t i = 0; i < r->spec[A].rule_count; i++) {
		struct payload_rule *rule = &r->spec[A].rules[i];

		if (rule->event)
			rule->out = here ? PAYLOAD_NONE : rule->in;
	}
	rig_update(r, &r->spec[A]);
}

/* The other party has it when it got a part of it: who is told would else send it again. */
static void a_digit_that_was_relayed_in_part(void **state)
{
	static const struct {
		bool first, then; /* it ends here */
	} rows[] = { { false, true }, { true, false }, { true, true }, { false, false } };

	(void)state;
	for (uint16_t i = 0; i < COUNT_OF(rows); i++) {
		struct event_packet e = { .event = 11, .ssrc = 1, .duration = 160 };
		struct rig *r = rig_open();
		struct media_event event;

		events_end_here(r, rows[i].first);
		put_event(r, &e);
		worker_step(&r->w);
		advance_ms(r, 20);
		events_end_here(r, rows[i].then);
		e.duration = 320;
		for (e.sequence = 1; e.sequence < 4; e.sequence++) {
			e.end = e.sequence > 1;
			put_event(r, &e);
		}
		worker_step(&r->w);
		assert_true(rig_event(r, MEDIA_FLOW_DIGIT, &event));
		assert_int_equal(event.relayed, !rows[i].first || !rows[i].then);
		/* and the next one is another one */
		events_end_here(r, true);
		e = (struct event_packet){ .event = 1,
					   .ssrc = 1,
					   .sequence = 4,
					   .timestamp = 1600,
					   .duration = 320,
					   .end = 1 };
		put_event(r, &e);
		worker_step(&r->w);
		assert_true(rig_event(r, MEDIA_FLOW_DIGIT, &event));
		assert_int_equal(event.digit, '1');
		assert_int_equal(event.relayed, 0);
		rig_close(r);
	}
}

static void a_digit_without_end_comes_after_the_silence(void **state)
{
	struct rig *r = rig_open();
	struct media_event event;

	(void)state;
	put_event(r, &(struct event_packet){ .event = 11, .duration = 400, .ssrc = 1 });
	worker_step(&r->w);
	advance_ms(r, 150);
	worker_step(&r->w);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 0);
	for (int i = 0; i < 2; i++) {
		advance_ms(r, 150);
		worker_step(&r->w);
	}
	assert_true(rig_event(r, MEDIA_FLOW_DIGIT, &event));
	assert_int_equal(event.digit, '#');
	assert_int_equal(event.duration_ms, 50);
	advance_ms(r, 5000);
	worker_step(&r->w);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 0);
	rig_close(r);
}

/* Audio goes on under SSRC 1 while the event's packets come under SSRC 2, in the same batch or not. */
static void an_event_among_other_sources_is_one_digit(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	for (uint16_t n = 0; n < 20; n++) {
		put_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = n, .timestamp = n * 160U });
		put_event(r, &(struct event_packet){ .sequence = n,
						     .event = 7,
						     .end = n >= 17,
						     .ssrc = 2,
						     .duration =
							     (uint16_t)(n < 17 ? n * 160 : 2720) });
		if (n % 3 == 0)
			worker_step(&r->w);
	}
	worker_step(&r->w);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 1);
	rig_close(r);
}

static void events_of_a_new_source_are_new(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	/* the end of the first one is lost; the second has the same timestamp by chance */
	put_event(r, &(struct event_packet){ .event = 1, .ssrc = 1, .duration = 320 });
	put_event(r, &(struct event_packet){ .event = 1, .ssrc = 2, .duration = 160 });
	put_event(r, &(struct event_packet){
			     .event = 1, .ssrc = 2, .duration = 320, .end = 1, .sequence = 1 });
	worker_step(&r->w);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 2);
	rig_close(r);
}

static void what_is_no_digit_is_relayed_in_silence(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	put_event(r, &(struct event_packet){ .event = 36, .end = 1, .ssrc = 1, .duration = 800 });
	put_rtp(r, A,
		&(struct rtp){ .ssrc = 1, .sequence = 1, .payload_type = 101, .payload = "x" });
	worker_step(&r->w);
	assert_int_equal(r->sim->sent, 2);
	assert_int_equal(rig_events(r, MEDIA_FLOW_DIGIT), 0);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_is_relayed),
		cmocka_unit_test(counts_loss),
		cmocka_unit_test(measures_jitter),
		cmocka_unit_test(events_are_no_jitter),
		cmocka_unit_test(a_digit_comes_once),
		cmocka_unit_test(a_party_without_peer),
		cmocka_unit_test(a_digit_that_was_relayed_in_part),
		cmocka_unit_test(a_digit_without_end_comes_after_the_silence),
		cmocka_unit_test(an_event_among_other_sources_is_one_digit),
		cmocka_unit_test(events_of_a_new_source_are_new),
		cmocka_unit_test(what_is_no_digit_is_relayed_in_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
