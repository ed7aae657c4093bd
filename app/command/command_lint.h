/* SPDX-License-Identifier: Apache-2.0 */
/* Whether emergency numbers can be called, and which settings hardly mean what they say. */
#ifndef APP_COMMAND_COMMAND_LINT_H
#define APP_COMMAND_COMMAND_LINT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/schema/command.h"

struct node;

enum { HELP_WORDS_MAX = 160, HELP_NUMBER_MAX = 16 };

/* Result of a call to an emergency number. */
struct command_help {
	char number[HELP_NUMBER_MAX];
	/* By the tenant, or for the node: it is not one of the usual numbers of the world. */
	bool chosen;
	bool fails;
	/* why it fails, or what a call that does not fail relies on; "": nothing is wrong */
	char words[HELP_WORDS_MAX];
	const char *next; /* what to do */
};
/* For the i-th emergency number of a tenant. False: it has no more. */
bool command_help_find(const struct node *n, uint16_t tenant, uint32_t i, struct command_help *out);
/* Checks each second that all tenants can call for help: /healthz, a metric and the log say it. */
void command_help_beat(struct node *n, uint64_t now_ns);
void command_lint_setup(void); /* registers the metric; main thread, once */

command_fn command_lint;

#endif
