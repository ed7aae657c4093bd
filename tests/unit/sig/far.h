/* SPDX-License-Identifier: Apache-2.0 */
/* Two shards that reach each other by SIP_INTER_SHARD, each on a rig of its own, and a phone that has a call on each: A and B on the first, B's
 * second dialog and C on the other. */
#ifndef TESTS_UNIT_SIG_FAR_H
#define TESTS_UNIT_SIG_FAR_H

#include "tests/unit/sig/trio.h"

struct far {
	struct trio near; /* its c is of the other rig */
	struct rig *other;
	struct phone second; /* of B, there */
	uint32_t passed;     /* messages between them */
	uint32_t lost;       /* the one of that number is lost, and */
	bool dies;           /* the process with it; no number: 0 */
};

RIG_FN struct rig *far_rig(uint16_t number)
{
	struct shard_settings s = rig_settings();

	s.number = number;
	s.peer_shard_count = 2;
	s.peer_shards[0] = 7;
	s.peer_shards[1] = 8;
	return rig_open_with(&s);
}

RIG_FN int far_setup(void **state)
{
	struct far *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->near.l.r = far_rig(7);
	f->other = far_rig(8);
	phones_open(f->near.l.r, &f->near.l.a, &f->near.l.b);
	phone_open(&f->near.c, f->other, "1004", "192.0.2.14:5060");
	phone_open(&f->second, f->other, "1002", "192.0.2.12:5060");
	(void)snprintf(f->second.tag, sizeof(f->second.tag), "second");
	phone_bind(&f->near.c);
	phone_bind(&f->second);
	*state = f;
	return 0;
}

RIG_FN int far_teardown(void **state)
{
	struct far *f = *state;

	rig_close(f->near.l.r);
	rig_close(f->other);
	free(f);
	return 0;
}
#define FAR_TEST(fn) cmocka_unit_test_setup_teardown(fn, far_setup, far_teardown)

RIG_FN void far_restart_rig(struct rig *r, struct phone *p, struct phone *q)
{
	uint32_t count = r->save_count;
	const char *reason = "";

	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(p);
	phone_bind(q);
	for (uint32_t i = 0; i < r->sent_count; i++)
		r->sent[i].taken |= r->sent[i].hop.transport == SIP_INTER_SHARD;
	for (uint32_t i = 0; i < count; i++) {
		bool newest = r->saves[i].kind == EFFECT_CALL_SAVE;

		for (uint32_t k = i + 1; k < count; k++)
			newest &= r->saves[k].call != r->saves[i].call;
		if (newest &&
		    shard_restore_call(r->shard, text_bytes(&r->saves[i].record), r->now, &reason))
			fail_msg("%s", reason);
	}
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* The process of both is killed, and what was under way between them is lost. */
RIG_FN void far_restart(struct far *f)
{
	far_restart_rig(f->near.l.r, &f->near.l.a, &f->near.l.b);
	far_restart_rig(f->other, &f->near.c, &f->second);
}

/* What one has for the other arrives. */
RIG_FN bool far_carry_from(struct far *f, struct rig *from, struct rig *to)
{
	const struct sip_hop hop = { .transport = SIP_INTER_SHARD,
				     .remote = inter_shard_address(from->settings.number) };
	bool any = false;

	for (uint32_t i = 0; i < from->sent_count; i++) {
		struct rig_sent *s = &from->sent[i];

		if (s->taken || s->hop.transport != SIP_INTER_SHARD)
			continue;
		assert_int_equal(inter_shard_of(&s->hop.remote), to->settings.number);
		s->taken = any = true;
		f->passed++;
		if (f->passed == f->lost && f->dies)
			far_restart(f);
		if (f->passed == f->lost)
			continue;
		shard_receive(to->shard, &hop, text_bytes(&s->data), to->now);
		rig_run(to);
	}
	return any;
}

RIG_FN void far_run(struct far *f)
{
	bool any;

	do {
		any = far_carry_from(f, f->near.l.r, f->other);
		any |= far_carry_from(f, f->other, f->near.l.r);
	} while (any);
}

RIG_FN void far_wait_ms(struct far *f, uint64_t ms)
{
	for (uint64_t step = 20; ms; ms -= step) {
		step = ms < step ? ms : step;
		rig_wait_ms(f->near.l.r, step);
		rig_wait_ms(f->other, step);
		far_run(f);
	}
}

#endif
