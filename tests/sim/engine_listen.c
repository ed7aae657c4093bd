/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks is heard: all parties of a call that live and have not hung up. The others are silent, and the engine says so once. */
#include "tests/sim/sim.h"

enum { LOOK_MS = 1000 };

static bool speaks(const struct sim *s, const struct phone *p, uint64_t call)
{
	for (uint32_t i = 0; p->alive && i < p->call_count; i++) {
		const struct phone_call *c = p->calls[i];

		if (check_born(s, c->node_call) == call &&
		    (c->state == PC_TALKING || c->state == PC_LEAVING))
			return true;
	}
	return false;
}

static bool is_attached(struct sim *s, const struct engine_flow *f)
{
	const struct phone *p = phone_at(s, &f->spec.remote_rtp);

	return p && speaks(s, p, check_born(s, f->spec.call));
}

static void on_look(struct sim *s, const struct event *e)
{
	struct engine_flow *f = engine_flow_at(s, e);
	struct media_event ev;

	if (!f)
		return;
	sim_after(s, LOOK_MS * NS_PER_MS, on_look, e->who, e->a, 0);
	if (is_attached(s, f)) {
		f->received_ns = s->now_ns;
		f->silent = false;
	}
	if (f->silent || f->spec.silence_ms == 0 || !f->spec.receive ||
	    s->now_ns - f->received_ns < f->spec.silence_ms * NS_PER_MS)
		return;
	f->silent = true;
	s->totals.silences++;
	trace_line(s, "engine: port %u hears nobody", f->spec.local_rtp.port);
	ev = engine_event_of(f, MEDIA_FLOW_SILENT);
	if (s->sabotage != SABOTAGE_DEAF)
		node_media_event(f->node, &ev);
}

void engine_listen(struct sim *s, uint32_t at)
{
	sim_after(s, LOOK_MS * NS_PER_MS, on_look, at, s->engine.flows[at].serial, 0);
}
