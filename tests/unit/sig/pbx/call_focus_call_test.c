/* SPDX-License-Identifier: Apache-2.0 */
/* INVITE to the name of a conference of calls (RFC 4579 5.1), and with Join to those who speak (RFC 3911). */
#include "tests/unit/sig/conferences.h"

static char g_name[32];

static struct phone phone_of(struct rig *r, const char *user, const char *address)
{
	struct phone p;

	phone_open(&p, r, user, address);
	(void)snprintf(p.tag, sizeof(p.tag), "other%s", user);
	return p;
}

static void begins(struct party *p)
{
	char id[ID_TEXT_LEN + 1] = "";

	id_call_put(id, ROOM);
	(void)snprintf(g_name, sizeof(g_name), "conf-%s", id);
	party_confers(p);
}

static struct bytes calls(struct phone *p, const char *to, const char *join, const char *status)
{
	phone_begin(p, to);
	phone_request(p, "INVITE", join, PHONE_SDP_A);
	rig_wait_ms(p->r, 20);
	return phone_hears(p, status);
}

static void comes(struct phone *p, const char *to, const char *join)
{
	struct bytes m = calls(p, to, join, "SIP/2.0 200");

	assert_true(m.n);
	assert_true(rig_has(rig_header(m, "Contact"), ";isfocus"));
	phone_ack(p);
	rig_wait_ms(p->r, 300);
}

static void refused(struct phone *p, const char *to, const char *join, const char *status)
{
	assert_true(calls(p, to, join, status).n);
	phone_write(p, "ACK", "", "");
	rig_wait_ms(p->r, 20);
}

static const char *join_of(const struct phone *p, bool swapped)
{
	static char text[400];

	(void)snprintf(text, sizeof(text), "Join: %s;to-tag=%s;from-tag=%s\r\n", p->call_id,
		       swapped ? p->tag : p->remote_tag, swapped ? p->remote_tag : p->tag);
	return text;
}

/* Another phone of a member; nobody else. */
static void called_by_its_name(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct phone b2 = phone_of(r, "1002", "192.0.2.12:5070");
	struct phone d2 = phone_of(r, "1003", "192.0.2.13:5070");
	struct members all;

	begins(p);
	refused(&d2, g_name, "", "SIP/2.0 403");
	refused(&b2, "conf-0000000000005", "", "SIP/2.0 404");
	comes(&b2, g_name, "");
	all = members_of(r, ROOM);
	assert_int_equal(all.count, 4);
	assert_in_room(r, all.list[3].call, ROOM, 4);
	assert_int_equal(all.list[3].inviter, 0);
}

/* A dialog of its own extension, or of anybody who is in the same conference. */
static void joins_a_conference(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct phone c2 = phone_of(r, "1004", "192.0.2.14:5070");
	struct phone d2 = phone_of(r, "1003", "192.0.2.13:5070");
	char twice[900];

	begins(p);
	refused(&d2, "1002", join_of(&p->t.l.b, false), "SIP/2.0 403");
	refused(&c2, "1002", "Join: x;to-tag=y;from-tag=z\r\n", "SIP/2.0 481");
	refused(&c2, "1002", "Join: x;to-tag=y\r\n", "SIP/2.0 400");
	(void)snprintf(twice, sizeof(twice), "Join: x;to-tag=y;from-tag=z\r\n%s",
		       join_of(&p->t.c, false));
	refused(&c2, "1002", twice, "SIP/2.0 400");
	(void)snprintf(twice, sizeof(twice), "Replaces: x;to-tag=y;from-tag=z\r\n%s",
		       join_of(&p->t.c, false));
	refused(&c2, "1002", twice, "SIP/2.0 400");
	comes(&c2, "1002", join_of(&p->t.l.b, true));
	assert_int_equal(conference_of(r, ROOM).members, 4);
	refused(&c2, g_name, "Join: x;to-tag=y;from-tag=z\r\n", "SIP/2.0 200"); /* RFC 3911 4 */
}

static const char *replaces_of(const struct phone *p)
{
	static char text[400];

	(void)snprintf(text, sizeof(text), "Replaces: %s;to-tag=%s;from-tag=%s\r\n", p->call_id,
		       p->remote_tag, p->tag);
	return text;
}

/* RFC 3891: another phone of a member's extension takes its place, also where it is locked; nobody else does. */
static void takes_a_place(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct phone a2 = phone_of(r, "1001", "192.0.2.11:5090");
	struct phone d2 = phone_of(r, "1003", "192.0.2.13:5070");
	const struct shard_room_order o = { .act = SHARD_ROOM_LOCK };
	struct members all;

	begins(p);
	assert_int_equal(shard_conference_order(r->shard, ROOM, &o, r->now), 0);
	refused(&d2, "node", replaces_of(&p->t.l.a), "SIP/2.0 403");
	refused(&d2, g_name, replaces_of(&p->t.l.a), "SIP/2.0 403");
	comes(&a2, g_name, replaces_of(&p->t.l.a));
	trio_assert_left(&p->t.l.a);
	all = members_of(r, ROOM);
	assert_int_equal(all.count, 3);
	assert_true(member_from(&all, "1001")->host);
	phone_request(&a2, "BYE", "", "");
	rig_wait_ms(r, 100);
	refused(&a2, "node", replaces_of(&p->t.l.a), "SIP/2.0 481");
}

/* Killed between both: who was to be left is, and who came stays. */
static void takes_a_place_over_a_kill(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct phone c2 = phone_of(r, "1004", "192.0.2.14:5070");

	begins(p);
	assert_true(calls(&c2, "node", replaces_of(&p->t.c), "SIP/2.0 200").n);
	phone_ack(&c2);
	party_restart(p, true, true);
	rig_wait_ms(r, 300);
	trio_assert_left(&p->t.c);
	assert_int_equal(conference_of(r, ROOM).members, 3);
}

static void full_and_locked(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct phone c2 = phone_of(r, "1004", "192.0.2.14:5070");
	const struct shard_room_order o = { .act = SHARD_ROOM_LOCK };
	struct shard_settings s = r->settings;

	s.conferences.station_members = 3;
	shard_configure(r->shard, &s);
	begins(p);
	refused(&c2, g_name, "", "SIP/2.0 486");
	assert_int_equal(shard_conference_order(r->shard, ROOM, &o, r->now), 0);
	refused(&c2, g_name, "", "SIP/2.0 403");
}

/* The other phone of B comes to B's call: three hear each other, and B is host. */
static void joins_a_call(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct phone b2 = phone_of(r, "1002", "192.0.2.12:5070");
	struct phone d2 = phone_of(r, "1003", "192.0.2.13:5070");
	struct room_view v;
	uint32_t cursor = 0;

	phones_talk(&p->t.l.a, &p->t.l.b);
	refused(&d2, "1001", join_of(&p->t.l.b, false), "SIP/2.0 403");
	assert_false(shard_conference_next(r->shard, &cursor, &v));
	comes(&b2, "1001", join_of(&p->t.l.b, false));
	cursor = 0;
	assert_true(shard_conference_next(r->shard, &cursor, &v));
	assert_int_equal(v.members, 3);
	assert_string_equal(v.kind, "ad_hoc");
	assert_int_equal(rig_count(r, &p->t.l.a.addr, "BYE "), 0);
	phone_request(&b2, "BYE", "", "");
	rig_wait_ms(r, 1500);
	assert_int_equal(rig_counts(r).calls, 1);
	assert_false(spec_of_call(r, call_at(r, 0)).alone);
	cursor = 0;
	assert_false(shard_conference_next(r->shard, &cursor, &v));
}

/* It rings up before it has come: the two speak as they did, and never were anywhere else. */
static void does_not_come(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct phone b2 = phone_of(r, "1002", "192.0.2.12:5070");

	phones_talk(&p->t.l.a, &p->t.l.b);
	assert_true(calls(&b2, "1001", join_of(&p->t.l.b, false), "SIP/2.0 200").n);
	phone_request(&b2, "BYE", "", ""); /* without an ACK */
	rig_wait_ms(r, 1500);
	assert_int_equal(event_number(last_event(r, SIG_CONFERENCE_STARTED), EV_CONFERENCE), 0);
	assert_int_equal(rig_counts(r).calls, 1);
	assert_false(shard_conference_next(r->shard, &(uint32_t){ 0 }, &(struct room_view){ 0 }));
}

/* Nobody speaks there yet. */
static void too_early(void **state)
{
	struct party *p = *state;
	struct phone a3 = phone_of(p->t.l.r, "1001", "192.0.2.11:5090");

	phone_invite(&p->t.l.a, "1002", PHONE_SDP_A);
	rig_wait_ms(p->t.l.r, 20);
	assert_true(phone_rings(&p->t.l.b).n);
	phone_answer(&p->t.l.b, p->t.l.b.invite, "180 Ringing", "");
	rig_wait_ms(p->t.l.r, 20);
	assert_true(phone_hears(&p->t.l.a, "SIP/2.0 180").n);
	refused(&a3, "1002", join_of(&p->t.l.a, false), "SIP/2.0 488");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST(called_by_its_name), PARTY_TEST(joins_a_conference),
		PARTY_TEST(takes_a_place),      PARTY_TEST(takes_a_place_over_a_kill),
		PARTY_TEST(full_and_locked),    PARTY_TEST(joins_a_call),
		PARTY_TEST(does_not_come),      PARTY_TEST(too_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
