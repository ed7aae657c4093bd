/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the command table, and what they share. */
#ifndef APP_COMMAND_HANDLERS_H
#define APP_COMMAND_HANDLERS_H

#include "app/command.h"
#include "base/addr.h"

command_fn command_extension_put, command_extension_get, command_extension_delete,
	command_extension_list;
command_fn command_call_list, command_call_show, command_call_hangup;
command_fn command_registration_list;
command_fn command_cdr_list;
command_fn command_node_status, command_log_level, command_help;

json_t *command_addr_json(const struct addr *a); /* "192.0.2.1:5060", null for ADDR_NONE */
json_t *command_text_json(struct bytes text);    /* bytes that are no UTF-8 become '?' */
json_t *command_call_id_json(uint64_t call);
/* The argument "call"; fails the run and returns false when it is no call id. */
bool command_call_id(struct command_run *run, uint64_t *call);

#endif
