/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one pass against the stages: two workers get the same packets at the same time, one of them takes all of them through the stages, and
 * both must send, count, remember and tell the same. Most packets are ordinary; among them is whatever ends a run, a batch or a call's peace.
 */
#include "tests/unit/test.h"

#include "base/rand.h"
#include "engine/worker/stage.h"
#include "tests/unit/engine/rig.h"
#include "tests/unit/engine/srtp/libsrtp.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SEEDS_MAX 40 /* it makes each 15 times slower, and there is one thread */
#endif
#endif
#ifndef SEEDS_MAX
#define SEEDS_MAX 200
#endif
enum { SEEDS = SEEDS_MAX, STEPS = 150, BURST = 40, TURN = 60 };

struct twins {
	struct rig *fast, *slow;
	struct rand_source rand;
	struct rtp next[2];          /* of each party */
	enum media_suite suite[2];   /* of each party; MEDIA_SUITE_NONE: in clear */
	struct srtp_stream *keys[2]; /* what the party sends with */
};

static uint32_t below(struct twins *t, uint32_t n)
{
	return rand_below(&t->rand, n);
}

static struct flow_spec twins_spec(const struct twins *t, int side)
{
	struct flow_spec s = rig_spec(side);

	if (t->suite[side] == MEDIA_SUITE_NONE)
		return s;
	s.key_in = key_from(t->suite[side], (uint8_t)side);
	s.key_out = key_from(t->suite[side], (uint8_t)(100 + side));
	s.srtp_limit = SRTP_INDEX_END;
	s.srtcp_limit = SRTCP_INDEX_END;
	s.resume.srtp_next = 65000; /* else chance says where it begins */
	return s;
}

static void both_update(struct twins *t, const struct flow_spec *s)
{
	rig_update(t->fast, s);
	rig_update(t->slow, s);
}

static void party_open(struct twins *t, int side)
{
	struct flow_spec s = twins_spec(t, side);

	t->next[side] = (struct rtp){ .ssrc = 100 + (uint32_t)side, .sequence = 65000 };
	if (t->suite[side] == MEDIA_SUITE_NONE)
		return;
	assert_int_equal(srtp_stream_open(&t->keys[side], &s.key_in), 0);
	srtp_stream_start(t->keys[side], 65000, 1);
	srtp_stream_limit(t->keys[side], SRTP_INDEX_END, SRTCP_INDEX_END);
	both_update(t, &s);
}

static void twins_open(struct twins *t, uint64_t seed, enum media_suite a, enum media_suite b)
{
	*t = (struct twins){ .fast = rig_open(), .slow = rig_open(), .suite = { a, b } };
	rand_open_seed(&t->rand, seed);
	t->slow->w.flows.watched = 1; /* the pass does not begin, and no flow is copied from */
	for (int side = A; side <= B; side++)
		party_open(t, side);
}

static void twins_close(struct twins *t)
{
	for (int side = A; side <= B; side++)
		srtp_stream_close(t->keys[side]);
	rig_close(t->fast);
	rig_close(t->slow);
}

/* As the party sends it, if it can: a number that it used leaves in clear. */
static void seal(struct twins *t, int side, struct bytes *in, uint8_t memory[PACKET_MAX])
{
	struct srtp_job j = { .stream = t->keys[side],
			      .data = memory,
			      .length = (uint16_t)in->n,
			      .capacity = PACKET_MAX };

	if (!j.stream)
		return;
	srtp_jobs_protect(&j, 1);
	in->n = j.length;
	if (below(t, TURN * 4) == 0)
		memory[below(t, (uint32_t)in->n)] ^= 1;
}

/* What one of them gets, both get. */
static void give(struct twins *t, int side, enum channel c, const struct addr *from,
		 struct bytes in)
{
	put_bytes(t->fast, side, c, from, in);
	put_bytes(t->slow, side, c, from, in);
}

/* How the party's stream goes on, or does not. */
static void turn(struct twins *t, struct rtp *p)
{
	switch (below(t, TURN * 8)) {
	case 0:
		p->sequence = (uint16_t)(p->sequence + below(t, 4000));
		break;
	case 1:
		p->timestamp += below(t, 100000);
		break;
	case 2:
		p->payload_type = below(t, 2) ? 0 : 8;
		break;
	default:
		break;
	}
}

static void odd_rtp(struct twins *t, struct rtp *p)
{
	switch (below(t, TURN * 2)) {
	case 0:
		p->sequence = (uint16_t)(p->sequence - below(t, 150)); /* late, or twice */
		break;
	case 1:
		p->payload_type = 101;
		p->payload = "\1\212\3\300";
		break;
	case 2:
		p->payload_type = NO_RULE;
		break;
	default:
		p->marker = below(t, 30) == 0;
		break;
	}
}

static void packet_give(struct twins *t, int side)
{
	struct addr from = party(side);
	enum channel c = CHANNEL_RTP;
	uint8_t memory[PACKET_MAX];
	struct rtp *next = &t->next[side], p;
	struct bytes in;

	turn(t, next);
	next->sequence++;
	next->timestamp += 160;
	p = *next;
	odd_rtp(t, &p);
	in = rtp_write(memory, &p);
	seal(t, side, &in, memory);
	switch (below(t, TURN * 4)) {
	case 0:
		memory[0] = (uint8_t)below(t, 256);
		break;
	case 1:
		memory[1] = (uint8_t)below(t, 256);
		break;
	case 2:
		in.n = below(t, 14);
		break;
	case 3:
		from.port = (uint16_t)(from.port + below(t, 2) + 1);
		break;
	case 4:
		c = CHANNEL_RTCP;
		break;
	case 5:
		give(t, side, c, &from, in); /* twice */
		break;
	default:
		break;
	}
	give(t, side, c, &from, in);
}

/* One of another source between those of the present one. The stages count a source only that is there at the end of a batch. */
static void stranger_give(struct twins *t, int side)
{
	struct addr from = party(side);
	struct rtp p = t->next[side];
	uint8_t memory[PACKET_MAX];
	struct bytes in;

	p.ssrc++;
	in = rtp_write(memory, &p);
	seal(t, side, &in, memory);
	give(t, side, CHANNEL_RTP, &from, in);
}

/* A re-INVITE now and then: hold, other terms, another address. */
static void update_give(struct twins *t)
{
	int side = below(t, 2) ? A : B;
	struct flow_spec s = twins_spec(t, side);

	s.receive = below(t, 4) > 0;
	s.send = below(t, 4) > 0;
	s.rule_count = (uint8_t)(1 + below(t, 3));
	s.rules[0].event = below(t, 8) == 0;
	s.rules[0].out = below(t, 8) == 0 ? PAYLOAD_NONE : (uint8_t)below(t, 4);
	s.peer.generation += below(t, 8) == 0;
	if (below(t, 4) == 0)
		s.remote_rtp.port += 2;
	both_update(t, &s);
}

static bool is_rtp(const struct sim_packet *p)
{
	return p->length >= 2 && (p->data[1] < 192 || p->data[1] > 223);
}

/* Reports of ours come when chance wants them. */
static const struct sim_packet *rtp_take(struct rig *r)
{
	const struct sim_packet *p = port_sim_sent(r->sim);

	while (p && !is_rtp(p))
		p = port_sim_sent(r->sim);
	return p;
}

static void same_packets(struct twins *t)
{
	const struct sim_packet *a, *b;

	do {
		a = rtp_take(t->fast);
		b = rtp_take(t->slow);
		assert_true(!a == !b);
		if (!a)
			return;
		assert_int_equal(a->slot, b->slot);
		assert_int_equal(a->channel, b->channel);
		assert_true(addr_eq(&a->remote, &b->remote));
		assert_int_equal(a->length, b->length);
		assert_memory_equal(a->data, b->data, a->length);
	} while (true);
}

static void same_stats(struct flow_stats a, struct flow_stats b)
{
	assert_int_equal(a.packets_in, b.packets_in);
	assert_int_equal(a.octets_in, b.octets_in);
	assert_int_equal(a.packets_out, b.packets_out);
	assert_int_equal(a.octets_out, b.octets_out);
	assert_int_equal(a.first_in_ns, b.first_in_ns);
	assert_int_equal(a.last_in_ns, b.last_in_ns);
	assert_int_equal(a.dropped, b.dropped);
	assert_int_equal(a.lost, b.lost);
	assert_int_equal(a.jitter_us, b.jitter_us);
	assert_int_equal(a.digits, b.digits);
	assert_int_equal(a.source_changes, b.source_changes);
}

static void same_keys(const struct flow *a, const struct flow *b)
{
	assert_true(!a->srtp_in == !b->srtp_in && !a->srtp_out == !b->srtp_out);
	assert_int_equal(a->srtp_half, b->srtp_half);
	assert_int_equal(a->srtp_limit_sent, b->srtp_limit_sent);
	if (a->srtp_in)
		assert_int_equal(srtp_stream_highest(a->srtp_in, a->source.ssrc),
				 srtp_stream_highest(b->srtp_in, b->source.ssrc));
	if (a->srtp_out)
		assert_int_equal(srtp_stream_next(a->srtp_out), srtp_stream_next(b->srtp_out));
}

static void same_flows(struct twins *t)
{
	for (int side = A; side <= B; side++) {
		const struct flow *a = flow_of(t->fast, side), *b = flow_of(t->slow, side);

		same_stats(flow_stats_read(a), flow_stats_read(b));
		same_keys(a, b);
		assert_memory_equal(&a->source, &b->source, sizeof(a->source));
		assert_memory_equal(&a->sink, &b->sink, sizeof(a->sink));
		assert_int_equal(a->count_ssrc, b->count_ssrc);
		assert_int_equal(a->count.highest, b->count.highest);
		assert_int_equal(a->count.received, b->count.received);
		assert_memory_equal(&a->jitter, &b->jitter, sizeof(a->jitter));
		assert_memory_equal(&a->latch_rtp, &b->latch_rtp, sizeof(a->latch_rtp));
		assert_memory_equal(&a->detail.drops, &b->detail.drops, sizeof(a->detail.drops));
		assert_int_equal(a->notice, b->notice);
	}
}

/* Of each flow; which of two comes first does not matter. */
struct told {
	uint32_t latched[2], digits[2], others;
};

static struct told told_by(struct rig *r)
{
	struct told t = { 0 };
	struct media_event e;

	while (ring_pop(&r->w.events, &e, 1) == 1) {
		if (e.kind == MEDIA_FLOW_LATCHED)
			t.latched[e.id.slot]++;
		else if (e.kind == MEDIA_FLOW_DIGIT)
			t.digits[e.id.slot]++;
		else
			t.others++;
	}
	return t;
}

static void same_events(struct twins *t)
{
	struct told fast = told_by(t->fast), slow = told_by(t->slow);

	assert_memory_equal(&fast, &slow, sizeof(fast));
}

static void step(struct twins *t)
{
	uint32_t n = below(t, BURST);
	uint64_t ms = below(t, 200);

	if (below(t, TURN) == 0)
		update_give(t);
	if (below(t, TURN) == 0)
		t->next[A].ssrc = 100 + below(t, 4);
	for (uint32_t i = 0; i < n; i++) {
		if (below(t, TURN * 4) == 0)
			stranger_give(t, A);
		packet_give(t, below(t, 2) ? A : B);
	}
	if (n > 0)
		packet_give(t, A);
	advance_ms(t->fast, ms);
	advance_ms(t->slow, ms);
	worker_step(&t->fast->w);
	worker_step(&t->slow->w);
	same_packets(t);
	same_flows(t);
	same_events(t);
}

static void twins_compare(uint64_t seed, enum media_suite a, enum media_suite b)
{
	struct twins t;

	twins_open(&t, seed, a, b);
	for (uint32_t i = 0; i < STEPS; i++)
		step(&t);
	twins_close(&t);
}

static void does_what_the_stages_do(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		twins_compare(seed, MEDIA_SUITE_NONE, MEDIA_SUITE_NONE);
}

static void does_it_with_keys_on_one_side(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		twins_compare(seed, ALL_SUITES[seed % 4], MEDIA_SUITE_NONE);
}

static void does_it_with_keys_on_both(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		twins_compare(seed, ALL_SUITES[seed % 4], ALL_SUITES[seed / 4 % 4]);
}

/* How many of the packets that wait the pass takes. */
static uint32_t taken(struct rig *r)
{
	struct batch *b = &r->w.batch;
	uint32_t done;

	r->sim->port.ops->rx(&r->sim->port, b, 1, 0);
	ordinary_stage(&r->w, b);
	done = b->done;
	BATCH_REST(p, b)
	p->verdict = VERDICT_MALFORMED;
	out_stage(&r->w, b);
	return done;
}

static const struct {
	const char *name;
	struct rtp p; /* the second of three */
	uint32_t done;
} ROWS[] = {
	{ "the next", { .ssrc = 1, .sequence = 3 }, 3 },
	{ "after a gap, marked", { .ssrc = 1, .sequence = 40, .marker = 1 }, 2 },
	{ "of another type", { .ssrc = 1, .sequence = 3, .payload_type = 8 }, 1 },
	{ "an event", { .ssrc = 1, .sequence = 3, .payload_type = 101 }, 1 },
	{ "of another source", { .ssrc = 2, .sequence = 3 }, 1 },
	{ "twice", { .ssrc = 1, .sequence = 2 }, 1 },
	{ "a jump", { .ssrc = 1, .sequence = 30000 }, 1 },
};

static void ends_at_the_first_odd_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct rig *r = rig_open();

		for (int side = A; side <= B; side++)
			assert_non_null(
				relay_rtp(r, side, &(struct rtp){ .ssrc = 1, .sequence = 1 }));
		flow_of(r, A)->notice = 0;
		put_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 2 });
		put_rtp(r, A, &ROWS[i].p);
		put_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 4 });
		ROW_ASSERT(ROWS[i].name, taken(r) == ROWS[i].done);
		rig_close(r);
	}
}

/* What the stages decide about each packet of a flow, or of its peer, the pass leaves to them. */
static void leaves_a_flow_that_is_not_ordinary(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rig *r = rig_open();
		uint32_t done;

		for (int side = A; side <= B; side++)
			assert_non_null(
				relay_rtp(r, side, &(struct rtp){ .ssrc = 1, .sequence = 1 }));
		flow_of(r, A)->receive = i != 1;
		flow_of(r, B)->making = i == 2; /* a digit of ours is on its way to the peer */
		put_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 2 });
		done = taken(r);
		assert_int_equal(done, i == 0);
		flow_of(r, B)->making = 0;
		rig_close(r);
	}
}

/* The next of party A, for one of the twins. */
static void sealed_put(struct twins *t, bool forged)
{
	struct addr from = party(A);
	uint8_t memory[PACKET_MAX];
	struct bytes in = rtp_write(memory, &t->next[A]);
	struct srtp_job j = { .stream = t->keys[A],
			      .data = memory,
			      .length = (uint16_t)in.n,
			      .capacity = PACKET_MAX };

	srtp_jobs_protect(&j, 1);
	assert_int_equal(j.verdict, VERDICT_NONE);
	memory[j.length - 1] ^= forged;
	t->next[A].sequence++;
	put_bytes(t->fast, A, CHANNEL_RTP, &from, bytes_mem(memory, j.length));
}

static void takes_what_has_keys(void **state)
{
	struct twins t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL_SUITES); i++) {
		twins_open(&t, i, ALL_SUITES[i], MEDIA_SUITE_NONE);
		rig_hear(t.fast, B);
		sealed_put(&t, false);
		worker_step(&t.fast->w);
		assert_non_null(port_sim_sent(t.fast->sim));
		for (int n = 0; n < 4; n++)
			sealed_put(&t, n == 3);
		assert_int_equal(taken(t.fast), 3);
		twins_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_at_the_first_odd_one),
		cmocka_unit_test(leaves_a_flow_that_is_not_ordinary),
		cmocka_unit_test(takes_what_has_keys),
		cmocka_unit_test(does_what_the_stages_do),
		cmocka_unit_test(does_it_with_keys_on_one_side),
		cmocka_unit_test(does_it_with_keys_on_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
