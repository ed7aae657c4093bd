/* SPDX-License-Identifier: Apache-2.0 */
/* Whether help can be called, and what else of the configuration hardly means what it says. */
#ifndef APP_COMMAND_COMMAND_LINT_H
#define APP_COMMAND_COMMAND_LINT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/schema/command.h"

struct node;

enum { HELP_WORDS_MAX = 160, HELP_NUMBER_MAX = 16 };

/* What a call for help gets. */
struct command_help {
	char number[HELP_NUMBER_MAX];
	bool chosen; /* by the tenant, or for the node: it is not one of the usual ones of the world */
	bool fails;
	char words[HELP_WORDS_MAX]; /* ... why, */
	const char *next;           /* and what to do */
};
/* By the i-th emergency number of a tenant. False: it has no more. */
bool command_help_find(const struct node *n, uint16_t tenant, uint32_t i, struct command_help *out);
/* Looks each second whether all tenants can call help: /healthz, a metric and the log say it. */
void command_help_beat(struct node *n, uint64_t now_ns);
void command_lint_setup(void); /* registers the metric; main thread, once */

command_fn command_lint;

#endif
