/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker gives recorders and listeners: copies of the packets of flows with a tap,
 * decrypted, as the party sent and as it receives them. What a party sends while held or muted is
 * not copied. Values only; they lie in a ring of the worker for each reader, which is one other
 * thread.
 */
#ifndef MEDIA_TAP_H
#define MEDIA_TAP_H

#include "media/flow.h"

/* The readers; each has a ring of its own in each worker. */
enum tap_reader {
	TAP_RECORD, /* flow_spec.tap */
	TAP_LIVE,   /* flow_spec.tap_live */
	TAP_FORK,   /* flow_spec.tap_fork: the parties' own packets only */
	TAP_READERS,
};

enum tap_kind {
	TAP_SOUND, /* RTP */
	TAP_EVENT, /* telephone-event (RFC 4733) */
	TAP_RTCP,
};

enum { TAP_FROM_PARTY, TAP_TO_PARTY, TAP_SIDES };

/* One packet; its octets follow. */
struct tap_packet {
	uint64_t call;
	uint64_t time_ns;     /* CLOCK_BOOTTIME of its batch */
	struct addr from, to; /* the party's address and ours */
	/* of the flow for this reader since the packet before it: there was no room */
	uint32_t lost;
	uint32_t clock_hz; /* of the RTP timestamp */
	uint8_t number;    /* as the spec has it for this reader */
	uint8_t leg, line;
	uint8_t side;  /* TAP_FROM_PARTY: with the party's own numbers; TAP_TO_PARTY: with ours */
	uint8_t kind;  /* enum tap_kind */
	uint8_t codec; /* enum media_codec + 1; 0: unknown */
	uint16_t length;
};

static inline struct bytes tap_octets(const struct tap_packet *p)
{
	return bytes_mem(p + 1, p->length);
}

#endif
