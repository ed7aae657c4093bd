/* SPDX-License-Identifier: Apache-2.0 */
/* The verb dial: whom it rings, in which order, and what a caller that is up already has of it. */
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/trio.h"

/* Two phones ring for a caller that is up; where nobody answers "no" is played. */
#define UP(more)                                                                \
	"{\"name\":\"main\",\"start\":\"up\",\"steps\":{"                       \
	"\"up\":{\"answer\":{},\"next\":\"a\"},"                                \
	"\"a\":{\"dial\":{\"to\":[\"1002\",\"1004\"]" more "},\"busy\":\"no\"," \
	"\"no_answer\":\"no\",\"rejected\":\"no\",\"failed\":\"bad\"},"         \
	"\"no\":{\"play\":[\"no\"]},\"bad\":{\"play\":[\"bad\"]}}}"

static void rings_up(struct trio *t, const char *flow)
{
	call_flow(&t->l, flow);
	is_answered(&t->l);
}

static void test_together_up(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	rings_up(t, UP(""));
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	rig_run(t->l.r);
	assert_true(rig_take(t->l.r, &t->l.b.addr, "CANCEL ").n);
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	assert_true(m.n);
	phone_answer(&t->l.a, m, "200 OK", PHONE_SDP_A);
	phone_answer(&t->l.b, t->l.b.invite, "487 Request Terminated", "");
	rig_run(t->l.r);
	phone_request(&t->l.a, "BYE", "", "");
	rig_run(t->l.r);
	trio_assert_left(&t->c);
	line_assert_idle(t->l.r);
}

static void test_nobody_up(void **state)
{
	struct trio *t = *state;

	rings_up(t, UP(",\"how\":\"together\",\"ring_s\":9"));
	assert_true(phone_rings(&t->l.b).n);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	rig_wait_ms(t->l.r, 8900);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "CANCEL "), 0);
	rig_wait_ms(t->l.r, 200);
	assert_true(rig_take(t->l.r, &t->l.b.addr, "CANCEL ").n);
	assert_true(plays(&t->l, "prompt:no"));
}

/* Each first as often, and the order that was made holds in the next process. */
static void test_random(void **state)
{
	struct trio *t = *state;
	unsigned first = 0;

	for (unsigned i = 0; i < 24; i++) {
		struct phone *p, *other;
		bool b;

		call_flow(&t->l, "[{\"dial\":{\"to\":[\"1002\",\"1004\"],\"how\":\"random\"}}]");
		b = phone_rings(&t->l.b).n != 0;
		first += b;
		p = b ? &t->l.b : &t->c;
		other = b ? &t->c : &t->l.b;
		if (!b)
			assert_true(phone_rings(&t->c).n);
		phone_answer(p, p->invite, "486 Busy Here", "");
		rig_run(t->l.r);
		assert_true(phone_rings(other).n);
		phone_answer(other, other->invite, "486 Busy Here", "");
		rig_run(t->l.r);
		assert_true(phone_hears(&t->l.a, "SIP/2.0 480").n);
		phone_write(&t->l.a, "ACK", "", "");
		rig_run(t->l.r);
	}
	assert_in_range(first, 3, 21);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRIO_TEST(test_together_up),
		TRIO_TEST(test_nobody_up),
		TRIO_TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
