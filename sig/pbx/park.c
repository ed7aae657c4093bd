/* SPDX-License-Identifier: Apache-2.0 */
/* Parking: carries out what park.h describes, for the call of the waiting party. It claims the slot
 * (slot.c), announces it to the parking user, keeps the party waiting, asserts the claim after a
 * restart or a loss in the store, and returns the party to the parking user's phones when it has
 * waited too long. A call forwarded to a slot (PARK-07) is a step of its plan that is answered once
 * the slot is claimed. Return times derive from the record, so a successor comes to the same. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/invite.h"
#include "sig/call/order.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/dial/dial.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/leg/leg.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/join.h"
#include "sig/pbx/meetme.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/retrieve.h"
#include "sig/pbx/slot.h"

enum {
	/* the store answers within its own deadline; this is for none at all */
	CLAIM_WAIT_MS = 5000,
	CLAIM_AGAIN_MS = 2000,
	RETURN_RINGS_MS = 20000,
	RETURN_AGAIN_MS = 2000, /* just now its call is busy with something else */
	CONFIRM_MAX = 512,
	GIVER_BACK_MS = 2000, /* for so long a phone that was told to end its hold is waited for */
};

bool park_has(const struct call *c, struct bytes slot)
{
	const struct transfer *t = c->transfer;

	if (c->state == CALL_ENDING)
		return false;
	return (c->park && bytes_is(slot, c->park->slot)) ||
	       (t && t->state == TRANSFER_WAITING && bytes_is(slot, t->slot.number));
}

/* ---- on its way ---- */

enum refusal park_start(struct call *c, const struct transfer_request *ask,
			const struct park_place *place, const struct shard_order *by)
{
	enum refusal r = curl_transfer_start(c, ask, (struct bytes){ 0 }, (struct bytes){ 0 });

	if (r)
		return r;
	static_assert((int)PARK_PLACE_LEN == (int)PARK_SLOT_LEN + 1, "copied whole");
	memcpy(c->transfer->slot.number, place->slot, sizeof(place->slot));
	memcpy(c->transfer->slot.last, place->last, sizeof(place->last));
	if (by) {
		c->transfer->slot.order = by->id;
		c->transfer->slot.ticket = by->ticket;
	}
	return 0;
}

bool park_waits_for(struct call *c, const struct shard_order *by)
{
	struct transfer *t = c->transfer;

	if (!by || !t || t->state != TRANSFER_WAITING || t->slot.order != by->id)
		return false;
	t->slot.ticket = by->ticket;
	return true;
}

/* The user of the leg that is bridged with the parked one. */
static struct bytes giver_of(const struct call *c)
{
	const struct leg *l = call_leg(c, c->transfer->leg);

	if (!l)
		return (struct bytes){ 0 };
	return l->user.n ? text_bytes(&l->user) : call_leg_user(c, c->transfer->leg);
}

static void claim_slot(struct call_host *h, struct call *c)
{
	struct transfer *t = c->transfer;

	t->slot.serial =
		slot_claim(h, c, t->slot.number, giver_of(c),
			   (struct slot_party){ call_leg(c, t->given), call_leg_user(c, t->given) },
			   slot_shown_ms(h));
	t->again_ns = h->now.ns + CLAIM_WAIT_MS * NS_PER_MS;
}

/* The order was carried out, and its answer waits for the save. */
static void slot_order_answer(struct call_host *h, struct call *c, const struct transfer_slot *slot)
{
	const struct shard_order by = { .id = slot->order, .ticket = slot->ticket };
	const struct order_kept *kept = by.id ? orders_keep(&c->orders, by.id) : NULL;

	if (by.ticket)
		order_wait(h, c, &by, kept ? kept->number : 0);
}

void park_failed(struct call_host *h, struct call *c, uint16_t status)
{
	struct transfer_slot *slot = &c->transfer->slot;
	struct effect *e = slot->ticket ? effects_add(h->effects, EFFECT_ORDERED, c->id, 0) : NULL;

	if (slot->serial)
		slot_free(h, c->tenant, bytes_str(slot->number), c->id);
	if (e)
		*(struct request_ordered *)e->request = (struct request_ordered){
			.ticket = slot->ticket, .status = status, .owner = slot->owner
		};
	slot->serial = slot->ticket = 0;
}

static void publish(struct call_host *h, const struct call *c, enum sig_event_kind kind)
{
	event_put_str(call_publish(h, c, kind), EV_SLOT, c->park->slot);
	LOG_INFO("call", c->id,
		 kind == SIG_CALL_PARKED ? "a party is parked" : "a parked party is retrieved",
		 LOG_STR("slot", c->park->slot),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))));
}

/* Holds and the like between the two end. from: the staying party. */
static void stay_alone(struct call_host *h, struct call *c, struct text *from)
{
	struct transfer *t = c->transfer;

	t->other = c->bridge;
	pair_leave_one(h, c, t->given, CAUSE_TRANSFERRED,
		       t->ordered ? ENDED_BY_OPERATOR : call_ended_by(c, t->leg));
	text_clear(&c->to);
	text_clear(&c->from);
	c->from = *from;
	*from = (struct text){ 0 };
	if (!call_application(c).n)
		plan_clear(&c->plan);
}

static int park_fill(struct call_host *h, struct call *c, struct text *from)
{
	if (text_set(from, call_leg_user(c, c->transfer->given)))
		return -ENOMEM;
	return park_make(&c->park, bytes_str(c->transfer->slot.number), giver_of(c),
			 slot_shown_ms(h));
}

/* The phone that parked is told the slot by MESSAGE (RFC 3428) in the dialog that it is about to
 * leave, once that is saved. */
static void confirm_slot(struct call_host *h, struct call *c)
{
	const struct transfer *t = c->transfer;
	struct leg *l = call_leg(c, t->leg);
	uint8_t space[CONFIRM_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct dialog_request r = { .method = SIP_MESSAGE,
				    .max_forwards = -1,
				    .content_type = BYTES_LIT("text/plain") };
	struct outbox_item item = { .kind = OUTBOX_RELAY, .leg = t->leg };
	struct txn_slot *slot;

	if (!l || !l->user.n || !tenants_terms(h->settings->tenants, c->tenant)->park_confirm)
		return;
	writer_bytes(&w, call_leg_user(c, t->given));
	writer_str(&w, " waits in slot ");
	writer_str(&w, t->slot.number);
	r.body = writer_done(&w);
	slot = leg_request(h, &l->dialog, &r, TXN_USER_NONE);
	if (!slot)
		return;
	item.txn = slot->self;
	if (!outbox_push(&c->out, &item))
		relay_on_saved(h, slot->self);
}

/* The slot is the call's. */
static void park_now(struct call_host *h, struct call *c)
{
	struct transfer_slot slot = c->transfer->slot;
	struct text from = { 0 };

	outbox_touch(&c->out);
	if (park_fill(h, c, &from)) {
		text_clear(&from);
		transfer_refuse(h, c, 500);
		return;
	}
	prompts_stop(h, c);
	confirm_slot(h, c);
	if (c->transfer->leg != LEG_NONE)
		stay_alone(h, c, &from);
	text_clear(&from);
	publish(h, c, SIG_CALL_PARKED);
	transfer_done(h, c);
	slot_order_answer(h, c, &slot);
	session_refresh(h, c);
}

/* The parking user can hear a prompt. */
static bool giver_listens(const struct call *c)
{
	const struct leg *l = call_leg(c, c->transfer->leg);

	return l && l->state == LEG_CONFIRMED && !l->holds && !l->held;
}

/* A phone with the call on hold would not hear a prompt: one with Event: talk is asked, once, to
 * resume. Returns true while it may still do so. */
static bool giver_comes_back(struct call_host *h, struct call *c)
{
	struct transfer *t = c->transfer;
	const struct leg *l = call_leg(c, t->leg);

	if (!l || l->state != LEG_CONFIRMED || !l->holds || l->held)
		return false;
	if (!t->slot.called) {
		t->slot.called = true;
		t->again_ns = order_talk(h, c, t->leg) ? 0 : h->now.ns + GIVER_BACK_MS * NS_PER_MS;
	}
	return t->again_ns != 0;
}

/* The slot is announced to the parking user, while the parked party hears music (FEATURES PARK-02).
 * Returns true until that is over. A successor announces it again. */
static bool slot_is_announced(struct call_host *h, struct call *c)
{
	struct prompt_terms terms = { .files = { PROMPT_BY_NAME "parked" },
				      .file_count = 2,
				      .times = 1 };
	struct transfer *t = c->transfer;
	struct writer w = writer_over(terms.files[1], sizeof(terms.files[1]) - 1);

	if (t->slot.spoken || prompts_are_announcing(c)) {
		t->slot.spoken = true;
		return prompts_are_announcing(c);
	}
	if (tenants_terms(h->settings->tenants, c->tenant)->park_spoken && giver_comes_back(h, c))
		return true;
	t->slot.spoken = true;
	if (!tenants_terms(h->settings->tenants, c->tenant)->park_spoken || !giver_listens(c))
		return false;
	WRITER_TEXTS(&w, PROMPT_DIGITS, t->slot.number);
	return prompts_announce(h, c, t->leg, &terms, terms.file_count);
}

/* The parking user hangs up during or before the announcement: it is not needed. */
static bool park_on_request(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct transfer *t = c->transfer;

	if (ev->message->method != SIP_BYE)
		return false;
	if (t && t->state == TRANSFER_WAITING && t->slot.claimed &&
	    (t->slot.called || prompts_are_announcing(c)) && t->leg == ev->leg)
		park_now(h, c);
	return false;
}

void park_unclaimed(struct call_host *h, struct call *c)
{
	if (c->transfer->slot.claimed)
		return;
	outbox_touch(&c->out);
	transfer_refuse(h, c, 503);
}

void park_go_on(struct call_host *h, struct call *c)
{
	struct transfer *t = c->transfer;

	if (t->slot.claimed) {
		if (!slot_is_announced(h, c))
			park_now(h, c);
	} else if (h->degraded) {
		park_unclaimed(h, c);
	} else if (!t->slot.serial && c->out.acked == c->out.version) {
		claim_slot(h, c);
	}
}

static void slot_on_claim(struct call_host *h, struct call *c, const struct park_reply *new_state)
{
	struct transfer_slot *slot = &c->transfer->slot;

	if (new_state->told == PARK_OK) {
		slot->claimed = true;
		return;
	}
	if (new_state->told == PARK_TAKEN && slot_is_orphan(h, slot->number, new_state->owner)) {
		slot_free(h, c->tenant, bytes_str(slot->number), new_state->owner);
		claim_slot(h, c);
		return;
	}
	if (new_state->told == PARK_TAKEN && slot_advance(slot->number, slot->last)) {
		claim_slot(h, c);
		return;
	}
	if (new_state->told == PARK_TAKEN) {
		slot->owner = slot->last[0] ? 0 : new_state->owner;
		slot->serial = 0;
	}
	outbox_touch(&c->out);
	transfer_refuse(h, c, new_state->told == PARK_TAKEN ? 486 : 503);
}

/* ---- there ---- */

static void claim_again(struct call_host *h, struct call *c)
{
	struct park *p = c->park;

	p->serial = slot_claim(h, c, p->slot, text_bytes(&p->by),
			       (struct slot_party){ call_caller(c), text_bytes(&c->from) },
			       p->since_utc_ms);
	p->again_ns = h->now.ns + CLAIM_WAIT_MS * NS_PER_MS;
}

/* ---- a call that is sent on to a slot ---- */

#define IN_VAIN UINT64_MAX /* in place of a serial: the slot is another call's */

/* The next target in the callee's forwarding is tried, or the caller gets the reason. */
static void asked_in_vain(struct call_host *h, struct call *c, uint16_t status)
{
	const struct call_ending e = { .cause = CAUSE_UNREACHABLE,
				       .by = ENDED_BY_NODE,
				       .status = status };
	bool next;

	LOG_INFO("call", c->id, "a call is not sent on to a slot", LOG_STR("slot", c->park->slot),
		 LOG_U64("status", status));
	if (c->park->serial)
		slot_free(h, c->tenant, bytes_str(c->park->slot), c->id);
	c->park->serial = IN_VAIN;
	outbox_touch(&c->out);
	next = plan_next(h, c, status == 486 ? PLAN_BUSY : PLAN_UNREACHABLE);
	if (c->park && c->park->serial == IN_VAIN) /* no other slot is asked for */
		park_clear(&c->park);
	if (!next)
		call_untaken(h, c, &e);
}

/* The slot is the call's: its caller is answered, and waits there. */
static void asked_well(struct call_host *h, struct call *c)
{
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };
	struct park *p = c->park;
	enum refusal refused;

	outbox_touch(&c->out);
	p->asks = false;
	p->last[0] = '\0';
	p->serial = p->again_ns = 0;
	p->since_utc_ms = slot_shown_ms(h);
	refused = wait_answer_caller(h, c, &refusal);
	if (refused)
		wait_refuse(h, c, &refusal);
	else
		publish(h, c, SIG_CALL_PARKED);
}

static void asked_claim(struct call_host *h, struct call *c)
{
	struct park *p = c->park;

	p->serial = slot_claim(h, c, p->slot, text_bytes(&p->by),
			       (struct slot_party){ call_caller(c), text_bytes(&c->from) },
			       slot_shown_ms(h));
}

static void asked_on_claim(struct call_host *h, struct call *c, const struct park_reply *new_state)
{
	struct park *p = c->park;

	if (new_state->told == PARK_OK) {
		asked_well(h, c);
	} else if (new_state->told == PARK_TAKEN && slot_is_orphan(h, p->slot, new_state->owner)) {
		slot_free(h, c->tenant, bytes_str(p->slot), new_state->owner);
		asked_claim(h, c);
	} else if (new_state->told == PARK_TAKEN && slot_advance(p->slot, p->last)) {
		asked_claim(h, c);
	} else {
		p->serial = new_state->told == PARK_TAKEN ? 0 : p->serial;
		asked_in_vain(h, c, new_state->told == PARK_TAKEN ? 486 : 503);
	}
}

/* As in a transfer: that it is to be is saved before. */
static void ask_go(struct call_host *h, struct call *c)
{
	if (h->degraded)
		asked_in_vain(h, c, 503);
	else if (!c->park->serial && c->out.acked == c->out.version)
		asked_claim(h, c);
}

/* ---- it waits ---- */

/* Another one has it: what the party has is its call, until the slot is free again. */
static void claim_on_reply(struct call_host *h, struct call *c, const struct park_reply *new_state)
{
	struct park *p = c->park;

	p->serial = 0;
	p->again_ns = new_state->told == PARK_OK ? 0 : h->now.ns + CLAIM_AGAIN_MS * NS_PER_MS;
	if (new_state->told != PARK_TAKEN)
		return;
	LOG_WARN("call", c->id, "the slot of a parked party is another's",
		 LOG_STR("slot", p->slot));
	if (slot_is_orphan(h, p->slot, new_state->owner)) {
		slot_free(h, c->tenant, bytes_str(p->slot), new_state->owner);
		claim_again(h, c);
	}
}

/* What the store has in the slot. */
static void park_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	const struct park_reply *new_state = &reply->park;
	const struct transfer *t = c->transfer;

	if (t && t->state == TRANSFER_WAITING && t->slot.serial &&
	    t->slot.serial == new_state->serial)
		slot_on_claim(h, c, new_state);
	else if (slot_step_asks(c) && c->park->serial == new_state->serial)
		asked_on_claim(h, c, new_state);
	else if (c->park && c->park->serial && c->park->serial == new_state->serial)
		claim_on_reply(h, c, new_state);
	else if (retrieve_waits(c) && c->plan.serial == new_state->serial)
		retrieve_on_result(h, c, new_state);
	else if (conference_waits(c))
		meetme_on_owner(h, c, new_state);
}

/* ---- who takes it from there ---- */

static bool is_picked(const struct call_host *h, const struct call *c)
{
	return pick_is_promised(h, c) || c->transfer;
}

/* The parking user's phones ring for it, without an answer yet. */
static bool is_coming_back(const struct call *c)
{
	const struct transfer *t = c->transfer;

	return c->park && t && t->leg == LEG_NONE && t->ordered && t->state == TRANSFER_RINGING &&
	       (c->state == CALL_SETUP || c->state == CALL_RINGING) &&
	       bytes_eq(text_bytes(&c->to), text_bytes(&c->park->by));
}

void park_yield(struct call_host *h, struct call *c)
{
	if (!is_coming_back(c))
		return;
	LOG_INFO("call", c->id, "somebody takes a parked party while it comes back",
		 LOG_STR("slot", c->park->slot));
	transfer_call_off(h, c);
}

static bool may_pick_now(struct call_host *h, uint64_t owner, struct bytes slot)
{
	const struct call_event yield = { .kind = CALL_EV_YIELD };
	const struct call *c = h->services->calls->find(h->owner, owner);

	if (is_coming_back(c) && !pick_is_promised(h, c)) {
		h->services->calls->step(h->owner, owner, &yield);
		c = h->services->calls->find(h->owner, owner);
	}
	return c && park_has(c, slot) && c->park && call_is_alone(c) && !is_picked(h, c);
}

bool park_may_pick(struct call_host *h, uint16_t tenant, uint64_t owner, struct bytes slot)
{
	const struct call *c = h->services->calls->find(h->owner, owner);

	if (c && c->tenant == tenant && park_has(c, slot))
		return may_pick_now(h, owner, slot);
	if (c && c->tenant != tenant)
		return false;
	slot_free(h, tenant, slot, owner);
	return false;
}

static void park_leave(struct call_host *h, struct call *c, bool retrieved)
{
	if (retrieved)
		publish(h, c, SIG_CALL_RETRIEVED);
	slot_free(h, c->tenant, bytes_str(c->park->slot), c->id);
	park_clear(&c->park);
	outbox_touch(&c->out);
}

void park_end(struct call_host *h, struct call *c)
{
	park_leave(h, c, false);
}

/* A ringing phone may not answer. */
static bool is_retrieved(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && call_callee(c) &&
	       !(c->transfer && c->transfer->state == TRANSFER_RINGING);
}

/* ---- return ---- */

/* By when it was parked: a successor comes to the same time. */
static void return_wait(const struct call_host *h, struct park *p)
{
	uint64_t time_ns = h->settings->calls.park_return_ns, shown_ms = slot_shown_ms(h),
		 waited_ns = 0;

	if (shown_ms > p->since_utc_ms)
		waited_ns = (shown_ms - p->since_utc_ms) * NS_PER_MS;
	p->return_ns = time_ns && p->by.n ? h->now.ns + time_ns - waited_ns % time_ns : 0;
}

/* The phones of the parking user ring, as by a transfer without transferor; if none answers, the
 * party stays parked. */
static void return_now(struct call_host *h, struct call *c)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };
	struct park *p = c->park;

	p->return_ns = h->now.ns + RETURN_AGAIN_MS * NS_PER_MS;
	if (!call_is_alone(c) || is_picked(h, c))
		return;
	if (curl_transfer_start(c, &ask, text_bytes(&p->by), (struct bytes){ 0 }))
		return;
	LOG_INFO("call", c->id, "a parked party comes back to the extension that parked it",
		 LOG_STR("slot", p->slot), LOG_BYTES("to", cdr_number(h, c, text_bytes(&p->by))));
	p->rings_until_ns = h->now.ns + RETURN_RINGS_MS * NS_PER_MS;
	return_wait(h, p);
	outbox_touch(&c->out);
}

static void return_go(struct call_host *h, struct call *c)
{
	struct park *p = c->park;

	if (!c->transfer)
		p->rings_until_ns = 0;
	else if (p->rings_until_ns && c->ring_ns > p->rings_until_ns)
		c->ring_ns = p->rings_until_ns;
	if (!p->return_ns)
		return_wait(h, p);
}

static void park_go(struct call_host *h, struct call *c)
{
	if (!c->park || c->state == CALL_ENDING)
		return;
	if (slot_step_asks(c)) {
		ask_go(h, c);
		return;
	}
	if (is_retrieved(c)) {
		park_leave(h, c, true);
		return;
	}
	return_go(h, c);
}

static bool park_waits(const struct call *c)
{
	return c->state != CALL_ENDING && !slot_step_asks(c) && !is_retrieved(c);
}

static const struct deadline park_deadlines[] = {
	{ .name = "park claim",
	  .owner = offsetof(struct call, park),
	  .at = offsetof(struct park, again_ns),
	  .on = park_waits,
	  .due = claim_again },
	{ .name = "park return",
	  .owner = offsetof(struct call, park),
	  .at = offsetof(struct park, return_ns),
	  .on = park_waits,
	  .due = return_now },
	{ 0 },
};

/* The store may have lost the slot. */
static void park_assert(const struct call_host *h, struct call *c)
{
	if (slot_step_asks(c))
		c->park->serial = 0;
	else if (c->park)
		c->park->again_ns = h->now.ns;
}

static void park_resume(struct call_host *h, struct call *c)
{
	park_assert(h, c);
}

static void park_on_store(struct call_host *h, struct call *c, const struct call_event *ev)
{
	(void)ev;
	park_assert(h, c);
}

/* Where its party goes to another call it was retrieved. */
static void park_over(struct call_host *h, struct call *c)
{
	if (c->park)
		park_leave(h, c, c->cause == CAUSE_TRANSFERRED);
}

/* A call that is forwarded to a slot (PARK-07): a step of its plan that rings no phone. If the call
 * gets the slot, the node answers the caller, who waits there as if parked by the forwarding user.
 * If not, the plan goes on. */

/* The store answers within its own deadline. */
enum { SLOT_WAIT_MS = 5000 };

/* The forwarding user; empty: it was dialled. */
static struct bytes sent_by(const struct call *c)
{
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];

	return last->from == PLAN_FIRST ? (struct bytes){ 0 }
					: text_bytes(&c->plan.steps[last->from].user);
}

/* The last step's number is what parks there, as who sends the call on dials it. */
static bool slot_step_find(const struct call_host *h, const struct call *c, struct park_place *out)
{
	struct bytes by = sent_by(c);

	return by.n && h->services->parking->dialled_slot(
			       h->owner, c->tenant, by,
			       text_bytes(&c->plan.steps[c->plan.count - 1].user), out);
}

/* Not for a party that waits already. For one that is transferred, the transferor is told of
 * success when it waits there. */
static enum refusal slot_step_start(struct call_host *h, struct call *c,
				    const struct park_place *place, struct bytes display,
				    struct call_refusal *refusal)
{
	if (c->park && !c->park->asks)
		return call_refuse(refusal, REFUSED_FORWARD);
	park_clear(&c->park); /* the one before was not its own */
	if (park_make(&c->park, bytes_str(place->slot), sent_by(c), h->now.utc_ms) ||
	    call_name_set(c, display))
		return call_refuse(refusal, REFUSED_MEMORY);
	static_assert((int)PARK_PLACE_LEN == (int)PARK_SLOT_LEN + 1, "copied whole");
	memcpy(c->park->last, place->last, sizeof(place->last));
	c->park->asks = true;
	c->bridge.callee = LEG_NONE;
	c->ring_ns = 0;
	c->plan.until_ns = h->now.ns + SLOT_WAIT_MS * NS_PER_MS;
	outbox_touch(&c->out);
	return 0;
}

static bool park_dialled(struct call_host *h, struct call *c, const struct plan_target *at,
			 enum refusal *refused, struct call_refusal *refusal)
{
	struct park_place place;

	if (!slot_step_find(h, c, &place))
		return false;
	*refused = slot_step_start(h, c, &place, at->display, refusal);
	return true;
}

static bool park_answers(const struct call_host *h, const struct call *c, struct bytes user,
			 struct bytes number)
{
	struct park_place unused;

	return h->services->parking->dialled_slot(h->owner, c->tenant, user, number, &unused);
}

/* ---- events ---- */

/* The store did not report in time whether the call has the slot that it was forwarded to. */
static bool park_overdue(struct call_host *h, struct call *c)
{
	bool asks = slot_step_asks(c);

	if (asks)
		asked_in_vain(h, c, 503);
	return asks;
}

static void park_on_yield(struct call_host *h, struct call *c, const struct call_event *ev)
{
	(void)ev;
	park_yield(h, c);
}

static enum refusal order_park(struct call_host *h, struct call *c, struct call_order *order)
{
	struct transfer_request ask = { .ordered = true };
	struct park_place place = { 0 };
	uint8_t stays;
	enum refusal r;

	(void)h;
	order->later = true;
	if (park_waits_for(c, order->by))
		return 0;
	r = transfer_is_under_way(h, c) ? REFUSED_TRANSFER_OPEN
					: transfer_order_leg(c, order->leg, &stays);
	if (r)
		return r;
	if (c->park && !c->park->asks) {
		order->later = false;
		return order->last.n || bytes_is(order->to, c->park->slot)
			       ? REFUSED_NOT
			       : REFUSED_PARKED_IN_OTHER;
	}
	ask.leg = bridge_peer(c, stays);
	if (bytes_cstr(order->to, place.slot, sizeof(place.slot)) ||
	    bytes_cstr(order->last, place.last, sizeof(place.last)))
		return REFUSED_MALFORMED;
	return park_start(c, &ask, &place, order->by);
}

/* ---- pressed in a call, where a phone knows no REFER ---- */

static const struct shard_extension *park_presser(const struct call_host *h, const struct call *c,
						  uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	return l->user.n && !l->trunk.n ? h->services->directory->extension(h->owner, c->tenant,
									    text_bytes(&l->user))
					: NULL;
}

static bool park_is_pressed(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct shard_extension *e = park_presser(h, c, leg);

	return e && extension_may(h->settings->tenants, e, ENTITLED_PARK);
}

/* As if the phone had transferred the party to codes.park and those digits. */
static void park_entered(struct call_host *h, struct call *c, uint8_t leg, struct bytes digits)
{
	const struct transfer_request ask = { .leg = leg, .ordered = true };
	char number[FEATURE_CODE_LEN + LEG_ENTRY_MAX];
	struct writer w = writer_over(number, sizeof(number));
	enum refusal r = REFUSED_NOT_FOUND;
	struct feature_codes codes;
	struct park_place place;

	dial_plan_codes(dial_plans_of(h->settings->dials, c->tenant), &h->settings->codes, &codes);
	writer_str(&w, codes.code[FEATURE_PARK]);
	writer_bytes(&w, digits);
	if (transfer_is_under_way(h, c))
		r = REFUSED_TRANSFER_OPEN;
	else if (codes.code[FEATURE_PARK][0] &&
		 h->services->parking->dialled_slot(h->owner, c->tenant,
						    text_bytes(&c->legs[leg]->user),
						    writer_done(&w), &place))
		r = park_start(c, &ask, &place, NULL);
	if (r)
		LOG_INFO("call", c->id, "an in-call code was refused", LOG_U64("leg", leg),
			 LOG_STR("code", call_code_key(CALL_CODE_PARK)),
			 LOG_STR("reason", refusals[r].words));
}

static const struct module_codes park_codes = {
	.codes = UINT32_C(1) << CALL_CODE_PARK,
	.may = park_is_pressed,
	.entered = park_entered,
};

static const struct module_order park_orders[] = {
	{ ORDER_PARK, NEEDS_NOBODY, order_park },
	{ 0 },
};

static const struct module_event park_events[] = {
	{ CALL_EV_ASSERT, park_on_store },
	{ CALL_EV_YIELD, park_on_yield },
	{ 0 },
};

static const struct module_reply park_replies[] = {
	{ ASK_PARK, park_replied },
	{ 0 },
};

const struct module park_module = {
	.dialled = park_dialled,
	.answers = park_answers,
	.codes = &park_codes,
	.orders = park_orders,
	.events = park_events,
	.replied = park_replies,
	.request = park_on_request,
	.overdue = park_overdue,
	.settle = park_go,
	.deadlines = park_deadlines,
	.resumed = park_resume,
	.over = park_over,
};
