/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the pure machines of cluster/ with Redis, sockets and the node's shards: roster and beats,
 * datagrams, channels of claims, names of leases. app/daemon/round.c drives it. Whatever it hears
 * or reads only becomes events of those machines; no shard is opened or silenced here by its own
 * decision. If another live process writes this node's line of the roster, the node has a twin, and
 * ends.
 */

#include "app/node/claimant.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/keeper/keeper.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "cluster/peer/claims.h"
#include "cluster/peer/peers.h"

#define NAMES_NS NS_PER_S
#define STRANGER_NS \
	(200 * NS_PER_MS) /* any sender can pose as an unknown node: Redis is asked no more often */

enum { BEATS_OF_A_LEASE = 10 };

struct claimant_roster {
	struct claimant_node list[ROSTER_NODES_MAX];
	uint32_t count;
};

struct claimant {
	struct node *node;
	struct peers *peers;
	struct claims *claims;
	struct roster_node self;
	uint64_t lease_ns;
	uint64_t beat_ns, names_ns, roster_ns, standing_ns; /* when each is due */
	uint64_t read_ns;                                   /* when the roster was last read */
	bool reading;                                       /* Redis is asked who is there */
	bool put_again;                                     /* the line, since the last beat */
	struct claimant_roster read, nodes;                 /* being read, and complete */
	struct standings standings;                         /* what other nodes say of themselves */
	bool leaves, left, stopped; /* left: Redis was told, or will not be */
	uint64_t shown[4];          /* of the counters, in their order */
};

static struct {
	metric_id known, heard, received, sent, unsent, refused;
} g_claimant_metrics;

void claimant_setup(void)
{
#define NODES(what)                                                                      \
	metric_register(METRIC_GAUGE, "tandem_cluster_nodes", "state=\"" what "\"",      \
			"Other nodes of the cluster: known from Redis, or heard in the " \
			"last 3 s.")
#define DATAGRAMS(what)                                                                          \
	metric_register(METRIC_COUNTER, "tandem_cluster_datagrams_total", "result=\"" what "\"", \
			"Datagrams between nodes: received, sent, not sent, and refused ones.")
	g_claimant_metrics.known = NODES("known");
	g_claimant_metrics.heard = NODES("heard");
	g_claimant_metrics.received = DATAGRAMS("received");
	g_claimant_metrics.sent = DATAGRAMS("sent");
	g_claimant_metrics.unsent = DATAGRAMS("unsent");
	g_claimant_metrics.refused = DATAGRAMS("refused");
#undef DATAGRAMS
#undef NODES
}

static struct node_shard *claimed_shard(const struct claimant *c, uint16_t number)
{
	struct node *n = c->node;

	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].number == number)
			return &n->shards->list[i];
	}
	return NULL;
}

/* ---- what claims ask for ---- */

static void on_look(uint16_t shard, const struct store_lease *seen, void *arg)
{
	const struct claimant *c = arg;

	if (c->stopped)
		return;
	claims_looked(c->claims, shard, seen->result == STORE_OK ? &seen->lease : NULL,
		      clock_now_ns());
}

static void claims_look(uint16_t shard, void *arg)
{
	struct claimant *c = arg;

	store_lease_look(c->node->redis->store, shard, rand_u64_from(&c->node->rand) | 1, on_look,
			 c);
}

static void on_claim(enum store_result result, uint64_t shard, uint64_t kept, void *arg)
{
	const struct claimant *c = arg;

	if (c->stopped)
		return;
	claims_answered(c->claims, (uint16_t)shard, result == STORE_OK, kept == 1, clock_now_ns());
}

static struct lease_grant grant_of(const struct claim *claim)
{
	return (struct lease_grant){ .epoch = claim->next,
				     .renewal = 1,
				     .sent_ns = claim->asked_ns,
				     .named = claim->next_named };
}

static void claims_claim(uint16_t shard, const struct claim *claim, void *arg)
{
	struct claimant *c = arg;
	const struct store_claim asked = { .shard = shard,
					   .seen = claim->seen,
					   .identity = *c->node->identity,
					   .grant = grant_of(claim),
					   .length_ns = c->lease_ns };

	LOG_WARN("node", 0, "the owner of a shard is silent: claiming it", LOG_U64("shard", shard));
	store_lease_claim(c->node->redis->store, &asked, on_claim, c);
}

static void claims_owned(uint16_t shard, const struct claim *claim, void *arg)
{
	struct node_shard *s = claimed_shard(arg, shard);
	const struct lease_grant grant = grant_of(claim);

	if (s)
		node_shard_claimed(s, &grant);
}

static bool claims_owning(uint16_t shard, void *arg)
{
	const struct node_shard *s = claimed_shard(arg, shard);

	return s && s->state == NODE_SHARD_LIVE && !s->fenced && !store_is_fenced(s->store) &&
	       !store_lease_is_past(s->store);
}

static void claims_on_ack(uint16_t shard, uint64_t from, uint64_t sent_ns, void *arg)
{
	struct node_shard *s = claimed_shard(arg, shard);

	if (s)
		store_lease_on_ack(s->store, from, sent_ns);
}

static void claims_on_epoch(uint16_t shard, struct lease_epoch epoch, void *arg)
{
	struct node_shard *s = claimed_shard(arg, shard);

	if (s && s->state == NODE_SHARD_LIVE)
		store_lease_on_epoch(s->store, epoch);
}

static void claims_renewed(uint16_t shard, struct lease_epoch epoch, void *arg)
{
	struct node_shard *s = claimed_shard(arg, shard);

	if (s)
		store_lease_renewed(s->store, epoch);
}

void claimant_acquires(const struct claimant *c, const struct node_shard *s)
{
	const struct claim *claim = c ? claims_of(c->claims, s->number) : NULL;

	if (claim)
		store_lease_known(s->store, claim->heard,
				  claim->named.count || claim_hears_owner(claim, clock_now_ns()));
}

static void claims_send(uint64_t to, const struct peer_item *item, void *arg)
{
	const struct claimant *c = arg;

	peers_queue(c->peers, to, item);
}

static const struct claims_handlers g_handlers = { .look = claims_look,
						   .claim = claims_claim,
						   .owned = claims_owned,
						   .owning = claims_owning,
						   .heard = claims_on_ack,
						   .seen = claims_on_epoch,
						   .renewed = claims_renewed,
						   .say = claims_send };

/* ---- other nodes ---- */

static void on_item(const struct peer_item *item, uint64_t from, void *arg)
{
	struct claimant *c = arg;
	struct addr address;
	struct node_shard *s;

	if (item->kind == PEER_MOVE) {
		s = claimed_shard(c, item->shard);
		if (s)
			node_shard_on_request_order(s);
	} else if (!standings_on_item(&c->standings, item, from,
				      peers_process(c->peers, from, &address), clock_now_ns())) {
		claims_item(c->claims, item, from, clock_now_ns());
	}
}

/* Whether it has said that it stops. */
static bool claimant_leaves(const struct claimant *c, uint64_t id)
{
	struct member nodes[PEERS_MAX];
	uint32_t count = peers_members(c->peers, nodes);

	for (uint32_t i = 0; i < count; i++) {
		if (nodes[i].id == id)
			return nodes[i].leaving;
	}
	return false;
}

static void on_alive(uint64_t id, bool is_attached, void *arg)
{
	struct claimant *c = arg;
	char text[17];

	c->names_ns = 0; /* a node that comes back may watch a lease without names */
	(void)snprintf(text, sizeof(text), "%016" PRIx64, id);
	if (is_attached)
		LOG_INFO("node", 0, "another node is heard", LOG_STR("node", text));
	else if (claimant_leaves(c, id))
		LOG_INFO("node", 0, "another node has stopped", LOG_STR("node", text));
	else
		LOG_WARN("node", 0,
			 "another node is not heard any more: look whether it runs, and at the "
			 "network",
			 LOG_STR("node", text));
}

static bool claimant_listens_to(const struct claimant *c, uint64_t id)
{
	struct addr address;

	return peers_process(c->peers, id, &address) != 0;
}

static void roster_note_node(struct claimant_roster *r, const struct roster_node *node, bool alive)
{
	if (r->count < ROSTER_NODES_MAX)
		r->list[r->count++] = (struct claimant_node){ .node = *node, .alive = alive };
}

static void on_node(const struct roster_node *node, bool alive, void *arg)
{
	struct claimant *c = arg;
	struct addr address;

	if (c->stopped)
		return;
	roster_note_node(&c->read, node, alive);
	if (node->id == c->self.id)
		return;
	if (roster_has_left(node)) {
		if (!claimant_listens_to(
			    c, node->id)) /* else it is about to say so, or has come back */
			peers_forget(c->peers, node->id);
		return;
	}
	if (addr_parse(&address, bytes_str(node->address)) || !address.port)
		LOG_WARN("node", 0, "the address of another node cannot be read: see td:{nodes}",
			 LOG_STR("name", node->name), LOG_STR("address", node->address));
	else if (peers_know(c->peers, node->id, &address))
		LOG_WARN("node", 0, "too many nodes: this one is not heard",
			 LOG_STR("name", node->name));
}

static void on_nodes(enum store_result result, uint64_t key, uint64_t count, void *arg)
{
	struct claimant *c = arg;

	(void)key;
	(void)count;
	c->reading = false;
	if (result == STORE_OK)
		c->nodes = c->read;
}

static void roster_put(const struct claimant *c, store_own_fn *said)
{
	const struct store_own own = { .node = &c->self,
				       .identity = c->node->identity,
				       .seen = bytes_str(c->node->redis->twin.seen) };

	store_node_own(c->node->redis->store, &own, said, (void *)(uintptr_t)c);
}

static void on_owned(const struct store_own_answer *said, void *arg);

/* At once, but once per beat: before the other process writes its own again. */
static void roster_put_again(struct claimant *c)
{
	if (c->put_again)
		return;
	c->put_again = true;
	roster_put(c, on_owned);
}

static void on_owned(const struct store_own_answer *said, void *arg)
{
	struct claimant *c = arg;
	struct twin *twin = &c->node->redis->twin;
	uint64_t later = twin->later;

	if (c->stopped || c->leaves)
		return;
	if (said->result == STORE_OK)
		twin_taken(twin, c->self.incarnation);
	if (said->result != STORE_CONFLICT)
		return;
	switch (twin_found(twin, c->node->identity, said->line, said->place)) {
	case TWIN_NOBODY:
	case TWIN_WAIT:
		roster_put_again(c);
		return;
	case TWIN_LATER:
		if (twin->later != later)
			LOG_ERROR("node", 0,
				  "another process has started with the identity of this node: it "
				  "is to end; remove the file identity from the copy of "
				  "node.state_dir",
				  LOG_STR("where", twin->where));
		roster_put_again(c);
		return;
	case TWIN_LIVES:
		node_twin_refuse(c->node);
		c->node->life->exit_status = NODE_EXIT_CONFIG;
		node_ask_stop(c->node);
		return;
	}
}

static void roster_turn(struct claimant *c)
{
	const struct node *n = c->node;

	c->self.beat++;
	c->self.shard_count = 0;
	for (uint32_t i = 0; i < n->shards->count && c->self.shard_count < ROSTER_SHARDS_MAX; i++) {
		const struct node_shard *s = &n->shards->list[i];

		if (s->home || s->state == NODE_SHARD_LIVE)
			c->self.shards[c->self.shard_count++] = s->number;
	}
	c->put_again = false;
	roster_put(c, on_owned);
	if (c->reading)
		return;
	c->reading = true;
	c->read.count = 0;
	store_nodes_read(n->redis->store, on_node, on_nodes, c);
}

/* ---- names of leases ---- */

static bool members_are_same(const struct members *a, const struct members *b)
{
	return a->count == b->count && !memcmp(a->ids, b->ids, a->count * sizeof(a->ids[0]));
}

/* Nodes that have left are not awaited: a lease may name one that this process has never heard. */
static uint32_t members_left(const struct claimant *c, struct member *nodes, uint32_t count)
{
	for (uint32_t i = 0; i < c->nodes.count; i++) {
		const struct roster_node *node = &c->nodes.list[i].node;

		if (roster_has_left(node) && !claimant_listens_to(c, node->id))
			nodes[count++] = (struct member){ .id = node->id, .leaving = true };
	}
	return count;
}

static void names_turn(const struct claimant *c, uint64_t now_ns)
{
	struct member nodes[PEERS_MAX + ROSTER_NODES_MAX];
	uint32_t count = members_left(c, nodes, peers_members(c->peers, nodes));
	struct node *n = c->node;

	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];
		struct members next;

		if (s->state != NODE_SHARD_LIVE)
			continue;
		members_next(&next, store_lease_named(s->store), nodes, count, now_ns);
		if (!members_are_same(&next, store_lease_named(s->store)))
			store_lease_name(s->store, &next);
	}
}

void claimant_notify(struct claimant *c, const struct store_claim_report *tell)
{
	const bool changes = tell->before.count;
	const struct peer_item item = { .kind = PEER_OWNED,
					.shard = tell->shard,
					.epoch = tell->epoch,
					.named = changes ? tell->before : tell->named,
					.sent_ns = tell->told_ns };

	if (c)
		claims_notify(c->claims, &item, tell->others.count ? &tell->others : &tell->named,
			      tell->renewal);
}

/* ---- standing of this node ---- */

static void standing_send(const struct claimant *c, uint64_t to, enum peer_kind kind,
			  uint16_t shard)
{
	const struct peer_item item = { .kind = kind, .shard = shard };

	peers_queue(c->peers, to, &item);
}

static void standing_say_all(const struct claimant *c, uint64_t to)
{
	const struct node *n = c->node;

	for (uint32_t i = 0; i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];

		if (s->home)
			standing_send(c, to, PEER_HOME, s->number);
		if (node_shard_listens(s))
			standing_send(c, to, PEER_RUNS, s->number);
	}
	if (node_leaves(n))
		standing_send(c, to, PEER_DRAINS, 0);
}

static void standing_turn(const struct claimant *c)
{
	struct member nodes[PEERS_MAX];
	uint32_t count = peers_members(c->peers, nodes);

	for (uint32_t i = 0; i < count; i++)
		standing_say_all(c, nodes[i].id);
}

const struct standing *claimant_standing(const struct claimant *c, uint64_t id)
{
	struct addr address;

	return standings_of(&c->standings, id, peers_process(c->peers, id, &address));
}

void claimant_let_claim(const struct claimant *c, uint64_t id, uint16_t shard)
{
	standing_send(c, id, PEER_MOVE, shard);
}

/* ---- notices of its end ---- */

static void dead_write(const struct node *n, struct writer *w)
{
	static_assert((int)NODE_SHARDS_MAX * (int)PEER_ITEM_MAX <= (int)PEER_ITEMS_MAX,
		      "all of them fit");
	for (uint32_t i = 0; i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];
		struct peer_item item = { .kind = PEER_DEAD, .shard = s->number };

		if (s->state != NODE_SHARD_LIVE || s->fenced)
			continue;
		item.epoch = store_lease_epoch(s->store);
		(void)!peer_item_write(w, &item);
	}
}

void claimant_notifies(struct claimant *c)
{
	uint8_t items[PEER_ITEMS_MAX], packet[PEER_PACKET_MAX];
	struct writer w = writer_over(items, sizeof(items));
	struct member nodes[PEERS_MAX];
	uint32_t count;

	if (!c || !c->node->cluster->keeper.process)
		return;
	dead_write(c->node, &w);
	count = peers_members(c->peers, nodes);
	for (uint32_t i = 0; i < count; i++) {
		struct addr to;
		size_t n;

		static_assert((int)PEER_PACKET_MAX <= (int)KEEPER_DATAGRAM_MAX, "it fits");
		if (!peers_gone(c->peers, nodes[i].id, writer_done(&w), &to, packet, &n))
			node_keeper_gone(c->node, &to, bytes_mem(packet, w.n ? n : 0));
	}
}

/* ---- time ---- */

void claimant_expire(struct claimant *c, uint64_t now_ns)
{
	if (!c || c->node->life->phase != NODE_RUNNING)
		return;
	if (peers_next_ns(c->peers) <= now_ns)
		peers_beat(c->peers, now_ns);
	if (c->roster_ns <= now_ns) {
		c->roster_ns = now_ns + ROSTER_BEAT_NS;
		c->read_ns = now_ns;
		roster_turn(c);
	}
	if (c->names_ns <= now_ns) {
		c->names_ns = now_ns + NAMES_NS;
		names_turn(c, now_ns);
		claimant_notifies(c);
	}
	if (c->standing_ns <= now_ns) {
		c->standing_ns = now_ns + STANDING_SAY_NS;
		standing_turn(c);
	}
	if (c->beat_ns <= now_ns) {
		c->beat_ns = now_ns + c->lease_ns / BEATS_OF_A_LEASE;
		claims_beat(c->claims, now_ns);
	}
}

uint64_t claimant_next_ns(const struct claimant *c)
{
	uint64_t next;

	if (!c || c->node->life->phase != NODE_RUNNING)
		return UINT64_MAX;
	next = peers_next_ns(c->peers);
	next = c->roster_ns < next ? c->roster_ns : next;
	next = c->names_ns < next ? c->names_ns : next;
	next = c->standing_ns < next ? c->standing_ns : next;
	return c->beat_ns < next ? c->beat_ns : next;
}

/* A new node is in Redis already: until this node knows it, a lease names nobody. */
static void stranger_meet(struct claimant *c)
{
	if (peers_stranger(c->peers) && c->roster_ns > c->read_ns + STRANGER_NS)
		c->roster_ns = c->read_ns + STRANGER_NS;
}

void claimant_lives(struct claimant *c)
{
	if (c)
		c->names_ns = c->standing_ns = 0;
}

void claimant_flush(struct claimant *c, uint64_t now_ns)
{
	if (!c)
		return;
	stranger_meet(c);
	peers_flush(c->peers, now_ns);
}

static void datagrams_show(struct claimant *c)
{
	const struct peers_counts *counts = peers_counts(c->peers);
	uint64_t now[] = { counts->received, counts->sent, counts->unsent, 0 };
	const metric_id ids[] = { g_claimant_metrics.received, g_claimant_metrics.sent,
				  g_claimant_metrics.unsent, g_claimant_metrics.refused };

	for (uint32_t i = 0; i < PEERS_REFUSALS; i++)
		now[3] += counts->refused[i];
	for (size_t i = 0; i < COUNT_OF(now); i++) {
		metric_add(ids[i], now[i] - c->shown[i]);
		c->shown[i] = now[i];
	}
}

uint32_t claimant_others(const struct claimant *c, uint64_t *ids, uint32_t most)
{
	struct member nodes[PEERS_MAX];
	uint64_t now_ns = clock_now_ns();
	uint32_t count = c ? peers_members(c->peers, nodes) : 0, n = 0;

	for (uint32_t i = 0; i < count && n < most; i++) {
		if (nodes[i].received_ns && nodes[i].received_ns + MEMBER_UNHEARD_NS > now_ns)
			ids[n++] = nodes[i].id;
	}
	return n;
}

bool claimant_node(const struct claimant *c, uint32_t i, struct claimant_node *out)
{
	if (!c || i >= c->nodes.count)
		return false;
	*out = c->nodes.list[i];
	out->heard = claimant_listens_to(c, out->node.id);
	return true;
}

const struct claim *claimant_claim(const struct claimant *c, uint16_t shard)
{
	return c ? claims_of(c->claims, shard) : NULL;
}

static void on_removed(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	(void)key;
	(void)version;
	(void)arg;
	if (result != STORE_OK)
		LOG_WARN("node", 0,
			 "a node is to be removed, and Redis has not said that it is: "
			 "say node.remove again");
}

void claimant_remove(struct claimant *c, const struct roster_node *node)
{
	struct roster_node gone = *node;

	LOG_WARN("node", 0, "a node is removed by command", LOG_STR("name", node->name));
	gone.beat = 0;
	gone.shard_count = 0;
	if (roster_has_left(node))
		store_node_remove(c->node->redis->store, node->id, on_removed, NULL);
	else
		store_node_put(c->node->redis->store, &gone, on_removed, NULL);
	c->roster_ns = 0;
}

void claimant_self(const struct claimant *c, uint64_t *id, uint64_t *incarnation)
{
	*id = c->self.id;
	*incarnation = c->self.incarnation;
}

static bool process_of(const struct claimant *c, uint64_t id, struct channel_to *out)
{
	*out = (struct channel_to){ .id = id };
	out->incarnation = peers_process(c->peers, id, &out->address);
	return out->incarnation != 0;
}

bool claimant_process(const struct claimant *c, uint64_t incarnation, struct channel_to *out)
{
	struct member nodes[PEERS_MAX];
	uint32_t count = c ? peers_members(c->peers, nodes) : 0;

	for (uint32_t i = 0; i < count; i++) {
		if (process_of(c, nodes[i].id, out) && out->incarnation == incarnation)
			return true;
	}
	return false;
}

uint32_t claimant_processes(const struct claimant *c, struct channel_to *out, uint32_t most)
{
	struct member nodes[PEERS_MAX];
	uint32_t count = c ? peers_members(c->peers, nodes) : 0, n = 0;

	for (uint32_t i = 0; i < count && n < most; i++)
		n += process_of(c, nodes[i].id, &out[n]);
	return n;
}

bool claimant_owner(const struct claimant *c, uint16_t shard, struct channel_to *out)
{
	const struct claim *claim = c ? claims_of(c->claims, shard) : NULL;

	return claim && claim->record && claim->record != c->self.id &&
	       process_of(c, claim->record, out);
}

bool claimant_knows(const struct claimant *c, uint16_t shard)
{
	const struct claim *claim = c ? claims_of(c->claims, shard) : NULL;

	return claim && claim_may_be_owned(claim);
}

void claimant_metrics(struct claimant *c)
{
	struct member nodes[PEERS_MAX];
	uint64_t heard[PEERS_MAX];

	if (!c)
		return;
	metric_set(g_claimant_metrics.known, peers_members(c->peers, nodes));
	metric_set(g_claimant_metrics.heard, claimant_others(c, heard, PEERS_MAX));
	datagrams_show(c);
}

/* ---- life ---- */

static int peers_start(struct claimant *c)
{
	struct node *n = c->node;
	struct peers_settings settings = { .listen = n->settings->cluster.listen,
					   .id = c->self.id,
					   .incarnation = c->self.incarnation,
					   .lease_ns = c->lease_ns,
					   .rand = &n->rand };
	int err;

	static_assert((int)KEYS_LEN == (int)PEER_KEY_LEN, "one derived key");
	keys_derive(&n->keys, "tandem peer 1", settings.key);
	err = peers_open(&c->peers, &settings, on_item, on_alive, c);
	explicit_bzero(settings.key, sizeof(settings.key));
	if (err)
		LOG_ERROR("node", 0, "cannot listen at cluster.listen",
			  LOG_ADDR("address", &settings.listen), LOG_STR("error", strerror(-err)));
	return err;
}

static int claimant_start(struct claimant *c)
{
	const struct node *n = c->node;
	uint64_t now_ns = clock_now_ns();
	int err = peers_start(c);

	if (!err)
		err = claims_open(&c->claims, c->self.id, c->self.incarnation, c->lease_ns,
				  &g_handlers, c);
	for (uint32_t i = 0; i < n->shards->count && !err; i++)
		err = claims_watch(c->claims, n->shards->list[i].number, now_ns);
	return err;
}

int claimant_open(struct claimant **out, struct node *n)
{
	struct writer address;
	struct claimant *c;
	int err;

	if (!node_is_clustered(n))
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->node = n;
	c->lease_ns = n->settings->cluster.lease;
	c->self.id = identity_node(n->identity);
	c->self.incarnation = rand_u64_from(&n->rand) | 1;
	static_assert(sizeof(c->self.name) == sizeof(n->settings->node.name), "copied whole");
	memcpy(c->self.name, n->settings->node.name, sizeof(c->self.name));
	address = writer_over(c->self.address, sizeof(c->self.address) - 1);
	addr_write(&address, &n->settings->cluster.listen);
	err = claimant_start(c);
	if (err) {
		claimant_close(c);
		return err;
	}
	*out = c;
	return 0;
}

static void on_left(const struct store_own_answer *said, void *arg)
{
	struct claimant *c = arg;

	(void)said; /* others hear of it by its own message, too; a line of another process stays */
	c->left = true;
}

void claimant_leave(struct claimant *c)
{
	if (!c || c->leaves)
		return;
	c->leaves = true;
	c->self.beat = 0;
	c->self.shard_count = 0;
	c->node->redis->twin.seen[0] = '\0';
	roster_put(c, on_left);
}

bool claimant_has_left(const struct claimant *c)
{
	return !c || !c->leaves || c->left;
}

void claimant_stop(struct claimant *c)
{
	if (!c || c->stopped)
		return;
	c->stopped = true;
	if (c->peers)
		peers_leave(c->peers, clock_now_ns());
	peers_close(c->peers);
	c->peers = NULL;
}

void claimant_close(struct claimant *c)
{
	if (!c)
		return;
	claimant_stop(c);
	claims_close(c->claims);
	free(c);
}
