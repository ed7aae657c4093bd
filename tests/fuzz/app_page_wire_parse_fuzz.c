/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of Polycom's multicast paging. Oracle: what is read is written as the same octets; its frames lie within the packet; and an octet less is no packet.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/feature/page/page_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[PAGE_WIRE_MAX];
	struct writer w = writer_over(again, sizeof(again));
	struct page_packet p, other;

	if (page_packet_parse(&p, bytes_mem(data, size)))
		return 0;
	page_packet_write(&w, &p);
	assert(!w.overflow && bytes_eq(writer_done(&w), bytes_mem(data, size)));
	assert(!p.frame.n || (p.frame.p >= data && p.frame.p + p.frame.n == data + size));
	assert(!p.before.n || p.before.p + p.before.n == p.frame.p);
	assert((p.op == PAGE_OP_SOUND) == (p.frame.n == PAGE_WIRE_FRAME));
	assert(page_packet_parse(&other, bytes_mem(data, size - 1)));
	return 0;
}
