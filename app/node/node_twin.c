/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a cluster a copy of a state directory would be the node itself: other nodes could not tell the two apart. Its start is refused
 * (cluster/identity.h). What is found while the node runs, the claimant finds.
 */
#include "app/node/node.h"
#include "base/log.h"
#include "base/loop.h"

#define TWIN_LOOK_NS (200 * NS_PER_MS)

void node_twin_refuse(struct node *n)
{
	LOG_ERROR("node", 0,
		  "another process that lives has the identity of this node: node.state_dir is a "
		  "copy of its directory, or it was moved while that one runs: remove the file "
		  "identity from the copy, or stop the other one",
		  LOG_STR("dir", n->settings.node.state_dir), LOG_STR("other", n->twin.where));
}

struct twin_question {
	struct node *node;
	enum twin_verdict verdict;
};

static void on_twin_looked(const struct store_own_said *said, void *arg)
{
	struct twin_question *q = arg;

	if (said->result == STORE_OK)
		q->verdict = twin_look(&q->node->twin, &q->node->identity, said->line, said->place,
				       clock_now_ns());
	node_wait_end(said->result, 0, 0, q->node);
}

static void ask_twin(struct node *n, const void *arg)
{
	const struct roster_node self = { .id = identity_node(&n->identity),
					  .address = "-",
					  .name = "-" };
	const struct store_own own = { .node = &self, .identity = &n->identity, .look = true };

	store_node_own(n->store, &own, on_twin_looked, (void *)(uintptr_t)arg);
}

static void twin_pause(struct node *n)
{
	uint64_t end_ns = clock_now_ns() + TWIN_LOOK_NS;

	/* the beat stops the loop twice a second */
	while (!n->stop_asked && clock_now_ns() < end_ns) {
		if (loop_run())
			return;
	}
}

int node_twin_start(struct node *n)
{
	struct twin_question twin = { .node = n };
	const struct node_question q = { .what = "whether another process has this identity",
					 .ask = ask_twin,
					 .arg = &twin,
					 .even_refused = true };
	int status;

	if (!node_is_clustered(n))
		return NODE_EXIT_OK;
	for (;;) {
		status = node_ask(n, &q);
		if (status || twin.verdict == TWIN_NOBODY)
			return status;
		if (twin.verdict == TWIN_LIVES) {
			node_twin_refuse(n);
			return NODE_EXIT_CONFIG;
		}
		twin_pause(n);
	}
}
