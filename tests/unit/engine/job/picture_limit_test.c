/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a picture a viewer is sent whose line loses packets. */
#include "tests/unit/test.h"

#include "engine/job/video_choice.h"

#define MS(n) (UINT64_C(1000000000) + (n)*NS_PER_MS)

enum { EVERY_MS = 1000, HAS = 1600, HALF_LOST = 128 };

/* A report each second, of so many seconds. How often the limit changed. */
static uint32_t report(struct video_limit *l, uint32_t *ms, uint32_t seconds, uint8_t lost)
{
	uint32_t changes = 0;

	for (uint32_t i = 0; i < seconds; i++, *ms += EVERY_MS)
		changes += video_limit_report(l, lost, HAS, MS(*ms));
	return changes;
}

static void loss_for_a_while(void **state)
{
	static const struct {
		const char *name;
		uint8_t lost;
		uint32_t seconds, kbps;
	} rows[] = {
		{ "nothing", 0, 60, 0 },
		{ "a bit", LIMIT_CLEAN, 60, 0 },
		{ "more", LIMIT_LOSSY - 1, 60, 0 },
		{ "much, for a moment", LIMIT_LOSSY, 2, 0 },
		{ "much", LIMIT_LOSSY, 3, 1000 },
		{ "half of it", HALF_LOST, 3, 1000 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct video_limit l = { 0 };
		uint32_t ms = 0;

		(void)report(&l, &ms, row->seconds, row->lost);
		if (l.kbps != row->kbps)
			fail_msg("%s: %u", row->name, l.kbps);
	}
}

static void what_is_of_before(void **state)
{
	struct video_limit l = { 0 };
	uint32_t ms = 0;

	(void)state;
	assert_int_equal(report(&l, &ms, 3, HALF_LOST), 1);
	assert_int_equal(report(&l, &ms, 2, HALF_LOST), 0);
	assert_true(video_limit_report(&l, HALF_LOST, 400, MS(ms)));
	assert_int_equal(l.kbps, 250);
	ms += LIMIT_REST_MS;
	/* nothing is less than that */
	assert_false(video_limit_report(&l, HALF_LOST, 0, MS(ms)));
	ms += LIMIT_REST_MS;
	assert_false(video_limit_report(&l, HALF_LOST, 0, MS(ms)));
	assert_true(video_limit_report(&l, HALF_LOST, 1, MS(ms)));
	assert_int_equal(l.kbps, LIMIT_LEAST_KBPS);
}

/* Phones report each five seconds. A report without loss between ends it. */
static void reports_are_rare(void **state)
{
	struct video_limit l = { 0 };

	(void)state;
	assert_false(video_limit_report(&l, HALF_LOST, HAS, MS(0)));
	assert_false(video_limit_report(&l, 0, HAS, MS(5000)));
	assert_false(video_limit_report(&l, HALF_LOST, HAS, MS(10000)));
	assert_true(video_limit_report(&l, HALF_LOST, HAS, MS(15000)));
	assert_int_equal(l.kbps, 1000);
}

static void it_goes_up_slowly(void **state)
{
	struct video_limit l = { 0 };
	uint32_t ms = 0, changes;

	(void)state;
	(void)report(&l, &ms, 3, HALF_LOST);
	assert_int_equal(report(&l, &ms, 10, 0), 0);
	assert_int_equal(report(&l, &ms, 1, 0), 1);
	assert_int_equal(l.kbps, 2000);
	/* what is lost between, though little, is waited for */
	assert_int_equal(report(&l, &ms, 60, LIMIT_CLEAN + 1), 0);
	changes = report(&l, &ms, 60, LIMIT_CLEAN);
	assert_in_range(changes, 4, 5);
	assert_int_equal(l.kbps, 0);
	assert_int_equal(report(&l, &ms, 60, 0), 0);
}

/* A line that bears 800 kbit/s, and layers of 150, 500 and 1500: what is too much is lost. */
static void a_line_that_bears_two_layers(void **state)
{
	static const struct layer_seen list[] = { { true, true, 150, 57600 },
						  { true, true, 500, 230400 },
						  { true, true, 1500, 921600 } };
	struct video_limit l = { 0 };
	uint32_t kept_ms = 60000, changes = 0, above = 0, below = 0;
	uint8_t now = 2;

	(void)state;
	for (uint32_t ms = 0; ms < 600000; ms += 100, kept_ms += 100) {
		uint32_t kbps = list[now].kbps;
		uint8_t lost = kbps > 800 ? (uint8_t)((kbps - 800) * 255 / kbps) : 0, next;

		if (ms % EVERY_MS == 0)
			(void)video_limit_report(&l, lost, now ? kbps : 0, MS(ms));
		next = layer_choose(list, 3, l.kbps, now, kept_ms);
		changes += next != now;
		kept_ms = next == now ? kept_ms : 0;
		now = next;
		above += now == 2;
		below += now == 0;
	}
	/* it is tried with too much for less than a twentieth of the time */
	assert_in_range(above, 1, 300);
	assert_int_equal(below, 0);
	assert_in_range(changes, 3, 21);
}

/* Of what it reports, what had not come to us. */
static void what_its_own_line_lost(void **state)
{
	static const struct {
		uint8_t lost;
		uint32_t span, sent;
		uint8_t want;
	} rows[] = {
		{ 64, 100, 100, 64 }, { 64, 100, 75, 0 }, { 64, 100, 50, 0 },
		{ 128, 100, 75, 64 }, { 64, 0, 0, 64 },	  { 64, 100, 120, 64 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	assert_int_equal(video_limit_own(row->lost, row->span, row->sent), row->want);
}

static void the_lower_one(void **state)
{
	(void)state;
	assert_int_equal(video_limit_least(0, 0), 0);
	assert_int_equal(video_limit_least(0, 5), 5);
	assert_int_equal(video_limit_least(5, 0), 5);
	assert_int_equal(video_limit_least(5, 6), 5);
	assert_int_equal(video_limit_least(6, 5), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loss_for_a_while),
		cmocka_unit_test(what_is_of_before),
		cmocka_unit_test(reports_are_rare),
		cmocka_unit_test(it_goes_up_slowly),
		cmocka_unit_test(a_line_that_bears_two_layers),
		cmocka_unit_test(what_its_own_line_lost),
		cmocka_unit_test(the_lower_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
