/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms that are called (FEATURES CONF-01, CONF-10). */
#include <errno.h>

#include "sig/call/prompts.h"
#include "sig/host/programs.h"
#include "sig/host/security.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"
#include "tests/unit/sig/meetme.h"

/* Without a PIN whoever calls is there; alone, too, and the last one ends it. */
static void open_to_all(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");
	struct room_view v;
	uint64_t room;

	put(m, &t);
	calls(&m->p.t.l.a);
	room = the_room(m);
	assert_in_room(r, call_from(m, "1001"), room, 1);
	line_assert_states(r, call_from(m, "1001"), STATE_CONFERENCE, STATE_IDLE);
	calls(&m->p.t.l.b);
	assert_in_room(r, call_from(m, "1002"), room, 2);
	v = conference_of(r, room);
	assert_string_equal(v.kind, "room");
	assert_string_equal(v.number, "700");
	assert_int_equal(v.members, 2);
	assert_int_equal(r->mixers[0].terms.talkers, 3);
	assert_int_equal(r->mixers[0].terms.members, 3);
	hangs_up(&m->p.t.l.a);
	rig_wait_ms(r, 3000);
	assert_int_equal(conference_of(r, room).members, 1);
	hangs_up(&m->p.t.l.b);
	line_assert_idle(r);
	assert_int_equal(r->cdrs[r->cdr_count - 1].room, room);
	assert_string_equal(event_str(last_event(r, SIG_CONFERENCE_ENDED), EV_NUMBER), "700");
}

#define LEVEL "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

/* The room need not decode who says how loud it is (RFC 6464): it knows under which number, and when that changes. */
static void told_how_loud(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");
	uint64_t call;

	put(m, &t);
	phone_invite(&m->p.t.l.a, "700", PHONE_SDP_A "a=extmap:5 " LEVEL "\r\n");
	assert_true(rig_has(phone_hears(&m->p.t.l.a, "SIP/2.0 200"), "a=extmap:5/recvonly " LEVEL));
	phone_ack(&m->p.t.l.a);
	rig_wait_ms(r, 50);
	call = call_from(m, "1001");
	assert_in_room(r, call, the_room(m), 1);
	assert_int_equal(spec_of_call(r, call).member.level_extension, 5);
	calls(&m->p.t.l.b);
	assert_int_equal(spec_of_call(r, call_from(m, "1002")).member.level_extension, 0);
	phone_request(&m->p.t.l.a, "INVITE", "", PHONE_SDP_A "a=extmap:7 " LEVEL "\r\n");
	assert_true(phone_hears(&m->p.t.l.a, "SIP/2.0 200").n);
	phone_ack(&m->p.t.l.a);
	rig_wait_ms(r, 50);
	assert_in_room(r, call, the_room(m), 1);
	assert_int_equal(spec_of_call(r, call).member.level_extension, 7);
	hangs_up(&m->p.t.l.a);
	hangs_up(&m->p.t.l.b);
	line_assert_idle(r);
}

/* Three tries, and who has the other PIN is the host. No key of it is in an event. */
static void asked_for_a_pin(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "815042");
	uint64_t a, b, c;

	put(m, &t);
	calls(&m->p.t.l.a);
	a = call_from(m, "1001");
	assert_string_equal(r->played, "prompt:conference-pin");
	assert_int_equal(conference_of(r, the_room(m)).asking, 1);
	line_assert_states(r, a, STATE_HOLD_PENDING, STATE_IDLE);
	keys(m, a, "4711#");
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	assert_int_equal(conference_of(r, the_room(m)).host, 0);
	calls(&m->p.t.l.b);
	b = call_from(m, "1002");
	keys(m, b, "1111#");
	assert_string_equal(r->played, "prompt:conference-pin-wrong");
	keys(m, b, "815042#");
	assert_int_equal(conference_of(r, the_room(m)).host, 2);
	calls(&m->p.t.c);
	c = call_from(m, "1004");
	keys(m, c, "1#");
	keys(m, c, "2#");
	keys(m, c, "3#");
	trio_assert_left(&m->p.t.c);
	assert_int_equal(conference_of(r, the_room(m)).members, 2);
	assert_int_equal(conference_of(r, the_room(m)).asking, 0);
	assert_int_equal(last_event(r, SIG_CALL_COLLECTED)->call, 0);
	assert_int_equal(last_event(r, SIG_CALL_DIGIT)->call, 0);
}

/* So many wrong ones, three in a call, as long as it is asked. */
static void guesses(struct meetme *m, struct phone *p, const char *number, uint32_t n)
{
	while (n) {
		uint64_t call;

		calls(p);
		call = call_from(m, number);
		for (uint32_t i = 0; i < 3 && n; i++, n--)
			keys(m, call, "1#");
		trio_assert_left(p);
	}
}

/* Who guesses waits, call by call, and nobody else does; operators hear of it. */
static void guessed(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "815042");
	struct bytes answer;

	put(m, &t);
	calls(&m->p.t.l.b);
	keys(m, call_from(m, "1002"), "815042#");
	guesses(m, &m->p.t.c, "1004", 6);
	assert_true(r->security.kind == SECURITY_WRONG_PIN ||
		    r->security.kind == SECURITY_PIN_GUESSING);
	assert_string_equal(r->security.user, "1004");
	assert_string_equal(r->security.detail, "room 700");
	phone_invite(&m->p.t.c, "700", PHONE_SDP_A);
	answer = phone_hears(&m->p.t.c, "SIP/2.0 403");
	assert_true(rig_has(rig_header(answer, "Reason"), "too many wrong PINs"));
	assert_true(rig_header(answer, "Retry-After").n);
	phone_write(&m->p.t.c, "ACK", "", "");
	rig_run(r);
	calls(&m->p.t.l.a);
	keys(m, call_of_user(r, "1001", NULL), "4711#");
	assert_int_equal(conference_of(r, the_room(m)).members, 2);
	rig_wait_ms(r, 6000);
	calls(&m->p.t.c);
	keys(m, call_from(m, "1004"), "4711#");
	assert_int_equal(conference_of(r, the_room(m)).members, 3);
}

/* Calls at once count together: what comes in while it has to wait is not looked at, right as it may be. */
static void guessed_at_once(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "");
	const struct secret_guess far = { .tenant = BYTES_LIT("default"),
					  .object = BYTES_LIT("room 700"),
					  .source = BYTES_LIT("extension 1004"),
					  .caller = BYTES_LIT("1004") };
	uint64_t call;

	put(m, &t);
	calls(&m->p.t.c);
	call = call_from(m, "1004");
	for (int i = 0; i < SECRET_FAILURES; i++) /* of another call, or another node */
		secret_limit_failed(r->shard->shared_tables->secrets, &far, r->now.ns);
	keys(m, call, "4711#");
	trio_assert_left(&m->p.t.c);
	line_assert_idle(r);
}

/* A question that a command stops, or plays over, is asked again: that is no wrong PIN. */
static void stopped_while_it_asks(void **state)
{
	static const struct prompt_terms stop,
		hello = { .files = { "hello.wav" }, .file_count = 1, .times = 1 };
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "");
	struct prompt_reply ended = { .kind = PROMPT_REPLY_ENDED };
	uint64_t a;

	put(m, &t);
	calls(&m->p.t.l.a);
	a = call_from(m, "1001");
	for (int i = 0; i < 4; i++) {
		r->played[0] = '\0';
		assert_int_equal(shard_call_prompt(r->shard, a, &stop, NULL, r->now), 0);
		rig_wait_ms(r, 50);
		assert_string_equal(r->played, "prompt:conference-pin");
	}
	assert_int_equal(shard_call_prompt(r->shard, a, &hello, NULL, r->now), 0);
	rig_wait_ms(r, 50);
	assert_string_equal(r->played, "hello.wav");
	ended.serial = r->play;
	rig_reply(r, (struct reply){ .ask = ASK_PLAY, .of = a, .play = ended });
	rig_run(r);
	assert_string_equal(r->played, "prompt:conference-pin");
	assert_int_equal(last_event(r, SIG_CALL_PLAYED)->call, a);
	assert_int_equal(conference_of(r, the_room(m)).asking, 1);
	keys(m, a, "4711#");
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
}

/* A successor asks on, and wrong PINs of before count. */
static void killed_while_it_asks(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "");
	uint64_t a;

	put(m, &t);
	calls(&m->p.t.l.a);
	a = call_from(m, "1001");
	keys(m, a, "1#");
	keys(m, a, "2#");
	keys(m, a, "47");
	phone_open(&m->p.d, r, "1003", "192.0.2.13:5060");
	party_restart(&m->p, true, true);
	keys(m, a, "11#");
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
}

/* A successor's mixer lets everybody be heard, too. */
static void everybody_is_heard(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");

	t.talkers = 0;
	put(m, &t);
	calls(&m->p.t.l.a);
	calls(&m->p.t.l.b);
	assert_int_equal(r->mixers[0].terms.talkers, MEDIA_ROOM_TALKERS_ALL);
	phone_open(&m->p.d, r, "1003", "192.0.2.13:5060");
	r->mixer_count = 0;
	party_restart(&m->p, true, true);
	r = m->p.t.l.r;
	rig_wait_ms(r, 100);
	assert_int_equal(r->mixer_count, 1);
	assert_int_equal(r->mixers[0].terms.talkers, MEDIA_ROOM_TALKERS_ALL);
}

/* CONF-10 */
static void locked(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	const struct shard_room_order lock = { .act = SHARD_ROOM_LOCK };
	struct room_terms t = board("", "");

	put(m, &t);
	calls(&m->p.t.l.a);
	assert_int_equal(shard_conference_order(r->shard, the_room(m), &lock, r->now), 0);
	rig_run(r);
	phone_invite(&m->p.t.l.b, "700", PHONE_SDP_A);
	assert_true(rig_has(phone_hears(&m->p.t.l.b, "SIP/2.0 403"), "locked"));
	t = board("", "815042");
	put(m, &t);
	calls(&m->p.t.l.b);
	keys(m, call_from(m, "1002"), "815042#");
	assert_int_equal(conference_of(r, the_room(m)).host, 2);
	calls(&m->p.t.c);
	keys(m, call_from(m, "1004"), "#");
	trio_assert_left(&m->p.t.c);
}

static void full(void **state)
{
	struct meetme *m = *state;
	struct room_terms t = board("", "");

	t.max_members = 2;
	put(m, &t);
	calls(&m->p.t.l.a);
	calls(&m->p.t.l.b);
	phone_invite(&m->p.t.c, "700", PHONE_SDP_A);
	assert_true(
		rig_has(phone_hears(&m->p.t.c, "SIP/2.0 486"), "the maximum number of members"));
}

/* Members hear music until the host is there, come in muted, and are left when he goes. */
static void waits_for_its_host(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "815042");
	uint64_t a, b;

	t.wait_for_host = t.ends_with_host = t.muted = true;
	put(m, &t);
	calls(&m->p.t.l.a);
	a = call_from(m, "1001");
	keys(m, a, "4711#");
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	assert_int_not_equal(spec_of_call(r, a).source.job.slot, 100);
	calls(&m->p.t.l.b);
	b = call_from(m, "1002");
	keys(m, b, "815042#");
	assert_in_room(r, a, the_room(m), 1);
	assert_int_equal(spec_of_call(r, a).member.muted, 1);
	assert_int_equal(spec_of_call(r, b).member.muted, 0);
	hangs_up(&m->p.t.l.b);
	trio_assert_left(&m->p.t.l.a);
	line_assert_idle(r);
}

/* Where a flow leads to: it is over when the room has the caller, who is asked first. */
static void dialled_by_a_flow(void **state)
{
	static struct flow_findings found;
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "");
	struct flow_program *p = program_parse(
		BYTES_LIT("[{\"dial\":\"700\"},{\"play\":[\"late\"]}]"), NULL, &found);
	struct programs *all = r->shard->shared_tables->programs;

	put(m, &t);
	assert_non_null(p);
	assert_int_equal(programs_put(all, BYTES_LIT("default"), BYTES_LIT("f"), p), 0);
	assert_int_equal(programs_number_put(all, BYTES_LIT("default"), BYTES_LIT("730"),
					     BYTES_LIT("f")),
			 0);
	phone_invite(&m->p.t.l.a, "730", PHONE_SDP_A);
	rig_run(r);
	assert_true(phone_hears(&m->p.t.l.a, "SIP/2.0 200").n);
	phone_ack(&m->p.t.l.a);
	rig_wait_ms(r, 50);
	assert_string_equal(r->played, "prompt:conference-pin");
	keys(m, call_of_user(r, "1001", NULL), "4711#");
	assert_in_room(r, call_of_user(r, "1001", NULL), the_room(m), 1);
	assert_string_equal(r->played, "prompt:conference-pin");
	hangs_up(&m->p.t.l.a);
	line_assert_idle(r);
}

#define MEETME_TEST(fn) cmocka_unit_test_setup_teardown(fn, meetme_setup, meetme_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEETME_TEST(open_to_all),
		MEETME_TEST(told_how_loud),
		MEETME_TEST(asked_for_a_pin),
		MEETME_TEST(dialled_by_a_flow),
		MEETME_TEST(guessed),
		MEETME_TEST(guessed_at_once),
		MEETME_TEST(stopped_while_it_asks),
		MEETME_TEST(killed_while_it_asks),
		MEETME_TEST(everybody_is_heard),
		MEETME_TEST(locked),
		MEETME_TEST(full),
		MEETME_TEST(waits_for_its_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
