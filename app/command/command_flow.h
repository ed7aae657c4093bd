/* SPDX-License-Identifier: Apache-2.0 */
/* Flows: those that a node ships, and the texts of programs, which calls read from Redis. Control
 * thread. */
#ifndef APP_COMMAND_COMMAND_FLOW_H
#define APP_COMMAND_COMMAND_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "app/schema/command.h"
#include "base/bytes.h"

struct document_kind;
struct effect;
struct flow_program;
struct node;
struct snapshot_document;

/* The number leads to a flow: then the run has failed. */
bool command_number_leads(struct command_run *run, struct bytes number);
/* At start: flows that every tenant has. 0 or -errno. */
int command_flows_ship(struct node *n) NODISCARD;
/* Twice a second: keeps the texts of all tenants' flows from expiring. */
void command_flows_beat(struct node *n, uint64_t now_ns);
/* Its text is in Redis by its hash; then the document of the run is put. */
void command_flow_text_put(struct command_run *run, const struct flow_program *p);
/* A command: puts a document of the command's kind, which has a flow (struct document_kind), behind
 * the text of that flow. */
void command_flow_kind_put(struct command_run *run);
/* The flow of such a document in effect, or gone. 0, -ENOSPC or -ENOMEM. */
int command_flow_kind_apply(struct node *n, uint16_t tenant, const struct document_kind *kind,
			    const char *name, const void *value) NODISCARD;
void command_flow_kind_forget(struct node *n, uint16_t tenant, const struct document_kind *kind,
			      const char *name);
/* Keeps the program text of a document that a set has put. */
void command_flow_text_keep(struct node *n, const struct snapshot_document *d);
/* EFFECT_PROGRAM. */
void command_flow_program(const struct effect *e, void *node);

#endif
