/* SPDX-License-Identifier: Apache-2.0 */
/* What numbers mean by the dial plan of a tenant. Control thread. */
#ifndef APP_COMMAND_COMMAND_TRUNK_H
#define APP_COMMAND_COMMAND_TRUNK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "sig/dial/dial.h"

struct node;

/* A warning where the number is one for emergencies. */
void command_warn_emergency(const struct node *n, uint16_t tenant, struct bytes number,
			    json_t *out);
/* It belongs to a user of the tenant, or is an outside number. */
bool command_number_known(const struct node *n, uint16_t tenant, struct bytes number);
/* What a phone of the tenant that may call anything means by it, as dialplan.check says: a constant
 * word. */
const char *command_number_meaning(const struct node *n, uint16_t tenant, struct bytes number);
/* struct node_hooks.number_wrong */
bool command_number_wrong(const struct node *n, uint16_t tenant, struct bytes number, char *why);
/* The digit map of its dial plan for phones. False: it does not fit. */
bool tenant_digit_map(struct node *node, uint16_t tenant, enum dial_map_form form,
		      struct writer *w);

#endif
