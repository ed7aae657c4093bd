/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each command is in HTTP (RFC 9110). Method and path follow from its name, so that no
 * command has a path of its own:
 *
 *     NOUN.list                GET    /v1/NOUNS
 *     NOUN.get, NOUN.show      GET    /v1/NOUNS/{key}
 * NOUN.put                 PATCH  /v1/NOUNS/{key}         creates one, or changes given fields
 *     NOUN.delete              DELETE /v1/NOUNS/{key}
 *     NOUN.originate, add, create   POST /v1/NOUNS
 *     NOUN.VERB                POST   /v1/NOUNS/{key}/VERB    GET where it changes nothing
 * NOUN.PART.VERB           the same below /v1/NOUNS/{key}/PARTS; its first argument is {key}
 *
 * A command that has another first argument than the key of its noun is /v1/NOUNS:VERB; a noun
 * without a list has no plural. Pure; any thread once route_setup has run.
 */
#ifndef APP_SCHEMA_ROUTE_H
#define APP_SCHEMA_ROUTE_H

#include "app/schema/command.h"

enum route_method { ROUTE_GET, ROUTE_POST, ROUTE_PATCH, ROUTE_DELETE, ROUTE_METHODS };
extern const char *const g_route_methods[ROUTE_METHODS];

enum { ROUTE_PATH_MAX = 96, ROUTE_ALLOW_MAX = 32, ROUTE_KEYS = 2 };
#define ROUTE_HEAD "/v1/"

struct route {
	const struct command *command;
	enum route_method method;
	const char *keys[ROUTE_KEYS]; /* arguments in the path; NULL: no more */
	char path[ROUTE_PATH_MAX];
};

void route_setup(void); /* before the others; main thread, once */
/* Of a command of the table. */
const struct route *route_of(const struct command *command);
bool route_has_key(const struct route *r, const char *name);
/* Finds the route of a path without query, and its raw arguments.
 * NULL: none, or *allow has the methods of the path. */
const struct route *route_find(enum route_method method, struct bytes path,
			       struct bytes keys[ROUTE_KEYS], char allow[ROUTE_ALLOW_MAX]);
/* Puts arguments of the path and the query (decoded, each NAME=VALUE and a line feed) into args by
 * their types. NULL, or the error; *argument is the name, and args may be incomplete. */
const char *route_args(const struct route *r, const struct bytes keys[ROUTE_KEYS],
		       struct bytes query, json_t *args, struct bytes *argument);

#endif
