/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: a checked compound is walked to its last octet; every slice lies within; every count is found. */
#include <assert.h>

#include "media/rtp/rtcp_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bytes outer, struct bytes inner)
{
	assert(inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n));
}

static void walk_description(const struct rtcp_packet *packet)
{
	struct bytes rest = packet->body, text;
	struct rtcp_chunk chunk;
	uint8_t type;

	for (uint8_t i = 0; i < packet->count; i++) {
		assert(rtcp_chunk_next(&rest, &chunk));
		check_inside(packet->body, chunk.items);
		while (rtcp_item_next(&chunk.items, &type, &text)) {
			assert(type);
			check_inside(packet->body, text);
		}
		assert(chunk.items.n == 0);
	}
}

static void walk_reports(const struct rtcp_packet *packet)
{
	struct rtcp_block block;
	uint8_t count = 0;

	while (rtcp_block(packet, count, &block)) {
		assert(block.lost >= -0x800000 && block.lost <= 0x7fffff);
		count++;
	}
	assert(count == packet->count);
	if (packet->type == RTCP_TYPE_SR)
		(void)rtcp_sender_info(packet);
}

static void walk_extended(const struct rtcp_packet *packet)
{
	struct bytes rest = bytes_from(packet->body, 4);
	struct rtcp_xr_block block;

	while (rtcp_xr_next(&rest, &block))
		check_inside(packet->body, block.content);
}

static void walk(const struct rtcp_packet *packet)
{
	uint32_t ssrc;

	if (packet->type == RTCP_TYPE_SR || packet->type == RTCP_TYPE_RR) {
		walk_reports(packet);
	} else if (packet->type == RTCP_TYPE_SDES) {
		walk_description(packet);
	} else if (packet->type == RTCP_TYPE_BYE) {
		assert(rtcp_bye_sources(packet).n == (size_t)packet->count * 4);
	} else if (packet->type == RTCP_TYPE_RTPFB || packet->type == RTCP_TYPE_PSFB) {
		check_inside(packet->body, rtcp_feedback(packet).control);
	} else if (packet->type == RTCP_TYPE_XR) {
		walk_extended(packet);
	}
	(void)rtcp_sender(packet, &ssrc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size), rest = in;
	struct rtcp_packet packet;

	if (rtcp_check(in))
		return 0;
	while (rtcp_next(&rest, &packet)) {
		check_inside(in, packet.body);
		walk(&packet);
	}
	assert(rest.n == 0);
	return 0;
}
