/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/account.h"

#include <stdlib.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/order.h"
#include "sig/host/settings.h"
#include "sig/leg/leg.h"
#include "sig/model/call.h"
#include "sig/model/recording.h"
#include "sig/model/saved.h"

static bool account_check(struct schema_reader *r, void *object)
{
	struct account_digits *keys = object;

	if (!account_digits_are_good(bytes_mem(keys->list, keys->count)))
		return false;
	saved_forget_old(r, &keys->until_ns);
	return true;
}

static const struct schema account_rows[] = {
	{ "list", 1, SCHEMA_CHARS, SCHEMA_AT(struct account_digits, list),
	  .count = offsetof(struct account_digits, count), .max = ACCOUNT_DIGITS_MAX - 1,
	  .wrong = "leg: account code" },
	{ "until_utc_ms", 2, SCHEMA_HAND, SCHEMA_AT(struct account_digits, until_ns),
	  .write = saved_until_write, .read = saved_until_read },
	{ 0 },
};

const struct schema account_saved[] = {
	{ "account", 36, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct leg, account, struct account_digits), .of = account_rows,
	  .check = account_check, .wrong = "leg: account code" },
	{ 0 },
};

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
	if (recorded && h->settings->recording_account == RECORD_ACCOUNT_REFUSED) {
		account_publish(h, c, SIG_CALL_ACCOUNT_REFUSED, leg);
		return REFUSED_RECORDED;
	}
	r = account_change(h, c, leg, code);
	if (!r && recorded && h->settings->recording_account == RECORD_ACCOUNT_ENDS)
		account_ends_call(h, c, leg);
	return r;
}

/* ---- pressed ---- */

bool account_is_pressed(const struct call_host *h, const struct call *c, uint8_t leg)
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

void account_begin(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

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

void account_drop(struct call *c, uint8_t leg)
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

bool account_on_digit(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf)
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

void account_overdue(struct call_host *h, struct call *c, uint8_t leg)
{
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

const struct module account_module = {
	.name = "account",
	.resumed = account_resume,
	.orders = account_orders,
};
