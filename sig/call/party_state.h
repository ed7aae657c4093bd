/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIG_CALL_PARTY_STATE_H
#define SIG_CALL_PARTY_STATE_H

#include "sig/host/effect.h"
#include "sig/model/call.h"

/* b: of whom the caller speaks with. */
enum party_state party_state_of(const struct call *c, bool b);
/* A step of the call ends: its events say what its parties are at then, and where that is new and none came, one more does. */
void party_states_settle(struct call_host *h, struct call *c);

#endif
