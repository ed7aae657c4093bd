/* SPDX-License-Identifier: Apache-2.0 */
/* The branches of a call (RFC 3261 16.7 as seen from a B2BUA): adds a leg for each target, rings
 * all at once, and connects the first that answers. Of failed branches the best response is kept
 * for the caller; a 3xx adds branches, and a phone with several flows (RFC 5626) is tried by the
 * next one. The steps of the plan (plan.c) decide which targets ring; resolve.c finds their
 * addresses. */

#include "sig/call/fork.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/flow_spec.h"
#include "sig/call/identity.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/call/resolve.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/extension.h"
#include "sig/host/location.h"
#include "sig/host/settings.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/flow_run.h"
#include "sig/model/leg.h"
#include "sig/sip/uri.h"

static enum refusal refuse_leg(struct call_refusal *r, int err)
{
	switch (err) {
	case -EINVAL: /* a URI or name of the caller that cannot be repeated */
		return call_refuse(r, REFUSED_MALFORMED);
	case -ENOSPC:
		return call_refuse(r, REFUSED_LEGS_FULL);
	default:
		return call_refuse(r, REFUSED_MEMORY);
	}
}

static int leg_set_rest(struct leg *l, const struct call_target *target)
{
	l->uac->named = target->by_name;
	l->uac->auto_answer = target->auto_answer;
	if (!target->rest_count)
		return 0;
	l->uac->rest = calloc(target->rest_count, sizeof(*l->uac->rest));
	if (!l->uac->rest)
		return -ENOMEM;
	memcpy(l->uac->rest, target->rest, target->rest_count * sizeof(*l->uac->rest));
	l->uac->rest_count = target->rest_count;
	return 0;
}

static int open_leg(struct call_host *h, struct call *c, uint8_t leg, uint8_t asker,
		    const struct call_target *target, const struct dialog_party *from)
{
	struct id_tag tag = { .call = c->id, .leg = leg, .random = rand_u64_from(h->rand) };
	struct dialog_party party = *from;
	char shown[IDENTITY_SHOWN_MAX];
	struct leg *l = c->legs[leg];

	party.target = target->uri;
	party.routes = target->routes;
	party.hop = target->hop;
	l->behind_nat = target->behind_nat;
	l->outbound = true;
	if (leg_invite(l, asker) || leg_set_rest(l, target) ||
	    leg_set_trunk(h->settings->trunks, l, target->trunk) ||
	    leg_set_user(h, l, c->tenant, target->user) || leg_set_terms(l, &target->terms))
		return -ENOMEM;
	trunks_count(h->settings->trunks, target->trunk, TRUNK_CALLS);
	identity_of_asker(h, c, l, &party, shown);
	return leg_to_party(h, l, &tag, &party);
}

static enum refusal fork_offer(struct call_host *h, struct call *c, uint8_t leg,
			       struct call_refusal *refusal)
{
	const struct leg *asker = c->legs[c->legs[leg]->uac->from];

	c->legs[leg]->uac->late = asker->uas && asker->uas->late;
	return c->legs[leg]->uac->late ? 0 : session_offer(h, c, leg, refusal);
}

enum refusal fork_add_branch(struct call_host *h, struct call *c, uint8_t asker,
			     const struct call_target *target, const struct dialog_party *from,
			     struct call_refusal *refusal)
{
	enum refusal refused = REFUSED_NOT;
	uint8_t leg;
	int err = legs_add(h, c, &leg);

	if (err)
		return refuse_leg(refusal, err);
	err = open_leg(h, c, leg, asker, target, from);
	if (err) {
		legs_free_one(c, leg);
		return refuse_leg(refusal, err);
	}
	if (leg_is_trunk(c->legs[leg]))
		refused = modules_outside(h, c, c->legs[leg], refusal);
	if (refused) {
		legs_free_one(c, leg);
		return refused;
	}
	if (c->bridge.callee == LEG_NONE)
		c->bridge.callee = leg;
	refused = fork_offer(h, c, leg, refusal);
	if (!refused && invite_queue(h, c, leg))
		refused = call_refuse(refusal, REFUSED_TXNS_FULL);
	if (!refused)
		return REFUSED_NOT;
	flows_close_leg(h, c, leg);
	legs_free_one(c, leg);
	if (c->bridge.callee == leg)
		c->bridge.callee = LEG_NONE;
	return refused;
}

static bool was_tried(const struct call *c, const struct call_target *t)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->outbound && bytes_eq(early_first_target(l), t->uri) &&
		    (t->routes.n ? bytes_eq(early_first_routes(l), t->routes)
				 : addr_eq(&l->dialog.hop.remote, &t->hop.remote)))
			return true;
	}
	return false;
}

bool fork_caller_of(const struct leg *l, struct dialog_party *out)
{
	struct sip_name_addr local;

	if (sip_name_addr_parse(&local, text_bytes(&l->dialog.local)))
		return false;
	*out = (struct dialog_party){
		.local_display = local.display,
		.local_user = local.uri.user,
	};
	return true;
}

/* Where it registered: no name is looked up, and none has further places. */
static enum refusal ask_where_registered(struct call_host *h, struct call *c, uint8_t asker,
					 const struct call_target *target,
					 const struct dialog_party *from)
{
	struct call_target plain = *target;
	struct call_refusal refusal;
	enum refusal refused;

	plain.by_name = false;
	refused = fork_add_branch(h, c, asker, &plain, from, &refusal);
	if (refused)
		txns_refuse_for(h->txns, refusal.reason);
	return refused;
}

static uint32_t ask_contact(struct call_host *h, struct call *c, uint8_t leg,
			    const struct sip_uri *to)
{
	struct call_target targets[LEGS_MAX];
	struct dialog_party from;
	uint32_t n = fork_caller_of(c->legs[leg], &from)
			     ? h->services->location->resolve(h->owner, c->tenant, to, targets,
							      COUNT_OF(targets))
			     : 0;
	uint32_t asked = 0;

	from.remote_user = subscriber_of(to).name;
	for (uint32_t i = 0; i < n; i++) {
		if (was_tried(c, &targets[i]))
			txns_refuse_for(h->txns, REFUSED_LOOP);
		else if (!ask_where_registered(h, c, c->legs[leg]->uac->from, &targets[i], &from))
			asked++;
	}
	return asked;
}

static bool has_flow(struct call_host *h, const struct leg *l)
{
	struct call_target other;

	return h->services->location->other_flows(h->owner, l, &other, 1);
}

static bool ask_flow(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	struct call_target targets[LEGS_MAX];
	struct call_refusal refusal;
	struct dialog_party from;
	uint32_t n = h->services->location->other_flows(h->owner, l, targets, COUNT_OF(targets));

	if (!fork_caller_of(l, &from))
		return false;
	from.remote_user = text_bytes(&l->user);
	for (uint32_t i = 0; i < n; i++) {
		if (!was_tried(c, &targets[i]) &&
		    !fork_add_branch(h, c, l->uac->from, &targets[i], &from, &refusal))
			return true;
	}
	return false;
}

bool fork_next_flow(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (!l->outbound || l->state != LEG_EARLY || l->uac->from == leg || !has_flow(h, l))
		return false;
	outbox_touch(&c->out);
	if (!ask_flow(h, c, leg))
		return false;
	LOG_INFO("call", c->id, "the phone is asked over its next flow", LOG_U64("leg", leg));
	leg_close(c->legs[leg]);
	flows_close_leg(h, c, leg);
	return true;
}

uint32_t fork_redirect(struct call_host *h, struct call *c, uint8_t leg,
		       const struct sip_message *m)
{
	struct sip_name_addr contact;
	unsigned cursor = 0;
	uint32_t asked = 0;

	outbox_touch(&c->out);
	for (unsigned i = 0; i < LEGS_MAX; i++) {
		if (message_name_addr_next(m, "Contact", &cursor, &contact) != 1)
			break;
		asked += ask_contact(h, c, leg, &contact.uri);
	}
	LOG_INFO("call", c->id, "call redirected", LOG_U64("leg", leg), LOG_U64("branches", asked));
	return asked;
}

static void lose(struct call_host *h, struct call *c, uint8_t leg)
{
	/* RFC 3326: a phone that stops ringing so shows no missed call */
	struct leg_farewell f = { .reason = BYTES_LIT(LEG_COMPLETED) };

	leg_leave(h, c, leg, &f);
	flows_close_leg(h, c, leg);
}

enum refusal fork_auto_answer(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	const struct txn_slot *invite = txns_get(h->txns, l->uac->client);
	const struct shard_extension *e =
		h->services->directory->extension(h->owner, c->tenant, text_bytes(&l->user));
	struct call_target again = {
		.uri = early_first_target(l),
		.user = text_bytes(&l->user),
		.trunk = TRUNK_NONE,
		.routes = early_first_routes(l),
		.hop = invite ? invite->txn.hop : l->dialog.hop,
		.behind_nat = l->behind_nat,
		.auto_answer = true,
		.by_name = l->uac->named,
	};
	struct call_refusal refusal;
	struct dialog_party from;
	enum refusal refused;

	if (!e || leg_is_trunk(l) || l->uac->auto_answer || !fork_caller_of(l, &from) ||
	    !extension_may(h->settings->tenants, e, ENTITLED_AUTO_ANSWER))
		return REFUSED_NO_TALK;
	leg_terms(l, &again.terms);
	from.remote_user = again.user;
	outbox_touch(&c->out);
	refused = fork_add_branch(h, c, l->uac->from, &again, &from, &refusal);
	if (!refused)
		lose(h, c, leg);
	return refused;
}

void fork_leave_rung(struct call_host *h, struct call *c, const struct leg_farewell *f)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!c->legs[i] || i == c->bridge.caller)
			continue;
		leg_leave(h, c, i, f);
		flows_close_leg(h, c, i);
	}
}

void fork_forget_best(struct call *c)
{
	text_clear(&c->best.extra);
	c->best = (struct refusal_kept){ 0 };
}

void fork_won(struct call_host *h, struct call *c, uint8_t leg)
{
	uint8_t asker = c->legs[leg]->uac->from;

	bridge_join(c, asker, leg);
	fork_forget_best(c);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (i != leg && l && l->uac && l->uac->from == asker)
			lose(h, c, i);
	}
}

/* Lower is better: 6xx, then the lowest class; within it responses the caller can fix, then other
 * ones, then timeout. */
static unsigned rank(const struct refusal_kept *r)
{
	unsigned class = r->status / 100;

	if (class == 6)
		return 0;
	if (r->status == 415 || r->status == 484)
		return class * 4;
	return class * 4 + (r->cause == CAUSE_REFUSED ? 1 : 2);
}

bool fork_rings_from(const struct call *c, uint8_t first)
{
	for (uint8_t i = first; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && ((l->state == LEG_EARLY && l->uac) || leg_is_screened(l)))
			return true;
	}
	return false;
}

bool fork_is_ringing(const struct call *c)
{
	return fork_rings_from(c, 0);
}

static void end_with_best(struct call_host *h, struct call *c)
{
	const struct refusal_kept *best = &c->best;
	struct call_ending e = {
		.cause = best->cause,
		.by = best->cause != CAUSE_REFUSED ? ENDED_BY_NODE : call_ended_by(c, best->leg),
		.status = best->status,
		.extra = text_bytes(&best->extra),
	};

	if (best->leg != c->bridge.caller)
		c->bridge.callee = best->leg;
	call_untaken(h, c, &e);
}

static void keep_better(struct refusal_kept *best, struct refusal_kept *lost)
{
	if (best->status == 0 || rank(lost) < rank(best)) {
		text_clear(&best->extra);
		*best = *lost;
	} else {
		text_clear(&lost->extra);
	}
}

void fork_unreached(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = CAUSE_UNREACHABLE,
				       .by = ENDED_BY_NODE,
				       .status = 480 };
	enum plan_why why = c->best.status ? plan_why_of(&c->best) : PLAN_UNREACHABLE;

	if (why != PLAN_WHYS && plan_next(h, c, why))
		return;
	resolve_stop(&c->plan);
	if (c->best.status)
		end_with_best(h, c);
	else
		call_untaken(h, c, &e);
}

/* RFC 3261 16.7 has a 6xx end all branches, which is for proxies. A user that declines a call to
 * several users does so for his own phones. */
static void leave_phones_of(struct call_host *h, struct call *c, uint8_t leg)
{
	struct bytes user = text_bytes(&c->legs[leg]->user);

	for (uint8_t i = 0; user.n && i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && i != leg && l->uac && l->state == LEG_EARLY &&
		    bytes_eq(text_bytes(&l->user), user))
			lose(h, c, i);
	}
	plan_leave_user(&c->plan, user);
}

void fork_on_failure(struct call_host *h, struct call *c, struct refusal_kept *lost)
{
	bool decisive = lost->status / 100 == 6;
	enum plan_why why;

	if (decisive && flow_dials_together(c) && c->run->past_decline) {
		leave_phones_of(h, c, lost->leg);
		decisive = false;
	}

	keep_better(&c->best, lost);
	if (c->legs[lost->leg]->state != LEG_LEAVING)
		leg_close(c->legs[lost->leg]);
	why = plan_why_of(&c->best);
	if ((decisive || (!fork_is_ringing(c) && !resolve_is_pending(c))) &&
	    (lost->leg == c->bridge.caller || why == PLAN_WHYS || !plan_next(h, c, why))) {
		end_with_best(h, c);
		return;
	}
	if (resolve_is_pending(c) && !fork_is_ringing(c))
		resolve_alone(c);
	flows_close_leg(h, c, lost->leg);
	outbox_touch(&c->out);
}

bool fork_decline(struct call_host *h, struct call *c, struct bytes user, uint16_t status)
{
	struct refusal_kept lost = { .leg = LEG_NONE, .status = status, .cause = CAUSE_REFUSED };

	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (!l || l->state != LEG_EARLY || !l->uac || leg_is_trunk(l) ||
		    !bytes_eq(text_bytes(&l->user), user))
			continue;
		outbox_touch(&c->out);
		if (lost.leg != LEG_NONE)
			lose(h, c, lost.leg);
		lost.leg = i;
	}
	if (lost.leg != LEG_NONE) {
		lose(h, c, lost.leg);
		fork_on_failure(h, c, &lost);
		return true;
	}
	if (!bytes_eq(call_waits_for(c), user))
		return false;
	keep_better(&c->best, &lost);
	if (plan_why_of(&lost) != PLAN_WHYS && plan_next(h, c, plan_why_of(&lost)))
		return true;
	c->plan.steps[c->plan.count - 1].awaits = AWAITS_NOTHING;
	end_with_best(h, c);
	return true;
}
