/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtp/rtcp_write.h"

#include <assert.h>

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
