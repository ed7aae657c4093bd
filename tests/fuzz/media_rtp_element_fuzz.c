/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header extension elements (RFC 8285): two octets of profile, then the extension, filled up to whole words. Oracles: a walk by index reads
 * the same, each id is found where it is first, and what is written from the elements reads as they do.
 */
#include <assert.h>
#include <string.h>

#include "media/rtp/rtp_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKET_MAX = 2048, ELEMENTS_MAX = PACKET_MAX };

struct list {
	size_t count;
	struct rtp_element at[ELEMENTS_MAX];
};

static uint8_t g_packet[PACKET_MAX], g_again[2 * PACKET_MAX];
static struct list g_read, g_walked, g_read_again;

static struct bytes packet_write(uint8_t *out, size_t max, uint16_t profile, struct bytes extension)
{
	struct writer w = writer_over(out, max);

	writer_be16(&w, 0x9000);
	writer_be16(&w, 1);
	writer_be64(&w, 0);
	writer_be16(&w, profile);
	writer_be16(&w, (uint16_t)((extension.n + 3) / 4));
	writer_bytes(&w, extension);
	while (w.n % 4 != 0)
		writer_u8(&w, 0);
	writer_str(&w, "payload");
	assert(!w.overflow);
	return writer_done(&w);
}

static struct rtp_head read_all(struct list *out, struct bytes packet)
{
	struct rtp_head h;
	struct bytes rest;

	assert(rtp_parse(&h, packet) == 0 && h.payload.n == 7);
	rest = h.extension;
	for (out->count = 0; rtp_element_next(&h, &rest, &out->at[out->count]); out->count++)
		assert(out->count < ELEMENTS_MAX - 1);
	return h;
}

/* Octets before the data of the element at p[i]; 0: there is none. */
static size_t head_of(const struct rtp_head *h, size_t i, struct rtp_element *out)
{
	const uint8_t *p = h->extension.p;

	if (h->extension_profile == RTP_EXTENSION_ONE_BYTE) {
		out->id = p[i] / 16;
		out->data.n = p[i] % 16 + 1;
		return out->id == 0 || out->id == 15 ? 0 : 1;
	}
	if (h->extension_profile / 16 != 0x100 || i + 1 >= h->extension.n)
		return 0;
	out->id = p[i];
	out->data.n = p[i + 1];
	return 2;
}

static void walk(struct list *out, const struct rtp_head *h)
{
	out->count = 0;
	for (size_t i = 0; i < h->extension.n;) {
		struct rtp_element *e = &out->at[out->count];
		size_t head = 1;

		if (h->extension.p[i] != 0) {
			head = head_of(h, i, e);
			if (head == 0 || i + head + e->data.n > h->extension.n)
				return;
			e->data.p = h->extension.p + i + head;
			head += e->data.n;
			out->count++;
		}
		i += head;
	}
}

static void check_found(const struct rtp_head *h, const struct list *all)
{
	for (unsigned id = 0; id < 256; id++) {
		struct bytes data = { 0 };
		bool found = rtp_element_find(h, (uint8_t)id, &data);
		size_t i = 0;

		while (i < all->count && all->at[i].id != id)
			i++;
		assert(found == (i < all->count));
		assert(!found || (data.p == all->at[i].data.p && data.n == all->at[i].data.n));
	}
}

static struct bytes elements_write(uint8_t *out, size_t max, uint16_t profile,
				   const struct list *all)
{
	struct writer w = writer_over(out, max);

	for (size_t i = 0; i < all->count; i++) {
		const struct rtp_element *e = &all->at[i];

		if (profile == RTP_EXTENSION_ONE_BYTE) {
			writer_u8(&w, (uint8_t)(e->id << 4 | (e->data.n - 1)));
		} else {
			writer_u8(&w, e->id);
			writer_u8(&w, (uint8_t)e->data.n);
		}
		writer_bytes(&w, e->data);
	}
	assert(!w.overflow);
	return writer_done(&w);
}

static void check_same(const struct list *a, const struct list *b)
{
	assert(a->count == b->count);
	for (size_t i = 0; i < a->count; i++)
		assert(a->at[i].id == b->at[i].id && bytes_eq(a->at[i].data, b->at[i].data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t elements[PACKET_MAX];
	struct rtp_head h;
	uint16_t profile;

	if (size < 2 || size > 1500)
		return 0;
	profile = be16_get(data);
	h = read_all(&g_read, packet_write(g_packet, sizeof(g_packet), profile,
					   bytes_mem(data + 2, size - 2)));
	walk(&g_walked, &h);
	check_same(&g_read, &g_walked);
	check_found(&h, &g_read);
	(void)read_all(&g_read_again,
		       packet_write(g_again, sizeof(g_again), profile,
				    elements_write(elements, sizeof(elements), profile, &g_read)));
	check_same(&g_read, &g_read_again);
	return 0;
}
