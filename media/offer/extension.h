/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTP header extensions that we read (RFC 8285), and their feedback. They end on the leg of their
 * WebRTC endpoint. Internal to media/offer.
 */
#ifndef MEDIA_OFFER_EXTENSION_H
#define MEDIA_OFFER_EXTENSION_H

#include "media/offer/offer.h"
#include "media/sdp/sdp.h"

#define OFFER_TRANSPORT_CC "transport-cc" /* of a=rtcp-fb */
#define OFFER_NACK         "nack"
#define OFFER_PLI          "nack pli"
#define OFFER_FIR          "ccm fir"
#define OFFER_LEVEL        "urn:ietf:params:rtp-hdrext:ssrc-audio-level"   /* RFC 6464 */
#define OFFER_RID          "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" /* RFC 8852 3.1 */

/* The number that an m-line gives an extension. 0: absent, or too large for a one-byte element. */
uint8_t offer_extension_of(const struct sdp *s, uint8_t index, const char *uri);
/* The number for OFFER_RID in our answer. We take one of several layers, and an offerer answered
 * without a=simulcast sends its first one (RFC 8853 5.3.3). But Chromium repeats all of them in its
 * next offer, and rejects that offer unless it was granted this. */
uint8_t offer_extension_of_layers(const struct sdp *offer, uint8_t index);
/* In an offer of ours: as it was before, for the same reason. earlier may be NULL. */
uint8_t offer_extension_of_layers_before(const struct sdp *earlier, uint8_t index);
/* A number for it in our offer: the earlier one, or one that had no meaning there. 0: all are in
 * use. earlier may be NULL. */
uint8_t offer_extension_choose(const struct sdp *earlier, const char *uri);
/* We only receive it. 0: it is not agreed. */
void offer_extension_write(struct writer *w, uint8_t number, const char *uri);
/* "96 nack pli" or "* nack pli", for this format of an m-line. */
bool offer_feedback_has(const struct sdp *s, unsigned section, uint8_t number,
			const char *feedback);

/* Layers of a picture: a browser sends it in several sizes at once (simulcast, RFC 8853), each
 * named by a RID (RFC 8851), which its packets have in a header extension (RFC 8852). Only accepted
 * from a WebRTC endpoint: all of them for a conference, and one in a call of two. Internal to
 * media/offer. */

struct offer_formats;

/* Slices lie in the text. */
struct offer_layer {
	struct bytes rid;
	struct bytes limits; /* of a=rid, after the direction; empty: no limits */
};

struct offer_layers {
	uint8_t count; /* 0: one picture, else two at least */
	struct offer_layer at[MEDIA_LAYERS_MAX];
};

/* Those of the party's offer that we take: the first ones of its list, in its order; the first of
 * several alternatives. No layer if the RID extension is missing. formats: of our answer. */
void offer_layers_choose(struct offer_layers *out, const struct sdp *offer, uint8_t index,
			 const struct offer_formats *formats);
/* The agreed layers, for our offer; earlier: the last offer on this leg, of either side, or
 * NULL. */
void offer_layers_before(struct offer_layers *out, const struct sdp *earlier, uint8_t index);
/* Keeps the best layer within so many kbit/s (0: no limit), for a call of two; count 0: no layer
 * fits. If the answer has no a=simulcast the first one of the list is sent (RFC 8853 5.3.2), and
 * pages mostly list the smallest one first. */
void offer_layers_choose_one(struct offer_layers *out, const struct sdp *offer, uint8_t index,
			     const struct offer_formats *formats, uint32_t most_kbps);
/* We take them. */
void offer_layers_write(struct writer *w, const struct offer_layers *layers);
/* The layers that we accepted, and the party sends. */
void offer_layers_agreed(struct media_layers *out, const struct sdp *remote,
			 const struct sdp *local, uint8_t index);

#endif
