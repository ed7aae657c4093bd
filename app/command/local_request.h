/* SPDX-License-Identifier: Apache-2.0 */
/* A request of the local socket: {"id":"...","do":"call.list","args":{...},"tenant":"acme","role":"reader"}. */
#ifndef APP_COMMAND_LOCAL_REQUEST_H
#define APP_COMMAND_LOCAL_REQUEST_H

#include "app/command/command.h"

struct local_request {
	json_t *json; /* owned; what is below lies in it */
	struct bytes id, command;
	struct bytes tenant; /* empty: the request is an operator's */
	enum command_role role;
	const json_t *args; /* or NULL */
};

/* NULL, or what is wrong with the line; then nothing is owned. */
const char *local_request_read(struct local_request *out, struct bytes line);
void local_request_free(struct local_request *r);

#endif
