/* SPDX-License-Identifier: Apache-2.0 */
/* What the documents of tenants say, for other commands and the start. Control thread. */
#ifndef APP_COMMAND_COMMAND_TENANT_H
#define APP_COMMAND_COMMAND_TENANT_H

#include <stdbool.h>
#include <stdint.h>

struct node;
struct tenant_value;

/* Once the control API is open: reads the streams of tenants as their documents say. */
void command_tenants_listen(struct node *n);
/* Its document. False: there is no such tenant. */
bool command_tenant_value(const struct node *n, const char *name, struct tenant_value *out);
/* Classes of numbers outside that a new extension of it may call (MGT-09). */
uint8_t command_tenant_first_classes(const struct node *n, uint16_t tenant);
/* ... and the most BLF entries of an extension of the tenant. */
uint32_t command_tenant_blf_limit(const struct node *n, uint16_t tenant);
/* ... and the default capacity of a mailbox in messages; 0: no limit. */
uint16_t command_tenant_mailbox_messages(const struct node *n, uint16_t tenant);

#endif
