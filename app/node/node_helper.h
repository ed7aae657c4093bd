/* SPDX-License-Identifier: Apache-2.0 */
/* The node's side of the helper processes (app/helper/helper.h, hooks.h): one makes requests for
 * calls, from the first request on, and one delivers webhooks, from the first webhook on. Control
 * thread. */
#ifndef APP_NODE_NODE_HELPER_H
#define APP_NODE_NODE_HELPER_H

#include "app/child/child_link.h"
#include "app/helper/asked.h"
#include "app/schema/feature.h"

extern const struct child_kind g_helper_child, g_webhooks_child;
extern const struct metric_def g_webhook_metric_rows[];

void node_helper_setup(void); /* the metric that is a histogram */
/* done is called once, after ms or somewhat later at the latest; before this returns if the process
 * has just died. args: stolen. False: it is not called: too many requests, or the process does not
 * run. */
bool node_helper_request(struct node *n, const char *kind, json_t *args, uint16_t tenant,
			 uint32_t ms, child_answer_fn *done, void *arg) NODISCARD;
/* Likewise of the webhooks process. */
bool node_hooks_request(struct node *n, const char *kind, json_t *args, uint16_t tenant,
			uint32_t ms, child_answer_fn *done, void *arg) NODISCARD;
/* A line for it; if it does not run it is told all at its start. line: stolen. */
void node_hooks_send(struct node *n, json_t *line);
bool node_helper_runs(const struct node *n);
void node_helper_close(struct node *n);

#endif
