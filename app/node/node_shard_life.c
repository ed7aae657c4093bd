/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a node's shards: the lease, loading from Redis, calls going on, and the end when
 * another node takes it.
 *
 *   WAITING --- lease granted, calls loaded --> LIVE --- another node owns it --> LOST
 *      +------- its holder is alive ------------------------------------------------^
 *
 * In a cluster no shard is LOST: it waits until its owner is gone. So do the shards of all other
 * nodes, without calls here, but with all documents: a take-over loads only calls.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/log.h"
#include "sig/host/toll.h"
#include "sig/transport/inter_shard.h"

#define LEASE_NS       (10 * NS_PER_S)
#define LEASE_PAUSE_NS (500 * NS_PER_MS)
/* The parties hear nothing from when a shard is given until who wants it asks again. */
#define WANT_PAUSE_NS (5 * NS_PER_MS)

enum { CHECK_CALLS = 256, CHECK_BEATS = 6, UNKEPT_LENGTHS = 3, CALLS_AT_ONCE = 16 };

static struct {
	metric_id live, waiting, lost;
} g_life_metrics;

void node_shards_setup(void)
{
	inter_shard_setup();
#define SHARDS(state)                                                             \
	metric_register(METRIC_GAUGE, "tandem_shards", "state=\"" state "\"",     \
			"Shards of the node: live, waiting for a lease, or lost " \
			"to another node.")
	g_life_metrics.live = SHARDS("live");
	g_life_metrics.waiting = SHARDS("waiting");
	g_life_metrics.lost = SHARDS("lost");
#undef SHARDS
}

void node_shards_metrics(const struct node *n)
{
	uint32_t of[NODE_SHARD_LOST + 1] = { 0 };

	for (uint32_t i = 0; i < n->shards->count; i++)
		of[n->shards->list[i].state]++;
	metric_set(g_life_metrics.live, of[NODE_SHARD_LIVE]);
	metric_set(g_life_metrics.waiting, of[NODE_SHARD_WAITING]);
	metric_set(g_life_metrics.lost, of[NODE_SHARD_LOST]);
}

/* ---- opening ---- */

static void shard_name_add(struct node *n, uint32_t number, bool home)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].number == number)
			return;
	}
	assert(n->shards->count < NODE_SHARDS_MAX); /* settings_check.c */
	n->shards->list[n->shards->count++] =
		(struct node_shard){ .node = n, .number = (uint16_t)number, .home = home };
}

void node_shards_name(struct node *n)
{
	const struct settings *s = n->settings;

	shard_name_add(n, s->node.shard, true);
	for (uint32_t i = 0; i < s->node.shards_count; i++)
		shard_name_add(n, s->node.shards[i], true);
	for (uint32_t i = 0; i < s->network_count; i++) {
		if (s->networks[i].floating)
			shard_name_add(n, s->networks[i].shard, false);
	}
	for (uint32_t i = 0; i < s->cluster.shards_count; i++)
		shard_name_add(n, s->cluster.shards[i], false);
	validity_open(&n->shards->validity, n->shards->count);
}

uint8_t node_shard_place(const struct node_shard *s)
{
	return (uint8_t)(1 + (s - s->node->shards->list));
}

uint8_t node_shard_toll(const struct node_shard *s)
{
	return (uint8_t)(s - s->node->shards->list);
}

/* Its lease names others. */
static void shard_on_lease_names(const struct store_claim_report *tell, void *arg)
{
	const struct node_shard *s = arg;

	claimant_notify(s->node->cluster->claimant, tell);
}

/* EXEC forgets what its link watches, and with Redis Cluster a transaction is one shard's. */
static int shard_link(const struct node_shard *s, struct redis **out)
{
	static char labels[NODE_SHARDS_MAX][24];
	char *label = labels[s - s->node->shards->list], key[24];

	*out = s->node->redis->link;
	if (!redis_is_cluster(*out))
		return 0;
	(void)snprintf(label, sizeof(labels[0]), "link=\"shard %u\"", (unsigned)s->number);
	(void)snprintf(key, sizeof(key), "td:{s%u}:lease", (unsigned)s->number);
	return redis_open_attached(out, s->node->redis->link, bytes_str(key), label);
}

static int store_of_shard_open(struct node_shard *s)
{
	struct node *n = s->node;
	struct redis *redis;
	struct store_shard_settings settings = {
		.shard = s->number,
		.identity = *n->identity,
		.incarnation = rand_u64_from(&n->rand),
		.lease_ns = node_is_clustered(n) ? n->settings->cluster.lease : LEASE_NS,
		.validity = &n->shards->validity,
		.place = node_shard_place(s),
		.tell = shard_on_lease_names,
		.keeps_names = node_is_clustered(n),
		.wanted = node_shard_on_request,
	};
	int err;

	if (s == n->shards->list)
		(void)snprintf(settings.spool_dir, sizeof(settings.spool_dir), "%s/spool",
			       n->settings->node.state_dir);
	else
		(void)snprintf(settings.spool_dir, sizeof(settings.spool_dir), "%s/spool-%u",
			       n->settings->node.state_dir, (unsigned)s->number);
	err = shard_link(s, &redis);
	return err ? err
		   : store_shard_open(&s->store, n->redis->store, redis, &settings,
				      s->node->hooks->store_health, s);
}

int node_shards_store_open(struct node *n)
{
	int err = 0;

	for (uint32_t i = 0; i < n->shards->count && !err; i++)
		err = store_of_shard_open(&n->shards->list[i]);
	return err;
}

/* Nothing of it is there for a node with one shard. */
static int shards_connect(struct node *n, struct shard_settings *settings)
{
	int err;

	static_assert((int)NODE_SHARDS_MAX <= (int)PEER_SHARDS_MAX &&
			      (int)NODE_SHARDS_MAX <= (int)VALID_PLACES &&
			      (int)NODE_SHARDS_MAX <= (int)INTER_SHARD_MAX,
		      "all of them fit");
	settings->shards_are_apart = settings->rooms_claimed = node_is_clustered(n);
	if (n->shards->count == 1)
		return 0;
	settings->peer_shard_count = n->shards->count;
	for (uint32_t i = 0; i < n->shards->count; i++)
		settings->peer_shards[i] = n->shards->list[i].number;
	err = inter_shard_open(&n->sip->inter_shard, settings->peer_shards,
			       settings->peer_shard_count);
	for (uint32_t i = 0; i < n->shards->count && !err; i++) {
		if (n->shards->list[i].state == NODE_SHARD_LOST || node_is_clustered(n))
			inter_shard_leave(n->sip->inter_shard, n->shards->list[i].number);
	}
	return err;
}

int node_shards_core_open(struct node *n, struct shard_settings *settings)
{
	int err = shards_connect(n, settings);

	for (uint32_t i = 0; i < n->shards->count && !err; i++) {
		settings->number = n->shards->list[i].number;
		settings->toll_shard = node_shard_toll(&n->shards->list[i]);
		err = shard_open(&n->shards->list[i].core, settings, n->common.locations, &n->rand,
				 clock_instant());
	}
	return err;
}

/* ---- what Redis knows ---- */

static int on_call(struct bytes key, struct bytes record, void *arg)
{
	struct node_shard *s = arg;
	const char *reason = "";
	int err = shard_restore_call(s->core, record, clock_instant(), &reason);

	if (err) {
		s->node->life->records_broken += err != -EPROTONOSUPPORT;
		LOG_ERROR("node", 0, "a call cannot be restored", LOG_BYTES("key", key),
			  LOG_STR("reason", reason), LOG_STR("error", strerror(-err)));
		return err;
	}
	if (++s->node->life->calls_restored % CALLS_AT_ONCE == 0)
		node_ahead_open(s); /* the worker opens them while others are restored */
	return 0;
}

static int on_subscription(struct bytes key, struct bytes record, void *arg)
{
	struct node_shard *s = arg;
	const char *reason = "";
	int err = shard_restore_subscription(s->core, record, clock_instant(), &reason);

	if (!err)
		return 0;
	s->node->life->records_broken += err != -EPROTONOSUPPORT && err != -ENOSPC;
	LOG_ERROR("node", 0, "a subscription cannot be restored", LOG_BYTES("key", key),
		  LOG_STR("reason", reason), LOG_STR("error", strerror(-err)));
	return err == -ENOSPC ? 0 : err; /* its phone asks again */
}

static int on_object(struct bytes key, struct bytes record, void *arg)
{
	struct node_shard *s = arg;
	const char *reason = "";
	int err = shard_restore_object(s->core, s->loads, record, clock_instant(), &reason);

	if (!err)
		return 0;
	s->node->life->records_broken += err != -EPROTONOSUPPORT;
	LOG_ERROR("node", 0, "a conference cannot be restored", LOG_BYTES("key", key),
		  LOG_STR("reason", reason), LOG_STR("error", strerror(-err)));
	return err;
}

/* Each kind, then subscriptions. */
static void on_objects_loaded(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	if (result != STORE_OK)
		s->loaded(result, key, version, s);
	else if (++s->loads < OBJECT_KINDS)
		store_load_objects(s->store, (enum store_objects)s->loads, on_object,
				   on_objects_loaded, s);
	else
		store_load_subscriptions(s->store, on_subscription, s->loaded, s);
}

static void on_toll(struct bytes name, int64_t ms, void *arg)
{
	struct node_shard *s = arg;
	struct bytes rest = name, tenant = { 0 };
	struct toll_payer who = { .shard = node_shard_toll(s) };
	struct toll_now now;

	if (!bytes_cut(&rest, ':', &tenant))
		return;
	who.tenant = tenants_claim(s->node->common.tenants, tenant);
	who.user = rest;
	now = shard_toll_now(s->core, who.tenant, clock_instant());
	if (now.day != s->toll_day) /* where its day has not begun yet, or has */
		return;
	if (who.tenant == TENANT_NONE || toll_spend(s->node->common.toll, &who, ms, &now))
		LOG_ERROR("node", 0, "what calls outside have cost today is not known",
			  LOG_BYTES("payer", name));
}

static void on_tolls_loaded(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	if (result != STORE_OK) {
		s->loaded(result, key, version, s);
		return;
	}
	s->loads = 0;
	store_load_objects(s->store, STORE_ROOMS, on_object, on_objects_loaded, s);
}

/* The day of the others. */
static void on_day_loaded(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	if (result != STORE_OK) {
		s->loaded(result, key, version, s);
		return;
	}
	s->toll_day++;
	store_toll_load(s->store, s->toll_day, on_toll, on_tolls_loaded, s);
}

/* The spool is empty by now: calls that ended while Redis was away are in it. Some tenants still
 * have the day before that of UTC. */
static void on_calls_loaded(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	if (result != STORE_OK) {
		s->loaded(result, key, version, s);
		return;
	}
	s->toll_day = shard_toll_now(s->core, TENANT_NONE, clock_instant()).day - 1;
	store_toll_load(s->store, s->toll_day, on_toll, on_day_loaded, s);
}

/* It may have been here before, or Redis may have lost a part: its costs count once. */
void node_shard_load_calls(struct node_shard *s, store_done_fn *done)
{
	s->loaded = done;
	toll_forget(s->node->common.toll, node_shard_toll(s));
	shard_incarnate(s->core, store_epoch(s->store));
	store_load_calls(s->store, on_call, on_calls_loaded, s);
}

/* The parties are unknown, so no BYE is sent; the CDR tells that there was a call. */
static void end_unreadable(struct node_shard *s)
{
	const uint64_t *calls;
	uint32_t count = store_calls_unreadable(s->store, &calls);

	for (uint32_t i = 0; i < count; i++)
		shard_call_unreadable(s->core, calls[i], clock_instant());
	if (store_calls_aside(s->store))
		health_set(&s->node->web->health, HEALTH_CALLS_ASIDE, true);
}

/* Another node has one of its own: it runs on. */
static void lack_show(struct node *n)
{
	bool lacks = false;

	for (uint32_t i = 0; i < n->shards->count; i++)
		lacks |= n->shards->list[i].home && n->shards->list[i].state != NODE_SHARD_LIVE;
	if (node_is_clustered(n))
		health_set(&n->web->health, HEALTH_SHARD_LOST, lacks);
}

void node_shard_loaded(struct node_shard *s)
{
	end_unreadable(s);
	s->fenced = false;
	s->state = NODE_SHARD_LIVE;
	s->live_ns = clock_now_ns();
	s->live_utc_ms = clock_instant().utc_ms;
	if (s->node->sip->inter_shard)
		inter_shard_enter(s->node->sip->inter_shard, s->number);
	claimant_lives(s->node->cluster->claimant);
	lack_show(s->node);
	s->node->hooks->taken(s->node, s->number, store_epoch(s->store));
}

static void shard_lose(struct node_shard *s)
{
	s->state = NODE_SHARD_LOST;
	if (s->node->sip->inter_shard)
		inter_shard_leave(s->node->sip->inter_shard, s->number);
	health_set(&s->node->web->health, HEALTH_SHARD_LOST, true);
}

/* A live holder renews at a third of its length:
 * one that does not is gone, and the store takes it in time. */
bool node_shard_is_held(struct node_shard *s)
{
	const struct store_holder *h = store_holder(s->store);
	bool alive = h->alive;

	if (node_is_clustered(s->node) && !h->copy) {
		if (s->home && !s->watches)
			LOG_WARN("node", 0, "another node has the shard: waiting until it is gone",
				 LOG_U64("shard", s->number), LOG_STR("holder", h->node),
				 LOG_STR("where", h->where));
		s->watches = true;
		return false;
	}
	if (alive) {
		LOG_ERROR("node", 0,
			  h->copy ? "node.state_dir is a copy of the directory of a node that "
				    "runs: remove the file identity from the copy, and give it a "
				    "node.shard and node.name of its own"
				  : "the shard is run by another node: give this one a node.shard "
				    "and node.name of its own, or stop the other",
			  LOG_U64("shard", s->number), LOG_STR("holder", h->node),
			  LOG_STR("where", h->where));
		shard_lose(s);
	} else if (!s->watches) {
		LOG_WARN("node", 0, "another node has the lease: waiting to see if it lives",
			 LOG_U64("shard", s->number), LOG_STR("holder", h->node),
			 LOG_STR("where", h->where));
	}
	s->watches = true;
	return alive;
}

/* ---- those that wait while the node runs ---- */

static void shard_hop_know(const struct sip_hop *hop, void *arg)
{
	node_guard_know(arg, hop);
}

static void wait_again(struct node_shard *s)
{
	s->busy = false;
	s->retry_ns = clock_now_ns() + (s->wants_until_ns ? WANT_PAUSE_NS : LEASE_PAUSE_NS);
}

static void go_live(struct node_shard *s)
{
	struct node *n = s->node;

	s->wants_until_ns = 0;
	node_shard_loaded(s);
	s->effects_to.bind_again_until_ns = clock_now_ns() + BIND_AGAIN_NS;
	node_shards_listen(n);
	/* media first: what is open is said again to parties that may wait for it longer */
	s->effects_to.hurries = true;
	effects_carry_out(&s->effects_to, shard_effects(s->core));
	s->effects_to.hurries = false;
	shard_resume(s->core, clock_instant());
	node_ahead_notify(s);
	shard_hops(s->core, shard_hop_know, n);
	node_drain_apply(n);
	claimant_notifies(n->cluster->claimant);
	LOG_INFO("node", 0, "the shard is live", LOG_U64("shard", s->number),
		 LOG_U64("epoch", store_epoch(s->store)));
	if (!store_is_healthy(s->store))
		s->node->hooks->store_health(false, s);
}

/* What the core has of this node is given back; it says nothing. */
static void core_silence(struct node_shard *s)
{
	shard_silence(s->core, clock_instant());
	s->fenced = false; /* for these effects, which are no words */
	effects_carry_out(&s->effects_to, shard_effects(s->core));
	plays_leave(&s->node->media->plays, s->number);
	mixers_leave(&s->node->media->mixers, s->number);
	lives_leave(&s->node->media->lives, s->number);
}

static void core_end(struct node_shard *s)
{
	core_silence(s);
	shard_close(s->core);
	s->core = NULL;
}

void node_shard_step_back(struct node_shard *s)
{
	struct node *n = s->node;

	s->state = NODE_SHARD_WAITING;
	node_addresses_leave(s);
	s->silent = s->busy = s->owned = s->watches = false;
	s->has_addresses = s->has_calls = false;
	s->wants_until_ns = s->gives_to = s->offered_ns = 0;
	s->retry_ns = clock_now_ns() + LEASE_PAUSE_NS;
	if (n->sip->inter_shard)
		inter_shard_leave(n->sip->inter_shard, s->number);
}

void node_shard_clear(struct node_shard *s)
{
	struct node *n = s->node;

	node_ahead_close(s);
	core_silence(s);
	/* Its next owner reads what its calls have cost, and limits hold over all shards. */
	if (n->common.shares)
		toll_forget(n->common.toll, node_shard_toll(s));
	node_shards_listen(n);
	shard_join_again(s->core);
	node_drain_apply(n);
	claimant_notifies(n->cluster->claimant);
	lack_show(n);
}

void node_shard_forget(struct node_shard *s)
{
	shard_silence(s->core, clock_instant());
	effects_clear(shard_effects(s->core));
	shard_join_again(s->core);
}

/* Without calls, until the node that has it is gone. */
static void node_shard_stand_by(struct node_shard *s)
{
	node_shard_step_back(s);
	node_shard_clear(s);
}

/* It is known here already, and perhaps better. */
static int on_late_binding(struct bytes key, struct bytes record, void *arg)
{
	struct node_shard *s = arg;
	const char *reason = "";
	int err = locations_restore(s->node->common.locations, record, clock_instant(), &reason);

	if (err && err != -EEXIST)
		LOG_ERROR("node", 0, "a registration cannot be restored", LOG_BYTES("key", key),
			  LOG_STR("reason", reason), LOG_STR("error", strerror(-err)));
	return 0;
}

/* Ports are bound when it goes live: until then its calls may come in before its addresses. */
static void live_if_all(struct node_shard *s)
{
	if (!s->has_addresses || !s->has_calls)
		return;
	if (node_is_clustered(s->node) && !store_lease_lasts(s->store)) {
		LOG_ERROR("node", 0,
			  "the lease of a shard was past before it could go live: trying again",
			  LOG_U64("shard", s->number));
		node_shard_stand_by(s);
		return;
	}
	go_live(s);
}

static void on_late_calls(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	(void)key;
	(void)version;
	if (s->state != NODE_SHARD_WAITING || s->node->life->phase != NODE_RUNNING)
		return;
	if (result == STORE_OK) {
		s->has_calls = true;
		live_if_all(s);
		return;
	}
	if (node_is_clustered(s->node)) {
		LOG_ERROR("node", 0, "the calls of a shard cannot be loaded: trying again",
			  LOG_U64("shard", s->number));
		node_shard_stand_by(s);
		return;
	}
	/* without the lease, which then expires: what is in memory by now is not all of it */
	LOG_ERROR("node", 0, "the calls of a shard cannot be loaded: start the node again",
		  LOG_U64("shard", s->number));
	shard_lose(s);
	core_end(s);
	store_shard_close(s->store);
	s->store = NULL;
}

/* Those that came to its former node since this one started: a call that goes on may ring them. */
static void on_late_bindings(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	if (s->state != NODE_SHARD_WAITING || s->node->life->phase != NODE_RUNNING)
		return;
	if (result == STORE_OK)
		node_shard_load_calls(s, on_late_calls);
	else
		on_late_calls(result, key, version, s);
}

static void late_addressed(struct node_shard *s)
{
	if (s->state != NODE_SHARD_WAITING || s->node->life->phase != NODE_RUNNING)
		return;
	s->has_addresses = true;
	live_if_all(s);
}

/* phones: they may have changed since this one started. */
static void late_load(struct node_shard *s, bool phones)
{
	s->has_addresses = s->has_calls = s->fenced = false;
	s->ahead.loads = true;
	node_addresses_claim(s, late_addressed);
	if (phones)
		node_shard_load_phones(s, on_late_bindings);
	else
		node_shard_load_calls(s, on_late_calls);
}

static void on_late_lease(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	(void)key;
	(void)version;
	/* owned: it was claimed meanwhile */
	if (s->state != NODE_SHARD_WAITING || s->node->life->phase != NODE_RUNNING || s->owned)
		return;
	if (result == STORE_OK)
		late_load(s, !s->wants_until_ns);
	else if (result != STORE_CONFLICT || !node_shard_is_held(s))
		wait_again(s);
}

void node_shard_load_phones(struct node_shard *s, store_done_fn *done)
{
	store_load_bindings(s->node->redis->store, on_late_binding, done, s);
}

void node_shard_claim(struct node_shard *s)
{
	s->busy = true;
	claimant_acquires(s->node->cluster->claimant, s);
	store_acquire(s->store, on_late_lease, s);
}

void node_shard_claimed(struct node_shard *s, const struct lease_grant *grant)
{
	store_lease_claimed(s->store, grant);
	if (s->state != NODE_SHARD_WAITING || s->owned)
		return;
	s->owned = s->busy = true;
	late_load(s, true);
}

void node_shards_beat(struct node *n, uint64_t now_ns)
{
	node_shards_listen(n); /* an address that was not there may be by now */
	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];

		if (s->state == NODE_SHARD_WAITING && !s->busy && !s->wants_until_ns &&
		    now_ns >= s->retry_ns)
			node_shard_claim(s);
	}
}

/* ---- shards with a lapsed lease ---- */

static void silence_log(const struct node_shard *s, uint64_t withheld)
{
	if (s->silent)
		LOG_ERROR("node", 0,
			  "the lease of the shard is past: it is silent until Redis renews it",
			  LOG_U64("shard", s->number));
	else
		LOG_WARN("node", 0, "the shard may speak again", LOG_U64("shard", s->number),
			 LOG_U64("withheld", withheld));
}

/* Some were perhaps messages. The shard is told when it may speak again. */
static void withheld_report(struct node_shard *s, uint64_t withheld)
{
	if (s->silent || withheld == s->unsaid)
		return;
	s->unsaid = withheld;
	if (s->state == NODE_SHARD_LIVE)
		shard_withheld(s->core, clock_instant());
}

/* For long enough to be no mere hiccup: acks of others alone carry it. */
static bool lease_is_unkept(const struct node_shard *s, uint64_t now_ns)
{
	struct store_lease_view lease;
	uint64_t since_ns;

	if (s->state != NODE_SHARD_LIVE || !store_is_healthy(s->store))
		return false;
	store_lease_view(s->store, &lease);
	since_ns = lease.kept_ns > s->live_ns ? lease.kept_ns : s->live_ns;
	return !lease.kept && now_ns > since_ns + UNKEPT_LENGTHS * s->node->settings->cluster.lease;
}

static void unkept_show(struct node *n, uint64_t now_ns)
{
	bool any = false;

	for (uint32_t i = 0; node_is_clustered(n) && i < n->shards->count; i++)
		any |= lease_is_unkept(&n->shards->list[i], now_ns);
	health_set(&n->web->health, HEALTH_LEASE_UNKEPT, any);
}

void node_shards_validity(struct node *n, uint64_t now_ns)
{
	bool any = false;

	unkept_show(n, now_ns);

	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];
		uint8_t place = node_shard_place(s);
		bool silent = s->state == NODE_SHARD_LIVE &&
			      validity_is_past(&n->shards->validity, place, now_ns);
		uint64_t withheld = validity_withheld(&n->shards->validity, place);

		any |= silent;
		if (silent != s->silent) {
			s->silent = silent;
			if (s->state == NODE_SHARD_LIVE)
				silence_log(s, withheld - s->withheld);
			s->withheld = withheld;
		}
		withheld_report(s, withheld);
	}
	health_set(&n->web->health, HEALTH_SHARD_SILENT, any);
}

/* ---- deleted records ---- */

static void on_call_missing(uint64_t call, bool ended, void *arg)
{
	struct node_shard *s = arg;

	(ended ? shard_call_over : shard_call_missing)(s->core, call, clock_instant());
}

/* Whether Redis still has what it acknowledged:
 * checks a few calls each beat, and many every CHECK_BEATS. */
static void shard_check(struct node_shard *s)
{
	uint64_t ids[STORE_CALLS_CHECKED];
	struct shard_counts counts;
	uint32_t left;

	if (!s->node->settings->redis.save_calls || !store_is_healthy(s->store))
		return;
	shard_counts(s->core, &counts);
	left = CHECK_CALLS + counts.calls / CHECK_BEATS;
	do {
		uint32_t most = left < COUNT_OF(ids) ? left : COUNT_OF(ids);
		uint32_t count = shard_calls_saved(s->core, &s->check_cursor, ids, most);

		store_calls_check(s->store, ids, count, on_call_missing, s);
		left -= most;
	} while (left && s->check_cursor);
}

void node_shards_check(struct node *n)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].state == NODE_SHARD_LIVE)
			shard_check(&n->shards->list[i]);
	}
}

/* ---- another node has it ---- */

/* Not one word more: its calls are there, not here. */
static void shard_fence(struct node_shard *s)
{
	LOG_ERROR("node", 0, "another node has taken this shard: it is silent from now on",
		  LOG_U64("shard", s->number));
	if (node_is_clustered(s->node)) {
		node_shard_stand_by(s);
		return;
	}
	shard_lose(s);
	if (node_shards_live(s->node)) /* else the node ends, as it is */
		core_end(s);
}

bool node_shards_fence(struct node *n)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];

		if (s->fenced && s->state == NODE_SHARD_LIVE)
			shard_fence(s);
	}
	return node_is_clustered(n) || node_shards_live(n);
}

/* ---- rounds ---- */

uint64_t node_shards_next_ns(const struct node *n)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];
		uint64_t own = UINT64_MAX;

		if (n->life->phase != NODE_STARTING && node_shard_listens(s))
			own = shard_next_ns(s->core);
		if (own < next)
			next = own;
	}
	return next;
}

void node_shards_expire(struct node *n, struct instant now)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];

		if (n->life->phase != NODE_STARTING && node_shard_listens(s) &&
		    shard_next_ns(s->core) <= now.ns)
			shard_expire(s->core, now);
	}
}

/* ---- the end ---- */

void node_shards_store_close(struct node *n)
{
	for (uint32_t i = 0; i < n->shards->count; i++)
		store_shard_close(n->shards->list[i].store);
}

void node_shards_close(struct node *n)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		node_ahead_close(&n->shards->list[i]);
		shard_close(n->shards->list[i].core);
	}
}
