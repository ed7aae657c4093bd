/* SPDX-License-Identifier: Apache-2.0 */
/* What a watcher sees of a call, point by point, and that nobody pays for what is not watched. */
#include "tests/unit/test.h"

#include <pthread.h>

#include "tests/unit/engine/ice/ice_party.h"

enum { OTHER_CALL = 4712 };

static void order(struct rig *r, uint64_t call, enum capture_owner owner, unsigned points)
{
	struct capture_order o = { .call = call,
				   .owner = (uint8_t)owner,
				   .points = (uint8_t)points };

	assert_true(ring_push(&r->w.capture.orders, &o));
	worker_step(&r->w);
}

/* False: none waits. */
static bool take(struct rig *r, struct capture_packet *out)
{
	const struct capture_packet *p = ring_peek(&r->w.capture.packets);

	*out = p ? *p : (struct capture_packet){ 0 };
	if (p)
		ring_release(&r->w.capture.packets);
	return p != NULL;
}

static struct rig *rig_with_locals(void)
{
	struct rig *r = rig_open_empty(64);

	for (int side = A; side <= B; side++) {
		r->spec[side] = rig_spec(side);
		r->spec[side].local_rtp =
			rig_addr(side == A ? "192.0.2.1:12000" : "192.0.2.1:12002");
		r->spec[side].local_rtcp =
			rig_addr(side == A ? "192.0.2.1:12001" : "192.0.2.1:12003");
		rig_open_flow(r, &r->spec[side]);
		rig_hear(r, side);
	}
	return r;
}

static void put(struct rig *r, int side, uint16_t sequence)
{
	put_rtp(r, side, &(struct rtp){ .ssrc = 1, .sequence = sequence });
	worker_step(&r->w);
}

static void relay(struct rig *r, int side, uint16_t sequence)
{
	put(r, side, sequence);
	assert_non_null(port_sim_sent(r->sim));
}

static void nothing_is_copied_unasked(void **state)
{
	struct rig *r = rig_with_locals();
	struct capture_packet p;

	(void)state;
	relay(r, A, 1);
	order(r, OTHER_CALL, CAPTURE_TRACE, CAPTURE_IN_WIRE | CAPTURE_OUT_WIRE);
	relay(r, A, 2);
	assert_int_equal(r->w.flows.watched, 0);
	assert_false(take(r, &p));
	rig_close(r);
}

/* As it came with its own numbers, and as it leaves with ours. */
static void both_ways_on_the_wire(void **state)
{
	struct rig *r = rig_with_locals();
	struct addr from = party(A), to = party(B);
	struct capture_packet in = { 0 }, out = { 0 }; /* gcc -O3 asks for it */

	(void)state;
	order(r, 4711, CAPTURE_TRACE, CAPTURE_IN_WIRE | CAPTURE_OUT_WIRE);
	assert_int_equal(r->w.flows.watched, 2);
	relay(r, A, 7);
	assert_true(take(r, &in) && take(r, &out));
	assert_int_equal(in.point, CAPTURE_IN_WIRE);
	assert_int_equal(in.leg, A);
	assert_int_equal(in.call, 4711);
	assert_int_equal(in.flow.slot, 0);
	assert_int_equal(in.time_ns, r->w.now_ns);
	assert_int_equal(in.length, 17);
	assert_int_equal(be32_get(in.octets + 8), 1);
	assert_true(addr_eq(&in.from, &from) && addr_eq(&in.to, &r->spec[A].local_rtp));
	assert_int_equal(out.point, CAPTURE_OUT_WIRE);
	assert_int_equal(out.leg, B);
	assert_int_equal(be32_get(out.octets + 8), r->spec[B].ssrc_out);
	assert_true(addr_eq(&out.from, &r->spec[B].local_rtp) && addr_eq(&out.to, &to));
	assert_false(take(r, &in));
	rig_close(r);
}

/* Strangers are on the wire, and are not the party. */
static void a_stranger_is_on_the_wire_only(void **state)
{
	struct rig *r = rig_with_locals();
	struct addr stranger = rig_addr("198.51.100.9:9");
	struct capture_packet p;

	(void)state;
	order(r, 4711, CAPTURE_TRACE, CAPTURE_IN_WIRE | CAPTURE_IN_PLAIN);
	put_rtp_from(r, A, &stranger, &(struct rtp){ .ssrc = 1 });
	worker_step(&r->w);
	nothing_sent(r);
	assert_true(take(r, &p));
	assert_int_equal(p.point, CAPTURE_IN_WIRE);
	assert_true(addr_eq(&p.from, &stranger));
	assert_false(take(r, &p));
	rig_close(r);
}

/* Audio of a browser and its phone, and video that has the browser's audio port. */
static struct rig *webrtc_rig(void)
{
	struct rig *r = rig_open_empty(64);

	for (uint32_t slot = 0; slot < 4; slot++) {
		struct flow_spec s = rig_spec((int)(slot % 2));

		s.id.slot = slot;
		s.peer.slot = slot ^ 1;
		s.ssrc_out = 0xa0 + slot;
		s.local_rtp = rig_addr("192.0.2.1:12000");
		s.local_rtp.port = (uint16_t)(12000 + 2 * slot);
		s.rtcp_mux = 1;
		if (slot == 0)
			s.ice = ICE_A;
		if (slot == 2)
			s.bundle = (struct flow_id){ .slot = 0, .generation = s.id.generation };
		rig_open_flow(r, &s);
	}
	return r;
}

/* Who shows media in clear shows how they came about, too. */
static void checks_and_handshakes_are_plain(void **state)
{
	struct rig *r = webrtc_rig();
	struct addr from = party(A);
	struct capture_packet p = { 0 };

	(void)state;
	order(r, 4711, CAPTURE_TRACE, CAPTURE_IN_PLAIN | CAPTURE_OUT_PLAIN);
	put_check(r, 0, &from, &(struct check){ .ice = &ICE_A, .nominates = true });
	put_bytes(r, 0, CHANNEL_RTP, &from, BYTES_LIT("\x16\xfe\xff\0"));
	worker_step(&r->w);
	for (int i = 0; i < 2; i++) {
		assert_true(take(r, &p));
		assert_int_equal(p.point, CAPTURE_IN_PLAIN);
		assert_int_equal(p.octets[0], i ? 0x16 : 0);
		assert_int_equal(p.to.port, 12000);
	}
	assert_true(take(r, &p));
	assert_int_equal(p.point, CAPTURE_OUT_PLAIN);
	assert_int_equal(p.octets[0], 1); /* success */
	assert_true(addr_eq(&p.to, &from));
	assert_false(take(r, &p));
	/* to a phone's port it is only dirt */
	put_bytes(r, 1, CHANNEL_RTP, &from, BYTES_LIT("\x16\xfe\xff\0"));
	worker_step(&r->w);
	assert_false(take(r, &p));
	rig_close(r);
}

static void a_bundled_line_has_the_port_it_uses(void **state)
{
	struct rig *r = webrtc_rig();
	struct addr from = party(A), phone = party(B);
	struct capture_packet p = { 0 };

	(void)state;
	put_check(r, 0, &from, &(struct check){ .ice = &ICE_A, .nominates = true });
	worker_step(&r->w);
	order(r, 4711, CAPTURE_TRACE, CAPTURE_OUT_WIRE);
	put_rtp_from(r, 3, &phone, &(struct rtp){ .ssrc = 1 });
	worker_step(&r->w);
	assert_true(take(r, &p));
	assert_int_equal(p.flow.slot, 2);
	assert_int_equal(p.from.port, 12000);
	assert_true(addr_eq(&p.to, &from));
	rig_close(r);
}

static struct bytes report(uint8_t space[64])
{
	struct writer w = writer_over(space, 64);

	writer_be32(&w, 0x81c90007); /* RR with one block */
	writer_be32(&w, 1);
	writer_be32(&w, 0xaaaa);
	for (int i = 0; i < 5; i++)
		writer_be32(&w, 0);
	return writer_done(&w);
}

/* An owner of RTCP sees none of the media, also beside one who sees all. */
static void owners_are_apart(void **state)
{
	struct rig *r = rig_with_locals();
	struct addr from = party_rtcp(A);
	struct capture_packet p;
	uint8_t space[64];

	(void)state;
	order(r, 0, CAPTURE_EXPORT, CAPTURE_RTCP(CAPTURE_IN_PLAIN));
	assert_int_equal(r->w.flows.watched, 2);
	relay(r, A, 1);
	assert_false(take(r, &p));
	put_bytes(r, A, CHANNEL_RTCP, &from, report(space));
	worker_step(&r->w);
	assert_true(take(r, &p));
	assert_int_equal(p.rtcp, 1);
	assert_int_equal(p.point, CAPTURE_IN_PLAIN);
	assert_true(addr_eq(&p.to, &r->spec[A].local_rtcp));
	order(r, 4711, CAPTURE_TRACE, CAPTURE_IN_WIRE);
	put(r, A, 2);
	assert_true(take(r, &p));
	assert_int_equal(p.watched, CAPTURE_RTCP(CAPTURE_IN_PLAIN) | CAPTURE_IN_WIRE);
	order(r, 4711, CAPTURE_TRACE, 0);
	put(r, A, 3);
	assert_false(take(r, &p));
	assert_int_equal(r->w.flows.watched, 2);
	order(r, 0, CAPTURE_EXPORT, 0);
	assert_int_equal(r->w.flows.watched, 0);
	assert_int_equal(r->w.capture.count, 0);
	rig_close(r);
}

/* A flow that opens later is watched from its first packet; one that closes takes its mark along. */
static void flows_come_and_go(void **state)
{
	struct rig *r = rig_open_empty(64);
	struct capture_packet p;

	(void)state;
	order(r, 4711, CAPTURE_TRACE, CAPTURE_IN_WIRE);
	for (int side = A; side <= B; side++) {
		r->spec[side] = rig_spec(side);
		rig_open_flow(r, &r->spec[side]);
	}
	assert_int_equal(r->w.flows.watched, 2);
	put(r, A, 1);
	assert_true(take(r, &p));
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = r->spec[A].id });
	assert_int_equal(r->w.flows.watched, 1);
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = r->spec[B].id });
	assert_int_equal(r->w.flows.watched, 0);
	assert_false(take(r, &p));
	rig_close(r);
}

/* Calls go on as if nobody looked; what was lost is known with the next packet that is seen. */
static void a_full_ring_is_loss(void **state)
{
	struct rig *r = rig_with_locals();
	struct capture_packet p;
	uint64_t before = metric_value(r->metrics.capture_lost);
	uint16_t n;

	(void)state;
	order(r, 4711, CAPTURE_TRACE, CAPTURE_IN_WIRE);
	for (n = 1; n <= CAPTURE_WAIT + 3; n++)
		relay(r, A, n);
	assert_int_equal(metric_value(r->metrics.capture_lost) - before, 3);
	for (uint16_t i = 1; i <= CAPTURE_WAIT; i++) {
		assert_true(take(r, &p));
		assert_int_equal(be16_get(p.octets + 2), i);
		assert_int_equal(p.lost, 0);
	}
	relay(r, A, n);
	assert_true(take(r, &p));
	assert_int_equal(p.lost, 3);
	assert_false(take(r, &p));
	rig_close(r);
}

static void too_many_calls_are_counted(void **state)
{
	struct rig *r = rig_open_empty(64);
	uint64_t before = metric_value(r->metrics.capture_refused);

	(void)state;
	for (uint64_t call = 1; call <= CAPTURE_CALLS_MAX; call++)
		order(r, call, CAPTURE_TRACE, CAPTURE_IN_WIRE);
	assert_int_equal(metric_value(r->metrics.capture_refused) - before, 0);
	order(r, CAPTURE_CALLS_MAX, CAPTURE_TRACE, CAPTURE_OUT_WIRE); /* known */
	order(r, CAPTURE_CALLS_MAX + 1, CAPTURE_TRACE, CAPTURE_IN_WIRE);
	assert_int_equal(metric_value(r->metrics.capture_refused) - before, 1);
	for (uint64_t call = 1; call <= CAPTURE_CALLS_MAX + 1; call++)
		order(r, call, CAPTURE_TRACE, 0);
	assert_int_equal(r->w.capture.count, 0);
	rig_close(r);
}

struct reader {
	struct ring *ring;
	_Atomic bool stop;
	uint32_t seen, lost;
	uint16_t last;
	bool torn;
};

static void *read_all(void *arg)
{
	struct reader *x = arg;
	const struct capture_packet *p;
	bool stop;

	do {
		stop = atomic_load(&x->stop);
		while ((p = ring_peek(x->ring)) != NULL) {
			uint16_t sequence = be16_get(p->octets + 2);

			x->torn |= p->length != 17 || p->call != 4711 ||
				   sequence != (uint16_t)(x->last + p->lost + 1);
			x->last = sequence;
			x->lost += p->lost;
			x->seen++;
			ring_release(x->ring);
		}
	} while (!stop);
	return NULL;
}

/* The worker's thread and a reader's: each packet whole, in order, or known to be lost. */
static void a_reader_beside_the_worker(void **state)
{
	struct rig *r = rig_with_locals();
	struct reader x = { .ring = &r->w.capture.packets };
	pthread_t thread;
	enum { PACKETS = 20000 };

	(void)state;
	order(r, 4711, CAPTURE_TRACE, CAPTURE_IN_WIRE);
	assert_int_equal(pthread_create(&thread, NULL, read_all, &x), 0);
	for (uint16_t n = 1; n <= PACKETS; n++)
		relay(r, A, n);
	atomic_store(&x.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(x.torn);
	assert_int_equal(x.seen + x.lost + flow_of(r, A)->capture_lost, PACKETS);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_copied_unasked),
		cmocka_unit_test(both_ways_on_the_wire),
		cmocka_unit_test(a_stranger_is_on_the_wire_only),
		cmocka_unit_test(checks_and_handshakes_are_plain),
		cmocka_unit_test(a_bundled_line_has_the_port_it_uses),
		cmocka_unit_test(owners_are_apart),
		cmocka_unit_test(flows_come_and_go),
		cmocka_unit_test(a_full_ring_is_loss),
		cmocka_unit_test(too_many_calls_are_counted),
		cmocka_unit_test(a_reader_beside_the_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
