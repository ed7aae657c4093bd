/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of a call: one flow per relayed m-line and leg, taken before SDP names it, given back when the engine let go of it. */
#ifndef SIG_LEG_FLOW_H
#define SIG_LEG_FLOW_H

#include "media/offer/offer.h"
#include "sig/model/call.h"

/* Where the media of a leg is: the network of its address, of one that is the shard's own (shard_network.shard). */
uint16_t flow_network(const struct call_host *h, const struct leg *l);
/* What its party is told for that. */
const struct addr *flow_address(const struct call_host *h, const struct leg *l);
/* Not one that is being closed. */
struct call_flow *call_flow_find(const struct call *c, uint8_t leg, uint8_t line);
struct call_flow *flow_by_id(const struct call *c, struct flow_id id);
/* Takes flows of both legs for each active line where they have none yet. 0; nothing was taken: -EAGAIN (no ports),
 * -EDQUOT (of the caller; payer.h), -ENOMEM. */
int flows_take(struct call_host *h, struct call *c, uint8_t a, uint8_t b,
	       const struct media_plan *lines) NODISCARD;
/* Another pair for a flow that the engine has not. 0 or -EAGAIN: it is as it was. */
int flow_retake(struct call_host *h, struct call_flow *f) NODISCARD;
/* After a restart: takes the very ports of the record, or others where the call may go on elsewhere (flow_move.h). 0, -EBUSY, -ERANGE;
 * nothing is taken on error. */
int flows_claim(struct call_host *h, struct call *c) NODISCARD;
/* Gives its ports back and forgets it: those behind it in the list move. */
void flow_drop(struct call_host *h, struct call *c, struct call_flow *f);
void flows_drop_all(struct call_host *h, struct call *c);

#endif
