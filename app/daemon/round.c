/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop calls. Events go to the shard at once; effects, answers and flushes of links end
 * the round (node_round). Before and after effects each round checks the leases
 * (node_shards_fence): a shard with an expired lease must not send. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "app/child/child_link.h"
#include "app/command/command_set.h"
#include "app/command/command_walk.h"
#include "app/command/control.h"
#include "app/command/control_local.h"
#include "app/command/door.h"
#include "app/command/others.h"
#include "app/command/queries.h"
#include "app/daemon/daemon.h"
#include "app/dns/resolver.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/document_keep.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_probe.h"
#include "app/node/node_record.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/node/node_watch.h"
#include "app/schema/feature.h"
#include "app/settings/settings.h"
#include "app/watch/watch.h"
#include "base/log.h"
#include "base/loop.h"
#include "engine/engine.h"
#include "sig/sip/id.h"
#include "sig/transport/transport.h"

#define BEAT_NS       (NS_PER_S / 2)
#define RING_RETRY_NS NS_PER_MS

enum {
	EVENTS_PER_DRAIN = 4,
	DRAINS_PER_ROUND = 64,
	TURNS_MAX = 16,
	ROUND_MANY = 64,
};

/* Ends the measure of this round. */
static void round_measure(struct node *n)
{
	n->round->last_ns =
		n->round->messages < ROUND_MANY ? 0 : clock_now_ns() - n->round->since_ns;
	n->round->since_ns = 0;
	n->round->messages = 0;
}

void node_on_media(int fd, unsigned events, void *arg)
{
	struct media_event list[EVENTS_PER_DRAIN];
	struct node *n = arg;
	uint32_t count, drains = 0;

	(void)fd;
	(void)events;
	do {
		struct instant now = clock_instant();

		count = engine_events(n->media->engine, list, EVENTS_PER_DRAIN);
		for (uint32_t i = 0; i < count; i++) {
			struct shard *core = node_core(n, list[i].call);

			if (media_event_is_of_job(list[i].kind)) {
				node_players_event(n, &list[i], now.ns);
				continue;
			}
			if (!core || node_ahead_keeps(n, &list[i]))
				continue;
			if (list[i].kind == MEDIA_FLOW_CLOSED)
				ended_flow(&n->shards->ended, core,
					   (enum latch_mode)n->settings->media.latch, &list[i]);
			shard_media_event(core, &list[i], now);
			queries_event(n->api.queries, &list[i]);
			if (list[i].kind == MEDIA_FLOW_KEYED)
				explicit_bzero(&list[i], sizeof(list[i]));
		}
		n->round->events_left = ++drains == DRAINS_PER_ROUND;
	} while (!n->round->events_left &&
		 (count == EVENTS_PER_DRAIN || !engine_events_wait(n->media->engine)));
}

/* Also to a server that was started by a node with other settings. */
void node_fsync_log(struct node *n)
{
	const char *fsync = g_settings_fsync[n->settings->redis.fsync];
	const struct bytes args[] = { BYTES_LIT("CONFIG"), BYTES_LIT("SET"),
				      BYTES_LIT("appendfsync"), bytes_str(fsync) };

	n->redis->embedded.fsync = fsync;
	if (n->redis->embedded_used && n->redis->link) /* without one, the next link sends it */
		(void)!redis_command(n->redis->link, args, COUNT_OF(args), 0, NULL, NULL);
}

void node_on_leases(bool connected, void *arg)
{
	struct node *n = arg;

	if (connected && n->redis->wait.for_link)
		node_wait_end(STORE_OK, 0, 0, n);
}

void node_on_redis(bool connected, void *arg)
{
	struct node *n = arg;

	if (connected && n->redis->wait.for_link)
		node_wait_end(STORE_OK, 0, 0, n);
	if (connected && n->api.control)
		control_wake(n->api.control);
	if (connected)
		node_belonging_linked(n);
	if (connected)
		node_fsync_log(n);
	if (connected && n->redis->embedded_used)
		health_set(&n->web->health, HEALTH_REDIS_DEAD, false);
}

/* Those of other nodes do not count. */
static bool stores_are_well(const struct node *n)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];

		if (s->state == NODE_SHARD_LIVE && !s->fenced && !store_is_healthy(s->store))
			return false;
	}
	return true;
}

void node_on_store_health(bool healthy, void *arg)
{
	struct node_shard *s = arg;
	struct node *n = s->node;
	struct answer a = { .kind = ANSWER_DEGRADED,
			    .shard = s->number,
			    .ok = healthy,
			    .late = store_was_late(s->store) };

	if (store_is_fenced(s->store))
		s->fenced = true;
	else
		answers_add(&n->shards->answers, &a);
	health_set(&n->web->health, HEALTH_STORE, !stores_are_well(n));
	if (healthy && !a.late)
		directory_look(n);
}

static void respawn(struct node *n, uint64_t now_ns)
{
	int err;

	if (now_ns < n->redis->respawn_ns)
		return;
	n->redis->respawn_ns = UINT64_MAX;
	err = embedded_spawn(&n->redis->embedded);
	if (err && err != -EBUSY) {
		LOG_ERROR("node", 0, "the node's own Redis cannot be started",
			  LOG_STR("error", strerror(-err)),
			  LOG_STR("next", "it is tried each second: see redis/redis.log in "
					  "node.state_dir, and its disk"));
		n->redis->respawn_ns = now_ns + NS_PER_S;
	}
}

static bool call_seen(uint64_t call, struct call_view *out, void *arg)
{
	return node_call_view(arg, call, out);
}

static void beat(struct node *n, uint64_t now_ns)
{
	if (now_ns < n->round->beat_next_ns)
		return;
	n->round->beat_next_ns = now_ns + BEAT_NS;
	health_beat(&n->web->health, now_ns);
	if (n->life->phase == NODE_STARTING)
		loop_stop(); /* node_await looks at its limit */
	if (n->life->phase == NODE_RUNNING) {
		watch_tick(n->watch->watch, call_seen, n, clock_instant());
		node_room_update(n);
		node_metrics_update(n);
		node_shards_check(n);
		node_shards_beat(n, now_ns);
		node_hand_beat(n, now_ns);
		node_shards_validity(n, now_ns);
		document_keep_beat(n, now_ns);
		document_beat(n, now_ns);
		FEATURE_EACH (f) {
			CHILD_EACH (kind, f)
				child_beat(kind->child, now_ns);
			if (f->second)
				f->second(n, now_ns);
		}
		node_belonging_beat(n, now_ns);
		node_players_beat(n, now_ns);
		node_record_beat(n);
		health_set_reason(&n->web->health, HEALTH_REDIS_REFUSES, store_refusal());
		health_set_reason(&n->web->health, HEALTH_PROMPTS, n->media->plays.missing);
	}
	/* also without SIGCHLD: an adopted server is no child */
	if (n->redis->embedded_used && n->life->phase != NODE_STARTING &&
	    embedded_is_dead(&n->redis->embedded))
		node_own_redis_died(n);
}

static void node_on_timer(void *arg)
{
	struct node *n = arg;
	struct instant now = clock_instant();

	if (n->round->events_left && n->media->engine) /* others had their turn */
		node_on_media(-1, 0, n);
	if (n->redis->link)
		redis_expire(n->redis->link, now.ns);
	if (n->redis->leases)
		redis_expire(n->redis->leases, now.ns);
	if (n->api.control)
		control_expire(n->api.control, now.ns);
	control_local_expire(n->api.local, now.ns);
	door_expire(n->api.door, now.ns);
	others_expire(n->api.others, now.ns);
	directory_expire(n, now.ns);
	if (n->common.locations && n->life->phase != NODE_STARTING &&
	    locations_next_ns(n->common.locations) <= now.ns)
		locations_expire(n->common.locations, now);
	node_shards_expire(n, now);
	if (n->sip->transport)
		transport_expire(n->sip->transport, now.ns);
	if (n->dns->resolver)
		resolver_expire(n->dns->resolver, now.ns);
	node_probe_expire(n, now.ns);
	claimant_expire(n->cluster->claimant, now.ns);
	node_edge_expire(n, now.ns);
	node_blf_expire(n, now.ns);
	node_held_expire(n, now);
	node_hand_expire(n, now.ns);
	node_rebalance_expire(n, now.ns);
	tickets_expire(n->api.tickets, now.ns);
	command_walks_round(n);
	command_sets_round(n);
	command_set_move_round(n);
	respawn(n, now.ns);
	beat(n, now.ns);
}

/* Another node owns each shard: there is nothing to do here any more. */
static void end_fenced(struct node *n)
{
	LOG_ERROR("node", 0, "another node has taken this shard: ending at once",
		  LOG_U64("shard", n->shards->list[0].number));
	n->life->exit_status = NODE_EXIT_FAILED;
	loop_stop();
}

static void carry_effects(struct node *n)
{
	effects_carry_out(&n->shards->effects_to, locations_effects(n->common.locations));
	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];

		if (s->state == NODE_SHARD_LIVE)
			effects_carry_out(&s->effects_to, shard_effects(s->core));
	}
}

/* Locations are saved by no shard: they are degraded while none is healthy. */
static void locations_on_answer(struct node *n, const struct answer *a, struct instant now)
{
	bool degraded = !store_shared_is_healthy(n->redis->store);

	if (a->ok && a->late && n->round->locations_degraded)
		locations_caught_up(n->common.locations, now);
	else if (a->ok && !a->late)
		locations_degraded(n->common.locations, false, now);
	else if (degraded)
		locations_degraded(n->common.locations, true, now);
	n->round->locations_degraded = degraded;
}

/* What a shard of the node has asked another one for. */
static void conference_give(struct node *n, const struct answer *a, struct instant now)
{
	const struct shard_conference_give give = { .call = a->call,
						    .room = a->version,
						    .dialog = (uint8_t)a->owner,
						    .leaves = text_bytes(&a->user) };
	uint16_t tenant = tenants_number(n->common.tenants, text_bytes(&a->tenant));

	if (node_shard_find(n, id_shard(a->call)) &&
	    shard_conference_give(node_core(n, a->call), tenant, &give, now))
		LOG_INFO("conference", a->version, "a call of another shard does not come");
}

static void answer_reply_give(struct shard *core, const struct answer *a, struct instant now)
{
	struct reply reply = a->reply;

	if (reply.ask == ASK_PARK)
		reply.park.entry = text_bytes(&a->record);
	else if (reply.ask == ASK_KV)
		reply.kept.value = text_bytes(&a->record);
	else if (reply.ask == ASK_HELPER)
		reply.help.value = text_bytes(&a->record);
	else if (reply.ask == ASK_CONTACT)
		reply.contact.value = text_bytes(&a->record);
	shard_replied(core, &reply, now);
}

static void answer_give(struct shard *core, const struct answer *a, struct instant now)
{
	switch (a->kind) {
	case ANSWER_CALL_SAVED:
		shard_call_saved(core, a->call, a->version, a->ok, now);
		return;
	case ANSWER_CALL_ENDED:
		shard_call_ended(core, a->call, a->ok, now);
		return;
	case ANSWER_SUBSCRIPTION_SAVED:
		shard_subscription_saved(core, a->call, a->version, a->ok, now);
		return;
	case ANSWER_MEDIA_FAILED:
		shard_media_failed(core, a->flow, a->call, a->error, now);
		return;
	case ANSWER_SEND_FAILED:
		shard_send_failed(core, &a->hop, a->error, now);
		return;
	case ANSWER_CONNECTION_CLOSED:
		shard_connection_closed(core, &a->hop, now);
		return;
	case ANSWER_REPLY:
		answer_reply_give(core, a, now);
		return;
	case ANSWER_OBJECT_SAVED:
		shard_object_saved(core, a->call, a->version, a->ok, now);
		return;
	case ANSWER_ROOM:
		shard_on_room(core, a->call, a->version, a->ok ? &a->job : NULL, now);
		return;
	case ANSWER_DEGRADED:
		if (a->ok && a->late)
			shard_caught_up(core, now);
		else
			shard_degraded(core, !a->ok, now);
		return;
	case ANSWER_BINDING_SAVED:
	case ANSWER_BINDING_GOT:
	case ANSWER_CERTIFICATE:
	case ANSWER_CONFERENCE:
		break;
	}
	assert(false && "an answer of no shard");
}

/* Answers go to the asking shard, else the call's; without either to all; to no lost shard. */
static void shards_on_answer(struct node *n, const struct answer *a, struct instant now)
{
	uint16_t number = a->shard || !a->call ? a->shard : id_shard(a->call);

	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];

		if (s->state == NODE_SHARD_LIVE && (!number || s->number == number))
			answer_give(s->core, a, now);
	}
}

static void on_answer(const struct answer *a, void *arg)
{
	struct node *n = arg;
	struct instant now = clock_instant();

	if (a->kind == ANSWER_BINDING_SAVED) {
		locations_saved(n->common.locations, text_bytes(&a->tenant), text_bytes(&a->user),
				a->version, a->binding, now);
	} else if (a->kind == ANSWER_BINDING_GOT) {
		locations_got(n->common.locations, text_bytes(&a->tenant), text_bytes(&a->user),
			      a->binding, text_bytes(&a->record), now);
	} else if (a->kind == ANSWER_CONFERENCE) {
		conference_give(n, a, now);
	} else if (a->kind == ANSWER_CERTIFICATE) {
		shard_security_event(node_core(n, 0), SECURITY_CERTIFICATE, &a->hop.remote,
				     (struct bytes){ 0 }, a->detail, now);
	} else {
		shards_on_answer(n, a, now);
		if (a->kind == ANSWER_DEGRADED)
			locations_on_answer(n, a, now);
	}
}

/* False: no shard had a message of another one. */
static bool inter_shard_feed(struct node *n)
{
	bool any = false;

	for (uint32_t i = 0; n->sip->inter_shard && i < n->shards->count; i++)
		any |= node_shard_receive(&n->shards->list[i]);
	n->round->inter_shard_left = any;
	return any;
}

static void round_carry(struct node *n)
{
	node_dns_feed(n);
	/* an answer may cause questions that are answered at once;
	 * endless ones wait for the next round */
	for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
		bool fed, heard;

		carry_effects(n);
		fed = answers_feed(&n->shards->answers, on_answer, n);
		heard = inter_shard_feed(n);
		if (!fed && !heard)
			return;
	}
	carry_effects(n);
}

static bool is_stop_complete(const struct node *n)
{
	struct shard_counts counts;

	if (clock_now_ns() >= n->life->stop_deadline_ns) {
		LOG_WARN("node", 0, "stopping without the answers of Redis");
		return true;
	}
	node_counts(n, &counts);
	return counts.saves_pending == 0 && n->api.jobs == 0 && n->shards->answers.count == 0 &&
	       claimant_has_left(n->cluster->claimant);
}

static uint64_t ns_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A packet for a flow that is not open yet is lost: until then other nodes are better asked. */
static void ready_step(struct node *n)
{
	if (n->life->phase != NODE_RUNNING || n->life->readiness == READY_SENT)
		return;
	if (n->life->readiness == READY_QUEUED && !n->media->queue.count) {
		engine_mark(n->media->engine);
		n->life->readiness = READY_GIVEN;
	}
	if (n->life->readiness != READY_GIVEN || !engine_is_past_mark(n->media->engine))
		return;
	n->life->readiness = READY_SENT;
	health_set(&n->web->health, HEALTH_STARTING, false);
	node_metrics_update(n);
	node_log_ready(n);
	notify_manager("READY=1");
}

static void arm(struct node *n)
{
	uint64_t next = ns_least(n->round->beat_next_ns, n->redis->respawn_ns);
	int err;

	if (n->redis->link)
		next = ns_least(next, redis_next_ns(n->redis->link));
	if (n->redis->leases)
		next = ns_least(next, redis_next_ns(n->redis->leases));
	next = ns_least(next, node_shards_next_ns(n));
	if (n->api.control)
		next = ns_least(next, control_next_ns(n->api.control));
	next = ns_least(next, control_local_next_ns(n->api.local));
	next = ns_least(next, others_next_ns(n->api.others));
	next = ns_least(next, directory_next_ns(n));
	if (n->life->phase != NODE_STARTING) {
		next = ns_least(next, locations_next_ns(n->common.locations));
	}
	if (n->sip->transport)
		next = ns_least(next, transport_next_ns(n->sip->transport));
	if (n->dns->resolver)
		next = ns_least(next, resolver_next_ns(n->dns->resolver));
	next = ns_least(next, node_probe_next_ns(n));
	next = ns_least(next, claimant_next_ns(n->cluster->claimant));
	next = ns_least(next, node_edge_next_ns(n));
	next = ns_least(next, node_blf_next_ns(n));
	next = ns_least(next, node_held_next_ns(n));
	next = ns_least(next, node_hand_next_ns(n));
	next = ns_least(next, node_rebalance_next_ns(n));
	next = ns_least(next, tickets_next_ns(n->api.tickets));
	if (n->media->queue.count ||
	    (n->life->phase == NODE_RUNNING && n->life->readiness != READY_SENT))
		next = ns_least(next, clock_now_ns() + RING_RETRY_NS);
	if (n->life->phase == NODE_STOPPING)
		next = ns_least(next, n->life->stop_deadline_ns);
	next = ns_least(next, node_drain_next_ns(n));
	/* a node that starts carries nothing yet: what waits would let it turn round and round */
	if (n->life->phase != NODE_STARTING &&
	    (n->shards->answers.count || n->round->events_left || n->round->inter_shard_left))
		next = 0;
	next = ns_least(next, command_sets_next_ns(n));
	next = ns_least(next, command_set_move_next_ns(n));
	if (n->api.walks)
		next = 0;
	err = loop_timer(next, node_on_timer, n);
	if (err)
		LOG_ERROR("node", 0, "the timer cannot be set", LOG_STR("error", strerror(-err)));
}

void node_round(void *arg)
{
	struct node *n = arg;

	if (n->life->phase != NODE_STARTING && node_shards_fence(n)) {
		(void)media_queue_flush(&n->media->queue);
		round_carry(n);
		node_players_round(n);
	}
	if (n->life->phase != NODE_STARTING && !node_shards_fence(n)) {
		end_fenced(n);
		return;
	}
	node_hand_round(n, clock_now_ns());
	FEATURE_EACH (f) {
		if (f->round)
			f->round(n, clock_now_ns());
	}
	node_keeper_round(n);
	if (!node_ahead_round(n))
		sockets_beat(&n->cluster->keeper.sockets, clock_now_ns());
	if (n->sip->transport)
		transport_flush(n->sip->transport);
	if (n->api.control)
		control_flush(n->api.control);
	others_flush(n->api.others);
	directory_flush(n);
	node_blf_flush(n);
	claimant_flush(n->cluster->claimant, clock_now_ns());
	if (n->redis->link)
		redis_flush(n->redis->link);
	if (n->redis->leases) /* commands of this round leave at once */
		redis_flush(n->redis->leases);
	round_measure(n);
	ready_step(n);
	if (node_drain_is_over(n))
		node_ask_stop(n);
	if (n->life->phase == NODE_STOPPING && is_stop_complete(n)) {
		loop_stop();
		return;
	}
	arm(n);
}
