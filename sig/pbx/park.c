/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/fork.h"
#include "sig/call/invite.h"
#include "sig/call/order.h"
#include "sig/call/originate.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/leg/leg.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/join.h"
#include "sig/pbx/meetme.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/remote_shard.h"
#include "sig/pbx/replace.h"
#include "sig/pbx/set.h"

static void retrieve_on_result(struct call_host *h, struct call *c, const struct park_news *news);

enum {
	/* the store answers within its own deadline; this is for none at all */
	CLAIM_WAIT_MS = 5000,
	CLAIM_AGAIN_MS = 2000,
	RETURN_RINGS_MS = 20000,
	RETURN_AGAIN_MS = 2000, /* just now its call is busy with something else */
	ENTRY_MAX = 256,
	CONFIRM_MAX = 512,
};

/* ---- what is asked of the store ---- */

static struct effect *park_ask(struct call_host *h, uint16_t tenant, enum park_act act,
			       struct bytes slot, uint64_t owner)
{
	const struct effect_ask ask = { .kind = EFFECT_PARK,
					.call = owner,
					.what = act,
					.tenant = bytes_str(
						tenants_name(h->settings->tenants, tenant)),
					.user = slot };

	return effects_ask(h->effects, &ask);
}

static void park_free(struct call_host *h, const struct call *c, const char *slot, uint64_t owner)
{
	(void)park_ask(h, c->tenant, PARK_FREE, bytes_str(slot), owner);
}

/* Who parked, who is parked, since when: with a space between them, for those who list slots. Its serial; 0: no memory. */
static uint64_t park_claim(struct call_host *h, const struct call *c, const char *slot,
			   struct bytes by, struct bytes party, uint64_t since_utc_ms)
{
	uint8_t space[ENTRY_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct effect *e = park_ask(h, c->tenant, PARK_CLAIM, bytes_str(slot), c->id);

	if (!e)
		return 0;
	writer_bytes(&w, by);
	writer_str(&w, " ");
	writer_bytes(&w, party);
	writer_fmt(&w, " %" PRIu64, since_utc_ms);
	if (w.overflow || text_set(&e->data, writer_done(&w)))
		LOG_WARN("call", c->id, "who is parked cannot be listed");
	e->version = rand_u64_from(h->rand) | 1;
	return e->version;
}

/* A call of this shard that is not parked there: what is left of one. */
static bool is_orphan(const struct call_host *h, const char *slot, uint64_t owner)
{
	const struct call *other = h->call_of ? h->call_of(h->owner, owner) : NULL;

	return id_shard(owner) == h->settings->number &&
	       (!other || !park_has(other, bytes_str(slot)));
}

bool park_has(const struct call *c, struct bytes slot)
{
	const struct transfer *t = c->transfer;

	if (c->state == CALL_ENDING)
		return false;
	return (c->park && bytes_is(slot, c->park->slot)) ||
	       (t && t->state == TRANSFER_WAITING && bytes_is(slot, t->slot.number));
}

/* ---- on its way ---- */

enum refusal park_begin(struct call *c, const struct transfer_ask *ask,
			const struct park_place *place, const struct shard_order *by)
{
	enum refusal r = transfer_begin(c, ask, (struct bytes){ 0 }, (struct bytes){ 0 });

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

/* Whose phone is beside the one that is parked. */
static struct bytes giver_of(const struct call *c)
{
	const struct leg *l = call_leg(c, c->transfer->leg);

	if (!l)
		return (struct bytes){ 0 };
	return l->user.n ? text_bytes(&l->user) : call_leg_user(c, c->transfer->leg);
}

/* For those who read it. */
static uint64_t shown_utc_ms(const struct call_host *h)
{
	return (uint64_t)((int64_t)h->now.utc_ms + h->wall_ms);
}

static void claim_slot(struct call_host *h, struct call *c)
{
	struct transfer *t = c->transfer;

	t->slot.serial = park_claim(h, c, t->slot.number, giver_of(c), call_leg_user(c, t->given),
				    shown_utc_ms(h));
	t->again_ns = h->now.ns + CLAIM_WAIT_MS * NS_PER_MS;
}

/* The order was carried out, and its answer waits for the save. */
static void tell_done(struct call_host *h, struct call *c, const struct transfer_slot *slot)
{
	const struct shard_order by = { .id = slot->order, .ticket = slot->ticket };
	const struct order_kept *kept = by.id ? orders_keep(&c->orders, by.id) : NULL;

	if (by.ticket)
		order_wait(h, c, &by, kept ? kept->number : 0);
}

void park_failed(struct call_host *h, struct call *c, uint16_t status)
{
	struct transfer_slot *slot = &c->transfer->slot;
	struct effect *e = slot->ticket ? effects_add(h->effects, EFFECT_ORDERED) : NULL;

	if (slot->serial)
		park_free(h, c, slot->number, c->id);
	if (e) {
		e->call = c->id;
		e->order = (struct effect_order){ .ticket = slot->ticket,
						  .status = status,
						  .owner = slot->owner };
	}
	slot->serial = slot->ticket = 0;
}

static void publish(struct call_host *h, const struct call *c, enum sig_event_kind kind)
{
	struct sig_event *event = call_publish_start(h, c, kind);

	if (event)
		(void)bytes_cstr(bytes_str(c->park->slot), event->slot, sizeof(event->slot));
	LOG_INFO("call", c->id,
		 kind == SIG_CALL_PARKED ? "a party is parked" : "a parked party is retrieved",
		 LOG_STR("slot", c->park->slot),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))));
}

/* What it has of the pair goes with the other one. from: who stays. */
static void stay_alone(struct call_host *h, struct call *c, struct text *from)
{
	struct transfer *t = c->transfer;
	uint8_t given = t->given;

	if (segment_end(h, c, CAUSE_TRANSFERRED,
			t->ordered ? ENDED_BY_OPERATOR : call_ended_by(c, t->leg)))
		LOG_WARN("call", c->id, "no memory for another CDR: this one goes on");
	split_orders_end(h, c, given, c->legs[given]);
	t->other = c->bridge;
	c->bridge = (struct bridge){ .caller = given, .callee = LEG_NONE, .offerer = given };
	c->answer_utc_ms = c->setup_utc_ms;
	c->status = 200;
	c->reoffer = REOFFER_CALLER;
	c->meet_ns = c->order_ns = 0;
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
			 shown_utc_ms(h));
}

/* The phone that parked it is told in which slot (RFC 3428), in the dialog that it is about to leave: when that is saved. */
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

	if (!l || !l->user.n || !tenants_park_confirm(h->settings->tenants, c->tenant))
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
	tell_done(h, c, &slot);
	session_refresh(h, c);
}

/* Whoever parks can hear a prompt. */
static bool giver_listens(const struct call *c)
{
	const struct leg *l = call_leg(c, c->transfer->leg);

	return l && l->state == LEG_CONFIRMED && !l->holds && !l->held;
}

/* The slot is said to whoever parks, while the other one hears music; true: that is not over (FEATURES PARK-02). Another process says it
 * again. */
static bool slot_is_said(struct call_host *h, struct call *c)
{
	char digits[sizeof(PROMPT_DIGITS) + PARK_SLOT_LEN];
	const char *const files[] = { PROMPT_BY_NAME "parked", digits };
	struct transfer *t = c->transfer;
	struct writer w = writer_over(digits, sizeof(digits) - 1);

	if (t->slot.spoken || prompts_are_announcing(c)) {
		t->slot.spoken = true;
		return prompts_are_announcing(c);
	}
	t->slot.spoken = true;
	if (!tenants_park_spoken(h->settings->tenants, c->tenant) || !giver_listens(c))
		return false;
	WRITER_TEXTS(&w, PROMPT_DIGITS, t->slot.number);
	digits[w.n] = '\0';
	return prompts_announce(h, c, t->leg, false, files, COUNT_OF(files));
}

/* Whoever parks and hears the slot hangs up: it need not be said to its end. */
static bool park_on_request(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct transfer *t = c->transfer;

	if (ev->message->method != SIP_BYE)
		return false;
	if (t && t->state == TRANSFER_WAITING && t->slot.claimed && prompts_are_announcing(c) &&
	    t->leg == ev->leg)
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
		if (!slot_is_said(h, c))
			park_now(h, c);
	} else if (h->degraded) {
		park_unclaimed(h, c);
	} else if (!t->slot.serial && c->out.acked == c->out.version) {
		claim_slot(h, c);
	}
}

/* It is the next one that is tried; a successor begins again where the record does. */
static bool slot_advance(char *number, const char *last)
{
	return last[0] && strcmp(number, last) != 0 && park_slot_next(number);
}

static void slot_told(struct call_host *h, struct call *c, const struct park_news *news)
{
	struct transfer_slot *slot = &c->transfer->slot;

	if (news->told == PARK_OK) {
		slot->claimed = true;
		return;
	}
	if (news->told == PARK_TAKEN && is_orphan(h, slot->number, news->owner)) {
		park_free(h, c, slot->number, news->owner);
		claim_slot(h, c);
		return;
	}
	if (news->told == PARK_TAKEN && slot_advance(slot->number, slot->last)) {
		claim_slot(h, c);
		return;
	}
	if (news->told == PARK_TAKEN) {
		slot->owner = slot->last[0] ? 0 : news->owner;
		slot->serial = 0;
	}
	outbox_touch(&c->out);
	transfer_refuse(h, c, news->told == PARK_TAKEN ? 486 : 503);
}

/* ---- there ---- */

static void claim_again(struct call_host *h, struct call *c)
{
	struct park *p = c->park;

	p->serial = park_claim(h, c, p->slot, text_bytes(&p->by), text_bytes(&c->from),
			       p->since_utc_ms);
	p->again_ns = h->now.ns + CLAIM_WAIT_MS * NS_PER_MS;
}

/* ---- a call that is sent on to a slot ---- */

#define IN_VAIN UINT64_MAX /* in place of a serial: the slot is another call's */

/* The next one of whose calls go there, or the caller hears why. */
static void asked_in_vain(struct call_host *h, struct call *c, uint16_t status)
{
	const struct call_ending e = { .cause = CAUSE_UNREACHABLE,
				       .by = ENDED_BY_NODE,
				       .status = status };
	bool next;

	LOG_INFO("call", c->id, "a call is not sent on to a slot", LOG_STR("slot", c->park->slot),
		 LOG_U64("status", status));
	if (c->park->serial)
		park_free(h, c, c->park->slot, c->id);
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
	p->since_utc_ms = shown_utc_ms(h);
	refused = wait_answer_caller(h, c, &refusal);
	if (refused)
		wait_refuse(h, c, &refusal);
	else
		publish(h, c, SIG_CALL_PARKED);
}

static void asked_claim(struct call_host *h, struct call *c)
{
	struct park *p = c->park;

	p->serial = park_claim(h, c, p->slot, text_bytes(&p->by), text_bytes(&c->from),
			       shown_utc_ms(h));
}

static void asked_told(struct call_host *h, struct call *c, const struct park_news *news)
{
	struct park *p = c->park;

	if (news->told == PARK_OK) {
		asked_well(h, c);
	} else if (news->told == PARK_TAKEN && is_orphan(h, p->slot, news->owner)) {
		park_free(h, c, p->slot, news->owner);
		asked_claim(h, c);
	} else if (news->told == PARK_TAKEN && slot_advance(p->slot, p->last)) {
		asked_claim(h, c);
	} else {
		p->serial = news->told == PARK_TAKEN ? 0 : p->serial;
		asked_in_vain(h, c, news->told == PARK_TAKEN ? 486 : 503);
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
static void claim_told(struct call_host *h, struct call *c, const struct park_news *news)
{
	struct park *p = c->park;

	p->serial = 0;
	p->again_ns = news->told == PARK_OK ? 0 : h->now.ns + CLAIM_AGAIN_MS * NS_PER_MS;
	if (news->told != PARK_TAKEN)
		return;
	LOG_WARN("call", c->id, "the slot of a parked party is another's",
		 LOG_STR("slot", p->slot));
	if (is_orphan(h, p->slot, news->owner)) {
		park_free(h, c, p->slot, news->owner);
		claim_again(h, c);
	}
}

/* It is not known yet who waits there. */
static bool retrieve_waits(const struct call *c)
{
	return set_waits_for(c, FEATURE_PARK) || set_waits_for(c, FEATURE_PICKUP);
}

/* What the store has in the slot. */
static void park_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	const struct park_news *news = &reply->park;
	const struct transfer *t = c->transfer;

	if (t && t->state == TRANSFER_WAITING && t->slot.serial && t->slot.serial == news->serial)
		slot_told(h, c, news);
	else if (slot_step_asks(c) && c->park->serial == news->serial)
		asked_told(h, c, news);
	else if (c->park && c->park->serial && c->park->serial == news->serial)
		claim_told(h, c, news);
	else if (retrieve_waits(c) && c->plan.serial == news->serial)
		retrieve_on_result(h, c, news);
	else if (conference_waits(c))
		meetme_on_owner(h, c, news);
}

/* ---- who takes it from there ---- */

/* Who waits there is asked for. The serial of the answer; 0: no memory. */
static uint64_t park_look(struct call_host *h, const struct call *c, struct bytes slot)
{
	struct effect *e =
		slot.n <= PARK_SLOT_LEN ? park_ask(h, c->tenant, PARK_LOOK, slot, c->id) : NULL;

	if (!e)
		return 0;
	e->version = rand_u64_from(h->rand) | 1;
	return e->version;
}

static bool is_picked(const struct call_host *h, const struct call *c)
{
	return pick_is_promised(h, c) || c->transfer;
}

/* The phones of who left it there ring for it, and none has answered. */
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
	const struct call *c = h->call_of(h->owner, owner);

	if (is_coming_back(c) && !pick_is_promised(h, c)) {
		h->tell(h->owner, owner, &yield);
		c = h->call_of(h->owner, owner);
	}
	return c && park_has(c, slot) && c->park && call_is_alone(c) && !is_picked(h, c);
}

bool park_may_pick(struct call_host *h, uint16_t tenant, uint64_t owner, struct bytes slot)
{
	const struct call *c = h->call_of ? h->call_of(h->owner, owner) : NULL;

	if (c && c->tenant == tenant && park_has(c, slot))
		return may_pick_now(h, owner, slot);
	if (c && c->tenant != tenant)
		return false;
	if (!park_ask(h, tenant, PARK_FREE, slot, owner))
		LOG_ERROR("call", owner, "no memory to free a slot");
	return false;
}

static void park_leave(struct call_host *h, struct call *c, bool retrieved)
{
	if (retrieved)
		publish(h, c, SIG_CALL_RETRIEVED);
	park_free(h, c, c->park->slot, c->id);
	park_clear(&c->park);
	outbox_touch(&c->out);
}

/* Who rings for it may not answer. */
static bool is_retrieved(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && call_callee(c) &&
	       !(c->transfer && c->transfer->state == TRANSFER_RINGING);
}

/* ---- nobody takes it ---- */

/* By when it was parked: a successor comes to the same time. */
static void return_wait(const struct call_host *h, struct park *p)
{
	uint64_t time_ns = h->settings->park_return_ns, shown_ms = shown_utc_ms(h), waited_ns = 0;

	if (shown_ms > p->since_utc_ms)
		waited_ns = (shown_ms - p->since_utc_ms) * NS_PER_MS;
	p->return_ns = time_ns && p->by.n ? h->now.ns + time_ns - waited_ns % time_ns : 0;
}

/* The phones of who parked it ring, as by a transfer that nobody gives: when none answers it is parked as before. */
static void return_now(struct call_host *h, struct call *c)
{
	const struct transfer_ask ask = { .leg = LEG_NONE, .ordered = true };
	struct park *p = c->park;

	p->return_ns = h->now.ns + RETURN_AGAIN_MS * NS_PER_MS;
	if (!call_is_alone(c) || is_picked(h, c))
		return;
	if (transfer_begin(c, &ask, text_bytes(&p->by), (struct bytes){ 0 }))
		return;
	LOG_INFO("call", c->id, "a parked party comes back to who parked it",
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

/* Another shard is asked for who waits there. */
static void park_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
			     uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (l->dialog.hop.transport == SIP_INTER_SHARD && l->state == LEG_EARLY &&
	    !(c->transfer && c->transfer->remote.shard) && c->tenant != TENANT_DEFAULT)
		WRITER_TEXTS(w, "Tandem-Tenant: ", call_tenant(h, c), "\r\n");
}

#define SLOT_NAME_BEGINS "slot-"
/* A node that is about to be given up does not delay who presses a key. */
enum { REMOTE_WAIT_MS = 300 };

static const struct plan_set *retrieve_step(const struct call *c)
{
	return c->plan.count ? &c->plan.steps[c->plan.count - 1].set : NULL;
}

/* Who is to be spoken with rings somebody, and waits in no slot. */
static bool retrieve_is_rung(const struct call *c)
{
	const struct plan_set *set = retrieve_step(c);

	return set && set->feature == FEATURE_PICKUP;
}

static void retrieve_begin(struct call_host *h, struct call *c, uint64_t owner);

/* Of other nodes, if there are any. */
static bool retrieve_ask_remote(struct call_host *h, struct call *c)
{
	c->plan.serial = h->picks_remote
				 ? h->picks_remote(h->owner, c->tenant, text_bytes(&c->from),
						   text_bytes(&retrieve_step(c)->number), c->id)
				 : 0;
	c->plan.until_ns = h->now.ns + REMOTE_WAIT_MS * NS_PER_MS;
	return c->plan.serial != 0;
}

static void retrieve_fail(struct call_host *h, struct call *c, uint16_t status, const char *text)
{
	LOG_INFO("call", c->id, "nobody is retrieved", LOG_STR("reason", text),
		 LOG_BYTES("from", text_bytes(&retrieve_step(c)->number)));
	set_refuse(h, c, status, text);
}

static void retrieve_rung(struct call_host *h, struct call *c)
{
	struct pick_news news = { .status = 404, .text = "nobody calls there" };

	if (h->picks)
		h->picks(h->owner, c->tenant, text_bytes(&c->from),
			 text_bytes(&retrieve_step(c)->number), &news);
	if (news.may && retrieve_ask_remote(h, c))
		return;
	if (news.call)
		retrieve_begin(h, c, news.call);
	else
		retrieve_fail(h, c, news.status, news.text);
}

static void retrieve_find_slot(struct call_host *h, struct call *c)
{
	if (retrieve_is_rung(c)) {
		retrieve_rung(h, c);
		return;
	}
	c->plan.serial = park_look(h, c, text_bytes(&retrieve_step(c)->number));
	c->plan.until_ns = h->now.ns + SET_WAIT_MS * NS_PER_MS;
}

/* ---- of another shard ---- */

static void retrieve_name_put(char out[RETRIEVE_NAME_MAX], uint64_t call, struct bytes slot)
{
	struct writer w = writer_over(out, RETRIEVE_NAME_MAX - 1);
	char id[ID_TEXT_LEN];

	id_call_put(id, call);
	writer_str(&w, SLOT_NAME_BEGINS);
	writer_bytes(&w, slot);
	writer_str(&w, "-");
	writer_bytes(&w, bytes_mem(id, sizeof(id)));
	out[w.overflow ? 0 : w.n] = '\0';
}

bool retrieve_name_get(struct bytes user, uint64_t *call, struct bytes *slot)
{
	if (!bytes_starts(user, SLOT_NAME_BEGINS))
		return false;
	user = bytes_from(user, sizeof(SLOT_NAME_BEGINS) - 1);
	return bytes_cut(&user, '-', slot) && park_slot_is(*slot) && !id_call_get(user, call);
}

/* rung: the call rings, else its party waits in the slot. */
static enum refusal ring_remote(struct call_host *h, struct call *c, uint64_t owner, bool rung,
				struct bytes slot, struct call_refusal *refusal)
{
	struct dialog_party party = { .local_display = text_bytes(&c->display),
				      .local_user = text_bytes(&c->from),
				      .remote_user = slot };
	char name[RETRIEVE_NAME_MAX];

	if (rung)
		pick_name_put(name, owner);
	else
		retrieve_name_put(name, owner, slot);
	if (!slot.n) /* To names somebody */
		party.remote_user = bytes_str(name);
	return remote_shard_ring_name(h, c, id_shard(owner), bytes_str(name), &party, refusal);
}

/* ---- */

static enum refusal retrieve_from(struct call_host *h, struct call *c, uint64_t owner, bool rung,
				  struct bytes slot, struct call_refusal *refusal)
{
	const struct call_replaces what = { .call = owner, .leg = LEG_NONE };

	if (id_shard(owner) != h->settings->number)
		return ring_remote(h, c, owner, rung, slot, refusal);
	outbox_touch(&c->out);
	return replace_begin(h, c, &what, refusal);
}

static void retrieve_begin(struct call_host *h, struct call *c, uint64_t owner)
{
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };
	bool rung = retrieve_is_rung(c);
	struct text slot = { 0 };
	enum refusal refused = text_set(&slot, text_bytes(&retrieve_step(c)->number))
				       ? REFUSED_MEMORY
				       : REFUSED_NOT;

	plan_stop(c);
	if (!refused) {
		plan_clear(&c->plan);
		refused = retrieve_from(h, c, owner, rung, text_bytes(&slot), &refusal);
	}
	text_clear(&slot);
	if (refused)
		wait_refuse(h, c, &refusal);
}

/* What was said of a call here may be past. */
static enum park_result rung_told_now(const struct call_host *h, const struct park_news *news)
{
	const struct call *rung;

	if (news->told != PARK_OK || id_shard(news->owner) != h->settings->number)
		return news->told;
	rung = h->call_of ? h->call_of(h->owner, news->owner) : NULL;
	if (!rung || !call_is_ringing(rung))
		return PARK_EMPTY;
	return pick_is_promised(h, rung) ? PARK_TAKEN : PARK_OK;
}

static void retrieve_rung_told(struct call_host *h, struct call *c, const struct park_news *news)
{
	enum park_result told = rung_told_now(h, news);
	uint16_t shard = id_shard(news->owner);

	if (told == PARK_TAKEN)
		retrieve_fail(h, c, 486, "somebody else takes the call");
	else if (told != PARK_OK)
		retrieve_fail(h, c, 404, "nobody calls there");
	else if (shard != h->settings->number && !remote_shard_is_reachable(h->settings, shard))
		retrieve_fail(h, c, 480, "the call that rings is on another node");
	else
		retrieve_begin(h, c, news->owner);
}

static void retrieve_slot_told(struct call_host *h, struct call *c, const struct park_news *news)
{
	struct bytes slot = text_bytes(&retrieve_step(c)->number);
	bool here = id_shard(news->owner) == h->settings->number;

	if (news->told == PARK_UNKNOWN || news->told == PARK_FULL)
		retrieve_fail(h, c, 503, "it is not known who waits there");
	else if (news->told != PARK_OK)
		retrieve_fail(h, c, 404, "nobody waits there");
	else if (here && !park_may_pick(h, c->tenant, news->owner, slot))
		retrieve_fail(h, c, 404, "nobody waits there any more");
	else if (!here && !remote_shard_is_reachable(h->settings, id_shard(news->owner)))
		retrieve_fail(h, c, 480, "who waits there is on another node");
	else
		retrieve_begin(h, c, news->owner);
}

/* Nobody is there, or it is not known: the caller hears why. */
static void retrieve_on_result(struct call_host *h, struct call *c, const struct park_news *news)
{
	if (retrieve_is_rung(c))
		retrieve_rung_told(h, c, news);
	else
		retrieve_slot_told(h, c, news);
}

static void retrieve_overdue(struct call_host *h, struct call *c)
{
	struct park_news news;

	if (!retrieve_is_rung(c) || !h->picked_remote) {
		retrieve_fail(h, c, 503, "it is not known who waits there");
		return;
	}
	h->picked_remote(h->owner, c->plan.serial, &news);
	retrieve_rung_told(h, c, &news);
}

/*
 * A call that is sent on to a slot (PARK-07): a step of its plan that rings no phone. When the slot is the call's the node answers the
 * caller, who waits there as one that was parked by whose calls go there. When it is not, the plan goes on.
 */

/* The store answers within its own deadline. */
enum { SLOT_WAIT_MS = 5000 };

/* Who sends the call on; empty: it was dialled. */
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

	return by.n && h->parks &&
	       h->parks(h->owner, c->tenant, by, text_bytes(&c->plan.steps[c->plan.count - 1].user),
			out);
}

/* The last step asks: a party that waits already does not. One that is transferred does: whoever gave it
 * hears that it is taken when it waits there. */
static enum refusal slot_step_begin(struct call_host *h, struct call *c,
				    const struct park_place *place, struct bytes display,
				    struct call_refusal *refusal)
{
	if (c->park && !c->park->asks)
		return call_refuse(refusal, REFUSED_FORWARD);
	park_clear(&c->park); /* the one before was not its own */
	if (park_make(&c->park, bytes_str(place->slot), sent_by(c), h->now.utc_ms) ||
	    text_set(&c->display, display))
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
	*refused = slot_step_begin(h, c, &place, at->display, refusal);
	return true;
}

/* ---- what it hears of a call ---- */

static void park_on_saved(struct call_host *h, struct call *c)
{
	if (retrieve_waits(c))
		retrieve_find_slot(h, c);
}

/* The store has not said in time whether the call has the slot that it was sent on to, or who waits there. */
static bool park_overdue(struct call_host *h, struct call *c)
{
	if (slot_step_asks(c))
		asked_in_vain(h, c, 503);
	else if (retrieve_waits(c))
		retrieve_overdue(h, c);
	else
		return false;
	return true;
}

static void park_on_yield(struct call_host *h, struct call *c, const struct call_event *ev)
{
	(void)ev;
	park_yield(h, c);
}

static enum refusal order_park(struct call_host *h, struct call *c, struct call_order *order)
{
	struct transfer_ask ask = { .ordered = true };
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
			       : REFUSED_PARKED_ELSEWHERE;
	}
	ask.leg = bridge_peer(c, stays);
	if (bytes_cstr(order->to, place.slot, sizeof(place.slot)) ||
	    bytes_cstr(order->last, place.last, sizeof(place.last)))
		return REFUSED_MALFORMED;
	return park_begin(c, &ask, &place, order->by);
}

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
	.name = "park",
	.dialled = park_dialled,
	.orders = park_orders,
	.events = park_events,
	.replied = park_replies,
	.request = park_on_request,
	.saved = park_on_saved,
	.overdue = park_overdue,
	.settle = park_go,
	.deadlines = park_deadlines,
	.resumed = park_resume,
	.over = park_over,
	.headers = park_write_lines,
};
