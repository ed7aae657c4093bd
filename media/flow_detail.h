/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What explains a flow on which something is wrong: noted where a packet is dropped, a source moves or a report comes, so that a packet
 * that is relayed costs nothing. The worker writes it; control reads a copy in MEDIA_FLOW_STATS and MEDIA_FLOW_CLOSED.
 */
#ifndef MEDIA_FLOW_DETAIL_H
#define MEDIA_FLOW_DETAIL_H

#include "base/addr.h"

enum { FLOW_DROPS_MAX = 45 };

/* All times: CLOCK_BOOTTIME; 0: never. */
struct flow_detail {
	uint32_t drops
		[FLOW_DROPS_MAX]; /* packets received and not relayed, by enum verdict (engine/net/packet.h) */
	struct addr
		stranger; /* source of the last one dropped as source_not_latched; ADDR_NONE: there was none */
	struct addr
		source_before; /* of the party's RTP, before the present one; ADDR_NONE: there was none */
	uint64_t moved_ns;     /* its source changed last although the signalled address had not */
	uint64_t told_ns;      /* the signalled address changed last */
	uint64_t reported_ns;  /* it reported last on what we send (RFC 3550 6.4) */
	uint32_t moves;        /* as moved_ns */
	uint8_t reported_loss; /* 1/256 of what we sent, in its last report */
	uint8_t refused_type; /* of the last packet dropped as payload_type; valid where there is one */
	uint8_t payload_type; /* only in a copy: of the last packet relayed, events apart; PAYLOAD_NONE: none yet */
	/* Of RTP dropped as srtp_auth, pairs in sequence whose payload is as long as their timestamps say of a codec of 8 or 1 bits a unit:
	 * plain, or with a tag (RFC 3711 4.2). */
	uint8_t auth_started;
	uint8_t handshake_failure; /* only in a copy: why the last one failed: enum dtls_failure (engine/dtls/dtls.h); 0: none did */
	uint16_t auth_sequence; /* of the last one of srtp_auth, valid with auth_started */
	uint32_t auth_timestamp;
	uint32_t auth_plain, auth_sealed;
	/* only in a copy: as it is when asked for */
	uint32_t
		sent_timestamp; /* of the RTP stream to the party, and its clock; 0: nothing but events was sent */
	uint32_t sent_clock_hz;
	uint64_t now_ns;
	uint64_t expected_ns;      /* the party is to be heard since */
	uint64_t received_ns;      /* from the latched source, on the RTP port */
	uint64_t received_rtcp_ns; /* and on the RTCP port */
	/* only in a copy, and of the transport: lines of a bundle have the same. ICE: */
	uint32_t checks;      /* authentic ones */
	uint32_t checks_key;  /* with our ufrag, and not our password */
	uint32_t checks_name; /* with another ufrag, or none */
	uint64_t checked_ns;  /* the last authentic one */
};

#endif
