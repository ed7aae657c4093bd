/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two state machines of lease.h: the claimant's and the owner's side of a shard's lease. Both
 * are pure: node_shard_life.c and peer/claims.c feed events and carry out the actions. The
 * invariant that they keep together: no two nodes may send for a shard at once, whatever Redis
 * forgets and whichever messages are late, lost or repeated.
 */

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "cluster/lease.h"

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

/* A node that only asks stands back for one that is named before it, else two might refuse each
 * other for ever. */
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

static void newer_note(struct claim *c, struct lease_epoch epoch)
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

bool claim_may_be_owned(const struct claim *c)
{
	return c->record || !c->looked_ns;
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

/* Of an epoch the last written names count, even if Redis went back or the owner did. */
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

/* The renewal of the names is known, so others can tell whether these are newer than theirs. */
static bool names_are_dated(const struct claim *c)
{
	return c->renewed && same_epoch(c->renewed_epoch, c->heard);
}

/* A node named in Redis may claim, or might when Redis lost the lease. */
static unsigned claim_seen(struct claim *c, const struct claim_lease *lease, uint64_t now_ns)
{
	bool same = c->seen_ns && same_lease(&c->seen, lease);

	c->looked_ns = now_ns;
	newer_note(c, lease->epoch);
	names_seen(c, lease);
	if (same)
		return 0;
	c->seen = *lease;
	c->seen_ns = now_ns;
	c->state = CLAIM_WATCH;
	return 0;
}

/* ---- what others want ---- */

/* After a start it may ack any owner: it trusts that the owner has not lapsed. */
static unsigned claim_answered(struct claim *c, const struct claim_event *event, uint64_t now_ns)
{
	if (lease_epoch_above(c->heard, event->epoch) || is_gone(c, event->epoch))
		return 0;
	if (bound_to_others(c, event->from, now_ns) && c->bound_to)
		return 0;
	newer_note(c, event->epoch);
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

/* Where Redis went back, two nodes may know two lists of one epoch. The newest counts, and its
 * members may be the ones that do not know it. */
static unsigned claim_named(struct claim *c, const struct claim_lease *lease)
{
	bool same = same_epoch(c->heard, lease->epoch) && same_names(&c->named, &lease->named);

	if (!lease->owner || lease_epoch_above(c->heard, lease->epoch))
		return 0;
	if (same_epoch(c->renewed_epoch, lease->epoch) && lease->renewal < c->renewed)
		return same ? 0 : CLAIM_SEND_NAMES;
	newer_note(c, lease->epoch);
	names_seen(c, lease);
	if (same)
		return 0;
	c->state = CLAIM_WATCH;
	return CLAIM_PASS_NAMES;
}

static void claim_on_newer(struct claim *c, const struct claim_event *event)
{
	if (!lease_epoch_above(event->epoch, c->heard))
		return;
	c->heard = event->epoch;
	c->named = event->named;
	c->record = event->record;
}

/* Of two lists one is old: a claimant that asks by the old list is told the other. */
static unsigned claim_on_question(struct claim *c, const struct claim_event *event, uint64_t now_ns)
{
	claim_on_newer(c, event);
	if (event->owning || !same_names(&c->named, &event->named) || c->record != event->record)
		return CLAIM_SEND_NEWER | (names_are_dated(c) ? CLAIM_SEND_NAMES : 0U);
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

/* When the owner that was seen can no longer be valid. If it is gone, a look shows that no other
 * node owns the shard by now. */
static uint64_t quiet_from(const struct claim *c)
{
	if (is_gone(c, c->seen.epoch) && !lease_epoch_above(c->heard, c->gone) &&
	    c->looked_ns >= c->gone_ns)
		return c->gone_ns;
	return c->seen_ns + c->quiet_ns;
}

static bool claim_allowed(const struct claim *c, uint64_t now_ns)
{
	/* one after the other: who is named first need not ask twice */
	uint64_t turn_ns = members_rank(&c->named, c->self) * c->length_ns / LOOKS;

	return c->named.count && members_votes(&c->named, c->record, c->self) && c->seen_ns &&
	       now_ns <= c->looked_ns +
				 c->length_ns && /* who cannot reach Redis keeps nobody bound */
	       now_ns >= quiet_from(c) + turn_ns &&
	       now_ns >= c->ask_ns && !bound_to_others(c, c->self, now_ns);
}

/* A voter that has not heard the question hears it from any claimant. */
static unsigned ask_again(const struct claim *c)
{
	return CLAIM_SEND_REQUEST | (is_gone(c, c->heard) ? CLAIM_SEND_DEAD : 0U);
}

static unsigned claim_send_question(struct claim *c, uint64_t now_ns)
{
	c->state = CLAIM_REQUEST;
	c->asked_ns = now_ns;
	c->ask_ns = now_ns + c->quiet_ns + members_rank(&c->named, c->self) * c->length_ns / LOOKS;
	c->consents = 0;
	promise_to(c, c->self, now_ns);
	consent_note(c, c->self);
	return ask_again(c) | claim_try(c);
}

static unsigned claim_consented(struct claim *c, const struct claim_event *event, uint64_t now_ns)
{
	if (c->state != CLAIM_REQUEST || event->sent_ns != c->asked_ns ||
	    now_ns > c->asked_ns + c->length_ns)
		return 0;
	if (event->epoch.counter > c->heard.counter)
		c->heard.counter = event->epoch.counter;
	consent_note(c, event->from);
	return claim_try(c);
}

/* Voters that consented are bound for one length after they were asked. A sole member has Redis. */
static unsigned claim_won(struct claim *c, bool kept, uint64_t now_ns)
{
	bool counts = c->state == CLAIM_CLAIM && now_ns <= c->asked_ns + c->length_ns &&
		      (kept || c->named.count > 1);

	c->state = CLAIM_WATCH;
	c->seen_ns = 0;
	if (!counts) /* if Redis keeps it, the next look shows it */
		return 0;
	newer_note(c, c->next);
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
		actions = CLAIM_SEND_LOOK | (c->state == CLAIM_REQUEST ? ask_again(c) : 0U);
	}
	if (c->state == CLAIM_WATCH && claim_allowed(c, now_ns))
		actions |= claim_send_question(c, now_ns);
	return actions;
}

unsigned claim_step(struct claim *c, const struct claim_event *event, uint64_t now_ns)
{
	switch (event->type) {
	case CLAIM_TIMER:
		return claim_timer(c, event->owning, now_ns);
	case CLAIM_SEEN:
		return claim_seen(c, &event->lease, now_ns);
	case CLAIM_OWNER:
		return claim_answered(c, event, now_ns);
	case CLAIM_ASKED:
		return claim_on_question(c, event, now_ns);
	case CLAIM_CONSENTED:
		return claim_consented(c, event, now_ns);
	case CLAIM_NEWER:
		claim_on_newer(c, event);
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

#define PROBE_FIRST_NS (100 * NS_PER_MS)
/* Redis may refuse writes, as with a full disk, without telling when it takes them again. */
#define PROBE_MAX_NS NS_PER_S

void lease_open(struct lease *l, uint64_t incarnation, uint64_t length_ns)
{
	assert(length_ns > 0);
	*l = (struct lease){
		.epoch.incarnation = incarnation,
		.next_ns = UINT64_MAX,
		.length_ns = length_ns,
		.probe_ns = PROBE_FIRST_NS,
		.tell_ns = UINT64_MAX,
	};
}

bool lease_epoch_above(struct lease_epoch a, struct lease_epoch b)
{
	return a.counter != b.counter ? a.counter > b.counter : a.incarnation > b.incarnation;
}

void lease_fence_write(struct writer *w, const struct lease *l)
{
	uint8_t incarnation[8];

	be64_put(incarnation, l->epoch.incarnation);
	writer_number(w, "", l->epoch.counter, ".");
	writer_hex(w, bytes_mem(incarnation, sizeof(incarnation)));
	writer_number(w, ".", l->link, "");
}

static void valid_set(struct lease *l, uint64_t until_ns)
{
	/* alone among its words: the reader needs no other memory that was written before */
	atomic_store_explicit(&l->valid_until_ns, until_ns, memory_order_relaxed);
}

static uint64_t valid_until(const struct lease *l)
{
	return atomic_load_explicit(&l->valid_until_ns, memory_order_relaxed);
}

static void valid_extend(struct lease *l, uint64_t until_ns)
{
	if (until_ns > valid_until(l))
		valid_set(l, until_ns);
}

static bool may_lapse(const struct lease *l)
{
	return l->named.count || l->wanted_ns || l->unnamed;
}

static unsigned lease_send_question(struct lease *l, enum lease_action question, uint64_t now_ns)
{
	l->question = question;
	l->renewal++;
	l->sent_ns = now_ns;
	l->next_ns = UINT64_MAX;
	if (question != LEASE_SEND_RENEW)
		l->link++;
	return question;
}

/* The one question that settles a doubt. */
static unsigned probe(struct lease *l, uint64_t now_ns)
{
	if (!l->link_up || l->question)
		return 0;
	return lease_send_question(l, l->stale ? LEASE_SEND_ASSERT : LEASE_SEND_RENEW, now_ns);
}

static void probe_later(struct lease *l, uint64_t now_ns)
{
	l->next_ns = l->link_up && !l->question ? now_ns + l->probe_ns : UINT64_MAX;
	l->probe_ns = l->probe_ns < PROBE_MAX_NS / 2 ? 2 * l->probe_ns : PROBE_MAX_NS;
}

static unsigned doubt(struct lease *l, uint64_t now_ns)
{
	unsigned actions = l->state == LEASE_HELD ? LEASE_DEGRADED : 0;

	if (l->state != LEASE_HELD && l->state != LEASE_DOUBT)
		return 0;
	if (l->state == LEASE_HELD)
		l->probe_ns = PROBE_FIRST_NS;
	l->state = LEASE_DOUBT;
	probe_later(l, now_ns);
	return actions;
}

static unsigned fence(struct lease *l)
{
	unsigned actions = LEASE_FENCE | (l->state == LEASE_HELD ? LEASE_DEGRADED : 0U);

	if (l->state == LEASE_FENCED)
		return 0;
	l->state = LEASE_FENCED;
	l->next_ns = UINT64_MAX;
	l->tell_ns = UINT64_MAX;
	l->wanted_ns = 0;
	l->others = (struct members){ 0 };
	valid_set(l, 0);
	return actions;
}

/* Other nodes may speak from now on: no ack or renewal restores it, for they may be older. */
static unsigned lapse(struct lease *l)
{
	unsigned actions = LEASE_LAPSE | (l->state == LEASE_HELD ? LEASE_DEGRADED : 0U);

	l->state = LEASE_LAPSED;
	l->next_ns = UINT64_MAX;
	l->tell_ns = UINT64_MAX;
	l->wanted_ns = 0;
	l->others = (struct members){ 0 };
	return actions;
}

/* ---- those who may claim it ---- */

static void acked_forget(struct lease *l)
{
	memset(l->acked_ns, 0, sizeof(l->acked_ns));
	memset(l->wanted_acked_ns, 0, sizeof(l->wanted_acked_ns));
}

/* Others are there that cannot be named while Redis may forget it: a lease without names is open to
 * any node that has watched it. */
static void unnamed_start(struct lease *l, const struct members *named, uint64_t now_ns)
{
	if (named->count && !l->others.count)
		l->tell_ns = now_ns;
	l->others = *named;
	l->unnamed = named->count && (l->unnamed || l->state == LEASE_HELD);
	if (l->unnamed && valid_until(l) == UINT64_MAX)
		valid_set(l, now_ns + l->length_ns);
}

void lease_name(struct lease *l, const struct members *named, uint64_t now_ns)
{
	if (l->wanted_ns)
		return;
	if (l->state != LEASE_HELD && l->state != LEASE_DOUBT) {
		l->named = *named;
		return;
	}
	if (!l->named.count && (l->state != LEASE_HELD || !l->kept)) {
		unnamed_start(l, named, now_ns);
		return;
	}
	l->unnamed = false;
	l->others = (struct members){ 0 };
	l->wanted = *named;
	l->wanted_ns = now_ns;
	memset(l->wanted_acked_ns, 0, sizeof(l->wanted_acked_ns));
	if (valid_until(l) == UINT64_MAX) /* a reader of the names may claim from then on */
		valid_set(l, now_ns + l->length_ns);
	l->tell_ns = now_ns;
}

/* Redis has the new names, and enough of the former ones know of it. A sole former member may be
 * the one that is gone. */
static void named_settle(struct lease *l)
{
	/* one of the same moment may have had the names of before */
	if (!l->wanted_ns || l->sent_ns <= l->wanted_ns)
		return;
	if (l->named.count > 1 && members_acked_until(&l->named, l->acked_ns, 0) < l->wanted_ns)
		return;
	l->named = l->wanted;
	memcpy(l->acked_ns, l->wanted_acked_ns, sizeof(l->acked_ns));
	l->wanted_ns = 0;
	if (!l->named.count)
		valid_set(l, UINT64_MAX);
}

static uint64_t acked_until(const struct lease *l)
{
	uint64_t until_ns = members_acked_until(&l->named, l->acked_ns, l->length_ns);
	uint64_t wanted_ns = members_acked_until(&l->wanted, l->wanted_acked_ns, l->length_ns);

	if (!l->wanted_ns)
		return until_ns;
	/* a node that has watched a lease without names may claim it: it may not have heard */
	if (!l->wanted.count || !l->named.count)
		return 0;
	return wanted_ns < until_ns ? wanted_ns : until_ns;
}

static void ack_note(const struct members *m, uint64_t acked_ns[MEMBERS_MAX], uint64_t from,
		     uint64_t sent_ns)
{
	uint32_t i = members_rank(m, from);

	if (i < m->count && sent_ns > acked_ns[i])
		acked_ns[i] = sent_ns;
}

static unsigned lease_on_ack(struct lease *l, const struct lease_event *event)
{
	if (l->state != LEASE_HELD && l->state != LEASE_DOUBT)
		return 0;
	ack_note(&l->named, l->acked_ns, event->from, event->sent_ns);
	ack_note(&l->wanted, l->wanted_acked_ns, event->from, event->sent_ns);
	if (may_lapse(l))
		valid_extend(l, acked_until(l));
	return 0;
}

bool lease_covers(const struct lease *l, uint64_t at_ns)
{
	return (l->state == LEASE_HELD || l->state == LEASE_DOUBT || l->state == LEASE_LAPSED) &&
	       at_ns <= valid_until(l);
}

bool lease_tells(const struct lease *l)
{
	return l->named.count || l->wanted_ns || l->others.count;
}

static unsigned named_notify(struct lease *l, uint64_t now_ns)
{
	if (!lease_tells(l) || now_ns < l->tell_ns)
		return 0;
	l->told_ns = now_ns;
	l->tell_ns = now_ns + l->length_ns / 3;
	return LEASE_ANNOUNCE;
}

static unsigned claimed(struct lease *l, const struct lease_event *event, uint64_t now_ns)
{
	if (l->state == LEASE_HELD || l->state == LEASE_DOUBT || l->question)
		return 0;
	l->epoch = event->epoch;
	l->renewal = event->renewal;
	l->state = LEASE_HELD;
	l->stale = false;
	acked_forget(l);
	l->next_ns = now_ns;
	l->tell_ns = now_ns;
	valid_set(l, event->sent_ns + l->length_ns);
	l->granted_ns = l->kept_ns = event->sent_ns;
	return LEASE_HEALTHY | LEASE_ANEW;
}

static unsigned unknown(struct lease *l, uint64_t now_ns)
{
	if (l->state == LEASE_ASKING)
		l->state = LEASE_IDLE;
	return doubt(l, now_ns);
}

/* Redis counts the length from when it got the question, so not before it was sent. */
static unsigned granted(struct lease *l, enum lease_action question,
			const struct lease_event *event, uint64_t now_ns)
{
	struct lease_epoch epoch = event->epoch;
	unsigned actions = l->state == LEASE_HELD ? 0 : LEASE_HEALTHY;

	if (actions && (l->stale || l->state == LEASE_ASKING))
		actions |= LEASE_ANEW;
	if (l->state == LEASE_FENCED || l->state == LEASE_IDLE || l->state == LEASE_LAPSED)
		return 0;
	if (!l->link_up)
		return unknown(l, now_ns);
	assert(epoch.incarnation == l->epoch.incarnation);
	/* sent before the link or the lease was lost */
	if (l->stale && question == LEASE_SEND_RENEW)
		return probe(l, now_ns);
	if (l->state == LEASE_ASKING) { /* its names still count, of its former ownership */
		acked_forget(l);
		l->tell_ns = now_ns;
	}
	l->epoch = epoch;
	l->state = LEASE_HELD;
	l->stale = false;
	l->next_ns = l->sent_ns + l->length_ns / 3;
	l->kept = event->kept;
	l->granted_ns = l->sent_ns;
	l->kept_ns = event->kept ? l->sent_ns : l->kept_ns;
	if (event->kept)
		named_settle(l);
	if (!may_lapse(l))
		valid_set(l, UINT64_MAX);
	else if (event->kept || l->unnamed)
		valid_extend(l, l->sent_ns + l->length_ns);
	return actions;
}

/* Redis was late and is no longer: the lease was ours when it carried out that save. */
static unsigned lease_acked(struct lease *l)
{
	if (l->state != LEASE_DOUBT || l->stale || !l->link_up)
		return 0;
	l->state = LEASE_HELD; /* the probe that is due, or under way, renews it */
	return LEASE_HEALTHY;
}

static unsigned want(struct lease *l, uint64_t now_ns)
{
	if (l->state != LEASE_IDLE && l->state != LEASE_FENCED)
		return 0;
	l->state = LEASE_ASKING;
	return l->link_up && !l->question ? lease_send_question(l, LEASE_SEND_ACQUIRE, now_ns) : 0;
}

static unsigned lease_link_up(struct lease *l, uint64_t now_ns)
{
	l->link_up = true;
	switch (l->state) {
	case LEASE_ASKING:
		return l->question ? 0 : lease_send_question(l, LEASE_SEND_ACQUIRE, now_ns);
	case LEASE_DOUBT:
		return probe(l, now_ns);
	case LEASE_IDLE:
	case LEASE_HELD:
	case LEASE_FENCED:
	case LEASE_LAPSED:
		break;
	}
	return 0;
}

static unsigned link_down(struct lease *l, uint64_t now_ns)
{
	l->link_up = false;
	l->stale = true;
	return doubt(l, now_ns);
}

static unsigned claimants_missing(struct lease *l, uint64_t now_ns)
{
	unsigned actions = doubt(l, now_ns);

	l->stale = true;
	return l->state == LEASE_DOUBT ? actions | probe(l, now_ns) : actions;
}

static unsigned claims_seen(struct lease *l, struct lease_epoch epoch, uint64_t now_ns)
{
	bool held = l->state == LEASE_HELD || l->state == LEASE_DOUBT;

	if (!held && l->state != LEASE_LAPSED)
		return 0;
	if (lease_epoch_above(epoch, l->epoch))
		return fence(l);
	if (!held)
		return 0;
	/* an older link of ours, or a lower claim to an emptied Redis */
	return claimants_missing(l, now_ns);
}

/* Redis has forgotten ours, and its former owner goes on. One that is valid says so itself. */
static unsigned renewed(struct lease *l, struct lease_epoch epoch)
{
	bool own = epoch.counter == l->epoch.counter && epoch.incarnation == l->epoch.incarnation;

	return l->state == LEASE_LAPSED && !own ? fence(l) : 0;
}

/* Not while a question is under way: its answer would be of before. */
static unsigned give(struct lease *l)
{
	if (l->state != LEASE_HELD || l->question)
		return 0;
	l->state = LEASE_IDLE;
	l->next_ns = UINT64_MAX;
	l->tell_ns = UINT64_MAX;
	l->named.count = 0;
	l->wanted_ns = 0;
	valid_set(l, 0);
	return 0;
}

static unsigned lease_timer(struct lease *l, uint64_t now_ns)
{
	unsigned actions = 0;

	if (l->state == LEASE_HELD || l->state == LEASE_DOUBT)
		actions = named_notify(l, now_ns);
	if (now_ns < l->next_ns)
		return actions;
	l->next_ns = UINT64_MAX;
	if (l->state == LEASE_HELD || l->state == LEASE_DOUBT)
		actions |= probe(l, now_ns);
	return actions;
}

static unsigned lease_settle(struct lease *l, const struct lease_event *event,
			     enum lease_action question, uint64_t now_ns)
{
	switch (event->type) {
	case LEASE_WANT:
		return want(l, now_ns);
	case LEASE_LINK_UP:
		return lease_link_up(l, now_ns);
	case LEASE_LINK_DOWN:
		return link_down(l, now_ns);
	case LEASE_LATE:
		return l->state == LEASE_HELD ? doubt(l, now_ns) : 0;
	case LEASE_ACKED:
		return lease_acked(l);
	case LEASE_TIMER:
		return lease_timer(l, now_ns);
	case LEASE_GRANTED:
		return granted(l, question, event, now_ns);
	case LEASE_TAKEN:
	case LEASE_UNKNOWN:
		return unknown(l, now_ns);
	case LEASE_MISSING:
		return claimants_missing(l, now_ns);
	case LEASE_SEEN:
		return claims_seen(l, event->epoch, now_ns);
	case LEASE_RENEWED:
		return renewed(l, event->epoch);
	case LEASE_ACK:
		return lease_on_ack(l, event);
	case LEASE_CLAIMED:
		return claimed(l, event, now_ns);
	case LEASE_GIVE:
		return give(l);
	}
	return 0;
}

unsigned lease_step(struct lease *l, const struct lease_event *event, uint64_t now_ns)
{
	enum lease_action question = l->question;
	unsigned actions = 0;

	if (event->answer)
		l->question = 0;
	if (event->epoch.counter > l->heard)
		l->heard = event->epoch.counter;
	if ((l->state == LEASE_HELD || l->state == LEASE_DOUBT) && !lease_covers(l, now_ns))
		actions = lapse(l);
	return actions | lease_settle(l, event, question, now_ns);
}
