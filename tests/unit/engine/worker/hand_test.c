/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of one node that send to each other: party A speaks with HERE, THERE with party B, and HERE and THERE by their ports. */
#include "tests/unit/test.h"

#include "engine/worker/stage.h"
#include "tests/unit/engine/rig.h"

enum { HERE = 2, THERE = 3, PORT_OF = 20000, OTHER_WORKER = 1 };

struct chain {
	struct rig *r;
	struct own_ports own;
	uint64_t handed, in, out;
};

static struct addr port_of(uint32_t slot, enum channel c)
{
	struct addr a = rig_addr("10.0.0.1:1");

	a.port = (uint16_t)(PORT_OF + 2 * slot + c);
	return a;
}

/* Of the four: A - HERE = THERE - B. */
static struct flow_spec chain_spec(uint32_t slot)
{
	static const uint32_t PEERS[] = { [A] = HERE, [HERE] = A, [THERE] = B, [B] = THERE };
	struct flow_spec s = rig_spec(slot == B || slot == THERE ? B : A);

	s.id.slot = slot;
	s.peer.slot = PEERS[slot];
	s.ssrc_out = 0xaa00 + slot;
	s.local_rtp = port_of(slot, CHANNEL_RTP);
	s.local_rtcp = port_of(slot, CHANNEL_RTCP);
	s.rules[1].out = 8;
	if (slot < HERE)
		return s;
	s.own = 1;
	s.remote_rtp = port_of(slot ^ 1, CHANNEL_RTP);
	s.remote_rtcp = port_of(slot ^ 1, CHANNEL_RTCP);
	return s;
}

static void chain_note(struct chain *c)
{
	c->handed = metric_value(c->r->metrics.handed);
	c->in = metric_value(c->r->metrics.packets_in);
	c->out = metric_value(c->r->metrics.packets_out);
}

static void chain_open(struct chain *c)
{
	c->r = rig_open_empty(64);
	own_ports_open(&c->own, NULL, 0);
	c->r->w.own = &c->own;
	for (uint32_t slot = 0; slot <= THERE; slot++) {
		struct flow_spec s = chain_spec(slot);

		rig_open_flow(c->r, &s);
	}
	rig_hear(c->r, A);
	rig_hear(c->r, B);
	chain_note(c);
}

static void chain_close(struct chain *c)
{
	rig_close(c->r);
	own_ports_close(&c->own);
}

static void assert_counts(const struct chain *c, uint64_t handed, uint64_t in, uint64_t out)
{
	assert_int_equal(metric_value(c->r->metrics.handed) - c->handed, handed);
	assert_int_equal(metric_value(c->r->metrics.packets_in) - c->in, in);
	assert_int_equal(metric_value(c->r->metrics.packets_out) - c->out, out);
}

/* What A says is with B in the same step, and the port sent one packet; each flow has counted and latched as by the wire. */
static void rtp_is_handed_over(void **state)
{
	struct addr here = port_of(HERE, CHANNEL_RTP), b = party(B);
	const struct sim_packet *out;
	struct chain c;

	(void)state;
	chain_open(&c);
	for (uint16_t i = 0; i < 10; i++) {
		advance_ms(c.r, 20);
		out = relay_rtp(c.r, A,
				&(struct rtp){ .ssrc = 1, .sequence = i, .timestamp = i * 160U });
		assert_non_null(out);
		assert_int_equal(out->slot, B);
		assert_true(addr_eq(&out->remote, &b));
		assert_int_equal(rtp_read(out).ssrc, 0xaa00 + B);
		assert_null(port_sim_sent(c.r->sim));
	}
	assert_counts(&c, 10, 20, 20);
	assert_true(addr_eq(&flow_of(c.r, THERE)->latch_rtp.source, &here));
	assert_int_equal(flow_of(c.r, A)->received.packets, 10);
	assert_int_equal(flow_of(c.r, HERE)->sent.packets, 10);
	assert_int_equal(flow_of(c.r, THERE)->received.packets, 10);
	assert_int_equal(flow_of(c.r, B)->sent.packets, 10);
	chain_close(&c);
}

/* Both ways in one batch, as many as fit, and what is for others among them. */
static void batch_is_handed_over(void **state)
{
	struct addr stranger = rig_addr("203.0.113.9:4000");
	uint16_t sequence[] = { [A] = 0, [B] = 0 };
	uint32_t to[] = { [A] = 0, [B] = 0 };
	const struct sim_packet *out;
	struct chain c;

	(void)state;
	chain_open(&c);
	for (uint16_t i = 0; i < BATCH_MAX; i++) {
		struct rtp rtp = { .ssrc = 1U + i % 2, .sequence = i / 2 };

		if (i % 16 == 15)
			put_rtp_from(c.r, A, &stranger, &rtp);
		else
			put_rtp(c.r, i % 2 ? B : A, &rtp);
	}
	worker_step(&c.r->w);
	while ((out = port_sim_sent(c.r->sim)) != NULL) {
		assert_in_range(out->slot, A, B);
		if (to[out->slot]++) /* in their order; what a stranger said is not among them */
			assert_in_range((uint16_t)(rtp_read(out).sequence - sequence[out->slot]), 1,
					2);
		sequence[out->slot] = rtp_read(out).sequence;
	}
	assert_int_equal(to[B], 32);
	assert_int_equal(to[A], 28);
	assert_int_equal(dropped(c.r, VERDICT_SOURCE_NOT_LATCHED), 4);
	assert_counts(&c, 60, 124, 120);
	chain_close(&c);
}

/* By the second port, where there is one. */
static void rtcp_is_handed_over(void **state)
{
	static const uint8_t REPORT[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };
	struct addr from = party_rtcp(A), here = port_of(HERE, CHANNEL_RTCP);
	struct chain c;

	(void)state;
	chain_open(&c);
	assert_non_null(relay_rtp(c.r, A, &(struct rtp){ .ssrc = 1 }));
	chain_note(&c);
	put_bytes(c.r, A, CHANNEL_RTCP, &from, bytes_mem(REPORT, sizeof(REPORT)));
	worker_step(&c.r->w);
	assert_counts(&c, 1, 2, 2);
	assert_true(addr_eq(&flow_of(c.r, THERE)->latch_rtcp.source, &here));
	assert_int_equal(port_sim_sent(c.r->sim)->channel, CHANNEL_RTCP);
	chain_close(&c);
}

/* What HERE sends goes by the port: the flow there is another worker's, or none that may be handed to. */
static void assert_by_the_port(struct chain *c)
{
	const struct sim_packet *out = relay_rtp(c->r, A, &(struct rtp){ .ssrc = 1 });
	struct addr there = port_of(THERE, CHANNEL_RTP);

	assert_non_null(out);
	assert_int_equal(out->slot, HERE);
	assert_true(addr_eq(&out->remote, &there));
	assert_counts(c, 0, 1, 1);
}

static void others_go_by_the_port(void **state)
{
	struct addr there = port_of(THERE, CHANNEL_RTP);
	const struct local other = { .slot = THERE, .worker = OTHER_WORKER };
	struct flow_spec s = chain_spec(THERE);
	struct chain c;

	(void)state;
	for (int i = 0; i < 3; i++) {
		chain_open(&c);
		if (i == 0) {
			own_ports_del(&c.own, &there);
			own_ports_add(&c.own, &there, &other);
		} else if (i == 1) {
			own_ports_del(&c.own, &there);
		} else {
			s.own = 0;
			rig_update(c.r, &s);
		}
		chain_note(&c);
		assert_by_the_port(&c);
		chain_close(&c);
	}
}

/* Nor when the flow has gone, and its port is open to nobody. */
static void who_has_gone(void **state)
{
	struct chain c;

	(void)state;
	chain_open(&c);
	rig_command(c.r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						  .id = { .slot = THERE, .generation = 7 } });
	assert_int_equal(c.r->w.flows.own, 1);
	chain_note(&c);
	assert_by_the_port(&c);
	chain_close(&c);
}

/* A circle of flows: HERE and THERE send each other what they get, and nobody is in it. */
static void circle_ends(void **state)
{
	struct flow_spec here = chain_spec(HERE), there = chain_spec(THERE);
	struct addr from = port_of(THERE, CHANNEL_RTP);
	uint64_t loops;
	struct chain c;

	(void)state;
	chain_open(&c);
	here.peer.slot = HERE;
	there.peer.slot = THERE;
	rig_update(c.r, &here);
	rig_update(c.r, &there);
	chain_note(&c);
	loops = dropped(c.r, VERDICT_LOOP);
	put_rtp_from(c.r, HERE, &from, &(struct rtp){ .ssrc = 1 });
	worker_step(&c.r->w);
	assert_null(port_sim_sent(c.r->sim));
	assert_int_equal(dropped(c.r, VERDICT_LOOP) - loops, 1);
	assert_counts(&c, HANDS_MAX, HANDS_MAX + 1, HANDS_MAX);
	chain_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtp_is_handed_over),  cmocka_unit_test(batch_is_handed_over),
		cmocka_unit_test(rtcp_is_handed_over), cmocka_unit_test(others_go_by_the_port),
		cmocka_unit_test(who_has_gone),        cmocka_unit_test(circle_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
