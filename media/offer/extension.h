/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTP header extensions that we read (RFC 8285), and feedback about them. Ours towards a WebRTC endpoint: they end on its leg. Internal to
 * media/offer.
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

/* The number that an m-line gives an extension. 0: none, or one that no element of one octet can have. */
uint8_t offer_extension_of(const struct sdp *s, uint8_t index, const char *uri);
/* The number for OFFER_RID in our answer: of several layers we take one, and an offerer that is answered without a=simulcast sends its first
 * (RFC 8853 5.3.3). But Chromium has all of them in its next offer again, and then refuses that where it was not granted this. */
uint8_t offer_extension_of_layers(const struct sdp *offer, uint8_t index);
/* In an offer of ours: as it was before, for the same reason. earlier may be NULL. */
uint8_t offer_extension_of_layers_before(const struct sdp *earlier, uint8_t index);
/* A number for it in an offer of ours: as in the offer before, else one that meant nothing there. 0: all are in use. earlier may be NULL. */
uint8_t offer_extension_choose(const struct sdp *earlier, const char *uri);
/* We read it, and write none. 0: it is not agreed. */
void offer_extension_write(struct writer *w, uint8_t number, const char *uri);
/* "96 nack pli" or "* nack pli", for this format of an m-line. */
bool offer_feedback_has(const struct sdp *s, unsigned section, uint8_t number,
			const char *feedback);

/*
 * Layers of a picture: a browser sends it in several sizes at once (simulcast, RFC 8853), each named by a RID (RFC 8851), which its packets have in
 * a header extension (RFC 8852). Taken of a WebRTC endpoint alone: all where a conference shows its picture, and one in a call of two. Internal to
 * media/offer.
 */

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
