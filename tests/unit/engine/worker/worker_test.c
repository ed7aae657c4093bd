/* SPDX-License-Identifier: Apache-2.0 */
/* The whole walk: what goes in comes out or is counted, in batches of any size. */
#include <sys/mman.h>

#include "tests/unit/test.h"

#include "engine/worker/worker.h"
#include "tests/unit/engine/rig.h"

static uint64_t all_dropped(const struct rig *r)
{
	uint64_t n = 0;

	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		n += dropped(r, v);
	return n;
}

static void a_batch_keeps_its_order(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	for (uint16_t n = 0; n < 200; n++)
		put_rtp(r, n % 2, &(struct rtp){ .ssrc = 1 + n % 2, .sequence = n });
	for (int i = 0; i < 4; i++) /* 64 + 64 + 64 + 8 */
		worker_step(&r->w);
	for (uint16_t n = 0; n < 200; n++) {
		struct rtp out = rtp_read(port_sim_sent(r->sim));

		assert_int_equal(out.sequence, n);
		assert_int_equal(out.ssrc, n % 2 ? 0xaaaa : 0xbbbb);
	}
	nothing_sent(r);
	rig_close(r);
}

static void the_wait_follows_the_work(void **state)
{
	static const struct {
		const char *name;
		uint32_t busy;
		uint64_t wait_us;
	} ROWS[] = {
		{ "idle", 0, 500 },
		{ "little to do", PACE_LOW, 500 },
		{ "half way", (PACE_LOW + PACE_HIGH) / 2, 1250 },
		{ "loaded", PACE_HIGH, 2000 },
		{ "more than that", PACE_HIGH + 50, 2000 },
		{ "full", 1000, 2000 },
	};
	struct rig *r = rig_open();

	(void)state;
	atomic_store_explicit(&r->w.batch_wait_ns, 2 * NS_PER_MS, memory_order_relaxed);
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		atomic_store(&r->w.busy, ROWS[i].busy);
		pace_set(&r->w);
		ROW_ASSERT(ROWS[i].name, r->w.wait_ns == ROWS[i].wait_us * NS_PER_US);
		ROW_ASSERT(ROWS[i].name, metric_value(r->metrics.wait_us) == ROWS[i].wait_us);
		ROW_ASSERT(ROWS[i].name, metric_value(r->metrics.busy) == ROWS[i].busy);
	}
	rig_close(r);
}

static void a_worker_without_flows_waits_for_nothing(void **state)
{
	struct rig *r = rig_open();
	struct media_command c = { .kind = MEDIA_FLOW_CLOSE };

	(void)state;
	atomic_store_explicit(&r->w.batch_wait_ns, 2 * NS_PER_MS, memory_order_relaxed);
	pace_set(&r->w);
	assert_int_equal(metric_value(r->metrics.wait_us), 500);
	for (int side = A; side <= B; side++) {
		c.id = r->spec[side].id;
		rig_command(r, &c);
	}
	assert_int_equal(metric_value(r->metrics.wait_us), 0);
	rig_close(r);
}

static void in_is_out_and_dropped(void **state)
{
	struct rig *r = rig_open();
	uint64_t in = metric_value(r->metrics.packets_in),
		 out = metric_value(r->metrics.packets_out);
	uint64_t octets_in = metric_value(r->metrics.octets_in);
	uint64_t octets_out = metric_value(r->metrics.octets_out);
	struct addr from = party(A);

	(void)state;
	rig_hear(r, B);
	for (uint16_t n = 0; n < 100; n++) {
		put_rtp(r, A,
			&(struct rtp){
				.ssrc = 1, .sequence = n, .payload_type = n % 4 ? 0 : NO_RULE });
		put_bytes(r, A, CHANNEL_RTP, &from, bytes_str("\r\n\r\n"));
		if (n % 10 == 9)
			worker_step(&r->w);
	}
	assert_int_equal(metric_value(r->metrics.packets_in) - in, 200);
	assert_int_equal(metric_value(r->metrics.packets_out) - out, 75);
	assert_int_equal(all_dropped(r), 125);
	assert_int_equal(dropped(r, VERDICT_NOT_RTP), 100);
	assert_int_equal(metric_value(r->metrics.octets_in) - octets_in, 100 * (17 + 4));
	assert_int_equal(metric_value(r->metrics.octets_out) - octets_out, 75 * 17);
	assert_int_equal(r->sim->sent + r->sim->forgotten, 200);
	rig_close(r);
}

/* Lost packets are lost and nothing else: the gap stays a gap, as the receiver's concealment wants it. */
static void loss_passes_as_loss(void **state)
{
	struct rig *r = rig_open();
	const struct sim_packet *p;
	uint32_t received = 0;
	uint32_t last = 0;

	(void)state;
	rig_hear(r, B);
	r->sim->loss_per_mille = 100;
	for (uint16_t n = 1; n <= 1000; n++) {
		put_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = n });
		worker_step(&r->w);
		while ((p = port_sim_sent(r->sim)) != NULL) {
			assert_true(rtp_read(p).sequence > last);
			last = rtp_read(p).sequence;
			received++;
		}
	}
	assert_in_range(r->sim->lost, 50, 150);
	assert_int_equal(received + r->sim->lost, 1000);
	/* those before the first and after the last received are not known of */
	assert_in_range(flow_stats_read(flow_of(r, A)).lost, r->sim->lost - 10, r->sim->lost);
	rig_close(r);
}

static void packets_of_closed_flows_have_no_flow(void **state)
{
	struct rig *r = rig_open();
	struct batch *b = &r->w.batch;

	(void)state;
	put_rtp(r, A, &(struct rtp){ .ssrc = 1 });
	/* received, and closed before the stages */
	flow_close(&r->w.flows, flow_of(r, A));
	worker_step(&r->w);
	nothing_sent(r);
	assert_int_equal(dropped(r, VERDICT_NO_FLOW), 1);
	assert_int_equal(b->count, 0);
	rig_close(r);
}

static void push(struct rig *r, const struct media_command *c)
{
	assert_true(ring_push(&r->w.commands, c));
}

/* A 200 that leaves with a change of flows is answered by packets at once: both wait for the worker together. */
static void commands_come_before_the_batch(void **state)
{
	struct rig *r = rig_open();
	struct flow_spec held = r->spec[A];

	(void)state;
	held.receive = 0;
	push(r, &(struct media_command){ .kind = MEDIA_FLOW_UPDATE, .spec = held });
	assert_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 1 }));
	assert_int_equal(dropped(r, VERDICT_NOT_RECEIVING), 1);
	push(r, &(struct media_command){ .kind = MEDIA_FLOW_UPDATE, .spec = r->spec[A] });
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 2 }));
	rig_close(r);
}

/* What came in for a flow is not the next one's in its slot, be it only one step away. */
static void a_slot_is_used_again_within_a_step(void **state)
{
	struct rig *r = rig_open();
	struct flow_spec next = r->spec[A];
	struct flow_stats stats;

	(void)state;
	next.id.generation++;
	put_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 1 });
	push(r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = r->spec[A].id });
	push(r, &(struct media_command){
			.kind = MEDIA_FLOW_OPEN, .rtp_fd = -1, .rtcp_fd = -1, .spec = next });
	worker_step(&r->w);
	nothing_sent(r);
	assert_int_equal(dropped(r, VERDICT_NO_FLOW), 1);
	assert_int_equal(r->w.flows.count, 2);
	stats = flow_stats_read(flow_of(r, A));
	assert_int_equal(stats.packets_in + stats.dropped, 0);
	assert_int_equal(flow_of(r, A)->latch_rtp.source.family, ADDR_NONE);
	rig_close(r);
}

static void a_flow_is_found_by_its_generation_only(void **state)
{
	struct rig *r = rig_open();
	struct flow_id past = { .slot = A, .generation = 6 };

	(void)state;
	assert_ptr_equal(flow_find(&r->w.flows, r->spec[A].id), flow_of(r, A));
	assert_null(flow_find(&r->w.flows, past));
	assert_null(flow_find(&r->w.flows, (struct flow_id){ .slot = A }));
	assert_null(flow_find(&r->w.flows, (struct flow_id){ .slot = RIG_SLOTS, .generation = 7 }));
	rig_close(r);
}

/* The list of open flows that the tick walks: right after every open and close, in any order. */
static void open_flows_are_listed_once(void **state)
{
	static const uint32_t ORDER[] = { 0, 7, 3, 5, 1, 2, 6, 4 };
	struct flow_table t;
	struct flow *f[RIG_SLOTS];

	(void)state;
	assert_int_equal(flow_table_open(&t, RIG_SLOTS), 0);
	for (uint32_t i = 0; i < RIG_SLOTS; i++) {
		struct flow_spec s = { .id = { .slot = i, .generation = 1 } };

		assert_int_equal(flow_open(&t, &s, RIG_START, &f[i]), 0);
	}
	for (uint32_t i = 0; i < RIG_SLOTS; i++) {
		flow_close(&t, f[ORDER[i]]);
		assert_int_equal(t.count, RIG_SLOTS - 1 - i);
		for (uint32_t k = 0; k < t.count; k++) {
			assert_int_equal(t.list[t.active[k]].active_at, k);
			assert_int_equal(t.list[t.active[k]].id.generation, 1);
		}
	}
	flow_table_close(&t);
}

/* Of what few flows use a plain one writes nothing, so that no page of it costs memory: here that would be the end. */
static void a_plain_flow_has_nothing_rare(void **state)
{
	struct rig *r = rig_open_empty(64);
	const struct rtp p = { .sequence = 1, .timestamp = 160 };

	(void)state;
	assert_int_equal(mprotect(r->w.flows.rare, RIG_SLOTS * sizeof(*r->w.flows.rare), PROT_READ),
			 0);
	for (uint32_t generation = 1; generation < 4; generation++) {
		for (int side = A; side <= B; side++) {
			r->spec[side] = rig_spec(side);
			r->spec[side].id.generation = r->spec[side].peer.generation = generation;
			rig_open_flow(r, &r->spec[side]);
			rig_update(r, &r->spec[side]);
		}
		assert_non_null(relay_rtp(r, A, &p));
		for (int side = A; side <= B; side++)
			rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
								.id = r->spec[side].id });
	}
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_keeps_its_order),
		cmocka_unit_test(in_is_out_and_dropped),
		cmocka_unit_test(the_wait_follows_the_work),
		cmocka_unit_test(a_worker_without_flows_waits_for_nothing),
		cmocka_unit_test(loss_passes_as_loss),
		cmocka_unit_test(packets_of_closed_flows_have_no_flow),
		cmocka_unit_test(commands_come_before_the_batch),
		cmocka_unit_test(a_slot_is_used_again_within_a_step),
		cmocka_unit_test(open_flows_are_listed_once),
		cmocka_unit_test(a_flow_is_found_by_its_generation_only),
		cmocka_unit_test(a_plain_flow_has_nothing_rare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
