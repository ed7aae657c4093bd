/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet on its way through the stages, and a batch of them. The octets stay in the port's buffer
 * from receive to send; nothing is copied. The holder of the batch owns the buffers; only out_stage
 * gives them back (to the port).
 */
#ifndef ENGINE_NET_PACKET_H
#define ENGINE_NET_PACKET_H

#include <assert.h>

#include "base/addr.h"

/* The fate of a packet. Stages set it, out_stage acts on it. Drops and their names: verdict.def. */

enum verdict {
	VERDICT_NONE, /* no stage has decided yet */
	VERDICT_RELAY,
#define DROP(suffix, label) VERDICT_##suffix,
#include "engine/net/verdict.def"
#undef DROP
	VERDICT_COUNT,
};

/* "relayed", or the label of the drop. */
const char *verdict_name(enum verdict v);
/* reason="…", for the metric; constant. NULL for what is no drop. */
const char *verdict_label(enum verdict v);

enum {
	BATCH_MAX = 64,
	PKT_TAIL_AT = 12,  /* what lies behind the fixed head of RTP */
	PACKET_MAX = 2000, /* longest UDP payload relayed: more than any Ethernet frame carries */
};

struct flow;

/* The two sockets of a flow. */
enum channel {
	CHANNEL_RTP,
	CHANNEL_RTCP,
	CHANNELS,
};

enum pkt_kind {
	PKT_UNKNOWN,
	PKT_RTP,
	PKT_RTCP,
	PKT_STUN,
	PKT_DTLS,
	PKT_OPAQUE, /* whatever it looks like: its flow is not looked into */
};

struct pkt {
	/* by the port, at receive */
	uint8_t *data; /* UDP payload; stages rewrite it in place */
	uint16_t length;
	uint16_t buffer; /* the port's name for the buffer */
	uint32_t slot;   /* flow slot and socket it arrived on */
	uint8_t channel; /* enum channel */
	/* by the stages */
	uint8_t kind;        /* enum pkt_kind: demux */
	uint8_t verdict;     /* enum verdict: any */
	uint8_t out_channel; /* enum channel of the peer: rewrite, rtcp */
	struct addr from;
	/* Set by the port at receive: the checksum of the data from PKT_TAIL_AT on, if it was
	 * computed, so that sending the packet needs no new one. A stage that changes the length or
	 * this data clears tail_known. */
	uint16_t tail_sum;
	uint8_t tail_known;
	/* RTP head as received: demux */
	uint8_t payload_type;
	uint8_t marker;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t ssrc;
	uint32_t age_us; /* port: its wait before the batch's time; 0: not known */
	uint16_t payload_at, payload_length; /* in data, without padding */
	uint16_t received;                   /* octets as they came in: demux */
	uint8_t padding_bad;                 /* demux; 1: malformed, unless it is encrypted */
	uint8_t event;                       /* rewrite; 1: telephone-event */
	uint32_t clock_hz;                   /* rewrite; of the payload type */
	uint8_t made;          /* 1: made here, not received; peer set, flow only by bundle.h */
	struct flow *flow;     /* flow; valid within the batch: no flow changes under the stages */
	struct flow *peer;     /* set by flow; NULL: no peer */
	const struct addr *to; /* rewrite, rtcp; in the peer */
	uint32_t out_slot;     /* set by rewrite, rtcp; the slot with the sending socket */
	/* unprotect_front: what came of it, where it has keys */
	uint8_t opened_verdict; /* enum verdict */
	uint8_t unrecorded;     /* of one that was made: it is for no recorder */
	uint16_t opened_length;
	uint64_t opened_index;
} CACHE_ALIGNED;

static_assert(sizeof(struct pkt) == 128, "two cache lines");
static_assert(offsetof(struct pkt, age_us) < 64, "what the port writes lies in the first line");

struct batch {
	uint64_t now_ns; /* CLOCK_BOOTTIME when the batch was received */
	uint32_t count;
	/* So many at the front need no more stages but protect and out (stage.h). */
	uint32_t done;
	/* So many at the front are decrypted already, or refused, if they have keys. */
	uint32_t opened;
	uint8_t opaque;  /* not 0: some of them are PKT_OPAQUE */
	uint8_t notices; /* not 0: a flow of those that are done has a MEDIA_FLOW_LATCHED due */
	struct pkt list[BATCH_MAX];
};

#define BATCH_EACH(p, b) for (struct pkt *p = (b)->list; p < (b)->list + (b)->count; p++)
#define BATCH_REST(p, b) \
	for (struct pkt *p = (b)->list + (b)->done; p < (b)->list + (b)->count; p++)

#endif
