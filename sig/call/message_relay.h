/* SPDX-License-Identifier: Apache-2.0 */
/* MESSAGE within a call (RFC 3428): text that its parties send each other beside what they say. */
#ifndef SIG_CALL_MESSAGE_RELAY_H
#define SIG_CALL_MESSAGE_RELAY_H

#include "sig/model/event.h"

/* It goes to the other party with its body, and that one's answer comes back. The call may be over by then. */
void message_received(struct call_host *h, struct call *c, const struct call_event *ev);

#endif
