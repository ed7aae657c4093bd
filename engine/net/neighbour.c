/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers ARP requests (RFC 826) and neighbour solicitations (RFC 4861) for our addresses, by
 * turning the request into the answer in place. A DPDK device without a TAP interface has no kernel
 * behind it, so the node would be unreachable otherwise. Only requests that pass RFC 4861's checks
 * are answered.
 */

#include "engine/net/neighbour.h"

#include <assert.h>

#include <string.h>

#include "engine/net/frame.h"

enum {
	TYPE_ARP = 0x0806,
	/* RFC 826, for IPv4 over Ethernet */
	ARP_LEN = 28,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
	ARP_SENDER = 8, /* MAC, IP; then the same of the target */
	ARP_TARGET = 18,
	ADDRESS_LEN = 4,
	/* RFC 4861 4.3, 4.4 */
	ADDRESS6_LEN = 16,
	PROTOCOL_ICMPV6 = 58,
	HOPS_ON_LINK = 255,
	SOLICITATION = 135,
	ADVERTISEMENT = 136,
	SOLICITATION_LEN = 24,
	OPTION_LEN = 8,
	OPTION_TARGET = 2,
	ADVERTISEMENT_LEN = SOLICITATION_LEN + OPTION_LEN,
};

#define SOLICITED (UINT32_C(1) << 30)
#define OVERRIDE  (UINT32_C(1) << 29)

/* Of what lies behind the Ethernet head; 0: too short. */
static size_t layer_at(const uint8_t *p, size_t n, uint16_t *type)
{
	size_t at = MACS_LEN;

	if (n < MACS_LEN + 2 + TAG_LEN)
		return 0;
	if (be16_get(p + at) == TYPE_TAG)
		at += TAG_LEN;
	*type = be16_get(p + at);
	return at + 2;
}

static bool arp_is_request(const uint8_t *arp, size_t n, struct addr *subject)
{
	static const uint8_t HEAD[] = { 0, 1, 8, 0, FRAME_MAC_LEN, ADDRESS_LEN, 0, ARP_REQUEST };

	if (n < ARP_LEN || memcmp(arp, HEAD, sizeof(HEAD)) != 0)
		return false;
	*subject = (struct addr){ .family = ADDR_V4 };
	memcpy(subject->ip, arp + ARP_TARGET + FRAME_MAC_LEN, ADDRESS_LEN);
	return true;
}

static uint16_t icmp_sum(const uint8_t *ip, const uint8_t *icmp, size_t n)
{
	const uint8_t rest[] = { (uint8_t)(n >> 8), (uint8_t)n, 0, PROTOCOL_ICMPV6 };
	uint64_t sum = frame_sum(0, bytes_mem(ip + 8, (size_t)2 * ADDRESS6_LEN));

	sum = frame_sum(sum, bytes_mem(rest, sizeof(rest)));
	return frame_sum_fold(frame_sum(sum, bytes_mem(icmp, n)));
}

/* RFC 4861 7.1.1: checks hop limit, checksum, code, length and target; an unspecified source asks
 * whether an address is taken (RFC 4862 5.4.3), and our addresses cannot be another node's. */
static bool icmp_is_solicitation(const uint8_t *ip, size_t n, struct addr *subject)
{
	const uint8_t *icmp = ip + IPV6_LEN;
	size_t length;

	if (n < IPV6_LEN + SOLICITATION_LEN || ip[0] >> 4 != 6 || ip[6] != PROTOCOL_ICMPV6 ||
	    ip[7] != HOPS_ON_LINK || icmp[0] != SOLICITATION || icmp[1] != 0)
		return false;
	length = be16_get(ip + 4);
	if (length < SOLICITATION_LEN || length > n - IPV6_LEN ||
	    icmp_sum(ip, icmp, length) != 0xffff)
		return false;
	*subject = (struct addr){ .family = ADDR_V6 };
	memcpy(subject->ip, icmp + 8, ADDRESS6_LEN);
	return !addr_is_multicast(subject);
}

bool neighbour_is_request(struct bytes frame, struct addr *subject)
{
	uint16_t type = 0;
	size_t at = layer_at(frame.p, frame.n, &type);

	if (at == 0)
		return false;
	if (type == TYPE_ARP)
		return arp_is_request(frame.p + at, frame.n - at, subject);
	return type == TYPE_IPV6 && icmp_is_solicitation(frame.p + at, frame.n - at, subject);
}

static size_t arp_answer(uint8_t *arp, const uint8_t mac[FRAME_MAC_LEN])
{
	uint8_t wanted[ADDRESS_LEN], asker[FRAME_MAC_LEN + ADDRESS_LEN];

	memcpy(wanted, arp + ARP_TARGET + FRAME_MAC_LEN, sizeof(wanted));
	memcpy(asker, arp + ARP_SENDER, sizeof(asker));
	memcpy(arp + ARP_TARGET, asker, sizeof(asker));
	memcpy(arp + ARP_SENDER, mac, FRAME_MAC_LEN);
	memcpy(arp + ARP_SENDER + FRAME_MAC_LEN, wanted, ADDRESS_LEN);
	be16_put(arp + 6, ARP_REPLY);
	return ARP_LEN;
}

static size_t icmp_answer(uint8_t *ip, const uint8_t mac[FRAME_MAC_LEN])
{
	static const uint8_t ALL_NODES[ADDRESS6_LEN] = { 0xff, 2, [15] = 1 },
			     NOWHERE[ADDRESS6_LEN] = { 0 };
	uint8_t *icmp = ip + IPV6_LEN, *from = ip + 8, *to = ip + 24;
	bool asked = memcmp(from, NOWHERE, ADDRESS6_LEN) != 0;
	uint16_t sum;

	memcpy(to, asked ? from : ALL_NODES, ADDRESS6_LEN);
	memcpy(from, icmp + 8, ADDRESS6_LEN);
	be16_put(ip + 4, ADVERTISEMENT_LEN);
	icmp[0] = ADVERTISEMENT;
	be16_put(icmp + 2, 0);
	be32_put(icmp + 4, (asked ? SOLICITED : 0) | OVERRIDE);
	icmp[SOLICITATION_LEN] = OPTION_TARGET;
	icmp[SOLICITATION_LEN + 1] = OPTION_LEN / 8;
	memcpy(icmp + SOLICITATION_LEN + 2, mac, FRAME_MAC_LEN);
	sum = (uint16_t)~icmp_sum(ip, icmp, ADVERTISEMENT_LEN);
	memcpy(icmp + 2, &sum, sizeof(sum));
	return IPV6_LEN + ADVERTISEMENT_LEN;
}

size_t neighbour_answer(uint8_t *frame, size_t n, size_t capacity, const uint8_t mac[FRAME_MAC_LEN])
{
	static const uint8_t EVERYBODY[FRAME_MAC_LEN] = { 0x33, 0x33, [5] = 1 };
	uint16_t type = 0;
	size_t at = layer_at(frame, n, &type);
	bool is_arp = type == TYPE_ARP;

	assert(frame);
	if (capacity < at + (is_arp ? (size_t)ARP_LEN : (size_t)IPV6_LEN + ADVERTISEMENT_LEN))
		return 0;
	memcpy(frame, frame + FRAME_MAC_LEN, FRAME_MAC_LEN);
	memcpy(frame + FRAME_MAC_LEN, mac, FRAME_MAC_LEN);
	if (is_arp)
		return at + arp_answer(frame + at, mac);
	n = at + icmp_answer(frame + at, mac);
	if (frame[at + 24] == 0xff)
		memcpy(frame, EVERYBODY, FRAME_MAC_LEN);
	return n;
}
