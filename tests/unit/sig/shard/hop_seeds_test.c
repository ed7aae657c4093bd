/* SPDX-License-Identifier: Apache-2.0 */
/* What seeds of the simulator showed (tests/sim/seeds.txt), told without it: phones that come back over another connection. */
#include <errno.h>

#include "tests/unit/sig/wired.h"

static struct bytes entry_of(const struct line *l, struct text *record)
{
	const struct aor *a = locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"));

	assert_non_null(a);
	assert_int_equal(aor_encode(a, NULL, record), 0);
	return text_bytes(record);
}

static void kill_and_restart(struct line *l, struct bytes call, struct bytes binding)
{
	struct rig *r = l->r;
	const char *reason = "";

	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	if (locations_restore(r->locations, binding, r->now, &reason) ||
	    shard_restore_call(r->shard, call, r->now, &reason))
		fail_msg("restore: %s", reason);
	shard_resume(r->shard, r->now);
	locations_resume(r->locations, r->now);
	rig_run(r);
}

/* A phone that rang has heard the INVITE: over its next connection it gets the CANCEL, not the INVITE, which would be another call. */
static void rang_is_not_asked_again(void **state)
{
	struct line *l = *state;

	(void)log_in(&l->b, "");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	l->b.invite = text_bytes(&last(l->r, "INVITE ")->data);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_cancel(&l->a);
	assert_int_equal(count(l->r, "CANCEL "), 1);
	shard_connection_closed(l->r->shard, &l->b.hop, l->r->now);
	rig_run(l->r);
	connect_phone(&l->b, SIP_TCP, 6);
	(void)log_in(&l->b, "");
	assert_int_equal(count(l->r, "INVITE "), 1);
	assert_on(last(l->r, "CANCEL "), 6);
	phone_answer(&l->b, text_bytes(&last(l->r, "CANCEL ")->data), "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(rig_counts(l->r).calls, 0);
}

/* A leg that a 3xx added, nothing said of it yet: its INVITE waits for its phone. */
static void leg_waits_for_its_phone(struct line *l)
{
	struct phone other;
	struct sip_hop hop;

	(void)log_in(&l->b, "");
	phone_open(&other, l->r, "1003", "192.0.2.13:5060");
	phone_bind(&other);
	phone_invite(&l->a, "1003", PHONE_SDP_A);
	phone_answer_as(&other, phone_rings(&other), "t3", "302 Moved",
			"Contact: <sip:1002@test.local>\r\n", "");
	hop = last(l->r, "INVITE ")->hop;
	assert_true(hop.connection == 5);
	shard_connection_closed(l->r->shard, &hop, l->r->now);
	hop.inbound = true; /* as if it were no neighbour */
	shard_send_failed(l->r->shard, &hop, ENOTCONN, l->r->now);
	rig_run(l->r);
	connect_phone(&l->b, SIP_TCP, 6);
	(void)log_in(&l->b, "");
	assert_on(last(l->r, "INVITE "), 6);
	phone_answer(&l->b, text_bytes(&last(l->r, "INVITE ")->data), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

static void redirected_leg_waits_for_its_phone(void **state)
{
	leg_waits_for_its_phone(*state);
}

static void find_nothing(void *arg, const struct lookup_want *want, uint64_t now_ns,
			 struct lookup *out)
{
	(void)arg;
	(void)want;
	(void)now_ns;
	out->state = LOOKUP_NOTHING;
	out->target_count = out->ask_count = 0;
}

/* The same where names are looked up, and the phone might be at one: it is where it registered, and has no next place. */
static void redirected_leg_is_at_no_name(void **state)
{
	struct line *l = *state;
	struct shard_settings s = settings();

	s.lookup.find = find_nothing;
	rig_close(l->r);
	l->r = rig_open_with(&s);
	phone_open(&l->a, l->r, "1001", "192.0.2.11:5060");
	phone_bind(&l->a);
	phone_open(&l->b, l->r, "1002", "192.0.2.12:40005");
	connect_phone(&l->b, SIP_TCP, 5);
	leg_waits_for_its_phone(l);
}

/* It came back while the store was away: the 200 was no promise, and a successor looks for it where it was. What it has for it waits, and
 * goes where it registers next. */
static void registration_was_lost(void **state)
{
	struct line *l = *state;
	struct text call = { 0 }, binding = { 0 };
	struct sip_hop hop;

	(void)log_in(&l->b, "");
	talk(l);
	assert_int_equal(text_set(&call, text_bytes(&rig_stored(l->r)->record)), 0);
	(void)entry_of(l, &binding);
	rig_degraded(l->r, true);
	l->r->fail_saves = true;
	connect_phone(&l->b, SIP_TCP, 6);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
	l->r->fail_saves = false;
	kill_and_restart(l, text_bytes(&call), text_bytes(&binding));
	phone_request(&l->a, "BYE", "", "");
	hop = last(l->r, "BYE ")->hop;
	assert_true(hop.remote.port == 40005); /* where it is no more */
	hop.inbound = true;
	shard_send_failed(l->r->shard, &hop, ECONNREFUSED, l->r->now);
	rig_run(l->r);
	connect_phone(&l->b, SIP_TCP, 7);
	(void)log_in(&l->b, "");
	assert_on(last(l->r, "BYE "), 7);
	phone_answer(&l->b, text_bytes(&last(l->r, "BYE ")->data), "200 OK", "");
	assert_int_equal(rig_counts(l->r).calls, 0);
	text_clear(&call);
	text_clear(&binding);
}

/* It came back, its registration was saved, and of its call the save that knows the way was not. The next time it comes back the call
 * follows all the same: the binding knows where it was before. */
static void killed_between_two_saves(void **state)
{
	struct line *l = *state;
	struct text call = { 0 }, binding = { 0 };

	(void)log_in(&l->b, "");
	talk(l);
	assert_int_equal(text_set(&call, text_bytes(&rig_stored(l->r)->record)), 0);
	connect_phone(&l->b, SIP_TCP, 6);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
	(void)entry_of(l, &binding);
	kill_and_restart(l, text_bytes(&call), text_bytes(&binding));
	connect_phone(&l->b, SIP_TCP, 7);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
	phone_request(&l->a, "BYE", "", "");
	assert_on(last(l->r, "BYE "), 7);
	phone_answer(&l->b, text_bytes(&last(l->r, "BYE ")->data), "200 OK", "");
	assert_int_equal(rig_counts(l->r).calls, 0);
	text_clear(&call);
	text_clear(&binding);
}

/* Once it is registered anew where it is, nothing of where it was is kept. */
static void refreshed_where_it_is(void **state)
{
	struct line *l = *state;
	const struct aor *a;

	(void)log_in(&l->b, "");
	connect_phone(&l->b, SIP_TCP, 6);
	(void)log_in(&l->b, "");
	a = locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"));
	assert_non_null(a->bindings[0].was);
	assert_int_equal(a->bindings[0].was->remote.port, 40005);
	(void)log_in(&l->b, "");
	a = locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"));
	assert_null(a->bindings[0].was);
}

/* An hour is put on the clock, or taken off it, between two connections: its registration runs on, so it is known again. */
static void clock_is_set_meanwhile(void **state)
{
	static const int64_t steps_ms[] = { 3600000, -3600000 };

	for (size_t i = 0; i < COUNT_OF(steps_ms); i++) {
		struct line *l;

		if (i) {
			assert_int_equal(teardown(state), 0);
			assert_int_equal(setup(state), 0);
		}
		l = *state;
		(void)log_in(&l->b, "");
		talk(l);
		shard_connection_closed(l->r->shard, &l->b.hop, l->r->now);
		l->r->now.utc_ms += (uint64_t)steps_ms[i];
		rig_wait_ms(l->r, 5000);
		(void)snprintf(l->b.address, sizeof(l->b.address), "10.0.0.5:49152");
		connect_phone(&l->b, SIP_TCP, 6);
		assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
		assert_int_equal(
			locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"))->count,
			1);
		phone_request(&l->a, "BYE", "", "");
		assert_on(last(l->r, "BYE "), 6);
	}
}

/* A CANCEL that comes before its INVITE is of nothing (RFC 3261 9.2). The INVITE behind it is a call, which the next CANCEL ends. */
static void cancel_before_its_invite(void **state)
{
	struct line *l = *state;

	(void)log_in(&l->b, "");
	phone_begin(&l->b, "1001");
	phone_new_branch(&l->b);
	phone_cancel(&l->b);
	assert_on(last(l->r, "SIP/2.0 481"), 5);
	phone_write(&l->b, "INVITE", "", PHONE_SDP_B);
	phone_answer(&l->a, phone_rings(&l->a), "180 Ringing", "");
	assert_on(last(l->r, "SIP/2.0 180"), 5);
	phone_cancel(&l->b);
	assert_on(last(l->r, "SIP/2.0 487"), 5);
	assert_int_equal(rig_count(l->r, &l->a.addr, "CANCEL "), 1);
}

/* B calls A, who has answered; B has not heard it, and comes back: what the record has of it goes to *record. */
static void answered_unheard(struct line *l, struct text *call, struct text *binding)
{
	(void)log_in(&l->b, "");
	phone_invite(&l->b, "1001", PHONE_SDP_B);
	phone_answer(&l->a, phone_rings(&l->a), "200 OK", PHONE_SDP_A);
	assert_on(last(l->r, "SIP/2.0 200"), 5);
	rig_degraded(l->r, true);
	rig_degraded(l->r, false); /* saved once more, now that it was said */
	rig_wait_ms(l->r, 100);
	assert_int_equal(text_set(call, text_bytes(&rig_stored(l->r)->record)), 0);
	(void)entry_of(l, binding);
}

/* RFC 3261 17.2.3, 13.3.1.4: the INVITE that comes again over the next connection is a copy for the next process, too. */
static void answered_is_not_called_twice(void **state)
{
	struct text call = { 0 }, binding = { 0 };
	struct line *l = *state;
	char answer[2048];

	answered_unheard(l, &call, &binding);
	phone_copy(answer, sizeof(answer), text_bytes(&last(l->r, "SIP/2.0 200")->data));
	kill_and_restart(l, text_bytes(&call), text_bytes(&binding));
	connect_phone(&l->b, SIP_TCP, 7);
	phone_write(&l->b, "INVITE", "", PHONE_SDP_B);
	rig_wait_ms(l->r, 1100);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_on(last(l->r, "SIP/2.0 200"), 7);
	assert_true(bytes_is(text_bytes(&last(l->r, "SIP/2.0 200")->data), answer));
	text_clear(&call);
	text_clear(&binding);
}

/* RFC 3261 8.2.2.2: by another way, so by another branch. */
static void answered_and_merged(void **state)
{
	struct text call = { 0 }, binding = { 0 };
	struct line *l = *state;

	answered_unheard(l, &call, &binding);
	kill_and_restart(l, text_bytes(&call), text_bytes(&binding));
	connect_phone(&l->b, SIP_TCP, 7);
	phone_new_branch(&l->b);
	phone_write(&l->b, "INVITE", "", PHONE_SDP_B);
	assert_on(last(l->r, "SIP/2.0 482"), 7);
	assert_int_equal(rig_counts(l->r).calls, 1);
	text_clear(&call);
	text_clear(&binding);
}

#define WIRED_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRED_TEST(rang_is_not_asked_again),
		WIRED_TEST(redirected_leg_waits_for_its_phone),
		WIRED_TEST(redirected_leg_is_at_no_name),
		WIRED_TEST(registration_was_lost),
		WIRED_TEST(killed_between_two_saves),
		WIRED_TEST(refreshed_where_it_is),
		WIRED_TEST(clock_is_set_meanwhile),
		WIRED_TEST(cancel_before_its_invite),
		WIRED_TEST(answered_is_not_called_twice),
		WIRED_TEST(answered_and_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
