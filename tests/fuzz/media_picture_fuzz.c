/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: what the rest is (0: H.264, 1: VP8, 2: RTCP), then a payload, or RTCP. Oracles: a reading of the payload from its other end, or bit by bit,
 * finds the same; numbers that go on behind others are those, and nothing else of the payload is another; a request that is put in front of RTCP is
 * found, and changes nothing for other sources.
 */
#include <assert.h>
#include <string.h>

#include "media/rtp/video.h"

enum { INPUT_MAX = 2000, SOURCE = 0x01020304, UNITS_MAX = INPUT_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool g_alone; /* IDR does not count */

static bool is_type(uint8_t octet)
{
	return (octet % 32 == 5 && !g_alone) || octet % 32 == 7;
}

/* All whole units of an aggregate, then the first of those that begin. */
static bool aggregate_has(const uint8_t *p, size_t n)
{
	uint8_t types[UNITS_MAX];
	size_t count = 0, at = 1;

	while (at + 2 < n) {
		size_t length = p[at] * 256U + p[at + 1];

		if (length == 0 || at + 2 + length > n)
			break;
		types[count++] = p[at + 2];
		at += 2 + length;
	}
	while (count > 0)
		if (is_type(types[--count]))
			return true;
	return false;
}

static bool h264_should(const uint8_t *p, size_t n)
{
	if (n == 0)
		return false;
	if (p[0] % 32 == 24)
		return aggregate_has(p, n);
	if (p[0] % 32 == 28)
		return n >= 2 && p[1] >= 128 && is_type(p[1]);
	return is_type(p[0]);
}

/* RFC 7741 4.2, as its figure has it. */
static bool vp8_should(const uint8_t *p, size_t n)
{
	size_t at = 1;

	if (n == 0)
		return false;
	if (p[0] >> 7) {
		bool id, layer, index;

		if (n < 2)
			return false;
		id = p[1] >> 7 & 1;
		layer = p[1] >> 6 & 1;
		index = (p[1] >> 5 & 1) || (p[1] >> 4 & 1);
		at = 2;
		if (id && at < n && p[at] >> 7)
			at++;
		at += id;
		at += layer;
		at += index;
	}
	return at < n && (p[0] >> 4 & 1) && p[0] % 8 == 0 && p[at] % 2 == 0;
}

static void h264_compare(const uint8_t *p, size_t n)
{
	struct bytes payload = bytes_mem(p, n);

	g_alone = false;
	assert(video_is_keyframe(VIDEO_H264, payload) == h264_should(p, n));
	g_alone = true;
	assert(video_is_keyframe_alone(VIDEO_H264, payload) == h264_should(p, n));
}

/* Behind picture 0x1234, and 0x56. */
static void vp8_number(const uint8_t *p, size_t n)
{
	uint8_t memory[INPUT_MAX];
	struct vp8_numbers numbers = { .id_last = 0x1233, .tl0_last = 0x55, .begun = true };
	struct vp8_head before = vp8_head_read(bytes_mem(p, n)), after;

	memcpy(memory, p, n);
	vp8_numbers_start(&numbers, &before);
	vp8_numbers_write(&numbers, &before, memory);
	after = vp8_head_read(bytes_mem(memory, n));
	assert(after.length == before.length && after.key == before.key);
	assert(after.id_at == before.id_at && after.id_long == before.id_long);
	assert(!before.id_at || after.id == (before.id_long ? 0x1234 : 0x34));
	assert(!before.tl0_at || after.tl0 == 0x56);
	vp8_numbers_write(&(struct vp8_numbers){ 0 }, &before, memory);
	assert(memcmp(memory, p, n) == 0);
}

static void vp8_compare(const uint8_t *p, size_t n)
{
	struct bytes payload = bytes_mem(p, n);

	assert(video_is_keyframe(VIDEO_VP8, payload) == vp8_should(p, n));
	assert(video_is_keyframe_alone(VIDEO_VP8, payload) == vp8_should(p, n));
	vp8_number(p, n);
}

static void rtcp_compare(const uint8_t *p, size_t n)
{
	uint8_t memory[KEYFRAME_REQUEST_MAX + INPUT_MAX];
	struct bytes in = bytes_mem(p, n), request;

	if (rtcp_check(in))
		return;
	for (int fir = 0; fir <= 1; fir++) {
		const struct keyframe_request_terms r = { .sender = 9,
							  .source = SOURCE,
							  .fir = fir };

		request = keyframe_request_write(memory, &r);
		memcpy(memory + request.n, p, n);
		assert(keyframe_is_requested(bytes_mem(memory, request.n + n), SOURCE));
		assert(keyframe_is_requested(bytes_mem(memory, request.n + n), SOURCE + 1) ==
		       keyframe_is_requested(in, SOURCE + 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes payload;

	if (size < 1 || size > INPUT_MAX)
		return 0;
	payload = bytes_mem(data + 1, size - 1);
	assert(!video_is_keyframe(VIDEO_NONE, payload));
	assert(!video_is_keyframe_alone(VIDEO_NONE, payload));
	if (data[0] == 0)
		h264_compare(data + 1, size - 1);
	else if (data[0] == 1)
		vp8_compare(data + 1, size - 1);
	else
		rtcp_compare(data + 1, size - 1);
	return 0;
}
