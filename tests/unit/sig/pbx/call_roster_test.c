/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a conference who watch it (RFC 4575): what they are told of those who come, are changed and leave. */
#include "tests/unit/sig/conferences.h"
#include "tests/unit/sig/watch.h"

#define WATCH_ROOM "Event: conference\r\nAccept: application/conference-info+xml\r\n"

static char g_name[32];  /* of the station conference */
static struct phone g_w; /* another dialog of C's phone */

/* A, B and C are in it. */
static void watch_opens(struct party *p, struct phone *w, const char *user, const char *addr)
{
	char id[ID_TEXT_LEN + 1] = "";

	id_call_put(id, ROOM);
	(void)snprintf(g_name, sizeof(g_name), "conf-%s", id);
	phone_open(w, p->t.l.r, user, addr);
	(void)snprintf(w->tag, sizeof(w->tag), "watch%s", user);
}

static struct bytes begins(struct party *p)
{
	party_confers(p);
	watch_opens(p, &g_w, "1004", "192.0.2.14:5080");
	assert_true(bytes_starts(watch_ask(&g_w, g_name, WATCH_ROOM), "SIP/2.0 200"));
	return watch_told(&g_w);
}

static struct bytes next(void)
{
	struct bytes m = watch_told(&g_w);

	if (!m.n) {
		rig_wait_ms(g_w.r, 1100);
		m = watch_told(&g_w);
	}
	return m;
}

static void who_is_there(void **state)
{
	struct party *p = *state;
	struct bytes m = begins(p);
	struct phone d;

	assert_true(rig_has(m, g_name));
	assert_true(rig_has(m, "state=\"full\" version=\"0\""));
	assert_true(rig_has(m, "<maximum-user-count>8</maximum-user-count>"));
	assert_true(rig_has(m, "<user-count>3</user-count>"));
	assert_true(rig_has(m, "<user entity=\"sip:1001@test.local\" state=\"full\">"));
	assert_true(rig_has(m, "<roles><entry>host</entry></roles>"));
	assert_true(rig_has(m, "sip:1002@test.local") && rig_has(m, "sip:1004@test.local"));
	assert_true(rig_has(m, "<status>connected</status><joining-method>dialed-out"));
	assert_true(rig_has(m, "<status>sendrecv</status>"));
	watch_opens(p, &d, "1003", "192.0.2.13:5080"); /* it is in none */
	assert_true(bytes_starts(watch_ask(&d, g_name, WATCH_ROOM), "SIP/2.0 403"));
	assert_true(bytes_starts(watch_ask(&d, "conf-0000000000005", WATCH_ROOM), "SIP/2.0 404"));
}

static void changes(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct members all;
	struct bytes m;

	(void)begins(p);
	all = members_of(r, ROOM);
	rig_wait_ms(r, 1100);
	assert_int_equal(watch_told(&g_w).n, 0); /* nothing has changed */
	assert_int_equal(order_one(r, member_from(&all, "1002")->call, MEMBER_MUTE, true, 0, 0), 0);
	m = watch_told(&g_w);
	assert_true(rig_has(m, "state=\"partial\"") && rig_has(m, "sip:1002@test.local"));
	assert_true(rig_has(m, "<status>muted-via-focus</status>"));
	assert_true(rig_has(m, "<status>recvonly</status>"));
	assert_false(rig_has(m, "entity=\"sip:1001@") || rig_has(m, "entity=\"sip:1004@"));
	assert_int_equal(order_one(r, member_from(&all, "1002")->call, MEMBER_MUTE, false, 0, 0),
			 0);
	assert_int_equal(order_one(r, member_from(&all, "1001")->call, MEMBER_HOLD, true, 0, 0), 0);
	m = next();
	assert_true(rig_has(m, "<status>on-hold</status>") &&
		    rig_has(m, "<status>inactive</status>"));
	assert_true(rig_has(m, "<status>connected</status>"));
	assert_int_equal(order_one(r, member_from(&all, "1004")->call, MEMBER_HOST, true, 0, 0), 0);
	m = next();
	assert_true(rig_has(m, "sip:1004@test.local\" state=\"full\"><roles><entry>host"));
	assert_true(rig_has(m, "<display-text>Phone</display-text><roles><entry>participant"));
	assert_false(rig_has(m, "entity=\"sip:1002@"));
}

static void lock(struct rig *r, enum shard_room_act act)
{
	const struct shard_room_order o = { .act = act };

	assert_int_equal(shard_conference_order(r->shard, ROOM, &o, r->now), 0);
	rig_run(r);
}

static void locked(void **state)
{
	struct party *p = *state;
	struct bytes m = begins(p);

	assert_true(rig_has(m, "<locked>false</locked>"));
	lock(p->t.l.r, SHARD_ROOM_LOCK);
	m = next();
	assert_true(rig_has(m, "<locked>true</locked>"));
	assert_false(rig_has(m, "<user entity"));
}

/* Somebody is rung for it, comes and leaves. */
static void one_comes(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_conference_request o = { .room = ROOM, .to = "1003", .rung = RUNG };
	struct bytes m;

	(void)begins(p);
	assert_int_equal(shard_conference_ring(r->shard, &o, r->now), 0);
	rig_run(r);
	m = next();
	assert_true(rig_has(m, "sip:1003@test.local") &&
		    rig_has(m, "<status>dialing-out</status>"));
	assert_true(rig_has(m, "<user-count>3</user-count>"));
	assert_true(phone_rings(&p->d).n);
	phone_answer(&p->d, p->d.invite, "180 Ringing", "");
	m = next();
	assert_true(rig_has(m, "<status>alerting</status>"));
	phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
	m = next();
	assert_true(rig_has(m, "<user-count>4</user-count>") && rig_has(m, "sip:1003@test.local"));
	assert_false(rig_has(m, "deleted"));
	phone_request(&p->d, "BYE", "", "");
	m = next();
	assert_true(rig_has(m, "<user-count>3</user-count>") &&
		    rig_has(m, "<user entity=\"sip:1003@test.local\" state=\"deleted\"/>"));
}

/* Two are left, who have a call of two: the conference is over. */
static void over(void **state)
{
	struct party *p = *state;
	struct bytes m;

	(void)begins(p);
	phone_request(&p->t.l.a, "BYE", "", "");
	m = next();
	if (!rig_has(m, "noresource"))
		m = next();
	assert_true(rig_has(rig_header(m, "Subscription-State"), "terminated;reason=noresource"));
	assert_true(rig_has(m, "state=\"deleted\""));
}

/* Who leaves it is told no more of it. */
static void leaves(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_settings s = r->settings;
	struct bytes m;

	s.conferences.release = false;
	shard_configure(r->shard, &s);
	(void)begins(p);
	phone_request(&p->t.c, "BYE", "", "");
	m = next();
	assert_true(rig_has(rig_header(m, "Subscription-State"), "terminated;reason=rejected"));
	assert_false(rig_has(m, "conference-info xmlns"));
}

/* MON-04: who only listens is seen by nobody, until he is heard. */
static void unseen(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_conference_request o = {
		.room = ROOM, .to = "1003", .rung = RUNG, .monitors = MONITORS_LISTENS
	};
	struct bytes m;

	(void)begins(p);
	assert_int_equal(shard_conference_ring(r->shard, &o, r->now), 0);
	rig_run(r);
	assert_true(phone_rings(&p->d).n);
	phone_answer(&p->d, p->d.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(next().n, 0);
	assert_int_equal(conference_of(r, ROOM).members, 4);
	assert_int_equal(order_one(r, RUNG, MEMBER_MUTE, false, 0, 0), 0);
	m = next();
	assert_true(rig_has(m, "sip:1003@test.local") && rig_has(m, "<user-count>4</user-count>"));
	assert_int_equal(order_one(r, RUNG, MEMBER_MUTE, true, 0, 0), 0);
	m = next();
	assert_true(rig_has(m, "<user entity=\"sip:1003@test.local\" state=\"deleted\"/>"));
}

/* The next process tells all of those whom the records of the calls name. */
static void killed(void **state)
{
	struct party *p = *state;
	struct bytes m;

	(void)begins(p);
	rig_wait_ms(p->t.l.r, 1100);
	party_restart(p, true, true);
	m = watch_told(&g_w);
	assert_true(rig_has(m, "state=\"full\" version=") &&
		    rig_has(m, "<user-count>3</user-count>"));
	assert_false(rig_has(m, "version=\"0\""));
	assert_true(rig_has(m, "sip:1001@test.local") && rig_has(m, "sip:1002@test.local") &&
		    rig_has(m, "sip:1004@test.local"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST(who_is_there), PARTY_TEST(changes), PARTY_TEST(locked),
		PARTY_TEST(one_comes),    PARTY_TEST(over),    PARTY_TEST(leaves),
		PARTY_TEST(unseen),       PARTY_TEST(killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
