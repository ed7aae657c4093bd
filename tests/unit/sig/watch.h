/* SPDX-License-Identifier: Apache-2.0 */
/* A phone with a lamp, beside two that talk. */
#ifndef TESTS_UNIT_SIG_WATCH_H
#define TESTS_UNIT_SIG_WATCH_H

#include "tests/unit/sig/line.h"

struct watch {
	struct line l;
	struct phone w; /* 1004, that watches 1002 */
};

RIG_FN int watch_setup_with(void **state, const struct shard_settings *settings)
{
	struct watch *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	t->l.r = rig_open_with(settings);
	phones_open(t->l.r, &t->l.a, &t->l.b);
	phone_open(&t->w, t->l.r, "1004", "192.0.2.14:5060");
	phone_bind(&t->w);
	*state = t;
	return 0;
}

RIG_FN int watch_setup(void **state)
{
	const struct shard_settings s = rig_settings();

	return watch_setup_with(state, &s);
}

RIG_FN int watch_teardown(void **state)
{
	struct watch *t = *state;

	rig_close(t->l.r);
	free(t);
	return 0;
}

#define WATCH_TEST(fn) cmocka_unit_test_setup_teardown(fn, watch_setup, watch_teardown)

/* Opens a dialog. The answer. */
RIG_FN struct bytes watch_ask(struct phone *w, const char *of_party, const char *lines)
{
	phone_begin(w, of_party);
	phone_request(w, "SUBSCRIBE", lines, "");
	return phone_hears(w, "SIP/2.0");
}

/* In the dialog that it has. */
RIG_FN struct bytes watch_again(struct phone *w, const char *lines)
{
	phone_request(w, "SUBSCRIBE", lines, "");
	return rig_take(w->r, &w->addr, "SIP/2.0");
}

/* The next NOTIFY, answered; empty: there is none. */
RIG_FN struct bytes watch_told_with(struct phone *w, const char *status)
{
	struct bytes m;

	rig_wait_ms(w->r, 5);
	m = rig_take(w->r, &w->addr, "NOTIFY ");
	if (m.n && status[0])
		phone_answer(w, m, status, "");
	rig_wait_ms(w->r, 5);
	return m;
}

RIG_FN struct bytes watch_told(struct phone *w)
{
	return watch_told_with(w, "200 OK");
}

#define WATCH_DIALOG "Event: dialog\r\nAccept: application/dialog-info+xml\r\n"

/* A lamp of 1002 that is dark. */
RIG_FN void watch_begin(struct watch *t)
{
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "state=\"full\""));
}

/* A new process has the subscriptions of the store. */
RIG_FN void watch_restore(struct rig *r, uint32_t count)
{
	const char *reason = "";

	for (uint32_t i = 0; i < count; i++) {
		const struct rig_save *s = &r->saves[i];
		bool newest = s->kind == EFFECT_SUBSCRIPTION_SAVE && s->record.n && s->answered;

		for (uint32_t k = i + 1; k < count; k++)
			newest &= r->saves[k].kind != s->kind || r->saves[k].call != s->call ||
				  !r->saves[k].answered;
		if (newest &&
		    shard_restore_subscription(r->shard, text_bytes(&s->record), r->now, &reason))
			fail_msg("restore: %s", reason);
	}
}

/* kill -9, and a successor that has what the store has. started: before that, NULL: nothing more is done. */
RIG_FN void watch_restart_as(struct watch *t, void (*started)(struct shard *s))
{
	struct rig *r = t->l.r;
	uint32_t count = r->save_count;

	shard_close(r->shard);
	rig_start_shard(r);
	if (started)
		started(r->shard);
	phone_bind(&t->l.a);
	phone_bind(&t->l.b);
	phone_bind(&t->w);
	watch_restore(r, count);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

RIG_FN void watch_restart(struct watch *t)
{
	watch_restart_as(t, NULL);
}

#endif
