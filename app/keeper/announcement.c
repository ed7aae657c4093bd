/* SPDX-License-Identifier: Apache-2.0 */
#include "app/keeper/announcement.h"

#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

enum { ARP_ETHERNET = 1, ARP_REQUEST = 1, HOP_LIMIT = 255, NA_LEN = 32, OVERRIDE = 0x20 };
/* ff02::1 */
static const uint8_t ALL_NODES[16] = { 0xff, 0x02, [15] = 1 };
static const uint8_t ALL_NODES_MAC[ANNOUNCEMENT_MAC_LEN] = { 0x33, 0x33, 0, 0, 0, 1 };
static const uint8_t EVERYBODY_MAC[ANNOUNCEMENT_MAC_LEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void link_header_write(struct writer *w, const uint8_t *to, const uint8_t *from,
			      uint16_t type)
{
	writer_mem(w, to, ANNOUNCEMENT_MAC_LEN);
	writer_mem(w, from, ANNOUNCEMENT_MAC_LEN);
	writer_be16(w, type);
}

static void arp_write(struct writer *w, const uint8_t *mac, const struct addr *ip)
{
	link_header_write(w, EVERYBODY_MAC, mac, ETHERTYPE_ARP);
	writer_be16(w, ARP_ETHERNET);
	writer_be16(w, ETHERTYPE_IP);
	writer_u8(w, ANNOUNCEMENT_MAC_LEN);
	writer_u8(w, 4);
	writer_be16(w, ARP_REQUEST);
	writer_mem(w, mac, ANNOUNCEMENT_MAC_LEN);
	writer_mem(w, ip->ip, 4);
	writer_mem(w, (const uint8_t[ANNOUNCEMENT_MAC_LEN]){ 0 }, ANNOUNCEMENT_MAC_LEN);
	writer_mem(w, ip->ip, 4);
}

/* RFC 1071, over the pseudo-header of RFC 8200 8.1 and the message. */
static uint16_t icmp6_sum(const uint8_t *from, const uint8_t *to, const uint8_t *message)
{
	uint32_t sum = NA_LEN + IPPROTO_ICMPV6;

	for (size_t i = 0; i < 16; i += 2)
		sum += (uint32_t)be16_get(from + i) + be16_get(to + i);
	for (size_t i = 0; i < NA_LEN; i += 2)
		sum += be16_get(message + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void advertisement_write(struct writer *w, const uint8_t *mac, const struct addr *ip)
{
	uint8_t *message;

	link_header_write(w, ALL_NODES_MAC, mac, ETHERTYPE_IPV6);
	writer_be32(w, UINT32_C(6) << 28);
	writer_be16(w, NA_LEN);
	writer_u8(w, IPPROTO_ICMPV6);
	writer_u8(w, HOP_LIMIT);
	writer_mem(w, ip->ip, 16);
	writer_mem(w, ALL_NODES, 16);
	message = w->p + w->n;
	writer_be16(w, (uint16_t)(ND_NEIGHBOR_ADVERT << 8));
	writer_be16(w, 0); /* the checksum, below */
	writer_be32(w, (uint32_t)OVERRIDE << 24);
	writer_mem(w, ip->ip, 16);
	writer_u8(w, ND_OPT_TARGET_LINKADDR);
	writer_u8(w, 1);
	writer_mem(w, mac, ANNOUNCEMENT_MAC_LEN);
	be16_put(message + 2, icmp6_sum(ip->ip, ALL_NODES, message));
}

size_t announcement_write(uint8_t out[ANNOUNCEMENT_MAX], const uint8_t mac[ANNOUNCEMENT_MAC_LEN],
			  const struct addr *ip)
{
	struct writer w = writer_over(out, ANNOUNCEMENT_MAX);

	if (ip->family == ADDR_V4)
		arp_write(&w, mac, ip);
	else
		advertisement_write(&w, mac, ip);
	return w.n;
}
