/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: the packet written again from the parsed fields is the packet. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtp/rtp_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct writer *w, const struct rtp_head *h, struct bytes padding)
{
	writer_u8(w, (uint8_t)(RTP_VERSION << 6 | (h->padding ? 0x20 : 0) | h->has_extension << 4 |
			       h->csrc.n / 4));
	writer_u8(w, (uint8_t)(h->marker << 7 | h->payload_type));
	writer_be16(w, h->sequence);
	writer_be32(w, h->timestamp);
	writer_be32(w, h->ssrc);
	writer_bytes(w, h->csrc);
	if (h->has_extension) {
		writer_be16(w, h->extension_profile);
		writer_be16(w, (uint16_t)(h->extension.n / 4));
	}
	writer_bytes(w, h->extension);
	writer_bytes(w, h->payload);
	writer_bytes(w, padding);
}

static void walk_elements(const struct rtp_head *h)
{
	struct rtp_element element;
	struct bytes rest = h->extension;
	const uint8_t *last = rest.p;

	while (rtp_element_next(h, &rest, &element)) {
		assert(element.data.p > last); /* always forward, or it would never end */
		assert(element.data.p + element.data.n <= h->extension.p + h->extension.n);
		last = element.data.p;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size);
	struct rtp_head h;

	if (rtp_parse(&h, in))
		return 0;

	uint8_t *again = malloc(size);
	struct writer w = writer_over(again, size);

	assert(again);
	write_again(&w, &h, bytes_from(in, size - h.padding));
	assert(!w.overflow);
	assert(bytes_eq(writer_done(&w), in));
	walk_elements(&h);
	free(again);
	return 0;
}
