/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ethernet frames that carry UDP: read with every check that the kernel would make, and written. For ports that stand
 * below the kernel's IP. Numbers are in host order, addresses as in base/addr.h. Thread-safe: nothing is kept.
 */
#ifndef ENGINE_NET_FRAME_H
#define ENGINE_NET_FRAME_H

#include "base/addr.h"

enum {
	FRAME_MAC_LEN = 6,
	FRAME_HEAD_MAX = 14 + 4 + 40 + 8, /* Ethernet, one tag, IPv6, UDP */
	FRAME_IP_HEAD_MAX = 40 + 8,       /* IPv6, UDP: of the MTU */
	FRAME_VLAN_MAX = 4094,
	FRAME_TAIL_AT = 12, /* a payload's tail begins there: behind the fixed head of RTP */
};

/* Why a frame is none that is read here. */
enum frame_fault {
	FRAME_FINE,
	FRAME_SHORT,     /* it ends before its heads say so */
	FRAME_PROTOCOL,  /* not IP, not UDP, more than one tag, IPv6 extension headers */
	FRAME_HEAD,      /* version, lengths or addresses that no IP head has */
	FRAME_OPTIONS,   /* IPv4 options */
	FRAME_FRAGMENT,  /* of IPv4; one of IPv6 is FRAME_PROTOCOL */
	FRAME_CHECKSUM,  /* of IPv4 or UDP */
	FRAME_MULTICAST, /* to many stations: RFC 1122 3.3.6 wants no unicast IP in there */
	FRAME_FAULTS,
};

struct frame {
	struct addr from, to;
	uint16_t vlan; /* 802.1Q identifier; 0: untagged */
	uint8_t tos;   /* DSCP and ECN */
	uint16_t payload_at, payload_length;
	/* Of the payload from FRAME_TAIL_AT on; known where there is a checksum and so much payload. Who changes the head of RTP
	 * alone need not read the rest again. */
	uint16_t tail_sum;
	bool tail_known;
};

/* Where a frame goes on its wire. */
struct frame_path {
	uint8_t to[FRAME_MAC_LEN], from[FRAME_MAC_LEN];
	uint16_t vlan; /* 0: untagged */
};

struct frame_head {
	const struct frame_path *path;
	const struct addr *from, *to; /* of one family */
	uint8_t tos, hops;
	bool tail_known; /* tail_sum is that of the payload */
	uint16_t tail_sum;
	uint16_t id; /* of IPv4, which may be fragmented on its way (RFC 6864 4.2): counts up */
	bool device_sums; /* the device makes the checksums: IPv4's is 0 until then, UDP's that of the pseudo head */
};

/*
 * A UDP checksum is also fine when it is that of the pseudo header alone: such a packet comes from this machine or its
 * host, over a device that leaves the rest to hardware which was never reached. *out has a meaning only when it is fine.
 */
enum frame_fault frame_parse(struct frame *out, struct bytes in);
/* The same for a frame whose UDP checksum somebody has found to be right. */
enum frame_fault frame_parse_summed(struct frame *out, struct bytes in);

/* Of the heads before the payload. */
size_t frame_head_size(uint8_t family, uint16_t vlan);
/* Writes them right before the payload, where FRAME_HEAD_MAX octets must be free, and returns where the frame begins. */
uint8_t *frame_write(const struct frame_head *h, uint8_t *payload, uint16_t length);

#endif
