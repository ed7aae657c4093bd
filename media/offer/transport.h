/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A party's transport attributes of a DTLS-SRTP line: ICE (RFC 8839), certificate and role (RFC
 * 8122, 5763). Internal to media/offer.
 */
#ifndef MEDIA_OFFER_TRANSPORT_H
#define MEDIA_OFFER_TRANSPORT_H

#include "media/crypto.h"
#include "media/flow.h"
#include "media/offer/session.h"
#include "media/offer/write.h"
#include "media/sdp/sdp.h"

enum offer_setup {
	OFFER_SETUP_NONE, /* absent: active in an offer, passive in an answer (RFC 4145 4) */
	OFFER_SETUP_ACTPASS,
	OFFER_SETUP_ACTIVE,
	OFFER_SETUP_PASSIVE,
	OFFER_SETUP_OTHER, /* holdconn: no connection is set up */
};

struct offer_transport {
	/* It will check us: it has credentials, and is not lite itself (RFC 8445 6.1.1: two lite
	 * agents do not check). */
	bool ice;
	uint64_t ice_name;                    /* media_side.ice_name; 0: no ICE */
	struct media_fingerprint fingerprint; /* the strongest that we know */
	enum offer_setup setup;
};

/* m-line index from 0: from its section, else the first section of its BUNDLE group (RFC 9143
 * 7.1.3), else the session. */
void offer_transport_read(struct offer_transport *out, const struct sdp *s, uint8_t index);

/* Our lines towards a WebRTC endpoint, or a phone with DTLS-SRTP alone (RFC 8829 5, 8839, 5763,
 * 9143). Internal to media/offer. */

enum { OFFER_MID_MAX = 8 };

/* a=ice-lite and its options, for the whole SDP. */
void offer_webrtc_session(struct writer *w);
/* The m-line's, but direction and rtcp-mux. */
void offer_webrtc_media(struct writer *w, const struct offer_media *media);
/* a=rtcp-fb: for video what always passes between the legs, and transport-cc; only what was
 * asked. */
void offer_webrtc_feedback(struct writer *w, const struct offer_media *media);
void offer_webrtc_mid(struct writer *w, struct bytes mid);
/* Of a line that we offer: as it was, else a new one. It lies in earlier or in out. */
struct bytes offer_webrtc_choose_mid(const struct sdp *earlier, uint8_t index,
				     char out[OFFER_MID_MAX]);

/* Which key protects what (RFC 4568 5.1, 7.1): each party's line has the key of what that party
 * sends, and no party ever sees the other's. Internal to media/offer. */

/* An offer's section has a line that we can honour. */
bool offer_crypto_usable(const struct sdp *offer, unsigned section);
/* Our line in an offer, with our key: its first octets, as many as the suite needs. False, and *out
 * wiped, if there are fewer. */
bool offer_crypto_offer(struct crypto *out, const struct media_key *own);
/* Our line in the answer to the first line of an offer that we can honour with our key; *theirs is
 * its key. Returns NULL, or why not (all wiped). */
const char *offer_crypto_accept(const struct sdp *offer, unsigned section,
				const struct media_key *own, struct media_key *theirs,
				struct crypto *out);
/* Keys by an offer and its answer (RFC 4568 5.1.3), of either side. Returns NULL, or why not (all
 * wiped). */
const char *offer_crypto_agreed(const struct sdp *offer, const struct sdp *answer, unsigned section,
				struct media_key *offerer, struct media_key *answerer);

/* BUNDLE groups (RFC 9143). Internal to media/offer. */

#define OFFER_BUNDLE_MID "urn:ietf:params:rtp-hdrext:sdes:mid"

/* The value of the a=group:BUNDLE of an m-line: its identification-tags. False: it is in no
 * group. */
bool offer_bundle_of(const struct sdp *s, uint8_t index, struct bytes *tags);
/* The m-line that a tag names. False: no such line. */
bool offer_bundle_line(const struct sdp *s, struct bytes tag, uint8_t *index);
/* The line has a port, or gets its group's: port 0 with a=bundle-only is no refusal (RFC 9143
 * 6). */
bool offer_bundle_is_live(const struct sdp *s, uint8_t index);

/* The groups of A's offer with the tags of answered lines, the tagged one first; no empty
 * groups. */
void offer_bundle_write(struct writer *w, const struct sdp *offer_a,
			const struct session *answered);

#endif
