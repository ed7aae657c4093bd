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

#endif
