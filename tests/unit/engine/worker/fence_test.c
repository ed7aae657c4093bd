/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves for whom once the lease of a shard is past. */
#include "tests/unit/test.h"

#include "base/validity.h"
#include "tests/unit/engine/rig.h"

enum { FIRST = 1, SECOND = 2, C = 2, D = 3 };

struct shards {
	struct validity validity;
	struct rig *r;
};

static void shards_open(struct shards *s)
{
	validity_open(&s->validity, SECOND);
	validity_set(&s->validity, FIRST, RIG_START + 10 * NS_PER_MS);
	validity_set(&s->validity, SECOND, RIG_START + NS_PER_S);
	s->r = rig_open_empty(64);
	s->r->w.validity = &s->validity;
}

/* Two flows that are peers, of a shard each. */
static void shards_pair(struct shards *s, uint32_t slot, uint8_t place, uint8_t peer_place)
{
	for (uint32_t side = 0; side < 2; side++) {
		struct flow_spec spec = rig_spec((int)side);

		spec.id.slot = slot + side;
		spec.peer.slot = slot + (side ^ 1);
		spec.place = side ? peer_place : place;
		rig_open_flow(s->r, &spec);
	}
}

static bool passes(struct shards *s, int side)
{
	static uint16_t sequence;
	struct rtp p = { .ssrc = 1 + (uint32_t)side, .sequence = ++sequence };
	struct addr from = party(side & 1);

	put_rtp_from(s->r, side, &from, &p);
	worker_step(&s->r->w);
	return port_sim_sent(s->r->sim) != NULL;
}

static void one_falls_silent_alone(void **state)
{
	struct shards s;
	uint64_t sent;

	(void)state;
	shards_open(&s);
	shards_pair(&s, A, FIRST, FIRST);
	shards_pair(&s, C, SECOND, SECOND);
	for (int side = A; side <= D; side++)
		assert_true(passes(&s, side));
	sent = flow_of(s.r, B)->sent.packets;
	assert_int_equal(s.r->sim->port.until_ns, RIG_START + 10 * NS_PER_MS);

	s.r->sim->port.until_ns = 0;
	advance_ms(s.r, 10);
	for (int side = A; side <= D; side++)
		assert_int_equal(passes(&s, side), side >= C);
	assert_int_equal(dropped(s.r, VERDICT_FENCED), 2);
	assert_int_equal(flow_of(s.r, A)->detail.drops[VERDICT_FENCED], 1);
	assert_int_equal(flow_of(s.r, B)->sent.packets, sent);
	assert_int_equal(validity_withheld(&s.validity, FIRST), 2);
	assert_int_equal(validity_withheld(&s.validity, SECOND), 0);
	assert_int_equal(s.r->sim->port.until_ns, RIG_START + NS_PER_S);

	validity_set(&s.validity, FIRST, RIG_START + 2 * NS_PER_S);
	for (int side = A; side <= D; side++)
		assert_true(passes(&s, side));
	rig_close(s.r);
}

/* Who hears it counts, not who said it: that shard's successor sends to the same party. */
static void between_two_shards(void **state)
{
	struct shards s;

	(void)state;
	shards_open(&s);
	shards_pair(&s, A, FIRST, SECOND);
	advance_ms(s.r, 10);
	assert_true(passes(&s, A));
	assert_false(passes(&s, B));
	rig_close(s.r);
}

static void what_is_made_here_stays_too(void **state)
{
	struct shards s;

	(void)state;
	shards_open(&s);
	shards_pair(&s, A, FIRST, FIRST);
	assert_true(passes(&s, A));
	advance_ms(s.r, 10);
	rig_command(s.r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						  .id = flow_of(s.r, A)->id,
						  .digit = '1',
						  .duration_ms = 100 });
	for (int i = 0; i < 10; i++) {
		advance_ms(s.r, 20);
		worker_step(&s.r->w);
	}
	assert_in_range(dropped(s.r, VERDICT_FENCED), 3, 20);
	assert_int_equal(validity_withheld(&s.validity, FIRST), dropped(s.r, VERDICT_FENCED));
	nothing_sent(s.r);
	rig_close(s.r);
}

static void alone_nobody_is_silenced(void **state)
{
	struct shards s;

	(void)state;
	shards_open(&s);
	validity_set(&s.validity, FIRST, UINT64_MAX);
	validity_set(&s.validity, SECOND, UINT64_MAX);
	shards_pair(&s, A, FIRST, SECOND);
	advance_ms(s.r, 1000 * 1000);
	for (int side = A; side <= B; side++)
		assert_true(passes(&s, side));
	assert_int_equal(dropped(s.r, VERDICT_FENCED), 0);
	assert_int_equal(s.r->sim->port.until_ns, 0);
	rig_close(s.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_falls_silent_alone),
		cmocka_unit_test(between_two_shards),
		cmocka_unit_test(what_is_made_here_stays_too),
		cmocka_unit_test(alone_nobody_is_silenced),
	};

	return cmocka_run_group_tests_name("engine/fence", tests, NULL, NULL);
}
