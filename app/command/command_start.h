/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a command in the name of a principal: for doors, and for commands that others cause.
 * Control thread. */
#ifndef APP_COMMAND_COMMAND_START_H
#define APP_COMMAND_COMMAND_START_H

#include <stdint.h>

#include "app/schema/command.h"
#include "base/addr.h"
#include "base/bytes.h"
#include "base/fair.h"

struct node;

/* The principal of a command. */
struct command_principal {
	char tenant[COMMAND_TENANT_MAX];
	enum command_role role;              /* of a user: the lowest */
	char user[COMMAND_USER_MAX];         /* the extension that asks; "": it is no user */
	char patterns[COMMAND_PATTERNS_MAX]; /* by the token; "": as the role may */
	struct addr source;                  /* ADDR_NONE: not known */
	int file;                            /* 1 + a descriptor that is handed over; 0: none */
	const char *door, *by;               /* as in command_run; NULL: the node itself */
};

static inline struct command_right command_right_of(const struct command_run *run)
{
	return (struct command_right){ run->role, run->user, run->patterns };
}

/* Holder of the table places that the run takes: tenant, token and user. Points into the run. */
struct fair_who command_holder(const struct command_run *run);
/* The principal of that command with that role in its tenant, for its consequences.
 * Points into the run. */
struct command_principal command_in_name(const struct command_run *run, enum command_role role);
/* Deletes a document of the run's tenant, which goes with one that the run has deleted. */
void command_document_drop(const struct command_run *run, struct bytes kind, struct bytes name);
/* Notes the end of that command for the audit; NULL: it changes nothing. */
command_ended_fn *command_audit_of(const struct command_run *run);
/* An entry of operators: the node has taken that shard, as if it had given the command itself. */
void command_audit_taken(struct node *n, uint16_t shard, uint64_t epoch);

/* Finds, checks and starts a command. done is called once, maybe before this returns. id: the same
 * id again is the same command; unique among all principals. args: borrowed, may be NULL. */
void command_start(struct node *node, const struct command_principal *who, struct bytes name,
		   struct bytes id, const json_t *args, command_done_fn *done, void *arg);

#endif
