/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewrites RTCP for the peer, filters NACKs, and writes reports of our own. Since the engine relays
 * RTP with other SSRCs, sequence numbers and timestamps, every report, feedback and BYE has to be
 * translated in place before it is forwarded (RFC 3550 7.2); what cannot be translated is removed.
 * Packets are never made longer, so that no buffer is needed. Input must have passed rtcp_check.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "media/rtp/rtcp_parse.h"
#include "media/rtp/rtcp_write.h"

enum { XR_RANGE_LEN = 8 }; /* SSRC, first and last sequence number */

/* The datagram that is written, and the view of it that is read. */
struct translation {
	uint8_t *p;
	struct bytes in;
	const struct rtcp_mapping *m;
};

static uint8_t *written_at(const struct translation *t, const uint8_t *read)
{
	return t->p + (read - t->in.p);
}

static bool translate(const struct translation *t, const uint8_t *read, uint32_t from, uint32_t to)
{
	if (be32_get(read) != from)
		return false;
	be32_put(written_at(t, read), to);
	return true;
}

static bool source(const struct translation *t, const uint8_t *read)
{
	return translate(t, read, t->m->source_in, t->m->source_out);
}

/* The SSRC that sends for the party. */
static void sender(const struct translation *t, const uint8_t *read)
{
	if (!source(t, read))
		(void)translate(t, read, t->m->sender, t->m->source_out);
}

static bool reported(const struct translation *t, const uint8_t *read)
{
	return translate(t, read, t->m->report_in, t->m->report_out);
}

static void sequence(const struct translation *t, const uint8_t *read)
{
	be16_put(written_at(t, read), (uint16_t)(be16_get(read) - t->m->sequence_offset));
}

/* Whether the source is listed. A late BYE of an earlier source does not end our stream. */
static bool sources(const struct translation *t, struct bytes list)
{
	bool any = false;

	for (; list.n >= SSRC_LEN; list = bytes_from(list, SSRC_LEN))
		any |= source(t, list.p);
	return any;
}

static bool sender_report(const struct translation *t, const struct rtcp_packet *sr)
{
	const uint8_t *timestamp = sr->body.p + 12; /* after SSRC and NTP time */

	if (!source(t, sr->body.p))
		return false;
	be32_put(written_at(t, timestamp), be32_get(timestamp) + t->m->timestamp_offset);
	return true;
}

static void report_blocks(const struct translation *t, struct bytes blocks)
{
	for (; blocks.n >= RTCP_BLOCK_LEN; blocks = bytes_from(blocks, RTCP_BLOCK_LEN)) {
		const uint8_t *highest = blocks.p + 8;

		if (reported(t, blocks.p))
			be32_put(written_at(t, highest), be32_get(highest) - t->m->sequence_offset);
	}
}

static void descriptions(const struct translation *t, const struct rtcp_packet *sdes)
{
	struct bytes rest = sdes->body;
	struct rtcp_chunk chunk;

	for (uint8_t i = 0; i < sdes->count; i++) {
		const uint8_t *ssrc = rest.p;

		if (rtcp_chunk_next(&rest, &chunk))
			sender(t, ssrc);
	}
}

static void entries(const struct translation *t, struct bytes control)
{
	for (; control.n >= FEEDBACK_ENTRY_LEN; control = bytes_from(control, FEEDBACK_ENTRY_LEN))
		(void)reported(t, control.p);
}

static void lost_packets(const struct translation *t, struct bytes control)
{
	for (; control.n >= NACK_ENTRY_LEN; control = bytes_from(control, NACK_ENTRY_LEN))
		sequence(t, control.p);
}

/* draft-alvestrand-rmcat-remb 2.2: "REMB", count, bit rate, SSRCs. */
static void remb(const struct translation *t, struct bytes control)
{
	if (!bytes_starts(control, "REMB"))
		return;
	for (control = bytes_from(control, REMB_HEAD_LEN); control.n >= SSRC_LEN;
	     control = bytes_from(control, SSRC_LEN))
		(void)reported(t, control.p);
}

/* Unknown feedback may refer to SSRCs, sequence numbers or payload types that we cannot translate:
 * RPSI and VBCM (RFC 4585 6.3.3, 5104 4.3.4) do, and so does the report of RFC 8888. */
static bool rtcp_type_is_known(const struct rtcp_packet *packet)
{
	static const uint8_t transport[] = { RTCP_FEEDBACK_NACK, RTCP_FEEDBACK_TMMBR,
					     RTCP_FEEDBACK_TMMBN, RTCP_FEEDBACK_SR_REQ,
					     RTCP_FEEDBACK_TRANSPORT_CC };
	static const uint8_t payload[] = { RTCP_FEEDBACK_PLI,  RTCP_FEEDBACK_SLI,
					   RTCP_FEEDBACK_FIR,  RTCP_FEEDBACK_TSTR,
					   RTCP_FEEDBACK_TSTN, RTCP_FEEDBACK_AFB };

	if (packet->type == RTCP_TYPE_RTPFB)
		return memchr(transport, packet->count, sizeof(transport)) != NULL;
	return memchr(payload, packet->count, sizeof(payload)) != NULL;
}

/* False: not for the other party. */
static bool translate_feedback(const struct translation *t, const struct rtcp_packet *packet)
{
	struct bytes control = rtcp_feedback(packet).control;
	bool transport = packet->type == RTCP_TYPE_RTPFB;

	if (!rtcp_type_is_known(packet))
		return false;
	sender(t, packet->body.p);

	bool of_reported = reported(t, packet->body.p + SSRC_LEN);

	if (transport && packet->count == RTCP_FEEDBACK_NACK && of_reported) {
		lost_packets(t, control);
	} else if (!transport && packet->count == RTCP_FEEDBACK_AFB) {
		remb(t, control);
	} else if (rtcp_feedback_has_entries(packet)) {
		entries(t, control);
	}
	return true;
}

static void translate_extended_block(const struct translation *t, const struct rtcp_xr_block *block)
{
	struct bytes content = block->content;

	switch (block->type) {
	case XR_LOSS_RLE:
	case XR_DUPLICATE_RLE:
	case XR_RECEIPT_TIMES:
	case XR_SUMMARY:
		if (content.n < XR_RANGE_LEN || !reported(t, content.p))
			break;
		sequence(t, content.p + 4);
		sequence(t, content.p + 6);
		break;
	case XR_DLRR:
		for (; content.n >= XR_DLRR_LEN; content = bytes_from(content, XR_DLRR_LEN))
			(void)reported(t, content.p);
		break;
	case XR_VOIP:
		if (content.n >= SSRC_LEN)
			(void)reported(t, content.p);
		break;
	default:
		break;
	}
}

static void translate_extended_report(const struct translation *t, struct bytes body)
{
	struct bytes rest = bytes_from(body, SSRC_LEN);
	struct rtcp_xr_block block;

	sender(t, body.p);
	while (rtcp_xr_next(&rest, &block))
		translate_extended_block(t, &block);
}

/* False: it is not for the other party. */
static bool translate_one_packet(const struct translation *t, const struct rtcp_packet *packet)
{
	switch (packet->type) {
	case RTCP_TYPE_SR:
		report_blocks(t, rtcp_blocks(packet));
		return sender_report(t, packet);
	case RTCP_TYPE_RR:
		sender(t, packet->body.p);
		report_blocks(t, rtcp_blocks(packet));
		return true;
	case RTCP_TYPE_SDES:
		descriptions(t, packet);
		return true;
	case RTCP_TYPE_BYE:
		return sources(t, rtcp_bye_sources(packet));
	case RTCP_TYPE_APP:
		sender(t, packet->body.p);
		return true;
	case RTCP_TYPE_RTPFB:
	case RTCP_TYPE_PSFB:
		return translate_feedback(t, packet);
	case RTCP_TYPE_XR:
		translate_extended_report(t, packet->body);
		return true;
	default: /* unknown contents cannot be translated */
		return false;
	}
}

/* An SDES left over alone is not worth a packet. */
static bool is_worth_sending(struct bytes in, bool whole)
{
	struct rtcp_packet packet;

	while (rtcp_next(&in, &packet))
		if (whole || packet.type != RTCP_TYPE_SDES)
			return true;
	return false;
}

int rtcp_translate(uint8_t *p, size_t *n, const struct rtcp_mapping *m)
{
	const struct translation t = { .p = p, .in = bytes_mem(p, *n), .m = m };
	struct bytes rest = t.in;
	struct rtcp_packet packet;
	size_t kept = 0;

	if (rtcp_check(t.in))
		return -EBADMSG;
	for (const uint8_t *from = rest.p; rtcp_next(&rest, &packet); from = rest.p) {
		size_t len = (size_t)(p + *n - rest.n - from);

		if (!translate_one_packet(&t, &packet))
			continue;
		memmove(p + kept, from, len);
		kept += len;
	}
	if (!is_worth_sending(bytes_mem(p, kept), kept == *n))
		return -ENOMSG;
	*n = kept;
	return 0;
}

enum {
	NACK_HEAD_LEN = RTCP_COMMON_LEN + FEEDBACK_LEN,
	PADDING_BIT = 0x20,
};

struct asking {
	rtcp_nack_fn *fn;
	void *user;
};

/* Bit i: the number pid + i. What is left of them. */
static uint32_t nack_write_item(const struct asking *k, uint16_t pid, uint32_t numbers)
{
	for (unsigned i = 0; i <= 16; i++) {
		uint32_t bit = UINT32_C(1) << i;

		if (numbers & bit && k->fn(k->user, (uint16_t)(pid + i)))
			numbers &= ~bit;
	}
	return numbers;
}

/* False: nothing of it is left. */
static bool entry_write(uint8_t *to, uint16_t pid, uint32_t numbers)
{
	int first = numbers ? __builtin_ctz(numbers) : 0;

	if (numbers == 0)
		return false;
	be16_put(to, (uint16_t)(pid + first));
	be16_put(to + 2, (uint16_t)(numbers >> first >> 1));
	return true;
}

/* One NACK from `from` to `to`, which is not behind it. Its length there; 0: nothing is left. */
static size_t nack_filter(const struct asking *k, uint8_t *to, const uint8_t *from,
			  const struct rtcp_packet *packet)
{
	struct bytes control = rtcp_feedback(packet).control;
	size_t n = NACK_HEAD_LEN;

	memmove(to, from, NACK_HEAD_LEN);
	for (; control.n >= NACK_ENTRY_LEN; control = bytes_from(control, NACK_ENTRY_LEN)) {
		uint16_t pid = be16_get(control.p);
		uint32_t numbers =
			nack_write_item(k, pid, 1 | (uint32_t)be16_get(control.p + 2) << 1);

		if (entry_write(to + n, pid, numbers))
			n += NACK_ENTRY_LEN;
	}
	if (n == NACK_HEAD_LEN)
		return 0;
	to[0] &= (uint8_t)~PADDING_BIT;
	be16_put(to + 2, (uint16_t)(n / 4 - 1));
	return n;
}

static bool nack_is_about(const struct rtcp_packet *packet, uint32_t media)
{
	return packet->type == RTCP_TYPE_RTPFB && packet->count == RTCP_FEEDBACK_NACK &&
	       rtcp_feedback(packet).media == media;
}

void rtcp_nack_filter(uint8_t *p, size_t *n, uint32_t media, rtcp_nack_fn *fn, void *user)
{
	const struct asking k = { .fn = fn, .user = user };
	struct bytes rest = bytes_mem(p, *n);
	struct rtcp_packet packet;
	size_t kept = 0;

	assert(rtcp_check(rest) == 0);
	for (const uint8_t *from = rest.p; rtcp_next(&rest, &packet); from = rest.p) {
		size_t len = (size_t)(p + *n - rest.n - from);

		if (nack_is_about(&packet, media)) {
			kept += nack_filter(&k, p + kept, from, &packet);
			continue;
		}
		memmove(p + kept, from, len);
		kept += len;
	}
	*n = kept;
}

/* The entry that begins with numbers[at]. Where the next one does. */
static size_t entry_collect(const struct rtcp_missing *m, size_t at, uint16_t *mask)
{
	uint16_t pid = m->numbers[at++];

	for (*mask = 0; at < m->count; at++) {
		uint16_t ahead = (uint16_t)(m->numbers[at] - pid);

		assert(ahead > 0 && ahead < 1U << 15);
		if (ahead > 16)
			break;
		*mask = (uint16_t)(*mask | 1U << (ahead - 1));
	}
	return at;
}

struct bytes rtcp_nack_write(uint8_t out[RTCP_NACK_MAX], const struct rtcp_missing *m)
{
	struct writer w = writer_over(out, RTCP_NACK_MAX);
	size_t next;

	assert(m->count > 0 && m->count <= RTCP_NACK_NUMBERS);
	writer_u8(&w, 2 << 6 | RTCP_FEEDBACK_NACK);
	writer_u8(&w, RTCP_TYPE_RTPFB);
	writer_be16(&w, 0); /* its length, below */
	writer_be32(&w, m->sender);
	writer_be32(&w, m->media);
	for (size_t at = 0; at < m->count; at = next) {
		uint16_t mask;

		next = entry_collect(m, at, &mask);
		writer_be16(&w, m->numbers[at]);
		writer_be16(&w, mask);
	}
	be16_put(out + 2, (uint16_t)(writer_done(&w).n / 4 - 1));
	return writer_done(&w);
}

enum {
	SDES_CNAME = 1,
	SR_WORDS = 6, /* after the first; RFC 3550 6.4.1 */
	RR_WORDS = 1,
	BLOCK_WORDS = RTCP_BLOCK_LEN / 4,
	CHUNK_PADDING = 2, /* one null octet at least, and to a multiple of 4 */
	CHUNK_WORDS = (4 + 2 + RTCP_CNAME_LEN + CHUNK_PADDING) / 4,
};

#define NTP_1970_S UINT64_C(2208988800)

static void rtcp_head_write(struct writer *w, uint8_t count, enum rtcp_type type, uint16_t words)
{
	writer_u8(w, (uint8_t)(2 << 6 | count));
	writer_u8(w, (uint8_t)type);
	writer_be16(w, words);
}

static void block_write(struct writer *w, const struct rtcp_block *b)
{
	writer_be32(w, b->ssrc);
	writer_be32(w, (uint32_t)b->fraction_lost << 24 | ((uint32_t)b->lost & 0xffffff));
	writer_be32(w, b->extended_highest);
	writer_be32(w, b->jitter);
	writer_be32(w, b->last_sr);
	writer_be32(w, b->delay);
}

static void sdes_write(struct writer *w, const struct rtcp_report *r)
{
	rtcp_head_write(w, 1, RTCP_TYPE_SDES, CHUNK_WORDS);
	writer_be32(w, r->ssrc);
	writer_u8(w, SDES_CNAME);
	writer_u8(w, RTCP_CNAME_LEN);
	writer_mem(w, r->cname, RTCP_CNAME_LEN);
	writer_be16(w, 0);
}

struct bytes rtcp_report_write(uint8_t out[RTCP_REPORT_MAX], const struct rtcp_report *r)
{
	struct writer w = writer_over(out, RTCP_REPORT_MAX);
	uint16_t words =
		(uint16_t)((r->sends ? SR_WORDS : RR_WORDS) + (r->hears ? BLOCK_WORDS : 0));

	rtcp_head_write(&w, r->hears, r->sends ? RTCP_TYPE_SR : RTCP_TYPE_RR, words);
	writer_be32(&w, r->ssrc);
	if (r->sends) {
		writer_be64(&w, r->info.ntp);
		writer_be32(&w, r->info.timestamp);
		writer_be32(&w, r->info.packets);
		writer_be32(&w, r->info.octets);
	}
	if (r->hears)
		block_write(&w, &r->block);
	sdes_write(&w, r);
	assert(!w.overflow);
	return writer_done(&w);
}

uint64_t rtcp_ntp(uint64_t utc_ms)
{
	uint64_t fraction = (utc_ms % 1000 << 32) / 1000;

	return (utc_ms / 1000 + NTP_1970_S) << 32 | fraction;
}
