/* SPDX-License-Identifier: Apache-2.0 */
/* A call that rings, or waits for an application, is refused by command. */

#include "tests/unit/sig/hunt.h"

static int reject_by(struct hunt *t, uint16_t status, const char *phrase,
		     const struct shard_order *by)
{
	struct call_order o = {
		.kind = ORDER_REJECT, .status = status, .phrase = bytes_str(phrase), .by = by
	};
	int err = shard_call_order(t->r->shard, view(t->r).call, &o, t->r->now);

	rig_run(t->r);
	return err;
}

static int reject(struct hunt *t, uint16_t status, const char *phrase)
{
	return reject_by(t, status, phrase, NULL);
}

static void assert_cdr(struct hunt *t, uint16_t status, uint16_t q850)
{
	assert_ended(t, status, ENDED_BY_OPERATOR);
	assert_int_equal(t->r->cdrs[0].q850, q850);
	assert_string_equal(t->r->cdrs[0].reason, "ended by the operator");
}

/* The caller hears status and words, who rings is left. */
static void while_it_rings(void **state)
{
	struct hunt *t = *state;

	ring_all(t);
	assert_int_equal(reject(t, 603, "Closed on Sundays"), 0);
	assert_true(rig_take(t->r, &t->a.addr, "SIP/2.0 603 Closed on Sundays\r\n").n);
	phone_write(&t->a, "ACK", "", "");
	for (unsigned i = 0; i < PHONES; i++)
		cancelled(&t->b[i]);
	assert_int_equal(rig_counts(t->r).calls, 0);
	assert_cdr(t, 603, 21);
}

/* It goes nowhere else. */
static void no_forward_counts(void **state)
{
	struct hunt *t = *state;
	struct shard_extension e = rig_extension("1002", false);
	struct shard_forward f = { .busy = "1004" };

	assert_int_equal(shard_extension_put(t->r->shard, &e), 0);
	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	ring_all(t);
	assert_int_equal(reject(t, 486, ""), 0);
	assert_true(rig_take(t->r, &t->a.addr, "SIP/2.0 486 Busy Here\r\n").n);
	for (unsigned i = 0; i < PHONES; i++)
		cancelled(&t->b[i]);
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
	assert_cdr(t, 486, 17);
}

static void while_it_waits(void **state)
{
	struct hunt *t = *state;
	struct shard_extension e = rig_extension("1004", false);
	struct shard_forward f = { .application = "ivr" };

	assert_int_equal(shard_extension_put(t->r->shard, &e), 0);
	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, "1004", &f), 0);
	phone_invite(&t->a, "1004", PHONE_SDP_A);
	assert_true(rig_take(t->r, &t->a.addr, "SIP/2.0 180").n);
	assert_int_equal(reject(t, 480, ""), 0);
	assert_true(rig_take(t->r, &t->a.addr, "SIP/2.0 480").n);
	assert_cdr(t, 480, 18);
}

/* Nobody's INVITE is open: who is called by command is left. */
static void of_a_call_by_command(void **state)
{
	const struct shard_originate o = { .call = UINT64_C(7) << 48 | 1,
					   .from = "1001",
					   .to = "1004" };
	struct hunt *t = *state;
	struct bytes bye;

	assert_int_equal(shard_call_originate(t->r->shard, &o, t->r->now), 0);
	rig_run(t->r);
	phone_answer(&t->a, phone_rings(&t->a), "200 OK", PHONE_SDP_A);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	assert_int_equal(reject(t, 486, ""), 0);
	cancelled(&t->c);
	bye = rig_take(t->r, &t->a.addr, "BYE ");
	assert_true(bye.n);
	phone_answer(&t->a, bye, "200 OK", "");
	assert_cdr(t, 486, 17);
}

static void is_refused_by_name(void **state)
{
	static const uint16_t none[] = { 0, 200, 302, 399, 401, 407, 420, 481, 503, 700 };
	struct hunt *t = *state;

	ring_all(t);
	for (size_t i = 0; i < COUNT_OF(none); i++)
		assert_int_equal(reject(t, none[i], ""), REFUSED_BAD_STATUS);
	assert_int_equal(rig_count(t->r, &t->b[0].addr, "CANCEL "), 0);
	phone_answer(&t->b[0], t->b[0].invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(reject(t, 486, ""), REFUSED_ANSWERED);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	assert_int_equal(reject(t, 486, ""), REFUSED_ANSWERED);
	for (unsigned i = 1; i < PHONES; i++)
		cancelled(&t->b[i]);
	hang_up(t, &t->b[0]);
	assert_ended(t, 200, ENDED_BY_A);
}

/* Saved before it is said to anybody; the same order again is answered again, also by another process. */
static void over_a_kill(void **state)
{
	const struct shard_order by = { .id = 77, .ticket = 5 };
	struct hunt *t = *state;

	ring_all(t);
	t->r->hold_saves = true;
	assert_int_equal(reject_by(t, 480, "", &by), 0);
	assert_int_equal(rig_count(t->r, &t->a.addr, "SIP/2.0 480"), 0);
	assert_int_equal(t->r->order_count, 0);
	t->r->hold_saves = false;
	rig_run(t->r);
	assert_int_equal(rig_count(t->r, &t->a.addr, "SIP/2.0 480"), 1);
	assert_int_equal(t->r->order_count, 1);
	restart(t);
	assert_int_equal(rig_count(t->r, &t->a.addr, "SIP/2.0 480"), 2);
	assert_int_equal(reject_by(t, 480, "", &by), 0);
	assert_int_equal(t->r->order_count, 2);
	phone_write(&t->a, "ACK", "", "");
	for (unsigned i = 0; i < PHONES; i++)
		phone_answer(&t->b[i], t->b[i].invite, "487 Request Terminated", "");
	assert_cdr(t, 480, 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUNT_TEST(while_it_rings),     HUNT_TEST(no_forward_counts),
		HUNT_TEST(while_it_waits),     HUNT_TEST(of_a_call_by_command),
		HUNT_TEST(is_refused_by_name), HUNT_TEST(over_a_kill),
	};

	return cmocka_run_group_tests_name("sig/call_reject", tests, NULL, NULL);
}
