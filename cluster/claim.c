/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/claim.h"

#include <assert.h>
#include <string.h>

/* Looks so often in a length. */
#define LOOKS 3

void claim_open(struct claim *c, uint64_t self, uint64_t incarnation, uint64_t length_ns,
		uint64_t now_ns)
{
	assert(self && length_ns >= 10);
	*c = (struct claim){ .self = self,
			     .incarnation = incarnation,
			     .length_ns = length_ns,
			     .quiet_ns = length_ns + length_ns / 10 };
	c->bound_until_ns = c->promised_until_ns = now_ns + c->quiet_ns;
}

/* ---- bound to one at a time ---- */

static bool bound_to_others(const struct claim *c, uint64_t id, uint64_t now_ns)
{
	return now_ns < c->bound_until_ns && c->bound_to != id;
}

/* Who only asks itself stands back for one that is named before it: else two might refuse each other for ever. */
static bool stands_back(const struct claim *c, uint64_t id)
{
	return c->bound_to == c->self && c->state != CLAIM_CLAIM &&
	       members_rank(&c->named, id) < members_rank(&c->named, c->self);
}

static void bind_to(struct claim *c, uint64_t id, uint64_t now_ns)
{
	uint64_t until_ns = now_ns + c->quiet_ns;

	c->bound_to = id;
	c->bound_until_ns = until_ns > c->bound_until_ns ? until_ns : c->bound_until_ns;
}

/* ---- what is known of the lease ---- */

static void heard_note(struct claim *c, struct lease_epoch epoch)
{
	if (lease_epoch_above(epoch, c->heard))
		c->heard = epoch;
}

static void promise_to(struct claim *c, uint64_t id, uint64_t now_ns)
{
	bind_to(c, id, now_ns);
	c->bound_epoch = (struct lease_epoch){ 0 };
	c->promised_to = id;
	c->promised_until_ns = c->bound_until_ns;
}

static bool same_epoch(struct lease_epoch a, struct lease_epoch b)
{
	return a.counter == b.counter && a.incarnation == b.incarnation;
}

bool claim_hears_owner(const struct claim *c, uint64_t now_ns)
{
	return c->bound_epoch.counter && now_ns < c->bound_until_ns && c->bound_to != c->self &&
	       !lease_epoch_above(c->heard, c->bound_epoch);
}

/* Whether the process that owned it is gone: for ever. */
static bool is_gone(const struct claim *c, struct lease_epoch epoch)
{
	return c->gone.counter && same_epoch(c->gone, epoch);
}

static bool same_lease(const struct claim_lease *a, const struct claim_lease *b)
{
	return a->history == b->history && same_epoch(a->epoch, b->epoch) &&
	       a->renewal == b->renewal;
}

/* Of one epoch the names that were written last, also where Redis went back to before that, or the owner said those of before since. */
static void names_seen(struct claim *c, const struct claim_lease *lease)
{
	if (!lease->owner || lease_epoch_above(c->heard, lease->epoch) ||
	    (same_epoch(c->renewed_epoch, lease->epoch) && lease->renewal < c->renewed))
		return;
	c->named = lease->named;
	c->record = lease->owner;
	c->renewed_epoch = lease->epoch;
	c->renewed = lease->renewal;
}

/* It is known by which renewal they were named: others can tell whether that is newer than what they know. */
static bool names_are_dated(const struct claim *c)
{
	return c->renewed && same_epoch(c->renewed_epoch, c->heard);
}

/* Whoever is named in Redis may claim, or was when Redis lost it. */
static unsigned claim_seen(struct claim *c, const struct claim_lease *lease, uint64_t now_ns)
{
	bool same = c->seen_ns && same_lease(&c->seen, lease);

	c->looked_ns = now_ns;
	heard_note(c, lease->epoch);
	names_seen(c, lease);
	if (same)
		return 0;
	c->seen = *lease;
	c->seen_ns = now_ns;
	c->state = CLAIM_WATCH;
	return 0;
}

/* ---- what others want ---- */

/* After a start it may ack whoever is the owner: it takes that one's word for not having lapsed. */
static unsigned claim_answered(struct claim *c, const struct claim_event *event, uint64_t now_ns)
{
	if (lease_epoch_above(c->heard, event->epoch) || is_gone(c, event->epoch))
		return 0;
	if (bound_to_others(c, event->from, now_ns) && c->bound_to)
		return 0;
	heard_note(c, event->epoch);
	if (!names_are_dated(
		    c)) /* of those that it names now it says by which renewal (CLAIM_NAMED) */
		c->named = event->named;
	c->record = event->from;
	c->state = CLAIM_WATCH;
	bind_to(c, event->from, now_ns);
	c->bound_epoch = event->epoch;
	return CLAIM_SEND_ACK;
}

/* Free of that owner alone: not of a claimant, nor of what was promised before the start. */
static unsigned claim_dead(struct claim *c, struct lease_epoch epoch, uint64_t now_ns)
{
	if (!epoch.counter || is_gone(c, epoch) || !same_epoch(c->heard, epoch))
		return 0;
	c->gone = epoch;
	c->gone_ns = now_ns;
	if (same_epoch(c->bound_epoch, epoch)) {
		c->bound_epoch = (struct lease_epoch){ 0 };
		c->bound_to = c->promised_to;
		c->bound_until_ns = c->promised_until_ns;
	}
	c->look_ns = now_ns;
	return 0;
}

static bool same_names(const struct members *a, const struct members *b)
{
	bool same = a->count == b->count;

	for (uint32_t i = 0; i < a->count && same; i++)
		same = a->ids[i] == b->ids[i];
	return same;
}

/* Of one epoch two may know two lists, where Redis went back. The newest counts, and its members may be those who do not know it. */
static unsigned claim_named(struct claim *c, const struct claim_lease *lease)
{
	bool same = same_epoch(c->heard, lease->epoch) && same_names(&c->named, &lease->named);

	if (!lease->owner || lease_epoch_above(c->heard, lease->epoch))
		return 0;
	if (same_epoch(c->renewed_epoch, lease->epoch) && lease->renewal < c->renewed)
		return same ? 0 : CLAIM_SEND_NAMES;
	heard_note(c, lease->epoch);
	names_seen(c, lease);
	if (same)
		return 0;
	c->state = CLAIM_WATCH;
	return CLAIM_PASS_NAMES;
}

static void news_take(struct claim *c, const struct claim_event *event)
{
	if (!lease_epoch_above(event->epoch, c->heard))
		return;
	c->heard = event->epoch;
	c->named = event->named;
	c->record = event->record;
}

/* Of two lists one is old: who asks by that one learns the other. */
static unsigned claim_asked(struct claim *c, const struct claim_event *event, uint64_t now_ns)
{
	news_take(c, event);
	if (event->owning || !same_names(&c->named, &event->named) || c->record != event->record)
		return CLAIM_SEND_NEWS | (names_are_dated(c) ? CLAIM_SEND_NAMES : 0U);
	if (bound_to_others(c, event->from, now_ns) && !stands_back(c, event->from))
		return 0;
	promise_to(c, event->from, now_ns);
	c->state = CLAIM_WATCH;
	return CLAIM_SEND_CONSENT;
}

/* ---- a claim ---- */

static void consent_note(struct claim *c, uint64_t from)
{
	if (members_votes(&c->named, c->record, from))
		c->consents |= UINT64_C(1) << members_rank(&c->named, from);
}

static unsigned claim_try(struct claim *c)
{
	uint32_t have = (uint32_t)__builtin_popcountll(c->consents);
	uint64_t above = c->seen.epoch.counter;

	if (have < members_consents(&c->named))
		return 0;
	above = c->heard.counter > above ? c->heard.counter : above;
	c->next = (struct lease_epoch){ above + 1, c->incarnation };
	c->next_named = c->named;
	if (members_has(&c->named, c->self) && c->record)
		c->next_named.ids[members_rank(&c->named, c->self)] = c->record;
	c->state = CLAIM_CLAIM;
	return CLAIM_SEND_CLAIM;
}

/* From when on the owner that was seen can no longer be valid. Of one that is gone a look shows that nobody else owns it by now. */
static uint64_t quiet_from(const struct claim *c)
{
	if (is_gone(c, c->seen.epoch) && !lease_epoch_above(c->heard, c->gone) &&
	    c->looked_ns >= c->gone_ns)
		return c->gone_ns;
	return c->seen_ns + c->quiet_ns;
}

static bool may_ask(const struct claim *c, uint64_t now_ns)
{
	/* one after the other: who is named first need not ask twice */
	uint64_t turn_ns = members_rank(&c->named, c->self) * c->length_ns / LOOKS;

	return c->named.count && members_votes(&c->named, c->record, c->self) && c->seen_ns &&
	       now_ns <= c->looked_ns +
				 c->length_ns && /* who cannot reach Redis keeps nobody bound */
	       now_ns >= quiet_from(c) + turn_ns &&
	       now_ns >= c->ask_ns && !bound_to_others(c, c->self, now_ns);
}

/* Who has not heard it hears it from whoever asks. */
static unsigned ask_again(const struct claim *c)
{
	return CLAIM_SEND_ASK | (is_gone(c, c->heard) ? CLAIM_SEND_DEAD : 0U);
}

static unsigned claim_ask(struct claim *c, uint64_t now_ns)
{
	c->state = CLAIM_ASK;
	c->asked_ns = now_ns;
	c->ask_ns = now_ns + c->quiet_ns + members_rank(&c->named, c->self) * c->length_ns / LOOKS;
	c->consents = 0;
	promise_to(c, c->self, now_ns);
	consent_note(c, c->self);
	return ask_again(c) | claim_try(c);
}

static unsigned claim_consented(struct claim *c, const struct claim_event *event, uint64_t now_ns)
{
	if (c->state != CLAIM_ASK || event->sent_ns != c->asked_ns ||
	    now_ns > c->asked_ns + c->length_ns)
		return 0;
	if (event->epoch.counter > c->heard.counter)
		c->heard.counter = event->epoch.counter;
	consent_note(c, event->from);
	return claim_try(c);
}

/* Those who consented are bound for one length after they were asked. One alone has Redis' word instead. */
static unsigned claim_won(struct claim *c, bool kept, uint64_t now_ns)
{
	bool counts = c->state == CLAIM_CLAIM && now_ns <= c->asked_ns + c->length_ns &&
		      (kept || c->named.count > 1);

	c->state = CLAIM_WATCH;
	c->seen_ns = 0;
	if (!counts) /* if Redis keeps it, the next look shows it */
		return 0;
	heard_note(c, c->next);
	c->record = c->self;
	c->named = c->next_named;
	return CLAIM_OWNED;
}

static unsigned claim_timer(struct claim *c, bool owning, uint64_t now_ns)
{
	unsigned actions = 0;

	if (c->state != CLAIM_WATCH && now_ns > c->asked_ns + c->length_ns)
		c->state = CLAIM_WATCH;
	if (owning)
		return 0;
	if (now_ns >= c->look_ns) {
		c->look_ns = now_ns + c->length_ns / LOOKS;
		actions = CLAIM_SEND_LOOK | (c->state == CLAIM_ASK ? ask_again(c) : 0U);
	}
	if (c->state == CLAIM_WATCH && may_ask(c, now_ns))
		actions |= claim_ask(c, now_ns);
	return actions;
}

unsigned claim_step(struct claim *c, const struct claim_event *event, uint64_t now_ns)
{
	switch (event->type) {
	case CLAIM_TIMER:
		return claim_timer(c, event->owning, now_ns);
	case CLAIM_SEEN:
		return claim_seen(c, &event->lease, now_ns);
	case CLAIM_TOLD:
		return claim_answered(c, event, now_ns);
	case CLAIM_ASKED:
		return claim_asked(c, event, now_ns);
	case CLAIM_CONSENTED:
		return claim_consented(c, event, now_ns);
	case CLAIM_NEWS:
		news_take(c, event);
		return 0;
	case CLAIM_WON:
		return claim_won(c, event->kept, now_ns);
	case CLAIM_REFUSED:
		c->state = CLAIM_WATCH;
		c->seen_ns = 0;
		return 0;
	case CLAIM_DEAD:
		return claim_dead(c, event->epoch, now_ns);
	case CLAIM_NAMED:
		return claim_named(c, &event->lease);
	}
	return 0;
}
