/* SPDX-License-Identifier: Apache-2.0 */
/* The transport profile of an RTP m-line: plain or SRTP, with early feedback or without. Internal to media/offer_*.c. */
#ifndef MEDIA_OFFER_PROFILE_H
#define MEDIA_OFFER_PROFILE_H

#include "base/bytes.h"

struct offer_profile {
	bool secure;   /* RTP/SAVP (RFC 3711), RTP/SAVPF (RFC 5124) */
	bool feedback; /* RTP/AVPF (RFC 4585), RTP/SAVPF */
};

/* The third field of m=. False: none of these four (DTLS-SRTP, UDPTL...). */
bool offer_profile_read(struct offer_profile *out, struct bytes proto);
const char *offer_profile_name(struct offer_profile p);

#endif
