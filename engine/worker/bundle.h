/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which m-line of a bundle a packet is of (RFC 9143 9.2), and which layer of an m-line is relayed (RFC 8853). Nothing is learned
 * here from what is not authentic yet: a source is known once it was relayed.
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

/* RTP that came to a transport, by its clear head: its MID, else its SSRC, else a payload type that only one m-line takes. Sets flow and
 * peer. NONE, media_line, or payload_type: no m-line takes it. */
enum verdict bundle_rtp(const struct worker *w, struct pkt *p);
/*
 * RTCP names in what is encrypted whom it is about, so it gets its flow behind unprotect_stage: each part of a compound goes to the
 * flow of its m-line (media/rtp/rtcp_split.h). What is about none goes by the packet's sender, else by those that it reports on or asks,
 * else to the owner. The packet itself goes on with one flow; parts of others are kept for bundle_parts, as far as there is room.
 */
void bundle_stage(struct worker *w, struct batch *b);
/* What bundle_stage kept, as packets of an empty batch, in buffers of the port: not before those of the former batch are back. */
void bundle_parts(struct worker *w, struct batch *b);
/* A browser sends an m-line in several sizes, each under an SSRC of its own: is this one of those that are not relayed? */
bool bundle_is_other_layer(const struct pkt *p, uint64_t now_ns);

/*
 * Flows that share the transport of another (RFC 9143): who is with whom. The worker's thread.
 */

/* 0, or -EINVAL: the owner is not there, is itself bundled, has no room, or there is a flow with this one's SSRC (one SSRC twice
 * under one key would be one keystream twice). */
int flow_bundle_join(struct worker *w, struct flow *f, struct flow_id owner) NODISCARD;
/* It is reached by nobody then, and sends nowhere. */
void flow_bundle_leave(struct worker *w, struct flow *f);
/* So are all that are with it. */
void flow_bundle_end(struct worker *w, struct flow *owner);

/* Flows that share the transport of another, its owner, have the keys of its handshake (RFC 9143 11). On the worker's thread. */

/* id: the owner's, whose generation is not 0; the owner before is left. The keys are the owner's where it has some; a flow of a restored
 * call may have brought them itself. An owner that is gone is none. 0, or what srtp_flow_keys says. */
int dtls_bundle_set(struct worker *w, struct flow *f, struct flow_id id) NODISCARD;
/* Without an owner nothing happens. */
void dtls_bundle_leave(struct worker *w, struct flow *f);
/* The owner goes: nobody shares its transport any more. */
void dtls_bundle_end(struct worker *w, struct flow *owner);

#endif
