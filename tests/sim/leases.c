/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/leases.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/leases_state.h"
#include "tests/sim/sim.h"

/* Clocks differ by less than a tenth. */
enum { RATE_LOW = 955, RATE_HIGH = 1045, RATE_OFTEN = 500 };

bool lease_chance(struct sim *s, uint32_t permille)
{
	return permille && rand_below(&s->leases->rand, 1000) < permille;
}

uint64_t lease_between_us(struct sim *s, uint32_t low, uint32_t high)
{
	return (low + rand_below(&s->leases->rand, high - low + 1)) * NS_PER_US;
}

const struct leases_totals *leases_totals(const struct sim *s)
{
	return &s->leases->totals;
}

/* ---- what is ---- */

bool leases_speaks(const struct sim *s, uint32_t node, uint32_t place)
{
	const struct lease_node *n = &s->leases->nodes[node];
	const struct lease *l = &n->holders[place].lease;

	return n->up && n->holders[place].live &&
	       (s->leases->rests ||
		lease_now(n) <= atomic_load_explicit(&l->valid_until_ns, memory_order_relaxed));
}

uint32_t leases_count(const struct sim *s, uint32_t node)
{
	const struct lease_node *n = &s->leases->nodes[node];
	uint32_t count = 0;

	for (uint32_t i = 0; n->up && i < s->leases->set.places; i++)
		count += n->holders[i].live;
	return count;
}

static uint32_t speakers(const struct sim *s, uint32_t place)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->leases->set.nodes; i++)
		count += leases_speaks(s, i, place);
	return count;
}

/* What it knows of who may claim the shard. */
static void claimant_tell(struct sim *s, uint32_t node, uint32_t place)
{
	const struct lease_node *n = &s->leases->nodes[node];
	const struct claim *c = n->up ? claims_of(n->claims, (uint16_t)(1 + place)) : NULL;
	char names[MEMBERS_MAX * 8];
	struct writer w = writer_over(names, sizeof(names) - 1);

	if (!c)
		return;
	for (uint32_t i = 0; i < c->named.count; i++)
		writer_number(&w, " ", c->named.ids[i] - 1, "");
	names[w.n] = '\0';
	trace_line(s, "lease: node %u heard epoch %llu of node %llu, renewal %llu, named:%s", node,
		   (unsigned long long)c->heard.counter, (unsigned long long)c->record - 1,
		   (unsigned long long)c->renewed, names);
}

static void owner_tell(struct sim *s, uint32_t node, uint32_t place)
{
	const struct lease *l = &s->leases->nodes[node].holders[place].lease;

	trace_line(s, "lease: node %u, epoch %llu, %u named, %u wanted%s", node,
		   (unsigned long long)l->epoch.counter, l->named.count,
		   l->wanted_ns ? l->wanted.count : 0,
		   leases_speaks(s, node, place) ? ", may speak" : "");
	claimant_tell(s, node, place);
}

/* A process that started when Redis had forgotten who has the shard, and shows it as its own, has nobody to ask (docs/adr/0018). */
static bool is_misled(const struct sim *s, uint32_t place)
{
	const struct leases *l = s->leases;
	uint64_t forgot_ns = l->places[place].forgot_ns;

	for (uint32_t i = 0; i < l->set.nodes; i++) {
		if (forgot_ns && leases_speaks(s, i, place) &&
		    l->nodes[i].started_ns >= forgot_ns && l->nodes[i].holders[place].acquired)
			return true;
	}
	return false;
}

void lease_check(struct sim *s, uint32_t place)
{
	if (speakers(s, place) < 2)
		return;
	if (is_misled(s, place)) {
		s->leases->totals.misled++;
		if (s->node_count && !s->misled) {
			s->totals.misled++;
			s->misled = true;
		}
		return;
	}
	for (uint32_t i = 0; i < s->leases->set.nodes; i++)
		owner_tell(s, i, place);
	check_fail(s, "shard %u has two owners that may speak", place);
}

void leases_tell(struct sim *s)
{
	for (uint32_t i = 0; i < s->leases->set.places; i++) {
		for (uint32_t k = 0; k < s->leases->set.nodes && speakers(s, i) != 1; k++)
			owner_tell(s, k, i);
	}
}

bool leases_are_held(struct sim *s)
{
	for (uint32_t i = 0; i < s->leases->set.places; i++) {
		if (speakers(s, i) != 1) {
			trace_line(s, "lease: nobody has shard %u", i);
			return false;
		}
	}
	return true;
}

bool leases_are_named(struct sim *s)
{
	for (uint32_t i = 0; i < s->leases->set.places; i++) {
		bool named = false;

		for (uint32_t k = 0; k < s->leases->set.nodes; k++)
			named |= leases_speaks(s, k, i) &&
				 s->leases->nodes[k].holders[i].lease.named.count;
		if (!named)
			return false;
	}
	return true;
}

/* ---- what goes wrong ---- */

/* Of a keeper: to all other nodes of the process's shards. */
static void on_notice(struct sim *s, const struct event *e)
{
	struct lease_node *n = &s->leases->nodes[e->who];
	const struct peer_item dead = { .kind = PEER_DEAD,
					.shard = (uint16_t)(1 + (e->a & 0xffff)),
					.epoch = { e->a >> 16, e->b } };

	for (uint32_t i = 0; i < s->leases->set.nodes; i++) {
		if (i != n->index && s->leases->nodes[i].up)
			lease_say(i + 1, &dead, n);
	}
}

void leases_notice(struct sim *s, uint32_t node)
{
	struct lease_node *n = &s->leases->nodes[node];
	uint64_t ns = lease_between_us(s, 1000, 50000);

	for (uint32_t i = 0; i < s->leases->set.places; i++) {
		const struct lease *l = &n->holders[i].lease;

		if (n->holders[i].known && l->epoch.counter)
			sim_after(s, ns, on_notice, node, l->epoch.counter << 16 | i,
				  l->epoch.incarnation);
	}
}

void leases_kill(struct sim *s, uint32_t node, bool notice)
{
	struct leases *l = s->leases;
	struct lease_node *n = &l->nodes[node];

	if (!n->up)
		return;
	trace_line(s, "lease: node %u is killed", node);
	l->totals.kills++;
	for (uint32_t i = 0; i < l->set.places; i++) {
		if (leases_speaks(s, node, i))
			l->places[i].vacant_ns = s->now_ns;
	}
	if (notice)
		leases_notice(s, node);
	n->up = false;
	n->stands_until_ns = 0;
	claims_close(n->claims);
	n->claims = NULL;
}

void leases_leave(struct sim *s, uint32_t node)
{
	struct lease_node *n = &s->leases->nodes[node];

	if (!n->up || leases_stands(s, node))
		return;
	lease_hello(n, PEER_LEAVING);
	leases_kill(s, node, lease_chance(s, 500));
}

void leases_start(struct sim *s, uint32_t node)
{
	if (s->leases->nodes[node].up)
		return;
	trace_line(s, "lease: node %u starts", node);
	lease_node_start(&s->leases->nodes[node]);
}

bool leases_stands(const struct sim *s, uint32_t node)
{
	return s->leases->nodes[node].stands_until_ns > s->now_ns;
}

void leases_stand(struct sim *s, uint32_t node, uint64_t ns)
{
	trace_line(s, "lease: node %u stands still for %llu ms", node,
		   (unsigned long long)(ns / NS_PER_MS));
	s->leases->totals.stands++;
	s->leases->nodes[node].stands_until_ns = s->now_ns + ns;
}

/* It notices at last. */
static void on_cut_noticed(struct sim *s, const struct event *e)
{
	struct lease_node *n = &s->leases->nodes[e->who];

	if (lease_node_stands(s, n, e))
		return;
	if (s->node_count &&
	    n->run != s->leases->run) /* it has died, and its connections with it */
		lease_link_down(n);
	if (s->leases->away || n->asks_cut || n->answers_cut)
		lease_link_down(n);
	else
		lease_link_up(n);
}

static void link_notices(struct sim *s, uint32_t node, bool breaks)
{
	sim_after(s, lease_between_us(s, 0, breaks ? 300000 : 3000000), on_cut_noticed, node, 0, 0);
}

void leases_cut(struct sim *s, uint32_t node, bool asks, bool answers)
{
	struct lease_node *n = &s->leases->nodes[node];

	trace_line(s, "lease: node %u %s Redis, and %s it", node,
		   asks ? "does not reach" : "reaches", answers ? "does not hear" : "hears");
	s->leases->totals.cuts += asks || answers;
	n->asks_cut = asks;
	n->answers_cut = answers;
	link_notices(s, node, !asks && !answers);
}

void leases_part(struct sim *s, uint32_t from, uint32_t to, bool parted)
{
	trace_line(s, "lease: node %u %s node %u", from, parted ? "does not reach" : "reaches", to);
	s->leases->totals.cuts += parted;
	s->leases->parted[from][to] = parted;
}

void leases_redis_away(struct sim *s, uint64_t forgets_ns)
{
	trace_line(s, "lease: Redis is away, and forgets %llu ms",
		   (unsigned long long)(forgets_ns / NS_PER_MS));
	s->leases->totals.forgets += forgets_ns != 0;
	if (!s->leases->away)
		s->leases->away_ns = s->now_ns;
	s->leases->away = true;
	redis_forget(s, forgets_ns);
	for (uint32_t i = 0; i < s->leases->set.nodes; i++)
		link_notices(s, i, true);
}

bool leases_redis_is_away(const struct sim *s)
{
	return s->leases->away;
}

void leases_redis_back(struct sim *s)
{
	trace_line(s, "lease: Redis is back");
	s->leases->away = false;
	for (uint32_t i = 0; i < s->leases->set.nodes; i++)
		link_notices(s, i, true);
}

void leases_trouble(struct sim *s, uint32_t lost, uint32_t twice, uint32_t late)
{
	s->leases->lost = lost;
	s->leases->twice = twice;
	s->leases->late = late;
}

void leases_calm(struct sim *s)
{
	struct leases *l = s->leases;

	memset(l->parted, 0, sizeof(l->parted));
	leases_trouble(s, 0, 0, 0);
	if (l->away)
		leases_redis_back(s);
	for (uint32_t i = 0; i < l->set.nodes; i++)
		leases_cut(s, i, false, false);
}

void leases_rest(struct sim *s)
{
	s->leases->rests = true;
}

bool leases_are_at_rest(const struct sim *s)
{
	return s->leases->rests;
}

uint32_t leases_owner(const struct sim *s, uint32_t node, uint32_t place)
{
	const struct lease_node *n = &s->leases->nodes[node];
	const struct claim *c = n->up ? claims_of(n->claims, (uint16_t)(1 + place)) : NULL;

	return c && c->record ? (uint32_t)c->record - 1 : s->node_count;
}

bool leases_knows(const struct sim *s, uint32_t node, uint32_t place)
{
	const struct lease_node *n = &s->leases->nodes[node];
	const struct claim *c = n->up ? claims_of(n->claims, (uint16_t)(1 + place)) : NULL;

	return c && claim_may_be_owned(c);
}

/* ---- life ---- */

void leases_open(struct sim *s, const struct leases_settings *set)
{
	struct leases *l = calloc(1, sizeof(*l));

	assert(l && set->nodes <= LEASES_NODES && set->places <= LEASES_PLACES);
	s->leases = l;
	l->set = *set;
	rand_open_seed(&l->rand, s->seed ^ UINT64_C(0x6c6561736573));
	for (uint32_t i = 0; i < set->nodes; i++) {
		struct lease_node *n = &l->nodes[i];

		n->sim = s;
		n->index = i;
		n->rate = 1000;
		if (lease_chance(s, RATE_OFTEN))
			n->rate = RATE_LOW + rand_below(&l->rand, RATE_HIGH - RATE_LOW + 1);
		lease_node_start(n);
	}
}

void leases_close(struct sim *s)
{
	struct leases *l = s->leases;

	if (!l)
		return;
	for (uint32_t i = 0; i < l->set.nodes; i++)
		claims_close(l->nodes[i].claims);
	free(l->commands);
	free(l);
	s->leases = NULL;
}
