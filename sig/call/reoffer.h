/* SPDX-License-Identifier: Apache-2.0 */
/* An offer of our own that met another INVITE is made again (RFC 3261 14.1). */
#ifndef SIG_CALL_REOFFER_H
#define SIG_CALL_REOFFER_H

#include "sig/model/call.h"

/* An INVITE of our own within the dialog was refused. */
void reoffer_refused(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
/* The leg was not told where it would be heard (flows_moved), and will not be: the call ends. */
void reoffer_unheard(struct call_host *h, struct call *c, uint8_t leg);
/* Its time has come. */
void reoffer_again(struct call_host *h, struct call *c);

#endif
