/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "media/rtp/rtcp_parse.h"
#include "media/rtp/rtcp_write.h"

enum {
	NACK_HEAD_LEN = RTCP_COMMON_LEN + FEEDBACK_LEN,
	PADDING_BIT = 0x20,
};

struct asking {
	rtcp_nack_fn *fn;
	void *user;
};

/* Bit i: the number pid + i. What is left of them. */
static uint32_t nack_ask(const struct asking *k, uint16_t pid, uint32_t numbers)
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
static size_t nack_take(const struct asking *k, uint8_t *to, const uint8_t *from,
			const struct rtcp_packet *packet)
{
	struct bytes control = rtcp_feedback(packet).control;
	size_t n = NACK_HEAD_LEN;

	memmove(to, from, NACK_HEAD_LEN);
	for (; control.n >= NACK_ENTRY_LEN; control = bytes_from(control, NACK_ENTRY_LEN)) {
		uint16_t pid = be16_get(control.p);
		uint32_t numbers = nack_ask(k, pid, 1 | (uint32_t)be16_get(control.p + 2) << 1);

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

void rtcp_nack_take(uint8_t *p, size_t *n, uint32_t media, rtcp_nack_fn *fn, void *user)
{
	const struct asking k = { .fn = fn, .user = user };
	struct bytes rest = bytes_mem(p, *n);
	struct rtcp_packet packet;
	size_t kept = 0;

	assert(rtcp_check(rest) == 0);
	for (const uint8_t *from = rest.p; rtcp_next(&rest, &packet); from = rest.p) {
		size_t len = (size_t)(p + *n - rest.n - from);

		if (nack_is_about(&packet, media)) {
			kept += nack_take(&k, p + kept, from, &packet);
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
