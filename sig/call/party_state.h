/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIG_CALL_PARTY_STATE_H
#define SIG_CALL_PARTY_STATE_H

#include "sig/host/effect.h"
#include "sig/model/call.h"

/* b: of the caller's peer. */
enum party_state party_state_of(const struct call *c, bool b);
/* A step of the call ends: its events carry the parties' states; a new state without an event gets
 * one of its own. */
void party_states_settle(struct call_host *h, struct call *c);

#endif
