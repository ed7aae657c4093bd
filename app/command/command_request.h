/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that wait, and those that ask other nodes about a call before they run here. */
#ifndef APP_COMMAND_COMMAND_ASK_H
#define APP_COMMAND_COMMAND_ASK_H

#include "base/bytes.h"
#include "base/fair.h"
#include "base/ticket.h"
#include "sig/remote/remote_state.h"
#include "sig/shard/shard.h"

/* Commands that wait for something, by tickets: for the save of what they changed, a phone, a
 * process of this node, or another node. Control thread. */

struct command_run;
struct node;

enum { WAITING_MAX = 256 }; /* a tenant alone has half of them */

/* told: NULL: the other node has not answered in time. */
typedef void command_ask_fn(struct command_run *run, struct shard_join *join,
			    const struct remote_joined *told);

/* Which call rings, of all nodes. */
typedef void command_picked_fn(struct command_run *run, const struct park_reply *told);

struct waiting {
	struct waiting_place {
		struct command_run *run; /* NULL: free */
		uint32_t generation;
		struct fair_held held;
		/* Of a question to other nodes; else zero: who was asked always answers. */
		struct ticket late;
		command_ask_fn *done;
		struct shard_join join;
		struct node *node;
		command_picked_fn *picked; /* in place of done: it is about a call that rings */
	} list[WAITING_MAX];
	struct fair fair; /* runs by tenant, token and user */
};

void waiting_open(struct waiting *w, struct rand_source *rand);
void waiting_close(struct waiting *w);
/* Returns the ticket for waiting_pop, never 0; 0: full, or tenant, token or user has its share. */
uint64_t waiting_put(struct waiting *w, struct command_run *run);
/* NULL: nobody waits with it. */
struct command_run *waiting_pop(struct waiting *w, uint64_t ticket);
/* The command runs again after that time. False: too many wait. */
bool command_run_again(struct command_run *run, uint64_t wait_ns);
/* Whether there are other nodes that can be asked. */
bool command_ask_has_others(const struct node *n);
/* Any; NULL: nobody waits. */
struct command_run *waiting_take_any(struct waiting *w);
/* Asks the node that has join->with, a call of that tenant. done is called later, or the run has
 * failed. slot: the parking slot where its party must wait; "": anywhere. */
void command_ask_remote(struct command_run *run, const struct shard_join *join, const char *tenant,
			const char *slot, command_ask_fn *done);
/* The name of the tenant of a call here. NULL: there is no such call, and the run has failed. */
const char *command_ask_tenant(struct command_run *run, uint64_t call);
/* EFFECT_CONFERENCE: sends the order to the shard of the call, on whichever node. No reply. */
void command_conference_requested(const struct effect *e, void *node);
/* It has answered. */
void command_ask_answered(struct node *node, uint64_t serial, const struct remote_joined *told);
/* Asks all other nodes for their longest ringing call, or the user's own, besides this node's.
 * picked is called later, or the run has failed. False: there are no other nodes. */
bool command_ask_pick(struct command_run *run, struct shard *core, uint16_t tenant,
		      const struct remote_pick *pick, command_picked_fn *picked);
/* They have answered. */
void command_ask_picked(struct node *node, const struct park_reply *told);

#endif
