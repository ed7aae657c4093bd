/* SPDX-License-Identifier: Apache-2.0 */
/* Two phones that have no codec in common: what one says is transcoded for the other one (FEATURES MED-02), over a kill, too. */
#include "media/codec.h"
#include "tests/unit/sig/line.h"

#define EVENT "a=rtpmap:101 telephone-event/8000\r\n"
#define SDP(who, version, formats, direction)                                              \
	"v=0\r\no=" who " 1 " version " IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\n" \
	"t=0 0\r\nm=audio 4000 RTP/AVP " formats "\r\n" EVENT "a=" direction "\r\n"
#define OURS     "RTP/AVP 0 8 9 96 97 101 127\r\n"
#define REFUSES  "488 Not Acceptable Here"
#define A_OFFERS SDP("a", "1", "0 101", "sendrecv")
#define B_SPEAKS SDP("b", "1", "9 101", "sendrecv")

static int coded_open(void **state, bool transcode)
{
	struct shard_settings settings = rig_settings();
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		return -1;
	settings.transcode = transcode;
	l->r = rig_open_with(&settings);
	phones_open(l->r, &l->a, &l->b);
	*state = l;
	return 0;
}

static int coded_setup(void **state)
{
	return coded_open(state, true);
}

static int plain_setup(void **state)
{
	return coded_open(state, false);
}

/* What the party of the leg says in one codec goes to the other one in another. */
static void assert_coding(struct line *l, uint8_t leg, enum media_codec from, enum media_codec to)
{
	struct flow_spec s = line_last_spec(l->r, leg);
	unsigned coded = 0;

	for (uint8_t i = 0; i < s.rule_count; i++) {
		if (!s.rules[i].coding)
			continue;
		coded++;
		assert_int_equal(s.codings[s.rules[i].coding - 1].from, from);
		assert_int_equal(s.codings[s.rules[i].coding - 1].to, to);
	}
	assert_int_equal(coded, from == to ? 0 : 1);
}

static void assert_coded(struct line *l)
{
	assert_coding(l, 0, MEDIA_CODEC_PCMU, MEDIA_CODEC_G722);
	assert_coding(l, 1, MEDIA_CODEC_G722, MEDIA_CODEC_PCMU);
	assert_int_equal(rig_counts(l->r).calls_transcoded, 1);
}

static void assert_plain(struct line *l)
{
	assert_coding(l, 0, MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMU);
	assert_coding(l, 1, MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMU);
	assert_true(line_last_spec(l->r, 0).rule_count > 0);
	assert_int_equal(rig_counts(l->r).calls_transcoded, 0);
}

/* It is offered that. */
static struct bytes assert_asked(struct phone *p, const char *formats)
{
	struct bytes m = rig_take(p->r, &p->addr, "INVITE ");

	assert_true(m.n);
	if (!rig_has(m, formats))
		fail_msg("not %s" BYTES_FMT, formats, BYTES_ARG(m));
	return m;
}

static struct bytes refused_once(struct line *l, const char *status)
{
	struct bytes m;

	phone_invite(&l->a, "1002", A_OFFERS);
	m = phone_rings(&l->b);
	assert_true(rig_has(m, "RTP/AVP 0 101\r\n"));
	phone_answer(&l->b, m, status, "");
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	l->b.invite = assert_asked(&l->b, OURS);
	return l->b.invite;
}

static void is_answered(struct line *l)
{
	struct bytes m;

	phone_answer(&l->b, l->b.invite, "200 OK", B_SPEAKS);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "RTP/AVP 0 101\r\n"));
	phone_ack(&l->a);
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
}

static void talk(struct line *l)
{
	(void)refused_once(l, REFUSES);
	is_answered(l);
	assert_coded(l);
}

static void hang_up(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void carried(struct line *l, struct phone *p, struct phone *other, const char *offer,
		    const char *offered, const char *answer, const char *answered)
{
	struct bytes m;

	phone_request(p, "INVITE", "", offer);
	phone_answer(other, assert_asked(other, offered), "200 OK", answer);
	m = phone_hears(p, "SIP/2.0 200");
	if (!rig_has(m, answered))
		fail_msg("not %s" BYTES_FMT, answered, BYTES_ARG(m));
	phone_ack(p);
	assert_true(rig_take(l->r, &other->addr, "ACK ").n);
}

/* ---- a first INVITE ---- */

static void asked_again(void **state)
{
	static const char *const statuses[] = { REFUSES, "606 Not Acceptable",
						"415 Unsupported Media Type" };
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		(void)refused_once(l, statuses[i]);
		is_answered(l);
		assert_coded(l);
		phone_request(&l->a, "BYE", "", "");
		assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
		phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	}
	line_assert_idle(l->r);
}

/* What both have is nothing to code, and nothing else is offered. */
static void common_codec(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	assert_plain(l);
	hang_up(l);
}

static void not_taken_either(void **state)
{
	struct line *l = *state;

	(void)refused_once(l, REFUSES);
	phone_answer(&l->b, l->b.invite, REFUSES, "");
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	line_assert_cdr(l, 488, 65, ENDED_BY_B);
}

static void refused_otherwise(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", A_OFFERS);
	phone_answer(&l->b, phone_rings(&l->b), "480 No", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
}

static void switched_off(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", A_OFFERS);
	phone_answer(&l->b, phone_rings(&l->b), REFUSES, "");
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
}

static void put_profile(struct line *l, const char *codec, enum profile_transcode transcode)
{
	struct shard_profile p = { .name = "only", .transcode = (uint8_t)transcode };
	struct shard_range range = { .first = l->b.addr, .last = l->b.addr, .profile = "only" };

	p.terms.codec_count = 1;
	(void)bytes_cstr(bytes_str(codec), p.terms.codecs[0], OFFER_CODEC_NAME_MAX);
	assert_int_equal(shard_profile_put(l->r->shard, TENANT_DEFAULT, &p), 0);
	assert_int_equal(shard_ranges_set(l->r->shard, TENANT_DEFAULT, &range, 1), 0);
}

/* By its profile B may have none of A's codecs: it is not asked in vain. */
static void by_profile(void **state)
{
	struct line *l = *state;

	put_profile(l, "G722", PROFILE_TRANSCODE_SETTING);
	phone_invite(&l->a, "1002", A_OFFERS);
	assert_true(rig_has(phone_rings(&l->b), "RTP/AVP 9 101\r\n"));
	is_answered(l);
	assert_coded(l);
	hang_up(l);
}

static void profile_without(void **state)
{
	struct line *l = *state;

	put_profile(l, "G722", PROFILE_TRANSCODE_OFF);
	phone_invite(&l->a, "1002", A_OFFERS);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 488"), "no codec that may be used"));
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
}

/* The setting is off, but both of these may. */
static void profiles_with(void **state)
{
	struct shard_profile any = { .name = PROFILE_DEFAULT, .transcode = PROFILE_TRANSCODE_ON };
	struct line *l = *state;

	assert_int_equal(shard_profile_put(l->r->shard, TENANT_DEFAULT, &any), 0);
	put_profile(l, "G722", PROFILE_TRANSCODE_ON);
	phone_invite(&l->a, "1002", A_OFFERS);
	assert_true(rig_has(phone_rings(&l->b), "RTP/AVP 9 101\r\n"));
	is_answered(l);
	assert_coded(l);
	hang_up(l);
}

/* What passes through only is said by name. */
static void not_spoken(void **state)
{
	struct line *l = *state;
	struct bytes m;

	put_profile(l, "PCMA", PROFILE_TRANSCODE_SETTING);
	phone_invite(&l->a, "1002", SDP("a", "1", "18 101", "sendrecv"));
	m = phone_hears(&l->a, "SIP/2.0 488");
	assert_true(rig_has(m, "Warning: 399 "));
	assert_true(rig_has(m, "\"G729 passes through only"));
}

/* B says so itself. */
static void not_spoken_to_b(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_invite(&l->a, "1002", SDP("a", "1", "18 101", "sendrecv"));
	phone_answer(&l->b, phone_rings(&l->b), REFUSES, "");
	m = phone_hears(&l->a, "SIP/2.0 488");
	assert_true(rig_has(m, "\"G729 passes through only"));
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
}

/* ---- no more than so many ---- */

static int one_setup(void **state)
{
	int err = coded_setup(state);
	struct line *l = *state;

	l->r->settings.codings_max = 1;
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	return err;
}

/* C calls B meanwhile: nothing is coded for that, and C is told why. The first call goes on as it is. */
static void no_room(void **state)
{
	struct line *l = *state;
	struct phone c;
	struct bytes m;

	talk(l);
	phone_open(&c, l->r, "1004", "192.0.2.14:5060");
	phone_bind(&c);
	phone_invite(&c, "1002", A_OFFERS);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "RTP/AVP 0 101\r\n"));
	phone_answer_as(&l->b, m, "second", REFUSES, "", "");
	m = phone_hears(&c, "SIP/2.0 488");
	assert_true(rig_has(m, "\"no codec in common, and no more calls may be transcoded\""));
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	carried(l, &l->a, &l->b, SDP("a", "2", "0 101", "sendonly"), OURS,
		SDP("b", "2", "9 101", "recvonly"), "RTP/AVP 0 101\r\n");
	assert_coded(l);
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	rig_wait_ms(l->r, 40000);
	(void)refused_once(l, REFUSES); /* there is room again */
}

/* By its profile B may have none of A's codecs. */
static void no_room_by_profile(void **state)
{
	struct line *l = *state;
	struct phone c;

	talk(l);
	put_profile(l, "G722", PROFILE_TRANSCODE_SETTING);
	phone_open(&c, l->r, "1004", "192.0.2.14:5060");
	phone_bind(&c);
	phone_invite(&c, "1002", A_OFFERS);
	assert_true(rig_has(phone_hears(&c, "SIP/2.0 488"),
			    "\"no codec in common, and no more calls may be transcoded\""));
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
}

/* ---- while they speak ---- */

static void hold_and_resume(void **state)
{
	struct line *l = *state;

	talk(l);
	carried(l, &l->a, &l->b, SDP("a", "2", "0 101", "sendonly"), OURS,
		SDP("b", "2", "9 101", "recvonly"), "RTP/AVP 0 101\r\n");
	assert_coded(l);
	assert_int_equal(line_last_spec(l->r, 0).send, 0);
	carried(l, &l->a, &l->b, SDP("a", "3", "0 101", "sendrecv"), OURS,
		SDP("b", "3", "9 101", "sendrecv"), "RTP/AVP 0 101\r\n");
	assert_coded(l);
	assert_int_equal(line_last_spec(l->r, 0).send, 1);
	carried(l, &l->b, &l->a, SDP("b", "4", "9 101", "sendonly"),
		"RTP/AVP 9 8 0 96 97 101 127\r\n", SDP("a", "4", "0 101", "recvonly"),
		"RTP/AVP 9 101\r\n");
	assert_coded(l);
	hang_up(l);
}

/* A phone that has taken up another codec: nothing is coded any more; and again when it has it no longer. */
static void a_common_codec_comes(void **state)
{
	struct line *l = *state;

	talk(l);
	carried(l, &l->a, &l->b, SDP("a", "2", "0 9 101", "sendrecv"), "RTP/AVP 0 9 101\r\n",
		SDP("b", "2", "9 101", "sendrecv"), "RTP/AVP 9 101\r\n");
	assert_plain(l);
	carried(l, &l->a, &l->b, SDP("a", "3", "0 101", "sendrecv"), OURS,
		SDP("b", "3", "9 101", "sendrecv"), "RTP/AVP 0 101\r\n");
	assert_coded(l);
	hang_up(l);
}

/* B was never asked for it: what may be common is tried first. */
static void refused_in_between(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "INVITE", "", SDP("a", "2", "9 101", "sendrecv"));
	phone_answer(&l->b, assert_asked(&l->b, "RTP/AVP 9 101\r\n"), REFUSES, "");
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	phone_answer(&l->b, assert_asked(&l->b, "RTP/AVP 9 8 0 96 97 101 127\r\n"), "200 OK",
		     SDP("b", "2", "8 101", "sendrecv"));
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "RTP/AVP 9 101\r\n"));
	phone_ack(&l->a);
	assert_coding(l, 0, MEDIA_CODEC_G722, MEDIA_CODEC_PCMA);
	assert_coding(l, 1, MEDIA_CODEC_PCMA, MEDIA_CODEC_G722);
	hang_up(l);
}

/* ---- kill -9 ---- */

/* After the phone has said no: it says so again, and is asked with more. */
static void killed_before_it_is_asked_again(void **state)
{
	struct line *l = *state;
	struct bytes first;

	phone_invite(&l->a, "1002", A_OFFERS);
	first = phone_rings(&l->b);
	l->r->hold_saves = true;
	phone_answer(&l->b, first, REFUSES, "");
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	line_restart(l, line_stored(l));
	(void)assert_asked(&l->b, "RTP/AVP 0 101\r\n"); /* a copy */
	phone_answer(&l->b, first, REFUSES, "");
	l->b.invite = assert_asked(&l->b, OURS);
	is_answered(l);
	assert_coded(l);
	hang_up(l);
}

static void killed_while_it_rings(void **state)
{
	struct line *l = *state;

	(void)refused_once(l, REFUSES);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	line_restart(l, line_stored(l));
	is_answered(l);
	assert_coded(l);
	hang_up(l);
}

static void killed_while_they_speak(void **state)
{
	struct line *l = *state;

	talk(l);
	for (int i = 0; i < 2; i++) {
		l->r->media_count = 0;
		line_restart(l, line_stored(l));
		assert_coded(l);
	}
	carried(l, &l->a, &l->b, SDP("a", "2", "0 101", "sendonly"), OURS,
		SDP("b", "2", "9 101", "recvonly"), "RTP/AVP 0 101\r\n");
	l->r->media_count = 0;
	line_restart(l, line_stored(l));
	assert_coded(l);
	hang_up(l);
}

/* A successor where it is switched off: what is up goes on. */
static void switched_off_in_between(void **state)
{
	struct line *l = *state;

	talk(l);
	l->r->settings.transcode = false;
	l->r->media_count = 0;
	line_restart(l, line_stored(l));
	assert_coded(l);
	hang_up(l);
}

#define CODED_TEST(fn) cmocka_unit_test_setup_teardown(fn, coded_setup, line_teardown)
#define ONE_TEST(fn)   cmocka_unit_test_setup_teardown(fn, one_setup, line_teardown)
#define PLAIN_TEST(fn) cmocka_unit_test_setup_teardown(fn, plain_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CODED_TEST(asked_again),
		CODED_TEST(common_codec),
		CODED_TEST(not_taken_either),
		CODED_TEST(refused_otherwise),
		PLAIN_TEST(switched_off),
		CODED_TEST(by_profile),
		CODED_TEST(profile_without),
		PLAIN_TEST(profiles_with),
		CODED_TEST(not_spoken),
		CODED_TEST(not_spoken_to_b),
		ONE_TEST(no_room),
		ONE_TEST(no_room_by_profile),
		CODED_TEST(hold_and_resume),
		CODED_TEST(a_common_codec_comes),
		CODED_TEST(refused_in_between),
		CODED_TEST(killed_before_it_is_asked_again),
		CODED_TEST(killed_while_it_rings),
		CODED_TEST(killed_while_they_speak),
		CODED_TEST(switched_off_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
