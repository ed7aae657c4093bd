/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtp/rtcp_line.h"
#include "media/rtp/rtcp_layout.h"

uint32_t rtcp_line_by_source(const struct rtcp_lines *lines, uint32_t ssrc)
{
	for (uint8_t k = 0; k < COUNT_OF(lines->list->sources); k++)
		for (uint32_t i = 0; i < lines->count; i++)
			if (k < lines->list[i].source_count && lines->list[i].sources[k] == ssrc)
				return i;
	return RTCP_NO_LINE;
}

uint32_t rtcp_line_by_reported(const struct rtcp_lines *lines, uint32_t ssrc)
{
	for (uint32_t i = 0; i < lines->count; i++)
		if (lines->list[i].reported == ssrc)
			return i;
	return RTCP_NO_LINE;
}

static bool is_remb(const struct rtcp_packet *packet, struct bytes control)
{
	return packet->type == RTCP_TYPE_PSFB && packet->count == RTCP_FEEDBACK_AFB &&
	       bytes_starts(control, "REMB") && control.n >= REMB_HEAD_LEN;
}

struct bytes rtcp_targets(const struct rtcp_packet *packet, size_t *step)
{
	struct bytes control = rtcp_feedback(packet).control;

	*step = rtcp_feedback_has_entries(packet) ? (size_t)FEEDBACK_ENTRY_LEN : (size_t)SSRC_LEN;
	if (rtcp_feedback_has_entries(packet))
		return control;
	return is_remb(packet, control) ? bytes_from(control, REMB_HEAD_LEN) : (struct bytes){ 0 };
}

uint32_t rtcp_line_of_feedback(const struct rtcp_lines *lines, const struct rtcp_packet *packet)
{
	if (packet->type == RTCP_TYPE_RTPFB && packet->count == RTCP_FEEDBACK_TRANSPORT_CC)
		return 0;
	return rtcp_line_by_reported(lines, rtcp_feedback(packet).media);
}

static uint32_t by_subject(const struct rtcp_lines *lines, const struct rtcp_packet *packet)
{
	struct rtcp_block block;
	uint32_t line = RTCP_NO_LINE;
	struct bytes list;
	size_t step;

	for (uint8_t i = 0; line == RTCP_NO_LINE && rtcp_block(packet, i, &block); i++)
		line = rtcp_line_by_reported(lines, block.ssrc);
	if (packet->type != RTCP_TYPE_RTPFB && packet->type != RTCP_TYPE_PSFB)
		return line;
	line = rtcp_line_of_feedback(lines, packet);
	list = rtcp_targets(packet, &step);
	for (; line == RTCP_NO_LINE && list.n >= step; list = bytes_from(list, step))
		line = rtcp_line_by_reported(lines, be32_get(list.p));
	return line;
}

uint32_t rtcp_home(const struct rtcp_lines *lines, struct bytes in)
{
	struct bytes rest = in;
	struct rtcp_packet packet;
	uint32_t line = RTCP_NO_LINE, sender;

	while (line == RTCP_NO_LINE && rtcp_next(&rest, &packet))
		if (rtcp_sender(&packet, &sender))
			line = rtcp_line_by_source(lines, sender);
	rest = in;
	while (line == RTCP_NO_LINE && rtcp_next(&rest, &packet))
		line = by_subject(lines, &packet);
	return line == RTCP_NO_LINE ? 0 : line;
}
