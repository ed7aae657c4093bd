/* SPDX-License-Identifier: Apache-2.0 */
/* A phone that refuses is acknowledged when the record knows of it. Until then it says so again, to the next process, too. */
#include "tests/unit/sig/hunt.h"

static void busy(struct hunt *t, unsigned i)
{
	phone_answer(&t->b[i], t->b[i].invite, "486 Busy Here", "");
}

static void forward_on_busy(struct hunt *t)
{
	struct shard_forward f = { .busy = "1004" };
	struct shard_extension e = rig_extension("1002", false);

	assert_int_equal(shard_extension_put(t->r->shard, &e), 0);
	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, "1002", &f), 0);
}

static uint32_t acks(const struct hunt *t, unsigned i)
{
	return rig_count(t->r, &t->b[i].addr, "ACK ");
}

static void saves_go_on(struct hunt *t)
{
	t->r->hold_saves = false;
	rig_run(t->r);
}

static void ack_waits_for_the_save(void **state)
{
	struct hunt *t = *state;

	ring(t);
	t->r->hold_saves = true;
	busy(t, 0);
	busy(t, 0);
	assert_int_equal(acks(t, 0), 0);
	saves_go_on(t);
	assert_int_equal(acks(t, 0), 1);
	assert_true(rig_has(rig_find(t->r, &t->b[0].addr, "ACK "), ";tag=b0"));
	busy(t, 0);
	assert_int_equal(acks(t, 0), 2);
}

/* Each behind the save that knows it, whatever ends the call meanwhile. */
static void all_refuse(void **state)
{
	struct hunt *t = *state;

	ring(t);
	t->r->hold_saves = true;
	for (unsigned i = 0; i < PHONES; i++)
		busy(t, i);
	for (unsigned i = 0; i < PHONES; i++)
		assert_int_equal(acks(t, i), 0);
	saves_go_on(t);
	for (unsigned i = 0; i < PHONES; i++)
		assert_int_equal(acks(t, i), 1);
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n);
	phone_ack(&t->a);
	assert_ended(t, 486, ENDED_BY_B);
}

/* Nobody waits for a store that is away. */
static void store_is_away(void **state)
{
	struct hunt *t = *state;

	ring(t);
	shard_degraded(t->r->shard, true, t->r->now);
	busy(t, 0);
	assert_int_equal(acks(t, 0), 1);
}

static void last_refusal_before_a_kill(void **state)
{
	struct hunt *t = *state;

	ring(t);
	busy(t, 1);
	busy(t, 2);
	t->r->hold_saves = true;
	busy(t, 0);
	kill_and_restart(t, stored(t));
	assert_int_equal(acks(t, 0), 0);
	busy(t, 0); /* timer G (RFC 3261 17.2.1) */
	assert_int_equal(acks(t, 0), 1);
	assert_true(phone_hears(&t->a, "SIP/2.0 486").n);
	phone_ack(&t->a);
	assert_ended(t, 486, ENDED_BY_B);
}

static void forwarded_behind_a_kill(void **state)
{
	struct hunt *t = *state;

	forward_on_busy(t);
	ring(t);
	busy(t, 1);
	busy(t, 2);
	t->r->hold_saves = true;
	busy(t, 0);
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
	kill_and_restart(t, stored(t));
	forward_on_busy(t);
	busy(t, 0);
	assert_int_equal(acks(t, 0), 1);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	assert_talking(t, &t->c);
	hang_up(t, &t->c);
	assert_ended(t, 200, ENDED_BY_A);
}

/* A re-INVITE that is refused: it is not asked again by the next process. */
static void hold_is_refused_before_a_kill(void **state)
{
	struct hunt *t = *state;
	struct bytes again;
	uint32_t n;

	ring(t);
	busy(t, 1);
	busy(t, 2);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	phone_request(&t->a, "INVITE", "", PHONE_SDP_A);
	again = rig_take(t->r, &t->b[0].addr, "INVITE ");
	assert_true(again.n);
	n = acks(t, 0);
	t->r->hold_saves = true;
	phone_answer(&t->b[0], again, "488 Not Acceptable Here", "");
	assert_int_equal(acks(t, 0), n);
	kill_and_restart(t, stored(t));
	phone_answer(&t->b[0], again, "488 Not Acceptable Here", "");
	assert_true(phone_hears(&t->a, "SIP/2.0 488").n);
	assert_talking(t, &t->b[0]);
	hang_up(t, &t->b[0]);
	assert_ended(t, 200, ENDED_BY_A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUNT_TEST(ack_waits_for_the_save),  HUNT_TEST(all_refuse),
		HUNT_TEST(store_is_away),           HUNT_TEST(last_refusal_before_a_kill),
		HUNT_TEST(forwarded_behind_a_kill), HUNT_TEST(hold_is_refused_before_a_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
