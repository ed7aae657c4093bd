/* SPDX-License-Identifier: Apache-2.0 */
/* A caller who calls 700, which leads to a flow. */
#ifndef TESTS_UNIT_SIG_FLOWS_H
#define TESTS_UNIT_SIG_FLOWS_H

#include "sig/host/programs.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"
#include "tests/unit/sig/line.h"

UNUSED static void put_program(struct rig *r, const char *name, const char *text)
{
	static struct flow_findings found;
	struct flow_program *p;

	found = (struct flow_findings){ 0 };
	p = program_parse(bytes_str(text), NULL, &found);
	if (!p)
		fail_msg("%s: %s", found.list[0].path, found.list[0].message);
	assert_int_equal(programs_put(r->shard->shared_tables->programs, BYTES_LIT("default"),
				      bytes_str(name), p),
			 0);
}

UNUSED static void put_flow(struct rig *r, const char *text)
{
	put_program(r, "main", text);
	assert_int_equal(programs_number_put(r->shard->shared_tables->programs,
					     BYTES_LIT("default"), BYTES_LIT("700"),
					     BYTES_LIT("main")),
			 0);
}

/* The first call that there is. */
UNUSED static uint64_t first_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

UNUSED static void call_flow(struct line *l, const char *text)
{
	put_flow(l->r, text);
	phone_invite(&l->a, "700", PHONE_SDP_A);
	rig_run(l->r);
}

UNUSED static void is_answered(struct line *l)
{
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
}

UNUSED static void played(struct line *l, enum prompt_reply_kind kind)
{
	const struct prompt_reply outcome = { .kind = kind,
					      .serial = l->r->play,
					      .job = { .slot = 600, .generation = 7 },
					      .codec = l->r->play_codec };

	rig_reply(l->r, (struct reply){ .ask = ASK_PLAY, .of = first_call(l->r), .play = outcome });
	rig_run(l->r);
}

UNUSED static void press(struct line *l, char digit)
{
	struct media_event ev = { .kind = MEDIA_FLOW_DIGIT,
				  .id = line_last_spec(l->r, 0).id,
				  .call = first_call(l->r),
				  .digit = digit,
				  .duration_ms = 100 };

	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

UNUSED static bool plays(const struct line *l, const char *prompt)
{
	return strcmp(l->r->played, prompt) == 0;
}

static inline void flow_gone(struct line *l, const char *path)
{
	line_assert_idle(l->r);
	assert_int_equal(l->r->cdr_count, 1);
	assert_string_equal(l->r->cdrs[0].facts.flow, "main");
	assert_string_equal(l->r->cdrs[0].facts.path, path);
}

static inline void flow_hung_up(struct line *l)
{
	struct bytes bye = rig_take(l->r, &l->a.addr, "BYE ");

	assert_true(bye.n);
	phone_answer(&l->a, bye, "200 OK", "");
}

#endif
