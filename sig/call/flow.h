/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of a call: one flow per relayed m-line and leg, taken before SDP names it, given back when the engine let go of it. */
#ifndef SIG_CALL_FLOW_H
#define SIG_CALL_FLOW_H

#include "media/offer.h"
#include "sig/call/call.h"

struct call_flow *call_flow_find(const struct call *c, uint8_t leg, uint8_t line);
struct call_flow *flow_by_id(const struct call *c, struct flow_id id);
/* Takes the pair of flows of each active line that has none yet. 0, -EAGAIN (no ports; nothing was taken), -ENOMEM. */
int flows_take(struct call_host *h, struct call *c, const struct media_plan *lines) NODISCARD;
/* After a restart: takes the very ports of the record. 0, -EBUSY, -ERANGE; nothing is taken on error. */
int flows_claim(struct call_host *h, struct call *c) NODISCARD;
void flow_give(struct call_host *h, struct call *c, struct call_flow *f);
void flows_give_all(struct call_host *h, struct call *c);

/* The same as commands to the engine; plan NULL: nothing is agreed, the flows only hold their ports. */
void flows_open(struct call_host *h, struct call *c, const struct media_plan *plan,
		uint8_t offerer);
void flows_update(struct call_host *h, struct call *c, const struct media_plan *plan,
		  uint8_t offerer);
void flows_close(struct call_host *h, struct call *c);

#endif
