/* SPDX-License-Identifier: Apache-2.0 */
/* What the crypto thread answers: datagrams leave, keys are the flow's. */
#ifndef ENGINE_FLOW_DTLS_RESULT_H
#define ENGINE_FLOW_DTLS_RESULT_H

#include "engine/flow/dtls_flow.h"

/* MEDIA_FLOW_KEYED; dtls_flow.keyed_due stays set while the ring is full, and then it is told without a flight. */
void dtls_keyed_tell(struct worker *w, struct flow *f, struct bytes flight);

#endif
