/* SPDX-License-Identifier: Apache-2.0 */
/* Video of calls that are no more of two (FEATURES BEAT-01, BEAT-02): in conferences, and while a party is alone. */
#include "sig/host/tenant_tables.h"
#include "tests/unit/sig/conferences.h"

#define SEEN_OF(who, version, video)                                                             \
	"v=0\r\no=x 1 " version " IN IP4 192.0.2." who "\r\ns=-\r\nc=IN IP4 192.0.2." who "\r\n" \
	"t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n" video
#define H264(number, level)                                                                   \
	"m=video 4002 RTP/AVP " number "\r\na=rtpmap:" number " H264/90000\r\na=fmtp:" number \
	" profile-level-id=42e0" level ";packetization-mode=1\r\na=rtcp-fb:* nack pli\r\n"

/* What the engine was told last of a line of that call. */
static struct flow_spec line_of_call(const struct rig *r, uint64_t call, uint8_t line)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		const struct media_command *m = &r->media[i];

		if ((m->kind == MEDIA_FLOW_UPDATE || m->kind == MEDIA_FLOW_OPEN) &&
		    m->spec.call == call && m->spec.line == line)
			return m->spec;
	}
	return (struct flow_spec){ 0 };
}

static void talk(struct phone *a, const char *sdp_a, struct phone *b, const char *sdp_b)
{
	phone_invite(a, b->user, sdp_a);
	assert_true(phone_rings(b).n);
	phone_answer(b, b->invite, "200 OK", sdp_b);
	assert_true(phone_hears(a, "SIP/2.0 200").n);
	phone_ack(a);
	rig_wait_ms(a->r, 50);
}

static void assert_sees_room(const struct rig *r, uint64_t call, uint64_t room, uint32_t number,
			     uint8_t payload_type)
{
	struct flow_spec s = line_of_call(r, call, 1);

	assert_int_equal(s.kind, MEDIA_VIDEO);
	assert_true(s.alone && s.receive && s.send);
	assert_int_equal(s.peer.generation, 0);
	assert_int_equal(s.home, room);
	assert_true(s.source.job.generation);
	assert_int_equal(s.member.number, number);
	assert_int_equal(s.accepted_count, 1);
	assert_int_equal(s.accepted[0].payload_type, payload_type);
	assert_int_equal(s.accepted[0].codec, 0x81);
}

static uint32_t invites_of(const struct rig *r, const struct phone *p)
{
	return rig_count(r, &p->addr, "INVITE ");
}

/* A shows a picture to B, and on its other line to C. All see each other in the conference, and nobody is asked again. When one goes the
 * two that are left have it still (BEAT-02). */
static void a_third_one_comes_and_goes(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t first, second, a, b, c;
	struct members all;
	struct flow_spec s;

	talk(&p->t.l.a, SEEN_OF("11", "1", H264("97", "1e")), &p->t.l.b,
	     SEEN_OF("12", "1", H264("97", "1e")));
	first = call_of_user(r, "1001", "1002");
	talk(&p->a2, SEEN_OF("11", "1", H264("99", "1e")), &p->t.c,
	     SEEN_OF("14", "1", H264("99", "1e")));
	second = call_of_user(r, "1001", "1004");
	assert_int_equal(confer(p, first, second), 0);
	trio_assert_left(&p->a2);
	all = members_of(r, ROOM);
	assert_int_equal(all.count, 3);
	a = member_from(&all, "1001")->call;
	b = member_from(&all, "1002")->call;
	c = member_from(&all, "1004")->call;
	assert_sees_room(r, a, ROOM, 1, 97);
	assert_sees_room(r, b, ROOM, 2, 97);
	assert_sees_room(r, c, ROOM, 3, 99);
	assert_int_equal(order_one(r, b, MEMBER_HOLD, true, 0, 0), 0);
	s = line_of_call(r, b, 1);
	assert_int_equal(s.source.job.generation, 0);
	assert_int_equal(order_one(r, b, MEMBER_HOLD, false, 0, 0), 0);
	assert_sees_room(r, b, ROOM, 2, 97);
	assert_int_equal(order_one(r, b, MEMBER_MUTE, true, 0, 0), 0);
	assert_int_equal(line_of_call(r, b, 1).member.muted, 1);
	assert_int_equal(order_one(r, b, MEMBER_MUTE, false, 0, 0), 0);
	phone_request(&p->t.l.a, "BYE", "", "");
	assert_true(phone_hears(&p->t.l.a, "SIP/2.0 200").n);
	rig_wait_ms(r, 100);
	rig_wait_ms(r, 1500);
	assert_int_equal(rig_counts(r).calls, 1);
	s = line_of_call(r, call_at(r, 0), 1);
	assert_true(s.peer.generation && s.receive && s.send);
	assert_int_equal(s.source.job.generation, 0);
	assert_int_equal(s.member.number, 0);
	assert_int_equal(s.home, 0);
	assert_int_equal(invites_of(r, &p->t.l.b), 1);
	assert_int_equal(invites_of(r, &p->t.c), 1);
}

/* After a kill, too. */
static void over_a_restart(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t first, second;
	struct members all;

	talk(&p->t.l.a, SEEN_OF("11", "1", H264("97", "1f")), &p->t.l.b,
	     SEEN_OF("12", "1", H264("97", "1e")));
	first = call_of_user(r, "1001", "1002");
	talk(&p->a2, SEEN_OF("11", "1", ""), &p->t.c, SEEN_OF("14", "1", ""));
	second = call_of_user(r, "1001", "1004");
	assert_int_equal(confer(p, first, second), 0);
	party_restart(p, true, true);
	all = members_of(r, ROOM);
	assert_sees_room(r, member_from(&all, "1001")->call, ROOM, 1, 97);
	assert_sees_room(r, member_from(&all, "1002")->call, ROOM, 2, 97);
}

/* Its phone asks again, as those do that hold: the picture is not lost. Nobody is added by that who was not there. */
static void a_phone_that_asks_again(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_split split = { .to = RUNG, .leg = 1, .application = "" };
	struct bytes m;

	talk(&p->t.l.a, SEEN_OF("11", "1", H264("97", "1f")), &p->t.l.b,
	     SEEN_OF("12", "1", H264("97", "1e")));
	split.call = call_at(r, 0);
	assert_int_equal(shard_call_split(r->shard, &split, r->now), 0);
	rig_run(r);
	phone_request(&p->t.l.a, "INVITE", "", SEEN_OF("11", "2", H264("97", "1f")));
	m = phone_hears(&p->t.l.a, "SIP/2.0 200");
	assert_true(m.n);
	assert_false(rig_has(m, "m=video 0 "));
	assert_true(rig_has(m, "profile-level-id=42e01f;packetization-mode=1"));
	phone_ack(&p->t.l.a);
}

/* The next one has sound alone; when there is room again the one behind it has both (MED-09). */
static void more_calls_than_may_have_video(void **state)
{
	const char *a = SEEN_OF("11", "1", H264("97", "1f")),
		   *b = SEEN_OF("12", "1", H264("97", "1f"));
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_settings s = r->settings;

	s.videos_max = 1;
	shard_configure(r->shard, &s);
	talk(&p->t.l.a, a, &p->t.l.b, b);
	phone_invite(&p->a2, "1004", a);
	assert_true(rig_has(phone_rings(&p->t.c), "m=video 0 "));
	phone_answer(&p->t.c, p->t.c.invite, "200 OK",
		     SEEN_OF("14", "1", "m=video 0 RTP/AVP 97\r\n"));
	assert_true(rig_has(phone_hears(&p->a2, "SIP/2.0 200"), "m=video 0 "));
	phone_ack(&p->a2);
	phone_request(&p->t.l.a, "BYE", "", "");
	assert_true(phone_hears(&p->t.l.a, "SIP/2.0 200").n);
	trio_assert_left(&p->t.l.b);
	rig_wait_ms(r, 100);
	phone_invite(&p->t.l.a, "1002", a);
	assert_false(rig_has(phone_rings(&p->t.l.b), "m=video 0 "));
}

/* ---- rooms that are called ---- */

struct called {
	struct party p;
	struct tenants *tenants;
	struct rooms *rooms;
};

static int called_setup(void **state)
{
	static const struct hash_key key = { 1, 2 };
	const struct room_terms t = { .number = "700", .max_members = 4, .rate = 16000 };
	struct shard_settings s = rig_settings();
	struct called *m = calloc(1, sizeof(*m));
	struct rig *r;

	if (!m || tenants_open(&m->tenants, &key) || rooms_open(&m->rooms, m->tenants) ||
	    rooms_put(m->rooms, &t))
		return -1;
	s.rooms = m->rooms;
	r = m->p.t.l.r = rig_open_with(&s);
	phones_open(r, &m->p.t.l.a, &m->p.t.l.b);
	phone_open(&m->p.t.c, r, "1004", "192.0.2.14:5060");
	phone_bind(&m->p.t.c);
	*state = m;
	return 0;
}

static int called_teardown(void **state)
{
	struct called *m = *state;

	rig_close(m->p.t.l.r);
	rooms_close(m->rooms);
	tenants_close(m->tenants);
	free(m);
	return 0;
}

static struct bytes dials(struct phone *p, const char *sdp)
{
	struct bytes m;

	phone_invite(p, "700", sdp);
	m = phone_hears(p, "SIP/2.0 200");
	assert_true(m.n);
	phone_ack(p);
	rig_wait_ms(p->r, 50);
	return m;
}

/* The node answers for all: a level no higher than any of those who are there has. */
static void a_room_that_is_called(void **state)
{
	struct called *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_view v;
	uint32_t cursor = 0;
	struct bytes said;

	said = dials(&m->p.t.l.a, SEEN_OF("11", "1", H264("97", "1e")));
	assert_true(rig_has(said, "profile-level-id=42e01e;packetization-mode=1"));
	assert_true(rig_has(said, "nack pli"));
	assert_true(shard_conference_next(r->shard, &cursor, &v));
	assert_sees_room(r, call_of_user(r, "1001", "700"), v.room, 1, 97);
	said = dials(&m->p.t.l.b, SEEN_OF("12", "1", H264("108", "28")));
	assert_true(rig_has(said, "profile-level-id=42e01e;packetization-mode=1"));
	assert_sees_room(r, call_of_user(r, "1002", "700"), v.room, 2, 108);
	said = dials(&m->p.t.c, SEEN_OF("14", "1", ""));
	assert_false(rig_has(said, "m=video"));
}

static struct bytes asked_again(struct phone *p)
{
	struct bytes m;

	rig_wait_ms(p->r, 100);
	m = phone_hears(p, "INVITE ");
	assert_true(m.n);
	return m;
}

/* Who was told more than the one that comes can decode is asked to send less, once. */
static void one_with_a_lower_level_comes(void **state)
{
	struct called *m = *state;
	struct rig *r = m->p.t.l.r;
	struct phone *a = &m->p.t.l.a, *b = &m->p.t.l.b;
	struct bytes invite;

	assert_true(rig_has(dials(a, SEEN_OF("11", "1", H264("97", "1f"))),
			    "profile-level-id=42e01f;packetization-mode=1"));
	assert_true(rig_has(dials(b, SEEN_OF("12", "1", H264("97", "16"))),
			    "profile-level-id=42e016;packetization-mode=1"));
	invite = asked_again(a);
	assert_true(rig_has(invite, "profile-level-id=42e016;packetization-mode=1"));
	assert_true(rig_has(invite, "a=sendrecv"));
	phone_answer(a, invite, "200 OK", SEEN_OF("11", "2", H264("97", "16")));
	rig_wait_ms(r, 3000);
	assert_int_equal(invites_of(r, a), 1);
	assert_int_equal(invites_of(r, b), 0);
	assert_int_equal(line_of_call(r, call_of_user(r, "1001", "700"), 1).kind, MEDIA_VIDEO);
	(void)dials(&m->p.t.c, SEEN_OF("14", "1", H264("97", "28")));
	rig_wait_ms(r, 3000);
	assert_int_equal(invites_of(r, a), 1);
}

/* It keeps what it has. Only one that can less again asks it once more. */
static void one_that_does_not_take_it(void **state)
{
	struct called *m = *state;
	struct rig *r = m->p.t.l.r;
	struct phone *a = &m->p.t.l.a;

	(void)dials(a, SEEN_OF("11", "1", H264("97", "1f")));
	(void)dials(&m->p.t.l.b, SEEN_OF("12", "1", H264("97", "16")));
	phone_answer(a, asked_again(a), "488 Not Acceptable Here", "");
	rig_wait_ms(r, 3000);
	(void)dials(&m->p.t.c, SEEN_OF("14", "1", ""));
	rig_wait_ms(r, 3000);
	assert_int_equal(invites_of(r, a), 1);
	assert_int_equal(rig_counts(r).calls, 3);
}

#define VP8       "a=rtpmap:96 VP8/90000\r\n"
#define VP8_ALONE "m=video 4002 RTP/AVP 96\r\n" VP8
#define VP8_OR_264                                                           \
	"m=video 4002 RTP/AVP 97 96\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 " \
	"profile-level-id=42e01f\r\n" VP8

/* The line of video ends so. */
static bool has_formats(struct bytes m, const char *formats)
{
	struct bytes line;

	while (bytes_cut(&m, '\n', &line)) {
		line = bytes_trim(line);
		if (bytes_starts(line, "m=video 0 "))
			return false;
		if (bytes_starts(line, "m=video ") && line.n > strlen(formats))
			return bytes_is(bytes_from(line, line.n - strlen(formats)), formats);
	}
	return false;
}

static void all_codecs(struct rig *r)
{
	struct shard_profile p = { .name = PROFILE_DEFAULT, .terms.video_codecs = OFFER_VIDEO_ALL };

	assert_int_equal(shard_profile_put(r->shard, TENANT_DEFAULT, &p), 0);
}

/* VP8 goes first where all have it. Who joins without it is seen, and sees, once the others were asked again. */
static void vp8_where_all_have_it(void **state)
{
	struct called *m = *state;
	struct rig *r = m->p.t.l.r;
	struct phone *a = &m->p.t.l.a, *b = &m->p.t.l.b;
	struct bytes invite;

	all_codecs(r);
	assert_true(has_formats(dials(a, SEEN_OF("11", "1", VP8_OR_264)), "RTP/AVP 96 97"));
	assert_true(has_formats(dials(b, SEEN_OF("12", "1", VP8_OR_264)), "RTP/AVP 96 97"));
	rig_wait_ms(r, 1000);
	assert_int_equal(invites_of(r, a) + invites_of(r, b), 0);
	assert_true(
		has_formats(dials(&m->p.t.c, SEEN_OF("14", "1", H264("97", "1f"))), "RTP/AVP 97"));
	invite = asked_again(a);
	assert_true(has_formats(invite, "RTP/AVP 97 96"));
	phone_answer(a, invite, "200 OK", SEEN_OF("11", "2", VP8_OR_264));
	invite = asked_again(b);
	assert_true(has_formats(invite, "RTP/AVP 97 96"));
	phone_answer(b, invite, "200 OK", SEEN_OF("12", "2", VP8_OR_264));
	rig_wait_ms(r, 3000);
	assert_int_equal(invites_of(r, a), 1);
	assert_int_equal(invites_of(r, b), 1);
	assert_int_equal(invites_of(r, &m->p.t.c), 0);
}

/* Those who send H.264 are asked for VP8 only where somebody has no H.264, and all have VP8. */
static void one_without_h264_comes(void **state)
{
	struct called *m = *state;
	struct rig *r = m->p.t.l.r;
	struct phone *a = &m->p.t.l.a, *b = &m->p.t.l.b, *c = &m->p.t.c;

	all_codecs(r);
	(void)dials(c, SEEN_OF("14", "1", H264("97", "1f")));
	assert_true(has_formats(dials(a, SEEN_OF("11", "1", VP8_OR_264)), "RTP/AVP 97 96"));
	assert_true(has_formats(dials(b, SEEN_OF("12", "1", VP8_ALONE)), "RTP/AVP 96"));
	rig_wait_ms(r, 1000);
	assert_int_equal(invites_of(r, a) + invites_of(r, c), 0);
	phone_request(b, "BYE", "", "");
	phone_request(c, "BYE", "", "");
	assert_true(phone_hears(b, "SIP/2.0 200").n && phone_hears(c, "SIP/2.0 200").n);
	rig_wait_ms(r, 1000);
	(void)dials(c, SEEN_OF("14", "1", VP8_ALONE));
	assert_true(has_formats(asked_again(a), "RTP/AVP 96 97"));
}

static void no_video_where_it_is_off(void **state)
{
	struct called *m = *state;
	struct rig *r = m->p.t.l.r;
	struct shard_settings s = r->settings;

	s.video = false;
	shard_configure(r->shard, &s);
	assert_true(
		rig_has(dials(&m->p.t.l.a, SEEN_OF("11", "1", H264("97", "1e"))), "m=video 0 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST(a_third_one_comes_and_goes),
		PARTY_TEST(over_a_restart),
		PARTY_TEST(a_phone_that_asks_again),
		PARTY_TEST(more_calls_than_may_have_video),
		cmocka_unit_test_setup_teardown(a_room_that_is_called, called_setup,
						called_teardown),
		cmocka_unit_test_setup_teardown(one_with_a_lower_level_comes, called_setup,
						called_teardown),
		cmocka_unit_test_setup_teardown(one_that_does_not_take_it, called_setup,
						called_teardown),
		cmocka_unit_test_setup_teardown(vp8_where_all_have_it, called_setup,
						called_teardown),
		cmocka_unit_test_setup_teardown(one_without_h264_comes, called_setup,
						called_teardown),
		cmocka_unit_test_setup_teardown(no_video_where_it_is_off, called_setup,
						called_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
