/* SPDX-License-Identifier: Apache-2.0 */
/* What may happen next in a world, and which worlds are alike. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/explore/world.h"

struct list {
	struct step *steps;
	uint32_t count;
};

static void add(struct list *l, enum step_kind kind, uint32_t a, uint32_t b, uint32_t c)
{
	if (l->count < STEPS_MAX)
		l->steps[l->count++] = (struct step){ kind, a, b, c };
}

static bool due(const struct node *n)
{
	const struct lease *l = &n->lease;
	const struct claim *c = &n->claim;
	bool owner = l->state == LEASE_HELD || l->state == LEASE_DOUBT;

	if (owner)
		return n->now_ns >= l->next_ns || n->now_ns >= l->tell_ns ||
		       n->now_ns > atomic_load_explicit(&l->valid_until_ns, memory_order_relaxed);
	return (n->now_ns >= c->look_ns && !n->looking) ||
	       (c->state == CLAIM_WATCH && c->named.count && c->seen_ns &&
		n->now_ns >= c->seen_ns + c->quiet_ns && n->now_ns >= c->ask_ns) ||
	       (c->state != CLAIM_WATCH && n->now_ns > c->asked_ns + c->length_ns);
}

/* Where two are primaries each node may reach either. */
static void add_at(struct list *l, const struct world *w, const struct world_settings *s,
		   enum step_kind kind, uint32_t a)
{
	for (uint32_t i = 0; i < s->servers; i++) {
		if (!w->servers[i].replica)
			add(l, kind, a, i, 0);
	}
}

static void steps_redis(struct list *l, const struct world *w, const struct world_settings *s,
			uint32_t i)
{
	const struct node *n = &w->nodes[i];
	bool losable = w->losses < s->losses;

	if (n->renewal.stage == STAGE_SENT)
		add_at(l, w, s, STEP_DO, i);
	if (n->renewal.stage == STAGE_DONE)
		add(l, STEP_ANSWER, i, 0, 0);
	if (n->renewal.stage && losable)
		add(l, STEP_LOSE, i, 0, 0);
	if (n->looking)
		add_at(l, w, s, STEP_LOOK, i);
	if (n->claimed.stage == STAGE_SENT)
		add_at(l, w, s, STEP_CLAIM, i);
	if (n->claimed.stage == STAGE_DONE)
		add(l, STEP_CLAIMED, i, 0, 0);
	if (n->claimed.stage && losable)
		add(l, STEP_CLAIM_LOSE, i, 0, 0);
	if (n->lost.stage)
		add_at(l, w, s, STEP_LATE, i);
}

static void steps_messages(struct list *l, const struct world *w, uint32_t to)
{
	for (uint32_t kind = 0; kind < MESSAGE_KINDS; kind++) {
		for (uint32_t from = 0; from < NODES_MAX; from++) {
			if (w->messages[kind][from][to].full)
				add(l, STEP_DELIVER, from, kind, to);
		}
	}
}

static bool behind(const struct world *w)
{
	const struct server *a = &w->servers[0], *b = &w->servers[1];

	return memcmp(&a->lease, &b->lease, sizeof(a->lease)) != 0 || a->has != b->has ||
	       a->link != b->link;
}

static void steps_faults(struct list *l, const struct world *w, const struct world_settings *s)
{
	bool replicated = w->servers[0].replica || w->servers[1].replica;

	if (s->servers == 2 && replicated && behind(w))
		add(l, STEP_REPLICATE, 0, 0, 0);
	if (w->servers[1].replica && w->failovers < s->failovers)
		add(l, STEP_FAILOVER, 0, 0, 0);
	if (s->servers == 2 && !replicated)
		add(l, STEP_HEAL, 0, 0, 0);
	for (uint32_t i = 0; i < s->servers; i++) {
		if (w->servers[i].replica)
			continue;
		if (w->crashes < s->crashes) {
			add(l, STEP_CRASH, 0, i, 0);
			if (memcmp(&w->servers[i].lease, &w->servers[i].disk,
				   sizeof(w->servers[i].lease)) != 0)
				add(l, STEP_SYNC, 0, i, 0);
		}
		if (w->flushes < s->flushes && w->servers[i].has)
			add(l, STEP_FLUSH, 0, i, 0);
	}
}

uint32_t world_steps(const struct world *w, const struct world_settings *s,
		     struct step steps[STEPS_MAX])
{
	struct list l = { .steps = steps };

	for (uint32_t i = 0; i < s->nodes; i++) {
		if (w->nodes[i].dead)
			continue;
		steps_redis(&l, w, s, i);
		steps_messages(&l, w, i);
		if (due(&w->nodes[i]))
			add(&l, STEP_RUN, i, 0, 0);
		if (w->restarts < s->restarts)
			add(&l, STEP_RESTART, i, 0, 0);
	}
	steps_faults(&l, w, s);
	add(&l, STEP_TICK, 0, 0, 0);
	return l.count;
}

/* ---- alike ---- */

struct hash {
	uint64_t value;
};

static void mix(struct hash *h, uint64_t v)
{
	h->value = (h->value ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	h->value ^= h->value >> 29;
}

/* Times of long ago are alike, and so are those that have come. */
static void mix_since(struct hash *h, const struct node *n, uint64_t at_ns)
{
	uint64_t ago = n->now_ns - at_ns;

	mix(h, !at_ns ? 1 : ago > 4 * LENGTH ? 2 : 3 + ago);
}

static void mix_until(struct hash *h, const struct node *n, uint64_t at_ns)
{
	mix(h, at_ns == UINT64_MAX ? 1 : at_ns < n->now_ns ? 2 : 3 + at_ns - n->now_ns);
}

static void mix_epoch(struct hash *h, struct lease_epoch epoch)
{
	mix(h, epoch.counter << 16 | epoch.incarnation);
}

static void mix_record(struct hash *h, const struct claim_lease *r)
{
	mix_epoch(h, r->epoch);
	mix(h, r->history << 32 | r->owner << 24 | r->renewal);
	for (uint32_t i = 0; i < r->named.count; i++)
		mix(h, r->named.ids[i]);
}

static void mix_lease(struct hash *h, const struct node *n)
{
	const struct lease *l = &n->lease;

	mix_epoch(h, l->epoch);
	mix(h, (uint64_t)l->state << 40 | (uint64_t)l->question << 32 | l->link << 16 | l->heard);
	mix(h, (uint64_t)l->link_up << 2 | (uint64_t)l->stale << 1 | n->dead);
	mix(h, l->renewal);
	mix_until(h, n, atomic_load_explicit(&l->valid_until_ns, memory_order_relaxed));
	mix_until(h, n, l->next_ns);
	mix_until(h, n, l->tell_ns);
	mix_since(h, n, l->sent_ns);
	mix_since(h, n, l->told_ns);
	for (uint32_t i = 0; i < l->named.count; i++) {
		mix(h, l->named.ids[i]);
		mix_since(h, n, l->acked_ns[i]);
	}
}

static void mix_claim(struct hash *h, const struct node *n)
{
	const struct claim *c = &n->claim;

	mix(h, (uint64_t)c->state << 32 | c->consents << 16 | c->record << 8 | n->looking);
	mix(h, n->now_ns < c->bound_until_ns ? c->bound_to : 99);
	mix_until(h, n, c->bound_until_ns);
	mix_epoch(h, c->bound_epoch);
	mix(h, n->now_ns < c->promised_until_ns ? c->promised_to : 99);
	mix_until(h, n, c->promised_until_ns);
	mix_epoch(h, c->gone);
	mix_since(h, n, c->gone_ns);
	mix_record(h, &c->seen);
	mix_since(h, n, c->seen_ns);
	mix_since(h, n, c->looked_ns);
	mix_since(h, n, c->asked_ns);
	mix_until(h, n, c->look_ns);
	mix_until(h, n, c->ask_ns);
	mix_epoch(h, c->heard);
	mix_epoch(h, c->renewed_epoch);
	mix(h, c->renewed - c->seen.renewal);
	mix_epoch(h, c->next);
	for (uint32_t i = 0; i < c->named.count; i++)
		mix(h, c->named.ids[i]);
}

static void mix_exchange(struct hash *h, const struct exchange *x)
{
	mix(h, (uint64_t)x->stage << 8 | x->what);
	if (!x->stage)
		return;
	mix_record(h, &x->lease);
	mix_record(h, &x->seen);
	mix(h, (uint64_t)x->link << 32 | (uint64_t)x->server << 16 | (uint64_t)x->result);
	mix_epoch(h, x->result_epoch);
}

static void mix_server(struct hash *h, const struct server *v)
{
	mix_record(h, &v->lease);
	mix_record(h, &v->disk);
	mix(h, (uint64_t)v->link << 32 | v->disk_link << 8 | (uint64_t)v->has << 2 |
		       (uint64_t)v->disk_has << 1 | v->replica);
	mix(h, v->run << 32 | v->replication);
}

static void mix_messages(struct hash *h, const struct world *w)
{
	for (uint32_t kind = 0; kind < MESSAGE_KINDS; kind++) {
		for (uint32_t i = 0; i < NODES_MAX * NODES_MAX; i++) {
			const struct message *m = &w->messages[kind][i / 3][i % 3];
			bool back = kind == MESSAGE_ACK || kind == MESSAGE_CONSENT;

			mix(h, m->full + m->again);
			if (!m->full)
				continue;
			mix_epoch(h, m->epoch);
			mix(h, m->record);
			mix_since(h, &w->nodes[back ? i % 3 : i / 3], m->sent_ns);
		}
	}
}

uint64_t world_hash(const struct world *w)
{
	struct hash h = { 1 };

	for (uint32_t i = 0; i < NODES_MAX; i++) {
		const struct node *n = &w->nodes[i];

		mix_lease(&h, n);
		mix_claim(&h, n);
		mix_exchange(&h, &n->renewal);
		mix_exchange(&h, &n->claimed);
		mix_exchange(&h, &n->lost);
	}
	for (uint32_t i = 0; i < SERVERS_MAX; i++)
		mix_server(&h, &w->servers[i]);
	mix_messages(&h, w);
	mix(&h,
	    w->crashes << 16 | w->flushes << 12 | w->failovers << 8 | w->restarts << 4 | w->losses);
	return h.value;
}

void step_print(const struct step *step, const struct world *w)
{
	static const char *const names[] = { "tick",
					     "run",
					     "redis does it for",
					     "answer to",
					     "lose what was asked by",
					     "look of",
					     "claim of",
					     "answer to claim of",
					     "lose claim of",
					     "late command of",
					     "deliver",
					     "replicate",
					     "failover",
					     "heal",
					     "crash",
					     "sync",
					     "flush",
					     "restart" };
	static const char *const kinds[] = { "told", "ack", "ask", "consent", "news", "dead" };

	if (step->kind == STEP_DELIVER)
		(void)printf("  deliver %s %u -> %u", kinds[step->b], step->a, step->c);
	else
		(void)printf("  %s %u, redis %u", names[step->kind], step->a, step->b);
	for (uint32_t i = 0; i < NODES_MAX; i++) {
		const struct node *n = &w->nodes[i];
		int64_t left = (int64_t)(atomic_load_explicit(&n->lease.valid_until_ns,
							      memory_order_relaxed) -
					 n->now_ns);

		(void)printf(" | %d %" PRId64 " c%d", (int)n->lease.state, left,
			     (int)n->claim.state);
	}
	(void)printf("\n");
}
