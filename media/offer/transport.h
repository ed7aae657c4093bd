/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a party says of the transport of a DTLS-SRTP line: ICE (RFC 8839), certificate and role (RFC 8122, 5763).
 * Internal to media/offer.
 */
#ifndef MEDIA_OFFER_TRANSPORT_H
#define MEDIA_OFFER_TRANSPORT_H

#include "media/flow.h"
#include "media/sdp/sdp.h"

enum offer_setup {
	OFFER_SETUP_NONE, /* not said: active in an offer, passive in an answer (RFC 4145 4) */
	OFFER_SETUP_ACTPASS,
	OFFER_SETUP_ACTIVE,
	OFFER_SETUP_PASSIVE,
	OFFER_SETUP_OTHER, /* holdconn: nothing is to be set up */
};

struct offer_transport {
	bool ice; /* it will check us: it has credentials, and is not lite itself (RFC 8445 6.1.1: two lite agents do not check) */
	uint64_t ice_name;                    /* media_side.ice_name; 0: no ICE */
	struct media_fingerprint fingerprint; /* the strongest that we know */
	enum offer_setup setup;
};

/* m-line index from 0: as its section says, else the section that its BUNDLE group has first (RFC 9143 7.1.3), else the session. */
void offer_transport_read(struct offer_transport *out, const struct sdp *s, uint8_t index);

#endif
