/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ice/ice.h"

#include "base/clock.h"
#include "tests/unit/test.h"

static const struct media_ice OURS = { .on = 1,
				       .ufrag = "abcdefgh",
				       .pwd = "0123456789abcdefghijklmn" };
static const struct media_ice NEXT = { .on = 1,
				       .ufrag = "ijklmnop",
				       .pwd = "0123456789abcdefghijklmo" };

static struct addr from(uint16_t port)
{
	return (struct addr){ .family = ADDR_V4, .ip = { 192, 0, 2, 1 }, .port = port };
}

static void expire(struct ice *i, uint64_t now_ns)
{
	struct ice_pair *p;

	while ((p = ice_expired(i, now_ns)) != NULL)
		ice_drop(i, p);
}

/* One line of a story: checks, or with port 0 only time passes. Then the port that is sent to; 0: none. */
struct event {
	uint32_t at_ms;
	uint16_t port;
	uint32_t priority;
	uint8_t nominates, restarts;
	uint16_t to;
	enum media_ice_state state;
};

static const struct row {
	const char *name;
	struct event events[8];
} ROWS[] = {
	{ "nothing yet", { { 100000, 0, 0, 0, 0, 0, ICE_CHECKING } } },
	{ "the first validated, until one is nominated",
	  { { 1, 1, 5, 0, 0, 1, ICE_CONNECTED },
	    { 2, 2, 9, 0, 0, 1, ICE_CONNECTED },
	    { 3, 2, 9, 1, 0, 2, ICE_CONNECTED },
	    { 4, 1, 5, 0, 0, 2, ICE_CONNECTED } } },
	{ "several nominated at a time: the highest priority",
	  { { 1, 1, 5, 1, 0, 1, ICE_CONNECTED },
	    { 2, 2, 9, 1, 0, 2, ICE_CONNECTED },
	    { 3, 3, 7, 1, 0, 2, ICE_CONNECTED },
	    { 4, 1, 5, 1, 0, 2, ICE_CONNECTED } } },
	{ "another nominated later: it left the one before",
	  { { 1, 1, 9, 1, 0, 1, ICE_CONNECTED },
	    { 2, 2, 5, 0, 0, 1, ICE_CONNECTED },
	    { 1000, 2, 5, 1, 0, 1, ICE_CONNECTED },
	    { 1001, 2, 5, 1, 0, 2, ICE_CONNECTED },
	    { 1500, 1, 9, 0, 0, 2, ICE_CONNECTED } } },
	{ "consent ends 30 s after the last check, and comes back with one",
	  { { 1, 1, 5, 1, 0, 1, ICE_CONNECTED },
	    { 10000, 1, 5, 0, 0, 1, ICE_CONNECTED },
	    { 39999, 0, 0, 0, 0, 1, ICE_CONNECTED },
	    { 40000, 0, 0, 0, 0, 0, ICE_LOST },
	    { 90000, 0, 0, 0, 0, 0, ICE_LOST },
	    { 90001, 2, 5, 0, 0, 2, ICE_CONNECTED } } },
	{ "consent is of a pair: the other one takes its place",
	  { { 1, 1, 5, 1, 0, 1, ICE_CONNECTED },
	    { 2, 2, 5, 0, 0, 1, ICE_CONNECTED },
	    { 3, 3, 5, 0, 0, 1, ICE_CONNECTED },
	    { 20000, 2, 5, 0, 0, 1, ICE_CONNECTED },
	    { 20001, 3, 5, 0, 0, 1, ICE_CONNECTED },
	    { 30001, 0, 0, 0, 0, 2, ICE_CONNECTED } } },
	{ "after a restart the former goes on until one is nominated",
	  { { 1, 1, 9, 1, 0, 1, ICE_CONNECTED },
	    { 2, 2, 5, 0, 1, 1, ICE_CONNECTED },
	    { 3, 2, 5, 1, 0, 2, ICE_CONNECTED },
	    { 4, 0, 0, 0, 0, 2, ICE_CONNECTED } } },
};

static void test_stories(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		struct ice i;

		ice_open(&i, &OURS);
		for (const struct event *e = row->events; e < row->events + 8 && e->at_ms; e++) {
			uint64_t now_ns = NS_PER_S + e->at_ms * NS_PER_MS;
			struct addr party = from(e->port);
			struct ice_pair *p = ice_find(&i, CHANNEL_RTP, &party);

			if (e->restarts)
				ice_update(&i, &NEXT);
			if (e->port)
				ice_checked(&i, p ? p : ice_place(&i), CHANNEL_RTP, &party,
					    &(struct ice_check){ e->priority, e->nominates },
					    now_ns);
			expire(&i, now_ns);
			ROW_ASSERT(row->name, ice_to(&i, CHANNEL_RTP).port == e->to);
			ROW_ASSERT(row->name, i.state == e->state);
		}
	}
}

static void check(struct ice *i, enum channel c, uint16_t port, bool nominates, uint64_t now_ns)
{
	struct addr party = from(port);
	struct ice_pair *p = ice_find(i, c, &party);

	if (!p) {
		p = ice_place(i);
		ice_drop(i, p);
	}
	ice_checked(i, p, c, &party, &(struct ice_check){ 1, nominates }, now_ns);
	expire(i, now_ns);
}

static bool has(struct ice *i, uint16_t port)
{
	struct addr party = from(port);

	return ice_find(i, CHANNEL_RTP, &party);
}

/* An authentic party with many addresses pushes out its own, not the one in use. */
static void test_places(void **state)
{
	struct ice i;

	(void)state;
	ice_open(&i, &OURS);
	check(&i, CHANNEL_RTP, 1, true, 1);
	check(&i, CHANNEL_RTCP, 1, true, 2);
	for (uint16_t port = 2; port < 100; port++)
		check(&i, CHANNEL_RTP, port, false, 1 + port);
	assert_int_equal(ice_to(&i, CHANNEL_RTP).port, 1);
	assert_int_equal(ice_to(&i, CHANNEL_RTCP).port, 1);
	assert_true(has(&i, 99) && has(&i, 94) && !has(&i, 93));
}

static void test_restart_forgets_the_former(void **state)
{
	struct ice i;

	(void)state;
	ice_open(&i, &OURS);
	check(&i, CHANNEL_RTP, 1, true, 1);
	check(&i, CHANNEL_RTP, 2, false, 2);
	ice_update(&i, &OURS);
	assert_int_equal(i.session, 0);
	ice_update(&i, &NEXT);
	check(&i, CHANNEL_RTP, 3, false, 3);
	assert_true(has(&i, 1) && has(&i, 2));
	assert_int_equal(ice_to(&i, CHANNEL_RTP).port, 1);
	check(&i, CHANNEL_RTP, 3, true, 4);
	assert_true(!has(&i, 1) && !has(&i, 2) && has(&i, 3));
	assert_int_equal(ice_to(&i, CHANNEL_RTP).port, 3);
}

/* A check under the new credentials from where we send to is no nomination yet. */
static void test_restart_in_place(void **state)
{
	struct ice i;

	(void)state;
	ice_open(&i, &OURS);
	check(&i, CHANNEL_RTP, 1, true, 1);
	check(&i, CHANNEL_RTP, 2, false, 2);
	ice_update(&i, &NEXT);
	check(&i, CHANNEL_RTP, 1, false, 3);
	assert_true(has(&i, 2));
	check(&i, CHANNEL_RTP, 1, true, 4);
	assert_false(has(&i, 2));
}

static void test_restored(void **state)
{
	struct addr party = from(7);
	struct ice i;

	(void)state;
	ice_open(&i, &OURS);
	(void)ice_restore(&i, CHANNEL_RTP, &party, NS_PER_S);
	assert_int_equal(i.state, ICE_CONNECTED);
	assert_int_equal(ice_to(&i, CHANNEL_RTP).port, 7);
	expire(&i, NS_PER_S + ICE_CONSENT_NS - 1);
	assert_true(has(&i, 7));
	check(&i, CHANNEL_RTP, 8, false, NS_PER_S + 1);
	assert_int_equal(ice_to(&i, CHANNEL_RTP).port, 7);
	check(&i, CHANNEL_RTP, 8, true, NS_PER_S + 2);
	assert_int_equal(ice_to(&i, CHANNEL_RTP).port, 8);
	expire(&i, NS_PER_S + ICE_CONSENT_NS);
	assert_false(has(&i, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_restart_forgets_the_former),
		cmocka_unit_test(test_restart_in_place),
		cmocka_unit_test(test_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
