/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that wait for something: for the save of what they changed, or for another node.
 * `waiting` holds their runs by ticket, with a fair share for each tenant, token and user; the rest
 * asks the node of another call, or all nodes for a ringing call, through sig/remote. Handlers of
 * join, link, pickup and conferences call it. Every question has a deadline, so a run always ends.
 */

#include <stddef.h>

#include "app/command/command_request.h"
#include "app/command/command_start.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "sig/feature/pick/pick_ringing.h"
#include "sig/remote/remote_watch.h"
#include "sig/sip/id.h"

void waiting_open(struct waiting *w, struct rand_source *rand)
{
	fair_open(&w->fair, WAITING_MAX, rand);
}

void waiting_close(struct waiting *w)
{
	fair_close(&w->fair);
}

static uint64_t waiting_ticket(const struct waiting *w, uint32_t i)
{
	return (uint64_t)w->list[i].generation << 32 | (i + 1);
}

uint64_t waiting_put(struct waiting *w, struct command_run *run)
{
	const struct fair_who who = command_holder(run);
	struct fair_held held = { 0 };

	for (uint32_t i = 0; i < WAITING_MAX; i++) {
		struct waiting_place *place = &w->list[i];

		if (place->run)
			continue;
		if (fair_admit(&w->fair, &who, 1, &held) != FAIR_FINE)
			return 0;
		*place = (struct waiting_place){ .run = run,
						 .generation = place->generation + 1,
						 .held = held };
		return waiting_ticket(w, i);
	}
	return 0;
}

static struct command_run *waiting_run_pop(struct waiting *w, struct waiting_place *place)
{
	struct command_run *run = place->run;

	place->run = NULL;
	ticket_end(&place->late);
	fair_give(&w->fair, &place->held);
	return run;
}

static struct waiting_place *waiting_find(struct waiting *w, uint64_t ticket)
{
	uint32_t i = (uint32_t)ticket - 1;

	return i < WAITING_MAX && w->list[i].run &&
			       w->list[i].generation == (uint32_t)(ticket >> 32)
		       ? &w->list[i]
		       : NULL;
}

struct command_run *waiting_pop(struct waiting *w, uint64_t ticket)
{
	struct waiting_place *place = waiting_find(w, ticket);

	return place ? waiting_run_pop(w, place) : NULL;
}

struct command_run *waiting_take_any(struct waiting *w)
{
	for (uint32_t i = 0; i < WAITING_MAX; i++) {
		if (w->list[i].run)
			return waiting_run_pop(w, &w->list[i]);
	}
	return NULL;
}

#define REMOTE_WAIT_NS  (1 * NS_PER_S)
#define REMOTE_NO_PLACE UINT64_MAX        /* of no place of waiting */
#define PICK_WAIT_NS    (300 * NS_PER_MS) /* one that is about to be given up delays nobody */

/* What it calls may take the place again. */
static void command_ask_end(struct waiting *w, struct waiting_place *place,
			    const struct remote_joined *told)
{
	struct shard_join join = place->join;
	command_ask_fn *done = place->done;

	done(waiting_run_pop(w, place), &join, told);
}

static void command_ask_picked_end(struct waiting *w, struct waiting_place *place,
				   const struct park_reply *told)
{
	command_picked_fn *picked = place->picked;

	picked(waiting_run_pop(w, place), told);
}

static void command_ask_late(struct ticket *t)
{
	struct waiting_place *place = CONTAINER_OF(t, struct waiting_place, late);
	struct waiting *w = place->node->api.waiting;
	uint32_t i = (uint32_t)(place - w->list);
	struct park_reply told;

	if (place->done) {
		command_ask_end(w, place, NULL);
		return;
	}
	if (!place->picked) {
		struct command_run *run = waiting_run_pop(w, place);

		run->command->fn(run);
		return;
	}
	shard_remote_picked(place->node->common.shared_tables, waiting_ticket(w, i), &told);
	command_ask_picked_end(w, place, &told);
}

void command_ask_answered(struct node *node, uint64_t serial, const struct remote_joined *told)
{
	struct waiting_place *place = waiting_find(node->api.waiting, serial);

	if (place && place->done)
		command_ask_end(node->api.waiting, place, told);
}

void command_ask_picked(struct node *node, const struct park_reply *told)
{
	struct waiting_place *place = waiting_find(node->api.waiting, told->serial);

	if (place && place->picked)
		command_ask_picked_end(node->api.waiting, place, told);
}

/* Which process has that call. False: the run has failed. */
static bool command_ask_owner(struct command_run *run, uint64_t call, uint64_t *process)
{
	const struct node *n = run->node;
	uint16_t shard = id_shard(call);
	struct channel_to to = { 0 };

	if (n->common.shared_tables->remote && claimant_owner(n->cluster->claimant, shard, &to)) {
		*process = to.incarnation;
		return true;
	}
	if (n->common.shared_tables->remote && claimant_knows(n->cluster->claimant, shard))
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

static struct waiting_place *command_ask_open(struct command_run *run, uint64_t wait_ns,
					      uint64_t *ticket)
{
	struct waiting *w = run->node->api.waiting;
	struct waiting_place *place;

	*ticket = waiting_put(w, run);
	place = waiting_find(w, *ticket);
	if (place) {
		place->node = run->node;
		ticket_wait(run->node->api.tickets, &place->late, clock_now_ns() + wait_ns,
			    command_ask_late);
	} else {
		command_fail(run, COMMAND_BUSY, NULL, "too many orders at once");
	}
	return place;
}

bool command_run_again(struct command_run *run, uint64_t wait_ns)
{
	struct node *n = run->node;
	struct waiting_place *place =
		waiting_find(n->api.waiting, waiting_put(n->api.waiting, run));

	if (!place)
		return false;
	place->node = n;
	ticket_wait(n->api.tickets, &place->late, clock_now_ns() + wait_ns, command_ask_late);
	return true;
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
	struct waiting_place *question;
	uint64_t process;

	question = command_ask_owner(run, join->with, &process)
			   ? command_ask_open(run, REMOTE_WAIT_NS, &ask.serial)
			   : NULL;
	if (!question)
		return;
	question->join = *join;
	question->join.by = NULL;
	question->done = done;
	ask.join.tenant = bytes_str(tenant);
	if (run->command->own && bytes_list_has(bytes_str(run->command->own), BYTES_LIT("with")))
		ask.join.leaves = bytes_str(run->user);
	(void)bytes_cstr(bytes_str(slot), ask.join.slot, sizeof(ask.join.slot));
	remote_watch_send(run->node->common.shared_tables->remote, process, &ask);
}

/* Of this node: no shard is entered from within another. */
static void conference_local(struct node *node, const struct effect *e)
{
	const struct request_conference *to_conference = e->request;
	struct answer a = { .kind = ANSWER_CONFERENCE,
			    .call = e->call,
			    .version = to_conference->room,
			    .owner = to_conference->dialog };

	if (text_set(&a.user, text_bytes(&to_conference->user)) ||
	    text_set(&a.tenant, text_bytes(&to_conference->tenant))) {
		text_clear(&a.user);
		return; /* No memory: the asking node repeats its request. */
	}
	answers_add(&node->shards->answers, &a);
}

void command_conference_requested(const struct effect *e, void *arg)
{
	const struct request_conference *to_conference = e->request;
	struct node *node = arg;
	struct channel_to to = { 0 };
	const struct remote_item ask = { .kind = REMOTE_JOIN,
					 .serial = REMOTE_NO_PLACE,
					 .join = { .call = e->call,
						   .room = to_conference->room,
						   .leaves = text_bytes(&to_conference->user),
						   .dialog = to_conference->dialog,
						   .tenant = text_bytes(&to_conference->tenant) } };

	if (!to_conference->room)
		return;
	if (node_shard_find(node, id_shard(e->call)))
		conference_local(node, e);
	else if (node->common.shared_tables->remote &&
		 claimant_owner(node->cluster->claimant, id_shard(e->call), &to))
		remote_watch_send(node->common.shared_tables->remote, to.incarnation, &ask);
}

bool command_ask_has_others(const struct node *n)
{
	struct channel_to to[ROSTER_NODES_MAX];

	return n->common.shared_tables->remote &&
	       claimant_processes(n->cluster->claimant, to, ROSTER_NODES_MAX);
}

bool command_ask_pick(struct command_run *run, struct shard *core, uint16_t tenant,
		      const struct remote_pick *pick, command_picked_fn *picked)
{
	struct waiting_place *question;
	uint64_t ticket;

	if (!command_ask_has_others(run->node))
		return false;
	question = command_ask_open(run, PICK_WAIT_NS, &ticket);
	if (!question)
		return true;
	question->picked = picked;
	if (shard_picks_request(core, tenant, pick, ticket))
		return true;
	(void)waiting_pop(run->node->api.waiting, ticket);
	command_fail(run, COMMAND_BUSY, NULL, "too many orders at once");
	return true;
}
