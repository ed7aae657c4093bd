/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/flow_mark.h"

#include "engine/walk/worker.h"

void flow_mark_begin(struct worker *w, struct flow *f, const struct flow *owner)
{
	const struct shared *s = &w->transports.shared;
	uint8_t port = worker_transport(w, owner)->links.port, dscp = owner->dscp;

	f->out_slot = owner->id.slot;
	if (owner->transport & TRANSPORT_SHARED) {
		f->out_slot = s->first + port;
		dscp = s->dscp[port];
	}
	if (f->dscp == dscp ||
	    w->port->ops->send_over(w->port, f->id.slot, f->out_slot, f->dscp) != 0)
		return;
	f->out_slot = f->id.slot;
	f->marked = 1;
}

void flow_mark_end(struct worker *w, struct flow *f)
{
	uint32_t own = f->id.slot;

	f->out_slot = own;
	if (f->marked && w->port->ops->send_over(w->port, own, own, f->dscp) == 0)
		f->marked = 0;
}
