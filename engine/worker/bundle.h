/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which m-line of a bundle a packet belongs to (RFC 9143 9.2), and which layer of an m-line is
 * relayed (RFC 8853). Learns nothing from unauthenticated packets: a source is known once it was
 * relayed.
 */
#ifndef ENGINE_WORKER_BUNDLE_H
#define ENGINE_WORKER_BUNDLE_H

#include "engine/net/packet.h"
#include "media/flow.h"

/* So long after its last packet the layer that is relayed may be replaced by another. */
#define LAYER_SILENCE_NS UINT64_C(1000000000)

enum { BUNDLE_PARTS_ROOM = 8 * PACKET_MAX };

/* The last of these is with the port before the next batch is received. */
struct bundle_parts {
	uint32_t count, used;
	struct pkt list[BATCH_MAX]; /* their data in memory */
	uint8_t memory[BUNDLE_PARTS_ROOM];
};

struct flow;
struct worker;

/* RTP of a transport, by its clear head: its MID, else its SSRC, else a payload type of only one
 * m-line. Sets flow and peer. Returns NONE, media_line, or payload_type: no m-line takes it. */
enum verdict bundle_rtp(const struct worker *w, struct pkt *p);
/* RTCP names its subject in encrypted octets, so it gets its flow behind unprotect_stage: each part
 * of a compound goes to the flow of its m-line (media/rtp/rtcp_split.h). A part about no line goes
 * by the packet's sender, else by those it reports on or asks, else to the owner. The packet itself
 * continues with one flow; parts of others are stored for bundle_parts, as far as there is room. */
void bundle_stage(struct worker *w, struct batch *b);
/* The parts stored by bundle_stage as packets of an empty batch, in buffers of the port, once those
 * of the former batch are returned. */
void bundle_parts(struct worker *w, struct batch *b);
/* Of an m-line that a browser sends in several sizes by SSRC: whether this one is not relayed. */
bool bundle_is_other_layer(const struct pkt *p, uint64_t now_ns);

/* Flows that share another's transport (RFC 9143): which belong together. The worker's thread. */

/* Returns 0, or -EINVAL: the owner is missing, is itself bundled, has no room, or a flow has the
 * same SSRC (one SSRC twice under one key is one keystream twice). */
int flow_bundle_join(struct worker *w, struct flow *f, struct flow_id owner) NODISCARD;
/* It can neither receive nor send then. */
void flow_bundle_leave(struct worker *w, struct flow *f);
/* So are all that are with it. */
void flow_bundle_end(struct worker *w, struct flow *owner);

/* Flows that share another flow's transport have the keys of its handshake (RFC 9143 11). On the
 * worker's thread. */

/* id: the owner's, generation not 0; leaves the owner before. Takes the owner's keys, if any; a
 * flow of a restored call may have brought them itself. A closed owner is ignored. Returns 0, or
 * what srtp_flow_keys returns. */
int dtls_bundle_set(struct worker *w, struct flow *f, struct flow_id id) NODISCARD;
/* Without an owner nothing happens. */
void dtls_bundle_leave(struct worker *w, struct flow *f);
/* The owner closes: its transport is not shared any more. */
void dtls_bundle_end(struct worker *w, struct flow *owner);

#endif
