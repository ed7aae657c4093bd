/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what is read has no bit beyond its length, and written again it reads back the same; errors leave the output alone. */
#include <assert.h>
#include <string.h>

#include "app/settings/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shard_trusted first = { .bits = 200 }, again;
	const char *reason = NULL;
	char text[ADDR_TEXT_MAX + 8];
	struct writer w = writer_over(text, sizeof(text));

	if (settings_prefix_parse(&first, (struct bytes){ data, size }, &reason)) {
		assert(reason && first.bits == 200);
		return 0;
	}
	assert(first.net.family == ADDR_V4 || first.net.family == ADDR_V6);
	assert(first.bits >= 1 && first.bits <= (first.net.family == ADDR_V4 ? 32 : 128));
	for (uint32_t bit = first.bits; bit < 128; bit++)
		assert(!(first.net.ip[bit / 8] & (0x80U >> (bit % 8))));
	addr_write_ip(&w, &first.net);
	writer_fmt(&w, "/%u", first.bits);
	assert(!w.overflow && !settings_prefix_parse(&again, writer_done(&w), &reason));
	assert(addr_eq(&first.net, &again.net) && first.bits == again.bits);
	return 0;
}
