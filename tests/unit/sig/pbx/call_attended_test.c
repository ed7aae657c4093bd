/* SPDX-License-Identifier: Apache-2.0 */
/* A party gives the other one to whom it speaks with in another call (RFC 3891; FEATURES CALL-24, CALL-26). */
#include "sig/call.pb-c.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/orders.h"
#include "tests/unit/sig/trio.h"

#define HOLD_B                                                                        \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
#define HELD_A                                                                        \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n"
#define SDP_C                                                                         \
	"v=0\r\no=c 1 1 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

/* B holds A, and is about to have another dialog. */
static void hold(struct trio *t, struct phone *second)
{
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.b, "INVITE", "", HOLD_B);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	phone_answer(&t->l.a, m, "200 OK", HELD_A);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	phone_ack(&t->l.b);
	assert_true(rig_take(t->l.r, &t->l.a.addr, "ACK ").n);
	phone_open(second, t->l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(second->tag, sizeof(second->tag), "second");
}

/* That is with C: who of the two called is for the test. */
static void hold_and_ask(struct trio *t, struct phone *second, bool b_called)
{
	hold(t, second);
	if (b_called) {
		phone_invite(second, "1004", PHONE_SDP_B);
		assert_true(phone_rings(&t->c).n);
		phone_answer(&t->c, t->c.invite, "200 OK", SDP_C);
		assert_true(phone_hears(second, "SIP/2.0 200").n);
		phone_ack(second);
		assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	} else {
		phone_invite(&t->c, "1002", SDP_C);
		assert_true(phone_rings(second).n);
		phone_answer(second, second->invite, "200 OK", PHONE_SDP_B);
		assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
		phone_ack(&t->c);
		assert_true(rig_take(t->l.r, &second->addr, "ACK ").n);
	}
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
}

static void refer_to(struct phone *p, const struct phone *second)
{
	size_t at = strcspn(second->call_id, "@");
	char to[512];

	(void)snprintf(to, sizeof(to),
		       "sip:1004@test.local?Replaces=%.*s%s%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       (int)at, second->call_id, second->call_id[at] ? "%40" : "",
		       second->call_id + at + (second->call_id[at] != 0), second->remote_tag,
		       second->tag);
	refer(p, to);
}

/* B is out of both calls, A and C have one. */
static void assert_joined(struct trio *t, struct phone *second)
{
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(second);
	trio_assert_left(&t->l.b);
	(void)trio_told_again(&t->l.a, PHONE_SDP_A);
	rig_wait_ms(t->l.r, 40000);
	assert_int_equal(rig_counts(t->l.r).calls, 1);
	assert_int_equal(rig_counts(t->l.r).calls_established, 1);
	trio_assert_talks(t->l.r, 0, 2);
	assert_int_equal(line_last_spec(t->l.r, 0).remote_rtp.port, 4000);
	assert_int_equal(line_last_spec(t->l.r, 2).remote_rtp.port, 6000);
}

static void attended(void **state)
{
	struct trio *t = *state;
	struct phone second;

	for (int b_called = 0; b_called <= 1; b_called++) {
		if (b_called) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(trio_setup(state), 0);
			t = *state;
		}
		hold_and_ask(t, &second, b_called);
		refer_to(&t->l.b, &second);
		assert_joined(t, &second);
		phone_request(&t->c, "OPTIONS", "",
			      ""); /* its dialog is found by tags of another call */
		assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
		trio_assert_ends(t, b_called ? &t->c : &t->l.a, b_called ? &t->l.a : &t->c);
		assert_int_equal(t->l.r->cdr_count, 3);
	}
}

/* C called, and its ACK is on its way: the two are joined behind it. */
static void joined_behind_the_ack(void **state)
{
	struct trio *t = *state;
	struct phone second;

	hold(t, &second);
	phone_invite(&t->c, "1002", SDP_C);
	assert_true(phone_rings(&second).n);
	phone_answer(&second, second.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	assert_true(rig_take(t->l.r, &second.addr, "ACK ").n);
	refer_to(&t->l.b, &second);
	rig_wait_ms(t->l.r, 100);
	assert_int_equal(rig_counts(t->l.r).calls, 2);
	phone_ack(&t->c);
	rig_wait_ms(t->l.r, 100);
	assert_joined(t, &second);
	trio_assert_ends(t, &t->l.a, &t->c);
}

#define SOUND_OF(who, version, lines)                                                            \
	"v=0\r\no=x 1 " version " IN IP4 192.0.2." who "\r\ns=-\r\nc=IN IP4 192.0.2." who "\r\n" \
	"t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n" lines
#define PICTURE "m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"

/* A has sound alone, and C a picture, too. */
static void joined_with_another_line(void **state)
{
	struct trio *t = *state;
	struct phone second;

	phone_invite(&t->l.a, "1002", SOUND_OF("11", "1", ""));
	assert_true(phone_rings(&t->l.b).n);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", SOUND_OF("12", "1", ""));
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	phone_open(&second, t->l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(second.tag, sizeof(second.tag), "second");
	phone_invite(&second, "1004", SOUND_OF("12", "1", PICTURE));
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "200 OK", SOUND_OF("14", "1", PICTURE));
	assert_true(phone_hears(&second, "SIP/2.0 200").n);
	phone_ack(&second);
	refer_to(&t->l.b, &second);
	rig_wait_ms(t->l.r, 500);
	trio_restart(t);
	assert_int_equal(rig_counts(t->l.r).calls_established, 1);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "BYE "), 0);
	assert_int_equal(line_spec_of(t->l.r, 0, 0).send, 1);
	assert_int_equal(line_spec_of(t->l.r, 2, 0).send, 1);
	assert_int_equal(line_spec_of(t->l.r, 2, 1).send, 0);
}

static void answer_waiting(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	while (shard_call_next(r->shard, &cursor, &view)) {
		if (view.state == CALL_SETUP || view.state == CALL_RINGING)
			assert_int_equal(shard_call_answer(r->shard, view.call, NULL, r->now), 0);
	}
	rig_run(r);
}

/* CALL-25: B has called an application, and gives A to it. It is asked for A anew. */
static void to_an_application(void **state)
{
	struct shard_forward f = { .application = "ivr" };
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct phone second;

	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1004", &f), 0);
	hold(t, &second);
	phone_invite(&second, "1004", PHONE_SDP_B);
	rig_run(r);
	answer_waiting(r);
	assert_true(phone_hears(&second, "SIP/2.0 200").n);
	phone_ack(&second);
	refer_to(&t->l.b, &second);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_notified(&t->l.b, "SIP/2.0 100", "active");
	answer_waiting(r);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&t->l.b);
	trio_assert_left(&second);
	(void)trio_told_again(&t->l.a, PHONE_SDP_A);
	assert_int_equal(rig_counts(r).calls_established, 1);
	assert_true(line_last_spec(r, 0).alone);
}

/* Killed when all is saved, and before anybody answered: both legs are one call, and the other one ends. */
static void joined_after_a_restart(void **state)
{
	struct trio *t = *state;
	struct phone second;
	struct bytes m;

	hold_and_ask(t, &second, true);
	refer_to(&t->l.b, &second);
	trio_restart(t);
	while ((m = rig_take(t->l.r, &t->l.b.addr, "BYE ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	while ((m = rig_take(t->l.r, &t->l.a.addr, "INVITE ")).n)
		phone_answer(&t->l.a, m, "200 OK", PHONE_SDP_A);
	rig_wait_ms(t->l.r, 40000);
	assert_int_equal(rig_counts(t->l.r).calls, 1);
	trio_assert_talks(t->l.r, 0, 2);
	phone_request(&t->c, "OPTIONS", "", "");
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* The flow of that leg is told to go to where its new peer is, and only that one. */
static bool came_along(const struct rig *r, uint32_t since, uint8_t leg)
{
	bool moved = false;

	for (uint32_t i = since; i < r->media_count; i++) {
		if (r->media[i].kind != MEDIA_FLOW_UPDATE || !r->media[i].moves)
			continue;
		assert_int_equal(r->media[i].spec.leg, leg);
		moved = true;
	}
	return moved;
}

/* The records of both calls change together, and nothing is said before. */
static void joined_in_one_save(void **state)
{
	struct trio *t = *state;
	struct phone second;
	uint32_t saves, updates;

	hold_and_ask(t, &second, true);
	saves = t->l.r->save_count;
	updates = t->l.r->media_count;
	t->l.r->hold_saves = true;
	refer_to(&t->l.b, &second);
	assert_int_equal(t->l.r->save_count, saves + 2);
	assert_true(t->l.r->saves[saves].call != t->l.r->saves[saves + 1].call);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "SIP/2.0 202"), 0);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "NOTIFY "), 0);
	assert_true(came_along(t->l.r, updates, 2)); /* who was held hears the other at once */
	assert_int_equal(line_last_spec(t->l.r, 0).peer.slot, line_last_spec(t->l.r, 2).id.slot);
	assert_int_equal(line_last_spec(t->l.r, 0).send, 1);
}

/* All saves that wait are acknowledged. */
static void saved(struct rig *r)
{
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (!r->saves[i].answered)
			rig_answer(r, i, true);
	}
}

/* Of a leg that has come from another call: what it is told waits for the record of the call where it is. */
static void saved_where_the_leg_is(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct phone second;

	hold_and_ask(t, &second, true);
	refer_to(&t->l.b, &second);
	assert_joined(t, &second);
	phone_request(&t->c, "INVITE", "", SDP_C);
	r->hold_saves = true;
	phone_answer(&t->l.a, rig_take(r, &t->l.a.addr, "INVITE "), "200 OK", PHONE_SDP_A);
	assert_int_equal(rig_count(r, &t->c.addr, "SIP/2.0 200"), 0);
	assert_int_equal(rig_record(r)->call, line_last_spec(r, 2).call);
	saved(r);
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	phone_ack(&t->c);
	saved(r);
	refer(&t->c, "sip:1002@test.local");
	assert_int_equal(rig_count(r, &t->c.addr, "SIP/2.0 202"), 0);
	saved(r);
	assert_true(phone_hears(&t->c, "SIP/2.0 202").n);
}

/* While a save is on its way the calls stay two. */
static void joined_behind_a_save(void **state)
{
	struct trio *t = *state;
	struct phone second;
	uint32_t saves;

	hold_and_ask(t, &second, true);
	saves = t->l.r->save_count;
	t->l.r->hold_saves = true;
	phone_request(&second, "UPDATE", "", ""); /* the other call is being saved */
	assert_int_equal(t->l.r->save_count, saves + 1);
	refer_to(&t->l.b, &second);
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
	t->l.r->hold_saves = false;
	for (uint32_t i = saves; i < t->l.r->save_count; i++)
		rig_answer(t->l.r, i, true);
	rig_wait_ms(t->l.r, 100);
	assert_joined(t, &second);
}

/* As a program wrote it that knew neither who comes nor who is given away. */
static void make_older(struct text *record)
{
	Tandem__Call__Call *in =
		tandem__call__call__unpack(NULL, record->n, (const uint8_t *)record->p);
	uint8_t space[1 << 14];

	assert_non_null(in);
	assert_int_equal(in->transfer->comes, 2);
	assert_int_equal(in->transfer->given, 1);
	in->transfer->comes = in->transfer->given = 0;
	assert_in_range(tandem__call__call__get_packed_size(in), 1, sizeof(space));
	assert_int_equal(text_set(record, bytes_mem(space, tandem__call__call__pack(in, space))),
			 0);
	tandem__call__call__free_unpacked(in, NULL);
}

static void joined_by_an_older_record(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct phone second;
	struct bytes m;

	hold_and_ask(t, &second, true);
	r->hold_saves = true;
	phone_request(&second, "UPDATE", "", ""); /* the other call is being saved */
	refer_to(&t->l.b, &second);
	r->hold_saves = false;
	make_older(&r->saves[r->save_count - 1].record);
	trio_restart(t);
	rig_wait_ms(r, 100);
	while ((m = rig_take(r, &t->l.b.addr, "BYE ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	while ((m = rig_take(r, &t->l.b.addr, "NOTIFY ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	while ((m = rig_take(r, &t->l.b.addr, "BYE ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	(void)trio_told_again(&t->l.a, PHONE_SDP_A);
	rig_wait_ms(r, 40000);
	assert_int_equal(rig_counts(r).calls, 1);
	trio_assert_talks(r, 0, 2);
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* Whom the transferor rings yet is rung for its party. */
static void who_rings_yet(void **state)
{
	struct trio *t = *state;
	struct phone second;

	phones_talk(&t->l.a, &t->l.b);
	phone_open(&second, t->l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(second.tag, sizeof(second.tag), "second");
	phone_invite(&second, "1004", PHONE_SDP_B);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	assert_true(phone_hears(&second, "SIP/2.0 180").n);
	refer_to(&t->l.b, &second);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_true(rig_take(t->l.r, &t->c.addr, "CANCEL ").n);
	phone_answer(&t->c, t->c.invite, "487 Request Terminated", "");
	assert_true(rig_take(t->l.r, &second.addr, "SIP/2.0 480").n);
	phone_write(&second, "ACK", "", "");
	assert_notified(&t->l.b, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(rig_header(t->c.invite, "From"), "sip:1001@"));
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
	assert_int_equal(t->l.r->cdr_count, 3); /* B to C, and the two pairs of the other call */
	assert_string_equal(t->l.r->cdrs[0].reason, "transferred");
	assert_int_equal(t->l.r->cdrs[0].ended_by, ENDED_BY_A);
}

static void not_joined(void **state)
{
	struct bytes elsewhere;
	struct trio *t = *state;
	struct phone second;

	hold_and_ask(t, &second, true);
	refer_to(&t->l.a, &second); /* another's dialog */
	assert_true(phone_hears(&t->l.a, "SIP/2.0 403").n);
	(void)snprintf(second.call_id, sizeof(second.call_id), "no-such-call");
	refer_to(&t->l.b, &second);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 403").n);
	id_tag_put(second.remote_tag, &(struct id_tag){ .call = UINT64_C(8) << 48, .leg = 1 });
	refer_to(&t->l.b, &second); /* of the shard beside this one */
	elsewhere = phone_hears(&t->l.b, "SIP/2.0 501");
	assert_true(rig_has(elsewhere, "the dialog is of another node"));
	refer(&t->l.b, "sip:1004@test.local?Replaces=x");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 400").n);
	refer_to(&t->l.b, &t->l.b); /* the very dialog */
	assert_true(phone_hears(&t->l.b, "SIP/2.0 403").n);
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
}

/* A called B; then C calls both phones of B's extension, and the other one answers. B takes its dialog for one all the same. */
static void a_branch_that_lost(void **state)
{
	struct trio *t = *state;
	struct phone b, second[2];

	phone_open(&second[0], t->l.r, "1003", "192.0.2.15:5060");
	phone_open(&second[1], t->l.r, "1003", "192.0.2.16:5060");
	phones_bind(second, 2);
	b = second[0];
	phones_talk(&b, &t->l.a);
	phone_invite(&t->c, "1003", SDP_C);
	assert_true(phone_rings(&second[0]).n);
	phone_answer(&second[0], second[0].invite, "180 Ringing", "");
	assert_true(phone_rings(&second[1]).n);
	phone_answer(&second[1], second[1].invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	phone_ack(&t->c);
	refer_to(&b, &second[0]);
	assert_true(phone_hears(&b, "SIP/2.0 403").n);
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
}

#define SDP_OF(who, port, version, formats)                                               \
	"v=0\r\no=x 1 " version " IN IP4 192.0.2." who "\r\ns=-\r\nc=IN IP4 192.0.2." who \
	"\r\nt=0 0\r\nm=audio " port " RTP/AVP " formats "\r\na=sendrecv\r\n"

/* B talks with A, and by another dialog with C, in a codec that A's call does not have. */
static void ask_unlike(struct trio *t, struct phone *second)
{
	phones_talk(&t->l.a, &t->l.b);
	phone_open(second, t->l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(second->tag, sizeof(second->tag), "second");
	phone_invite(second, "1004", SDP_OF("12", "5000", "1", "9"));
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "200 OK", SDP_OF("14", "6000", "1", "9"));
	assert_true(phone_hears(second, "SIP/2.0 200").n);
	phone_ack(second);
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	refer_to(&t->l.b, second);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
}

static struct bytes asked_for(struct phone *p, const char *formats)
{
	struct bytes m = rig_take(p->r, &p->addr, "INVITE ");

	assert_true(m.n);
	assert_true(rig_has(m, formats));
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	return m;
}

static void answers(struct phone *p, struct bytes invite, const char *status, const char *sdp)
{
	phone_answer(p, invite, status, sdp);
	assert_true(rig_take(p->r, &p->addr, "ACK ").n);
}

static void assert_rule(struct rig *r, uint8_t leg, uint8_t number)
{
	struct flow_spec s = line_last_spec(r, leg);

	for (uint8_t i = 0; i < s.rule_count; i++) {
		if (s.rules[i].in == number && s.rules[i].out == number)
			return;
	}
	fail_msg("leg %u may not send %u", leg, number);
}

static void no_codec_in_common(void **state)
{
	struct trio *t = *state;
	struct phone second;

	ask_unlike(t, &second);
	answers(&t->l.a, asked_for(&t->l.a, "RTP/AVP 9\r\n"), "488 Not Acceptable Here", "");
	rig_wait_ms(t->l.r, 30);
	answers(&t->c, asked_for(&t->c, "RTP/AVP 8 0 101\r\n"), "488 Not Acceptable Here", "");
	rig_wait_ms(t->l.r, 30);
	assert_notified(&t->l.b, "SIP/2.0 488 Not Acceptable Here\r\n",
			"terminated;reason=noresource");
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
	rig_wait_ms(t->l.r, 60000);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "INVITE "), 1);
	phone_request(&second, "BYE", "", "");
	trio_assert_left(&t->c);
	trio_assert_ends(t, &t->l.a, &t->l.b);
}

/* A had been offered what B has: it has what C has, too. Killed when it was asked, and when it answered. */
static void asked_for_what_c_has(void **state)
{
	for (int killed = 0; killed <= 2; killed++) {
		struct trio *t = *state;
		struct phone second;
		struct bytes m;

		ask_unlike(t, &second);
		m = asked_for(&t->l.a, "RTP/AVP 9\r\n");
		if (killed == 1) {
			trio_restart(t);
			m = asked_for(&t->l.a, "RTP/AVP 9\r\n");
		}
		answers(&t->l.a, m, "200 OK", SDP_OF("11", "4000", "2", "9"));
		if (killed == 2)
			trio_restart(t);
		rig_wait_ms(t->l.r, 100);
		while ((m = rig_take(t->l.r, &t->l.b.addr, "NOTIFY ")).n)
			phone_answer(&t->l.b, m, "200 OK", "");
		while ((m = rig_take(t->l.r, &t->l.b.addr, "BYE ")).n)
			phone_answer(&t->l.b, m, "200 OK", "");
		rig_wait_ms(t->l.r, 60000);
		assert_int_equal(rig_counts(t->l.r).calls, 1);
		trio_assert_talks(t->l.r, 0, 2);
		assert_rule(t->l.r, 0, 9);
		assert_rule(t->l.r, 2, 9);
		assert_int_equal(rig_take(t->l.r, &t->l.a.addr, "INVITE ").n, 0);
		trio_assert_ends(t, &t->c, &t->l.a);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* C takes what A once offered, and not what A has agreed on with B: A is asked for it before B is left. */
static void rung_takes_another_codec(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	assert_true(rig_has(t->c.invite, "RTP/AVP 8 0 101\r\n"));
	answers(&t->c, t->c.invite, "200 OK", SDP_OF("14", "6000", "1", "0"));
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	answers(&t->l.a, asked_for(&t->l.a, "RTP/AVP 0\r\n"), "200 OK",
		SDP_OF("11", "4000", "2", "0"));
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	assert_rule(t->l.r, 0, 0);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* ... and A does not: nor does C take anything else. B has its party back. Killed in between, too. */
static void rung_is_left_again(void **state)
{
	for (int killed = 0; killed <= 2; killed++) {
		struct trio *t = *state;
		struct bytes m;

		phones_talk(&t->l.a, &t->l.b);
		give_away(t, &t->l.b);
		answers(&t->c, t->c.invite, "200 OK", SDP_OF("14", "6000", "1", "0"));
		m = asked_for(&t->l.a, "RTP/AVP 0\r\n");
		if (killed == 1) {
			trio_restart_last(t);
			m = asked_for(&t->l.a, "RTP/AVP 0\r\n");
		}
		answers(&t->l.a, m, "488 Not Acceptable Here", "");
		m = asked_for(&t->c, "RTP/AVP 8 0 101\r\n");
		if (killed == 2) {
			trio_restart_last(t);
			m = asked_for(&t->c, "RTP/AVP 8 0 101\r\n");
		}
		answers(&t->c, m, "488 Not Acceptable Here", "");
		assert_notified(&t->l.b, "SIP/2.0 488 Not Acceptable Here\r\n",
				"terminated;reason=noresource");
		trio_assert_left(&t->c);
		trio_assert_talks(t->l.r, 0, 1);
		assert_rule(t->l.r, 0, 8);
		trio_assert_ends(t, &t->l.a, &t->l.b);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* ... and B has left meanwhile: nobody is there to have A back. */
static void rung_and_left_by_all(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	answers(&t->c, t->c.invite, "200 OK", SDP_OF("14", "6000", "1", "0"));
	phone_request(&t->l.b, "BYE", "", "");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	answers(&t->l.a, asked_for(&t->l.a, "RTP/AVP 0\r\n"), "488 Not Acceptable Here", "");
	answers(&t->c, asked_for(&t->c, "RTP/AVP 8 0 101\r\n"), "488 Not Acceptable Here", "");
	trio_assert_left(&t->l.a);
	trio_assert_left(&t->c);
	line_assert_idle(t->l.r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TRIO_TEST(attended),
		TRIO_TEST(to_an_application),
		TRIO_TEST(joined_behind_the_ack),
		TRIO_TEST(joined_after_a_restart),
		TRIO_TEST(joined_with_another_line),
		TRIO_TEST(joined_in_one_save),
		TRIO_TEST(joined_behind_a_save),
		TRIO_TEST(saved_where_the_leg_is),
		TRIO_TEST(joined_by_an_older_record),
		TRIO_TEST(who_rings_yet),
		TRIO_TEST(not_joined),
		TRIO_TEST(a_branch_that_lost),
		TRIO_TEST(no_codec_in_common),
		TRIO_TEST(asked_for_what_c_has),
		TRIO_TEST(rung_takes_another_codec),
		TRIO_TEST(rung_is_left_again),
		TRIO_TEST(rung_and_left_by_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
