/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever calls the number of a factory has a conference of his own (RFC 4579 5.1; CONF-01). */
#include "sig/feature/room/shard_room.h"
#include "sig/sip/id.h"
#include "tests/unit/sig/claims.h"
#include "tests/unit/sig/meetme.h"

enum { LONG_MS = 20000 };

static struct room_terms factory_terms(void)
{
	return (struct room_terms){
		.number = "800", .max_members = 3, .talkers = 3, .rate = 16000, .factory = true
	};
}

static void factory_settings(struct shard_settings *s)
{
	s->conferences.station_members = 4;
	s->conferences.release = CONFERENCE_RELEASE_ALWAYS;
	s->conferences.succession = true;
}

static int factory_setup(void **state)
{
	struct room_terms t = factory_terms();
	struct meetme *m;

	if (meetme_open(state, factory_settings))
		return -1;
	m = *state;
	phone_open(&m->p.d, m->p.t.l.r, "1003", "192.0.2.13:5060");
	phone_bind(&m->p.d);
	put(m, &t);
	return 0;
}

#define FACTORY_TEST(fn) cmocka_unit_test_setup_teardown(fn, factory_setup, meetme_teardown)

static char g_name[CONF_NAME_MAX]; /* by which the last one that was answered is called */

/* Who is answered hears by which name its conference is called: by none that is shown. */
static void answered(struct phone *p, uint64_t room)
{
	struct bytes m = phone_hears(p, "SIP/2.0 200"), contact = rig_header(m, "Contact");
	char id[ID_TEXT_LEN + 1] = "";
	uint64_t random;

	id_call_put(id, room);
	assert_true(rig_has(contact, "@192.0.2.1:5060>;isfocus"));
	assert_int_equal(sscanf((const char *)contact.p, "<sip:%31[^@]@", g_name), 1);
	assert_true(conf_name_is_secret(bytes_str(g_name)));
	assert_true(conf_name_get(bytes_str(g_name), &random) && random != room);
	assert_int_equal(id_shard(random), id_shard(room));
	assert_false(rig_has(contact, id));
	phone_ack(p);
	rig_wait_ms(p->r, 100);
}

/* Whom it is shown to hears no name by which it is called. */
static void assert_unnamed(const struct rig *r)
{
	for (uint32_t i = 0; i < r->event_count; i++) {
		assert_null(strstr(event_str(&r->events[i], EV_TO), g_name));
		assert_null(strstr(event_str(&r->events[i], EV_FROM), g_name));
	}
	for (uint32_t i = 0; i < r->cdr_count; i++)
		assert_null(strstr(r->cdrs[i].to, g_name));
}

/* A calls, and is there alone. */
static uint64_t begins(struct meetme *m)
{
	struct rig *r = m->p.t.l.r;
	uint64_t room;

	phone_invite(&m->p.t.l.a, "800", PHONE_SDP_A);
	rig_run(r);
	room = the_room(m);
	answered(&m->p.t.l.a, room);
	assert_int_equal(conference_of(r, room).members, 1);
	assert_int_equal(conference_of(r, room).host, 1);
	assert_string_equal(conference_of(r, room).kind, "ad_hoc");
	assert_int_equal(conference_of(r, room).max_members, 4);
	return room;
}

/* It brings 1003. */
static void brings(struct meetme *m)
{
	struct rig *r = m->p.t.l.r;

	refer(&m->p.t.l.a, "sip:1003@test.local");
	assert_true(phone_hears(&m->p.t.l.a, "SIP/2.0 202").n);
	rig_wait_ms(r, 20);
	assert_notified(&m->p.t.l.a, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_true(phone_rings(&m->p.d).n);
	phone_answer(&m->p.d, m->p.d.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 100);
	assert_notified(&m->p.t.l.a, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
}

static void calls_name(struct meetme *m, const char *name, const char *status)
{
	phone_invite(&m->p.t.c, name, PHONE_SDP_A);
	rig_run(m->p.t.l.r);
	assert_true(phone_hears(&m->p.t.c, status).n);
	phone_ack(&m->p.t.c);
}

/* A rings 1004, who has no time. */
static void invites(struct meetme *m)
{
	struct rig *r = m->p.t.l.r;

	refer(&m->p.t.l.a, "sip:1004@test.local");
	assert_true(phone_hears(&m->p.t.l.a, "SIP/2.0 202").n);
	rig_wait_ms(r, 20);
	phone_answer(&m->p.t.c, phone_rings(&m->p.t.c), "486 Busy Here", "");
	rig_wait_ms(r, 100);
	while (rig_take(r, &m->p.t.l.a.addr, "NOTIFY ").n)
		;
}

/* 1004, who was invited, calls it by its name. */
static void comes(struct meetme *m, uint64_t room)
{
	char name[CONF_NAME_MAX];

	memcpy(name, g_name, sizeof(name));
	invites(m);
	phone_invite(&m->p.t.c, name, PHONE_SDP_A);
	rig_run(m->p.t.l.r);
	answered(&m->p.t.c, room);
	assert_string_equal(name, g_name);
	assert_unnamed(m->p.t.l.r);
}

/* It is one's for as long as he likes, and of two; behind the third one it is a conference of calls as any other. */
static void begins_and_ends(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t room = begins(m);

	rig_wait_ms(r, LONG_MS);
	assert_int_equal(conference_of(r, room).members, 1);
	brings(m);
	rig_wait_ms(r, LONG_MS);
	assert_int_equal(conference_of(r, room).members, 2);
	comes(m, room);
	assert_int_equal(conference_of(r, room).members, 3);
	hangs_up(&m->p.t.c);
	rig_wait_ms(r, LONG_MS);
	assert_int_equal(rig_counts(r).calls, 1);
	assert_false(spec_of_call(r, call_at(r, 0)).alone);
}

/* With its last but one: CONF-13. */
static void ends_with_the_second(void **state)
{
	struct meetme *m = *state;

	(void)begins(m);
	brings(m);
	hangs_up(&m->p.d);
	trio_assert_left(&m->p.t.l.a);
	rig_wait_ms(m->p.t.l.r, 40000);
	line_assert_idle(m->p.t.l.r);
}

static void ends_with_the_first(void **state)
{
	struct meetme *m = *state;

	(void)begins(m);
	hangs_up(&m->p.t.l.a);
	rig_wait_ms(m->p.t.l.r, 40000);
	assert_int_equal(rig_counts(m->p.t.l.r).calls, 0);
	line_assert_idle(m->p.t.l.r);
}

/* Each caller has one of his own. */
static void one_for_each(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct room_view v;
	uint32_t cursor = 0, rooms = 0;

	(void)begins(m);
	phone_invite(&m->p.t.l.b, "800", PHONE_SDP_A);
	rig_run(r);
	assert_true(phone_hears(&m->p.t.l.b, "SIP/2.0 200").n);
	phone_ack(&m->p.t.l.b);
	rig_wait_ms(r, 100);
	while (shard_conference_next(r->shard, &cursor, &v)) {
		assert_int_equal(v.members, 1);
		rooms++;
	}
	assert_int_equal(rooms, 2);
}

/* A successor has it with one member, and with two, whichever record is lost or read first. */
static void killed(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t room = begins(m);

	for (int with_rooms = 0; with_rooms < 2; with_rooms++) {
		party_restart(&m->p, with_rooms, with_rooms);
		rig_wait_ms(r, 2000);
		assert_int_equal(conference_of(r, room).members, 1);
	}
	assert_int_equal(conference_of(r, room).host, 1);
	brings(m);
	rig_wait_ms(r, 100);
	party_restart(&m->p, true, false);
	rig_wait_ms(r, LONG_MS);
	assert_int_equal(conference_of(r, room).members, 2);
	comes(m, room); /* though nobody has that extension's other phone there */
	assert_int_equal(conference_of(r, room).members, 3);
}

/* Locked by its host, or full. */
static void refused(void **state)
{
	const struct shard_room_order lock = { .act = SHARD_ROOM_LOCK, .in_name_of = 1 };
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct shard_settings s = r->settings;
	uint64_t room;

	s.conferences.station_members = 2;
	shard_configure(r->shard, &s);
	phone_invite(&m->p.t.l.a, "800", PHONE_SDP_A);
	rig_run(r);
	room = the_room(m);
	answered(&m->p.t.l.a, room);
	invites(m);
	brings(m);
	calls_name(m, g_name, "SIP/2.0 486");
	assert_int_equal(shard_conference_order(r->shard, room, &lock, r->now), 0);
	calls_name(m, g_name, "SIP/2.0 403");
}

/* ADM-90 */
static void not_entitled(void **state)
{
	struct meetme *m = *state;
	struct shard_extension e = rig_extension("1001", false);

	e.withheld = 1u << ENTITLED_CONFERENCE;
	assert_int_equal(shard_extension_put(m->p.t.l.r->shard, &e), 0);
	phone_invite(&m->p.t.l.a, "800", PHONE_SDP_A);
	assert_true(phone_hears(&m->p.t.l.a, "SIP/2.0 403").n);
	phone_ack(&m->p.t.l.a);
}

static const struct sig_event *asked(const struct rig *r)
{
	for (uint32_t i = r->event_count; i-- > 0;) {
		if (r->events[i].kind == SIG_CONFERENCE_ASKED)
			return &r->events[i];
	}
	return NULL;
}

/* Whoever knows its name, or guesses, and was not invited: the host is told. What is shown is no name of it. */
static void uninvited(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t room = begins(m);
	char id[ID_TEXT_LEN + 1] = "", shown[CONF_NAME_MAX + 1];

	id_call_put(id, room);
	(void)snprintf(shown, sizeof(shown), "conf-%s", id);
	calls_name(m, shown, "SIP/2.0 404");
	assert_null(asked(r));
	calls_name(m, g_name, "SIP/2.0 403");
	assert_string_equal(event_str(asked(r), EV_FROM), "1004");
	assert_int_equal(event_number(asked(r), EV_CONFERENCE), room);
	assert_int_equal(event_number(asked(r), EV_MEMBER), 1);
	party_restart(&m->p, true, true);
	calls_name(m, g_name, "SIP/2.0 403");
	comes(m, room);
	assert_int_equal(conference_of(r, room).members, 2);
}

/* Whom its host drops comes back when he is invited again, also behind a kill. */
static void dropped(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	uint64_t room;

	r->settings.conferences.release = CONFERENCE_RELEASE_NEVER;
	shard_configure(r->shard, &r->settings);
	room = begins(m);
	brings(m);
	comes(m, room);
	hangs_up(&m->p.t.c);
	rig_wait_ms(r, 100);
	party_restart(&m->p, true, true);
	phone_invite(&m->p.t.c, g_name, PHONE_SDP_A);
	rig_run(r);
	answered(&m->p.t.c, room); /* it has left by itself */
	refer(&m->p.t.l.a, "sip:1004@test.local;method=BYE");
	rig_wait_ms(r, 100);
	trio_assert_left(&m->p.t.c);
	calls_name(m, g_name, "SIP/2.0 403");
	party_restart(&m->p, true, true);
	calls_name(m, g_name, "SIP/2.0 403");
}

/* The tenant's quota. Who is there stays, and the next one is told why. */
static void too_many(void **state)
{
	struct tenant_settings set = { .name = "default", .most[TENANT_CONFERENCES] = 1 };
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;
	struct bytes said;
	uint16_t tenant;

	assert_int_equal(tenants_put(m->tenants, &set, &tenant), 0);
	(void)begins(m);
	phone_invite(&m->p.t.l.b, "800", PHONE_SDP_A);
	rig_run(r);
	said = phone_hears(&m->p.t.l.b, "SIP/2.0 503");
	assert_true(rig_has(said, "as many conferences as it may have"));
	phone_ack(&m->p.t.l.b);
	hangs_up(&m->p.t.l.a);
	rig_wait_ms(r, 100);
	phone_invite(&m->p.t.l.b, "800", PHONE_SDP_A);
	rig_run(r);
	assert_true(phone_hears(&m->p.t.l.b, "SIP/2.0 200").n);
	phone_ack(&m->p.t.l.b);
}

/* Calls are sent on to it, and parties transferred, as to any number. */
static void sent_there(void **state)
{
	struct meetme *m = *state;
	struct rig *r = m->p.t.l.r;

	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1002",
					   &(struct shard_forward){ .always = "800" }),
			 0);
	phone_invite(&m->p.t.l.a, "1002", PHONE_SDP_A);
	rig_run(r);
	answered(&m->p.t.l.a, the_room(m));
	assert_int_equal(conference_of(r, the_room(m)).host, 1);
	hangs_up(&m->p.t.l.a);
	assert_string_equal(r->cdrs[0].forwarded_to, "800");
	phones_talk(&m->p.t.c, &m->p.d);
	refer(&m->p.t.c, "sip:800@test.local");
	assert_true(phone_hears(&m->p.t.c, "SIP/2.0 202").n);
	rig_wait_ms(r, 50);
	assert_notified(&m->p.t.c, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_notified(&m->p.t.c, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&m->p.t.c);
	assert_int_equal(conference_of(r, the_room(m)).members, 1);
}

/* ---- over nodes ---- */

static struct bytes calls_far(struct claims *x, const char *name, const char *status)
{
	phone_invite(&x->f.near.c, name, PHONE_SDP_A);
	rig_run(x->f.other);
	far_run(&x->f);
	far_wait_ms(&x->f, 60);
	return phone_hears(&x->f.near.c, status);
}

/* It is where its first call is. Others call its name at any node, and speak with the same focus. */
static void of_another_node(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	struct room_terms t = factory_terms();
	struct bytes said;
	uint64_t room;

	assert_int_equal(rooms_put(x->rooms, &t), 0);
	phone_invite(&x->f.near.l.a, "800", PHONE_SDP_A);
	rig_run(r);
	assert_int_equal(r->park_count, 0); /* nobody else has its number */
	room = claims_room(r).room;
	answered(&x->f.near.l.a, room);
	assert_true(calls_far(x, g_name, "SIP/2.0 403").n);
	phone_ack(&x->f.near.c);
	room_invite(shard_room_find(r->shard, room), BYTES_LIT("1004"), true);
	said = calls_far(x, g_name, "SIP/2.0 200");
	assert_true(rig_has(rig_header(said, "Contact"), g_name));
	assert_true(rig_has(rig_header(said, "Contact"), ";isfocus"));
	phone_ack(&x->f.near.c);
	far_wait_ms(&x->f, 200);
	assert_int_equal(claims_room(r).members, 2);
	claims_hangs_up(x, &x->f.near.c);
	claims_hangs_up(x, &x->f.near.l.a);
	assert_true(calls_far(x, g_name, "SIP/2.0 404").n);
	phone_ack(&x->f.near.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACTORY_TEST(begins_and_ends),
		FACTORY_TEST(ends_with_the_second),
		FACTORY_TEST(ends_with_the_first),
		FACTORY_TEST(one_for_each),
		FACTORY_TEST(killed),
		FACTORY_TEST(refused),
		FACTORY_TEST(not_entitled),
		FACTORY_TEST(uninvited),
		FACTORY_TEST(dropped),
		FACTORY_TEST(too_many),
		FACTORY_TEST(sent_there),
		CLAIM_TEST(of_another_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
