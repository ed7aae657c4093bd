/* SPDX-License-Identifier: Apache-2.0 */
/* A request for a party that may have to wait for an INVITE before it. */
#ifndef SIG_LEG_REQUEST_WAIT_H
#define SIG_LEG_REQUEST_WAIT_H

#include "sig/model/call.h"

/* A request of ours for the leg leaves, behind an INVITE that waits there. */
void relay_start(struct call_host *h, struct call *c, uint8_t to, pool_handle client);
/* One that had to wait leaves; or it is refused, the call being over. */
void relay_go(struct call_host *h, pool_handle client);
void relay_drop(struct call_host *h, pool_handle client);

#endif
