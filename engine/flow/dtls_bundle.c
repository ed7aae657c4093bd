/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/dtls_bundle.h"

#include "engine/flow/srtp_flow.h"
#include "engine/walk/worker.h"

void dtls_bundle_leave(struct worker *w, struct flow *f)
{
	struct flow *owner = flow_find(&w->flows, f->dtls.owner);
	uint32_t *at = owner ? &owner->dtls.bundled_first : NULL;

	while (at && *at && *at != f->id.slot + 1)
		at = &w->flows.list[*at - 1].dtls.bundled_next;
	if (at && *at)
		*at = f->dtls.bundled_next;
	f->dtls.bundled_next = 0;
	f->dtls.owner = (struct flow_id){ 0 };
	f->dtls.keyed &= f->dtls.role != DTLS_NONE;
}

static struct flow *bundle_join(struct worker *w, struct flow *f, struct flow_id id)
{
	struct flow *owner = flow_find(&w->flows, id);

	if (!owner || owner == f)
		return NULL;
	f->dtls.owner = id;
	f->dtls.bundled_next = owner->dtls.bundled_first;
	owner->dtls.bundled_first = f->id.slot + 1;
	return owner;
}

void dtls_bundle_end(struct worker *w, struct flow *owner)
{
	while (owner->dtls.bundled_first) {
		struct flow *f = &w->flows.list[owner->dtls.bundled_first - 1];

		owner->dtls.bundled_first = f->dtls.bundled_next;
		f->dtls.bundled_next = 0;
		f->dtls.owner = (struct flow_id){ 0 };
	}
}

int dtls_bundle_set(struct worker *w, struct flow *f, struct flow_id id)
{
	struct flow *owner;

	if (flow_id_eq(f->dtls.owner, id))
		return 0;
	dtls_bundle_leave(w, f);
	owner = bundle_join(w, f, id);
	if (!owner || !owner->dtls.keyed)
		return 0;
	return srtp_flow_keys(f, &owner->dtls.key_in, &owner->dtls.key_out, &w->rand);
}
