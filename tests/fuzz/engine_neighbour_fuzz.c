/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: what is answered is an answer, it goes to who asked or to all, from our MAC address; and what was no question is left
 * alone. The first octet says how much room there is behind the frame.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/net/neighbour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t ours[FRAME_MAC_LEN] = { 2, 0, 0, 0, 0, 1 };
	size_t n = size ? size - 1 : 0, capacity = n + (size ? data[0] : 0), answered;
	uint8_t *frame = malloc(
		capacity ? capacity
			 : 1); /* of that size exactly: the sanitizer sees what lies beyond */
	struct addr subject;

	assert(frame);
	if (n > 0)
		memcpy(frame, data + 1, n);
	if (neighbour_is_request(bytes_mem(frame, n), &subject)) {
		assert(subject.family == ADDR_V4 || subject.family == ADDR_V6);
		answered = neighbour_answer(frame, n, capacity, ours);
		assert(answered <= capacity);
		if (answered > 0) {
			assert(memcmp(frame + FRAME_MAC_LEN, ours, FRAME_MAC_LEN) == 0);
			assert(memcmp(frame, data + 1 + FRAME_MAC_LEN, FRAME_MAC_LEN) == 0 ||
			       memcmp(frame, "\x33\x33\0\0\0\x01", FRAME_MAC_LEN) == 0);
			assert(!neighbour_is_request(bytes_mem(frame, answered), &subject));
		} else {
			assert(memcmp(frame, data + 1, n) == 0);
		}
	} else {
		assert(n == 0 || memcmp(frame, data + 1, n) == 0);
	}
	free(frame);
	return 0;
}
