/* SPDX-License-Identifier: Apache-2.0 */
/* Users: whether their sessions are valid, and what they may see of calls. Control thread. */
#ifndef APP_COMMAND_COMMAND_SESSION_H
#define APP_COMMAND_COMMAND_SESSION_H

#include <jansson.h>
#include <stdbool.h>

#include "app/schema/command.h"

struct node;

/* Checks the user of the run: its extension exists, and the named call is its own. No user: nothing
 * to check. 0, or -EINVAL and *error. */
int command_user_check(struct command_run *run, struct command_error *error) NODISCARD;
/* A session of that name is valid as long as its user keeps the password of its start. */
bool command_session_counts(const struct node *node, const char *tenant, const char *user,
			    const char *name);
/* Users of the run's tenant who are logged in without a seat of their own (web). */
uint32_t command_session_seats(const struct command_run *run);
/* The parties by the record of a call. A number that came by a trunk is never one of ours. */
struct call_parties {
	const char *from, *from_trunk, *to, *to_trunk, *forwarded_to;
};
/* The user was a party of that call, or the run has no user. */
bool command_user_was(const struct command_run *run, struct call_parties p);
/* Reduces a call to what the user may see, in place. Without a user: all. */
void command_user_view(const struct command_run *run, json_t *call);
/* Hides parties of a call or its record, as an object, that withhold their identity from the
 * token's user, also from filters (party_is_shown). NULL is fine. */
void command_party_hide(const struct command_run *run, json_t *call);

#endif
