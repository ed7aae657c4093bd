/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API: one more door to the command table, /v1/... (app/schema/route.h). A client shows a
 * token (app/schema/token_field.h). The web thread checks each request: token, path, arguments,
 * role; so a wrong request costs that thread alone. Valid commands are carried out by the loop's
 * thread, or by the node of their object, which is asked through Redis like any client asks it.
 */
#ifndef APP_COMMAND_DOOR_H
#define APP_COMMAND_DOOR_H

#include <stdint.h>

#include "base/compiler.h"

struct door;
struct node;
struct tokens;
struct web_door;

void door_setup(void); /* main thread, once */
/* Before documents are loaded. 0 or -errno. */
int door_open(struct door **out, struct node *node) NODISCARD;
/* The web thread has ended: later answers go nowhere. NULL is fine. */
void door_shut(struct door *d);
void door_close(struct door *d); /* no command is under way; NULL is fine */
const struct web_door *door_web(const struct door *d);
struct tokens *door_tokens(const struct door *d);
void door_expire(struct door *d, uint64_t now_ns);

#endif
