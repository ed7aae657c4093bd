/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shards go to other nodes, and their addresses with them (sim.floats). In stories, of which nothing is left to chance: when a node dies,
 * when its lease is past while it stands still or is cut off, and by plan. Who comes back has none, and is handed those that are at home
 * with it. In seeds leases say so (node_lease.c).
 */
#include "sig/sip/id.h"
#include "tests/sim/node_state.h"
#include "tests/sim/sim.h"

enum {
	NOTICE_MS = 20,  /* a dead notice, and all that follows */
	LEASE_MS = 2500, /* a lease that runs out, and all that follows */
	AGAIN_MS = 150,  /* nobody can take it now */
	RENEWAL_MS = 500,
	HOME_MIN_MS = 2000,
	HOME_MAX_MS = 20000,
	SAVED_MS = 2,      /* how often it is looked whether all is saved */
	SAVED_TIMES = 250, /* ... before it is given up */
};

static uint32_t home_of(const struct sim *s, uint32_t place)
{
	return place / s->shard_count;
}

static struct node_shard *owned(struct sim *s, uint32_t place)
{
	return &node_of_place(s, place)->shards[place];
}

/* ---- taking ---- */

static void restore(struct node *n, struct node_shard *shard)
{
	node_shard_open(n, shard);
	node_shard_restore(n, shard);
	check_taken(n, shard);
	shard_resume(shard->core, node_now(n));
	node_carry(n);
}

void node_take(struct node *n, uint32_t place, uint32_t epoch)
{
	struct sim *s = n->sim;
	struct node_owner *o = &s->owners[place];
	struct node_shard *shard = &n->shards[place];

	o->node = n->index;
	o->epoch = epoch;
	o->run = ++s->processes;
	o->vacant = false;
	s->totals.taken++;
	trace_line(s, "node %u: has shard %u, epoch %u", n->index, shard->number, o->epoch);
	phones_disconnect(s, place);
	story_harm_taken(n);
	restore(n, shard);
}

static void take(struct node *n, uint32_t place)
{
	node_take(n, place, n->sim->owners[place].epoch + 1);
}

static bool can_take(const struct node *n)
{
	return node_is_up(n) && !store_is_away(n);
}

/* It may not have heard yet that another one had the shard meanwhile, and its workers close its ports a little later. */
static bool is_clear(struct node *n, uint32_t place)
{
	struct node_shard *shard = &n->shards[place];

	if (shard->core)
		node_shard_end(n, shard);
	return !engine_has(n, shard->number);
}

/* One by chance; NULL: nobody can. */
static struct node *taker(struct sim *s, const struct node *not_that)
{
	struct node *list[NODES_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->node_count; i++) {
		if (&s->nodes[i] != not_that && can_take(&s->nodes[i]))
			list[count++] = &s->nodes[i];
	}
	return count ? list[sim_between(s, 0, count - 1)] : NULL;
}

/* e->who: place; e->a: its epoch then */
static void on_vacant(struct sim *s, const struct event *e)
{
	struct node_owner *o = &s->owners[e->who];
	struct node *before = node_of_place(s, e->who);
	struct node *n = taker(s, before);

	if (!o->vacant || o->epoch != e->a)
		return;
	if (!n || !is_clear(n, e->who)) {
		sim_after(s, AGAIN_MS * NS_PER_MS, on_vacant, e->who, e->a, 0);
		return;
	}
	store_leave(before, (uint16_t)(SHARD_FIRST + e->who));
	take(n, e->who);
}

static uint64_t until_taken_ns(struct sim *s)
{
	return sim_between_ms(s, NOTICE_MS, sim_chance(s, 500) ? NOTICE_MS * 5 : LEASE_MS);
}

void node_vacate(struct node *n)
{
	struct sim *s = n->sim;
	uint64_t ns = until_taken_ns(s);

	for (uint32_t i = 0; i < s->place_count; i++) {
		struct node_owner *o = &s->owners[i];

		if (o->node != n->index || o->vacant)
			continue;
		o->vacant = true;
		phones_disconnect(s, i);
		sim_after(s, ns, on_vacant, i, o->epoch, 0);
	}
}

/* ---- leases that are past ---- */

/* who: process; a: place; b: epoch */
static void on_renewal(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	struct node_shard *shard = n ? &n->shards[e->a] : NULL;

	if (!shard || !shard->core || shard->epoch != e->b)
		return;
	if (store_is_away(n)) /* no answer */
		sim_after(s, RENEWAL_MS * NS_PER_MS, on_renewal, e->who, e->a, e->b);
	else
		node_fenced(n, shard);
}

/* e->who: place; e->a: its epoch then */
static void on_lapsed(struct sim *s, const struct event *e)
{
	struct node_owner *o = &s->owners[e->who];
	struct node *before = node_of_place(s, e->who);
	struct node_shard *shard = &before->shards[e->who];
	struct node *n = taker(s, before);

	if (o->vacant || o->epoch != e->a)
		return;
	if (!n || !is_clear(n, e->who)) {
		sim_after(s, AGAIN_MS * NS_PER_MS, on_lapsed, e->who, e->a, 0);
		return;
	}
	check_shard_lost(before, shard);
	sim_after(s, RENEWAL_MS * NS_PER_MS, on_renewal, before->incarnation, e->who, o->epoch);
	take(n, e->who);
}

void node_lapse(struct node *n, struct node_shard *shard)
{
	struct sim *s = n->sim;
	uint32_t place = (uint32_t)(shard - n->shards);

	trace_line(s, "node %u: the lease of shard %u is past", n->index, shard->number);
	s->totals.fences++;
	engine_silence(n, shard->number);
	shard->silent_ns = s->now_ns;
	sim_after(s, sim_between_ms(s, 1, LEASE_MS), on_lapsed, place, s->owners[place].epoch, 0);
}

void node_lapse_at(struct sim *s, uint32_t place)
{
	struct node_shard *shard = owned(s, place);

	if (shard->core && !shard->silent_ns)
		node_lapse(node_of_place(s, place), shard);
}

/* ---- handing over ---- */

static bool is_saved(const struct node_shard *shard)
{
	struct shard_counts c;

	shard_counts(shard->core, &c);
	return c.saves_pending == 0;
}

/* It goes on as if nothing had been. */
static void keep(struct node *n, struct node_shard *shard)
{
	trace_line(n->sim, "node %u: keeps shard %u", n->index, shard->number);
	shard->silent_ns = 0;
	shard->leaving = false;
	shard_hurry(shard->core, false, node_now(n));
	shard_expire(shard->core, node_now(n));
	node_carry(n);
	node_shard_speaks(n, shard);
}

static void leave(struct node *n, struct node_shard *shard, struct node *to)
{
	struct sim *s = n->sim;

	check_shard_lost(n, shard);
	node_shard_end(n, shard);
	s->totals.handed++;
	take(to, (uint32_t)(shard - n->shards));
}

/* who: place; a: epoch << 8 | to; b: how often it was looked */
static void on_leaving(struct sim *s, const struct event *e)
{
	struct node *n = node_of_place(s, e->who), *to = &s->nodes[e->a & 0xff];
	struct node_shard *shard = &n->shards[e->who];

	if (!shard->core || !shard->leaving || shard->epoch != e->a >> 8)
		return;
	if (!can_take(to) || !can_take(n) || e->b == SAVED_TIMES)
		keep(n, shard);
	else if (is_clear(to, e->who) && is_saved(shard))
		leave(n, shard, to);
	else
		sim_after(s, SAVED_MS * NS_PER_MS, on_leaving, e->who, e->a, e->b + 1);
}

void node_hand_over(struct sim *s, uint32_t place, uint32_t to)
{
	struct node *n = node_of_place(s, place);
	struct node_shard *shard = owned(s, place);

	if (n->index == to || !shard->core || shard->silent_ns || !can_take(n) ||
	    !can_take(&s->nodes[to]))
		return;
	trace_line(s, "node %u: hands shard %u over to node %u", n->index, shard->number, to);
	engine_silence(n, shard->number);
	shard->silent_ns = s->now_ns;
	shard->leaving = true;
	shard_hurry(shard->core, true, node_now(n));
	node_carry(n);
	sim_after(s, 0, on_leaving, place, (uint64_t)shard->epoch << 8 | to, 0);
}

/* ---- who comes back ---- */

/* who: process; a: place */
static void on_home(struct sim *s, const struct event *e)
{
	const struct node *n = node_of_process(s, e->who);

	if (!n || s->owners[e->a].node == n->index)
		return;
	node_hand_over(s, (uint32_t)e->a, n->index);
	sim_after(s, sim_between_ms(s, HOME_MIN_MS, HOME_MAX_MS), on_home, e->who, e->a, 0);
}

void node_come_home(struct node *n)
{
	struct sim *s = n->sim;
	uint32_t incarnation = n->incarnation;

	for (uint32_t i = 0; i < s->place_count; i++) {
		if (n->incarnation != incarnation || !node_is_up(n))
			return; /* it was killed on the way */
		if (s->owners[i].vacant && s->owners[i].node == n->index)
			take(n, i);
		else if (home_of(s, i) == n->index)
			sim_after(s, sim_between_ms(s, HOME_MIN_MS, HOME_MAX_MS), on_home,
				  incarnation, i, 0);
	}
}

void node_owners_begin(struct sim *s)
{
	for (uint32_t i = 0; i < s->place_count; i++) {
		struct node *n = &s->nodes[home_of(s, i)];

		s->owners[i] = (struct node_owner){ .node = n->index, .epoch = 1 };
		s->owners[i].run = ++s->processes;
		node_shard_open(n, &n->shards[i]);
	}
}
