/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/flow_bundle.h"

#include <errno.h>

#include "engine/flow/flow_mark.h"
#include "engine/flow/flow_pair.h"

static bool has_ssrc(const struct worker *w, const struct flow *owner, const struct flow *f)
{
	const struct flow_transport *t = worker_transport(w, owner);

	if (owner->ssrc_out == f->ssrc_out)
		return true;
	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		const struct flow *other = flow_find(&w->flows, t->bundled[i]);

		if (other && other != f && other->ssrc_out == f->ssrc_out)
			return true;
	}
	return false;
}

int flow_bundle_join(struct worker *w, struct flow *f, struct flow_id id)
{
	struct flow *owner = flow_find(&w->flows, id);
	struct flow_transport *t;

	if (!owner || owner == f || owner->transport & TRANSPORT_BUNDLED || has_ssrc(w, owner, f))
		return -EINVAL;
	t = worker_transport(w, owner);
	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		if (flow_find(&w->flows, t->bundled[i]))
			continue;
		t->bundled[i] = f->id;
		worker_transport(w, f)->owner = id;
		flow_mark_begin(w, f, owner);
		flow_pair_follow(f, &t->ice, w->now_ns);
		return 0;
	}
	return -EINVAL;
}

static void orphan(struct worker *w, struct flow *f)
{
	static const struct ice GONE = { .selected = { ICE_NO_PAIR, ICE_NO_PAIR },
					 .state = ICE_LOST };

	worker_transport(w, f)->owner = (struct flow_id){ 0 };
	flow_mark_end(w, f);
	flow_pair_follow(f, &GONE, w->now_ns);
}

void flow_bundle_leave(struct worker *w, struct flow *f)
{
	struct flow *owner = flow_find(&w->flows, worker_transport(w, f)->owner);

	if (owner)
		for (uint32_t i = 0; i < BUNDLED_MAX; i++)
			if (flow_id_eq(worker_transport(w, owner)->bundled[i], f->id))
				worker_transport(w, owner)->bundled[i] = (struct flow_id){ 0 };
	orphan(w, f);
}

void flow_bundle_end(struct worker *w, struct flow *owner)
{
	struct flow_transport *t = worker_transport(w, owner);

	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		struct flow *f = flow_find(&w->flows, t->bundled[i]);

		if (f)
			orphan(w, f);
		t->bundled[i] = (struct flow_id){ 0 };
	}
}
