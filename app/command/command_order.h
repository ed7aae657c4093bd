/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to calls: a command gives one, and its run ends when that is saved. Control thread. */
#ifndef APP_COMMAND_COMMAND_ORDER_H
#define APP_COMMAND_COMMAND_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "app/schema/command.h"
#include "sig/shard/shard.h"

struct call_order;
struct effect;
struct node;
struct prompt_terms;

/* The run waits for what becomes of an order. False: it has failed. */
bool command_order_start(struct command_run *run, struct shard_order *by);
/* Gives the order to a call, or to the one that the command names, and answers when it is saved. */
void command_order_to(struct command_run *run, uint64_t call, struct call_order *order);
void command_order_give(struct command_run *run, struct call_order *order);
/* Names of files by commas. False: the run has failed. */
bool command_files_read(struct command_run *run, struct prompt_terms *out);
/* Answers a refusal with its reason; an accepted order waits for command_ordered. of_with: the
 * refusal is about the other call. */
void command_order_end(struct command_run *run, const struct shard_order *by, bool of_with,
		       enum refusal refused);
void command_refused(struct command_run *run, enum refusal refused, bool of_with);
/* An argument that names a leg; SHARD_LEG_NONE where it is not given. */
enum shard_leg command_order_leg(const struct command_run *run, const char *name);
/* EFFECT_ORDERED. */
void command_ordered(const struct effect *e, void *node);
/* EFFECT_SET. */
void command_feature(const struct effect *e, void *node);
/* Answers to orders are not delivered any more. */
void command_orders_drop(struct node *node);
/* Another node may know more of the phones of that user of the tenant: true, and the command begins
 * anew when the store has said. */
bool command_awaits_user(struct command_run *run, const char *of, struct bytes user);
/* The locations are open: commands look users up. */
void command_looks_join(struct node *node);
/* What the reason of a refusal (sig_refused_name) means, and what to do. False: it is unknown. */
bool refusal_words(const char *name, const char **sentence, const char **next);

#endif
