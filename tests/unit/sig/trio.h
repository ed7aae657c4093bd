/* SPDX-License-Identifier: Apache-2.0 */
/* Three phones on a rig, for cmocka: whom A and B speak with may change. */
#ifndef TESTS_UNIT_SIG_TRIO_H
#define TESTS_UNIT_SIG_TRIO_H

#include "tests/unit/sig/line.h"

struct trio {
	struct line l; /* A called B, or B called A */
	struct phone c;
};

RIG_FN int trio_setup(void **state)
{
	struct trio *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	t->l.r = rig_open();
	phones_open(t->l.r, &t->l.a, &t->l.b);
	phone_open(&t->c, t->l.r, "1004", "192.0.2.14:5060");
	phone_bind(&t->c);
	*state = t;
	return 0;
}

#define TRIO_TEST(fn) cmocka_unit_test_setup_teardown(fn, trio_setup, line_teardown)

/* Whoever is given away hears what C says. */
RIG_FN void trio_c_answers(struct trio *t, struct phone *given, const char *sdp)
{
	struct bytes m;

	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	m = rig_take(t->l.r, &given->addr, "INVITE ");
	assert_true(m.n);
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(given, m, "200 OK", sdp);
	assert_true(rig_take(t->l.r, &given->addr, "ACK ").n);
}

RIG_FN void trio_assert_left(struct phone *p)
{
	struct bytes m = rig_take(p->r, &p->addr, "BYE ");

	assert_true(m.n);
	phone_answer(p, m, "200 OK", "");
}

RIG_FN void trio_assert_talks(struct rig *r, uint8_t leg, uint8_t other)
{
	struct flow_spec a = line_last_spec(r, leg), b = line_last_spec(r, other);

	assert_int_equal(a.receive + a.send, 2);
	assert_int_equal(b.receive + b.send, 2);
	assert_memory_equal(&a.peer, &b.id, sizeof(a.peer));
	assert_memory_equal(&b.peer, &a.id, sizeof(b.peer));
}

/* The last pair hangs up, and nothing is left. */
RIG_FN void trio_assert_ends(struct trio *t, struct phone *p, struct phone *other)
{
	phone_request(p, "BYE", "", "");
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	trio_assert_left(other);
	line_assert_idle(t->l.r);
}

/* The record of each call as it was saved last. */
RIG_FN void trio_restart(struct trio *t)
{
	struct rig *r = t->l.r;
	uint32_t count = r->save_count;
	const char *reason = "";

	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&t->l.a);
	phone_bind(&t->l.b);
	phone_bind(&t->c);
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

RIG_FN struct bytes trio_told_again(struct phone *p, const char *sdp)
{
	struct bytes m = rig_take(p->r, &p->addr, "INVITE ");

	assert_true(m.n);
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(p, m, "200 OK", sdp);
	assert_true(rig_take(p->r, &p->addr, "ACK ").n);
	return m;
}

RIG_FN void refer(struct phone *p, const char *to)
{
	char extra[600];

	(void)snprintf(extra, sizeof(extra), "Refer-To: <%s>\r\n", to);
	phone_request(p, "REFER", extra, "");
}

/* A NOTIFY with that status line, which the phone answers. */
RIG_FN void assert_notified(struct phone *p, const char *fragment, const char *subscription)
{
	struct bytes m = rig_take(p->r, &p->addr, "NOTIFY ");
	char id[64];

	assert_true(m.n);
	(void)snprintf(id, sizeof(id), "\r\nEvent: refer;id=%u\r\n", p->cseq);
	assert_true(rig_has(m, id));
	assert_true(rig_has(m, "\r\nContent-Type: message/sipfrag;version=2.0\r\n"));
	assert_true(rig_has(m, subscription));
	assert_true(rig_has(m, fragment));
	phone_answer(p, m, "200 OK", "");
}

/* t gives its party to C, whose phone rings. */
RIG_FN void give_away(struct trio *t, struct phone *p)
{
	refer(p, "sip:1004@test.local");
	assert_true(phone_hears(p, "SIP/2.0 202").n);
	assert_notified(p, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
}

RIG_FN void trio_restart_last(struct trio *t)
{
	struct rig *r = t->l.r;
	const char *reason = "";
	uint32_t last = r->save_count - 1;

	while (r->saves[last].kind != EFFECT_CALL_SAVE)
		last--;
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&t->l.a);
	phone_bind(&t->l.b);
	phone_bind(&t->c);
	if (shard_restore_call(r->shard, text_bytes(&r->saves[last].record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

#endif
