/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/codec.h"
#include "media/payload.h"

static struct payload meaning_of(const struct media_codec_facts *facts)
{
	return (struct payload){ .number = facts->number,
				 .channels = facts->channels,
				 .clock_hz = facts->clock_hz,
				 .name = bytes_str(facts->name) };
}

enum { LIKED = MEDIA_CODECS_KNOWN - 2 };

/* Each is known by what is said of it, under a number of its own. */
static void test_facts(void **state)
{
	bool taken[128] = { false };

	(void)state;
	for (unsigned i = 0; i < MEDIA_CODECS_KNOWN; i++) {
		const struct media_codec_facts *facts = media_codec_facts((enum media_codec)i);
		struct payload p = meaning_of(facts);

		assert_int_equal(media_codec_of(&p), i);
		assert_false(taken[facts->number]);
		taken[facts->number] = true;
		assert_true(bytes_starts(bytes_str(facts->encoding), facts->name));
		p.clock_hz++;
		assert_int_equal(media_codec_of(&p), MEDIA_CODECS_KNOWN);
		p = meaning_of(facts);
		p.channels++;
		assert_int_equal(media_codec_of(&p), MEDIA_CODECS_KNOWN);
	}
	assert_null(media_codec_facts(MEDIA_CODECS_KNOWN));
}

/* All of them are liked but L16, those that are spoken in the same order. */
static void test_liked(void **state)
{
	uint8_t all[MEDIA_CODECS_KNOWN], spoken[MEDIA_CODECS_KNOWN], at = 0;
	bool seen[MEDIA_CODECS_KNOWN] = { false };

	(void)state;
	assert_int_equal(media_codecs_liked(false, all), LIKED);
	assert_int_equal(media_codecs_liked(true, spoken), MEDIA_CODECS);
	for (unsigned i = 0; i < LIKED; i++) {
		assert_false(seen[all[i]]);
		seen[all[i]] = true;
		if (all[i] < MEDIA_CODECS)
			assert_int_equal(spoken[at++], all[i]);
	}
}

/* L16 is coded, and for whom it is named alone. */
static void test_l16(void **state)
{
	uint8_t list[MEDIA_CODECS_KNOWN];

	(void)state;
	assert_true(media_codec_is_transcodable(MEDIA_CODEC_L16));
	assert_true(media_codec_is_transcodable(MEDIA_CODEC_L16_WIDE));
	assert_int_equal(media_codecs_transcodable(list, false), MEDIA_CODECS);
	assert_int_equal(media_codecs_transcodable(list, true), MEDIA_CODECS + 2);
	assert_int_equal(list[MEDIA_CODECS], MEDIA_CODEC_L16_WIDE);
	assert_int_equal(list[MEDIA_CODECS + 1], MEDIA_CODEC_L16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_liked),
		cmocka_unit_test(test_l16),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
