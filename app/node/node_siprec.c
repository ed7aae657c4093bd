/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/node_siprec.h"

#include <errno.h>
#include <string.h>

#include "app/node/node.h"
#include "app/siprec/sender.h"
#include "base/log.h"
#include "base/loop.h"
#include "engine/engine.h"
#include "media/tap.h"

enum { FAILED_PER_TURN = 64 };

/* The sender's thread. */
static uint32_t forks_read(void *source, uint32_t max, sender_packet_fn *fn, void *arg)
{
	return engine_tapped(source, TAP_FORK, max, fn, arg);
}

static void fork_failed(struct node *n, uint64_t call, uint8_t number, int error)
{
	struct answer failed = {
		.kind = ANSWER_RECORD, .call = call, .version = number, .error = error
	};

	answers_add(&n->answers, &failed);
}

static void node_on_sender(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	struct sender_told told[FAILED_PER_TURN];
	uint32_t count = sender_told(n->sender, told, FAILED_PER_TURN);

	(void)fd;
	(void)events;
	for (uint32_t i = 0; i < count; i++)
		fork_failed(n, told[i].call, told[i].number, told[i].error);
}

void node_siprec_carry(struct node *n, const struct effect *e)
{
	bool taken =
		n->sender && (e->fork ? sender_set(n->sender, e->call, e->record.number, e->fork)
				      : sender_end(n->sender, e->call, e->record.number));

	if (taken)
		return;
	LOG_ERROR("siprec", e->call, "an order about an external recorder is lost",
		  LOG_U64("recording", e->record.number));
	if (e->fork)
		fork_failed(n, e->call, e->record.number, n->sender ? -EAGAIN : -ENOSYS);
}

int node_siprec_open(struct node *n)
{
	int err = sender_open(&n->sender, forks_read, n->engine);

	if (!err)
		err = loop_watch(sender_told_fd(n->sender), LOOP_READ, node_on_sender, n);
	if (err) {
		sender_close(n->sender);
		n->sender = NULL;
		LOG_ERROR("node", 0, "nothing can be sent to external recorders",
			  LOG_STR("error", strerror(-err)),
			  LOG_STR("next", "look at the limits of threads and descriptors, and "
					  "start again"));
	}
	return NODE_EXIT_OK;
}

void node_siprec_close(struct node *n)
{
	if (!n->sender)
		return;
	loop_unwatch(sender_told_fd(n->sender));
	sender_close(n->sender);
	n->sender = NULL;
}
