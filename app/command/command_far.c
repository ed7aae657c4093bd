/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_far.h"

#include "app/command/command_handlers.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "sig/remote/remote_watch.h"
#include "sig/shard/commons.h"
#include "sig/sip/id.h"

#define FAR_WAIT_NS (1 * NS_PER_S)

static void far_end(struct node *node, uint64_t ticket, const struct remote_joined *told)
{
	struct command_far *far = &node->fars.list[(uint32_t)ticket - 1];
	struct command_run *run = waiting_take(&node->waiting, ticket);

	if (!run)
		return;
	far->ticket = 0;
	far->done(run, &far->join, told);
}

static void on_far_late(const struct query *q, void *arg)
{
	const struct command_far *far = arg;

	(void)q;
	/* the place may be another question's by now */
	if (far->ticket && far->deadline_ns <= clock_now_ns())
		far_end(far->node, far->ticket, NULL);
}

void command_far_told(struct node *node, const struct remote_joined *told)
{
	uint32_t place = (uint32_t)told->serial;

	if (place && place <= WAITING_MAX && node->fars.list[place - 1].ticket == told->serial)
		far_end(node, told->serial, told);
}

/* Which process has that call. False: the run has failed. */
static bool far_owner(struct command_run *run, uint64_t call, uint64_t *process)
{
	const struct node *n = run->node;
	uint16_t shard = id_shard(call);
	struct channel_to to = { 0 };

	if (n->commons->remote && claimant_owner(n->claimant, shard, &to)) {
		*process = to.incarnation;
		return true;
	}
	if (n->commons->remote && claimant_knows(n->claimant, shard))
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the other call goes to another node just now: try again");
	else if (command_arg_find(run->command, BYTES_LIT("with")))
		command_fail(run, COMMAND_NOT_FOUND, "with", "there is no such call");
	else
		command_fail(run, COMMAND_CONFLICT, "slot",
			     "who waits there is on another node, which cannot be asked: see "
			     "cluster.listen");
	return false;
}

static struct command_far *far_take(struct command_run *run, const struct shard_join *join,
				    command_far_fn *done)
{
	struct node *n = run->node;
	uint64_t ticket = waiting_put(&n->waiting, run);
	struct query *pause = ticket ? queries_take(&n->queries) : NULL;
	struct command_far *far = &n->fars.list[pause ? (uint32_t)ticket - 1 : 0];

	if (!pause) {
		(void)waiting_take(&n->waiting, ticket);
		command_fail(run, COMMAND_BUSY, NULL, "too many orders at once");
		return NULL;
	}
	*far = (struct command_far){ .node = n,
				     .ticket = ticket,
				     .deadline_ns = clock_now_ns() + FAR_WAIT_NS,
				     .join = *join,
				     .done = done };
	far->join.by = NULL;
	queries_pause(pause, far->deadline_ns, on_far_late, far);
	return far;
}

void command_far_ask(struct command_run *run, const struct shard_join *join, const char *slot,
		     command_far_fn *done)
{
	static struct call_view view;
	struct remote_join ask = { .call = join->with, .leg = join->with_leg };
	const struct command_far *far;
	uint64_t process;

	if (!node_call_view(run->node, join->call, &view)) {
		command_fail(run, COMMAND_NOT_FOUND, "call", "there is no such call");
		return;
	}
	far = far_owner(run, join->with, &process) ? far_take(run, join, done) : NULL;
	if (!far)
		return;
	ask.serial = far->ticket;
	ask.tenant = bytes_str(view.tenant);
	(void)bytes_cstr(bytes_str(slot), ask.slot, sizeof(ask.slot));
	remote_watch_join(run->node->commons->remote, process, &ask);
}
