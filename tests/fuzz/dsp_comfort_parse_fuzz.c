/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: what was read, written and read again, is the same; the octets that are written are those that were read, but for the bit that
 * is ignored and for what is not read. Whatever it says can be rendered.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/comfort.h"

enum { SAMPLES = 160 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct comfort c = { 0 }, again = { 0 };
	struct comfort_noise noise = { .seed = 1 };
	uint8_t octets[COMFORT_OCTETS_MAX];
	int16_t pcm[SAMPLES];
	size_t n;

	if (comfort_parse(&c, bytes_mem(data, size))) {
		assert(size == 0);
		return 0;
	}
	assert(c.level <= 127 && c.order <= COMFORT_ORDER_MAX && c.order < size);
	n = comfort_write(&c, octets);
	assert(n == c.order + 1U && octets[0] == (data[0] & 0x7f));
	assert(!memcmp(octets + 1, data + 1, n - 1));
	assert(n == size || n == COMFORT_OCTETS_MAX || data[n] == 255);
	assert(!comfort_parse(&again, bytes_mem(octets, n)));
	assert(!memcmp(&c, &again, sizeof(c)));
	comfort_render(&noise, &c, pcm, SAMPLES);
	comfort_render(&noise, &c, pcm, SAMPLES);
	return 0;
}
