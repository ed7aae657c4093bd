/* SPDX-License-Identifier: Apache-2.0 */
/* REFER to the focus by a member whose call is of another shard than the conference (RFC 4579 5.5 to 5.11; FEATURES CONF-03, CONF-05). */

#include "tests/unit/sig/claims.h"

/* A of shard 7 has called the room first, and C of shard 8 is in it, too. */
static struct claims *begins(void **state)
{
	struct claims *x = *state;
	struct phone *a = &x->f.near.l.a, *c = &x->f.near.c;
	uint64_t room;

	claims_dials(x, a);
	room = claims_park(x->f.near.l.r, PARK_ROOM_CLAIM)->call;
	claims_told(x, x->f.near.l.r, PARK_OK, 0);
	claims_is_in(x, a);
	claims_dials(x, c);
	claims_told(x, x->f.other, PARK_TAKEN, room);
	claims_is_in(x, c);
	assert_int_equal(claims_room(x->f.near.l.r).members, 2);
	return x;
}

static struct bytes asks(struct claims *x, struct phone *p, const char *to, const char *status)
{
	refer(p, to);
	far_wait_ms(&x->f, 40);
	return rig_take(p->r, &p->addr, status);
}

/* It is told of the REFER that it sent. */
static void notified(struct claims *x, struct phone *p, const char *fragment, const char *state)
{
	char id[32];
	struct bytes m = rig_take(p->r, &p->addr, "NOTIFY ");

	(void)snprintf(id, sizeof(id), "Event: refer;id=%u\r\n", p->cseq);
	assert_true(m.n);
	assert_true(rig_has(m, id));
	assert_true(rig_has(m, state));
	assert_true(rig_has(m, fragment));
	phone_answer(p, m, "200 OK", "");
	far_wait_ms(&x->f, 40);
}

static void brings(struct claims *x, struct phone *p, struct phone *of_party)
{
	assert_true(asks(x, p, "sip:1002@test.local", "SIP/2.0 202").n);
	notified(x, p, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_true(phone_rings(of_party).n);
	phone_answer(of_party, of_party->invite, "200 OK", PHONE_SDP_B);
	far_wait_ms(&x->f, 100);
	notified(x, p, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
}

static void added(void **state)
{
	struct claims *x = begins(state);
	struct members all;
	struct bytes m;

	brings(x, &x->f.near.c, &x->f.near.l.b);
	assert_true(rig_has(x->f.near.l.b.invite, "From: <sip:1004@")); /* who asked */
	all = members_of(x->f.near.l.r, claims_room(x->f.near.l.r).room);
	assert_int_equal(all.count, 3);
	assert_int_equal(member_from(&all, "1002")->inviter, member_from(&all, "1004")->number);
	assert_true(asks(x, &x->f.near.c, "sip:1002@elsewhere.example", "SIP/2.0 404").n);
	m = asks(x, &x->f.near.c, "sip:1009@test.local", "SIP/2.0 480");
	assert_true(m.n);
	assert_int_equal(rig_take(x->f.other, &x->f.near.c.addr, "NOTIFY ").n, 0);
}

/* CONF-07, CONF-11: the rules are those of its own shard. */
static void dropped(void **state)
{
	struct claims *x = begins(state);
	struct bytes m;

	brings(x, &x->f.near.c, &x->f.near.l.b);
	m = asks(x, &x->f.near.c, "sip:1001@test.local;method=BYE", "SIP/2.0 403");
	assert_true(rig_has(m, "Warning: 399 tandem \"only the host"));
	assert_true(asks(x, &x->f.near.c, "sip:1002@test.local;method=BYE", "SIP/2.0 202").n);
	notified(x, &x->f.near.c, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	trio_assert_left(&x->f.near.l.b);
	assert_true(asks(x, &x->f.near.c, "sip:1002@test.local;method=OPTIONS", "SIP/2.0 501").n);
}

/* Its phone need not be told. */
static void not_told(void **state)
{
	struct claims *x = begins(state);
	struct phone *c = &x->f.near.c;

	phone_request(c, "REFER", "Refer-To: <sip:1002@test.local>\r\nRefer-Sub: false\r\n", "");
	far_wait_ms(&x->f, 40);
	assert_true(rig_has(rig_take(c->r, &c->addr, "SIP/2.0 202"), "Refer-Sub: false\r\n"));
	assert_int_equal(rig_take(c->r, &c->addr, "NOTIFY ").n, 0);
	assert_true(phone_rings(&x->f.near.l.b).n);
}

/* Its phone knows nothing of such a subscription, and answers NOTIFY with 481: its call goes on (RFC 6665 4.2.2). */
static void forgotten(void **state)
{
	struct claims *x = begins(state);
	struct phone *c = &x->f.near.c;
	struct bytes m;

	assert_true(asks(x, c, "sip:1002@test.local", "SIP/2.0 202").n);
	m = rig_take(c->r, &c->addr, "NOTIFY ");
	assert_true(m.n);
	phone_answer(c, m, "481 Call/Transaction Does Not Exist", "");
	far_wait_ms(&x->f, 200);
	assert_int_equal(claims_room(x->f.near.l.r).members, 2);
	phone_request(c, "OPTIONS", "", "");
	assert_true(phone_hears(c, "SIP/2.0 200").n);
}

/* A successor of its own shard knows that it is in one, and says so. */
static void killed(void **state)
{
	struct claims *x = begins(state);
	struct phone *c = &x->f.near.c;
	struct bytes m;

	far_wait_ms(&x->f, 200);
	claims_killed(x, x->f.other);
	c->cseq += 100;
	phone_request(c, "OPTIONS", "", "");
	m = phone_hears(c, "SIP/2.0 200");
	assert_true(rig_has(rig_header(m, "Contact"), "<sip:700@192.0.2.1:5060>;isfocus"));
	brings(x, c, &x->f.near.l.b);
}

/* C has called D on another line. */
struct lines {
	struct phone c2, d;
};

static void second_line(struct claims *x, struct lines *l)
{
	phone_open(&l->d, x->f.other, "1003", "192.0.2.13:5060");
	phone_bind(&l->d);
	phone_open(&l->c2, x->f.other, "1004", "192.0.2.14:5070");
	(void)snprintf(l->c2.tag, sizeof(l->c2.tag), "t1004second");
	phones_talk(&l->c2, &l->d);
}

static struct bytes asks_for(struct claims *x, const struct phone *of, const char *status)
{
	char to[512];

	(void)snprintf(to, sizeof(to),
		       "sip:1003@test.local?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       of->call_id, of->remote_tag, of->tag);
	return asks(x, &x->f.near.c, to, status);
}

static void asks_for_dialog(struct claims *x, const struct phone *of)
{
	assert_true(asks_for(x, of, "SIP/2.0 202").n);
	notified(x, &x->f.near.c, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
}

/* What its room asks the other shard for is said there. */
static int gives(struct claims *x)
{
	struct rig *of = x->f.near.l.r;
	struct shard_conference_give give = { .call = of->to_conference.call,
					      .room = of->to_conference.room,
					      .dialog = of->to_conference.dialog,
					      .leaves = bytes_str(of->to_conference.user) };
	int err = shard_conference_give(x->f.other->shard, TENANT_DEFAULT, &give, x->f.other->now);

	rig_run(x->f.other);
	far_wait_ms(&x->f, 300);
	return err;
}

/* C, who has asked for B, gives its place to D. */
static void gives_place(struct claims *x, struct lines *l)
{
	struct phone *c = &x->f.near.c;
	char to[512];

	(void)snprintf(to, sizeof(to),
		       "sip:700@test.local?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       c->call_id, c->remote_tag, c->tag);
	assert_true(asks(x, &l->c2, to, "SIP/2.0 202").n);
	trio_assert_left(c);
	far_wait_ms(&x->f, 200);
}

static void asks_for_b(struct claims *x)
{
	assert_true(asks(x, &x->f.near.c, "sip:1002@test.local", "SIP/2.0 202").n);
	notified(x, &x->f.near.c, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_true(phone_rings(&x->f.near.l.b).n);
}

static void b_comes(struct claims *x)
{
	phone_answer(&x->f.near.l.b, x->f.near.l.b.invite, "200 OK", PHONE_SDP_B);
	far_wait_ms(&x->f, 100);
	assert_int_equal(claims_room(x->f.near.l.r).members, 3);
}

/* It gives its place to D, who has asked for nobody: what becomes of that D does not hear. */
static void given_away(void **state)
{
	struct claims *x = begins(state);
	struct lines l;

	second_line(x, &l);
	asks_for_b(x);
	gives_place(x, &l);
	b_comes(x);
	assert_int_equal(rig_take(x->f.other, &l.d.addr, "NOTIFY ").n, 0);
}

/* The process that knew who had asked was killed: D says that it was not it, and stays. */
static void a_stranger_in_its_place(void **state)
{
	struct claims *x = begins(state);
	struct lines l;
	struct bytes m;

	second_line(x, &l);
	asks_for_b(x);
	far_wait_ms(&x->f, 200);
	claims_killed(x, x->f.other);
	x->f.near.c.cseq += 100;
	l.c2.cseq += 100;
	gives_place(x, &l);
	b_comes(x);
	m = rig_take(x->f.other, &l.d.addr, "NOTIFY ");
	assert_true(m.n);
	phone_answer(&l.d, m, "481 Call/Transaction Does Not Exist", "");
	far_wait_ms(&x->f, 200);
	assert_int_equal(claims_room(x->f.near.l.r).members, 3);
}

/* RFC 4579 5.8: D comes, and that line is left. */
static void asked_twice(void **state)
{
	struct claims *x = begins(state);
	struct lines l;

	second_line(x, &l);
	asks_for_dialog(x, &l.c2);
	assert_true(asks_for(x, &l.c2, "SIP/2.0 491").n);
	assert_int_equal(gives(x), 0);
	x->f.near.c.cseq--; /* of the first one it is told */
	notified(x, &x->f.near.c, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
}

static void a_call_comes(void **state)
{
	struct claims *x = begins(state);
	struct lines l;

	second_line(x, &l);
	asks_for_dialog(x, &l.c2);
	assert_string_equal(x->f.near.l.r->to_conference.user, "1004");
	assert_int_equal(x->f.near.l.r->to_conference.room, claims_room(x->f.near.l.r).room);
	assert_int_equal(gives(x), 0);
	notified(x, &x->f.near.c, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	trio_assert_left(&l.c2);
	assert_int_equal(claims_room(x->f.near.l.r).members, 3);
	assert_int_equal(gives(x), REFUSED_NO_CALL); /* said twice */
	assert_int_equal(claims_room(x->f.near.l.r).members, 3);
}

/* Nobody gives a stranger's party, and he is told in the end. */
static void a_stranger_stays(void **state)
{
	struct claims *x = begins(state);
	struct lines l;

	second_line(x, &l);
	asks_for_dialog(x, &l.d);
	assert_int_equal(gives(x), REFUSED_NO_CALL);
	assert_int_equal(x->f.near.l.r->to_conference.count, 1);
	far_wait_ms(&x->f, 11000);
	assert_true(x->f.near.l.r->to_conference.count > 5);
	notified(x, &x->f.near.c, "SIP/2.0 480 ", "Subscription-State: terminated");
	assert_int_equal(claims_room(x->f.near.l.r).members, 2);
}

/* C speaks with an application in place of the room. */
static void is_taken_out(struct claims *x)
{
	const struct shard_order by = { .id = 77, .ticket = 9 };
	struct shard_split split = { .to = UINT64_C(0x8800000000001),
				     .leg = SHARD_LEG_CALLER,
				     .application = "ivr",
				     .by = &by };
	struct phone *c = &x->f.near.c;
	struct call_view view;
	uint32_t cursor = 0;
	struct bytes m;

	assert_true(shard_call_next(x->f.other->shard, &cursor, &view));
	split.call = view.call;
	assert_int_equal(shard_call_split(x->f.other->shard, &split, x->f.other->now), 0);
	rig_run(x->f.other);
	far_wait_ms(&x->f, 100);
	m = rig_take(c->r, &c->addr, "INVITE ");
	if (m.n)
		phone_answer(c, m, "200 OK", PHONE_SDP_A);
	far_wait_ms(&x->f, 100);
}

/* RFC 3515 2.4.5: what it asked for goes on, and its subscription is over. What the conference says later is nothing to it. */
static void left_meanwhile(void **state)
{
	struct claims *x = begins(state);
	struct phone *c = &x->f.near.c;

	asks_for_b(x);
	is_taken_out(x);
	notified(x, c, "SIP/2.0 100 Trying\r\n", "Subscription-State: terminated");
	phone_answer(&x->f.near.l.b, x->f.near.l.b.invite, "200 OK", PHONE_SDP_B);
	far_wait_ms(&x->f, 200);
	assert_int_equal(rig_take(c->r, &c->addr, "NOTIFY ").n, 0);
}

/* It was told of it: that nobody has answered is not true. */
static void answer_is_lost(void **state)
{
	struct claims *x = begins(state);
	struct phone *c = &x->f.near.c;

	x->f.lost = x->f.passed + 2;
	assert_int_equal(asks(x, c, "sip:1002@test.local", "SIP/2.0 202").n, 0);
	notified(x, c, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	rig_wait_ms(x->f.other, 33000);
	assert_int_equal(rig_take(c->r, &c->addr, "SIP/2.0 504").n, 0);
	assert_true(rig_take(c->r, &c->addr, "SIP/2.0 202").n);
}

/* By whom he says he is: SUBSCRIBE and REFER outside of a dialog go to the shard that has the room. */
static uint16_t shard_for(struct rig *r, const char *method, const char *to, const char *from)
{
	struct message_error error;
	struct sip_message m;
	char text[512];
	uint16_t shard;
	int n = snprintf(text, sizeof(text),
			 "%s sip:%s@test.local SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.14:5060;branch=z9hG4bKx\r\n"
			 "From: <sip:%s@test.local>;tag=x\r\nTo: <sip:%s@test.local>\r\n"
			 "Call-ID: x\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
			 method, to, from, to, method);

	assert_int_equal(message_parse(&m, bytes_mem(text, (size_t)n), &error), 0);
	shard = shard_focus_shard(r->shard, &m);
	message_close(&m);
	return shard;
}

static void its_shard(void **state)
{
	struct claims *x = begins(state);
	struct rig *here = x->f.near.l.r, *other = x->f.other;

	assert_int_equal(shard_for(other, "SUBSCRIBE", "700", "1004"), 7);
	assert_int_equal(shard_for(other, "REFER", "700", "1004"), 7);
	assert_int_equal(shard_for(here, "SUBSCRIBE", "700", "1004"), 7);
	assert_int_equal(shard_for(here, "SUBSCRIBE", "700", "1002"), 0);
	assert_int_equal(shard_for(other, "SUBSCRIBE", "700", "1001"), 0);
	assert_int_equal(shard_for(other, "SUBSCRIBE", "701", "1004"), 0);
	assert_int_equal(shard_for(other, "INVITE", "700", "1004"), 0);
	far_wait_ms(&x->f, 200);
	claims_killed(x, other);
	assert_int_equal(shard_for(other, "SUBSCRIBE", "700", "1004"), 7);
	claims_hangs_up(x, &x->f.near.l.a); /* C goes on alone */
	assert_int_equal(shard_for(other, "SUBSCRIBE", "700", "1004"), 7);
	x->f.near.c.cseq += 100;
	claims_hangs_up(x, &x->f.near.c);
	assert_int_equal(shard_for(other, "SUBSCRIBE", "700", "1004"), 0);
}

/* Whom it gives to somebody else by a call of two is given away, as ever. */
static void of_two(void **state)
{
	struct claims *x = *state;
	struct far *f = &x->f;

	phones_talk(&f->near.l.a, &f->near.l.b);
	assert_true(asks(x, &f->near.l.b, "sip:1004@test.local", "SIP/2.0 202").n);
	assert_true(rig_has(rig_take(f->near.l.r, &f->near.l.b.addr, "NOTIFY "), "SIP/2.0 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_TEST(added),          CLAIM_TEST(dropped),
		CLAIM_TEST(not_told),       CLAIM_TEST(forgotten),
		CLAIM_TEST(killed),         CLAIM_TEST(a_call_comes),
		CLAIM_TEST(asked_twice),    CLAIM_TEST(a_stranger_stays),
		CLAIM_TEST(its_shard),      CLAIM_TEST(of_two),
		CLAIM_TEST(given_away),     CLAIM_TEST(left_meanwhile),
		CLAIM_TEST(answer_is_lost), CLAIM_TEST(a_stranger_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
