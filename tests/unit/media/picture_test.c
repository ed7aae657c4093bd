/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/rtp/video.h"

static struct payload format(const char *name, const char *parameters)
{
	return (struct payload){ .number = 97,
				 .channels = 1,
				 .clock_hz = 90000,
				 .name = bytes_str(name),
				 .parameters = bytes_str(parameters) };
}

static uint8_t format_of(const char *name, const char *parameters)
{
	const struct payload p = format(name, parameters);

	return video_format_of(&p);
}

static void formats_have_profile_and_mode(void **state)
{
	static const struct {
		const char *name, *parameters;
		uint8_t format;
	} rows[] = {
		{ "H264", "", VIDEO_H264 },
		{ "h264", "profile-level-id=42e01f;packetization-mode=1", VIDEO_H264 | 1 },
		{ "H264", "packetization-mode=0; profile-level-id=42C01E", VIDEO_H264 },
		{ "H264", "profile-level-id=4D001f;packetization-mode=1", VIDEO_H264 | 3 },
		{ "H264", "profile-level-id=64001f", VIDEO_H264 | 4 },
		{ "H264", "profile-level-id=f4001f", VIDEO_NONE },
		{ "H264", "profile-level-id=4", VIDEO_NONE },
		{ "H264", "packetization-mode=2", VIDEO_NONE },
		{ "VP8", "", VIDEO_VP8 },
		{ "H265", "", VIDEO_NONE },
		{ "PCMU", "", VIDEO_NONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(format_of(rows[i].name, rows[i].parameters), rows[i].format);
}

static void who_can_more_takes_less(void **state)
{
	uint8_t base_0 = format_of("H264", ""), base_1 = base_0 | 1;
	uint8_t high_0 = format_of("H264", "profile-level-id=640028"), high_1 = high_0 | 1;

	(void)state;
	assert_true(video_is_accepted(base_1, base_1));
	assert_true(video_is_accepted(base_1, base_0));
	assert_false(video_is_accepted(base_0, base_1));
	assert_true(video_is_accepted(high_1, base_1));
	assert_false(video_is_accepted(base_1, high_1));
	assert_false(video_is_accepted(high_0, base_1));
	assert_true(video_is_accepted(VIDEO_VP8, VIDEO_VP8));
	assert_false(video_is_accepted(VIDEO_VP8, base_1));
	assert_false(video_is_accepted(base_1, VIDEO_VP8));
	assert_false(video_is_accepted(VIDEO_NONE, VIDEO_NONE));
}

static void h264_begins(void **state)
{
	static const struct {
		uint8_t octets[12], n;
		bool begins;
	} rows[] = {
		{ { 0 }, 0, false },
		{ { 0x65, 0x88 }, 2, true },        /* IDR */
		{ { 0x67, 0x42 }, 2, true },        /* its parameters */
		{ { 0x41, 0x9a }, 2, false },       /* another slice */
		{ { 0x68, 0xce }, 2, false },       /* parameters of pictures alone */
		{ { 0x09, 0x10 }, 2, false },       /* a delimiter */
		{ { 0x7c, 0x85, 0x88 }, 3, true },  /* FU-A: IDR starts */
		{ { 0x7c, 0x05, 0x88 }, 3, false }, /* ... goes on */
		{ { 0x7c, 0x45, 0x88 }, 3, false }, /* ... ends */
		{ { 0x5c, 0x81, 0x88 }, 3, false }, /* another slice starts */
		{ { 0x7c }, 1, false },             /* torn */
		{ { 0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68 }, 8, true },
		{ { 0x78, 0, 1, 0x09, 0, 2, 0x65, 0x88 }, 8, true },
		{ { 0x78, 0, 1, 0x09, 0, 2, 0x41, 0x88 }, 8, false },
		{ { 0x78, 0, 9, 0x67, 0x42 }, 5, false }, /* longer than there is */
		{ { 0x78, 0, 0, 0x67, 0x42 }, 5, false }, /* of nothing */
		{ { 0x78, 0 }, 2, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(video_is_keyframe(VIDEO_H264 | 1,
						   bytes_mem(rows[i].octets, rows[i].n)),
				 rows[i].begins);
	assert_false(video_is_keyframe(VIDEO_NONE, bytes_mem(rows[1].octets, 2)));
}

static void vp8_begins(void **state)
{
	static const struct {
		uint8_t octets[8], n;
		bool begins;
	} rows[] = {
		{ { 0 }, 0, false },
		{ { 0x10, 0x00 }, 2, true },
		{ { 0x10, 0x01 }, 2, false },                        /* of other frames */
		{ { 0x00, 0x00 }, 2, false },                        /* no start */
		{ { 0x11, 0x00 }, 2, false },                        /* another partition */
		{ { 0x90, 0x80, 0x11, 0x00 }, 4, true },             /* picture id */
		{ { 0x90, 0x80, 0x91, 0x00, 0x00 }, 5, true },       /* a long one */
		{ { 0x90, 0xf0, 0x91, 0x00, 7, 8, 0x02 }, 7, true }, /* all there is */
		{ { 0x90, 0xf0, 0x91, 0x00, 7, 8, 0x03 }, 7, false },
		{ { 0x90, 0xf0, 0x91, 0x00, 7, 8 }, 6, false },
		{ { 0x90, 0x80 }, 2, false },
		{ { 0x90 }, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(video_is_keyframe(VIDEO_VP8, bytes_mem(rows[i].octets, rows[i].n)),
				 rows[i].begins);
}

static void requests_are_found(void **state)
{
	for (int fir = 0; fir <= 1; fir++) {
		const struct keyframe_request_terms r = {
			.sender = 1, .source = 0xabcd, .fir = fir, .number = 7
		};
		uint8_t memory[KEYFRAME_REQUEST_MAX];
		struct bytes rtcp = keyframe_request_write(memory, &r);

		assert_int_equal(rtcp_check(rtcp), 0);
		assert_int_equal(rtcp.n, fir ? 20 : 12);
		assert_true(keyframe_is_requested(rtcp, 0xabcd));
		assert_false(keyframe_is_requested(rtcp, 0xabce));
		assert_false(keyframe_is_requested(rtcp, 1));
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_have_profile_and_mode),
		cmocka_unit_test(who_can_more_takes_less),
		cmocka_unit_test(h264_begins),
		cmocka_unit_test(vp8_begins),
		cmocka_unit_test(requests_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
