/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a packet that comes to an entry of the table, and what arms, disarms and ends it. */
#include "tests/unit/test.h"

#include "engine/port/xdp_forwards.h"

static struct addr rig_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

static void ways_that_it_does_not_know(void **state)
{
	struct addr v4 = rig_addr("192.0.2.1:1000"), v6 = rig_addr("[2001:db8::1]:1000");
	struct addr near = rig_addr("[fe80::1%3]:1000");
	struct frame_path path = { .vlan = 0 }, tagged = { .vlan = 5 };
	struct xdp_forward e = { 0 };
	struct xdp_forward_plan plan = { .from = &v4,
					 .to = &v4,
					 .out_from = &v4,
					 .out_to = &v4,
					 .path = &path,
					 .mtu = 1500,
					 .clock_hz = 8000 };

	(void)state;
	assert_true(xdp_forward_plan(&e, &plan));
	plan.clock_hz = 0;
	assert_false(xdp_forward_plan(&e, &plan));
	plan.clock_hz = 44100; /* 441 units each 10 ms: its products would be too large in a year */
	assert_false(xdp_forward_plan(&e, &plan));
	plan.clock_hz = 8000;
	plan.path = &tagged;
	assert_false(xdp_forward_plan(&e, &plan));
	plan.path = &path;
	plan.out_to = plan.out_from = &v6;
	assert_false(xdp_forward_plan(&e, &plan));
	plan.from = plan.to = &v6;
	assert_true(xdp_forward_plan(&e, &plan));
	plan.out_to = &near;
	assert_false(xdp_forward_plan(&e, &plan));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_that_it_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
