/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for a name: silence, CANCEL, copies and kills. */
#include "tests/unit/sig/call/seeker.h"

static void silence_ends(void **state)
{
	struct line *l = *state;

	call_b(l);
	rig_wait_ms(l->r, RESOLVE_MS - 100);
	assert_int_equal(rings_at(l, "192.0.2.12:5060").n, 0);
	rig_wait_ms(l->r, 200);
	assert_stopped(l->r);
	talk_at(l, "192.0.2.12:5060");
	tell(l->r, leads_to("192.0.2.21:5060")); /* too late */
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
	l->b.addr = rig_addr("192.0.2.12:5060");
	assert_ends(l);
}

static void cancelled(void **state)
{
	struct line *l = *state;

	call_b(l);
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	assert_stopped(l->r);
	phone_ack(&l->a);
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* One call, one look-up, and 100 again. */
static void copies(void **state)
{
	struct line *l = *state;

	call_b(l);
	for (unsigned i = 0; i < 3; i++)
		phone_write(&l->a, "INVITE", "", PHONE_SDP_A);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(l->r->lookup_count, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 100"), 4);
}

/* RFC 3261 8.2.2.2: the same request by another way. */
static void merged(void **state)
{
	struct line *l = *state;

	call_b(l);
	phone_new_branch(&l->a);
	phone_write(&l->a, "INVITE", "", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 482").n);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(l->r->lookup_count, 1);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
}

/* The place that rings hears CANCEL, and no other one an INVITE. */
static void cancelled_at_the_next_place(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060 192.0.2.23:5060"));
	phone_answer(&l->b, rings_at(l, "192.0.2.21:5060"), "503 Service Unavailable", "");
	m = rings_at(l, "192.0.2.22:5060");
	phone_answer(&l->b, m, "180 Ringing", "");
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	assert_true(rig_take(l->r, &l->b.addr, "CANCEL ").n);
	phone_answer(&l->b, m, "487 Request Terminated", "");
	assert_int_equal(rings_at(l, "192.0.2.23:5060").n, 0);
	l->b.addr = rig_addr("192.0.2.21:5060");
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* What a place says to an INVITE that is cancelled asks nobody else. */
static void fails_when_cancelled(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	m = rings_at(l, "192.0.2.21:5060");
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	rig_run(l->r);
	assert_int_equal(rings_at(l, "192.0.2.22:5060").n, 0);
	line_assert_idle(l->r);
}

/* A successor asks again, and what the one before was told counts for nothing. */
static void killed(void **state)
{
	struct line *l = *state;
	uint64_t before;

	call_b(l);
	before = l->r->lookups[0].serial;
	line_restart(l, line_stored(l));
	assert_int_equal(l->r->lookup_count, 2);
	assert_int_not_equal(l->r->lookups[1].serial, before);
	phone_write(&l->a, "INVITE", "", PHONE_SDP_A); /* a copy */
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls, 1);
	rig_reply(l->r, (struct reply){ .ask = ASK_LOOKUP,
					.of = l->r->lookups[0].call,
					.lookup = &(struct lookup_reply){
						.serial = before, .state = LOOKUP_NOTHING } });
	rig_run(l->r);
	assert_int_equal(rings_at(l, "192.0.2.12:5060").n, 0);
	tell(l->r, leads_to("192.0.2.21:5060"));
	talk_at(l, "192.0.2.21:5060");
	assert_ends(l);
}

static void killed_then_cancelled(void **state)
{
	struct line *l = *state;

	call_b(l);
	line_restart(l, line_stored(l));
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* Its end is saved before the refusal is said. */
static void cancelled_then_killed(void **state)
{
	struct line *l = *state;

	call_b(l);
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	line_restart(l, line_stored(l));
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	line_assert_idle(l->r);
}

static void killed_and_silent(void **state)
{
	struct line *l = *state;

	call_b(l);
	line_restart(l, line_stored(l));
	rig_wait_ms(l->r, RESOLVE_MS + 100);
	talk_at(l, "192.0.2.12:5060");
	assert_ends(l);
}

/* Where the phone registers away meanwhile nobody is there to be asked. */
static void gone_meanwhile(void **state)
{
	struct line *l = *state;

	call_b(l);
	assert_true(shard_extension_delete(l->r->shard, TENANT_DEFAULT, "1002"));
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rings_at(l, "192.0.2.21:5060").n, 0);
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	phone_ack(&l->a);
	line_assert_cdr(l, 480, 18, ENDED_BY_NODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEK_TEST(silence_ends),
		SEEK_TEST(cancelled),
		SEEK_TEST(cancelled_at_the_next_place),
		SEEK_TEST(fails_when_cancelled),
		SEEK_TEST(merged),
		SEEK_TEST(copies),
		SEEK_TEST(killed),
		SEEK_TEST(killed_then_cancelled),
		SEEK_TEST(cancelled_then_killed),
		SEEK_TEST(killed_and_silent),
		SEEK_TEST(gone_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
