/* SPDX-License-Identifier: Apache-2.0 */
/* MESSAGE within a call (RFC 3428): text that its parties send each other beside what they say. */
#ifndef SIG_CALL_MESSAGE_RELAY_H
#define SIG_CALL_MESSAGE_RELAY_H

#include "sig/model/event.h"

/* Octets of a body. Over UDP nothing else keeps it from being too much for the way (RFC 3428 8). */
enum { MESSAGE_BODY_MAX = 8192, MESSAGE_DATAGRAM_MAX = 1300 };

/* It goes to the other party with its body, and that one's answer comes back. The call may be over by then. */
void message_received(struct call_host *h, struct call *c, const struct call_event *ev);

#endif
