/* SPDX-License-Identifier: Apache-2.0 */
/* Notes for whoever asks why a flow is silent (media/flow_detail.h). Never called for a packet that is relayed. */
#ifndef ENGINE_FLOW_DETAIL_H
#define ENGINE_FLOW_DETAIL_H

#include "engine/flow/flow.h"

/* The packet of this flow has the verdict of a drop. */
void detail_drop(struct flow *f, const struct pkt *p);
/* The RTP latch is about to leave its source: for another one, or, with told, because another address was signalled. */
void detail_leave_source(struct flow *f, bool told, uint64_t now_ns);
struct flow_detail detail_read(const struct flow *f, uint64_t now_ns);

#endif
