/* SPDX-License-Identifier: Apache-2.0 */
/* Presence of extensions, as commands change it and show it. Control thread. */
#ifndef APP_COMMAND_COMMAND_PRESENCE_H
#define APP_COMMAND_COMMAND_PRESENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/schema/command.h"

struct effect;
struct extension;
struct node;

/* EFFECT_PUBLISH. */
void command_publish(const struct effect *e, void *arg);
/* Changes an extension by a command of g_presence_documents. False: the run has failed. */
bool command_presence_make(struct command_run *run, struct extension *e);
json_t *command_presence_show(const struct node *node, uint16_t tenant, const void *value);
/* A word that the tenant's extensions may have. False: the run has failed. */
bool command_presence_may(struct command_run *run, const char *state);
/* An extension was changed by command: sends an event if its presence changed. */
void command_presence_saved(struct command_run *run, const void *value, json_t *view);

#endif
