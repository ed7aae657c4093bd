/* SPDX-License-Identifier: Apache-2.0 */
/* Call return: the last caller is called back by a code (FEATURES REG-20). A caller of a user of
 * ours that was not forwarded or rejected by the user's settings is stored as his last caller: the
 * number that his phones are shown, in the store, so any node has it. It is sent there before the
 * call is saved, and no phone rings until that is done. The code calls the stored number as if it
 * had been dialled (CALL-39: with the access code of the trunk by which it came); a caller with a
 * hidden number cannot be called back. */
#include "base/log.h"
#include "sig/call/cdr.h"
#include "sig/call/identity.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk_route.h"
#include "sig/pbx/set.h"

#define EXPIRES_MS (UINT64_C(30) * 86400 * 1000)

/* ---- who is called ---- */

static bool last_caller_has_code(const struct call_host *h, const struct call *c)
{
	const char *own =
		dial_plans_of(h->settings->dials, c->tenant)->codes.code[FEATURE_LAST_CALLER];

	return own[0] ? strcmp(own, DIAL_OFF) != 0
		      : h->settings->codes.code[FEATURE_LAST_CALLER][0] != '\0';
}

static void last_caller_keep(const struct call_host *h, const struct call *c,
			     const struct plan_target *at)
{
	char shown[IDENTITY_SHOWN_MAX];
	struct bytes caller = at->caller;
	struct request_kv *kept;

	identity_of_caller(h, c, &caller, shown);
	if (caller.n > KV_VALUE_MAX)
		return;
	kept = effects_request(h->effects, EFFECT_KV, c->id, 0,
			       EFFECT_TEXTS(bytes_str(call_tenant(h, c)), at->user, caller));
	if (!kept) {
		LOG_WARN("call", c->id, "no memory: the last caller is not kept");
		return;
	}
	kept->what = KV_LAST_CALLER;
	kept->ttl_ms = EXPIRES_MS;
}

static enum refusal last_caller_admit(const struct call_host *h, const struct call *c,
				      const struct plan_target *at, enum plan_why *why,
				      struct call_refusal *refusal)
{
	(void)why;
	(void)refusal;
	if (last_caller_has_code(h, c) && plan_is_of_user(h, c, at->user))
		last_caller_keep(h, c, at);
	return REFUSED_NOT;
}

/* ---- who calls back ---- */

static bool last_caller_begun(struct call_host *h, struct call *c, const struct call_start *start,
			      enum refusal *refused, struct call_refusal *refusal)
{
	if (!start->set || start->set->room || start->set->feature != FEATURE_LAST_CALLER)
		return false;
	*refused = set_start(h, c, start, refusal);
	return true;
}

/* It is asked for, or asked for again. Without memory its time runs. */
static void last_caller_request(struct call_host *h, struct call *c)
{
	struct request_kv *kept;

	if (!set_waits_for(c, FEATURE_LAST_CALLER))
		return;
	c->plan.serial = rand_u64_from(h->rand) | 1;
	c->plan.until_ns = h->now.ns + SET_WAIT_MS * NS_PER_MS;
	kept = effects_request(h->effects, EFFECT_KV, c->id, c->plan.serial,
			       EFFECT_TEXTS(bytes_str(call_tenant(h, c)), text_bytes(&c->from)));
	if (kept)
		kept->what = KV_LAST_CALLER;
}

static void last_caller_refuse(struct call_host *h, struct call *c, uint16_t status,
			       const char *text)
{
	LOG_INFO("call", c->id, "nobody is called back", LOG_STR("reason", text));
	set_refuse(h, c, status, text);
}

/* As he would dial it. False: he may not. */
static bool last_caller_number(const struct call_host *h, const struct call *c, struct bytes last,
			       char out[DIAL_NUMBER_MAX])
{
	enum dial_kind kind;

	if (plan_is_of_user(h, c, last))
		return !bytes_cstr(last, out, DIAL_NUMBER_MAX);
	kind = h->services->trunks->classify(h->owner, c->tenant, text_bytes(&c->from), last, out);
	return (kind == DIAL_OUTSIDE &&
		!modules_withheld(h, c, text_bytes(&c->from), bytes_str(out))) ||
	       kind == DIAL_EXTENSION;
}

static void call_back(struct call_host *h, struct call *c, struct bytes number)
{
	const struct dialog_party from = { .local_display = text_bytes(&c->display),
					   .local_user = text_bytes(&c->from) };
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };
	enum refusal refused;

	plan_stop(c);
	plan_clear(&c->plan);
	outbox_touch(&c->out);
	refused = text_set(&c->to, number) ? REFUSED_MEMORY
					   : plan_start(h, c, text_bytes(&c->to),
							(struct bytes){ 0 }, &from, &refusal);
	LOG_INFO("call", c->id, "the last caller is called back",
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))));
	if (refused)
		last_caller_refuse(h, c, refusal.status,
				   refusal.text ? refusal.text : refusals[refusal.reason].words);
}

static void last_caller_on_reply(struct call_host *h, struct call *c, const struct reply *reply)
{
	const struct kv_reply *new_state = &reply->kept;
	char number[DIAL_NUMBER_MAX];

	if (!set_waits_for(c, FEATURE_LAST_CALLER) || new_state->serial != c->plan.serial)
		return;
	if (new_state->result == KV_UNKNOWN)
		last_caller_refuse(h, c, 503, "the last caller is not known");
	else if (new_state->result == KV_NONE)
		last_caller_refuse(h, c, 404, "nobody has called yet");
	else if (!new_state->value.n || bytes_is(new_state->value, "anonymous"))
		last_caller_refuse(h, c, 404, "the last caller did not show a number");
	else if (!last_caller_number(h, c, new_state->value, number))
		last_caller_refuse(h, c, 403, "the extension may not call the last caller");
	else
		call_back(h, c, bytes_str(number));
}

static bool last_caller_overdue(struct call_host *h, struct call *c)
{
	if (!set_waits_for(c, FEATURE_LAST_CALLER))
		return false;
	last_caller_refuse(h, c, 503, "the last caller is not known");
	return true;
}

static const struct module_reply last_caller_replies[] = {
	{ ASK_KV, last_caller_on_reply },
	{ 0 },
};

const struct module last_caller_module = {
	.admit = last_caller_admit,
	.begun = last_caller_begun,
	.saved = last_caller_request,
	.overdue = last_caller_overdue,
	.replied = last_caller_replies,
};
