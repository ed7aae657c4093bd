/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/flow_pair.h"

#include "engine/flow/detail.h"

/* As long as a party's checks come that often, its address is not another flow's (RFC 7675 5.1: every 5 s). */
#define PARTY_KEPT_NS (ICE_CONSENT_NS / 2)

static void latch_follow(struct flow *f, enum channel c, const struct addr *to, uint64_t now_ns)
{
	struct latch *l = c == CHANNEL_RTP ? &f->latch_rtp : &f->latch_rtcp;

	if (addr_eq(&l->source, to))
		return;
	if (c == CHANNEL_RTP && l->source.family != ADDR_NONE)
		detail_leave_source(f, false, now_ns);
	l->source = *to;
	l->since_ns = now_ns;
	f->notice = 1;
}

void flow_pair_follow(struct flow *f, const struct ice *i, uint64_t now_ns)
{
	for (enum channel c = CHANNEL_RTP; c < CHANNELS; c++) {
		struct addr to = ice_to(i, c);

		latch_follow(f, c, &to, now_ns);
	}
	f->notice |= f->stats.ice != i->state;
	f->stats.ice = i->state;
}

void flow_pairs_follow(struct worker *w, struct flow *owner, uint64_t now_ns)
{
	const struct flow_transport *t = worker_transport(w, owner);
	struct addr before = owner->latch_rtp.source;

	flow_pair_follow(owner, &t->ice, now_ns);
	if (!addr_eq(&before, &owner->latch_rtp.source))
		dtls_flow_pair(w, owner);
	for (uint32_t i = 0; i < BUNDLED_MAX; i++) {
		struct flow *f = flow_find(&w->flows, t->bundled[i]);

		if (f)
			flow_pair_follow(f, &t->ice, now_ns);
	}
}

static void pair_drop(struct worker *w, struct flow *f, struct ice_pair *pair)
{
	if (flow_is_shared(f))
		shared_party_del(w, f, pair);
	ice_drop(&worker_transport(w, f)->ice, pair);
}

static void pairs_expire(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct ice_pair *pair;

	while ((pair = ice_expired(&worker_transport(w, f)->ice, now_ns)) != NULL)
		pair_drop(w, f, pair);
}

void flow_pairs_drop(struct worker *w, struct flow *f)
{
	pairs_expire(w, f, UINT64_MAX);
}

/* A party that lost its address is to have it again from whoever checks with it now; one that is there keeps it. */
static bool party_take(struct worker *w, struct flow *f, const struct addr *party, uint64_t now_ns)
{
	struct flow *other = shared_party_find(w, worker_transport(w, f)->links.port, party);
	struct ice_pair *pair;

	if (!other || other == f)
		return true;
	pair = ice_find(&worker_transport(w, other)->ice, CHANNEL_RTP, party);
	if (now_ns - pair->received_ns < PARTY_KEPT_NS)
		return false;
	pair_drop(w, other, pair);
	flow_pairs_follow(w, other, now_ns);
	return true;
}

bool flow_transport_checked(struct worker *w, struct flow *f, const struct pkt *p,
			    const struct ice_check *check, uint64_t now_ns)
{
	struct ice *i = &worker_transport(w, f)->ice;
	enum channel c = (enum channel)p->channel;
	struct ice_pair *pair = ice_find(i, c, &p->from);
	bool is_new = !pair;

	if (is_new) {
		if (flow_is_shared(f) && !party_take(w, f, &p->from, now_ns))
			return false;
		pair = ice_place(i);
		if (pair->party.family != ADDR_NONE)
			pair_drop(w, f, pair);
	}
	ice_checked(i, pair, c, &p->from, check, now_ns);
	if (is_new && flow_is_shared(f))
		shared_party_add(w, f, pair);
	pairs_expire(w, f, now_ns);
	flow_pairs_follow(w, f, now_ns);
	return true;
}

void flow_transport_tick(struct worker *w, struct flow *f, uint64_t now_ns)
{
	if (!(f->transport & TRANSPORT_ICE))
		return;
	pairs_expire(w, f, now_ns);
	flow_pairs_follow(w, f, now_ns);
}

void flow_pair_restore(struct worker *w, struct flow *f, enum channel c, const struct addr *party)
{
	struct flow_transport *t = worker_transport(w, f);
	struct ice_pair *pair;

	if (party->family == ADDR_NONE ||
	    (flow_is_shared(f) && shared_party_find(w, t->links.port, party)))
		return;
	pair = ice_restore(&t->ice, c, party, w->now_ns);
	if (flow_is_shared(f))
		shared_party_add(w, f, pair);
}
