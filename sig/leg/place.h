/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a party of a call is: what sig/host/destination.h allows of the addresses that it named, in SIP and in SDP. A phone's media goes to
 * the host its signalling comes from. Other hosts may be named by who is trusted, by an extension that may (media_address: sdp), and by
 * whose keys prove afterwards that it is there (SRTP, DTLS). ICE proves by itself.
 */
#ifndef SIG_LEG_PLACE_H
#define SIG_LEG_PLACE_H

#include "sig/host/destination.h"
#include "sig/model/call.h"

/* Where its media is to go, and to come from: fills remote_rtp, remote_rtcp and unproven of the spec. */
void place_spec(const struct call_host *h, const struct leg *l, const struct media_side *own,
		struct flow_spec *s);
/* What the leg's SDP says of its lines (first: side a, else side b). NULL, or why it is refused. */
const char *place_refusal(const struct call_host *h, const struct leg *l,
			  const struct media_plan *plan, bool first);

#endif
