/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which m-line of a bundle a packet is of (RFC 9143 9.2), and which layer of an m-line is relayed (RFC 8853). Nothing is learned
 * here from what is not authentic yet: a source is known once it was relayed.
 */
#ifndef ENGINE_BUNDLE_H
#define ENGINE_BUNDLE_H

#include "engine/packet.h"

/* So long after its last packet the layer that is relayed may be replaced by another. */
#define LAYER_SILENCE_NS UINT64_C(1000000000)

struct worker;

/* RTP that came to a transport, by its clear head: its MID, else its SSRC, else a payload type that only one m-line takes. Sets flow and
 * peer. NONE, media_line, or payload_type: no m-line takes it. */
enum verdict bundle_rtp(const struct worker *w, struct pkt *p);
/* RTCP names in what is encrypted whom it is about, so it gets its flow behind unprotect_stage: by its sender, else by those that
 * it reports on or asks. Else it stays with the owner. */
void bundle_stage(struct worker *w, struct batch *b);
/* A browser sends an m-line in several sizes, each under an SSRC of its own: is this one of those that are not relayed? */
bool bundle_is_other_layer(const struct pkt *p, uint64_t now_ns);

#endif
