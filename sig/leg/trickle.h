/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Candidates that a party finds after its offer or answer left, by INFO (trickle ICE, RFC 8840). They are of its leg alone, and we need
 * none: an ICE-lite agent learns addresses from the checks that come (RFC 8838 14). So such an INFO ends here.
 */
#ifndef SIG_LEG_TRICKLE_H
#define SIG_LEG_TRICKLE_H

#include "sig/model/event.h"

enum { TRICKLE_MAX = 16384 }; /* octets of a body; Chromium's candidates have 100 to 150 each */

/* application/trickle-ice-sdpfrag (RFC 8840 9.2). Whose credentials it names is not looked at: what belongs to others than the present
 * ones is to be ignored (4.4), and so is all else. 0, -EMSGSIZE or -EBADMSG. */
int trickle_check(struct bytes body) NODISCARD;

#endif
