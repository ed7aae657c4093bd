/* SPDX-License-Identifier: Apache-2.0 */
/* Smart do not disturb (FEATURES CALL-20): the first call rings, any further one meets a busy extension. */
#include "tests/unit/sig/line.h"

struct trio {
	struct line l; /* 1002 is the one that is not to be disturbed */
	struct phone c;
};

static void smart_set(struct rig *r, bool on, const char *busy)
{
	struct shard_forward f = { .smart_do_not_disturb = on };

	(void)snprintf(f.busy, sizeof(f.busy), "%s", busy);
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1002", &f), 0);
}

static int trio_setup(void **state)
{
	struct trio *t = calloc(1, sizeof(*t));
	struct rig *r;

	if (!t)
		return -1;
	r = t->l.r = rig_open();
	phones_open(r, &t->l.a, &t->l.b);
	phone_open(&t->c, r, "1003", "192.0.2.13:5060");
	phone_bind(&t->c);
	smart_set(r, true, "");
	*state = t;
	return 0;
}

/* What another caller hears. */
static bool second_hears(struct trio *t, const char *status)
{
	struct bytes m;

	phone_invite(&t->c, "1002", PHONE_SDP_A);
	m = phone_hears(&t->c, status);
	phone_write(&t->c, "ACK", "", "");
	return m.n;
}

static bool second_rings(struct trio *t)
{
	phone_invite(&t->c, "1002", PHONE_SDP_A);
	return phone_rings(&t->l.b).n;
}

static void hangs_up(struct phone *p, struct phone *other)
{
	phone_request(p, "BYE", "", "");
	phone_answer(other, rig_take(p->r, &other->addr, "BYE "), "200 OK", "");
}

static void while_it_rings(void **state)
{
	struct trio *t = *state;

	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&t->l.b).n);
	assert_true(second_hears(t, "SIP/2.0 486"));
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	phone_cancel(&t->l.a);
	assert_true(rig_take(t->l.r, &t->l.b.addr, "CANCEL ").n);
	assert_true(second_rings(t)); /* it owes no more than its answer to the CANCEL */
}

static void while_it_talks(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	assert_true(second_hears(t, "SIP/2.0 486"));
	assert_int_equal(rig_counts(t->l.r).calls_established, 1);
	hangs_up(&t->l.a, &t->l.b);
	assert_true(second_rings(t));
}

/* It may call, and is in that call then. */
static void while_it_calls(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.b, &t->l.a);
	assert_true(second_hears(t, "SIP/2.0 486"));
	phone_invite(&t->c, "1001", PHONE_SDP_A);
	assert_true(phone_rings(&t->l.a).n); /* whom it called has not said so of itself */
}

static void it_calls_while_it_talks(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	phone_invite(&t->l.b, "1003", PHONE_SDP_A);
	assert_true(phone_rings(&t->c).n);
}

static void goes_to_another(void **state)
{
	struct trio *t = *state;

	smart_set(t->l.r, true, "1001");
	phones_talk(&t->c, &t->l.b);
	phone_begin(&t->c, "1002");
	phone_request(&t->c, "INVITE", "", PHONE_SDP_A);
	assert_true(phone_rings(&t->l.a).n);
	assert_true(rig_has(t->l.a.invite, "\r\nDiversion: <sip:1002@192.0.2.1:5060>;"
					   "reason=user-busy;counter=1\r\n"));
}

/* For each next decision; the call goes on. */
static void changes_in_a_call(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	smart_set(t->l.r, false, "");
	assert_true(second_rings(t));
	phone_cancel(&t->c);
	phone_answer(&t->l.b, t->l.b.invite, "486 Busy Here", "");
	smart_set(t->l.r, true, "");
	assert_true(second_hears(t, "SIP/2.0 486"));
	assert_int_equal(rig_counts(t->l.r).calls_established, 1);
}

static void after_a_kill(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	const struct rig_save *s;
	const char *reason = "";

	phones_talk(&t->l.a, &t->l.b);
	s = rig_stored(r);
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&t->l.a);
	phone_bind(&t->l.b);
	phone_bind(&t->c);
	smart_set(r, true, "");
	assert_int_equal(shard_restore_call(r->shard, text_bytes(&s->record), r->now, &reason), 0);
	shard_resume(r->shard, r->now);
	rig_run(r);
	assert_true(second_hears(t, "SIP/2.0 486"));
	hangs_up(&t->l.a, &t->l.b);
	assert_true(second_rings(t));
}

#define TRIO_TEST(fn) cmocka_unit_test_setup_teardown(fn, trio_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRIO_TEST(while_it_rings),  TRIO_TEST(while_it_talks),
		TRIO_TEST(while_it_calls),  TRIO_TEST(it_calls_while_it_talks),
		TRIO_TEST(goes_to_another), TRIO_TEST(changes_in_a_call),
		TRIO_TEST(after_a_kill),
	};

	return cmocka_run_group_tests_name("sig/call_engaged", tests, NULL, NULL);
}
