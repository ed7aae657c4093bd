/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: the frame written again from the parsed fields is read as the same, with the same payload. */
#include <assert.h>
#include <string.h>

#include "engine/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = FRAME_HEAD_MAX, FRAME_MAX = 4096 };

static void frame_same(const struct frame *a, const struct frame *b)
{
	assert(addr_eq(&a->from, &b->from) && addr_eq(&a->to, &b->to));
	assert(a->tos == b->tos && a->payload_length == b->payload_length);
	assert(a->payload_at == b->payload_at ||
	       a->vlan == 0); /* a tag without a VLAN is left out */
}

static void write_again(const struct frame *f, const uint8_t *payload)
{
	static uint8_t memory[ROOM + FRAME_MAX];
	const struct frame_path path = { .to = { 2 }, .from = { 4 }, .vlan = f->vlan };
	const struct frame_head h = {
		.path = &path, .from = &f->from, .to = &f->to, .tos = f->tos, .hops = 64
	};
	struct frame again;
	uint8_t *start;

	memcpy(memory + ROOM, payload, f->payload_length);
	start = frame_write(&h, memory + ROOM, f->payload_length);
	assert(start >= memory &&
	       start + frame_head_size(f->from.family, f->vlan) == memory + ROOM);
	assert(frame_parse(&again, bytes_mem(start, (size_t)(memory + ROOM - start) +
							    f->payload_length)) == FRAME_FINE);
	frame_same(&again, f);
	assert(!again.tail_known || !f->tail_known || again.tail_sum == f->tail_sum);
	if (f->tail_known) {
		struct frame_head known = h;

		known.tail_known = true;
		known.tail_sum = f->tail_sum;
		memory[ROOM] ^= 1; /* the head of RTP may change */
		start = frame_write(&known, memory + ROOM, f->payload_length);
		assert(frame_parse(&again, bytes_mem(start, (size_t)(memory + ROOM - start) +
								    f->payload_length)) ==
		       FRAME_FINE);
	}
	assert(again.vlan == f->vlan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f;
	enum frame_fault fault;

	if (size > FRAME_MAX)
		return 0;
	fault = frame_parse(&f, bytes_mem(data, size));
	assert(frame_fault_name(fault));
	if (fault != FRAME_FINE)
		return 0;
	assert((size_t)f.payload_at + f.payload_length <= size);
	assert(f.from.family == f.to.family && f.from.port != 0);
	if (f.vlan <= FRAME_VLAN_MAX)
		write_again(&f, data + f.payload_at);
	return 0;
}
