/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call whose addresses of ours are not there any more goes on at others: of the node that has taken it, or of this one with other
 * settings. Its parties are asked again, for they know the old ones (sig/feature/join.h).
 */
#ifndef SIG_LEG_FLOW_MOVE_H
#define SIG_LEG_FLOW_MOVE_H

#include "sig/model/call.h"

/* After a restart: it is between invitations, and so may go on elsewhere. */
bool flows_may_move(const struct call *c);
/* The flow gets other ports, of the network that its leg has now. 0 or -errno. */
int flow_move(struct call_host *h, const struct call *c, struct call_flow *f) NODISCARD;
/* The party was told another address or port than the one where it is heard: it is not, until it is asked again. */
bool flows_moved(const struct call_host *h, const struct call *c, uint8_t leg);
/* ... and that was another node's, or this one's before it had other settings: a predecessor has moved the call. */
bool flows_are_elsewhere(const struct call_host *h, const struct call *c, uint8_t leg);

#endif
