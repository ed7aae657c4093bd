/* SPDX-License-Identifier: Apache-2.0 */
/* A call of 1001 with 1002, and an external recorder (REC-02). */
#ifndef TESTS_UNIT_SIG_RECORDER_H
#define TESTS_UNIT_SIG_RECORDER_H

#include "sig/model/recording.h"
#include "tests/unit/sig/trio.h"

static struct phone g_recorder;

#define ANSWER(way)                                                                           \
	"v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"         \
	"m=audio 4000 RTP/AVP 0 8 101\r\na=" way "\r\nm=audio 4002 RTP/AVP 0 8 101\r\na=" way \
	"\r\n"
#define TAKES ANSWER("recvonly")

RIG_FN void allowed(struct rig *r, const char *number, enum record_method method)
{
	struct shard_extension e = rig_extension(number, false);

	e.record = (uint8_t)method;
	e.record_to = RECORD_TO_SIPREC;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

RIG_FN struct shard_settings siprec_settings(void)
{
	struct shard_settings s = rig_settings();

	s.siprec = (struct shard_siprec){ .count = 1,
					  .transport = SIP_UDP,
					  .addresses = { rig_addr("192.0.2.77:5060") },
					  .user = "srs" };
	s.recordings.tone_ns = 15 * NS_PER_S;
	return s;
}

RIG_FN int siprec_setup_with(void **state, const struct shard_settings *s)
{
	struct trio *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	t->l.r = rig_open_with(s);
	phones_open(t->l.r, &t->l.a, &t->l.b);
	phone_open(&t->c, t->l.r, "1004", "192.0.2.14:5060");
	phone_bind(&t->c);
	phone_open(&g_recorder, t->l.r, "srs", "192.0.2.77:5060");
	allowed(t->l.r, "1001", RECORD_ON_DEMAND);
	phones_talk(&t->l.a, &t->l.b);
	*state = t;
	return 0;
}

RIG_FN int siprec_setup(void **state)
{
	struct shard_settings s = siprec_settings();

	return siprec_setup_with(state, &s);
}

#define SIPREC_TEST(fn) cmocka_unit_test_setup_teardown(fn, siprec_setup, line_teardown)

RIG_FN uint64_t siprec_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

RIG_FN void order(struct trio *t, enum order_record what, int want)
{
	assert_int_equal(shard_call_record(t->l.r->shard, siprec_call(t->l.r), 0, what, NULL,
					   t->l.r->now),
			 want);
	rig_wait_ms(t->l.r, 1);
}

RIG_FN uint32_t told(const struct rig *r, enum sig_event_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->event_count; i++)
		n += r->events[i].kind == kind;
	return n;
}

/* Both hear the tone of recordings from when the recorder takes it. */
RIG_FN void assert_toned(const struct rig *r, bool toned)
{
	assert_int_equal(line_last_spec(r, 0).overlay.every_ms, toned ? 15000 : 0);
	assert_int_equal(line_last_spec(r, 1).overlay.every_ms, toned ? 15000 : 0);
}

RIG_FN void assert_tapped(const struct rig *r, bool tapped)
{
	assert_int_equal(line_last_spec(r, 0).tap_fork, tapped);
	assert_int_equal(line_last_spec(r, 1).tap_fork, tapped);
	assert_int_equal(line_last_spec(r, 0).tap, 0); /* no file */
}

RIG_FN struct bytes is_asked(struct trio *t)
{
	struct bytes m = phone_rings(&g_recorder);

	assert_true(m.n);
	assert_true(rig_has(m, "Require: siprec\r\n"));
	assert_true(rig_has(m, ";+sip.src\r\n"));
	assert_false(line_last_spec(t->l.r, 0).tap_fork && !t->l.r->forks);
	return m;
}

RIG_FN void takes(struct trio *t)
{
	phone_answer(&g_recorder, is_asked(t), "200 OK", TAKES);
	assert_true(rig_take(t->l.r, &g_recorder.addr, "ACK ").n);
}

RIG_FN void is_taken(struct trio *t)
{
	order(t, ORDER_RECORD_ON, 0);
	takes(t);
	assert_tapped(t->l.r, true);
}

RIG_FN void hears_bye(struct trio *t)
{
	struct bytes m = rig_take(t->l.r, &g_recorder.addr, "BYE ");

	assert_true(m.n);
	phone_answer(&g_recorder, m, "200 OK", "");
}

/* A hangs up; nothing is left, and no port is taken. */
RIG_FN void hangs_up(struct trio *t)
{
	phone_request(&t->l.a, "BYE", "", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	trio_assert_left(&t->l.b);
}

#endif
