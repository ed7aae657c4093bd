/* SPDX-License-Identifier: Apache-2.0 */
/* INVITE with Replaces (RFC 3891), as replace.h describes: the new call waits without a peer, and
 * once its ACK has come asks the call of the replaced leg to take it by a transfer. The request
 * goes between two calls of one shard as an event, never within the step of the one that asks. If
 * the other call ends first or refuses, the new one ends by itself with 481. */

#include "sig/pbx/replace.h"

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/call/session.h"
#include "sig/model/flow_run.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/transfer.h"

enum { REPLACE_AGAIN_MS = 20 };

static enum refusal replace_refuse(struct call_refusal *refusal, uint16_t status, const char *text)
{
	(void)call_refuse_as(refusal, status, REFUSED_REPLACES);
	refusal->text = text;
	return REFUSED_REPLACES;
}

enum refusal replace_start(struct call_host *h, struct call *c, const struct call_replaces *what,
			   struct call_refusal *refusal)
{
	const struct call *of = h->services->calls->find(h->owner, what->call);
	const struct leg *place = of ? call_leg(of, what->leg) : NULL, *peer;
	uint8_t leg = c->bridge.caller;
	enum refusal refused;

	c->replaces = *what;
	c->replaces.random = place ? place->dialog.tag.random : 0;
	if (c->legs[leg]->uas->late)
		return replace_refuse(refusal, 488, "an INVITE with Replaces needs an offer");
	c->state = CALL_ANSWERING;
	c->status = 200;
	c->answer_utc_ms = h->now.utc_ms;
	refused = invite_answer_own(h, c, leg, refusal);
	peer = session_replaced_peer(h, c);
	if (!refused && !peer)
		refused = replace_refuse(refusal, 481, "the other party has hung up");
	if (!refused) {
		h->services->calls->step(h->owner, what->call,
					 &(struct call_event){ .kind = CALL_EV_PICK,
							       .version = c->id });
		return 0;
	}
	c->state = CALL_SETUP;
	c->answer_utc_ms = 0;
	return refused;
}

static bool replace_allowed(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && !invite_is_open(c);
}

/* Another step of the other call: what it is in the middle of is over then. */
static void replace_later(const struct call_host *h, struct call *c)
{
	c->replaces.due_ns = h->now.ns + REPLACE_AGAIN_MS * NS_PER_MS;
}

/* In a conference the leg is a member by itself, and the replaced one may have left. */
static void replace_forget(struct call *c)
{
	c->replaces = (struct call_replaces){ 0 };
	outbox_touch(&c->out);
}

bool replace_is_outdone(const struct call_host *h, const struct call *c, uint8_t leg, uint64_t by)
{
	const struct leg *l = call_leg(c, leg);
	const struct call *latest = l && l->replaced_by && l->replaced_by != by
					    ? h->services->calls->find(h->owner, l->replaced_by)
					    : NULL;

	return latest && latest->state < CALL_ENDING && latest->replaces.call == c->id &&
	       latest->replaces.leg == leg;
}

/* The leg has left, and another one has its number. */
static bool replace_is_another(const struct call *c, const struct call_replaces *r)
{
	const struct leg *l = call_leg(c, r->leg);

	return l && r->random && l->dialog.tag.random != r->random;
}

static void replace_request(struct call_host *h, struct call *c)
{
	const struct call *of = h->services->calls->find(h->owner, c->replaces.call);
	const struct call_ending e = { .cause = CAUSE_HANGUP, .by = ENDED_BY_NODE, .status = 481 };
	struct call_replacing r = { .by = c->id,
				    .leg = c->bridge.caller,
				    .refused = REFUSED_NO_CALL };
	const struct call_event ev = { .kind = CALL_EV_REPLACE,
				       .leg = c->replaces.leg,
				       .replacing = &r };

	if (of && replace_is_outdone(h, of, c->replaces.leg, c->id)) {
		replace_later(h, c);
		return;
	}
	if (of && !replace_is_another(of, &c->replaces))
		h->services->calls->step(h->owner, c->replaces.call, &ev);
	if (r.refused == REFUSED_TRANSFER_OPEN || r.refused == REFUSED_CHANGING) {
		replace_later(h, c);
		return;
	}
	c->replaces.asked = true;
	if (c->member) {
		replace_forget(c);
	} else if (r.refused && flow_picks(c)) {
		c->run->status = e.status;
		replace_forget(c);
	} else if (r.refused) {
		call_end(h, c, &e);
	}
}

static void replace_go(struct call_host *h, struct call *c)
{
	const struct call_replaces *r = &c->replaces;

	if (r->call && !r->asked && !r->due_ns && replace_allowed(c))
		replace_later(h, c);
}

static const struct deadline replace_deadlines[] = {
	{ .name = "replace",
	  .at = offsetof(struct call, replaces.due_ns),
	  .on = replace_allowed,
	  .due = replace_request },
	{ 0 },
};

/* A leg that waits for that leg's place, and for which nobody was asked yet, leaves it to this one:
 * its keys may never come. */
static bool replace_gives_way(struct call_host *h, struct call *c, uint8_t leg,
			      const struct transfer_with *with)
{
	const struct call_event over = { .kind = CALL_EV_HANGUP, .transferred = true };
	struct transfer *t = c->transfer;
	uint64_t former;

	if (!t || !t->replaced || t->state != TRANSFER_WAITING || t->met || t->leg != leg ||
	    leg == LEG_NONE)
		return false;
	former = t->with.call;
	t->with = *with;
	outbox_touch(&c->out);
	h->services->calls->step(h->owner, former, &over);
	return true;
}

/* The leg of this call is to be replaced. */
static void replace_on_event(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_replacing *by = ev->replacing;
	uint8_t leg = ev->leg;
	const struct transfer_request ask = { .leg = leg,
					      .replaced = true,
					      .ordered = leg == LEG_NONE };
	const struct transfer_with with = { .call = by->by, .leg = by->leg, .peer = LEG_NONE };
	const struct transfer *t = c->transfer;
	/* the process before this one may have asked */
	bool known = t && t->replaced && t->with.call == by->by;

	if (c->member) {
		by->refused = conference_yield(h, c, by->by);
		return;
	}
	if (leg == LEG_NONE)
		park_yield(h, c);
	by->refused = known || leg != LEG_NONE ? REFUSED_NOT : pick_up(h, c, by->by);
	if (!known && !by->refused && !replace_gives_way(h, c, leg, &with))
		by->refused = transfer_begin_with(c, &ask, &with);
	if (by->refused)
		return;
	/* not within the step of the requesting call */
	c->transfer->again_ns = h->now.ns + REPLACE_AGAIN_MS * NS_PER_MS;
	LOG_INFO("call", c->id, "a leg is to be replaced", LOG_U64("leg", leg));
}

static bool replace_begun(struct call_host *h, struct call *c, const struct call_start *start,
			  enum refusal *refused, struct call_refusal *refusal)
{
	if (!start->replaces.call)
		return false;
	*refused = replace_start(h, c, &start->replaces, refusal);
	return true;
}

/* The peer that it was to have has left, or cannot be bridged with it. */
static void replace_on_over(struct call_host *h, struct call *c, const struct call_event *ev)
{
	static const struct call_ending e = {
		.cause = CAUSE_TRANSFERRED,
		.by = ENDED_BY_A,
		.status = 487,
		.reason = BYTES_LIT(
			"Reason: SIP;cause=487;text=\"the other party has hung up\"\r\n")
	};

	(void)ev;
	if (flow_picks(c)) {
		c->run->status = e.status;
		replace_forget(c);
		return;
	}
	LOG_INFO("call", c->id, "the party to be taken over has hung up");
	call_end(h, c, &e);
}

static const struct module_event replace_events[] = {
	{ CALL_EV_REPLACE, replace_on_event },
	{ CALL_EV_PICK_OVER, replace_on_over },
	{ 0 },
};

/* What no dialled number explains. */
static const struct module_rank replace_ranks[] = { { HOOK_BEGUN, 2 }, { 0 } };

const struct module replace_module = {
	.ranks = replace_ranks,
	.events = replace_events,
	.begun = replace_begun,
	.settle = replace_go,
	.deadlines = replace_deadlines,
};
