/* SPDX-License-Identifier: Apache-2.0 */
/* A user's settings for calls to him: callers that are rejected (SEC-10), forwarding always, and do
 * not disturb. Where the call goes on to is the plan's business (sig/call/plan.h). */
#include "sig/call/identity.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/host/settings.h"
#include "sig/identity/carried.h"
#include "sig/pbx/park.h"

/* SEC-10. An anonymous caller is blocked as such, whatever name is known here (RFC 5079). */
static enum refusal check_blocked(const struct call *c, const struct shard_forward *f,
				  struct call_refusal *refusal)
{
	struct bytes list = f ? bytes_str(f->blocked) : (struct bytes){ 0 };
	const struct leg *caller = call_caller(c);
	struct bytes number = text_bytes(&c->from);

	if (!list.n)
		return 0;
	if (bytes_list_has(list, BYTES_LIT(FORWARD_NOBODY)) &&
	    (identity_is_hidden(c, caller) || bytes_is(number, FORWARD_NOBODY)))
		return call_refuse_as(refusal, 433, REFUSED_BLOCKED);
	if (bytes_list_has(list, number) ||
	    (carried_number(text_bytes(&caller->carried), &number) && bytes_list_has(list, number)))
		return call_refuse(refusal, REFUSED_BLOCKED);
	return 0;
}

/* A phone of the user is in another call, in either direction, ringing included. */
static bool user_is_busy(const struct call_host *h, const struct call *c, struct bytes user)
{
	return h->services->calls->others(h->owner, c, user).calls;
}

/* One of these numbers is not a slot: phones rung for a returning parked party ring in spite of
 * forwarding. */
static bool forward_leaves_slots(const struct call_host *h, const struct call *c, struct bytes user,
				 struct bytes list)
{
	struct park_place unused;
	struct bytes one;

	while (bytes_cut(&list, ',', &one)) {
		if (!c->park || c->park->asks ||
		    !h->services->parking->dialled_slot(h->owner, c->tenant, user, one, &unused))
			return true;
	}
	return false;
}
static enum refusal forward_admit(const struct call_host *h, const struct call *c,
				  const struct plan_target *at, enum plan_why *why,
				  struct call_refusal *refusal)
{
	const struct shard_forward *f = at->forward;
	enum refusal refused = check_blocked(c, f, refusal);

	if (refused) {
		*why = PLAN_WHYS; /* no other target takes it for him */
		return refused;
	}
	if (forward_leaves_slots(h, c, at->user, plan_forwards(h, c, PLAN_ALWAYS))) {
		*why = PLAN_ALWAYS;
		return call_refuse(refusal, REFUSED_FORWARD);
	}
	if (f && (f->do_not_disturb || (f->smart_do_not_disturb && user_is_busy(h, c, at->user)))) {
		*why = PLAN_BUSY;
		return call_refuse(refusal, REFUSED_DO_NOT_DISTURB);
	}
	return 0;
}

const struct module forward_module = { .admit = forward_admit };
