/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of calls to web applications and speech engines. Control thread. */
#ifndef APP_COMMAND_COMMAND_HELPER_H
#define APP_COMMAND_COMMAND_HELPER_H

#include <jansson.h>

struct effect;
struct node;

/* EFFECT_HELPER. */
void command_helper(const struct effect *e, void *node);
/* The web application of a call has sent something unasked. */
void command_helper_on_line(struct node *n, const json_t *line);

#endif
