/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of mailboxes, as others need them. Control thread. */
#ifndef APP_COMMAND_COMMAND_MESSAGE_H
#define APP_COMMAND_COMMAND_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"

struct command_run;
struct extension_box;
struct node;

/* The work for message.forward or message.link is done. */
void command_message_on_copied(struct command_run *run);
/* struct node_hooks.box, .originate */
bool command_box_of(const struct node *n, const char *tenant, struct bytes number,
		    struct extension_box *out);
void command_box_call(struct node *n, const char *tenant, const char *id, json_t *args,
		      void (*done)(json_t *answer, void *arg), void *arg);

#endif
