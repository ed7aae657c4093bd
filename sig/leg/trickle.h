/* SPDX-License-Identifier: Apache-2.0 */
/* ICE candidates found after the offer or answer was sent, by INFO (trickle ICE, RFC 8840). They
 * concern one leg only, and we need none: an ICE-lite agent learns addresses from connectivity
 * checks (RFC 8838 14). So such an INFO ends here. */
#ifndef SIG_LEG_TRICKLE_H
#define SIG_LEG_TRICKLE_H

#include "sig/model/event.h"

enum { TRICKLE_MAX = 16384 }; /* octets of a body; Chromium's candidates have 100 to 150 each */

/* application/trickle-ice-sdpfrag (RFC 8840 9.2). Credentials are not compared: candidates of
 * others than the present ones are to be ignored (4.4), and so is everything else. Returns 0,
 * -EMSGSIZE or -EBADMSG. */
int trickle_check(struct bytes body) NODISCARD;

#endif
