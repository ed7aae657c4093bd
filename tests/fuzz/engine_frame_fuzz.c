/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: the frame written again from the parsed fields is read as the same, with the same payload; the ways for ordinary frames read and
 * write the same as those for all. */
#include <assert.h>
#include <string.h>

#include "engine/net/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = FRAME_HEAD_MAX, FRAME_MAX = 4096 };

static void frame_same(const struct frame *a, const struct frame *b)
{
	assert(addr_eq(&a->from, &b->from) && addr_eq(&a->to, &b->to));
	assert(a->tos == b->tos && a->payload_length == b->payload_length);
	assert(a->payload_at == b->payload_at ||
	       a->vlan == 0); /* a tag without a VLAN is left out */
}

static void ordinary_same(struct bytes in, enum frame_fault fault, const struct frame *f)
{
	uint16_t tail_sum, n = frame_ordinary(in, false, &tail_sum);
	struct addr from, to;

	if (n == 0)
		return;
	addr_set_v4(&from, in.p + FRAME_ORDINARY_FROM, be16_get(in.p + FRAME_ORDINARY_FROM_PORT));
	addr_set_v4(&to, in.p + FRAME_ORDINARY_TO, be16_get(in.p + FRAME_ORDINARY_TO_PORT));
	assert(fault == FRAME_FINE && f->payload_length == n);
	assert(f->payload_at == FRAME_ORDINARY_AT && f->vlan == 0);
	assert(f->tail_known && f->tail_sum == tail_sum);
	assert(addr_eq(&from, &f->from) && addr_eq(&to, &f->to));
	assert(frame_ordinary(in, true, &tail_sum) == n);
}

/* Octet for octet, with the sum of the tail known or not, and made by the device or not. */
static void ready_same(const struct frame_head *h, const uint8_t *payload, uint16_t length)
{
	static uint8_t a[ROOM + FRAME_MAX], b[ROOM + FRAME_MAX];
	struct frame_ready ready;
	const uint8_t *start;

	frame_ready_set(&ready, h);
	assert(frame_ready_leads_to(&ready, h->to) ==
	       (h->from->family == ADDR_V4 && h->path->vlan == 0));
	if (!frame_ready_leads_to(&ready, h->to))
		return;
	memcpy(a + ROOM, payload, length);
	memcpy(b + ROOM, payload, length);
	start = frame_write(h, a + ROOM, length);
	/* of another length, of this one, of this one again */
	for (int i = 0; i < 3; i++)
		frame_ready_write(&ready, b + ROOM, i ? length : length / 2, h->id,
				  h->tail_known ? &h->tail_sum : NULL);
	assert(start == a + ROOM - FRAME_READY_LEN);
	assert(memcmp(start, b + ROOM - FRAME_READY_LEN, FRAME_READY_LEN + (size_t)length) == 0);
}

static void ready_check(const struct frame *f, const struct frame_head *h, const uint8_t *payload)
{
	struct frame_head one = *h;

	for (int i = 0; i < 4; i++) {
		one.id = (uint16_t)(f->payload_length * 251 + i);
		one.device_sums = i & 1;
		one.tail_known = f->tail_known && (i & 2);
		one.tail_sum = f->tail_sum;
		ready_same(&one, payload, f->payload_length);
	}
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
	ready_check(f, &h, payload);
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
	ordinary_same(bytes_mem(data, size), fault, &f);
	if (fault != FRAME_FINE)
		return 0;
	assert((size_t)f.payload_at + f.payload_length <= size);
	assert(f.from.family == f.to.family && f.from.port != 0);
	if (f.vlan <= FRAME_VLAN_MAX)
		write_again(&f, data + f.payload_at);
	return 0;
}
