/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "app/record/timeline.h"

enum { RATE = 8000, FRAME = 160, MS = RATE / 1000 };

static struct timeline_gap g_gaps[64];
static uint32_t g_gap_count;

static void on_gap(const struct timeline_gap *gap, void *arg)
{
	(void)arg;
	g_gaps[g_gap_count++ % COUNT_OF(g_gaps)] = *gap;
}

/* A packet of 20 ms: when it arrives, its number and timestamp, and where it must be; -1: nowhere. */
struct step {
	int64_t arrival_ms;
	uint32_t ssrc;
	uint16_t number;
	uint32_t timestamp;
	int64_t at_ms;
};

struct row {
	const char *name;
	struct step steps[8];
	uint32_t gaps; /* after all was settled */
	int64_t gap_at_ms, gap_ms;
	uint64_t lost;
};

static const struct row g_rows[] = {
	{ .name = "jitter moves nothing",
	  .steps = { { 100, 1, 10, 5000, 100 },
		     { 135, 1, 11, 5160, 120 },
		     { 137, 1, 12, 5320, 140 } } },
	{ .name = "a late one goes where it belongs",
	  .steps = { { 100, 1, 10, 5000, 100 },
		     { 140, 1, 12, 5320, 140 },
		     { 150, 1, 11, 5160, 120 } } },
	{ .name = "twice is once",
	  .steps = { { 100, 1, 10, 5000, 100 },
		     { 101, 1, 10, 5000, -1 },
		     { 120, 1, 11, 5160, 120 } } },
	{ .name = "a lost one is a gap",
	  .steps = { { 100, 1, 10, 5000, 100 }, { 140, 1, 12, 5320, 140 } },
	  .gaps = 1,
	  .gap_at_ms = 120,
	  .gap_ms = 20,
	  .lost = 1 },
	{ .name = "a silent sender loses nothing",
	  .steps = { { 100, 1, 10, 5000, 100 }, { 500, 1, 11, 5000 + 400 * MS, 500 } } },
	{ .name = "another source is anchored where it arrives",
	  .steps = { { 100, 1, 10, 5000, 100 },
		     { 300, 2, 77, 999999, 300 },
		     { 320, 2, 78, 1000159, 320 } } },
	{ .name = "another source never covers the one before",
	  .steps = { { 100, 1, 10, 5000, 100 },
		     { 105, 2, 77, 999999, 120 },
		     { 125, 2, 78, 1000159, 140 } } },
	{ .name = "timestamps that jump far ahead",
	  .steps = { { 100, 1, 10, 5000, 100 },
		     { 120, 1, 11, 900000, 120 },
		     { 140, 1, 12, 900160, 140 } } },
	{ .name = "timestamps that go back while numbers go on",
	  .steps = { { 100, 1, 10, 5000, 100 },
		     { 120, 1, 11, 4900, 120 },
		     { 140, 1, 12, 5060, 140 } } },
	{ .name = "timestamps that wrap",
	  .steps = { { 100, 1, 65535, 0xffffffb0, 100 }, { 120, 1, 0, 80, 120 } } },
	{ .name = "a burst after a second of nothing",
	  .steps = { { 100, 1, 10, 5000, 100 },
		     { 1100, 1, 11, 5160, 120 },
		     { 1100, 1, 12, 5320, 140 } } },
	{ .name = "before the file begins there is nothing",
	  .steps = { { 0, 1, 11, 5160, 0 }, { 5, 1, 10, 5000, -1 } } },
	{ .name = "numbers that jump are another run",
	  .steps = { { 100, 1, 10, 5000, 100 },
		     { 120, 1, 30000, 5160, 120 },
		     { 140, 1, 30001, 5320, 140 } } },
};

static void row_run(const struct row *row)
{
	struct timeline t;

	g_gap_count = 0;
	timeline_open(&t, RATE, on_gap, NULL);
	for (size_t i = 0; i < COUNT_OF(row->steps) && row->steps[i].ssrc; i++) {
		const struct step *s = &row->steps[i];
		struct timeline_packet p = { .arrival = s->arrival_ms * MS,
					     .ssrc = s->ssrc,
					     .timestamp = s->timestamp,
					     .clock_hz = 8000,
					     .sequence = s->number,
					     .samples = FRAME };
		struct timeline_span out[TIMELINE_SPANS];
		uint32_t n = timeline_place(&t, &p, out);

		if (n != (s->at_ms >= 0))
			fail_msg("%s: step %zu has %u spans", row->name, i, n);
		if (n && (out[0].at != s->at_ms * MS || out[0].n != FRAME || out[0].skip))
			fail_msg("%s: step %zu is at %ld of %ld", row->name, i, (long)out[0].at,
				 (long)s->at_ms * MS);
	}
	timeline_settle(&t, INT64_MAX);
	ROW_ASSERT(row->name, g_gap_count == row->gaps);
	ROW_ASSERT(row->name, !row->gaps || (g_gaps[0].at == row->gap_at_ms * MS &&
					     g_gaps[0].n == row->gap_ms * MS));
	ROW_ASSERT(row->name, timeline_lost(&t) == row->lost);
}

static void test_rows(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, g_rows)
	row_run(row);
}

/* A key of RFC 4733 takes numbers, and no place: nothing is missing. */
static void test_events_lose_nothing(void **state)
{
	struct timeline t;
	struct timeline_span out[TIMELINE_SPANS];
	struct timeline_packet p = { .arrival = 0, .ssrc = 1, .clock_hz = 8000, .samples = FRAME };

	(void)state;
	g_gap_count = 0;
	timeline_open(&t, RATE, on_gap, NULL);
	assert_int_equal(timeline_place(&t, &p, out), 1);
	p.samples = 0;
	for (p.sequence = 1; p.sequence < 6; p.sequence++)
		assert_int_equal(timeline_place(&t, &p, out), 0);
	p.samples = FRAME;
	p.timestamp = 100 * MS;
	p.arrival = 100 * MS;
	assert_int_equal(timeline_place(&t, &p, out), 1);
	assert_int_equal(out[0].at, 100 * MS);
	timeline_settle(&t, INT64_MAX);
	assert_int_equal(g_gap_count, 0);
}

/* An RTP clock of 48 kHz in a file of 16 kHz, and one of 8 kHz. */
static void test_other_clocks(void **state)
{
	static const struct {
		uint32_t clock, rate, step, samples;
	} rows[] = { { 48000, 16000, 960, 320 },
		     { 8000, 16000, 160, 320 },
		     { 48000, 8000, 960, 160 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct timeline t;
		struct timeline_span out[TIMELINE_SPANS];

		timeline_open(&t, rows[i].rate, on_gap, NULL);
		for (uint32_t k = 0; k < 500; k++) {
			struct timeline_packet p = { .arrival = k * rows[i].rate / 50,
						     .ssrc = 1,
						     .timestamp = 0xffff0000 + k * rows[i].step,
						     .clock_hz = rows[i].clock,
						     .sequence = (uint16_t)k,
						     .samples = rows[i].samples };

			assert_int_equal(timeline_place(&t, &p, out), 1);
			assert_int_equal(out[0].at, k * rows[i].samples);
		}
		assert_int_equal(t.count, 1);
	}
}

/* Whatever comes: no sample is given twice, all lies within what a window has, and the extents stay in order. */
static void random_run(uint32_t seed)
{
	static uint8_t taken[RATE * 700];
	struct timeline t;
	int64_t low = 0;
	uint32_t timestamp = seed * 7919, ssrc = 1;
	uint16_t number = (uint16_t)seed;

	memset(taken, 0, sizeof(taken));
	g_gap_count = 0;
	timeline_open(&t, RATE, on_gap, NULL);
	for (uint32_t k = 0; k < 4000; k++) {
		struct timeline_span out[TIMELINE_SPANS];
		struct timeline_packet p = { .arrival = (int64_t)k * FRAME, .clock_hz = 8000 };
		uint32_t n, dice;

		seed = seed * 1664525 + 1013904223;
		dice = seed >> 24;
		timestamp += FRAME;
		number++;
		if (dice < 3)
			timestamp += seed % 100000;
		if (dice == 4)
			number = (uint16_t)seed;
		if (dice == 5)
			ssrc++;
		p.ssrc = ssrc;
		p.samples = dice > 250 ? 0 : 1 + seed % 400;
		p.timestamp = dice > 200 ? timestamp - (dice - 200) * FRAME : timestamp;
		p.sequence = (uint16_t)(dice > 200 ? number - (dice - 200) : number);
		n = timeline_place(&t, &p, out);
		for (uint32_t i = 0; i < n; i++) {
			assert_true(out[i].at >= low && out[i].skip + out[i].n <= p.samples);
			assert_true(out[i].at + out[i].n <= p.arrival + TIMELINE_AHEAD_S * RATE);
			for (uint32_t s = 0; s < out[i].n; s++)
				assert_int_equal(taken[out[i].at + s]++, 0);
		}
		if (k % 20 == 0 && p.arrival > TIMELINE_BEHIND_S * RATE) {
			low = p.arrival - TIMELINE_BEHIND_S * RATE;
			timeline_settle(&t, low);
		}
		for (uint32_t i = 0; i < t.count; i++)
			assert_true(t.extents[i].from < t.extents[i].to &&
				    (!i || t.extents[i - 1].to <= t.extents[i].from));
	}
}

static void test_random(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 60; seed++)
		random_run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_events_lose_nothing),
		cmocka_unit_test(test_other_clocks),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
