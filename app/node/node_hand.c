/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hand-over of a shard between live nodes: for a stop, a drain, by command, or home. The new node
 * requests it in its lease. From then on the owner takes no messages for it, so that soon all is
 * saved; then it falls silent, and writes the new owner into the lease. That one loads the calls,
 * as those of a node that was killed.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_cluster.h"
#include "app/node/node_hand.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/log.h"
#include "base/loop.h"
#include "cluster/peer/claims.h"
#include "cluster/peer/peers.h"

/* Whether the node takes new calls: not while it drains, by command or before a stop, and not while
 * it lacks what a call needs. Rounds of the loop update it; /readyz and node.status show it. */

/* Pending saves are awaited this long at the end. */
#define STOP_LIMIT_NS (3 * NS_PER_S)

enum { DESCRIPTORS_OF_A_CALL = 4 };

void node_drain_apply(struct node *n)
{
	bool on = n->life->drain.asked || n->life->drain.ends || n->life->phase == NODE_STOPPING;

	for (uint32_t i = 0; i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];

		if (s->core) /* one that waits has no calls, and begins none */
			shard_drain(s->core, on || s->state == NODE_SHARD_WAITING);
	}
}

bool node_is_stopping(const struct node *n)
{
	return n->life->phase == NODE_STOPPING;
}

bool node_is_draining(const struct node *n)
{
	return n->life->drain.asked || n->life->drain.ends;
}

static void drain_show(struct node *n)
{
	node_drain_apply(n);
	health_set(&n->web->health, HEALTH_DRAINING, node_is_draining(n));
}

void node_drain_set(struct node *n, bool on)
{
	if (n->life->drain.asked == on)
		return;
	n->life->drain.asked = on;
	drain_show(n);
	LOG_WARN("node", 0, on ? "draining: no new calls" : "new calls are welcome again");
}

void node_drain_start(struct node *n)
{
	struct shard_counts counts;

	if (n->life->phase == NODE_STOPPING)
		return;
	if (n->life->phase != NODE_RUNNING || n->life->drain.ends) {
		node_ask_stop(n);
		return;
	}
	n->life->drain.ends = true;
	n->life->drain.begin_ns = clock_now_ns();
	drain_show(n);
	node_counts(n, &counts);
	LOG_INFO("node", 0, "told to stop: no new calls; another SIGTERM ends the wait",
		 LOG_U64("calls", counts.calls),
		 LOG_U64("wait_ms", n->settings->node.drain_time / NS_PER_MS));
}

/* The setting is read each time, so that a reload counts for a wait that has begun. */
uint64_t node_drain_next_ns(const struct node *n)
{
	if (!n->life->drain.ends || n->life->phase != NODE_RUNNING)
		return UINT64_MAX;
	return n->life->drain.begin_ns + n->settings->node.drain_time;
}

bool node_drain_is_over(const struct node *n)
{
	struct shard_counts counts;

	if (!n->life->drain.ends || n->life->phase != NODE_RUNNING)
		return false;
	if (clock_now_ns() >= node_drain_next_ns(n))
		return true;
	if (node_hand_is_possible(n))
		return !node_shards_live(n);
	node_counts(n, &counts);
	return counts.calls == 0;
}

/* The limit may have been lowered, and other processes may have used up the machine's:
 * only trying tells. */
static bool has_descriptors(void)
{
	int fds[DESCRIPTORS_OF_A_CALL];
	bool all = true;

	for (unsigned i = 0; i < DESCRIPTORS_OF_A_CALL; i++) {
		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		all &= fds[i] >= 0;
	}
	for (unsigned i = 0; i < DESCRIPTORS_OF_A_CALL; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
	return all;
}

void node_room_update(struct node *n)
{
	struct shard_counts counts;

	node_counts(n, &counts);
	health_set(&n->web->health, HEALTH_NO_CALLS, counts.calls >= n->capacity->calls_max);
	health_set(&n->web->health, HEALTH_NO_TRANSACTIONS, counts.txns >= counts.txns_max);
	health_set(&n->web->health, HEALTH_NO_PORTS,
		   shard_networks_full(node_core(n, 0), clock_instant()) != 0);
	health_set(&n->web->health, HEALTH_NO_DESCRIPTORS, !has_descriptors());
}

void node_ask_stop(struct node *n)
{
	n->life->stop_asked = true;
	if (n->life->phase == NODE_RUNNING) {
		n->life->phase = NODE_STOPPING;
		n->life->stop_deadline_ns = clock_now_ns() + STOP_LIMIT_NS;
		health_set(&n->web->health, HEALTH_STOPPING, true);
		n->hooks->stopping(n);
		node_drain_apply(n);
		claimant_leave(n->cluster->claimant);
		LOG_INFO("node", 0, "stopping: calls stay in Redis");
		notify_manager("STOPPING=1");
	} else {
		loop_stop(); /* out of whatever the start waits for */
	}
}

#define MOVE_BEAT_NS  (50 * NS_PER_MS)
#define MOVE_AGAIN_NS (500 * NS_PER_MS) /* a request may be lost */
#define MOVE_LIMIT_NS \
	(15 *         \
	 NS_PER_S) /* a node asks for 5 s, and its owner may be about to begin a move of its own */

/* ---- what there is ---- */

static bool shard_is_home_at(const struct node *n, uint64_t id, uint64_t self,
			     const struct node_shard *s)
{
	const struct standing *of = id == self ? NULL : claimant_standing(n->cluster->claimant, id);

	return id == self ? s->home : of && standing_is_home(of, s->number);
}

/* When it last said so; 0: it does not run there. One that has just given it may still say so. */
static uint64_t shard_runs_at(const struct node *n, uint64_t id, uint64_t self, uint16_t number,
			      uint64_t now_ns)
{
	const struct standing *of = id == self ? NULL : claimant_standing(n->cluster->claimant, id);

	if (id != self)
		return of ? standing_runs(of, number, now_ns) : 0;
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].number == number)
			return n->shards->list[i].state == NODE_SHARD_LIVE ? now_ns : 0;
	}
	return 0;
}

static void plan_add_node(const struct node *n, struct rebalance_plan *out,
			  const struct claimant_node *node, uint64_t self, uint64_t now_ns)
{
	const struct standing *of = NULL;
	struct balance *b = &out->balance;
	bool takes = !node_leaves(n);

	if (node->node.id != self) {
		of = claimant_standing(n->cluster->claimant, node->node.id);
		takes = of && !standing_drains(of, now_ns);
	}
	if (b->node_count == BALANCE_NODES_MAX)
		return;
	out->nodes[b->node_count] = *node;
	if (node->node.id != self && !of)
		out->silent = out->nodes[b->node_count].node.name;
	out->any_takes |= takes;
	b->takes[b->node_count++] = takes;
}

/* Nodes in the order of their ids: the same plan twice is the same. */
static void plan_nodes(const struct node *n, struct rebalance_plan *out, uint64_t self,
		       uint64_t now_ns)
{
	struct claimant_node node, next;
	uint64_t last = 0;

	do {
		next.node.id = UINT64_MAX;
		for (uint32_t i = 0; claimant_node(n->cluster->claimant, i, &node); i++) {
			if ((node.heard || node.node.id == self) && node.node.id > last &&
			    node.node.id < next.node.id)
				next = node;
		}
		last = next.node.id;
		if (last != UINT64_MAX)
			plan_add_node(n, out, &next, self, now_ns);
	} while (last != UINT64_MAX);
}

static void plan_shard(const struct node *n, struct rebalance_plan *out, const struct node_shard *s,
		       uint64_t self, uint64_t now_ns)
{
	struct balance *b = &out->balance;
	struct balance_shard *shard = &b->shards[b->shard_count++];
	uint64_t newest_ns = 0;

	*shard = (struct balance_shard){ s->number, BALANCE_NOBODY, BALANCE_NOBODY };
	for (uint32_t i = b->node_count; i-- > 0;) {
		uint64_t id = out->nodes[i].node.id;
		uint64_t runs_ns = shard_runs_at(n, id, self, s->number, now_ns);

		if (runs_ns > newest_ns) {
			newest_ns = runs_ns;
			shard->owner = i;
		}
	}
	/* two nodes have it in their files: at home with each */
	for (uint32_t i = 0; i < b->node_count; i++) {
		if (shard_is_home_at(n, out->nodes[i].node.id, self, s) &&
		    (shard->home == BALANCE_NOBODY || shard->owner == i))
			shard->home = i;
	}
}

void node_rebalance_plan(const struct node *n, struct rebalance_plan *out)
{
	uint64_t self, incarnation, now_ns = clock_now_ns();

	static_assert((int)NODE_SHARDS_MAX <= (int)BALANCE_SHARDS_MAX &&
			      (int)ROSTER_NODES_MAX <= (int)BALANCE_NODES_MAX,
		      "all of them fit");
	memset(out, 0, sizeof(*out));
	claimant_self(n->cluster->claimant, &self, &incarnation);
	plan_nodes(n, out, self, now_ns);
	for (uint32_t i = 0; i < n->shards->count; i++)
		plan_shard(n, out, &n->shards->list[i], self, now_ns);
	out->count = balance_plan(&out->balance, out->moves);
}

/* ---- what is done ---- */

void node_rebalance_start(struct node *n, const struct rebalance_plan *plan)
{
	struct node_rebalance *r = &n->cluster->rebalance;

	assert(!r->count);
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct balance_move *m = &plan->moves[i];

		r->moves[i] = (struct node_move){ .shard = m->shard,
						  .from = plan->nodes[m->from].node.id,
						  .to = plan->nodes[m->to].node.id };
	}
	r->count = plan->count;
	r->next_ns = 0;
	if (r->count)
		LOG_INFO("node", 0, "shards are spread over the nodes by command",
			 LOG_U64("moves", r->count));
}

static bool move_meets(const struct node_move *a, const struct node_move *b)
{
	return a->from == b->from || a->from == b->to || a->to == b->from || a->to == b->to;
}

static bool move_may_start(const struct node_rebalance *r, const struct node_move *move)
{
	for (uint32_t i = 0; i < r->count; i++) {
		if (r->moves[i].state == MOVE_ASKED && move_meets(&r->moves[i], move))
			return false;
	}
	return true;
}

static void move_start(struct node *n, const struct node_move *move, uint64_t self)
{
	if (move->to != self) {
		claimant_let_claim(n->cluster->claimant, move->to, move->shard);
		return;
	}
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].number == move->shard)
			node_shard_on_request_order(&n->shards->list[i]);
	}
}

static void move_end(struct node_move *move, bool done)
{
	move->state = MOVE_OVER;
	if (done)
		LOG_INFO("node", 0, "a shard was moved by command", LOG_U64("shard", move->shard));
	else
		LOG_WARN("node", 0,
			 "a shard was not moved in time: look at the logs of both nodes, and say "
			 "cluster.rebalance again",
			 LOG_U64("shard", move->shard));
}

static void move_turn(struct node *n, struct node_move *move, uint64_t self, uint64_t now_ns)
{
	if (move->state == MOVE_WAITS && move_may_start(&n->cluster->rebalance, move)) {
		move->state = MOVE_ASKED;
		move->until_ns = now_ns + MOVE_LIMIT_NS;
	}
	if (move->state != MOVE_ASKED)
		return;
	if (shard_runs_at(n, move->to, self, move->shard, now_ns)) {
		move_end(move, true);
	} else if (now_ns >= move->until_ns) {
		move_end(move, false);
	} else if (now_ns >= move->again_ns) {
		move->again_ns = now_ns + MOVE_AGAIN_NS;
		move_start(n, move, self);
	}
}

void node_rebalance_expire(struct node *n, uint64_t now_ns)
{
	struct node_rebalance *r = &n->cluster->rebalance;
	uint64_t self, incarnation;
	bool any = false;

	if (!r->count || now_ns < r->next_ns || n->life->phase != NODE_RUNNING)
		return;
	r->next_ns = now_ns + MOVE_BEAT_NS;
	claimant_self(n->cluster->claimant, &self, &incarnation);
	for (uint32_t i = 0; i < r->count; i++) {
		move_turn(n, &r->moves[i], self, now_ns);
		any |= r->moves[i].state != MOVE_OVER;
	}
	if (!any)
		r->count = 0;
}

uint64_t node_rebalance_next_ns(const struct node *n)
{
	return n->cluster->rebalance.count && n->life->phase == NODE_RUNNING
		       ? n->cluster->rebalance.next_ns
		       : UINT64_MAX;
}

#define WANT_NS     (5 * NS_PER_S) /* for so long the owner is asked */
#define WANT_NOT_NS (5 * NS_PER_S) /* and then not */
#define GIVE_NS     (2 * NS_PER_S) /* for all to be saved */
#define OFFER_NS    (2 * NS_PER_S) /* then another node is asked */

bool node_leaves(const struct node *n)
{
	return n->life->drain.asked || n->life->drain.ends;
}

bool node_shard_listens(const struct node_shard *s)
{
	return s->state == NODE_SHARD_LIVE && !s->gives_to;
}

/* ---- who takes ---- */

/* What could not be made ready is made when the shard is here. */
static void on_prepared(struct node_shard *s)
{
	s->wants_now = true;
}

static void on_phones(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	(void)key;
	(void)version;
	if (result == STORE_OK && s->wants_until_ns && s->state == NODE_SHARD_WAITING && !s->owned)
		node_ahead_prepare(s, on_prepared);
}

bool node_shard_request(struct node_shard *s)
{
	const struct store_holder *h = store_holder(s->store);

	s->wants_offered = false;
	if (s->state != NODE_SHARD_WAITING || s->owned || s->wants_until_ns)
		return false;
	LOG_INFO("node", 0, "asking another node for its shard", LOG_U64("shard", s->number),
		 LOG_STR("holder", h->node), LOG_STR("where", h->where));
	s->wants_until_ns = clock_now_ns() + WANT_NS;
	s->wants_now = false;
	s->retry_ns = 0;
	node_shard_load_phones(s, on_phones);
	return true;
}

void node_shard_on_request_order(struct node_shard *s)
{
	if (s->node->life->phase == NODE_RUNNING && !node_leaves(s->node))
		(void)node_shard_request(s);
}

/* The owner may stay by now, or another node has the shard: the offer is void. */
static bool want_is_stale(const struct node_shard *s)
{
	return s->wants_offered && !store_holder(s->store)->leaves;
}

/* The last message may still arrive: the lease is read as often as before. */
static void shard_request_send(struct node_shard *s)
{
	if (!want_is_stale(s))
		store_lease_request(s->store);
	node_shard_claim(s);
}

static void want_end(struct node_shard *s, uint64_t now_ns)
{
	if (!want_is_stale(s))
		LOG_WARN("node", 0, "another node did not give its shard: asking again if it lives",
			 LOG_U64("shard", s->number));
	s->wants_until_ns = 0;
	s->wants_again_ns = now_ns + WANT_NOT_NS;
	node_ahead_close(s);
}

static void want_expire(struct node_shard *s, uint64_t now_ns)
{
	if (!s->wants_until_ns || s->state != NODE_SHARD_WAITING || s->busy)
		return;
	if (now_ns >= s->wants_until_ns)
		want_end(s, now_ns);
	else if (s->wants_now && now_ns >= s->retry_ns)
		shard_request_send(s);
}

void node_hand_expire(struct node *n, uint64_t now_ns)
{
	for (uint32_t i = 0; n->life->phase == NODE_RUNNING && i < n->shards->count; i++)
		want_expire(&n->shards->list[i], now_ns);
}

/* ---- who gives ---- */

/* Nothing is saved then: the node that wants the shard asks again. */
static bool store_is_away(const struct node_shard *s)
{
	struct shard_counts c;

	shard_counts(s->core, &c);
	return c.degraded || !store_is_healthy(s->store);
}

void node_shard_on_request(uint64_t by, void *arg)
{
	struct node_shard *s = arg;

	if (!node_shard_listens(s) || s->node->life->phase != NODE_RUNNING || store_is_away(s))
		return;
	s->gives_to = by;
	s->gives_ns = clock_now_ns();
	shard_hurry(s->core, true, clock_instant());
}

static bool is_all_saved(const struct node_shard *s)
{
	struct locations_counts locations;
	struct shard_counts c;

	locations_count(s->node->common.locations, &locations);
	shard_counts(s->core, &c);
	return c.saves_pending == locations.saves_pending && !c.unsaved &&
	       !s->node->shards->answers.count;
}

/* Where the answer is not OK the lease is asked for as before: it may be ours, or not. */
static void on_given(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	(void)key;
	(void)version;
	s->busy = false;
	if (result == STORE_OK)
		LOG_INFO("node", 0, "the shard was given to another node",
			 LOG_U64("shard", s->number));
	else
		LOG_WARN("node", 0, "whether the shard was given to another node is not known",
			 LOG_U64("shard", s->number));
	if (result != STORE_OK)
		s->retry_ns = 0;
}

static void shard_give(struct node_shard *s)
{
	uint64_t to = s->gives_to;
	char text[17];

	(void)snprintf(text, sizeof(text), "%016" PRIx64, to);
	LOG_INFO("node", 0, "all of the shard is saved: giving it to another node",
		 LOG_U64("shard", s->number), LOG_STR("node", text));
	node_shard_step_back(s);
	s->busy = true;
	store_lease_give(s->store, to, on_given, s);
	/* from here on nothing is sent for it: its lease is over, until the other node has it */
	redis_flush(s->node->redis->link);
	node_shard_clear(s);
}

static void shard_stays(struct node_shard *s)
{
	s->gives_to = 0;
	shard_hurry(s->core, false, clock_instant());
}

static const char *stays_because(const struct node_shard *s)
{
	struct store_lease_view lease;

	store_lease_view(s->store, &lease);
	return lease.kept ? "not all of it is saved"
			  : "Redis could forget its lease, which no replica has";
}

static void give_turn(struct node_shard *s, uint64_t now_ns)
{
	if (s->state != NODE_SHARD_LIVE || !s->gives_to)
		return;
	if (s->fenced || s->silent || store_is_away(s)) {
		shard_stays(s);
	} else if (is_all_saved(s) && store_lease_may_be_given(s->store)) {
		shard_give(s);
	} else if (now_ns > s->gives_ns + GIVE_NS) {
		LOG_WARN("node", 0, "a shard that another node wants stays",
			 LOG_U64("shard", s->number), LOG_STR("reason", stays_because(s)));
		shard_stays(s);
	}
}

void node_hand_round(struct node *n, uint64_t now_ns)
{
	for (uint32_t i = 0; n->life->phase == NODE_RUNNING && i < n->shards->count; i++)
		give_turn(&n->shards->list[i], now_ns);
}

/* ---- who would give ---- */

bool node_hand_is_possible(const struct node *n)
{
	uint64_t other;

	return claimant_others(n->cluster->claimant, &other, 1) != 0;
}

/* Each time the next one; the shards of one node go to several. */
static void shard_offer(struct node_shard *s, uint64_t now_ns)
{
	uint64_t ids[PEERS_MAX];
	uint32_t count = claimant_others(s->node->cluster->claimant, ids, PEERS_MAX);

	if (!count || (s->offered_ns && now_ns < s->offered_ns + OFFER_NS))
		return;
	s->offered_ns = now_ns;
	store_lease_offer(s->store, ids[(s->number + now_ns / OFFER_NS) % count]);
}

/* The node stays: what it had offered would be asked for long after. */
static void offer_withdraw(struct node_shard *s)
{
	if (s->offered_ns)
		store_lease_offer(s->store, 0);
	s->offered_ns = 0;
}

static bool may_request(const struct node_shard *s, uint64_t now_ns)
{
	return s->watches && !s->wants_until_ns && now_ns >= s->wants_again_ns &&
	       store_holder(s->store)->alive;
}

static void want_by_itself(struct node_shard *s)
{
	bool home = s->home && s->node->settings->cluster.failback &&
		    s->node->life->readiness == READY_SENT;

	if ((home || store_holder(s->store)->offers) && node_shard_request(s))
		s->wants_offered = !home;
}

void node_hand_beat(struct node *n, uint64_t now_ns)
{
	for (uint32_t i = 0; node_is_clustered(n) && i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];

		if (node_leaves(n) && node_shard_listens(s))
			shard_offer(s, now_ns);
		else if (node_shard_listens(s))
			offer_withdraw(s);
		else if (!node_leaves(n) && s->state == NODE_SHARD_WAITING &&
			 may_request(s, now_ns))
			want_by_itself(s);
	}
}

/* ---- time ---- */

uint64_t node_hand_next_ns(const struct node *n)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; n->life->phase == NODE_RUNNING && i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];
		uint64_t own = UINT64_MAX;

		if (s->state == NODE_SHARD_LIVE && s->gives_to)
			own = clock_now_ns() + NS_PER_MS; /* the lease may be renewed just now */
		else if (s->state == NODE_SHARD_WAITING && s->wants_now && s->wants_until_ns &&
			 !s->busy)
			own = s->retry_ns;
		if (own < next)
			next = own;
	}
	return next;
}
