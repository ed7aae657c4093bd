/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "cluster/lease.h"

enum { LENGTH = 3000, QUIET = 3300, OWNER = 1, SELF = 2, OTHER = 3 };

static const struct members NAMED = { { SELF, OTHER }, 2 };

static struct claim_lease lease_of(uint64_t history, uint64_t renewal)
{
	return (struct claim_lease){ .history = history,
				     .epoch = { 4, 1 },
				     .owner = OWNER,
				     .renewal = renewal,
				     .named = NAMED };
}

static unsigned see(struct claim *c, uint64_t history, uint64_t renewal, uint64_t now_ns)
{
	return claim_step(
		c, &(struct claim_event){ .type = CLAIM_SEEN, .lease = lease_of(history, renewal) },
		now_ns);
}

static unsigned timer(struct claim *c, uint64_t now_ns)
{
	return claim_step(c, &(struct claim_event){ .type = CLAIM_TIMER }, now_ns);
}

static unsigned of_node(struct claim *c, enum claim_event_type type, uint64_t from,
			uint64_t sent_ns, uint64_t now_ns)
{
	struct claim_event event = { .type = type,
				     .epoch = { 4, 1 },
				     .named = NAMED,
				     .record = OWNER,
				     .from = from,
				     .sent_ns = sent_ns };

	return claim_step(c, &event, now_ns);
}

/* Started long ago, and it has seen renewal 7 at 10000. */
static void watching(struct claim *c)
{
	claim_open(c, SELF, 0x22, LENGTH, 1);
	assert_int_equal(see(c, 1, 7, 10000), 0);
}

static void asking(struct claim *c)
{
	watching(c);
	assert_int_equal(see(c, 1, 7, 13000), 0);
	c->look_ns = UINT64_MAX;
	assert_int_equal(timer(c, 13299), 0);
	assert_int_equal(timer(c, 13300), CLAIM_SEND_REQUEST);
}

static void test_claims(void **state)
{
	struct claim c;

	(void)state;
	asking(&c);
	assert_int_equal(of_node(&c, CLAIM_CONSENTED, OTHER, 13299, 13400), 0);
	assert_int_equal(of_node(&c, CLAIM_CONSENTED, 9, 13300, 13400), 0);
	assert_int_equal(of_node(&c, CLAIM_CONSENTED, OTHER, 13300, 13400), CLAIM_SEND_CLAIM);
	assert_int_equal(c.next.counter, 5);
	assert_int_equal(c.next_named.ids[0], OWNER);
	assert_int_equal(claim_step(&c, &(struct claim_event){ .type = CLAIM_WON }, 16300),
			 CLAIM_OWNED);
}

/* Consents bind for one length after the question. */
static void test_too_late(void **state)
{
	struct claim c;

	(void)state;
	asking(&c);
	assert_int_equal(of_node(&c, CLAIM_CONSENTED, OTHER, 13300, 16301), 0);
	assert_int_equal(of_node(&c, CLAIM_CONSENTED, OTHER, 13300, 16300), CLAIM_SEND_CLAIM);
	assert_int_equal(claim_step(&c, &(struct claim_event){ .type = CLAIM_WON }, 16301), 0);
}

/* A node that has just started knows of no owner, and that says nothing: it has its own shard back before it has seen any other one. */
static void test_before_the_first_look(void **state)
{
	struct claim c;

	(void)state;
	claim_open(&c, SELF, 0x22, LENGTH, 1);
	assert_true(claim_may_be_owned(&c));
	assert_int_equal(claim_step(&c, &(struct claim_event){ .type = CLAIM_SEEN }, 10000), 0);
	assert_false(claim_may_be_owned(&c));
	assert_int_equal(see(&c, 1, 7, 10100), 0);
	assert_true(claim_may_be_owned(&c));
}

static void test_watch_begins_again(void **state)
{
	static const struct {
		uint64_t history, renewal;
	} rows[] = { { 1, 8 }, { 2, 7 }, { 1, 6 } }, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct claim c;

		watching(&c);
		assert_int_equal(see(&c, row->history, row->renewal, 13299), 0);
		c.look_ns = UINT64_MAX;
		assert_int_equal(timer(&c, 13300), 0);
		assert_int_equal(see(&c, row->history, row->renewal, 16000), 0);
		assert_int_equal(timer(&c, 16599), CLAIM_SEND_REQUEST);
	}
}

static void see_names(struct claim *c, uint64_t history, uint64_t renewal, uint32_t count)
{
	struct claim_event event = { .type = CLAIM_SEEN, .lease = lease_of(history, renewal) };

	event.lease.named.count = count;
	assert_int_equal(claim_step(c, &event, 14000), 0);
}

/* A Redis that went back to before they were written. Its owner may be valid by their acks. */
static void test_forgotten_names(void **state)
{
	struct claim c;

	(void)state;
	watching(&c);
	see_names(&c, 2, 6, 0);
	assert_int_equal(c.named.count, 2);
	see_names(&c, 2, 6, 0);
	assert_int_equal(c.named.count, 2);
	see_names(&c, 2, 8, 0);
	assert_int_equal(c.named.count, 0);
}

/* The owner names another one in its place, and tells it of the list before: it claims by what Redis shows. */
static void test_named_no_more(void **state)
{
	struct claim_event seen = { .type = CLAIM_SEEN, .lease = lease_of(1, 8) };
	struct claim c;

	(void)state;
	seen.lease.named = (struct members){ { OTHER, 9 }, 2 };
	watching(&c);
	assert_int_equal(claim_step(&c, &seen, 11000), 0);
	assert_int_equal(of_node(&c, CLAIM_OWNER, OWNER, 5, 11001), CLAIM_SEND_ACK);
	assert_int_equal(c.named.ids[0], OTHER);
	assert_int_equal(claim_step(&c, &seen, 15000), 0);
	c.look_ns = UINT64_MAX;
	assert_int_equal(timer(&c, 15001), 0);
	assert_int_equal(c.named.ids[0], OTHER);
}

static unsigned hear_names(struct claim *c, uint64_t renewal, const struct members *named)
{
	struct claim_event event = { .type = CLAIM_NAMED, .lease = lease_of(0, renewal) };

	event.lease.named = *named;
	return claim_step(c, &event, 14000);
}

/* Two know two lists of one epoch, as Redis went back: of both the newest counts, and whoever knows the older one hears of it. */
static void test_newest_names(void **state)
{
	static const struct members newer = { { OTHER, 9 }, 2 };
	struct claim c;

	(void)state;
	asking(&c);
	assert_int_equal(hear_names(&c, 6, &newer), CLAIM_SEND_NAMES);
	assert_int_equal(hear_names(&c, 7, &NAMED), 0);
	assert_int_equal(c.state, CLAIM_REQUEST);
	assert_int_equal(hear_names(&c, 8, &newer), CLAIM_PASS_NAMES);
	assert_int_equal(c.state, CLAIM_WATCH); /* consents were by the other list */
	assert_int_equal(c.named.ids[0], OTHER);
	assert_int_equal(hear_names(&c, 8, &newer), 0);
	see_names(&c, 2, 7, 2);
	assert_int_equal(c.named.ids[0], OTHER);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 20000),
			 CLAIM_SEND_NEWER | CLAIM_SEND_NAMES);
}

/* To the owner it has acked, to the claimant to which it has consented, and to nobody known after its start. */
static void test_bound(void **state)
{
	struct claim c;

	(void)state;
	watching(&c);
	assert_int_equal(of_node(&c, CLAIM_OWNER, OWNER, 5, 20000), CLAIM_SEND_ACK);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 20000 + QUIET - 1), 0);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 20000 + QUIET), CLAIM_SEND_CONSENT);
	assert_int_equal(of_node(&c, CLAIM_OWNER, OWNER, 6, 20000 + 2 * QUIET - 1), 0);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OWNER, 5, 20000 + 2 * QUIET - 1), 0);
	assert_int_equal(of_node(&c, CLAIM_OWNER, OWNER, 6, 20000 + 2 * QUIET), CLAIM_SEND_ACK);
	claim_open(&c, SELF, 0x22, LENGTH, 50000);
	assert_int_equal(see(&c, 1, 7, 50001), 0);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 50000 + QUIET - 1), 0);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 50000 + QUIET), CLAIM_SEND_CONSENT);
}

/* Two that ask at once: the one that is named first goes on. */
static void test_stands_back(void **state)
{
	struct claim c;

	(void)state;
	asking(&c);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 13301), 0);
	claim_open(&c, OTHER, 0x33, LENGTH, 1);
	assert_int_equal(see(&c, 1, 7, 10000), 0);
	assert_int_equal(see(&c, 1, 7, 14000), 0);
	c.look_ns = UINT64_MAX;
	assert_int_equal(timer(&c, 14299), 0);
	assert_int_equal(timer(&c, 14300), CLAIM_SEND_REQUEST);
	assert_int_equal(of_node(&c, CLAIM_ASKED, SELF, 5, 14301), CLAIM_SEND_CONSENT);
	assert_int_equal(of_node(&c, CLAIM_CONSENTED, SELF, 14300, 14302), 0);
}

/* One alone: it asks nobody, and what Redis may forget does not count. */
static void test_alone(void **state)
{
	struct claim_event seen = { .type = CLAIM_SEEN, .lease = lease_of(1, 7) };

	(void)state;
	seen.lease.named.count = 1;
	for (int kept = 0; kept < 2; kept++) {
		struct claim c;

		claim_open(&c, SELF, 0x22, LENGTH, 1);
		assert_int_equal(claim_step(&c, &seen, 10000), 0);
		assert_int_equal(claim_step(&c, &seen, 13000), 0);
		c.look_ns = UINT64_MAX;
		assert_int_equal(timer(&c, 13300), CLAIM_SEND_REQUEST | CLAIM_SEND_CLAIM);
		assert_int_equal(
			claim_step(&c, &(struct claim_event){ .type = CLAIM_WON, .kept = kept },
				   13400),
			kept ? CLAIM_OWNED : 0);
	}
}

/* Nobody is named: nobody claims. */
static void test_nobody(void **state)
{
	struct claim_event seen = { .type = CLAIM_SEEN, .lease = lease_of(1, 7) };
	struct claim c;

	(void)state;
	seen.lease.named.count = 0;
	claim_open(&c, SELF, 0x22, LENGTH, 1);
	for (uint64_t now_ns = 10000; now_ns < 100000; now_ns += 1000) {
		assert_int_equal(claim_step(&c, &seen, now_ns), 0);
		assert_int_equal(timer(&c, now_ns) & ~(unsigned)CLAIM_SEND_LOOK, 0);
	}
}

static unsigned dead(struct claim *c, uint64_t counter, uint64_t incarnation, uint64_t now_ns)
{
	return claim_step(
		c, &(struct claim_event){ .type = CLAIM_DEAD, .epoch = { counter, incarnation } },
		now_ns);
}

/* An owner that named nobody says that it lives: what Redis shows of it is not free, until it is silent. */
static void test_owner_is_heard(void **state)
{
	struct claim c;

	(void)state;
	claim_open(&c, SELF, 0x22, LENGTH, 1);
	assert_false(claim_hears_owner(&c, 2));
	assert_int_equal(of_node(&c, CLAIM_OWNER, OTHER, 5, 10000), CLAIM_SEND_ACK);
	assert_true(claim_hears_owner(&c, 10001));
	assert_true(claim_hears_owner(&c, 13299));
	assert_false(claim_hears_owner(&c, 13300));
	assert_int_equal(of_node(&c, CLAIM_OWNER, OTHER, 5, 20000), CLAIM_SEND_ACK);
	(void)dead(&c, c.heard.counter, c.heard.incarnation, 20001);
	assert_false(claim_hears_owner(&c, 20002));
}

/* Nobody waits for an owner that is gone: one look, and it asks, and tells why. */
static void test_dead(void **state)
{
	struct claim c;

	(void)state;
	watching(&c);
	assert_int_equal(of_node(&c, CLAIM_OWNER, OWNER, 5, 10500), CLAIM_SEND_ACK);
	assert_int_equal(dead(&c, 4, 1, 10600), 0);
	assert_int_equal(timer(&c, 10600), CLAIM_SEND_LOOK);
	assert_int_equal(see(&c, 1, 8, 10700), 0);
	assert_int_equal(timer(&c, 10700), CLAIM_SEND_REQUEST | CLAIM_SEND_DEAD);
	assert_int_equal(of_node(&c, CLAIM_OWNER, OWNER, 6, 10750), 0);
	assert_int_equal(of_node(&c, CLAIM_CONSENTED, OTHER, 10700, 10800), CLAIM_SEND_CLAIM);
}

/* Who acked the owner consents to who tells of its end. The second in the list asks a third of a length later. */
static void test_dead_consents(void **state)
{
	struct claim c;

	(void)state;
	claim_open(&c, OTHER, 0x33, LENGTH, 1);
	assert_int_equal(see(&c, 1, 7, 10000), 0);
	assert_int_equal(of_node(&c, CLAIM_OWNER, OWNER, 5, 10500), CLAIM_SEND_ACK);
	assert_int_equal(of_node(&c, CLAIM_ASKED, SELF, 9, 10600), 0);
	assert_int_equal(dead(&c, 4, 1, 10600), 0);
	assert_int_equal(see(&c, 1, 7, 10600), 0);
	c.look_ns = UINT64_MAX;
	assert_int_equal(timer(&c, 10600 + LENGTH / 3 - 1), 0);
	assert_int_equal(of_node(&c, CLAIM_ASKED, SELF, 9, 11500), CLAIM_SEND_CONSENT);
	/* the notice comes again: it frees from no consent */
	assert_int_equal(dead(&c, 4, 1, 11600), 0);
	assert_int_equal(timer(&c, 11600 + LENGTH / 3), 0);
}

/* Of another epoch, or another process, or from before: it changes nothing. */
static void test_dead_other(void **state)
{
	static const struct {
		const char *name;
		uint64_t counter, incarnation;
	} rows[] = { { "older", 3, 1 },
		     { "newer", 5, 1 },
		     { "next process", 4, 2 },
		     { "none", 0, 0 } },
	  *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct claim c;

		watching(&c);
		ROW_ASSERT(row->name, of_node(&c, CLAIM_OWNER, OWNER, 5, 10500) == CLAIM_SEND_ACK);
		ROW_ASSERT(row->name, !dead(&c, row->counter, row->incarnation, 10600));
		ROW_ASSERT(row->name, !see(&c, 1, 7, 10600));
		c.look_ns = UINT64_MAX;
		ROW_ASSERT(row->name, !of_node(&c, CLAIM_ASKED, OTHER, 5, 10600));
		ROW_ASSERT(row->name, !timer(&c, 13799));
		ROW_ASSERT(row->name, of_node(&c, CLAIM_OWNER, OWNER, 6, 13799) == CLAIM_SEND_ACK);
	}
}

/* The next process of that node asks, and a word of the one that is gone comes late: the consent stays. */
static void test_dead_keeps_promises(void **state)
{
	struct claim c;

	(void)state;
	watching(&c);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OWNER, 5, 12000), CLAIM_SEND_CONSENT);
	assert_int_equal(of_node(&c, CLAIM_OWNER, OWNER, 5, 12001), CLAIM_SEND_ACK);
	assert_int_equal(dead(&c, 4, 1, 12002), 0);
	assert_int_equal(see(&c, 1, 7, 12003), 0);
	c.look_ns = UINT64_MAX;
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 12000 + QUIET - 1), 0);
	assert_int_equal(timer(&c, 12000 + QUIET - 1), 0);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 12000 + QUIET), CLAIM_SEND_CONSENT);
	/* likewise what it promised before its start */
	claim_open(&c, SELF, 0x22, LENGTH, 50000);
	assert_int_equal(of_node(&c, CLAIM_OWNER, OWNER, 5, 50001), CLAIM_SEND_ACK);
	assert_int_equal(dead(&c, 4, 1, 50002), 0);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 50000 + QUIET - 1), 0);
	assert_int_equal(of_node(&c, CLAIM_ASKED, OTHER, 5, 50000 + QUIET), CLAIM_SEND_CONSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_before_the_first_look),
		cmocka_unit_test(test_watch_begins_again),
		cmocka_unit_test(test_forgotten_names),
		cmocka_unit_test(test_named_no_more),
		cmocka_unit_test(test_newest_names),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_stands_back),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_owner_is_heard),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_dead_consents),
		cmocka_unit_test(test_dead_other),
		cmocka_unit_test(test_dead_keeps_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
