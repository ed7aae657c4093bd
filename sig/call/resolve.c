/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups for the steps of a call's plan (resolve.h): users that another node may know (the
 * store), and host names of phones and trunk servers (RFC 3263). Known results are used at once;
 * else the step waits while others ring. Results arrive as lookup replies, or the time is over.
 * Failed places are blocked for a while, and the next place of the name takes over the leg (4.3).
 * The record has the steps that wait, so a successor asks again. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/flow_spec.h"
#include "sig/call/fork.h"
#include "sig/call/plan.h"
#include "sig/call/resolve.h"
#include "sig/call/trunk_route.h"
#include "sig/dialog/dialog.h"
#include "sig/host/location.h"
#include "sig/host/settings.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/leg.h"
#include "sig/sip/hop.h"

/* The name is no longer needed. The resolver has a place for each query: it is freed now, not when
 * the name server has timed out. */
static void resolve_cancel(const struct resolve *s, const struct resolve_query *q)
{
	if (!q->of_user) /* without memory it ends by itself */
		(void)effects_add(s->host->effects, EFFECT_LOOKUP_STOP, s->call, q->serial);
}

static void resolve_free(struct plan *plan)
{
	struct resolve *s = plan->resolve;

	if (!s)
		return;
	s->host->resolves--;
	free(s->asks);
	free(s);
	plan->resolve = NULL;
}

void resolve_drop(struct plan *plan, uint8_t from, uint8_t to)
{
	struct resolve *s = plan->resolve;

	for (uint8_t i = from; i < to; i++) {
		if (plan->steps[i].awaits == AWAITS_NAMES)
			plan->steps[i].awaits = AWAITS_NOTHING;
	}
	for (uint8_t i = s ? s->count : 0; i-- > 0;) {
		if (s->asks[i].step < from || s->asks[i].step >= to)
			continue;
		resolve_cancel(s, &s->asks[i]);
		s->asks[i] = s->asks[--s->count];
	}
	if (s && !s->count)
		resolve_free(plan);
}

void resolve_stop(struct plan *plan)
{
	resolve_drop(plan, 0, plan->count);
	resolve_free(plan);
}

bool resolve_is_pending(const struct call *c)
{
	return plan_resolves(&c->plan);
}

void resolve_alone(struct call *c)
{
	c->bridge.callee = LEG_NONE;
	c->ring_ns = c->plan.until_ns = 0;
}

/* ---- which name ---- */

/* False: it is at no name. */
static bool want_of(const struct call_host *h, uint64_t call, const struct call_target *t,
		    struct lookup_want *want)
{
	struct sip_uri uri;

	if (!t->by_name || !dialog_next_uri(t->routes, t->uri, &uri) ||
	    !places_want(h->settings, &uri, want))
		return false;
	want->seed = call;
	return true;
}

static bool want_is(const struct lookup_want *a, const struct lookup_want *b)
{
	return strcmp(a->host, b->host) == 0 && a->port == b->port && a->sips == b->sips &&
	       a->said == b->said && a->transport == b->transport;
}

/* ---- where it leads ---- */

/* An existing connection of a phone keeps its certificate name; a new connection must have this
 * name. */
static uint16_t resolve_name(const struct call_host *h, const struct call_target *t,
			     const struct sip_hop *to)
{
	struct sip_uri uri;

	if (to->transport != SIP_TLS || to->connection || !dialog_next_uri(t->routes, t->uri, &uri))
		return 0;
	return hop_names_put(h->settings->names, uri.host);
}

/* The name is a trusted sender's, which could as well have stated the address. */
static uint8_t hops_of(const struct call_host *h, const struct call_target *t,
		       const struct lookup_target *list, uint32_t count, struct sip_hop *out)
{
	uint8_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct sip_hop *to = &out[n];

		*to = t->hop;
		to->remote = list[i].to;
		to->remote.scope = t->hop.remote.scope;
		to->transport = (enum sip_transport)list[i].transport;
		if (!dialog_hop_leads(to, &t->hop, h, true))
			continue;
		to->name = resolve_name(h, t, to);
		n++;
	}
	return n;
}

static enum refusal resolve_fork(struct call_host *h, struct call *c, const struct call_target *t,
				 const struct lookup_reply *new_state,
				 const struct dialog_party *from, struct call_refusal *refusal)
{
	struct sip_hop hops[LOOKUP_TARGETS_MAX];
	struct call_target to = *t;
	uint8_t n = hops_of(h, t, new_state->targets, new_state->count, hops);

	to.by_name = n;
	if (n) {
		to.hop = hops[0];
		to.rest = hops + 1;
		to.rest_count = n - 1;
	} else if (to.trunk != TRUNK_NONE) {
		return call_refuse(refusal, REFUSED_TRUNK_AWAY);
	} else {
		LOG_INFO("call", c->id, "its name leads nowhere: asked by the way it registered",
			 LOG_BYTES("target", t->uri),
			 LOG_STR("result", lookup_state_name(new_state->state)));
	}
	return fork_add_branch(h, c, c->bridge.caller, &to, from, refusal);
}

/* ---- waiting ---- */

static struct resolve *resolve_open(struct call_host *h, struct call *c,
				    struct call_refusal *refusal)
{
	struct resolve *s = c->plan.resolve;

	if (s && s->count < RESOLVE_QUERIES_MAX)
		return s;
	if (s || (h->resolves >= RESOLVES_MAX && !c->emergency)) {
		(void)call_refuse(refusal, REFUSED_LOOKUPS_FULL);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	(void)call_refuse(refusal, REFUSED_MEMORY);
	if (!s)
		return NULL;
	*s = (struct resolve){ .host = h, .call = c->id };
	h->resolves++;
	c->plan.resolve = s;
	return s;
}

/* The earliest of the steps that wait. */
static void resolve_aim(struct plan *plan)
{
	struct resolve *s = plan->resolve;

	if (!s)
		return;
	s->due_ns = UINT64_MAX;
	for (uint8_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].awaits == AWAITS_NAMES && plan->steps[i].due_ns < s->due_ns)
			s->due_ns = plan->steps[i].due_ns;
	}
}

/* Names of a user's phones, known once he was found, are awaited no longer than the user and they
 * together. */
static void step_awaits_names(const struct call_host *h, struct call *c, uint8_t step)
{
	struct plan_step *p = &c->plan.steps[step];

	if (p->awaits != AWAITS_NAMES)
		p->due_ns = h->now.ns + RESOLVE_MS * NS_PER_MS;
	p->awaits = AWAITS_NAMES;
	resolve_aim(&c->plan);
	outbox_touch(&c->out);
}

/* Without the query's serial. NULL: no memory. */
static struct resolve_query *resolve_add(struct resolve *s, const struct resolve_query *q)
{
	struct resolve_query *asks = reallocarray(s->asks, s->count + 1U, sizeof(*asks));

	if (!asks)
		return NULL;
	s->asks = asks;
	asks[s->count] = *q;
	return &asks[s->count++];
}

/* It was not asked. */
static void resolve_remove_last(struct plan *plan)
{
	if (--plan->resolve->count == 0)
		resolve_free(plan);
}

static enum refusal resolve_wait(struct call_host *h, struct call *c, uint8_t step,
				 const struct lookup_want *want, struct call_refusal *refusal)
{
	const struct resolve_query name = { .step = step, .want = *want };
	struct resolve *s = resolve_open(h, c, refusal);
	struct resolve_query *q;

	if (!s)
		return refusal->reason;
	for (uint8_t i = 0; i < s->count; i++) {
		if (s->asks[i].step == step && !s->asks[i].of_user &&
		    want_is(&s->asks[i].want, want))
			return 0;
	}
	q = resolve_add(s, &name);
	if (q) {
		q->serial = rand_u64_from(h->rand) | 1;
		if (effects_lookup(h->effects, c->id, q->serial, want)) {
			step_awaits_names(h, c, step);
			return 0;
		}
	}
	if (q)
		resolve_remove_last(&c->plan);
	else if (!s->count)
		resolve_free(&c->plan);
	return call_refuse(refusal, REFUSED_MEMORY);
}

/* Of what is known by now. False: too little. */
static bool resolve_find(struct call_host *h, const struct lookup_want *want,
			 struct lookup_reply *new_state)
{
	struct lookup *found = malloc(sizeof(*found)); /* large for a stack */
	bool known = false;

	*new_state = (struct lookup_reply){ .state = LOOKUP_FAILED };
	if (!found)
		return true;
	h->settings->lookup.find(h->settings->lookup.arg, want, h->now.ns, found);
	if (found->state != LOOKUP_REQUEST) {
		new_state->state = found->state;
		new_state->count = found->state == LOOKUP_DONE ? found->target_count : 0;
		memcpy(new_state->targets, found->targets,
		       new_state->count * sizeof(new_state->targets[0]));
		known = true;
	}
	free(found);
	return known;
}

enum refusal resolve_target(struct call_host *h, struct call *c, uint8_t step,
			    const struct call_target *target, const struct dialog_party *from,
			    struct call_refusal *refusal)
{
	struct call_target plain = *target;
	struct lookup_reply new_state;
	struct lookup_want want;

	if (!want_of(h, c->id, target, &want)) {
		plain.by_name = false;
		return fork_add_branch(h, c, c->bridge.caller, &plain, from, refusal);
	}
	if (!resolve_find(h, &want, &new_state))
		return resolve_wait(h, c, step, &want, refusal);
	return resolve_fork(h, c, target, &new_state, from, refusal);
}

bool resolve_known_target(struct call_host *h, uint64_t call, struct call_target *t)
{
	struct sip_hop hops[LOOKUP_TARGETS_MAX];
	struct lookup_reply new_state;
	struct lookup_want want;

	if (!t->by_name)
		return true;
	if (!want_of(h, call, t, &want))
		return false;
	if (!resolve_find(h, &want, &new_state)) {
		/* no waiting: it is known next time */
		(void)effects_lookup(h->effects, call, rand_u64_from(h->rand) | 1, &want);
		return false;
	}
	if (!hops_of(h, t, new_state.targets, new_state.count, hops))
		return false;
	t->by_name = false;
	t->hop = hops[0];
	return true;
}

bool resolve_user(struct call_host *h, struct call *c, uint8_t step)
{
	const struct resolve_query user = { .step = step, .of_user = true };
	const struct plan_step *p = &c->plan.steps[step];
	struct call_refusal full;
	struct resolve_query *q;
	struct resolve *s;

	if (p->trunk.n) /* there is a name alone */
		return false;
	if (h->services->location->is_complete(h->owner, c->tenant, text_bytes(&p->user)))
		return false;
	s = resolve_open(h, c, &full);
	q = s ? resolve_add(s, &user) : NULL;
	if (q)
		q->serial = h->services->location->ask_store(h->owner, c->tenant,
							     text_bytes(&p->user), c->id);
	if (q && q->serial) {
		step_awaits_names(h, c, step);
		return true;
	}
	if (q)
		resolve_remove_last(&c->plan);
	else if (s && !s->count)
		resolve_free(&c->plan);
	return false;
}

/* ---- going on ---- */

/* All phones of the step's user that are at that name. */
static void resolve_ring(struct call_host *h, struct call *c, const struct resolve_query *q,
			 const struct lookup_reply *new_state)
{
	struct call_target targets[LEGS_MAX];
	struct call_refusal refusal;
	struct dialog_party from;
	struct lookup_want own;
	uint32_t n = plan_targets(h, c, q->step, &from, targets, COUNT_OF(targets));

	for (uint32_t i = 0; i < n; i++) {
		if (want_of(h, c->id, &targets[i], &own) && want_is(&own, &q->want) &&
		    resolve_fork(h, c, &targets[i], new_state, &from, &refusal))
			txns_refuse_for(h->txns, refusal.reason);
	}
}

/* A leg for it is there, whatever became of it. */
static bool resolve_has_branch(const struct call *c, const struct call_target *t)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->outbound && bytes_eq(early_first_target(l), t->uri) &&
		    bytes_eq(early_first_routes(l), t->routes))
			return true;
	}
	return false;
}

/* All phones of its user that are not asked yet. */
static void resolve_ring_all(struct call_host *h, struct call *c, uint8_t step)
{
	struct call_target targets[LEGS_MAX];
	struct call_refusal refusal;
	struct dialog_party from;
	uint32_t n = plan_targets(h, c, step, &from, targets, COUNT_OF(targets));

	for (uint32_t i = 0; i < n; i++) {
		if (!resolve_has_branch(c, &targets[i]) &&
		    resolve_target(h, c, step, &targets[i], &from, &refusal))
			txns_refuse_for(h->txns, refusal.reason);
	}
}

static bool resolve_has(const struct resolve *s, uint8_t step)
{
	for (uint8_t i = 0; s && i < s->count; i++) {
		if (s->asks[i].step == step)
			return true;
	}
	return false;
}

/* Another step waits. */
static bool resolve_is_pending_for(const struct call *c, uint8_t step)
{
	for (uint8_t i = 0; i < c->plan.count; i++) {
		if (i != step && c->plan.steps[i].awaits == AWAITS_NAMES)
			return true;
	}
	return false;
}

/* Acts on what is known of the step. If that is all, and no phone of its user rings, the call
 * continues from there. */
static void resolve_settle(struct call_host *h, struct call *c, uint8_t step)
{
	bool beside, goes_on;

	if (fork_is_ringing(c) && !c->ring_ns)
		plan_start_ringing(h, c);
	if (resolve_has(c->plan.resolve, step)) {
		resolve_aim(&c->plan);
		return;
	}
	beside = fork_is_ringing(c) || resolve_is_pending_for(c, step);
	goes_on = (beside || step + 1 < c->plan.count) && plan_step_resolved(h, c, step);
	if (!beside && !goes_on) {
		fork_unreached(h, c);
		return;
	}
	c->plan.steps[step].awaits = AWAITS_NOTHING;
	if (resolve_is_pending(c))
		resolve_aim(&c->plan);
	else
		resolve_stop(&c->plan);
}

/* Returns false if no step waits for it. serial 0: any of that step. */
static bool resolve_remove_query(struct resolve *s, bool of_user, uint64_t serial, uint8_t step,
				 struct resolve_query *out)
{
	for (uint8_t i = 0; s && i < s->count; i++) {
		if (s->asks[i].of_user != of_user ||
		    (serial ? s->asks[i].serial != serial : s->asks[i].step != step))
			continue;
		*out = s->asks[i];
		s->asks[i] = s->asks[--s->count];
		return true;
	}
	return false;
}

void resolve_on_answer(struct call_host *h, struct call *c, const struct lookup_reply *new_state)
{
	struct resolve_query q;

	if (!new_state->serial ||
	    !resolve_remove_query(c->plan.resolve, false, new_state->serial, 0, &q))
		return;
	outbox_touch(&c->out);
	resolve_ring(h, c, &q, new_state);
	resolve_settle(h, c, q.step);
}

void resolve_on_user(struct call_host *h, struct call *c, uint64_t serial)
{
	struct resolve_query q;

	if (!serial || !resolve_remove_query(c->plan.resolve, true, serial, 0, &q))
		return;
	outbox_touch(&c->out);
	resolve_ring_all(h, c, q.step);
	resolve_settle(h, c, q.step);
}

/* No answer in time: what is known is used. If only names are missing, their time is over as
 * well. */
static void resolve_overdue(struct call_host *h, struct call *c, uint8_t step)
{
	const struct lookup_reply none = { .state = LOOKUP_FAILED };
	struct resolve_query q;

	if (resolve_remove_query(c->plan.resolve, true, 0, step, &q)) {
		LOG_WARN("call", c->id, "the callee was not looked up in time",
			 LOG_BYTES("user", text_bytes(&c->plan.steps[step].user)));
		resolve_ring_all(h, c, step);
		return;
	}
	while (resolve_remove_query(c->plan.resolve, false, 0, step, &q)) {
		LOG_WARN("call", c->id, "a name was not looked up in time",
			 LOG_STR("name", q.want.host));
		resolve_cancel(c->plan.resolve, &q);
		resolve_ring(h, c, &q, &none);
	}
}

void resolve_on_timeout(struct call_host *h, struct call *c)
{
	outbox_touch(&c->out);
	for (uint8_t i = 0; c->plan.resolve && i < c->plan.count; i++) {
		if (c->plan.steps[i].awaits != AWAITS_NAMES || c->plan.steps[i].due_ns > h->now.ns)
			continue;
		resolve_overdue(h, c, i);
		resolve_settle(h, c, i);
	}
}

void resolve_resume(struct call_host *h, struct call *c)
{
	for (uint8_t i = 0; i < c->plan.count; i++) {
		if (c->plan.steps[i].awaits != AWAITS_NAMES || c->state > CALL_RINGING ||
		    c->parting_ns)
			continue;
		c->plan.steps[i].due_ns = h->now.ns + RESOLVE_MS * NS_PER_MS;
		outbox_touch(&c->out);
		if (resolve_user(h, c, i))
			continue;
		resolve_ring_all(h, c, i);
		resolve_settle(h, c, i);
	}
}

/* ---- the next place ---- */

static void resolve_block_place(struct call_host *h, const struct leg *l, uint32_t for_s)
{
	const struct lookup_target failed = { .to = l->dialog.hop.remote,
					      .transport = (uint8_t)l->dialog.hop.transport };

	if (h->settings->lookup.failed)
		h->settings->lookup.failed(h->settings->lookup.arg, &failed, for_s, h->now.ns);
}

static int ask_next(struct call_host *h, struct call *c, const struct leg *l)
{
	struct call_refusal refusal;
	struct dialog_party from;
	struct call_target next = {
		.uri = early_first_target(l),
		.routes = early_first_routes(l),
		.user = text_bytes(&l->user),
		.hop = l->uac->rest[0],
		.rest = l->uac->rest + 1,
		.rest_count = l->uac->rest_count - 1,
		.by_name = true,
		.trunk = l->channel,
	};

	leg_terms(l, &next.terms);
	if (!fork_caller_of(l, &from))
		return -EINVAL;
	from.remote_user =
		leg_is_trunk(l) ? text_bytes(&c->plan.steps[c->plan.count - 1].number) : next.user;
	return fork_add_branch(h, c, l->uac->from, &next, &from, &refusal);
}

bool resolve_next_place(struct call_host *h, struct call *c, uint8_t leg, uint32_t for_s)
{
	struct leg *l = c->legs[leg];

	if (!l->outbound || l->state != LEG_EARLY || !l->uac->named)
		return false;
	resolve_block_place(h, l, for_s);
	if (!l->uac->rest_count)
		return false;
	outbox_touch(&c->out);
	if (ask_next(h, c, l))
		return false;
	LOG_INFO("call", c->id, "the phone is asked at the next place of its name",
		 LOG_U64("leg", leg), LOG_U64("left", l->uac->rest_count - 1U));
	leg_close(l);
	flows_close_leg(h, c, leg);
	if (leg_is_trunk(l)) /* its server has time of its own to answer */
		plan_start_ringing(h, c);
	return true;
}

bool resolve_next_server(struct call_host *h, struct call *c)
{
	const struct leg_farewell f = { 0 };
	uint8_t leg = trunk_route_silent_leg(c);
	const struct leg *l = call_leg(c, leg);

	if (!l || !l->uac->named)
		return false;
	resolve_block_place(h, l, 0);
	if (!l->uac->rest_count)
		return false;
	outbox_touch(&c->out);
	if (ask_next(h, c, l))
		return false;
	leg_leave(h, c, leg, &f);
	flows_close_leg(h, c, leg);
	plan_start_ringing(h, c);
	return true;
}
