/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our lines towards a WebRTC endpoint, or a phone with DTLS-SRTP alone (RFC 8829 5, 8839, 5763, 9143). Internal to media/offer.
 */
#ifndef MEDIA_OFFER_WEBRTC_H
#define MEDIA_OFFER_WEBRTC_H

#include "media/offer/write.h"

enum { OFFER_MID_MAX = 8 };

/* a=ice-lite and its options, for the whole SDP. */
void offer_webrtc_session(struct writer *w);
/* The m-line's, but direction and rtcp-mux. */
void offer_webrtc_media(struct writer *w, const struct offer_media *media);
/* a=rtcp-fb: of video what passes between the legs whatever the other one said, and transport-cc; within what was asked for. */
void offer_webrtc_feedback(struct writer *w, const struct offer_media *media);
void offer_webrtc_mid(struct writer *w, struct bytes mid);
/* Of a line that we offer: as it was, else a new one. It lies in earlier or in out. */
struct bytes offer_webrtc_choose_mid(const struct sdp *earlier, uint8_t index,
				     char out[OFFER_MID_MAX]);

#endif
