/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions and their numbers, for other commands. Control thread. */
#ifndef APP_COMMAND_COMMAND_EXTENSION_H
#define APP_COMMAND_COMMAND_EXTENSION_H

#include <stdbool.h>

#include "app/schema/command.h"
#include "base/bytes.h"

/* A phone dials it for a feature, by the tenant's codes. */
bool command_is_code(const struct command_run *run, struct bytes number);
/* The tenant's dial plan has no number plan of extensions, or the number is in it. */
bool command_in_number_plan(const struct node *node, uint16_t tenant, struct bytes number);
#define COMMAND_NOT_IN_PLAN \
	"it is not in the number plan of the tenant's extensions: extensions of dialplan.show"
#define COMMAND_NO_EXTENSION "there is no such extension: extension.list shows all of them"
#define COMMAND_NUMBER_IS_CODE \
	"number begins with a feature code: see codes in the node file, and dialplan.show"

#endif
