/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of callers, the agents, and the choice between them (queues.h). Each queue has its
 * callers in the order in which they are served, those of this node and those of others apart. A
 * pick merges the lines of a tenant: an agent of several queues takes the first of all that he may
 * take, and a queue without a free agent is left out, however many wait there. Nodes have the same
 * lines and so choose alike; where they do not, the store decides. */

#include "sig/pbx/queue/queues.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/named.h"

enum {
	EVERY_SHARE = 8, /* of the newest interval in the average */
	TENANTS = 1 << 16
};

#define NOWHERE UINT64_MAX /* the process of what no node has now */

const char *const g_queue_strategies[] = {
	"longest_idle", "round_robin", "ring_all", "fewest_calls", "in_order", "skill", NULL
};
const char *const g_callback_rules[] = { "off", "agent", "turn", NULL };
const char *const g_agent_states[] = { "out", "ready", "not_ready", NULL };

struct queues {
	struct table by_name;    /* struct queue */
	struct table agents;     /* struct queue_agent, by number */
	struct table by_call;    /* struct queue_caller */
	uint64_t agents_version; /* that are there */
	struct queues_listener listener;
	uint32_t seconds;            /* since there is one */
	struct queues_counts counts; /* without those of now */
	struct queues_tenant {
		struct queue *first;
		uint32_t looks; /* picks so far */
	} * tenants;            /* TENANTS, once there is a queue */
};

void queues_free(struct queues *x)
{
	struct queue_caller *c;
	struct queue_walk w;
	struct queue *q;

	if (!x)
		return;
	for (uint32_t cursor = 0; (q = queues_next(x, &cursor)) != NULL;) {
		w = queue_walk(q);
		while ((c = queue_walk_next(&w)) != NULL) {
			free(c->callback);
			free(c);
		}
	}
	named_close(&x->by_name);
	named_close(&x->agents);
	table_close(&x->by_call);
	free(x->tenants);
	free(x);
}

struct queues *queues_create(void)
{
	struct queues *x = calloc(1, sizeof(*x));

	if (x)
		x->agents_version = 1;
	if (x && !table_open(&x->by_name, QUEUES_MAX) &&
	    !table_open(&x->agents, QUEUE_AGENTS_MAX) &&
	    !table_open(&x->by_call, QUEUE_CALLERS_MAX))
		return x;
	queues_free(x);
	return NULL;
}

/* ---- documents ---- */

/* Also one that no document has yet. Returns NULL with *err = -ENOSPC or -ENOMEM. */
static struct queue *named_queue_make(struct queues *x, uint16_t tenant, struct bytes name,
				      int *err)
{
	uint32_t before = x->by_name.count;
	struct queue *q;

	if (!x->tenants)
		x->tenants = calloc(TENANTS, sizeof(*x->tenants));
	*err = -ENOMEM;
	q = x->tenants ? named_put(&x->by_name, tenant, name, sizeof(*q), err) : NULL;
	if (q && x->by_name.count > before) {
		q->next = x->tenants[tenant].first;
		x->tenants[tenant].first = q;
	}
	return q;
}

/* Once neither a document nor a caller has it. */
static void named_queue_drop(struct queues *x, struct queue *q)
{
	struct queue **at = &x->tenants[q->terms.tenant].first;

	if (q->is_there || q->waiting)
		return;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	named_remove(&x->by_name, q);
	free(q);
}

int queues_put(struct queues *x, const struct queue_terms *terms)
{
	int err;
	struct queue *q = named_queue_make(x, terms->tenant, bytes_str(terms->name), &err);

	if (!q)
		return err;
	q->terms = *terms;
	q->is_there = true;
	q->agents_version = 0;
	return 0;
}

void queues_delete(struct queues *x, uint16_t tenant, struct bytes name)
{
	struct queue *q = queues_find(x, tenant, name);

	if (!q)
		return;
	q->is_there = false;
	q->answered_utc_ms = q->joined = q->answered = q->left = q->wait_ms = 0;
	q->every_ms = 0;
	named_queue_drop(x, q);
}

struct queue *queues_find(const struct queues *x, uint16_t tenant, struct bytes name)
{
	struct queue *q = queues_any(x, tenant, name);

	return q && q->is_there ? q : NULL;
}

struct queue *queues_any(const struct queues *x, uint16_t tenant, struct bytes name)
{
	return x ? named_find(&x->by_name, tenant, name) : NULL;
}

struct queue *queues_next(const struct queues *x, uint32_t *cursor)
{
	return named_next(&x->by_name, cursor);
}

static bool members_have(const struct queue_terms *t, struct bytes number)
{
	for (uint8_t i = 0; i < t->count; i++) {
		if (bytes_is(number, t->members[i].number))
			return true;
	}
	return false;
}

static bool number_is_plain(struct bytes number)
{
	for (size_t i = 0; i < number.n; i++) {
		uint8_t at = number.p[i];

		if (!strchr("0123456789*#+._-", at) && !(at >= 'a' && at <= 'z') &&
		    !(at >= 'A' && at <= 'Z'))
			return false;
	}
	return number.n;
}

const char *queue_members_parse(struct queue_terms *out, struct bytes text)
{
	struct bytes one;

	out->count = 0;
	while (bytes_cut(&text, ',', &one)) {
		one = bytes_trim(one);
		if (out->count == QUEUE_MEMBERS_MAX)
			return "a queue has at most 32 members";
		if (!number_is_plain(one) || one.n >= DIAL_NUMBER_MAX)
			return "members are extensions, joined by ','";
		if (members_have(out, one))
			return "a member is named twice";
		(void)bytes_cstr(one, out->members[out->count++].number, DIAL_NUMBER_MAX);
	}
	return NULL;
}

/* An entry in front of that one has the number. */
static bool skills_have(struct bytes text, const uint8_t *entry, struct bytes number)
{
	struct bytes one, of;

	while (bytes_cut(&text, ',', &one) && one.p < entry) {
		if (bytes_cut(&one, ':', &of) && bytes_eq(bytes_trim(of), number))
			return true;
	}
	return false;
}

const char *queue_skills_parse(struct queue_terms *out, struct bytes text)
{
	const struct bytes all = text;
	struct bytes entry, one, number;
	uint32_t skill;

	memset(out->skills, 0, sizeof(out->skills));
	while (bytes_cut(&text, ',', &entry)) {
		one = bytes_trim(entry);
		if (!bytes_cut(&one, ':', &number) || !number_is_plain(number) ||
		    number.n >= DIAL_NUMBER_MAX || bytes_u32(one, &skill) ||
		    skill > QUEUE_SKILL_MAX)
			return "skills are extensions with a number from 0 to 100, as 1001:90, "
			       "joined by ','";
		if (skills_have(all, entry.p, number))
			return "a skill is named twice";
		for (uint8_t i = 0; i < out->count; i++) {
			if (bytes_is(number, out->members[i].number))
				out->skills[i] = (uint8_t)skill;
		}
	}
	return NULL;
}

uint8_t queue_skill_wanted(const struct queue_terms *t, uint64_t waited_ms)
{
	uint64_t falls = t->skill_fall_s ? waited_ms / (t->skill_fall_s * 1000ULL) : 0;

	if (t->strategy != QUEUE_SKILL || (t->skill_fall && falls > QUEUE_SKILL_MAX))
		return 0;
	falls *= t->skill_fall;
	return falls < t->skill_min ? (uint8_t)(t->skill_min - falls) : 0;
}

struct queue_agent *queues_agent_put(struct queues *x, uint16_t tenant, struct bytes number,
				     enum agent_state state, struct bytes reason, int *err)
{
	struct queue_agent *a = NULL;

	*err = -ENOSPC;
	x->agents_version++;
	if (number.n < DIAL_NUMBER_MAX && reason.n < AGENT_REASON_MAX)
		a = named_put(&x->agents, tenant, number, sizeof(*a), err);
	if (!a)
		return NULL;
	if (state != a->state)
		a->missed = 0;
	a->state = (uint8_t)state;
	(void)bytes_cstr(reason, a->reason, sizeof(a->reason));
	return a;
}

void queue_agent_set_epoch(struct queue_agent *a, uint64_t epoch)
{
	if (a->epoch == epoch)
		return;
	a->epoch = epoch;
	a->wraps = false;
	if (!a->call)
		a->until_utc_ms = 0;
}

void queues_agent_delete(struct queues *x, uint16_t tenant, struct bytes number)
{
	struct queue_agent *a = named_find(&x->agents, tenant, number);

	x->agents_version++;
	if (a)
		named_remove(&x->agents, a);
	free(a);
}

struct queue_agent *queues_agent(const struct queues *x, uint16_t tenant, struct bytes number)
{
	return x && number.n < DIAL_NUMBER_MAX ? named_find(&x->agents, tenant, number) : NULL;
}

const struct queue_caller *queues_agent_changed(struct queues *x, uint16_t tenant,
						struct bytes number)
{
	struct queue_agent *a = queues_agent(x, tenant, number);

	if (a)
		a->busy_utc_ms = 0;
	return a ? queues_first(x, tenant) : NULL;
}

uint32_t queues_agent_count(const struct queues *x)
{
	return x->agents.count;
}

struct queue *queues_next_of(const struct queues *x, uint16_t tenant, struct bytes number,
			     uint32_t *cursor)
{
	struct queue *q;

	while ((q = named_next(&x->by_name, cursor)) != NULL) {
		if (q->is_there && q->terms.tenant == tenant && members_have(&q->terms, number))
			break;
	}
	return q;
}

struct queue_agent *queues_agent_next(const struct queues *x, uint32_t *cursor)
{
	return named_next(&x->agents, cursor);
}

/* NULL: he is not logged in. */
static struct queue_agent *member_agent(const struct queues *x, struct queue *q, uint8_t i)
{
	for (uint8_t k = 0; q->agents_version != x->agents_version && k < q->terms.count; k++)
		q->agents[k] =
			queues_agent(x, q->terms.tenant, bytes_str(q->terms.members[k].number));
	q->agents_version = x->agents_version;
	return q->agents[i];
}

uint32_t queue_agents(const struct queues *x, struct queue *q, bool ready)
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < q->terms.count; i++) {
		const struct queue_agent *a = member_agent(x, q, i);

		n += a && (ready ? a->state == AGENT_READY : a->state != AGENT_OUT);
	}
	return n;
}

/* ---- other nodes are told ---- */

static void caller_notify(const struct queues *x, const struct queue_caller *c, bool gone)
{
	if (x->listener.caller && !c->process && !c->callback)
		x->listener.caller(x->listener.arg, c, gone);
}

/* by: the call that has the agent, or had him last. */
static void agent_notify(const struct queues *x, const struct queue_agent *a, uint64_t by)
{
	const struct queue_agent_word w = { .by = by,
					    .holds = a->call == by,
					    .wraps = a->wraps,
					    .missed = a->missed,
					    .until_utc_ms = a->until_utc_ms,
					    .spoke_utc_ms = a->spoke_utc_ms,
					    .epoch = a->epoch };

	if (x->listener.agent)
		x->listener.agent(x->listener.arg, a, &w);
}

/* ---- callers ---- */

/* Of two who have joined in the same moment the smaller id is first, on all nodes. */
static bool caller_is_before(const struct queue_caller *a, const struct queue_caller *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->joined_utc_ms != b->joined_utc_ms)
		return a->joined_utc_ms < b->joined_utc_ms;
	return a->call < b->call;
}

struct queue_caller *queues_caller(const struct queues *x, uint64_t call)
{
	uint32_t cursor = 0;

	/* ids of calls are the node's own: nobody chooses collisions */
	return x ? (struct queue_caller *)(uintptr_t)table_next(&x->by_call, call, &cursor) : NULL;
}

struct queue_walk queue_walk(const struct queue *q)
{
	return (struct queue_walk){ { q->lines[0].first, q->lines[1].first } };
}

struct queue_caller *queue_walk_next(struct queue_walk *w)
{
	bool other = w->next[1] && (!w->next[0] || caller_is_before(w->next[1], w->next[0]));
	struct queue_caller *c = w->next[other];

	if (c)
		w->next[other] = c->next;
	return c;
}

static void caller_unlink(struct queue_caller *c)
{
	struct queue_line *l = &c->of->lines[c->is_other];

	*(c->before ? &c->before->next : &l->first) = c->next;
	*(c->next ? &c->next->before : &l->last) = c->before;
	c->of->waiting--;
	c->of->callbacks -= c->callback != NULL;
}

/* The newest is mostly the last one. */
static void caller_link(struct queue_caller *c, struct queue *q)
{
	struct queue_line *l = &q->lines[c->process != 0];
	struct queue_caller *at = l->last;

	while (at && caller_is_before(c, at))
		at = at->before;
	c->of = q;
	c->is_other = c->process;
	c->before = at;
	c->next = at ? at->next : l->first;
	*(at ? &at->next : &l->first) = c;
	*(c->next ? &c->next->before : &l->last) = c;
	q->waiting++;
	q->callbacks += c->callback != NULL;
}

/* What nodes tell again moves nobody: a line of thousands is told every few seconds. */
static bool caller_stays(const struct queue_caller *c, const struct queue_caller *as)
{
	return c->priority == as->priority && c->joined_utc_ms == as->joined_utc_ms &&
	       c->is_other == !!as->process;
}

static struct queue_caller *caller_make(struct queues *x, const struct queue_caller *of, int *err)
{
	struct queue_caller *c = malloc(sizeof(*c));

	*err = c ? table_put(&x->by_call, of->call, (uintptr_t)c) : -ENOMEM;
	if (!*err)
		return c;
	free(c);
	return NULL;
}

int queues_caller_put(struct queues *x, const struct queue_caller *caller)
{
	struct queue_caller *c = queues_caller(x, caller->call), was;
	int err = 0;
	struct queue *q = named_queue_make(x, caller->tenant, bytes_str(caller->queue), &err);

	if (!q)
		return err;
	was = c ? *c : (struct queue_caller){ 0 };
	if (!c)
		c = caller_make(x, caller, &err);
	if (!c) {
		named_queue_drop(x, q);
		return err;
	}
	*c = *caller;
	if (was.of == q && caller_stays(&was, caller)) {
		c->of = q;
		c->is_other = was.is_other;
		c->next = was.next;
		c->before = was.before;
	} else {
		if (was.of) {
			c->of = was.of;
			c->is_other = was.is_other;
			c->next = was.next;
			c->before = was.before;
			caller_unlink(c);
		}
		caller_link(c, q);
		if (was.of)
			named_queue_drop(x, was.of);
	}
	caller_notify(x, c, false);
	return 0;
}

void queues_caller_delete(struct queues *x, uint64_t call)
{
	struct queue_caller *c = queues_caller(x, call);

	if (!c)
		return;
	caller_notify(x, c, true);
	caller_unlink(c);
	(void)table_del(&x->by_call, call, (uintptr_t)c);
	named_queue_drop(x, c->of);
	free(c->callback);
	free(c);
}

/* Other nodes must not take the caller for one that does not compete: he waits again before his
 * agents are free, and rings only when they are reserved for him. */
static void caller_rings(const struct queues *x, struct queue_caller *c, bool rings)
{
	c->rings = rings;
	caller_notify(x, c, false);
}

void queues_caller_waits(struct queues *x, uint64_t call)
{
	struct queue_caller *c = queues_caller(x, call);

	if (c && c->rings)
		caller_rings(x, c, false);
}

void queues_caller_release(struct queues *x, uint64_t call)
{
	struct queue_caller *c = queues_caller(x, call);

	if (!c || c->process)
		return;
	if (x->listener.caller) {
		caller_unlink(c);
		c->process = NOWHERE;
		c->away = true;
		caller_link(c, c->of);
	} else {
		queues_caller_delete(x, call);
	}
}

const struct queue_caller *queues_first(const struct queues *x, uint16_t tenant)
{
	const struct queue_caller *first = NULL;

	for (const struct queue *q = x && x->tenants ? x->tenants[tenant].first : NULL; q;
	     q = q->next) {
		const struct queue_caller *c = q->lines[0].first;

		while (c && (c->rings || c->callback))
			c = c->next;
		if (c && (!first || caller_is_before(c, first)))
			first = c;
	}
	return first;
}

uint32_t queue_position(const struct queue_caller *of)
{
	struct queue_walk w = queue_walk(of->of);
	uint32_t n = 1;

	while (queue_walk_next(&w) != of)
		n++;
	return n;
}

uint32_t queue_wait_ms(const struct queue *q, uint32_t position)
{
	uint64_t ms = (uint64_t)q->every_ms * position;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* ---- who is next ---- */

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
		a->is_free = a->state == AGENT_READY && a->until_utc_ms <= p->now_utc_ms &&
			     a->busy_utc_ms <= p->now_utc_ms;
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

/* Of equals the first one of the document. */
static void match_add(const struct queue *q, struct queue_match *m, struct queue_agent *a,
		      uint64_t rank, uint64_t *best)
{
	if (q->terms.strategy == QUEUE_RING_ALL) {
		m->agents[m->count++] = a;
	} else if (!m->count || rank < *best) {
		m->agents[0] = a;
		m->count = 1;
		*best = rank;
	}
}

static bool caller_match(const struct picking *p, struct queue *q, struct queue_match *m)
{
	uint64_t best = 0, joined = m->caller->joined_utc_ms;
	uint8_t wanted =
		queue_skill_wanted(&q->terms, p->now_utc_ms > joined ? p->now_utc_ms - joined : 0);

	m->count = 0;
	q->is_bare = true;
	for (uint8_t i = 0; i < q->terms.count; i++) {
		struct queue_agent *a = member_agent(p->x, q, i);

		if (!a || !agent_is_free(p, a))
			continue;
		q->is_bare = false;
		if (q->terms.skills[i] >= wanted)
			match_add(q, m, a, agent_rank(q, a, i), &best);
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
static struct queue_caller *pick_next(const struct queues_tenant *t)
{
	struct queue_caller *best = NULL;

	for (struct queue *q = t->first; q; q = q->next) {
		for (int other = 0; !q->is_bare && other < 2; other++) {
			struct queue_caller *c = caller_skip(q, q->walk.next[other]);

			q->walk.next[other] = c;
			if (c && (!best || caller_is_before(c, best)))
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
	}
	while (queues_are_whole(p->x) && (c = pick_next(p->of)) != NULL) {
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
	caller_rings(x, match->caller, true);
	for (uint8_t i = 0; q && i < q->terms.count; i++) {
		if (!strcmp(q->terms.members[i].number, match->agents[0]->number))
			q->turn = (uint8_t)((i + 1) % QUEUE_MEMBERS_MAX);
	}
}

bool agent_is_of(const struct queue_agent *a, uint64_t call)
{
	return a->call == call && !a->process;
}

void agent_hold(const struct queues *x, struct queue_agent *a, uint64_t call, uint64_t until_utc_ms)
{
	a->call = call;
	a->until_utc_ms = until_utc_ms;
	a->wraps = false;
	a->process = 0;
	agent_notify(x, a, call);
}

/* The call of another node that claimed the agent meanwhile has him now. */
static void agent_yield(struct queue_agent *a)
{
	if (!a->rival)
		return;
	a->call = a->rival;
	a->process = a->rival_process;
	a->until_utc_ms = a->rival_until_utc_ms;
	a->unheard_s = 0;
	a->wraps = false;
	a->rival = 0;
}

void agent_release(const struct queues *x, struct queue_agent *a, uint64_t call,
		   uint64_t until_utc_ms)
{
	if (!agent_is_of(a, call))
		return;
	a->call = 0;
	a->until_utc_ms = until_utc_ms;
	agent_notify(x, a, call);
	agent_yield(a);
}

void agent_lose(const struct queues *x, struct queue_agent *a, uint64_t call)
{
	if (!agent_is_of(a, call) || !x->listener.agent)
		return;
	a->process = NOWHERE;
	a->unheard_s = 0;
}

void agent_wrap(const struct queues *x, struct queue_agent *a, uint64_t call, uint64_t now_utc_ms,
		uint64_t wrap_ms)
{
	a->call = 0;
	a->process = 0;
	a->spoke_utc_ms = now_utc_ms;
	a->until_utc_ms = now_utc_ms + wrap_ms;
	a->wraps = wrap_ms;
	agent_notify(x, a, call);
	agent_yield(a);
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

uint64_t queue_next_utc_ms(const struct queues *x, struct queue *q, uint64_t joined_utc_ms,
			   uint64_t now_utc_ms)
{
	uint64_t next = skill_falls_utc_ms(&q->terms, joined_utc_ms, now_utc_ms);

	for (uint8_t i = 0; i < q->terms.count; i++) {
		const struct queue_agent *a = member_agent(x, q, i);

		if (a && a->state == AGENT_READY && a->until_utc_ms > now_utc_ms &&
		    a->until_utc_ms < next)
			next = a->until_utc_ms;
	}
	return next;
}

void queue_count(struct queues *x, struct queue *q, bool answered, uint64_t waited_ms,
		 uint64_t now_utc_ms)
{
	uint64_t since = now_utc_ms - q->answered_utc_ms;

	if (!answered) {
		q->left++;
		x->counts.left++;
		return;
	}
	x->counts.answered++;
	x->counts.wait_ms += waited_ms;
	if (q->answered_utc_ms && since < UINT32_MAX)
		q->every_ms = q->every_ms
				      ? (uint32_t)((q->every_ms * (EVERY_SHARE - 1ULL) + since) /
						   EVERY_SHARE)
				      : (uint32_t)since;
	q->answered_utc_ms = now_utc_ms;
	q->answered++;
	q->wait_ms += waited_ms;
}

void queues_count(const struct queues *x, struct queues_counts *out)
{
	const struct queue_caller *c;
	const struct queue_agent *a;
	const struct queue *q;
	uint32_t cursor = 0;

	*out = x->counts;
	while ((q = queues_next(x, &cursor)) != NULL) {
		struct queue_walk w = queue_walk(q);

		while ((c = queue_walk_next(&w)) != NULL)
			out->waiting += !c->process && !c->callback;
	}
	cursor = 0;
	while ((a = queues_agent_next(x, &cursor)) != NULL) {
		out->agents += a->state != AGENT_OUT;
		out->ready += a->state == AGENT_READY;
	}
}

/* ---- other nodes ---- */

void queues_listen(struct queues *x, const struct queues_listener *l)
{
	x->listener = *l;
}

bool queues_are_whole(const struct queues *x)
{
	return !x->listener.caller || x->seconds >= QUEUE_DEAF_S;
}

int queues_hear_caller(struct queues *x, const struct queue_caller *c, bool gone)
{
	const struct queue_caller *at = queues_caller(x, c->call);

	if (at && !at->process)
		return 0;
	if (!gone)
		return queues_caller_put(x, c);
	if (at && at->process == c->process)
		queues_caller_delete(x, c->call);
	return 0;
}

/* Keeps the claim of a call for an agent that another call has: it counts when that one releases
 * the agent. */
static void rival_hear(struct queue_agent *a, uint64_t process, const struct queue_agent_word *w)
{
	if (w->holds) {
		a->rival = w->by;
		a->rival_s = 0;
		a->rival_process = process;
		a->rival_until_utc_ms = w->until_utc_ms;
	} else if (a->rival == w->by) {
		a->rival = 0;
	}
}

/* This node has him for a caller of its own, or for a callback, which is in no line by its call
 * until it is reached. Who speaks with him is in none, either. */
static bool agent_is_held(const struct queues *x, const struct queue_agent *a, uint64_t now_utc_ms)
{
	const struct queue_caller *c = queues_caller(x, a->call);

	return !a->process && (c ? !c->process : a->until_utc_ms > now_utc_ms);
}

static void agent_hear(const struct queues *x, struct queue_agent *a, uint64_t process,
		       const struct queue_agent_word *w, uint64_t now_utc_ms)
{
	if (w->spoke_utc_ms > a->spoke_utc_ms) {
		a->spoke_utc_ms = w->spoke_utc_ms;
		a->calls++;
	}
	if (w->epoch < a->epoch)
		return;
	a->missed = w->missed;
	if (a->call && a->call != w->by && (a->process || agent_is_held(x, a, now_utc_ms))) {
		rival_hear(a, process, w);
		return;
	}
	a->call = w->holds ? w->by : 0;
	a->process = process;
	a->unheard_s = 0;
	a->until_utc_ms = w->until_utc_ms;
	a->wraps = w->wraps;
	if (!a->call)
		agent_yield(a);
}

int queues_hear_agent(struct queues *x, uint16_t tenant, struct bytes number, uint64_t process,
		      const struct queue_agent_word *w, uint64_t now_utc_ms)
{
	struct queue_agent *a = queues_agent(x, tenant, number);
	int err = 0;

	if (!a && w->holds && number.n < DIAL_NUMBER_MAX) {
		a = queues_agent_put(x, tenant, number, AGENT_OUT, (struct bytes){ 0 }, &err);
		if (a)
			a->epoch = w->epoch;
	}
	if (a)
		agent_hear(x, a, process, w, now_utc_ms);
	return err;
}

/* Its own agents are told again. A call that no node tells of any more loses its agent. */
static void agent_second(struct queues *x, struct queue_agent *a, bool is_there, bool all)
{
	uint8_t most = !a->process ? QUEUE_ROUND_S : is_there ? QUEUE_UNHEARD_S : QUEUE_LOST_S;

	if (++a->rival_s > 1)
		a->rival = 0;
	if (!a->call || (++a->unheard_s < most && !(all && !a->process)))
		return;
	a->unheard_s = 0;
	if (!a->process) {
		agent_notify(x, a, a->call);
		return;
	}
	a->call = 0;
	a->until_utc_ms = 0;
	agent_yield(a);
	if (!a->call && a->state == AGENT_OUT)
		queues_agent_delete(x, a->tenant, bytes_str(a->number));
}

static void caller_second(struct queues *x, struct queue_caller *c, bool is_there, bool all)
{
	c->away = c->process && !is_there;
	if (++c->unheard_s < (c->process ? QUEUE_UNHEARD_S : QUEUE_ROUND_S) &&
	    !(all && !c->process))
		return;
	c->unheard_s = 0;
	if (c->process)
		queues_caller_delete(x, c->call);
	else
		caller_notify(x, c, false);
}

void queues_second(struct queues *x, bool all, bool (*is_there)(void *arg, uint64_t process),
		   void *arg)
{
	struct queue_caller *c;
	struct queue_agent *a;
	struct queue *q;
	uint32_t cursor = 0;

	x->seconds++;
	while ((q = queues_next(x, &cursor)) != NULL) {
		struct queue_walk w = queue_walk(q);

		while ((c = queue_walk_next(&w)) != NULL)
			caller_second(x, c, is_there(arg, c->process), all);
	}
	cursor = 0;
	while ((a = queues_agent_next(x, &cursor)) != NULL)
		agent_second(x, a, is_there(arg, a->process), all);
}
