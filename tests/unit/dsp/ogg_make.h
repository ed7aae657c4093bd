/* SPDX-License-Identifier: Apache-2.0 */
/* Files of Opus in Ogg, page by page. The checksum is made bit by bit, so that a table of ours is not its own witness. */
#ifndef TESTS_UNIT_DSP_OGG_MAKE_H
#define TESTS_UNIT_DSP_OGG_MAKE_H

#include "base/bytes.h"
#include "dsp/file/ogg.h"

enum { OGG_MADE_HEAD = 27, OGG_MADE_SUM = 22 };

static inline void ogg_put_le(struct writer *w, uint64_t v, int octets)
{
	for (int i = 0; i < octets; i++)
		writer_u8(w, (uint8_t)(v >> (8 * i)));
}

static inline uint32_t ogg_sum_slowly(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 8 * n; i++) {
		uint32_t bit = p[i / 8] >> (7 - i % 8) & 1;

		sum = sum << 1 ^ ((sum >> 31 ^ bit) ? 0x04c11db7 : 0);
	}
	return sum;
}

/* Of the page of n octets that begins there. */
static inline void ogg_sum_mend(uint8_t *page, size_t n)
{
	uint32_t sum;

	memset(page + OGG_MADE_SUM, 0, 4);
	sum = ogg_sum_slowly(page, n);
	for (int i = 0; i < 4; i++)
		page[OGG_MADE_SUM + i] = (uint8_t)(sum >> 8 * i);
}

/* A page of one packet, of up to 255 segments; whole: its last one ends it. */
static inline void ogg_put_page(struct writer *w, uint8_t flags, uint64_t granule, uint32_t number,
				struct bytes packet, bool whole)
{
	uint8_t *page = w->p + w->n;
	size_t segments = packet.n / 255 + whole;

	writer_str(w, "OggS");
	ogg_put_le(w, 0, 1);
	ogg_put_le(w, flags, 1);
	ogg_put_le(w, granule, 8);
	ogg_put_le(w, 0x7a6d, 4);
	ogg_put_le(w, number, 4);
	ogg_put_le(w, 0, 4);
	ogg_put_le(w, segments, 1);
	for (size_t i = 0; i < segments; i++)
		ogg_put_le(w, i < packet.n / 255 ? 255 : packet.n % 255, 1);
	writer_bytes(w, packet);
	if (!w->overflow)
		ogg_sum_mend(page, (size_t)(w->p + w->n - page));
}

/* The first two pages. */
static inline void ogg_put_heads(struct writer *w, uint8_t channels, uint16_t pre_skip,
				 int16_t gain)
{
	uint8_t head[19];
	struct writer h = writer_over(head, sizeof(head));

	writer_str(&h, "OpusHead");
	ogg_put_le(&h, 1, 1);
	ogg_put_le(&h, channels, 1);
	ogg_put_le(&h, pre_skip, 2);
	ogg_put_le(&h, OGG_RATE, 4);
	ogg_put_le(&h, (uint16_t)gain, 2);
	ogg_put_le(&h, 0, 1);
	ogg_put_page(w, OGG_FIRST, 0, 0, writer_done(&h), true);
	ogg_put_page(w, 0, 0, 1, BYTES_LIT("OpusTags\4\0\0\0test\0\0\0\0"), true);
}

#endif
