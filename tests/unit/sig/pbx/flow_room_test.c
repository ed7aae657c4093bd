/* SPDX-License-Identifier: Apache-2.0 */
/* A flow gives its caller to a room, and goes on when he is there no longer. */
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/meetme.h"

#define CONFERS(first, how)                                                              \
	"{\"name\":\"main\",\"start\":\"first\",\"steps\":{\"first\":{\"set\":{\"n\":\"" \
	"700\"},\"next\":\"in\"},\"in\":{\"conference\":{\"name\":\"" first "\"" how     \
	"},\"full\":\"full\",\"failed\":\"no\",\"next\":\"bye\"},"                       \
	"\"full\":{\"play\":[\"full\"]},\"no\":{\"play\":[\"no\"]},"                     \
	"\"bye\":{\"play\":[\"bye\"]}}}"

static void put_number(struct rig *r, const char *text)
{
	put_program(r, "main", text);
	assert_int_equal(programs_number_put(r->shard->shared_tables->programs,
					     BYTES_LIT("default"), BYTES_LIT("730"),
					     BYTES_LIT("main")),
			 0);
}

static uint64_t flow_calls(struct meetme *m, struct phone *p, const char *text)
{
	struct rig *r = m->p.t.l.r;

	put_number(r, text);
	phone_invite(p, "730", PHONE_SDP_A);
	rig_run(r);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	rig_wait_ms(r, 50);
	return call_of_user(r, "1001", NULL);
}

static void drops(struct meetme *m, enum shard_room_act act)
{
	const struct shard_room_order o = { .act = act };
	struct rig *r = m->p.t.l.r;

	assert_int_equal(shard_conference_order(r->shard, the_room(m), &o, r->now), 0);
	rig_wait_ms(r, 50);
}

/* The program says what he is there, and no PIN is asked. */
static void test_member(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "815042");
	uint64_t a;

	put(m, &t);
	a = flow_calls(m, &m->p.t.l.a, CONFERS("700", ",\"moderator\":true,\"muted\":true"));
	assert_in_room(r, a, the_room(m), 1);
	assert_int_equal(spec_of_call(r, a).member.muted, 1);
	assert_int_equal(conference_of(r, the_room(m)).host, 1);
	assert_int_equal(r->play_count, 0);
}

static void test_over(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");

	put(m, &t);
	(void)flow_calls(m, &m->p.t.l.a, CONFERS("700", ""));
	calls(&m->p.t.l.b);
	assert_int_equal(conference_of(r, the_room(m)).members, 2);
	drops(m, SHARD_ROOM_END);
	assert_true(rig_take(r, &m->p.t.l.b.addr, "BYE ").n);
	assert_int_equal(rig_count(r, &m->p.t.l.a.addr, "BYE "), 0);
	assert_string_equal(r->played, "prompt:bye");
}

/* Who is dropped alone goes on as well, and the next process has him in the room. */
static void test_dropped(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");
	uint64_t a;

	put(m, &t);
	a = flow_calls(m, &m->p.t.l.a, CONFERS("700", ""));
	phone_open(&m->p.d, r, "1005", "192.0.2.15:5060");
	party_restart(&m->p, true, true);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
	put_program(r, "", CONFERS("700", ""));
	assert_int_equal(order_one(r, a, MEMBER_DROP, true, 0, 0), 0);
	rig_wait_ms(r, 50);
	assert_string_equal(r->played, "prompt:bye");
}

static void test_refused(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");

	t.max_members = 1;
	put(m, &t);
	calls(&m->p.t.l.b);
	(void)flow_calls(m, &m->p.t.l.a, CONFERS("700", ""));
	assert_string_equal(r->played, "prompt:full");
	hangs_up(&m->p.t.l.a);
	drops(m, SHARD_ROOM_LOCK);
	t.max_members = 3;
	put(m, &t);
	(void)flow_calls(m, &m->p.t.l.a, CONFERS("701", ""));
	assert_string_equal(r->played, "prompt:no");
}

/* So many as the flow says, with who comes: the room itself may have more. */
static void test_most(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");

	put(m, &t);
	calls(&m->p.t.l.b);
	(void)flow_calls(m, &m->p.t.l.a, CONFERS("700", ",\"max\":1"));
	assert_string_equal(r->played, "prompt:full");
	hangs_up(&m->p.t.l.a);
	assert_in_room(r, flow_calls(m, &m->p.t.l.a, CONFERS("700", ",\"max\":2")), the_room(m), 2);
}

static void tones_on(struct shard_settings *s)
{
	s->conferences.tones_most = 3;
}

static int beeps_setup(void **state)
{
	return meetme_open(state, tones_on);
}

static const char *room_hears(const struct rig *r)
{
	return r->part_count ? r->parts[r->part_count - 1].file : "";
}

/* Others hear who comes and leaves by that flow, where the room has no tones; also with the next process. */
static void test_beeps(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "");

	put(m, &t);
	calls(&m->p.t.l.b);
	(void)flow_calls(m, &m->p.t.l.a, CONFERS("700", ",\"beep\":true"));
	assert_string_equal(room_hears(r), "beep-entry");
	phone_open(&m->p.d, r, "1005", "192.0.2.15:5060");
	party_restart(&m->p, true, true);
	r->part_count = 0;
	hangs_up(&m->p.t.l.a);
	assert_string_equal(room_hears(r), "beep-exit");
	r->part_count = 0;
	(void)flow_calls(m, &m->p.t.l.a, CONFERS("700", ""));
	assert_string_equal(room_hears(r), "");
}

/* A lock is for who moderates alone. */
static void test_locked(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("", "815042");

	put(m, &t);
	calls(&m->p.t.l.b);
	keys(m, call_from(m, "1002"), "815042#");
	drops(m, SHARD_ROOM_LOCK);
	(void)flow_calls(m, &m->p.t.l.a, CONFERS("700", ""));
	assert_string_equal(r->played, "prompt:no");
	hangs_up(&m->p.t.l.a);
	assert_in_room(r, flow_calls(m, &m->p.t.l.a, CONFERS("700", ",\"moderator\":true")),
		       the_room(m), 2);
}

/* Who has put the name in is asked for the PIN, and does not moderate; a wrong one leads back to the flow. */
static void test_his_word(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_terms t = board("4711", "");
	uint64_t a;

	put(m, &t);
	a = flow_calls(m, &m->p.t.l.a, CONFERS("{n}", ",\"moderator\":true"));
	assert_string_equal(r->played, "prompt:conference-pin");
	keys(m, a, "4711#");
	assert_in_room(r, a, the_room(m), 1);
	assert_int_equal(conference_of(r, the_room(m)).host, 0);
	hangs_up(&m->p.t.l.a);
	a = flow_calls(m, &m->p.t.l.a, CONFERS("{n}", ""));
	for (uint8_t i = 0; i < 3; i++)
		keys(m, a, "1#");
	assert_string_equal(r->played, "prompt:no");
}

#define MEETME_TEST(fn) cmocka_unit_test_setup_teardown(fn, meetme_setup, meetme_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEETME_TEST(test_member),
		MEETME_TEST(test_over),
		MEETME_TEST(test_dropped),
		MEETME_TEST(test_refused),
		MEETME_TEST(test_locked),
		MEETME_TEST(test_his_word),
		MEETME_TEST(test_most),
		cmocka_unit_test_setup_teardown(test_beeps, beeps_setup, meetme_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
