/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control API on Redis. Commands come as entries of td:{cmd:TENANT}:in (operators: td:{cmd:_operator}:in), read by the consumer
 * group "nodes"; results go to td:{cmd:TENANT}:out:CLIENT. Roles below admin have td:{cmd:TENANT}:ROLE: in place of td:{cmd:TENANT}:, so
 * ids and answers of one role are nothing of another's. Control thread.
 *
 * At least once, without a second effect: before a command runs its id is claimed in td:{cmd:TENANT}:done:ID; afterwards one script
 * puts the result there, sends it, and takes the entry off the stream. An entry that comes again finds the result and gets the same
 * answer. If the node dies between effect and script, the entry is read again and the command runs again: every command of the table
 * then has the same effect as once. Calls keep their newest orders for that (sig/model/orders.h).
 */
#ifndef APP_COMMAND_CONTROL_H
#define APP_COMMAND_CONTROL_H

#include "base/bytes.h"

struct control;
struct redis_place;
struct node;

enum { CONTROL_STREAMS_MAX = 1024 }; /* of all tenants that are read */

void control_setup(void); /* registers the metrics; main thread, once */
/* Reads what operators say from now on. place: the node's Redis; links of its own, since reading blocks. 0 or -errno. */
int control_open(struct control **out, struct node *node,
		 const struct redis_place *place) NODISCARD;
/* Of that tenant the streams of these roles are read from now on, and no others. roles: 1 << enum command_role of each. */
void control_tenant_set(struct control *c, const char *tenant, uint32_t roles);
/* So many streams of it may be read. */
bool control_has_room(const struct control *c, const char *tenant, uint32_t roles);
/* No further commands; those under way are finished. */
void control_stop(struct control *c);
/* The link for results is up: commands may come again. */
void control_wake(struct control *c);
void control_close(struct control *c);
void control_flush(struct control *c);
void control_expire(struct control *c, uint64_t now_ns);
uint64_t control_next_ns(const struct control *c);
/* Commands under way. */
uint32_t control_running(const struct control *c);

#endif
