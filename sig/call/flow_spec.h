/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine is told of the flows of a call. */
#ifndef SIG_CALL_FLOW_SPEC_H
#define SIG_CALL_FLOW_SPEC_H

#include "sig/model/call.h"

/* What two legs agreed; all other flows only hold their ports. */
struct agreed {
	const struct media_plan *plan;
	uint8_t offerer, answerer;
};
/* The same as commands to the engine. agreed NULL: nothing yet. */
void flows_open(struct call_host *h, struct call *c, const struct agreed *agreed);
void flows_update(struct call_host *h, struct call *c, const struct agreed *agreed);
void flows_close_leg(struct call_host *h, struct call *c, uint8_t leg);
void flows_close(struct call_host *h, struct call *c);

/* ---- the SRTP indexes a flow may use: saved before the engine is told (sig/leg/flow.h) ---- */

/* Little is left of what was granted: more, when it is saved. */
void secret_reserve(struct call_host *h, struct call *c, struct call_flow *f,
		    const struct flow_resume *used);
void secret_granted(struct call_host *h, struct call *c, const struct outbox_item *item);
/* After a restart all begin anew at their limits. */
void secrets_resume(struct call_host *h, struct call *c);

#endif
