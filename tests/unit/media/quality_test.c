/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/quality.h"

/* MOS by hand from the formula of the header; the first is G.107's own for its defaults (R 93.2, 4.41) less 20 ms. */
static const struct row {
	const char *name, *codec;
	uint64_t packets, lost;
	uint32_t jitter_ms, rtt_ms;
	uint32_t loss, r, mos;
} ROWS[] = {
	{ "perfect", "PCMU", 1000, 0, 0, 0, 0, 927, 440 },
	{ "perfect, any case", "pcma", 1000, 0, 0, 0, 0, 927, 440 },
	{ "G.729", "G729", 1000, 0, 0, 0, 0, 817, 409 },
	{ "1 % lost", "PCMU", 990, 10, 0, 0, 100, 891, 432 },
	{ "5 % lost", "PCMU", 950, 50, 0, 0, 500, 769, 390 },
	{ "5 % lost of G.729", "G729", 950, 50, 0, 0, 500, 642, 332 },
	{ "100 ms one way", "PCMU", 1000, 0, 0, 200, 0, 903, 435 },
	{ "400 ms one way", "PCMU", 1000, 0, 0, 800, 0, 564, 291 },
	{ "jitter", "opus", 1000, 0, 50, 0, 0, 903, 435 },
	{ "all lost", "PCMU", 0, 1000, 0, 0, 10000, 168, 116 },
	{ "an eternity away", "PCMU", 500, 500, 500, 2000, 5000, 0, 100 },
	{ "nothing came", "PCMU", 0, 0, 0, 0, 0, 0, 0 },
	{ "who knows", "X-SECRET", 90, 10, 0, 0, 1000, 0, 0 },
};

static void test_marks(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		struct quality_in in = { .codec = quality_codec_find(bytes_str(row->codec)),
					 .packets = row->packets,
					 .lost = row->lost,
					 .jitter_us = row->jitter_ms * 1000,
					 .rtt_us = row->rtt_ms * 1000 };
		struct quality q = quality_of(&in);

		if (q.loss_hundredths != row->loss || q.r_tenths != row->r ||
		    q.mos_hundredths != row->mos)
			fail_msg("%s: loss %u, R %u, MOS %u", row->name, q.loss_hundredths,
				 q.r_tenths, q.mos_hundredths);
	}
}

static void test_more_loss_is_never_better(void **state)
{
	struct quality_in in = { .codec = quality_codec_find(bytes_str("G729")), .packets = 1000 };
	uint16_t before = 500;

	(void)state;
	for (in.lost = 0; in.lost < 5000; in.lost++) {
		struct quality q = quality_of(&in);

		assert_in_range(q.mos_hundredths, 100, before);
		before = q.mos_hundredths;
	}
}

static void test_both_ways(void **state)
{
	const struct quality_codec *pcmu = quality_codec_find(bytes_str("PCMU"));
	struct flow_stats s = {
		.packets_in = 990, .lost = 10, .packets_out = 950, .remote_lost = 19
	};
	struct flow_detail d = { 0 };

	(void)state;
	assert_int_equal(quality_received(&s, pcmu).loss_hundredths, 100);
	assert_int_equal(quality_reported(&s, &d, pcmu).mos_hundredths, 0);
	d.reported_ns = 1;
	assert_int_equal(quality_reported(&s, &d, pcmu).loss_hundredths, 200);
	s.remote_lost = 5000; /* it counts what another process sent, too */
	assert_int_equal(quality_reported(&s, &d, pcmu).loss_hundredths, 10000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_more_loss_is_never_better),
		cmocka_unit_test(test_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
