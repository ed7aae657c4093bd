/* SPDX-License-Identifier: Apache-2.0 */
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
#include "sig/host/settings.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/leg.h"
#include "sig/sip/hop.h"

/* Nobody waits for what is asked. The resolver keeps a place for each: it is free now, not when a name server was silent for long enough. */
static void resolve_cancel(const struct resolve *s)
{
	for (uint8_t i = 0; i < s->count; i++) {
		struct effect *e = effects_add(s->host->effects, EFFECT_LOOKUP_STOP);

		if (!e)
			return; /* it ends by itself */
		e->call = s->call;
		e->version = s->asks[i].serial;
	}
}

void resolve_stop(struct plan *plan)
{
	struct resolve *s = plan->resolve;

	if (plan_awaits(plan, AWAITS_NAMES))
		plan->steps[plan->count - 1].awaits = AWAITS_NOTHING;
	if (!s)
		return;
	resolve_cancel(s);
	s->host->resolves--;
	free(s->asks);
	free(s);
	plan->resolve = NULL;
}

bool resolve_is_pending(const struct call *c)
{
	return plan_awaits(&c->plan, AWAITS_NAMES);
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

/* A phone's connection that is there stays its own, whoever it said it was; a new one is for the name alone. */
static uint16_t resolve_name(const struct call_host *h, const struct call_target *t,
			     const struct sip_hop *to)
{
	struct sip_uri uri;

	if (to->transport != SIP_TLS || to->connection || !dialog_next_uri(t->routes, t->uri, &uri))
		return 0;
	return hop_names_put(h->settings->names, uri.host);
}

/* What the name says is of who is trusted, and no better than if it had named the address. */
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
				 const struct lookup_news *news, const struct dialog_party *from,
				 struct call_refusal *refusal)
{
	struct sip_hop hops[LOOKUP_TARGETS_MAX];
	struct call_target to = *t;
	uint8_t n = hops_of(h, t, news->targets, news->count, hops);

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
			 LOG_STR("result", lookup_state_name(news->state)));
	}
	return fork_add_branch(h, c, c->bridge.caller, &to, from, refusal);
}

/* ---- waiting ---- */

static struct resolve *resolve_open(struct call_host *h, struct call *c,
				    struct call_refusal *refusal)
{
	struct resolve *s = c->plan.resolve;

	if (s)
		return s;
	if (h->resolves >= RESOLVES_MAX && !c->emergency) {
		(void)call_refuse(refusal, REFUSED_LOOKUPS_FULL);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	(void)call_refuse(refusal, REFUSED_MEMORY);
	if (!s)
		return NULL;
	*s = (struct resolve){ .host = h,
			       .call = c->id,
			       .due_ns = h->now.ns + RESOLVE_MS * NS_PER_MS };
	h->resolves++;
	c->plan.resolve = s;
	return s;
}

static int resolve_add(struct call_host *h, struct call *c, const struct lookup_want *want)
{
	struct resolve *s = c->plan.resolve;
	struct resolve_query *asks = reallocarray(s->asks, s->count + 1U, sizeof(*asks));
	struct effect *e = asks ? effects_lookup(h->effects, c->id, want) : NULL;

	if (asks)
		s->asks = asks;
	if (!e)
		return -ENOMEM;
	e->version = rand_u64_from(h->rand) | 1;
	asks[s->count++] = (struct resolve_query){ .serial = e->version, .want = *want };
	c->plan.steps[c->plan.count - 1].awaits = AWAITS_NAMES;
	outbox_touch(&c->out);
	return 0;
}

static enum refusal resolve_wait(struct call_host *h, struct call *c,
				 const struct lookup_want *want, struct call_refusal *refusal)
{
	const struct resolve *s = resolve_open(h, c, refusal);

	if (!s)
		return refusal->reason;
	for (uint8_t i = 0; i < s->count; i++) {
		if (want_is(&s->asks[i].want, want))
			return 0;
	}
	if (!resolve_add(h, c, want))
		return 0;
	if (!s->count)
		resolve_stop(&c->plan);
	return call_refuse(refusal, REFUSED_MEMORY);
}

/* Of what is known by now. False: too little. */
static bool resolve_find(struct call_host *h, const struct lookup_want *want,
			 struct lookup_news *news)
{
	struct lookup *found = malloc(sizeof(*found)); /* large for a stack */
	bool known = false;

	*news = (struct lookup_news){ .state = LOOKUP_FAILED };
	if (!found)
		return true;
	h->settings->lookup.find(h->settings->lookup.arg, want, h->now.ns, found);
	if (found->state != LOOKUP_ASK) {
		news->state = found->state;
		news->count = found->state == LOOKUP_DONE ? found->target_count : 0;
		memcpy(news->targets, found->targets, news->count * sizeof(news->targets[0]));
		known = true;
	}
	free(found);
	return known;
}

enum refusal resolve_target(struct call_host *h, struct call *c, const struct call_target *target,
			    const struct dialog_party *from, struct call_refusal *refusal)
{
	struct call_target plain = *target;
	struct lookup_news news;
	struct lookup_want want;

	if (!want_of(h, c->id, target, &want)) {
		plain.by_name = false;
		return fork_add_branch(h, c, c->bridge.caller, &plain, from, refusal);
	}
	if (!resolve_find(h, &want, &news))
		return resolve_wait(h, c, &want, refusal);
	return resolve_fork(h, c, target, &news, from, refusal);
}

bool resolve_known_target(struct call_host *h, uint64_t call, struct call_target *t)
{
	struct sip_hop hops[LOOKUP_TARGETS_MAX];
	struct lookup_news news;
	struct lookup_want want;
	struct effect *e;

	if (!t->by_name)
		return true;
	if (!want_of(h, call, t, &want))
		return false;
	if (!resolve_find(h, &want, &news)) {
		e = effects_lookup(h->effects, call,
				   &want); /* nobody waits for it: it is known next time */
		if (e)
			e->version = rand_u64_from(h->rand) | 1;
		return false;
	}
	if (!hops_of(h, t, news.targets, news.count, hops))
		return false;
	t->by_name = false;
	t->hop = hops[0];
	return true;
}

bool resolve_user(struct call_host *h, struct call *c, struct bytes user)
{
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	struct call_refusal full;
	struct resolve *s;

	if (last->trunk.n) /* there is a name alone */
		return false;
	if (!h->user_known || h->user_known(h->owner, c->tenant, user))
		return false;
	s = resolve_open(h, c, &full);
	if (!s)
		return false;
	s->user = h->user_ask(h->owner, c->tenant, user, c->id);
	if (!s->user) {
		if (!s->count)
			resolve_stop(&c->plan);
		return false;
	}
	c->plan.steps[c->plan.count - 1].awaits = AWAITS_NAMES;
	outbox_touch(&c->out);
	return true;
}

/* ---- going on ---- */

/* All phones of the user that are at that name: how many are asked. */
static uint32_t resolve_ring(struct call_host *h, struct call *c, const struct lookup_want *want,
			     const struct lookup_news *news)
{
	struct call_target targets[LEGS_MAX];
	struct call_refusal refusal;
	struct dialog_party from;
	struct lookup_want own;
	uint32_t n = plan_targets(h, c, &from, targets, COUNT_OF(targets)), asked = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!want_of(h, c->id, &targets[i], &own) || !want_is(&own, want))
			continue;
		if (resolve_fork(h, c, &targets[i], news, &from, &refusal))
			txns_refuse_for(h->txns, refusal.reason);
		else
			asked++;
	}
	return asked;
}

static void resolve_route_on(struct call_host *h, struct call *c)
{
	bool rings = fork_is_ringing(c);

	if (rings && !c->ring_ns)
		plan_start_ringing(h, c);
	if (c->plan.resolve && (c->plan.resolve->count || c->plan.resolve->user))
		return;
	if (!rings)
		fork_unreached(h, c);
	else
		resolve_stop(&c->plan);
}

static bool resolve_remove_query(struct resolve *s, uint64_t serial, struct lookup_want *want)
{
	for (uint8_t i = 0; i < s->count; i++) {
		if (serial && s->asks[i].serial != serial)
			continue;
		*want = s->asks[i].want;
		s->asks[i] = s->asks[--s->count];
		return true;
	}
	return false;
}

void resolve_on_answer(struct call_host *h, struct call *c, const struct lookup_news *news)
{
	struct lookup_want want;

	if (!c->plan.resolve || !resolve_remove_query(c->plan.resolve, news->serial, &want))
		return;
	outbox_touch(&c->out);
	(void)resolve_ring(h, c, &want, news);
	resolve_route_on(h, c);
}

void resolve_on_timeout(struct call_host *h, struct call *c)
{
	const struct lookup_news none = { .state = LOOKUP_FAILED };
	struct lookup_want want;

	outbox_touch(&c->out);
	resolve_cancel(c->plan.resolve);
	if (c->plan.resolve->user) {
		/* names of the phones that are known now are waited for no longer than he was */
		c->plan.resolve->due_ns = h->now.ns;
		LOG_WARN("call", c->id, "who is called was not looked up in time");
		resolve_on_user(h, c, 0);
		return;
	}
	while (resolve_remove_query(c->plan.resolve, 0, &want)) {
		LOG_WARN("call", c->id, "a name was not looked up in time",
			 LOG_STR("name", want.host));
		(void)resolve_ring(h, c, &want, &none);
	}
	resolve_route_on(h, c);
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

/* All phones that are not asked yet. */
static void resolve_ring_all(struct call_host *h, struct call *c)
{
	struct call_target targets[LEGS_MAX];
	struct call_refusal refusal;
	struct dialog_party from;
	uint32_t n = plan_targets(h, c, &from, targets, COUNT_OF(targets));

	for (uint32_t i = 0; i < n; i++) {
		if (!resolve_has_branch(c, &targets[i]) &&
		    resolve_target(h, c, &targets[i], &from, &refusal))
			txns_refuse_for(h->txns, refusal.reason);
	}
	resolve_route_on(h, c);
}

void resolve_on_user(struct call_host *h, struct call *c, uint64_t serial)
{
	struct resolve *s = c->plan.resolve;

	if (!s || !s->user || (serial && s->user != serial))
		return;
	s->user = 0;
	outbox_touch(&c->out);
	resolve_ring_all(h, c);
}

void resolve_resume(struct call_host *h, struct call *c)
{
	const struct plan *p = &c->plan;

	if (!resolve_is_pending(c) || c->state > CALL_RINGING || c->parting_ns)
		return;
	outbox_touch(&c->out);
	if (!resolve_user(h, c, text_bytes(&p->steps[p->count - 1].user)))
		resolve_ring_all(h, c);
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
