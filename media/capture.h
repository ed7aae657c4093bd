/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching flows: which packets a worker copies for observers, and how they see one. Values only.
 * Each watcher is an owner; owners do not know of each other, and each packet is copied once for
 * all of them.
 */
#ifndef MEDIA_CAPTURE_H
#define MEDIA_CAPTURE_H

#include "media/flow.h"

enum capture_owner {
	CAPTURE_TRACE,  /* of one call into a file */
	CAPTURE_EXPORT, /* RTCP of all calls to a collector */
	CAPTURE_OWNERS,
};

/* Points of a packet's path. Received: the flow is the one of the receiving port; sent: the one of
 * the sending port. */
enum capture_point {
	CAPTURE_IN_WIRE = 1, /* as received at the port, from any source */
	/* accepted as the party's, decrypted; on a WebRTC leg also STUN and DTLS, as received */
	CAPTURE_IN_PLAIN = 2,
	CAPTURE_OUT_PLAIN = 4, /* for the party, before it is enciphered */
	CAPTURE_OUT_WIRE = 8,  /* as it leaves */
};
/* Of those points RTCP alone. */
#define CAPTURE_RTCP(points) ((points) << 4)

/* What is watched: of the call, or of all calls with call 0. points 0: nothing any more. */
struct capture_order {
	uint64_t call;
	uint8_t owner;  /* enum capture_owner */
	uint8_t points; /* 0, or those of enum capture_point, of all packets or of RTCP */
};

enum {
	CAPTURE_OCTETS_MAX = 2000, /* as of any packet relayed */
	CAPTURE_CALLS_MAX = 1024,  /* watched at once by one worker, counted by owner */
};

struct capture_packet {
	struct flow_id flow;
	uint64_t call;
	uint64_t time_ns; /* CLOCK_BOOTTIME of its batch */
	struct addr from, to;
	uint32_t lost; /* of the flow since the packet before it: there was no room */
	uint8_t leg, line;
	uint8_t point;   /* enum capture_point: one of them */
	uint8_t rtcp;    /* 1: RTCP; 0: RTP, or neither */
	uint8_t watched; /* points of all owners, as capture_order has them */
	uint16_t length;
	uint8_t octets[CAPTURE_OCTETS_MAX];
};

#endif
