/* SPDX-License-Identifier: Apache-2.0 */
/* The process of webhooks: what it is told, and what it tells. Control thread. */
#ifndef APP_COMMAND_COMMAND_WEBHOOK_H
#define APP_COMMAND_COMMAND_WEBHOOK_H

#include <jansson.h>

struct node;

/* Webhooks of a tenant count as its document says; "": of all tenants. */
void command_webhooks_send(struct node *n, const char *tenant);
/* A webhook is switched off: its server wants no more events. */
void command_webhook_on_line(struct node *n, const json_t *line);

#endif
