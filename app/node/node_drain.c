/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the node takes new calls: not while it drains, by command or before a stop, and not while it lacks what a call needs. The
 * loop's rounds ask; /readyz and node.status show what is said here.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "base/log.h"
#include "base/loop.h"

/* Saves that are under way are waited for this long at the end. */
#define STOP_LIMIT_NS (3 * NS_PER_S)

enum { DESCRIPTORS_OF_A_CALL = 4 };

void node_drain_tell(struct node *n)
{
	bool on = n->life.drain.asked || n->life.drain.ends || n->life.phase == NODE_STOPPING;

	for (uint32_t i = 0; i < n->shards.count; i++) {
		const struct node_shard *s = &n->shards.list[i];

		if (s->core) /* one that waits has no calls, and begins none */
			shard_drain(s->core, on || s->state == NODE_SHARD_WAITING);
	}
}

static void drain_show(struct node *n)
{
	node_drain_tell(n);
	health_set(&n->web.health, HEALTH_DRAINING, n->life.drain.asked || n->life.drain.ends);
}

void node_drain_set(struct node *n, bool on)
{
	if (n->life.drain.asked == on)
		return;
	n->life.drain.asked = on;
	drain_show(n);
	LOG_WARN("node", 0, on ? "draining: no new calls" : "new calls are welcome again");
}

void node_drain_begin(struct node *n)
{
	struct shard_counts counts;

	if (n->life.phase == NODE_STOPPING)
		return;
	if (n->life.phase != NODE_RUNNING || n->life.drain.ends) {
		node_ask_stop(n);
		return;
	}
	n->life.drain.ends = true;
	n->life.drain.begin_ns = clock_now_ns();
	drain_show(n);
	node_counts(n, &counts);
	LOG_INFO("node", 0, "told to stop: no new calls; another SIGTERM ends the wait",
		 LOG_U64("calls", counts.calls),
		 LOG_U64("wait_ms", n->settings.node.drain_time / NS_PER_MS));
}

/* The setting is read each time, so that a reload counts for a wait that has begun. */
uint64_t node_drain_next_ns(const struct node *n)
{
	if (!n->life.drain.ends || n->life.phase != NODE_RUNNING)
		return UINT64_MAX;
	return n->life.drain.begin_ns + n->settings.node.drain_time;
}

bool node_drain_is_over(const struct node *n)
{
	struct shard_counts counts;

	if (!n->life.drain.ends || n->life.phase != NODE_RUNNING)
		return false;
	if (clock_now_ns() >= node_drain_next_ns(n))
		return true;
	if (node_hand_is_possible(n))
		return !node_shards_live(n);
	node_counts(n, &counts);
	return counts.calls == 0;
}

/* The limit may have been lowered, and others may have used up what the machine has: only trying tells. */
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
	health_set(&n->web.health, HEALTH_NO_CALLS, counts.calls >= n->capacity.calls_max);
	health_set(&n->web.health, HEALTH_NO_TRANSACTIONS, counts.txns >= counts.txns_max);
	health_set(&n->web.health, HEALTH_NO_PORTS,
		   shard_networks_full(node_core(n, 0), clock_instant()) != 0);
	health_set(&n->web.health, HEALTH_NO_DESCRIPTORS, !has_descriptors());
}

void node_ask_stop(struct node *n)
{
	n->life.stop_asked = true;
	if (n->life.phase == NODE_RUNNING) {
		n->life.phase = NODE_STOPPING;
		n->life.stop_deadline_ns = clock_now_ns() + STOP_LIMIT_NS;
		health_set(&n->web.health, HEALTH_STOPPING, true);
		n->hooks->stopping(n);
		node_drain_tell(n);
		claimant_leave(n->cluster.claimant);
		LOG_INFO("node", 0, "stopping: calls stay in Redis");
		notify_manager("STOPPING=1");
	} else {
		loop_stop(); /* out of whatever the start waits for */
	}
}
