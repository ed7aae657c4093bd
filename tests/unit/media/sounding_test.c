/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/rtp/sounding.h"

static struct bytes octets(const uint8_t *p, size_t n)
{
	return bytes_mem(p, n);
}

static void units_are_those_of_the_clock(void **state)
{
	static const uint8_t zeros[640];
	static const struct {
		enum media_codec codec;
		size_t octets;
		uint32_t units;
	} rows[] = {
		{ MEDIA_CODEC_PCMU, 160, 160 },     { MEDIA_CODEC_PCMA, 240, 240 },
		{ MEDIA_CODEC_G722, 160, 160 },     { MEDIA_CODEC_G726_32, 80, 160 },
		{ MEDIA_CODEC_G729, 20, 160 },      { MEDIA_CODEC_G729, 12, 160 },
		{ MEDIA_CODEC_G729, 2, 80 },        { MEDIA_CODEC_L16, 320, 160 },
		{ MEDIA_CODEC_L16_WIDE, 640, 320 }, { MEDIA_CODEC_PCMU, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(sounding_units(rows[i].codec, octets(zeros, rows[i].octets)),
				 rows[i].units);
}

/* RFC 6716 3.1, Table 2, and 3.2. */
static void opus_says_its_frames(void **state)
{
	static const struct {
		uint8_t toc, count;
		uint32_t ms10; /* tenths of a millisecond */
	} rows[] = {
		{ 0 << 3, 0, 100 },           { 1 << 3, 0, 200 },     { 2 << 3, 0, 400 },
		{ 3 << 3, 0, 600 },           { 11 << 3, 0, 600 },    { 12 << 3, 0, 100 },
		{ 15 << 3, 0, 200 },          { 16 << 3, 0, 25 },     { 31 << 3, 0, 200 },
		{ 1 << 3 | 1, 0, 400 },       { 1 << 3 | 2, 0, 400 }, { 1 << 3 | 3, 3, 600 },
		{ 16 << 3 | 3, 8 | 64, 200 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const uint8_t packet[] = { rows[i].toc, rows[i].count, 1, 2 };

		assert_int_equal(sounding_units(MEDIA_CODEC_OPUS, octets(packet, 4)) * 10,
				 rows[i].ms10 * 48);
	}
	assert_int_equal(sounding_units(MEDIA_CODEC_OPUS, octets((uint8_t[]){ 3 }, 1)), 0);
}

static void silence_is_not_sent_on(void **state)
{
	uint8_t packet[160];

	(void)state;
	memset(packet, 0xff, sizeof(packet));
	assert_true(sounding_is_silent(MEDIA_CODEC_PCMU, octets(packet, sizeof(packet))));
	packet[80] = 0xfe;
	assert_false(sounding_is_silent(MEDIA_CODEC_PCMU, octets(packet, sizeof(packet))));
	memset(packet, 0xd5, sizeof(packet));
	assert_true(sounding_is_silent(MEDIA_CODEC_PCMA, octets(packet, sizeof(packet))));
	assert_true(sounding_is_silent(MEDIA_CODEC_PCMA, octets(packet, 1)));
	assert_true(sounding_is_silent(MEDIA_CODEC_OPUS, octets(packet, 2)));
	assert_false(sounding_is_silent(MEDIA_CODEC_OPUS, octets(packet, 3)));
	assert_true(sounding_is_silent(MEDIA_CODEC_G729, octets(packet, 2)));
	assert_false(sounding_is_silent(MEDIA_CODEC_G729, octets(packet, 10)));
	assert_true(sounding_is_silent(MEDIA_CODEC_G722, octets(packet, 0)));
}

/* RFC 6716 4.2.3: as many flags as there are frames of 20 ms, then one that is not about voice. */
static void silk_says_whether_it_heard_a_voice(void **state)
{
	(void)state;
	assert_int_equal(sounding_opus(octets((uint8_t[]){ 9 << 3, 0x80 }, 2)), SOUNDING_VOICE);
	assert_int_equal(sounding_opus(octets((uint8_t[]){ 9 << 3, 0x7f }, 2)), SOUNDING_QUIET);
	assert_int_equal(sounding_opus(octets((uint8_t[]){ 13 << 3, 0x80 }, 2)), SOUNDING_VOICE);
	assert_int_equal(sounding_opus(octets((uint8_t[]){ 11 << 3, 0x20 }, 2)), SOUNDING_VOICE);
	assert_int_equal(sounding_opus(octets((uint8_t[]){ 11 << 3, 0x1f }, 2)), SOUNDING_QUIET);
	assert_int_equal(sounding_opus(octets((uint8_t[]){ 20 << 3, 0 }, 2)), SOUNDING_UNKNOWN);
	assert_int_equal(sounding_opus(octets((uint8_t[]){ 9 << 3 | 1, 0 }, 2)), SOUNDING_UNKNOWN);
	assert_int_equal(sounding_opus(octets((uint8_t[]){ 9 << 3 }, 1)), SOUNDING_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_those_of_the_clock),
		cmocka_unit_test(opus_says_its_frames),
		cmocka_unit_test(silence_is_not_sent_on),
		cmocka_unit_test(silk_says_whether_it_heard_a_voice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
