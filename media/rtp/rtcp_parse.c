/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses compound RTCP (RFC 3550 6, A.2; RFC 3611, 4585, 5506). rtcp_check validates a whole
 * datagram first; the accessors behind it then read without further checks, in place. Relaying,
 * splitting and statistics all read reports through these functions. Padding is only accepted in
 * the last packet, and a datagram with one malformed packet is refused as a whole.
 */

#include "media/rtp/rtcp_parse.h"

#include <assert.h>
#include <errno.h>

enum {
	TYPE_FIRST = 192, /* RFC 5761 4 */
	TYPE_LAST = 223,
};

static size_t whole_len(const uint8_t *p)
{
	return ((size_t)be16_get(p + 2) + 1) * 4;
}

/* The body without padding; false: malformed. Only the last packet may be padded (RFC 3550
 * 6.4.1). */
static bool cut_packet(struct bytes *rest, struct rtcp_packet *out)
{
	if (rest->n < RTCP_COMMON_LEN || rest->p[0] >> 6 != 2 || whole_len(rest->p) > rest->n)
		return false;

	struct bytes whole = bytes_sub(*rest, 0, whole_len(rest->p));
	bool padded = whole.p[0] & 0x20;
	uint8_t padding = padded ? whole.p[whole.n - 1] : 0;

	*rest = bytes_from(*rest, whole.n);
	if (padded &&
	    (rest->n || padding == 0 || padding % 4 || padding > whole.n - RTCP_COMMON_LEN))
		return false;
	out->type = whole.p[1];
	out->count = whole.p[0] & 0x1f;
	out->body = bytes_sub(whole, RTCP_COMMON_LEN, whole.n - RTCP_COMMON_LEN - padding);
	return true;
}

bool rtcp_next(struct bytes *rest, struct rtcp_packet *out)
{
	return cut_packet(rest, out);
}

static bool chunks_are_whole(const struct rtcp_packet *sdes)
{
	struct bytes rest = sdes->body;
	struct rtcp_chunk chunk;

	for (uint8_t i = 0; i < sdes->count; i++) {
		if (!rtcp_chunk_next(&rest, &chunk))
			return false;
	}
	return true; /* some fill up with more null octets than they need */
}

static size_t least_len(const struct rtcp_packet *packet)
{
	size_t blocks = (size_t)packet->count * RTCP_BLOCK_LEN;

	switch (packet->type) {
	case RTCP_TYPE_SR:
		return SSRC_LEN + SENDER_INFO_LEN + blocks;
	case RTCP_TYPE_RR:
		return SSRC_LEN + blocks;
	case RTCP_TYPE_BYE:
		return (size_t)packet->count * SSRC_LEN;
	case RTCP_TYPE_APP:
	case RTCP_TYPE_RTPFB:
	case RTCP_TYPE_PSFB:
		return FEEDBACK_LEN;
	case RTCP_TYPE_XR:
		return SSRC_LEN;
	default: /* SDES is checked separately; others are unknown */
		return 0;
	}
}

static bool is_whole(const struct rtcp_packet *packet)
{
	if (packet->type == RTCP_TYPE_SDES)
		return chunks_are_whole(packet);
	return packet->body.n >= least_len(packet);
}

int rtcp_check(struct bytes in)
{
	struct rtcp_packet packet;

	if (in.n < RTCP_COMMON_LEN || in.p[1] < TYPE_FIRST || in.p[1] > TYPE_LAST)
		return -EBADMSG;
	while (in.n) {
		if (!cut_packet(&in, &packet) || !is_whole(&packet))
			return -EBADMSG;
	}
	return 0;
}

bool rtcp_sender(const struct rtcp_packet *packet, uint32_t *ssrc)
{
	bool counted = packet->type == RTCP_TYPE_SDES || packet->type == RTCP_TYPE_BYE;

	if (packet->body.n < SSRC_LEN || (counted && packet->count == 0))
		return false;
	*ssrc = be32_get(packet->body.p);
	return true;
}

struct rtcp_sender_info rtcp_sender_info(const struct rtcp_packet *sr)
{
	const uint8_t *p = sr->body.p + SSRC_LEN;

	assert(sr->type == RTCP_TYPE_SR && sr->body.n >= SSRC_LEN + SENDER_INFO_LEN);
	return (struct rtcp_sender_info){
		.ntp = be64_get(p),
		.timestamp = be32_get(p + 8),
		.packets = be32_get(p + 12),
		.octets = be32_get(p + 16),
	};
}

struct bytes rtcp_blocks(const struct rtcp_packet *report)
{
	size_t from = report->type == RTCP_TYPE_SR ? SSRC_LEN + SENDER_INFO_LEN : SSRC_LEN;

	if (report->type != RTCP_TYPE_SR && report->type != RTCP_TYPE_RR)
		return (struct bytes){ 0 };
	return bytes_sub(report->body, from, (size_t)report->count * RTCP_BLOCK_LEN);
}

bool rtcp_block(const struct rtcp_packet *report, uint8_t index, struct rtcp_block *out)
{
	struct bytes block =
		bytes_sub(rtcp_blocks(report), (size_t)index * RTCP_BLOCK_LEN, RTCP_BLOCK_LEN);
	const uint8_t *p = block.p;

	if (!p || block.n < RTCP_BLOCK_LEN)
		return false;

	uint32_t lost = be32_get(p + 4) & 0xffffff;

	*out = (struct rtcp_block){
		.ssrc = be32_get(p),
		.fraction_lost = p[4],
		.lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost,
		.extended_highest = be32_get(p + 8),
		.jitter = be32_get(p + 12),
		.last_sr = be32_get(p + 16),
		.delay = be32_get(p + 20),
	};
	return true;
}

/* RFC 3550 6.5: items, at least one null octet, then more of them to a multiple of 4. */
bool rtcp_chunk_next(struct bytes *rest, struct rtcp_chunk *out)
{
	struct bytes items = bytes_from(*rest, SSRC_LEN), text;
	struct bytes left = items;
	uint8_t type;

	if (rest->n < SSRC_LEN)
		return false;
	while (rtcp_item_next(&left, &type, &text))
		continue;
	if (left.n == 0 || left.p[0] != 0)
		return false; /* no end, or an item that is cut off */

	size_t len = (size_t)(left.p - rest->p);

	out->ssrc = be32_get(rest->p);
	out->items = bytes_sub(items, 0, len - SSRC_LEN);
	*rest = bytes_from(*rest, (len + 4) & ~(size_t)3);
	return true;
}

bool rtcp_item_next(struct bytes *items, uint8_t *type, struct bytes *text)
{
	if (items->n < 2 || items->p[0] == 0 || items->n - 2 < items->p[1])
		return false;
	*type = items->p[0];
	*text = bytes_sub(*items, 2, items->p[1]);
	*items = bytes_from(*items, 2U + text->n);
	return true;
}

struct bytes rtcp_bye_sources(const struct rtcp_packet *bye)
{
	assert(bye->type == RTCP_TYPE_BYE);
	return bytes_sub(bye->body, 0, (size_t)bye->count * SSRC_LEN);
}

struct rtcp_feedback rtcp_feedback(const struct rtcp_packet *packet)
{
	assert(packet->type == RTCP_TYPE_RTPFB || packet->type == RTCP_TYPE_PSFB);
	assert(packet->body.n >= FEEDBACK_LEN);
	return (struct rtcp_feedback){ .sender = be32_get(packet->body.p),
				       .media = be32_get(packet->body.p + SSRC_LEN),
				       .control = bytes_from(packet->body, FEEDBACK_LEN) };
}

bool rtcp_feedback_has_entries(const struct rtcp_packet *packet)
{
	if (packet->type == RTCP_TYPE_RTPFB)
		return packet->count == RTCP_FEEDBACK_TMMBR || packet->count == RTCP_FEEDBACK_TMMBN;
	return packet->count == RTCP_FEEDBACK_FIR || packet->count == RTCP_FEEDBACK_TSTR ||
	       packet->count == RTCP_FEEDBACK_TSTN;
}

bool rtcp_xr_next(struct bytes *rest, struct rtcp_xr_block *out)
{
	if (rest->n < RTCP_COMMON_LEN || whole_len(rest->p) > rest->n)
		return false;

	size_t len = whole_len(rest->p);

	out->type = rest->p[0];
	out->content = bytes_sub(*rest, RTCP_COMMON_LEN, len - RTCP_COMMON_LEN);
	*rest = bytes_from(*rest, len);
	return true;
}
