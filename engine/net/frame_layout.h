/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths and numbers of Ethernet, IPv4, IPv6, UDP. For the files that read and write frames alone. */
#ifndef ENGINE_NET_FRAME_LAYOUT_H
#define ENGINE_NET_FRAME_LAYOUT_H

#include <arpa/inet.h>

#include "engine/net/frame.h"

enum {
	MACS_LEN = 2 * FRAME_MAC_LEN,
	ETHERNET_LEN = MACS_LEN + 2,
	TAG_LEN = 4,
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	UDP_LEN = 8,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_TAG = 0x8100,
	TAG_VLAN = 0x0fff,
	PROTOCOL_UDP = 17,
	IPV4_VERSION = 0x45, /* and no options */
	IPV4_TOTAL_AT = 2,
	IPV4_ID_AT = 4,
	IPV4_FRAGMENT_AT = 6,
	IPV4_PROTOCOL_AT = 9,
	IPV4_SUM_AT = 10,
	IPV4_FROM_AT = 12,
	IPV4_TO_AT = 16,
	UDP_TO_AT = 2,
	UDP_LENGTH_AT = 4,
	UDP_SUM_AT = 6,
	FRAGMENT_BITS = 0x3fff, /* more fragments, and the offset */
};

/* As it lies in memory, for sums. */
static inline uint64_t sum_word(uint16_t value)
{
	return htons(value);
}

#endif
