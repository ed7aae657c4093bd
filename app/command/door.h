/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API: one more door to the command table, /v1/... (app/schema/route.h). A client shows a
 * token (app/schema/token_field.h). The web thread checks each request: token, path, arguments,
 * role; so a wrong request costs that thread alone. Valid commands are carried out by the loop's
 * thread, or by the node of their object, which is asked through Redis like any client asks it.
 */
#ifndef APP_COMMAND_DOOR_H
#define APP_COMMAND_DOOR_H

#include "app/schema/token_field.h"
#include "base/bytes.h"

/* Of all tenants; sessions are tokens, too. */
enum { DOOR_TOKENS_MAX = 16384, DOOR_SESSIONS_MAX = 12288 };

struct door;
struct token_value;
struct node;
struct web_door;

void door_setup(void); /* main thread, once */
/* Before documents are loaded. 0 or -errno. */
int door_open(struct door **out, struct node *node) NODISCARD;
/* The web thread has ended: later answers go nowhere. NULL is fine. */
void door_shut(struct door *d);
void door_close(struct door *d); /* no command is under way; NULL is fine */
const struct web_door *door_web(const struct door *d);
/* A tenant's token counts from now on, or no longer. 0, -ENOSPC or -ENOMEM. */
int door_token_put(struct door *d, const char *tenant, const struct token_value *v) NODISCARD;
/* Those sessions of the tenant which are not over and of which that says true. */
uint32_t door_sessions(struct door *d, const char *tenant,
		       bool (*counts)(void *arg, const char *name, const char *user), void *arg);
void door_token_delete(struct door *d, const char *tenant, const char *name);
/* Number of commands under way. NULL is fine for these two: not open yet. */
uint32_t door_running(const struct door *d);
void door_expire(struct door *d, uint64_t now_ns);

#endif
