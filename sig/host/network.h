/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks of a node, and the peers that need no digest for their requests. */
#ifndef SIG_HOST_NETWORK_H
#define SIG_HOST_NETWORK_H

#include "sig/sip/message.h"

enum {
	SHARD_LOCALS_MAX = 21,
	SHARD_TRUSTED_MAX = 64,
	SHARD_NETWORKS_MAX = 8,
	SHARD_RESERVED_MAX = 4,
	PEER_SHARDS_MAX = 16
};

/* One listening SIP address. */
struct shard_local {
	struct addr bind;      /* what the socket is bound to */
	struct addr advertise; /* what Via and Contact say */
	enum sip_transport transport;
	uint16_t network; /* index into networks */
	/* one more than the tenant, if its phones alone use it; 0: by domain */
	uint16_t tenant;
};

struct shard_network {
	char name[32];
	struct addr media_bind;      /* local address of the ports */
	struct addr media_advertise; /* what SDP says */
	uint16_t first_port, last_port;
	uint16_t webrtc_first, webrtc_last; /* of single-port mode; 0: none */
	/* SHARD_ALLOW_*: special addresses that its trusted parties may name
	 * (sig/host/destination.h) */
	uint8_t allow;
	/* the shard that its addresses belong to and move with; 0: all */
	uint16_t shard;
};

enum { SHARD_ALLOW_LOOPBACK = 1, SHARD_ALLOW_LINK_LOCAL = 2, SHARD_ALLOW_OWN = 4 };

/* A trust rule (sig/shard/shard_state.h): a peer that needs no digest for its requests (an SBC or
 * trunk in front of us). */
struct shard_trusted {
	struct addr net;
	uint8_t bits;
	uint8_t transports; /* 1 << enum sip_transport; 0: UDP, TCP and TLS */
	uint16_t network;   /* one more than its index into networks; 0: any */
	uint16_t port;      /* of the peer; 0: any */
	bool certificate;   /* over TLS with a client certificate only */
	uint32_t calls_max,
		calls_per_second; /* of all its peers together; 0: no limit of its own */
};

#endif
