/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the blocks of a pcapng file (draft-ietf-opsawg-pcapng): section, interface, packets and
 * statistics. Watched calls are written with it (app/watch), and so are recordings as packets. The
 * media path has payloads only, so IP and UDP heads are made here with correct checksums (RFC 1071,
 * RFC 768), and Wireshark reads the file like a capture of a network. Blocks are written whole, so
 * a file that ends early stays readable.
 */

#include "base/pcapng.h"

#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	SECTION_ORDER = 0x1a2b3c4d,
	LINKTYPE_RAW = 101, /* begins with the IP head, of either version */
	OPTION_COMMENT = 1,
	SECTION_APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_RESOLUTION = 9,
	NANOSECONDS = 9, /* 10^-9 s */
	PACKET_FLAGS = 2,
	PACKET_LOST = 4,
	STATISTICS_RECEIVED = 4,
	STATISTICS_DROPPED = 5,
	IP4_HEAD = 20,
	IP6_HEAD = 40,
	UDP_HEAD = 8,
	IP_UDP = 17,
	HOPS = 64,
};

static void pad(struct writer *w, size_t n)
{
	static const uint8_t zeros[4];

	writer_mem(w, zeros, (4 - n % 4) % 4);
}

static void block_option(struct writer *w, uint16_t code, const void *p, size_t n)
{
	writer_be16(w, code);
	writer_be16(w, (uint16_t)n);
	writer_mem(w, p, n);
	pad(w, n);
}

static void option_text(struct writer *w, uint16_t code, const char *text)
{
	if (text)
		block_option(w, code, text, strnlen(text, PCAPNG_TEXT_MAX));
}

static void option_u64(struct writer *w, uint16_t code, uint64_t v)
{
	writer_be16(w, code);
	writer_be16(w, sizeof(v));
	writer_be64(w, v);
}

/* Where the block begins; its length comes with block_end. */
static size_t block_start(struct writer *w, uint32_t type)
{
	size_t at = w->n;

	writer_be32(w, type);
	writer_be32(w, 0);
	return at;
}

static void block_end(struct writer *w, size_t at)
{
	uint32_t length;

	writer_be32(w, 0); /* opt_endofopt */
	length = (uint32_t)(w->n - at + sizeof(length));
	writer_be32(w, length);
	if (!w->overflow)
		be32_put(w->p + at + 4, length);
}

void pcapng_header_write(struct writer *w, const char *application, const char *comment)
{
	static const uint8_t resolution = NANOSECONDS;
	size_t at = block_start(w, BLOCK_SECTION);

	writer_be32(w, SECTION_ORDER);
	writer_be16(w, 1); /* version 1.0 */
	writer_be16(w, 0);
	writer_be64(w, UINT64_MAX); /* length not known */
	option_text(w, SECTION_APPLICATION, application);
	option_text(w, OPTION_COMMENT, comment);
	block_end(w, at);
	at = block_start(w, BLOCK_INTERFACE);
	writer_be16(w, LINKTYPE_RAW);
	writer_be16(w, 0);
	writer_be32(w, 0); /* nothing is cut */
	option_text(w, INTERFACE_NAME, application);
	block_option(w, INTERFACE_RESOLUTION, &resolution, sizeof(resolution));
	block_end(w, at);
}

/* RFC 1071. */
static uint32_t sum(uint32_t s, struct bytes in)
{
	for (size_t i = 0; i + 1 < in.n; i += 2)
		s += be16_get(in.p + i);
	if (in.n % 2)
		s += (uint32_t)in.p[in.n - 1] << 8;
	return s;
}

static uint16_t sum_fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void ip4_write(struct writer *w, const struct addr *from, const struct addr *to,
		      uint16_t length)
{
	size_t at = w->n;

	writer_be16(w, 0x4500);
	writer_be16(w, (uint16_t)(IP4_HEAD + length));
	writer_be32(w, 0x4000); /* don't fragment */
	writer_u8(w, HOPS);
	writer_u8(w, IP_UDP);
	writer_be16(w, 0);
	writer_mem(w, from->ip, 4);
	writer_mem(w, to->ip, 4);
	if (!w->overflow)
		be16_put(w->p + at + 10, sum_fold(sum(0, bytes_mem(w->p + at, IP4_HEAD))));
}

static void ip6_write(struct writer *w, const struct addr *from, const struct addr *to,
		      uint16_t length)
{
	writer_be32(w, 0x60000000);
	writer_be16(w, length);
	writer_u8(w, IP_UDP);
	writer_u8(w, HOPS);
	writer_mem(w, from->ip, 16);
	writer_mem(w, to->ip, 16);
}

/* Of the pseudo head, too; 0 is written as its other form (RFC 768). */
static uint16_t udp_sum(const struct addr *from, const struct addr *to, struct bytes udp)
{
	size_t n = from->family == ADDR_V6 ? 16 : 4;
	uint32_t s = sum(sum(0, bytes_mem(from->ip, n)), bytes_mem(to->ip, n));
	uint16_t folded = sum_fold(sum(s + IP_UDP + (uint32_t)udp.n, udp));

	return folded ? folded : 0xffff;
}

static void datagram_write(struct writer *w, const struct addr *from, const struct addr *to,
			   struct bytes payload)
{
	uint16_t length = (uint16_t)(UDP_HEAD + payload.n);
	size_t at;

	if (from->family == ADDR_V6)
		ip6_write(w, from, to, length);
	else
		ip4_write(w, from, to, length);
	at = w->n;
	writer_be16(w, from->port);
	writer_be16(w, to->port);
	writer_be16(w, length);
	writer_be16(w, 0);
	writer_bytes(w, payload);
	if (!w->overflow)
		be16_put(w->p + at + 6, udp_sum(from, to, bytes_mem(w->p + at, length)));
}

/* Both of one family: a head has no room for two. */
static void addresses_fit(struct addr *from, struct addr *to)
{
	if (to->family == ADDR_NONE)
		*to = (struct addr){ .family = from->family };
	if (to->family == ADDR_NONE)
		to->family = from->family = ADDR_V4;
	if (from->family != to->family)
		*from = (struct addr){ .family = to->family, .port = from->port };
}

static void packet_options(struct writer *w, const struct pcapng_packet *p)
{
	uint8_t flags[4] = { 0, 0, 0, (uint8_t)p->direction };

	option_text(w, OPTION_COMMENT, p->comment);
	if (p->direction != PCAPNG_UNKNOWN)
		block_option(w, PACKET_FLAGS, flags, sizeof(flags));
	if (p->lost)
		option_u64(w, PACKET_LOST, p->lost);
}

void pcapng_packet(struct writer *w, const struct pcapng_packet *p)
{
	struct addr from = *p->from, to = *p->to;
	struct bytes payload = bytes_sub(p->payload, 0, PCAPNG_PAYLOAD_MAX);
	size_t at = block_start(w, BLOCK_PACKET), heads;

	addresses_fit(&from, &to);
	heads = (from.family == ADDR_V6 ? IP6_HEAD : IP4_HEAD) + UDP_HEAD;
	writer_be32(w, 0); /* the interface */
	writer_be64(w, p->utc_ns);
	writer_be32(w, (uint32_t)(heads + payload.n));
	writer_be32(w, (uint32_t)(heads + p->payload.n));
	datagram_write(w, &from, &to, payload);
	pad(w, heads + payload.n);
	packet_options(w, p);
	block_end(w, at);
}

void pcapng_counts(struct writer *w, const struct pcapng_counts *c)
{
	size_t at = block_start(w, BLOCK_STATISTICS);

	writer_be32(w, 0);
	writer_be64(w, c->utc_ns);
	option_u64(w, STATISTICS_RECEIVED, c->received);
	option_u64(w, STATISTICS_DROPPED, c->lost);
	block_end(w, at);
}
