/* SPDX-License-Identifier: Apache-2.0 */
/* Two phones on a rig, for cmocka. Phones 1001 and 1002; 1003 may hear early media. */
#ifndef TESTS_UNIT_SIG_LINE_H
#define TESTS_UNIT_SIG_LINE_H

#include "tests/unit/sig/phone.h"
#include "tests/unit/test.h"

struct line {
	struct rig *r;
	struct phone a, b;
};

RIG_FN int line_setup(void **state)
{
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		return -1;
	l->r = rig_open();
	phones_open(l->r, &l->a, &l->b);
	*state = l;
	return 0;
}

RIG_FN int line_teardown(void **state)
{
	struct line *l = *state;

	rig_close(l->r);
	free(l);
	return 0;
}

#define LINE_TEST(fn) cmocka_unit_test_setup_teardown(fn, line_setup, line_teardown)

/* After the longest timers nothing is left: no call, transaction, port or save. */
RIG_FN void line_assert_idle(struct rig *r)
{
	struct shard_counts c;

	rig_wait_ms(r, 70000);
	c = rig_counts(r);
	assert_int_equal(c.calls, 0);
	assert_int_equal(c.calls_established, 0);
	assert_int_equal(c.txns, 0);
	assert_int_equal(c.ports_free, 100);
	assert_int_equal(c.saves_pending, 0);
}

/* What lists say that the caller and the callee of a call are at. */
RIG_FN void line_assert_states(const struct rig *r, uint64_t call, enum party_state a,
			       enum party_state b)
{
	struct call_view v;

	assert_true(shard_call_view(r->shard, call, &v));
	assert_string_equal(party_state_name(v.states[0]), party_state_name(a));
	assert_string_equal(party_state_name(v.states[1]), party_state_name(b));
}

/* B answers whatever BYE it got; then the one CDR says this. */
RIG_FN void line_assert_cdr(struct line *l, uint16_t status, uint16_t q850, enum call_ended_by by)
{
	struct rig *r = l->r;
	struct bytes bye = rig_take(r, &l->b.addr, "BYE ");

	if (bye.n)
		phone_answer(&l->b, bye, "200 OK", "");
	bye = rig_take(r, &l->a.addr, "BYE ");
	if (bye.n)
		phone_answer(&l->a, bye, "200 OK", "");
	line_assert_idle(r);
	assert_int_equal(r->cdr_count, 1);
	assert_int_equal(r->cdrs[0].sip_status, status);
	assert_int_equal(r->cdrs[0].q850, q850);
	assert_int_equal(r->cdrs[0].ended_by, by);
}

RIG_FN struct bytes line_stored(const struct line *l)
{
	return text_bytes(&rig_stored(l->r)->record);
}

/* kill -9, and a successor that has this record. What was on its way to the store is lost. */
RIG_FN void line_restart(struct line *l, struct bytes record)
{
	struct rig *r = l->r;
	const char *reason = "";

	shard_close(r->shard);
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (!r->saves[i].answered)
			r->saves[i].kind = EFFECT_SEND;
	}
	r->hold_saves = false;
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (shard_restore_call(r->shard, record, r->now, &reason))
		fail_msg("restore: %s", reason);
	rig_run(r);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* What the engine was told last of that line of the leg. */
RIG_FN struct flow_spec line_spec_of(const struct rig *r, uint8_t leg, uint8_t line)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		const struct media_command *m = &r->media[i];

		if ((m->kind == MEDIA_FLOW_UPDATE || m->kind == MEDIA_FLOW_OPEN) &&
		    m->spec.leg == leg && m->spec.line == line)
			return m->spec;
	}
	return (struct flow_spec){ 0 };
}

/* What the engine was told last of the leg's first line. */
RIG_FN struct flow_spec line_last_spec(const struct rig *r, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		const struct media_command *m = &r->media[i];

		if ((m->kind == MEDIA_FLOW_UPDATE || m->kind == MEDIA_FLOW_OPEN) &&
		    m->spec.leg == leg)
			return m->spec;
	}
	return (struct flow_spec){ 0 };
}

#endif
