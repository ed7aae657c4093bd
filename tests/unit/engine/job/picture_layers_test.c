/* SPDX-License-Identifier: Apache-2.0 */
/* Which layer of a picture a viewer has. */
#include "tests/unit/test.h"

#include "engine/job/video_choice.h"

#define MS(n) (UINT64_C(1000000000) + (n)*NS_PER_MS)

enum { SMALL, MIDDLE, LARGE, LONG = 60000 };

/* Comes, steady, kbit/s, pixels. In no order, for no order of names says which is larger. */
#define LAYERS                                                   \
	{ true, true, 150, 57600 }, { true, true, 500, 230400 }, \
	{                                                        \
		true, true, 1500, 921600                         \
	}

static void what_fits(void **state)
{
	static const struct {
		const char *name;
		struct layer_seen list[MEDIA_LAYERS_MAX];
		uint8_t count;
		uint32_t most, kept;
		uint8_t now, want;
	} rows[] = {
		{ "no limit", { LAYERS }, 3, 0, 0, LAYER_NONE, LARGE },
		{ "all of it", { LAYERS }, 3, 1500, 0, LAYER_NONE, LARGE },
		{ "the middle", { LAYERS }, 3, 1499, 0, LAYER_NONE, MIDDLE },
		{ "the smallest", { LAYERS }, 3, 499, 0, LAYER_NONE, SMALL },
		{ "none fits", { LAYERS }, 3, 64, 0, LAYER_NONE, SMALL },
		{ "two of them", { LAYERS }, 2, 0, 0, LAYER_NONE, MIDDLE },
		{ "none comes", { { 0 } }, 3, 0, 0, LAYER_NONE, LAYER_NONE },
		{ "none comes any more", { { 0 } }, 3, 0, LONG, MIDDLE, LAYER_NONE },
		{ "another order",
		  { { true, true, 900, 9 }, { true, true, 100, 1 }, { true, true, 400, 4 } },
		  3, 0, 0, LAYER_NONE, 0 },
		/* what it has stays */
		{ "up, at last", { LAYERS }, 3, 0, LAYER_UP_MS, SMALL, LARGE },
		{ "not at once", { LAYERS }, 3, 0, LAYER_UP_MS - 1, SMALL, SMALL },
		{ "down", { LAYERS }, 3, 200, LAYER_DOWN_MS, LARGE, SMALL },
		{ "not at once, either", { LAYERS }, 3, 200, LAYER_DOWN_MS - 1, LARGE, LARGE },
		{ "a bit too much is borne", { LAYERS }, 3, 1200, LONG, LARGE, LARGE },
		{ "more is not", { LAYERS }, 3, 1199, LONG, LARGE, MIDDLE },
		{ "one that is a bit too much is not begun", { LAYERS }, 3, 1400, LONG, MIDDLE,
		  MIDDLE },
		{ "none fits, and it has the smallest", { LAYERS }, 3, 64, LONG, SMALL, SMALL },
		/* it stops */
		{ "the next lower one",
		  { { true, true, 150, 57600 }, { true, true, 500, 230400 }, { 0 } },
		  3, 0, 0, LARGE, MIDDLE },
		{ "the only one", { { 0 }, { 0 }, { true, true, 1500, 921600 } }, 3, 200, 0, SMALL,
		  LARGE },
		/* it began just now */
		{ "nothing is known of its rate",
		  { { true, true, 150, 57600 }, { true, false, 0, 921600 } },
		  2, 0, LONG, SMALL, SMALL },
		{ "of none", { { true, false, 0, 57600 }, { true, false, 0, 921600 } }, 2, 0, 0,
		  LAYER_NONE, SMALL },
		{ "of none, and it has one", { { true, false, 0, 0 }, { true, false, 0, 0 } }, 2,
		  100, LONG, 1, 1 },
		/* sizes that are not known */
		{ "by rate", { { true, true, 500, 0 }, { true, true, 1500, 9 } }, 2, 0, LONG, 0,
		  1 },
		{ "about as much", { { true, true, 500, 0 }, { true, true, 620, 0 } }, 2, 0, LONG,
		  0, 0 },
		{ "known of those that come",
		  { { true, true, 500, 9 }, { true, true, 100, 16 }, { 0 } }, 3, 0, 0, LAYER_NONE,
		  1 },
		{ "as large, and better", { { true, true, 500, 9 }, { true, true, 1500, 9 } }, 2, 0,
		  LONG, 0, 1 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t found = layer_choose(row->list, row->count, row->most, row->now, row->kept);

		if (found != row->want)
			fail_msg("%s: %u", row->name, found);
	}
}

/* A rate that goes up and down around what a viewer may have does not turn its picture. */
static void about_the_limit(void **state)
{
	struct layer_seen list[] = { LAYERS };
	uint8_t now = MIDDLE;
	uint32_t kept_ms = 0, changes = 0;

	(void)state;
	for (uint32_t ms = 0; ms < 600000; ms += 100, kept_ms += 100) {
		uint8_t next;

		list[LARGE].kbps = 1300 + (ms / 100 * 7919) % 400;
		next = layer_choose(list, 3, 1480, now, kept_ms);
		changes += next != now;
		kept_ms = next == now ? kept_ms : 0;
		now = next;
	}
	assert_int_equal(now, LARGE);
	assert_int_equal(changes, 1);
}

static void rates(void **state)
{
	struct layer_rate r = { 0 };

	(void)state;
	layer_rate_read(&r, MS(0));
	for (uint32_t ms = 10; ms <= 1000; ms += 10) {
		layer_rate_note(&r, 1250);
		layer_rate_read(&r, MS(ms));
		assert_int_equal(r.times, ms / 500);
	}
	assert_int_equal(r.kbps, 1000);
	layer_rate_note(&r, 62500); /* a key frame */
	for (uint32_t ms = 1010; ms <= 1500; ms += 10) {
		layer_rate_note(&r, 1250);
		layer_rate_read(&r, MS(ms));
	}
	assert_int_equal(r.kbps, 1250);
	layer_rate_read(&r, MS(20000)); /* it stood still */
	layer_rate_read(&r, MS(20500));
	assert_int_equal(r.kbps, 702); /* nine parts of sixteen */
	assert_int_equal(r.times, LAYER_STEADY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits),
		cmocka_unit_test(about_the_limit),
		cmocka_unit_test(rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
