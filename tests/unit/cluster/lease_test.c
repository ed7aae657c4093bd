/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/clock.h"
#include "cluster/lease.h"

enum { MS = 1000000, STEPS_MAX = 16 };
#define OWN      0x1234
#define LENGTH   (3000 * (uint64_t)MS)
#define NEVER    UINT64_MAX
#define ACQUIRE  LEASE_SEND_ACQUIRE
#define ASSERT   LEASE_SEND_ASSERT
#define RENEW    LEASE_SEND_RENEW
#define HEALTHY  LEASE_HEALTHY
#define ANEW     (LEASE_HEALTHY | LEASE_ANEW)
#define DEGRADED LEASE_DEGRADED
#define FENCE    LEASE_FENCE

/* One event, and what is to come of it. */
struct step {
	uint64_t at_ms;
	enum lease_event_type event;
	bool answer;
	uint64_t counter;
	unsigned actions;
	enum lease_state state;
	uint64_t next_ms; /* NEVER, or relative to 0 as at_ms */
};

struct story {
	const char *name;
	struct step steps[STEPS_MAX];
};

/* counter stands for an epoch of ours with LEASE_GRANTED, of somebody else with all others. */
static void story_run(const struct story *story)
{
	struct lease l;

	lease_open(&l, OWN, LENGTH);
	for (const struct step *s = story->steps; s->at_ms; s++) {
		struct lease_event event = { .type = s->event, .answer = s->answer, .kept = true };
		char where[128];
		unsigned actions;

		(void)snprintf(where, sizeof(where), "%s, step %d", story->name,
			       (int)(s - story->steps));
		if (s->counter)
			event.epoch =
				(struct lease_epoch){ s->counter,
						      s->event == LEASE_GRANTED ? OWN : OWN + 1 };
		actions = lease_step(&l, &event, s->at_ms * MS);
		if (actions != s->actions)
			fail_msg("%s: actions %u, not %u", where, actions, s->actions);
		if (l.state != s->state)
			fail_msg("%s: state %d, not %d", where, (int)l.state, (int)s->state);
		if (l.next_ns != (s->next_ms == NEVER ? NEVER : s->next_ms * MS))
			fail_msg("%s: next %llu ms", where, (unsigned long long)(l.next_ns / MS));
	}
}

#define TAKE                                                                \
	{ 1, LEASE_LINK_UP, false, 0, 0, LEASE_IDLE, NEVER },               \
		{ 10, LEASE_WANT, false, 0, ACQUIRE, LEASE_ASKING, NEVER }, \
	{                                                                   \
		12, LEASE_GRANTED, true, 5, ANEW, LEASE_HELD, 1010          \
	}

static const struct story STORIES[] = {
	{ "taken, then renewed at a third",
	  { TAKE,
	    { 1009, LEASE_TIMER, false, 0, 0, LEASE_HELD, 1010 },
	    { 1010, LEASE_TIMER, false, 0, RENEW, LEASE_HELD, NEVER },
	    { 1013, LEASE_GRANTED, true, 5, 0, LEASE_HELD, 2010 } } },
	{ "wanted before there is a link",
	  { { 1, LEASE_WANT, false, 0, 0, LEASE_ASKING, NEVER },
	    { 2, LEASE_LINK_UP, false, 0, ACQUIRE, LEASE_ASKING, NEVER },
	    { 3, LEASE_GRANTED, true, 1, ANEW, LEASE_HELD, 1002 } } },
	{ "held by somebody else, wanted again later",
	  { { 1, LEASE_LINK_UP, false, 0, 0, LEASE_IDLE, NEVER },
	    { 2, LEASE_WANT, false, 0, ACQUIRE, LEASE_ASKING, NEVER },
	    { 3, LEASE_TAKEN, true, 9, 0, LEASE_IDLE, NEVER },
	    { 4, LEASE_TIMER, false, 0, 0, LEASE_IDLE, NEVER },
	    { 5, LEASE_WANT, false, 0, ACQUIRE, LEASE_ASKING, NEVER } } },
	{ "no answer to the acquisition",
	  { { 1, LEASE_LINK_UP, false, 0, 0, LEASE_IDLE, NEVER },
	    { 2, LEASE_WANT, false, 0, ACQUIRE, LEASE_ASKING, NEVER },
	    { 3, LEASE_LINK_DOWN, false, 0, 0, LEASE_ASKING, NEVER },
	    { 3, LEASE_UNKNOWN, true, 0, 0, LEASE_IDLE, NEVER },
	    { 9, LEASE_LINK_UP, false, 0, 0, LEASE_IDLE, NEVER } } },
	{ "granted by a link that is gone",
	  { { 1, LEASE_LINK_UP, false, 0, 0, LEASE_IDLE, NEVER },
	    { 2, LEASE_WANT, false, 0, ACQUIRE, LEASE_ASKING, NEVER },
	    { 3, LEASE_LINK_DOWN, false, 0, 0, LEASE_ASKING, NEVER },
	    { 4, LEASE_GRANTED, true, 5, 0, LEASE_IDLE, NEVER } } },
	{ "the link breaks and comes back",
	  { TAKE,
	    { 20, LEASE_LINK_DOWN, false, 0, DEGRADED, LEASE_DOUBT, NEVER },
	    { 21, LEASE_LATE, false, 0, 0, LEASE_DOUBT, NEVER },
	    { 90000, LEASE_TIMER, false, 0, 0, LEASE_DOUBT, NEVER },
	    { 90001, LEASE_LINK_UP, false, 0, ASSERT, LEASE_DOUBT, NEVER },
	    { 90002, LEASE_GRANTED, true, 5, ANEW, LEASE_HELD, 91001 } } },
	{ "a late save is probed, with growing patience",
	  { TAKE,
	    { 100, LEASE_LATE, false, 0, DEGRADED, LEASE_DOUBT, 200 },
	    { 150, LEASE_LATE, false, 0, 0, LEASE_DOUBT, 200 },
	    { 200, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 250, LEASE_UNKNOWN, true, 0, 0, LEASE_DOUBT, 450 },
	    { 450, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 500, LEASE_UNKNOWN, true, 0, 0, LEASE_DOUBT, 900 },
	    { 900, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 901, LEASE_GRANTED, true, 5, HEALTHY, LEASE_HELD, 1900 } } },
	{ "Redis refuses for long: it is asked each second in the end",
	  { TAKE,
	    { 100, LEASE_LATE, false, 0, DEGRADED, LEASE_DOUBT, 200 },
	    { 200, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 200, LEASE_UNKNOWN, true, 0, 0, LEASE_DOUBT, 400 },
	    { 400, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 400, LEASE_UNKNOWN, true, 0, 0, LEASE_DOUBT, 800 },
	    { 800, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 800, LEASE_UNKNOWN, true, 0, 0, LEASE_DOUBT, 1600 },
	    { 1600, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 1600, LEASE_UNKNOWN, true, 0, 0, LEASE_DOUBT, 2600 },
	    { 2600, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 2600, LEASE_UNKNOWN, true, 0, 0, LEASE_DOUBT, 3600 } } },
	{ "late again and again: each time the first probe is soon",
	  { TAKE,
	    { 100, LEASE_LATE, false, 0, DEGRADED, LEASE_DOUBT, 200 },
	    { 200, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 201, LEASE_GRANTED, true, 5, HEALTHY, LEASE_HELD, 1200 },
	    { 300, LEASE_LATE, false, 0, DEGRADED, LEASE_DOUBT, 400 },
	    { 400, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 401, LEASE_GRANTED, true, 5, HEALTHY, LEASE_HELD, 1400 } } },
	{ "late once: a save that is acknowledged ends it, the probe renews",
	  { TAKE,
	    { 100, LEASE_LATE, false, 0, DEGRADED, LEASE_DOUBT, 200 },
	    { 110, LEASE_ACKED, false, 0, HEALTHY, LEASE_HELD, 200 },
	    { 120, LEASE_ACKED, false, 0, 0, LEASE_HELD, 200 },
	    { 200, LEASE_TIMER, false, 0, RENEW, LEASE_HELD, NEVER },
	    { 201, LEASE_GRANTED, true, 5, 0, LEASE_HELD, 1200 } } },
	{ "acknowledged while the probe is under way, which fails",
	  { TAKE,
	    { 100, LEASE_LATE, false, 0, DEGRADED, LEASE_DOUBT, 200 },
	    { 200, LEASE_TIMER, false, 0, RENEW, LEASE_DOUBT, NEVER },
	    { 210, LEASE_ACKED, false, 0, HEALTHY, LEASE_HELD, NEVER },
	    { 250, LEASE_UNKNOWN, true, 0, DEGRADED, LEASE_DOUBT, 350 } } },
	{ "an acknowledgement of before says nothing of a broken link or lost data",
	  { TAKE,
	    { 20, LEASE_MISSING, false, 0, DEGRADED | ASSERT, LEASE_DOUBT, NEVER },
	    { 21, LEASE_ACKED, false, 0, 0, LEASE_DOUBT, NEVER },
	    { 22, LEASE_GRANTED, true, 5, ANEW, LEASE_HELD, 1020 },
	    { 30, LEASE_LINK_DOWN, false, 0, DEGRADED, LEASE_DOUBT, NEVER },
	    { 31, LEASE_ACKED, false, 0, 0, LEASE_DOUBT, NEVER } } },
	{ "Redis lost its data: asserted at once",
	  { TAKE,
	    { 20, LEASE_MISSING, false, 0, DEGRADED | ASSERT, LEASE_DOUBT, NEVER },
	    { 20, LEASE_MISSING, false, 0, 0, LEASE_DOUBT, NEVER },
	    { 21, LEASE_GRANTED, true, 5, ANEW, LEASE_HELD, 1020 } } },
	{ "Redis lost its data: seen by the renewal",
	  { TAKE,
	    { 1010, LEASE_TIMER, false, 0, RENEW, LEASE_HELD, NEVER },
	    { 1011, LEASE_MISSING, true, 0, DEGRADED | ASSERT, LEASE_DOUBT, NEVER },
	    { 1012, LEASE_GRANTED, true, 5, ANEW, LEASE_HELD, 2011 } } },
	{ "a renewal older than the loss proves nothing",
	  { TAKE,
	    { 1010, LEASE_TIMER, false, 0, RENEW, LEASE_HELD, NEVER },
	    { 1011, LEASE_MISSING, false, 0, DEGRADED, LEASE_DOUBT, NEVER },
	    { 1012, LEASE_GRANTED, true, 5, ASSERT, LEASE_DOUBT, NEVER },
	    { 1013, LEASE_GRANTED, true, 5, ANEW, LEASE_HELD, 2012 } } },
	{ "a higher epoch seen by a save",
	  { TAKE,
	    { 20, LEASE_SEEN, false, 6, DEGRADED | FENCE, LEASE_FENCED, NEVER },
	    { 21, LEASE_SEEN, false, 6, 0, LEASE_FENCED, NEVER },
	    { 22, LEASE_LINK_DOWN, false, 0, 0, LEASE_FENCED, NEVER },
	    { 23, LEASE_LINK_UP, false, 0, 0, LEASE_FENCED, NEVER },
	    { 24, LEASE_GRANTED, true, 5, 0, LEASE_FENCED, NEVER } } },
	{ "a higher epoch seen after an absence",
	  { TAKE,
	    { 20, LEASE_LINK_DOWN, false, 0, DEGRADED, LEASE_DOUBT, NEVER },
	    { 30, LEASE_LINK_UP, false, 0, ASSERT, LEASE_DOUBT, NEVER },
	    { 31, LEASE_SEEN, true, 6, FENCE, LEASE_FENCED, NEVER },
	    { 40, LEASE_WANT, false, 0, ACQUIRE, LEASE_ASKING, NEVER },
	    { 41, LEASE_GRANTED, true, 7, ANEW, LEASE_HELD, 1040 } } },
	{ "a lower epoch seen: ours is asserted",
	  { TAKE,
	    { 20, LEASE_SEEN, false, 4, DEGRADED | ASSERT, LEASE_DOUBT, NEVER },
	    { 21, LEASE_GRANTED, true, 5, ANEW, LEASE_HELD, 1020 } } },
	{ "the same counter, higher incarnation",
	  { TAKE, { 20, LEASE_SEEN, false, 5, DEGRADED | FENCE, LEASE_FENCED, NEVER } } },
};

static void test_stories(void **state)
{
	const struct story *row;

	(void)state;
	EACH_ROW(row, STORIES)
	story_run(row);
}

static unsigned step_at(struct lease *l, enum lease_event_type type, uint64_t counter,
			uint64_t at_ms)
{
	struct lease_event event = {
		.type = type, .answer = counter > 0, .kept = true, .epoch = { counter, OWN }
	};

	return lease_step(l, &event, at_ms * MS);
}

static uint64_t valid_ms(const struct lease *l)
{
	uint64_t ns = atomic_load_explicit(&l->valid_until_ns, memory_order_relaxed);

	return ns == UINT64_MAX ? NEVER : ns / MS;
}

static const struct members NAMED = { { 7, 8 }, 2 };

static void hold(struct lease *l, bool peers)
{
	lease_open(l, OWN, LENGTH);
	if (peers)
		lease_name(l, &NAMED, 0);
	assert_int_equal(valid_ms(l), 0);
	assert_int_equal(step_at(l, LEASE_LINK_UP, 0, 1), 0);
	assert_int_equal(step_at(l, LEASE_WANT, 0, 10), LEASE_SEND_ACQUIRE);
	assert_int_equal(step_at(l, LEASE_GRANTED, 5, 40), LEASE_HEALTHY | LEASE_ANEW);
}

/* Counted from the question: the answer may have been long under way. */
static void test_valid_with_peers(void **state)
{
	struct lease l;

	(void)state;
	hold(&l, true);
	assert_int_equal(valid_ms(&l), 3010);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1010), LEASE_ANNOUNCE | LEASE_SEND_RENEW);
	assert_int_equal(valid_ms(&l), 3010);
	assert_int_equal(step_at(&l, LEASE_GRANTED, 5, 1500), 0);
	assert_int_equal(valid_ms(&l), 4010);
	assert_int_equal(step_at(&l, LEASE_LINK_DOWN, 0, 1600), LEASE_DEGRADED);
	assert_int_equal(valid_ms(&l), 4010);
}

static unsigned ack(struct lease *l, uint64_t from, uint64_t sent_ms, uint64_t at_ms)
{
	struct lease_event event = { .type = LEASE_ACK, .from = from, .sent_ns = sent_ms * MS };

	return lease_step(l, &event, at_ms * MS);
}

/* Redis is away, and the claimants carry it: from when they were told, not from when they answer. */
static void test_valid_by_acks(void **state)
{
	struct lease l;

	(void)state;
	hold(&l, true);
	assert_int_equal(step_at(&l, LEASE_LINK_DOWN, 0, 900), LEASE_DEGRADED);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1000), LEASE_ANNOUNCE);
	assert_int_equal(ack(&l, 9, 1000, 1100), 0);
	assert_int_equal(valid_ms(&l), 3010);
	assert_int_equal(ack(&l, 8, 1000, 1900), 0);
	assert_int_equal(valid_ms(&l), 4000);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1999), 0);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 2000), LEASE_ANNOUNCE);
	assert_int_equal(l.state, LEASE_DOUBT);
}

/* It was another's meanwhile: those that it still names hear of it at once, or nobody would carry it. */
static void test_told_when_it_comes_back(void **state)
{
	struct lease l;

	(void)state;
	hold(&l, true);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 41), LEASE_ANNOUNCE);
	assert_int_equal(step_at(&l, LEASE_SEEN, 6, 100), LEASE_FENCE | LEASE_DEGRADED);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 2000), 0);
	assert_int_equal(step_at(&l, LEASE_WANT, 0, 5000), LEASE_SEND_ACQUIRE);
	assert_int_equal(ack(&l, 8, 41, 5001), 0); /* of before */
	assert_int_equal(step_at(&l, LEASE_GRANTED, 7, 5002), LEASE_HEALTHY | LEASE_ANEW);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 5003), LEASE_ANNOUNCE);
	assert_int_equal(ack(&l, 8, 5003, 5100), 0);
	assert_int_equal(valid_ms(&l), 8003);
}

/* Others may speak now. What comes late of before changes nothing: only a claim that counts does. */
static void test_lapsed(void **state)
{
	struct lease l;
	struct lease_event claimed = { .type = LEASE_CLAIMED,
				       .epoch = { 6, OWN },
				       .renewal = 40,
				       .sent_ns = 6000 * (uint64_t)MS };

	(void)state;
	hold(&l, true);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 3009), LEASE_ANNOUNCE | LEASE_SEND_RENEW);
	assert_int_equal(step_at(&l, LEASE_GRANTED, 5, 3011), LEASE_LAPSE | LEASE_DEGRADED);
	assert_int_equal(l.state, LEASE_LAPSED);
	assert_int_equal(ack(&l, 8, 3009, 3012), 0);
	assert_int_equal(valid_ms(&l), 3010);
	assert_int_equal(step_at(&l, LEASE_LINK_UP, 0, 3013), 0);
	assert_int_equal(lease_step(&l, &claimed, 6100 * (uint64_t)MS), ANEW);
	assert_int_equal(l.state, LEASE_HELD);
	assert_int_equal(valid_ms(&l), 9000);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 6101), LEASE_ANNOUNCE | LEASE_SEND_RENEW);
	assert_int_equal(l.renewal, 41);
}

/* Redis has forgotten ours, and whoever had it before goes on: nothing of ours counts any more, though its epoch is the higher one. */
static void test_lapsed_and_another_renews(void **state)
{
	struct lease_event renews = { .type = LEASE_RENEWED, .epoch = { 4, OWN + 1 } };
	struct lease_event own = { .type = LEASE_RENEWED, .epoch = { 5, OWN } };
	struct lease l;

	(void)state;
	hold(&l, true);
	assert_int_equal(lease_step(&l, &renews, 2000 * (uint64_t)MS), 0); /* it says so itself */
	assert_int_equal(l.state, LEASE_HELD);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 3011) & LEASE_LAPSE, LEASE_LAPSE);
	assert_int_equal(lease_step(&l, &own, 3012 * (uint64_t)MS), 0); /* it came late */
	assert_int_equal(l.state, LEASE_LAPSED);
	assert_int_equal(lease_step(&l, &renews, 3013 * (uint64_t)MS), LEASE_FENCE);
	assert_int_equal(l.state, LEASE_FENCED);
	assert_int_equal(valid_ms(&l), 0);
	assert_int_equal(lease_step(&l, &renews, 3014 * (uint64_t)MS), 0);
}

/* A renewal that Redis may forget is none. */
static void test_not_kept(void **state)
{
	struct lease_event granted = { .type = LEASE_GRANTED, .answer = true, .epoch = { 5, OWN } };
	struct lease l;

	(void)state;
	hold(&l, true);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1010), LEASE_ANNOUNCE | LEASE_SEND_RENEW);
	assert_int_equal(lease_step(&l, &granted, 1020 * (uint64_t)MS), 0);
	assert_int_equal(valid_ms(&l), 3010);
}

/* Both lists are asked until Redis keeps the new one and one of the old ones has acked it. */
static void test_other_names(void **state)
{
	struct members other = { { 7, 9 }, 2 };
	struct lease l;

	(void)state;
	hold(&l, true);
	lease_name(&l, &other, 500 * (uint64_t)MS);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 500), LEASE_ANNOUNCE);
	assert_int_equal(ack(&l, 8, 500, 510), 0);
	assert_int_equal(valid_ms(&l), 3010);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1010), LEASE_SEND_RENEW);
	assert_true(members_has(&l.named, 8));
	assert_int_equal(step_at(&l, LEASE_GRANTED, 5, 1011), 0);
	assert_true(members_has(&l.named, 9) && !members_has(&l.named, 8));
}

/* Who names its first claimants may be claimed from then on, so it may lapse from then on. */
static void test_first_names(void **state)
{
	struct lease l;

	(void)state;
	hold(&l, false);
	lease_name(&l, &NAMED, 500 * (uint64_t)MS);
	assert_int_equal(valid_ms(&l), 3500);
	lease_open(&l, OWN, LENGTH);
	hold(&l, true);
	lease_name(&l, &(struct members){ .count = 0 }, 500 * (uint64_t)MS);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1010), LEASE_ANNOUNCE | LEASE_SEND_RENEW);
	assert_int_equal(ack(&l, 7, 1010, 1011), 0);
	assert_int_equal(step_at(&l, LEASE_GRANTED, 5, 1012), 0);
	assert_true(valid_ms(&l) == NEVER);
}

/* Who has not heard of the first names may take a lease that shows none: until Redis has them they make nothing valid. */
static void test_first_names_in_redis(void **state)
{
	struct lease_event granted = { .type = LEASE_GRANTED, .answer = true, .epoch = { 5, OWN } };
	struct lease l;

	(void)state;
	hold(&l, false);
	lease_name(&l, &NAMED, 1010 * (uint64_t)MS);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1010), LEASE_ANNOUNCE | LEASE_SEND_RENEW);
	assert_int_equal(ack(&l, 7, 1010, 1011), 0);
	assert_int_equal(ack(&l, 8, 1010, 1011), 0);
	assert_int_equal(valid_ms(&l), 4010);
	/* one of the same moment may have been written without them */
	assert_int_equal(step_at(&l, LEASE_GRANTED, 5, 1012), 0);
	assert_int_equal(l.named.count, 0);
	l.next_ns = 1300 * (uint64_t)MS;
	assert_true(step_at(&l, LEASE_TIMER, 0, 1300) & LEASE_SEND_RENEW);
	assert_int_equal(step_at(&l, LEASE_GRANTED, 5, 1301), 0);
	assert_int_equal(l.named.count, NAMED.count);
	/* not while Redis may forget them, or is away: until then what it grants carries the lease, and nothing else */
	lease_open(&l, OWN, LENGTH);
	hold(&l, false);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1010), LEASE_SEND_RENEW);
	assert_int_equal(lease_step(&l, &granted, 1011 * (uint64_t)MS), 0);
	lease_name(&l, &NAMED, 1012 * (uint64_t)MS);
	assert_int_equal(valid_ms(&l), 4012);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 2020), LEASE_ANNOUNCE | LEASE_SEND_RENEW);
	assert_int_equal(lease_step(&l, &granted, 2021 * (uint64_t)MS), 0);
	assert_int_equal(valid_ms(&l), 5020);
	assert_int_equal(step_at(&l, LEASE_LINK_DOWN, 0, 2100), LEASE_DEGRADED);
	lease_name(&l, &NAMED, 2101 * (uint64_t)MS);
	assert_int_equal(valid_ms(&l), 5020);
	/* there is nobody else any more */
	assert_int_equal(step_at(&l, LEASE_LINK_UP, 0, 2110), LEASE_SEND_ASSERT);
	lease_name(&l, &(struct members){ .count = 0 }, 2111 * (uint64_t)MS);
	(void)!lease_step(&l, &granted, 2112 * (uint64_t)MS);
	assert_true(valid_ms(&l) == NEVER);
}

/* Redis is away for it from the beginning, and perhaps for it alone: it speaks on, and who is there hears that it does. */
static void test_others_hear_of_it(void **state)
{
	struct lease l;

	(void)state;
	lease_open(&l, OWN, LENGTH);
	hold(&l, false);
	assert_int_equal(step_at(&l, LEASE_LINK_DOWN, 0, 1100), LEASE_DEGRADED);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1100), 0);
	lease_name(&l, &NAMED, 1101 * (uint64_t)MS);
	assert_true(valid_ms(&l) == NEVER);
	assert_int_equal(l.others.count, NAMED.count);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1101), LEASE_ANNOUNCE);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 1102), 0);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 2101), LEASE_ANNOUNCE);
	/* there is nobody else any more */
	lease_name(&l, &(struct members){ .count = 0 }, 2102 * (uint64_t)MS);
	assert_false(lease_tells(&l));
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 9000), 0);
}

/* Nobody is to be named any more: likewise, as long as Redis may show it and nobody knows. */
static void test_no_names(void **state)
{
	struct lease l;

	(void)state;
	hold(&l, true);
	lease_name(&l, &(struct members){ .count = 0 }, 500 * (uint64_t)MS);
	assert_int_equal(step_at(&l, LEASE_TIMER, 0, 500), LEASE_ANNOUNCE);
	assert_int_equal(ack(&l, 7, 500, 510), 0);
	assert_int_equal(ack(&l, 8, 500, 510), 0);
	assert_int_equal(valid_ms(&l), 3010);
}

static void test_valid_alone(void **state)
{
	struct lease l;
	struct lease_event seen = { .type = LEASE_SEEN, .epoch = { 6, 1 } };

	(void)state;
	hold(&l, false);
	assert_true(valid_ms(&l) == NEVER);
	assert_int_equal(step_at(&l, LEASE_LINK_DOWN, 0, 1600), LEASE_DEGRADED);
	assert_true(valid_ms(&l) == NEVER);
	assert_int_equal(lease_step(&l, &seen, 1700), LEASE_FENCE);
	assert_int_equal(valid_ms(&l), 0);
}

/* One late save in 4 s, for a minute, and others every 100 ms: hardly ever degraded. */
static void test_one_late_save_in_4_s(void **state)
{
	struct lease l;
	uint64_t degraded_ms = 0;

	(void)state;
	hold(&l, false);
	for (uint64_t ms = 100; ms < 60000; ms++) {
		(void)step_at(&l, LEASE_TIMER, 0, ms);
		if (l.question)
			(void)step_at(&l, LEASE_GRANTED, 5, ms);
		if (ms % 4000 == 0)
			(void)step_at(&l, LEASE_LATE, 0, ms);
		if (ms % 100 == 50)
			(void)step_at(&l, LEASE_ACKED, 0, ms);
		degraded_ms += l.state != LEASE_HELD;
	}
	assert_in_range(degraded_ms, 1, 14 * 50);
	/* nor without any saves between them */
	degraded_ms = 0;
	for (uint64_t ms = 60000; ms < 120000; ms++) {
		(void)step_at(&l, LEASE_TIMER, 0, ms);
		if (l.question)
			(void)step_at(&l, LEASE_GRANTED, 5, ms);
		if (ms % 4000 == 0)
			(void)step_at(&l, LEASE_LATE, 0, ms);
		degraded_ms += l.state != LEASE_HELD;
	}
	assert_in_range(degraded_ms, 1, 15 * 100);
}

/* What an older link still holds must not match; what is sent after the assertion must. */
static void test_fence_text(void **state)
{
	char text[LEASE_FENCE_TEXT];
	struct writer w = writer_over(text, sizeof(text));
	struct lease l;

	(void)state;
	hold(&l, false);
	lease_fence_write(&w, &l);
	assert_true(bytes_is(writer_done(&w), "5.0000000000001234.1"));
	assert_int_equal(step_at(&l, LEASE_LINK_DOWN, 0, 1600), LEASE_DEGRADED);
	assert_int_equal(step_at(&l, LEASE_LINK_UP, 0, 1700), LEASE_SEND_ASSERT);
	w.n = 0;
	lease_fence_write(&w, &l);
	assert_true(bytes_is(writer_done(&w), "5.0000000000001234.2"));
}

static void test_epoch_order(void **state)
{
	static const struct {
		struct lease_epoch a, b;
		bool above;
	} rows[] = {
		{ { 2, 0 }, { 1, UINT64_MAX }, true },	{ { 1, UINT64_MAX }, { 2, 0 }, false },
		{ { 1, 2 }, { 1, 1 }, true },		{ { 1, 1 }, { 1, 2 }, false },
		{ { 1, 1 }, { 1, 1 }, false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	assert_int_equal(lease_epoch_above(row->a, row->b), row->above);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_valid_with_peers),
		cmocka_unit_test(test_valid_alone),
		cmocka_unit_test(test_fence_text),
		cmocka_unit_test(test_valid_by_acks),
		cmocka_unit_test(test_told_when_it_comes_back),
		cmocka_unit_test(test_lapsed),
		cmocka_unit_test(test_lapsed_and_another_renews),
		cmocka_unit_test(test_not_kept),
		cmocka_unit_test(test_other_names),
		cmocka_unit_test(test_first_names),
		cmocka_unit_test(test_first_names_in_redis),
		cmocka_unit_test(test_others_hear_of_it),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_epoch_order),
		cmocka_unit_test(test_one_late_save_in_4_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
