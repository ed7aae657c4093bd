/* SPDX-License-Identifier: Apache-2.0 */
/* Two legs that are up come together and have no codec in common: what one says is transcoded for the other one (FEATURES MED-02). */
#include "media/codec.h"
#include "tests/unit/sig/joins.h"

#define REFUSES "488 Not Acceptable Here"

static int coded_setup(void **state)
{
	struct shard_settings settings = rig_settings();
	struct trio *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	settings.transcode = true;
	t->l.r = rig_open_with(&settings);
	phones_open(t->l.r, &t->l.a, &t->l.b);
	phone_open(&t->c, t->l.r, "1004", "192.0.2.14:5060");
	phone_bind(&t->c);
	application_set(t->l.r);
	*state = t;
	return 0;
}

/* Of what the leg says: in which codec the other one hears the number. MEDIA_CODECS: as it is. */
static enum media_codec heard_in(struct rig *r, uint8_t leg, uint8_t number)
{
	struct flow_spec s = line_last_spec(r, leg);

	for (uint8_t i = 0; i < s.rule_count; i++) {
		if (s.rules[i].in == number)
			return s.rules[i].coding
				       ? (enum media_codec)s.codings[s.rules[i].coding - 1].to
				       : MEDIA_CODECS;
	}
	fail_msg("leg %u may not send %u", leg, number);
	return MEDIA_CODECS;
}

static void assert_coded(struct trio *t, uint8_t a, uint8_t c)
{
	trio_assert_talks(t->l.r, a, c);
	assert_int_equal(heard_in(t->l.r, a, 8), MEDIA_CODEC_G722);
	assert_int_equal(heard_in(t->l.r, c, 9), MEDIA_CODEC_PCMA);
}

static struct bytes asked(struct phone *p, const char *formats)
{
	struct bytes m = rig_take(p->r, &p->addr, "INVITE ");

	assert_true(m.n);
	if (!rig_has(m, formats) || !rig_has(m, "a=sendrecv\r\n"))
		fail_msg("not %s\n" BYTES_FMT, formats, BYTES_ARG(m));
	return m;
}

static void takes(struct phone *p, struct bytes invite, const char *sdp)
{
	phone_answer(p, invite, "200 OK", sdp);
	assert_true(rig_take(p->r, &p->addr, "ACK ").n);
}

static void two_unlike(struct trio *t)
{
	struct shard_join join = { 0 };

	alone(t, &t->l.a, PHONE_SDP_A);
	join.call = call_at(t->l.r, 0);
	alone(t, &t->c, SDP_G722);
	join.with = call_at(t->l.r, 0) == join.call ? call_at(t->l.r, 1) : call_at(t->l.r, 0);
	assert_int_equal(join_as(t, &join, 1), 0);
}

/* Nobody is asked before they hear each other; then both are asked for what the other one has, and have no more than before. */
static void joined_at_once(void **state)
{
	struct trio *t = *state;

	two_unlike(t);
	assert_int_equal(rig_counts(t->l.r).calls, 1);
	assert_coded(t, 0, 1);
	takes(&t->l.a, asked(&t->l.a, "RTP/AVP 9 8 0 96 97 101 127\r\n"), SDP_OF("2", "8"));
	assert_coded(t, 0, 1);
	takes(&t->c, asked(&t->c, "RTP/AVP 8 0 9 96 97\r\n"), SDP_G722);
	assert_coded(t, 0, 1);
	rig_wait_ms(t->l.r, 60000);
	assert_int_equal(rig_take(t->l.r, &t->l.a.addr, "INVITE ").n, 0);
	assert_int_equal(rig_take(t->l.r, &t->c.addr, "INVITE ").n, 0);
	assert_int_equal(rig_counts(t->l.r).calls_transcoded, 1);
	trio_assert_ends(t, &t->c, &t->l.a);
	assert_int_equal(rig_counts(t->l.r).calls_transcoded, 0);
}

/* One that has the other's codec, which it was not asked for before: nothing is coded any more. */
static void a_common_codec_is_found(void **state)
{
	struct trio *t = *state;

	two_unlike(t);
	assert_coded(t, 0, 1);
	takes(&t->l.a, asked(&t->l.a, "RTP/AVP 9 8 0 96 97 101 127\r\n"), SDP_OF("2", "9"));
	assert_int_equal(heard_in(t->l.r, 0, 9), MEDIA_CODECS);
	assert_int_equal(heard_in(t->l.r, 1, 9), MEDIA_CODECS);
	rig_wait_ms(t->l.r, 60000);
	assert_int_equal(rig_counts(t->l.r).calls_transcoded, 0);
	trio_assert_ends(t, &t->c, &t->l.a);
}

static void killed_when_joined(void **state)
{
	struct trio *t = *state;

	two_unlike(t);
	joins_restart(t);
	assert_coded(t, 0, 1);
	takes(&t->l.a, asked(&t->l.a, "RTP/AVP 9 8 0 96 97 101 127\r\n"), SDP_OF("2", "8"));
	joins_restart(t);
	takes(&t->c, asked(&t->c, "RTP/AVP 8 0 9 96 97\r\n"), SDP_G722);
	joins_restart(t);
	assert_coded(t, 0, 1);
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* B gives A to C, which has none of A's codecs. */
static void given_to_c(struct trio *t, bool killed)
{
	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	phone_answer(&t->c, t->c.invite, REFUSES, "");
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	if (killed)
		joins_restart(t);
	t->c.invite = asked(&t->c, "RTP/AVP 8 0 9 96 97 101 127\r\n");
	takes(&t->c, t->c.invite, SDP_G722);
	if (killed)
		joins_restart(t);
	takes(&t->l.a, asked(&t->l.a, "RTP/AVP 9 8 0 96 97 101 127\r\n"), PHONE_SDP_A);
	if (killed)
		joins_restart(t);
}

static void given_away(void **state)
{
	struct trio *t = *state;

	given_to_c(t, false);
	assert_coded(t, 0, 2);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
}

static void given_away_and_killed(void **state)
{
	struct trio *t = *state;

	given_to_c(t, true);
	assert_coded(t, 0, 2);
}

#define CODED_TEST(fn) cmocka_unit_test_setup_teardown(fn, coded_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CODED_TEST(joined_at_once),        CODED_TEST(a_common_codec_is_found),
		CODED_TEST(killed_when_joined),    CODED_TEST(given_away),
		CODED_TEST(given_away_and_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
