/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE with Event: conference (RFC 4575), of a room that is none but for this. */
#include "sig/shard/shard_state.h"
#include "sig/subscription/subscriptions.h"
#include "tests/unit/sig/watch.h"

enum { MEMBERS_MAX = 400 };

#define WATCH_ROOM "Event: conference\r\nAccept: application/conference-info+xml\r\n"

static struct {
	bool is_there;
	struct conference_view view;
	struct room_roster roster;
	struct roster_link members[MEMBERS_MAX]; /* by index: 1000 and so on */
} g;

static void read_member(const void *room, const struct roster_link *l,
			struct conference_member *out)
{
	static char user[64], endpoint[16];

	(void)room;
	(void)snprintf(user, sizeof(user), "sip:%u@test.local", 1000 + (unsigned)(l - g.members));
	(void)snprintf(endpoint, sizeof(endpoint), "m%u", (unsigned)(l - g.members));
	*out = (struct conference_member){ .name = { bytes_str(user), bytes_str(endpoint) },
					   .status = CONFERENCE_CONNECTED,
					   .audio = true };
}

static bool has_member(const void *room, struct bytes user)
{
	uint32_t number;

	(void)room;
	return !bytes_u32(user, &number) && number >= 1000 && number < 1000 + MEMBERS_MAX &&
	       g.members[number - 1000].change;
}

static bool find(void *owner, uint16_t tenant, struct bytes user, struct conference_view *out)
{
	(void)owner;
	*out = g.view;
	return g.is_there && tenant == TENANT_DEFAULT && bytes_is(user, "700");
}

/* Conferences are found by that. */
static void conferences_are(struct shard *s,
			    bool (*seen)(void *owner, uint16_t tenant, struct bytes user,
					 struct conference_view *out))
{
	static struct room_service rooms;
	static struct services services;

	services = *shard_host(s)->services;
	rooms = *services.rooms;
	rooms.seen = seen;
	services.rooms = &rooms;
	shard_host(s)->services = &services;
}

static void room_is_back(struct shard *s)
{
	conferences_are(s, find);
}

static bool find_none(void *owner, uint16_t tenant, struct bytes user, struct conference_view *out)
{
	(void)owner;
	(void)tenant;
	(void)user;
	(void)out;
	return false;
}

static void room_changed(struct watch *t)
{
	shard_conference_changed(t->l.r->shard, TENANT_DEFAULT, BYTES_LIT("700"));
	rig_run(t->l.r);
}

static void joins(struct watch *t, unsigned i)
{
	g.view.count += !g.members[i].change;
	roster_change(&g.roster, &g.members[i]);
	room_changed(t);
}

static void leaves(struct watch *t, unsigned i)
{
	struct conference_member m;

	read_member(NULL, &g.members[i], &m);
	roster_leave(&g.roster, &g.members[i], m.name.user);
	g.view.count--;
	room_changed(t);
}

/* 1001 and 1004, who watches, are in it. */
static int setup(void **state)
{
	int err = watch_setup(state);
	struct watch *t = *state;

	memset(&g, 0, sizeof(g));
	g.is_there = true;
	g.view = (struct conference_view){ .id = 5,
					   .count_max = MEMBERS_MAX,
					   .roster = &g.roster,
					   .read = read_member,
					   .has = has_member };
	if (err)
		return err;
	conferences_are(t->l.r->shard, find);
	joins(t, 1);
	joins(t, 4);
	return 0;
}

static int teardown(void **state)
{
	roster_close(&g.roster);
	return watch_teardown(state);
}

static struct bytes begins(struct watch *t)
{
	assert_true(bytes_starts(watch_ask(&t->w, "700", WATCH_ROOM), "SIP/2.0 200"));
	return watch_told(&t->w);
}

static void who_may(void **state)
{
	struct watch *t = *state;

	assert_true(bytes_starts(watch_ask(&t->w, "701", WATCH_ROOM), "SIP/2.0 404"));
	assert_true(bytes_starts(watch_ask(&t->l.b, "700", WATCH_ROOM), "SIP/2.0 403"));
	assert_true(
		bytes_starts(watch_ask(&t->w, "700", "Event: conference\r\nAccept: text/plain\r\n"),
			     "SIP/2.0 406"));
	assert_true(rig_has(watch_ask(&t->w, "700", "Event: x\r\n"),
			    "Allow-Events: dialog, presence, reg, conference"));
	conferences_are(t->l.r->shard, find_none);
	assert_true(bytes_starts(watch_ask(&t->w, "700", WATCH_ROOM), "SIP/2.0 404"));
}

/* RFC 4575 3.9: the first change at once, those behind it together, a second later. */
static void told_in_time(void **state)
{
	struct watch *t = *state;
	struct bytes m = begins(t);

	assert_true(bytes_is(rig_header(m, "Event"), "conference"));
	assert_true(rig_has(m, "Content-Type: application/conference-info+xml"));
	assert_true(rig_has(m, "entity=\"sip:700@test.local\" state=\"full\" version=\"0\""));
	assert_true(rig_has(m, "<user-count>2</user-count>"));
	assert_true(rig_has(m, "sip:1001@test.local") && rig_has(m, "sip:1004@test.local"));
	joins(t, 2);
	joins(t, 3);
	assert_int_equal(watch_told(&t->w).n, 0);
	rig_wait_ms(t->l.r, 1000);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "state=\"partial\" version=\"1\""));
	assert_true(rig_has(m, "sip:1002@") && rig_has(m, "sip:1003@"));
	assert_false(rig_has(m, "sip:1001@"));
	rig_wait_ms(t->l.r, 2000);
	assert_int_equal(watch_told(&t->w).n, 0); /* nothing has changed */
	leaves(t, 2);
	m = watch_told(&t->w); /* at once */
	assert_true(rig_has(m, "<user entity=\"sip:1002@test.local\" state=\"deleted\"/>"));
}

/* Who asks again is told all, at once. */
static void asked_again(void **state)
{
	struct watch *t = *state;

	(void)begins(t);
	assert_true(bytes_starts(watch_again(&t->w, WATCH_ROOM), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "state=\"full\" version=\"1\""));
}

/* Over UDP no datagram holds them all; each document goes on where the one before ended, as soon as that is answered. */
static void a_big_one(void **state)
{
	struct watch *t = *state;
	unsigned users = 0, documents = 0;
	struct bytes m;

	for (unsigned i = 0; i < MEMBERS_MAX; i++) {
		g.view.count += !g.members[i].change;
		roster_change(&g.roster, &g.members[i]);
	}
	assert_true(bytes_starts(watch_ask(&t->w, "700", WATCH_ROOM), "SIP/2.0 200"));
	while ((m = watch_told(&t->w)).n != 0) {
		assert_true(m.n < CONFERENCE_DATAGRAM_MAX + 1024);
		assert_true(rig_has(m, documents ? "state=\"partial\" version"
						 : "state=\"full\" version"));
		assert_true(rig_has(m, "<user-count>400</user-count>"));
		for (struct bytes at = m; (at.p = memmem(at.p, at.n, "<user ", 6)); users++) {
			at.p += 6;
			at.n = (size_t)(m.p + m.n - at.p);
		}
		documents++;
	}
	assert_int_equal(users, MEMBERS_MAX);
	assert_true(documents > 10);
}

/* Who left may not know any more; when all is over those who may are told so. */
static void over(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	(void)begins(t);
	rig_wait_ms(t->l.r, 1000);
	g.is_there = false;
	room_changed(t);
	m = watch_told(&t->w);
	assert_true(rig_has(rig_header(m, "Subscription-State"), "terminated;reason=noresource"));
	assert_true(rig_has(m, "state=\"deleted\" version=\"1\"/>"));
	g.is_there = true;
	(void)begins(t);
	rig_wait_ms(t->l.r, 1000);
	leaves(t, 4);
	m = watch_told(&t->w);
	assert_true(rig_has(rig_header(m, "Subscription-State"), "terminated;reason=rejected"));
	assert_false(rig_has(m, "conference-info xmlns"));
}

/* A successor tells all, with a higher number. */
static void killed(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	(void)begins(t);
	watch_restart_as(t, room_is_back);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "state=\"full\" version") && rig_has(m, "sip:1001@test.local"));
	assert_false(rig_has(m, "version=\"0\"") || rig_has(m, "version=\"1\""));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(who_may),   TEST(told_in_time), TEST(asked_again),
					    TEST(a_big_one), TEST(over),         TEST(killed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
