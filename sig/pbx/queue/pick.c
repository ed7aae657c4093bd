/* SPDX-License-Identifier: Apache-2.0 */
/* Who is next (queues.h). A pick merges the lines of a tenant: an agent of several queues takes the
 * first of all that he may take, and a queue without a free agent is left out, however many wait
 * there. Nodes have the same lines and so choose alike; where they do not, the store decides. */

#include "sig/pbx/queue/queues_table.h"

#include <string.h>

struct picking {
	struct queues *x;
	struct queues_tenant *of;
	uint64_t now_utc_ms;
	queue_free_fn *free;
	void *arg;
	bool callbacks; /* one of them is looked for */
};

/* NULL: no tenant has a queue. */
static struct queues_tenant *tenant_of(const struct queues *x, uint16_t tenant)
{
	return x->tenants ? &x->tenants[tenant] : NULL;
}

/* Each is looked at once in a pick. */
static bool agent_is_free(const struct picking *p, struct queue_agent *a)
{
	if (a->looked != p->of->looks) {
		a->looked = p->of->looks;
		a->is_free = a->until_utc_ms <= p->now_utc_ms && a->busy_utc_ms <= p->now_utc_ms;
		if (a->is_free && !p->free(p->arg, a)) {
			a->is_free = false;
			a->busy_utc_ms = p->now_utc_ms + QUEUE_BUSY_MS;
		}
	}
	return a->is_free;
}

static uint64_t agent_rank(const struct queue *q, const struct queue_agent *a, uint8_t i)
{
	switch ((enum queue_strategy)q->terms.strategy) {
	case QUEUE_LONGEST_IDLE:
		return a->spoke_utc_ms;
	case QUEUE_FEWEST_CALLS:
		return a->calls;
	case QUEUE_LEAST_TALK:
		return a->talk_ms;
	case QUEUE_ROUND_ROBIN:
		return (uint64_t)(i + QUEUE_MEMBERS_MAX - q->turn) % QUEUE_MEMBERS_MAX;
	case QUEUE_SKILL: /* of equal ones the longest idle */
		return (uint64_t)(QUEUE_SKILL_MAX - q->terms.skills[i]) << 56 |
		       (a->spoke_utc_ms & (UINT64_MAX >> 8));
	case QUEUE_RING_ALL:
	case QUEUE_IN_ORDER:
	case QUEUE_STRATEGIES:
		break;
	}
	return 0;
}

/* ---- tiers ---- */

static uint8_t agent_tier(const struct queue_terms *t, uint8_t i)
{
	return t->tiers[i] ? t->tiers[i] : 1;
}

/* A bit for each tier that has a ready agent. */
static uint16_t tiers_attended(struct queues *x, struct queue *q)
{
	uint16_t mask = 0;

	for (uint8_t i = 0; i < q->terms.count; i++) {
		const struct queue_agent *a = queue_agent_at(x, q, i);

		if (a && queue_agent_is_ready(q, a))
			mask |= (uint16_t)(1u << agent_tier(&q->terms, i));
	}
	return mask;
}

/* The last one that who has waited so long may have. */
static uint8_t tier_allowed(const struct queue_terms *t, uint16_t attended, uint64_t waited_ms)
{
	uint64_t steps = t->tier_s ? waited_ms / (t->tier_s * 1000ULL) : QUEUE_TIERS_MAX;

	for (uint8_t tier = 1; tier <= QUEUE_TIERS_MAX; tier++) {
		if (attended & 1u << tier && !steps--)
			return tier;
	}
	return QUEUE_TIERS_MAX;
}

/* ---- a match ---- */

struct best {
	uint8_t tier;
	uint64_t rank;
};

/* Of equals the first one of the document. */
static void match_add(const struct queue *q, struct queue_match *m, struct queue_agent *a,
		      struct best one, struct best *best)
{
	if (q->terms.strategy == QUEUE_RING_ALL) {
		m->agents[m->count++] = a;
	} else if (!m->count || one.tier < best->tier ||
		   (one.tier == best->tier && one.rank < best->rank)) {
		m->agents[0] = a;
		m->count = 1;
		*best = one;
	}
}

static bool caller_match(const struct picking *p, struct queue *q, struct queue_match *m)
{
	uint64_t joined = m->caller->joined_utc_ms;
	uint64_t waited = p->now_utc_ms > joined ? p->now_utc_ms - joined : 0;
	uint8_t wanted = queue_skill_wanted(&q->terms, waited);
	uint8_t most = tier_allowed(&q->terms, q->tiers, waited);
	struct best best = { 0 };

	m->count = 0;
	q->is_bare = true;
	for (uint8_t i = 0; i < q->terms.count; i++) {
		struct queue_agent *a = queue_agent_at(p->x, q, i);

		if (!a || !queue_agent_is_ready(q, a) || !agent_is_free(p, a))
			continue;
		q->is_bare = false;
		if (q->terms.skills[i] >= wanted && agent_tier(&q->terms, i) <= most)
			match_add(q, m, a,
				  (struct best){ agent_tier(&q->terms, i), agent_rank(q, a, i) },
				  &best);
	}
	if (!m->count)
		q->unskilled_utc_ms = joined;
	return m->count;
}

/* The caller's own node serves him, as this one would: his agents are not for callers behind him.
 * If his node does not for QUEUE_OWED_MS, those callers wait for it no longer. Callbacks are looked
 * at twice a second. */
static void caller_yield(const struct picking *p, struct queue_caller *c,
			 const struct queue_match *m)
{
	if (!c->owed_utc_ms || c->owed_look + 1 != p->of->looks)
		c->owed_utc_ms = p->now_utc_ms;
	c->owed_look = p->of->looks;
	if (p->now_utc_ms - c->owed_utc_ms >= QUEUE_OWED_MS * (c->callback ? 3 : 1))
		return;
	for (uint8_t i = 0; i < m->count; i++)
		m->agents[i]->is_free = false;
}

/* The first from c on who competes for agents. */
static struct queue_caller *caller_skip(const struct queue *q, struct queue_caller *c)
{
	while (c && (c->rings || c->away || c->joined_utc_ms >= q->unskilled_utc_ms))
		c = c->next;
	return c;
}

/* The next caller of the tenant, of those queues that may still have a free agent. */
static struct queue_caller *pick_next(const struct queues_tenant *t, uint64_t now_utc_ms)
{
	struct queue_caller *best = NULL;

	for (struct queue *q = t->first; q; q = q->next) {
		for (int other = 0; !q->is_bare && other < 2; other++) {
			struct queue_caller *c = caller_skip(q, q->walk.next[other]);

			q->walk.next[other] = c;
			if (c && (!best || queue_caller_is_next(c, best, now_utc_ms)))
				best = c;
		}
	}
	if (best)
		best->of->walk.next[best->is_other] = best->next;
	return best;
}

static bool line_pick(const struct picking *p, struct queue_match *out)
{
	struct queue_caller *c;

	if (!p->of)
		return false;
	p->of->looks++;
	for (struct queue *q = p->of->first; q; q = q->next) {
		q->walk = queue_walk(q);
		q->is_bare = !q->is_there;
		q->unskilled_utc_ms = UINT64_MAX;
		q->tiers = tiers_attended(p->x, q);
	}
	while (queues_are_whole(p->x) && (c = pick_next(p->of, p->now_utc_ms)) != NULL) {
		out->caller = c;
		if (!caller_match(p, c->of, out))
			continue;
		if (!c->process && p->callbacks == (c->callback != NULL))
			return true;
		caller_yield(p, c, out);
	}
	return false;
}

bool queues_pick(struct queues *x, uint16_t tenant, uint64_t now_utc_ms, queue_free_fn *free,
		 void *arg, struct queue_match *out)
{
	return line_pick(&(struct picking){ x, tenant_of(x, tenant), now_utc_ms, free, arg, false },
			 out);
}

bool queues_pick_callback(struct queues *x, uint16_t tenant, uint64_t now_utc_ms,
			  queue_free_fn *free, void *arg, struct queue_match *out)
{
	return line_pick(&(struct picking){ x, tenant_of(x, tenant), now_utc_ms, free, arg, true },
			 out);
}

void queue_reserve(struct queues *x, const struct queue_match *match, uint64_t until_utc_ms)
{
	struct queue *q = queues_find(x, match->caller->tenant, bytes_str(match->caller->queue));

	for (uint8_t i = 0; i < match->count; i++)
		agent_hold(x, match->agents[i], match->caller->call, until_utc_ms);
	queue_caller_rings(x, match->caller, true);
	for (uint8_t i = 0; q && i < q->terms.count; i++) {
		if (!strcmp(q->terms.members[i].number, match->agents[0]->number))
			q->turn = (uint8_t)((i + 1) % QUEUE_MEMBERS_MAX);
	}
}

/* When who joined then may have the next tier; UINT64_MAX: he may have all. */
static uint64_t tier_next_utc_ms(struct queues *x, struct queue *q, uint64_t joined_utc_ms,
				 uint64_t now_utc_ms)
{
	uint64_t waited = now_utc_ms > joined_utc_ms ? now_utc_ms - joined_utc_ms : 0;
	uint64_t each = q->terms.tier_s * 1000ULL;
	uint16_t attended = tiers_attended(x, q);

	return each && attended >> (tier_allowed(&q->terms, attended, waited) + 1)
		       ? joined_utc_ms + (waited / each + 1) * each
		       : UINT64_MAX;
}

/* When who joined then asks for less skill; UINT64_MAX: he does not. */
static uint64_t skill_falls_utc_ms(const struct queue_terms *t, uint64_t joined_utc_ms,
				   uint64_t now_utc_ms)
{
	uint64_t waited = now_utc_ms > joined_utc_ms ? now_utc_ms - joined_utc_ms : 0;
	uint64_t each = t->skill_fall_s * 1000ULL;

	return queue_skill_wanted(t, waited) && each && t->skill_fall
		       ? joined_utc_ms + (waited / each + 1) * each
		       : UINT64_MAX;
}

uint64_t queue_next_utc_ms(struct queues *x, struct queue *q, uint64_t joined_utc_ms,
			   uint64_t now_utc_ms)
{
	uint64_t next = skill_falls_utc_ms(&q->terms, joined_utc_ms, now_utc_ms);
	uint64_t tier = tier_next_utc_ms(x, q, joined_utc_ms, now_utc_ms);

	next = tier < next ? tier : next;
	for (uint8_t i = 0; i < q->terms.count; i++) {
		const struct queue_agent *a = queue_agent_at(x, q, i);

		if (a && queue_agent_is_ready(q, a) && a->until_utc_ms > now_utc_ms &&
		    a->until_utc_ms < next)
			next = a->until_utc_ms;
	}
	return next;
}
