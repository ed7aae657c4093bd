/* SPDX-License-Identifier: Apache-2.0 */
/* The transport profile of an RTP m-line: plain or SRTP, with early feedback or without. Internal to media/offer. */
#ifndef MEDIA_OFFER_PROFILE_H
#define MEDIA_OFFER_PROFILE_H

#include "media/sdp/sdp.h"

struct offer_profile {
	bool secure;   /* RTP/SAVP (RFC 3711), RTP/SAVPF (RFC 5124): keys by SDES */
	bool feedback; /* RTP/AVPF (RFC 4585), RTP/SAVPF */
	bool dtls; /* UDP/TLS/RTP/SAVP, UDP/TLS/RTP/SAVPF (RFC 5764): not secure then, its keys come by the handshake */
};

/* The third field of m=. False: none of these six (over TCP, UDPTL...). */
bool offer_profile_read(struct offer_profile *out, struct bytes proto);
const char *offer_profile_name(struct offer_profile p);
/* A line with a port is DTLS-SRTP: its sender is a browser, or a phone that is like one. */
bool offer_profile_has_dtls(const struct sdp *s);

#endif
