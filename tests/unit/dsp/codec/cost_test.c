/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever works in slices believes the table: it has each codec, and is what the benchmark measured (docs/benchmarks.md). */
#include "tests/unit/test.h"

#include <errno.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"

static const struct {
	struct encoder_settings s;
	double encode_us, decode_us; /* of 20 ms, measured */
} g_rows[] = {
	{ { .codec = "PCMU" }, 0.04, 0.03 },
	{ { .codec = "PCMA" }, 0.02, 0.02 },
	{ { .codec = "L16", .rate = 16000 }, 0.16, 0.17 },
	{ { .codec = "G722" }, 11.3, 5.2 },
	{ { .codec = "G722", .rate = 8000 }, 4.6, 2.4 },
	{ { .codec = "G726-32" }, 10.7, 8.9 },
	{ { .codec = "opus", .rate = 8000, .bit_rate = 12000 }, 20.1, 4.5 },
	{ { .codec = "opus", .rate = 8000, .bit_rate = 12000, .complexity = 5 }, 45.8, 4.6 },
	{ { .codec = "opus", .rate = 16000, .complexity = 5 }, 87.1, 8.3 },
	{ { .codec = "opus", .rate = 16000, .complexity = 10 }, 177, 8.4 },
	{ { .codec = "opus", .rate = 48000, .bit_rate = 28000, .complexity = 10 }, 200, 23.3 },
	{ { .codec = "opus", .rate = 16000, .complexity = 5, .packet_ms = 40 }, 174.4, 8.3 },
};

/* No less than it costs, and little more. */
static void is_about(size_t row, double ns, double us)
{
	if (ns < us * 900 || ns > us * 1400 + 500)
		fail_msg("row %zu: %.0f ns, measured %.2f us", row, ns, us);
}

static void costs_are_as_measured(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_rows); i++) {
		const struct encoder_settings *s = &g_rows[i].s;
		struct encoder *e = NULL;
		struct decoder *d = NULL;

		assert_int_equal(encoder_open(&e, s), 0);
		assert_int_equal(decoder_open(&d, &(struct decoder_settings){ s->codec, s->rate }),
				 0);
		is_about(i, encoder_cost_ns(e), g_rows[i].encode_us);
		is_about(i, decoder_cost_ns(d), g_rows[i].decode_us);
		encoder_close(e);
		decoder_close(d);
	}
}

/* The next packet is as long as it is asked for, of Opus. */
static void packets_are_stretched(void **state)
{
	static const int16_t pcm[960];
	uint8_t out[400];
	struct encoder *e = NULL;

	(void)state;
	assert_int_equal(
		encoder_open(&e, &(struct encoder_settings){ .codec = "opus", .rate = 16000 }), 0);
	assert_int_equal(encoder_stretch(e, 60), 0);
	assert_int_equal(encoder_format(e).samples, 960);
	assert_true(encoder_frame(e, pcm, 960, out, sizeof(out)) > 0);
	assert_int_equal(encoder_frame(e, pcm, 320, out, sizeof(out)), -EINVAL);
	assert_int_equal(encoder_stretch(e, 30), -EINVAL);
	assert_int_equal(encoder_stretch(e, 120), -EINVAL);
	assert_int_equal(encoder_format(e).samples, 960);
	encoder_close(e);
	assert_int_equal(encoder_open(&e, &(struct encoder_settings){ .codec = "PCMU" }), 0);
	assert_int_equal(encoder_stretch(e, 40), -ENOTSUP);
	encoder_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs_are_as_measured),
		cmocka_unit_test(packets_are_stretched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
