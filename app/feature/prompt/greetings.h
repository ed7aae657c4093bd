/* SPDX-License-Identifier: Apache-2.0 */
/* Greetings of extensions, which are prompts. Control thread. */
#ifndef APP_FEATURE_PROMPT_GREETINGS_H
#define APP_FEATURE_PROMPT_GREETINGS_H

#include "app/schema/command.h"

/* What a greeting is for; ends with NULL. */
extern const char *const g_greeting_states[];

/* struct command.order of command_greeting. */
enum greeting_deed { GREETING_PUT, GREETING_RECORD, GREETING_HEAR, GREETING_DELETE };

command_fn command_greeting, command_greeting_list;

#endif
