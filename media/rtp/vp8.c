/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtp/vp8.h"

enum {
	VP8_EXTENDED = 0x80, /* RFC 7741 4.2 */
	VP8_START = 0x10,
	VP8_PARTITION = 0x07,
	VP8_PICTURE_ID = 0x80,
	VP8_LAYER = 0x40,
	VP8_LAYER_INDEX = 0x30, /* T and K share an octet */
	VP8_LONG_ID = 0x80,
	VP8_INTER = 0x01,  /* RFC 6386 9.1 */
	VP8_SIZE_AT = 6,   /* behind the tag and the start code */
	VP8_SIZE = 0x3fff, /* above it is how it is scaled */
};

static bool vp8_id_read(struct vp8_head *h, struct bytes payload)
{
	if (payload.n <= h->length)
		return false;
	h->id_at = h->length++;
	h->id_long = payload.p[h->id_at] & VP8_LONG_ID;
	h->id = payload.p[h->id_at] & 0x7f;
	if (!h->id_long)
		return true;
	if (payload.n <= h->length)
		return false;
	h->id = (uint16_t)(h->id << 8 | payload.p[h->length++]);
	return true;
}

static bool vp8_tl0_read(struct vp8_head *h, struct bytes payload)
{
	if (payload.n <= h->length)
		return false;
	h->tl0_at = h->length++;
	h->tl0 = payload.p[h->tl0_at];
	return true;
}

/* False: it is malformed. */
static bool descriptor_read(struct vp8_head *h, struct bytes payload)
{
	uint8_t has;

	if (payload.n < 1)
		return false;
	h->length = 1;
	if (!(payload.p[0] & VP8_EXTENDED))
		return true;
	if (payload.n < 2)
		return false;
	has = payload.p[1];
	h->length = 2;
	if (has & VP8_PICTURE_ID && !vp8_id_read(h, payload))
		return false;
	if (has & VP8_LAYER && !vp8_tl0_read(h, payload))
		return false;
	if (has & VP8_LAYER_INDEX)
		h->length++;
	return true;
}

/* RFC 6386 9.1: low octet first. */
static uint32_t side_read(const uint8_t *p)
{
	return (uint32_t)(p[0] | p[1] << 8) & VP8_SIZE;
}

struct vp8_head vp8_head_read(struct bytes payload)
{
	struct vp8_head h = { 0 };
	struct bytes own;

	if (!descriptor_read(&h, payload))
		return (struct vp8_head){ 0 };
	own = bytes_from(payload, h.length);
	h.key = own.n > 0 && (payload.p[0] & VP8_START) && !(payload.p[0] & VP8_PARTITION) &&
		!(own.p[0] & VP8_INTER);
	if (h.key && own.n >= VP8_SIZE_AT + 4)
		h.pixels = side_read(own.p + VP8_SIZE_AT) * side_read(own.p + VP8_SIZE_AT + 2);
	return h;
}

/* ---- numbers ---- */

static uint16_t id_masked(const struct vp8_head *h, unsigned id)
{
	return (uint16_t)(id & (h->id_long ? 0x7fff : 0x7f));
}

/* On the circle of its size. */
static bool id_is_ahead(const struct vp8_head *h, uint16_t id, uint16_t last)
{
	unsigned ahead = id_masked(h, (unsigned)id - last);

	return ahead != 0 && ahead < (h->id_long ? 1U << 14 : 1U << 6);
}

void vp8_numbers_begin(struct vp8_numbers *n, const struct vp8_head *first)
{
	if (n->begun) {
		n->id_offset = (uint16_t)(n->id_last + 1U - first->id);
		n->tl0_offset = (uint8_t)(n->tl0_last + 1U - first->tl0);
	}
	n->id_last = (uint16_t)(first->id + n->id_offset);
	n->tl0_last = (uint8_t)(first->tl0 + n->tl0_offset);
	n->begun = true;
}

void vp8_numbers_write(struct vp8_numbers *n, const struct vp8_head *h, uint8_t *payload)
{
	uint16_t id = id_masked(h, (unsigned)h->id + n->id_offset);
	uint8_t tl0 = (uint8_t)(h->tl0 + n->tl0_offset);

	if (h->id_at && h->id_long)
		be16_put(payload + h->id_at, (uint16_t)(id | VP8_LONG_ID << 8));
	else if (h->id_at)
		payload[h->id_at] = (uint8_t)id;
	if (h->id_at && id_is_ahead(h, id, n->id_last))
		n->id_last = id;
	if (h->tl0_at)
		payload[h->tl0_at] = tl0;
	if (h->tl0_at && (int8_t)(tl0 - n->tl0_last) > 0)
		n->tl0_last = tl0;
}
