/* SPDX-License-Identifier: Apache-2.0 */
/* An application that takes the calls to 1004; with it tests of what waits for it and what it asks for. */
#ifndef TESTS_UNIT_SIG_APPLICATION_H
#define TESTS_UNIT_SIG_APPLICATION_H

#include "tests/unit/sig/line.h"

UNUSED static void application_set(struct rig *r, const char *number, struct shard_forward f)
{
	(void)bytes_cstr(BYTES_LIT("ivr"), f.application, sizeof(f.application));
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, number, &f), 0);
}

UNUSED static int application_setup(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	application_set(l->r, "1004", (struct shard_forward){ 0 });
	return 0;
}

UNUSED static uint64_t application_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

UNUSED static void application_rings(struct line *l, const char *sdp)
{
	phone_invite(&l->a, "1004", sdp);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
}

UNUSED static int application_answer(struct line *l)
{
	int err = shard_call_answer(l->r->shard, application_call(l->r), NULL, l->r->now);

	rig_run(l->r);
	return err;
}

UNUSED static void application_answered(struct line *l)
{
	application_rings(l, PHONE_SDP_A);
	assert_int_equal(application_answer(l), 0);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

UNUSED static void application_restart(struct line *l)
{
	struct rig *r = l->r;
	const char *reason = "";
	uint32_t last = r->save_count - 1;

	while (r->saves[last].kind != EFFECT_CALL_SAVE)
		last--;
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	application_set(r, "1004", (struct shard_forward){ .no_answer = "1002" });
	if (shard_restore_call(r->shard, text_bytes(&r->saves[last].record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* Dial tone and busy tone are there: jobs 70 and 71. */
UNUSED static void put_tones(struct rig *r, bool on)
{
	static const struct job_id dial[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 70, .generation = 7 },
	};
	static const struct job_id busy[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 71, .generation = 7 },
	};

	r->settings.tones = on;
	shard_configure(r->shard, &r->settings);
	shard_track_set(r->shard, SHARD_TRACK_DIAL, dial);
	shard_track_set(r->shard, SHARD_TRACK_BUSY, busy);
	rig_wait_ms(r, 1);
}

UNUSED static void assert_hears(const struct line *l, uint32_t slot)
{
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, slot);
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, slot ? 7 : 0);
}

#endif
