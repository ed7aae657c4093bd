/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that wait for something: for the save of what they changed, or for another node.
 * `waiting` holds their runs by ticket, with a fair share for each tenant, token and user; the rest
 * asks the node of another call, or all nodes for a ringing call, through sig/remote. Handlers of
 * join, link, pickup and conferences call it. Every question has a deadline, so a run always ends.
 */

#include <stddef.h>

#include "app/command/command_ask.h"
#include "app/command/command_start.h"
#include "app/command/queries.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "sig/remote/remote_watch.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

void waiting_open(struct waiting *w, struct rand_source *rand)
{
	fair_open(&w->fair, WAITING_MAX, rand);
}

void waiting_close(struct waiting *w)
{
	fair_close(&w->fair);
}

uint64_t waiting_put(struct waiting *w, struct command_run *run)
{
	const struct fair_who who = command_holder(run);

	for (uint32_t i = 0; i < WAITING_MAX; i++) {
		if (w->list[i].run)
			continue;
		if (fair_take(&w->fair, &who, 1, &w->list[i].held) != FAIR_FINE)
			return 0;
		w->list[i].run = run;
		w->list[i].generation++;
		return (uint64_t)w->list[i].generation << 32 | (i + 1);
	}
	return 0;
}

static struct command_run *waiting_run_pop(struct waiting *w, uint32_t i)
{
	struct command_run *run = w->list[i].run;

	w->list[i].run = NULL;
	fair_give(&w->fair, &w->list[i].held);
	return run;
}

struct command_run *waiting_pop(struct waiting *w, uint64_t ticket)
{
	uint32_t i = (uint32_t)ticket - 1;

	if (i >= WAITING_MAX || w->list[i].generation != (uint32_t)(ticket >> 32))
		return NULL;
	return waiting_run_pop(w, i);
}

struct command_run *waiting_take_any(struct waiting *w)
{
	for (uint32_t i = 0; i < WAITING_MAX; i++) {
		if (w->list[i].run)
			return waiting_run_pop(w, i);
	}
	return NULL;
}

#define REMOTE_WAIT_NS  (1 * NS_PER_S)
#define REMOTE_NO_PLACE UINT64_MAX        /* of no place of waiting */
#define PICK_WAIT_NS    (300 * NS_PER_MS) /* one that is about to be given up delays nobody */

static void command_ask_end(struct node *node, uint64_t ticket, const struct remote_joined *told)
{
	struct command_ask *question = &node->api.asks->list[(uint32_t)ticket - 1];
	struct command_run *run = waiting_pop(node->api.waiting, ticket);

	if (!run)
		return;
	question->ticket = 0;
	question->done(run, &question->join, told);
}

static void command_ask_picked_end(struct node *node, const struct park_news *told)
{
	struct command_ask *question = &node->api.asks->list[(uint32_t)told->serial - 1];
	struct command_run *run = waiting_pop(node->api.waiting, told->serial);

	if (!run)
		return;
	question->ticket = 0;
	question->picked(run, told);
}

static void command_ask_late(const struct command_ask *question)
{
	struct park_news told;

	if (!question->picked) {
		command_ask_end(question->node, question->ticket, NULL);
		return;
	}
	shard_remote_picked(question->node->shards.shared_tables, question->ticket, &told);
	command_ask_picked_end(question->node, &told);
}

static void on_command_ask_late(const struct query *q, void *arg)
{
	const struct command_ask *question = arg;

	(void)q;
	/* the place may be another question's by now */
	if (question->ticket && question->deadline_ns <= clock_now_ns())
		command_ask_late(question);
}

void command_ask_answered(struct node *node, uint64_t serial, const struct remote_joined *told)
{
	uint32_t place = (uint32_t)serial;

	if (place && place <= WAITING_MAX && node->api.asks->list[place - 1].ticket == serial)
		command_ask_end(node, serial, told);
}

void command_ask_picked(struct node *node, const struct park_news *told)
{
	uint32_t place = (uint32_t)told->serial;

	if (place && place <= WAITING_MAX && node->api.asks->list[place - 1].ticket == told->serial)
		command_ask_picked_end(node, told);
}

/* Which process has that call. False: the run has failed. */
static bool command_ask_owner(struct command_run *run, uint64_t call, uint64_t *process)
{
	const struct node *n = run->node;
	uint16_t shard = id_shard(call);
	struct channel_to to = { 0 };

	if (n->shards.shared_tables->remote && claimant_owner(n->cluster.claimant, shard, &to)) {
		*process = to.incarnation;
		return true;
	}
	if (n->shards.shared_tables->remote && claimant_knows(n->cluster.claimant, shard))
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "that call goes to another node just now: try again");
	else if (command_arg_find(run->command, BYTES_LIT("with")))
		command_fail(run, COMMAND_NOT_FOUND, "with",
			     "there is no such call: call.list shows the calls that run");
	else if (command_arg_find(run->command, BYTES_LIT("conference")))
		command_fail(run, COMMAND_NOT_FOUND, "call",
			     "there is no such call: call.list shows the calls that run");
	else
		command_fail(run, COMMAND_CONFLICT, "slot",
			     "the parked party is on another node, which cannot be asked: see "
			     "cluster.listen");
	return false;
}

static struct command_ask *command_ask_open(struct command_run *run, uint64_t wait_ns)
{
	struct node *n = run->node;
	uint64_t ticket = waiting_put(n->api.waiting, run);
	struct query *pause = ticket ? queries_open(n->api.queries) : NULL;
	struct command_ask *question = &n->api.asks->list[pause ? (uint32_t)ticket - 1 : 0];

	if (!pause) {
		(void)waiting_pop(n->api.waiting, ticket);
		command_fail(run, COMMAND_BUSY, NULL, "too many orders at once");
		return NULL;
	}
	*question = (struct command_ask){ .node = n,
					  .ticket = ticket,
					  .deadline_ns = clock_now_ns() + wait_ns };
	queries_pause(pause, question->deadline_ns, on_command_ask_late, question);
	return question;
}

const char *command_ask_tenant(struct command_run *run, uint64_t call)
{
	static struct call_view view;

	if (node_call_view(run->node, call, &view))
		return view.tenant;
	command_fail(run, COMMAND_NOT_FOUND, "call",
		     "there is no such call: call.list shows the calls that run");
	return NULL;
}

void command_ask_remote(struct command_run *run, const struct shard_join *join, const char *tenant,
			const char *slot, command_ask_fn *done)
{
	struct remote_item ask = { .kind = REMOTE_JOIN,
				   .join = { .call = join->with, .leg = join->with_leg } };
	struct command_ask *question;
	uint64_t process;

	question = command_ask_owner(run, join->with, &process)
			   ? command_ask_open(run, REMOTE_WAIT_NS)
			   : NULL;
	if (!question)
		return;
	question->join = *join;
	question->join.by = NULL;
	question->done = done;
	ask.serial = question->ticket;
	ask.join.tenant = bytes_str(tenant);
	(void)bytes_cstr(bytes_str(slot), ask.join.slot, sizeof(ask.join.slot));
	remote_watch_send(run->node->shards.shared_tables->remote, process, &ask);
}

/* Of this node: no shard is entered from within another. */
static void confer_local(struct node *node, const struct effect *e)
{
	const struct request_confer *confer = e->request;
	struct answer a = { .kind = ANSWER_CONFER,
			    .call = e->call,
			    .version = confer->room,
			    .owner = confer->dialog };

	if (text_set(&a.user, text_bytes(&confer->user)) ||
	    text_set(&a.tenant, text_bytes(&confer->tenant))) {
		text_clear(&a.user);
		return; /* No memory: the asking node repeats its request. */
	}
	answers_add(&node->shards.answers, &a);
}

void command_ask_confer(const struct effect *e, void *arg)
{
	const struct request_confer *confer = e->request;
	struct node *node = arg;
	struct channel_to to = { 0 };
	const struct remote_item ask = { .kind = REMOTE_JOIN,
					 .serial = REMOTE_NO_PLACE,
					 .join = { .call = e->call,
						   .room = confer->room,
						   .leaves = text_bytes(&confer->user),
						   .dialog = confer->dialog,
						   .tenant = text_bytes(&confer->tenant) } };

	if (!confer->room)
		return;
	if (node_shard_find(node, id_shard(e->call)))
		confer_local(node, e);
	else if (node->shards.shared_tables->remote &&
		 claimant_owner(node->cluster.claimant, id_shard(e->call), &to))
		remote_watch_send(node->shards.shared_tables->remote, to.incarnation, &ask);
}

static bool command_ask_has_others(const struct node *n)
{
	struct channel_to to[ROSTER_NODES_MAX];

	return n->shards.shared_tables->remote &&
	       claimant_processes(n->cluster.claimant, to, ROSTER_NODES_MAX);
}

bool command_ask_pick(struct command_run *run, struct shard *core, uint16_t tenant,
		      const struct remote_pick *pick, command_picked_fn *picked)
{
	struct command_ask *question;

	if (!command_ask_has_others(run->node))
		return false;
	question = command_ask_open(run, PICK_WAIT_NS);
	if (!question)
		return true;
	question->picked = picked;
	if (shard_picks_ask(core, tenant, pick, question->ticket))
		return true;
	(void)waiting_pop(run->node->api.waiting, question->ticket);
	question->ticket = 0;
	command_fail(run, COMMAND_BUSY, NULL, "too many orders at once");
	return true;
}
