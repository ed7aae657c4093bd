/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases say who owns a shard (leases.h), and its addresses go with it: what a node does when it has one, when it is past, and when another
 * one has it. As app/node/node_shard_life.c, node_hand.c and claimant.c, in small.
 */
#include "tests/sim/leases.h"
#include "tests/sim/node_state.h"
#include "tests/sim/sim.h"

#define LEASE_NS NS_PER_S

enum {
	FAILBACK_MIN_MS = 2000,
	FAILBACK_MAX_MS = 20000,
	NOTICES = 600, /* of a thousand kills: a keeper is there to tell of it */
};

static struct node_shard *shard_at(struct sim *s, uint32_t node, uint32_t place)
{
	return &s->nodes[node].shards[place];
}

/* ---- a shard is its own ---- */

/* Its workers close its ports a little after they have lost it. */
bool node_lease_may_load(const struct sim *s, uint32_t node, uint32_t place)
{
	const struct node *n = &s->nodes[node];

	return node_is_up(n) && !store_is_away(n) && !n->shards[place].core &&
	       !engine_has(n, n->shards[place].number);
}

/* Who has it still may not know. */
static void former_lose(struct sim *s, uint32_t place)
{
	const struct node_owner *o = &s->owners[place];
	struct node *before = &s->nodes[o->node];

	if (o->vacant)
		store_leave(before, before->shards[place].number);
	else /* also where its lease was past: what it asked last may have been refused, and what Redis forgot it did not say again */
		check_shard_lost(before, &before->shards[place]);
}

void node_lease_live(struct sim *s, uint32_t node, uint32_t place, uint32_t epoch)
{
	if (s->owners[place].epoch)
		former_lose(s, place);
	node_take(&s->nodes[node], place, epoch);
}

/* It claimed again what nobody else had meanwhile: it goes on as if nothing had been. */
void node_lease_again(struct sim *s, uint32_t node, uint32_t place, uint32_t epoch)
{
	struct node *n = &s->nodes[node];
	struct node_shard *shard = &n->shards[place];

	trace_line(s, "node %u: keeps shard %u, epoch %u", node, shard->number, epoch);
	shard->epoch = epoch;
	s->owners[place].epoch = epoch;
	shard->silent_ns = 0;
	node_shard_speaks(n, shard);
}

/* ---- ... and is not any more ---- */

/* e->who: process; a: place; b: run of the shard */
static void on_gone(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	struct node_shard *shard = n ? &n->shards[e->a] : NULL;

	if (!shard || !shard->core || shard->run != e->b)
		return;
	node_shard_end(n, shard);
	node_lease_health(s, n->index, (uint32_t)e->a, true);
}

void node_lease_gone(struct sim *s, uint32_t node, uint32_t place)
{
	const struct node *n = &s->nodes[node];
	struct node_shard *shard = shard_at(s, node, place);

	if (shard->core && s->sabotage != SABOTAGE_FENCE)
		sim_after(s, 0, on_gone, n->incarnation, place, shard->run);
}

void node_lease_past(struct sim *s, uint32_t node, uint32_t place)
{
	struct node *n = &s->nodes[node];
	struct node_shard *shard = shard_at(s, node, place);

	if (!shard->core || shard->silent_ns)
		return;
	s->totals.fences++;
	engine_silence(n, shard->number);
	shard->silent_ns = s->now_ns;
}

/* ---- how well the store is ---- */

static bool any_degraded(const struct node *n)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core && n->shards[i].degraded)
			return true;
	}
	return false;
}

/* who: process; a: place; b: healthy */
static void on_health(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	struct node_shard *shard = n ? &n->shards[e->a] : NULL;

	if (!n)
		return;
	if (shard->core && shard->degraded == e->b) {
		shard->degraded = !e->b;
		shard_degraded(shard->core, shard->degraded, node_now(n));
	}
	node_health_of(n, !any_degraded(n));
	node_carry(n);
}

void node_lease_health(struct sim *s, uint32_t node, uint32_t place, bool healthy)
{
	sim_after(s, 0, on_health, s->nodes[node].incarnation, place, healthy);
}

/* ---- it stands still ---- */

static void silence_all(struct node *n, uint64_t since_ns)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (!n->shards[i].core)
			continue;
		engine_silence(n, n->shards[i].number);
		n->shards[i].silent_ns = since_ns;
	}
}

/* What it was about to say is said now, as far as it may. */
static void on_wake(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);

	if (!n || leases_stands(s, n->index))
		return;
	trace_line(s, "node %u: goes on", n->index);
	n->away_ns = s->now_ns;
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (leases_speaks(s, n->index, i))
			n->shards[i].silent_ns = 0;
	}
	node_carry(n);
	check_stood(s, n);
}

void node_stand(struct node *n, uint64_t ns)
{
	struct sim *s = n->sim;

	if (!node_is_up(n) || leases_stands(s, n->index))
		return;
	silence_all(n, s->now_ns);
	s->totals.stood++;
	leases_stand(s, n->index, ns);
	sim_after(s, ns, on_wake, n->incarnation, 0, 0);
}

bool node_stands(const struct node *n)
{
	return n->sim->leases && leases_stands(n->sim, n->index);
}

/* ---- by plan ---- */

/* It wants the shard: the owner hears of it with its next renewal. */
void node_want(struct sim *s, uint32_t place, uint32_t to)
{
	if (!s->nodes[to].shards[place].core && node_is_up(&s->nodes[to]) &&
	    !node_stands(&s->nodes[to]))
		leases_want(s, to, place);
}

/* The owner has heard that another one wants it: nothing more is heard, so that soon all is saved. */
void node_lease_wanted(struct sim *s, uint32_t node, uint32_t place)
{
	struct node_shard *shard = shard_at(s, node, place);

	if (!shard->core || shard->silent_ns)
		return;
	trace_line(s, "node %u: another one wants shard %u", node, shard->number);
	shard->leaving = true;
	shard_hurry(shard->core, true, node_now(&s->nodes[node]));
	node_carry(&s->nodes[node]);
}

/* It is not given after all. */
void node_lease_stays(struct sim *s, uint32_t node, uint32_t place)
{
	struct node *n = &s->nodes[node];
	struct node_shard *shard = &n->shards[place];

	if (!shard->core || !shard->leaving)
		return;
	trace_line(s, "node %u: keeps shard %u", node, shard->number);
	shard->leaving = false;
	shard_hurry(shard->core, false, node_now(n));
	shard_expire(shard->core, node_now(n));
	node_carry(n);
}

/* All is saved. */
bool node_lease_may_give(const struct sim *s, uint32_t node, uint32_t place)
{
	const struct node_shard *shard = &s->nodes[node].shards[place];
	struct shard_counts c;

	if (!shard->core || !shard->leaving || shard->silent_ns)
		return false;
	shard_counts(shard->core, &c);
	return c.saves_pending == 0;
}

/* Then it says nothing more, and the lease becomes the other one's. */
void node_lease_give(struct sim *s, uint32_t node, uint32_t place)
{
	struct node *n = &s->nodes[node];

	check_shard_lost(n, &n->shards[place]);
	s->totals.handed++;
	node_shard_end(n, &n->shards[place]);
}

/* ---- life ---- */

/* who: process; a: place */
static void on_failback(struct sim *s, const struct event *e)
{
	const struct node *n = node_of_process(s, e->who);

	if (!n || n->shards[e->a].core)
		return;
	node_want(s, (uint32_t)e->a, n->index);
	sim_after(s, sim_between_ms(s, FAILBACK_MIN_MS, FAILBACK_MAX_MS), on_failback, e->who, e->a,
		  0);
}

/* It is there, with no shard yet; it asks for those at home with it. */
void node_lease_start(struct node *n)
{
	struct sim *s = n->sim;

	leases_start(s, n->index);
	for (uint32_t i = 0; i < s->shard_count; i++)
		sim_after(s, sim_between_ms(s, FAILBACK_MIN_MS, FAILBACK_MAX_MS), on_failback,
			  n->incarnation, n->index * s->shard_count + i, 0);
}

void node_lease_crash(struct node *n)
{
	struct sim *s = n->sim;

	for (uint32_t i = 0; i < s->place_count; i++) {
		if (s->owners[i].node != n->index)
			continue;
		s->owners[i].vacant = true;
		phones_disconnect(s, i);
	}
	leases_kill(s, n->index, sim_chance(s, NOTICES));
}

/* Nothing else happens until each shard has an owner that names others: a cluster that begins knows nobody yet. */
void node_leases_begin(struct sim *s)
{
	const struct leases_settings set = { .nodes = s->node_count,
					     .places = s->place_count,
					     .watched = s->node_count,
					     .length_ns = LEASE_NS };

	leases_open(s, &set);
	for (uint32_t i = 0; i < s->place_count; i++)
		s->owners[i].node = i / s->shard_count;
	sim_run_until(s, leases_are_named);
}
