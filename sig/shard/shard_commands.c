/* SPDX-License-Identifier: Apache-2.0 */
/* What calls are told to do by command. */

#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/call/order.h"
#include "sig/call/originate.h"
#include "sig/call/trunk_route.h"
#include "sig/host/programs.h"
#include "sig/host/tenant_tables.h"
#include "sig/model/call_order.h"
#include "sig/model/flow_run.h"
#include "sig/model/payer.h"
#include "sig/pbx/join.h"
#include "sig/pbx/park.h"
#include "sig/shard/shard_parts.h"
#include "sig/step/step.h"

static uint16_t order_tenant(const struct shard *s, uint64_t call)
{
	const struct call *c = shard_call_find(s, call);

	return c ? c->tenant : TENANT_DEFAULT;
}

/* An extension; or a room, where the call itself is to go there. */
static bool order_names_one(const struct shard *s, uint16_t tenant, const struct call_order *order)
{
	return shard_extension_find(s, tenant, order->to) ||
	       ((order->kind == ORDER_TRANSFER || order->kind == ORDER_DEFLECT) &&
		shard_number_is_of_node(s, tenant, order->to));
}

enum refusal shard_call_order(struct shard *s, uint64_t call, struct call_order *order,
			      struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = order };

	order->known = order->to.n && order_names_one(s, order_tenant(s, call), order);
	return shard_call_event(s, call, &ev, now) ? order->refused : REFUSED_NO_CALL;
}

/* Where a number of ours is reached; the best one first. */
static uint32_t targets_of(struct shard *s, uint16_t tenant, const char *number,
			   struct call_target *out, uint32_t cap)
{
	struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = bytes_str(number) };

	return shard_targets_of(s, tenant, &uri, out, cap);
}

static bool originate_is_paid(const struct shard_originate *o)
{
	return o->payer && o->payer[0];
}

/* A number outside, by the dial plan of the caller. Emergency calls cannot be originated for a
 * user. */
static enum refusal originate_outside_may(struct shard *s, const struct shard_originate *o,
					  const char *to, char number[ROUTE_USER_MAX])
{
	const struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = bytes_str(to) };
	struct bytes subject = bytes_str(originate_is_paid(o) ? o->payer : o->from);
	char help[DIAL_NUMBER_MAX];

	if (shard_is_emergency(s, o->tenant, subject, &uri, help) ||
	    !trunk_route_dialled(shard_host(s), o->tenant, subject, bytes_str(to), number))
		return REFUSED_MAY_NOT_CALL;
	if (shard_has_trunk_route(s, o->tenant, bytes_str(number)))
		return REFUSED_NOT;
	return to == o->from ? REFUSED_NOT_FOUND : REFUSED_NOT_REGISTERED;
}

static bool originate_shows(struct shard *s, const struct shard_originate *o)
{
	const struct shard_forward *f = shard_forward_for(s, o->tenant, bytes_str(o->from));

	return !o->caller_id ||
	       (f && (bytes_is(bytes_str(o->caller_id), f->outside_number) ||
		      bytes_list_has(bytes_str(f->outside_numbers), bytes_str(o->caller_id))));
}

/* A number outside is rung first, and an extension pays for it. */
static enum refusal originate_paid_may(struct shard *s, const struct shard_originate *o,
				       char number[ROUTE_USER_MAX])
{
	if (o->caller_id || !shard_extension_of(s, o->tenant, bytes_str(o->payer)) ||
	    shard_extension_find(s, o->tenant, bytes_str(o->from)))
		return REFUSED_PAYER;
	return originate_outside_may(s, o, o->from, number);
}

/* The first callee. number: written for one outside, as dialled. */
static enum refusal originate_first(struct shard *s, const struct shard_originate *o,
				    struct call_target *from, char number[ROUTE_USER_MAX])
{
	struct call_target list[BINDINGS_MAX];
	enum refusal refused;

	if (!originate_is_paid(o)) {
		if (!targets_of(s, o->tenant, o->from, list, COUNT_OF(list)))
			return REFUSED_CALLER_AWAY;
		*from = list[0];
		return originate_shows(s, o) ? REFUSED_NOT : REFUSED_CALLER_ID;
	}
	refused = originate_paid_may(s, o, number);
	return refused ? refused : shard_way_out(s, o->tenant, bytes_str(number), o->call, from);
}

enum refusal shard_call_may_originate(struct shard *s, const struct shard_originate *o,
				      struct instant now)
{
	char number[ROUTE_USER_MAX];

	shard_set_now(s, now);
	if (originate_is_paid(o))
		return originate_paid_may(s, o, number);
	return shard_extension_find(s, o->tenant, bytes_str(o->from)) ? REFUSED_NOT
								      : REFUSED_NOT_FOUND;
}

/* The callee of an originated call. number: written for a number outside, as dialled. */
static enum refusal originate_second(struct shard *s, const struct shard_originate *o,
				     char number[ROUTE_USER_MAX])
{
	struct bytes tenant = bytes_str(tenants_name(shard_settings(s)->tenants, o->tenant)), rest,
		     flow;
	struct call_target list[BINDINGS_MAX];

	if (bytes_starts(bytes_str(o->to), FLOW_WORD)) {
		rest = bytes_from(bytes_str(o->to), strlen(FLOW_WORD));
		(void)bytes_cut(&rest, FLOW_BOX[0], &flow); /* a mailbox is behind it */
		return programs_named(shard_shared_tables(s)->programs, tenant, flow)
			       ? REFUSED_NOT
			       : REFUSED_NO_FLOW;
	}
	if (shard_forward_of(s, o->tenant, bytes_str(o->to)) ||
	    shard_number_is_of_node(s, o->tenant, bytes_str(o->to)) ||
	    targets_of(s, o->tenant, o->to, list, COUNT_OF(list)))
		return REFUSED_NOT;
	if (!shard_extension_of(s, o->tenant, bytes_str(o->to)))
		return originate_outside_may(s, o, o->to, number);
	return locations_know(shard_locations(s), o->tenant, bytes_str(o->to)) &&
			       !tenants_terms(shard_settings(s)->tenants, o->tenant)->wake_s
		       ? REFUSED_NOT_REGISTERED
		       : REFUSED_NOT; /* looked up when rung */
}

static enum refusal originate_start(struct shard *s, uint64_t id, uint16_t tenant,
				    const struct call_originate *o)
{
	const struct quota_name name = { .kind = QUOTA_EXTENSION,
					 .tenant = tenant,
					 .user = o->payer.n ? o->payer : o->from };
	struct call_refusal refusal = { 0 };
	enum refusal refused;
	struct call *c;

	if (!shard_tenant_may_call(s, tenant, &refusal)) {
		txns_refuse_for(shard_txns(s), refusal.reason);
		return refusal.reason;
	}
	c = shard_call_allocate(s, id, tenant, false);
	if (!c)
		return REFUSED_CALLS_FULL;
	if (shard_call_charge(s, c, &name, &refusal)) {
		sig_count_refused(shard_metrics(s), refusal.reason);
		shard_call_give(s, c);
		return refusal.reason;
	}
	refused = modules_withheld(shard_host(s), c, name.user, o->to);
	if (!refused && o->payer.n)
		refused = modules_withheld(shard_host(s), c, o->payer, o->from);
	if (refused) {
		shard_call_give(s, c);
		return refused;
	}
	if (call_originate(shard_host(s), c, o, &refusal)) {
		txns_refuse_for(shard_txns(s), refusal.reason);
		shard_call_give(s, c);
		return refusal.reason;
	}
	if (!shard_call_settle(s, c))
		shard_call_give(s, c);
	return 0;
}

/* By the same command, perhaps by another process. */
static bool was_started(struct shard *s, uint64_t call, const struct shard_order *by)
{
	struct call *c = shard_call_find(s, call);

	if (!c)
		return false;
	order_wait(shard_host(s), c, by, 0);
	if (!shard_call_settle(s, c))
		shard_call_give(s, c);
	return true;
}

enum refusal shard_call_originate(struct shard *s, const struct shard_originate *o,
				  struct instant now)
{
	const struct shard_extension *e = shard_extension_find(s, o->tenant, bytes_str(o->from));
	struct call_originate start_args = { .from = bytes_str(o->from),
					     .display = bytes_str(e ? e->display_name : ""),
					     .to = bytes_str(o->to),
					     .auto_answer = o->auto_answer,
					     .hides = o->hides,
					     .caller_id = bytes_str(o->caller_id),
					     .ring_s = o->ring_s,
					     .payer = bytes_str(o->payer),
					     .by = o->by };
	char first[ROUTE_USER_MAX] = "", number[ROUTE_USER_MAX] = "";
	enum refusal r;

	shard_set_now(s, now);
	if (was_started(s, o->call, o->by))
		return 0;
	r = shard_is_draining(s) ? REFUSED_DRAINING
				 : originate_first(s, o, &start_args.target, first);
	if (!r)
		r = originate_second(s, o, number);
	if (first[0])
		start_args.from = bytes_str(first);
	if (number[0] && !start_args.payer.n) /* else it is dialled when it is called */
		start_args.to = bytes_str(number);
	return r ? r : originate_start(s, o->call, o->tenant, &start_args);
}

/* Split before by the same command, perhaps by another process. If the new call is over, the old
 * one may still know. */
static bool was_split(struct shard *s, const struct shard_split *split)
{
	const struct call *c = shard_call_find(s, split->call);
	struct effect *e;

	if (was_started(s, split->to, split->by))
		return true;
	if (!c || !split->by || !orders_find(c->orders, split->by->id))
		return false;
	e = effects_add(shard_host(s)->effects, EFFECT_ORDERED, split->to, 0);
	if (!e)
		return false;
	*(struct request_ordered *)e->request =
		(struct request_ordered){ .ticket = split->by->ticket,
					  .saved = c->out.acked == c->out.version };
	return true;
}

static enum refusal split_into(struct shard *s, const struct shard_split *split, struct call *to,
			       struct instant now)
{
	const struct call_event next = { .kind = CALL_EV_RELEASE };
	struct call_split part = { .to = to,
				   .application = bytes_str(split->application),
				   .by = split->by };
	struct call_order order = { .kind = ORDER_SPLIT,
				    .leg = split->leg ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER,
				    .split = &part };
	enum refusal r = payer_share(shard_host(s), shard_call_find(s, split->call), to);

	if (!r)
		r = shard_call_order(s, split->call, &order, now);
	if (r) {
		shard_call_give(s, to);
		return r;
	}
	shard_established_add(s);
	shard_call_step(s, to, &next); /* both ask for their saves at once */
	return 0;
}

enum refusal shard_call_split(struct shard *s, const struct shard_split *split, struct instant now)
{
	const struct call *c;
	struct call *to;

	shard_set_now(s, now);
	if (was_split(s, split))
		return 0;
	c = shard_call_find(s, split->call);
	if (!c)
		return REFUSED_NO_CALL;
	to = shard_call_allocate(s, split->to, c->tenant, c->emergency);
	if (!to)
		return REFUSED_CALLS_FULL;
	call_init(shard_host(s), to);
	return split_into(s, split, to, now);
}

enum refusal shard_call_prompt(struct shard *s, uint64_t call, const struct prompt_terms *terms,
			       const struct shard_order *by, struct instant now)
{
	struct call_order order = { .kind = ORDER_PROMPT, .prompt = terms, .by = by };

	return shard_call_order(s, call, &order, now);
}

enum refusal shard_call_join(struct shard *s, struct shard_join *join, struct instant now)
{
	struct call_order order = { .kind = ORDER_JOIN,
				    .with = join->with,
				    .leg = join->leg,
				    .with_leg = join->with_leg,
				    .by = join->by };
	enum refusal r = shard_call_order(s, join->call, &order, now);

	join->of_with = order.of_with;
	return r;
}

const char *shard_call_slot(const struct shard *s, uint64_t call)
{
	const struct call *c = shard_call_find(s, call);

	return c && c->park && !c->park->asks ? c->park->slot : "";
}

bool shard_call_waits_in(const struct shard *s, uint64_t call, struct bytes slot)
{
	const struct call *c = shard_call_find(s, call);

	return c && park_has(c, slot);
}

bool shard_call_yield(struct shard *s, uint64_t call, struct bytes slot, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_YIELD };

	return shard_call_waits_in(s, call, slot) && shard_call_event(s, call, &ev, now);
}

enum refusal shard_call_remote(const struct shard *s, uint16_t tenant, uint64_t call,
			       enum shard_leg leg, struct call_remote *out)
{
	const struct call *c = shard_call_find(s, call);

	return c && c->tenant == tenant ? join_party(shard_host(s), c, leg, out) : REFUSED_NO_CALL;
}

bool shard_call_was_joined(const struct shard *s, const struct shard_join *join)
{
	const struct call *c = shard_call_find(s, join->call);

	return c && join->by && orders_find(c->orders, join->by->id);
}

enum refusal shard_call_join_remote(struct shard *s, struct shard_join *join,
				    const struct call_remote *far, struct instant now)
{
	struct call_order order = {
		.kind = ORDER_JOIN, .leg = join->leg, .by = join->by, .remote = far
	};

	return shard_call_order(s, join->call, &order, now);
}

enum refusal shard_call_join_local(struct shard *s, const struct shard *other,
				   struct shard_join *join, struct instant now)
{
	const struct call *c = shard_call_find(s, join->call);
	struct call_remote far = { 0 };
	enum refusal r;

	if (!c)
		return REFUSED_NO_CALL;
	r = shard_call_was_joined(s, join)
		    ? REFUSED_NOT
		    : shard_call_remote(other, c->tenant, join->with, join->with_leg, &far);
	join->of_with = r != REFUSED_NOT;
	return r ? r : shard_call_join_remote(s, join, &far, now);
}
