/* SPDX-License-Identifier: Apache-2.0 */
/* REFER to the focus of a conference (RFC 4579 5.5 to 5.11; FEATURES CONF-03, CONF-05, CONF-07, CONF-11). */

#include "tests/unit/sig/conferences.h"

static char g_uri[64]; /* of the conference */

/* A, B and C are members 1, 2 and 3. */
static struct rig *begins(struct party *p)
{
	char id[ID_TEXT_LEN + 1] = "";

	id_call_put(id, ROOM);
	(void)snprintf(g_uri, sizeof(g_uri), "sip:conf-%s@test.local", id);
	party_confers(p);
	return p->t.l.r;
}

static struct bytes asks(struct phone *p, const char *to, const char *status)
{
	refer(p, to);
	rig_wait_ms(p->r, 20);
	return rig_take(p->r, &p->addr, status);
}

static void accepted(struct phone *p, const char *to, const char *fragment, const char *state)
{
	assert_true(asks(p, to, "SIP/2.0 202").n);
	assert_notified(p, fragment, state);
}

static void trying(struct phone *p, const char *to)
{
	accepted(p, to, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
}

static void done(struct phone *p, const char *to)
{
	accepted(p, to, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
}

static void refused(struct phone *p, const char *to, const char *status, const char *why)
{
	struct bytes m = asks(p, to, status);

	assert_true(m.n);
	assert_true(!why || rig_has(m, why));
	assert_int_equal(rig_take(p->r, &p->addr, "NOTIFY ").n, 0);
}

static void rings_and(struct party *p, const char *status, const char *sdp)
{
	rig_wait_ms(p->t.l.r, 20);
	assert_true(phone_rings(&p->d).n);
	phone_answer(&p->d, p->d.invite, status, sdp);
	rig_wait_ms(p->t.l.r, 100);
}

static void added(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct members all;

	trying(&p->t.l.b, "sip:1003@test.local");
	rings_and(p, "200 OK", PHONE_SDP_B);
	assert_true(rig_has(p->d.invite, "From: <sip:1002@")); /* who asked */
	assert_notified(&p->t.l.b, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	assert_int_equal(conference_of(r, ROOM).members, 4);
	all = members_of(r, ROOM);
	assert_int_equal(member_from(&all, "1003")->inviter, 2);
	refused(&p->t.l.a, "sip:1009@test.local;method=INVITE", "SIP/2.0 480", NULL);
}

/* If nobody comes it goes on as it was (CONF-06). */
static void not_added(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);

	trying(&p->t.l.a, "sip:1003@test.local");
	rings_and(p, "486 Busy Here", "");
	assert_notified(&p->t.l.a, "SIP/2.0 486 ", "Subscription-State: terminated");
	assert_int_equal(conference_of(r, ROOM).members, 3);
	assert_int_equal(conference_of(r, ROOM).asking, 0);
	refused(&p->t.l.a, "sip:1009@test.local", "SIP/2.0 480", NULL);
	refused(&p->t.l.a, "sip:1003@elsewhere.example", "SIP/2.0 404", NULL);
	refused(&p->t.l.a, "sip:1003@test.local;method=OPTIONS", "SIP/2.0 501", NULL);
	refused(&p->t.l.a, "sip:1003@test.local;member=7", "SIP/2.0 400", NULL);
	refused(&p->t.l.a, "mailto:1003@test.local", "SIP/2.0 4", NULL);
}

/* CONF-02 */
static void full(void **state)
{
	struct party *p = *state;
	struct shard_settings s = p->t.l.r->settings;

	s.conferences.station_members = 3;
	shard_configure(p->t.l.r->shard, &s);
	(void)begins(p);
	refused(&p->t.l.a, "sip:1003@test.local", "SIP/2.0 486", "the maximum number of members");
}

static void locked(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	const struct shard_room_order o = { .act = SHARD_ROOM_LOCK };

	assert_int_equal(shard_conference_order(r->shard, ROOM, &o, r->now), 0);
	refused(&p->t.l.b, "sip:1003@test.local", "SIP/2.0 403", "locked");
	trying(&p->t.l.a, "sip:1003@test.local"); /* its host may */
}

/* CONF-07, CONF-11 */
static void dropped(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct members all;
	char to[96], id[ID_TEXT_LEN + 1] = "";

	refused(&p->t.l.b, "sip:1004@test.local;method=BYE", "SIP/2.0 403", "only the host");
	refused(&p->t.l.a, "sip:1003@test.local;method=BYE", "SIP/2.0 404", "no such member");
	trying(&p->t.l.b, "sip:1003@test.local");
	rings_and(p, "200 OK", PHONE_SDP_B);
	assert_notified(&p->t.l.b, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	refused(&p->t.c, "sip:1003@test.local;method=BYE", "SIP/2.0 403", "only the host");
	done(&p->t.l.b, "sip:1003@test.local;method=BYE"); /* it brought it */
	trio_assert_left(&p->d);
	rig_wait_ms(r, 100);
	all = members_of(r, ROOM);
	assert_int_equal(all.count, 3);
	id_call_put(id, member_from(&all, "1004")->call);
	(void)snprintf(to, sizeof(to), "sip:1004@test.local;method=BYE;member=%s", id);
	done(&p->t.l.a, to);
	trio_assert_left(&p->t.c);
}

/* Who rings yet is left. */
static void dropped_early(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);

	trying(&p->t.l.a, "sip:1003@test.local");
	rig_wait_ms(r, 20);
	assert_true(phone_rings(&p->d).n);
	phone_answer(&p->d, p->d.invite, "180 Ringing", "");
	rig_wait_ms(r, 20);
	assert_true(asks(&p->t.l.a, "sip:1003@test.local;method=BYE", "SIP/2.0 202").n);
	rig_wait_ms(r, 20);
	assert_true(rig_take(r, &p->d.addr, "CANCEL ").n);
	assert_int_equal(conference_of(r, ROOM).asking, 0);
}

static void second_line(struct party *p, struct phone *c2)
{
	phone_open(c2, p->t.l.r, "1004", "192.0.2.14:5070");
	(void)snprintf(c2->tag, sizeof(c2->tag), "t1004second");
	phones_talk(c2, &p->d);
}

/* C has called D on another line: D comes, and that line is left. */
static void a_call_comes(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct phone c2;
	char to[512];

	second_line(p, &c2);
	(void)snprintf(to, sizeof(to),
		       "sip:1003@test.local?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       c2.call_id, c2.remote_tag, c2.tag);
	refused(&p->t.l.b, to, "SIP/2.0 403", "another's");
	done(&p->t.c, to);
	rig_wait_ms(r, 200);
	trio_assert_left(&c2);
	assert_int_equal(conference_of(r, ROOM).members, 4);
	refused(&p->t.c, "sip:x@test.local?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc", "SIP/2.0 403",
		"no such call");
}

/* The same from the other line: it gives its party to the conference. Who is no member cannot. */
static void a_party_is_given(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct phone c2;

	second_line(p, &c2);
	done(&c2, g_uri);
	rig_wait_ms(r, 200);
	trio_assert_left(&c2);
	assert_int_equal(conference_of(r, ROOM).members, 4);
}

static const char *with_place(const struct phone *p)
{
	static char to[512];

	(void)snprintf(to, sizeof(to), "%s?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s", g_uri,
		       p->call_id, p->remote_tag, p->tag);
	return to;
}

/* RFC 5589 7: C has called D on another line, and gives it its place: both its calls are left. Nobody gives a place that is another's. */
static void a_place_is_given(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct members all;
	struct phone c2;

	second_line(p, &c2);
	refused(&c2, with_place(&p->t.l.b), "SIP/2.0 403", NULL);
	done(&c2, with_place(&p->t.c));
	rig_wait_ms(r, 200);
	trio_assert_left(&c2);
	trio_assert_left(&p->t.c);
	all = members_of(r, ROOM);
	assert_int_equal(all.count, 3);
	(void)member_from(&all, "1003");
	assert_int_equal(conference_of(r, ROOM).host, 1);
}

/* A phone may hang up as soon as it hears 200: by then its party is in the conference. */
static void hangs_up_at_once(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct members all;
	struct phone c2;

	second_line(p, &c2);
	r->hold_saves = true;
	refer(&c2, with_place(&p->t.c));
	rig_wait_ms(r, 5); /* the store is a while behind */
	r->hold_saves = false;
	rig_wait_ms(r, 1);
	assert_notified(&c2, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	phone_request(&c2, "BYE", "", "");
	phone_request(&p->t.c, "BYE", "", "");
	rig_wait_ms(r, 200);
	all = members_of(r, ROOM);
	assert_int_equal(all.count, 3);
	(void)member_from(&all, "1003");
}

/* The store may be so fast that the room has had no turn yet. */
static void hangs_up_before_a_turn(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct members all;
	struct phone c2;

	second_line(p, &c2);
	refer(&c2, with_place(&p->t.c));
	assert_notified(&c2, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	phone_request(&c2, "BYE", "", "");
	phone_request(&p->t.c, "BYE", "", "");
	rig_wait_ms(r, 200);
	all = members_of(r, ROOM);
	assert_int_equal(all.count, 3);
	(void)member_from(&all, "1003");
}

/* Who has it is host then. */
static void the_place_of_the_host(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct members all;
	struct phone a3;

	phone_open(&a3, r, "1001", "192.0.2.11:5090");
	(void)snprintf(a3.tag, sizeof(a3.tag), "third");
	phones_talk(&a3, &p->d);
	done(&a3, with_place(&p->t.l.a));
	rig_wait_ms(r, 200);
	trio_assert_left(&p->t.l.a);
	all = members_of(r, ROOM);
	assert_int_equal(all.count, 3);
	assert_true(member_from(&all, "1003")->host);
}

/* CONF-04: of the calls that came to a phone only those of who has call waiting. */
static void incoming_with_call_waiting(void **state)
{
	const struct shard_forward single = { .call_waiting = CALL_WAITING_SINGLE };
	struct party *p = *state;
	struct rig *r = begins(p);
	struct shard_settings s = r->settings;
	struct phone c2;
	char to[512];

	s.conferences.incoming_bound = true;
	shard_configure(r->shard, &s);
	phone_open(&c2, r, "1004", "192.0.2.14:5060");
	(void)snprintf(c2.tag, sizeof(c2.tag), "incoming");
	phones_talk(&p->d, &c2);
	(void)snprintf(to, sizeof(to),
		       "sip:1003@test.local?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       c2.call_id, c2.remote_tag, c2.tag);
	refused(&p->t.c, to, "SIP/2.0 403", "no call waiting");
	refused(&c2, g_uri, "SIP/2.0 403", "no call waiting");
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1004", &single), 0);
	done(&p->t.c, to);
	rig_wait_ms(r, 200);
	trio_assert_left(&c2);
	assert_int_equal(conference_of(r, ROOM).members, 4);
}

static void killed(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);

	trying(&p->t.l.a, "sip:1003@test.local");
	rig_wait_ms(r, 20);
	assert_true(phone_rings(&p->d).n);
	phone_answer(&p->d, p->d.invite, "180 Ringing", "");
	rig_wait_ms(r, 100);
	party_restart(p, true, true);
	phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 200);
	assert_notified(&p->t.l.a, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	assert_int_equal(conference_of(r, ROOM).members, 4);
}

/* As soon as it is in the store whom it rings, it is there, too, who wants to know. */
static void killed_at_once(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);

	trying(&p->t.l.a, "sip:1003@test.local");
	rig_wait_ms(r, 20);
	assert_true(phone_rings(&p->d).n);
	party_restart(p, true, true);
	phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 200);
	assert_notified(&p->t.l.a, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
}

/* Its 202 was lost with the process, and who was rung did not want: nobody is rung again. */
static void comes_again(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);

	trying(&p->t.l.a, "sip:1003@test.local");
	rig_wait_ms(r, 20);
	assert_true(phone_rings(&p->d).n);
	phone_answer(&p->d, p->d.invite, "486 Busy Here", "");
	rig_wait_ms(r, 100);
	party_restart(p, true, true);
	p->t.l.a.cseq--;
	assert_true(asks(&p->t.l.a, "sip:1003@test.local", "SIP/2.0 202").n);
	rig_wait_ms(r, 100);
	assert_int_equal(phone_rings(&p->d).n, 0);
	assert_true(asks(&p->t.l.a, "sip:1003@test.local", "SIP/2.0 202").n);
	rig_wait_ms(r, 100);
	assert_true(phone_rings(&p->d).n);
}

/* To its URI, by a member; nobody else may. */
static void outside(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct phone w;
	struct bytes m;

	phone_open(&w, r, "1003", "192.0.2.13:5070");
	phone_begin(&w, "x");
	(void)snprintf(w.target, sizeof(w.target), "%s", g_uri);
	refused(&w, "sip:1004@test.local;method=BYE", "SIP/2.0 403", NULL);
	phone_open(&w, r, "1001", "192.0.2.11:5090");
	phone_begin(&w, "x");
	(void)snprintf(w.target, sizeof(w.target), "%s", g_uri);
	refer(&w, "sip:1003@test.local");
	rig_wait_ms(r, 20);
	m = phone_hears(&w, "SIP/2.0 202");
	assert_true(rig_has(rig_header(m, "Contact"), "sip:"));
	assert_notified(&w, "SIP/2.0 100 Trying\r\n", "Subscription-State: terminated");
	rings_and(p, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_take(r, &w.addr, "NOTIFY ").n, 0);
	assert_int_equal(conference_of(r, ROOM).members, 4);
}

/* ---- whom it is charged to (TRUST-02) ---- */

static struct quota *g_quota;

static void quota_anew(void)
{
	const struct quota_settings none = { .capacity = { 50, 500, 500 } };
	struct rand_source rand;

	rand_open_seed(&rand, 5);
	assert_int_equal(quota_open(&g_quota, &none, &rand), 0);
}

static int limited_setup(void **state)
{
	struct shard_settings s = rig_settings();

	quota_anew();
	s.quota = quota_of(g_quota);
	return party_open(state, rig_open_with(&s));
}

static int limited_teardown(void **state)
{
	(void)line_teardown(state);
	quota_close(g_quota);
	return 0;
}

/* Phones of this rig are peers by their address; what has its password is an extension. */
static void limit(struct party *p, enum quota_kind kind, uint32_t calls, uint32_t per_s)
{
	struct quota_settings limits = { .capacity = { 50, 500, 500 } };
	struct rig *r = p->t.l.r;

	limits.limits[kind].of[QUOTA_CALLS] = calls;
	limits.limits[kind].of[QUOTA_CALL_RATE] = per_s;
	quota_configure(g_quota, &limits);
	r->settings.trusted_count = kind == QUOTA_PEER;
	shard_configure(r->shard, &r->settings);
}

static uint64_t held(void)
{
	return quota_held(g_quota, QUOTA_PEER, QUOTA_CALLS);
}

/* What a pair's parties go on in is charged to whom their call was; and who is rung to whom asked for it. */
static void charged(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);

	limit(p, QUOTA_PEER, 3, 0);
	assert_int_equal(held(), 3);
	refused(&p->t.l.a, "sip:1003@test.local", "SIP/2.0 503", "too many calls at once");
	assert_int_equal(r->security.kind, SECURITY_QUOTA);
	assert_int_equal(conference_of(r, ROOM).asking, 0);
	trying(&p->t.l.b, "sip:1003@test.local");
	assert_int_equal(held(), 4);
	rings_and(p, "486 Busy Here", "");
	assert_notified(&p->t.l.b, "SIP/2.0 486 ", "Subscription-State: terminated");
	assert_int_equal(held(), 3);
}

/* Whoever goes on with the node charges the same: who rings and who has come, also those whose caller is gone. */
static void charged_over_a_kill(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct quota *before = g_quota;

	trying(&p->t.l.b, "sip:1003@test.local");
	rings_and(p, "200 OK", PHONE_SDP_B);
	assert_notified(&p->t.l.b, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	phone_request(&p->t.l.a, "BYE", "", ""); /* who pays for B and C */
	rig_wait_ms(r, 100);
	assert_int_equal(held(), 3);
	quota_anew();
	r->settings.quota = quota_of(g_quota);
	party_restart(p, true, true);
	quota_close(before);
	assert_int_equal(held(), 3);
	limit(p, QUOTA_PEER, 1, 0);
	refused(&p->t.l.b, "sip:1001@test.local", "SIP/2.0 503", "too many calls at once");
}

static void charged_a_second(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);

	limit(p, QUOTA_EXTENSION, 0, 1);
	for (int i = 0; i < QUOTA_BURST_S; i++) {
		trying(&p->t.l.b, "sip:1003@test.local");
		rings_and(p, "486 Busy Here", "");
		assert_notified(&p->t.l.b, "SIP/2.0 486 ", "Subscription-State: terminated");
	}
	refused(&p->t.l.b, "sip:1003@test.local", "SIP/2.0 486", "too many calls a second");
	trying(&p->t.l.a, "sip:1003@test.local");
	rings_and(p, "486 Busy Here", "");
	assert_notified(&p->t.l.a, "SIP/2.0 486 ", "Subscription-State: terminated");
	rig_wait_ms(r, 1100);
	trying(&p->t.l.b, "sip:1003@test.local");
}

/* A transfer is a call that its sender begins, however it is told. */
static void transfers_a_second(void **state)
{
	struct party *p = *state;
	struct phone *b = &p->t.l.b;

	phones_talk(&p->t.l.a, b);
	limit(p, QUOTA_EXTENSION, 0, 1);
	for (int i = 0; i < QUOTA_BURST_S; i++) {
		trying(b, "sip:1003@test.local");
		rings_and(p, "486 Busy Here", "");
		assert_notified(b, "SIP/2.0 486 ", "Subscription-State: terminated");
		while (rig_take(b->r, &b->addr, "INVITE ").n) /* is not held any more */
			phone_answer(b, b->invite, "200 OK", PHONE_SDP_B);
	}
	refused(b, "sip:1003@test.local", "SIP/2.0 486", "too many calls a second");
	assert_int_equal(b->r->security.kind, SECURITY_QUOTA);
}

/* However many ask for it: a number rings once for a conference. */
static void rings_once(void **state)
{
	struct party *p = *state;
	struct rig *r = begins(p);
	struct shard_conference_request o = { .room = ROOM, .rung = RUNG, .to = "1003" };

	trying(&p->t.l.a, "sip:1003@test.local");
	refused(&p->t.l.a, "sip:1003@test.local", "SIP/2.0 486", "being rung for the conference");
	refused(&p->t.l.b, "sip:1003@test.local", "SIP/2.0 486", "being rung for the conference");
	assert_int_equal(shard_conference_ring(r->shard, &o, r->now), REFUSED_RINGS_ALREADY);
	assert_int_equal(conference_of(r, ROOM).asking, 1);
	party_restart(p, true, true);
	refused(&p->t.l.b, "sip:1003@test.local", "SIP/2.0 486", "being rung for the conference");
	rings_and(p, "486 Busy Here", "");
	trying(&p->t.l.b, "sip:1003@test.local");
}

#define LIMITED_TEST(fn) cmocka_unit_test_setup_teardown(fn, limited_setup, limited_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST(added),
		PARTY_TEST(not_added),
		PARTY_TEST(full),
		PARTY_TEST(locked),
		PARTY_TEST(dropped),
		PARTY_TEST(dropped_early),
		PARTY_TEST(a_call_comes),
		PARTY_TEST(a_party_is_given),
		PARTY_TEST(a_place_is_given),
		PARTY_TEST(hangs_up_at_once),
		PARTY_TEST(hangs_up_before_a_turn),
		PARTY_TEST(the_place_of_the_host),
		PARTY_TEST(incoming_with_call_waiting),
		PARTY_TEST(killed),
		PARTY_TEST(killed_at_once),
		PARTY_TEST(comes_again),
		PARTY_TEST(outside),
		LIMITED_TEST(charged),
		LIMITED_TEST(charged_over_a_kill),
		LIMITED_TEST(charged_a_second),
		LIMITED_TEST(transfers_a_second),
		PARTY_TEST(rings_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
