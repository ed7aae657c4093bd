/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splits RTCP of a BUNDLE transport (RFC 9143 9.1) by m-line. Browsers send one compound about
 * audio and video, but each line of a call may be relayed to a different peer with other SSRCs. So
 * each line gets its reports, feedback and names as a compound of its own, which begins with a
 * report as RFC 3550 6.1 requires; engine/worker/bundle.c then translates it like that of a single
 * flow. Nothing is duplicated: each part belongs to one line.
 */

#include <assert.h>

#include "media/rtp/rtcp_parse.h"
#include "media/rtp/rtcp_split.h"

/* The line with that source, a present one before an earlier one; RTCP_NO_LINE: no line has it. */
static uint32_t rtcp_line_by_source(const struct rtcp_lines *lines, uint32_t ssrc)
{
	for (uint8_t k = 0; k < COUNT_OF(lines->list->sources); k++)
		for (uint32_t i = 0; i < lines->count; i++)
			if (k < lines->list[i].source_count && lines->list[i].sources[k] == ssrc)
				return i;
	return RTCP_NO_LINE;
}

/* The line that sends this SSRC to the party. RTCP_NO_LINE: no line does. */
static uint32_t rtcp_line_by_reported(const struct rtcp_lines *lines, uint32_t ssrc)
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

/* Targets of feedback without a media SSRC (RFC 5104 4.3.1): SSRCs, one every *step octets. */
static struct bytes rtcp_targets(const struct rtcp_packet *packet, size_t *step)
{
	struct bytes control = rtcp_feedback(packet).control;

	*step = rtcp_feedback_has_entries(packet) ? (size_t)FEEDBACK_ENTRY_LEN : (size_t)SSRC_LEN;
	if (rtcp_feedback_has_entries(packet))
		return control;
	return is_remb(packet, control) ? bytes_from(control, REMB_HEAD_LEN) : (struct bytes){ 0 };
}

/* By its media SSRC. Transport-wide numbers belong to the first line. RTCP_NO_LINE: about no
 * line. */
static uint32_t rtcp_line_of_feedback(const struct rtcp_lines *lines,
				      const struct rtcp_packet *packet)
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

enum { REMB_COUNT_AT = 4 };

/* One line's share while it is written. */
struct split {
	struct writer w;
	const struct rtcp_lines *lines;
	const struct rtcp_line *own;
	uint32_t line;
	uint32_t sender; /* of the compound */
	/* Of the share: replaces senders that are not a source of the line. */
	uint32_t speaker;
	bool spoken; /* speaker is known */
	bool headed; /* it begins as it must */
	bool says;   /* anything but a head and names */
	uint32_t strays;
};

/* ---- writing ---- */

static bool split_includes(struct split *s, uint32_t line)
{
	if (line != RTCP_NO_LINE)
		return line == s->line;
	s->strays += s->line == s->lines->home;
	return s->line == s->lines->home;
}

static bool ssrc_is_own(const struct split *s, uint32_t ssrc)
{
	return s->own->source_count > 0 && s->own->sources[0] == ssrc;
}

static void speak(struct split *s, uint32_t ssrc)
{
	if (!s->spoken)
		s->speaker = ssrc;
	s->spoken = true;
	writer_be32(&s->w, ssrc_is_own(s, ssrc) ? ssrc : s->speaker);
}

static void split_head_write(struct split *s, uint8_t type, uint8_t count)
{
	writer_u8(&s->w, (uint8_t)(2 << 6 | count));
	writer_u8(&s->w, type);
	writer_be16(&s->w, 0);
}

static void end_write(struct split *s, size_t at)
{
	be16_put(s->w.p + at + 2, (uint16_t)((s->w.n - at) / 4 - 1));
}

/* Writes an empty report first, if no report is there yet. */
static size_t packet_start(struct split *s, uint8_t type, uint8_t count)
{
	size_t at = s->w.n;

	if (!s->headed) {
		split_head_write(s, RTCP_TYPE_RR, 0);
		speak(s, s->sender);
		end_write(s, at);
		s->headed = true;
		at = s->w.n;
	}
	split_head_write(s, type, count);
	return at;
}

static void count_write(struct split *s, size_t at, uint8_t count)
{
	s->w.p[at] = (uint8_t)(2 << 6 | count);
	end_write(s, at);
	s->says = true;
}

/* A packet that begins with its sender's SSRC. */
static void packet_speak(struct split *s, const struct rtcp_packet *packet)
{
	size_t at = packet_start(s, packet->type, packet->count);

	speak(s, be32_get(packet->body.p));
	writer_bytes(&s->w, bytes_from(packet->body, SSRC_LEN));
	count_write(s, at, packet->count);
}

/* ---- by type ---- */

/* A source that has sent nothing yet may announce itself by a report. */
static bool is_sender_report(const struct split *s, const struct rtcp_packet *packet)
{
	uint32_t ssrc = be32_get(packet->body.p);

	if (packet->type != RTCP_TYPE_SR)
		return false;
	if (ssrc_is_own(s, ssrc))
		return rtcp_line_by_source(s->lines, ssrc) == s->line;
	return s->own->source_count == 0 && s->line == s->lines->home &&
	       rtcp_line_by_source(s->lines, ssrc) == RTCP_NO_LINE;
}

/* Profile-specific extensions (RFC 3550 6.4.3): of the sender as a whole. */
static struct bytes blocks_end(const struct rtcp_packet *packet)
{
	struct bytes blocks = rtcp_blocks(packet);

	return bytes_from(packet->body, (size_t)(blocks.p - packet->body.p) + blocks.n);
}

static void report(struct split *s, const struct rtcp_packet *packet)
{
	bool sends = is_sender_report(s, packet);
	struct bytes blocks = rtcp_blocks(packet);
	struct split before = *s;
	uint8_t count = 0;
	size_t at;

	s->headed = true;
	at = packet_start(s, sends ? RTCP_TYPE_SR : RTCP_TYPE_RR, 0);
	speak(s, be32_get(packet->body.p));
	if (sends) { /* of itself, whichever SSRC reports */
		s->w.n -= SSRC_LEN;
		writer_bytes(&s->w, bytes_sub(packet->body, 0, SSRC_LEN + SENDER_INFO_LEN));
	}
	for (; blocks.n >= RTCP_BLOCK_LEN; blocks = bytes_from(blocks, RTCP_BLOCK_LEN)) {
		if (!split_includes(s, rtcp_line_by_reported(s->lines, be32_get(blocks.p))))
			continue;
		writer_bytes(&s->w, bytes_sub(blocks, 0, RTCP_BLOCK_LEN));
		count++;
	}
	if (s->line == s->lines->home)
		writer_bytes(&s->w, blocks_end(packet));
	if (sends || count > 0)
		count_write(s, at, count);
	else
		*s = before;
}

static bool has_own_chunk(const struct split *s, const struct rtcp_packet *sdes)
{
	struct bytes rest = sdes->body;
	struct rtcp_chunk chunk;

	for (uint8_t i = 0; i < sdes->count && rtcp_chunk_next(&rest, &chunk); i++)
		if (rtcp_line_by_source(s->lines, chunk.ssrc) == s->line)
			return true;
	return false;
}

/* The line's own names, else that of the compound's sender, which is the same party. */
static void names(struct split *s, const struct rtcp_packet *sdes)
{
	bool own = has_own_chunk(s, sdes);
	struct split before = *s;
	struct bytes rest = sdes->body;
	struct rtcp_chunk chunk;
	size_t at = packet_start(s, RTCP_TYPE_SDES, 0);
	uint8_t count = 0;

	for (uint8_t i = 0; i < sdes->count; i++) {
		const uint8_t *p = rest.p;

		if (!rtcp_chunk_next(&rest, &chunk))
			break;
		if (chunk.ssrc == s->sender
			    ? own && rtcp_line_by_source(s->lines, chunk.ssrc) != s->line
			    : !split_includes(s, rtcp_line_by_source(s->lines, chunk.ssrc)))
			continue;
		if (chunk.ssrc == s->sender || rtcp_line_by_source(s->lines, chunk.ssrc) == s->line)
			speak(s, chunk.ssrc);
		else
			writer_be32(&s->w, chunk.ssrc);
		writer_mem(&s->w, p + SSRC_LEN, (size_t)(rest.p - p) - SSRC_LEN);
		count++;
	}
	before.says = s->says;
	if (count > 0)
		count_write(s, at, count);
	else
		*s = before;
	s->says = before.says;
}

static void goodbye(struct split *s, const struct rtcp_packet *bye)
{
	struct bytes sources = rtcp_bye_sources(bye);
	struct bytes reason = bytes_from(bye->body, sources.n);
	struct split before = *s;
	size_t at = packet_start(s, RTCP_TYPE_BYE, 0);
	uint8_t count = 0;

	for (; sources.n >= SSRC_LEN; sources = bytes_from(sources, SSRC_LEN)) {
		if (!split_includes(s, rtcp_line_by_source(s->lines, be32_get(sources.p))))
			continue;
		writer_mem(&s->w, sources.p, SSRC_LEN);
		count++;
	}
	writer_bytes(&s->w, reason);
	if (count > 0)
		count_write(s, at, count);
	else
		*s = before;
}

/* Media SSRC, and what precedes the targets; another line's media SSRC would be unknown there. */
static void feedback_head(struct split *s, const struct rtcp_packet *packet, size_t skipped)
{
	struct rtcp_feedback feedback = rtcp_feedback(packet);
	uint32_t line = rtcp_line_by_reported(s->lines, feedback.media);

	speak(s, feedback.sender);
	writer_be32(&s->w, line == RTCP_NO_LINE || line == s->line ? feedback.media : 0);
	writer_bytes(&s->w, bytes_sub(feedback.control, 0, skipped));
}

static void feedback_split(struct split *s, const struct rtcp_packet *packet, struct bytes list,
			   size_t step)
{
	struct split before = *s;
	size_t skipped = rtcp_feedback(packet).control.n - list.n;
	size_t at = packet_start(s, packet->type, packet->count), head;
	uint8_t count = 0;

	feedback_head(s, packet, skipped);
	head = s->w.n;
	for (; list.n >= step; list = bytes_from(list, step)) {
		if (!split_includes(s, rtcp_line_by_reported(s->lines, be32_get(list.p))))
			continue;
		writer_bytes(&s->w, bytes_sub(list, 0, step));
		count++;
	}
	if (skipped > 0)
		s->w.p[head - skipped + REMB_COUNT_AT] = count;
	if (count > 0)
		count_write(s, at, packet->count);
	else
		*s = before;
}

static void split_feedback(struct split *s, const struct rtcp_packet *packet)
{
	size_t step;
	struct bytes list = rtcp_targets(packet, &step);

	if (list.n >= step)
		feedback_split(s, packet, list, step);
	else if (split_includes(s, rtcp_line_of_feedback(s->lines, packet)))
		packet_speak(s, packet);
}

static void extended_times(struct split *s, struct bytes list)
{
	size_t at = s->w.n;

	writer_be32(&s->w, (uint32_t)XR_DLRR << 24);
	for (; list.n >= XR_DLRR_LEN; list = bytes_from(list, XR_DLRR_LEN))
		if (split_includes(s, rtcp_line_by_reported(s->lines, be32_get(list.p))))
			writer_bytes(&s->w, bytes_sub(list, 0, XR_DLRR_LEN));
	if (s->w.n > at + RTCP_COMMON_LEN)
		end_write(s, at);
	else
		s->w.n = at;
}

static void split_extended_block(struct split *s, const struct rtcp_xr_block *block, uint32_t line)
{
	struct bytes content = block->content;

	if (block->type == XR_DLRR) {
		extended_times(s, content);
		return;
	}
	if (block->type <= XR_VOIP && block->type != XR_RECEIVER_TIME && content.n >= SSRC_LEN)
		line = rtcp_line_by_reported(s->lines, be32_get(content.p));
	if (split_includes(s, line))
		writer_mem(&s->w, content.p - RTCP_COMMON_LEN, content.n + RTCP_COMMON_LEN);
}

static void split_extended_report(struct split *s, const struct rtcp_packet *packet)
{
	uint32_t line = rtcp_line_by_source(s->lines, be32_get(packet->body.p));
	struct bytes rest = bytes_from(packet->body, SSRC_LEN);
	struct split before = *s;
	size_t at = packet_start(s, RTCP_TYPE_XR, 0);
	struct rtcp_xr_block block;

	speak(s, be32_get(packet->body.p));
	while (rtcp_xr_next(&rest, &block))
		split_extended_block(s, &block, line);
	if (s->w.n > at + RTCP_COMMON_LEN + SSRC_LEN)
		count_write(s, at, packet->count);
	else
		*s = before;
}

static void split_one_packet(struct split *s, const struct rtcp_packet *packet)
{
	switch (packet->type) {
	case RTCP_TYPE_SR:
	case RTCP_TYPE_RR:
		report(s, packet);
		break;
	case RTCP_TYPE_SDES:
		names(s, packet);
		break;
	case RTCP_TYPE_BYE:
		goodbye(s, packet);
		break;
	case RTCP_TYPE_APP:
		if (split_includes(s, rtcp_line_by_source(s->lines, be32_get(packet->body.p))))
			packet_speak(s, packet);
		break;
	case RTCP_TYPE_RTPFB:
	case RTCP_TYPE_PSFB:
		split_feedback(s, packet);
		break;
	case RTCP_TYPE_XR:
		split_extended_report(s, packet);
		break;
	default: /* unknown contents cannot be translated: no receiver */
		(void)split_includes(s, RTCP_NO_LINE);
		break;
	}
}

struct rtcp_share rtcp_share(uint8_t *out, struct bytes in, const struct rtcp_lines *lines,
			     uint32_t line)
{
	struct split s = { .w = writer_over(out, in.n),
			   .lines = lines,
			   .own = &lines->list[line],
			   .line = line,
			   .headed = in.p[1] != RTCP_TYPE_SR && in.p[1] != RTCP_TYPE_RR };
	struct bytes rest = in;
	struct rtcp_packet packet;

	assert(line < lines->count && rtcp_check(in) == 0);
	(void)(rtcp_next(&rest, &packet) && rtcp_sender(&packet, &s.sender));
	for (rest = in; rtcp_next(&rest, &packet);)
		split_one_packet(&s, &packet);
	assert(!s.w.overflow);
	if (!s.says)
		s.w.n = 0;
	return (struct rtcp_share){ .octets = writer_done(&s.w), .strays = s.strays };
}
