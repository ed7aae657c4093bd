/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of two shards that have more than sound become one conversation: video and text go along (docs/adr/0009). */
#include "tests/unit/sig/far.h"
#include "tests/unit/sig/joins.h"

#define LINES(name, version, ip, port, dir)                                                    \
	"v=0\r\no=" name " 1 " version " IN IP4 " ip "\r\ns=-\r\nc=IN IP4 " ip "\r\nt=0 0\r\n" \
	"m=audio " port "0 RTP/AVP 8\r\na=" dir "\r\n"                                         \
	"m=video " port "2 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=" dir "\r\n"              \
	"m=text " port "4 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\na=" dir "\r\n"
#define LINES_A(version, dir) LINES("a", version, "192.0.2.11", "400", dir)
#define LINES_C(version, dir) LINES("c", version, "192.0.2.14", "600", dir)

enum { LINE_COUNT = 3 };

/* Real-time text passes where profiles have it. */
static void put_text(struct rig *r)
{
	struct shard_profile p = { .name = "default", .terms.lines = OFFER_LINES_TEXT };

	assert_int_equal(shard_profile_put(r->shard, TENANT_DEFAULT, &p), 0);
}

static int lines_setup(void **state)
{
	struct far *f;

	if (far_setup(state))
		return -1;
	f = *state;
	put_text(f->near.l.r);
	put_text(f->other);
	return 0;
}

#define LINES_TEST(fn) cmocka_unit_test_setup_teardown(fn, lines_setup, far_teardown)

static void lines_talk(struct phone *from, struct phone *to, const char *offer, const char *answer)
{
	phone_invite(from, to->user, offer);
	assert_true(phone_rings(to).n);
	phone_answer(to, to->invite, "200 OK", answer);
	assert_true(phone_hears(from, "SIP/2.0 200").n);
	phone_ack(from);
	assert_true(rig_take(to->r, &to->addr, "ACK ").n);
}

static void answer_all(struct far *f, struct phone *p, const char *method, const char *sdp)
{
	struct bytes m;

	while ((m = rig_take(p->r, &p->addr, method)).n) {
		phone_answer(p, m, "200 OK", sdp);
		far_run(f);
	}
}

static void settle_with(struct far *f, const char *a, const char *c)
{
	for (int i = 0; i < 40; i++) {
		far_wait_ms(f, 100);
		answer_all(f, &f->near.l.a, "INVITE ", a);
		answer_all(f, &f->near.c, "INVITE ", c);
		answer_all(f, &f->near.l.b, "NOTIFY ", "");
		answer_all(f, &f->near.l.b, "BYE ", "");
		answer_all(f, &f->second, "BYE ", "");
	}
}

static void settle(struct far *f)
{
	settle_with(f, LINES_A("1", "sendrecv"), LINES_C("1", "sendrecv"));
}

/* A speaks with B here, and another dialog of B with C there: A is given to C. B has what the other one has. */
static void given_across(struct far *f, const char *a, const char *c)
{
	char to[512];

	lines_talk(&f->near.l.a, &f->near.l.b, a, a);
	lines_talk(&f->second, &f->near.c, c, c);
	(void)snprintf(to, sizeof(to),
		       "sip:1004@test.local?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       f->second.call_id, f->second.remote_tag, f->second.tag);
	refer(&f->near.l.b, to);
	far_run(f);
	settle_with(f, a, c);
}

static void given(struct far *f)
{
	given_across(f, LINES_A("1", "sendrecv"), LINES_C("1", "sendrecv"));
}

/* Which ways it passes towards the leg, and what of it is heard. */
static void assert_line(const struct rig *r, uint8_t leg, uint8_t line, bool receive, bool send)
{
	struct flow_spec s = line_spec_of(r, leg, line);

	assert_int_equal(s.receive, receive);
	assert_int_equal(s.send, send);
	assert_true(s.rule_count > 0);
}

/* Each line of A reaches that of C by a flow of each shard, and back. */
static void assert_lines(struct far *f, bool to_c, bool to_a)
{
	assert_int_equal(rig_counts(f->near.l.r).calls, 1);
	assert_int_equal(rig_counts(f->other).calls, 1);
	for (uint8_t i = 0; i < LINE_COUNT; i++) {
		struct flow_spec here = line_spec_of(f->near.l.r, 2, i),
				 there = line_spec_of(f->other, 2, i);

		assert_line(f->near.l.r, 0, i, to_c, to_a);
		assert_line(f->near.l.r, 2, i, to_a, to_c);
		assert_line(f->other, 2, i, to_c, to_a);
		assert_line(f->other, 1, i, to_a, to_c);
		assert_int_equal(here.own + there.own, 2);
		assert_int_equal(here.remote_rtp.port, there.local_rtp.port);
		assert_int_equal(there.remote_rtp.port, here.local_rtp.port);
		assert_int_equal(line_spec_of(f->near.l.r, 0, i).remote_rtp.port, 4000 + 2 * i);
		assert_int_equal(line_spec_of(f->other, 1, i).remote_rtp.port, 6000 + 2 * i);
	}
}

static void assert_ends(struct far *f, struct phone *p, struct phone *other)
{
	phone_request(p, "BYE", "", "");
	far_run(f);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	trio_assert_left(other);
	far_run(f);
	far_wait_ms(f, 40000);
	line_assert_idle(f->near.l.r);
	line_assert_idle(f->other);
}

static void all_lines(void **state)
{
	struct far *f = *state;

	given(f);
	assert_lines(f, true, true);
	far_restart(f);
	settle(f);
	assert_lines(f, true, true);
	assert_ends(f, &f->near.c, &f->near.l.a);
}

/* Whichever message between the shards is lost, and the process with it. */
static void all_lines_with_kills(void **state)
{
	struct far *f = *state;
	uint32_t messages;

	given(f);
	messages = f->passed;
	assert_in_range(messages, 4, 40);
	for (uint32_t i = 1; i <= messages; i++) {
		assert_int_equal(far_teardown(state), 0);
		assert_int_equal(lines_setup(state), 0);
		f = *state;
		f->lost = i;
		f->dies = true;
		given(f);
		assert_lines(f, true, true);
		assert_ends(f, &f->near.l.a, &f->near.c);
	}
}

static void reinvite(struct far *f, const char *offer, const char *answer)
{
	struct bytes m;

	phone_request(&f->near.l.a, "INVITE", "", offer);
	far_run(f);
	m = rig_take(f->other, &f->near.c.addr, "INVITE ");
	assert_true(m.n);
	assert_false(rig_has(m, "m=video 0 "));
	assert_false(rig_has(m, "m=text 0 "));
	phone_answer(&f->near.c, m, "200 OK", answer);
	far_run(f);
	m = phone_hears(&f->near.l.a, "SIP/2.0 200");
	assert_false(rig_has(m, "m=video 0 "));
	assert_false(rig_has(m, "m=text 0 "));
	phone_ack(&f->near.l.a);
	far_run(f);
}

static void hold(void **state)
{
	struct far *f = *state;

	given(f);
	reinvite(f, LINES_A("2", "sendonly"), LINES_C("2", "recvonly"));
	assert_lines(f, true, false);
	far_restart(f);
	assert_lines(f, true, false);
	reinvite(f, LINES_A("3", "sendrecv"), LINES_C("3", "sendrecv"));
	assert_lines(f, true, true);
	assert_ends(f, &f->near.l.a, &f->near.c);
}

#define SOUND(name, ip, port)                                                        \
	"v=0\r\no=" name " 1 1 IN IP4 " ip "\r\ns=-\r\nc=IN IP4 " ip "\r\nt=0 0\r\n" \
	"m=audio " port "0 RTP/AVP 8\r\na=sendrecv\r\n"
#define PICTURE(port) "m=video " port "2 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
#define TYPED(port)   "m=text " port "2 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n"

/* What A has beside sound, and what C has; whether the two have the first line of it in common. */
static const struct other_row {
	const char *a, *c;
	bool common;
} g_other[] = {
	{ SOUND("a", "192.0.2.11", "400"), SOUND("c", "192.0.2.14", "600") PICTURE("600"), false },
	{ SOUND("a", "192.0.2.11", "400") PICTURE("400"), SOUND("c", "192.0.2.14", "600"), false },
	{ SOUND("a", "192.0.2.11", "400") PICTURE("400"),
	  SOUND("c", "192.0.2.14", "600") TYPED("600"), false },
	{ SOUND("a", "192.0.2.11", "400") PICTURE("400") "m=text 4004 RTP/AVP 98\r\n",
	  SOUND("c", "192.0.2.14", "600") PICTURE("600"), true },
};

/* They have other lines each: the sound passes, and of the others what both have. */
static void other_lines(void **state)
{
	for (size_t i = 0; i < COUNT_OF(g_other); i++) {
		struct far *f;

		assert_int_equal(far_teardown(state), 0);
		assert_int_equal(lines_setup(state), 0);
		f = *state;
		given_across(f, g_other[i].a, g_other[i].c);
		far_restart(f);
		settle_with(f, g_other[i].a, g_other[i].c);
		assert_line(f->near.l.r, 2, 0, true, true);
		assert_line(f->other, 2, 0, true, true);
		assert_int_equal(line_spec_of(f->other, 2, 1).send, g_other[i].common);
		assert_int_equal(line_spec_of(f->near.l.r, 2, 1).send, g_other[i].common);
		assert_ends(f, &f->near.c, &f->near.l.a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINES_TEST(all_lines),
		LINES_TEST(all_lines_with_kills),
		LINES_TEST(hold),
		LINES_TEST(other_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
