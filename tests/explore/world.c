/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/explore/world.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define START UINT64_C(100000)

/* ---- a node ---- */

static bool valid(const struct node *n)
{
	uint64_t until_ns = atomic_load_explicit(&n->lease.valid_until_ns, memory_order_relaxed);

	return !n->dead && n->now_ns <= until_ns &&
	       (n->lease.state == LEASE_HELD || n->lease.state == LEASE_DOUBT);
}

uint32_t world_owners(const struct world *w)
{
	uint32_t owners = 0;

	for (uint32_t i = 0; i < NODES_MAX; i++)
		owners += valid(&w->nodes[i]);
	return owners;
}

static uint32_t node_of(const struct world *w, const struct node *n)
{
	return (uint32_t)(n - w->nodes);
}

static void message_send(struct world *w, const struct world_settings *s, enum message_kind kind,
			 const struct node *from, uint32_t to, const struct message *m)
{
	if (s->messages && to < s->nodes && to != node_of(w, from))
		w->messages[kind][node_of(w, from)][to] = *m;
}

static void message_all(struct world *w, const struct world_settings *s, enum message_kind kind,
			const struct node *from, struct message m)
{
	m.full = true;
	for (uint32_t i = 0; i < s->nodes; i++)
		message_send(w, s, kind, from, i, &m);
}

static void lease_ask(struct node *n, unsigned what)
{
	const struct lease *l = &n->lease;

	n->renewal = (struct exchange){ .stage = STAGE_SENT,
					.what = what,
					.lease = { .epoch = l->epoch,
						   .owner = n->claim.self,
						   .renewal = l->renewal,
						   .named = l->named },
					.link = l->link };
}

/* As lease_step, for an owner that does not see that it has lapsed. */
static unsigned step_blind(struct node *n, const struct lease_event *event)
{
	_Atomic uint64_t *valid_ns = &n->lease.valid_until_ns;
	uint64_t until_ns = atomic_load_explicit(valid_ns, memory_order_relaxed);
	unsigned actions;

	if (n->now_ns > until_ns)
		atomic_store_explicit(valid_ns, n->now_ns, memory_order_relaxed);
	actions = lease_step(&n->lease, event, n->now_ns);
	if (atomic_load_explicit(valid_ns, memory_order_relaxed) == n->now_ns)
		atomic_store_explicit(valid_ns, until_ns, memory_order_relaxed);
	return actions;
}

static void lease_event(struct world *w, const struct world_settings *s, struct node *n,
			struct lease_event event)
{
	unsigned actions = s->broken == BROKEN_LAPSED ? step_blind(n, &event)
						      : lease_step(&n->lease, &event, n->now_ns);
	unsigned question = actions & (LEASE_SEND_ASSERT | LEASE_SEND_RENEW);

	assert(!(actions & LEASE_SEND_ACQUIRE));
	if (question)
		lease_ask(n, question);
	if (actions & LEASE_ANNOUNCE)
		message_all(w, s, MESSAGE_TOLD, n,
			    (struct message){ .epoch = n->lease.epoch,
					      .named = n->lease.named,
					      .sent_ns = n->lease.told_ns });
}

static void own(struct world *w, const struct world_settings *s, struct node *n)
{
	const struct claim *c = &n->claim;

	lease_name(&n->lease, &c->named, n->now_ns);
	lease_event(w, s, n,
		    (struct lease_event){ .type = LEASE_CLAIMED,
					  .epoch = c->next,
					  .renewal = c->seen.renewal + 1,
					  .sent_ns = c->asked_ns });
}

static void claim_send(struct node *n)
{
	const struct claim *c = &n->claim;

	n->claimed = (struct exchange){ .stage = STAGE_SENT,
					.lease = { .epoch = c->next,
						   .owner = c->self,
						   .renewal = c->seen.renewal + 1,
						   .named = c->next_named },
					.seen = c->seen,
					.link = n->lease.link };
}

/* from: whom an ack or a consent goes to. */
static void claim_event(struct world *w, const struct world_settings *s, struct node *n,
			struct claim_event event, uint32_t from)
{
	struct message back = { .full = true, .sent_ns = event.sent_ns };
	struct message outcome = { .full = true };
	unsigned actions;

	event.owning = valid(n);
	actions = claim_step(&n->claim, &event, n->now_ns);
	n->looking |= (actions & CLAIM_SEND_LOOK) != 0;
	if (actions & CLAIM_SEND_ACK)
		message_send(w, s, MESSAGE_ACK, n, from, &back);
	outcome.epoch = back.epoch = n->claim.heard;
	outcome.named = n->claim.named;
	outcome.record = n->claim.record;
	if (actions & CLAIM_SEND_CONSENT)
		message_send(w, s, MESSAGE_CONSENT, n, from, &back);
	if (actions & CLAIM_SEND_NEWER)
		message_send(w, s, MESSAGE_NEWS, n, from, &outcome);
	outcome.sent_ns = n->claim.asked_ns;
	if (actions & CLAIM_SEND_DEAD)
		message_all(w, s, MESSAGE_DEAD, n, (struct message){ .epoch = n->claim.gone });
	if (actions & CLAIM_SEND_REQUEST)
		message_all(w, s, MESSAGE_ASK, n, outcome);
	if ((actions & CLAIM_SEND_REQUEST) && s->broken == BROKEN_ALONE) {
		n->claim.consents = 7;
		event = (struct claim_event){ .type = CLAIM_CONSENTED,
					      .from = n->claim.self,
					      .sent_ns = n->claim.asked_ns };
		actions |= claim_step(&n->claim, &event, n->now_ns);
	}
	if (actions & CLAIM_SEND_CLAIM)
		claim_send(n);
	if (actions & CLAIM_OWNED)
		own(w, s, n);
}

/* ---- Redis ---- */

static uint64_t history(const struct server *v)
{
	return v->run * 1000 + v->replication;
}

/* Whether its writes are with all that may come to be the primary. */
static bool kept(const struct world *w, const struct world_settings *s, uint32_t at)
{
	const struct server *v = &w->servers[at], *other = &w->servers[!at];

	if (s->servers == 1 || s->broken == BROKEN_KEPT)
		return true;
	return other->replica && other->has == v->has && other->link == v->link &&
	       other->lease.renewal == v->lease.renewal &&
	       !memcmp(&other->lease.epoch, &v->lease.epoch, sizeof(v->lease.epoch));
}

static void redis_write(struct server *v, const struct exchange *x)
{
	v->lease = x->lease;
	v->link = x->link;
	v->has = true;
}

/* As lease_renew.lua and lease_assert.lua. */
static void redis_do(struct server *v, struct exchange *x)
{
	struct lease_epoch have = v->lease.epoch, own = x->lease.epoch;
	bool same = v->has && have.counter == own.counter && have.incarnation == own.incarnation;

	x->stage = STAGE_DONE;
	x->result_epoch = have;
	if (x->what == LEASE_SEND_RENEW && !v->has) {
		x->result = LEASE_MISSING;
	} else if (x->what == LEASE_SEND_RENEW ? !same || v->link != x->link
					       : v->has && (lease_epoch_above(have, own) ||
							    (same && v->link > x->link))) {
		x->result = LEASE_SEEN;
	} else {
		redis_write(v, x);
		x->result = LEASE_GRANTED;
		x->result_epoch = own;
	}
}

static void redis_claim(struct server *v, const struct world_settings *s, struct exchange *x)
{
	const struct claim_lease *have = &v->lease, *seen = &x->seen;

	x->stage = STAGE_DONE;
	x->result = LEASE_TAKEN;
	if (!v->has || have->epoch.counter != seen->epoch.counter ||
	    have->epoch.incarnation != seen->epoch.incarnation ||
	    (have->renewal != seen->renewal && s->broken != BROKEN_RENEWAL) ||
	    (history(v) != seen->history && s->broken != BROKEN_HISTORY_CLAIM &&
	     s->broken != BROKEN_HISTORY_WATCH))
		return;
	redis_write(v, x);
	x->result = LEASE_GRANTED;
}

static void redis_look(struct world *w, const struct world_settings *s, struct node *n,
		       struct server *v)
{
	struct claim_event event = { .type = CLAIM_SEEN };

	if (!v->has) {
		v->lease = (struct claim_lease){ .renewal = s->broken == BROKEN_NOTE
								    ? 1
								    : 1000 + w->fresh++ };
		v->link = 0;
		v->has = true;
	}
	event.lease = v->lease;
	event.lease.history = s->broken == BROKEN_HISTORY_WATCH ? 0 : history(v);
	n->looking = false;
	claim_event(w, s, n, event, 0);
}

/* ---- steps ---- */

/* What its keeper says of a process that has owned the shard. */
static void notice(struct world *w, const struct world_settings *s, const struct node *n)
{
	const struct lease *l = &n->lease;

	if (s->notices && l->epoch.counter)
		message_all(w, s, MESSAGE_DEAD, n,
			    (struct message){ .epoch = l->epoch, .again = 1 });
}

static void run(struct world *w, const struct world_settings *s, struct node *n)
{
	if (s->broken == BROKEN_DEAD_ALIVE && w->restarts < s->restarts && valid(n)) {
		w->restarts++;
		notice(w, s, n);
	}
	lease_event(w, s, n, (struct lease_event){ .type = LEASE_TIMER });
	claim_event(w, s, n, (struct claim_event){ .type = CLAIM_TIMER }, 0);
}

static void answer(struct world *w, const struct world_settings *s, struct node *n)
{
	struct exchange *x = &n->renewal;
	struct lease_event event = { .type = x->result, .epoch = x->result_epoch, .answer = true };

	event.kept = x->result == LEASE_GRANTED && kept(w, s, x->server);
	if (s->broken == BROKEN_ANSWER)
		n->lease.sent_ns = n->now_ns;
	x->stage = STAGE_NONE;
	lease_event(w, s, n, event);
}

static void lose(struct world *w, const struct world_settings *s, struct node *n)
{
	if (n->renewal.stage == STAGE_SENT)
		n->lost = n->renewal;
	n->renewal.stage = STAGE_NONE;
	w->losses++;
	lease_event(w, s, n, (struct lease_event){ .type = LEASE_LINK_DOWN });
	lease_event(w, s, n, (struct lease_event){ .type = LEASE_UNKNOWN, .answer = true });
	lease_event(w, s, n, (struct lease_event){ .type = LEASE_LINK_UP });
}

static void answer_claim(struct world *w, const struct world_settings *s, struct node *n)
{
	struct exchange *x = &n->claimed;
	struct claim_event event = { .type = x->result == LEASE_GRANTED ? CLAIM_WON
									: CLAIM_REFUSED };

	event.kept =
		x->result == LEASE_GRANTED && (kept(w, s, x->server) || s->broken == BROKEN_ONE);
	if (s->broken == BROKEN_LATE && n->claim.state != CLAIM_CLAIM)
		n->claim.state = CLAIM_CLAIM;
	if (s->broken == BROKEN_LATE)
		n->claim.asked_ns = n->now_ns;
	x->stage = STAGE_NONE;
	claim_event(w, s, n, event, 0);
}

static void lose_claim(struct world *w, const struct world_settings *s, struct node *n)
{
	if (n->claimed.stage == STAGE_SENT)
		n->lost = n->claimed;
	n->claimed.stage = STAGE_NONE;
	w->losses++;
	claim_event(w, s, n, (struct claim_event){ .type = CLAIM_REFUSED }, 0);
}

static void hear_claim(struct world *w, const struct world_settings *s, struct node *n,
		       enum message_kind kind, uint32_t from, const struct message *m)
{
	static const enum claim_event_type types[] = { [MESSAGE_TOLD] = CLAIM_OWNER,
						       [MESSAGE_ASK] = CLAIM_ASKED,
						       [MESSAGE_CONSENT] = CLAIM_CONSENTED,
						       [MESSAGE_NEWS] = CLAIM_NEWER,
						       [MESSAGE_DEAD] = CLAIM_DEAD };
	struct claim_event event = { .type = types[kind],
				     .epoch = m->epoch,
				     .named = m->named,
				     .record = m->record,
				     .from = from + 1,
				     .sent_ns = m->sent_ns };

	if (kind == MESSAGE_ASK && s->broken == BROKEN_ACKED)
		n->claim.bound_until_ns = 0;
	if (kind == MESSAGE_DEAD && s->broken == BROKEN_DEAD_CONSENT)
		n->claim.bound_until_ns = 0;
	if (kind == MESSAGE_TOLD)
		lease_event(w, s, n, (struct lease_event){ .type = LEASE_SEEN, .epoch = m->epoch });
	claim_event(w, s, n, event, from);
}

static void deliver(struct world *w, const struct world_settings *s, const struct step *step)
{
	enum message_kind kind = (enum message_kind)step->b;
	uint32_t from = step->a, to = step->c;
	struct message m = w->messages[kind][from][to];
	struct lease_event heard = { .type = LEASE_ACK, .from = from + 1, .sent_ns = m.sent_ns };

	w->messages[kind][from][to].full = m.again > 0;
	w->messages[kind][from][to].again = m.again ? m.again - 1 : 0;
	if (!m.again)
		w->messages[kind][from][to] = (struct message){ 0 };
	if (kind == MESSAGE_ACK)
		lease_event(w, s, &w->nodes[to], heard);
	else
		hear_claim(w, s, &w->nodes[to], kind, from, &m);
}

static void replicate(struct world *w)
{
	uint32_t from = w->servers[0].replica ? 1 : 0;
	struct server *v = &w->servers[from], *to = &w->servers[!from];

	to->lease = v->lease;
	to->link = v->link;
	to->has = v->has;
}

/* A new process on what is on disk. */
static void crash(struct world *w, struct server *v)
{
	v->lease = v->disk;
	v->link = v->disk_link;
	v->has = v->disk_has;
	v->run = 10 + w->fresh++;
	w->crashes++;
}

static void synced(struct server *v)
{
	v->disk = v->lease;
	v->disk_link = v->link;
	v->disk_has = v->has;
}

static void node_open(struct node *n, const struct world_settings *s, uint32_t i,
		      uint64_t incarnation)
{
	uint64_t now_ns = n->now_ns;

	*n = (struct node){ .now_ns = now_ns };
	lease_open(&n->lease, incarnation, LENGTH);
	claim_open(&n->claim, i + 1, incarnation, LENGTH, now_ns);
	if (s->broken == BROKEN_QUIET)
		n->claim.quiet_ns = LENGTH;
	if (s->broken == BROKEN_START)
		n->claim.bound_until_ns = 0;
	(void)!lease_step(&n->lease, &(struct lease_event){ .type = LEASE_LINK_UP }, now_ns);
}

static void failover(struct world *w)
{
	w->servers[1].replica = false;
	w->servers[1].replication = 100 + w->fresh++;
	w->failovers++;
}

static void heal(struct world *w)
{
	w->servers[0].replica = true;
	w->servers[0].replication = w->servers[1].replication;
	replicate(w);
}

static void tick(struct world *w, const struct world_settings *s)
{
	for (uint32_t i = 0; i < s->nodes; i++)
		w->nodes[i].now_ns += (i == 0) == s->slow_owner ? TICK : TICK_FAST;
}

void world_step(struct world *w, const struct world_settings *s, const struct step *step)
{
	struct node *n = &w->nodes[step->a];
	struct server *v = step->b < SERVERS_MAX ? &w->servers[step->b] : NULL;

	switch (step->kind) {
	case STEP_TICK:
		tick(w, s);
		break;
	case STEP_RUN:
		run(w, s, n);
		break;
	case STEP_DO:
		n->renewal.server = step->b;
		redis_do(v, &n->renewal);
		break;
	case STEP_ANSWER:
		answer(w, s, n);
		break;
	case STEP_LOSE:
		lose(w, s, n);
		break;
	case STEP_LOOK:
		redis_look(w, s, n, v);
		break;
	case STEP_CLAIM:
		n->claimed.server = step->b;
		redis_claim(v, s, &n->claimed);
		break;
	case STEP_CLAIMED:
		answer_claim(w, s, n);
		break;
	case STEP_CLAIM_LOSE:
		lose_claim(w, s, n);
		break;
	case STEP_LATE:
		if (n->lost.what)
			redis_do(v, &n->lost);
		else
			redis_claim(v, s, &n->lost);
		n->lost = (struct exchange){ 0 };
		break;
	case STEP_DELIVER:
		deliver(w, s, step);
		break;
	case STEP_REPLICATE:
		replicate(w);
		break;
	case STEP_FAILOVER:
		failover(w);
		break;
	case STEP_HEAL:
		heal(w);
		break;
	case STEP_CRASH:
		crash(w, v);
		break;
	case STEP_SYNC:
		synced(v);
		break;
	case STEP_FLUSH:
		v->has = false;
		v->lease = (struct claim_lease){ 0 };
		w->flushes++;
		break;
	case STEP_RESTART:
		notice(w, s, n);
		node_open(n, s, step->a, 16 * (step->a + 1) + w->fresh++);
		w->restarts++;
		break;
	}
}

/* ---- the start: the first node has renewed it, and all have seen that ---- */

static void owner_start(struct world *w, const struct world_settings *s)
{
	struct node *n = &w->nodes[0];
	struct members named = { .count = s->nodes - 1 };
	struct lease_event granted = { .type = LEASE_GRANTED, .answer = true, .kept = true };

	for (uint32_t i = 0; i < named.count; i++)
		named.ids[i] = i + 2;
	lease_name(&n->lease, &named, n->now_ns);
	(void)!lease_step(&n->lease, &(struct lease_event){ .type = LEASE_WANT }, n->now_ns);
	granted.epoch = (struct lease_epoch){ 1, n->lease.epoch.incarnation };
	(void)!lease_step(&n->lease, &granted, n->now_ns);
	n->lease.tell_ns = n->lease.next_ns;
	lease_ask(n, 0);
	for (uint32_t i = 0; i < s->servers; i++)
		redis_write(&w->servers[i], &n->renewal);
	n->renewal = (struct exchange){ 0 };
}

static void look_all(struct world *w, const struct world_settings *s)
{
	for (uint32_t i = 1; i < s->nodes; i++) {
		redis_look(w, s, &w->nodes[i], &w->servers[0]);
		w->nodes[i].claim.look_ns = START + LENGTH / 3;
	}
}

void world_start(struct world *w, const struct world_settings *s)
{
	memset(w, 0, sizeof(*w));
	w->fresh = 1;
	for (uint32_t i = 0; i < s->nodes; i++) {
		w->nodes[i].now_ns = START;
		node_open(&w->nodes[i], s, i, 16 * (i + 1));
		w->nodes[i].claim.bound_until_ns = 0;
	}
	for (uint32_t i = 0; i < s->servers; i++)
		w->servers[i] = (struct server){ .run = i + 1, .replication = 1, .replica = i > 0 };
	owner_start(w, s);
	synced(&w->servers[0]);
	look_all(w, s);
	w->servers[0].has = !s->emptied;
	look_all(w, s);
	world_cut(w, s);
}
