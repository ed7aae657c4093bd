/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control API on this machine: the stream socket STATE_DIR/control.sock, of mode 0600. It needs
 * no Redis. The kernel names the peer: the node's user and root are operators, and may speak as a
 * tenant in one of its roles; all others are disconnected. A request is a line of JSON
 * (struct local_request), as is its answer, in the form of Redis's (command.h). "elsewhere":true
 * means that another node has the object, or that this node still starts: ask through Redis. A
 * connection has one command under way, and is not read until its answer was taken; so a slow
 * client costs a place, for half a minute at most. Control thread.
 */
#ifndef APP_COMMAND_CONTROL_LOCAL_H
#define APP_COMMAND_CONTROL_LOCAL_H

#include "app/schema/command.h"
#include "base/bytes.h"

#define CONTROL_LOCAL_SOCKET "control.sock"

struct control_local;
struct node;

void control_local_setup(void); /* registers the metrics; main thread, once */
/* NULL: it cannot be opened (logged): the node does without. */
struct control_local *control_local_open(struct node *node);
void control_local_expire(struct control_local *l, uint64_t now_ns);
uint64_t control_local_next_ns(const struct control_local *l);
/* No command is under way any more. NULL is fine. */
void control_local_close(struct control_local *l);

/* A request by the local socket:
 * {"id":"...","do":"call.list","args":{...},"tenant":"acme","role":"reader"}. */

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
