/* SPDX-License-Identifier: Apache-2.0 */
/* The account code of a call (sig/model/call.h), set by command or dialled by a party that may:
 * behind the in-call code `account` (sig/call/call_digits.h) come digits and a '#', which the other
 * party does not hear. '#' alone removes the code; '*' leaves it unchanged. Digits received so far
 * are in the record, so a successor of the process continues with them. A recorded call and its
 * recording go on meanwhile, unless a setting says otherwise (BEAT-09, REC-06). A call outside may
 * need a code (account_lacks): dialled before the number, or asked for by a flow of the tenant,
 * which then dials the number (flow_run.goal). Tenants may have a list of codes; guessing is slowed
 * down as with other secrets. */
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/module.h"
#include "sig/call/number_claim.h"
#include "sig/call/order.h"
#include "sig/call/plan.h"
#include "sig/call/secret.h"
#include "sig/host/accounts.h"
#include "sig/host/calendars.h"
#include "sig/host/programs.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/toll.h"
#include "sig/host/trunk_route.h"
#include "sig/leg/leg.h"
#include "sig/model/call.h"
#include "sig/model/flow_run.h"
#include "sig/model/recording.h"

#define ACCOUNT_SECRET "account codes" /* of which there is one brake for all of a tenant */

/* ---- what it is ---- */

/* Letters, digits, '.', '_' and '-'; empty: no code. */
static bool account_code_is_good(struct bytes code)
{
	return code.n < CALL_ACCOUNT_MAX && bytes_are_plain(code);
}

static void account_publish(struct call_host *h, const struct call *c, enum sig_event_kind kind,
			    uint8_t leg, const char *reason)
{
	struct sig_event *event =
		call_publish_leg(h, c, kind, leg == LEG_NONE ? c->bridge.caller : leg);

	if (!c->account.n)
		event_put_str(event, EV_NO_ACCOUNT, "");
	event_put_str(event, EV_REASON, reason);
}

static const char *account_said_by(uint8_t leg)
{
	return leg == LEG_NONE ? "command" : "code";
}

static enum refusal account_change(struct call_host *h, struct call *c, uint8_t leg, const char *by,
				   struct bytes code)
{
	if (bytes_eq(text_bytes(&c->account), code))
		return 0;
	if (text_set(&c->account, code))
		return REFUSED_MEMORY;
	outbox_touch(&c->out);
	account_publish(h, c, SIG_CALL_ACCOUNT, leg, by);
	return 0;
}

static void account_ends_call(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct call_ending e = {
		.cause = CAUSE_ACCOUNT,
		.by = leg == LEG_NONE ? ENDED_BY_OPERATOR : call_ended_by(c, leg),
		.status = 480,
	};

	LOG_INFO("call", c->id, "an account code ends a call that is recorded",
		 LOG_STR("setting", "recordings.account_code"));
	call_end(h, c, &e);
}

static enum refusal account_set(struct call_host *h, struct call *c, uint8_t leg, struct bytes code)
{
	bool recorded = recordings_say(c->recordings) != OFFER_RECORD_OFF;
	enum refusal r;

	if (c->state == CALL_ENDING)
		return REFUSED_NOT_ESTABLISHED;
	if (recorded && h->settings->recordings.account_code == RECORD_ACCOUNT_REFUSED) {
		account_publish(h, c, SIG_CALL_ACCOUNT_REFUSED, leg, "recorded");
		return REFUSED_RECORDED;
	}
	r = account_change(h, c, leg, account_said_by(leg), code);
	if (!r && recorded && h->settings->recordings.account_code == RECORD_ACCOUNT_ENDS)
		account_ends_call(h, c, leg);
	return r;
}

/* ---- whether it is taken ---- */

/* In the tenant's time zone; in UTC if that zone cannot be read, so a code lasts some hours more or
 * less. */
static struct bytes account_day(const struct call_host *h, const struct call *c, struct writer *w)
{
	const char *own = tenants_terms(h->settings->tenants, c->tenant)->zone;
	int64_t utc_s = ((int64_t)h->now.utc_ms + h->wall_ms) / 1000;

	calendar_time_write(w, BYTES_LIT("time.date"),
			    utc_s + calendars_offset_s(h->calendars, own, utc_s));
	return writer_done(w);
}

static bool account_is_listed(const struct call_host *h, const struct call *c, struct bytes subject,
			      struct bytes code)
{
	uint8_t space[ACCOUNT_DATE_MAX];
	struct writer w = writer_over(space, sizeof(space));

	return accounts_use(h->accounts, c->tenant, code, subject, account_day(h, c, &w));
}

/* What a caller, or a phone, gives. Without a list there is nothing to guess. */
static bool account_is_taken(struct call_host *h, struct call *c, struct bytes subject,
			     struct bytes code)
{
	if (!accounts_any(h->accounts, c->tenant))
		return true;
	if (secret_waits_ns(h, c, ACCOUNT_SECRET))
		return false;
	if (account_is_listed(h, c, subject, code)) {
		secret_is_right(h, c, ACCOUNT_SECRET);
		return true;
	}
	secret_is_wrong(h, c, ACCOUNT_SECRET);
	return false;
}

/* ---- whether it is needed ---- */

static const struct tenant_terms *account_terms(const struct call_host *h, const struct call *c)
{
	return tenants_terms(h->settings->tenants, c->tenant);
}

/* Rules may ask for codes of that tenant. */
static bool account_may_be_asked(const struct call_host *h, const struct call *c)
{
	return account_terms(h, c)->account_classes || trunks_ask_accounts(h->settings->trunks);
}

static enum dial_class account_class(const struct call_host *h, const struct call *c,
				     struct bytes number)
{
	const struct dial_plan *plan = dial_plans_of(h->settings->dials, c->tenant);
	struct bytes plain = trunk_number_plain(h->settings, c->tenant, number);
	char international[DIAL_NUMBER_MAX];
	struct dial_judgement as;

	dial_number_international(plan, plain, international);
	dial_judge(plan, plain, bytes_str(international), &as);
	return as.class;
}

static bool account_number_is_ours(const struct call_host *h, const struct call *c,
				   struct bytes number)
{
	return plan_is_of_user(h, c, number) || rooms_find(h->settings->rooms, c->tenant, number) ||
	       (h->programs &&
		programs_number(h->programs, bytes_str(call_tenant(h, c)), number).n);
}

/* always: each number outside does. */
static bool account_is_needed(const struct call_host *h, const struct call *c, struct bytes number,
			      bool always)
{
	struct trunk_route_server list[TRUNK_ROUTE_SERVERS_MAX];
	struct toll_terms unused;
	uint32_t n;

	if (account_number_is_ours(h, c, number) ||
	    !h->services->toll->limits(h->owner, c->tenant, (struct bytes){ 0 }, number, &unused))
		return false; /* the last: it is one for help */
	n = trunk_route(h->settings, c->tenant, number, c->id, list, COUNT_OF(list));
	if (n &&
	    (always || account_terms(h, c)->account_classes >> account_class(h, c, number) & 1))
		return true;
	for (uint32_t i = 0; i < n; i++) {
		if (trunks_settings(h->settings->trunks, list[i].trunk)->account_code)
			return true;
	}
	return false;
}

static enum refusal account_lacks(const struct call_host *h, const struct call *c,
				  struct bytes extension, struct bytes number)
{
	const struct shard_extension *e;
	bool always;

	if (c->account.n || c->emergency || (c->run && c->run->waived))
		return REFUSED_NOT;
	e = h->services->directory->extension(h->owner, c->tenant, extension);
	always = e && e->account_code >= ACCOUNT_REQUIRED;
	return e && (always || account_may_be_asked(h, c)) &&
			       account_is_needed(h, c, number, always)
		       ? REFUSED_ACCOUNT_CODE
		       : REFUSED_NOT;
}

static enum refusal account_refuse(const struct call_host *h, const struct call *c,
				   struct call_refusal *refusal)
{
	uint64_t wait_ns = secret_waits_ns(h, c, ACCOUNT_SECRET);

	if (wait_ns)
		return secret_refuse(wait_ns, refusal);
	(void)call_refuse(refusal, REFUSED_ACCOUNT_CODE);
	refusal->text = "the call needs an account code, or that one is not taken";
	return refusal->reason;
}

/* Dialled before the number. */
static enum refusal account_dialled(struct call_host *h, struct call *c,
				    const struct call_start *start, struct call_refusal *refusal)
{
	if (!account_is_taken(h, c, start->from, start->account))
		return account_refuse(h, c, refusal);
	return text_set(&c->account, start->account) ? call_refuse(refusal, REFUSED_MEMORY)
						     : REFUSED_NOT;
}

/* Behind the feature code come an account code, '*' and the number. */
static enum number_verdict account_cut(struct call_host *h, const struct number_request *ask,
				       struct number_claimed *out, struct call_refusal *why)
{
	struct bytes number = ask->behind, code;
	char to[ROUTE_USER_MAX];

	(void)h;
	*why = (struct call_refusal){ .status = 404, .reason = REFUSED_NOT_FOUND };
	if (out->account[0] || !bytes_cut(&number, '*', &code) || !code.n || !number.n ||
	    !account_code_is_good(code) || bytes_cstr(code, out->account, ACCOUNT_KEYS_MAX) ||
	    bytes_cstr(number, to, sizeof(to)))
		return NUMBER_REFUSED;
	memcpy(out->to, to, sizeof(to)); /* the question may point there */
	return NUMBER_DIALLED;
}

const struct dialled_code account_dialled_codes[] = { { FEATURE_ACCOUNT, account_cut }, { 0 } };

/* A flow asks for it, and goes on to the number then. */
static enum refusal account_request(struct call_host *h, struct call *c,
				    const struct call_start *start, struct call_refusal *refusal)
{
	char number[sizeof(FLOW_WORD) + ACCOUNT_FLOW_MAX];
	struct writer w = writer_over(number, sizeof(number));
	const char *flow = account_terms(h, c)->account_flow;
	struct plan_target at = { .display = start->display };
	enum refusal refused = REFUSED_NOT_FOUND;

	if (!flow[0])
		return account_refuse(h, c, refusal);
	if (plan_add(&c->plan, start->to, PLAN_CALLED, PLAN_FIRST))
		return call_refuse(refusal, REFUSED_MEMORY);
	WRITER_TEXTS(&w, FLOW_WORD, flow);
	at.user = writer_done(&w);
	(void)modules_dialled(h, c, &at, &refused, refusal);
	if (refused == REFUSED_NOT_FOUND)
		return account_refuse(h, c, refusal);
	if (!refused && text_set(&c->run->goal, start->to))
		return call_refuse(refusal, REFUSED_MEMORY);
	return refused;
}

static bool account_begun(struct call_host *h, struct call *c, const struct call_start *start,
			  enum refusal *refused, struct call_refusal *refusal)
{
	if (start->set || start->replaces.call || start->emergency)
		return false;
	if (start->account.n) {
		*refused = account_dialled(h, c, start, refusal);
		return *refused != REFUSED_NOT;
	}
	if (leg_is_trunk(call_caller(c)) || !account_lacks(h, c, start->from, start->to))
		return false;
	*refused = account_request(h, c, start, refusal);
	return true;
}

/* The account code that a flow was given for its call. Empty, where one is needed: the call goes
 * without. */
static bool account_tagged(struct call_host *h, struct call *c, struct bytes name,
			   struct bytes code, bool *taken)
{
	const struct shard_extension *e =
		h->services->directory->extension(h->owner, c->tenant, text_bytes(&c->from));

	if (!bytes_is(name, "account.code"))
		return false;
	if (!code.n && c->run->goal.n)
		*taken = c->run->waived = e && e->account_code == ACCOUNT_OVERRIDE;
	else
		*taken = account_code_is_good(code) &&
			 (!code.n || account_is_taken(h, c, text_bytes(&c->from), code)) &&
			 !account_change(h, c, c->bridge.caller, "flow", code);
	return true;
}

/* ---- entered by digits ---- */

/* The party of the leg may enter one. */
static bool account_is_pressed(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	const struct shard_extension *e =
		l->user.n && !l->trunk.n ? h->services->directory->extension(h->owner, c->tenant,
									     text_bytes(&l->user))
					 : NULL;

	return e && e->account_code;
}

static void account_entered(struct call_host *h, struct call *c, uint8_t leg, struct bytes code)
{
	enum refusal r;

	if (code.n && !account_is_taken(h, c, text_bytes(&c->legs[leg]->user), code)) {
		account_publish(h, c, SIG_CALL_ACCOUNT_REFUSED, leg, "unknown");
		return;
	}
	r = account_set(h, c, leg, code);
	if (r)
		LOG_INFO("call", c->id, "an account code is not taken", LOG_U64("leg", leg),
			 LOG_STR("reason", r == REFUSED_RECORDED
						   ? "it is recorded: recordings.account_code"
						   : "it cannot be done now"));
}

static enum refusal order_account(struct call_host *h, struct call *c, struct call_order *order)
{
	if (order->user.n && order->to.n && !account_is_taken(h, c, order->user, order->to))
		return REFUSED_ACCOUNT_CODE;
	return account_set(h, c, LEG_NONE, order->to);
}

static const struct module_order account_orders[] = {
	{ ORDER_ACCOUNT, NEEDS_NOBODY, order_account },
	{ 0 },
};

static const struct module_codes account_codes = {
	.codes = UINT32_C(1) << CALL_CODE_ACCOUNT,
	.may = account_is_pressed,
	.entered = account_entered,
};

/* The account code stands before the number. */
static const struct module_rank account_ranks[] = { { HOOK_BEGUN, -1 }, { 0 } };

const struct module account_module = {
	.ranks = account_ranks,
	.codes = &account_codes,
	.begun = account_begun,
	.tagged = account_tagged,
	.orders = account_orders,
	.withheld = account_lacks,
};
