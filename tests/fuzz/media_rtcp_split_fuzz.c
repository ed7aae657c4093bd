/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: how many lines, and of each how many sources, two of them, and what it receives (an octet each); then RTCP.
 * Oracle: the parts of a line's share – a report block, a sender's times, a source that ends, an entry of feedback – are those of the
 * input that are about the line, in their order; so each is in one share, once. A share is RTCP, begins as the input does, and has a
 * name where that names its sender.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtp/rtcp_split.h"

enum { LINE_LEN = 4, PARTS = 4096, NOBODY = 99 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
	uint32_t line; /* NOBODY: it is for none */
	uint8_t type, count;
	struct bytes octets; /* without who speaks */
};

struct parts {
	const struct rtcp_lines *lines;
	size_t count;
	struct part list[PARTS];
};

static struct parts g_in, g_share;

static uint32_t of_source(const struct rtcp_lines *l, uint32_t ssrc)
{
	for (uint8_t k = 0; k < 2; k++)
		for (uint32_t i = 0; i < l->count; i++)
			if (l->list[i].source_count > k && l->list[i].sources[k] == ssrc)
				return i;
	return l->home;
}

static uint32_t of_reported(const struct rtcp_lines *l, const uint8_t *ssrc)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (l->list[i].reported == be32_get(ssrc))
			return i;
	return l->home;
}

static void add(struct parts *k, uint32_t line, const struct rtcp_packet *packet,
		struct bytes octets)
{
	assert(k->count < PARTS);
	k->list[k->count++] = (struct part){
		.line = line, .type = packet->type, .count = packet->count, .octets = octets
	};
}

static void list_add(struct parts *k, const struct rtcp_packet *packet, struct bytes list,
		     size_t step)
{
	for (; list.n >= step; list = bytes_from(list, step))
		add(k, of_reported(k->lines, list.p), packet, bytes_sub(list, 0, step));
}

/* The sender's times: to the line whose source it is; one that has none may have a new one. */
static uint32_t of_times(const struct rtcp_lines *l, uint32_t ssrc)
{
	uint32_t line = of_source(l, ssrc);
	const struct rtcp_line *of = &l->list[line];

	return of->source_count == 0 || of->sources[0] == ssrc ? line : (uint32_t)NOBODY;
}

static void reports_add(struct parts *k, const struct rtcp_packet *packet)
{
	struct rtcp_packet plain = { .type = RTCP_TYPE_RR };

	if (packet->type == RTCP_TYPE_SR)
		add(k, of_times(k->lines, be32_get(packet->body.p)),
		    &(struct rtcp_packet){ .type = RTCP_TYPE_SR }, bytes_sub(packet->body, 0, 24));
	list_add(k, &plain, rtcp_blocks(packet), RTCP_BLOCK_LEN);
}

static void feedback_add(struct parts *k, const struct rtcp_packet *packet)
{
	struct rtcp_feedback f = rtcp_feedback(packet);
	bool transport = packet->type == RTCP_TYPE_RTPFB;
	bool remb = !transport && packet->count == 15 && f.control.n >= 12 &&
		    memcmp(f.control.p, "REMB", 4) == 0;

	if (remb)
		list_add(k, packet, bytes_from(f.control, 8), 4);
	else if (f.control.n >= 8 && memchr(transport ? "\3\4\3" : "\4\5\6", packet->count, 3))
		list_add(k, packet, f.control, 8);
	else
		add(k,
		    transport && packet->count == 15 ? 0
						     : of_reported(k->lines, packet->body.p + 4),
		    packet, bytes_from(packet->body, 4));
}

static void extended_add(struct parts *k, const struct rtcp_packet *packet)
{
	uint32_t sender = of_source(k->lines, be32_get(packet->body.p));
	struct bytes rest = bytes_from(packet->body, 4);
	struct rtcp_xr_block block;

	while (rtcp_xr_next(&rest, &block)) {
		bool about = block.type <= 7 && block.type != 4 && block.content.n >= 4;

		if (block.type == 5)
			list_add(k, packet, block.content, 12);
		else
			add(k, about ? of_reported(k->lines, block.content.p) : sender, packet,
			    bytes_mem(block.content.p - 4, block.content.n + 4));
	}
}

static void bye_add(struct parts *k, const struct rtcp_packet *bye)
{
	struct bytes list = rtcp_bye_sources(bye);

	for (; list.n >= 4; list = bytes_from(list, 4))
		add(k, of_source(k->lines, be32_get(list.p)),
		    &(struct rtcp_packet){ .type = RTCP_TYPE_BYE }, bytes_sub(list, 0, 4));
}

static void packet_add(struct parts *k, const struct rtcp_packet *packet)
{
	switch (packet->type) {
	case RTCP_TYPE_SR:
	case RTCP_TYPE_RR:
		reports_add(k, packet);
		break;
	case RTCP_TYPE_SDES:
		break;
	case RTCP_TYPE_BYE:
		bye_add(k, packet);
		break;
	case RTCP_TYPE_APP:
		add(k, of_source(k->lines, be32_get(packet->body.p)), packet,
		    bytes_from(packet->body, 4));
		break;
	case RTCP_TYPE_RTPFB:
	case RTCP_TYPE_PSFB:
		feedback_add(k, packet);
		break;
	case RTCP_TYPE_XR:
		extended_add(k, packet);
		break;
	default:
		break;
	}
}

static void parts_read(struct parts *k, const struct rtcp_lines *lines, struct bytes in)
{
	struct rtcp_packet packet;

	k->lines = lines;
	k->count = 0;
	while (rtcp_next(&in, &packet))
		packet_add(k, &packet);
}

static bool is_report(struct bytes in)
{
	return in.p[1] == RTCP_TYPE_SR || in.p[1] == RTCP_TYPE_RR;
}

/* Is there a name of this source? With NULL: of anybody. */
static bool is_named(struct bytes in, const uint32_t *ssrc)
{
	struct rtcp_packet packet;
	struct rtcp_chunk chunk;

	while (rtcp_next(&in, &packet))
		for (uint8_t i = 0; packet.type == RTCP_TYPE_SDES && i < packet.count; i++)
			if (rtcp_chunk_next(&packet.body, &chunk) && (!ssrc || chunk.ssrc == *ssrc))
				return true;
	return false;
}

static void name_check(struct bytes in, struct bytes share)
{
	struct bytes rest = in;
	struct rtcp_packet first;
	uint32_t sender;

	if (rtcp_next(&rest, &first) && rtcp_sender(&first, &sender) && is_named(in, &sender))
		assert(is_named(share, NULL));
}

static void share_check(const struct rtcp_lines *lines, struct bytes in, uint32_t line)
{
	uint8_t *out = malloc(in.n);
	struct rtcp_share share = rtcp_share(out, in, lines, line);
	size_t at = 0;
	bool says = false;

	assert(out && share.octets.n <= in.n && (line == lines->home || share.strays == 0));
	for (size_t i = 0; i < g_in.count; i++)
		says |= g_in.list[i].line == line;
	assert(says == (share.octets.n > 0));
	if (says) {
		assert(rtcp_check(share.octets) == 0 && is_report(in) <= is_report(share.octets));
		name_check(in, share.octets);
		parts_read(&g_share, lines, share.octets);
		for (size_t i = 0; i < g_in.count; i++) {
			const struct part *a = &g_in.list[i], *b = &g_share.list[at];

			if (a->line != line)
				continue;
			assert(at < g_share.count && a->type == b->type && a->count == b->count);
			assert(bytes_eq(a->octets, b->octets));
			at++;
		}
		assert(at == g_share.count);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtcp_lines lines = { 0 };
	struct bytes in;

	if (size == 0)
		return 0;
	lines.count = 1 + data[0] % MEDIA_LINES_MAX;
	if (size < 1 + lines.count * LINE_LEN)
		return 0;
	for (uint32_t i = 0; i < lines.count; i++) {
		const uint8_t *p = data + 1 + (size_t)i * LINE_LEN;

		lines.list[i] = (struct rtcp_line){ .source_count = p[0] % 3,
						    .sources = { p[1], p[2] },
						    .reported = p[3] };
	}
	in = bytes_from(bytes_mem(data, size), 1 + lines.count * LINE_LEN);
	if (in.n > PARTS || rtcp_check(in))
		return 0;
	lines.home = rtcp_home(&lines, in);
	assert(lines.home < lines.count);
	parts_read(&g_in, &lines, in);
	for (uint32_t i = 0; i < lines.count; i++)
		share_check(&lines, in, i);
	return 0;
}
