/* SPDX-License-Identifier: Apache-2.0 */
/* A gate whose carriers are servers of trunks "one", "two" and "three": 1001 calls 9123, which is 123 there. */
#ifndef TESTS_UNIT_SIG_WAYS_H
#define TESTS_UNIT_SIG_WAYS_H

#include "tests/unit/sig/gate.h"

/* What 1001 and 1002 may call. */
RIG_FN void may_call(struct gate *g, uint8_t classes)
{
	for (int i = 1001; i <= 1002; i++) {
		char number[8];
		struct shard_extension e;

		(void)snprintf(number, sizeof(number), "%d", i);
		e = rig_extension(number, false);
		e.classes = classes;
		assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
	}
}

/* 9 and a number lead to one, two, or three trunks, in this order. */
RIG_FN void leads_out(struct gate *g, unsigned trunks)
{
	static const char *const names[] = { "one", "two", "three" };
	struct trunk_route r = {
		.enabled = true, .name = "out", .pattern = "9x.", .change.strip = 1
	};

	for (; r.choice_count < trunks; r.choice_count++) {
		struct trunk_settings set = gate_trunk(names[r.choice_count], "");
		struct trunk_choice *choice = &r.choices[r.choice_count];

		set.server_count = 1;
		assert_int_equal(sip_place_read(&set.servers[0],
						bytes_str(g->carriers[r.choice_count].address)),
				 0);
		(void)gate_put(g, &set);
		(void)bytes_cstr(bytes_str(set.name), choice->trunk, sizeof(choice->trunk));
		choice->priority = r.choice_count;
	}
	assert_int_equal(trunk_route_put(g->numbers, &r), 0);
	may_call(g, 0xff);
}

RIG_FN uint16_t trunk_of(struct gate *g, const char *name)
{
	return trunks_find(g->trunks, 0, bytes_str(name));
}

RIG_FN void calls_out(struct gate *g)
{
	phone_invite(&g->l.a, "9123", PHONE_SDP_A);
	rig_run(g->l.r);
}

RIG_FN void answers(struct gate *g, struct phone *gw)
{
	struct bytes m = gw->invite;

	phone_answer(gw, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 200").n);
	phone_ack(&g->l.a);
	assert_true(rig_take(g->l.r, &gw->addr, "ACK ").n);
	assert_int_equal(rig_counts(g->l.r).calls_established, 1);
}

RIG_FN void ends(struct gate *g, struct phone *gw)
{
	phone_request(&g->l.a, "BYE", "", "");
	rig_run(g->l.r);
	phone_answer(gw, rig_take(g->l.r, &gw->addr, "BYE "), "200 OK", "");
	line_assert_idle(g->l.r);
	for (uint16_t i = 0; trunks_next(g->trunks, &i); i++)
		assert_int_equal(trunks_held(g->trunks, i, TRUNK_OUT), 0);
}

#endif
