/* SPDX-License-Identifier: Apache-2.0 */
/* A call for a user without a registered phone, or with the page of a closed browser alone, in a
 * tenant that has it wait (tenant_terms.wake_s): a step of its plan that rings nobody yet. When the
 * step is saved the node is asked to have a phone of the user register (EFFECT_WAKE), as by a push
 * to a browser. If none can, the call goes on at once as without the step; else the caller hears
 * ringing, and the phone that registers in time, at any node, rings. A successor asks again, and
 * keeps the time. Members of groups and queues are not waited for, nor is one phone alone, nor in
 * emergency calls. */
#include "base/log.h"
#include "sig/call/cdr.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/call/wait.h"
#include "sig/host/location.h"
#include "sig/host/settings.h"
#include "sig/model/flow_run.h"
#include "sig/model/saved.h"
#include "sig/sip/uri.h"

enum { WAKE_LOOK_MS = 250 };

static struct plan_step *wake_step(const struct call *c)
{
	return &c->plan.steps[c->plan.count - 1];
}

/* Those that can be reached come first. */
static bool wake_has_phone(const struct call_host *h, const struct call *c, struct bytes user)
{
	const struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = user };
	struct call_target one;

	return h->services->location->resolve(h->owner, c->tenant, &uri, &one, 1) && !one.lost;
}

/* ---- it waits ---- */

static bool wake_is_wanted(const struct call_host *h, const struct call *c, struct bytes user)
{
	bool several = flow_has_caller(c) && (c->run->group.n || flow_dials_members(c) ||
					      flow_dials_together(c) || flow_queues(c));

	return tenants_terms(h->settings->tenants, c->tenant)->wake_s && !several &&
	       !c->emergency && !wake_step(c)->gruu.n && plan_is_of_user(h, c, user) &&
	       !h->services->location->is_unreadable(h->owner, c->tenant, user) &&
	       !wake_has_phone(h, c, user);
}

static bool wake_dialled(struct call_host *h, struct call *c, const struct plan_target *at,
			 enum refusal *refused, struct call_refusal *refusal)
{
	struct outbox_item item = { .kind = OUTBOX_WAIT, .leg = c->bridge.caller };
	uint64_t wait_ns;

	if (!wake_is_wanted(h, c, at->user))
		return false;
	*refused =
		call_name_set(c, at->display) ? call_refuse(refusal, REFUSED_MEMORY) : REFUSED_NOT;
	if (*refused)
		return true;
	wait_ns = tenants_terms(h->settings->tenants, c->tenant)->wake_s * NS_PER_S;
	if (c->ring_s && plan_ring_for_ns(h, c) < wait_ns)
		wait_ns = plan_ring_for_ns(h, c);
	wake_step(c)->awaits = AWAITS_PHONE;
	c->bridge.callee = LEG_NONE;
	c->ring_ns = 0;
	c->plan.until_ns = h->now.ns + wait_ns;
	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		modules_saved(h, c);
	return true;
}

static void wake_on_saved(struct call_host *h, struct call *c)
{
	struct bytes user;

	if (!call_awaits_phone(c))
		return;
	(void)plan_went_to(&c->plan, &user);
	c->plan.serial = rand_u64_from(h->rand) | 1;
	wake_step(c)->due_ns = h->now.ns + WAKE_LOOK_MS * NS_PER_MS;
	if (!effects_request(h->effects, EFFECT_WAKE, c->id, c->plan.serial,
			     EFFECT_TEXTS(bytes_str(call_tenant(h, c)), user)))
		LOG_WARN("call", c->id, "no memory to have a phone register");
}

/* ---- it goes on ---- */

static void wake_on_reply(struct call_host *h, struct call *c, const struct reply *reply)
{
	struct bytes user;

	if (!call_awaits_phone(c) || reply->wake.serial != c->plan.serial)
		return;
	if (!reply->wake.asked) {
		plan_wake(h, c);
		return;
	}
	(void)plan_went_to(&c->plan, &user);
	LOG_INFO("call", c->id, "a call waits until a phone of its extension has registered",
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, user)));
	if (call_caller(c)->uas)
		invite_ring(h, c, c->bridge.caller);
}

/* Phones that register at another node are known when the store is asked. */
static void wake_look(struct call_host *h, struct call *c)
{
	struct plan_step *step;
	struct bytes user;

	if (!call_awaits_phone(c))
		return;
	(void)plan_went_to(&c->plan, &user);
	step = wake_step(c);
	if (wake_has_phone(h, c, user)) {
		plan_wake(h, c);
		return;
	}
	if (!step->due_ns || step->due_ns > h->now.ns)
		return;
	step->due_ns = h->now.ns + WAKE_LOOK_MS * NS_PER_MS;
	if (!h->services->location->is_complete(h->owner, c->tenant, user))
		(void)h->services->location->ask_store(h->owner, c->tenant, user, c->id);
}

static uint64_t wake_next(const struct call *c, uint64_t next)
{
	return call_awaits_phone(c) && wake_step(c)->due_ns && wake_step(c)->due_ns < next
		       ? wake_step(c)->due_ns
		       : next;
}

static bool wake_overdue(struct call_host *h, struct call *c)
{
	if (!call_awaits_phone(c))
		return false;
	LOG_INFO("call", c->id, "no phone of its extension has registered in time");
	plan_wake(h, c);
	return true;
}

static const struct module_reply wake_replies[] = {
	{ ASK_WAKE, wake_on_reply },
	{ 0 },
};

/* What others did in a step is seen. */
static const struct module_rank wake_ranks[] = { { HOOK_SETTLE, 1 }, { HOOK_DIALLED, 100 }, { 0 } };

const struct module wake_module = { .ranks = wake_ranks,
				    .replied = wake_replies,
				    .saved = wake_on_saved,
				    .overdue = wake_overdue,
				    .settle = wake_look,
				    .next = wake_next,
				    .dialled = wake_dialled };
