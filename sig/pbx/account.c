/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account code of a call (sig/model/call.h), set by command, or pressed by a party that may: behind the in-call code `account`
 * (sig/call/call_digits.h) come digits and a '#', of which the other party hears nothing. '#' alone: the call has none from then on; '*': all is as
 * it was. What is pressed so far is in the record, so who goes on with the call goes on with it.
 *
 * A call that is recorded goes on, and its recording does, unless a setting has it otherwise (BEAT-09, REC-06).
 */
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/module.h"
#include "sig/call/order.h"
#include "sig/host/settings.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/leg.h"
#include "sig/model/call.h"
#include "sig/model/recording.h"

enum { NEXT_DIGIT_MS = 5000 };

/* ---- what it is ---- */

static void account_publish(struct call_host *h, const struct call *c, enum sig_event_kind kind,
			    uint8_t leg)
{
	struct sig_event *event = call_publish_start(h, c, kind);

	if (!event)
		return;
	event->leg = leg != LEG_NONE && leg != c->bridge.caller;
	event->reason = kind == SIG_CALL_ACCOUNT_REFUSED ? "recorded"
			: leg == LEG_NONE                ? "command"
							 : "code";
}

static enum refusal account_change(struct call_host *h, struct call *c, uint8_t leg,
				   struct bytes code)
{
	if (bytes_eq(text_bytes(&c->account), code))
		return 0;
	if (text_set(&c->account, code))
		return REFUSED_MEMORY;
	outbox_touch(&c->out);
	account_publish(h, c, SIG_CALL_ACCOUNT, leg);
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
		account_publish(h, c, SIG_CALL_ACCOUNT_REFUSED, leg);
		return REFUSED_RECORDED;
	}
	r = account_change(h, c, leg, code);
	if (!r && recorded && h->settings->recordings.account_code == RECORD_ACCOUNT_ENDS)
		account_ends_call(h, c, leg);
	return r;
}

/* ---- pressed ---- */

/* The party of the leg may press one. */
static bool account_is_pressed(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	const struct shard_extension *e =
		h->extension_of && l->user.n && !l->trunk.n
			? h->extension_of(h->owner, c->tenant, text_bytes(&l->user))
			: NULL;

	return e && e->account_code;
}

static void account_wait(const struct call_host *h, struct leg *l)
{
	l->account->until_ns = h->now.ns + NEXT_DIGIT_MS * NS_PER_MS;
}

/* What it presses from now on is one. */
static void account_begin(struct call_host *h, struct call *c, uint8_t leg, uint32_t whole)
{
	struct leg *l = c->legs[leg];

	(void)whole;
	if (!l->account)
		l->account = calloc(1, sizeof(*l->account));
	if (!l->account) {
		LOG_ERROR("call", c->id, "no memory for an account code");
		return;
	}
	l->account->count = 0;
	account_wait(h, l);
	outbox_touch_later(&c->out);
}

/* What was pressed is forgotten. */
static void account_drop(struct call *c, uint8_t leg)
{
	if (!c->legs[leg]->account)
		return;
	leg_account_clear(c->legs[leg]);
	outbox_touch_later(&c->out);
}

/* The keys are all of it. */
static void account_enter(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct account_digits keys = *c->legs[leg]->account;
	enum refusal r;

	account_drop(c, leg);
	r = account_set(h, c, leg, bytes_mem(keys.list, keys.count));
	if (r)
		LOG_INFO("call", c->id, "an account code is not taken", LOG_U64("leg", leg),
			 LOG_STR("reason", r == REFUSED_RECORDED
						   ? "it is recorded: recordings.account_code"
						   : "it cannot be done now"));
}

/* False: none was begun, and the key is for others. */
static bool account_on_digit(struct call_host *h, struct call *c, uint8_t leg,
			     const struct dtmf *dtmf)
{
	struct account_digits *keys = c->legs[leg]->account;

	if (!keys)
		return false;
	if (dtmf->digit == '#') {
		account_enter(h, c, leg);
	} else if (dtmf->digit < '0' || dtmf->digit > '9') {
		account_drop(c, leg);
	} else {
		keys->list[keys->count++] = dtmf->digit;
		account_wait(h, c->legs[leg]);
		outbox_touch_later(&c->out);
		if (keys->count == sizeof(keys->list))
			account_enter(h, c, leg);
	}
	return true;
}

/* No further key came in time: what was pressed is all of it. */
static void account_overdue(struct call_host *h, struct call *c, uint8_t leg)
{
	if (!c->legs[leg]->account)
		return;
	if (c->legs[leg]->account->count)
		account_enter(h, c, leg);
	else
		account_drop(c, leg);
}

/* In the next process the time begins anew. */
static void account_resume(struct call_host *h, struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->account)
			account_wait(h, c->legs[i]);
	}
}

static enum refusal order_account(struct call_host *h, struct call *c, struct call_order *order)
{
	return account_set(h, c, LEG_NONE, order->to);
}

static const struct module_order account_orders[] = {
	{ ORDER_ACCOUNT, NEEDS_NOBODY, order_account },
	{ 0 },
};

static const struct module_codes account_codes = {
	.codes = UINT32_C(1) << CALL_CODE_ACCOUNT,
	.may = account_is_pressed,
	.pressed = account_begin,
	.key = account_on_digit,
	.overdue = account_overdue,
	.drop = account_drop,
};

const struct module account_module = {
	.codes = &account_codes,
	.name = "account",
	.resumed = account_resume,
	.orders = account_orders,
};
