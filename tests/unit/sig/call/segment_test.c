/* SPDX-License-Identifier: Apache-2.0 */
/* A call whose pairs change has a CDR for each, and they add up. */
#include <errno.h>

#include "sig/call.pb-c.h"
#include "sig/call/cdr.h"
#include "sig/call/flow_spec.h"
#include "sig/leg/flow.h"
#include "sig/record/call_record.h"
#include "sig/shard/shard_state.h"
#include "sig/step/step.h"
#include "tests/unit/sig/line.h"

static int talking(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	phones_talk(&l->a, &l->b);
	return 0;
}

static struct call *the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return shard_call_find(r->shard, view.call);
}

static void touch(struct rig *r, struct call *c)
{
	outbox_touch(&c->out);
	assert_true(call_settle(&r->shard->host, c));
	rig_run(r);
}

/* The pair parts after ms of talk; the next one, to that user, is up at once. */
static struct call *part(struct line *l, uint64_t ms, const char *to)
{
	struct call *c;

	rig_wait_ms(l->r, ms);
	c = the_call(l->r);
	l->r->shard->host.now = l->r->now;
	assert_int_equal(segment_end(&l->r->shard->host, c, CAUSE_TRANSFERRED, ENDED_BY_B), 0);
	assert_int_equal(text_set(&c->to, bytes_str(to)), 0);
	c->answer_utc_ms = c->setup_utc_ms;
	c->status = 200;
	touch(l->r, c);
	return c;
}

static void hang_up(struct line *l)
{
	struct bytes bye;

	phone_request(&l->a, "BYE", "", "");
	bye = rig_take(l->r, &l->b.addr, "BYE ");
	if (bye.n)
		phone_answer(&l->b, bye, "200 OK", "");
	line_assert_idle(l->r);
}

static uint64_t talk_of(const struct cdr *cdr)
{
	return cdr->end_utc_ms - cdr->answer_utc_ms;
}

static void one_pair(void **state)
{
	struct line *l = *state;

	rig_wait_ms(l->r, 3000);
	hang_up(l);
	assert_int_equal(l->r->cdr_count, 1);
	assert_int_equal(l->r->cdrs[0].pair, 1);
	assert_int_equal(l->r->cdrs[0].pairs, 1);
	assert_int_equal(talk_of(&l->r->cdrs[0]), 3000);
}

static void three_pairs(void **state)
{
	static const char *const to[] = { "1002", "1003", "1004" };
	static const uint64_t talk_ms[] = { 3000, 2000, 1500 };
	struct line *l = *state;
	const struct cdr *cdr = l->r->cdrs;

	(void)part(l, talk_ms[0], "1003");
	(void)part(l, talk_ms[1], "1004");
	rig_wait_ms(l->r, talk_ms[2]);
	hang_up(l);
	assert_int_equal(l->r->cdr_count, 3);
	for (uint8_t i = 0; i < 3; i++) {
		assert_int_equal(cdr[i].call, cdr[0].call);
		assert_int_equal(cdr[i].pair, i + 1);
		assert_int_equal(cdr[i].pairs, 3);
		assert_string_equal(cdr[i].from, "1001");
		assert_string_equal(cdr[i].to, to[i]);
		assert_string_equal(cdr[i].tenant, "default");
		assert_string_equal(cdr[i].sip_call_id, cdr[0].sip_call_id);
		assert_int_equal(cdr[i].sip_status, 200);
		assert_int_equal(cdr[i].q850, 16);
		assert_string_equal(cdr[i].reason, i < 2 ? "transferred" : "hung up");
		assert_int_equal(cdr[i].ended_by, i < 2 ? ENDED_BY_B : ENDED_BY_A);
		assert_int_equal(talk_of(&cdr[i]), talk_ms[i]);
		if (i)
			assert_int_equal(cdr[i].setup_utc_ms, cdr[i - 1].end_utc_ms);
	}
	assert_true(cdr[0].ringing_utc_ms && !cdr[1].ringing_utc_ms);
}

/* How long a call has lasted is no matter of its pairs. */
static void seen_as_one(void **state)
{
	struct line *l = *state;
	struct call_view before, after;
	struct call *c = the_call(l->r);

	assert_true(shard_call_view(l->r->shard, c->id, &before));
	(void)part(l, 3000, "1003");
	(void)part(l, 3000, "1004");
	c->answer_utc_ms = 0;
	assert_true(shard_call_view(l->r->shard, c->id, &after));
	assert_int_equal(after.setup_utc_ms, before.setup_utc_ms);
	assert_int_equal(after.answer_utc_ms, before.answer_utc_ms);
	assert_true(before.answer_utc_ms > 0);
	hang_up(l);
}

/* The pair that never came up has the outcome of the call's end. */
static void last_pair_rings(void **state)
{
	struct line *l = *state;
	struct call *c = part(l, 1000, "1003");

	c->answer_utc_ms = 0;
	c->status = 0;
	rig_wait_ms(l->r, 4000);
	assert_int_equal(shard_hangup(l->r->shard, c->id, NULL, l->r->now), 0);
	rig_run(l->r);
	phone_answer(&l->a, rig_take(l->r, &l->a.addr, "BYE "), "200 OK", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	line_assert_idle(l->r);
	assert_int_equal(l->r->cdr_count, 2);
	assert_int_equal(l->r->cdrs[1].answer_utc_ms, 0);
	assert_int_equal(l->r->cdrs[1].sip_status, 480);
	assert_int_equal(l->r->cdrs[1].end_utc_ms - l->r->cdrs[1].setup_utc_ms, 4000);
}

/* A leg that leaves has its counters in the pair it was in, one that stays in the last. */
static void counters(void **state)
{
	struct line *l = *state;
	struct call *c = part(l, 1000, "1003");
	uint64_t version = c->out.version;

	c->bridge.callee = LEG_NONE; /* B leaves */
	flows_close_leg(&l->r->shard->host, c, 1);
	touch(l->r, c);
	assert_true(c->out.version > version + 1);
	c->bridge.callee = 1; /* no other leg came */
	hang_up(l);
	assert_int_equal(l->r->cdr_count, 2);
	assert_int_equal(l->r->cdrs[0].a.packets_in, 0);
	assert_int_equal(l->r->cdrs[0].b.packets_in, 51);
	assert_string_equal(l->r->cdrs[0].b_sound.codec, "PCMU");
	assert_int_equal(l->r->cdrs[1].a.packets_in, 50);
	assert_int_equal(l->r->cdrs[1].b.packets_in, 0);
}

/* More than are kept: two are told as one, and no talk is lost. */
static void too_many(void **state)
{
	struct line *l = *state;
	uint64_t talk = 0;

	for (int i = 0; i < SEGMENTS_MAX + 3; i++)
		(void)part(l, 1000, "1003");
	assert_int_equal(the_call(l->r)->segment_count, SEGMENTS_MAX);
	assert_null(segments_check(the_call(l->r)));
	rig_wait_ms(l->r, 1000);
	hang_up(l);
	assert_int_equal(l->r->cdr_count, CDR_PAIRS_MAX);
	for (uint32_t i = 0; i < l->r->cdr_count; i++) {
		talk += talk_of(&l->r->cdrs[i]);
		if (i)
			assert_int_equal(l->r->cdrs[i].setup_utc_ms, l->r->cdrs[i - 1].end_utc_ms);
	}
	assert_int_equal(talk, (SEGMENTS_MAX + 4) * 1000);
	assert_int_equal(talk_of(&l->r->cdrs[SEGMENTS_MAX - 1]), 4000);
}

/* While the process is killed twice. */
static void goes_on(void **state)
{
	struct line *l = *state;
	struct call *c = part(l, 3000, "1003");
	const char *reason = "";
	struct cdr kept;

	c->segments[0].cdr.b = (struct flow_stats){ .packets_in = 7, .rtt_us = 9 };
	c->segments[0].cdr.b_sound = (struct cdr_sound){ "opus", 430, 420 };
	touch(l->r, c);
	kept = c->segments[0].cdr;
	for (int i = 0; i < 2; i++) {
		rig_wait_ms(l->r, 500);
		shard_close(l->r->shard);
		rig_start_shard(l->r);
		assert_int_equal(shard_restore_call(l->r->shard,
						    text_bytes(&rig_record(l->r)->record),
						    l->r->now, &reason),
				 0);
		shard_resume(l->r->shard, l->r->now);
		rig_run(l->r);
		c = the_call(l->r);
		assert_int_equal(c->segment_count, 1);
		assert_memory_equal(&c->segments[0].cdr, &kept, sizeof(kept));
		assert_int_equal(c->segments[0].cause, CAUSE_TRANSFERRED);
		assert_int_equal(c->segments[0].callee, 1);
	}
	hang_up(l);
	assert_int_equal(l->r->cdr_count, 2);
	assert_int_equal(talk_of(&l->r->cdrs[0]) + talk_of(&l->r->cdrs[1]), 4000);
	assert_int_equal(l->r->cdrs[0].b.packets_in, 7);
}

/* An older program would forget CDRs: it must not go on with such a call, and may with all others. */
static void format_of_a_record(void **state)
{
	struct line *l = *state;
	Tandem__Call__Call *in;

	for (uint32_t format = CALL_RECORD_LEGS; format <= CALL_RECORD_SEGMENTS; format++) {
		const struct text *record = &rig_record(l->r)->record;

		in = tandem__call__call__unpack(NULL, record->n, (const uint8_t *)record->p);
		assert_non_null(in);
		assert_int_equal(in->format, format);
		tandem__call__call__free_unpacked(in, NULL);
		if (format == CALL_RECORD_LEGS)
			(void)part(l, 1000, "1003");
	}
	hang_up(l);
}

static void harm_times(struct call *c)
{
	c->segments[0].cdr.end_utc_ms++;
}
static void harm_answer(struct call *c)
{
	c->segments[0].cdr.answer_utc_ms = c->segments[0].cdr.end_utc_ms + 1;
}
static void harm_setup(struct call *c)
{
	c->segments[0].cdr.setup_utc_ms = 0;
}
static void harm_status(struct call *c)
{
	c->segments[0].cdr.sip_status = 700;
}
static void harm_cause(struct call *c)
{
	c->segments[0].cause = CALL_CAUSE_COUNT;
}
static void harm_line(struct call *c)
{
	c->segments[0].cdr.to[0] = '\n';
}

static void broken_records(void **state)
{
	static void (*const rows[])(struct call *) = { harm_times,  harm_answer, harm_setup,
						       harm_status, harm_cause,  harm_line };
	struct line *l = *state;
	struct call *c = part(l, 1000, "1003");
	struct segment good = c->segments[0];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *reason = NULL;
		struct call_seed seed;
		struct call decoded = { 0 };
		struct text record = { 0 };

		rows[i](c);
		assert_int_equal(call_encode(&l->r->shard->host, c, &record), 0);
		assert_int_equal(call_decode(&l->r->shard->host, &decoded, &seed,
					     text_bytes(&record), &reason),
				 -EBADMSG);
		assert_true(bytes_starts(bytes_str(reason), "segment: "));
		text_clear(&record);
		c->segments[0] = good;
	}
	hang_up(l);
}

#define TALK_TEST(fn) cmocka_unit_test_setup_teardown(fn, talking, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALK_TEST(one_pair), TALK_TEST(three_pairs),        TALK_TEST(last_pair_rings),
		TALK_TEST(counters), TALK_TEST(seen_as_one),        TALK_TEST(too_many),
		TALK_TEST(goes_on),  TALK_TEST(format_of_a_record), TALK_TEST(broken_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
