/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of a picture: a browser sends it in several sizes at once (simulcast, RFC 8853), each named by a RID (RFC 8851), which its packets have in
 * a header extension (RFC 8852). Taken of a WebRTC endpoint alone: all where a conference shows its picture, and one in a call of two. Internal to
 * media/offer.
 */
#ifndef MEDIA_OFFER_LAYERS_H
#define MEDIA_OFFER_LAYERS_H

#include "media/offer/offer.h"
#include "media/sdp/sdp.h"

struct offer_formats;

/* Slices lie in the text. */
struct offer_layer {
	struct bytes rid;
	struct bytes limits; /* of a=rid, behind the direction; empty: none */
};

struct offer_layers {
	uint8_t count; /* 0: one picture, else two at least */
	struct offer_layer at[MEDIA_LAYERS_MAX];
};

/* Those that a party has offered, as we take them: the first ones of its list, in its order, of several alternatives the first. None where its
 * extension cannot be read. formats: of our answer. */
void offer_layers_choose(struct offer_layers *out, const struct sdp *offer, uint8_t index,
			 const struct offer_formats *formats);
/* What was agreed before, for an offer of ours: earlier is the last one on this leg, the party's or ours. It may be NULL. */
void offer_layers_before(struct offer_layers *out, const struct sdp *earlier, uint8_t index);
/*
 * Of those the best one that is within so many kbit/s (0: no limit), in a call of two; count 0: none is. A list that is answered without a=simulcast
 * has its first one sent (RFC 8853 5.3.2), and pages mostly name the smallest one first.
 */
void offer_layers_choose_one(struct offer_layers *out, const struct sdp *offer, uint8_t index,
			     const struct offer_formats *formats, uint32_t most_kbps);
/* We take them. */
void offer_layers_write(struct writer *w, const struct offer_layers *layers);
/* Those that we said we take, and the party sends. */
void offer_layers_agreed(struct media_layers *out, const struct sdp *remote,
			 const struct sdp *local, uint8_t index);

#endif
