/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker whose port can have packets forwarded below it against one whose port cannot. Both hear plain streams, and in between at random
 * digits, ours and theirs, sources that change, packets that are forged, late or twice, reports, updates. Each party must hear the same
 * packets with the same numbers, in the same order, and both workers must know the same.
 */
#include "tests/unit/test.h"

#include "tests/unit/engine/worker/shortcut_twins.h"

enum { SEEDS = 12, STEPS = 4000, RARE = 400 };

static void party_moves(struct twins *t, int side)
{
	t->from[side].port = (uint16_t)(t->from[side].port + 2);
	t->spec[side].remote_rtp = t->from[side];
	both_update(t, side);
}

static void something_rare(struct twins *t, int side)
{
	struct rtp *next = &t->k.next[side], late = *next;

	switch (below(&t->k, 13)) {
	case 0:
		next->ssrc++;
		break;
	case 1:
		next->sequence = (uint16_t)(next->sequence + below(&t->k, 5000));
		break;
	case 2:
		late.sequence = (uint16_t)(late.sequence - below(&t->k, 20));
		say(t, side, &late, 0x80);
		break;
	case 3:
		t->pressing[side] = 3 + below(&t->k, 5);
		break;
	case 4:
		both_digit(t, side);
		break;
	case 5:
		t->spec[side].receive = !t->spec[side].receive;
		both_update(t, side);
		break;
	case 6:
		t->spec[side].send = !t->spec[side].send;
		both_update(t, side);
		break;
	case 7:
		party_moves(t, side);
		break;
	case 8:
		say_odd_head(t, side);
		break;
	case 9:
		next->timestamp += below(&t->k, 100000);
		break;
	case 10:
		both_command(t, &(struct media_command){ .kind = MEDIA_FLOW_QUERY,
							 .id = t->spec[side].id });
		break;
	case 11: /* it was only for a moment */
		t->spec[A].receive = t->spec[A].send = 1;
		t->spec[B].receive = t->spec[B].send = 1;
		both_update(t, A);
		both_update(t, B);
		break;
	default:
		say_next(t, side);
		say_next(t, side);
		break;
	}
}

/* ---- both know the same ---- */

static void same_heard(const struct listener_log *fast, const struct listener_log *slow)
{
	for (uint32_t i = 0; i < fast->count && i < slow->count; i++) {
		assert_int_equal(fast->list[i].sequence, slow->list[i].sequence);
		assert_memory_equal(&fast->list[i], &slow->list[i], sizeof(fast->list[i]));
	}
	assert_int_equal(fast->count, slow->count);
}

static void same_flow(struct twins *t, int side)
{
	struct flow *a = flow_of(t->k.r, side), *b = flow_of(t->slow, side);
	struct flow_stats x, y;

	shortcuts_read(&t->k.r->w, a->id);
	x = flow_stats_read(a);
	y = flow_stats_read(b);
	assert_int_equal(x.packets_in, y.packets_in);
	assert_int_equal(x.octets_in, y.octets_in);
	assert_int_equal(x.packets_out, y.packets_out);
	assert_int_equal(x.octets_out, y.octets_out);
	assert_int_equal(x.last_in_ns, y.last_in_ns);
	assert_int_equal(x.dropped, y.dropped);
	assert_int_equal(x.lost, y.lost);
	assert_int_equal(x.digits, y.digits);
	assert_int_equal(x.source_changes, y.source_changes);
	assert_int_equal(a->source.sequence_high, b->source.sequence_high);
	assert_int_equal(a->source.sequence_offset, b->source.sequence_offset);
	assert_int_equal(a->source.timestamp_offset, b->source.timestamp_offset);
	assert_int_equal(a->count.highest, b->count.highest);
	assert_int_equal(a->count.received, b->count.received);
	assert_int_equal(a->latch_rtp.received_ns, b->latch_rtp.received_ns);
	assert_memory_equal(&a->sink, &b->sink, sizeof(a->sink));
}

/* Not each time that they are looked at are the flows, for that has them read what was forwarded. */
static void same_all(struct twins *t)
{
	bool flows = below(&t->k, 60) == 0;

	for (int side = A; side <= B; side++) {
		same_heard(&t->fast_heard[side], &t->slow_heard[side]);
		if (flows)
			same_flow(t, side);
		t->fast_heard[side].count = t->slow_heard[side].count = 0;
	}
}

/* ---- a seed ---- */

static void twins_step(struct twins *t)
{
	advance_ms(t->k.r, 20);
	advance_ms(t->slow, 20);
	for (int side = A; side <= B; side++) {
		uint32_t n = below(&t->k, 20) ? 1 : below(&t->k, 4);

		if (below(&t->k, RARE) == 0)
			something_rare(t, side);
		if (below(&t->k, 50) == 0)
			say_forged(t, side);
		if (below(&t->k, 50) == 0)
			say_report(t, side);
		for (uint32_t i = 0; i < n; i++)
			say_next(t, side);
	}
	both_step(t);
	same_all(t);
}

static void both_say_the_same(void **state)
{
	uint32_t said = 0, forwarded = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct twins t;

		twins_open(&t, seed);
		for (uint32_t i = 0; i < STEPS; i++)
			twins_step(&t);
		said += t.said;
		forwarded += t.forwarded;
		twins_close(&t);
	}
	print_message("# %u packets, %u of them forwarded below\n", said, forwarded);
	assert_true(forwarded > said / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_say_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
