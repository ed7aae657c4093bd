/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the claimant of lease.h for each watched shard: it turns items of other nodes and answers of
 * Redis into events, and actions into calls of the handlers. app/node/claimant.c owns it and gives
 * it sockets and Redis. It also passes on the names of an own lease with their renewal, by which
 * others tell a newer list from an older one.
 */

#include "cluster/peer/claims.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct watched {
	uint16_t shard;
	bool looking;         /* Redis has not answered yet, */
	bool claiming;        /* likewise: */
	uint64_t claiming_ns; /* when the voters were asked */
	struct claim claim;
};

struct claims {
	uint64_t self, incarnation, length_ns;
	struct claims_handlers handlers;
	void *arg;
	struct watched list[CLAIMS_MAX];
	uint32_t count;
};

int claims_open(struct claims **out, uint64_t self, uint64_t incarnation, uint64_t length_ns,
		const struct claims_handlers *handlers, void *arg)
{
	struct claims *c = calloc(1, sizeof(*c));

	assert(self && incarnation);
	if (!c)
		return -ENOMEM;
	c->self = self;
	c->incarnation = incarnation;
	c->length_ns = length_ns;
	c->handlers = *handlers;
	c->arg = arg;
	*out = c;
	return 0;
}

void claims_close(struct claims *c)
{
	free(c);
}

/* ---- what is watched ---- */

static struct watched *watched_find(struct claims *c, uint16_t shard)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->list[i].shard == shard)
			return &c->list[i];
	}
	return NULL;
}

int claims_watch(struct claims *c, uint16_t shard, uint64_t now_ns)
{
	struct watched *w;

	assert(shard);
	if (watched_find(c, shard))
		return 0;
	if (c->count == CLAIMS_MAX)
		return -ENOSPC;
	w = &c->list[c->count++];
	*w = (struct watched){ .shard = shard };
	claim_open(&w->claim, c->self, c->incarnation, c->length_ns, now_ns);
	return 0;
}

void claims_unwatch(struct claims *c, uint16_t shard)
{
	struct watched *w = watched_find(c, shard);

	if (w)
		*w = c->list[--c->count];
}

const struct claim *claims_of(const struct claims *c, uint16_t shard)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->list[i].shard == shard)
			return &c->list[i].claim;
	}
	return NULL;
}

/* ---- what others are told ---- */

static void say_voters(const struct claims *c, const struct claim *claim,
		       const struct peer_item *item)
{
	const struct members *named = &claim->named;

	for (uint32_t i = 0; i < named->count; i++) {
		if (named->ids[i] != c->self)
			c->handlers.say(named->ids[i], item, c->arg);
	}
	if (claim->record && claim->record != c->self && !members_has(named, claim->record))
		c->handlers.say(claim->record, item, c->arg);
}

static void say_known(const struct claims *c, const struct watched *w, unsigned actions,
		      uint64_t to)
{
	const struct claim *claim = &w->claim;
	struct peer_item item = { .shard = w->shard,
				  .epoch = claim->heard,
				  .named = claim->named,
				  .record = claim->record };

	if (actions & CLAIM_SEND_NEWER) {
		item.kind = PEER_NEWER;
		c->handlers.say(to, &item, c->arg);
	}
	if (actions & CLAIM_SEND_REQUEST) {
		item.kind = PEER_ASKED;
		item.sent_ns = claim->asked_ns;
		say_voters(c, claim, &item);
	}
}

static void say_back(const struct claims *c, const struct watched *w, unsigned actions,
		     const struct claim_event *event)
{
	struct peer_item item = { .shard = w->shard, .sent_ns = event->sent_ns };

	if (actions & CLAIM_SEND_ACK) {
		item.kind = PEER_ACK;
		c->handlers.say(event->from, &item, c->arg);
	}
	if (actions & CLAIM_SEND_CONSENT) {
		item.kind = PEER_CONSENTED;
		item.epoch = w->claim.heard;
		c->handlers.say(event->from, &item, c->arg);
	}
}

static void say_dead(const struct claims *c, const struct watched *w)
{
	struct peer_item item = { .kind = PEER_DEAD, .shard = w->shard, .epoch = w->claim.gone };

	say_voters(c, &w->claim, &item);
}

static struct peer_item names_item(const struct watched *w)
{
	const struct claim *claim = &w->claim;

	return (struct peer_item){ .kind = PEER_NAMES,
				   .shard = w->shard,
				   .epoch = claim->heard,
				   .named = claim->named,
				   .record = claim->record,
				   .sent_ns = claim->renewed };
}

static void say_names(const struct claims *c, const struct watched *w, unsigned actions,
		      uint64_t to)
{
	const struct peer_item item = names_item(w);

	if (actions & CLAIM_SEND_NAMES)
		c->handlers.say(to, &item, c->arg);
	if (actions & CLAIM_PASS_NAMES)
		say_voters(c, &w->claim, &item);
}

/* Receivers learn the renewal of the names; this node too, should its lease end one day. */
static void tell_names(struct claims *c, const struct peer_item *told, uint64_t renewal)
{
	struct watched *w = watched_find(c, told->shard);
	const struct claim_event named = { .type = CLAIM_NAMED,
					   .lease = { .epoch = told->epoch,
						      .owner = c->self,
						      .renewal = renewal,
						      .named = told->named } };
	struct peer_item item = *told;

	if (w)
		(void)!claim_step(&w->claim, &named, 0);
	item.kind = PEER_NAMES;
	item.record = c->self;
	item.sent_ns = renewal;
	for (uint32_t i = 0; i < item.named.count; i++)
		c->handlers.say(item.named.ids[i], &item, c->arg);
}

void claims_notify(struct claims *c, const struct peer_item *told, const struct members *next,
		   uint64_t renewal)
{
	if (renewal)
		tell_names(c, told, renewal);
	for (uint32_t i = 0; i < told->named.count; i++)
		c->handlers.say(told->named.ids[i], told, c->arg);
	for (uint32_t i = 0; i < next->count; i++) {
		if (!members_has(&told->named, next->ids[i]))
			c->handlers.say(next->ids[i], told, c->arg);
	}
}

/* ---- events ---- */

static void watched_step(struct claims *c, struct watched *w, struct claim_event event,
			 uint64_t now_ns)
{
	unsigned actions;

	event.owning = c->handlers.owning(w->shard, c->arg);
	actions = claim_step(&w->claim, &event, now_ns);
	say_back(c, w, actions, &event);
	if (actions & CLAIM_SEND_DEAD)
		say_dead(c, w);
	say_known(c, w, actions, event.from);
	say_names(c, w, actions, event.from);
	if ((actions & CLAIM_SEND_LOOK) && !w->looking) {
		w->looking = true;
		c->handlers.look(w->shard, c->arg);
	}
	if ((actions & CLAIM_SEND_CLAIM) && !w->claiming) {
		w->claiming = true;
		w->claiming_ns = w->claim.asked_ns;
		c->handlers.claim(w->shard, &w->claim, c->arg);
	}
	if (actions & CLAIM_OWNED)
		c->handlers.owned(w->shard, &w->claim, c->arg);
}

static void watched_beat(struct claims *c, struct watched *w, uint64_t now_ns)
{
	watched_step(c, w, (struct claim_event){ .type = CLAIM_TIMER }, now_ns);
}

void claims_beat(struct claims *c, uint64_t now_ns)
{
	for (uint32_t i = 0; i < c->count; i++)
		watched_beat(c, &c->list[i], now_ns);
}

static bool item_event(const struct peer_item *item, struct claim_event *event)
{
	static const struct {
		bool is;
		enum claim_event_type type;
	} events[PEER_KINDS] = {
		[PEER_OWNED] = { true, CLAIM_OWNER },         [PEER_ASKED] = { true, CLAIM_ASKED },
		[PEER_CONSENTED] = { true, CLAIM_CONSENTED }, [PEER_NEWER] = { true, CLAIM_NEWER },
		[PEER_DEAD] = { true, CLAIM_DEAD },           [PEER_NAMES] = { true, CLAIM_NAMED },
	};

	event->type = events[item->kind].type;
	event->epoch = item->epoch;
	event->named = item->named;
	event->record = item->record;
	event->sent_ns = item->sent_ns;
	event->lease = (struct claim_lease){ .epoch = item->epoch,
					     .owner = item->record,
					     .renewal = item->sent_ns,
					     .named = item->named };
	return events[item->kind].is;
}

void claims_item(struct claims *c, const struct peer_item *item, uint64_t from, uint64_t now_ns)
{
	struct watched *w = watched_find(c, item->shard);
	struct claim_event event = { .from = from };

	if (item->kind == PEER_ACK)
		c->handlers.heard(item->shard, from, item->sent_ns, c->arg);
	if (item->kind == PEER_OWNED || item->kind == PEER_NEWER)
		c->handlers.seen(item->shard, item->epoch, c->arg);
	if (!w || !item_event(item, &event))
		return;
	watched_step(c, w, event, now_ns);
	if (item->kind == PEER_DEAD)
		watched_beat(c, w, now_ns);
}

static bool is_renewed(const struct claim *c, const struct claim_lease *lease)
{
	const struct claim_lease *seen = &c->seen;

	return c->seen_ns && lease->owner && lease->history == seen->history &&
	       lease->epoch.counter == seen->epoch.counter &&
	       lease->epoch.incarnation == seen->epoch.incarnation &&
	       lease->renewal != seen->renewal;
}

void claims_looked(struct claims *c, uint16_t shard, const struct claim_lease *lease,
		   uint64_t now_ns)
{
	struct watched *w = watched_find(c, shard);

	if (!w)
		return;
	w->looking = false;
	if (!lease)
		return;
	/* a node that lost its own lease asks Redis nothing, and may claim again later */
	c->handlers.seen(shard, lease->epoch, c->arg);
	if (is_renewed(&w->claim, lease))
		c->handlers.renewed(shard, lease->epoch, c->arg);
	watched_step(c, w, (struct claim_event){ .type = CLAIM_SEEN, .lease = *lease }, now_ns);
	watched_beat(c, w, now_ns);
}

/* A claim that was given up meanwhile does not count, even if Redis has it: the next look tells. */
void claims_answered(struct claims *c, uint16_t shard, bool won, bool kept, uint64_t now_ns)
{
	struct watched *w = watched_find(c, shard);

	if (!w || !w->claiming)
		return;
	w->claiming = false;
	won &= w->claiming_ns == w->claim.asked_ns;
	watched_step(c, w,
		     (struct claim_event){ .type = won ? CLAIM_WON : CLAIM_REFUSED, .kept = kept },
		     now_ns);
}
