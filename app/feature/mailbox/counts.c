/* SPDX-License-Identifier: Apache-2.0 */
/* Counts messages of mailboxes that phones subscribe to (RFC 3842), by asking Redis for the
 * mailbox. A few questions are under way at once; one that fails is asked again later, and a new
 * link to Redis makes all counts stale. */

#include "app/feature/mailbox/boxes.h"

#include <stdlib.h>

#include "app/node/node.h"
#include "app/node/node_wait.h"
#include "base/clock.h"
#include "sig/feature/mailbox/message_waiting.h"
#include "sig/host/mailboxes.h"

enum { MESSAGES_UNDER_WAY = 32, MESSAGES_AGAIN_MS = 1000 };

struct messages_run {
	struct node *node;
	uint16_t tenant;
	char box[MAILBOX_NAME_MAX];
};

static struct counts {
	uint32_t under_way;
	uint64_t again_ns;        /* no request before: Redis did not answer */
	struct redis_guest guest; /* each new link to Redis makes all mailboxes due */
} g_counts;

static void messages_on_state(bool connected, void *arg)
{
	struct node *n = arg;

	if (connected && n->common.shared_tables)
		mailboxes_changed_all(n->common.shared_tables->mailboxes);
}

static void messages_on_counted(const struct node_box_answer *answer, void *arg)
{
	struct messages_run run = *(struct messages_run *)arg;
	struct counts *m = &g_counts;
	const struct box_counts *c = &answer->counts;
	const struct message_counts counts = { c->fresh, c->old, c->urgent_fresh, c->urgent_old };
	bool known = answer->result != BOX_UNKNOWN;

	free(arg);
	m->under_way--;
	if (!known)
		m->again_ns = clock_now_ns() + MESSAGES_AGAIN_MS * NS_PER_MS;
	shard_messages_counted(run.node->common.shared_tables, run.tenant, bytes_str(run.box),
			       known ? &counts : NULL, clock_instant());
}

static void messages_request(struct node *n, uint16_t tenant, struct bytes box)
{
	struct node_box_request ask = { .tenant =
						bytes_str(tenants_name(n->common.tenants, tenant)),
					.box = box,
					.order = { .act = BOX_LOOK } };
	struct messages_run *run = malloc(sizeof(*run));

	if (!run) {
		(void)mailboxes_counted(n->common.shared_tables->mailboxes, tenant, box, NULL);
		g_counts.again_ns = clock_now_ns() + MESSAGES_AGAIN_MS * NS_PER_MS;
		return;
	}
	run->node = n;
	run->tenant = tenant;
	(void)bytes_cstr(box, run->box, sizeof(run->box));
	g_counts.under_way++;
	node_box_request(n, &ask, messages_on_counted, run);
}

void node_messages_round(struct node *n, uint64_t now_ns)
{
	struct counts *m = &g_counts;
	struct bytes box;
	uint16_t tenant;

	if (!m->guest.redis && n->redis->link) {
		m->guest.state = messages_on_state;
		m->guest.arg = n;
		redis_join(n->redis->link, &m->guest);
	}
	while (n->common.shared_tables && m->under_way < MESSAGES_UNDER_WAY &&
	       now_ns >= m->again_ns &&
	       mailboxes_next(n->common.shared_tables->mailboxes, &tenant, &box))
		messages_request(n, tenant, box);
}
